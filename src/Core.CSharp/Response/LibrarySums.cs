using System.Numerics;

namespace Leith.Core;

/// <summary>The sums of a library record, block by block; the blocks are what a bootstrap resamples and what cross-validation leaves out.</summary>
public sealed class LibrarySums
{
    private readonly LibraryBlock[] blocks;

    internal LibrarySums(LibraryLayout layout, LibraryBlock[] blocks)
    {
        Layout = layout;
        this.blocks = blocks;
        Counts = [.. blocks.Select(block => block.Fit[0])];
    }

    internal LibraryLayout Layout { get; }

    /// <summary>The features.</summary>
    public LibraryFeatures Features => Layout.Features;

    /// <summary>The torus.</summary>
    public Grid Grid => Features.Grid;

    /// <summary>Modes that the system has, null for all: the others are zero and answer nothing.</summary>
    public bool[]? Kept { get; set; }

    /// <summary>Number of lags, lag 0 included.</summary>
    public int Lags => Layout.Lags;

    /// <summary>Number of blocks.</summary>
    public int Blocks => blocks.Length;

    /// <summary>Base fields in each block.</summary>
    public double[] Counts { get; }

    /// <summary>Base fields in all blocks.</summary>
    public double Fields => Counts.Sum();

    /// <summary>⟨|φ_k|²⟩ of a feature in all modes, the mean removed; 0 in modes in which the field does not move.</summary>
    public double[] Power(int feature)
    {
        var moments = Moments();
        var power = new double[Grid.Sites];
        for (int h = 0; h < moments.Modes; h++)
            if (moments.Alive[h]) power[Layout.Half[h]] = power[Layout.Opposite[Layout.Half[h]]] = moments.Gram(h, feature, feature).Real;
        return power;
    }

    /// <summary>Averages that a fit needs.</summary>
    /// <param name="weights">How often each block counts, one entry a block; null: once each.</param>
    internal LibraryMoments Moments(double[]? weights = null)
    {
        var total = new double[Layout.FitLength];
        for (int block = 0; block < Blocks; block++)
            if ((weights?[block] ?? 1) is var w && w != 0) Resampling.AddScaled(w, blocks[block].Fit, total);
        return new(Layout, Kept, total);
    }

    /// <summary>⟨A_k(t+τ) conj Σ_j y_j*(k) φ_j,k(t)⟩ = Σ_j y_j(k) ⟨A_k(t+τ) conj φ_j,k(t)⟩ in all modes, [lag][mode], means removed at k = 0.</summary>
    /// <param name="observable">Which A.</param>
    /// <param name="moments">Averages with the same weights.</param>
    /// <param name="kernels">y, [feature][kept mode]; null for a feature that is not used.</param>
    /// <param name="weights">As of <see cref="Moments"/>.</param>
    internal Complex[][] Cross(int observable, LibraryMoments moments, Complex[]?[] kernels, double[]? weights)
    {
        var means = new double[Lags];
        for (int block = 0; block < Blocks; block++) Resampling.AddScaled(weights?[block] ?? 1, blocks[block].Means[observable], means);
        var result = new Complex[Lags][];
        for (int lag = 0; lag < Lags; lag++) result[lag] = new Complex[Grid.Sites];
        var sum = new double[Layout.FeatureLength];
        for (int j = 0; j < kernels.Length; j++)
        {
            if (kernels[j] is not { } kernel) continue;
            Array.Clear(sum);
            for (int block = 0; block < Blocks; block++)
                if ((weights?[block] ?? 1) is var w && w != 0) Resampling.AddScaled(w, blocks[block].Products[observable].AsSpan(j * Layout.FeatureLength, Layout.FeatureLength), sum);
            for (int h = 0, at = 0; h < Layout.Half.Length; h++)
                for (int lag = 0; lag < Lags; lag++, at += 2)
                {
                    var product = new Complex(sum[at], sum[at + 1]) / moments.Fields;
                    if (h == 0) product -= means[lag] / moments.Fields * moments.Mean(j);
                    result[lag][Layout.Half[h]] += kernel[h] * product;
                }
        }
        foreach (var row in result)
            foreach (int k in Layout.Half)
                if (Layout.Opposite[k] != k) row[Layout.Opposite[k]] = Complex.Conjugate(row[k]);
        return result;
    }

