using System.Diagnostics;
using Leith.Core;

namespace Leith.Benchmarks.Training;

/// <summary>Arithmetic rate of one convolution, C → C channels, 32 × 32 sites, 16 samples, on one core.</summary>
internal static unsafe class LayerRates
{
    public static void Print(int channels)
    {
        var grid = new Grid([32, 32], [1, 1]);
        var stencil = Stencil.Torus(grid);
        var layer = new Convolution(stencil, channels, channels);
        using var weightGradient = new WeightGradient(stencil, channels, channels);
        using FloatLanes x = new(grid.Sites * channels), y = new(grid.Sites * channels), slope = new(grid.Sites * channels);
        var random = new Random(1);
        foreach (ref float value in x.Span) value = random.NextSingle() - 0.5f;
        float[] parameters = GC.AllocateArray<float>(layer.Parameters, pinned: true), gradient = GC.AllocateArray<float>(layer.Parameters, pinned: true);
        for (int i = 0; i < parameters.Length; i++) parameters[i] = random.NextSingle() - 0.5f;
        double flops = 2.0 * 9 * channels * channels * grid.Sites * 16;
        fixed (float* w = parameters, g = gradient)
        {
            var (weights, sum) = ((IntPtr)w, (IntPtr)g);
            Console.WriteLine($"convolution {channels} -> {channels}, one core, GFLOP/s:");
            Console.WriteLine($"  forward        {flops / Best(() => layer.Forward((float*)weights, x.Vectors, null, y.Vectors, 0, grid.Sites)):F0}");
            Console.WriteLine($"  to the input   {flops / Best(() => layer.BackwardInput((float*)weights, x.Vectors, y.Vectors, 0, grid.Sites)):F0}");
            Console.WriteLine($"  to the weights {flops / Best(() => weightGradient.Accumulate(x.Vectors, y.Vectors, (float*)sum)):F0}");
            double silu = Best(() => Activation.Forward(x.Vectors, null, null, y.Vectors, slope.Vectors, channels, 0, grid.Sites));
            Console.WriteLine($"  silu with slope: {silu / (grid.Sites * channels * 16):F3} ns a value");
        }
    }

    /// <summary>Nanoseconds of the fastest of thirty calls.</summary>
    private static double Best(Action work)
    {
        double best = double.MaxValue;
        for (int i = 0; i < 100; i++)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
        return best;
    }
}
