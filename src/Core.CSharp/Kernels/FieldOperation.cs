using System.Numerics;

namespace Leith.Core;

/// <summary>
/// A step of a <see cref="FieldProgram"/>. Buffers are numbered. One of a grid is a pair of lane blocks that holds either a spectrum Z = fft(a + i b) or the two
/// real fields a and b; one without a grid holds a number of each member. The first buffers are the inputs, read only.
/// </summary>
public abstract record FieldOperation
{
    private FieldOperation() { }

    /// <summary>Site by site, in both blocks: the real fields in Outputs ← f(inputs, t); numbers where the outputs are numbers. An output may be an input that is read at its own site only.</summary>
    /// <param name="Program">f.</param>
    /// <param name="Inputs">Where each input of f comes from.</param>
    /// <param name="Outputs">One buffer an output of f, all of one grid, or all numbers.</param>
    public sealed record Pointwise(PointwiseProgram Program, IReadOnlyList<PointwiseInput> Inputs, IReadOnlyList<int> Outputs) : FieldOperation
    {
        /// <summary>With inputs read at the site itself: one buffer an input.</summary>
        public Pointwise(PointwiseProgram program, IReadOnlyList<int> inputs, IReadOnlyList<int> outputs)
            : this(program, [.. inputs.Select(buffer => new PointwiseInput.Value(buffer))], outputs) { }
    }

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

    /// <summary>To ← (1/N_sites) Σ_x From_x, a number, from real fields or their spectrum.</summary>
    /// <param name="From">Buffer read, of a grid.</param>
    /// <param name="To">Buffer written, of a number.</param>
    public sealed record Mean(int From, int To) : FieldOperation;

    /// <summary>To(x) ← f(x + d(x)), the trigonometric interpolant of the field whose spectrum is given; a Nyquist wavenumber stays where it is, cos kx, as the derivative vanishes there.</summary>
    /// <param name="Spectrum">Buffer read: the spectrum of f.</param>
    /// <param name="Displacement">Buffers read: d, real fields, one an axis, in the units of the grid's sides.</param>
    /// <param name="To">Buffer written, none of those read: real fields.</param>
    public sealed record Displace(int Spectrum, IReadOnlyList<int> Displacement, int To) : FieldOperation;

    /// <summary>To ← w(Duration), where dw/dt = Rate(w) and w(0) is From, by the classical Runge–Kutta method: error O((Duration/Steps)⁴).</summary>
    /// <param name="Rate">One tile of fields on tori to another of the same segments.</param>
    /// <param name="Duration">Time from start to end.</param>
    /// <param name="Steps">Number of steps, at least 1.</param>
    /// <param name="From">Buffers read: one spectrum a segment.</param>
    /// <param name="To">Buffers written: one spectrum a segment.</param>
    public sealed record Flow(FieldProgram Rate, double Duration, int Steps, IReadOnlyList<int> From, IReadOnlyList<int> To) : FieldOperation;

    /// <summary>To_k ← (N_sites/2) (a_k e^{iφ_k} + a_{−k} e^{−iφ_{−k}}), the spectrum of Re Σ_k a_k e^{iφ_k} e^{ik·x}.</summary>
    /// <param name="Phases">Buffer read: φ, real numbers in mode order.</param>
    /// <param name="To">Buffer written.</param>
    /// <param name="Amplitude">a, one entry a mode; modes of amplitude 0 cost nothing.</param>
    public sealed record Waves(int Phases, int To, double[] Amplitude) : FieldOperation;
}
