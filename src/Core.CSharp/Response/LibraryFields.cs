namespace Leith.Core;

/// <summary>Library sums of single fields, with noise on them where they are asked of a smoothed law.</summary>
public static class LibraryFields
{
    private const uint Stream = 0x4C4246; // a noise of its own

    /// <summary>Sums for a fit, without lags: fields in a row make a block, so that neighbours in time stay together.</summary>
    /// <param name="features">Features of a state that is the spectrum of the field.</param>
    /// <param name="fields">[field][site], at least 16.</param>
    /// <param name="sigma">Standard deviation of white noise added at each site, 0 for none; the score is then that of the law smoothed by it.</param>
    /// <param name="seed">Seed of the noise.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <exception cref="LeithException">Too few fields, fields of another grid, a noise level that is negative.</exception>
    public static LibrarySums Gather(LibraryFeatures features, IReadOnlyList<float[]> fields, double sigma, ulong seed, int threads)
    {
        if (fields.Count < Tile.Members) throw new LeithException($"library: expected at least {Tile.Members} fields, got {fields.Count}.");
        if (fields.FirstOrDefault(f => f.Length != features.Grid.Sites) is { } odd)
            throw new LeithException($"library: expected fields of {features.Grid.Sites} sites, the grid of the features, got one of {odd.Length}.");
        if (!(sigma >= 0) || double.IsInfinity(sigma)) throw new LeithException($"library: expected a noise level of 0 or more, got {sigma}.");
        int tiles = Math.Max(1, Math.Min(4, fields.Count / (16 * Tile.Members)));
        long samples = fields.Count / (tiles * Tile.Members);
        var record = new LibraryRecord(features, 0, [], samples, tiles, tiles == 4 ? 1 : (int)Math.Min(4, samples));
        TileDealer.Deal(tiles, threads, () => new Worker(features.Grid), (worker, tile, _) =>
        {
            var sink = record.Open(tile);
            for (long sample = 0; sample < samples; sample++)
            {
                worker.Fill(fields, tile, sample, samples, sigma, seed);
                sink.Sample(sample, 0, worker.State);
            }
            sink.Finish();
        });
        return record.Complete();
    }

    private sealed unsafe class Worker(Grid grid) : IDisposable
    {
        private readonly LaneFft fft = new(grid);
        private readonly LaneArray noise = new(grid.Sites);

        public Tile State { get; } = new(grid.Sites);

        public void Fill(IReadOnlyList<float[]> fields, int tile, long sample, long samples, double sigma, ulong seed)
        {
            State.Index = tile;
            for (int half = 0; half < 2; half++)
            {
                var block = half == 0 ? State.A : State.B;
                int first = tile * Tile.Members + half * LaneArray.Lanes;
                if (sigma > 0) NormalStream.Fill(noise.Pointer, grid.Sites, seed, Stream, sample, first);
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    // the two members of a lane pair stand one after the other in the record
                    var field = fields[(int)((tile * Tile.Members + 2 * lane + half) * samples + sample)];
                    for (int site = 0; site < grid.Sites; site++) block[site, lane] = field[site] + (sigma > 0 ? sigma * noise[site, lane] : 0);
                }
            }
            fft.Forward(State.A.Pointer, State.B.Pointer);
        }

        public void Dispose()
        {
            fft.Dispose();
            noise.Dispose();
            State.Dispose();
        }
    }
}
