// Rates of the layers on one core and of whole training steps, beside a peer:
//   Leith.Benchmarks.Training [--layers] [--threads N] [--rounds N] [--peer SCRIPT [--python PYTHON]] [--torch [DEVICE]]
// The peer is a Python script that takes the number of threads and prints "… R training steps/s …". Ours and the peer's runs alternate; medians are compared.
using Leith.Benchmarks.Training;

string? Option(string name) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : null;
int threads = int.Parse(Option("--threads") ?? Environment.ProcessorCount.ToString()), rounds = int.Parse(Option("--rounds") ?? "3");
string? peer = Option("--peer");
string python = Option("--python") ?? "python3";

if (args.Contains("--layers"))
{
    LayerRates.Print(16);
    LayerRates.Print(32);
}

TrainingRate.Ours(threads, modulated: false, steps: 5); // lets the compiler finish
if (args.Contains("--torch"))
{
    string device = Option("--torch") is { } name && Leith.Torch.TorchLibrary.IsDevice(name) ? name : "cpu";
    for (int round = 0; round < rounds; round++)
        foreach (bool modulate in (bool[])[false, true])
        {
            var (lanes, processor) = TrainingRate.Ours(threads, modulate, steps: 60);
            var (torch, torchProcessor) = TorchRate.Residual(threads, modulate, steps: 30, device);
            Console.WriteLine($"16 channels{(modulate ? ", modulated" : "")}: lanes {TrainingRate.Describe(lanes)} (by processor time {processor:F1}); libtorch on {device} {TrainingRate.Describe(torch)} ({torchProcessor:F1}); ratio {lanes / torch:F2} ({processor / torchProcessor:F2})");
        }
    var (rate, byProcessor, weights) = TorchRate.Published(threads, steps: device == "cpu" ? 12 : 200, device);
    Console.WriteLine($"published, {weights} weights, batch 128, on {device}, {threads} threads: {rate:F3} steps/s (by processor time {byProcessor:F3})");
    return;
}

List<double> ours = [], modulated = [], theirs = [];
for (int round = 0; round < rounds; round++)
{
    var (plain, plainProcessor) = TrainingRate.Ours(threads, modulated: false, steps: 60);
    var (full, fullProcessor) = TrainingRate.Ours(threads, modulated: true, steps: 60);
    ours.Add(plain);
    modulated.Add(full);
    if (peer is not null) theirs.Add(TrainingRate.Peer(python, peer, threads));
    Console.WriteLine($"round {round + 1}: plain {TrainingRate.Describe(plain)}; modulated {TrainingRate.Describe(full)}"
        + $"; by processor time {plainProcessor:F1} and {fullProcessor:F1} steps/s"
        + (peer is null ? "" : $"; peer {TrainingRate.Describe(theirs[^1])}; ratio {ours[^1] / theirs[^1]:F2}"));
}
double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
Console.WriteLine($"median, {threads} threads: plain {TrainingRate.Describe(Median(ours))}; modulated {TrainingRate.Describe(Median(modulated))}");
if (peer is not null) Console.WriteLine($"peer {TrainingRate.Describe(Median(theirs))}; ratio {Median(ours) / Median(theirs):F2}");
