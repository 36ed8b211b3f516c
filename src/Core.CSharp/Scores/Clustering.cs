namespace Leith.Core;

/// <summary>
/// How a clustered score is made: a part of the data builds the trees and chooses the noise level by the loss on data that were held out; then all data pass once and
/// fill the leaves. Everything is a function of the data and the seed.
/// </summary>
public sealed class Clustering
{
    /// <summary>More components than this have no clusters to speak of: n^(−1/D) is too large.</summary>
    public const int MostComponents = 6;

    // Samples that a tree is built from at most, and samples of the loss.
    private const int Building = 1 << 18, Judging = 1 << 15, FewestSamples = 1000;
    private const uint FillNoise = 0xC150;
    private static readonly double[] Levels = [0.05, 0.1, 0.2, 0.3, 0.5];
    private readonly double[] _mean, _scale;
    private readonly ulong _seed;
    private readonly ClusterTree[] _trees;
    private readonly SortedDictionary<int, ClusterSums[]> _tiles = [];

    /// <summary>Builds the trees.</summary>
    /// <param name="samples">A part of the data, or all, [sample][component]; the last eighth is held out where the level is to be chosen.</param>
    /// <param name="mean">⟨x⟩.</param>
    /// <param name="deviation">The standard deviation of each component.</param>
    /// <param name="all">Samples that will fill the leaves.</param>
    /// <param name="level">σ in standard deviations of each component, the score then belongs to the density smoothed by it; null: chosen by held-out loss, the score extrapolated to σ = 0 where that is better.</param>
    /// <param name="seed">Seed of the noise.</param>
    /// <exception cref="LeithException">Too many components, too few samples (how many it takes), a noise level below the resolution of the data (which).</exception>
    public Clustering(double[][] samples, double[] mean, double[] deviation, double all, double? level, ulong seed)
    {
        (_mean, _scale, _seed) = (mean, deviation, seed);
        int d = mean.Length;
        if (d > MostComponents)
            throw new LeithException($"clustered: expected at most {MostComponents} components, got {d}; clusters of noised data get too wide in so many dimensions. Take libraryAuto or learned mlp.");
        if (samples.Length < FewestSamples * d)
            throw new LeithException($"clustered: expected at least {FewestSamples * d} samples for {d} {(d == 1 ? "component" : "components")}, got {samples.Length}; take {Math.Ceiling(FewestSamples * d / (double)Math.Max(1, samples.Length)):f0} times as much data.");
        double[] x = Scaled(samples);
        double resolution = Resolution(x, d) * Math.Pow(samples.Length / all, 1.0 / d);
        if (level < resolution)
            throw new LeithException($"noiseLevel: expected at least the resolution of the data, about {resolution:g2} standard deviations (within which a sample has eight others), got {level}; take a larger level, or more data.");
        (Sigma, Extrapolated) = level is { } given ? (given, false) : Choose(x, d, resolution);
        // Noise falls as 1/(σ √n), bias as σ⁴ or σ²: the best level for all data lies below that for a part of them.
        if (level is null) Sigma = Math.Max(resolution, Sigma * Math.Pow(Math.Min(1, samples.Length / all), Extrapolated ? 0.1 : 1 / 6.0));
        _trees = [.. LevelsOf(Sigma, Extrapolated).Select(sigma => Tree(x, d, sigma, Math.Min(1, x.Length / d / all)))];
        int fewest = 2 * d + 2;
        if (_trees[0].Leaves < fewest)
            throw new LeithException($"clustered: expected samples enough to tell {fewest} clusters apart at the noise level {Sigma:g3}, got {_trees[0].Leaves} clusters from {all:f0} samples; take more data, or a larger noise level.");
    }

    /// <summary>The noise level, in standard deviations of each component.</summary>
    public double Sigma { get; }

    /// <summary>Whether the score will be extrapolated to σ = 0.</summary>
    public bool Extrapolated { get; }

