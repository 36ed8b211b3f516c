// Rates of kernels, beside peers:
//   Leith.Benchmarks.Kernels [--only KEYS] [--threads N] [--rounds N] [--peer "COMMAND" [--match KEY=PATTERN]...]...
// KEYS are the beginnings of keys, with commas: --only normals,fft-32; --only growth prints how time and memory grow with members, steps and the side of the grid. Every round runs ours and then the peers, so that both see the same minutes of the machine.
// A peer is any program that prints its own figures. PATTERN, a regular expression with one group, finds the figure that stands against KEY, in the same unit;
// printed is the median over rounds of ours/peer, and the ratio of the best rounds, which other work on the machine disturbs least. Lines of a peer without --match are passed on.
using Leith.Benchmarks.Kernels;

string? Option(string name) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : null;
int threads = int.Parse(Option("--threads") ?? Environment.ProcessorCount.ToString()), rounds = int.Parse(Option("--rounds") ?? "3");
string[] only = Option("--only")?.Split(',') ?? [""];

if (only is ["growth"])
{
    Growth.Print(threads);
    return;
}
Measurement[] all = [.. NormalRates.All(threads), .. FftRates.All(threads), .. PaperRates.All(threads), .. EquationRates.All(threads)];
Measurement[] chosen = [.. all.Where(m => only.Any(word => m.Key.StartsWith(word, StringComparison.Ordinal)))];
if (chosen.Length == 0) throw new ArgumentException($"--only {Option("--only")}: expected beginnings of {string.Join(", ", all.Select(m => m.Key))}");
var peers = Peer.Parse(args, all.Select(m => m.Key));

foreach (var ours in chosen) ours.Measure(); // lets the compiler finish
for (int round = 0; round < rounds; round++)
{
    foreach (var ours in chosen) ours.Found.Add(ours.Measure());
    foreach (var peer in peers) peer.Run();
}
foreach (var ours in chosen)
    Console.WriteLine($"{ours.Key}: {ours.Name}: median {Measurement.Median(ours.Found):g4} {ours.Unit} ({ours.Found.Min():g4} to {ours.Found.Max():g4}){string.Concat(peers.Select(peer => peer.Against(ours)))}");
