using System.Numerics;

namespace Leith.Core;

/// <summary>A fitted library score, s_k(u) = Σ_j w_j(k) (φ_j(u) − ⟨φ_j⟩)_k: the derivative of ln ρ by the value at each site, as a spectrum.</summary>
public sealed class LibraryScore
{
    private readonly double[] means;

    private LibraryScore(LibraryFeatures features, LibraryFit fit, Complex[]?[] kernels, double[] means) => (Features, Fit, Kernels, this.means) = (features, fit, kernels, means);

    /// <summary>The features.</summary>
    public LibraryFeatures Features { get; }

    /// <summary>How it was fitted.</summary>
    public LibraryFit Fit { get; }

    /// <summary>w_j(k), [feature][mode], null for features without part.</summary>
    public IReadOnlyList<Complex[]?> Kernels { get; }

    /// <summary>Means of the features over sites and fields.</summary>
    public IReadOnlyList<double> Means => [.. means.Select(mean => mean / Features.Grid.Sites)];

    /// <summary>Mean square of the score a site over the data it was fitted on.</summary>
    public double MeanSquare { get; private init; }

    /// <summary>The score of all data.</summary>
    /// <param name="sums">Sums of a record.</param>
    /// <param name="terms">The features it has.</param>
    /// <param name="ridge">See <see cref="LibraryChoice.BestRidge"/>.</param>
    /// <exception cref="LeithException">See <see cref="LibraryCheck"/>.</exception>
    public static LibraryScore Fitted(LibrarySums sums, LibraryTerms terms, double ridge)
    {
        var moments = sums.Moments();
        LibraryCheck.Require(sums, moments, terms);
        var fit = LibraryFit.Solve(moments, terms, ridge);
        double square = 0, n = sums.Grid.Sites;
        for (int h = 0; h < moments.Modes; h++)
            foreach (int i in terms.All)
                foreach (int j in terms.All) square += moments.Multiplicity(h) * (Complex.Conjugate(fit.Weights[i]![h]) * moments.Gram(h, i, j) * fit.Weights[j]![h]).Real;
        return new(sums.Features, fit, [.. fit.Weights.Select(w => w is null ? null : Whole(sums.Layout, w))], [.. Enumerable.Range(0, sums.Features.Count).Select(moments.Mean)]) { MeanSquare = square / (n * n) };
    }

    /// <summary>The score as a map from the states that the features are of to spectra; an instance serves one thread.</summary>
    public ITileMap CreateScore() => new ScoreMap(this);

    private static Complex[] Whole(LibraryLayout layout, Complex[] weights)
    {
        var kernel = new Complex[layout.Opposite.Length];
        for (int h = 0; h < weights.Length; h++)
        {
            int k = layout.Half[h];
            kernel[layout.Opposite[k]] = weights[h];
            kernel[k] = Complex.Conjugate(weights[h]);
        }
        return kernel;
    }

    private sealed class ScoreMap : ITileMap
    {
        private readonly LibraryFeatureMap map;
        private readonly (int First, SymbolMultiplier Kernel)[] terms;
        private readonly double offset;

        public ScoreMap(LibraryScore score)
        {
            map = score.Features.Create();
            int sites = score.Features.Grid.Sites;
            int[] used = [.. Enumerable.Range(0, score.Kernels.Count).Where(j => score.Kernels[j] is not null)];
            terms = [.. used.Select((j, i) => (j * sites, new SymbolMultiplier(score.Kernels[j]!, i > 0)))];
            offset = used.Sum(j => score.Kernels[j]![0].Real * score.means[j]);
        }

        public unsafe void Apply(Tile state, double time, Tile result)
        {
            map.Apply(state, time, 0);
            foreach (var (first, kernel) in terms)
            {
                int at = first * LaneArray.Lanes;
                kernel.Apply(map.Values.A.Pointer + at, map.Values.B.Pointer + at, result.A.Pointer, result.B.Pointer);
            }
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                result.A[0, lane] -= offset;
                result.B[0, lane] -= offset;
            }
        }

        public void Dispose() => map.Dispose();
    }
}
