using System.Diagnostics;
using Leith.Core;

namespace Leith.Benchmarks.Kernels;

/// <summary>How time grows with members, steps and the side of the grid, and memory with steps: the vorticity equation.</summary>
internal static class Growth
{
    public static void Print(int threads)
    {
        Console.WriteLine("members (64 × 64, 20 steps) | seconds | µs a member and step");
        foreach (int members in new[] { 32, 64, 128, 256, 512 })
        {
            double time = Best(EquationRates.Vorticity(64), members, 20, threads, 3);
            Console.WriteLine($"{members} | {time:g3} | {time * 1e6 / members / 20:g3}");
        }
        Console.WriteLine("steps (64 × 64, 32 members) | seconds | µs a member and step | largest resident memory, MiB");
        foreach (int steps in new[] { 50, 100, 200, 400, 800 })
        {
            double time = Best(EquationRates.Vorticity(64), 32, steps, threads, 2);
            Console.WriteLine($"{steps} | {time:g3} | {time * 1e6 / 32 / steps:g3} | {Process.GetCurrentProcess().PeakWorkingSet64 >> 20}");
        }
        Console.WriteLine("side (32 members) | µs a member and step | ns over N² log₂ N");
        foreach (int n in new[] { 32, 64, 128, 256 })
        {
            int steps = Math.Max(4, 100_000 / (n * n));
            double each = Best(EquationRates.Vorticity(n), 32, steps, threads, 4) / steps / 32;
            Console.WriteLine($"{n} | {each * 1e6:g3} | {each * 1e9 / (n * n * Math.Log2(n)):g3}");
        }
    }

    // beyond the first steps, which need set-up
    private static double Best(Simulation simulation, int members, int steps, int threads, int rounds)
    {
        double h = simulation.Step;
        double Of(int n) => Measurement.Seconds(() => simulation.Run(new SamplingPlan(members, n * h, h, h), _ => new Fork([]), threads, null, CancellationToken.None));
        Of(1);
        double brief = Enumerable.Range(0, rounds).Min(_ => Of(1)), whole = Enumerable.Range(0, rounds).Min(_ => Of(steps + 1));
        return whole - brief;
    }
}
