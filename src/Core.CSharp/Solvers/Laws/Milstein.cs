namespace Leith.Core;

/// <summary>u ← u + h F(u, t) + S(u, t) ΔW + ½ Σ_{jr} (S_j · ∂) S_r (ΔW_j ΔW_r − h δ_{jr}).</summary>
/// <remarks>Itô, noise that commutes, (S_j · ∂) S_r = (S_r · ∂) S_j: strong order 1, weak order 1. Kloeden and Platen (1992), §10.3.</remarks>
internal static class Milstein
{
    public static StepValue Step(StepAlgebra a, StepValue u) => a.Sum(u, (a.Step, a.Drift(u, 0)), (1, a.Milstein(u)));
}
