using System.Numerics;

namespace Leith.Core;

/// <summary>An impulse response on a torus: what a unit kick of one site does to every site, lag by lag.</summary>
/// <param name="Lags">Lags in units of time.</param>
/// <param name="Values">[lag][site offset from the kick], or [lag][output] of other outputs.</param>
/// <param name="StandardError">One standard error, same shape; zero where an estimate has no sampling error.</param>
public sealed record FieldResponse(double[] Lags, double[][] Values, double[][] StandardError)
{
    /// <summary>The curves of each resample of the bootstrap at a few sites, [resample][lag][i], i over <see cref="ReplicateSites"/>; null without a bootstrap. They scatter about the values as these do about the truth.</summary>
    public double[][][]? Replicates { get; init; }

    /// <summary>The sites of the replicates: those along the first axis through the kick.</summary>
    public int[] ReplicateSites { get; init; } = [];

    /// <summary>Independent blocks behind the standard errors; see <see cref="Bands"/>.</summary>
    public int Independent { get; init; }

    /// <summary>Numbers of the sites along the first axis through the origin.</summary>
    public static int[] AlongFirstAxis(Grid grid) => [.. Enumerable.Range(0, grid.Points[0]).Select(x =>
    {
        var index = new int[grid.Dimensions];
        index[0] = x;
        return grid.Ravel(index);
    })];
}

/// <summary>
/// Impulse responses from lag products of homogeneous fields, mode by mode; R_k is the unnormalised transform of R(x), so R_k(0) = 1.
/// Gaussian: R_k(τ) = C_k(τ)/C_k(0). Score: R_k(τ) = −⟨u_k(τ) conj s_k(0)⟩/N. Standard errors by a block bootstrap over members and pieces of the record.
/// </summary>
/// <remarks>Leith (1975); Marconi et al., Phys. Rep. 461 (2008); arXiv:2402.01029 for the score form.</remarks>
public static class SpectralResponse
{
    /// <summary>How standard errors are found: seed and number of resamples of the bootstrap, threads. The relative error of a standard error is 1/√(2 · resamples), 5 % for 200.</summary>
    public sealed record Bootstrap(ulong Seed, int Threads, int Resamples = 200)
    {
        /// <summary>What becomes of R_k(τ), [lag][mode], in place of the values at the sites: any linear map, such as the answer to a pattern or the mean over a region, [lag][output].</summary>
        public Func<Complex[][], double[][]>? Outputs { get; init; }

        /// <summary>The same with the values at the sites.</summary>
        public Bootstrap OfSites => Outputs is null ? this : this with { Outputs = null };

        /// <summary>The same with other outputs.</summary>
        public Bootstrap To(Func<Complex[][], double[][]>? outputs) => this with { Outputs = outputs };
    }

    /// <summary>R_k(τ) = ⟨A_k(τ) conj u_k(0)⟩/⟨|u_k|²⟩: exact when the law of u is Gaussian, the quasi-Gaussian approximation otherwise.</summary>
    /// <param name="cross">Lag products of the observable A with u.</param>
    /// <param name="own">Lag products of u with u, of the same blocks; the same object when A is u.</param>
    /// <param name="interval">Time between lags.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    /// <exception cref="LeithException">A mode without variance.</exception>
    public static FieldResponse Gaussian(SpectralLagProducts cross, SpectralLagProducts own, double interval, Bootstrap bootstrap) =>
        Estimate(cross, interval, bootstrap, weights => Propagator(cross, own, weights));

    /// <summary>R_k(τ) = −⟨u_k(τ) conj s_k(0)⟩/N with the lag products of u and s.</summary>
    public static FieldResponse FromScore(SpectralLagProducts products, double interval, Bootstrap bootstrap) =>
        Estimate(products, interval, bootstrap, weights => Scaled(products.Average(weights), -1.0 / products.Grid.Sites));

