namespace Leith.Core;

/// <summary>k₁ = F(u, t), k₂ = F(u + ½h k₁, t + ½h), k₃ = F(u + ½h k₂, t + ½h), k₄ = F(u + h k₃, t + h); u ← u + (h/6)(k₁ + 2k₂ + 2k₃ + k₄) + S(u, t) ΔW.</summary>
/// <remarks>Itô. Order 4 without noise. With additive noise strong and weak order 1, as the drift does not see the noise of its own step; multiplicative: ½ and 1.</remarks>
internal static class RungeKutta4
{
    public static StepValue Step(StepAlgebra a, StepValue u)
    {
        double h = a.Step;
        var k1 = a.Drift(u, 0);
        var k2 = a.Drift(a.Sum(u, (h / 2, k1)), 0.5);
        var k3 = a.Drift(a.Sum(u, (h / 2, k2)), 0.5);
        var k4 = a.Drift(a.Sum(u, (h, k3)), 1);
        return a.Sum(u, (h / 6, k1), (h / 3, k2), (h / 3, k3), (h / 6, k4), (1, a.Noise(u, 0)));
    }
}
