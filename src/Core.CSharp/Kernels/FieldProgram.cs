using System.Numerics;

namespace Leith.Core;

/// <summary>
/// result = G(inputs, t) as a list of operations over numbered buffers: transforms, Fourier multipliers, pointwise programs, means. The inputs are the segments of one
/// or two tiles; the result is a tile of segments.
/// </summary>
public sealed class FieldProgram
{
    private enum Content { Nothing, Spectrum, Real, Number }

    private readonly Content[] _content;

    /// <summary>A program from one field on a torus to another; all that can be wrong with it is found here.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="buffers">Number of buffers, buffer 0 (the state's spectrum) included.</param>
    /// <param name="operations">What to do, in order.</param>
    /// <param name="result">The buffer that holds the result's spectrum at the end.</param>
    /// <exception cref="LeithException">As of the other constructor.</exception>
    public FieldProgram(Grid grid, int buffers, IReadOnlyList<FieldOperation> operations, int result)
        : this([[Field(grid)]], [.. Enumerable.Repeat<Grid?>(grid, Math.Max(0, buffers))], operations, [result], [Field(grid)]) { }

    /// <summary>A program; all that can be wrong with it is found here.</summary>
    /// <param name="inputs">The segments of each input tile; their buffers come first, in order.</param>
    /// <param name="buffers">The grid of every buffer, null for a number.</param>
    /// <param name="operations">What to do, in order.</param>
    /// <param name="results">The buffer of each segment of the result.</param>
    /// <param name="outputs">The segments of the result.</param>
    /// <exception cref="LeithException">
    /// A buffer out of range, written over an input, read before it is written, of the wrong content or grid; a symbol of the wrong length or one that does not map
    /// real fields to real fields; a side the FFT does not have. The message names the operation.
    /// </exception>
    public FieldProgram(IReadOnlyList<IReadOnlyList<Segment>> inputs, IReadOnlyList<Grid?> buffers, IReadOnlyList<FieldOperation> operations, IReadOnlyList<int> results, IReadOnlyList<Segment> outputs)
    {
        if (buffers.Count < 1) throw new LeithException($"field program: expected at least one buffer, the state's spectrum, got {buffers.Count}.");
        (Inputs, BufferGrids, Results, Outputs) = (inputs, [.. buffers], [.. results], outputs);
        _content = new Content[buffers.Count];
        int buffer = 0;
        foreach (var segment in inputs.SelectMany(tile => tile)) _content[buffer++] = ContentOf(segment);
        InputBuffers = buffer;
        foreach (var segment in inputs.SelectMany(tile => tile).Concat(outputs))
            if (segment.Representation == Representation.Modes) new LaneFft(segment.Grid!).Dispose();
        Operations = [.. operations.Select(Checked)];
        for (int i = 0; i < results.Count; i++) Read("the result", results[i], ContentOf(outputs[i]));
    }

    /// <summary>The segments of each input tile.</summary>
    public IReadOnlyList<IReadOnlyList<Segment>> Inputs { get; }

    /// <summary>Number of buffers that are inputs.</summary>
    public int InputBuffers { get; }

    /// <summary>The grid of every buffer, null for a number.</summary>
    public IReadOnlyList<Grid?> BufferGrids { get; }

    /// <summary>Number of buffers.</summary>
    public int Buffers => BufferGrids.Count;

    /// <summary>The operations, where accumulating into nothing has become writing.</summary>
    public IReadOnlyList<FieldOperation> Operations { get; }

    /// <summary>The buffer of each segment of the result.</summary>
    public IReadOnlyList<int> Results { get; }

    /// <summary>The segments of the result.</summary>
    public IReadOnlyList<Segment> Outputs { get; }

    /// <summary>A fast map with a workspace of its own, for one thread; pointwise code is compiled once and shared.</summary>
    public ITileMap Compile() => new FieldMap(this);

    /// <summary>A fast map of two tiles.</summary>
    public IPairMap CompilePair() => new FieldMap(this);

    /// <summary>A slow map that does the same plainly, member by member, with a discrete Fourier transform by its definition: the referee.</summary>
    public ITileMap Interpret() => new FieldReferee(this);

    /// <summary>A slow map of two tiles.</summary>
    public IPairMap InterpretPair() => new FieldReferee(this);

    private static Segment Field(Grid grid) => new("u", grid, Representation.Modes, 0);

    private static Content ContentOf(Segment segment) => segment.Representation switch
    {
        Representation.Modes => Content.Spectrum,
        Representation.Sites => Content.Real,
        _ => Content.Number,
    };

