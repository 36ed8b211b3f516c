using System.Numerics;

namespace Leith.Core;

/// <summary>result = G(state, t) on a torus as a list of operations over numbered buffers: transforms, Fourier multipliers, pointwise programs.</summary>
public sealed class FieldProgram
{
    private enum Content { Nothing, Spectrum, Real }

    private readonly Content[] _content;

    /// <summary>A program; all that can be wrong with it is found here.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="buffers">Number of buffers, buffer 0 (the state's spectrum) included.</param>
    /// <param name="operations">What to do, in order.</param>
    /// <param name="result">The buffer that holds the result's spectrum at the end.</param>
    /// <exception cref="LeithException">
    /// A buffer out of range, written over the state, read before it is written, or of the wrong content; a symbol of the wrong length or one that does not map
    /// real fields to real fields; a side the FFT does not have. The message names the operation.
    /// </exception>
    public FieldProgram(Grid grid, int buffers, IReadOnlyList<FieldOperation> operations, int result)
    {
        if (buffers < 1) throw new LeithException($"field program: expected at least one buffer, the state's spectrum, got {buffers}.");
        new LaneFft(grid).Dispose();
        (Grid, Buffers, Result, _content) = (grid, buffers, result, new Content[buffers]);
        _content[0] = Content.Spectrum;
        Operations = [.. operations.Select(Checked)];
        Read("the result", result, Content.Spectrum);
    }

    /// <summary>The torus.</summary>
    public Grid Grid { get; }

    /// <summary>Number of buffers.</summary>
    public int Buffers { get; }

    /// <summary>The operations, where accumulating into nothing has become writing.</summary>
    public IReadOnlyList<FieldOperation> Operations { get; }

    /// <summary>The buffer that holds the result.</summary>
    public int Result { get; }

    /// <summary>A fast map with a workspace of its own, for one thread; pointwise code is compiled once and shared.</summary>
    public ITileMap Compile() => new FieldMap(this);

    /// <summary>A slow map that does the same plainly, member by member, with a discrete Fourier transform by its definition: the referee.</summary>
    public ITileMap Interpret() => new FieldReferee(this);

    private FieldOperation Checked(FieldOperation operation, int number)
    {
        string where = $"operation {number} ({operation.GetType().Name})";
        switch (operation)
        {
            case FieldOperation.ToReal(var spectrum, var real):
                Read(where, spectrum, Content.Spectrum);
                Write(where, real, Content.Real);
                return operation;
            case FieldOperation.ToSpectrum(var real, var spectrum):
                Read(where, real, Content.Real);
                Write(where, spectrum, Content.Spectrum);
                return operation;
            case FieldOperation.Multiply multiply:
                return CheckedMultiply(where, multiply);
            case FieldOperation.Pointwise pointwise:
                CheckPointwise(where, pointwise);
                return operation;
            default:
                throw new LeithException($"field program: {where}: expected Pointwise, ToReal, ToSpectrum or Multiply.");
        }
    }

    private FieldOperation.Multiply CheckedMultiply(string where, FieldOperation.Multiply multiply)
    {
        Read(where, multiply.From, Content.Spectrum);
        CheckSymbol(where, multiply.Symbol);
        bool accumulate = multiply.Accumulate && InRange(multiply.To) && _content[multiply.To] != Content.Nothing;
        if (accumulate) Read(where, multiply.To, Content.Spectrum);
        Write(where, multiply.To, Content.Spectrum);
        return multiply with { Accumulate = accumulate };
    }

    private void CheckPointwise(string where, FieldOperation.Pointwise pointwise)
    {
        var (program, inputs, outputs) = pointwise;
        if (inputs.Count != program.Inputs || outputs.Count != program.Outputs.Count)
            throw new LeithException($"field program: {where}: expected {program.Inputs} input and {program.Outputs.Count} output buffers, got {inputs.Count} and {outputs.Count}; name one buffer for each.");
        if (outputs.Distinct().Count() != outputs.Count) throw new LeithException($"field program: {where}: expected different output buffers, got [{string.Join(", ", outputs)}].");
        foreach (int input in inputs) Read(where, input, Content.Real);
        foreach (int output in outputs) Write(where, output, Content.Real);
    }

    private void CheckSymbol(string where, Complex[] symbol)
    {
        if (symbol.Length != Grid.Sites) throw new LeithException($"field program: {where}: expected a symbol of {Grid.Sites} modes, got {symbol.Length}; give one entry for every mode of the grid.");
        for (int mode = 0; mode < symbol.Length; mode++)
        {
            if (!Complex.IsFinite(symbol[mode])) throw new LeithException($"field program: {where}: expected a finite symbol, got {symbol[mode]} at mode {mode}.");
            Complex mirrored = Complex.Conjugate(symbol[Grid.Conjugate(mode)]);
            if ((symbol[mode] - mirrored).Magnitude > 1e-9 * (symbol[mode].Magnitude + mirrored.Magnitude))
                throw new LeithException($"field program: {where}: expected symbol(−k) = conj symbol(k), got {symbol[mode]} at mode {mode} and {symbol[Grid.Conjugate(mode)]} at −k; an odd symbol must vanish at Nyquist wavenumbers.");
        }
    }

    private bool InRange(int buffer) => buffer >= 0 && buffer < Buffers;

    private void Read(string where, int buffer, Content content)
    {
        if (!InRange(buffer)) throw new LeithException($"field program: {where}: expected buffers from 0 to {Buffers - 1}, got {buffer}; raise the number of buffers.");
        if (_content[buffer] == content) return;
        string got = _content[buffer] == Content.Nothing ? "it has not been written" : _content[buffer] == Content.Real ? "it holds real fields; put ToSpectrum before" : "it holds a spectrum; put ToReal before";
        throw new LeithException($"field program: {where}: expected {(content == Content.Real ? "real fields" : "a spectrum")} in buffer {buffer}, but {got}.");
    }

    private void Write(string where, int buffer, Content content)
    {
        if (!InRange(buffer)) throw new LeithException($"field program: {where}: expected buffers from 1 to {Buffers - 1} to write to, got {buffer}; raise the number of buffers.");
        if (buffer == 0) throw new LeithException($"field program: {where}: expected a buffer from 1 on to write to, got 0, which is the state and read only.");
        _content[buffer] = content;
    }
}
