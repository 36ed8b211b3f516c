using System.Numerics;

namespace Leith.Core;

/// <summary>
/// A step of a <see cref="FieldProgram"/>. Buffers are numbered, each a pair of lane blocks that holds either a spectrum Z = fft(a + i b) or the two
/// real fields a and b; buffer 0 is the state's spectrum, read only.
/// </summary>
public abstract record FieldOperation
{
    private FieldOperation() { }

    /// <summary>Site by site, in both blocks: the real fields in Outputs ← f(those in Inputs, t). An output may be an input.</summary>
    /// <param name="Program">f.</param>
    /// <param name="Inputs">One buffer an input of f.</param>
    /// <param name="Outputs">One buffer an output of f.</param>
    public sealed record Pointwise(PointwiseProgram Program, IReadOnlyList<int> Inputs, IReadOnlyList<int> Outputs) : FieldOperation;

    /// <summary>Real ← fft⁻¹(Spectrum); they may be one buffer.</summary>
    /// <param name="Spectrum">Buffer read.</param>
    /// <param name="Real">Buffer written.</param>
    public sealed record ToReal(int Spectrum, int Real) : FieldOperation;

    /// <summary>Spectrum ← fft(Real); they may be one buffer.</summary>
    /// <param name="Real">Buffer read.</param>
    /// <param name="Spectrum">Buffer written.</param>
    public sealed record ToSpectrum(int Real, int Spectrum) : FieldOperation;

    /// <summary>To_k ← symbol_k From_k, or To_k ← To_k + symbol_k From_k. Accumulating into a buffer that nothing has written counts it as zero.</summary>
    /// <param name="From">Buffer read.</param>
    /// <param name="To">Buffer written; it may be From.</param>
    /// <param name="Symbol">One entry a mode, symbol(−k) = conj symbol(k): odd symbols vanish at Nyquist wavenumbers.</param>
    /// <param name="Accumulate">Whether to add.</param>
    public sealed record Multiply(int From, int To, Complex[] Symbol, bool Accumulate) : FieldOperation;
}
