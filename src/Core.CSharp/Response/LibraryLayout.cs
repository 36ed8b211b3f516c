namespace Leith.Core;

/// <summary>What the sums of one block of a library record are and where they stand. Of two modes k and −k the first is kept: real fields have conjugate values in the other.</summary>
internal sealed class LibraryLayout
{
    public LibraryLayout(LibraryFeatures features, int observables, int lags)
    {
        (Features, Observables, Lags) = (features, observables, lags);
        Opposite = [.. Enumerable.Range(0, features.Grid.Sites).Select(features.Grid.Conjugate)];
        Half = [.. Enumerable.Range(0, Opposite.Length).Where(mode => mode <= Opposite[mode])];
    }

    public LibraryFeatures Features { get; }
    public int Observables { get; }
    public int Lags { get; }

    /// <summary>The mode −k of mode k.</summary>
    public int[] Opposite { get; }

    /// <summary>The modes kept.</summary>
    public int[] Half { get; }

    /// <summary>Pairs i ≤ j of features.</summary>
    public int Pairs => Features.Count * (Features.Count + 1) / 2;

    /// <summary>Where (i, j), i ≤ j, stands among the pairs.</summary>
    public static int Pair(int i, int j) => j * (j + 1) / 2 + i;

    // The part a fit needs: base fields, sums of the numbers, Σ_x φ_j, then [mode][pair] and [mode][probe] of re and im.
    public int NumbersAt => 1;
    public int MeansAt => NumbersAt + Features.Numbers;
    public int GramAt => MeansAt + Features.Count;
    public int ProbesAt => GramAt + 2 * Half.Length * Pairs;
    public int FitLength => ProbesAt + 2 * Half.Length * Features.Probed.Count;

    /// <summary>Length of the lag products of one feature, [mode][lag] of re and im.</summary>
    public int FeatureLength => 2 * Half.Length * Lags;
}

/// <summary>The sums of one block: what a fit needs, and for each observable its lag products, [feature][mode][lag] of re and im, and the sums of its mean at every lag.</summary>
internal sealed record LibraryBlock(double[] Fit, double[][] Products, double[][] Means);
