namespace Leith.Core;

/// <summary>u ← u + h F(u, t) + S(u, t) ΔW.</summary>
/// <remarks>Itô. Additive noise: strong order 1, weak order 1; multiplicative: ½ and 1. Kloeden and Platen (1992), §10.2.</remarks>
internal static class EulerMaruyama
{
    public static StepValue Step(StepAlgebra a, StepValue u) => a.Sum(u, (a.Step, a.Drift(u, 0)), (1, a.Noise(u, 0)));
}
