namespace Leith.Core;

/// <summary>
/// Adam (Kingma, Ba 2015) with bias correction: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − rate · m̂ / (√v̂ + 10⁻⁸), β = (0.9, 0.999),
/// the gradient first shortened to a largest norm; and the moving average ema ← ema + (1 − d)(w − ema) with d = min(decay, (1 + n)/(10 + n)) at step n.
/// The rate grows linearly over the warm-up and falls as (1 + cos)/2 to zero.
/// </summary>
internal sealed class Adam(float[] weights, TrainingOptions options)
{
    private const double Beta1 = 0.9, Beta2 = 0.999;

    /// <summary>The weights themselves.</summary>
    public float[] Weights => weights;

    /// <summary>m and v.</summary>
    public float[] First { get; } = new float[weights.Length];
    public float[] Second { get; } = new float[weights.Length];

    /// <summary>The moving average of the weights.</summary>
    public float[] Average { get; } = (float[])weights.Clone();

    /// <summary>Steps done.</summary>
    public int Steps { get; set; }

    /// <summary>Factor of every rate: halved when training diverged.</summary>
    public double Slowing { get; set; } = 1;

    /// <summary>The learning rate of step n = 0, 1, …</summary>
    public static double Rate(int n, TrainingOptions options)
    {
        int warm = options.WarmUp ?? Math.Min(100, options.Steps / 20);
        if (n < warm) return options.LearningRate * (n + 1) / warm;
        return options.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * (n - warm) / Math.Max(1, options.Steps - warm)));
    }

    /// <summary>One step down the sum of the gradients, which are added in their order.</summary>
    /// <returns>The norm of the gradient before it was shortened.</returns>
    public double Step(float[][] gradients)
    {
        var sum = gradients[0];
        foreach (var part in gradients.Skip(1))
            for (int i = 0; i < sum.Length; i++) sum[i] += part[i];
        double square = 0;
        foreach (float g in sum) square += (double)g * g;
        double norm = Math.Sqrt(square);
        Move(sum, (float)(norm > options.GradientLimit ? options.GradientLimit / norm : 1));
        return norm;
    }

    private void Move(float[] gradient, float factor)
    {
        double rate = Slowing * Rate(Steps, options);
        Steps++;
        float b1 = (float)Beta1, b2 = (float)Beta2;
        float speed = (float)(rate / (1 - Math.Pow(Beta1, Steps))), correction = (float)(1 / (1 - Math.Pow(Beta2, Steps)));
        float follow = (float)(1 - Math.Min(options.Ema, (1.0 + Steps) / (10 + Steps)));
        for (int i = 0; i < weights.Length; i++)
        {
            float g = gradient[i] * factor;
            First[i] = b1 * First[i] + (1 - b1) * g;
            Second[i] = b2 * Second[i] + (1 - b2) * g * g;
            weights[i] -= speed * First[i] / (MathF.Sqrt(Second[i] * correction) + 1e-8f);
            Average[i] += follow * (weights[i] - Average[i]);
        }
    }
}
