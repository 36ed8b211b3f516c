namespace Leith.Core;

/// <summary>How often bands cover the truth, over independent recordings of one system.</summary>
/// <param name="Recordings">Number of recordings.</param>
/// <param name="Lags">Lags in units of time.</param>
/// <param name="Pointwise">[lag]: the part of the recordings whose pointwise band covers; NaN where the estimate has no scatter.</param>
/// <param name="Simultaneous">The part of the recordings whose simultaneous band covers at every lag.</param>
/// <param name="Multiplier">[lag]: the mean half width of the pointwise band, in standard errors.</param>
/// <param name="ErrorRatio">[lag]: root of the mean squared standard error over the true standard deviation of the estimates.</param>
/// <param name="Shift">[lag]: (mean of the estimates − truth) in true standard deviations.</param>
public sealed record BandCoverage(int Recordings, double[] Lags, double[] Pointwise, double Simultaneous, double[] Multiplier, double[] ErrorRatio, double[] Shift);

/// <summary>Measures the coverage of bands: every member of an ensemble serves as a recording of its own.</summary>
/// <remarks>The standard error of a coverage p of n recordings is √(p (1 − p)/n), .7 % for 95 % of 1,000.</remarks>
public static class Coverage
{
    private const double Smallest = 1e-9;

    /// <summary>Estimates from each member alone, and counts.</summary>
    /// <param name="members">Lag products of an ensemble whose members have time blocks of their own.</param>
    /// <param name="estimator">The estimator.</param>
    /// <param name="row">Row of the observable.</param>
    /// <param name="kick">Column of the kick.</param>
    /// <param name="truth">The response at each lag.</param>
    /// <param name="threads">Threads.</param>
    /// <exception cref="LeithException">Members that share blocks; a truth with another number of lags.</exception>
    public static BandCoverage Of(LagProducts members, Func<LagProducts, ResponseEstimate> estimator, int row, int kick, IReadOnlyList<double> truth, int threads)
    {
        if (truth.Count != members.Longest + 1)
            throw new LeithException($"coverage: expected a truth at {members.Longest + 1} lags, got {truth.Count}.");
        var recordings = members.Members().ToArray();
        var found = new ResponseEstimate[recordings.Length];
        Parallel.For(0, recordings.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => found[i] = estimator(recordings[i]));
        return Count(found, row, kick, truth);
    }

    private static BandCoverage Count(ResponseEstimate[] found, int row, int kick, IReadOnlyList<double> truth)
    {
        int lags = truth.Count, whole = 0, n = found.Length;
        double[] covered = new double[lags], sum = new double[lags], square = new double[lags], multipliers = new double[lags], variance = new double[lags];
        var scatters = new bool[lags];
        foreach (var estimate in found)
        {
            double[] values = [.. estimate.Values.Select(lag => lag[row][kick])], errors = [.. estimate.StandardError.Select(lag => lag[row][kick])];
            double[][] replicates = [.. estimate.Replicates!.Select(replicate => replicate.Select(lag => lag[row][kick]).ToArray())];
            double[] own = [.. estimate.OwnErrors!.Select(resample => resample[row][kick])];
            double[] band = Bands.Pointwise(Bands.Student(estimate.Independent), values, errors, replicates, own);
            double simultaneous = Bands.Simultaneous(band, values, errors, replicates, own);
            for (int lag = 0; lag < lags; lag++) multipliers[lag] += band[lag] / n;
            double largest = 0, least = Smallest * errors.Max();
            for (int lag = 0; lag < lags; lag++)
            {
                double error = values[lag] - truth[lag];
                sum[lag] += error;
                square[lag] += error * error;
                variance[lag] += errors[lag] * errors[lag];
                if (errors[lag] <= least || double.IsNaN(truth[lag])) continue;
                scatters[lag] = true;
                if (Math.Abs(error) <= band[lag] * errors[lag]) covered[lag]++;
                largest = Math.Max(largest, Math.Abs(error) / errors[lag]);
            }
            if (largest <= simultaneous) whole++;
        }
        double Deviation(int lag) => Math.Sqrt((square[lag] - sum[lag] * sum[lag] / n) / (n - 1));
        double[] Each(Func<int, double> value) => [.. Enumerable.Range(0, lags).Select(lag => scatters[lag] ? value(lag) : double.NaN)];
        return new BandCoverage(n, found[0].Lags, Each(lag => covered[lag] / n), whole / (double)n, Each(lag => multipliers[lag]), Each(lag => Math.Sqrt(variance[lag] / n) / Deviation(lag)), Each(lag => sum[lag] / n / Deviation(lag)));
    }
}
