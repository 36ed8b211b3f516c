namespace Leith.Core;

/// <summary>u ← e^{Lh} (u + S(u, t) ΔW) + h φ₁(Lh) N(u, t) + G n, with G Gᵀ = ∫₀ʰ e^{Ls} S₀ S₀ᵀ e^{Lᵀs} ds for the additive noise S₀ and S the multiplicative one.</summary>
/// <remarks>
/// Itô. Exact in law at any h when N = 0 and noise is additive; a singular covariance is legal. Otherwise strong and weak order 1 (additive), ½ and 1 (multiplicative).
/// Lord and Tambue (2013), IMA J. Numer. Anal. 33, 515.
/// </remarks>
internal static class Exponential
{
    public static StepValue Step(StepAlgebra a, StepValue u) =>
        a.Propagate(a.Sum(u, (1, a.MultiplicativeNoise(u, 0))), (LinearFunction.Forcing, 1, a.Nonlinear(u, 0)));
}
