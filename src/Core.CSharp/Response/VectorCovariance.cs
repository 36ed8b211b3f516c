using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>C(0) of the state and its inverse.</summary>
internal static class StateCovariance
{
    // Below this part of the variance a direction is rounding, not signal.
    private const double Smallest = 1e-12;

    /// <summary>Throws unless the correlation matrix has no eigenvalue near zero.</summary>
    public static void Check(LagProducts products)
    {
        int d = products.Dimension;
        double[][] c = products.Covariance(0);
        var names = products.Names;
        int constant = Array.FindIndex(Enumerable.Range(0, d).ToArray(), i => !(c[i][i] > 0));
        if (constant >= 0)
            throw new LeithException($"response: expected components that vary, got the constant component '{names[constant]}' (variance {c[constant][constant]:g3}), so that the covariance is singular. Leave it out.");
        var correlation = Matrix<double>.Build.Dense(d, d, (i, j) => 0.5 * (c[i][j] + c[j][i]) / Math.Sqrt(c[i][i] * c[j][j]));
        var eigen = correlation.Evd(Symmetricity.Symmetric);
        double least = eigen.EigenValues[0].Real;
        if (least > Smallest) return;
        var direction = eigen.EigenVectors.Column(0);
        var terms = Enumerable.Range(0, d).Where(i => Math.Abs(direction[i]) > 0.05).OrderByDescending(i => Math.Abs(direction[i])).Take(5);
        string combination = string.Join(" ", terms.Select(i => $"{(direction[i] < 0 ? "−" : "+")} {Math.Abs(direction[i]):f2} '{names[i]}'"));
        throw new LeithException($"response: expected a covariance that can be inverted, got a singular one: in units of standard deviations {combination.TrimStart('+', ' ')} hardly varies (variance {least:g2} of 1). Leave one of these components out, or combine them{(products.Samples <= d ? $"; {products.Samples} samples cannot tell {d} components apart" : "")}.");
    }

    /// <summary>C(0)⁻¹, [i · d + j], of the first d rows and columns.</summary>
    public static double[] Inverse(double[] means, int columns, int d)
    {
        // Scaled to unit variances first: components may have units of any size.
        var scales = Enumerable.Range(0, d).Select(i => Math.Sqrt(means[i * columns + i])).ToArray();
        var inverse = Matrix<double>.Build.Dense(d, d, (i, j) => means[i * columns + j] / (scales[i] * scales[j])).Inverse();
        var result = new double[d * d];
        for (int i = 0; i < d; i++)
            for (int j = 0; j < d; j++) result[i * d + j] = inverse[i, j] / (scales[i] * scales[j]);
        return result;
    }
}
