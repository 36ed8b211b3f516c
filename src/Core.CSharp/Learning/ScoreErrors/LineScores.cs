using System.Collections.Concurrent;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>Scores of a law on the line at every noise level, ŝ(x, σ), known and wrong in known ways. What a level needs is made once.</summary>
public static class LineScores
{
    /// <summary>The exact score of the law of x + σ z.</summary>
    public static Func<double, double, double> Exact(LineMixture law)
    {
        var noised = new ConcurrentDictionary<double, LineMixture>();
        return (x, sigma) => noised.GetOrAdd(sigma, law.Noised).Score(x);
    }

    /// <summary>
    /// What a small class of functions can express: the score of a Gaussian and n Gaussian bumps, spread over ± 2 standard deviations, of least squared error over ρ_σ; the minimiser of every
    /// score-matching loss in the class, since these differ by constants.
    /// </summary>
    /// <exception cref="LeithException">A number of bumps below zero.</exception>
    public static Func<double, double, double> Projected(LineMixture law, int bumps)
    {
        if (bumps < 0) throw new LeithException($"score errors: expected a number of bumps of at least 0, got {bumps}.");
        var known = new ConcurrentDictionary<double, (double Mean, double Deviation, double[] Weights)>();
        return (x, sigma) =>
        {
            var (mean, deviation, weights) = known.GetOrAdd(sigma, s => Fit(law.Noised(s), bumps));
            double z = (x - mean) / deviation, sum = -z;
            for (int j = 0; j < bumps; j++) sum += weights[j] * Bump(z, j, bumps);
            return sum / deviation;
        };
    }

    private static double Bump(double z, int j, int bumps)
    {
        double centre = bumps == 1 ? 0 : -2 + 4.0 * j / (bumps - 1), width = 4.0 / (bumps + 1), away = (z - centre) / width;
        return Math.Exp(-0.5 * away * away);
    }

    private static (double, double, double[]) Fit(LineMixture law, int bumps)
    {
        double mean = law.Mean, deviation = Math.Sqrt(law.Variance);
        if (bumps == 0) return (mean, deviation, []);
        var grid = new LineGrid(law);
        double At(int i) => (grid.At[i] - mean) / deviation;
        var gram = Matrix<double>.Build.Dense(bumps, bumps, (a, b) => grid.Average(i => Bump(At(i), a, bumps) * Bump(At(i), b, bumps)) + (a == b ? 1e-10 : 0));
        var right = Vector<double>.Build.Dense(bumps, a => grid.Average(i => Bump(At(i), a, bumps) * (grid.Score[i] * deviation + At(i))));
        return (mean, deviation, gram.Cholesky().Solve(right).ToArray());
    }
}
