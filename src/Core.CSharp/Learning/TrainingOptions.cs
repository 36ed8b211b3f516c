namespace Leith.Core;

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

    /// <summary>Seed of the first weights, of the batches and of the noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>Threads; 0: one a core. The result does not depend on it, bit for bit.</summary>
    public int Threads { get; init; }

    /// <summary>Fraction of the samples, taken from the end, that is kept for validation; 0: none.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>Validations over the whole training.</summary>
    public int Validations { get; init; } = 20;

    /// <summary>Ends training after this many validations without a better loss; null: never.</summary>
    public int? Patience { get; init; }

    /// <summary>Whether the blocks are scaled and shifted by functions of the noise level.</summary>
    public bool Modulated { get; init; } = true;
}

/// <summary>Where training stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps to do.</param>
/// <param name="TrainingLoss">⟨|ẑ − z|²⟩ per component, averaged over the steps since the last report.</param>
/// <param name="ValidationLoss">The same over the validation samples with the averaged weights and fixed noise; null between validations.</param>
/// <param name="StepsPerSecond">Rate since the start.</param>
public sealed record TrainingProgress(int Step, int Steps, double TrainingLoss, double? ValidationLoss, double StepsPerSecond);
