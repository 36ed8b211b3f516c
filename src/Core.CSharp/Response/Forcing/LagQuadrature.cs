namespace Leith.Core;

/// <summary>
/// ∫ f(τ) R(τ) dτ where R is known at the lags τ_j = j Δ and f everywhere: R is the cubic through the four nearest lags, f R is integrated by Gauss–Legendre of six points.
/// </summary>
/// <remarks>
/// Linear in R, so a set of weights. Order 4 in Δ for any f, at every upper limit, an odd number of intervals included, and whatever f does between the lags (a closed rule of
/// Simpson's order and error, without its demand for an even number of intervals; Davis and Rabinowitz, Methods of Numerical Integration, §2.5 and §3.6). With stride 2 every second lag alone is used.
/// </remarks>
internal sealed class LagQuadrature
{
    private static readonly double[] HalfNodes = [0.2386191860831969, 0.6612093864662645, 0.9324695142031521];
    private static readonly double[] HalfWeights = [0.4679139345726910, 0.3607615730481386, 0.1713244923791704];

    private readonly int last, cells, points, stride;

    /// <summary>Lags 0 … lags − 1, of which every <paramref name="stride"/>-th is used.</summary>
    public LagQuadrature(int lags, double every, int stride)
    {
        if (lags < 2) throw new LeithException($"forcing: expected at least 2 lags to integrate over, got {lags}. Ask for longer lags.");
        (last, Every, this.stride) = (lags - 1, every, Math.Min(stride, lags - 1));
        cells = last / this.stride;
        points = Math.Min(4, cells + 1);
    }

    /// <summary>Δ.</summary>
    public double Every { get; }

    /// <summary>Abscissae in (0, 1) and weights of an interval of length 1 that is cut at some places inside it.</summary>
    public static (double X, double Weight)[] Rule(IEnumerable<double> cuts)
    {
        double[] ends = [0, .. cuts.Where(c => c is > 1e-9 and < 1 - 1e-9).Order(), 1];
        return [.. Enumerable.Range(0, ends.Length - 1).SelectMany(part => Enumerable.Range(0, 6).Select(g =>
        {
            double half = (ends[part + 1] - ends[part]) / 2, node = g < 3 ? -HalfNodes[2 - g] : HalfNodes[g - 3];
            return (ends[part] + half * (1 + node), half * (g < 3 ? HalfWeights[2 - g] : HalfWeights[g - 3]));
        }))];
    }

    /// <summary>Adds factor · R((interval + x) Δ) as weights of the lags.</summary>
    public void Add(double[] weights, int interval, double x, double factor)
    {
        int first = Math.Clamp(interval / stride - 1, 0, cells - points + 1);
        double y = (interval + x) / stride - first;
        for (int j = 0; j < points; j++)
        {
            double value = factor;
            for (int other = 0; other < points; other++)
                if (other != j) value *= (y - other) / (j - other);
            weights[(first + j) * stride] += value;
        }
    }

    /// <summary>Weights w with ∫₀^T f R dτ = Σ_j w_j R(τ_j), T the last lag.</summary>
    public double[] Integral(Func<double, double> f)
    {
        var weights = new double[last + 1];
        var rule = Rule([]);
        for (int interval = 0; interval < last; interval++)
            foreach (var (x, weight) in rule) Add(weights, interval, x, weight * Every * f((interval + x) * Every));
        return weights;
    }

    /// <summary>Σ_j w_j R_j.</summary>
    public static double Dot(double[] weights, double[] curve)
    {
        double sum = 0;
        for (int j = 0; j < weights.Length; j++) sum += weights[j] * curve[j];
        return sum;
    }
}
