using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Leith.Core.FourVectors;

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

    /// <summary>Four pairs of rows in place, rows 0 and 1, 4 and 5, 8 and 9, 12 and 13: bits of radius and of angle go in, the normals n₀ and n₁ come out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static unsafe void FourPairs(Vector512<float>* rows)
    {
        var bits = (Vector512<uint>*)rows;
        var (zA, othersA) = Reduce(bits[0]);
        var (zB, othersB) = Reduce(bits[4]);
        var (zC, othersC) = Reduce(bits[8]);
        var (zD, othersD) = Reduce(bits[12]);
        FourVectors<float> z = new(zA, zB, zC, zD), others = new(othersA, othersB, othersC, othersD);
        var p = Fma(Fma(Fma(Fma(Fma(Fma(Fma(L7, z, L6), z, L5), z, L4), z, L3), z, L2), z, L1), z, L0);
        var radius = Sqrt(Fma(z, p, others));
        var y = new FourVectors<float>(HalfAngle(bits[1]), HalfAngle(bits[5]), HalfAngle(bits[9]), HalfAngle(bits[13]));
        var t = y * y;
        var sine = Fma(Fma(Fma(Fma(S4, t, S3), t, S2), t, S1), t, S0);
        var cosine = Fma(Fma(Fma(Fma(C4, t, C3), t, C2), t, C1), t, C0);
        (FourVectors<float> n0, FourVectors<float> n1) = (radius * cosine, radius * (y * sine));
        (rows[0], rows[1]) = (HalfPlane(n0.A, bits[1]), n1.A);
        (rows[4], rows[5]) = (HalfPlane(n0.B, bits[5]), n1.B);
        (rows[8], rows[9]) = (HalfPlane(n0.C, bits[9]), n1.C);
        (rows[12], rows[13]) = (HalfPlane(n0.D, bits[13]), n1.D);
    }

    // −2 ln u = others − 2 ln(1 + z)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Z, Vector512<float> Others) Reduce(Vector512<uint> radiusBits)
    {
        var u = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle((radiusBits >>> 1).AsInt32()), Vector512.Create(Ulp31), Vector512.Create(Ulp32));
        var exponent = (u.AsInt32() - Vector512.Create(RootHalf)) >> 23;
        return ((u.AsInt32() - (exponent << 23)).AsSingle() - Vector512.Create(1f), Vector512.ConvertToSingle(exponent) * Vector512.Create(MinusTwoLog2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> HalfAngle(Vector512<uint> angleBits) =>
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(angleBits.AsInt32()), Vector512.Create(Ulp31), Vector512.Create(Ulp32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> HalfPlane(Vector512<float> n0, Vector512<uint> angleBits) => (n0.AsUInt32() ^ (angleBits << 31)).AsSingle();

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
}
