using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The inner loop of Gram matrices: sums[i, j] += Σ_t φ_i(t) conj φ_j(t), i ≤ j, for complex series on lanes.</summary>
internal static unsafe class GramSums
{
    /// <summary>Adds the products of one mode.</summary>
    /// <param name="series">The series of feature 0: re and im of one sample after another.</param>
    /// <param name="apart">Vectors from one feature's series to the next.</param>
    /// <param name="features">Number of features.</param>
    /// <param name="count">Number of samples.</param>
    /// <param name="sums">re and im of (0,0), (0,1), (1,1), (0,2), …; eight vectors of slack behind them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(Vector512<double>* series, nint apart, int features, int count, Vector512<double>* sums)
    {
        var rest = stackalloc Vector512<double>[8];
        for (int j = 0; j < features; j++)
        {
            var row = sums + j * (j + 1);
            for (int i = 0; i <= j; i += 4)
            {
                int width = Math.Min(4, j + 1 - i);
                var p = series + i * apart;
                if (width == 4)
                {
                    Four(p, p + apart, p + 2 * apart, p + 3 * apart, series + j * apart, row + 2 * i, count);
                    continue;
                }
                for (int n = 0; n < 8; n++) rest[n] = n < 2 * width ? row[2 * i + n] : default;
                Four(p, width > 1 ? p + apart : p, width > 2 ? p + 2 * apart : p, p, series + j * apart, rest, count);
                for (int n = 0; n < 2 * width; n++) row[2 * i + n] = rest[n];
            }
        }
    }

    // Four partners: eight sums stay in registers, ten loads for sixteen multiply–adds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(Vector512<double>* a, Vector512<double>* b, Vector512<double>* c, Vector512<double>* d, Vector512<double>* q, Vector512<double>* sums, int count)
    {
        Vector512<double> r0 = sums[0], i0 = sums[1], r1 = sums[2], i1 = sums[3], r2 = sums[4], i2 = sums[5], r3 = sums[6], i3 = sums[7];
        for (int t = 0; t < 2 * count; t += 2)
        {
            Vector512<double> x = q[t], y = q[t + 1];
            r0 = Vector512.FusedMultiplyAdd(a[t + 1], y, Vector512.FusedMultiplyAdd(a[t], x, r0));
            r1 = Vector512.FusedMultiplyAdd(b[t + 1], y, Vector512.FusedMultiplyAdd(b[t], x, r1));
            r2 = Vector512.FusedMultiplyAdd(c[t + 1], y, Vector512.FusedMultiplyAdd(c[t], x, r2));
            r3 = Vector512.FusedMultiplyAdd(d[t + 1], y, Vector512.FusedMultiplyAdd(d[t], x, r3));
            i0 = LaneMath.SubtractProduct(a[t], y, Vector512.FusedMultiplyAdd(a[t + 1], x, i0));
            i1 = LaneMath.SubtractProduct(b[t], y, Vector512.FusedMultiplyAdd(b[t + 1], x, i1));
            i2 = LaneMath.SubtractProduct(c[t], y, Vector512.FusedMultiplyAdd(c[t + 1], x, i2));
            i3 = LaneMath.SubtractProduct(d[t], y, Vector512.FusedMultiplyAdd(d[t + 1], x, i3));
        }
        sums[0] = r0; sums[1] = i0; sums[2] = r1; sums[3] = i1; sums[4] = r2; sums[5] = i2; sums[6] = r3; sums[7] = i3;
    }
}
