namespace Leith.Core;

/// <summary>
/// Clusters by bisecting k-means, as a tree of planes: a point goes to the nearer of two centroids at every node, from the root to a leaf. Built from noised data
/// y = x ± σ z in antithetic pairs; a leaf is split as long as it is wider than the noise and the standard error of the score −z̄/σ in its halves is small.
/// </summary>
/// <remarks>KGMM: arXiv:2503.18054. The two points of a pair count as one sample in a standard error: ±z in one leaf cancel, so that only pairs which a boundary parts make noise.</remarks>
internal sealed class ClusterTree
{
    // Largest standard error of a leaf's score, a component, in units where the data have variance 1 and a Gaussian's score has at least that, too.
    private const double Tolerance = 0.2;

    // The smoothed score does not change over distances much below the noise level: leaves end at this part of it (root mean square radius).
    private const double Width = 0.35;
    private const int MostLeaves = 2048, FewestPairs = 6, Rounds = 4;
    private readonly List<double> _normals = [], _offsets = [];
    private readonly List<int> _left = [], _right = [];

    private ClusterTree(int dimension) => Dimension = dimension;

    public int Dimension { get; }

    public int Leaves { get; private set; }

    /// <summary>The tree of noised points.</summary>
    /// <param name="points">y = x ± σ z, [2 sample, 2 sample + 1][component].</param>
    /// <param name="noise">± z, same shape.</param>
    /// <param name="dimension">Components.</param>
    /// <param name="sigma">σ.</param>
    /// <param name="share">Samples here over samples that the leaf means will be taken over, at most 1: standard errors are those of the latter.</param>
    public static ClusterTree Build(double[] points, double[] noise, int dimension, double sigma, double share)
    {
        var tree = new ClusterTree(dimension);
        int[] all = [.. Enumerable.Range(0, points.Length / dimension)];
        var open = new PriorityQueue<(int[] Points, int Parent, bool Left), long>();
        open.Enqueue((all, -1, false), 0);
        long order = 0;
        // Large leaves first, so that the largest number of leaves cuts detail, not a side.
        while (open.TryDequeue(out var leaf, out _))
        {
            var halves = tree.Leaves + open.Count + 2 <= MostLeaves ? Split(points, noise, leaf.Points, dimension, sigma, share) : null;
            int number = halves is { } h ? tree.Add(h.Normal, h.Offset) : ~tree.Leaves++;
            if (leaf.Parent >= 0) (leaf.Left ? tree._left : tree._right)[leaf.Parent] = number;
            if (halves is not { } split) continue;
            open.Enqueue((split.Left, number, true), (-(long)split.Left.Length << 20) + order++);
            open.Enqueue((split.Right, number, false), (-(long)split.Right.Length << 20) + order++);
        }
        return tree;
    }

    /// <summary>The leaf of a point.</summary>
    public int Leaf(ReadOnlySpan<double> point)
    {
        if (_offsets.Count == 0) return 0;
        for (int node = 0; ;)
        {
            double along = 0;
            for (int i = 0; i < Dimension; i++) along += point[i] * _normals[node * Dimension + i];
            int next = along <= _offsets[node] ? _left[node] : _right[node];
            if (next < 0) return ~next;
            node = next;
        }
    }

    private int Add(double[] normal, double offset)
    {
        _normals.AddRange(normal);
        _offsets.Add(offset);
        _left.Add(0);
        _right.Add(0);
        return _offsets.Count - 1;
    }

    private sealed record Halves(double[] Normal, double Offset, int[] Left, int[] Right);

    private static Halves? Split(double[] points, double[] noise, int[] here, int d, double sigma, double share)
    {
        if (here.Length < 4 * FewestPairs) return null;
        double[] a = new double[d], b = new double[d];
        if (Start(points, here, d, a, b) < Width * sigma) return null;
        double[] normal = new double[d];
        double offset = 0;
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < d; i++) normal[i] = b[i] - a[i];
            offset = 0;
            for (int i = 0; i < d; i++) offset += 0.5 * (b[i] + a[i]) * normal[i];
            if (round == Rounds - 1) break;
            double[] sumA = new double[d], sumB = new double[d];
            int count = 0;
            foreach (int p in here)
            {
                bool left = Along(points, p, normal, d) <= offset;
                var sum = left ? sumA : sumB;
                if (left) count++;
                for (int i = 0; i < d; i++) sum[i] += points[p * d + i];
            }
            if (count == 0 || count == here.Length) return null;
            for (int i = 0; i < d; i++) (a[i], b[i]) = (sumA[i] / count, sumB[i] / (here.Length - count));
        }
        int[] leftPoints = [.. here.Where(p => Along(points, p, normal, d) <= offset)], rightPoints = [.. here.Where(p => !(Along(points, p, normal, d) <= offset))];
        if (Math.Min(leftPoints.Length, rightPoints.Length) < 2 * FewestPairs) return null;
        double allowed = Tolerance * Tolerance * sigma * sigma * d / share;
        return SquaredError(noise, leftPoints, d) <= allowed && SquaredError(noise, rightPoints, d) <= allowed ? new(normal, offset, leftPoints, rightPoints) : null;
    }

    // Two centroids a standard deviation to both sides of the mean along the direction of largest variance; returns that deviation.
    private static double Start(double[] points, int[] here, int d, double[] a, double[] b)
    {
        var mean = new double[d];
        foreach (int p in here)
            for (int i = 0; i < d; i++) mean[i] += points[p * d + i] / here.Length;
        var covariance = new double[d * d];
        foreach (int p in here)
            for (int i = 0; i < d; i++)
                for (int j = 0; j < d; j++) covariance[i * d + j] += (points[p * d + i] - mean[i]) * (points[p * d + j] - mean[j]) / here.Length;
        double[] direction = [.. Enumerable.Range(0, d).Select(i => 1 + 0.1 * i)];
        double length = 1;
        for (int turn = 0; turn < 20; turn++)
        {
            var next = new double[d];
            for (int i = 0; i < d; i++)
                for (int j = 0; j < d; j++) next[i] += covariance[i * d + j] * direction[j];
            length = Math.Sqrt(next.Sum(x => x * x));
            if (!(length > 0)) break;
            for (int i = 0; i < d; i++) direction[i] = next[i] / length;
        }
        double deviation = Math.Sqrt(length);
        for (int i = 0; i < d; i++) (a[i], b[i]) = (mean[i] - deviation * direction[i], mean[i] + deviation * direction[i]);
        return deviation;
    }

    private static double Along(double[] points, int p, double[] normal, int d)
    {
        double along = 0;
        for (int i = 0; i < d; i++) along += points[p * d + i] * normal[i];
        return along;
    }

    // The square of the standard error of the mean of ±z, summed over components; the points of a pair stand side by side where both are here, and cancel.
    private static double SquaredError(double[] noise, int[] here, int d)
    {
        double squares = 0;
        for (int n = 0; n < here.Length; n++)
        {
            int p = here[n];
            if (n + 1 < here.Length && p % 2 == 0 && here[n + 1] == p + 1)
            {
                n++;
                continue;
            }
            for (int i = 0; i < d; i++) squares += noise[p * d + i] * noise[p * d + i];
        }
        return squares / here.Length / here.Length;
    }
}
