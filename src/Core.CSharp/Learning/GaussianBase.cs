using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>
/// The Gaussian that a learned score starts from, in units where the data have variance 1: v = (u − mean)/scale, covariance V Λ Vᵀ. V is the Fourier basis for a
/// homogeneous field (Λ_k = ⟨|û_k|²⟩/(N scale²) of N sites, one mean and scale) and a matrix for scalar unknowns (the correlation matrix, a mean and scale each).
/// </summary>
internal sealed record GaussianBase(Grid? Grid, double[] Mean, double[] Scale, double[] Eigenvalues, double[] Eigenvectors)
{
    /// <summary>Directions with less variance than this do not move; their Gaussian score is exact and the network leaves them alone.</summary>
    public const double Degenerate = 1e-12;

    /// <summary>Values at a site.</summary>
    public int Components => Grid is null ? Mean.Length : 1;

    /// <summary>The unit of σ: the standard deviation of a field; 1, that is each component's own, for scalar unknowns.</summary>
    public double SigmaUnit => Grid is null ? 1 : Scale[0];

    /// <summary>A homogeneous field, from its mean and the power of each mode.</summary>
    public static GaussianBase OfField(Grid grid, double mean, double[] power)
    {
        if (power.Length != grid.Sites)
            throw new LeithException($"training: expected the power of {grid.Sites} modes, one a site of the grid, got {power.Length}.");
        int bad = Array.FindIndex(power, value => !(value >= 0) || double.IsInfinity(value));
        if (bad >= 0) throw new LeithException($"training: expected powers ≥ 0, got {power[bad]} at mode {bad}.");
        CheckFinite([mean], "mean");
        double variance = power.Sum() / ((double)grid.Sites * grid.Sites);
        if (!(variance > 0)) throw new LeithException("training: expected a field that fluctuates, got one with zero power; a constant field has no score.");
        return new(grid, [mean], [Math.Sqrt(variance)], [.. power.Select(value => value / (grid.Sites * variance))], []);
    }

    /// <summary>Scalar unknowns, from their mean and covariance.</summary>
    public static GaussianBase OfVector(double[] mean, double[,] covariance)
    {
        int n = mean.Length;
        if (n == 0 || covariance.GetLength(0) != n || covariance.GetLength(1) != n)
            throw new LeithException($"training: expected a mean of D ≥ 1 components and a D × D covariance, got {n} and {covariance.GetLength(0)} × {covariance.GetLength(1)}.");
        CheckFinite(mean, "mean");
        CheckFinite(covariance.Cast<double>(), "covariance");
        var scale = new double[n];
        for (int i = 0; i < n; i++)
        {
            if (!(covariance[i, i] > 0)) throw new LeithException($"training: expected every component to fluctuate, got variance {covariance[i, i]} for component {i}; leave it out.");
            scale[i] = Math.Sqrt(covariance[i, i]);
        }
        var correlation = Matrix<double>.Build.Dense(n, n, (i, j) => 0.5 * (covariance[i, j] + covariance[j, i]) / (scale[i] * scale[j]));
        var parts = correlation.Evd(Symmetricity.Symmetric);
        double[] eigenvalues = [.. parts.EigenValues.Select(value => value.Real)];
        if (eigenvalues.Min() < -1e-8) throw new LeithException($"training: expected a positive covariance, got one with a negative direction (eigenvalue {eigenvalues.Min():G3} of the correlations).");
        return new(null, [.. mean], scale, [.. eigenvalues.Select(value => Math.Max(value, 0))], parts.EigenVectors.ToRowMajorArray());
    }

    /// <summary>V f(Λ) Vᵀ as a row-major matrix (scalar unknowns).</summary>
    public double[] Function(Func<double, double> f)
    {
        int n = Mean.Length;
        var weights = Eigenvalues.Select(f).ToArray();
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                for (int k = 0; k < n; k++) matrix[i * n + j] += Eigenvectors[i * n + k] * weights[k] * Eigenvectors[j * n + k];
        return matrix;
    }

    private static void CheckFinite(IEnumerable<double> values, string what)
    {
        if (values.Any(value => !double.IsFinite(value))) throw new LeithException($"training: expected a finite {what}, got NaN or infinity.");
    }
}
