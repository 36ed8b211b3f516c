using System.Globalization;

namespace Leith.Core;

/// <summary>A <see cref="LearnedScore"/> as a safetensors file.</summary>
internal static class LearnedScoreFile
{
    private const string Format = "leith learned score 2";

    // step, steps, training loss, validation loss (NaN where there is none), steps per second, best validation loss, restarts
    private const int HistoryColumns = 7;

    public static void Save(LearnedScore score, string path)
    {
        var (gaussian, net) = (score.Gaussian, score.Net);
        var file = new Safetensors();
        file.Texts["format"] = Format;
        file.Texts["channels"] = net.Channels.ToString(CultureInfo.InvariantCulture);
        file.Texts["layers"] = net.Layers.ToString(CultureInfo.InvariantCulture);
        file.Texts["modulated"] = net.Modulated ? "yes" : "no";
        file.Texts["interrupted"] = score.Interrupted ? "yes" : "no";
        file.Texts["base"] = score.Base.ToString();
        file.Texts["symmetries"] = score.Symmetries.ToString();
        file.Singles["weights"] = score.Parameters;
        file.Doubles["mean"] = gaussian.Mean;
        file.Doubles["scale"] = gaussian.Scale;
        file.Doubles["eigenvalues"] = gaussian.Eigenvalues;
        file.Doubles["eigenvectors"] = gaussian.Eigenvectors;
        file.Doubles["levels"] = [score.Levels.Smallest, score.Levels.Largest, score.Levels.Knee, score.Levels.Implicit, score.Levels.Coloured ? 1 : 0];
        file.Doubles["history"] = Table(score.History);
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
        if (!Enum.TryParse(file.Texts.GetValueOrDefault("base"), out ScoreBase kind) || !Enum.IsDefined(kind)) throw Safetensors.Foreign(path, "its entry 'base' is not known");
        if (levels.Length != 5) throw Safetensors.Foreign(path, "its noise levels are not a row of numbers");
        var noise = new NoiseLevels(levels[0], levels[1], levels[2], levels[3], levels[4] > 0, kind);
        var (inputs, outputs) = Frame.Shape(gaussian, noise);
        int taps = grid is null ? 1 : grid.Points.Count(n => n > 1) switch { 0 => 1, 1 => 3, 2 => 9, _ => 27 };
        var net = new ResidualNet(taps, inputs, Count("channels"), outputs, Count("layers"), file.Texts.GetValueOrDefault("modulated") == "yes");
        var weights = file.Singles.GetValueOrDefault("weights") ?? [];
        bool fits = weights.Length == net.Parameters && gaussian.Scale.Length == components && gaussian.Mean.Length == components
            && gaussian.Eigenvalues.Length == (grid?.Sites ?? components) && gaussian.Eigenvectors.Length == (grid is null ? components * components : 0);
        if (!fits) throw Safetensors.Foreign(path, "its arrays do not fit together");
        return new(gaussian, noise, net, weights)
        {
            Interrupted = file.Texts.GetValueOrDefault("interrupted") == "yes",
            History = History(path, file.Doubles.GetValueOrDefault("history") ?? []),
            Symmetries = Symmetries.Parse(file.Texts.GetValueOrDefault("symmetries") ?? "+0"),
        };
    }

    /// <summary>Reports as rows of numbers.</summary>
    public static double[] Table(IEnumerable<TrainingProgress> history) =>
        [.. history.SelectMany(p => new[] { p.Step, p.Steps, p.TrainingLoss, p.ValidationLoss ?? double.NaN, p.StepsPerSecond, p.Best ?? double.NaN, p.Restarts })];

    /// <summary>The inverse of <see cref="Table"/>.</summary>
    public static List<TrainingProgress> History(string path, double[] table)
    {
        static double? Known(double value) => double.IsNaN(value) ? null : value;
        if (table.Length % HistoryColumns != 0) throw Safetensors.Foreign(path, "its training history is not a table");
        return [.. table.Chunk(HistoryColumns).Select(row => new TrainingProgress((int)row[0], (int)row[1], row[2], Known(row[3]), row[4]) { Best = Known(row[5]), Restarts = (int)row[6] })];
    }
}
