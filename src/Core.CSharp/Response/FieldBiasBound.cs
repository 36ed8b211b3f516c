namespace Leith.Core;

/// <summary>
/// |R̂(x,t) − R(x,t)| ≤ N^(−3/2) √(Σ_k V_k(t)/D_k) √‖ŝ − s‖²_D for the response of a homogeneous field, by the inequality of Cauchy and Schwarz over modes and fields:
/// R̂ − R = −⟨A e⟩ averaged over the sites, e = ŝ − s, with ‖e‖²_D = Σ_k D_k ⟨|e_k|²⟩/N. V_k(t) is the power of A, of what a forecast leaves of A, or of E[A(t)|u₀],
/// which alone is correlated with e and falls with t. It is never above sd(A) √(max_k D_k⁻¹ ‖ŝ − s‖²_D/N), and equal to it where D is the same in all modes.
/// </summary>
public static class FieldBiasBound
{
    /// <summary>√(certificate) with this many standard errors on it.</summary>
    public const double Errors = 2;

    /// <summary>The bound from the power V_k of each mode.</summary>
    /// <param name="certificate">‖ŝ − s‖²_D.</param>
    /// <param name="power">V_k, of unnormalised spectra.</param>
    /// <param name="diffusion">D_k; modes without power do not count.</param>
    /// <returns>∞ where a mode that moves has no noise.</returns>
    public static double OfPower(FieldCertificate certificate, double[] power, double[] diffusion)
    {
        double sites = power.Length, sum = 0;
        for (int k = 0; k < power.Length; k++)
            if (power[k] > 0) sum += power[k] / diffusion[k];
        return OfVariance(certificate, sum / (sites * sites));
    }

    /// <summary>The bound from the variance at a site of D^(−1/2) A, or of E[D^(−1/2) A(t)|u₀].</summary>
    public static double OfVariance(FieldCertificate certificate, double variance) =>
        Math.Sqrt(Math.Max(0, variance) * (Math.Max(0, certificate.Value.Value) + Errors * certificate.Value.StandardError) / certificate.Sites);
}
