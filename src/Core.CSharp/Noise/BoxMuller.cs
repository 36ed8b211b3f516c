using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// n₀ = √(−2 ln u) cos θ, n₁ = √(−2 ln u) sin θ from two 64-bit words: 53 bits of the first give u (up to 8.65 σ), 53 bits of the second the half
/// angle y in (−1, 1), θ = π y / 2, and its lowest bit the half-plane (the sign of the cosine).
/// Only additions, exact conversions, fused multiply–adds, divisions and square roots in one fixed order: lanes and scalars agree bit for bit.
/// </summary>
/// <remarks>Minimax polynomials (Remez exchange in 50 digits): −2 ln((1+s)/(1−s))/s in s² (1.2e-18 relative), sin and cos in y² (9e-17, 4e-18).</remarks>
internal static class BoxMuller
{
    private const long RootHalf = 0x3FE6A09E667F3BCD;   // bits of √½: mantissas are brought to [√½, √2)
    private const double Ulp52 = 1.0 / (1L << 52), Ulp53 = 1.0 / (1L << 53), Ulp54 = 1.0 / (1L << 54);
    private const double MinusTwoLog2 = -1.3862943611198906;
    private const double L0 = -4.0, L1 = -1.33333333333335305, L2 = -0.799999999985969147, L3 = -0.571428575228864598;
    private const double L4 = -0.444443939558420068, L5 = -0.363672713123051121, L6 = -0.3062485741276159, L7 = -0.296213744441525777;
    private const double S0 = 1.57079632679489511, S1 = -0.645964097506173437, S2 = 0.0796926262451452867, S3 = -0.0046817541288840414;
    private const double S4 = 0.000160441163297000292, S5 = -3.59880250274982819e-6, S6 = 5.6877711361089848e-8, S7 = -6.43488618086710879e-10;
    private const double C0 = 1.0, C1 = -1.23370055013616919, C2 = 0.253669507901031097, C3 = -0.0208634807631791348, C4 = 0.000919260273944563944;
    private const double C5 = -0.0000252020397845243731, C6 = 4.71083077049101741e-7, C7 = -6.38223759375026223e-9, C8 = 6.33177444484200339e-11;

    /// <summary>Two normals a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<double> N0, Vector512<double> N1) Lanes(Vector512<ulong> x0, Vector512<ulong> x1)
    {
        var u = Fma(Vector512.ConvertToDouble((x0 >>> 11).AsInt64()), V(Ulp53), V(Ulp54));
        var exponent = (u.AsInt64() - Vector512.Create(RootHalf)) >> 52;
        var mantissa = (u.AsInt64() - (exponent << 52)).AsDouble();
        var s = (mantissa - V(1)) / (mantissa + V(1));
        var z = s * s;
        var p = Fma(Fma(Fma(Fma(Fma(Fma(Fma(V(L7), z, V(L6)), z, V(L5)), z, V(L4)), z, V(L3)), z, V(L2)), z, V(L1)), z, V(L0));
        var radius = Vector512.Sqrt(Fma(s, p, Vector512.ConvertToDouble(exponent) * V(MinusTwoLog2)));

        var y = Fma(Vector512.ConvertToDouble(x1.AsInt64() >> 11), V(Ulp52), V(Ulp53));
        var t = y * y;
        var sine = Fma(Fma(Fma(Fma(Fma(Fma(Fma(V(S7), t, V(S6)), t, V(S5)), t, V(S4)), t, V(S3)), t, V(S2)), t, V(S1)), t, V(S0));
        var cosine = Fma(Fma(Fma(Fma(Fma(Fma(Fma(Fma(V(C8), t, V(C7)), t, V(C6)), t, V(C5)), t, V(C4)), t, V(C3)), t, V(C2)), t, V(C1)), t, V(C0));
        return (((radius * cosine).AsUInt64() ^ (x1 << 63)).AsDouble(), radius * (y * sine));
    }

    /// <summary>The same two normals of one lane, operation for operation.</summary>
    public static (double N0, double N1) Scalar(ulong x0, ulong x1)
    {
        double u = F((double)(long)(x0 >>> 11), Ulp53, Ulp54);
        long exponent = (BitConverter.DoubleToInt64Bits(u) - RootHalf) >> 52;
        double mantissa = BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(u) - (exponent << 52));
        double s = (mantissa - 1) / (mantissa + 1), z = s * s;
        double p = F(F(F(F(F(F(F(L7, z, L6), z, L5), z, L4), z, L3), z, L2), z, L1), z, L0);
        double radius = Math.Sqrt(F(s, p, exponent * MinusTwoLog2));
        double y = F((double)((long)x1 >> 11), Ulp52, Ulp53), t = y * y;
        double sine = F(F(F(F(F(F(F(S7, t, S6), t, S5), t, S4), t, S3), t, S2), t, S1), t, S0);
        double cosine = F(F(F(F(F(F(F(F(C8, t, C7), t, C6), t, C5), t, C4), t, C3), t, C2), t, C1), t, C0);
        double n0 = radius * cosine;
        return ((x1 & 1) == 0 ? n0 : -n0, radius * (y * sine));
    }

    private static double F(double a, double b, double c) => Math.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Fma(Vector512<double> a, Vector512<double> b, Vector512<double> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> V(double x) => Vector512.Create(x);
}