    private FieldOperation Checked(FieldOperation operation, int number)
    {
        string where = $"operation {number} ({operation.GetType().Name})";
        switch (operation)
        {
            case FieldOperation.ToReal(var spectrum, var real):
                Read(where, spectrum, Content.Spectrum);
                Write(where, real, Content.Real);
                Same(where, spectrum, real);
                return operation;
            case FieldOperation.ToSpectrum(var real, var spectrum):
                Read(where, real, Content.Real);
                Write(where, spectrum, Content.Spectrum);
                Same(where, spectrum, real);
                return operation;
            case FieldOperation.Multiply multiply:
                return CheckedMultiply(where, multiply);
            case FieldOperation.Mean(var from, var to):
                Read(where, from, InRange(from) && _content[from] == Content.Spectrum ? Content.Spectrum : Content.Real);
                Write(where, to, Content.Number);
                return operation;
            case FieldOperation.Displace displace:
                CheckDisplace(where, displace);
                return operation;
            case FieldOperation.Flow flow:
                CheckFlow(where, flow);
                return operation;
            case FieldOperation.Waves(var phases, var to, var amplitude):
                Read(where, phases, Content.Real);
                Write(where, to, Content.Spectrum);
                Same(where, phases, to);
                CheckLength(where, amplitude.Length, BufferGrids[to]!);
                return operation;
            case FieldOperation.Pointwise pointwise:
                CheckPointwise(where, pointwise);
                return operation;
            default:
                throw new LeithException($"field program: {where}: expected Pointwise, ToReal, ToSpectrum, Multiply, Mean, Displace, Flow or Waves.");
        }
    }

    private FieldOperation.Multiply CheckedMultiply(string where, FieldOperation.Multiply multiply)
    {
        Read(where, multiply.From, Content.Spectrum);
        CheckSymbol(where, multiply.Symbol, BufferGrids[multiply.From]!);
        bool accumulate = multiply.Accumulate && InRange(multiply.To) && _content[multiply.To] != Content.Nothing;
        if (accumulate) Read(where, multiply.To, Content.Spectrum);
        Write(where, multiply.To, Content.Spectrum);
        Same(where, multiply.From, multiply.To);
        return multiply with { Accumulate = accumulate };
    }

    private void CheckDisplace(string where, FieldOperation.Displace displace)
    {
        var (spectrum, displacement, to) = displace;
        Read(where, spectrum, Content.Spectrum);
        foreach (int buffer in displacement) Read(where, buffer, Content.Real);
        if (to == spectrum || displacement.Contains(to)) throw new LeithException($"field program: {where}: expected another output than buffer {to}, which is read at other sites.");
        Write(where, to, Content.Real);
        foreach (int buffer in displacement.Append(spectrum)) Same(where, buffer, to);
        if (displacement.Count != BufferGrids[to]!.Dimensions)
            throw new LeithException($"field program: {where}: expected {BufferGrids[to]!.Dimensions} displacements, one an axis, got {displacement.Count}.");
    }

    private void CheckFlow(string where, FieldOperation.Flow flow)
    {
        var (rate, duration, count, from, to) = flow;
        if (count < 1 || !double.IsFinite(duration)) throw new LeithException($"field program: {where}: expected a finite time and at least one step, got a time of {duration} and {count} steps.");
        bool fits = rate.Inputs.Count == 1 && rate.Inputs[0].Count == from.Count && rate.Outputs.Count == from.Count && to.Count == from.Count
            && rate.Inputs[0].Concat(rate.Outputs).All(segment => segment.Representation == Representation.Modes);
        if (!fits) throw new LeithException($"field program: {where}: expected a rate from {from.Count} fields on tori to as many, one for each buffer read and written.");
        foreach (int buffer in from) Read(where, buffer, Content.Spectrum);
        foreach (int buffer in to) Write(where, buffer, Content.Spectrum);
        for (int i = 0; i < from.Count; i++)
        {
            Same(where, from[i], to[i]);
            if (rate.Inputs[0][i].Rows != BufferGrids[from[i]]!.Sites || rate.Outputs[i].Rows != rate.Inputs[0][i].Rows)
                throw new LeithException($"field program: {where}: expected a rate of {BufferGrids[from[i]]!.Sites} modes, got {rate.Inputs[0][i].Rows}.");
        }
    }

