namespace Leith.Core;

/// <summary>A library score of scalar unknowns, s_i(x) = c_i + Σ_j W_ij φ_j(x), and the response it gives.</summary>
/// <param name="Chosen">Numbers of the features.</param>
/// <param name="Response">R_i(τ) = −⟨A(τ) s_i(0)⟩, from the sample that the score was fitted on: noise of the fit and of the correlation cancel.</param>
/// <param name="Weights">W, [component][feature].</param>
/// <param name="WeightErrors">One standard error, same shape.</param>
/// <param name="Constants">c, [component].</param>
/// <param name="ConstantErrors">One standard error, same shape.</param>
/// <param name="Ridge">λ, in units of each feature's variance.</param>
/// <param name="HeldOutLoss">⟨½ |s|² + ∇·s⟩ on blocks that were left out of the fit; −½ ⟨|s|²⟩ for the score itself.</param>
/// <param name="RelativeError">√(⟨|ŝ − s|²⟩/⟨|s|²⟩) and its standard error; null where no score is known.</param>
public sealed record LibraryEstimate(
    int[] Chosen, ResponseEstimate Response, double[][] Weights, double[][] WeightErrors, double[] Constants, double[] ConstantErrors,
    double Ridge, double HeldOutLoss, (double Value, double StandardError)? RelativeError);

/// <summary>Library scores of scalar unknowns: fit, choice of features, response, standard errors that refit in every resample.</summary>
public static class VectorLibrary
{
    // A step of the choice is taken if it gains this many standard errors of the held-out loss; so many steps may come before their gain shows.
    private const double Errors = 2;
    private const int LookAhead = 2;

    /// <summary>Fits a score on chosen features and answers with it.</summary>
    /// <param name="lags">Lag products whose B holds the features.</param>
    /// <param name="moments">Moments of the same blocks.</param>
    /// <param name="chosen">Numbers of the features among those of the moments.</param>
    /// <param name="columns">Column of B in the lag products for each of the chosen.</param>
    /// <param name="free">Features that bear no penalty, such as x itself, so that the fit is never shrunk below the Gaussian estimate.</param>
    /// <param name="resamples">Resamples of the bootstrap.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <exception cref="LeithException">Features that do not vary, or are collinear (which); too few samples for as many (how many); fewer than eight blocks.</exception>
    public static LibraryEstimate Fit(LagProducts lags, VectorMoments moments, IReadOnlyList<int> chosen, IReadOnlyList<int> columns, Func<int, bool> free, int resamples = 200, ulong seed = 1)
    {
        moments.Check(chosen, lags.CorrelationSamples());
        double ridge = LibrarySolver.ChooseRidge(moments, chosen, free);
        var fit = new Fitted(lags, moments, [.. chosen], [.. columns], ridge, free);
        var values = fit.Values(lags.Means(), moments.Whole);
        var resampled = Resample(lags, moments, fit, values, resamples, seed);
        double[][] errors = resampled.StandardError;
        int k = chosen.Count, last = lags.Longest + 1;
        double[][] Shape(double[] flat) => [.. flat.Chunk(k)];
        var response = VectorResponse.Of(lags, values, resampled);
        double loss = LibrarySolver.HeldOut(moments, chosen, ridge, free)?.Average() ?? double.NaN;
        return new([.. chosen], response, Shape(values[last]), Shape(errors[last]), values[last + 1], errors[last + 1], ridge, loss,
            moments.HasExact ? (values[last + 2][0], errors[last + 2][0]) : null);
    }

