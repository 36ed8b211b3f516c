using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The vector loops of the steppers: both blocks of a tile, eight members at a time.</summary>
/// <remarks>
/// A real factor keeps the blocks apart: where they are no parts of a spectrum, an infinity in one must not reach the other. Compiled at full optimisation at once: while the runtime still waits to see which methods are hot, whole runs are over.
/// </remarks>
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

    /// <summary>Rows that are not kept become zero; rows beyond the list are left alone.</summary>
    public static void Keep(Tile tile, bool[]? kept)
    {
        for (int row = 0; kept is not null && row < kept.Length; row++)
            if (!kept[row])
                for (int lane = 0; lane < LaneArray.Lanes; lane++) tile.A[row, lane] = tile.B[row, lane] = 0;
    }

    /// <summary>to ← s to.</summary>
    public static void Scale(Tile to, double s)
    {
        foreach (ref double value in to.A.Span) value *= s;
        foreach (ref double value in to.B.Span) value *= s;
    }

    /// <summary>to ← u + Σ c v in one pass for up to five terms; to may be any of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(Tile u, ReadOnlySpan<double> c, ReadOnlySpan<Tile> v, Tile to)
    {
        const int Most = 5;
        long* a = stackalloc long[Most], b = stackalloc long[Most];
        do
        {
            int terms = Math.Min(c.Length, Most);
            for (int i = 0; i < terms; i++)
            {
                a[i] = (long)v[i].A.Vectors;
                b[i] = (long)v[i].B.Vectors;
            }
            Sum(u.A.Vectors, c[..terms], (Vector512<double>**)a, to.A.Vectors, u.Rows);
            Sum(u.B.Vectors, c[..terms], (Vector512<double>**)b, to.B.Vectors, u.Rows);
            u = to;
            c = c[terms..];
            v = v[terms..];
        }
        while (c.Length > 0);
    }

    /// <summary>to ← to + s f.</summary>
    public static void Add(Tile to, double s, Tile f) => Sum(to, s, f, to);

    /// <summary>to ← u + s f; to may be u.</summary>
    public static void Sum(Tile u, double s, Tile f, Tile to) => Sum(u, [s], [f], to);

    /// <summary>A + i B ← A + i B + m (A' + i B'), row by row with complex m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProduct(Tile to, Complex[] m, Tile from)
    {
        Vector512<double>* re = to.A.Vectors, im = to.B.Vectors, fromRe = from.A.Vectors, fromIm = from.B.Vectors;
        for (int k = 0; k < m.Length; k++)
        {
            var (a, b) = (Vector512.Create(m[k].Real), Vector512.Create(m[k].Imaginary));
            if (m[k].Imaginary == 0)
            {
                re[k] = Vector512.FusedMultiplyAdd(a, fromRe[k], re[k]);
                im[k] = Vector512.FusedMultiplyAdd(a, fromIm[k], im[k]);
                continue;
            }
            re[k] = Vector512.FusedMultiplyAdd(a, fromRe[k], Vector512.FusedMultiplyAdd(-b, fromIm[k], re[k]));
            im[k] = Vector512.FusedMultiplyAdd(a, fromIm[k], Vector512.FusedMultiplyAdd(b, fromRe[k], im[k]));
        }
    }

    /// <summary>to ← d u + c (n₁ + i n₂) for A + i B, row by row with complex d and c: one pass of the exponential scheme.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void DecayAndSpread(Tile u, Complex[] d, Complex[] c, Tile normals, Tile to)
    {
        Vector512<double>* re = u.A.Vectors, im = u.B.Vectors, n1 = normals.A.Vectors, n2 = normals.B.Vectors, toRe = to.A.Vectors, toIm = to.B.Vectors;
        for (int k = 0; k < d.Length; k++)
        {
            var (a, b, s, t) = (Vector512.Create(d[k].Real), Vector512.Create(d[k].Imaginary), Vector512.Create(c[k].Real), Vector512.Create(c[k].Imaginary));
            var (x, y, p, q) = (re[k], im[k], n1[k], n2[k]);
            if (d[k].Imaginary == 0 && c[k].Imaginary == 0)
            {
                toRe[k] = Vector512.FusedMultiplyAdd(a, x, s * p);
                toIm[k] = Vector512.FusedMultiplyAdd(a, y, s * q);
                continue;
            }
            toRe[k] = Vector512.FusedMultiplyAdd(a, x, Vector512.FusedMultiplyAdd(-b, y, Vector512.FusedMultiplyAdd(s, p, -t * q)));
            toIm[k] = Vector512.FusedMultiplyAdd(a, y, Vector512.FusedMultiplyAdd(b, x, Vector512.FusedMultiplyAdd(s, q, t * p)));
        }
    }

    /// <summary>to ← d u for A + i B, row by row with complex d; to may be u.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(Tile u, Complex[] d, Tile to)
    {
        Vector512<double>* re = u.A.Vectors, im = u.B.Vectors, toRe = to.A.Vectors, toIm = to.B.Vectors;
        for (int k = 0; k < d.Length; k++)
        {
            var (a, b) = (Vector512.Create(d[k].Real), Vector512.Create(d[k].Imaginary));
            var (x, y) = (re[k], im[k]);
            if (d[k].Imaginary == 0)
            {
                toRe[k] = a * x;
                toIm[k] = a * y;
                continue;
            }
            toRe[k] = Vector512.FusedMultiplyAdd(a, x, -b * y);
            toIm[k] = Vector512.FusedMultiplyAdd(a, y, b * x);
        }
    }

    /// <summary>Whether a value of a lane whose mask is not zero is NaN or infinite: x · 0 is then NaN, and a sum keeps it.</summary>
    public static bool AllFinite(Tile tile, Segment rows, Vector512<double> maskA, Vector512<double> maskB) =>
        NonFiniteLanes(tile.A, rows, maskA) == 0 && NonFiniteLanes(tile.B, rows, maskB) == 0;

    /// <summary>One bit for every lane with a NaN or an infinity, among those of the mask (all bits set where a lane counts).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint NonFiniteLanes(LaneArray block, Segment rows, Vector512<double> mask)
    {
        var sum = Vector512<double>.Zero;
        for (int row = rows.First; row < rows.End; row++) sum = Vector512.FusedMultiplyAdd(block.Vectors[row], Vector512<double>.Zero, sum);
        var finite = Vector512.Equals(sum, sum);
        return (uint)Vector512.AndNot(mask, finite).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(Vector512<double>* u, ReadOnlySpan<double> c, Vector512<double>** v, Vector512<double>* to, int rows)
    {
        Vector512<double>* v0 = v[0], v1 = v[1], v2 = v[2], v3 = v[3], v4 = v[4];
        static Vector512<double> C(ReadOnlySpan<double> c, int i) => Vector512.Create(i < c.Length ? c[i] : 0);
        var (c0, c1, c2, c3, c4) = (C(c, 0), C(c, 1), C(c, 2), C(c, 3), C(c, 4));
        switch (c.Length)
        {
            case 1:
                for (int i = 0; i < rows; i++) to[i] = Vector512.FusedMultiplyAdd(c0, v0[i], u[i]);
                break;
            case 2:
                for (int i = 0; i < rows; i++) to[i] = Vector512.FusedMultiplyAdd(c1, v1[i], Vector512.FusedMultiplyAdd(c0, v0[i], u[i]));
                break;
            case 3:
                for (int i = 0; i < rows; i++)
                    to[i] = Vector512.FusedMultiplyAdd(c2, v2[i], Vector512.FusedMultiplyAdd(c1, v1[i], Vector512.FusedMultiplyAdd(c0, v0[i], u[i])));
                break;
            case 4:
                for (int i = 0; i < rows; i++)
                    to[i] = Vector512.FusedMultiplyAdd(c3, v3[i], Vector512.FusedMultiplyAdd(c2, v2[i], Vector512.FusedMultiplyAdd(c1, v1[i], Vector512.FusedMultiplyAdd(c0, v0[i], u[i]))));
                break;
            default:
                for (int i = 0; i < rows; i++)
                {
                    var sum = Vector512.FusedMultiplyAdd(c2, v2[i], Vector512.FusedMultiplyAdd(c1, v1[i], Vector512.FusedMultiplyAdd(c0, v0[i], u[i])));
                    to[i] = Vector512.FusedMultiplyAdd(c4, v4[i], Vector512.FusedMultiplyAdd(c3, v3[i], sum));
                }
                break;
        }
    }
}