    /// <summary>
    /// R_k = P_k − ⟨(A_k(τ) − P_k u_k(0)) conj r_k(0)⟩/N with P_k = ⟨A_k(τ) conj u_k(0)⟩/⟨|u_k|²⟩ and r the score less the Gaussian score:
    /// the score estimate with a linear forecast as control variate. Right when either the score or the forecast is.
    /// </summary>
    /// <param name="cross">Lag products of A with u, from all data.</param>
    /// <param name="own">Lag products of u with u, from all data.</param>
    /// <param name="remainder">Lag products of A with r, from the same members and pieces of the record, perhaps fewer base times.</param>
    /// <param name="ownRemainder">Lag products of u with r, likewise.</param>
    /// <param name="interval">Time between lags.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static FieldResponse Controlled(SpectralLagProducts cross, SpectralLagProducts own, SpectralLagProducts remainder, SpectralLagProducts ownRemainder, double interval, Bootstrap bootstrap)
    {
        if (cross.Blocks != remainder.Blocks || cross.Lags != remainder.Lags)
            throw new LeithException($"response: expected the same blocks and lags of both lag products, got {cross.Blocks} and {remainder.Blocks} blocks, {cross.Lags} and {remainder.Lags} lags.");
        return Estimate(cross, interval, bootstrap, weights =>
        {
            var response = Propagator(cross, own, weights);
            Complex[][] far = remainder.Average(weights);
            Complex[] near = ownRemainder.Average(weights, lags: 1)[0];
            double n = cross.Grid.Sites;
            for (int lag = 0; lag < response.Length; lag++)
                for (int k = 0; k < near.Length; k++) response[lag][k] -= (far[lag][k] - response[lag][k] * near[k]) / n;
            return response;
        });
    }

    /// <summary>
    /// −⟨u(x) s(0)⟩ of a score s = s_base + r at lag zero, which is the unit kick for the true score: how far a learned score is from R(0) = I.
    /// The base is the score of a Gaussian, s_base,k = −N u_k/P_k.
    /// </summary>
    /// <param name="all">Lag products of u with u.</param>
    /// <param name="remainder">Lag products of u with r, of the same blocks.</param>
    /// <param name="power">P_k that the base was made with, that of its noise included; a mode without has no base.</param>
    /// <param name="bootstrap">How standard errors are found.</param>
    public static FieldResponse AtLagZero(SpectralLagProducts all, SpectralLagProducts remainder, double[] power, Bootstrap bootstrap)
    {
        double n = all.Grid.Sites;
        return Estimate(all, 0, bootstrap.OfSites, weights =>
        {
            Complex[] covariance = all.Average(weights, lags: 1)[0], cross = remainder.Average(weights, lags: 1)[0];
            return [[.. covariance.Select((c, k) => (power[k] > 0 ? c / power[k] : 0) - cross[k] / n)]];
        });
    }

    /// <summary>⟨|u_k|²⟩ of one real field, mode by mode, from the lag products of u with u.</summary>
    public static double[] Power(SpectralLagProducts products) => [.. products.Average(lags: 1)[0].Select(c => c.Real)];

    static Complex[][] Propagator(SpectralLagProducts cross, SpectralLagProducts own, double[]? weights)
    {
        var response = cross.Average(weights);
        double[] power = [.. (ReferenceEquals(cross, own) ? response[0] : own.Average(weights, lags: 1)[0]).Select(c => c.Real)];
        for (int k = 0; k < power.Length; k++)
            if (own.Kept?[k] == false) power[k] = double.PositiveInfinity;
            else if (!(power[k] > 0))
                throw new LeithException($"gaussian: expected every Fourier mode to have variance, got {power[k]:g3} for mode {k}; use noise that reaches every mode.");
        foreach (var row in response)
            for (int k = 0; k < row.Length; k++) row[k] /= power[k];
        return response;
    }

    static Complex[][] Scaled(Complex[][] rows, double factor)
    {
        foreach (var row in rows)
            for (int k = 0; k < row.Length; k++) row[k] *= factor;
        return rows;
    }

    static FieldResponse Estimate(SpectralLagProducts products, double interval, Bootstrap bootstrap, Func<double[]?, Complex[][]> statistic) =>
        Estimate(products.Grid, products.Blocks, interval, bootstrap, statistic);

