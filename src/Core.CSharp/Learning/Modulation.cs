using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>
/// Scale and shift of every channel as functions of the noise level: (scale, shift)[c] = Σ_e M[c][e] T_e(ℓ), where ℓ ∈ [−1, 1] is ln σ mapped linearly
/// from [ln σ_min, ln σ_max] and T_e are Chebyshev polynomials. σ, and so the modulation, differs from lane to lane. Starts at M = 0: no modulation.
/// Parameters: M as [2 · channels][features], scales first.
/// </summary>
internal static unsafe class Modulation
{
    /// <summary>
    /// Number of Chebyshev polynomials, the constant included. At ℓ = −1, where the score is given, all of them have modulus 1 and their errors add:
    /// on a double well eight left twice the error of four.
    /// </summary>
    public const int Features = 4;

    /// <summary>T_0 … T_3 of ℓ; ℓ outside [−1, 1] is taken as the nearer end.</summary>
    public static void Embed(Lane level, Lane* features)
    {
        level = Vector512.Min(Vector512.Max(level, Vector512.Create(-1f)), Lane.One);
        features[0] = Lane.One;
        features[1] = level;
        for (int e = 2; e < Features; e++) features[e] = 2f * level * features[e - 1] - features[e - 2];
    }

    /// <summary>modulation[j] ← Σ_e M[j][e] features[e], rows = 2 · channels.</summary>
    public static void Forward(float* matrix, Lane* features, Lane* modulation, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            Lane sum = default;
            for (int e = 0; e < Features; e++) sum += Vector512.Create(matrix[row * Features + e]) * features[e];
            modulation[row] = sum;
        }
    }

    /// <summary>Adds Σ_lanes ∂/∂modulation[j] features[e] to ∂/∂M[j][e].</summary>
    public static void Backward(Lane* dmodulation, Lane* features, float* gradient, int rows)
    {
        for (int row = 0; row < rows; row++)
            for (int e = 0; e < Features; e++) gradient[row * Features + e] += Vector512.Sum(dmodulation[row] * features[e]);
    }
}