    private void CheckPointwise(string where, FieldOperation.Pointwise pointwise)
    {
        var (program, inputs, outputs) = pointwise;
        if (inputs.Count != program.Inputs || outputs.Count != program.Outputs.Count)
            throw new LeithException($"field program: {where}: expected {program.Inputs} input and {program.Outputs.Count} output buffers, got {inputs.Count} and {outputs.Count}; name one buffer for each.");
        if (outputs.Distinct().Count() != outputs.Count) throw new LeithException($"field program: {where}: expected different output buffers, got [{string.Join(", ", outputs)}].");
        var grid = InRange(outputs[0]) ? BufferGrids[outputs[0]] : null;
        foreach (var input in inputs) CheckInput(where, input, grid, outputs);
        foreach (int output in outputs)
        {
            Write(where, output, grid is null ? Content.Number : Content.Real);
            Same(where, outputs[0], output);
        }
    }

    private void CheckInput(string where, PointwiseInput input, Grid? grid, IReadOnlyList<int> outputs)
    {
        switch (input)
        {
            case PointwiseInput.Value(var buffer):
                Read(where, buffer, grid is null ? Content.Number : Content.Real);
                Same(where, buffer, outputs[0]);
                break;
            case PointwiseInput.Number(var buffer):
                Read(where, buffer, Content.Number);
                break;
            case PointwiseInput.Table(var values):
                if (grid is not null) CheckLength(where, values.Length, grid);
                break;
            case PointwiseInput.Neighbour(var buffer, var offset):
                Read(where, buffer, Content.Real);
                Same(where, buffer, outputs[0]);
                if (offset.Count != grid!.Dimensions) throw new LeithException($"field program: {where}: expected {grid.Dimensions} steps to a neighbour, got {offset.Count}.");
                if (outputs.Contains(buffer)) throw new LeithException($"field program: {where}: expected another output than buffer {buffer}, whose neighbours are read.");
                break;
        }
    }

    private void CheckSymbol(string where, Complex[] symbol, Grid grid)
    {
        CheckLength(where, symbol.Length, grid);
        for (int mode = 0; mode < symbol.Length; mode++)
        {
            if (!Complex.IsFinite(symbol[mode])) throw new LeithException($"field program: {where}: expected a finite symbol, got {symbol[mode]} at mode {mode}.");
            Complex mirrored = Complex.Conjugate(symbol[grid.Conjugate(mode)]);
            if ((symbol[mode] - mirrored).Magnitude > 1e-9 * (symbol[mode].Magnitude + mirrored.Magnitude))
                throw new LeithException($"field program: {where}: expected symbol(−k) = conj symbol(k), got {symbol[mode]} at mode {mode} and {symbol[grid.Conjugate(mode)]} at −k; an odd symbol must vanish at Nyquist wavenumbers.");
        }
    }

    private static void CheckLength(string where, int length, Grid grid)
    {
        if (length != grid.Sites) throw new LeithException($"field program: {where}: expected a symbol of {grid.Sites} modes, got {length}; give one entry for every mode of the grid.");
    }

    private void Same(string where, int one, int other)
    {
        if (BufferGrids[one]?.Points is { } a && BufferGrids[other]?.Points is { } b ? !a.SequenceEqual(b) : BufferGrids[one] != BufferGrids[other])
            throw new LeithException($"field program: {where}: expected buffers {one} and {other} to be of one grid.");
    }

    private bool InRange(int buffer) => buffer >= 0 && buffer < Buffers;

    private void Read(string where, int buffer, Content content)
    {
        if (!InRange(buffer)) throw new LeithException($"field program: {where}: expected buffers from 0 to {Buffers - 1}, got {buffer}; raise the number of buffers.");
        if (_content[buffer] == content) return;
        string got = _content[buffer] switch
        {
            Content.Nothing => "it has not been written",
            Content.Real => "it holds real fields; put ToSpectrum before",
            Content.Spectrum => "it holds a spectrum; put ToReal before",
            _ => "it holds a number",
        };
        string expected = content switch { Content.Real => "real fields", Content.Spectrum => "a spectrum", _ => "a number" };
        throw new LeithException($"field program: {where}: expected {expected} in buffer {buffer}, but {got}.");
    }

    private void Write(string where, int buffer, Content content)
    {
        if (!InRange(buffer)) throw new LeithException($"field program: {where}: expected buffers from {InputBuffers} to {Buffers - 1} to write to, got {buffer}; raise the number of buffers.");
        if (buffer < InputBuffers) throw new LeithException($"field program: {where}: expected a buffer from {InputBuffers} on to write to, got {buffer}, which is the state and read only.");
        if ((BufferGrids[buffer] is null) != (content == Content.Number)) throw new LeithException($"field program: {where}: expected buffer {buffer} to be {(content == Content.Number ? "a number" : "of a grid")}.");
        _content[buffer] = content;
    }
}
