using Leith.Core;

namespace Leith.Benchmarks.Kernels;

/// <summary>Microseconds a member of a forward and an inverse transform of real fields, one thread.</summary>
internal static class FftRates
{
    public static IEnumerable<Measurement> All(int threads) =>
        new[] { 32, 64, 128 }.Select(n => new Measurement($"fft-{n}", $"FFT pair {n} × {n}, one thread", "µs a member", () => Pair(n)));

    private static unsafe double Pair(int n)
    {
        var grid = new Grid([n, n], [1, 1]);
        using var fft = new LaneFft(grid);
        using var tile = new Tile(grid.Sites);
        int repeats = 400_000 / grid.Sites;
        double time = Measurement.MedianSeconds(() =>
        {
            for (int i = 0; i < repeats; i++)
            {
                fft.Forward(tile.A.Pointer, tile.B.Pointer);
                fft.Inverse(tile.A.Pointer, tile.B.Pointer);
            }
        });
        return time * 1e6 / repeats / Tile.Members;
    }
}