    /// <summary>The sink of one tile that fills the leaves: hand this to <see cref="Simulation.Run"/>.</summary>
    /// <param name="plan">What is sampled.</param>
    /// <param name="tile">Which tile.</param>
    /// <param name="thin">Every so many samples count.</param>
    public ITileSink Open(SamplingPlan plan, int tile, long thin = 1) => new Sink(this, tile, plan.RealMembers(tile), thin);

    /// <summary>The score from samples in memory.</summary>
    public ClusteredScore Of(double[][] samples)
    {
        var sums = Empty();
        var z = new double[_mean.Length];
        double[] x = Scaled(samples);
        for (int n = 0; n < samples.Length; n++)
        {
            for (int i = 0; i < z.Length; i++) z[i] = NormalStream.Single(_seed, FillNoise, 0, n, i);
            foreach (var s in sums) s.Add(x.AsSpan(n * z.Length, z.Length), z);
        }
        return Score(sums);
    }

    /// <summary>The score from all tiles that have finished.</summary>
    public ClusteredScore Result()
    {
        var sums = Empty();
        lock (_tiles)
            foreach (var tile in _tiles.Values)
                for (int n = 0; n < sums.Length; n++) sums[n].Add(tile[n]);
        return Score(sums);
    }

    private static double[] LevelsOf(double sigma, bool extrapolated) => extrapolated ? [sigma, Math.Sqrt(2) * sigma] : [sigma];

    private ClusterSums[] Empty() => [.. LevelsOf(Sigma, Extrapolated).Zip(_trees, (sigma, tree) => new ClusterSums(tree, sigma))];

    // A leaf that no point of all data reached takes part in nothing.
    private ClusteredScore Score(ClusterSums[] sums) => new(_mean, _scale, Sigma, Extrapolated, sums);

    private double[] Scaled(double[][] samples)
    {
        int d = _mean.Length;
        var x = new double[samples.Length * d];
        for (int n = 0; n < samples.Length; n++)
            for (int i = 0; i < d; i++) x[n * d + i] = (samples[n][i] - _mean[i]) / _scale[i];
        return x;
    }

    private double Normal(int sample, int component) => Draw.Normal(_seed, Draw.Clusters, sample, component);

    private ClusterTree Tree(double[] x, int d, double sigma, double share)
    {
        int samples = x.Length / d, count = Math.Min(samples, Building);
        double[] points = new double[2 * count * d], noise = new double[2 * count * d];
        for (int n = 0; n < count; n++)
        {
            // Spread over all that is given.
            int from = (int)((long)n * samples / count);
            for (int i = 0; i < d; i++)
            {
                double z = Normal(n, i);
                (noise[2 * n * d + i], noise[(2 * n + 1) * d + i]) = (z, -z);
                (points[2 * n * d + i], points[(2 * n + 1) * d + i]) = (x[from * d + i] + sigma * z, x[from * d + i] - sigma * z);
            }
        }
        return ClusterTree.Build(points, noise, d, sigma, share * count / samples);
    }

    // The distance within which a sample has eight others: the median over some of the samples.
    private static double Resolution(double[] x, int d)
    {
        const int probes = 64, neighbours = 8;
        int samples = x.Length / d, count = Math.Min(samples, 8192), step = samples / count;
        var found = new double[probes];
        for (int p = 0; p < probes; p++)
        {
            int at = (int)((long)p * samples / probes);
            double[] distances = [.. Enumerable.Range(0, count).Where(m => m * step != at).Select(m =>
            {
                double squared = 0;
                for (int i = 0; i < d; i++) squared += (x[at * d + i] - x[m * step * d + i]) * (x[at * d + i] - x[m * step * d + i]);
                return Math.Sqrt(squared);
            })];
            Array.Sort(distances);
            found[p] = distances[neighbours - 1];
        }
        Array.Sort(found);
        return found[probes / 2] * Math.Pow(count / (double)samples, 1.0 / d);
    }

