namespace Leith.Core;

/// <summary>
/// Sums of one tile of forced twins over their restarts: for every lag and member (A(u⁺) − A(u⁻))/2ε, and (A(u⁺) + A(u⁻) − 2 A(u))/2ε² where it is asked for.
/// On a torus everything stays in Fourier space until it is read.
/// </summary>
internal sealed class ForcedSums : IDisposable
{
    private readonly Grid? grid;
    private readonly double amplitude;
    private readonly ITileMap? observable;
    private readonly Tile free, plus, minus;
    private readonly Tile[] odd, even; // [lag]
    private int restarts;

    public ForcedSums(Grid? grid, int rows, int lags, double amplitude, Func<ITileMap>? observable, bool keepEven)
    {
        (this.grid, this.amplitude) = (grid, amplitude);
        this.observable = observable?.Invoke();
        (free, plus, minus) = (new(rows), new(rows), new(rows));
        Tile[] Make(int count) => [.. Enumerable.Range(0, count).Select(_ => new Tile(rows))];
        (odd, even) = (Make(lags), Make(keepEven ? lags : 0));
        (OddSquares, EvenSquares) = (new double[lags], new double[lags]);
    }

    /// <summary>[lag]: Σ of squares of ½(A(u⁺) − A(u⁻)) over members and rows.</summary>
    public double[] OddSquares { get; }

    /// <summary>[lag]: Σ of squares of ½(A(u⁺) + A(u⁻)) − A(u).</summary>
    public double[] EvenSquares { get; }

    /// <summary>One lag of a restart, the lags in order.</summary>
    public void Add(int lag, Tile u, Tile uPlus, Tile uMinus)
    {
        if (lag == 0) restarts++;
        Map(u, free);
        Map(uPlus, plus);
        Map(uMinus, minus);
        Add(lag, free.A.Span, plus.A.Span, minus.A.Span, odd[lag].A.Span, even.Length > 0 ? even[lag].A.Span : []);
        Add(lag, free.B.Span, plus.B.Span, minus.B.Span, odd[lag].B.Span, even.Length > 0 ? even[lag].B.Span : []);
    }

    /// <summary>[member][row] of a lag: the mean over restarts, in real space; of the odd part or of the even one.</summary>
    public double[][] Members(int lag, bool ofEven)
    {
        var sums = (ofEven ? even : odd)[lag];
        using var tile = new Tile(sums.Rows);
        tile.CopyFrom(sums);
        TileMath.Scale(tile, 1.0 / restarts);
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
        foreach (var tile in odd.Concat(even).Append(free).Append(plus).Append(minus)) tile.Dispose();
    }

    private void Map(Tile state, Tile to)
    {
        if (observable is null) to.CopyFrom(state);
        else observable.Apply(state, 0, to);
    }

    // Σ_x |f|² = Σ_k |f_k|²/N, and the pair's squares add.
    private void Add(int lag, Span<double> u, Span<double> p, Span<double> m, Span<double> odds, Span<double> evens)
    {
        double oddSquare = 0, evenSquare = 0, n = grid?.Sites ?? 1;
        for (int i = 0; i < u.Length; i++)
        {
            double half = 0.5 * (p[i] - m[i]), rest = 0.5 * (p[i] + m[i]) - u[i];
            odds[i] += half / amplitude;
            if (evens.Length > 0) evens[i] += rest / (amplitude * amplitude);
            oddSquare += half * half;
            evenSquare += rest * rest;
        }
        OddSquares[lag] += oddSquare / n;
        EvenSquares[lag] += evenSquare / n;
    }
}
