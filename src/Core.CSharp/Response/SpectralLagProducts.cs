using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Sums over time, space and members of lag products of homogeneous fields, mode by mode and block by block:
/// P_k(τ) = Σ_t A_k(t+τ) conj B_k(t), with A_k, B_k unnormalised Fourier transforms of real fields.
/// </summary>
/// <remarks>
/// Every base time t counts only when all its lags lie in the record, so each lag has the same number of pairs and the average is unbiased.
/// The blocks (two members each, cut in time) are what a bootstrap resamples; resampling is only sums. The mean of A and of B is removed (mode k = 0).
/// </remarks>
public sealed class SpectralLagProducts
{
    readonly double[][] products; // [block][(mode * Lags + lag) * 2 + part]
    readonly double[][] meansA; // [block][lag]: Σ over base fields of Σ_x A(x, t+τ)
    readonly double[] meansB; // [block]: Σ over base fields of Σ_x B(x, t)

    internal SpectralLagProducts(Grid grid, int lags, double[][] products, double[][] meansA, double[] meansB, double[] counts)
    {
        Grid = grid;
        Lags = lags;
        this.products = products;
        this.meansA = meansA;
        this.meansB = meansB;
        Counts = counts;
    }

    /// <summary>The torus.</summary>
    public Grid Grid { get; }

    /// <summary>Modes that the system has, null for all: the others are zero and answer nothing.</summary>
    public bool[]? Kept { get; set; }

    /// <summary>Number of lags, lag 0 included.</summary>
    public int Lags { get; }

    /// <summary>Number of blocks.</summary>
    public int Blocks => products.Length;

    /// <summary>Base fields in each block.</summary>
    public double[] Counts { get; }

    /// <summary>Base fields in all blocks.</summary>
    public double Fields => Counts.Sum();

    /// <summary>
    /// ⟨A_k(t+τ) conj B_k(t)⟩ of real fields, [lag][mode], means removed at k = 0.
    /// </summary>
    /// <param name="weights">How often each block counts, one entry a block; null: once each.</param>
    /// <param name="lags">The first so many lags only; null: all.</param>
    public Complex[][] Average(double[]? weights = null, int? lags = null)
    {
        int modes = Grid.Sites, wanted = lags ?? Lags;
        var total = new double[modes * wanted * 2];
        var meanA = new double[wanted];
        double meanB = 0, fields = 0;
        for (int block = 0; block < Blocks; block++)
        {
            double w = weights?[block] ?? 1;
            if (w == 0) continue;
            if (wanted == Lags) Resampling.AddScaled(w, products[block], total);
            else AccumulateFirst(total, products[block], w, wanted);
            for (int lag = 0; lag < wanted; lag++) meanA[lag] += w * meansA[block][lag];
            meanB += w * meansB[block];
            fields += w * Counts[block];
        }
        return Fold(total, meanA, meanB, fields);
    }

    void AccumulateFirst(double[] total, double[] block, double weight, int wanted)
    {
        for (int mode = 0; mode < Grid.Sites; mode++)
            for (int i = 0; i < wanted * 2; i++) total[mode * wanted * 2 + i] += weight * block[mode * Lags * 2 + i];
    }

    // Two real fields ride as re and im of one complex field; adding the conjugate of mode −k cancels their cross terms.
    Complex[][] Fold(double[] total, double[] meanA, double meanB, double fields)
    {
        int lags = meanA.Length;
        var average = new Complex[lags][];
        for (int lag = 0; lag < lags; lag++) average[lag] = new Complex[Grid.Sites];
        for (int mode = 0; mode < Grid.Sites; mode++)
        {
            int opposite = conjugate[mode];
            for (int lag = 0; lag < lags; lag++)
            {
                int i = (mode * lags + lag) * 2, j = (opposite * lags + lag) * 2;
                average[lag][mode] = new Complex((total[i] + total[j]) / (2 * fields), (total[i + 1] - total[j + 1]) / (2 * fields));
            }
        }
        for (int lag = 0; lag < lags; lag++) average[lag][0] -= meanA[lag] / fields * (meanB / fields);
        return average;
    }

