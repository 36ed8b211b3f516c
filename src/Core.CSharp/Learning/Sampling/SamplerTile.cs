using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>Sixteen samples on their way from noise to data. Serves one thread.</summary>
internal sealed unsafe class SamplerTile : IDisposable
{
    // Streams of normals; each tile counts its own steps.
    private const uint Starting = 0x5A0001, Reverse = 0x5A0002, Corrector = 0x5A0003;
    private readonly NoisedScore score;
    private readonly GaussianMixture start;
    private readonly ulong seed;
    private readonly Tile state, drift, other, second, normals;
    private readonly SampleLoader loader;
    private readonly bool isScaled;

    public SamplerTile(NoisedScore score, GaussianMixture start, ulong seed)
    {
        (this.score, this.start, this.seed) = (score, start, seed);
        (state, drift, other, second, normals) = (new(score.Rows), new(score.Rows), new(score.Rows), new(score.Rows), new(score.Rows));
        loader = new(score.Grid, score.Rows);
        isScaled = score.Scale.Any(s => s != 1);
    }

    /// <summary>Draws a tile.</summary>
    public void Draw(Sampler sampler, IReadOnlyList<double> levels, int tile, Func<bool> stop)
    {
        state.Index = normals.Index = tile;
        start.Draw(state, seed, Starting);
        switch (sampler)
        {
            case Sampler.ReverseEuler: Descend(levels, stop, heun: false, 0, 0); break;
            case Sampler.ReverseHeun: Descend(levels, stop, heun: true, 0, 0); break;
            case Sampler.PredictorCorrector p: Descend(levels, stop, heun: false, p.Corrections, p.SignalToNoise); break;
            case Sampler.ProbabilityFlow p: Flow(levels[0], levels[^1], p.Tolerance, stop); break;
            case Sampler.Langevin l: Relax(levels[^1], l, stop); return;
        }
        using (var map = score.At(levels[^1])) Evaluate(map, state, drift);
        TileMath.Add(state, 0.5 * levels[^1] * levels[^1], drift);
        Require(state, levels[^1]);
    }

    /// <summary>The samples of a tile into their places.</summary>
    public void Store(double[][] samples, int tile) => loader.Store(state, samples, tile);

    /// <summary>The reverse equation from level to level.</summary>
    private void Descend(IReadOnlyList<double> levels, Func<bool> stop, bool heun, int corrections, double ratio)
    {
        var map = score.At(levels[0]);
        try
        {
            Evaluate(map, state, drift);
            for (int i = 0; i + 1 < levels.Count && !stop(); i++)
            {
                double step = levels[i] * levels[i] - levels[i + 1] * levels[i + 1];
                Fill(Reverse, i);
                map.Dispose();
                map = score.At(levels[i + 1]);
                if (heun)
                {
                    TileMath.Sum(state, [step, Math.Sqrt(step)], [drift, normals], other);
                    Evaluate(map, other, second);
                    TileMath.Sum(state, [0.5 * step, 0.5 * step, Math.Sqrt(step)], [drift, second, normals], state);
                }
                else TileMath.Sum(state, [step, Math.Sqrt(step)], [drift, normals], state);
                for (int c = 0; c < corrections; c++) Correct(map, ratio, (long)i * corrections + c);
                if (i + 2 < levels.Count) Evaluate(map, state, drift);
                if (i % 16 == 0) Require(state, levels[i + 1]);
            }
        }
        finally { map.Dispose(); }
    }

    private void Correct(ITileMap map, double ratio, long step)
    {
        Evaluate(map, state, drift);
        double square = 0;
        for (int row = 0; row < score.Rows; row++)
        {
            double weight = score.Grid is null ? 1 / (score.Scale[row] * score.Scale[row]) : 1.0 / score.Rows;
            square += weight * (Vector512.Sum(drift.A.Vectors[row] * drift.A.Vectors[row]) + Vector512.Sum(drift.B.Vectors[row] * drift.B.Vectors[row]));
        }
        double size = 2 * ratio * ratio * score.Rows * Tile.Members / square;
        if (!double.IsFinite(size)) return;
        Fill(Corrector, step);
        TileMath.Sum(state, [size, Math.Sqrt(2 * size)], [drift, normals], state);
    }

    private void Flow(double from, double to, double tolerance, Func<bool> stop)
    {
        double unit = Math.Max(start.MeanVariance - from * from, to * to);
        using var flow = new FlowIntegrator(score, Evaluate, unit, tolerance, null);
        flow.Integrate(state, from, to, stop);
    }

    /// <summary>Langevin at one level, from the starting law.</summary>
    private void Relax(double level, Sampler.Langevin langevin, Func<bool> stop)
    {
        using var map = score.At(level);
        using var covariance = new CovarianceMap(start);
        double spread = 0.5 * Math.Sqrt(langevin.Step);
        White(0);
        covariance.Root(normals, other);
        for (int step = 0; step < langevin.Steps && !stop(); step++)
        {
            map.Apply(state, level, drift);
            covariance.Whole(drift, second);
            covariance.Shorten(second, 2 / langevin.Step);
            TileMath.Sum(state, [0.5 * langevin.Step, spread], [second, other], state);
            White(step + 1);
            covariance.Root(normals, other);
            TileMath.Add(state, spread, other);
            if (step % 16 == 0) Require(state, level);
        }
        Require(state, level);

        void White(long step)
        {
            int first = normals.Index * Tile.Members;
            NormalStream.Fill(normals.A.Pointer, score.Rows, seed, Reverse, step, first);
            NormalStream.Fill(normals.B.Pointer, score.Rows, seed, Reverse, step, first + LaneArray.Lanes);
        }
    }

    /// <summary>result ← S² s(y).</summary>
    private void Evaluate(ITileMap map, Tile y, Tile result)
    {
        result.Index = y.Index;
        map.Apply(y, 0, result);
        if (!isScaled) return;
        for (int row = 0; row < score.Rows; row++)
        {
            var factor = Vector512.Create(score.Scale[row] * score.Scale[row]);
            result.A.Vectors[row] *= factor;
            result.B.Vectors[row] *= factor;
        }
    }

    /// <summary>normals ← S w.</summary>
    private void Fill(uint stream, long step)
    {
        int first = normals.Index * Tile.Members;
        NormalStream.Fill(normals.A.Pointer, score.Rows, seed, stream, step, first);
        NormalStream.Fill(normals.B.Pointer, score.Rows, seed, stream, step, first + LaneArray.Lanes);
        for (int row = 0; row < score.Rows; row++)
        {
            var factor = Vector512.Create(score.White(row));
            normals.A.Vectors[row] *= factor;
            normals.B.Vectors[row] *= factor;
        }
    }

    private void Require(Tile tile, double level)
    {
        var all = new Segment("sample", score.Grid, Representation.Sites, 0);
        bool finite = score.Grid is not null
            ? TileMath.AllFinite(tile, all, Vector512<double>.AllBitsSet, Vector512<double>.AllBitsSet)
            : Enumerable.Range(0, score.Rows).All(row => TileMath.AllFinite(tile, all with { First = row }, Vector512<double>.AllBitsSet, Vector512<double>.AllBitsSet));
        if (!finite) throw new LeithException($"sampling: expected finite values, got NaN or infinity at noise level {level:G4}; take more steps, or smaller ones.");
    }

    public void Dispose()
    {
        foreach (var tile in new[] { state, drift, other, second, normals }) tile.Dispose();
        loader.Dispose();
    }
}
