using System.Numerics;

namespace Leith.Core;

/// <summary>
/// du = (L u + N(u, t)) dt + S dW (Itô), additive noise.
/// On a torus L and S are Fourier multipliers: Ẑ_k gets L_k Ẑ_k dt + σ_k √N_sites √dt (n₁ + i n₂) with n₁, n₂ independent standard normals of the two member blocks
/// (the transform of white noise with pixel variance 1 per unit time times σ_k, so that the pixel variance per unit time is ⟨σ_k²⟩ over the modes).
/// For scalar unknowns L is a matrix and S a matrix [unknown, noise].
/// </summary>
public sealed record Model
{
    /// <summary>The torus, or null for scalar unknowns.</summary>
    public Grid? Grid { get; init; }

    /// <summary>Number of modes or of scalar unknowns.</summary>
    public required int Rows { get; init; }

    /// <summary>L_k, one entry a mode (torus); null for scalar unknowns, or where there is no linear part. L_−k = conj L_k, as of a real operator.</summary>
    public Complex[]? LinearSymbol { get; init; }

    /// <summary>The matrix L (scalar unknowns); null on a torus, or where there is no linear part.</summary>
    public double[,]? LinearMatrix { get; init; }

    /// <summary>Makes one instance, for one thread, of the part N that is not linear; null when the drift is linear.</summary>
    public Func<ITileMap>? Nonlinear { get; init; }

    /// <summary>σ_k ≥ 0 or complex with σ_{−k} = conj σ_k, one entry a mode (torus), else null.</summary>
    public Complex[]? NoiseSymbol { get; init; }

    /// <summary>S, [unknown, noise] (scalar unknowns); null on a torus, or where there is no noise.</summary>
    public double[,]? NoiseMatrix { get; init; }

    /// <summary>Names of the scalar unknowns, or of the field, for messages.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];
}
