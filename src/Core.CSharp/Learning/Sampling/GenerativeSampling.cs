namespace Leith.Core;

/// <summary>
/// How samples are drawn from a score s(y, σ) along noise levels σ_0 > … > σ_n. With τ = σ², the law of u + σ S z solves both
/// dy = S² s dτ + S dW (reverse stochastic equation, τ falling; Anderson 1982) and dy = ½ S² s dτ (probability flow; Song et al. 2020).
/// </summary>
public abstract record Sampler
{
    private Sampler() { }

    /// <summary>Euler and Maruyama on the reverse equation, y ← y + Δτ S² s(y, σ_i) + √Δτ S w: error of the law O(1/n).</summary>
    public sealed record ReverseEuler : Sampler;

    /// <summary>Heun on the reverse equation, the mean of both ends' scores under one noise: error of the law O(1/n²).</summary>
    public sealed record ReverseHeun : Sampler;

    /// <summary>The probability flow by Dormand and Prince, order 5(4), in steps of ln σ that adapt; only the first and the last level count.</summary>
    /// <param name="Tolerance">Error of a step, root mean square over members and rows, in units of √(variance of the data + σ²).</param>
    public sealed record ProbabilityFlow(double Tolerance) : Sampler;

    /// <summary>
    /// Euler and Maruyama from level to level, each followed by Langevin steps y ← y + ε S² s + √(2ε) S w at the new level, ε = 2 r² rows/⟨|S s|²⟩, the mean over
    /// the sixteen members of a tile (Song et al. 2020).
    /// </summary>
    /// <param name="Corrections">Langevin steps at each level.</param>
    /// <param name="SignalToNoise">r.</param>
    public sealed record PredictorCorrector(int Corrections, double SignalToNoise = 0.16) : Sampler;

    /// <summary>
    /// Langevin at the smallest level alone, du = ½ C s dt + √C dW with the covariance C of the starting law: a Gaussian forgets at rate ½ in every direction.
    /// u ← u + ½ h C s + √h √C (w_n + w_{n+1})/2, whose stationary law is exact for a Gaussian and otherwise off by O(h²) (Leimkuhler and Matthews 2013).
    /// No drift of a step is longer than a standard deviation in any row.
    /// </summary>
    /// <param name="Steps">Number of steps.</param>
    /// <param name="Step">h.</param>
    public sealed record Langevin(int Steps, double Step = 0.1) : Sampler;
}

/// <summary>Samples out of a score.</summary>
public static class GenerativeSampling
{
    /// <summary>
    /// Draws independent samples. The last step, from σ_n to 0, follows the probability flow, y + ½ σ_n² S² s(y, σ_n), which leaves an error of the law of O(σ_n⁴);
    /// Langevin leaves it out: its samples belong to level σ_n.
    /// </summary>
    /// <param name="score">The score.</param>
    /// <param name="start">The law at level σ_0, where the reverse equation starts (Langevin: where it starts at level σ_n).</param>
    /// <param name="sampler">How.</param>
    /// <param name="levels">σ_0 > … > σ_n.</param>
    /// <param name="count">Number of samples.</param>
    /// <param name="seed">Samples are functions of (seed, number of the sample), bit for bit, for any number of threads; sixteen are drawn together.</param>
    /// <param name="threads">Threads; 0: one a core.</param>
    /// <param name="progress">Told of the part done.</param>
    /// <param name="cancellation">Ends the drawing with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>[sample][row], real values; a field at its sites.</returns>
    /// <exception cref="LeithException">Levels that do not fall or that the score does not have; a start of another shape; options out of range; values that leave all bounds.</exception>
    public static double[][] Draw(
        NoisedScore score, GaussianMixture start, Sampler sampler, IReadOnlyList<double> levels, int count, ulong seed, int threads = 0,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        Check(score, start, sampler, levels, count);
        int tiles = (count + Tile.Members - 1) / Tile.Members;
        var samples = new double[count][];
        var meter = new ProgressMeter(progress, tiles);
        TileDealer.Deal(tiles, threads > 0 ? threads : Environment.ProcessorCount, () => new SamplerTile(score, start, seed), (worker, tile, giveUp) =>
        {
            worker.Draw(sampler, levels, tile, () => cancellation.IsCancellationRequested || giveUp());
            cancellation.ThrowIfCancellationRequested();
            if (giveUp()) throw new GaveUpException();
            worker.Store(samples, tile);
            meter.Add(1);
        });
        return samples;
    }

    private static void Check(NoisedScore score, GaussianMixture start, Sampler sampler, IReadOnlyList<double> levels, int count)
    {
        score.Check(levels, sampler is Sampler.Langevin ? 1 : 2);
        if (count < 1) throw new LeithException($"sampling: expected at least one sample, got {count}.");
        if (start.Rows != score.Rows || (start.Grid is null) != (score.Grid is null))
            throw new LeithException($"sampling: expected a starting law of {score.Rows} rows, as the score has, got {start.Rows}.");
        var (good, expected) = sampler switch
        {
            Sampler.ProbabilityFlow p => (p.Tolerance is > 0 and < 1, $"a tolerance between 0 and 1, got {p.Tolerance}"),
            Sampler.PredictorCorrector p => (p.Corrections >= 0 && p.SignalToNoise > 0 && double.IsFinite(p.SignalToNoise),
                $"corrections ≥ 0 and a signal-to-noise ratio > 0, got {p.Corrections} and {p.SignalToNoise}"),
            Sampler.Langevin l => (l.Steps >= 1 && l.Step > 0 && l.Step < 4, $"at least one step of a size between 0 and 4, beyond which even a Gaussian diverges, got {l.Steps} of {l.Step}"),
            _ => (true, ""),
        };
        if (!good) throw new LeithException($"sampling: expected {expected}.");
    }
}