    /// <summary>Everything as named arrays, for the stage cache.</summary>
    public Arrays ToArrays()
    {
        var arrays = new Arrays { ["shape"] = [Blocks, Layout.Observables, Lags] };
        for (int b = 0; b < Blocks; b++)
        {
            arrays[$"fit{b}"] = blocks[b].Fit;
            for (int a = 0; a < Layout.Observables; a++) (arrays[$"products{b}.{a}"], arrays[$"means{b}.{a}"]) = (blocks[b].Products[a], blocks[b].Means[a]);
        }
        return arrays;
    }

    /// <summary>The inverse of <see cref="ToArrays"/>.</summary>
    public static LibrarySums FromArrays(LibraryFeatures features, IReadOnlyDictionary<string, double[]> arrays)
    {
        double[] shape = arrays["shape"];
        int observables = (int)shape[1];
        return new(new(features, observables, (int)shape[2]), [.. Enumerable.Range(0, (int)shape[0]).Select(b => new LibraryBlock(arrays[$"fit{b}"],
            [.. Enumerable.Range(0, observables).Select(a => arrays[$"products{b}.{a}"])], [.. Enumerable.Range(0, observables).Select(a => arrays[$"means{b}.{a}"])]))]);
    }
}

/// <summary>Averages of features over fields: G_ij(k) = ⟨φ_i,k conj φ_j,k⟩, means removed at k = 0, and the slopes b_j(k).</summary>
internal sealed class LibraryMoments
{
    private readonly LibraryLayout layout;
    private readonly double[] sums;
    private readonly Complex[]?[] slopes; // [feature][kept mode]

    public LibraryMoments(LibraryLayout layout, bool[]? kept, double[] sums)
    {
        (this.layout, this.sums) = (layout, sums);
        var features = layout.Features;
        slopes = new Complex[]?[features.Count];
        foreach (var slope in features.Slopes)
        {
            double mean = slope.Mean < 0 ? 1 : sums[layout.NumbersAt + slope.Mean] / Fields;
            var to = slopes[slope.Feature] ??= new Complex[Modes];
            for (int h = 0; h < Modes; h++) to[h] += mean * slope.Symbol[layout.Half[h]];
        }
        for (int p = 0; p < features.Probed.Count; p++)
        {
            var to = slopes[features.Probed[p]] = new Complex[Modes];
            for (int h = 0, at = layout.ProbesAt + 2 * p; h < Modes; h++, at += 2 * features.Probed.Count) to[h] = new Complex(sums[at], sums[at + 1]) / Fields;
        }
        double largest = Enumerable.Range(0, Modes).Max(h => Gram(h, 0, 0).Real);
        Alive = [.. Enumerable.Range(0, Modes).Select(h => kept?[layout.Half[h]] != false && Gram(h, 0, 0).Real > 1e-20 * largest)];
    }

    /// <summary>Fields averaged over.</summary>
    public double Fields => sums[0];

    /// <summary>Number of features.</summary>
    public int Features => layout.Features.Count;

    /// <summary>N.</summary>
    public int Sites => layout.Features.Grid.Sites;

    /// <summary>Number of kept modes.</summary>
    public int Modes => layout.Half.Length;

    /// <summary>How many modes a kept one stands for: 2, or 1 where it is its own conjugate.</summary>
    public int Multiplicity(int h) => layout.Opposite[layout.Half[h]] == layout.Half[h] ? 1 : 2;

    /// <summary>Modes in which the field moves at all.</summary>
    public bool[] Alive { get; }

    /// <summary>⟨Σ_x φ_j⟩.</summary>
    public double Mean(int j) => sums[layout.MeansAt + j] / Fields;

    /// <summary>G_ij of a kept mode.</summary>
    public Complex Gram(int h, int i, int j)
    {
        if (i > j) return Complex.Conjugate(Gram(h, j, i));
        int at = layout.GramAt + 2 * (h * layout.Pairs + LibraryLayout.Pair(i, j));
        var average = new Complex(sums[at], sums[at + 1]) / Fields;
        return h == 0 ? average - Mean(i) * Mean(j) : average;
    }

    /// <summary>b_j of a kept mode.</summary>
    public Complex Slope(int h, int j) => slopes[j]?[h] ?? Complex.Zero;
}
