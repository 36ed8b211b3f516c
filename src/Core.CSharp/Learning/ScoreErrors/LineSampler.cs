namespace Leith.Core;

/// <summary>
/// The reverse equation of a law on the line in steps x_{k+1} = x_k + Δ_k ŝ(x_k, σ_k) + √Δ_k w, Δ_k = σ_k² − σ_{k+1}², from a starting law at σ_0 down to σ_n: its law by
/// quadrature, without samples, and what bounds its distance from the data.
/// </summary>
public sealed class LineSampler
{
    private readonly LineMixture law, end;
    private readonly double[] levels, widths, spreads;
    private readonly LineGrid[] exact;
    private readonly LineChain chain;
    private readonly double[][] densities;
    private readonly double discretisation, stepDistance;

    /// <summary>A law and noise levels; the sampler with the exact score is run at once.</summary>
    /// <param name="law">The law of the data.</param>
    /// <param name="levels">σ_0 &gt; … &gt; σ_n.</param>
    /// <exception cref="LeithException">Levels that do not fall.</exception>
    public LineSampler(LineMixture law, IReadOnlyList<double> levels)
    {
        if (levels.Count < 2 || levels.Zip(levels.Skip(1)).Any(p => !(p.First > p.Second)) || !(levels[^1] > 0) || double.IsInfinity(levels[0]))
            throw new LeithException("score errors: expected noise levels σ_0 > … > σ_n > 0, at least two; take them from songSchedule or karrasSchedule.");
        (this.law, this.levels, end) = (law, [.. levels], law.Noised(levels[^1]));
        widths = [.. levels.Zip(levels.Skip(1), (a, b) => a * a - b * b)];
        exact = [.. levels.Select(sigma => new LineGrid(law.Noised(sigma)))];
        double[] information = [.. exact.Select(grid => grid.Information)];
        spreads = [.. widths.Select((width, k) => Spread(levels[k], width, information[k]))];
        discretisation = Math.Max(0, exact[0].Entropy - exact[^1].Entropy - 0.5 * widths.Select((width, k) => width * information[k]).Sum());
        chain = new(law, levels);
        var noised = levels.ToDictionary(sigma => sigma, law.Noised);
        densities = chain.Run((x, sigma) => noised[sigma].Score(x), noised[levels[0]]).Densities;
        stepDistance = Compare(densities[^1]).Near;
    }

    /// <summary>The points at the smallest level.</summary>
    public double[] At => chain.Points[^1];

    /// <summary>The generated density there.</summary>
    public double[] Generated(Func<double, double, double> score, LineMixture start) => chain.Run(score, start).Densities[^1];

    /// <summary>e(σ_k) = √⟨(ŝ − s)²⟩ over ρ_σk, for every level.</summary>
    public double[] ScoreErrors(Func<double, double, double> score) => [.. levels.Select((sigma, k) => Error(score, k))];

    /// <summary>Measures and bounds.</summary>
    /// <param name="score">ŝ(x, σ).</param>
    /// <param name="start">The law that the sampler starts from at σ_0.</param>
    /// <exception cref="LeithException">A score that is not finite or drives the samples out of the grid.</exception>
    public LineErrors Measure(Func<double, double, double> score, LineMixture start)
    {
        var (generated, drifts) = chain.Run(score, start);
        double[] errors = ScoreErrors(score);
        double whole = Distance2(law.Noised(levels[0]), start), rest = whole, training = 0, chained = 0;
        for (int k = 0; k < widths.Length; k++)
        {
            double[] at = chain.Points[k];
            double spacing = at[1] - at[0], stretch = 0, square = 0;
            for (int i = 0; i + 1 < at.Length; i++) stretch = Math.Max(stretch, Math.Abs(1 + widths[k] * (drifts[k][i + 1] - drifts[k][i]) / spacing));
            var known = law.Noised(levels[k]);
            for (int i = 0; i < at.Length; i++)
                if (densities[k][i] > 1e-30) square += spacing * densities[k][i] * Square(drifts[k][i] - known.Score(at[i]));
            chained += 0.5 * widths[k] * square;
            training += 0.5 * widths[k] * Square(errors[k]);
            rest = stretch * rest + widths[k] * Math.Sqrt(square);
            whole = Math.Sqrt(Square(stretch * whole + widths[k] * errors[k]) + spreads[k]);
        }
        double initial = exact[0].Divergence(start);
        var (near, far, divergence) = Compare(generated[^1]);
        double[] smoothed = [.. At.Select(end.Density)];
        return new()
        {
            Wasserstein = near,
            WassersteinToData = far,
            Divergence = divergence,
            StepDistance = stepDistance,
            Initialisation = initial,
            Training = training,
            Discretisation = discretisation,
            DivergenceBound = stepDistance + Truncated(densities[^1], generated[^1], initial + chained),
            CouplingBound = stepDistance + rest,
            PathDivergenceBound = Truncated(smoothed, generated[^1], initial + training + discretisation),
            PathCouplingBound = whole,
            EarlyStopping = levels[^1] * Math.Sqrt(2 / Math.PI),
            SmallestLevelError = errors[^1],
        };
    }

