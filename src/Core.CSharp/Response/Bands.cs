using MathNet.Numerics.Distributions;

namespace Leith.Core;

/// <summary>
/// Bands of an estimate: value ± multiplier · standard error. Pointwise, P(|R̂(τ) − R(τ)| ≤ c se(τ)) = 95 % at each lag; simultaneous, P(max_τ |R̂(τ) − R(τ)|/se(τ) ≤ c) = 95 % of the whole curve.
/// </summary>
public static class Bands
{
    /// <summary>The probability with which a band covers the truth.</summary>
    public const double Level = 0.95;

    // Where a curve has no scatter to speak of, as R(0) = I, the quotient of two roundings says nothing.
    private const double Smallest = 1e-9;

    /// <summary>c = t_{ν}(97.5 %), Student's quantile with ν = B − 1 degrees of freedom: a standard error from B independent blocks is itself uncertain by 1/√(2 B).</summary>
    /// <param name="independent">B; ∞ gives the normal 1.96.</param>
    /// <exception cref="LeithException">Fewer than two blocks.</exception>
    public static double Pointwise(double independent)
    {
        if (!(independent >= 2)) throw new LeithException($"band: expected at least 2 independent blocks, got {independent}. Take more data.");
        double tail = (1 + Level) / 2;
        return independent > 1e6 ? Normal.InvCDF(0, 1, tail) : StudentT.InvCDF(0, 1, independent - 1, tail);
    }

    /// <summary>c = t_ν/z · the 95 % quantile over resamples b of max_τ |R_b(τ) − R(τ)|/se(τ), with the pointwise correction for few blocks; never below the pointwise multiplier.</summary>
    /// <param name="values">R(τ), one component.</param>
    /// <param name="standardError">se(τ).</param>
    /// <param name="replicates">[resample][lag].</param>
    /// <param name="independent">As in <see cref="Pointwise"/>.</param>
    /// <remarks>Standard error of c about 4 % for 200 resamples. Lags without scatter do not count.</remarks>
    public static double Simultaneous(IReadOnlyList<double> values, IReadOnlyList<double> standardError, IReadOnlyList<double[]> replicates, double independent)
    {
        double pointwise = Pointwise(independent), least = Smallest * standardError.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        int[] lags = [.. Enumerable.Range(0, values.Count).Where(lag => standardError[lag] > least)];
        if (lags.Length == 0 || replicates.Count == 0) return pointwise;
        var largest = replicates.Select(curve => lags.Max(lag => Math.Abs(curve[lag] - values[lag]) / standardError[lag])).Order().ToArray();
        return Math.Max(pointwise, Quantile(largest, Level) * pointwise / Normal.InvCDF(0, 1, (1 + Level) / 2));
    }

    /// <summary>One standard error of every lag, the standard deviation of the replicates: for what is made of a response by a further step.</summary>
    /// <param name="replicates">[resample][lag].</param>
    public static double[] StandardError(IReadOnlyList<double[]> replicates) => [.. Enumerable.Range(0, replicates.Count == 0 ? 0 : replicates[0].Length).Select(lag =>
    {
        double first = replicates[0][lag], mean = replicates.Average(curve => curve[lag] - first);
        return Math.Sqrt(replicates.Sum(curve => Math.Pow(curve[lag] - first - mean, 2)) / (replicates.Count - 1));
    })];

    // Between order statistics, so that c does not jump from one resample to the next.
    private static double Quantile(double[] sorted, double level)
    {
        double at = level * (sorted.Length + 1) - 1;
        int below = (int)Math.Clamp(Math.Floor(at), 0, sorted.Length - 1), above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + Math.Clamp(at - below, 0, 1) * (sorted[above] - sorted[below]);
    }
}
