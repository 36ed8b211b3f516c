using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Leith.Benchmarks.Kernels;

/// <summary>A program that prints figures of its own; patterns with one group take those out that stand against a measurement of ours, in its unit.</summary>
internal sealed class Peer(string command)
{
    private readonly Dictionary<string, (Regex Pattern, List<double> Found)> figures = [];

    /// <summary>Peers in the order of the command line: --peer "COMMAND", each with the --match KEY=PATTERN that follow it.</summary>
    public static List<Peer> Parse(string[] args, IEnumerable<string> keys)
    {
        List<Peer> peers = [];
        for (int i = 0; i + 1 < args.Length; i++)
        {
            if (args[i] == "--peer") peers.Add(new Peer(args[i + 1]));
            if (args[i] != "--match") continue;
            string[] parts = args[i + 1].Split('=', 2);
            if (peers.Count == 0 || parts.Length < 2 || !keys.Contains(parts[0]))
                throw new ArgumentException($"--match \"{args[i + 1]}\": expected KEY=PATTERN after a --peer, KEY one of {string.Join(", ", keys)}");
            peers[^1].figures[parts[0]] = (new Regex(parts[1]), []);
        }
        return peers;
    }

    /// <summary>Runs it once; without patterns its lines are passed on.</summary>
    public void Run()
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException(command);
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        foreach (var (key, (pattern, found)) in figures)
        {
            var match = pattern.Match(text);
            if (!match.Success) throw new InvalidOperationException($"{command}: nothing matches {pattern} ({key}) in\n{text}");
            found.Add(double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        }
        if (figures.Count == 0)
            foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Console.WriteLine($"peer: {line}");
    }

    /// <summary>"; peer 0.42, ratio 1.2 (1.1 to 1.3), of the best rounds 1.1": medians of both and of the ratios of the rounds; empty where the peer has no such figure.</summary>
    public string Against(Measurement ours)
    {
        if (!figures.TryGetValue(ours.Key, out var figure)) return "";
        double[] ratios = [.. ours.Found.Zip(figure.Found, (our, their) => our / their)];
        return $"; peer {Measurement.Median(figure.Found):g4}, ratio {Measurement.Median(ratios):f2} ({ratios.Min():f2} to {ratios.Max():f2})"
            + $", of the best rounds {ours.Found.Min() / figure.Found.Min():f2}";
    }
}
