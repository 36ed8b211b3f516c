using System.Numerics;
using Leith.Core;

namespace Leith.Torch;

/// <summary>
/// Score training as published (arXiv:2402.01029): variance exploding noise σ(t) = σ_min (σ_max/σ_min)^t with t uniform on [0, 1], score U(v, t)/σ(t), loss
/// ⟨|U(v + σ z, t) + z|²⟩, Adam with a constant rate on a gradient of bounded norm, the score from a moving average of the weights at σ_min.
/// </summary>
/// <remarks>
/// The field is brought to mean 0 and to units in which σ_min = 0.01; σ_max is 1.2 times the largest distance of two fields in those units (of <see cref="Compared"/>
/// fields). The same seed, number of threads and libtorch give the same weights, unless seconds end the training.
/// </remarks>
public static class PublishedTraining
{
    /// <summary>Fields among which the largest distance is sought.</summary>
    public const int Compared = 2048;

    /// <summary>Trains.</summary>
    /// <param name="grid">The torus, of two axes with multiples of 8 points.</param>
    /// <param name="fields">Samples in real space, [sample][site].</param>
    /// <param name="mean">The mean ⟨u⟩, the same at every site.</param>
    /// <param name="power">⟨|û_k|²⟩ of the field without its mean, unnormalised transform of one real field, one entry a mode.</param>
    /// <param name="options">How to train.</param>
    /// <param name="progress">Told about ten times a second and at every validation.</param>
    /// <param name="cancellation">Ends training early; what is there is returned, marked as interrupted.</param>
    /// <exception cref="LeithException">No libtorch, no such device, another grid, sizes that do not match, NaN or infinity in a sample (which), options out of range, a loss that diverges.</exception>
    public static PublishedScore Train(
        Grid grid, float[][] fields, double mean, double[] power, PublishedOptions options,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Check(grid);
        TorchLibrary.RequireDevice(options.Device);
        var gaussian = GaussianBase.OfField(grid, mean, power);
        CheckFields(fields, grid.Sites);
        double unit = options.SigmaMin * gaussian.Scale[0] / PublishedScore.ScaledSigma;
        float[][] scaled = [.. fields.Select(field => field.Select(u => (float)((u - mean) / unit)).ToArray())];
        double sigmaMax = Math.Max(1.2 * LargestDistance(scaled), 2 * PublishedScore.ScaledSigma);
        try
        {
            using var trainer = new PublishedTrainer(grid, scaled, sigmaMax, options);
            trainer.Run(progress, cancellation);
            return new(gaussian, unit, sigmaMax, options.Channels, options.Blocks, options.Device, trainer.Averaged())
            {
                History = trainer.History,
                Interrupted = trainer.Interrupted,
            };
        }
        catch (TorchException e)
        {
            throw new LeithException($"training as published: expected libtorch to go on, but it says: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>σ(t) in scaled units.</summary>
    internal static double SigmaAt(double t, double largest) => PublishedScore.ScaledSigma * Math.Pow(largest / PublishedScore.ScaledSigma, t);

    /// <summary>t of σ in scaled units.</summary>
    internal static double TimeOf(double sigma, double largest) => Math.Log(sigma / PublishedScore.ScaledSigma) / Math.Log(largest / PublishedScore.ScaledSigma);

    private static double LargestDistance(float[][] fields)
    {
        int step = Math.Max(1, fields.Length / Compared), count = (fields.Length + step - 1) / step;
        var largest = new double[count];
        Parallel.For(0, count, i =>
        {
            for (int j = 0; j < i; j++)
                largest[i] = Math.Max(largest[i], Square(fields[i * step], fields[j * step]));
        });
        return Math.Sqrt(largest.Max());
    }

    private static double Square(float[] a, float[] b)
    {
        Vector<float> sum = default;
        int i = 0;
        for (; i + Vector<float>.Count <= a.Length; i += Vector<float>.Count)
        {
            var d = new Vector<float>(a, i) - new Vector<float>(b, i);
            sum += d * d;
        }
        double square = Vector.Sum(sum);
        for (; i < a.Length; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
        return square;
    }

    private static void CheckFields(float[][] fields, int sites)
    {
        if (fields.Length < 2) throw new LeithException($"training as published: expected at least two fields, got {fields.Length}.");
        for (int i = 0; i < fields.Length; i++)
        {
            if (fields[i].Length != sites) throw new LeithException($"training as published: expected {sites} sites in every sample, got {fields[i].Length} in sample {i}.");
            int bad = Array.FindIndex(fields[i], value => !float.IsFinite(value));
            if (bad >= 0) throw new LeithException($"training as published: expected finite numbers, got {fields[i][bad]} in sample {i} at index {bad}; remove the sample.");
        }
    }
}
