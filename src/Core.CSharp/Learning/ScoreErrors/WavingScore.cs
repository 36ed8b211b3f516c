using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>ŝ_i = s_i + √2 e cos(3 y_{i+1}/(S_{i+1} √(1 + σ²)))/(σ S_i): a score of scalar unknowns with a known, smooth error, √⟨|ẑ − ẑ_exact|²/rows⟩ near e at every level.</summary>
public static class WavingScore
{
    /// <summary>The score with its error.</summary>
    /// <exception cref="LeithException">A field; an error below zero.</exception>
    public static NoisedScore Of(NoisedScore score, double error)
    {
        if (score.Grid is not null) throw new LeithException("score error: expected scalar unknowns, got a field.");
        if (!(error >= 0 && double.IsFinite(error))) throw new LeithException($"score error: expected an error of at least 0, got {error}.");
        return new(score.Rows, null, score.Scale, score.Smallest, score.Largest, sigma => new Map(score.At(sigma), score.Scale, error, sigma));
    }

    private sealed unsafe class Map(ITileMap inner, double[] scale, double error, double sigma) : ITileMap
    {
        public void Apply(Tile state, double time, Tile result)
        {
            inner.Apply(state, time, result);
            for (int row = 0; row < scale.Length; row++)
            {
                int next = (row + 1) % scale.Length;
                Vector512<double> size = Vector512.Create(Math.Sqrt(2) * error / (sigma * scale[row])), wave = Vector512.Create(3 / (scale[next] * Math.Sqrt(1 + sigma * sigma)));
                result.A.Vectors[row] += size * Vector512.Cos(wave * state.A.Vectors[next]);
                result.B.Vectors[row] += size * Vector512.Cos(wave * state.B.Vectors[next]);
            }
        }

        public void Dispose() => inner.Dispose();
    }
}
