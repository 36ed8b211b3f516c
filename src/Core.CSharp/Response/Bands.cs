using MathNet.Numerics.Distributions;

namespace Leith.Core;

/// <summary>
/// Bands of an estimate: value ± multiplier · standard error. Pointwise, P(|R̂(τ) − R(τ)| ≤ c(τ) se(τ)) = 95 % at each lag; simultaneous, P(|R̂(τ) − R(τ)| ≤ C se(τ) at every lag) = 95 %.
/// </summary>
/// <remarks>
/// The quotient (R̂ − R)/se is not normal: se comes from B blocks, and where few events make the response, a record with few of them has an estimate that is off and a standard error that is too small.
/// c(τ) is the quantile of |R*_b − R̂|/se*_b over resamples b, with the standard error that each resample gives itself: the symmetric studentised bootstrap, whose coverage is right to O(1/B²) where 1.96 is
/// to O(1/B). Hall (1992), The Bootstrap and Edgeworth Expansion, §3.6. At least Student's quantile.
/// </remarks>
public static class Bands
{
    /// <summary>The probability with which a band covers the truth.</summary>
    public const double Level = 0.95;

    /// <summary>1.96, of a normal quotient.</summary>
    public static readonly double Normal = MathNet.Numerics.Distributions.Normal.InvCDF(0, 1, (1 + Level) / 2);

    // Where a curve has no scatter to speak of, as R(0) = I, the quotient of two roundings says nothing.
    private const double Smallest = 1e-9;

    // Neighbouring lags share most of their noise, so they share a multiplier: quantiles of 200 resamples are good to 6 %.
    private const int Smoothing = 2;

    /// <summary>t_ν(97.5 %), Student's quantile with ν = B − 1 degrees of freedom: a standard error from B independent blocks is itself uncertain by 1/√(2 B).</summary>
    /// <param name="independent">B; ∞ gives <see cref="Normal"/>.</param>
    /// <exception cref="LeithException">Fewer than two blocks.</exception>
    public static double Student(double independent)
    {
        if (!(independent >= 2)) throw new LeithException($"band: expected at least 2 independent blocks, got {independent}. Take more data.");
        return independent > 1e6 ? Normal : StudentT.InvCDF(0, 1, independent - 1, (1 + Level) / 2);
    }

    /// <summary>c(τ) of one component.</summary>
    /// <param name="student">Of <see cref="Student"/>: what c is at least, and all there is where resamples do not know errors of their own.</param>
    /// <param name="values">R(τ).</param>
    /// <param name="standardError">se(τ).</param>
    /// <param name="replicates">[resample][lag].</param>
    /// <param name="ownErrors">[resample]: the standard error that a resample gives itself over that of the data; null where it is not known.</param>
    public static double[] Pointwise(double student, IReadOnlyList<double> values, IReadOnlyList<double> standardError, IReadOnlyList<double[]> replicates, IReadOnlyList<double>? ownErrors)
    {
        var multipliers = new double[values.Count];
        Array.Fill(multipliers, student);
        if (ownErrors is null || replicates.Count < 2) return multipliers;
        bool[] scatters = Scatters(standardError);
        double At(int lag) => scatters[lag] ? Quantile([.. replicates.Select((curve, b) => Quotient(curve[lag] - values[lag], standardError[lag], ownErrors[b])).Order()], Level) : double.NaN;
        double[] raw = [.. Enumerable.Range(0, values.Count).Select(At)];
        for (int lag = 0; lag < raw.Length; lag++)
        {
            double[] near = [.. raw[Math.Max(0, lag - Smoothing)..Math.Min(raw.Length, lag + Smoothing + 1)].Where(double.IsFinite)];
            if (near.Length > 0) multipliers[lag] = Math.Max(student, near.Average());
        }
        return multipliers;
    }

    /// <summary>C of one component: the 95 % quantile over resamples b of max_τ |R_b(τ) − R(τ)|/se_b(τ); at least the largest c(τ).</summary>
    /// <param name="pointwise">c(τ).</param>
    /// <param name="values">R(τ).</param>
    /// <param name="standardError">se(τ).</param>
    /// <param name="replicates">[resample][lag].</param>
    /// <param name="ownErrors">As in <see cref="Pointwise"/>; null: Student's quantile over 1.96 makes up for few blocks.</param>
    /// <remarks>Standard error of C about 4 % for 200 resamples. Lags without scatter do not count.</remarks>
    public static double Simultaneous(IReadOnlyList<double> pointwise, IReadOnlyList<double> values, IReadOnlyList<double> standardError, IReadOnlyList<double[]> replicates, IReadOnlyList<double>? ownErrors)
    {
        bool[] scatters = Scatters(standardError);
        int[] lags = [.. Enumerable.Range(0, values.Count).Where(lag => scatters[lag])];
        if (lags.Length == 0 || replicates.Count < 2) return pointwise.Max();
        double student = ownErrors is null ? pointwise.Min() / Normal : 1;
        var largest = replicates.Select((curve, b) => lags.Max(lag => Quotient(curve[lag] - values[lag], standardError[lag], ownErrors?[b] ?? 1))).Order().ToArray();
        return Math.Max(lags.Max(lag => pointwise[lag]), student * Quantile(largest, Level));
    }

    private static bool[] Scatters(IReadOnlyList<double> standardError)
    {
        double least = Smallest * standardError.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        return [.. standardError.Select(error => error > least)];
    }

    // A resample without any of the events has no error of its own.
    private static double Quotient(double difference, double standardError, double own) => Math.Abs(difference) / (standardError * Math.Max(own, 0.02));

    // Between order statistics, so that C does not jump from one resample to the next.
    private static double Quantile(double[] sorted, double level)
    {
        double at = level * (sorted.Length + 1) - 1;
        int below = (int)Math.Clamp(Math.Floor(at), 0, sorted.Length - 1), above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + Math.Clamp(at - below, 0, 1) * (sorted[above] - sorted[below]);
    }
}
