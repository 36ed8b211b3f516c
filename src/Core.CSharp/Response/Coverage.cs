namespace Leith.Core;

/// <summary>How often the bands of one observable cover the truth, over independent recordings of one system.</summary>
/// <param name="Recordings">Number of recordings.</param>
/// <param name="Lags">Lags in units of time.</param>
/// <param name="Pointwise">[lag]: the part of the recordings whose pointwise band covers; NaN where the estimate has no scatter or the truth is not known.</param>
/// <param name="Simultaneous">The part of the recordings whose simultaneous band covers at every lag at which the truth is known.</param>
/// <param name="Normal">[lag]: the part that ±1.96 standard errors would cover.</param>
/// <param name="Multiplier">[lag]: the mean half width of the pointwise band, in standard errors.</param>
/// <param name="ErrorRatio">[lag]: root of the mean squared standard error over the true standard deviation of the estimates.</param>
/// <param name="Shift">[lag]: (mean of the estimates − truth) in true standard deviations.</param>
public sealed record BandCoverage(
    int Recordings, double[] Lags, double[] Pointwise, double Simultaneous, double[] Normal, double[] Multiplier, double[] ErrorRatio, double[] Shift);

/// <summary>Measures the coverage of bands: every member of an ensemble serves as a recording of its own.</summary>
/// <remarks>The standard error of a coverage p of n recordings is √(p (1 − p)/n), .7 % for 95 % of 1,000.</remarks>
public static class Coverage
{
    private const double Smallest = 1e-9;

    /// <summary>Estimates from each member alone, and counts, observable by observable.</summary>
    /// <param name="members">Lag products of an ensemble whose members have time blocks of their own.</param>
    /// <param name="estimator">The estimator.</param>
    /// <param name="kick">Column of the kick.</param>
    /// <param name="rows">Rows of the observables.</param>
    /// <param name="truths">The response of each at each lag, NaN where it is not known.</param>
    /// <param name="threads">Threads.</param>
    /// <exception cref="LeithException">A truth with another number of lags.</exception>
    public static BandCoverage[] Of(LagProducts members, Func<LagProducts, ResponseEstimate> estimator, int kick, IReadOnlyList<int> rows, IReadOnlyList<double[]> truths, int threads)
    {
        if (truths.FirstOrDefault(truth => truth.Length != members.Longest + 1) is { } odd)
            throw new LeithException($"coverage: expected a truth at {members.Longest + 1} lags, got {odd.Length}.");
        var recordings = members.Members().ToArray();
        var found = new Banded[recordings.Length][];
        Parallel.For(0, recordings.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            var estimate = estimator(recordings[i]);
            found[i] = [.. rows.Select(row => Banded.Of(estimate, row, kick))];
        });
        return [.. truths.Select((truth, a) => Count(members.Lags, [.. found.Select(each => each[a])], truth))];
    }

    private static BandCoverage Count(double[] lags, Banded[] found, double[] truth)
    {
        double n = found.Length;
        double[] At(Func<int, double> value) => [.. truth.Select((known, lag) => double.IsNaN(known) || found.All(f => !f.Scatters(lag)) ? double.NaN : value(lag))];
        double Share(int lag, Func<Banded, double> half) => found.Count(f => Math.Abs(f.Values[lag] - truth[lag]) <= half(f)) / n;
        double Mean(int lag) => found.Average(f => f.Values[lag] - truth[lag]);
        double Deviation(int lag)
        {
            double mean = Mean(lag);
            return Math.Sqrt(found.Sum(f => Math.Pow(f.Values[lag] - truth[lag] - mean, 2)) / (n - 1));
        }
        bool Whole(Banded f) => Enumerable.Range(0, truth.Length).All(lag =>
            double.IsNaN(truth[lag]) || !f.Scatters(lag) || Math.Abs(f.Values[lag] - truth[lag]) <= f.Simultaneous * f.Errors[lag]);
        return new BandCoverage(found.Length, lags, At(lag => Share(lag, f => f.Multipliers[lag] * f.Errors[lag])), found.Count(Whole) / n,
            At(lag => Share(lag, f => Bands.Normal * f.Errors[lag])), At(lag => found.Average(f => f.Multipliers[lag])),
            At(lag => Math.Sqrt(found.Average(f => f.Errors[lag] * f.Errors[lag])) / Deviation(lag)), At(lag => Mean(lag) / Deviation(lag)));
    }

    // One observable of one recording.
    private sealed record Banded(double[] Values, double[] Errors, double[] Multipliers, double Simultaneous)
    {
        public bool Scatters(int lag) => Errors[lag] > Smallest * Errors.Max();

        public static Banded Of(ResponseEstimate estimate, int row, int kick)
        {
            double[] values = [.. estimate.Values.Select(lag => lag[row][kick])], errors = [.. estimate.StandardError.Select(lag => lag[row][kick])];
            double[][] replicates = [.. estimate.Replicates!.Select(replicate => replicate.Select(lag => lag[row][kick]).ToArray())];
            double[]? own = estimate.OwnErrors?.Select(resample => resample[row][kick]).ToArray();
            double[] multipliers = Bands.Pointwise(Bands.Student(estimate.Independent), values, errors, replicates, own);
            return new Banded(values, errors, multipliers, Bands.Simultaneous(multipliers, values, errors, replicates, own));
        }
    }
}
