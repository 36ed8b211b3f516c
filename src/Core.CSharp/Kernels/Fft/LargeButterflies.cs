using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>Stages of radix 4 and 8, where nearly all of the time goes.</summary>
internal static unsafe class LargeButterflies
{
    private const double RootHalf = 0.70710678118654752440;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Radix4<TStore>(in FftStage g) where TStore : IFftStore
    {
        nint stride = g.Stride, d = (nint)g.M * g.S * stride, outStride = g.OutStride, e = g.S * outStride;
        double* w = g.Twiddle;
        int m = g.M, s = g.S;
        Lane* x = g.Re, y = g.Im, u = g.OutRe, v = g.OutIm;
        for (int p = 0; p < m; p++, w += TStore.Twiddled ? 6 : 0, u += 3 * e, v += 3 * e)
            for (int q = 0; q < s; q++, x += stride, y += stride, u += outStride, v += outStride)
            {
                Lane a0 = x[0], b0 = y[0], a2 = x[2 * d], b2 = y[2 * d], a1 = x[d], b1 = y[d], a3 = x[3 * d], b3 = y[3 * d];
                Lane sr = a0 + a2, si = b0 + b2, dr = a0 - a2, di = b0 - b2;
                Lane tr = a1 + a3, ti = b1 + b3, er = a1 - a3, ei = b1 - b3;
                TStore.First(u, v, sr + tr, si + ti, w);
                TStore.Put(u + e, v + e, dr + ei, di - er, w, 1);
                TStore.Put(u + 2 * e, v + 2 * e, sr - tr, si - ti, w, 2);
                TStore.Put(u + 3 * e, v + 3 * e, dr - ei, di + er, w, 3);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Radix8<TStore>(in FftStage g) where TStore : IFftStore
    {
        nint stride = g.Stride, d = (nint)g.M * g.S * stride, outStride = g.OutStride, e = g.S * outStride;
        double* w = g.Twiddle;
        int m = g.M, s = g.S;
        Lane* x = g.Re, y = g.Im, u = g.OutRe, v = g.OutIm;
        Lane h = Vector512.Create(RootHalf);
        for (int p = 0; p < m; p++, w += TStore.Twiddled ? 14 : 0, u += 7 * e, v += 7 * e)
            for (int q = 0; q < s; q++, x += stride, y += stride, u += outStride, v += outStride)
            {
                // the transform of the even inputs …
                Lane a0 = x[0], b0 = y[0], a4 = x[4 * d], b4 = y[4 * d], a2 = x[2 * d], b2 = y[2 * d], a6 = x[6 * d], b6 = y[6 * d];
                Lane s0r = a0 + a4, s0i = b0 + b4, d0r = a0 - a4, d0i = b0 - b4, s2r = a2 + a6, s2i = b2 + b6, d2r = a2 - a6, d2i = b2 - b6;
                Lane e0r = s0r + s2r, e0i = s0i + s2i, e2r = s0r - s2r, e2i = s0i - s2i;
                Lane e1r = d0r + d2i, e1i = d0i - d2r, e3r = d0r - d2i, e3i = d0i + d2r;
                // … of the odd ones …
                Lane a1 = x[d], b1 = y[d], a5 = x[5 * d], b5 = y[5 * d], a3 = x[3 * d], b3 = y[3 * d], a7 = x[7 * d], b7 = y[7 * d];
                Lane s1r = a1 + a5, s1i = b1 + b5, d1r = a1 - a5, d1i = b1 - b5, s3r = a3 + a7, s3i = b3 + b7, d3r = a3 - a7, d3i = b3 - b7;
                Lane o0r = s1r + s3r, o0i = s1i + s3i, o2r = s1r - s3r, o2i = s1i - s3i;
                Lane o1r = d1r + d3i, o1i = d1i - d3r, o3r = d1r - d3i, o3i = d1i + d3r;
                // … times exp(−iπk/4), where √½ rides on the fused multiply–add of the last sum
                Lane t1r = o1r + o1i, t1i = o1i - o1r, t3r = o3i - o3r, t3i = o3r + o3i;
                TStore.First(u, v, e0r + o0r, e0i + o0i, w);
                TStore.Put(u + 4 * e, v + 4 * e, e0r - o0r, e0i - o0i, w, 4);
                TStore.Put(u + 2 * e, v + 2 * e, e2r + o2i, e2i - o2r, w, 2);
                TStore.Put(u + 6 * e, v + 6 * e, e2r - o2i, e2i + o2r, w, 6);
                TStore.Put(u + e, v + e, Vector512.FusedMultiplyAdd(t1r, h, e1r), Vector512.FusedMultiplyAdd(t1i, h, e1i), w, 1);
                TStore.Put(u + 5 * e, v + 5 * e, LaneMath.SubtractProduct(t1r, h, e1r), LaneMath.SubtractProduct(t1i, h, e1i), w, 5);
                TStore.Put(u + 3 * e, v + 3 * e, Vector512.FusedMultiplyAdd(t3r, h, e3r), LaneMath.SubtractProduct(t3i, h, e3i), w, 3);
                TStore.Put(u + 7 * e, v + 7 * e, LaneMath.SubtractProduct(t3r, h, e3r), Vector512.FusedMultiplyAdd(t3i, h, e3i), w, 7);
            }
    }
}
