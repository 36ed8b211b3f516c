namespace Leith.Core;

/// <summary>What a bootstrap makes of an estimate θ̂ of B independent blocks: θ̂ + √(B/(B − 1)) (θ*_b − θ̄*) for each resample b, and the standard deviation of these.</summary>
/// <param name="StandardError">[lag][value].</param>
/// <param name="Replicates">[resample][lag][value]; they scatter about the estimate as it scatters about the truth.</param>
/// <param name="Independent">B.</param>
/// <remarks>
/// Resamples of half-overlapping blocks see the ends of a record less often; without their own mean θ̄* that is no shift. The factor makes up for the resamples' scatter about the mean of the blocks,
/// which is less than about the truth.
/// </remarks>
internal sealed record Resampled(double[][] StandardError, double[][][] Replicates, int Independent)
{
    /// <summary>Makes the resamples one by one.</summary>
    /// <exception cref="LeithException">Fewer than two resamples; one that has no finite value.</exception>
    public static Resampled Of(double[][] centre, int resamples, int independent, Func<int, double[][]> resample)
    {
        if (resamples < 2) throw new LeithException($"bootstrap: expected at least 2 resamples, got {resamples}. 200 is usual.");
        var replicates = new double[resamples][][];
        for (int r = 0; r < resamples; r++) replicates[r] = resample(r);
        return Of(centre, independent, replicates);
    }

    /// <summary>From resamples that have been made, which are changed.</summary>
    /// <exception cref="LeithException">A resample that has no finite value.</exception>
    public static Resampled Of(double[][] centre, int independent, double[][][] replicates)
    {
        double factor = Math.Sqrt(independent / (independent - 1.0));
        var errors = new double[centre.Length][];
        for (int lag = 0; lag < centre.Length; lag++)
        {
            errors[lag] = new double[centre[lag].Length];
            for (int n = 0; n < centre[lag].Length; n++) errors[lag][n] = Spread(replicates, centre, lag, n, factor);
        }
        if (errors.Any(lag => lag.Any(value => !double.IsFinite(value))))
            throw new LeithException("bootstrap: expected resamples whose covariance can be inverted and that have pairs at every lag, got one that has not. Take more data, or fewer lags or components.");
        return new Resampled(errors, replicates, independent);
    }

    // Differences from the estimate itself: squares of large numbers would hide small errors.
    private static double Spread(double[][][] replicates, double[][] centre, int lag, int n, double factor)
    {
        double middle = centre[lag][n], mean = 0, square = 0;
        foreach (var replicate in replicates) mean += replicate[lag][n] - middle;
        mean /= replicates.Length;
        foreach (var replicate in replicates)
        {
            double difference = factor * (replicate[lag][n] - middle - mean);
            square += difference * difference;
            replicate[lag][n] = middle + difference;
        }
        return Math.Sqrt(square / (replicates.Length - 1));
    }
}
