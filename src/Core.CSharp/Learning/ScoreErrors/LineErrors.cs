namespace Leith.Core;

/// <summary>How far the law of a sampler lies from that of the data, and what bounds it. Made by <see cref="LineSampler"/>; derivations in docs/score_errors.md.</summary>
public sealed record LineErrors
{
    /// <summary>W₁ between the generated law and ρ_σn, the data smoothed at the smallest level.</summary>
    public required double Wasserstein { get; init; }

    /// <summary>W₁ between the generated law and the data themselves.</summary>
    public required double WassersteinToData { get; init; }

    /// <summary>KL(ρ_σn ‖ generated).</summary>
    public required double Divergence { get; init; }

    /// <summary>KL(ρ_σ0 ‖ start): what the wrong start adds to the divergence of the paths.</summary>
    public required double Initialisation { get; init; }

    /// <summary>½ Σ Δ_k e_k², e_k² = ⟨(ŝ − s)²⟩ over ρ_σk: what the wrong score adds.</summary>
    public required double Training { get; init; }

    /// <summary>H(ρ_σ0) − H(ρ_σn) − ½ Σ Δ_k J_k with the entropy H and the Fisher information J: what the size of the steps adds.</summary>
    public required double Discretisation { get; init; }

    /// <summary>W₁ between the law of the same sampler with the exact score and start, and ρ_σn: the discretisation alone, measured.</summary>
    public required double StepDistance { get; init; }

    /// <summary>Discretisation as measured, and W₁ ≤ min over r of 2 r TV + ⟨|x|; |x| &gt; r⟩ of both laws for the rest, TV ≤ √(KL/2), KL = KL(ρ_σ0 ‖ start) + ½ Σ Δ_k e_k².</summary>
    public required double DivergenceBound { get; init; }

    /// <summary>Discretisation as measured, and w_n with w_{k+1} = Λ_k w_k + Δ_k e_k, w_0 = W₂(ρ_σ0, start), Λ_k = sup |1 + Δ_k ∂ŝ/∂x| for the rest.</summary>
    public required double CouplingBound { get; init; }

    /// <summary>As <see cref="DivergenceBound"/>, with the discretisation bounded too: KL the sum of all three parts.</summary>
    public required double PathDivergenceBound { get; init; }

    /// <summary>As <see cref="CouplingBound"/>, with the discretisation bounded too: w_{k+1}² = (Λ_k w_k + Δ_k e_k)² + q_k².</summary>
    public required double PathCouplingBound { get; init; }

    /// <summary>σ_n ⟨|z|⟩ = σ_n √(2/π): what stopping at σ_n adds to all of them.</summary>
    public required double EarlyStopping { get; init; }

    /// <summary>e at the smallest level, √⟨(ŝ − s)²⟩: what bounds a response, |R̂ − R| ≤ sd(A) e.</summary>
    public required double SmallestLevelError { get; init; }

    /// <summary>The lesser bound on the distance from ρ_σn.</summary>
    public double Bound => Math.Min(DivergenceBound, CouplingBound);

    /// <summary>The lesser bound on the distance from the data.</summary>
    public double BoundToData => Bound + EarlyStopping;
}