    /// <summary>Features chosen one by one for the held-out loss, beginning with those that are always there.</summary>
    /// <param name="moments">Moments of all candidates.</param>
    /// <param name="always">Features to begin with.</param>
    /// <param name="allowed">Features to choose from.</param>
    /// <param name="memory">Correlation time in samples: there are at least ten independent samples to a feature.</param>
    /// <exception cref="LeithException">The features to begin with do not vary or are collinear; too few samples for them.</exception>
    public static int[] Choose(VectorMoments moments, IReadOnlyList<int> always, IReadOnlyList<int> allowed, double memory)
    {
        moments.Check(always, memory);
        Func<int, bool> free = always.Contains;
        double[]? LossOf(IReadOnlyList<int> chosen) => LibrarySolver.HeldOut(moments, chosen, 0, free);
        int[] best = [.. always], now = best;
        var lowest = LossOf(best) ?? throw new LeithException("library: expected blocks on which the features vary, got one on which they do not; take more data.");
        double independent = moments.Whole.Samples / Math.Max(1, memory);
        for (int ahead = 0; ahead < LookAhead && VectorMoments.NeededFor(now.Length + 1) <= independent;)
        {
            var next = allowed.Except(now).Where(j => moments.Whole.Gram[j * moments.Count + j] > 0)
                .Select(j => (Chosen: now.Append(j).ToArray(), Losses: LossOf([.. now, j])))
                .Where(c => c.Losses != null && c.Losses.All(double.IsFinite)).OrderBy(c => c.Losses!.Average()).FirstOrDefault();
            if (next.Losses == null) break;
            now = next.Chosen;
            ahead++;
            if (!LibrarySolver.Better(next.Losses, lowest, Errors)) continue;
            (best, lowest, ahead) = (now, next.Losses, 0);
        }
        return best;
    }

    private static Resampled Resample(LagProducts lags, VectorMoments moments, Fitted fit, double[][] centre, int resamples, ulong seed)
    {
        var ranges = BlockBootstrap.Ranges(lags);
        int draws = BlockBootstrap.Draws(lags, ranges.Count);
        int size = (lags.Longest + 1) * lags.Rows * lags.Columns, pairs = size + lags.Longest + 1;
        var units = ranges.Select(range =>
        {
            var (sums, counts) = BlockBootstrap.Join(lags, range.First, range.Count);
            return (double[])[.. sums, .. counts, .. moments.Sums(range.First, range.Count).Flat()];
        }).ToArray();
        return Resampled.Of(units, draws, resamples, seed, centre,
            row => fit.Values(lags.Normalise(row[..size], row[size..pairs]), new MomentSums(moments.Dimension, moments.Count, moments.HasExact).Fill(row.AsSpan(pairs))));
    }

    /// <summary>Everything that a resample refits: the response at each lag, the weights, the constants, the error against a known score.</summary>
    private sealed record Fitted(LagProducts Lags, VectorMoments Moments, int[] Chosen, int[] Columns, double Ridge, Func<int, bool> Free)
    {
        public double[][] Values(double[][] means, MomentSums sums)
        {
            int d = Moments.Dimension, p = Moments.Count, k = Chosen.Length;
            var weights = LibrarySolver.Weights(sums, d, p, Chosen, Ridge, Free) ?? [.. Enumerable.Repeat(double.NaN, d * k)];
            var constants = new double[d];
            for (int i = 0; i < d; i++)
                for (int a = 0; a < k; a++) constants[i] -= weights[i * k + a] * sums.Means[Chosen[a]] / sums.Samples;
            double[][] responses = [.. means.Select(lag => Response(lag, weights))];
            return Moments.HasExact ? [.. responses, weights, constants, [Distance(sums, weights)]] : [.. responses, weights, constants];
        }

        // R_ai = −Σ_j W_ij ⟨A_a φ_j⟩, [row · d + kick].
        private double[] Response(double[] lag, double[] weights)
        {
            int d = Moments.Dimension, k = Chosen.Length;
            var result = new double[Lags.Rows * d];
            for (int row = 0; row < Lags.Rows; row++)
                for (int i = 0; i < d; i++)
                    for (int a = 0; a < k; a++) result[row * d + i] -= weights[i * k + a] * lag[row * Lags.Columns + Columns[a]];
            return result;
        }

        // √(⟨|ŝ − s|²⟩/⟨|s|²⟩)
        private double Distance(MomentSums sums, double[] weights)
        {
            int d = Moments.Dimension, p = Moments.Count, k = Chosen.Length;
            double whole = sums.Cross[d * p], squared = whole;
            for (int i = 0; i < d; i++)
                for (int a = 0; a < k; a++)
                {
                    double w = weights[i * k + a];
                    squared -= 2 * w * sums.Cross[i * p + Chosen[a]];
                    for (int b = 0; b < k; b++) squared += w * weights[i * k + b] * sums.Gram[Chosen[a] * p + Chosen[b]];
                }
            return Math.Sqrt(Math.Max(0, squared) / whole);
        }
    }
}
