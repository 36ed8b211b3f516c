namespace Leith.Core;

/// <summary>
/// A score at every noise level, s(y, σ) = ∇ ln ρ_σ(y), with ρ_σ the law of y = u + σ S z, z standard normal and S = diag(scale): what generative samplers draw from.
/// A field on a torus is noised by σ at each site (S = 1) and its score is a spectrum (see <see cref="Tile"/>).
/// </summary>
public sealed class NoisedScore
{
    private readonly Func<double, ITileMap> create;

    /// <summary>A score of scalar unknowns or of a field.</summary>
    /// <param name="rows">Scalar unknowns, or sites of the field.</param>
    /// <param name="grid">The torus of the field; null for scalar unknowns.</param>
    /// <param name="scale">The unit of σ of each scalar unknown; null: 1.</param>
    /// <param name="smallest">The smallest level there is.</param>
    /// <param name="largest">The largest.</param>
    /// <param name="create">The score at a level; a map serves one thread.</param>
    /// <exception cref="LeithException">Sizes that do not match.</exception>
    public NoisedScore(int rows, Grid? grid, double[]? scale, double smallest, double largest, Func<double, ITileMap> create)
    {
        if (rows < 1 || (grid is not null && grid.Sites != rows) || (scale is not null && (grid is not null || scale.Length != rows)))
            throw new LeithException($"noised score: expected one row a scalar unknown, each with its unit, or one a site of the grid, got {rows} rows, {grid?.Sites} sites and {scale?.Length} units.");
        (Rows, Grid, Smallest, Largest, this.create) = (rows, grid, smallest, largest, create);
        Scale = scale ?? [.. Enumerable.Repeat(1.0, rows)];
    }

    /// <summary>The score of a network, at the levels it was trained for.</summary>
    /// <exception cref="LeithException">A network that was trained in noise of the spectrum of the field.</exception>
    public static NoisedScore Of(LearnedScore score) => score.IsColoured
        ? throw new LeithException("sampling: expected a network that was trained in white noise, got one in noise of the spectrum of the field, whose modes differ too much for white noise; draw by Langevin from its library or exact score.")
        : new(score.Grid?.Sites ?? score.Gaussian.Components, score.Grid, score.Grid is null ? score.Gaussian.Scale : null, score.SigmaMin, score.SigmaMax, sigma => score.CreateScore(sigma));

    /// <summary>The exact score of a Gaussian mixture, at every level.</summary>
    public static NoisedScore Of(GaussianMixture law) =>
        new(law.Rows, law.Grid, law.Grid is null ? law.Scale : null, 0, double.PositiveInfinity, law.CreateScore);

    /// <summary>Rows of a state.</summary>
    public int Rows { get; }

    /// <summary>The torus, or null for scalar unknowns.</summary>
    public Grid? Grid { get; }

    /// <summary>The unit of σ in each row.</summary>
    public double[] Scale { get; }

    /// <summary>The smallest level there is.</summary>
    public double Smallest { get; }

    /// <summary>The largest level there is.</summary>
    public double Largest { get; }

    /// <summary>The score at a level; the map serves one thread.</summary>
    public ITileMap At(double sigma) => create(Math.Clamp(sigma, Smallest, Largest));

    /// <summary>White noise of unit level is this times standard normals: the unit of the row, or, for the rows of an unnormalised spectrum of N sites, √N.</summary>
    internal double White(int row) => Grid is null ? Scale[row] : Math.Sqrt(Grid.Sites);

    /// <summary>Levels that fall, σ_0 &gt; σ_1 &gt; … &gt; σ_n, all of them there.</summary>
    /// <exception cref="LeithException">Too few levels, levels that do not fall or are not positive, levels that the score does not have.</exception>
    internal void Check(IReadOnlyList<double> levels, int least = 2)
    {
        if (levels.Count < least) throw new LeithException($"sampling: expected noise levels σ_0 > σ_1 > …, at least {least}, got {levels.Count}.");
        for (int i = 0; i < levels.Count; i++)
        {
            if (!(levels[i] > 0) || double.IsInfinity(levels[i])) throw new LeithException($"sampling: expected positive noise levels, got {levels[i]} at place {i}.");
            if (i > 0 && !(levels[i] < levels[i - 1]))
                throw new LeithException($"sampling: expected noise levels that fall, got {levels[i]:G4} after {levels[i - 1]:G4} at place {i}; order them from the largest to the smallest.");
        }
        const double Slack = 1e-9;
        if (levels[0] > Largest * (1 + Slack) || levels[^1] < Smallest * (1 - Slack))
            throw new LeithException($"sampling: expected noise levels between {Smallest:G4} and {Largest:G4}, where the score is known, got {levels[^1]:G4} to {levels[0]:G4}; train to a larger level, or start lower.");
    }

    /// <summary>n + 1 levels from σ_max to σ_min whose logarithms are equally far apart (Song and Ermon 2019).</summary>
    /// <exception cref="LeithException">No step, levels that do not fall.</exception>
    public static double[] Geometric(double largest, double smallest, int steps)
    {
        if (steps < 1) throw new LeithException($"sampling: expected at least one step, got {steps}.");
        if (!(smallest > 0 && smallest < largest)) throw new LeithException($"sampling: expected noise levels that fall, got {largest:G4} to {smallest:G4}.");
        double[] levels = [.. Enumerable.Range(0, steps + 1).Select(i => largest * Math.Pow(smallest / largest, (double)i / steps))];
        levels[^1] = smallest;
        return levels;
    }
}
