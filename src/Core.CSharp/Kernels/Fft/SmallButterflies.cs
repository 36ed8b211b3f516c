using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>Stages of radix 2, 3 and 5.</summary>
internal static unsafe class SmallButterflies
{
    private const double HalfRoot3 = 0.86602540378443864676;
    private const double Cos72 = 0.30901699437494742410, Cos144 = -0.80901699437494742410;
    private const double Sin72 = 0.95105651629515357212, Sin144 = 0.58778525229247312917;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Radix2<TStore>(in FftStage g) where TStore : IFftStore
    {
        nint d = (nint)g.M * g.S * g.Stride, e = (nint)g.S * g.OutStride;
        double* w = g.Twiddle;
        for (int p = 0; p < g.M; p++, w += TStore.Twiddled ? 2 : 0)
            for (int q = 0; q < g.S; q++)
            {
                nint i = (nint)(q + g.S * p) * g.Stride, o = (nint)(q + 2 * g.S * p) * g.OutStride;
                Lane* x = g.Re + i, y = g.Im + i, u = g.OutRe + o, v = g.OutIm + o;
                Lane ar = x[0], ai = y[0], br = x[d], bi = y[d];
                TStore.First(u, v, ar + br, ai + bi, w);
                TStore.Put(u + e, v + e, ar - br, ai - bi, w, 1);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Radix3<TStore>(in FftStage g) where TStore : IFftStore
    {
        nint d = (nint)g.M * g.S * g.Stride, e = (nint)g.S * g.OutStride;
        double* w = g.Twiddle;
        Lane half = Vector512.Create(0.5), h = Vector512.Create(HalfRoot3);
        for (int p = 0; p < g.M; p++, w += TStore.Twiddled ? 4 : 0)
            for (int q = 0; q < g.S; q++)
            {
                nint i = (nint)(q + g.S * p) * g.Stride, o = (nint)(q + 3 * g.S * p) * g.OutStride;
                Lane* x = g.Re + i, y = g.Im + i, u = g.OutRe + o, v = g.OutIm + o;
                Lane ar = x[0], ai = y[0], sr = x[d] + x[2 * d], si = y[d] + y[2 * d], dr = x[d] - x[2 * d], di = y[d] - y[2 * d];
                TStore.First(u, v, ar + sr, ai + si, w);
                Lane mr = LaneMath.SubtractProduct(sr, half, ar), mi = LaneMath.SubtractProduct(si, half, ai);
                TStore.Put(u + e, v + e, Vector512.FusedMultiplyAdd(di, h, mr), LaneMath.SubtractProduct(dr, h, mi), w, 1);
                TStore.Put(u + 2 * e, v + 2 * e, LaneMath.SubtractProduct(di, h, mr), Vector512.FusedMultiplyAdd(dr, h, mi), w, 2);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Radix5<TStore>(in FftStage g) where TStore : IFftStore
    {
        nint d = (nint)g.M * g.S * g.Stride, e = (nint)g.S * g.OutStride;
        double* w = g.Twiddle;
        Lane c1 = Vector512.Create(Cos72), c2 = Vector512.Create(Cos144), s1 = Vector512.Create(Sin72), s2 = Vector512.Create(Sin144);
        for (int p = 0; p < g.M; p++, w += TStore.Twiddled ? 8 : 0)
            for (int q = 0; q < g.S; q++)
            {
                nint i = (nint)(q + g.S * p) * g.Stride, o = (nint)(q + 5 * g.S * p) * g.OutStride;
                Lane* x = g.Re + i, y = g.Im + i, u = g.OutRe + o, v = g.OutIm + o;
                Lane ar = x[0], ai = y[0];
                Lane p1r = x[d] + x[4 * d], p1i = y[d] + y[4 * d], m1r = x[d] - x[4 * d], m1i = y[d] - y[4 * d];
                Lane p2r = x[2 * d] + x[3 * d], p2i = y[2 * d] + y[3 * d], m2r = x[2 * d] - x[3 * d], m2i = y[2 * d] - y[3 * d];
                TStore.First(u, v, ar + p1r + p2r, ai + p1i + p2i, w);
                Lane er = Vector512.FusedMultiplyAdd(p2r, c2, Vector512.FusedMultiplyAdd(p1r, c1, ar)), ei = Vector512.FusedMultiplyAdd(p2i, c2, Vector512.FusedMultiplyAdd(p1i, c1, ai));
                Lane fr = Vector512.FusedMultiplyAdd(p2r, c1, Vector512.FusedMultiplyAdd(p1r, c2, ar)), fi = Vector512.FusedMultiplyAdd(p2i, c1, Vector512.FusedMultiplyAdd(p1i, c2, ai));
                Lane gr = Vector512.FusedMultiplyAdd(m1r, s1, m2r * s2), gi = Vector512.FusedMultiplyAdd(m1i, s1, m2i * s2);
                Lane hr = LaneMath.MultiplySubtract(m1r, s2, m2r * s1), hi = LaneMath.MultiplySubtract(m1i, s2, m2i * s1);
                TStore.Put(u + e, v + e, er + gi, ei - gr, w, 1);
                TStore.Put(u + 2 * e, v + 2 * e, fr + hi, fi - hr, w, 2);
                TStore.Put(u + 3 * e, v + 3 * e, fr - hi, fi + hr, w, 3);
                TStore.Put(u + 4 * e, v + 4 * e, er - gi, ei + gr, w, 4);
            }
    }
}
