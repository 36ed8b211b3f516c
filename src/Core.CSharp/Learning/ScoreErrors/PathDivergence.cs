using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// What a sampler's steps and a wrong score add to the divergence of its paths from the reverse paths of the data (docs/score_errors.md): with τ = σ² and J = ⟨|S s|²⟩,
/// training = ½ Σ Δ_k ⟨|S(ŝ − s)|²⟩ and discretisation = ½ Σ ∫ (J(τ) − J(τ_k)) dτ. Their sum and the divergence of the starting law bound KL(ρ_σn ‖ generated).
/// Means over samples of the law, the same at all levels; the standard error is one over groups of sixteen.
/// </summary>
public sealed record PathDivergence
{
    // Gauss and Legendre's three nodes and weights on [0, 1].
    private static readonly double[] Nodes = [0.5 - Math.Sqrt(0.15), 0.5, 0.5 + Math.Sqrt(0.15)], Weights = [5.0 / 18, 8.0 / 18, 5.0 / 18];
    private const uint Clean = 0x5C0001, Noise = 0x5C0002;

    /// <summary>The part, summed over the steps.</summary>
    public required double Value { get; init; }

    /// <summary>Its standard error.</summary>
    public required double StandardError { get; init; }

    /// <summary>½ Δ_k ⟨|S(ŝ − s)|²⟩ or ½ ∫ (J(τ) − J(τ_k)) dτ of each step.</summary>
    public required double[] OfSteps { get; init; }

    /// <summary>What a wrong score adds: ½ Σ Δ_k ⟨|S(ŝ − s)|²⟩, for scalar unknowns.</summary>
    /// <param name="law">The law of the data.</param>
    /// <param name="score">ŝ.</param>
    /// <param name="levels">σ_0 &gt; … &gt; σ_n.</param>
    /// <param name="samples">Samples, rounded up to groups of sixteen.</param>
    /// <param name="seed">Seed of the samples.</param>
    /// <exception cref="LeithException">Fewer than 32 samples; a score of another shape or without these levels.</exception>
    public static PathDivergence OfScore(GaussianMixture law, NoisedScore score, IReadOnlyList<double> levels, int samples, ulong seed)
    {
        if (score.Rows != law.Rows) throw new LeithException($"path divergence: expected a score of {law.Rows} scalar unknowns, as the law has, got {score.Rows}.");
        return Of(law, score, levels, samples, (k, width, tiles) => [.. Squares(law, score, levels[k], tiles, seed).Select(square => 0.5 * width * square)]);
    }

    /// <summary>What the steps add: ½ Σ ∫ (J(τ) − J(τ_k)) dτ, three nodes of Gauss and Legendre a step.</summary>
    /// <param name="law">The law of the data.</param>
    /// <param name="levels">σ_0 &gt; … &gt; σ_n.</param>
    /// <param name="samples">Samples, rounded up to groups of sixteen.</param>
    /// <param name="seed">Seed of the samples.</param>
    /// <exception cref="LeithException">Fewer than 32 samples; levels that do not fall.</exception>
    public static PathDivergence OfDiscretisation(GaussianMixture law, IReadOnlyList<double> levels, int samples, ulong seed) =>
        Of(law, NoisedScore.Of(law), levels, samples, (k, width, tiles) =>
        {
            double[] here = Squares(law, null, levels[k], tiles, seed), sum = new double[tiles];
            for (int g = 0; g < Nodes.Length; g++)
            {
                double[] there = Squares(law, null, Math.Sqrt(levels[k] * levels[k] - width * Nodes[g]), tiles, seed);
                for (int tile = 0; tile < tiles; tile++) sum[tile] += 0.5 * width * Weights[g] * (there[tile] - here[tile]);
            }
            return sum;
        });

    private static PathDivergence Of(GaussianMixture law, NoisedScore score, IReadOnlyList<double> levels, int samples, Func<int, double, int, double[]> part)
    {
        score.Check(levels);
        if (samples < 2 * Tile.Members) throw new LeithException($"path divergence: expected at least {2 * Tile.Members} samples, got {samples}.");
        if (law.Grid is not null) throw new LeithException("path divergence: expected scalar unknowns, got a field.");
        int steps = levels.Count - 1, tiles = (samples + Tile.Members - 1) / Tile.Members;
        var parts = new double[steps][];
        Parallel.For(0, steps, k => parts[k] = part(k, levels[k] * levels[k] - levels[k + 1] * levels[k + 1], tiles));
        double[] ofTiles = [.. Enumerable.Range(0, tiles).Select(tile => parts.Sum(step => step[tile]))], ofSteps = [.. parts.Select(step => step.Average())];
        double mean = ofTiles.Average();
        return new() { Value = mean, OfSteps = ofSteps, StandardError = Math.Sqrt(ofTiles.Sum(v => (v - mean) * (v - mean)) / ((double)tiles * (tiles - 1))) };
    }

    /// <summary>The mean over each tile of |S(ŝ − s)|², or of |S s|² where there is no ŝ.</summary>
    private static unsafe double[] Squares(GaussianMixture law, NoisedScore? score, double sigma, int tiles, ulong seed)
    {
        using var exact = law.CreateScore(sigma);
        using var other = score?.At(sigma);
        using Tile state = new(law.Rows), noise = new(law.Rows), s = new(law.Rows), guess = new(law.Rows);
        var result = new double[tiles];
        for (int tile = 0; tile < tiles; tile++)
        {
            state.Index = tile;
            law.Draw(state, seed, Clean);
            NormalStream.Fill(noise.A.Pointer, law.Rows, seed, Noise, 0, tile * Tile.Members);
            NormalStream.Fill(noise.B.Pointer, law.Rows, seed, Noise, 0, tile * Tile.Members + LaneArray.Lanes);
            for (int row = 0; row < law.Rows; row++)
            {
                var size = Vector512.Create(sigma * law.Scale[row]);
                state.A.Vectors[row] += size * noise.A.Vectors[row];
                state.B.Vectors[row] += size * noise.B.Vectors[row];
            }
            exact.Apply(state, 0, s);
            other?.Apply(state, 0, guess);
            for (int row = 0; row < law.Rows; row++)
            {
                var (a, b) = (s.A.Vectors[row] - guess.A.Vectors[row], s.B.Vectors[row] - guess.B.Vectors[row]);
                result[tile] += law.Scale[row] * law.Scale[row] * Vector512.Sum(a * a + b * b) / Tile.Members;
            }
        }
        return result;
    }
}
