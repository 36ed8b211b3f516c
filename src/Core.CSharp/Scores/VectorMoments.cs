using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>∂φ/∂x of a feature as Constant + Factor · row, a row of the observables of the moments (−1: none).</summary>
public readonly record struct FeatureSlope(double Constant, int Row, double Factor);

/// <summary>
/// What implicit score matching needs of p features φ of D scalar unknowns: the Gram matrix G = ⟨φ φᵀ⟩ without the means and B_ij = ⟨∂φ_j/∂x_i⟩, block by block,
/// gathered while the record passes: memory p (p + D) a block, whatever its length.
/// </summary>
public sealed class VectorMoments
{
    // The features of a fold are judged by weights from the other folds.
    private const int MostFolds = 8;
    private readonly LagProducts _products;
    private readonly FeatureSlope[][] _slopes;

    /// <summary>Moments from lag products of lag 0 with A = [x, φ, slopes, s] and B = [x, φ, s], s a known score or nothing.</summary>
    /// <param name="products">The sums.</param>
    /// <param name="features">Names of the features.</param>
    /// <param name="slopes">∂φ_j/∂x_i, [component][feature].</param>
    public VectorMoments(LagProducts products, IReadOnlyList<string> features, FeatureSlope[][] slopes)
    {
        (_products, Features, _slopes) = (products, features, slopes);
        HasExact = products.Columns == 2 * products.Dimension + features.Count;
        Whole = Sums(0, products.Blocks);
        int folds = Math.Min(MostFolds, products.Blocks);
        Folds = [.. Enumerable.Range(0, folds).Select(f => Sums(f * products.Blocks / folds, (f + 1) * products.Blocks / folds - f * products.Blocks / folds))];
    }

    /// <summary>Names of the features.</summary>
    public IReadOnlyList<string> Features { get; }

    /// <summary>Number of features.</summary>
    public int Count => Features.Count;

    /// <summary>Number of unknowns.</summary>
    public int Dimension => _products.Dimension;

    /// <summary>⟨φ⟩.</summary>
    public double[] Means => [.. Enumerable.Range(0, Count).Select(j => Whole.Means[j] / Whole.Samples)];

    /// <summary>G = ⟨(φ − φ̄)(φ − φ̄)ᵀ⟩.</summary>
    public double[,] Gram => Matrix<double>.Build.Dense(Count, Count, (i, j) => Whole.Gram[i * Count + j] / Whole.Samples).ToArray();

    /// <summary>B_ij = ⟨∂φ_j/∂x_i⟩, [component][feature].</summary>
    public double[][] Slopes => [.. Enumerable.Range(0, Dimension).Select(i => Enumerable.Range(0, Count).Select(j => Whole.Slopes[i * Count + j] / Whole.Samples).ToArray())];

    /// <summary>Whether sums with a known score are there.</summary>
    internal bool HasExact { get; }

    internal MomentSums Whole { get; }
    internal MomentSums[] Folds { get; }
    internal int Blocks => _products.Blocks;

    /// <summary>Sums over consecutive blocks.</summary>
    internal MomentSums Sums(int first, int count)
    {
        int d = Dimension, p = Count, columns = _products.Columns;
        var (products, pairs) = BlockBootstrap.Join(_products, first, count);
        var rows = new double[_products.Rows];
        for (int block = first; block < first + count; block++) Resampling.AddScaled(1, _products.RowSums(block), rows);
        var sums = new MomentSums(d, p, HasExact) { Samples = pairs[0] };
        for (int j = 0; j < p; j++)
        {
            sums.Means[j] = rows[d + j];
            for (int i = 0; i < p; i++) sums.Gram[j * p + i] = products[(d + j) * columns + d + i];
            for (int i = 0; i < d; i++)
            {
                var slope = _slopes[i][j];
                sums.Slopes[i * p + j] = slope.Constant * pairs[0] + (slope.Row < 0 ? 0 : slope.Factor * rows[slope.Row]);
                if (HasExact) sums.Cross[i * p + j] = products[(d + j) * columns + d + p + i];
            }
        }
        if (HasExact)
            for (int i = 0; i < d; i++) sums.Cross[d * p] += products[(_products.Rows - d + i) * columns + d + p + i];
        return sums;
    }

