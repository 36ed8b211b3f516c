namespace Leith.Core;

/// <summary>√(⟨|ŝ − s|²⟩/⟨|s|²⟩) of a score of a field and a known one, over the first samples of every member; all sites, or by Parseval all modes, count alike.</summary>
/// <param name="score">ŝ, a spectrum.</param>
/// <param name="known">s, a spectrum.</param>
/// <param name="samples">Samples of each tile that count.</param>
/// <param name="rows">Modes of the field.</param>
public sealed unsafe class FieldScoreDistance(Func<ITileMap> score, Func<ITileMap> known, long samples, int rows)
{
    private readonly SortedDictionary<int, (double Error, double Whole)> tiles = [];

    /// <summary>The sink of a tile: hand this to <see cref="Simulation.Run"/>.</summary>
    public ITileSink Open(int tile) => new Sink(this, tile);

    /// <summary>The relative distance, and its standard error by leaving out one tile of sixteen members at a time; NaN with a single tile.</summary>
    public (double Value, double StandardError) Result()
    {
        double error = tiles.Values.Sum(t => t.Error), whole = tiles.Values.Sum(t => t.Whole);
        double[] without = [.. tiles.Values.Select(t => Math.Sqrt((error - t.Error) / (whole - t.Whole)))];
        double mean = without.Average(), n = without.Length;
        return (Math.Sqrt(error / whole), n < 2 ? double.NaN : Math.Sqrt((n - 1) / n * without.Sum(value => (value - mean) * (value - mean))));
    }

    private sealed class Sink(FieldScoreDistance owner, int tile) : ITileSink
    {
        private readonly ITileMap score = owner.Score(), known = owner.Known();
        private readonly Tile guess = new(owner.Rows), truth = new(owner.Rows);
        private double error, whole;

        public void Sample(long index, double time, Tile state)
        {
            if (index >= owner.Samples) return;
            score.Apply(state, time, guess);
            known.Apply(state, time, truth);
            Add(guess.A, truth.A);
            Add(guess.B, truth.B);
        }

        public void Finish()
        {
            lock (owner.tiles) owner.tiles[tile] = (error, whole);
            foreach (var part in (IDisposable[])[score, known, guess, truth]) part.Dispose();
        }

        private void Add(LaneArray guess, LaneArray truth)
        {
            for (int row = 0; row < guess.Rows; row++)
            {
                var difference = guess.Vectors[row] - truth.Vectors[row];
                error += System.Runtime.Intrinsics.Vector512.Sum(difference * difference);
                whole += System.Runtime.Intrinsics.Vector512.Sum(truth.Vectors[row] * truth.Vectors[row]);
            }
        }
    }

    private Func<ITileMap> Score => score;
    private Func<ITileMap> Known => known;
    private long Samples => samples;
    private int Rows => rows;
}
