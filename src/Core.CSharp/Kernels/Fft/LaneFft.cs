using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// Ẑ_k = Σ_x Z_x exp(−2πi Σ_axis k x / N) and back, Z_x = (1/N_sites) Σ_k Ẑ_k exp(+…), for eight complex fields at once: arrays [site][8 lanes],
/// real and imaginary parts apart, sites and modes in the natural order of the grid.
/// </summary>
/// <remarks>
/// One to three axes, each 2^a 3^b 5^c points long. Stockham autosort, radices 8, 4, 2, 3, 5; error about 1e-16 log₂ N relative to the largest mode.
/// The inverse is the forward transform with real and imaginary parts exchanged. An instance owns scratch memory and serves one thread.
/// </remarks>
public sealed unsafe class LaneFft : IDisposable
{
    private const int Skew = 4;     // sites between the halves of a scratch buffer, so that re and im do not meet in the same cache sets
    private readonly FftPlan[] _plans;
    private readonly int[] _points;
    private readonly double _scale;
    private readonly int _sites, _longest;
    private Lane* _scratch;

    /// <summary>The transform of a grid's fields.</summary>
    /// <exception cref="LeithException">A side has a prime factor beyond 5; the message names the nearest sides there are.</exception>
    public LaneFft(Grid grid)
    {
        _points = [.. grid.Points];
        _plans = [.. _points.Select(n => new FftPlan(n))];
        (_sites, _scale, _longest) = (grid.Sites, 1.0 / grid.Sites, _points.Max());
        _scratch = (Lane*)NativeMemory.AlignedAlloc((nuint)(sizeof(Lane) * 4 * (_longest + Skew)), 4096);
    }

    /// <summary>Whether a side of so many points has a transform: 2^a 3^b 5^c.</summary>
    public static bool Supports(int points) => FftPlan.Supports(points);

    /// <summary>In place, Z ← fft(Z), not scaled.</summary>
    /// <param name="re">Real parts, sites × 8, aligned to 64 bytes.</param>
    /// <param name="im">Imaginary parts, the same shape.</param>
    public void Forward(double* re, double* im) => Transform((Lane*)re, (Lane*)im, (Lane*)re, (Lane*)im, scaled: false);

    /// <summary>to ← fft(from), not scaled; the two must be the same memory or share none.</summary>
    public void Forward(double* fromRe, double* fromIm, double* toRe, double* toIm) => Transform((Lane*)fromRe, (Lane*)fromIm, (Lane*)toRe, (Lane*)toIm, scaled: false);

    /// <summary>In place, Ẑ ← fft⁻¹(Ẑ), scaled by 1/N_sites.</summary>
    /// <param name="re">Real parts, sites × 8, aligned to 64 bytes.</param>
    /// <param name="im">Imaginary parts, the same shape.</param>
    public void Inverse(double* re, double* im) => Transform((Lane*)im, (Lane*)re, (Lane*)im, (Lane*)re, scaled: true);

    /// <summary>to ← fft⁻¹(from), scaled by 1/N_sites; the two must be the same memory or share none.</summary>
    public void Inverse(double* fromRe, double* fromIm, double* toRe, double* toIm) => Transform((Lane*)fromIm, (Lane*)fromRe, (Lane*)toIm, (Lane*)toRe, scaled: true);

    /// <summary>One line along an axis of more than one point, forward, not scaled: from and to sites so far apart; the two must be the same memory or share none.</summary>
    internal void Along(int axis, Lane* fromRe, Lane* fromIm, int fromStride, Lane* re, Lane* im, int toStride) => Line(_plans[axis], fromRe, fromIm, fromStride, re, im, toStride, scaled: false);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var plan in _plans) plan.Dispose();
        NativeMemory.AlignedFree(_scratch);
        _scratch = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees memory that was not disposed.</summary>
    ~LaneFft() => NativeMemory.AlignedFree(_scratch);

    // the fastest axis that has more than one point comes first: it carries the data over and the factor 1/N
    private void Transform(Lane* fromRe, Lane* fromIm, Lane* re, Lane* im, bool scaled)
    {
        if (_sites == 1) (*re, *im) = (*fromRe, *fromIm);
        for (int axis = _plans.Length - 1, stride = 1; axis >= 0; stride *= _points[axis], axis--)
        {
            if (_points[axis] == 1) continue;
            for (int block = 0; block < _sites; block += _points[axis] * stride)
                for (int i = block; i < block + stride; i++) Line(_plans[axis], fromRe + i, fromIm + i, stride, re + i, im + i, stride, scaled);
            fromRe = re;
            fromIm = im;
            scaled = false;
        }
    }

    // one line of sites, `stride` apart: the first stage reads it, the last writes it, what lies between stays in scratch
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Line(FftPlan plan, Lane* fromRe, Lane* fromIm, int fromStride, Lane* re, Lane* im, int stride, bool scaled)
    {
        var stage = new FftStage { Re = fromRe, Im = fromIm, Stride = fromStride, OutStride = 1, M = plan.Points, S = 1 };
        int half = _longest + Skew, last = plan.Radices.Length - 1;
        for (int k = 0; k < last; k++)
        {
            stage.OutRe = _scratch + (k % 2) * 2 * half;
            stage.OutIm = stage.OutRe + half;
            stage.M /= plan.Radices[k];
            stage.Twiddle = plan.Twiddles + plan.TwiddleStart[k];
            Run<TwiddleStore>(plan.Radices[k], stage);
            stage.Re = stage.OutRe;
            stage.Im = stage.OutIm;
            stage.Stride = 1;
            stage.S *= plan.Radices[k];
        }
        double scale = _scale;
        stage.OutRe = re;
        stage.OutIm = im;
        stage.OutStride = stride;
        stage.M = 1;
        stage.Twiddle = &scale;
        if (scaled) Run<ScaledStore>(plan.Radices[last], stage);
        else Run<PlainStore>(plan.Radices[last], stage);
    }

    private static void Run<TStore>(int radix, in FftStage stage) where TStore : IFftStore
    {
        switch (radix)
        {
            case 8: LargeButterflies.Radix8<TStore>(stage); break;
            case 4: LargeButterflies.Radix4<TStore>(stage); break;
            case 2: SmallButterflies.Radix2<TStore>(stage); break;
            case 3: SmallButterflies.Radix3<TStore>(stage); break;
            default: SmallButterflies.Radix5<TStore>(stage); break;
        }
    }
}
