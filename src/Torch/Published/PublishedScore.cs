using System.Globalization;
using Leith.Core;

namespace Leith.Torch;

/// <summary>
/// The score of the founding paper's network, ŝ(u) = U(v, 0)/(σ_min unit) with v = (u − ⟨u⟩)/unit, of the density smoothed by noise of level σ_min = 0.01 unit.
/// Made by <see cref="PublishedTraining"/> or read from a file. Its maps need libtorch.
/// </summary>
public sealed class PublishedScore
{
    private const string Format = "leith published score 1";
    private const int HistoryColumns = 5;

    /// <summary>σ_min in the units that the network sees.</summary>
    internal const double ScaledSigma = 0.01;

    internal PublishedScore(GaussianBase gaussian, double unit, double sigmaMax, int channels, int blocks, string device, IReadOnlyDictionary<string, (long[] Shape, float[] Values)> weights) =>
        (Gaussian, Unit, ScaledSigmaMax, Channels, Blocks, Device, Weights) = (gaussian, unit, sigmaMax, channels, blocks, device, weights);

    /// <summary>The noise level σ the score belongs to: standard deviation of the added white noise, in the unit of the field.</summary>
    public double Sigma => ScaledSigma * Unit;

    /// <summary>The largest noise level of the training, in the unit of the field.</summary>
    public double SigmaMax => ScaledSigmaMax * Unit;

    /// <summary>Reports of the training, one for every validation.</summary>
    public IReadOnlyList<TrainingProgress> History { get; internal init; } = [];

    /// <summary>Whether training was ended before its last step.</summary>
    public bool Interrupted { get; internal init; }

    /// <summary>The torus of the field.</summary>
    public Grid Grid => Gaussian.Grid!;

    /// <summary>Number of weights.</summary>
    public long Parameters => Weights.Values.Sum(weight => (long)weight.Values.Length);

    internal GaussianBase Gaussian { get; }
    internal double Unit { get; }
    internal double ScaledSigmaMax { get; }
    internal int Channels { get; }
    internal int Blocks { get; }
    internal string Device { get; }
    internal IReadOnlyDictionary<string, (long[] Shape, float[] Values)> Weights { get; }

    /// <summary>ŝ, the derivative of ln ρ_σ by the value at each site, as a spectrum (see <see cref="Tile"/>). An instance serves one thread.</summary>
    /// <param name="sigma">A noise level between <see cref="Sigma"/> and <see cref="SigmaMax"/>; null: <see cref="Sigma"/>.</param>
    /// <exception cref="LeithException">A noise level outside the trained ones; no libtorch.</exception>
    public ITileMap CreateScore(double? sigma = null) => Create(sigma, whole: true);

    /// <summary>ŝ + (C + σ²)⁻¹(u − ⟨u⟩): what it adds to the score of the Gaussian; otherwise as <see cref="CreateScore"/>.</summary>
    public ITileMap CreateRemainder(double? sigma = null) => Create(sigma, whole: false);

    /// <summary>Writes the score to a safetensors file, weights by name and with their shapes; an existing file is replaced at once or not at all.</summary>
    /// <exception cref="LeithException">The folder is missing or not writable.</exception>
    public void Save(string path)
    {
        var file = new Safetensors();
        file.Texts["format"] = Format;
        file.Texts["channels"] = Channels.ToString(CultureInfo.InvariantCulture);
        file.Texts["blocks"] = Blocks.ToString(CultureInfo.InvariantCulture);
        file.Texts["device"] = Device;
        file.Texts["interrupted"] = Interrupted ? "yes" : "no";
        foreach (var (name, (shape, values)) in Weights) (file.Singles[name], file.Shapes[name]) = (values, shape);
        file.Doubles["mean"] = Gaussian.Mean;
        file.Doubles["scale"] = Gaussian.Scale;
        file.Doubles["eigenvalues"] = Gaussian.Eigenvalues;
        file.Doubles["units"] = [Unit, ScaledSigmaMax];
        file.Doubles["points"] = [.. Grid.Points.Select(n => (double)n)];
        file.Doubles["lengths"] = [.. Grid.Lengths];
        file.Doubles["history"] = [.. History.SelectMany(p => new[] { p.Step, p.Steps, p.TrainingLoss, p.ValidationLoss ?? double.NaN, p.StepsPerSecond })];
        file.Write(path);
    }

    /// <summary>Reads a score that was saved; libtorch is needed only when it is evaluated.</summary>
    /// <exception cref="LeithException">No such file; a file that is cut short, foreign or damaged.</exception>
    public static PublishedScore Load(string path)
    {
        var file = Safetensors.Read(path);
        if (file.Texts.GetValueOrDefault("format") != Format) throw Safetensors.Foreign(path, "it does not hold a score of the published network");
        double[] Take(string name, int? length = null) => file.Doubles.TryGetValue(name, out var values) && (length is null || values.Length == length)
            ? values : throw Safetensors.Foreign(path, $"its array '{name}' is missing or of another length");
        int Count(string name) => int.TryParse(file.Texts.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is >= 0 and <= 4096
            ? value : throw Safetensors.Foreign(path, $"its entry '{name}' is not a sensible number");
        var grid = new Grid([.. Take("points", 2).Select(n => (int)n)], Take("lengths", 2));
        double[] units = Take("units", 2), history = Take("history");
        if (history.Length % HistoryColumns != 0) throw Safetensors.Foreign(path, "its training history is not a table");
        var weights = file.Singles.ToDictionary(pair => pair.Key, pair => (file.Shapes[pair.Key], pair.Value));
        if (weights.Values.Any(weight => weight.Item1.Aggregate(1L, (a, b) => a * b) != weight.Value.Length)) throw Safetensors.Foreign(path, "its arrays do not have their shapes");
        var gaussian = new GaussianBase(grid, Take("mean", 1), Take("scale", 1), Take("eigenvalues", grid.Sites), []);
        return new(gaussian, units[0], units[1], Count("channels"), Count("blocks"), file.Texts.GetValueOrDefault("device") ?? "cpu", weights)
        {
            Interrupted = file.Texts.GetValueOrDefault("interrupted") == "yes",
            History = [.. history.Chunk(HistoryColumns).Select(row => new TrainingProgress((int)row[0], (int)row[1], row[2], double.IsNaN(row[3]) ? null : row[3], row[4]))],
        };
    }

    /// <summary>The network with these weights.</summary>
    internal UNet Network()
    {
        TorchLibrary.RequireDevice(Device);
        var net = new UNet(Channels, Blocks, Device);
        using var scope = torch.NewDisposeScope();
        var names = net.named_parameters().ToArray();
        if (names.Length != Weights.Count) throw new LeithException($"published: expected a file with {names.Length} arrays of weights, got {Weights.Count}; train again.");
        foreach (var (name, tensor) in names)
        {
            if (!Weights.TryGetValue(name, out var weight) || !tensor.shape.SequenceEqual(weight.Shape))
                throw new LeithException($"published: expected weights '{name}' of shape {string.Join(" × ", tensor.shape)}, which the file does not have; train again.");
            tensor.copy_(torch.tensor(weight.Values, weight.Shape));
        }
        return net;
    }

    private PublishedMap Create(double? sigma, bool whole)
    {
        if (sigma is { } given && Math.Abs(given / Sigma - 1) > 1e-9 && !(given > Sigma && given <= SigmaMax * (1 + 1e-9)))
            throw new LeithException($"published score: expected a noise level between {Sigma:G4} and {SigmaMax:G4}, the trained ones, got {sigma}.");
        return new(this, sigma ?? Sigma, whole);
    }
}
