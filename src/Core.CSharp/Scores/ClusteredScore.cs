namespace Leith.Core;

/// <summary>
/// A score from clusters of noised data (KGMM, arXiv:2503.18054): at noise level σ, s_σ(y) = −E[z | y]/σ with y = x + σ z is the score of the density smoothed by σ;
/// extrapolated, 2 s_σ − s_{√2 σ}, whose bias is O(σ⁴).
/// </summary>
public sealed class ClusteredScore
{
    private readonly double[] _mean, _scale;
    private readonly (double Weight, ClusterSurface Surface)[] _parts;

    internal ClusteredScore(double[] mean, double[] scale, double sigma, bool extrapolated, IReadOnlyList<ClusterSums> sums)
    {
        (_mean, _scale, Sigma, Extrapolated) = (mean, scale, sigma, extrapolated);
        Leaves = sums[0].Tree.Leaves;
        double[] weights = extrapolated ? [2, -1] : [1];
        _parts = [.. weights.Zip(sums, (w, s) => (w, new ClusterSurface(s)))];
    }

    /// <summary>The noise level, in standard deviations of each component.</summary>
    public double Sigma { get; }

    /// <summary>Whether the score is extrapolated to σ = 0; otherwise it belongs to the density smoothed by σ.</summary>
    public bool Extrapolated { get; }

    /// <summary>Number of clusters at the noise level.</summary>
    public int Leaves { get; }

    /// <summary>The score at a state.</summary>
    public double[] At(ReadOnlySpan<double> state)
    {
        Span<double> y = stackalloc double[_mean.Length];
        for (int i = 0; i < y.Length; i++) y[i] = (state[i] - _mean[i]) / _scale[i];
        var score = new double[_mean.Length];
        Scaled(y, score);
        for (int i = 0; i < score.Length; i++) score[i] /= _scale[i];
        return score;
    }

    /// <summary>The score as a map of tiles; an instance serves one thread.</summary>
    public ITileMap CreateScore() => new Map(this);

    /// <summary>score ← the score of (x − mean)/scale there.</summary>
    internal void Scaled(ReadOnlySpan<double> y, Span<double> score)
    {
        score.Clear();
        foreach (var (weight, surface) in _parts) surface.Add(weight, y, score);
    }

    private sealed class Map(ClusteredScore score) : ITileMap
    {
        public void Apply(Tile state, double time, Tile result)
        {
            Block(state.A, result.A);
            Block(state.B, result.B);
        }

        public void Dispose() { }

        private void Block(LaneArray state, LaneArray result)
        {
            int d = score._mean.Length;
            Span<double> y = stackalloc double[d], s = stackalloc double[d];
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                for (int i = 0; i < d; i++) y[i] = (state[i, lane] - score._mean[i]) / score._scale[i];
                score.Scaled(y, s);
                for (int i = 0; i < d; i++) result[i, lane] = s[i] / score._scale[i];
            }
        }
    }
}