    private (double Sigma, bool Extrapolated) Choose(double[] x, int d, double resolution)
    {
        int samples = x.Length / d, held = Math.Min(samples / 8, Judging);
        double[] training = x[..((samples - held) * d)], judging = x[((samples - held) * d)..];
        double[] unit = [.. Enumerable.Repeat(1.0, d)], zero = new double[d];
        double best = double.PositiveInfinity;
        (double, bool) chosen = (Levels[^1], false);
        ClusterSums? Filled(double sigma)
        {
            var tree = Tree(training, d, sigma, 1);
            if (tree.Leaves < 2 * d + 2) return null;
            var sums = new ClusterSums(tree, sigma);
            var z = new double[d];
            for (int n = 0; n < training.Length / d; n++)
            {
                for (int i = 0; i < d; i++) z[i] = Draw.Normal(_seed, Draw.Clusters, ~n, i);
                sums.Add(training.AsSpan(n * d, d), z);
            }
            return sums;
        }
        foreach (double sigma in Levels.Where(sigma => sigma >= resolution || sigma == Levels[^1]))
        {
            if (Filled(sigma) is not { } near) continue;
            foreach (bool extrapolated in (bool[])[false, true])
            {
                ClusterSums[] sums = extrapolated ? (Filled(Math.Sqrt(2) * sigma) is { } far ? [near, far] : []) : [near];
                if (sums.Length == 0) continue;
                double loss = Loss(new ClusteredScore(zero, unit, sigma, extrapolated, sums), judging, d);
                if (loss < best) (best, chosen) = (loss, (sigma, extrapolated));
            }
        }
        return chosen;
    }

    // ⟨½ |s|² + ∇·s⟩, the divergence by differences along random signs.
    private double Loss(ClusteredScore score, double[] x, int d)
    {
        const double step = 0.01;
        Span<double> s = stackalloc double[d], y = stackalloc double[d], sign = stackalloc double[d];
        double loss = 0;
        for (int n = 0; n < x.Length / d; n++)
        {
            var at = x.AsSpan(n * d, d);
            score.Scaled(at, s);
            for (int i = 0; i < d; i++)
            {
                loss += 0.5 * s[i] * s[i];
                sign[i] = Draw.Bits(_seed, Draw.Clusters, long.MaxValue - n, i) % 2 == 0 ? 1 : -1;
            }
            foreach (int side in (int[])[1, -1])
            {
                for (int i = 0; i < d; i++) y[i] = at[i] + side * step * sign[i];
                score.Scaled(y, s);
                for (int i = 0; i < d; i++) loss += side * s[i] * sign[i] / (2 * step);
            }
        }
        return loss / (x.Length / d);
    }

    private sealed unsafe class Sink : ITileSink
    {
        private readonly Clustering _owner;
        private readonly int _tile, _members;
        private readonly long _thin;
        private readonly ClusterSums[] _sums;
        private readonly LaneArray _noise;
        private readonly double[] _x, _z;

        public Sink(Clustering owner, int tile, int members, long thin)
        {
            (_owner, _tile, _members, _thin, _sums) = (owner, tile, members, thin, owner.Empty());
            _noise = new LaneArray(owner._mean.Length);
            (_x, _z) = (new double[owner._mean.Length], new double[owner._mean.Length]);
        }

        public void Sample(long index, double time, Tile state)
        {
            if (index % _thin != 0) return;
            for (int first = 0; first < _members; first += LaneArray.Lanes)
            {
                var block = first == 0 ? state.A : state.B;
                NormalStream.Fill(_noise.Pointer, _x.Length, _owner._seed, FillNoise, index, _tile * Tile.Members + first);
                for (int lane = 0; lane < Math.Min(LaneArray.Lanes, _members - first); lane++)
                {
                    for (int i = 0; i < _x.Length; i++)
                    {
                        _x[i] = (block[i, lane] - _owner._mean[i]) / _owner._scale[i];
                        _z[i] = _noise[i, lane];
                    }
                    foreach (var sums in _sums) sums.Add(_x, _z);
                }
            }
        }

        public void Finish()
        {
            _noise.Dispose();
            lock (_owner._tiles) _owner._tiles[_tile] = _sums;
        }
    }
}
