namespace Leith.Core;

public sealed unsafe partial class AutoregressiveNull
{
    // A stream of its own, away from those of simulations with the same seed.
    private const uint Stream = 0x4152;

    /// <summary>One recording under the null: x_k(n+1) = φ_k x_k(n) + σ_k √(1 − φ_k²) ξ_k(n), from its stationary law on; as long as the fitted one.</summary>
    /// <param name="seed">Seed of the noise.</param>
    /// <param name="index">Which surrogate; each is the same alone and among others.</param>
    public Recording Surrogate(ulong seed, int index)
    {
        int d = Phi.Count, lane = index % LaneArray.Lanes;
        var values = Enumerable.Range(0, d).Select(_ => new double[Samples]).ToArray();
        using var normals = new LaneArray(d);
        for (int n = 0; n < Samples; n++)
        {
            NormalStream.Fill(normals.Pointer, d, seed, Stream, n, index - lane);
            for (int k = 0; k < d; k++)
            {
                double noise = Deviations[k] * normals[k, lane];
                values[k][n] = n == 0 ? noise : Phi[k] * values[k][n - 1] + Math.Sqrt(1 - Phi[k] * Phi[k]) * noise;
            }
        }
        return new Recording(_names, values, Interval);
    }

    /// <summary>The band between two quantiles of the Gaussian responses of surrogates: no expansion in 1/T, but slow.</summary>
    /// <param name="lags">Longest lag, in samples.</param>
    /// <param name="surrogates">How many; the quantiles are rough below 10/(1 − probability).</param>
    /// <param name="probability">What lies between the edges, half of the rest beyond each.</param>
    /// <param name="seed">Seed of the noise.</param>
    /// <param name="normalisation">What sums are divided by.</param>
    /// <exception cref="LeithException">No more samples than lags, fewer than two surrogates, a probability outside (0, 1).</exception>
    public ResponseBand SurrogateBand(int lags, int surrogates, double probability, ulong seed, LagNormalisation normalisation = LagNormalisation.Pairs)
    {
        CheckLags(lags);
        if (surrogates < 2) throw new LeithException($"null hypothesis: expected at least two surrogates, got {surrogates}. 1000 are usual.");
        if (!(probability > 0 && probability < 1)) throw new LeithException($"null hypothesis: expected a probability between 0 and 1, got {probability}. 0.997 matches three standard deviations.");
        var responses = Enumerable.Range(0, surrogates).Select(s => VectorResponse.GaussianValues(LagProducts.Of(Surrogate(seed, s), lags, blockLength: Samples, normalisation: normalisation))).ToArray();
        double[] Sorted(int lag, int k, int j)
        {
            var all = responses.Select(response => response[lag][k][j]).ToArray();
            Array.Sort(all);
            return all;
        }
        double[][][] Edge(double quantile) => Cube(lags, (lag, k, j) => Quantile(Sorted(lag, k, j), quantile));
        return new ResponseBand(Times(lags), Edge((1 - probability) / 2), Edge((1 + probability) / 2));
    }

    // Linear between order statistics.
    private static double Quantile(double[] sorted, double quantile)
    {
        double position = quantile * (sorted.Length - 1);
        int below = Math.Min((int)position, sorted.Length - 2);
        return sorted[below] + (position - below) * (sorted[below + 1] - sorted[below]);
    }
}
