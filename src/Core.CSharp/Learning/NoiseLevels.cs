namespace Leith.Core;

/// <summary>
/// Noise levels σ = σ_min (σ_max/σ_min)^(r³), r uniform on [0, 1], in units where the data have variance 1, and how the network is wrapped at each:
/// ẑ = ẑ₀ + c_out(σ) net(c_in(σ) y, ln σ), c_in = 1/√(1 + σ²), c_out = σ/√(σ² + knee²).
/// </summary>
/// <remarks>
/// The score is given at σ_min, where the noise hides it best, so most of the work goes there: half of all σ lie in the lowest eighth of the logarithms. On a
/// double well this left a third of the error of uniform logarithms; the larger σ give the outline. With M the colour of the noise, the remainder of the score is −M⁻¹(ẑ − ẑ₀)/σ =
/// −M⁻¹ net/√(σ² + knee²), so with knee⁻² = ⟨M_k²/C_k⟩, the mean square of the Gaussian score as the noise measures it, the network answers in
/// units of that score at every σ, and ẑ − ẑ₀ = O(σ) as it must be. The loss ⟨|ẑ − z|²⟩, every σ with weight one, then weighs the network's own error by c_out²:
/// the inverse variance of its target (z − ẑ₀)/c_out. (Compare Karras et al. 2022, whose c_out makes targets of unit variance for images, not small remainders.)
/// </remarks>
/// <param name="Smallest">σ_min, the smallest level of the denoising.</param>
/// <param name="Largest">σ_max.</param>
/// <param name="Knee">The scale √(1/⟨M²/C⟩).</param>
/// <param name="Implicit">Share of the training that matches the score of the data themselves, at σ → 0; with it the score is given there.</param>
/// <param name="Base">What the network stands on. EDM: ẑ₀ = σ y/(1 + σ²), c_out = 1/√(1 + σ²) (Karras et al. 2022, written for ẑ).</param>
/// <param name="Coloured">Whether the noise has the spectrum of the data, so that it hides every Fourier mode alike; otherwise it is white.</param>
internal sealed record NoiseLevels(double Smallest, double Largest, double Knee, double Implicit, bool Coloured, ScoreBase Base)
{
    /// <summary>Beyond this ratio of the largest to the smallest eigenvalue the noise takes the colour of the data: white noise fine enough for the smallest would be seen by no other.</summary>
    public const double LargestSpread = 1e4;

    /// <summary>The level at r: 0 gives σ_min, 1 gives σ_max.</summary>
    public double At(double r) => Smallest * Math.Pow(Largest / Smallest, r * r * r);

    /// <summary>ln σ on [−1, 1].</summary>
    public double Position(double sigma) => Largest > Smallest && sigma > 0 ? 2 * Math.Log(sigma / Smallest) / Math.Log(Largest / Smallest) - 1 : Largest > Smallest ? -1 : 0;

    /// <summary>c_in.</summary>
    public static double In(double sigma) => 1 / Math.Sqrt(1 + sigma * sigma);

    /// <summary>c_out.</summary>
    public double Out(double sigma) => sigma * OutSlope(sigma);

    /// <summary>c_out/σ, which has a limit at σ → 0.</summary>
    public double OutSlope(double sigma) => Base == ScoreBase.Edm ? 1 / (sigma * Math.Sqrt(1 + sigma * sigma)) : 1 / Math.Sqrt(sigma * sigma + Knee * Knee);

    /// <summary>a/(b + power) of the base in a mode of this power, a and b as in <see cref="Frame.Begin"/>.</summary>
    public double BasePower(double power) => Base switch { ScoreBase.Nothing => double.PositiveInfinity, ScoreBase.Edm => 1, _ => power };

    /// <summary>Step of the finite difference that stands for a divergence at σ → 0.</summary>
    public double Step => Smallest;

    /// <summary>The levels of the options, in the given unit, or the default ones for these eigenvalues of the covariance.</summary>
    public static NoiseLevels Choose(TrainingOptions options, double unit, IReadOnlyList<double> eigenvalues, bool colourable)
    {
        var alive = eigenvalues.Where(value => value > GaussianBase.Degenerate).ToArray();
        bool coloured = colourable && options.Base != ScoreBase.Edm && (options.Coloured ?? alive.Max() > LargestSpread * alive.Min());
        double smallest = options.SigmaMin / unit ?? options.Schedule?.Smallest ?? 0.1 * (coloured ? 1 : Math.Sqrt(alive.Min()));
        double largest = options.SigmaMax / unit ?? options.Schedule?.Largest ?? 1;
        if (!(smallest > 0 && smallest <= largest) || double.IsInfinity(largest))
            throw new LeithException($"training: expected noise levels 0 < SigmaMin ≤ SigmaMax, got {smallest * unit} and {largest * unit}; leave them out for defaults.");
        // on a given score there is no other level; the answer of EDM has no limit at σ → 0
        double share = options.Base switch { ScoreBase.Given => 1, ScoreBase.Edm => 0, _ => options.SigmaMin is null && options.Schedule is null ? options.Implicit : 0 };
        return new(smallest, largest, coloured ? 1 : Math.Sqrt(1 / alive.Average(value => 1 / value)), share, coloured, options.Base);
    }
}
