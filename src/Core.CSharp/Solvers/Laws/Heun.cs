namespace Leith.Core;

/// <summary>ū = u + h F(u, t) + S(u, t) ΔW; u ← u + ½ h (F(u, t) + F(ū, t + h)) + ½ (S(u, t) + S(ū, t + h)) ΔW.</summary>
/// <remarks>
/// Additive noise: strong order 1, weak order 2. Kloeden and Platen (1992), §15.1. Multiplicative noise: the Stratonovich equation, weak order 1, strong order 1 where
/// noise commutes, else ½. Rümelin (1982), SIAM J. Numer. Anal. 19, 604.
/// </remarks>
internal static class Heun
{
    public static StepValue Step(StepAlgebra a, StepValue u)
    {
        double h = a.Step;
        var (drift, noise) = (a.Drift(u, 0), a.Noise(u, 0));
        var predicted = a.Sum(u, (h, drift), (1, noise));
        var later = a.Drift(predicted, 1);
        return a.IsMultiplicative
            ? a.Sum(u, (h / 2, drift), (h / 2, later), (0.5, noise), (0.5, a.Noise(predicted, 1)))
            : a.Sum(u, (h / 2, drift), (h / 2, later), (1, noise));
    }
}
