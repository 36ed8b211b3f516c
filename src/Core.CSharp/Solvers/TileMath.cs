using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The vector loops of the steppers: both blocks of a tile, eight members at a time.</summary>
/// <remarks>Compiled at full optimisation at once: while the runtime still waits to see which methods are hot, whole runs are over.</remarks>
internal static unsafe class TileMath
{
    /// <summary>to ← 0.</summary>
    public static void Clear(Tile to)
    {
        to.A.Span.Clear();
        to.B.Span.Clear();
    }

    /// <summary>to ← from, the index left alone.</summary>
    public static void Copy(Tile from, Tile to)
    {
        from.A.Span.CopyTo(to.A.Span);
        from.B.Span.CopyTo(to.B.Span);
    }

    /// <summary>to ← the sum of the first rows over a number of sites, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mean(double* from, int rows, int sites, double* to)
    {
        var sum = Vector512<double>.Zero;
        for (int row = 0; row < rows; row++) sum += ((Vector512<double>*)from)[row];
        *(Vector512<double>*)to = sum / Vector512.Create((double)sites);
    }

    /// <summary>to ← s to.</summary>
    public static void Scale(Tile to, double s)
    {
        foreach (ref double value in to.A.Span) value *= s;
        foreach (ref double value in to.B.Span) value *= s;
    }

    /// <summary>to ← to + s f.</summary>
    public static void Add(Tile to, double s, Tile f) => Sum(to, s, f, to);

    /// <summary>to ← u + s f; to may be u.</summary>
    public static void Sum(Tile u, double s, Tile f, Tile to)
    {
        Sum(u.A.Vectors, s, f.A.Vectors, to.A.Vectors, u.Rows);
        Sum(u.B.Vectors, s, f.B.Vectors, to.B.Vectors, u.Rows);
    }

    /// <summary>A + i B ← A + i B + m (A' + i B'), row by row with complex m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProduct(Tile to, Complex[] m, Tile from)
    {
        Vector512<double>* re = to.A.Vectors, im = to.B.Vectors, fromRe = from.A.Vectors, fromIm = from.B.Vectors;
        for (int k = 0; k < m.Length; k++)
        {
            var (a, b) = (Vector512.Create(m[k].Real), Vector512.Create(m[k].Imaginary));
            re[k] = Vector512.FusedMultiplyAdd(a, fromRe[k], Vector512.FusedMultiplyAdd(-b, fromIm[k], re[k]));
            im[k] = Vector512.FusedMultiplyAdd(a, fromIm[k], Vector512.FusedMultiplyAdd(b, fromRe[k], im[k]));
        }
    }

    /// <summary>A + i B ← d (A + i B) + c (n₁ + i n₂), row by row with complex d and c: one pass of the exponential scheme.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void DecayAndSpread(Tile to, Complex[] d, Complex[] c, Tile normals)
    {
        Vector512<double>* re = to.A.Vectors, im = to.B.Vectors, n1 = normals.A.Vectors, n2 = normals.B.Vectors;
        for (int k = 0; k < d.Length; k++)
        {
            var (a, b, s, t) = (Vector512.Create(d[k].Real), Vector512.Create(d[k].Imaginary), Vector512.Create(c[k].Real), Vector512.Create(c[k].Imaginary));
            var (x, y, p, q) = (re[k], im[k], n1[k], n2[k]);
            re[k] = Vector512.FusedMultiplyAdd(a, x, Vector512.FusedMultiplyAdd(-b, y, Vector512.FusedMultiplyAdd(s, p, -t * q)));
            im[k] = Vector512.FusedMultiplyAdd(a, y, Vector512.FusedMultiplyAdd(b, x, Vector512.FusedMultiplyAdd(s, q, t * p)));
        }
    }

    /// <summary>A + i B ← d (A + i B), row by row with complex d.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(Tile to, Complex[] d)
    {
        Vector512<double>* re = to.A.Vectors, im = to.B.Vectors;
        for (int k = 0; k < d.Length; k++)
        {
            var (a, b) = (Vector512.Create(d[k].Real), Vector512.Create(d[k].Imaginary));
            var (x, y) = (re[k], im[k]);
            re[k] = Vector512.FusedMultiplyAdd(a, x, -b * y);
            im[k] = Vector512.FusedMultiplyAdd(a, y, b * x);
        }
    }

    /// <summary>Whether a value of a lane whose mask is not zero is NaN or infinite: x · 0 is then NaN, and a sum keeps it.</summary>
    public static bool AllFinite(Tile tile, Vector512<double> maskA, Vector512<double> maskB) =>
        NonFiniteLanes(tile.A, maskA) == 0 && NonFiniteLanes(tile.B, maskB) == 0;

    /// <summary>One bit for every lane with a NaN or an infinity, among those of the mask (all bits set where a lane counts).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint NonFiniteLanes(LaneArray block, Vector512<double> mask)
    {
        var sum = Vector512<double>.Zero;
        for (int row = 0; row < block.Rows; row++) sum = Vector512.FusedMultiplyAdd(block.Vectors[row], Vector512<double>.Zero, sum);
        var finite = Vector512.Equals(sum, sum);
        return (uint)Vector512.AndNot(mask, finite).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(Vector512<double>* u, double s, Vector512<double>* f, Vector512<double>* to, int rows)
    {
        var factor = Vector512.Create(s);
        for (int row = 0; row < rows; row++) to[row] = Vector512.FusedMultiplyAdd(factor, f[row], u[row]);
    }
}
