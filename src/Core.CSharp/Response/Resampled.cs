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
    // Below this part of the largest variance of any lag there is no scatter but rounding, as of R(0) = I.
    private const double Smallest = 1e-18;

    /// <summary>
    /// The variance that each resample gives itself, [resample][lag][value], and that of the data, [lag][value], in the same unit; null where they are not known. Where few events make an estimate, resamples
    /// with few of them are both small and sure of it.
    /// </summary>
    private (double[][][] Own, double[][] Whole)? Variances { get; init; }

    /// <summary>[resample][value]: the own errors over those of the data, a root mean square over these lags.</summary>
    public double[][]? OwnErrors(int first, int lags)
    {
        if (Variances is not var (own, whole)) return null;
        int[] range = [.. Enumerable.Range(first, lags)];
        double[] largest = [.. whole[first].Select((_, n) => Smallest * range.Max(lag => whole[lag][n]))];
        int[][] live = [.. largest.Select((least, n) => range.Where(lag => whole[lag][n] > least).ToArray())];
        return [.. own.Select(resample => live.Select((known, n) => known.Length > 0 ? Math.Sqrt(known.Average(lag => resample[lag][n] / whole[lag][n])) : 1).ToArray())];
    }

    /// <summary>Resamples units, each a row of sums.</summary>
    /// <param name="units">[unit][sum].</param>
    /// <param name="draws">Independent blocks, and so many units are drawn.</param>
    /// <param name="resamples">Number of resamples.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="centre">The estimate, [lag][value].</param>
    /// <param name="estimate">The estimate from sums.</param>
    /// <exception cref="LeithException">Fewer than two resamples; one that has no finite value.</exception>
    public static Resampled Of(IReadOnlyList<double[]> units, int draws, int resamples, ulong seed, double[][] centre, Func<double[], double[][]> estimate)
    {
        double[] all = Drawn(units, [.. Enumerable.Repeat(1.0, units.Count)]), left = new double[all.Length];
        return Of(units.Count, draws, resamples, seed, centre, weights => estimate(Drawn(units, weights)), unit =>
        {
            all.CopyTo(left, 0);
            if (unit >= 0) Resampling.AddScaled(-1, units[unit], left);
            return estimate(left);
        });
    }

    /// <summary>The same of an estimate from weights of the units.</summary>
    /// <param name="units">Number of units.</param>
    /// <param name="draws">As above.</param>
    /// <param name="resamples">As above.</param>
    /// <param name="seed">As above.</param>
    /// <param name="centre">As above.</param>
    /// <param name="estimate">The estimate from weights.</param>
    /// <param name="without">The estimate without one unit, of all for −1; null makes it from weights.</param>
    public static Resampled Of(int units, int draws, int resamples, ulong seed, double[][] centre, Func<double[], double[][]> estimate, Func<int, double[][]>? without = null)
    {
        double[][] weights = [.. Enumerable.Range(0, resamples).Select(r => Resampling.Weights(units, draws, seed, r))];
        var resampled = Of(centre, resamples, draws, r => estimate(weights[r]));
        without ??= unit => estimate([.. Enumerable.Range(0, units).Select(u => u == unit ? 0.0 : 1.0)]);
        return resampled with { Variances = SelfVariances(weights, Influences(units, without)) };
    }

    /// <summary>Without errors of their own.</summary>
    /// <exception cref="LeithException">As above.</exception>
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

    private static double[] Drawn(IReadOnlyList<double[]> units, double[] weights)
    {
        var sums = new double[units[0].Length];
        for (int unit = 0; unit < units.Count; unit++)
            if (weights[unit] != 0) Resampling.AddScaled(weights[unit], units[unit], sums);
        return sums;
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

    // The estimate of all units less that without one, [unit][lag][value]: as much as the unit moves it.
    private static double[][][] Influences(int units, Func<int, double[][]> without)
    {
        double[][] whole = without(-1);
        var influences = new double[units][][];
        for (int unit = 0; unit < units; unit++)
        {
            double[][] left = influences[unit] = without(unit);
            for (int lag = 0; lag < left.Length; lag++)
                for (int n = 0; n < left[lag].Length; n++) left[lag][n] = whole[lag][n] - left[lag][n];
        }
        return influences;
    }

    // Σ w ψ² − (Σ w ψ)²/Σ w of the weights of a resample over that of equal ones.
    private static (double[][][] Own, double[][] Whole) SelfVariances(double[][] weights, double[][][] influences)
    {
        double[] equal = [.. Enumerable.Repeat(weights[0].Sum() / influences.Length, influences.Length)];
        return ([.. weights.Select(w => Weighted(w, influences))], Weighted(equal, influences));
    }

    private static double[][] Weighted(double[] weights, double[][][] influences) => [.. influences[0].Select((first, lag) =>
    {
        double[] sums = new double[first.Length], squares = new double[first.Length];
        for (int u = 0; u < weights.Length; u++)
        {
            double w = weights[u];
            if (w == 0) continue;
            double[] influence = influences[u][lag];
            for (int n = 0; n < influence.Length; n++)
            {
                double weighted = w * influence[n];
                sums[n] += weighted;
                squares[n] += weighted * influence[n];
            }
        }
        double draws = weights.Sum();
        for (int n = 0; n < sums.Length; n++) squares[n] = Math.Max(0, squares[n] - sums[n] * sums[n] / draws);
        return squares;
    })];
}
