namespace Leith.Core;

/// <summary>
/// Noise levels σ = σ_min (σ_max/σ_min)^(r³), r uniform on [0, 1], in units where the data have variance 1, and how the network is wrapped at each:
/// ẑ = ẑ₀ + c_out(σ) net(c_in(σ) y, ln σ), c_in = 1/√(1 + σ²), c_out = σ/√(σ² + knee²).
/// </summary>
/// <remarks>
/// The score is given at σ_min, where the noise hides it best, so most of the work goes there: half of all σ lie in the lowest eighth of the logarithms. On a
/// double well this left a third of the error of uniform logarithms; the larger σ give the outline. The remainder of the score is −(ẑ − ẑ₀)/σ = −net/√(σ² + knee²), so with knee⁻² = ⟨1/C_k⟩, the mean square of the Gaussian score, the network answers in
/// units of that score at every σ, and ẑ − ẑ₀ = O(σ) as it must be. The loss ⟨|ẑ − z|²⟩, every σ with weight one, then weighs the network's own error by c_out²:
/// the inverse variance of its target (z − ẑ₀)/c_out. (Compare Karras et al. 2022, whose c_out makes targets of unit variance for images, not small remainders.)
/// </remarks>
/// <param name="Smallest">σ_min, at which the score is given.</param>
/// <param name="Largest">σ_max.</param>
/// <param name="Knee">The scale √(1/⟨1/C_k⟩).</param>
internal sealed record NoiseLevels(double Smallest, double Largest, double Knee)
{
    /// <summary>The level at r: 0 gives σ_min, 1 gives σ_max.</summary>
    public double At(double r) => Smallest * Math.Pow(Largest / Smallest, r * r * r);

    /// <summary>ln σ on [−1, 1].</summary>
    public double Position(double sigma) => Largest > Smallest ? 2 * Math.Log(sigma / Smallest) / Math.Log(Largest / Smallest) - 1 : 0;

    /// <summary>c_in.</summary>
    public static double In(double sigma) => 1 / Math.Sqrt(1 + sigma * sigma);

    /// <summary>c_out.</summary>
    public double Out(double sigma) => sigma / Math.Sqrt(sigma * sigma + Knee * Knee);

    /// <summary>The levels of the options, in the given unit, or the default ones for these eigenvalues of the covariance.</summary>
    public static NoiseLevels Choose(TrainingOptions options, double unit, IReadOnlyList<double> eigenvalues)
    {
        var alive = eigenvalues.Where(value => value > GaussianBase.Degenerate).ToArray();
        double smallest = options.SigmaMin / unit ?? 0.1 * Math.Sqrt(alive.Min()), largest = options.SigmaMax / unit ?? 1;
        if (!(smallest > 0 && smallest <= largest) || double.IsInfinity(largest))
            throw new LeithException($"training: expected noise levels 0 < SigmaMin ≤ SigmaMax, got {smallest * unit} and {largest * unit}; leave them out for defaults.");
        return new(smallest, largest, Math.Sqrt(1 / alive.Average(value => 1 / value)));
    }
}
