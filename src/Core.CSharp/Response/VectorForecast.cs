using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>Features φ from which A(τ) is forecast: their rows in A, their columns in B, and ∂φ_j/∂x_i.</summary>
/// <param name="Rows">Row of each feature among the observables.</param>
/// <param name="Columns">Column of each feature among the fields B.</param>
/// <param name="Slopes">∂φ_j/∂x_i, [component][feature]; rows of the slopes count observables.</param>
public sealed record ForecastFeatures(int[] Rows, int[] Columns, FeatureSlope[][] Slopes);

/// <summary>
/// The doubly robust response of scalar unknowns, R(τ) = ⟨∂f/∂x⟩ − ⟨(A(τ) − f(x)) ŝᵀ⟩ with f = P(τ) φ, the least-squares forecast of A(τ) from features at time 0:
/// its bias is the product of the errors of f and ŝ.
/// </summary>
/// <remarks>With P = C_Aφ(τ) G⁻¹ this is R_ŝ(τ) + P(τ)(⟨∂φ/∂x⟩ + ⟨φ ŝᵀ⟩): lag products suffice. φ = x is the linear control variate of <see cref="VectorResponse.FromScore"/>.</remarks>
public static class VectorForecast
{
    /// <summary>The response with its standard errors, by the block bootstrap.</summary>
    /// <param name="products">Lag products with scores in B, the features in A and B.</param>
    /// <param name="score">Which of the scores, from 0.</param>
    /// <param name="features">The features.</param>
    /// <param name="resamples">Resamples of the bootstrap.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <exception cref="LeithException">Fewer than eight blocks; features that are collinear.</exception>
    public static ResponseEstimate FromScore(LagProducts products, int score, ForecastFeatures features, int resamples = 200, ulong seed = 1)
    {
        StateCovariance.Check(products);
        var ranges = BlockBootstrap.Ranges(products);
        int draws = BlockBootstrap.Draws(products, ranges.Count);
        int size = (products.Longest + 1) * products.Rows * products.Columns, pairs = size + products.Longest + 1;
        var units = ranges.Select(range =>
        {
            var (sums, counts) = BlockBootstrap.Join(products, range.First, range.Count);
            return (double[])[.. sums, .. counts, .. RowSums(products, range.First, range.Count)];
        }).ToArray();
        var centre = Values(products, products.Means(), Divided(RowSums(products, 0, products.Blocks), products.Samples), score, features);
        return VectorResponse.Of(products, centre, Resampled.Of(units, draws, resamples, seed, centre,
            row => Values(products, products.Normalise(row[..size], row[size..pairs]), Divided(row[pairs..], row[size]), score, features)));
    }

    private static double[] RowSums(LagProducts products, int first, int count)
    {
        var sums = new double[products.Rows];
        for (int block = first; block < first + count; block++) Resampling.AddScaled(1, products.RowSums(block), sums);
        return sums;
    }

    private static double[] Divided(double[] sums, double by) => [.. sums.Select(x => x / by)];

    // [lag][row · d + kick].
    private static double[][] Values(LagProducts products, double[][] means, double[] rowMeans, int score, ForecastFeatures f)
    {
        int d = products.Dimension, columns = products.Columns, p = f.Rows.Length, offset = (score + 1) * d;
        // In units of standard deviations, whose products may differ by many orders.
        var scale = Enumerable.Range(0, p).Select(j => Math.Sqrt(means[0][f.Rows[j] * columns + f.Columns[j]])).ToArray();
        var gram = Matrix<double>.Build.Dense(p, p, (a, b) => means[0][f.Rows[a] * columns + f.Columns[b]] / (scale[a] * scale[b]));
        var defect = Matrix<double>.Build.Dense(p, d, (j, i) => (Slope(f.Slopes[i][j], rowMeans) + means[0][f.Rows[j] * columns + offset + i]) / scale[j]);
        var corrected = gram.Solve(defect);
        var result = new double[means.Length][];
        for (int lag = 0; lag < means.Length; lag++)
        {
            result[lag] = new double[products.Rows * d];
            for (int row = 0; row < products.Rows; row++)
                for (int i = 0; i < d; i++)
                {
                    double sum = -means[lag][row * columns + offset + i];
                    for (int j = 0; j < p; j++) sum += means[lag][row * columns + f.Columns[j]] / scale[j] * corrected[j, i];
                    result[lag][row * d + i] = sum;
                }
        }
        return result;
    }

    private static double Slope(FeatureSlope slope, double[] rowMeans) => slope.Constant + (slope.Row < 0 ? 0 : slope.Factor * rowMeans[slope.Row]);
}
