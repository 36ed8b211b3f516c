namespace Leith.Core;

/// <summary>A density taken through the steps of a sampler: ρ_{k+1}(y) = ∫ ρ_k(x) N(y; x + Δ_k ŝ(x, σ_k), Δ_k) dx, on a grid for each level.</summary>
internal sealed class LineChain
{
    // Kernels narrower than this many spacings would be seen as combs.
    private const double Resolution = 1.6, Reach = 8.5, Half = 9;
    private const int MostPoints = 400_000;
    private readonly LineMixture law;
    private readonly IReadOnlyList<double> levels;

    public LineChain(LineMixture law, IReadOnlyList<double> levels)
    {
        (this.law, this.levels) = (law, levels);
        Points = [.. Enumerable.Range(0, levels.Count).Select(PointsAt)];
    }

    /// <summary>The points of each level.</summary>
    public double[][] Points { get; }

    /// <summary>The densities of all levels, and the drift ŝ that took each to the next.</summary>
    public (double[][] Densities, double[][] Drifts) Run(Func<double, double, double> score, LineMixture start)
    {
        int steps = levels.Count - 1;
        double[][] densities = new double[steps + 1][], drifts = new double[steps][];
        densities[0] = [.. Points[0].Select(start.Density)];
        for (int k = 0; k < steps; k++)
        {
            double sigma = levels[k], width = sigma * sigma - levels[k + 1] * levels[k + 1];
            drifts[k] = [.. Points[k].Select(x => score(x, sigma))];
            if (drifts[k].Any(d => !double.IsFinite(d))) throw new LeithException($"score errors: expected a finite score, got NaN or infinity at noise level {sigma:G4}.");
            densities[k + 1] = Push(Points[k], densities[k], drifts[k], width, Points[k + 1]);
            double mass = densities[k + 1].Sum() * (Points[k + 1][1] - Points[k + 1][0]);
            if (!(Math.Abs(mass - 1) < 1e-3))
                throw new LeithException($"score errors: expected samples within {Half} standard deviations of the data, got a share of {1 - mass:G3} outside at noise level {levels[k + 1]:G4}; the score is too far off.");
        }
        return (densities, drifts);
    }

    private double[] PointsAt(int k)
    {
        double total = Math.Sqrt(law.Variance + levels[k] * levels[k]), fine = 0.3 * Math.Sqrt(law.Finest * law.Finest + levels[k] * levels[k]);
        // The next kernel must be seen at the points it starts from, the last one at those where it ends.
        int next = Math.Min(k, levels.Count - 2);
        double kernel = Math.Sqrt(levels[next] * levels[next] - levels[next + 1] * levels[next + 1]) / Resolution;
        int half = (int)Math.Ceiling(Half * total / Math.Min(Math.Min(fine, kernel), 0.02 * total));
        if (2 * half > MostPoints) throw new LeithException($"score errors: expected steps that a grid of {MostPoints} points can resolve, got finer ones; take fewer steps or a larger smallest level.");
        return [.. Enumerable.Range(-half, 2 * half + 1).Select(i => law.Mean + i * Half * total / half)];
    }

    private static double[] Push(double[] at, double[] density, double[] drift, double width, double[] to)
    {
        double from = to[0], spacing = to[1] - to[0], root = Math.Sqrt(width), norm = (at[1] - at[0]) / Math.Sqrt(2 * Math.PI * width);
        var result = new double[to.Length];
        for (int i = 0; i < at.Length; i++)
        {
            double mass = density[i] * norm, centre = at[i] + width * drift[i];
            double first = (centre - Reach * root - from) / spacing, last = (centre + Reach * root - from) / spacing;
            if (mass < 1e-40 || last < 0 || first > to.Length) continue;
            int low = Math.Max(0, (int)Math.Ceiling(first)), high = (int)Math.Min(to.Length - 1, last);
            for (int j = low; j <= high; j++) result[j] += mass * Math.Exp(-(to[j] - centre) * (to[j] - centre) / (2 * width));
        }
        return result;
    }
}
