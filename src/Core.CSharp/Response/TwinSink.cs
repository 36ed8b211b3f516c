namespace Leith.Core;

/// <summary>Sums of one tile of twin runs: for every lag and row the members' mean difference quotient (A(u⁺) − A(u⁻))/δ over restarts, its square, and the even part.</summary>
sealed class TwinSink : ITwinSink
{
    readonly double size;
    readonly LaneFft? fft;
    readonly ITileMap? observable;
    readonly Tile plusMapped, minusMapped, freeMapped;
    readonly Tile[] quotients; // [lag], sums over restarts, in real space
    readonly int[] kept;
    int restarts;

    internal TwinSink(Grid? grid, int rows, int lags, double size, Func<ITileMap>? observable)
    {
        this.size = size;
        fft = grid is null ? null : new LaneFft(grid);
        this.observable = observable?.Invoke();
        (plusMapped, minusMapped, freeMapped) = (new Tile(rows), new Tile(rows), new Tile(rows));
        quotients = [.. Enumerable.Range(0, lags).Select(_ => new Tile(rows))];
        kept = Dynamical.ReplicateRows(grid, rows);
        Members = new double[lags][][];
        (Mean, Scatter) = (Table(lags, rows), Table(lags, rows));
        (Odd, Even) = (new double[lags], new double[lags]);
    }

    static double[][] Table(int lags, int rows) => [.. Enumerable.Range(0, lags).Select(_ => new double[rows])];

    /// <summary>[lag][row]: mean over the sixteen members of their mean difference quotient.</summary>
    internal double[][] Mean { get; }

    /// <summary>[lag][member][i]: the mean difference quotient of each member at the rows of <see cref="Dynamical.ReplicateRows"/>.</summary>
    internal double[][][] Members { get; }

    /// <summary>[lag][row]: Σ over the sixteen members of the squared distance from that mean.</summary>
    internal double[][] Scatter { get; }

    /// <summary>[lag]: Σ of squares of ½(A(u⁺) − A(u⁻)).</summary>
    internal double[] Odd { get; }

    /// <summary>[lag]: Σ of squares of ½(A(u⁺) + A(u⁻)) − A(u), which vanishes in the linear regime.</summary>
    internal double[] Even { get; }

    public void Sample(int restart, int lag, Tile free, Tile plus, Tile minus)
    {
        restarts = Math.Max(restarts, restart + 1);
        Tile f = RealSpace(free, freeMapped), p = RealSpace(plus, plusMapped), m = RealSpace(minus, minusMapped);
        Add(f.A.Span, p.A.Span, m.A.Span, quotients[lag].A.Span, lag);
        Add(f.B.Span, p.B.Span, m.B.Span, quotients[lag].B.Span, lag);
    }

    Tile RealSpace(Tile state, Tile to)
    {
        if (observable is null) to.CopyFrom(state);
        else observable.Apply(state, 0, to);
        unsafe { fft?.Inverse(to.A.Pointer, to.B.Pointer); }
        return to;
    }

    void Add(Span<double> free, Span<double> plus, Span<double> minus, Span<double> quotient, int lag)
    {
        double odd = 0, even = 0;
        for (int i = 0; i < free.Length; i++)
        {
            double difference = plus[i] - minus[i], curvature = 0.5 * (plus[i] + minus[i]) - free[i];
            quotient[i] += difference / size;
            odd += 0.25 * difference * difference;
            even += curvature * curvature;
        }
        Odd[lag] += odd;
        Even[lag] += even;
    }

    public void Finish()
    {
        for (int lag = 0; lag < quotients.Length; lag++)
        {
            var sums = quotients[lag];
            Members[lag] = [.. Enumerable.Range(0, Tile.Members).Select(member =>
                kept.Select(row => (member < LaneArray.Lanes ? sums.A : sums.B)[row, member % LaneArray.Lanes] / restarts).ToArray())];
            for (int row = 0; row < quotients[lag].Rows; row++)
                (Mean[lag][row], Scatter[lag][row]) = Spread(quotients[lag], row);
        }
        foreach (var tile in quotients.Append(plusMapped).Append(minusMapped).Append(freeMapped)) tile.Dispose();
        fft?.Dispose();
        observable?.Dispose();
    }

    (double Mean, double Scatter) Spread(Tile sums, int row)
    {
        double mean = 0, scatter = 0;
        for (int lane = 0; lane < LaneArray.Lanes; lane++) mean += (sums.A[row, lane] + sums.B[row, lane]) / restarts / Tile.Members;
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
        {
            double a = sums.A[row, lane] / restarts - mean, b = sums.B[row, lane] / restarts - mean;
            scatter += a * a + b * b;
        }
        return (mean, scatter);
    }
}
