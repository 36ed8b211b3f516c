using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Leith.Core;

namespace Leith.Benchmarks.Training;

/// <summary>
/// Training steps per second of the network 1 → 16 → four residual blocks → 1 on 32 × 32 sites, batch 64, fresh noise each step, Adam: the work of the peer
/// script, and on top of it the Gaussian base (two transforms), the moving average and the clipping of the gradient.
/// </summary>
internal static partial class TrainingRate
{
    private const double FlopsPerStep = 3.0 * 2 * 9 * (16 * 16 * 4 + 2 * 16) * 64 * 32 * 32;

    /// <summary>Steps per second of the clock, and per second of processor time times the threads: the same on a quiet machine.</summary>
    public static (double Clock, double Processor) Ours(int threads, bool modulated, int steps)
    {
        var grid = new Grid([32, 32], [1, 1]);
        var random = new Random(1);
        float[][] fields = [.. Enumerable.Range(0, 4096).Select(_ => Enumerable.Range(0, grid.Sites).Select(_ => (float)Normal(random)).ToArray())];
        double[] power = [.. Enumerable.Repeat((double)grid.Sites, grid.Sites)];
        var options = new TrainingOptions { Steps = steps, Threads = threads, Modulated = modulated, ValidationFraction = 0, SigmaMin = 0.3, SigmaMax = 0.3 };
        var before = Environment.CpuUsage.TotalTime;
        double clock = DenoisingTraining.TrainField(grid, fields, 0, power, options).History[^1].StepsPerSecond;
        return (clock, steps * threads / (Environment.CpuUsage.TotalTime - before).TotalSeconds);
    }

    /// <summary>The rate the peer script prints; it runs on its own, so that neither disturbs the other.</summary>
    public static double Peer(string python, string script, int threads)
    {
        var start = new ProcessStartInfo(python, [script, threads.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var rate = Rate().Match(text);
        if (!rate.Success) throw new InvalidOperationException($"the peer printed no rate: {text}");
        return double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    public static string Describe(double stepsPerSecond) => $"{stepsPerSecond:F1} steps/s ({stepsPerSecond * FlopsPerStep * 1e-9:F0} GFLOP/s)";

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    [GeneratedRegex(@"([0-9.]+) training steps/s")]
    private static partial Regex Rate();
}
