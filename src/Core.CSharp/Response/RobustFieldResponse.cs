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

    /// <summary>
    /// How much of the score the features of a regression do not explain, Σ_k C_k ⟨|ŝ_k − proj|²⟩/Σ_k C_k ⟨|ŝ_k|²⟩, C_k the variance of the field in each mode: where it is 0, the score is of
    /// the class of the regression and R is that of the regression alone.
    /// </summary>
    /// <param name="sums">Sums of a record with the features of score and regression.</param>
    /// <param name="form">The score.</param>
    /// <param name="regression">The features of f.</param>
    public static double ScoreOutside(LibrarySums sums, FieldScoreForm form, IReadOnlyList<int> regression)
    {
        var moments = sums.Moments();
        var score = form.Weights(moments, sums.Layout);
        var used = form.Features;
        double outside = 0, all = 0;
        var solver = new ModeSolver(regression.Count);
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            Complex square = 0;
            foreach (int i in used)
                foreach (int j in used) square += Complex.Conjugate(score[i]![h]) * moments.Gram(h, i, j) * score[j]![h];
            var x = new Complex[regression.Count, 1];
            var q = new Complex[regression.Count];
            for (int i = 0; i < q.Length; i++)
            {
                foreach (int j in used) q[i] += moments.Gram(h, regression[i], j) * score[j]![h];
                x[i, 0] = q[i];
            }
            solver.Factor(moments, h, regression, 0);
            solver.Solve(x);
            double inside = q.Select((value, i) => (Complex.Conjugate(value) * x[i, 0]).Real).Sum(), weight = moments.Multiplicity(h) * moments.Gram(h, 0, 0).Real;
            all += weight * square.Real;
            outside += weight * Math.Max(0, square.Real - inside);
        }
        return all > 0 ? outside / all : 0;
    }

    /// <summary>−⟨u(x) ŝ(0)⟩, the unit kick for the true score, at lag 0.</summary>
    /// <param name="sums">Sums of a record with the features of the score.</param>
    /// <param name="form">The score.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static FieldResponse AtLagZero(LibrarySums sums, FieldScoreForm form, SpectralResponse.Bootstrap bootstrap) =>
        SpectralResponse.Estimate(sums.Grid, sums.Blocks, 0, bootstrap.OfSites, weights =>
        {
            var moments = sums.Moments(weights);
            var score = form.Weights(moments, sums.Layout);
            var identity = new Complex[sums.Grid.Sites];
            for (int h = 0; h < moments.Modes; h++)
            {
                if (!moments.Alive[h]) continue;
                Complex value = 0;
                foreach (int j in form.Features) value -= moments.Gram(h, 0, j) * score[j]![h] / moments.Sites;
                int k = sums.Layout.Half[h];
                (identity[sums.Layout.Opposite[k]], identity[k]) = (Complex.Conjugate(value), value);
            }
            return [identity];
        });

    /// <summary>R_k(τ)/R_k^u(0) from a known score: what a score that is divided so that R(0) = I answers.</summary>
    /// <param name="products">Lag products of A with the score.</param>
    /// <param name="own">Lag products of u with the score.</param>
    /// <param name="interval">Time between lags.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static FieldResponse Corrected(SpectralLagProducts products, SpectralLagProducts own, double interval, SpectralResponse.Bootstrap bootstrap) =>
        SpectralResponse.Estimate(products.Grid, products.Blocks, interval, bootstrap, weights =>
        {
            var response = products.Average(weights);
            var identity = own.Average(weights, lags: 1)[0];
            foreach (var row in response)
                for (int k = 0; k < row.Length; k++) row[k] = identity[k] == 0 ? 0 : row[k] / identity[k];
            return response;
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
