using System.Globalization;

namespace Leith.Core;

/// <summary>A <see cref="LearnedScore"/> as a safetensors file.</summary>
internal static class LearnedScoreFile
{
    private const string Format = "leith learned score 1";

    // step, steps, training loss, validation loss (NaN where there is none), steps per second
    private const int HistoryColumns = 5;

    public static void Save(LearnedScore score, string path)
    {
        var (gaussian, net) = (score.Gaussian, score.Net);
        var file = new Safetensors();
        file.Texts["format"] = Format;
        file.Texts["channels"] = net.Channels.ToString(CultureInfo.InvariantCulture);
        file.Texts["layers"] = net.Layers.ToString(CultureInfo.InvariantCulture);
        file.Texts["modulated"] = net.Modulated ? "yes" : "no";
        file.Texts["interrupted"] = score.Interrupted ? "yes" : "no";
        file.Singles["weights"] = score.Parameters;
        file.Doubles["mean"] = gaussian.Mean;
        file.Doubles["scale"] = gaussian.Scale;
        file.Doubles["eigenvalues"] = gaussian.Eigenvalues;
        file.Doubles["eigenvectors"] = gaussian.Eigenvectors;
        file.Doubles["levels"] = [score.Levels.Smallest, score.Levels.Largest, score.Levels.Knee];
        file.Doubles["history"] = [.. score.History.SelectMany(p => new[] { p.Step, p.Steps, p.TrainingLoss, p.ValidationLoss ?? double.NaN, p.StepsPerSecond })];
        file.Doubles["points"] = [.. (gaussian.Grid?.Points ?? []).Select(n => (double)n)];
        file.Doubles["lengths"] = [.. gaussian.Grid?.Lengths ?? []];
        file.Write(path);
    }

    public static LearnedScore Load(string path)
    {
        var file = Safetensors.Read(path);
        if (file.Texts.GetValueOrDefault("format") != Format) throw Safetensors.Foreign(path, "it does not hold a learned score");
        double[] Take(string name) => file.Doubles.TryGetValue(name, out var values) ? values : throw Safetensors.Foreign(path, $"its array '{name}' is missing");
        int Count(string name) => int.TryParse(file.Texts.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is > 0 and <= 4096
            ? value : throw Safetensors.Foreign(path, $"its entry '{name}' is not a sensible number");
        double[] points = Take("points"), lengths = Take("lengths"), levels = Take("levels");
        var grid = points.Length > 0 ? new Grid([.. points.Select(n => (int)n)], lengths) : null;
        var gaussian = new GaussianBase(grid, Take("mean"), Take("scale"), Take("eigenvalues"), Take("eigenvectors"));
        int components = gaussian.Components;
        int taps = grid is null ? 1 : grid.Points.Count(n => n > 1) switch { 0 => 1, 1 => 3, 2 => 9, _ => 27 };
        var net = new ResidualNet(taps, components, Count("channels"), components, Count("layers"), file.Texts.GetValueOrDefault("modulated") == "yes");
        var weights = file.Singles.GetValueOrDefault("weights") ?? [];
        bool fits = weights.Length == net.Parameters && levels.Length == 3 && gaussian.Scale.Length == components && gaussian.Mean.Length == components
            && gaussian.Eigenvalues.Length == (grid?.Sites ?? components) && gaussian.Eigenvectors.Length == (grid is null ? components * components : 0);
        if (!fits) throw Safetensors.Foreign(path, "its arrays do not fit together");
        // Files of an older build have no history.
        double[] history = file.Doubles.GetValueOrDefault("history") ?? [];
        if (history.Length % HistoryColumns != 0) throw Safetensors.Foreign(path, "its training history is not a table");
        return new(gaussian, new(levels[0], levels[1], levels[2]), net, weights)
        {
            Interrupted = file.Texts.GetValueOrDefault("interrupted") == "yes",
            History = [.. history.Chunk(HistoryColumns).Select(row => new TrainingProgress((int)row[0], (int)row[1], row[2], double.IsNaN(row[3]) ? null : row[3], row[4]))],
        };
    }
}
