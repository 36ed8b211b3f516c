using System.Diagnostics;

namespace Leith.Benchmarks.Kernels;

/// <summary>One figure of ours: its key on the command line, what it is, its unit, and how it is measured once.</summary>
internal sealed record Measurement(string Key, string Name, string Unit, Func<double> Measure)
{
    public List<double> Found { get; } = [];

    public static double Seconds(Action act)
    {
        var clock = Stopwatch.StartNew();
        act();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Median seconds of eleven runs, as short ones as the peers take: few of them meet other work on the machine.</summary>
    public static double MedianSeconds(Action act) => Median([.. Enumerable.Range(0, 11).Select(_ => Seconds(act))]);

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
