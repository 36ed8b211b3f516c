namespace Leith.Core;

/// <summary>How far samples lie from a mixture of Gaussians of scalar unknowns, whose projections on lines are mixtures that are known exactly.</summary>
public static class MixtureDistance
{
    private const int Cells = 2000;
    private const double Reach = 8;

    /// <summary>The law of θ·u.</summary>
    /// <exception cref="LeithException">A field, or a direction of another length.</exception>
    public static LineMixture Projection(GaussianMixture law, double[] direction)
    {
        if (law.Grid is not null || direction.Length != law.Rows) throw new LeithException($"projection: expected a mixture of scalar unknowns and a direction of as many numbers, got {law.Rows} rows and {direction.Length} numbers.");
        double[] weighted = [.. direction.Select((d, i) => d * law.Scale[i])];
        double Along(GaussianMixture.Component c, int k) => weighted.Select((w, i) => w * c.Basis[i * weighted.Length + k]).Sum();
        return LineMixture.Of(
            [.. law.Components.Select(c => c.Weight)],
            [.. law.Components.Select(c => weighted.Select((w, i) => w * c.Mean[i]).Sum())],
            [.. law.Components.Select(c => Math.Sqrt(c.Eigenvalues.Select((v, k) => v * Along(c, k) * Along(c, k)).Sum()))]);
    }

    /// <summary>
    /// Sliced Wasserstein-1 distance: ∫|F_n − F| dx of the projections, averaged over random directions; F exact, F_n counted in cells of 1/125 standard deviation. Samples of the law itself
    /// are at about 1/√n.
    /// </summary>
    /// <param name="samples">[sample][unknown].</param>
    /// <param name="law">The law.</param>
    /// <param name="directions">Number of directions; along a line there is one.</param>
    /// <param name="seed">Seed of the directions.</param>
    /// <exception cref="LeithException">No sample or direction, or samples of another length.</exception>
    public static double Sliced(double[][] samples, GaussianMixture law, int directions, ulong seed)
    {
        if (samples.Length == 0 || directions < 1) throw new LeithException($"sliced distance: expected at least one sample and one direction, got {samples.Length} and {directions}.");
        if (samples.FirstOrDefault(s => s.Length != law.Rows) is { } bad) throw new LeithException($"sliced distance: expected {law.Rows} unknowns in every sample, got {bad.Length} in one.");
        var distances = new double[law.Rows == 1 ? 1 : directions];
        Parallel.For(0, distances.Length, j => distances[j] = Along(samples, law, Direction(law.Rows, j, seed)));
        return distances.Average();
    }

    private static double[] Direction(int rows, int j, ulong seed)
    {
        double[] normal = [.. Enumerable.Range(0, rows).Select(i => Draw.Normal(seed, Draw.Signs, j, i))];
        double length = Math.Sqrt(normal.Sum(x => x * x));
        return [.. normal.Select(x => x / length)];
    }

    private static double Along(double[][] samples, GaussianMixture law, double[] direction)
    {
        var line = Projection(law, direction);
        double deviation = Math.Sqrt(line.Variance), first = line.Mean - Reach * deviation, cell = 2 * Reach * deviation / Cells, outside = 0;
        var counts = new int[Cells + 1];
        foreach (double[] sample in samples)
        {
            double x = 0;
            for (int i = 0; i < direction.Length; i++) x += direction[i] * sample[i];
            double place = Math.Ceiling((x - first) / cell);
            counts[(int)Math.Clamp(place, 0, Cells)]++;
            outside += Math.Max(0, Math.Abs(x - line.Mean) - Reach * deviation);
        }
        double sum = outside / samples.Length, below = 0;
        for (int i = 0; i <= Cells; i++)
        {
            below += counts[i];
            sum += cell * Math.Abs(below / samples.Length - line.Distribution(first + i * cell));
        }
        return sum;
    }
}
