using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>
/// ρ(u) = Σ_c w_c N(u; m_c, C_c): a mixture of Gaussians, of scalar unknowns or of a field on a torus, where every component is homogeneous: one mean m_c for all
/// sites and a power P_c(k) for every mode. Its law under noise of level σ is known, C_c + σ² S², and so are samples, density and score.
/// </summary>
public sealed class GaussianMixture
{
    /// <summary>A component in units of S: weight, mean, and the eigenvalues and eigenvectors (row-major; none for a field: Fourier modes) of its covariance.</summary>
    internal sealed record Component(double Weight, double[] Mean, double[] Eigenvalues, double[] Basis);

    private GaussianMixture(Grid? grid, double[] scale, Component[] components) => (Grid, Scale, Components) = (grid, scale, components);

    /// <summary>The torus, or null for scalar unknowns.</summary>
    public Grid? Grid { get; }

    /// <summary>Scalar unknowns, or sites.</summary>
    public int Rows => Grid?.Sites ?? Scale.Length;

    /// <summary>The unit of σ of each scalar unknown; one entry for a field: 1.</summary>
    public double[] Scale { get; }

    /// <summary>Weights of the components.</summary>
    public IReadOnlyList<double> Weights => [.. Components.Select(c => c.Weight)];

    internal Component[] Components { get; }

    /// <summary>A mixture of homogeneous Gaussian fields.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="components">Weight, mean, and ⟨|û_k|²⟩ of the field without its mean, unnormalised transform, one entry a mode.</param>
    /// <exception cref="LeithException">No component, weights that are not positive, powers of another grid or below zero.</exception>
    public static GaussianMixture OfField(Grid grid, params IReadOnlyList<(double Weight, double Mean, double[] Power)> components)
    {
        var bad = components.Select((c, i) => (c, i)).FirstOrDefault(p => p.c.Power.Length != grid.Sites || p.c.Power.Any(v => !(v >= 0)));
        if (bad.c.Power is not null) throw new LeithException($"mixture: expected one power ≥ 0 for each of the {grid.Sites} modes, got others in component {bad.i}.");
        return new(grid, [1], Normalised([.. components.Select(c => new Component(c.Weight, [c.Mean], [.. c.Power.Select(p => p / grid.Sites)], []))]));
    }

    /// <summary>A mixture of Gaussians of scalar unknowns.</summary>
    /// <param name="scale">The unit of σ of each unknown.</param>
    /// <param name="components">Weight, mean and covariance.</param>
    /// <exception cref="LeithException">No component, weights that are not positive, sizes that do not match, a covariance with a negative direction.</exception>
    public static GaussianMixture OfVector(double[] scale, params IReadOnlyList<(double Weight, double[] Mean, double[,] Covariance)> components)
    {
        int n = scale.Length;
        Component Make((double Weight, double[] Mean, double[,] Covariance) c, int i)
        {
            if (c.Mean.Length != n || c.Covariance.GetLength(0) != n || c.Covariance.GetLength(1) != n)
                throw new LeithException($"mixture: expected {n} means and a {n} × {n} covariance, got others in component {i}.");
            var parts = Matrix<double>.Build.Dense(n, n, (a, b) => 0.5 * (c.Covariance[a, b] + c.Covariance[b, a]) / (scale[a] * scale[b])).Evd(Symmetricity.Symmetric);
            double[] eigenvalues = [.. parts.EigenValues.Select(v => v.Real)];
            if (!(eigenvalues.Min() >= -1e-10 * eigenvalues.Max())) throw new LeithException($"mixture: expected a covariance without a negative direction, got eigenvalue {eigenvalues.Min():G3} in component {i}.");
            return new(c.Weight, [.. c.Mean.Select((m, k) => m / scale[k])], [.. eigenvalues.Select(v => Math.Max(v, 0))], parts.EigenVectors.ToRowMajorArray());
        }
        return new(null, [.. scale], Normalised([.. components.Select(Make)]));
    }

    private static Component[] Normalised(Component[] components)
    {
        if (components.Length == 0) throw new LeithException("mixture: expected at least one component, got none.");
        int bad = Array.FindIndex(components, c => !(c.Weight > 0) || double.IsInfinity(c.Weight));
        if (bad >= 0) throw new LeithException($"mixture: expected positive weights, got {components[bad].Weight} in component {bad}.");
        double sum = components.Sum(c => c.Weight);
        return [.. components.Select(c => c with { Weight = c.Weight / sum })];
    }

    /// <summary>The law of u + σ S z.</summary>
    public GaussianMixture Noised(double sigma) =>
        new(Grid, Scale, [.. Components.Select(c => c with { Eigenvalues = [.. c.Eigenvalues.Select(v => v + sigma * sigma)] })]);

