using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Responses from a score that is a library's and a remainder r, such as what a network adds to it: R = R_L − ⟨(A(τ) − f(0)) conj r(0)⟩/N, f the regression of A(τ) on all
/// features of the library with a kernel each and R_L = ⟨∂f/∂u⟩ the response of the library alone. Its error is a product of two: right when either the score or the forecast is.
/// </summary>
public static class LibraryRemainder
{
    /// <summary>The features that f has: those of a score, and the field itself.</summary>
    public static IReadOnlyList<int> Forecast(LibraryTerms terms) => [.. terms.All.Prepend(0).Distinct()];

    /// <summary>The response.</summary>
    /// <param name="sums">Sums of a record.</param>
    /// <param name="observable">Which of its observables A is.</param>
    /// <param name="terms">The features of the library's score.</param>
    /// <param name="ridge">See <see cref="LibraryChoice.BestRidge"/>.</param>
    /// <param name="remainder">Lag products of A with r, from the same members and pieces of the record, perhaps fewer base times.</param>
    /// <param name="features">Lag products of the features of <see cref="Forecast"/> with r, likewise.</param>
    /// <param name="interval">Time between lags.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    /// <exception cref="LeithException">Fewer than 8 blocks; other blocks or lags of the remainder.</exception>
    public static FieldResponse Estimate(LibrarySums sums, int observable, LibraryTerms terms, double ridge, SpectralLagProducts remainder, IReadOnlyList<SpectralLagProducts> features, double interval, SpectralResponse.Bootstrap bootstrap)
    {
        if (sums.Lags != remainder.Lags) throw new LeithException($"response: expected the same lags of both lag products, got {sums.Lags} and {remainder.Lags}.");
        remainder = Like(sums, remainder);
        features = [.. features.Select(products => Like(sums, products))];
        var used = Forecast(terms);
        var free = new LibraryTerms(used, []);
        double n = sums.Grid.Sites;
        return SpectralResponse.Estimate(sums.Grid, sums.Blocks, interval, bootstrap, weights =>
        {
            var moments = sums.Moments(weights);
            var fit = LibraryFit.Solve(moments, free, ridge);
            var onRemainder = Solve(moments, used, ridge, [.. features.Select(products => products.Average(weights, lags: 1)[0])], sums.Layout);
            var kernels = new Complex[]?[sums.Features.Count];
            for (int i = 0; i < used.Count; i++)
                kernels[used[i]] = [.. fit.Weights[used[i]]!.Select((y, h) => (onRemainder[i][h] - y) / n)];
            var response = sums.Cross(observable, moments, kernels, weights);
            var far = remainder.Average(weights);
            for (int lag = 0; lag < response.Length; lag++)
                for (int k = 0; k < far[lag].Length; k++)
                    if (sums.Kept?[k] != false) response[lag][k] -= far[lag][k] / n;
            return response;
        });
    }

    /// <summary>−⟨u(x) ŝ(0)⟩ of the library's score and the remainder, which is the unit kick for the true score.</summary>
    /// <param name="sums">Sums of a record.</param>
    /// <param name="terms">The features of the library's score.</param>
    /// <param name="ridge">See <see cref="LibraryChoice.BestRidge"/>.</param>
    /// <param name="remainder">Lag products of u with r.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static FieldResponse AtLagZero(LibrarySums sums, LibraryTerms terms, double ridge, SpectralLagProducts remainder, SpectralResponse.Bootstrap bootstrap)
    {
        remainder = Like(sums, remainder);
        return SpectralResponse.Estimate(sums.Grid, sums.Blocks, 0, bootstrap.OfSites, weights =>
        {
            Complex[] identity = LibraryResponse.Identity(sums, sums.Moments(weights), terms, ridge), cross = remainder.Average(weights, lags: 1)[0];
            for (int k = 0; k < identity.Length; k++)
                if (sums.Kept?[k] != false) identity[k] -= cross[k] / sums.Grid.Sites;
            return [identity];
        });
    }

    /// <summary>Blocks of pairs of members made as large as those of a library's record, which joins pairs that stand beside each other.</summary>
    private static SpectralLagProducts Like(LibrarySums sums, SpectralLagProducts products) => products.Blocks % sums.Blocks == 0
        ? products.Joined(products.Blocks / sums.Blocks)
        : throw new LeithException($"response: expected blocks of pairs that fit those of the library, got {products.Blocks} and {sums.Blocks}.");

    /// <summary>G⁻¹ c, mode by mode.</summary>
    private static Complex[][] Solve(LibraryMoments moments, IReadOnlyList<int> used, double ridge, Complex[][] products, LibraryLayout layout)
    {
        Complex[][] y = [.. used.Select(_ => new Complex[moments.Modes])];
        var solver = new ModeSolver(used.Count);
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            var x = new Complex[used.Count, 1];
            for (int i = 0; i < used.Count; i++) x[i, 0] = products[i][layout.Half[h]];
            solver.Factor(moments, h, used, ridge);
            solver.Solve(x);
            for (int i = 0; i < used.Count; i++) y[i][h] = x[i, 0];
        }
        return y;
    }
}
