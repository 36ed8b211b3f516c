namespace Leith.Core;

/// <summary>Between samples in real space, [sample][row], and tiles. Serves one thread.</summary>
internal sealed unsafe class SampleLoader(Grid? grid, int rows) : IDisposable
{
    private readonly LaneFft? fft = grid is null ? null : new(grid);
    private readonly Tile scratch = new(rows);

    /// <summary>Samples 16·tile … +15 into a tile; where there are none the last one again.</summary>
    public void Load(double[][] samples, int tile, Tile to)
    {
        to.Index = tile;
        for (int member = 0; member < Tile.Members; member++)
        {
            double[] from = samples[Math.Min(tile * Tile.Members + member, samples.Length - 1)];
            var block = member < LaneArray.Lanes ? to.A : to.B;
            for (int row = 0; row < rows; row++) block[row, member % LaneArray.Lanes] = from[row];
        }
        fft?.Forward(to.A.Pointer, to.B.Pointer);
    }

    /// <summary>A tile into its samples, as far as there are any.</summary>
    public void Store(Tile from, double[][] samples, int tile)
    {
        var real = from;
        if (fft is not null)
        {
            fft.Inverse(from.A.Pointer, from.B.Pointer, scratch.A.Pointer, scratch.B.Pointer);
            real = scratch;
        }
        for (int member = 0; member < Tile.Members && tile * Tile.Members + member < samples.Length; member++)
        {
            var block = member < LaneArray.Lanes ? real.A : real.B;
            var to = new double[rows];
            for (int row = 0; row < rows; row++) to[row] = block[row, member % LaneArray.Lanes];
            samples[tile * Tile.Members + member] = to;
        }
    }

    public void Dispose()
    {
        fft?.Dispose();
        scratch.Dispose();
    }
}
