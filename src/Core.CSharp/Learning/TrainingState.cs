using System.Globalization;

namespace Leith.Core;

/// <summary>
/// Everything that the next step of a training depends on: weights, their average, Adam's moments, the best average so far and what was reported. Noise and
/// batches are functions of the seed and the step, so a training that goes on from here ends with the same weights, bit for bit. Kept as a safetensors file.
/// </summary>
internal sealed record TrainingState(
    int Step, double Slowing, int Restarts, double Smooth, double Best, int Worse, float[] Weights, float[] Average, float[] First, float[] Second, float[] BestWeights,
    IReadOnlyList<TrainingProgress> History)
{
    private const string Format = "leith training 1";

    /// <summary>Writes the file, whole or not at all. <paramref name="key"/> says which training it belongs to.</summary>
    public void Save(string path, string key)
    {
        var file = new Safetensors();
        file.Texts["format"] = Format;
        file.Texts["training"] = key;
        (file.Singles["weights"], file.Singles["average"], file.Singles["best"]) = (Weights, Average, BestWeights);
        (file.Singles["first"], file.Singles["second"]) = (First, Second);
        file.Doubles["state"] = [Step, Slowing, Restarts, Smooth, Best, Worse];
        file.Doubles["history"] = LearnedScoreFile.Table(History);
        file.Write(path);
    }

    /// <summary>The state in a file; null where there is none, or one of another training or not whole: then training begins anew.</summary>
    public static TrainingState? TryLoad(string path, string key, int parameters)
    {
        if (!File.Exists(path)) return null;
        try
        {
            var file = Safetensors.Read(path);
            if (file.Texts.GetValueOrDefault("format") != Format || file.Texts.GetValueOrDefault("training") != key) return null;
            float[] Take(string name) => file.Singles.GetValueOrDefault(name) is { } values && values.Length == parameters ? values : throw Safetensors.Foreign(path, $"its array '{name}' is missing");
            double[] s = file.Doubles["state"];
            return new((int)s[0], s[1], (int)s[2], s[3], s[4], (int)s[5], Take("weights"), Take("average"), Take("first"), Take("second"), Take("best"),
                LearnedScoreFile.History(path, file.Doubles["history"]));
        }
        catch (Exception e) when (e is LeithException or KeyNotFoundException or IndexOutOfRangeException) { return null; }
    }

    /// <summary>What tells one training from another: options that change the result, and the samples.</summary>
    public static string Key(TrainingData data, NoiseLevels levels, TrainingOptions options)
    {
        var plain = options with { Threads = 0, Checkpoint = null, CheckpointSeconds = 0, CheckpointSteps = null };
        return string.Create(CultureInfo.InvariantCulture, $"{plain} {levels} {data.Checksum()}");
    }
}
