namespace Leith.Core;

/// <summary>
/// Implicit score matching (Hyvärinen, J. Mach. Learn. Res. 6, 695 (2005)) on features: s_i = Σ_j W_ij (φ_j − φ̄_j) with W (G + λ diag G) = −B minimises
/// J = ⟨½ |s|² + ∇·s⟩, which is half the mean squared error of s up to a constant that does not depend on it.
/// </summary>
internal static class LibrarySolver
{
    /// <summary>Below this part of the variance a direction is rounding.</summary>
    public const double Smallest = 1e-12;

    // λ in units of each feature's variance.
    private static readonly double[] Ridges = [0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];

    /// <summary>W, [component · chosen.Count + feature]; null where the features are collinear. Features that bear no penalty are those named free.</summary>
    public static double[]? Weights(MomentSums sums, int dimension, int features, IReadOnlyList<int> chosen, double ridge, Func<int, bool> free)
    {
        int k = chosen.Count;
        var scale = new double[k];
        var matrix = new double[k * k];
        for (int a = 0; a < k; a++) scale[a] = Math.Sqrt(sums.Gram[chosen[a] * features + chosen[a]]);
        for (int a = 0; a < k; a++)
            for (int b = 0; b < k; b++)
                matrix[a * k + b] = sums.Gram[chosen[a] * features + chosen[b]] / (scale[a] * scale[b]) + (a == b && !free(chosen[a]) ? ridge : 0);
        if (!Factor(matrix, k)) return null;
        var weights = new double[dimension * k];
        for (int i = 0; i < dimension; i++)
        {
            var w = weights.AsSpan(i * k, k);
            for (int a = 0; a < k; a++) w[a] = -sums.Slopes[i * features + chosen[a]] / scale[a];
            Substitute(matrix, k, w);
            for (int a = 0; a < k; a++) w[a] /= scale[a];
        }
        return weights;
    }

    /// <summary>J of weights on other sums, a sample.</summary>
    public static double Loss(MomentSums sums, double[] weights, int dimension, int features, IReadOnlyList<int> chosen)
    {
        int k = chosen.Count;
        double loss = 0;
        for (int i = 0; i < dimension; i++)
            for (int a = 0; a < k; a++)
            {
                double w = weights[i * k + a], along = 0;
                for (int b = 0; b < k; b++) along += sums.Gram[chosen[a] * features + chosen[b]] * weights[i * k + b];
                loss += w * (0.5 * along + sums.Slopes[i * features + chosen[a]]);
            }
        return loss / sums.Samples;
    }

    /// <summary>J on each fold of weights from the others; null where these cannot be had.</summary>
    public static double[]? HeldOut(VectorMoments moments, IReadOnlyList<int> chosen, double ridge, Func<int, bool> free)
    {
        var losses = new double[moments.Folds.Length];
        for (int f = 0; f < losses.Length; f++)
        {
            var rest = new MomentSums(moments.Dimension, moments.Count, moments.HasExact).Add(1, moments.Whole).Add(-1, moments.Folds[f]);
            if (Weights(rest, moments.Dimension, moments.Count, chosen, ridge, free) is not { } weights) return null;
            losses[f] = Loss(moments.Folds[f], weights, moments.Dimension, moments.Count, chosen);
        }
        return losses;
    }

    /// <summary>Whether losses are lower than others by more than so many standard errors of their difference, fold by fold.</summary>
    public static bool Better(double[] losses, double[] than, double errors)
    {
        var gains = than.Zip(losses, (x, y) => x - y).ToArray();
        double mean = gains.Average(), variance = gains.Sum(g => (g - mean) * (g - mean)) / Math.Max(1, gains.Length - 1);
        return mean > errors * Math.Sqrt(variance / gains.Length) && mean > 1e-10 * Math.Abs(than.Average());
    }

    /// <summary>The penalty λ with the lowest held-out loss; 0 unless another gains more than two standard errors.</summary>
    public static double ChooseRidge(VectorMoments moments, IReadOnlyList<int> chosen, Func<int, bool> free)
    {
        double best = 0;
        double[]? plain = null, lowest = null;
        foreach (double ridge in Ridges)
        {
            if (HeldOut(moments, chosen, ridge, free) is not { } losses) continue;
            plain ??= losses;
            if (lowest != null && !(losses.Average() < lowest.Average() && Better(losses, plain, 2))) continue;
            (lowest, best) = (losses, ridge);
        }
        return best;
    }

    // Cholesky, in place, lower triangle; false where a pivot is rounding.
    private static bool Factor(double[] m, int k)
    {
        for (int a = 0; a < k; a++)
            for (int b = 0; b <= a; b++)
            {
                double sum = m[a * k + b];
                for (int c = 0; c < b; c++) sum -= m[a * k + c] * m[b * k + c];
                if (a == b && !(sum > Smallest)) return false;
                m[a * k + b] = a == b ? Math.Sqrt(sum) : sum / m[b * k + b];
            }
        return true;
    }

    private static void Substitute(double[] m, int k, Span<double> x)
    {
        for (int a = 0; a < k; a++)
        {
            for (int c = 0; c < a; c++) x[a] -= m[a * k + c] * x[c];
            x[a] /= m[a * k + a];
        }
        for (int a = k - 1; a >= 0; a--)
        {
            for (int c = a + 1; c < k; c++) x[a] -= m[c * k + a] * x[c];
            x[a] /= m[a * k + a];
        }
    }
}
