using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Sums of one tile of twins over the restarts of a run that may go on: for every lag and member the difference quotient (A(u⁺) − A(u⁻))/δ, or its
/// cross-correlation with the signs of a field kick. On a torus everything stays in Fourier space until it is read.
/// </summary>
internal sealed class TwinSums : IDisposable
{
    private readonly Grid? grid;
    private readonly double size;
    private readonly ITileMap? observable, pushed;
    private readonly Tile[] mapped, sums; // sums: [lag]
    private readonly Tile? signs;
    private readonly int[] opposite;

    public TwinSums(Grid? grid, int rows, int lags, double size, Func<ITileMap>? observable, bool correlate, Func<ITileMap>? pushed = null)
    {
        (this.grid, this.size) = (grid, size);
        this.observable = observable?.Invoke();
        this.pushed = pushed?.Invoke();
        mapped = [new(rows), new(rows), new(rows)];
        sums = [.. Enumerable.Range(0, lags).Select(_ => new Tile(rows))];
        signs = correlate ? new Tile(rows) : null;
        opposite = grid is null ? [] : [.. Enumerable.Range(0, grid.Sites).Select(grid.Conjugate)];
        (Odd, Even) = (new double[lags], new double[lags]);
    }

    /// <summary>Restarts seen.</summary>
    public int Restarts { get; private set; }

    /// <summary>[lag]: Σ of squares of ½(A(u⁺) − A(u⁻)) over members and rows.</summary>
    public double[] Odd { get; }

    /// <summary>[lag]: Σ of squares of ½(A(u⁺) + A(u⁻)) − A(u), which vanishes in the linear regime.</summary>
    public double[] Even { get; }

    /// <summary>One lag of a restart, the lags in order.</summary>
    public void Add(int lag, Tile free, Tile plus, Tile minus)
    {
        if (lag == 0)
        {
            Restarts++;
            // At lag zero u⁺ − u⁻ = δ s.
            if (signs is not null) Difference(Map(pushed, plus, mapped[1]), Map(pushed, minus, mapped[2]), 1 / size, signs);
        }
        Tile f = Map(observable, free, mapped[0]), p = Map(observable, plus, mapped[1]), m = Map(observable, minus, mapped[2]);
        Measure(f, p, m, lag);
        Difference(p, m, 1 / size, p);
        if (signs is null) TileMath.Add(sums[lag], 1, p);
        else AddCorrelation(p, signs, sums[lag]);
    }

    /// <summary>[member][row] of a lag: the mean over restarts, in real space.</summary>
    public double[][] Members(int lag)
    {
        using var tile = new Tile(sums[lag].Rows);
        tile.CopyFrom(sums[lag]);
        TileMath.Scale(tile, 1.0 / Restarts);
        if (grid is not null)
        {
            using var fft = new LaneFft(grid);
            unsafe { fft.Inverse(tile.A.Pointer, tile.B.Pointer); }
        }
        return [.. Enumerable.Range(0, Tile.Members).Select(member =>
            Enumerable.Range(0, tile.Rows).Select(row => (member < LaneArray.Lanes ? tile.A : tile.B)[row, member % LaneArray.Lanes]).ToArray())];
    }

    public void Dispose()
    {
        observable?.Dispose();
        pushed?.Dispose();
        foreach (var tile in mapped.Concat(sums)) tile.Dispose();
        signs?.Dispose();
    }

    private static Tile Map(ITileMap? map, Tile state, Tile to)
    {
        if (map is null) to.CopyFrom(state);
        else map.Apply(state, 0, to);
        return to;
    }

    private static void Difference(Tile plus, Tile minus, double scale, Tile to)
    {
        TileMath.Sum(plus, -1, minus, to);
        TileMath.Scale(to, scale);
    }

    // Σ_x |f|² = Σ_k |f_k|²/N, and the pair's squares add.
    private void Measure(Tile free, Tile plus, Tile minus, int lag)
    {
        Measure(free.A.Span, plus.A.Span, minus.A.Span, lag);
        Measure(free.B.Span, plus.B.Span, minus.B.Span, lag);
    }

    private void Measure(Span<double> free, Span<double> plus, Span<double> minus, int lag)
    {
        double odd = 0, even = 0, n = grid?.Sites ?? 1;
        for (int i = 0; i < free.Length; i++)
        {
            double half = 0.5 * (plus[i] - minus[i]), rest = 0.5 * (plus[i] + minus[i]) - free[i];
            odd += half * half;
            even += rest * rest;
        }
        Odd[lag] += odd / n;
        Even[lag] += even / n;
    }

    // The members of a pair have signs of their own: each is taken out of its pair, correlated, and put back.
    private void AddCorrelation(Tile difference, Tile kick, Tile to)
    {
        double n = opposite.Length;
        for (int k = 0; k < opposite.Length; k++)
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                var (a, b) = Pair(difference, k, lane);
                var (s, t) = Pair(kick, k, lane);
                Complex z = (a * Complex.Conjugate(s) + Complex.ImaginaryOne * (b * Complex.Conjugate(t))) / n;
                to.A[k, lane] += z.Real;
                to.B[k, lane] += z.Imaginary;
            }
    }

    // a_k = (Z_k + Z*_−k)/2, b_k = (Z_k − Z*_−k)/2i.
    private (Complex A, Complex B) Pair(Tile tile, int k, int lane)
    {
        int minus = opposite[k];
        Complex z = new(tile.A[k, lane], tile.B[k, lane]), w = new(tile.A[minus, lane], -tile.B[minus, lane]);
        return ((z + w) / 2, (z - w) / new Complex(0, 2));
    }
}
