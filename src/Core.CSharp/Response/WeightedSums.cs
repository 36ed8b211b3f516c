namespace Leith.Core;

/// <summary>One term of a polynomial in the weights W of a score: Factor · W[First] · W[Second] · m, m what the row (or the product of a row and a column) means.</summary>
/// <param name="Factor">A number.</param>
/// <param name="Row">Number of the quantity; −1: the constant 1.</param>
/// <param name="First">A weight, component · (features + 1) + feature, the last feature the constant 1; −1: none.</param>
/// <param name="Second">Another weight, −1: none.</param>
/// <param name="Column">The product of the two fluctuations ⟨Row′ Column′⟩ of two features in place of the mean ⟨Row⟩; −1: the mean.</param>
public readonly record struct WeightedTerm(double Factor, int Row, int First = -1, int Second = -1, int Column = -1)
{
    /// <summary>Factor · W[First] · W[Second].</summary>
    internal double Coefficient(double[] weights) => Factor * (First < 0 ? 1 : weights[First]) * (Second < 0 ? 1 : weights[Second]);
}

/// <summary>How the weights of a score follow from the sums.</summary>
public enum WeightRule
{
    /// <summary>There are none: the score is given.</summary>
    None,

    /// <summary>Implicit score matching, W (G + λ diag G) = −⟨∂φ/∂x⟩ and ŝ = W (φ − φ̄): with φ = x the Gaussian score.</summary>
    ScoreMatching,

    /// <summary>φ is a score as it was given, and W = −⟨x φᵀ⟩⁻ᵀ makes ⟨x ŝᵀ⟩ = −I.</summary>
    SteinCorrection,

    /// <summary>φ is a score as it was given, and W = I.</summary>
    Identity,
}

/// <summary>A score ŝ_i = c_i + Σ_j W_ij φ_j on features among the quantities of a <see cref="WeightedTables"/>, refitted in every resample.</summary>
/// <param name="Rule">How W follows.</param>
/// <param name="Features">Numbers of the features φ.</param>
/// <param name="Slopes">∂φ_j/∂x_i, [component · features + feature], means.</param>
/// <param name="Ridge">λ, in units of each feature's variance.</param>
/// <param name="Free">Features without a penalty.</param>
public sealed record WeightedScore(WeightRule Rule, int[] Features, WeightedTerm[][] Slopes, double Ridge = 0, bool[]? Free = null)
{
    /// <summary>A score that is given.</summary>
    public static readonly WeightedScore Given = new(WeightRule.None, [], []);
}

/// <summary>
/// Sums of one record, block by block, that share their blocks: lag products with A = [x, observables], B = [x, quantities]; products at lag 0 with A = [x, features], B = [x, quantities];
/// and means of [x, quantities, others]. The features are the first of the quantities.
/// </summary>
/// <param name="Lags">The lag products, whose blocks are drawn; quantities may be missing where no response is asked for.</param>
/// <param name="Products">Products at lag 0.</param>
/// <param name="Means">Sums whose rows are averaged.</param>
public sealed record WeightedTables(LagProducts Lags, LagProducts Products, LagProducts Means)
{
    internal int Dimension => Lags.Dimension;

    /// <summary>The whole record.</summary>
    internal WeightedDraw Whole(bool withLags = true)
    {
        var rows = new double[Means.Rows];
        for (int block = 0; block < Means.Blocks; block++) Resampling.AddScaled(1, Means.RowSums(block), rows);
        return new(this, withLags ? Lags.Means() : [], Products.Means()[0], [.. rows.Select(x => x / Means.Samples)]);
    }

    /// <summary>Everything that is drawn in one piece.</summary>
    internal WeightedUnit[] Units() => [.. BlockBootstrap.Ranges(Lags).Select(range => Unit(range.First, range.Count))];

    internal WeightedUnit Unit(int first, int count, bool withLags = true)
    {
        var (sums, pairs) = withLags ? BlockBootstrap.Join(Lags, first, count) : ([], []);
        var (products, samples) = BlockBootstrap.Join(Products, first, count);
        var rows = new double[Means.Rows];
        for (int block = first; block < first + count; block++) Resampling.AddScaled(1, Means.RowSums(block), rows);
        return new(sums, pairs, products, samples, rows);
    }

