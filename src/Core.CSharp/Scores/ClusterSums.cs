namespace Leith.Core;

/// <summary>Sums over the noised points of every leaf of a tree: points, z, y, y yᵀ, and the squares of what pairs leave of z, for standard errors.</summary>
internal sealed class ClusterSums(ClusterTree tree, double sigma)
{
    private readonly int _width = 2 + 2 * tree.Dimension + tree.Dimension * (tree.Dimension + 1) / 2;

    public ClusterTree Tree => tree;

    /// <summary>Noise level, in standard deviations of each component.</summary>
    public double Sigma => sigma;

    private double[] Sums { get; } = new double[tree.Leaves * (2 + 2 * tree.Dimension + tree.Dimension * (tree.Dimension + 1) / 2)];

    /// <summary>An empty one for the same tree.</summary>
    public ClusterSums Empty() => new(tree, sigma);

    /// <summary>this ← this + more.</summary>
    public void Add(ClusterSums more) => Resampling.AddScaled(1, more.Sums, Sums);

    /// <summary>The pair x ± σ z. All vectors have the components of x.</summary>
    public void Add(ReadOnlySpan<double> x, ReadOnlySpan<double> z)
    {
        int d = tree.Dimension;
        Span<double> plus = stackalloc double[d], minus = stackalloc double[d];
        for (int i = 0; i < d; i++) (plus[i], minus[i]) = (x[i] + sigma * z[i], x[i] - sigma * z[i]);
        int a = tree.Leaf(plus), b = tree.Leaf(minus);
        Add(a, plus);
        Add(b, minus);
        // In one leaf, z and −z cancel.
        if (a == b) return;
        double squared = 0;
        for (int i = 0; i < d; i++)
        {
            Sums[a * _width + 2 + i] += z[i];
            Sums[b * _width + 2 + i] -= z[i];
            squared += z[i] * z[i];
        }
        Sums[a * _width + 1] += squared;
        Sums[b * _width + 1] += squared;
    }

    /// <summary>Points of a leaf.</summary>
    public double Count(int leaf) => Sums[leaf * _width];

    /// <summary>The score −E[z | leaf]/σ.</summary>
    public double Score(int leaf, int component) => -Sums[leaf * _width + 2 + component] / (Count(leaf) * sigma);

    /// <summary>The square of its standard error, a component.</summary>
    public double SquaredError(int leaf) => Math.Max(Sums[leaf * _width + 1], 1) / (tree.Dimension * Count(leaf) * Count(leaf) * sigma * sigma);

    /// <summary>⟨y⟩ of the leaf.</summary>
    public double Mean(int leaf, int i) => Sums[leaf * _width + 2 + tree.Dimension + i] / Count(leaf);

    /// <summary>⟨y_i y_j⟩ of the leaf, i ≤ j.</summary>
    public double Product(int leaf, int i, int j) =>
        Sums[leaf * _width + 2 + 2 * tree.Dimension + i * tree.Dimension - i * (i - 1) / 2 + j - i] / Count(leaf);

    private void Add(int leaf, ReadOnlySpan<double> y)
    {
        int d = tree.Dimension, at = leaf * _width;
        Sums[at]++;
        at += 2 + d;
        for (int i = 0; i < d; i++) Sums[at + i] += y[i];
        at += d;
        for (int i = 0; i < d; i++)
            for (int j = i; j < d; j++) Sums[at++] += y[i] * y[j];
    }
}
