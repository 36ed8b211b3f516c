namespace Leith.Core;

/// <summary>|ŝ − s|² and |s|² of a score and the known one, as two rows of an observable, and what their means say.</summary>
public static class ScoreDistance
{
    /// <summary>Number of rows.</summary>
    public const int Rows = 2;

    /// <summary>The two rows of a score against a known one of as many components.</summary>
    public static TileRows Of(int components, Func<ITileMap> score, Func<ITileMap> known) => new(Rows, () => new Map(components, score(), known()));

    /// <summary>√(⟨|ŝ − s|²⟩/⟨|s|²⟩) from lag products whose observables hold the two rows from <paramref name="row"/> on, with its bootstrap standard error.</summary>
    public static (double Value, double StandardError) Relative(LagProducts products, int row, int resamples = 200, ulong seed = 1)
    {
        var ranges = BlockBootstrap.Ranges(products);
        int draws = BlockBootstrap.Draws(products, ranges.Count);
        var units = ranges.Select(range =>
        {
            double error = 0, whole = 0;
            for (int block = range.First; block < range.First + range.Count; block++)
            {
                var sums = products.RowSums(block);
                error += sums[row];
                whole += sums[row + 1];
            }
            return (error, whole);
        }).ToArray();
        double Ratio(IEnumerable<double> weights) =>
            Math.Sqrt(weights.Zip(units, (w, u) => w * u.error).Sum() / weights.Zip(units, (w, u) => w * u.whole).Sum());
        double value = Ratio(units.Select(_ => 1.0)), squares = 0;
        for (int resample = 0; resample < resamples; resample++) squares += Math.Pow(Ratio(Resampling.Weights(units.Length, draws, seed, resample)) - value, 2);
        return (value, Math.Sqrt(squares / (resamples - 1) * draws / (draws - 1)));
    }

    private sealed unsafe class Map(int components, ITileMap score, ITileMap known) : ITileMap
    {
        private readonly Tile _score = new(components), _known = new(components);

        public void Apply(Tile state, double time, Tile result)
        {
            score.Apply(state, time, _score);
            known.Apply(state, time, _known);
            Block(_score.A, _known.A, result.A);
            Block(_score.B, _known.B, result.B);
        }

        public void Dispose()
        {
            score.Dispose();
            known.Dispose();
            _score.Dispose();
            _known.Dispose();
        }

        private void Block(LaneArray score, LaneArray known, LaneArray result)
        {
            (result.Vectors[0], result.Vectors[1]) = (default, default);
            for (int i = 0; i < components; i++)
            {
                var error = score.Vectors[i] - known.Vectors[i];
                result.Vectors[0] += error * error;
                result.Vectors[1] += known.Vectors[i] * known.Vectors[i];
            }
        }
    }
}