    private double Error(Func<double, double, double> score, int k) => Math.Sqrt(exact[k].Average(i => Square(score(exact[k].At[i], levels[k]) - exact[k].Score[i])));

    /// <summary>W₂ between two laws on the line, ∫ (F⁻¹(p) − G⁻¹(p))² dp with p = Φ(z).</summary>
    private static double Distance2(LineMixture a, LineMixture b)
    {
        const int Points = 200;
        double sum = 0;
        for (int i = 0; i <= Points; i++)
        {
            double z = -7 + 14.0 * i / Points, p = 0.5 * MathNet.Numerics.SpecialFunctions.Erfc(-z / Math.Sqrt(2));
            sum += Square(a.Quantile(p) - b.Quantile(p)) * Math.Exp(-0.5 * z * z) / Math.Sqrt(2 * Math.PI) * 14 / Points;
        }
        return Math.Sqrt(sum);
    }

    /// <summary>W₁ = ∫|F − G| dx to the smoothed law and to the data, and KL(smoothed ‖ generated).</summary>
    private (double Near, double Far, double Divergence) Compare(double[] generated)
    {
        double h = At[1] - At[0], below = 0, near = 0, far = 0, divergence = 0;
        for (int i = 0; i < At.Length; i++)
        {
            double here = below + 0.5 * h * generated[i], density = end.Density(At[i]);
            near += h * Math.Abs(here - end.Distribution(At[i]));
            far += h * Math.Abs(here - law.Distribution(At[i]));
            below += h * generated[i];
            if (density > 1e-200) divergence += h * density * Math.Log(density / Math.Max(generated[i], 1e-300));
        }
        return (near, far, Math.Max(0, divergence));
    }

    /// <summary>min over r of 2 r TV + the first moments of both laws beyond r, around the mean of the data.</summary>
    private double Truncated(double[] first, double[] second, double divergence)
    {
        double h = At[1] - At[0], variation = Math.Min(Math.Sqrt(divergence / 2), Math.Sqrt(1 - Math.Exp(-divergence)));
        var shells = At.Select((x, i) => (Radius: Math.Abs(x - law.Mean), Moment: h * Math.Abs(x - law.Mean) * (first[i] + second[i]))).OrderByDescending(shell => shell.Radius);
        double best = double.PositiveInfinity, beyond = 0;
        foreach (var (radius, moment) in shells)
        {
            best = Math.Min(best, 2 * radius * variation + beyond);
            beyond += moment;
        }
        return Math.Min(best, beyond);
    }

    /// <summary>q² = 2 ∫₀^Δ (Δ − r) (J(σ² − r) − J(σ²)) dr by Simpson's rule: along the reverse path of the data the score is a martingale.</summary>
    private double Spread(double sigma, double width, double information)
    {
        const int Pieces = 8;
        double sum = 0;
        for (int i = 1; i < Pieces; i++)
        {
            double r = width * i / Pieces;
            sum += (i % 2 == 1 ? 4 : 2) * (width - r) * (new LineGrid(law.Noised(Math.Sqrt(sigma * sigma - r))).Information - information);
        }
        return Math.Max(0, 2 * sum * width / (3 * Pieces));
    }

    private static double Square(double x) => x * x;
}
