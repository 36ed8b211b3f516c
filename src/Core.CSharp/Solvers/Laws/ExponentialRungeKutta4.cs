namespace Leith.Core;

/// <summary>
/// a = e^{Lh/2} u + Q N(u, t), b = e^{Lh/2} u + Q N(a, t + ½h), c = e^{Lh/2} a + Q (2 N(b, t + ½h) − N(u, t)), Q = ½h φ₁(½Lh);
/// u ← e^{Lh} (u + S ΔW) + h (φ₁ − 3φ₂ + 4φ₃) N(u, t) + h (2φ₂ − 4φ₃) (N(a, t + ½h) + N(b, t + ½h)) + h (4φ₃ − φ₂) N(c, t + h) + G n, φ_k at Lh, G n as in <see cref="Exponential"/>.
/// </summary>
/// <remarks>
/// Itô. Order 4 without noise, for a stiff L as well; exact in law when N = 0 and noise is additive. Otherwise strong and weak order 1 (additive), ½ and 1 (multiplicative).
/// Cox and Matthews (2002), J. Comput. Phys. 176, 430; Kassam and Trefethen (2005), SIAM J. Sci. Comput. 26, 1214.
/// </remarks>
internal static class ExponentialRungeKutta4
{
    public static StepValue Step(StepAlgebra s, StepValue u)
    {
        var n = s.Nonlinear(u, 0);
        var a = s.Combine((LinearFunction.HalfDecay, 1, u), (LinearFunction.HalfForcing, 1, n));
        var na = s.Nonlinear(a, 0.5);
        var b = s.Combine((LinearFunction.HalfDecay, 1, u), (LinearFunction.HalfForcing, 1, na));
        var nb = s.Nonlinear(b, 0.5);
        var c = s.Combine((LinearFunction.HalfDecay, 1, a), (LinearFunction.HalfForcing, 2, nb), (LinearFunction.HalfForcing, -1, n));
        var nc = s.Nonlinear(c, 1);
        return s.Propagate(s.Sum(u, (1, s.MultiplicativeNoise(u, 0))),
            (LinearFunction.First, 1, n), (LinearFunction.Middle, 1, na), (LinearFunction.Middle, 1, nb), (LinearFunction.Last, 1, nc));
    }
}
