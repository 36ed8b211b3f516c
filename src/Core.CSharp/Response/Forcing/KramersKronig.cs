using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Re χ(ω) = (2/π) P∫₀^∞ ω′ Im χ(ω′)/(ω′² − ω²) dω′, which holds where R(τ) = 0 for τ &lt; 0: the two parts of a susceptibility, found separately, must obey it.
/// </summary>
/// <remarks>
/// The pole is subtracted, [ω′ Im χ(ω′) − ω Im χ(ω)]/(ω′² − ω²), and Simpson's rule goes to 3π/Δ; beyond, Im χ = R(0)/ω′. 150 N² sines for N lags. Kramers (1927); Kronig (1926).
/// </remarks>
public static class KramersKronig
{
    private const int Parts = 2; // of an interval between two lags, six points each: a wave of 3π/Δ is well resolved

    /// <summary>Re χ at frequencies from Im χ at all frequencies, both of the curve through the lags and its tail.</summary>
    /// <param name="response">R at the lags.</param>
    /// <param name="every">Δ.</param>
    /// <param name="tail">What is added beyond the longest lag.</param>
    /// <param name="frequencies">Where.</param>
    public static double[] RealPart(double[] response, double every, ExponentialTail? tail, IReadOnlyList<double> frequencies)
    {
        double longest = (response.Length - 1) * every, highest = 3 * Math.PI / every;
        // The finest structure of Im χ: 2π/T of a curve that is cut at T, or the rate of its tail.
        double finest = Math.Min(Math.PI / (4 * longest), tail is { } t ? Math.Max(t.Rate, 0.1 / longest) / 8 : double.MaxValue);
        int points = 2 * (int)Math.Ceiling(highest / finest / 2);
        double width = highest / points;
        var curve = Dense(response, every);
        var product = new double[points + 1];
        Parallel.For(0, points + 1, i => product[i] = i * width * Imaginary(curve, i * width, tail));
        return [.. frequencies.Select(w => Principal(product, width, w, w * Imaginary(curve, w, tail), response[0]))];
    }

    private static double Principal(double[] product, double width, double w, double own, double start)
    {
        int points = product.Length - 1;
        double highest = points * width, sum = 0;
        for (int i = 0; i <= points; i++)
        {
            double at = i * width, weight = i == 0 || i == points ? 1 : i % 2 == 1 ? 4 : 2, gap = at * at - w * w;
            // At the pole itself the quotient is a slope: that between its neighbours.
            int from = Math.Max(0, i - 1), to = Math.Min(points, i + 1);
            double quotient = Math.Abs(at - w) < 1e-6 * width
                ? at == 0 ? product[1] / (width * width) : (product[to] - product[from]) / ((to - from) * width) / (2 * at)
                : (product[i] - own) / gap;
            sum += weight * quotient;
        }
        double logarithm = w == 0 ? 0 : Math.Log((highest - w) / (highest + w)) / (2 * w), beyond = w == 0 ? 1 / highest : -logarithm;
        return 2 / Math.PI * (sum * width / 3 + own * logarithm + start * beyond);
    }

    private static double Imaginary((double Time, double Value)[] curve, double w, ExponentialTail? tail)
    {
        double sum = tail?.Transform(w).Imaginary ?? 0;
        foreach (var (time, value) in curve) sum += value * Math.Sin(w * time);
        return sum;
    }

    // The cubic through the lags, at Gauss points.
    private static (double Time, double Value)[] Dense(double[] response, double every)
    {
        var quadrature = new LagQuadrature(response.Length, every, 1);
        var rule = LagQuadrature.Rule(Enumerable.Range(1, Parts - 1).Select(p => (double)p / Parts));
        var curve = new List<(double, double)>();
        for (int interval = 0; interval < response.Length - 1; interval++)
            foreach (var (x, weight) in rule)
            {
                var weights = new double[response.Length];
                quadrature.Add(weights, interval, x, weight * every);
                curve.Add(((interval + x) * every, LagQuadrature.Dot(weights, response)));
            }
        return [.. curve];
    }
}
