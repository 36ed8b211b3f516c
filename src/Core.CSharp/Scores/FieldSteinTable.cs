using System.Numerics;

namespace Leith.Core;

/// <summary>Identities that the true score of a homogeneous field has, averaged over the sites, with the standard error of a bootstrap in which every resample fits the score anew.</summary>
public static class FieldSteinTable
{
    /// <summary>⟨g(x) ŝ(x)⟩ + ⟨∂g(x)/∂u(x)⟩ of test fields g = φ_i: 0 for the true score.</summary>
    /// <param name="sums">A record whose features have the test fields among them, with slopes.</param>
    /// <param name="form">The score.</param>
    /// <param name="tests">Which features the test fields are.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static Measurement[] Residuals(LibrarySums sums, FieldScoreForm form, IReadOnlyList<int> tests, SpectralResponse.Bootstrap bootstrap)
    {
        double[] All(double[]? blocks)
        {
            var moments = sums.Moments(blocks);
            var weights = form.Weights(moments, sums.Layout);
            return [.. tests.Select(g => Residual(moments, weights, form.Features, g))];
        }
        double[] centre = All(null);
        var resamples = new double[bootstrap.Resamples][];
        Parallel.For(0, bootstrap.Resamples, new ParallelOptions { MaxDegreeOfParallelism = bootstrap.Threads }, r =>
            resamples[r] = All(Resampling.Weights(sums.Blocks, sums.Blocks, bootstrap.Seed, r)));
        double Deviation(int i)
        {
            double mean = resamples.Average(s => s[i]);
            return Math.Sqrt(resamples.Sum(s => (s[i] - mean) * (s[i] - mean)) / (bootstrap.Resamples - 1) * sums.Blocks / Math.Max(1, sums.Blocks - 1));
        }
        return [.. centre.Select((value, i) => new Measurement(value, Deviation(i)))];
    }

    /// <summary>
    /// Held-out loss ⟨½|ŝ|² + ∇·ŝ⟩ before and after ŝ_k is divided by conj R_k(0), R_k(0) = −⟨u_k conj ŝ_k⟩/N, so that R(0) = I; a mode counts with its variance, as in <see cref="LibraryChoice"/>.
    /// </summary>
    /// <param name="sums">A record.</param>
    /// <param name="form">The score.</param>
    /// <returns>Loss a site without and with the correction, and the standard error of their difference from the folds.</returns>
    public static (double Without, double With, double StandardError) Correction(LibrarySums sums, FieldScoreForm form)
    {
        int folds = Math.Min(8, sums.Blocks);
        var whole = sums.Moments();
        double n = sums.Grid.Sites;
        var variances = new double[sums.Grid.Sites];
        for (int h = 0; h < whole.Modes; h++) variances[sums.Layout.Half[h]] = whole.Gram(h, 0, 0).Real / n;
        var losses = Enumerable.Range(0, folds).Select(fold =>
        {
            double[] held = [.. Enumerable.Range(0, sums.Blocks).Select(b => b * folds / sums.Blocks == fold ? 1.0 : 0.0)];
            LibraryMoments others = sums.Moments([.. held.Select(w => 1 - w)]), rest = sums.Moments(held);
            var weights = form.Weights(others, sums.Layout);
            double[] centres = form.Centres(others);
            double Loss(Complex[]?[] w) => FieldCertificate.Loss(rest, sums.Layout, whole.Alive, form.Features, w, centres, variances) / (2 * n);
            return (Plain: Loss(weights), Divided: Loss(Divided(others, weights, form.Features)), Share: rest.Fields / whole.Fields);
        }).ToArray();
        double[] gains = [.. losses.Select(l => l.Plain - l.Divided)];
        double mean = gains.Average();
        return (losses.Sum(l => l.Plain * l.Share), losses.Sum(l => l.Divided * l.Share), Math.Sqrt(gains.Sum(g => (g - mean) * (g - mean)) / (folds * Math.Max(1, folds - 1.0))));
    }

    private static double Residual(LibraryMoments moments, Complex[]?[] weights, IReadOnlyList<int> used, int g)
    {
        double sum = 0, n = moments.Sites;
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            Complex product = 0;
            foreach (int j in used) product += moments.Gram(h, g, j) * weights[j]![h];
            sum += moments.Multiplicity(h) * (product.Real / n + moments.Slope(h, g).Real);
        }
        return sum / n;
    }

    private static Complex[]?[] Divided(LibraryMoments moments, Complex[]?[] weights, IReadOnlyList<int> used)
    {
        var divided = new Complex[]?[weights.Length];
        foreach (int j in used) divided[j] = [.. weights[j]!];
        for (int h = 0; h < moments.Modes; h++)
        {
            Complex identity = 0;
            foreach (int j in used) identity -= moments.Gram(h, 0, j) * weights[j]![h] / moments.Sites;
            // the weights are conjugates, so they are divided by R(0) itself
            if (identity != 0)
                foreach (int j in used) divided[j]![h] /= identity;
        }
        return divided;
    }
}