    /// <summary>Weighted units together.</summary>
    internal WeightedDraw Draw(WeightedUnit[] units, ReadOnlySpan<double> weights)
    {
        var first = units[0];
        double[] sums = new double[first.Sums.Length], pairs = new double[first.Pairs.Length], products = new double[first.Products.Length], samples = new double[1], rows = new double[first.Rows.Length];
        for (int u = 0; u < units.Length; u++)
        {
            if (weights[u] == 0) continue;
            Resampling.AddScaled(weights[u], units[u].Sums, sums);
            Resampling.AddScaled(weights[u], units[u].Pairs, pairs);
            Resampling.AddScaled(weights[u], units[u].Products, products);
            Resampling.AddScaled(weights[u], units[u].Samples, samples);
            Resampling.AddScaled(weights[u], units[u].Rows, rows);
        }
        return new(this, pairs.Length > 0 ? Lags.Normalise(sums, pairs) : [], Products.Normalise(products, samples)[0], [.. rows.Select(x => x / samples[0])]);
    }
}

/// <summary>Sums of a piece of the record.</summary>
internal sealed record WeightedUnit(double[] Sums, double[] Pairs, double[] Products, double[] Samples, double[] Rows);

/// <summary>Averages over the record, or over a resample of it.</summary>
/// <param name="Tables">Where they come from.</param>
/// <param name="Lags">C(τ), [lag][row · columns + column].</param>
/// <param name="Products">C(0) of features and quantities.</param>
/// <param name="Means">Means of [x, quantities, others].</param>
internal sealed record WeightedDraw(WeightedTables Tables, double[][] Lags, double[] Products, double[] Means)
{
    private int D => Tables.Dimension;

    /// <summary>⟨φ_a′ q_b′⟩ of a feature and a quantity.</summary>
    public double Product(int feature, int quantity) => Products[(D + feature) * Tables.Products.Columns + D + quantity];

    /// <summary>⟨A²⟩ − ⟨A⟩².</summary>
    public double Variance(int square, int mean) => Means[D + square] - Means[D + mean] * Means[D + mean];

    /// <summary>Σ of terms.</summary>
    public double Mean(WeightedTerm[] terms, double[] weights)
    {
        double sum = 0;
        foreach (var term in terms)
            sum += term.Coefficient(weights) * (term.Column >= 0 ? Product(term.Row, term.Column) : term.Row < 0 ? 1 : Means[D + term.Row]);
        return sum;
    }

    /// <summary>W with the constants c as the last column, [component · (features + 1) + feature]; NaN where it cannot be had.</summary>
    public double[] Weights(WeightedScore score)
    {
        int k = score.Features.Length;
        if (score.Rule == WeightRule.None) return [];
        var weights = new double[D * (k + 1)];
        if (score.Rule == WeightRule.ScoreMatching) Match(score, weights);
        else if (score.Rule == WeightRule.SteinCorrection) Correct(score, weights);
        else for (int i = 0; i < D; i++) weights[i * (k + 1) + i] = 1;
        return weights;
    }

    private void Match(WeightedScore score, double[] weights)
    {
        int k = score.Features.Length, d = D;
        var sums = new MomentSums(d, k, false) { Samples = 1 };
        for (int a = 0; a < k; a++)
            for (int b = 0; b < k; b++) sums.Gram[a * k + b] = Product(score.Features[a], score.Features[b]);
        for (int n = 0; n < d * k; n++) sums.Slopes[n] = Mean(score.Slopes[n], []);
        var w = LibrarySolver.Weights(sums, d, k, [.. Enumerable.Range(0, k)], score.Ridge, j => score.Free?[j] ?? false);
        for (int i = 0; i < d; i++)
            for (int a = 0; a < k; a++)
            {
                weights[i * (k + 1) + a] = w?[i * k + a] ?? double.NaN;
                weights[i * (k + 1) + k] -= weights[i * (k + 1) + a] * Means[d + score.Features[a]];
            }
    }

    // ŝ = W φ with W = −⟨x φᵀ⟩⁻ᵀ.
    private void Correct(WeightedScore score, double[] weights)
    {
        int d = D, columns = Tables.Products.Columns;
        var products = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.Dense(d, d, (i, j) => Products[i * columns + d + score.Features[j]]);
        var inverse = products.Transpose().Inverse();
        for (int i = 0; i < d; i++)
            for (int j = 0; j < d; j++) weights[i * (d + 1) + j] = -inverse[i, j];
    }
}
