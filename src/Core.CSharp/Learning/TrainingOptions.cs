namespace Leith.Core;

/// <summary>What a network stands on, and learns what it leaves.</summary>
public enum ScoreBase
{
    /// <summary>The score of the Gaussian with the covariance of the data.</summary>
    Gaussian,

    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>The Gaussian of unit variance without correlations: the preconditioning of Karras et al. (2022).</summary>
    Edm,

    /// <summary>A score that is given, such as a library's.</summary>
    Given,
}

/// <summary>How a score network is trained. Every choice that can change the result is here; time and thread count cannot.</summary>
public sealed record TrainingOptions
{
    /// <summary>Channels of the hidden layers, a multiple of 8.</summary>
    public int Channels { get; init; } = 16;

    /// <summary>Residual blocks h + W silu(modulate(h)).</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Optimiser steps.</summary>
    public int Steps { get; init; } = 3000;

    /// <summary>Samples in a batch, a multiple of 16.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Largest learning rate of Adam; it grows linearly over <see cref="WarmUp"/> steps and then falls as half a cosine to zero.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Steps over which the learning rate grows; null: a twentieth of all steps, at most 100.</summary>
    public int? WarmUp { get; init; }

    /// <summary>Largest norm of a gradient; longer ones are shortened to it.</summary>
    public double GradientLimit { get; init; } = 1;

    /// <summary>Decay of the exponential moving average of the weights, which is what the score uses; early on the average is shorter.</summary>
    public double Ema { get; init; } = 0.999;

    /// <summary>
    /// Smallest noise level, at which the score is given: in the unit of the field, or of each component's standard deviation for scalar unknowns.
    /// Null: a tenth of the square root of the smallest eigenvalue of the covariance (field) or of the correlation matrix (scalar unknowns).
    /// </summary>
    public double? SigmaMin { get; init; }

    /// <summary>Largest noise level, same unit; null: one standard deviation.</summary>
    public double? SigmaMax { get; init; }

    /// <summary>
    /// Law and weights of the noise levels, and their range where <see cref="SigmaMin"/> and <see cref="SigmaMax"/> leave it open, in standard deviations; then all training is denoising.
    /// Null: ln σ in the third power of a uniform number, every level with weight one.
    /// </summary>
    public NoiseSchedule? Schedule { get; init; }

    /// <summary>
    /// Share of the training that goes to the score of the data themselves, at σ → 0, by implicit score matching; with it, and without <see cref="SigmaMin"/>, the score is given there.
    /// </summary>
    public double Implicit { get; init; } = 0.75;

    /// <summary>What the network stands on; a score that is given to the training counts as <see cref="ScoreBase.Given"/>.</summary>
    public ScoreBase Base { get; init; }

    /// <summary>Whether the noise has the spectrum of the field, σ² C, so that it hides every Fourier mode alike, instead of σ²; null: where the powers of the modes differ by more than 10⁴.</summary>
    public bool? Coloured { get; init; }

    /// <summary>Seed of the first weights, of the batches and of the noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>Threads; 0: one a core. The result does not depend on it, bit for bit.</summary>
    public int Threads { get; init; }

    /// <summary>Fraction of the samples, taken from the end, that is kept for validation; 0: none.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>The same with another <see cref="ValidationFraction"/>.</summary>
    public TrainingOptions ValidatedBy(double fraction) => this with { ValidationFraction = fraction };

    /// <summary>Validations over the whole training.</summary>
    public int Validations { get; init; } = 20;

    /// <summary>Ends training after this many validations without a better loss; null: never.</summary>
    public int? Patience { get; init; }

    /// <summary>Symmetries of the law of the data, beside translations: samples are shown to the network in all their images, and the score is averaged over them.</summary>
    public Symmetries Symmetries { get; init; } = Symmetries.None;

    /// <summary>Where training keeps its state while it runs, and goes on from when it is asked again for the same; null: nowhere. Removed when training is done.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Seconds between two checkpoints.</summary>
    public double CheckpointSeconds { get; init; } = 60;

    /// <summary>Steps between two checkpoints, in place of seconds.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>Whether the blocks are scaled and shifted by functions of the noise level.</summary>
    public bool Modulated { get; init; } = true;
}

/// <summary>Where training stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps to do.</param>
/// <param name="TrainingLoss">Per component, averaged over the last steps: ⟨|ẑ − z|²⟩ at noise levels σ > 0, ⟨|s|² + 2 ∇·s⟩ in units of the Gaussian score's ⟨|s₀|²⟩ at σ → 0, where the Gaussian has −1.</param>
/// <param name="ValidationLoss">Over the validation samples with the averaged weights and fixed noise, at σ → 0 where the score is given there; null between validations.</param>
/// <param name="StepsPerSecond">Rate since the start.</param>
public sealed record TrainingProgress(int Step, int Steps, double TrainingLoss, double? ValidationLoss, double StepsPerSecond)
{
    /// <summary>The lowest validation loss so far.</summary>
    public double? Best { get; init; }

    /// <summary>How often training diverged and went on from its last good state at half the rate.</summary>
    public int Restarts { get; init; }
}
