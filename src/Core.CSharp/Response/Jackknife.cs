namespace Leith.Core;

/// <summary>A value with one standard error.</summary>
public readonly record struct Measurement(double Value, double StandardError);

/// <summary>A curve with one standard error at each of its points.</summary>
public sealed record MeasuredCurve(double[] X, double[] Values, double[] StandardError);

/// <summary>Standard errors of statistics of B independent blocks: s² = (B − 1)/B Σ_b (θ_b − θ̄)², θ_b the statistic of all blocks but b.</summary>
/// <remarks>For smooth statistics the relative error of s is about 1/√(2 B). Efron and Stein (1981), Annals of Statistics 9, 586.</remarks>
static class Jackknife
{
    /// <summary>The statistic of all blocks and its standard error; <paramref name="without"/>(−1) leaves none out. NaN as the error of fewer than two blocks.</summary>
    public static (double[] Values, double[] StandardError) Curve(int blocks, Func<int, double[]> without)
    {
        double[] all = without(-1);
        double[][] left = [.. Enumerable.Range(0, blocks).Select(without)];
        return (all, [.. all.Select((_, i) => Error([.. left.Select(values => values[i])]))]);
    }

    /// <summary>The same of one number.</summary>
    public static Measurement Of(int blocks, Func<int, double> without)
    {
        var (values, errors) = Curve(blocks, b => [without(b)]);
        return new(values[0], errors[0]);
    }

    static double Error(double[] values)
    {
        if (values.Length < 2) return double.NaN;
        double mean = values.Average();
        return Math.Sqrt((values.Length - 1.0) / values.Length * values.Sum(v => (v - mean) * (v - mean)));
    }
}
