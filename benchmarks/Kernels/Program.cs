// Rates of normals, FFTs, steps and lag correlation, beside peers:
//   Leith.Benchmarks.Kernels [--threads N] [--rounds N] [--peer "COMMAND ARGUMENTS"]...
// A peer is any program that prints its own figures; it runs once a round, in turn with ours, and its lines are passed on.
using System.Diagnostics;
using System.Numerics;
using Leith.Core;

string? Option(string name) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : null;
int threads = int.Parse(Option("--threads") ?? Environment.ProcessorCount.ToString()), rounds = int.Parse(Option("--rounds") ?? "3");
string[] peers = [.. args.Select((word, i) => word == "--peer" ? args[i + 1] : "").Where(command => command != "")];

(string Name, string Unit, Func<double> Measure)[] ours =
[
    ("normals, double, one thread", "ns each", () => Rates.Normals(single: false)),
    ("normals, float, one thread", "ns each", () => Rates.Normals(single: true)),
    ("FFT pair 32 × 32, one thread", "µs a member", () => Rates.FftPair(32)),
    ("FFT pair 64 × 64, one thread", "µs a member", () => Rates.FftPair(64)),
    ($"exponential step 32 × 32, {threads} threads", "ns a site and member", () => Rates.Steps(threads)),
    ($"step and correlation of 32 × 32 fields, 100 lags, {threads} threads", "s for 20,000 fields", () => Rates.Correlation(threads)),
];

var found = ours.ToDictionary(o => o.Name, _ => new List<double>());
for (int round = 0; round <= rounds; round++)
{
    foreach (var (name, _, measure) in ours)
    {
        double value = measure();
        if (round > 0) found[name].Add(value); // the first round lets the compiler finish
    }
    if (round > 0)
        foreach (string command in peers) Rates.Peer(command);
}
foreach (var (name, unit, _) in ours)
{
    var sorted = found[name].Order().ToArray();
    Console.WriteLine($"{name}: median {sorted[sorted.Length / 2]:g4} {unit} ({sorted[0]:g4} to {sorted[^1]:g4})");
}

static unsafe class Rates
{
    static double Seconds(Action act)
    {
        var clock = Stopwatch.StartNew();
        act();
        return clock.Elapsed.TotalSeconds;
    }

    public static double Normals(bool single)
    {
        const int rows = 1024, steps = 2000;
        using var to = new LaneArray(rows);
        using var wide = new LaneArray(rows); // 16 floats a row take the room of 8 doubles
        double time = Seconds(() =>
        {
            for (int step = 0; step < steps; step++)
                if (single) NormalStream.Fill((float*)wide.Pointer, rows, 1, 0, step, 0);
                else NormalStream.Fill(to.Pointer, rows, 1, 0, step, 0);
        });
        return time * 1e9 / ((single ? 16.0 : 8.0) * rows * steps);
    }

    public static double FftPair(int n)
    {
        var grid = new Grid([n, n], [1, 1]);
        using var fft = new LaneFft(grid);
        using var tile = new Tile(grid.Sites);
        int repeats = 2_000_000 / grid.Sites;
        double time = Seconds(() =>
        {
            for (int i = 0; i < repeats; i++)
            {
                fft.Forward(tile.A.Pointer, tile.B.Pointer);
                fft.Inverse(tile.A.Pointer, tile.B.Pointer);
            }
        });
        return time * 1e6 / repeats / Tile.Members;
    }

    // The Ornstein–Uhlenbeck SPDE of the founding paper.
    static Simulation Paper()
    {
        var grid = new Grid([32, 32], [2 * Math.PI, 2 * Math.PI]);
        var waves = grid.Wavevectors();
        double[] squared = [.. waves.Select(k => k.Sum(x => x * x))];
        Complex[] linear = [.. squared.Select((k2, mode) => new Complex(-4e-2 / (1 + k2) - 2.5e-4 * k2, grid.IsNyquist(mode, 0) ? 0 : -2e-2 * waves[mode][0]))];
        Complex[] noise = [.. squared.Select(k2 => new Complex(32 * Math.Sqrt(4e-3 / (1 + k2)), 0))];
        return new Simulation(new Model { Grid = grid, Rows = grid.Sites, LinearSymbol = linear, NoiseSymbol = noise }, Scheme.Exponential, 2, 1);
    }

    public static double Steps(int threads)
    {
        var plan = new SamplingPlan(64, 0, 4000, 4000);
        double time = Seconds(() => Paper().Run(plan with { SpinUp = 4000 }, _ => new Fork([]), threads, null, CancellationToken.None));
        return time * 1e9 / (2000.0 * 64 * 1024);
    }

    public static double Correlation(int threads)
    {
        var plan = new SamplingPlan(32, 0, 1250, 2);
        var simulation = Paper();
        var correlator = new SpectralCorrelator(simulation.Model.Grid!, 100, [null], [null], plan.Samples);
        double time = Seconds(() => simulation.Run(plan, correlator.Open, threads, null, CancellationToken.None));
        correlator.Complete();
        return time;
    }

    public static void Peer(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException(command);
        foreach (string line in process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)) Console.WriteLine($"peer: {line}");
        process.WaitForExit();
    }
}
