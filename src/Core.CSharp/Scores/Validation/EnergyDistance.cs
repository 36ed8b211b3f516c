namespace Leith.Core;

/// <summary>
/// E = 2⟨|x − y|⟩ − ⟨|x − x'|⟩ − ⟨|y − y'|⟩ ≥ 0 over all pairs, each sample with itself included; zero only for equal laws (Székely and Rizzo 2013). |x| is the root
/// mean square over rows, each row in its own unit. The p-value is by permutation: the share of random relabellings of the pooled samples, the given one among them,
/// with an E at least as large. It holds for independent samples.
/// </summary>
/// <param name="Value">E.</param>
/// <param name="PValue">Uniform on {1, …, P + 1}/(P + 1) where both laws are the same and P the number of permutations, ties aside.</param>
/// <param name="First">Samples of the first law.</param>
/// <param name="Second">Samples of the second law.</param>
public sealed record EnergyDistance(double Value, double PValue, int First, int Second)
{
    /// <summary>The distance of two sets of independent samples, [sample][row].</summary>
    /// <param name="first">Of one law.</param>
    /// <param name="second">Of the other.</param>
    /// <param name="unit">The unit of every row; null: 1.</param>
    /// <param name="permutations">Random relabellings, at least 1.</param>
    /// <param name="seed">Of the relabellings.</param>
    /// <exception cref="LeithException">Fewer than two samples of a law, samples of different sizes, no permutation.</exception>
    public static EnergyDistance Between(double[][] first, double[][] second, double[]? unit, int permutations, ulong seed)
    {
        if (first.Length < 2 || second.Length < 2) throw new LeithException($"energy distance: expected at least two samples of each law, got {first.Length} and {second.Length}; draw more, or take more members.");
        if (permutations < 1) throw new LeithException($"energy distance: expected at least one permutation, got {permutations}.");
        int rows = first[0].Length, n = first.Length, all = n + second.Length;
        if (first.Concat(second).Any(s => s.Length != rows)) throw new LeithException($"energy distance: expected samples of {rows} numbers each, got others.");
        double[] factor = [.. Enumerable.Range(0, rows).Select(i => 1 / (unit?[i] ?? 1))];
        double[][] pool = [.. first.Concat(second).Select(s => s.Select((v, i) => v * factor[i]).ToArray())];
        var distances = new float[all][];
        Parallel.For(0, all, i =>
        {
            distances[i] = new float[all];
            var difference = new double[rows];
            for (int j = 0; j < i; j++)
            {
                for (int r = 0; r < rows; r++) difference[r] = pool[i][r] - pool[j][r];
                distances[i][j] = (float)Math.Sqrt(CorrelationTime.Dot(difference, difference) / rows);
            }
        });
        int[] order = [.. Enumerable.Range(0, all)];
        double value = Of(distances, order, n);
        var above = new bool[permutations];
        Parallel.For(0, permutations, p => above[p] = Of(distances, Shuffled(all, seed, p), n) >= value - 1e-7 * Math.Abs(value));
        return new(value, (1.0 + above.Count(a => a)) / (permutations + 1), n, all - n);
    }

    private static double Of(float[][] distances, int[] order, int n)
    {
        int all = order.Length;
        var isFirst = new bool[all];
        for (int i = 0; i < n; i++) isFirst[order[i]] = true;
        double within = 0, across = 0, withinSecond = 0;
        for (int i = 0; i < all; i++)
            for (int j = 0; j < i; j++)
            {
                if (isFirst[i] != isFirst[j]) across += distances[i][j];
                else if (isFirst[i]) within += distances[i][j];
                else withinSecond += distances[i][j];
            }
        int m = all - n;
        return 2 * across / ((double)n * m) - 2 * within / ((double)n * n) - 2 * withinSecond / ((double)m * m);
    }

    private static int[] Shuffled(int count, ulong seed, int permutation)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = Draw.Index(seed, Draw.Resample, permutation, i, i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