    /// <summary>Throws unless the features vary and none of them is a sum of others, and there are samples enough for as many.</summary>
    /// <exception cref="LeithException">Names the feature, or the sum that hardly varies; says how many samples it takes.</exception>
    internal void Check(IReadOnlyList<int> chosen, double memory)
    {
        if (chosen.Count == 0) throw new LeithException("library: expected at least one feature, got none; write libraryOf [ x ].");
        int bad = Array.FindIndex([.. chosen], j => !double.IsFinite(Whole.Gram[j * Count + j]) || !double.IsFinite(Whole.Means[j]));
        if (bad >= 0) throw new LeithException($"library: expected features that are finite on all data, got '{Features[chosen[bad]]}', which is not; leave it out.");
        int constant = Array.FindIndex([.. chosen], j => !(Whole.Gram[j * Count + j] > 1e-24 * (1 + Whole.Means[j] * Whole.Means[j] / Whole.Samples)));
        if (constant >= 0) throw new LeithException($"library: expected features that vary, got '{Features[chosen[constant]]}', which does not; the constant 1 belongs to every library, leave it out.");
        double independent = Whole.Samples / Math.Max(1, memory), wanted = NeededFor(chosen.Count);
        if (independent < wanted)
            throw new LeithException($"library: expected at least {wanted} independent samples for {chosen.Count} features, got about {independent:f0} ({Whole.Samples:f0} samples, {memory:f1} to a memory). Take {Math.Ceiling(wanted / independent):f0} times as much data, or fewer features.");
        var correlation = Matrix<double>.Build.Dense(chosen.Count, chosen.Count, (a, b) => Correlation(Whole, chosen[a], chosen[b]));
        var eigen = correlation.Evd(Symmetricity.Symmetric);
        if (eigen.EigenValues[0].Real > LibrarySolver.Smallest) return;
        var direction = eigen.EigenVectors.Column(0);
        var terms = Enumerable.Range(0, chosen.Count).Where(a => Math.Abs(direction[a]) > 0.05).OrderByDescending(a => Math.Abs(direction[a])).Take(5).ToArray();
        string combination = string.Join(" ", terms.Select(a => $"{(direction[a] < 0 ? "−" : "+")} {Math.Abs(direction[a]):f2} '{Features[chosen[a]]}'"));
        throw new LeithException($"library: expected features of which none is a sum of others, got collinear ones: in units of standard deviations {combination.TrimStart('+', ' ')} hardly varies. Leave one of {string.Join(", ", terms.Select(a => $"'{Features[chosen[a]]}'"))} out.");
    }

    /// <summary>Independent samples that so many features ask for.</summary>
    internal static int NeededFor(int features) => 10 * (features + 1);

    internal double Correlation(MomentSums sums, int a, int b) => sums.Gram[a * Count + b] / Math.Sqrt(sums.Gram[a * Count + a] * sums.Gram[b * Count + b]);
}

/// <summary>Sums over samples: of φ, of the products of centred features, of slopes, and of products with a known score.</summary>
internal sealed class MomentSums(int dimension, int features, bool exact)
{
    public double Samples { get; set; }

    /// <summary>Σ φ_j.</summary>
    public double[] Means { get; } = new double[features];

    /// <summary>Σ (φ_j − φ̄_j)(φ_k − φ̄_k).</summary>
    public double[] Gram { get; } = new double[features * features];

    /// <summary>Σ ∂φ_j/∂x_i, [component][feature].</summary>
    public double[] Slopes { get; } = new double[dimension * features];

    /// <summary>Σ φ_j s_i, [component][feature], and after them Σ |s|².</summary>
    public double[] Cross { get; } = exact ? new double[dimension * features + 1] : [];

    /// <summary>All sums in one row.</summary>
    public double[] Flat() => [Samples, .. Means, .. Gram, .. Slopes, .. Cross];

    /// <summary>The inverse of <see cref="Flat"/>.</summary>
    public MomentSums Fill(ReadOnlySpan<double> row)
    {
        Samples = row[0];
        int at = 1;
        foreach (var part in (double[][])[Means, Gram, Slopes, Cross])
        {
            row.Slice(at, part.Length).CopyTo(part);
            at += part.Length;
        }
        return this;
    }

    /// <summary>this ← this + weight · more.</summary>
    public MomentSums Add(double weight, MomentSums more)
    {
        Samples += weight * more.Samples;
        Resampling.AddScaled(weight, more.Means, Means);
        Resampling.AddScaled(weight, more.Gram, Gram);
        Resampling.AddScaled(weight, more.Slopes, Slopes);
        Resampling.AddScaled(weight, more.Cross, Cross);
        return this;
    }
}
