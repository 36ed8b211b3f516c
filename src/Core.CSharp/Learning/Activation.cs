using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>
/// silu(m) = m / (1 + e^(−m)) of a modulated m = h (1 + scale) + shift, with scale and shift for each channel and lane (none: m = h).
/// Relative error of the exponential below 2·10⁻⁷ for |m| ≤ 80; beyond, m is taken as ±80 in the exponent, which moves silu by less than 10⁻³².
/// </summary>
internal static unsafe class Activation
{
    /// <summary>a ← silu(m), slope ← silu'(m) (unless null), over a range of sites.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(Lane* h, Lane* scale, Lane* shift, Lane* a, Lane* slope, int channels, int from, int to)
    {
        for (int site = from; site < to; site++)
        {
            long at = (long)site * channels;
            for (int c = 0; c < channels; c++)
            {
                Lane m = h[at + c];
                if (scale != null) m = Vector512.FusedMultiplyAdd(m, scale[c], m + shift[c]);
                Lane gate = Sigmoid(m), value = m * gate;
                a[at + c] = value;
                if (slope != null) slope[at + c] = Vector512.FusedMultiplyAdd(value, Lane.One - gate, gate);
            }
        }
    }

    /// <summary>
    /// In place: from ∂/∂a to ∂/∂h = through + (1 + scale) dm with dm = slope ∂/∂a, over a range of sites; adds Σ dm h to dscale and Σ dm to dshift.
    /// <paramref name="through"/>, the gradient that the residual connection carries, may be null; without modulation scale is null, and nothing is added.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(Lane* d, Lane* slope, Lane* through, Lane* h, Lane* scale, Lane* dscale, Lane* dshift, int channels, int from, int to)
    {
        for (int site = from; site < to; site++)
        {
            long at = (long)site * channels;
            for (int c = 0; c < channels; c++)
            {
                Lane dm = d[at + c] * slope[at + c];
                Lane back = dm;
                if (scale != null)
                {
                    dscale[c] = Vector512.FusedMultiplyAdd(dm, h[at + c], dscale[c]);
                    dshift[c] += dm;
                    back = Vector512.FusedMultiplyAdd(dm, scale[c], dm);
                }
                d[at + c] = through == null ? back : back + through[at + c];
            }
        }
    }

    /// <summary>1 / (1 + e^(−m)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lane Sigmoid(Lane m)
    {
        Lane d = Lane.One + Exp(-m);
        if (!Avx512F.IsSupported) return Lane.One / d;
        Lane r = Avx512F.Reciprocal14(d);
        return Vector512.FusedMultiplyAdd(r, Vector512.FusedMultiplyAdd(-d, r, Lane.One), r); // one Newton step: 14 bits become 28
    }

    /// <summary>e^x for |x| ≤ 80, clamped beyond: e^x = 2^n e^r, |r| ≤ ln 2 / 2, e^r by its Taylor polynomial of degree 7 (remainder 3·10⁻⁹).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Lane Exp(Lane x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-80f)), Vector512.Create(80f));
        // adding 1.5 · 2²³ rounds to an integer, which then stands in the low bits
        Lane magic = Vector512.Create(12582912f);
        Lane shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), magic);
        Lane n = shifted - magic;
        Lane r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Lane p = Vector512.Create(1f / 5040);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 720));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 120));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 24));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 6));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        p = Vector512.FusedMultiplyAdd(p, r, Lane.One);
        p = Vector512.FusedMultiplyAdd(p, r, Lane.One);
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }
}
