using Leith.Core;

namespace Leith.Torch;

/// <summary>How the network of the founding paper is trained.</summary>
public sealed record PublishedOptions
{
    /// <summary>Channels of the first level, a multiple of 4; each level down has twice as many.</summary>
    public int Channels { get; init; } = 32;

    /// <summary>Residual blocks at the bottom.</summary>
    public int Blocks { get; init; } = 8;

    /// <summary>Optimiser steps: 500 epochs of 25,600 fields.</summary>
    public int Steps { get; init; } = 100_000;

    /// <summary>Ends training after so many seconds of the clock; null: after <see cref="Steps"/>. The result then depends on the machine and its load.</summary>
    public double? Seconds { get; init; }

    /// <summary>Fields in a step.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>Learning rate of Adam.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Largest norm of a gradient; longer ones are shortened to it.</summary>
    public double GradientLimit { get; init; } = 1;

    /// <summary>Decay of the moving average of the weights, which is what the score uses; early on the average is shorter.</summary>
    public double Ema { get; init; } = 0.999;

    /// <summary>
    /// Smallest noise level, at which the score is given, in standard deviations of the field. The network sees the field in units in which this is 0.01.
    /// The default is that of the paper's Allen–Cahn fields, which were divided by 4.
    /// </summary>
    public double SigmaMin { get; init; } = 0.01 * 4 / 0.856;

    /// <summary>Seed of the first weights, of the batches and of the noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>Threads; 0: one a core.</summary>
    public int Threads { get; init; }

    /// <summary>Where it is trained and evaluated: "cpu", "cuda:0", …</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Fraction of the fields, taken from the end, that is kept for validation.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>Validations over the whole training.</summary>
    public int Validations { get; init; } = 20;

    /// <summary>Ends with a sentence where a choice is out of range, or the grid is not one that can be halved three times.</summary>
    internal void Check(Grid grid)
    {
        CheckGrid(grid);
        void Require(bool good, string name, object? got, string expected)
        {
            if (!good) throw new LeithException($"training as published: expected {name} {expected}, got {got}.");
        }
        Require(Channels > 0 && Channels % 4 == 0, "Channels", Channels, "to be a positive multiple of 4");
        Require(Blocks >= 0, "Blocks", Blocks, "≥ 0");
        Require(Steps >= 1, "Steps", Steps, "≥ 1");
        Require(Seconds is null or > 0, "Seconds", Seconds, "> 0");
        Require(Batch >= 1, "Batch", Batch, "≥ 1");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), "LearningRate", LearningRate, "> 0");
        Require(GradientLimit > 0, "GradientLimit", GradientLimit, "> 0");
        Require(Ema is >= 0 and < 1, "Ema", Ema, "in [0, 1)");
        Require(SigmaMin > 0 && double.IsFinite(SigmaMin), "SigmaMin", SigmaMin, "> 0");
        Require(Threads >= 0, "Threads", Threads, "≥ 0");
        Require(ValidationFraction is > 0 and < 1, "ValidationFraction", ValidationFraction, "in (0, 1)");
        Require(Validations >= 1, "Validations", Validations, "≥ 1");
    }

    /// <summary>Ends with a sentence unless the U-Net fits the grid.</summary>
    /// <exception cref="LeithException">Another number of axes than two, a side that is no multiple of 8.</exception>
    public static void CheckGrid(Grid grid)
    {
        if (grid.Dimensions != 2 || grid.Points.Any(n => n % 8 != 0))
            throw new LeithException($"published: expected a field on two axes with a multiple of 8 points each, which its network halves three times, got {string.Join(" × ", grid.Points)}; take residualNet.");
    }
}