    int[] conjugate => field ??= [.. Enumerable.Range(0, Grid.Sites).Select(Grid.Conjugate)];

    /// <summary>The sums of two pieces of one record, block by block; the blocks must be as many.</summary>
    internal SpectralLagProducts Plus(SpectralLagProducts more)
    {
        static double[] Add(double[] x, double[] y) => [.. x.Zip(y, (a, b) => a + b)];
        return new(Grid, Lags, [.. products.Zip(more.products, Add)], [.. meansA.Zip(more.meansA, Add)], Add(meansB, more.meansB), Add(Counts, more.Counts)) { Kept = Kept };
    }

    /// <summary>The same sums with every so many blocks, one after another, made one.</summary>
    internal SpectralLagProducts Joined(int count)
    {
        double[] Sum(IEnumerable<double[]> rows) => rows.Aggregate(new double[rows.First().Length], (sum, row) => [.. sum.Zip(row, (a, b) => a + b)]);
        return count == 1 ? this : new(Grid, Lags, [.. products.Chunk(count).Select(Sum)], [.. meansA.Chunk(count).Select(Sum)],
            [.. meansB.Chunk(count).Select(part => part.Sum())], [.. Counts.Chunk(count).Select(part => part.Sum())])
        { Kept = Kept };
    }

    /// <summary>The same sums for the first lags only.</summary>
    internal SpectralLagProducts First(int lags)
    {
        double[] Cut(double[] block)
        {
            var cut = new double[Grid.Sites * lags * 2];
            for (int mode = 0; mode < Grid.Sites; mode++) block.AsSpan(mode * Lags * 2, lags * 2).CopyTo(cut.AsSpan(mode * lags * 2));
            return cut;
        }
        return new(Grid, lags, [.. products.Select(Cut)], [.. meansA.Select(m => m[..lags])], meansB, Counts);
    }

    /// <summary>Of one block: Σ_k Re P_k at every lag, the sums of both means at k = 0, and the number of base fields.</summary>
    internal (double[] Trace, double[] MeanA, double MeanB, double Count) Traces(int block)
    {
        var trace = new double[Lags];
        for (int i = 0; i < products[block].Length; i += 2) trace[i / 2 % Lags] += products[block][i];
        return (trace, meansA[block], meansB[block], Counts[block]);
    }

    /// <summary>The integrated autocorrelation time of the slowest mode that bears a hundredth of the variance or more, in lags, from the lags that are stored: of lag products of u with u.</summary>
    public double CorrelationSamples()
    {
        var c = Average();
        double total = c[0].Sum(mode => mode.Real);
        return Enumerable.Range(0, Grid.Sites).Where(k => c[0][k].Real >= 0.01 * total)
            .Select(k => CorrelationTime.Windowed(Lags, lag => c[lag][k].Real / c[0][k].Real, 5, (long)Math.Max(1, Fields))).DefaultIfEmpty(1).Max();
    }

    /// <summary>The spatial mean of A at lag 0.</summary>
    public double Mean => meansA.Sum(m => m[0]) / Fields / Grid.Sites;

    /// <summary>Everything as named arrays, for the stage cache.</summary>
    public Arrays ToArrays()
    {
        var arrays = new Arrays { ["lags"] = [Lags], ["counts"] = Counts, ["meansB"] = meansB };
        for (int block = 0; block < Blocks; block++)
        {
            arrays[$"products{block}"] = products[block];
            arrays[$"meansA{block}"] = meansA[block];
        }
        return arrays;
    }

    /// <summary>The inverse of <see cref="ToArrays"/>.</summary>
    public static SpectralLagProducts FromArrays(Grid grid, IReadOnlyDictionary<string, double[]> arrays)
    {
        int blocks = arrays["counts"].Length;
        return new SpectralLagProducts(grid, (int)arrays["lags"][0], [.. Enumerable.Range(0, blocks).Select(b => arrays[$"products{b}"])],
            [.. Enumerable.Range(0, blocks).Select(b => arrays[$"meansA{b}"])], arrays["meansB"], arrays["counts"]);
    }
}
