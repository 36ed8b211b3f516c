namespace Leith.Core;

/// <summary>
/// The sliced Wasserstein-1 distance, ⟨∫₀¹ |F⁻¹_x·θ(p) − F⁻¹_y·θ(p)| dp⟩_θ over random unit directions θ (Bonneel et al. 2015), each row in its own unit.
/// Between two finite sets of the same law it is not zero: the distance of two halves of the data tells how far.
/// </summary>
public static class SlicedWasserstein
{
    private const int Points = 256;

    /// <summary>The mean over the directions; the standard error is that of the mean over directions, not over samples.</summary>
    /// <param name="first">[sample][row] of one law.</param>
    /// <param name="second">Of the other.</param>
    /// <param name="unit">The unit of every row; null: 1.</param>
    /// <param name="directions">Number of random directions, at least 2.</param>
    /// <param name="seed">Of the directions.</param>
    /// <exception cref="LeithException">No sample of a law, samples of different sizes, fewer than two directions.</exception>
    public static Measurement Between(double[][] first, double[][] second, double[]? unit, int directions, ulong seed)
    {
        if (first.Length < 1 || second.Length < 1) throw new LeithException($"Wasserstein distance: expected samples of both laws, got {first.Length} and {second.Length}.");
        if (directions < 2) throw new LeithException($"Wasserstein distance: expected at least two directions, got {directions}.");
        int rows = first[0].Length;
        if (first.Concat(second).Any(s => s.Length != rows)) throw new LeithException($"Wasserstein distance: expected samples of {rows} numbers each, got others.");
        var distances = new double[directions];
        Parallel.For(0, directions, d =>
        {
            double[] theta = [.. Enumerable.Range(0, rows).Select(i => Draw.Normal(seed, Draw.Signs, d, i))];
            double norm = Math.Sqrt(CorrelationTime.Dot(theta, theta));
            for (int i = 0; i < rows; i++) theta[i] /= norm * (unit?[i] ?? 1);
            double[] x = Projected(first, theta), y = Projected(second, theta);
            for (int q = 0; q < Points; q++) distances[d] += Math.Abs(Quantile(x, (q + 0.5) / Points) - Quantile(y, (q + 0.5) / Points)) / Points;
        });
        double mean = distances.Average();
        return new(mean, Math.Sqrt(distances.Sum(v => (v - mean) * (v - mean)) / ((double)directions * (directions - 1))));
    }

    private static double[] Projected(double[][] samples, double[] theta) => [.. samples.Select(s => CorrelationTime.Dot(s, theta)).Order()];

    private static double Quantile(double[] sorted, double p) => sorted[Math.Clamp((int)(p * sorted.Length), 0, sorted.Length - 1)];
}
