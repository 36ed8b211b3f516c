using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// g(x) = f(x + d(x)) for the two fields of a pair: f(X) = (1/N_sites) Σ_k f̂_k Π_axis e^{i k X} with X = x + d, where a Nyquist wavenumber stays
/// where it is, e^{ikX} → cos kx, since the grid's derivative, which moves fields, vanishes there: g = exp(d·∂) f at each site.
/// </summary>
/// <remarks>
/// N_sites² / 2 complex multiply–adds a field: f is real, so half of the wavenumbers of the first axis are enough. Polynomials in e^{2πi X/L} are summed as Horner sums them,
/// two sites and two rows of modes at a time; error about 1e-16 N Σ|f̂|. An instance owns scratch memory and serves one thread.
/// </remarks>
internal sealed unsafe class TrigonometricInterpolation : IDisposable
{
    private const int Factors = 5;              // lanes of one axis at one site: z, z^−m, (−1)^i at site i, with z = e^{2πi X/L}
    private readonly Grid _grid;
    private readonly int _halves, _middle, _last; // modes of the first axis (half of them, an even number), of the second of three, of the last
    private readonly int[] _mode, _opposite;    // [coefficient]: its mode, −1 where a row of zeros fills up
    private readonly double[] _weight;
    private readonly LaneArray _coefficients, _work;

    public TrigonometricInterpolation(Grid grid)
    {
        _grid = grid;
        int n = grid.Points[0];
        _halves = (n / 2 + 2) / 2 * 2;
        _middle = grid.Dimensions == 3 ? grid.Points[1] : 1;
        _last = grid.Dimensions > 1 ? grid.Points[^1] : 1;
        int row = _middle * _last;
        (_mode, _opposite, _weight) = (new int[_halves * row], new int[_halves * row], new double[_halves * row]);
        for (int k = 0; k < _halves; k++)
            for (int i = 0; i < row; i++)
            {
                int[] index = [k, .. grid.Dimensions == 3 ? [Ascending(_middle, i / _last)] : Array.Empty<int>(), .. grid.Dimensions > 1 ? [Ascending(_last, i % _last)] : Array.Empty<int>()];
                int mode = k > n / 2 ? -1 : grid.Ravel(index), at = k * row + i;
                (_mode[at], _opposite[at]) = (mode, mode < 0 ? -1 : grid.Conjugate(mode));
                _weight[at] = (k == 0 || 2 * k == n ? 0.5 : 1.0) / grid.Sites;
            }
        _coefficients = new LaneArray(2 * _mode.Length);
        _work = new LaneArray(2 * 3 * Factors + 16);
    }

    /// <summary>From the paired spectrum and the displacements of both blocks, one address an axis, to the fields at the sites.</summary>
    public void Apply(double* re, double* im, nint[] displacementA, nint[] displacementB, double* toA, double* toB)
    {
        Untangle((Lane*)re, (Lane*)im, second: false);
        Evaluate(displacementA, (Lane*)toA);
        Untangle((Lane*)re, (Lane*)im, second: true);
        Evaluate(displacementB, (Lane*)toB);
    }

    public void Dispose()
    {
        _coefficients.Dispose();
        _work.Dispose();
    }

    // the order −m … m and, for an even number of points, N/2
    private static int Ascending(int points, int i)
    {
        int m = (points - 1) / 2;
        return i > 2 * m ? points / 2 : i - m;
    }

