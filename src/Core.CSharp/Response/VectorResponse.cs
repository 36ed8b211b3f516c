namespace Leith.Core;

/// <summary>An impulse response R_ij(τ) of observable i to a unit kick of component j, with its standard errors.</summary>
/// <param name="Lags">τ, in units of time.</param>
/// <param name="Values">[lag][observable][kick].</param>
/// <param name="StandardError">One standard error, same shape.</param>
public sealed record ResponseEstimate(double[] Lags, double[][][] Values, double[][][] StandardError)
{
    /// <summary>The curves of each resample of the bootstrap, [resample][lag][observable][kick], which scatter about <see cref="Values"/> as these do about the truth; null without a bootstrap.</summary>
    /// <remarks>What is made of the response by a linear step, such as a convolution, is made of each of them; its standard error is their standard deviation.</remarks>
    public double[][][][]? Replicates { get; init; }

    /// <summary>[resample][observable][kick]: the standard error that a resample gives itself over that of the data; see <see cref="Bands"/>.</summary>
    public double[][][]? OwnErrors { get; init; }

    /// <summary>Independent blocks behind the standard errors; see <see cref="Bands"/>.</summary>
    public int Independent { get; init; }

    /// <summary>What the reader should know of this estimate.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Responses of scalar unknowns from lag products: R(τ) = −⟨A(τ) s(0)ᵀ⟩ with s = ∇ ln ρ, or a Gaussian stand-in for s.</summary>
/// <remarks>Standard errors by the block bootstrap (<see cref="BlockBootstrap"/>), a function of the sums and the seed alone.</remarks>
public static class VectorResponse
{
    /// <summary>R(τ) = C(τ) C(0)⁻¹, C(τ) = ⟨A(t+τ) x(t)ᵀ⟩, C(0) = ⟨x xᵀ⟩: exact where the law of x is Gaussian.</summary>
    /// <remarks>R(0) = I for the state, to rounding times the condition of C(0). Leith, J. Atmos. Sci. 32, 2022 (1975).</remarks>
    /// <exception cref="LeithException">The covariance is singular (the component or the direction is named); fewer than eight blocks.</exception>
    public static ResponseEstimate Gaussian(LagProducts products, int resamples = 200, ulong seed = 1)
    {
        StateCovariance.Check(products);
        return Estimate(products, means => Propagators(means, products.Rows, products.Columns, products.Dimension), resamples, seed);
    }

    /// <summary>R(τ) = C(τ) C(0)⁻¹, [lag][observable][kick], without standard errors: for one block, or where many estimates are compared.</summary>
    /// <exception cref="LeithException">The covariance is singular (the component or the direction is named).</exception>
    public static double[][][] GaussianValues(LagProducts products)
    {
        StateCovariance.Check(products);
        return Shaped(Propagators(products.Means(), products.Rows, products.Columns, products.Dimension), products.Dimension);
    }

    /// <summary>R(τ) = −⟨A(τ) s(0)ᵀ⟩, or with the linear control variate R(τ) = P(τ) − ⟨(A(τ) − P(τ) x(0)) (s(0) − s_G(0))ᵀ⟩, P = C(τ) C(0)⁻¹, s_G = −C(0)⁻¹ x.</summary>
    /// <param name="products">Lag products with scores in B.</param>
    /// <param name="score">Which of the scores, from 0.</param>
    /// <param name="controlVariate">Whether to subtract the linear forecast. Its bias is a product of two errors, that of the score and that of the linear forecast; a score wrong by a factor costs nothing in a linear system.</param>
    /// <param name="resamples">Resamples of the bootstrap.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <remarks>As ⟨(A(τ) − P x(0)) s_Gᵀ⟩ = 0 and R_s = −⟨A sᵀ⟩, the second form is R_s(τ) + P(τ)(I − R_s(0)), with R_s(0) that of the state: lag products suffice.</remarks>
    /// <exception cref="LeithException">No such score; a singular covariance where the control variate needs it; fewer than eight blocks.</exception>
    public static ResponseEstimate FromScore(LagProducts products, int score = 0, bool controlVariate = true, int resamples = 200, ulong seed = 1)
    {
        int d = products.Dimension, scores = products.Columns / d - 1;
        if (score < 0 || score >= scores)
            throw new LeithException($"response: expected the number of a score below {scores}, the scores gathered with the lag products, got {score}. Gather the lag products with that score.");
        if (controlVariate) StateCovariance.Check(products);
        int offset = (score + 1) * d;
        return Estimate(products, means =>
        {
            var plain = means.Select(c => Negative(c, products.Rows, products.Columns, offset, d)).ToArray();
            return controlVariate ? Corrected(plain, Propagators(means, products.Rows, products.Columns, d), d) : plain;
        }, resamples, seed);
    }

    private static ResponseEstimate Estimate(LagProducts products, Func<double[][], double[][]> estimator, int resamples, ulong seed) =>
        Of(products, estimator(products.Means()), BlockBootstrap.Resample(products, estimator, resamples, seed));

    // Values are [lag][row · d + kick]; what else a resample makes may follow the lags.
    internal static ResponseEstimate Of(LagProducts products, double[][] values, Resampled resampled)
    {
        int lags = products.Longest + 1;
        double[][][] Curves(double[][] all) => Shaped(all[..lags], products.Dimension);
        return new ResponseEstimate(products.Lags, Curves(values), Curves(resampled.StandardError))
        {
            Replicates = [.. resampled.Replicates.Select(Curves)],
            OwnErrors = resampled.OwnErrors(0, lags)?.Select(errors => errors.Chunk(products.Dimension).ToArray()).ToArray(),
            Independent = resampled.Independent,
            Notes = [.. products.Notes, .. BlockBootstrap.Notes(products)],
        };
    }

    private static double[][][] Shaped(double[][] flat, int columns) => [.. flat.Select(lag => lag.Chunk(columns).ToArray())];

    // C(τ) C(0)⁻¹, [lag][row · d + kick].
    private static double[][] Propagators(double[][] means, int rows, int columns, int d)
    {
        double[] inverse = StateCovariance.Inverse(means[0], columns, d);
        return [.. means.Select(c => Product(c, columns, inverse, rows, d))];
    }

    private static double[] Negative(double[] c, int rows, int columns, int offset, int d)
    {
        var result = new double[rows * d];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < d; j++) result[i * d + j] = -c[i * columns + offset + j];
        return result;
    }

    // R_s(τ) + P(τ) (I − R_s(0)).
    private static double[][] Corrected(double[][] plain, double[][] propagators, int d)
    {
        var defect = new double[d * d];
        for (int n = 0; n < defect.Length; n++) defect[n] = (n / d == n % d ? 1 : 0) - plain[0][n];
        int rows = plain[0].Length / d;
        return [.. plain.Zip(propagators, (r, p) => Product(p, d, defect, rows, d).Zip(r, (x, y) => x + y).ToArray())];
    }

    private static double[] Product(double[] left, int leftColumns, double[] right, int rows, int d)
    {
        var result = new double[rows * d];
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < d; k++) Resampling.AddScaled(left[i * leftColumns + k], right.AsSpan(k * d, d), result.AsSpan(i * d, d));
        return result;
    }
}
