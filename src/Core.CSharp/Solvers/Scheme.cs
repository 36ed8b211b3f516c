namespace Leith.Core;

/// <summary>How du = F(u, t) dt + S(u, t) dW, F = L u + N(u, t), is stepped; <see cref="Schemes.Table"/> has the orders.</summary>
public enum Scheme
{
    /// <summary>u ← u + h F(u, t) + S ΔW.</summary>
    EulerMaruyama,

    /// <summary>ū = u + h F(u, t) + S ΔW; u ← u + ½ h (F(u, t) + F(ū, t + h)) + ½ (S(u, t) + S(ū, t + h)) ΔW.</summary>
    Heun,

    /// <summary>u ← u + (h/6)(k₁ + 2 k₂ + 2 k₃ + k₄) + S ΔW: classical Runge–Kutta on the drift, the noise added once after the last stage.</summary>
    RungeKutta4,

    /// <summary>u ← e^{Lh} u + h φ₁(Lh) N(u, t) + ∫₀ʰ e^{Ls} S dW: exact in law at any step when N = 0 and S is constant.</summary>
    Exponential,

    /// <summary>u ← u + h F(u, t) + S ΔW + ½ Σ (S_j · ∂) S_r (ΔW_j ΔW_r − h δ_jr): noise whose columns commute.</summary>
    Milstein,

    /// <summary>Four stages that treat L exactly, with the noise of <see cref="Exponential"/>: for stiff linear parts.</summary>
    ExponentialRungeKutta4,

    /// <summary>Platen's explicit law of weak order 2; with additive noise that of <see cref="Heun"/>.</summary>
    WeakSecondOrder,
}

/// <summary>What S(u) dW means where S depends on u.</summary>
public enum Calculus
{
    /// <summary>S at the beginning of the increment.</summary>
    Ito,

    /// <summary>S in the middle of the increment: F lacks the drift ½ Σ_j (S_j · ∂) S_j of the same equation in Itô's sense.</summary>
    Stratonovich,
}

/// <summary>What is known of a scheme.</summary>
/// <param name="Scheme">The scheme.</param>
/// <param name="Name">Its name in print.</param>
/// <param name="Strong">Order of E|u_h − u| on a shared Brownian path, additive noise.</param>
/// <param name="Weak">Order of |E f(u_h) − E f(u)|, additive noise.</param>
/// <param name="Deterministic">Order without noise.</param>
/// <param name="Stages">Evaluations of the nonlinear drift in one step.</param>
/// <param name="StrongMultiplicative">Order of E|u_h − u| with noise that depends on the state.</param>
/// <param name="WeakMultiplicative">Order of |E f(u_h) − E f(u)| with noise that depends on the state.</param>
/// <param name="Calculus">The equation that it integrates when noise depends on the state.</param>
/// <param name="Note">What the orders do not say.</param>
public sealed record SchemeFacts(Scheme Scheme, string Name, double Strong, double Weak, double Deterministic, int Stages,
    double StrongMultiplicative, double WeakMultiplicative, Calculus Calculus, string Note);

/// <summary>The schemes as data.</summary>
/// <remarks>
/// Kloeden and Platen (1992), §10.2, §10.3 and §15.1; the exponential schemes: Lord and Tambue (2013), IMA J. Numer. Anal. 33; Cox and Matthews (2002), J. Comput. Phys. 176;
/// Heun's with multiplicative noise: Rümelin (1982), SIAM J. Numer. Anal. 19.
/// </remarks>
public static class Schemes
{
    /// <summary>One row a scheme.</summary>
    public static IReadOnlyList<SchemeFacts> Table { get; } =
    [
        new(Scheme.EulerMaruyama, "Euler–Maruyama", 1, 1, 1, 1, 0.5, 1, Calculus.Ito, "stable only while |1 + h L| < 1"),
        new(Scheme.Heun, "Heun (predictor–corrector)", 1, 2, 2, 2, 0.5, 1, Calculus.Stratonovich, "noise enters both stages; multiplicative noise that commutes: strong order 1"),
        new(Scheme.RungeKutta4, "classical Runge–Kutta", 1, 1, 4, 4, 0.5, 1, Calculus.Ito, "order 4 without noise only: the drift does not see the noise of its own step"),
        new(Scheme.Exponential, "exponential", 1, 1, 1, 1, 0.5, 1, Calculus.Ito, "exact in law at any step for a linear drift and additive noise"),
        new(Scheme.Milstein, "Milstein", 1, 1, 1, 1, 1, 1, Calculus.Ito, "for noise whose columns commute, as where every component has its own white noise"),
        new(Scheme.ExponentialRungeKutta4, "exponential Runge–Kutta (ETD-RK4)", 1, 1, 4, 4, 0.5, 1, Calculus.Ito,
            "exact in law at any step for a linear drift and additive noise; order 4 without noise only"),
        new(Scheme.WeakSecondOrder, "weak second order (Platen)", 1, 2, 2, 2, 0.5, 2, Calculus.Ito, "for averages, not for paths; additive noise: Heun's law"),
    ];

    /// <summary>The row of a scheme.</summary>
    public static SchemeFacts Facts(Scheme scheme) =>
        Table.FirstOrDefault(row => row.Scheme == scheme)
        ?? throw new LeithException($"scheme: expected one of {string.Join(", ", Enum.GetNames<Scheme>())}, got {(int)scheme}.");
}
