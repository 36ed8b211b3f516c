namespace Leith.Core;

/// <summary>
/// R_f(t) = ∫₀ᵗ R(τ) f(t − τ) dτ at the lags: the response to a push that follows f(t), from that to an impulse.
/// </summary>
/// <remarks>
/// Order 4 in the time between lags (<see cref="LagQuadrature"/>) at every t, for f that is smooth but for its kinks. Linear in R: apply it to every resample for standard errors.
/// N² numbers of memory for N lags.
/// </remarks>
public sealed class ForcingConvolution
{
    private readonly double[][] fine, coarse; // [t][lag]

    /// <summary>For curves of so many lags.</summary>
    public ForcingConvolution(int lags, double every, ForcingInTime forcing)
    {
        (fine, coarse) = (Weights(new LagQuadrature(lags, every, 1), lags, forcing), Weights(new LagQuadrature(lags, every, 2), lags, forcing));
        for (int n = 0; n < lags; n++)
            if (fine[n].Any(w => !double.IsFinite(w)))
                throw new LeithException($"following: expected f(t) that is finite between 0 and {Whole.Text((lags - 1) * every)}, got one that is not, at or before t = {Whole.Text(n * every)}.");
    }

    /// <summary>R_f at the lags.</summary>
    public double[] Apply(double[] response) => [.. fine.Select(w => LagQuadrature.Dot(w, response))];

    /// <summary>Its error of discretisation, |R_f − R_f of every second lag|/15 (Richardson, order 4).</summary>
    public double[] Discretisation(double[] response) =>
        [.. fine.Zip(coarse, (w, v) => Math.Abs(LagQuadrature.Dot(w, response) - LagQuadrature.Dot(v, response)) / 15)];

    /// <summary>A bound on |R_f| from one on |R|, or the standard error of R_f where the errors of all lags go together.</summary>
    public double[] Bound(double[] bound) => [.. fine.Select(w => w.Zip(bound, (a, b) => Math.Abs(a) * b).Sum())];

    // f((k − x) Δ), k = n − interval, serves all t: only the cubic's lags depend on the interval.
    private static double[][] Weights(LagQuadrature quadrature, int lags, ForcingInTime forcing)
    {
        double every = quadrature.Every;
        var rules = new (double X, double Factor)[lags][];
        for (int k = 1; k < lags; k++)
        {
            int steps = k;
            var cuts = forcing.Kinks.Where(t => t > (steps - 1) * every && t < steps * every).Select(t => steps - t / every);
            rules[k] = [.. LagQuadrature.Rule(cuts).Select(p => (p.X, p.Weight * every * forcing.Value((steps - p.X) * every)))];
        }
        var weights = Enumerable.Range(0, lags).Select(_ => new double[lags]).ToArray();
        Parallel.For(1, lags, n =>
        {
            for (int interval = 0; interval < n; interval++)
                foreach (var (x, factor) in rules[n - interval]) quadrature.Add(weights[n], interval, x, factor);
        });
        return weights;
    }
}
