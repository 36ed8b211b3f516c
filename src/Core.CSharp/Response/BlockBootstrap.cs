using System.Numerics;
using System.Runtime.InteropServices;

namespace Leith.Core;

/// <summary>
/// Standard errors by resampling blocks with replacement: se = sd over resamples of f(Σ block sums), where f is the estimator.
/// </summary>
/// <remarks>
/// Blocks of one recording overlap by half (the moving-block bootstrap; Künsch, Ann. Statist. 17, 1217 (1989)); blocks of an ensemble are members or their parts and do not overlap.
/// The means removed are those of the whole record, whose own scatter enters at O(1/T) only. Relative error of a standard error about √(1/(2 resamples) + 1/(2 blocks)).
/// </remarks>
internal static class BlockBootstrap
{
    /// <summary>Fewer blocks say nothing about scatter.</summary>
    public const int FewestBlocks = 8;

    // More blocks cost time and gain nothing.
    private const int MostUnits = 192;

    /// <summary>How many pieces a resample draws, or the reason why there are too few.</summary>
    /// <exception cref="LeithException">Fewer than <see cref="FewestBlocks"/> independent blocks.</exception>
    internal static int Draws(LagProducts products, int units)
    {
        int window = products.Window, independent = (int)products.Chains.Sum(count => Math.Max(1.0, count / (double)window));
        if (independent < FewestBlocks)
            throw new LeithException($"bootstrap: expected at least {FewestBlocks} blocks for a standard error, got {independent} ({products.Samples} samples in blocks of {products.BlockLength * window}). Take more data, more members, or shorter blocks.");
        return window == 1 ? units : independent;
    }

    /// <summary>Standard errors and replicates of an estimator that maps C(τ), [lag][row · columns + column], to [lag][value].</summary>
    public static Resampled Resample(LagProducts products, Func<double[][], double[][]> estimator, int resamples, ulong seed)
    {
        Draws(products, FewestBlocks);
        var ranges = Ranges(products);
        int size = (products.Longest + 1) * products.Rows * products.Columns;
        return Resampled.Of([.. ranges.Select(range => Row(products, range))], Draws(products, ranges.Count), resamples, seed, estimator(products.Means()),
            row => estimator(products.Normalise(row[..size], row[size..])));
    }

    // The centred sums of a range and its pairs, one after the other.
    private static double[] Row(LagProducts products, (int First, int Count) range)
    {
        var (sums, pairs) = Join(products, range.First, range.Count);
        return [.. sums, .. pairs];
    }

    // A drawn block has to be longer than the memory, unless it is a whole member.
    internal static List<string> Notes(LagProducts products)
    {
        int window = products.Window;
        if (products.Chains.All(count => count <= window)) return [];
        double memory = products.CorrelationSamples();
        if (products.BlockLength * window < 0.5 * memory)
            throw new LeithException($"bootstrap: expected at least {FewestBlocks} blocks as long as the memory, got blocks of {products.BlockLength * window} samples against a memory of about {memory:f0} (integrated autocorrelation time). Take {Math.Ceiling(2 * memory / (products.BlockLength * window)):f0} times as much data, or more members.");
        return products.BlockLength * window >= 2 * memory ? []
            : [$"standard errors are too small: blocks of {products.BlockLength * window} samples against a memory of about {memory:f0} samples"];
    }

    /// <summary>First block and number of blocks of everything that is drawn in one piece: windows of consecutive blocks of a member, or groups of blocks where there are many.</summary>
    internal static List<(int First, int Count)> Ranges(LagProducts products)
    {
        int window = products.Window, first = 0;
        var ranges = new List<(int, int)>();
        if (window == 1)
        {
            int group = (products.Blocks + MostUnits - 1) / MostUnits;
            for (; first < products.Blocks; first += group) ranges.Add((first, Math.Min(group, products.Blocks - first)));
            return ranges;
        }
        foreach (int count in products.Chains)
        {
            int width = Math.Min(window, count);
            for (int start = 0; start + width <= count; start++) ranges.Add((first + start, width));
            first += count;
        }
        return ranges;
    }

    internal static (double[] Sums, double[] Pairs) Join(LagProducts products, int first, int count)
    {
        var (sums, pairs) = products.Block(first);
        for (int block = first + 1; block < first + count; block++)
        {
            var (more, morePairs) = products.Block(block);
            for (int n = 0; n < sums.Length; n++) sums[n] += more[n];
            for (int lag = 0; lag < pairs.Length; lag++) pairs[lag] += morePairs[lag];
        }
        return (sums, pairs);
    }
}
