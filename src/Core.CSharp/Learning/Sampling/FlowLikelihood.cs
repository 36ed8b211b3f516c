using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// ∇·f(y) along a random sign at every site and member: Σ_i v_i (f(y + εSv) − f(y − εSv))_i/(2 ε S_i), unbiased (Hutchinson 1990) up to O(ε²); exact for f whose
/// matrix ∂f/∂y is diagonal. The signs belong to (seed, member) and stay the same along the flow.
/// </summary>
internal sealed unsafe class DivergenceProbe : IDisposable
{
    private readonly NoisedScore score;
    private readonly LaneFft? fft;
    private readonly Tile signs, spectrum, plus, minus, at;

    public DivergenceProbe(NoisedScore score, int tile, ulong seed, uint stream)
    {
        this.score = score;
        fft = score.Grid is { } grid ? new(grid) : null;
        (signs, spectrum, plus, minus, at) = (new(score.Rows), new(score.Rows), new(score.Rows), new(score.Rows), new(score.Rows));
        int first = tile * Tile.Members;
        NormalStream.Fill(signs.A.Pointer, score.Rows, seed, stream, 0, first);
        NormalStream.Fill(signs.B.Pointer, score.Rows, seed, stream, 0, first + LaneArray.Lanes);
        foreach (ref double value in signs.A.Span) value = value < 0 ? -1 : 1;
        foreach (ref double value in signs.B.Span) value = value < 0 ? -1 : 1;
        for (int row = 0; row < score.Rows; row++)
        {
            var factor = Vector512.Create(score.Scale[row]);
            (spectrum.A.Vectors[row], spectrum.B.Vectors[row]) = (factor * signs.A.Vectors[row], factor * signs.B.Vectors[row]);
        }
        fft?.Forward(spectrum.A.Pointer, spectrum.B.Pointer);
    }

    /// <summary>∇·f at a noise level, whose hundredth is the step ε: the score changes over σ.</summary>
    public (Lane A, Lane B) Divergence(Tile y, double sigma, Action<Tile, Tile> f)
    {
        double step = 0.01 * sigma;
        at.Index = y.Index;
        TileMath.Sum(y, step, spectrum, at);
        f(at, plus);
        TileMath.Sum(y, -step, spectrum, at);
        f(at, minus);
        TileMath.Add(plus, -1, minus);
        fft?.Inverse(plus.A.Pointer, plus.B.Pointer);
        Lane a = default, b = default;
        for (int row = 0; row < score.Rows; row++)
        {
            var factor = Vector512.Create(1 / (2 * step * score.Scale[row]));
            a += factor * signs.A.Vectors[row] * plus.A.Vectors[row];
            b += factor * signs.B.Vectors[row] * plus.B.Vectors[row];
        }
        return (a, b);
    }

    public void Dispose()
    {
        fft?.Dispose();
        foreach (var tile in new[] { signs, spectrum, plus, minus, at }) tile.Dispose();
    }
}

/// <summary>Log-densities out of a score.</summary>
public static class FlowLikelihood
{
    private const uint Probes = 0x5A1000;

    /// <summary>
    /// ln ρ_σ(y) of samples at the smallest level, ln ρ_{σ_0}(y_0) + ∫ ∇·(dy/dx) dx along the probability flow from y up to σ_0, x = ln σ, with Hutchinson's trace
    /// (Chen et al. 2018; Song et al. 2020). y must belong to level σ_n: noised by it.
    /// </summary>
    /// <param name="score">The score.</param>
    /// <param name="start">The law at σ_0.</param>
    /// <param name="samples">[sample][row], in real space.</param>
    /// <param name="largest">σ_0.</param>
    /// <param name="smallest">σ_n.</param>
    /// <param name="tolerance">As <see cref="Sampler.ProbabilityFlow"/>.</param>
    /// <param name="probes">Random probes for each sample; their spread gives the standard error (NaN for one).</param>
    /// <param name="seed">Probes are functions of (seed, number of the sample).</param>
    /// <param name="threads">Threads; 0: one a core.</param>
    /// <exception cref="LeithException">As <see cref="GenerativeSampling.Draw"/>; no sample or no probe.</exception>
    public static Measurement[] LogDensity(
        NoisedScore score, GaussianMixture start, double[][] samples, double largest, double smallest, double tolerance, int probes = 1, ulong seed = 0, int threads = 0)
    {
        score.Check([largest, smallest]);
        if (samples.Length == 0 || probes < 1) throw new LeithException($"log-likelihood: expected samples and at least one probe, got {samples.Length} and {probes}.");
        if (samples.Any(s => s.Length != score.Rows)) throw new LeithException($"log-likelihood: expected samples of {score.Rows} numbers, got others.");
        if (!(tolerance is > 0 and < 1)) throw new LeithException($"log-likelihood: expected a tolerance between 0 and 1, got {tolerance}.");
        int tiles = (samples.Length + Tile.Members - 1) / Tile.Members;
        var values = new double[samples.Length, probes];
        TileDealer.Deal(tiles, threads > 0 ? threads : Environment.ProcessorCount, () => new SampleLoader(score.Grid, score.Rows), (loader, tile, _) =>
        {
            using var state = new Tile(score.Rows);
            Span<double> logs = stackalloc double[Tile.Members];
            for (int p = 0; p < probes; p++)
            {
                loader.Load(samples, tile, state);
                using var probe = new DivergenceProbe(score, tile, seed, Probes + (uint)p);
                using var flow = new FlowIntegrator(score, (map, y, to) => Scaled(score, map, y, to), Math.Max(start.MeanVariance - largest * largest, smallest * smallest), tolerance, probe);
                flow.Integrate(state, smallest, largest, () => false);
                using var law = new MixtureMap(start);
                law.LogDensity(state, logs);
                for (int member = 0; member < Tile.Members && tile * Tile.Members + member < samples.Length; member++)
                    values[tile * Tile.Members + member, p] = logs[member] + (member < LaneArray.Lanes ? flow.Divergence.A[member] : flow.Divergence.B[member - LaneArray.Lanes]);
            }
        });
        return [.. Enumerable.Range(0, samples.Length).Select(s =>
        {
            double[] of = [.. Enumerable.Range(0, probes).Select(p => values[s, p])];
            double mean = of.Average();
            return new Measurement(mean, probes > 1 ? Math.Sqrt(of.Sum(v => (v - mean) * (v - mean)) / ((double)probes * (probes - 1))) : double.NaN);
        })];
    }

    private static unsafe void Scaled(NoisedScore score, ITileMap map, Tile y, Tile result)
    {
        result.Index = y.Index;
        map.Apply(y, 0, result);
        if (score.Grid is not null) return;
        for (int row = 0; row < score.Rows; row++)
        {
            var factor = Vector512.Create(score.Scale[row] * score.Scale[row]);
            result.A.Vectors[row] *= factor;
            result.B.Vectors[row] *= factor;
        }
    }
}
