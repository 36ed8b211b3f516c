using System.Numerics;

namespace Leith.Core;

/// <summary>
/// The doubly robust response R(τ) = ⟨∂f/∂u⟩ + ⟨(A(τ) − f(u₀)) B̂⟩ of homogeneous fields, B̂ = −ŝ, f the least-squares regression of A(τ) on features with a free kernel each:
/// its error is the product of that of the score and that of the regression. Mode by mode R_k = −(1/N) ⟨(A_k − f_k) conj ŝ_k⟩ + Σ_i c_i b_i.
/// </summary>
/// <remarks>Where the score is in the span of the features, or was fitted on features among which those of f are, R is the response of the one or of the other alone: nothing is gained.</remarks>
public static class RobustFieldResponse
{
    /// <summary>The response.</summary>
    /// <param name="sums">Sums of a record with the features of score and regression.</param>
    /// <param name="observable">Which of its observables A is.</param>
    /// <param name="form">The score.</param>
    /// <param name="regression">The features of f.</param>
    /// <param name="ridge">The ridge of f, relative as in <see cref="LibraryFit.Ridge"/>.</param>
    /// <param name="interval">Time between lags.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    /// <exception cref="LeithException">Fewer than 8 blocks.</exception>
    public static FieldResponse Estimate(LibrarySums sums, int observable, FieldScoreForm form, IReadOnlyList<int> regression, double ridge, double interval, SpectralResponse.Bootstrap bootstrap) =>
        SpectralResponse.Estimate(sums.Grid, sums.Blocks, interval, bootstrap, weights =>
        {
            var moments = sums.Moments(weights);
            return sums.Cross(observable, moments, Kernels(moments, sums.Layout, form, regression, ridge), weights);
        });

    /// <summary>⟨|f_k|²⟩ of the regression of A(τ), [lag][mode], means removed: what it explains of ⟨|A_k|²⟩.</summary>
    /// <param name="sums">Sums of a record with the features of the regression.</param>
    /// <param name="observable">Which of its observables A is.</param>
    /// <param name="regression">The features of f.</param>
    /// <param name="ridge">The ridge of f.</param>
    public static double[][] Explained(LibrarySums sums, int observable, IReadOnlyList<int> regression, double ridge)
    {
        var moments = sums.Moments();
        int count = regression.Count;
        Complex[][][] products = [.. regression.Select(j =>
        {
            var kernels = new Complex[]?[sums.Features.Count];
            kernels[j] = [.. Enumerable.Repeat(Complex.One, moments.Modes)];
            return sums.Cross(observable, moments, kernels, null);
        })];
        var explained = new double[sums.Lags][];
        for (int lag = 0; lag < sums.Lags; lag++) explained[lag] = new double[sums.Grid.Sites];
        var solver = new ModeSolver(count);
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            int k = sums.Layout.Half[h];
            solver.Factor(moments, h, regression, ridge);
            var x = new Complex[count, sums.Lags];
            for (int i = 0; i < count; i++)
                for (int lag = 0; lag < sums.Lags; lag++) x[i, lag] = Complex.Conjugate(products[i][lag][k]);
            solver.Solve(x);
            for (int lag = 0; lag < sums.Lags; lag++)
            {
                // without ridge ⟨|f|²⟩ = Σ_i P_i (G⁻¹ P*)_i; a small ridge makes it a lower value, that of A and f in common
                double value = 0;
                for (int i = 0; i < count; i++) value += (products[i][lag][k] * x[i, lag]).Real;
                explained[lag][k] = explained[lag][sums.Layout.Opposite[k]] = value;
            }
        }
        return explained;
    }

    // y with R_k = Σ_i y_i ⟨A_k conj φ_i,k⟩: of the score −W_i/N, of the regression (G⁻¹ (⟨φ conj ŝ⟩ + N b))_i/N
    private static Complex[]?[] Kernels(LibraryMoments moments, LibraryLayout layout, FieldScoreForm form, IReadOnlyList<int> regression, double ridge)
    {
        double n = moments.Sites;
        var score = form.Weights(moments, layout);
        var used = form.Features;
        var kernels = new Complex[]?[moments.Features];
        foreach (int j in used.Concat(regression)) kernels[j] = new Complex[moments.Modes];
        var solver = new ModeSolver(regression.Count);
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            foreach (int j in used) kernels[j]![h] -= score[j]![h] / n;
            var x = new Complex[regression.Count, 1];
            for (int i = 0; i < regression.Count; i++)
            {
                x[i, 0] = n * moments.Slope(h, regression[i]);
                foreach (int j in used) x[i, 0] += moments.Gram(h, regression[i], j) * score[j]![h];
            }
            solver.Factor(moments, h, regression, ridge);
            solver.Solve(x);
            for (int i = 0; i < regression.Count; i++) kernels[regression[i]]![h] += x[i, 0] / n;
        }
        return kernels;
    }
}
