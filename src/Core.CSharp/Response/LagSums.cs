using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

/// <summary>The inner loop of lag correlation: sums[τ] += Σ_t a(t + τ) conj b(t) for complex series on lanes.</summary>
static unsafe class LagSums
{
    // Base times at a stretch: their series stay in the first-level cache over all lags.
    const int Stretch = 64;

    /// <summary>Adds the products of one mode.</summary>
    /// <param name="a">Series A: re and im of one sample after another.</param>
    /// <param name="b">Series B.</param>
    /// <param name="sums">re and im of lag 0, lag 1, …</param>
    /// <param name="bases">Number of base times t = 0, strideA, 2 strideA, …</param>
    /// <param name="strideA">Samples of A between base times.</param>
    /// <param name="strideB">Samples of B between base times.</param>
    /// <param name="lags">Number of lags, a multiple of four.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(Vector512<double>* a, Vector512<double>* b, Vector512<double>* sums, int bases, int strideA, int strideB, int lags)
    {
        for (int first = 0; first < bases; first += Stretch)
        {
            int count = Math.Min(Stretch, bases - first);
            for (int lag = 0; lag < lags; lag += 4)
                Four(a + ((nint)first * strideA + lag) * 2, b + (nint)first * strideB * 2, sums + lag * 2, count, strideA * 2, strideB * 2);
        }
    }

    // Four lags: eight sums stay in registers, ten loads for sixteen multiply–adds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Four(Vector512<double>* p, Vector512<double>* q, Vector512<double>* sums, int count, int stepA, int stepB)
    {
        Vector512<double> r0 = sums[0], i0 = sums[1], r1 = sums[2], i1 = sums[3], r2 = sums[4], i2 = sums[5], r3 = sums[6], i3 = sums[7];
        for (int t = 0; t < count; t++, p += stepA, q += stepB)
        {
            Vector512<double> x = q[0], y = q[1];
            r0 = Fma(p[0], x, r0); i0 = Fma(p[1], x, i0); r1 = Fma(p[2], x, r1); i1 = Fma(p[3], x, i1);
            r2 = Fma(p[4], x, r2); i2 = Fma(p[5], x, i2); r3 = Fma(p[6], x, r3); i3 = Fma(p[7], x, i3);
            r0 = Fma(p[1], y, r0); i0 = Less(p[0], y, i0); r1 = Fma(p[3], y, r1); i1 = Less(p[2], y, i1);
            r2 = Fma(p[5], y, r2); i2 = Less(p[4], y, i2); r3 = Fma(p[7], y, r3); i3 = Less(p[6], y, i3);
        }
        sums[0] = r0; sums[1] = i0; sums[2] = r1; sums[3] = i1; sums[4] = r2; sums[5] = i2; sums[6] = r3; sums[7] = i3;
    }

    static Vector512<double> Fma(Vector512<double> a, Vector512<double> b, Vector512<double> c) => Vector512.FusedMultiplyAdd(a, b, c);

    // c − a b; the JIT does not fold a negated factor by itself.
    static Vector512<double> Less(Vector512<double> a, Vector512<double> b, Vector512<double> c) =>
        Avx512F.IsSupported ? Avx512F.FusedMultiplyAddNegated(a, b, c) : Vector512.FusedMultiplyAdd(-a, b, c);
}
