using System.Numerics;

namespace Leith.Core;

/// <summary>u_k ← e^{L_k h} u_k + h φ₁(L_k h) N_k(u, t) + σ_k √(N_sites (e^{2 Re L_k h} − 1)/(2 Re L_k)) (n₁ + i n₂).</summary>
/// <remarks>
/// Exact in law at any h when N = 0: the modes are independent and ∫₀ʰ e^{L_k s} σ_k dW is a circular complex normal. Otherwise strong and weak order 1
/// (additive noise). Lord and Tambue (2013), IMA J. Numer. Anal. 33, 515. One pass over the modes a step.
/// </remarks>
internal sealed class ExponentialTorus : IStepper
{
    private readonly ITileMap? nonlinear;
    private readonly Tile? n;
    private readonly int rows;
    // [mode]: e^{Lh}, h φ₁ and the factor of the normals, re and im.
    private readonly Complex[] decay, forcing, spread;

    public ExponentialTorus(Model model, double step)
    {
        rows = model.Rows;
        nonlinear = model.Nonlinear?.Invoke();
        n = nonlinear is null ? null : new Tile(rows);
        var linear = LinearLaw.Linear(model);
        decay = [.. linear.Select(l => Complex.Exp(l * step))];
        forcing = [.. linear.Select(l => step * ComplexFunctions.Phi1(l * step))];
        spread = [.. linear.Select((l, k) => model.NoiseSymbol is { } sigma ? sigma[k] * Math.Sqrt(rows * ComplexFunctions.NoiseTime(l, step)) : 0)];
        Normals = model.NoiseSymbol is null ? 0 : rows;
    }

    public int Normals { get; }

    public void Step(Tile state, double time, Tile normals)
    {
        nonlinear?.Apply(state, time, n!);
        if (Normals > 0) TileMath.DecayAndSpread(state, decay, spread, normals);
        else TileMath.Multiply(state, decay);
        if (nonlinear is not null) TileMath.AddProduct(state, forcing, n!);
    }

    public void Dispose()
    {
        nonlinear?.Dispose();
        n?.Dispose();
    }
}
