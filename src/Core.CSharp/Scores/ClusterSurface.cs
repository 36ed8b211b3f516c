using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>
/// The score between the leaves: around each leaf a polynomial of second degree (of first where there are few leaves) whose averages over the leaf and its neighbours
/// are their scores, weighted by distance and standard error; at a point, the polynomials of its leaf and of those next to it, blended.
/// </summary>
/// <remarks>A score that is of second degree over the neighbours comes out without bias from the width of leaves, since averages are fitted to averages.</remarks>
internal sealed class ClusterSurface
{
    private readonly ClusterTree _tree;
    private readonly int _terms, _blend;
    private readonly bool _quadratic;
    private readonly double[] _centres, _coefficients, _reach;
    private readonly int[] _near;

    public ClusterSurface(ClusterSums sums)
    {
        _tree = sums.Tree;
        int d = _tree.Dimension, leaves = _tree.Leaves, quadratic = 1 + d + d * (d + 1) / 2;
        _quadratic = leaves >= 2 * quadratic;
        _terms = _quadratic ? quadratic : 1 + d;
        _blend = Math.Min(leaves, 2 * d + 1);
        int neighbours = Math.Min(leaves, 2 * _terms + 1);
        _centres = new double[leaves * d];
        for (int l = 0; l < leaves; l++)
            for (int i = 0; i < d; i++) _centres[l * d + i] = sums.Mean(l, i);
        (_coefficients, _reach, _near) = (new double[leaves * d * _terms], new double[leaves], new int[leaves * _blend]);
        for (int l = 0; l < leaves; l++)
        {
            int leaf = l;
            int[] order = [.. Enumerable.Range(0, leaves).OrderBy(m => Distance(_centres.AsSpan(leaf * d, d), m))];
            order.AsSpan(0, _blend).CopyTo(_near.AsSpan(l * _blend));
            _reach[l] = 1.5 * Math.Sqrt(Distance(_centres.AsSpan(l * d, d), order[_blend - 1])) + 1e-9;
            Fit(sums, l, order.AsSpan(0, neighbours));
        }
    }

    /// <summary>score += weight · ŝ(y).</summary>
    public void Add(double weight, ReadOnlySpan<double> y, Span<double> score)
    {
        int d = _tree.Dimension, home = _tree.Leaf(y);
        Span<double> value = stackalloc double[d], terms = stackalloc double[_terms];
        value.Clear();
        double total = 0, reach = _reach[home] * _reach[home];
        // Far out, where no centroid is near, the outermost leaf speaks alone.
        double nearest = Distance(y, home), widest = Math.Max(reach, 2 * nearest);
        for (int n = 0; n < _blend; n++)
        {
            int leaf = _near[home * _blend + n];
            double close = 1 - Distance(y, leaf) / widest;
            if (close <= 0) continue;
            double w = close * close * close;
            Terms(y, leaf, terms);
            for (int i = 0; i < d; i++)
            {
                double sum = 0;
                for (int k = 0; k < _terms; k++) sum += _coefficients[(leaf * d + i) * _terms + k] * terms[k];
                value[i] += w * sum;
            }
            total += w;
        }
        for (int i = 0; i < d; i++) score[i] += weight * value[i] / total;
    }

    private double Distance(ReadOnlySpan<double> y, int leaf)
    {
        double squared = 0;
        for (int i = 0; i < y.Length; i++)
        {
            double along = y[i] - _centres[leaf * y.Length + i];
            squared += along * along;
        }
        return squared;
    }

    // 1, y − c, (y − c)(y − c)ᵀ.
    private void Terms(ReadOnlySpan<double> y, int leaf, Span<double> terms)
    {
        int d = y.Length, at = 1 + d;
        terms[0] = 1;
        for (int i = 0; i < d; i++) terms[1 + i] = y[i] - _centres[leaf * d + i];
        if (!_quadratic) return;
        for (int i = 0; i < d; i++)
            for (int j = i; j < d; j++) terms[at++] = terms[1 + i] * terms[1 + j];
    }

    private void Fit(ClusterSums sums, int leaf, ReadOnlySpan<int> around)
    {
        int d = _tree.Dimension;
        double far = 1.1 * Distance(_centres.AsSpan(leaf * d, d), around[^1]) + 1e-12;
        var gram = Matrix<double>.Build.Dense(_terms, _terms);
        var right = Matrix<double>.Build.Dense(_terms, d);
        double floor = around.ToArray().Average(sums.SquaredError);
        foreach (int m in around)
        {
            var terms = Averages(sums, m, leaf);
            double close = 1 - Distance(_centres.AsSpan(leaf * d, d), m) / far;
            double weight = close * close / (sums.SquaredError(m) + 0.1 * floor);
            for (int a = 0; a < _terms; a++)
            {
                for (int b = 0; b < _terms; b++) gram[a, b] += weight * terms[a] * terms[b];
                for (int i = 0; i < d; i++) right[a, i] += weight * terms[a] * sums.Score(m, i);
            }
        }
        // A direction in which the neighbours do not spread has no slope.
        for (int a = 1; a < _terms; a++) gram[a, a] += 1e-9 * gram[a, a] + 1e-12 * gram[0, 0];
        var solution = gram.Solve(right);
        for (int i = 0; i < d; i++)
            for (int k = 0; k < _terms; k++) _coefficients[(leaf * d + i) * _terms + k] = solution[k, i];
    }

    // The terms about the centre of `leaf`, averaged over leaf m.
    private double[] Averages(ClusterSums sums, int m, int leaf)
    {
        int d = _tree.Dimension, at = 1 + d;
        var terms = new double[_terms];
        terms[0] = 1;
        for (int i = 0; i < d; i++) terms[1 + i] = sums.Mean(m, i) - _centres[leaf * d + i];
        if (!_quadratic) return terms;
        for (int i = 0; i < d; i++)
            for (int j = i; j < d; j++)
                terms[at++] = sums.Product(m, i, j) - sums.Mean(m, i) * sums.Mean(m, j) + terms[1 + i] * terms[1 + j];
        return terms;
    }
}