    // Z = â + i b̂ with â_−k = conj â_k: 2 â = Z_k + conj Z_−k, 2 i b̂ = Z_k − conj Z_−k
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Untangle(Lane* re, Lane* im, bool second)
    {
        Lane* to = (Lane*)_coefficients.Pointer;
        for (int i = 0; i < _mode.Length; i++, to += 2)
        {
            if (_mode[i] < 0)
            {
                to[0] = to[1] = Lane.Zero;
                continue;
            }
            Lane weight = Vector512.Create(_weight[i]), x = re[_mode[i]], y = im[_mode[i]], p = re[_opposite[i]], q = im[_opposite[i]];
            (to[0], to[1]) = second ? (weight * (y + q), weight * (p - x)) : (weight * (x + p), weight * (y - q));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Evaluate(nint[] displacement, Lane* to)
    {
        Lane* factors = (Lane*)_work.Pointer, sums = factors + 2 * 3 * Factors;
        for (int site = 0; site < _grid.Sites; site += 2)
        {
            int next = Math.Min(site + 1, _grid.Sites - 1);
            SetFactors(site, displacement, factors);
            SetFactors(next, displacement, factors + 3 * Factors);
            Modes(factors, factors + 3 * Factors, sums, out to[site], out Lane other);
            to[next] = other;
        }
    }

    // factors of the first axis, of the second of three and of the last, five lanes each
    private void SetFactors(int site, nint[] displacement, Lane* factors)
    {
        int stride = _grid.Sites;
        for (int axis = 0; axis < _grid.Dimensions; axis++)
        {
            int points = _grid.Points[axis], m = (points - 1) / 2;
            stride /= points;
            double length = _grid.Lengths[axis], position = 2 * Math.PI * (site / stride % points) / points;
            var (s, c) = Vector512.SinCos(Vector512.FusedMultiplyAdd(Vector512.Create(2 * Math.PI / length), ((Lane*)displacement[axis])[site], Vector512.Create(position)));
            Lane* to = factors + (axis == 0 ? 0 : axis == _grid.Dimensions - 1 ? 2 : 1) * Factors;
            (to[0], to[1]) = (c, s);
            var (a, b) = Power(c, s, m);
            (to[2], to[3]) = (a, -b);
            to[4] = Vector512.Create(site / stride % points % 2 == 0 ? 1.0 : -1.0);
        }
    }

    private static (Lane Re, Lane Im) Power(Lane re, Lane im, int n)
    {
        Lane a = Lane.One, b = Lane.Zero;
        for (int bit = 1 << 20; bit > 0; bit >>= 1)
        {
            if (bit > n) continue;
            (a, b) = (LaneMath.MultiplySubtract(a, a, b * b), (a + a) * b);
            if ((n & bit) != 0) (a, b) = (LaneMath.MultiplySubtract(a, re, b * im), Vector512.FusedMultiplyAdd(a, im, b * re));
        }
        return (a, b);
    }

    // Re Σ_{k ≥ 0} z₀^k S_k at two sites, S_k the sums over the other axes, from the largest k down
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Modes(Lane* first, Lane* second, Lane* sums, out Lane one, out Lane two)
    {
        Lane a = default, b = default, c = default, d = default, extraA = default, extraC = default;
        bool nyquist = _grid.Points[0] % 2 == 0;
        int m = (_grid.Points[0] - 1) / 2;
        for (int k = _halves - 2; k >= 0; k -= 2)
        {
            Rows(k, first, second, sums);
            for (int row = 1; row >= 0; row--)
            {
                Lane* s = sums + 4 * row;
                if (k + row > m)
                {
                    if (nyquist && k + row == m + 1) (extraA, extraC) = (s[0], s[2]);
                    continue;
                }
                (a, b) = (Vector512.FusedMultiplyAdd(a, first[0], LaneMath.SubtractProduct(b, first[1], s[0])), Vector512.FusedMultiplyAdd(a, first[1], Vector512.FusedMultiplyAdd(b, first[0], s[1])));
                (c, d) = (Vector512.FusedMultiplyAdd(c, second[0], LaneMath.SubtractProduct(d, second[1], s[2])), Vector512.FusedMultiplyAdd(c, second[1], Vector512.FusedMultiplyAdd(d, second[0], s[3])));
            }
        }
        one = nyquist ? Vector512.FusedMultiplyAdd(first[4], extraA, a) : a;
        two = nyquist ? Vector512.FusedMultiplyAdd(second[4], extraC, c) : c;
    }

    // S of two wavenumbers of the first axis at two sites: [wavenumber][site][re, im]
    private void Rows(int k, Lane* first, Lane* second, Lane* sums)
    {
        Lane* p = (Lane*)_coefficients.Pointer + (nint)2 * k * _middle * _last, q = p + (nint)2 * _middle * _last;
        Lane* f = first + 2 * Factors, g = second + 2 * Factors;
        if (_middle == 1)
        {
            Row(p, q, f, g, sums);
            return;
        }
        Lane* inner = sums + 8, x = first + Factors, y = second + Factors;
        int m = (_middle - 1) / 2;
        for (int i = 0; i < 8; i++) sums[i] = Lane.Zero;
        for (int j = 2 * m; j >= 0; j--)
        {
            Row(p + 2 * j * _last, q + 2 * j * _last, f, g, inner);
            for (int i = 0; i < 8; i += 2) Times(sums + i, (i & 2) == 0 ? x : y, inner + i);
        }
        for (int i = 0; i < 8; i += 2) Times(sums + i, ((i & 2) == 0 ? x : y) + 2, null);
        if (_middle % 2 != 0) return;
        Row(p + 2 * (_middle - 1) * _last, q + 2 * (_middle - 1) * _last, f, g, inner);
        for (int i = 0; i < 8; i++) sums[i] += ((i & 2) == 0 ? x : y)[4] * inner[i];
    }

    // a ← a z + b
    private static void Times(Lane* a, Lane* z, Lane* b)
    {
        Lane re = LaneMath.MultiplySubtract(a[0], z[0], a[1] * z[1]), im = Vector512.FusedMultiplyAdd(a[0], z[1], a[1] * z[0]);
        (a[0], a[1]) = b is null ? (re, im) : (re + b[0], im + b[1]);
    }

    // Σ_j c_j e^{ijX} of two rows of coefficients at two sites
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(Lane* p, Lane* q, Lane* f, Lane* g, Lane* to)
    {
        if (_last == 1)
        {
            (to[0], to[1], to[4], to[5]) = (p[0], p[1], q[0], q[1]);
            (to[2], to[3], to[6], to[7]) = (p[0], p[1], q[0], q[1]);
            return;
        }
        Lane fr = f[0], fi = f[1], gr = g[0], gi = g[1];
        Lane a = default, b = default, c = default, d = default, u = default, v = default, w = default, x = default;
        for (int j = (_last - 1) / 2 * 2; j >= 0; j--)
        {
            Lane re = p[2 * j], im = p[2 * j + 1];
            (a, b) = (Vector512.FusedMultiplyAdd(a, fr, LaneMath.SubtractProduct(b, fi, re)), Vector512.FusedMultiplyAdd(a, fi, Vector512.FusedMultiplyAdd(b, fr, im)));
            (c, d) = (Vector512.FusedMultiplyAdd(c, gr, LaneMath.SubtractProduct(d, gi, re)), Vector512.FusedMultiplyAdd(c, gi, Vector512.FusedMultiplyAdd(d, gr, im)));
            (re, im) = (q[2 * j], q[2 * j + 1]);
            (u, v) = (Vector512.FusedMultiplyAdd(u, fr, LaneMath.SubtractProduct(v, fi, re)), Vector512.FusedMultiplyAdd(u, fi, Vector512.FusedMultiplyAdd(v, fr, im)));
            (w, x) = (Vector512.FusedMultiplyAdd(w, gr, LaneMath.SubtractProduct(x, gi, re)), Vector512.FusedMultiplyAdd(w, gi, Vector512.FusedMultiplyAdd(x, gr, im)));
        }
        (to[0], to[1], to[2], to[3]) = (a, b, c, d);
        (to[4], to[5], to[6], to[7]) = (u, v, w, x);
        for (int i = 0; i < 8; i += 2) Times(to + i, ((i & 2) == 0 ? f : g) + 2, null);
        if (_last % 2 != 0) return;
        int n = 2 * (_last - 1);
        for (int i = 0; i < 2; i++)
        {
            (to[i], to[4 + i]) = (Vector512.FusedMultiplyAdd(f[4], p[n + i], to[i]), Vector512.FusedMultiplyAdd(f[4], q[n + i], to[4 + i]));
            (to[2 + i], to[6 + i]) = (Vector512.FusedMultiplyAdd(g[4], p[n + i], to[2 + i]), Vector512.FusedMultiplyAdd(g[4], q[n + i], to[6 + i]));
        }
    }
}
