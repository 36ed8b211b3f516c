namespace Leith.Core;

/// <summary>How du = (L u + N(u, t)) dt + S dW is stepped; <see cref="Schemes.Table"/> has the orders.</summary>
public enum Scheme
{
    /// <summary>u ← u + h F(u, t) + S ΔW.</summary>
    EulerMaruyama,

    /// <summary>ū = u + h F(u, t) + S ΔW; u ← u + ½ h (F(u, t) + F(ū, t + h)) + S ΔW.</summary>
    Heun,

    /// <summary>u ← u + (h/6)(k₁ + 2 k₂ + 2 k₃ + k₄) + S ΔW: classical Runge–Kutta on the drift, the noise added once after the last stage.</summary>
    RungeKutta4,

    /// <summary>u ← e^{Lh} u + h φ₁(Lh) N(u, t) + ∫₀ʰ e^{Ls} S dW: exact in law at any step when N = 0.</summary>
    Exponential,
}

/// <summary>What is known of a scheme for additive noise.</summary>
/// <param name="Scheme">The scheme.</param>
/// <param name="Name">Its name in print.</param>
/// <param name="Strong">Order of E|u_h − u| on a shared Brownian path.</param>
/// <param name="Weak">Order of |E f(u_h) − E f(u)|.</param>
/// <param name="Deterministic">Order without noise.</param>
/// <param name="Stages">Evaluations of the nonlinear drift in one step.</param>
/// <param name="Note">What the orders do not say.</param>
public sealed record SchemeFacts(Scheme Scheme, string Name, double Strong, double Weak, double Deterministic, int Stages, string Note);

/// <summary>The schemes as data.</summary>
/// <remarks>Orders for additive noise: Kloeden and Platen (1992), §10.2 and §15.1; the exponential scheme: Lord and Tambue (2013), IMA J. Numer. Anal. 33.</remarks>
public static class Schemes
{
    /// <summary>One row a scheme.</summary>
    public static IReadOnlyList<SchemeFacts> Table { get; } =
    [
        new(Scheme.EulerMaruyama, "Euler–Maruyama", 1, 1, 1, 1, "stable only while |1 + h L| < 1"),
        new(Scheme.Heun, "Heun (predictor–corrector)", 1, 2, 2, 2, "noise enters both stages"),
        new(Scheme.RungeKutta4, "classical Runge–Kutta", 1, 1, 4, 4, "order 4 without noise only: the drift does not see the noise of its own step"),
        new(Scheme.Exponential, "exponential", 1, 1, 1, 1, "exact in law at any step for a linear drift"),
    ];

    /// <summary>The row of a scheme.</summary>
    public static SchemeFacts Facts(Scheme scheme) =>
        Table.FirstOrDefault(row => row.Scheme == scheme)
        ?? throw new LeithException($"scheme: expected one of {string.Join(", ", Enum.GetNames<Scheme>())}, got {(int)scheme}.");
}