    // R_k(τ), [lag][mode], of blocks that count as often as the weights say, once each without
    internal static FieldResponse Estimate(Grid grid, int blocks, double interval, Bootstrap bootstrap, Func<double[]?, Complex[][]> statistic)
    {
        double[][] Out(Complex[][] spectra) => bootstrap.Outputs?.Invoke(spectra) ?? ToSites(grid, spectra);
        var values = Out(statistic(null));
        double[] lags = [.. values.Select((_, i) => i * interval)];
        if (blocks < 8)
            throw new LeithException($"standard errors: expected at least 8 blocks to resample, got {blocks}; run more members or a longer record.");
        // Fixed groups of resamples keep the sums, and so the rounding, the same for any number of threads.
        const int groups = 8;
        var sums = new double[groups][][];
        var squares = new double[groups][][];
        int[] sites = values[0].Length == grid.Sites ? FieldResponse.AlongFirstAxis(grid) : [.. Enumerable.Range(0, values[0].Length)];
        var replicates = new double[bootstrap.Resamples][][];
        Parallel.For(0, groups, new ParallelOptions { MaxDegreeOfParallelism = bootstrap.Threads }, group =>
        {
            sums[group] = Zeros(values);
            squares[group] = Zeros(values);
            for (int r = group; r < bootstrap.Resamples; r += groups)
            {
                var resample = Out(statistic(Resampling.Weights(blocks, blocks, bootstrap.Seed, r)));
                AddResample(resample, values, sums[group], squares[group]);
                replicates[r] = [.. resample.Select(lag => sites.Select(site => lag[site]).ToArray())];
            }
        });
        var error = Zeros(values);
        for (int lag = 0; lag < values.Length; lag++)
            for (int x = 0; x < values[lag].Length; x++)
            {
                double n = bootstrap.Resamples, mean = sums.Sum(s => s[lag][x]) / n, square = squares.Sum(s => s[lag][x]) / n;
                error[lag][x] = Math.Sqrt(Math.Max(0, square - mean * mean) * n / (n - 1) * blocks / (blocks - 1));
            }
        var few = Resampled.Of([.. values.Select(lag => sites.Select(site => lag[site]).ToArray())], blocks, replicates);
        return new FieldResponse(lags, values, error) { Replicates = few.Replicates, ReplicateSites = sites, Independent = blocks };
    }

    static double[][] Zeros(double[][] like) => [.. like.Select(row => new double[row.Length])];

    static void AddResample(double[][] resample, double[][] centre, double[][] sum, double[][] square)
    {
        for (int lag = 0; lag < centre.Length; lag++)
            for (int x = 0; x < centre[lag].Length; x++)
            {
                double d = resample[lag][x] - centre[lag][x];
                sum[lag][x] += d;
                square[lag][x] += d * d;
            }
    }

    /// <summary>Real fields from their unnormalised transforms, [lag][mode] → [lag][site]; sixteen lags at a time as members of a tile.</summary>
    public static double[][] ToSites(Grid grid, Complex[][] spectra)
    {
        using var fft = new LaneFft(grid);
        using var tile = new Tile(grid.Sites);
        var fields = new double[spectra.Length][];
        for (int first = 0; first < spectra.Length; first += Tile.Members)
        {
            int count = Math.Min(Tile.Members, spectra.Length - first);
            tile.A.Span.Clear();
            tile.B.Span.Clear();
            for (int member = 0; member < count; member++) AddSpectrum(tile, member, spectra[first + member]);
            unsafe { fft.Inverse(tile.A.Pointer, tile.B.Pointer); }
            for (int member = 0; member < count; member++)
            {
                var block = member < LaneArray.Lanes ? tile.A : tile.B;
                var field = fields[first + member] = new double[grid.Sites];
                for (int site = 0; site < field.Length; site++) field[site] = block[site, member % LaneArray.Lanes];
            }
        }
        return fields;
    }

    // Z = fft(a + i b): a member of block B enters times i.
    static void AddSpectrum(Tile tile, int member, Complex[] spectrum)
    {
        int lane = member % LaneArray.Lanes;
        for (int k = 0; k < spectrum.Length; k++)
        {
            var z = member < LaneArray.Lanes ? spectrum[k] : Complex.ImaginaryOne * spectrum[k];
            tile.A[k, lane] += z.Real;
            tile.B[k, lane] += z.Imaginary;
        }
    }
}
