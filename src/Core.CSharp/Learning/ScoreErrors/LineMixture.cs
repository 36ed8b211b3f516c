using MathNet.Numerics;

namespace Leith.Core;

/// <summary>ρ(x) = Σ_c w_c N(x; m_c, v_c) on the line: density, distribution, quantiles and score in closed form at every noise level.</summary>
public sealed class LineMixture
{
    private readonly double[] weights, means, variances;

    private LineMixture(double[] weights, double[] means, double[] variances) => (this.weights, this.means, this.variances) = (weights, means, variances);

    /// <summary>A mixture; weights are brought to sum 1.</summary>
    /// <exception cref="LeithException">No component, arrays of different lengths, weights that are not positive, deviations below zero.</exception>
    public static LineMixture Of(double[] weights, double[] means, double[] deviations)
    {
        if (weights.Length == 0 || means.Length != weights.Length || deviations.Length != weights.Length)
            throw new LeithException($"mixture: expected at least one component, each with a weight, a mean and a standard deviation, got {weights.Length}, {means.Length} and {deviations.Length}.");
        foreach (double weight in weights)
            if (!(weight > 0 && double.IsFinite(weight))) throw new LeithException($"mixture: expected positive weights, got {weight}.");
        foreach (double deviation in deviations)
            if (!(deviation >= 0 && double.IsFinite(deviation))) throw new LeithException($"mixture: expected standard deviations of at least 0, got {deviation}.");
        if (means.Any(m => !double.IsFinite(m))) throw new LeithException("mixture: expected finite means, got NaN or infinity.");
        double sum = weights.Sum();
        return new([.. weights.Select(w => w / sum)], [.. means], [.. deviations.Select(d => d * d)]);
    }

    /// <summary>N(mean, deviation²).</summary>
    public static LineMixture Gaussian(double mean, double deviation) => Of([1], [mean], [deviation]);

    /// <summary>Equal weights on samples: the law that a finite data set is.</summary>
    public static LineMixture Samples(double[] samples) => Of([.. samples.Select(_ => 1.0)], samples, new double[samples.Length]);

    /// <summary>Σ w m.</summary>
    public double Mean => weights.Zip(means, (w, m) => w * m).Sum();

    /// <summary>Σ w (v + m²) − mean².</summary>
    public double Variance
    {
        get
        {
            double mean = Mean;
            return weights.Select((w, c) => w * (variances[c] + (means[c] - mean) * (means[c] - mean))).Sum();
        }
    }

    /// <summary>The smallest standard deviation of a component.</summary>
    public double Finest => Math.Sqrt(variances.Min());

    /// <summary>The law of x + σ z.</summary>
    public LineMixture Noised(double sigma) => new(weights, means, [.. variances.Select(v => v + sigma * sigma)]);

    /// <summary>ρ(x).</summary>
    public double Density(double x) => Evaluate(x).Density;

    /// <summary>s(x) = d ln ρ/dx.</summary>
    public double Score(double x) => Evaluate(x).Score;

    /// <summary>ρ and s at once; far out the score stays exact where ρ has become 0.</summary>
    public (double Density, double Score) Evaluate(double x)
    {
        double most = double.NegativeInfinity;
        for (int c = 0; c < weights.Length; c++) most = Math.Max(most, -(x - means[c]) * (x - means[c]) / (2 * variances[c]));
        double sum = 0, slope = 0;
        for (int c = 0; c < weights.Length; c++)
        {
            double away = x - means[c], part = weights[c] / Math.Sqrt(2 * Math.PI * variances[c]) * Math.Exp(-away * away / (2 * variances[c]) - most);
            sum += part;
            slope -= part * away / variances[c];
        }
        return (sum * Math.Exp(most), slope / sum);
    }

    /// <summary>P(X ≤ x).</summary>
    public double Distribution(double x)
    {
        double sum = 0;
        for (int c = 0; c < weights.Length; c++)
            sum += weights[c] * (variances[c] > 0 ? 0.5 * SpecialFunctions.Erfc((means[c] - x) / Math.Sqrt(2 * variances[c])) : x >= means[c] ? 1 : 0);
        return sum;
    }

    /// <summary>The x with P(X ≤ x) = p, 0 &lt; p &lt; 1, by bisection to rounding.</summary>
    public double Quantile(double p)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        for (int c = 0; c < weights.Length; c++)
        {
            double reach = 40 * Math.Sqrt(variances[c]);
            (low, high) = (Math.Min(low, means[c] - reach), Math.Max(high, means[c] + reach));
        }
        for (int i = 0; i < 60 && low < high; i++)
        {
            double middle = 0.5 * (low + high);
            if (Distribution(middle) < p) low = middle;
            else high = middle;
        }
        return 0.5 * (low + high);
    }

    /// <summary>Samples, functions of (seed, number).</summary>
    public double[] Sample(int count, ulong seed)
    {
        double One(int i)
        {
            double u = Draw.Uniform(seed, Draw.Sample, i, 0);
            int c = 0;
            while (c < weights.Length - 1 && u >= weights[c]) u -= weights[c++];
            return means[c] + Math.Sqrt(variances[c]) * Draw.Normal(seed, Draw.Level, i, 0);
        }
        return [.. Enumerable.Range(0, count).Select(One)];
    }
}
