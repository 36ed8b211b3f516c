using Leith.Core;

namespace Leith.Benchmarks.Kernels;

/// <summary>Nanoseconds of one normal deviate on one thread, blocks of 4,096 of them that stay in cache.</summary>
internal static unsafe class NormalRates
{
    public static IEnumerable<Measurement> All(int threads) =>
    [
        new("normals-double", "normals, double, one thread", "ns each", () => Rate(single: false, 512)),
        new("normals-float", "normals, float, one thread", "ns each", () => Rate(single: true, 256)),
    ];

    private static double Rate(bool single, int rows)
    {
        const int steps = 2_000;
        using var to = new LaneArray(512);
        double time = Measurement.MedianSeconds(() =>
        {
            for (int step = 0; step < steps; step++)
                if (single) NormalStream.Fill((float*)to.Pointer, rows, 1, 0, step, 0);
                else NormalStream.Fill(to.Pointer, rows, 1, 0, step, 0);
        });
        return time * 1e9 / (4096.0 * steps);
    }
}
