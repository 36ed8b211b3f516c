namespace Leith.Core;

/// <summary>A band around a response: low and high, [lag][observable][kick].</summary>
/// <param name="Lags">τ, in units of time.</param>
/// <param name="Low">Lower edge.</param>
/// <param name="High">Upper edge.</param>
public sealed record ResponseBand(double[] Lags, double[][][] Low, double[][][] High);

/// <summary>
/// The null hypothesis that the components of a recording know nothing of each other: x_k(n+1) = φ_k x_k(n) + σ_k √(1 − φ_k²) ξ_k(n), independent AR(1) processes
/// with the variance and lag-1 autocorrelation of the recording. What leaves the band of its Gaussian response is a link between components, or memory that is not AR(1).
/// </summary>
/// <remarks>
/// For unit variances (else E and sd scale with σ_k/σ_j), T samples and n = T − τ pairs:
///   E R̂_kj(τ) ≈ φ_k^τ δ_kj,   Var R̂_kj(τ) ≈ (1/n) [ (1 − φ_k^{2τ}) + 2 Σ_{h=1}^{τ−1} (φ_k^h − φ_k^{2τ−h}) φ_j^h ].
/// Derivation. Under the null C(0) = I and C(τ) = diag φ^τ, so that to first order R̂ = Ĉ(τ) Ĉ(0)⁻¹ differs from its mean by δC_kj(τ) − φ_k^τ δC_kj(0) = (1/n) Σ_t e_k(t) x_j(t),
/// with e_k(t) = x_k(t+τ) − φ_k^τ x_k(t) = √(1 − φ_k²) Σ_{m=1}^{τ} φ_k^{τ−m} ξ_k(t+m−1), the error of the best forecast. It is a moving average of τ innovations, so
/// ⟨e_k(t) e_k(t+h)⟩ = (1 − φ_k²) φ_k^h Σ_{m=0}^{τ−h−1} φ_k^{2m} = φ_k^h − φ_k^{2τ−h} for 0 ≤ h &lt; τ, and 0 beyond. With ⟨x_j(t) x_j(t+h)⟩ = φ_j^h, the variance of the mean of
/// e_k x_j is (1/n) Σ_{|h|&lt;τ} of the product of the two. For k = j Wick's theorem adds ⟨e_k(t) x_k(t+h)⟩⟨x_k(t) e_k(t+h)⟩, and the later of the two errors is
/// independent of every earlier state, so the same formula holds. Errors O(1/n²) of the variance and O(τ_int/n) of the mean.
/// Null and band: Falasca, Perezhogin and Zanna, Phys. Rev. E 109, 044202 (2024).
/// </remarks>
public sealed partial class AutoregressiveNull
{
    private readonly IReadOnlyList<string> _names;

    private AutoregressiveNull(IReadOnlyList<string> names, double[] phi, double[] deviations, int samples, double interval)
    {
        _names = names;
        (Phi, Deviations, Samples, Interval) = (phi, deviations, samples, interval);
    }

    /// <summary>φ_k, the lag-1 autocorrelation of each component.</summary>
    public IReadOnlyList<double> Phi { get; }

    /// <summary>σ_k, the standard deviation of each component.</summary>
    public IReadOnlyList<double> Deviations { get; }

    /// <summary>T.</summary>
    public int Samples { get; }

    /// <summary>Time between samples.</summary>
    public double Interval { get; }

    /// <summary>Fits φ_k = Σ (x_{n+1} − x̄)(x_n − x̄) / Σ (x_n − x̄)², which is below 1 in size always, and σ_k.</summary>
    /// <exception cref="LeithException">As <see cref="Recording.Check"/>; fewer than three samples.</exception>
    public static AutoregressiveNull Fit(Recording recording)
    {
        recording.Check();
        if (recording.Samples < 3) throw new LeithException($"null hypothesis: expected at least three samples, got {recording.Samples}.");
        var means = recording.Means();
        var centred = recording.Values.Select((series, k) => series.Select(x => x - means[k]).ToArray()).ToArray();
        var phi = centred.Select(x => CorrelationTime.Dot(x.AsSpan(1), x.AsSpan(0, x.Length - 1)) / CorrelationTime.Dot(x, x)).ToArray();
        return new AutoregressiveNull(recording.Names, phi, recording.Deviations(), recording.Samples, recording.Interval);
    }

    /// <summary>E R̂_kj(τ) = φ_k^τ δ_kj, times 1 − τ/T where sums are divided by T.</summary>
    public double Mean(int lag, int observable, int kick, LagNormalisation normalisation = LagNormalisation.Pairs) =>
        observable == kick ? Shrink(lag, normalisation) * Math.Pow(Phi[kick], lag) : 0;

    /// <summary>√Var R̂_kj(τ), in units of component k over component j.</summary>
    public double StandardDeviation(int lag, int observable, int kick, LagNormalisation normalisation = LagNormalisation.Pairs)
    {
        double k = Phi[observable], j = Phi[kick];
        double far = Math.Pow(k, 2 * lag), sum = 1 - far;
        double near = 1, other = 1;
        for (int h = 1; h < lag; h++)
        {
            near *= k;
            other *= j;
            sum += 2 * (near - Math.Pow(k, 2 * lag - h)) * other;
        }
        double scale = Deviations[observable] / Deviations[kick];
        return Shrink(lag, normalisation) * scale * Math.Sqrt(Math.Max(0, sum) / (Samples - lag));
    }

    /// <summary>The band E ± z sd of the Gaussian response under the null.</summary>
    /// <param name="lags">Longest lag, in samples.</param>
    /// <param name="z">Half width in standard deviations; 3 leaves out 0.3 % of the values of a true null.</param>
    /// <param name="normalisation">What the sums of the response were divided by.</param>
    /// <exception cref="LeithException">No more samples than lags, a width that is not positive.</exception>
    public ResponseBand Band(int lags, double z = 3, LagNormalisation normalisation = LagNormalisation.Pairs)
    {
        CheckLags(lags);
        if (!(z > 0) || double.IsInfinity(z)) throw new LeithException($"null hypothesis: expected a positive number of standard deviations, got {z}. 3 is usual.");
        double[][][] Edge(double side) => Cube(lags, (lag, k, j) => Mean(lag, k, j, normalisation) + side * z * StandardDeviation(lag, k, j, normalisation));
        return new ResponseBand(Times(lags), Edge(-1), Edge(1));
    }

    private double Shrink(int lag, LagNormalisation normalisation) => normalisation == LagNormalisation.Samples ? 1 - (double)lag / Samples : 1;

    private double[] Times(int lags) => [.. Enumerable.Range(0, lags + 1).Select(lag => lag * Interval)];

    private double[][][] Cube(int lags, Func<int, int, int, double> value) =>
        [.. Enumerable.Range(0, lags + 1).Select(lag => Enumerable.Range(0, Phi.Count).Select(k => Enumerable.Range(0, Phi.Count).Select(j => value(lag, k, j)).ToArray()).ToArray())];

    private void CheckLags(int lags)
    {
        if (lags < 0 || lags >= Samples)
            throw new LeithException($"null hypothesis: expected more samples than lags, got {Samples} samples for lags up to {lags} samples. Ask for shorter lags.");
    }
}
