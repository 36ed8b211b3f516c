using System.Numerics;

namespace Leith.Core;

/// <summary>A feature with a kernel that is known beforehand.</summary>
/// <param name="Feature">Its number in the record.</param>
/// <param name="Kernel">w(k), one entry a mode; null for 1.</param>
/// <param name="Centred">Whether the mean of the feature over the record is taken off.</param>
public sealed record KnownTerm(int Feature, Complex[]? Kernel = null, bool Centred = false);

/// <summary>
/// How the score of a homogeneous field is made of the features of a record, ŝ_k = Σ_j w_j(k) φ_j,k: by a fit (the Gaussian score is that on the field alone), by kernels that are
/// known, such as an exact score or what a network adds, or both.
/// </summary>
/// <param name="Fitted">The terms of the fit, null without one.</param>
/// <param name="Ridge">Its ridge.</param>
/// <param name="Known">Terms with known kernels.</param>
public sealed record FieldScoreForm(LibraryTerms? Fitted, double Ridge, IReadOnlyList<KnownTerm> Known)
{
    /// <summary>The Gaussian score, −N u_k/⟨|u_k|²⟩.</summary>
    public static FieldScoreForm Gaussian { get; } = new(new([0], []), 0, []);

    /// <summary>Features that enter.</summary>
    internal IReadOnlyList<int> Features => [.. (Fitted?.All ?? []).Concat(Known.Select(k => k.Feature)).Distinct()];

    /// <summary>conj w_j, [feature][kept mode], null for features without part.</summary>
    internal Complex[]?[] Weights(LibraryMoments moments, LibraryLayout layout)
    {
        var weights = Fitted is { } terms ? [.. LibraryFit.Solve(moments, terms, Ridge).Weights] : new Complex[]?[moments.Features];
        foreach (var (feature, kernel, _) in Known)
        {
            // the fit owns what it made
            var to = weights[feature] = weights[feature] is { } own ? [.. own] : new Complex[moments.Modes];
            for (int h = 0; h < to.Length; h++) to[h] += kernel is null ? 1 : Complex.Conjugate(kernel[layout.Half[h]]);
        }
        return weights;
    }

    /// <summary>
    /// The part of the score that is surely a gradient, Σ_j γ_j(k) φ_j,k, [feature][kept mode]: Re w₀(k) of the field itself, and one number, the average of the
    /// kernel, for a feature that is a gradient itself.
    /// </summary>
    internal double[]?[] GradientPart(LibraryMoments moments, LibraryLayout layout, Complex[]?[] weights, double[] counts)
    {
        var part = new double[]?[weights.Length];
        foreach (int j in Features)
        {
            var w = weights[j]!;
            if (j == 0) part[j] = [.. w.Select(value => value.Real)];
            else if (layout.Features.IsGradient(j))
            {
                double sum = 0, all = 0;
                for (int h = 0; h < w.Length; h++)
                {
                    double weight = counts[layout.Half[h]] * moments.Multiplicity(h) * moments.Gram(h, j, j).Real;
                    sum += weight * w[h].Real;
                    all += weight;
                }
                part[j] = [.. Enumerable.Repeat(all > 0 ? sum / all : 0, w.Length)];
            }
        }
        return part;
    }

    /// <summary>What is taken off each feature: Σ_x of its mean over the fields that the score was made from.</summary>
    internal double[] Centres(LibraryMoments from)
    {
        var centres = new double[from.Features];
        foreach (int j in Fitted?.All ?? []) centres[j] = from.Mean(j);
        foreach (var known in Known)
            if (known.Centred) centres[known.Feature] = from.Mean(known.Feature);
        return centres;
    }
}
