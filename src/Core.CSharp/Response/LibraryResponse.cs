using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Impulse responses from library scores, R_k(τ) = −(1/N) Σ_j w_j* ⟨A_k(τ) conj φ_j,k(0)⟩. Standard errors by a bootstrap in which every resample fits the score anew: what the
/// noise of the fit and of the correlation cancel of each other, as in a regression, is in them.
/// </summary>
public static class LibraryResponse
{
    /// <summary>
    /// The response. Where the field has no free kernel of its own a linear forecast P_k = ⟨A_k(τ) conj u_k(0)⟩/⟨|u_k|²⟩ is the control variate, R_k + P_k (1 − R_k^u(0)); with one this is 0.
    /// </summary>
    /// <param name="sums">Sums of a record.</param>
    /// <param name="observable">Which of its observables.</param>
    /// <param name="terms">The features of the score.</param>
    /// <param name="ridge">See <see cref="LibraryChoice.BestRidge"/>.</param>
    /// <param name="interval">Time between lags.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    /// <exception cref="LeithException">Fewer than 8 blocks.</exception>
    public static FieldResponse Estimate(LibrarySums sums, int observable, LibraryTerms terms, double ridge, double interval, SpectralResponse.Bootstrap bootstrap) =>
        SpectralResponse.Estimate(sums.Grid, sums.Blocks, interval, bootstrap, weights =>
        {
            var moments = sums.Moments(weights);
            var fit = LibraryFit.Solve(moments, terms, ridge);
            double n = sums.Grid.Sites;
            var kernels = new Complex[]?[sums.Features.Count];
            foreach (int j in terms.All) kernels[j] = [.. fit.Weights[j]!.Select(y => y / -n)];
            if (!terms.HasFreeState)
            {
                var own = kernels[0] ??= new Complex[moments.Modes];
                var identity = Identity(moments, fit);
                for (int h = 0; h < moments.Modes; h++)
                    if (moments.Alive[h]) own[h] += (1 - identity[h]) / moments.Gram(h, 0, 0).Real;
            }
            return sums.Cross(observable, moments, kernels, weights);
        });

    /// <summary>−⟨u(x) ŝ(0)⟩, which is the unit kick for the true score: lag 0 alone, before any control variate.</summary>
    /// <param name="sums">Sums of a record.</param>
    /// <param name="terms">The features of the score.</param>
    /// <param name="ridge">See <see cref="LibraryChoice.BestRidge"/>.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static FieldResponse AtLagZero(LibrarySums sums, LibraryTerms terms, double ridge, SpectralResponse.Bootstrap bootstrap) =>
        SpectralResponse.Estimate(sums.Grid, sums.Blocks, 0, bootstrap.OfSites, weights =>
            [Identity(sums, sums.Moments(weights), terms, ridge)]);

    /// <summary>Values that a fit gives, each with the standard error of the bootstrap.</summary>
    /// <param name="sums">Sums of a record.</param>
    /// <param name="terms">The features of the score.</param>
    /// <param name="ridge">See <see cref="LibraryChoice.BestRidge"/>.</param>
    /// <param name="exact">A feature that is the score itself, or −1: its relative distance comes first then.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    /// <returns>The relative L2 distance from the exact score (NaN without), the numbers of the fixed features, and w_j(k) of the free ones, [feature in its list][kept mode], with the standard error of |w_j(k)|.</returns>
    public static (Measurement RelativeError, Measurement[] Coefficients, Complex[][] Kernels, double[][] KernelErrors) Values(LibrarySums sums, LibraryTerms terms, double ridge, int exact, SpectralResponse.Bootstrap bootstrap)
    {
        double[] All(double[]? weights, out LibraryFit fit)
        {
            var moments = sums.Moments(weights);
            fit = LibraryFit.Solve(moments, terms, ridge);
            var values = fit.Weights;
            return [exact < 0 ? double.NaN : fit.RelativeError(moments, exact), .. fit.Coefficients, .. terms.Free.SelectMany(j => values[j]!.Select(y => y.Magnitude))];
        }
        double[] centre = All(null, out var fitted);
        var squares = new double[bootstrap.Resamples][];
        Parallel.For(0, bootstrap.Resamples, new ParallelOptions { MaxDegreeOfParallelism = bootstrap.Threads }, r =>
            squares[r] = All(Resampling.Weights(sums.Blocks, sums.Blocks, bootstrap.Seed, r), out _));
        double Deviation(int i)
        {
            double mean = squares.Average(s => s[i]);
            return Math.Sqrt(squares.Sum(s => (s[i] - mean) * (s[i] - mean)) / (bootstrap.Resamples - 1) * sums.Blocks / (sums.Blocks - 1));
        }
        int fixedCount = terms.Fixed.Count, modes = sums.Layout.Half.Length;
        return (new(centre[0], Deviation(0)), [.. Enumerable.Range(1, fixedCount).Select(i => new Measurement(centre[i], Deviation(i)))],
            [.. terms.Free.Select(j => fitted.Weights[j]!.Select(Complex.Conjugate).ToArray())],
            [.. terms.Free.Select((_, f) => Enumerable.Range(0, modes).Select(h => Deviation(1 + fixedCount + f * modes + h)).ToArray())]);
    }

    /// <summary>The same in all modes, of the score fitted to these moments.</summary>
    internal static Complex[] Identity(LibrarySums sums, LibraryMoments moments, LibraryTerms terms, double ridge)
    {
        var half = Identity(moments, LibraryFit.Solve(moments, terms, ridge));
        var whole = new Complex[sums.Grid.Sites];
        for (int h = 0; h < half.Length; h++)
        {
            int k = sums.Layout.Half[h];
            whole[sums.Layout.Opposite[k]] = Complex.Conjugate(half[h]);
            whole[k] = half[h];
        }
        return whole;
    }

    // −⟨u_k conj ŝ_k⟩/N
    private static Complex[] Identity(LibraryMoments moments, LibraryFit fit)
    {
        var identity = new Complex[moments.Modes];
        foreach (int j in fit.Terms.All)
            for (int h = 0; h < moments.Modes; h++) identity[h] -= fit.Weights[j]![h] * moments.Gram(h, 0, j) / moments.Sites;
        return identity;
    }
}
