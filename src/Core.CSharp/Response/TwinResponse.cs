namespace Leith.Core;

/// <summary>What twin runs say of an impulse response.</summary>
/// <param name="Lags">Lags in units of time.</param>
/// <param name="Values">[lag][row]: site offsets on a torus, scalar unknowns otherwise.</param>
/// <param name="StandardError">One standard error over members, same shape.</param>
/// <param name="Pairs">Twin pairs run.</param>
/// <param name="EvenPart">[lag]: size of the even part over the largest odd part of any lag, √(Σ even²/max Σ odd²); small in the linear regime.</param>
public sealed record TwinResponseEstimate(double[] Lags, double[][] Values, double[][] StandardError, long Pairs, double[] EvenPart)
{
    /// <summary>The curves of each resample of members, [resample][lag][i], i over <see cref="ReplicateRows"/>.</summary>
    public double[][][]? Replicates { get; init; }

    /// <summary>The rows of the replicates: all numbers, or the sites along the first axis through the kick.</summary>
    public int[] ReplicateRows { get; init; } = [];

    /// <summary>Members behind the standard errors; see <see cref="Bands"/>.</summary>
    public int Independent { get; init; }

    /// <summary>The largest over the lags of √(Σ_row standard error²).</summary>
    public double LargestError => StandardError.Max(row => Math.Sqrt(row.Sum(e => e * e)));
}

/// <summary>
/// R(τ) = ⟨(A(u⁺(τ)) − A(u⁻(τ)))/δ⟩ over pairs of runs started at u ± δ/2·kick that share their noise ("dynamical" response).
/// </summary>
/// <remarks>
/// Central difference: bias O(δ²). The unit of the standard error is a member, averaged over its restarts, so correlation between restarts cannot fool it.
/// Batches of members are added until the wanted standard error is reached.
/// </remarks>
public static class TwinResponse
{
    /// <summary>Runs batches of twins.</summary>
    /// <param name="simulation">The simulation for a seed; every batch has its own.</param>
    /// <param name="grid">The torus, or null for scalar unknowns.</param>
    /// <param name="rows">Sites or scalar unknowns.</param>
    /// <param name="plan">One batch.</param>
    /// <param name="seed">Seed of the first batch.</param>
    /// <param name="observable">A, null for the state itself.</param>
    /// <param name="wanted">Standard error wanted: the largest over lags of the Euclidean norm over rows.</param>
    /// <param name="mostPairs">Never more pairs than this.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="progress">Fraction done and standard error so far.</param>
    /// <param name="cancellation">Stops after the batch that is running.</param>
    public static TwinResponseEstimate Run(Func<ulong, Simulation> simulation, Grid? grid, int rows, TwinPlan plan, ulong seed, Func<ITileMap>? observable,
        double wanted, long mostPairs, int threads, IProgress<(double Fraction, double StandardError)>? progress, CancellationToken cancellation)
    {
        if (!(wanted > 0)) throw new LeithException($"dynamical: expected a positive standard error, got {wanted}.");
        int lags = (int)Math.Round(plan.Longest / plan.Every) + 1;
        var tiles = new List<TwinSink>();
        TwinResponseEstimate estimate;
        long batches = 1;
        for (long batch = 0; ; batch++)
        {
            var sinks = new SortedDictionary<int, TwinSink>();
            double done = batch, error = tiles.Count > 0 ? Merge(tiles, plan, lags, rows).LargestError : double.NaN;
            var part = progress is null ? null : new Relay(f => progress.Report(((done + f) / Math.Max(batches, done + 1), error)));
            simulation(seed + (ulong)batch * 0x9E3779B97F4A7C15).Twins(plan, tile =>
            {
                var sink = new TwinSink(grid, rows, lags, plan.Size, observable);
                lock (sinks) sinks[tile] = sink;
                return sink;
            }, threads, part, cancellation);
            tiles.AddRange(sinks.Values);
            estimate = Merge(tiles, plan, lags, rows);
            double missing = estimate.LargestError / wanted;
            batches = (long)Math.Ceiling((batch + 1) * missing * missing);
            progress?.Report((Math.Min(1, (batch + 1.0) / Math.Max(batches, 1)), estimate.LargestError));
            if (missing <= 1 || estimate.Pairs >= mostPairs || cancellation.IsCancellationRequested) break;
        }
        // Members of later batches are further members.
        double[][][] members = [.. Enumerable.Range(0, lags).Select(lag => tiles.SelectMany(tile => tile.Members[lag]).ToArray())];
        return estimate with
        {
            Replicates = Dynamical.Resample(members, seed).Replicates,
            ReplicateRows = Dynamical.ReplicateRows(grid, rows),
            Independent = members[0].Length,
        };
    }

    static TwinResponseEstimate Merge(List<TwinSink> tiles, TwinPlan plan, int lags, int rows)
    {
        double n = tiles.Count * Tile.Members;
        var values = new double[lags][];
        var errors = new double[lags][];
        var even = new double[lags];
        // Where a response has decayed to rounding, its odd part is no measure.
        double largest = Enumerable.Range(0, lags).Max(lag => tiles.Sum(t => t.Odd[lag]));
        for (int lag = 0; lag < lags; lag++)
        {
            values[lag] = new double[rows];
            errors[lag] = new double[rows];
            for (int row = 0; row < rows; row++)
            {
                // Scatter within tiles and between them: squares of large numbers are never subtracted.
                double mean = tiles.Average(t => t.Mean[lag][row]);
                double scatter = tiles.Sum(t => t.Scatter[lag][row] + Tile.Members * (t.Mean[lag][row] - mean) * (t.Mean[lag][row] - mean));
                values[lag][row] = mean;
                errors[lag][row] = Math.Sqrt(scatter / (n - 1) / n);
            }
            even[lag] = Math.Sqrt(tiles.Sum(t => t.Even[lag]) / Math.Max(largest, double.Epsilon));
        }
        return new TwinResponseEstimate([.. Enumerable.Range(0, lags).Select(i => i * plan.Every)], values, errors, (long)n * plan.Restarts, even);
    }

    sealed class Relay(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
