using System.Numerics;

namespace Leith.Core;

/// <summary>
/// ‖ŝ − s‖²_D = ⟨ŝᵀDŝ⟩ + 2⟨∇·(Dŝ)⟩ − ⟨∇·F⟩ for a score ŝ of a field with drift F and additive noise, D = ½ S Sᵀ: an average over data, without the true score s.
/// Mode by mode Σ_k D_k (⟨|ŝ_k|²⟩/N + 2 Re Σ_j w_j b_j) − Σ_k b_F(k), b(k) the symbol of ⟨∂φ/∂u⟩. Modes without noise do not count in the norm.
/// </summary>
/// <param name="Value">‖ŝ − s‖²_D of the whole field; below zero it is sampling.</param>
/// <param name="Size">⟨sᵀDs⟩ = −⟨∇·F⟩, of the stationary law in continuous time.</param>
/// <param name="Sites">N.</param>
/// <remarks>
/// A fitted score is measured on blocks that it was not fitted to. One standard error from the spread of the blocks.
/// Where it lowers that, ⟨g·F⟩ + ⟨∇·(Dg)⟩ = 0 is taken off, g the part of ŝ that is a gradient ∇φ: the mean of the generator of φ. Without currents (F = Ds) what then remains is the identity
/// of Stein of ŝ with the test field Dŝ − F, which does not scatter where ŝ is right.
/// The law of a scheme with step h is off by O(h) and more: that error is in the value, as if the score had it, most of it only where nothing is taken off.
/// </remarks>
/// <param name="Controlled">Whether the mean of the generator was taken off.</param>
public sealed record FieldCertificate(Measurement Value, Measurement Size, int Sites, bool Controlled)
{
    private const int MostFolds = 8;

    /// <summary>√(‖ŝ − s‖²_D/⟨sᵀDs⟩), 0 where the value is not positive.</summary>
    public double Relative => Value.Value > 0 && Size.Value > 0 ? Math.Sqrt(Value.Value / Size.Value) : 0;

    /// <summary>The certificate of a score.</summary>
    /// <param name="sums">A record whose features have the drift among them, with slopes.</param>
    /// <param name="form">The score.</param>
    /// <param name="drift">Which feature the drift is.</param>
    /// <param name="diffusion">D_k, one entry a mode.</param>
    /// <exception cref="LeithException">Fewer than two blocks.</exception>
    public static FieldCertificate Of(LibrarySums sums, FieldScoreForm form, int drift, double[] diffusion)
    {
        if (sums.Blocks < 2) throw new LeithException($"certificate: expected at least 2 blocks for its standard error, got {sums.Blocks}; run more members or a longer record.");
        var whole = sums.Moments();
        int folds = form.Fitted is null ? 1 : Math.Min(MostFolds, sums.Blocks);
        var values = new double[sums.Blocks];
        var controlled = new double[sums.Blocks];
        var sizes = new double[sums.Blocks];
        for (int fold = 0; fold < folds; fold++)
        {
            int[] held = [.. Enumerable.Range(0, sums.Blocks).Where(b => b * folds / sums.Blocks == fold)];
            var others = folds == 1 ? whole : sums.Moments([.. Enumerable.Range(0, sums.Blocks).Select(b => held.Contains(b) ? 0.0 : 1.0)]);
            var weights = form.Weights(others, sums.Layout);
            double[] centres = form.Centres(others);
            var gradient = form.GradientPart(others, sums.Layout, weights, diffusion);
            foreach (int b in held)
            {
                var moments = sums.Moments([.. Enumerable.Range(0, sums.Blocks).Select(i => i == b ? 1.0 : 0.0)]);
                sizes[b] = -Divergence(moments, whole.Alive, drift);
                values[b] = sizes[b] + Loss(moments, sums.Layout, whole.Alive, form.Features, weights, centres, diffusion);
                controlled[b] = values[b] - Generator(moments, sums.Layout, whole.Alive, gradient, centres, drift, diffusion);
            }
        }
        Measurement plain = Mean(values, sums.Counts), other = Mean(controlled, sums.Counts);
        bool better = other.StandardError < plain.StandardError;
        return new(better ? other : plain, Mean(sizes, sums.Counts), sums.Grid.Sites, better);
    }

    /// <summary>Σ_k c_k (⟨|ŝ_k|²⟩/N + 2 Re Σ_j w_j b_j).</summary>
    internal static double Loss(LibraryMoments moments, LibraryLayout layout, bool[] alive, IReadOnlyList<int> used, Complex[]?[] weights, double[] centres, double[] counts)
    {
        double loss = 0;
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!alive[h]) continue;
            double square = 0, divergence = 0;
            foreach (int i in used)
            {
                Complex row = 0;
                foreach (int j in used)
                {
                    var gram = moments.Gram(h, i, j);
                    if (h == 0) gram += (moments.Mean(i) - centres[i]) * (moments.Mean(j) - centres[j]);
                    row += gram * weights[j]![h];
                }
                square += (Complex.Conjugate(weights[i]![h]) * row).Real;
                divergence += (Complex.Conjugate(weights[i]![h]) * moments.Slope(h, i)).Real;
            }
            loss += counts[layout.Half[h]] * moments.Multiplicity(h) * (square / moments.Sites + 2 * divergence);
        }
        return loss;
    }

    // ⟨g·F⟩ + ⟨∇·(Dg)⟩; the mean of F vanishes in a stationary law
    private static double Generator(LibraryMoments moments, LibraryLayout layout, bool[] alive, double[]?[] gradient, double[] centres, int drift, double[] diffusion)
    {
        double sum = 0;
        for (int j = 0; j < gradient.Length; j++)
        {
            if (gradient[j] is not { } part) continue;
            for (int h = 0; h < part.Length; h++)
            {
                if (!alive[h]) continue;
                double product = moments.Gram(h, j, drift).Real;
                if (h == 0) product += (moments.Mean(j) - centres[j]) * moments.Mean(drift);
                sum += moments.Multiplicity(h) * part[h] * (product / moments.Sites + diffusion[layout.Half[h]] * moments.Slope(h, j).Real);
            }
        }
        return sum;
    }

    private static double Divergence(LibraryMoments moments, bool[] alive, int drift) =>
        Enumerable.Range(0, moments.Modes).Where(h => alive[h]).Sum(h => moments.Multiplicity(h) * moments.Slope(h, drift).Real);

    /// <summary>The mean of blocks that count by their fields.</summary>
    internal static Measurement Mean(double[] values, double[] counts)
    {
        double all = counts.Sum(), n = values.Length, mean = values.Zip(counts, (v, c) => v * c / all).Sum();
        return new(mean, Math.Sqrt(values.Zip(counts, (v, c) => Math.Pow((v - mean) * c / all, 2)).Sum() * n / (n - 1)));
    }
}
