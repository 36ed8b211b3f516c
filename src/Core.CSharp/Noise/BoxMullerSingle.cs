using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Box–Muller in single precision: 31 bits give the radius (up to 6.66 σ), 32 bits the half angle, whose lowest bit is also the half-plane.
/// The same fixed order of exact operations in lanes and scalars, as in <see cref="BoxMuller"/>.
/// </summary>
/// <remarks>Minimax polynomials (Remez exchange): −2 ln(1+z)/z (1.7e-7 relative), sin and cos in y² (3e-9, 5e-8).</remarks>
internal static class BoxMullerSingle
{
    private const int RootHalf = 0x3F3504F3;    // bits of √½
    private const float Ulp31 = 1f / (1L << 31), Ulp32 = 1f / (1L << 32);
    private const float MinusTwoLog2 = -1.3862944f;
    private const float L0 = -1.999999891f, L1 = 1.000007303f, L2 = -0.6667011828f, L3 = 0.4993981557f;
    private const float L4 = -0.3980031909f, L5 = 0.345016738f, L6 = -0.3244524985f, L7 = 0.202138564f;
    private const float S0 = 1.570796291f, S1 = -0.6459633729f, S2 = 0.07968852112f, S3 = -0.004672277105f, S4 = 0.0001508410055f;
    private const float C0 = 0.9999999535f, C1 = -1.233698215f, C2 = 0.2536507447f, C3 = -0.02081062755f, C4 = 0.0008581906196f;

    /// <summary>Two normals a lane from 32 bits of radius and 32 of angle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> N0, Vector512<float> N1) Lanes(Vector512<uint> radiusBits, Vector512<uint> angleBits)
    {
        var u = Fma(Vector512.ConvertToSingle((radiusBits >>> 1).AsInt32()), V(Ulp31), V(Ulp32));
        var exponent = (u.AsInt32() - Vector512.Create(RootHalf)) >> 23;
        var z = (u.AsInt32() - (exponent << 23)).AsSingle() - V(1);
        var p = Fma(Fma(Fma(Fma(Fma(Fma(Fma(V(L7), z, V(L6)), z, V(L5)), z, V(L4)), z, V(L3)), z, V(L2)), z, V(L1)), z, V(L0));
        var radius = Vector512.Sqrt(Fma(z, p, Vector512.ConvertToSingle(exponent) * V(MinusTwoLog2)));

        var y = Fma(Vector512.ConvertToSingle(angleBits.AsInt32()), V(Ulp31), V(Ulp32));
        var t = y * y;
        var sine = Fma(Fma(Fma(Fma(V(S4), t, V(S3)), t, V(S2)), t, V(S1)), t, V(S0));
        var cosine = Fma(Fma(Fma(Fma(V(C4), t, V(C3)), t, V(C2)), t, V(C1)), t, V(C0));
        return (((radius * cosine).AsUInt32() ^ (angleBits << 31)).AsSingle(), radius * (y * sine));
    }

    /// <summary>The same two normals of one lane, operation for operation.</summary>
    public static (float N0, float N1) Scalar(uint radiusBits, uint angleBits)
    {
        float u = F((int)(radiusBits >>> 1), Ulp31, Ulp32);
        int exponent = (BitConverter.SingleToInt32Bits(u) - RootHalf) >> 23;
        float z = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(u) - (exponent << 23)) - 1;
        float p = F(F(F(F(F(F(F(L7, z, L6), z, L5), z, L4), z, L3), z, L2), z, L1), z, L0);
        float radius = MathF.Sqrt(F(z, p, exponent * MinusTwoLog2));
        float y = F((int)angleBits, Ulp31, Ulp32), t = y * y;
        float sine = F(F(F(F(S4, t, S3), t, S2), t, S1), t, S0);
        float cosine = F(F(F(F(C4, t, C3), t, C2), t, C1), t, C0);
        float n0 = radius * cosine;
        return ((angleBits & 1) == 0 ? n0 : -n0, radius * (y * sine));
    }

    private static float F(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> V(float x) => Vector512.Create(x);
}