    /// <summary>The variance of a row of a sample in units of S, averaged over the rows.</summary>
    public double MeanVariance
    {
        get
        {
            double[] mean = [.. Components[0].Mean.Select((_, i) => Components.Sum(c => c.Weight * c.Mean[i]))];
            return Components.Sum(c => c.Weight * (c.Eigenvalues.Average() + c.Mean.Select((m, i) => (m - mean[i]) * (m - mean[i])).Average()));
        }
    }

    /// <summary>∇ ln of the density of u + σ S z; a map serves one thread.</summary>
    /// <exception cref="LeithException">σ = 0 and a direction without variance.</exception>
    public ITileMap CreateScore(double sigma)
    {
        var noised = Noised(sigma);
        if (noised.Components.Any(c => c.Eigenvalues.Any(v => v <= 0))) throw new LeithException("mixture: expected variance in every direction, got none in one, where there is no score; take a noise level above 0.");
        return new MixtureMap(noised);
    }

    /// <summary>Independent samples, [sample][row], a field at its sites; functions of (seed, number of the sample).</summary>
    /// <exception cref="LeithException">No sample.</exception>
    public double[][] Samples(int count, ulong seed)
    {
        if (count < 1) throw new LeithException($"mixture: expected at least one sample, got {count}.");
        var samples = new double[count][];
        using var loader = new SampleLoader(Grid, Rows);
        using var tile = new Tile(Rows);
        for (tile.Index = 0; tile.Index * Tile.Members < count; tile.Index++)
        {
            Draw(tile, seed, 0);
            loader.Store(tile, samples, tile.Index);
        }
        return samples;
    }

    /// <summary>Fills a tile with samples, a function of (seed, member).</summary>
    internal unsafe void Draw(Tile state, ulong seed, uint stream)
    {
        int first = state.Index * Tile.Members;
        NormalStream.Fill(state.A.Pointer, state.Rows, seed, stream, 0, first);
        NormalStream.Fill(state.B.Pointer, state.Rows, seed, stream, 0, first + LaneArray.Lanes);
        var of = new Component[Tile.Members];
        for (int member = 0; member < of.Length; member++)
        {
            double u = Leith.Core.Draw.Uniform(seed, Leith.Core.Draw.Sample, stream, first + member);
            int c = 0;
            while (c < Components.Length - 1 && u >= Components[c].Weight) u -= Components[c++].Weight;
            of[member] = Components[c];
        }
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
            if (Grid is null)
            {
                Colour(state.A, lane, of[lane]);
                Colour(state.B, lane, of[lane + LaneArray.Lanes]);
            }
            else Colour(state, lane, of[lane], of[lane + LaneArray.Lanes]);
    }

    /// <summary>From white numbers to S (m + V √Λ n).</summary>
    private void Colour(LaneArray block, int lane, Component c)
    {
        int n = Scale.Length;
        double[] white = [.. Enumerable.Range(0, n).Select(k => block[k, lane] * Math.Sqrt(c.Eigenvalues[k]))];
        for (int i = 0; i < n; i++)
        {
            double sum = c.Mean[i];
            for (int k = 0; k < n; k++) sum += c.Basis[i * n + k] * white[k];
            block[i, lane] = Scale[i] * sum;
        }
    }

    /// <summary>From a white spectrum to one of two fields: A + i B with power P_a in a and P_b in b is (√P_a + √P_b)/2 W(k) + (√P_a − √P_b)/2 W(−k)*.</summary>
    private void Colour(Tile state, int lane, Component a, Component b)
    {
        var grid = Grid!;
        double root = Math.Sqrt(grid.Sites);
        for (int k = 0; k < grid.Sites; k++)
        {
            int opposite = grid.Conjugate(k);
            if (opposite < k) continue;
            double p = Math.Sqrt(a.Eigenvalues[k]), q = Math.Sqrt(b.Eigenvalues[k]);
            double plus = 0.5 * root * (p + q), minus = 0.5 * root * (p - q);
            double re = state.A[k, lane], im = state.B[k, lane], re2 = state.A[opposite, lane], im2 = state.B[opposite, lane];
            (state.A[k, lane], state.B[k, lane]) = (plus * re + minus * re2, plus * im - minus * im2);
            if (opposite != k) (state.A[opposite, lane], state.B[opposite, lane]) = (plus * re2 + minus * re, plus * im2 - minus * im);
        }
        state.A[0, lane] += a.Mean[0] * grid.Sites;
        state.B[0, lane] += b.Mean[0] * grid.Sites;
    }
}
