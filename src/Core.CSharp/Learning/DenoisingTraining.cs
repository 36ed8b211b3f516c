namespace Leith.Core;

/// <summary>
/// Denoising score matching (Vincent 2011): y = u + σ z with standard normal z; the minimiser of ⟨|ẑ(y, σ) − z|²⟩ is E[z | y] = −σ s_σ(y), s_σ the score of the
/// density smoothed by noise of level σ. ẑ = ẑ₀ + c_out(σ) net(c_in(σ) y, ln σ) with ẑ₀ = σ (C + σ²)⁻¹ (y − ⟨u⟩), exact for a Gaussian, and a network that
/// starts at zero; the weights with the best validation loss are kept, those of the start included: on validation data the score is never worse than the Gaussian's.
/// </summary>
/// <remarks>
/// The data are brought to mean 0 and variance 1 (scalar unknowns: component by component, so that σ counts in each component's own standard deviation); the
/// score is given back in the user's units. A batch has Batch fields, or 16 · Batch points of scalar unknowns. The bias of s_σ against the score is O(σ²).
/// The result is a function of the samples and options alone, bit for bit on one kind of machine, for any number of threads.
/// </remarks>
public static class DenoisingTraining
{
    /// <summary>Trains the score of a homogeneous field on a torus.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="fields">Samples in real space, [sample][site].</param>
    /// <param name="mean">The mean ⟨u⟩, the same at every site.</param>
    /// <param name="power">⟨|û_k|²⟩ of the field without its mean, unnormalised transform of one real field, one entry a mode.</param>
    /// <param name="options">How to train.</param>
    /// <param name="progress">Told about ten times a second and at every validation.</param>
    /// <param name="cancellation">Ends training early; what is there is returned, marked as interrupted.</param>
    /// <param name="given">A score that the network stands on in place of the Gaussian's, of spectra (see <see cref="Tile"/>); each call makes an instance for one thread.</param>
    /// <exception cref="LeithException">Sizes that do not match, NaN or infinity in a sample (which), a constant field, options out of range, a loss that diverges.</exception>
    public static LearnedScore TrainField(
        Grid grid, float[][] fields, double mean, double[] power, TrainingOptions options,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default, Func<ITileMap>? given = null)
    {
        if (given is not null) options = options with { Base = ScoreBase.Given };
        else if (options.Base == ScoreBase.Given) throw new LeithException("training: expected a score that the network stands on, got none; give one, or choose another Base.");
        Check(options);
        options.Symmetries.Check(grid.Dimensions);
        var gaussian = GaussianBase.OfField(grid, options.Symmetries.IsOdd ? 0 : mean, Symmetric(grid, power, options.Symmetries));
        return Train(TrainingData.OfFields(gaussian, fields, options), options, given, progress, cancellation);
    }

    /// <summary>Trains the score of scalar unknowns.</summary>
    /// <param name="samples">Samples, [sample][component].</param>
    /// <param name="mean">⟨u⟩, one entry a component.</param>
    /// <param name="covariance">The covariance of the components.</param>
    /// <param name="options">How to train.</param>
    /// <param name="progress">Told about ten times a second and at every validation.</param>
    /// <param name="cancellation">Ends training early; what is there is returned, marked as interrupted.</param>
    /// <exception cref="LeithException">Sizes that do not match, NaN or infinity in a sample (which), a constant component (which), options out of range, a loss that diverges.</exception>
    public static LearnedScore TrainVector(
        double[][] samples, double[] mean, double[,] covariance, TrainingOptions options,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        Check(options);
        options.Symmetries.Check(0);
        var gaussian = GaussianBase.OfVector(options.Symmetries.IsOdd ? new double[mean.Length] : mean, covariance);
        return Train(TrainingData.OfVectors(gaussian, samples, options), options, null, progress, cancellation);
    }

    private static LearnedScore Train(TrainingData data, TrainingOptions options, Func<ITileMap>? given, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        var levels = NoiseLevels.Choose(options, data.Gaussian.SigmaUnit, data.Gaussian.Eigenvalues, data.Gaussian.Grid is not null);
        using var trainer = new Trainer(data, levels, options, given);
        trainer.Run(progress, cancellation);
        if (!trainer.Interrupted) trainer.Forget();
        return new(data.Gaussian, levels, trainer.Net, trainer.Best) { History = trainer.History, Interrupted = trainer.Interrupted, Symmetries = options.Symmetries, Given = given };
    }

    /// <summary>Powers averaged over the images of every mode.</summary>
    private static double[] Symmetric(Grid grid, double[] power, Symmetries symmetries)
    {
        if (symmetries.Count == 1 || power.Length != grid.Sites) return power;
        var from = Enumerable.Range(0, symmetries.Count).Select(i => symmetries.Image(i, grid).From).ToArray();
        return [.. power.Select((_, mode) => from.Average(image => power[image[mode]]))];
    }

    private static void Check(TrainingOptions options)
    {
        void Require(bool good, string name, object? got, string expected)
        {
            if (!good) throw new LeithException($"training: expected {name} {expected}, got {got}.");
        }
        Require(options.Channels > 0 && options.Channels % 8 == 0, "Channels", options.Channels, "to be a positive multiple of 8");
        Require(options.Layers >= 1, "Layers", options.Layers, "≥ 1");
        Require(options.Steps >= 0, "Steps", options.Steps, "≥ 0");
        Require(options.Batch > 0 && options.Batch % FloatLanes.Lanes == 0, "Batch", options.Batch, "to be a positive multiple of 16");
        Require(options.LearningRate > 0 && double.IsFinite(options.LearningRate), "LearningRate", options.LearningRate, "> 0");
        Require(options.GradientLimit > 0, "GradientLimit", options.GradientLimit, "> 0");
        Require(options.WarmUp is null or >= 0, "WarmUp", options.WarmUp, "≥ 0");
        Require(options.Ema is >= 0 and < 1, "Ema", options.Ema, "in [0, 1)");
        Require(options.Threads >= 0, "Threads", options.Threads, "≥ 0");
        Require(options.ValidationFraction is >= 0 and < 1, "ValidationFraction", options.ValidationFraction, "in [0, 1)");
        Require(options.Validations >= 1, "Validations", options.Validations, "≥ 1");
        Require(options.Implicit is >= 0 and <= 1, "Implicit", options.Implicit, "in [0, 1]");
        Require(options.CheckpointSeconds > 0, "CheckpointSeconds", options.CheckpointSeconds, "> 0");
        Require(options.CheckpointSteps is null or >= 1, "CheckpointSteps", options.CheckpointSteps, "≥ 1");
        Require(options.Patience is null or >= 1, "Patience", options.Patience, "≥ 1");
    }
}
