using System.Numerics;
using Leith.Core;

namespace Leith.Benchmarks.Kernels;

/// <summary>The Ornstein–Uhlenbeck SPDE of the founding paper on 32 × 32 sites: a step of it, and 20,000 of its fields simulated and correlated at 100 lags.</summary>
internal static class PaperRates
{
    public static IEnumerable<Measurement> All(int threads) =>
    [
        new("step", $"exponential step 32 × 32, {threads} threads", "ns a site and member", () => Step(threads)),
        new("correlation", $"step and correlation of 32 × 32 fields, 100 lags, {threads} threads", "s for 20,000 fields", () => Correlation(threads)),
    ];

    private static Simulation Paper()
    {
        var grid = new Grid([32, 32], [2 * Math.PI, 2 * Math.PI]);
        var waves = grid.Wavevectors();
        double[] squared = [.. waves.Select(k => k.Sum(x => x * x))];
        Complex[] linear = [.. squared.Select((k2, mode) => new Complex(-4e-2 / (1 + k2) - 2.5e-4 * k2, grid.IsNyquist(mode, 0) ? 0 : -2e-2 * waves[mode][0]))];
        Complex[] noise = [.. squared.Select(k2 => new Complex(32 * Math.Sqrt(4e-3 / (1 + k2)), 0))];
        return new Simulation(new Model { Grid = grid, Rows = grid.Sites, LinearSymbol = linear, NoiseSymbol = noise }, Scheme.Exponential, 2, 1);
    }

    private static double Step(int threads)
    {
        var plan = new SamplingPlan(64, 0, 4000, 4000);
        double time = Measurement.Seconds(() => Paper().Run(plan with { SpinUp = 4000 }, _ => new Fork([]), threads, null, CancellationToken.None));
        return time * 1e9 / (2000.0 * 64 * 1024);
    }

    private static double Correlation(int threads)
    {
        var plan = new SamplingPlan(32, 0, 1250, 2);
        var simulation = Paper();
        var correlator = new SpectralCorrelator(simulation.Model.Grid!, 100, [null], [null], plan.Samples);
        double time = Measurement.Seconds(() => simulation.Run(plan, correlator.Open, threads, null, CancellationToken.None));
        correlator.Complete();
        return time;
    }
}
