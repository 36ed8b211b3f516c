namespace Leith.Core;

/// <summary>
/// The samples, brought to mean 0 and variance 1 as they are loaded onto lanes. A lane holds one field, or <see cref="PointsPerLane"/> points of scalar
/// unknowns, whose places are then the sites of a one-tap stencil. The last samples are kept for validation.
/// </summary>
internal sealed class TrainingData
{
    /// <summary>A batch of scalar unknowns has this many times the samples that one of fields has: a sample is a point, not a thousand sites.</summary>
    public const int PointsPerLane = 16;

    private readonly float[][] samples;
    private readonly (float Sign, int[] From)[] images;

    private TrainingData(GaussianBase gaussian, float[][] samples, TrainingOptions options)
    {
        (Gaussian, this.samples) = (gaussian, samples);
        Stencil = gaussian.Grid is { } grid ? Stencil.Torus(grid) : Stencil.Points(PointsPerLane);
        Validation = options.ValidationFraction > 0 ? Math.Max(1, (int)(samples.Length * options.ValidationFraction)) : 0;
        Training = samples.Length - Validation;
        images = [.. Enumerable.Range(0, options.Symmetries.Count).Select(i => options.Symmetries.Image(i, gaussian.Grid))];
        if (Training < 1)
            throw new LeithException($"training: expected samples for training beside {Validation} for validation, got {samples.Length} in all; give more samples or set ValidationFraction = 0.");
    }

    public GaussianBase Gaussian { get; }
    public Stencil Stencil { get; }

    /// <summary>Samples for training: 0 … Training − 1; those for validation follow.</summary>
    public int Training { get; }
    public int Validation { get; }

    /// <summary>Rows of a group on lanes: sites, or points times components.</summary>
    public int Rows => Stencil.Sites * Gaussian.Components;

    /// <summary>Samples that one lane holds.</summary>
    public int PerLane => Gaussian.Grid is null ? PointsPerLane : 1;

    /// <summary>Fields, [sample][site].</summary>
    public static TrainingData OfFields(GaussianBase gaussian, float[][] fields, TrainingOptions options)
    {
        Check(fields, gaussian.Grid!.Sites, "sites", float.IsFinite);
        return new(gaussian, fields, options);
    }

    /// <summary>Scalar unknowns, [sample][component].</summary>
    public static TrainingData OfVectors(GaussianBase gaussian, double[][] vectors, TrainingOptions options)
    {
        Check(vectors, gaussian.Components, "components", double.IsFinite);
        return new(gaussian, [.. vectors.Select(vector => vector.Select((u, i) => (float)((u - gaussian.Mean[i]) / gaussian.Scale[i])).ToArray())], options);
    }

    /// <summary>Symmetric images of a sample, itself included.</summary>
    public int Images => images.Length;

    /// <summary>lanes[row][lane] ← the samples of that lane, scaled, each in one of its symmetric images.</summary>
    public void Load(Func<int, (int Sample, int Image)> at, FloatLanes lanes)
    {
        var (mean, factor) = Gaussian.Grid is null ? (0f, 1f) : ((float)Gaussian.Mean[0], (float)(1 / Gaussian.Scale[0]));
        int length = Rows / PerLane;
        for (int lane = 0; lane < FloatLanes.Lanes; lane++)
            for (int place = 0; place < PerLane; place++)
            {
                var (number, image) = at(lane * PerLane + place);
                var (sign, from) = images[image];
                var sample = samples[number];
                float signed = sign * factor;
                if (from.Length == 0)
                    for (int i = 0; i < length; i++) lanes[place * length + i, lane] = (sample[i] - mean) * signed;
                else
                    for (int i = 0; i < length; i++) lanes[i, lane] = (sample[from[i]] - mean) * signed;
            }
    }

    /// <summary>A number that changes with the samples.</summary>
    public string Checksum()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var sample in samples) hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(sample.AsSpan()));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static void Check<T>(T[][] samples, int length, string what, Func<T, bool> finite)
    {
        if (samples.Length == 0) throw new LeithException("training: expected at least one sample, got none.");
        for (int i = 0; i < samples.Length; i++)
        {
            if (samples[i].Length != length)
                throw new LeithException($"training: expected {length} {what} in every sample, got {samples[i].Length} in sample {i}.");
            int bad = Array.FindIndex(samples[i], value => !finite(value));
            if (bad >= 0) throw new LeithException($"training: expected finite numbers, got {samples[i][bad]} in sample {i} at index {bad}; remove the sample.");
        }
    }
}
