using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Leith.Core.FourVectors;

namespace Leith.Core;

/// <summary>
/// n₀ = √(−2 ln u) cos θ, n₁ = √(−2 ln u) sin θ from two 64-bit words: u = (x₀ + ½)/2⁶⁴ (up to 9.49 σ); the lower bits of the second give the half angle
/// θ = π y, y an odd multiple of 2⁻⁵² in (−½, ½), and its highest bit the half-plane (the sign of the cosine).
/// Only additions, exact conversions, fused multiply–adds and square roots in one fixed order: lanes and scalars agree bit for bit.
/// </summary>
/// <remarks>
/// 2⁶⁴ u = 2ᵉ m with m in [45/64, 45/32), each sixteenth of that range has one r ≈ 1/m, and ln u = (e − 64) ln 2 − ln r + ln(1 + z) with z = m r − 1 in
/// [−1/34, 1/32]: no division. The sixteenth around m = 1 has r = 1, so that −2 ln u keeps its relative accuracy where it goes to zero.
/// Minimax polynomials (Remez exchange in 50 digits): −2 ln(1+z)/z (6e-16 relative), sin and cos of π y in 4 y² (9e-17, 4e-18).
/// </remarks>
internal static class BoxMuller
{
    private const long Low = (64L << 52) + 0x3FE6800000000000;     // bits of 2⁶⁴ · 45/64
    private const long ExponentBits = -1L << 52;
    private const ulong AngleBits = 0x000FFFFFFFFFFFFE, OneAndUlp = 0x3FF0000000000001, SignBit = 1UL << 63;
    private const double MinusTwoLog2Ulp52 = -1.3862943611198906 / (1L << 52);
    private const double L0 = -1.99999999999999879, L1 = 1.00000000000006942, L2 = -0.666666666708829449, L3 = 0.499999999253886223;
    private const double L4 = -0.399999769643566302, L5 = 0.333335205539910169, L6 = -0.286118431855629652, L7 = 0.248836218066714735;
    private const double S0 = 0x2 * 1.57079632679489511, S1 = 0x8 * -0.645964097506173437, S2 = 0x20 * 0.0796926262451452867, S3 = 0x80 * -0.0046817541288840414;
    private const double S4 = 0x200 * 0.000160441163297000292, S5 = 0x800 * -3.59880250274982819e-6, S6 = 0x2000 * 5.6877711361089848e-8, S7 = 0x8000 * -6.43488618086710879e-10;
    private const double C0 = 1.0, C1 = 0x4 * -1.23370055013616919, C2 = 0x10 * 0.253669507901031097, C3 = 0x40 * -0.0208634807631791348, C4 = 0x100 * 0.000919260273944563944;
    private const double C5 = 0x400 * -0.0000252020397845243731, C6 = 0x1000 * 4.71083077049101741e-7, C7 = 0x4000 * -6.38223759375026223e-9, C8 = 0x10000 * 6.33177444484200339e-11;

    // r of the sixteenths of [45/64, 45/32), each the reciprocal of its middle but for the tenth, and 2 ln r
    private static ReadOnlySpan<double> Reciprocals =>
    [
        1.391304347826087, 1.3333333333333333, 1.28, 1.2307692307692308, 1.1851851851851851, 1.1428571428571428, 1.103448275862069, 1.0666666666666667,
        1.032258064516129, 1.0, 0.9411764705882353, 0.8888888888888888, 0.8421052631578947, 0.8, 0.7619047619047619, 0.7272727272727273,
    ];

    private static ReadOnlySpan<double> TwiceLogs =>
    [
        0.6604833737411536, 0.5753641449035617, 0.4937201558630516, 0.4152787295564891, 0.33979807359079484, 0.26706278524904514, 0.19688014562650502, 0.12907704227514233,
        0.06349739662916054, 0.0, -0.12124924363286971, -0.23556607131276702, -0.34370051385331857, -0.4462871026284194, -0.5438674309672836, -0.6369074622370692,
    ];

    /// <summary>
    /// Four pairs of rows in place: words x₀ and x₁ go in, one row after the other, and the normals n₀ and n₁ come out.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static unsafe void FourPairs(Vector512<double>* rows)
    {
        var words = (Vector512<ulong>*)rows;
        var (zA, othersA) = Reduce(words[0]);
        var (zB, othersB) = Reduce(words[2]);
        var (zC, othersC) = Reduce(words[4]);
        var (zD, othersD) = Reduce(words[6]);
        FourVectors<double> z = new(zA, zB, zC, zD), others = new(othersA, othersB, othersC, othersD);
        var p = Fma(Fma(Fma(Fma(Fma(Fma(Fma(L7, z, L6), z, L5), z, L4), z, L3), z, L2), z, L1), z, L0);
        var radius = Sqrt(Fma(z, p, others));
        var y = new FourVectors<double>(HalfAngle(words[1]), HalfAngle(words[3]), HalfAngle(words[5]), HalfAngle(words[7]));
        var t = y * y;
        var sine = Fma(Fma(Fma(Fma(Fma(Fma(Fma(S7, t, S6), t, S5), t, S4), t, S3), t, S2), t, S1), t, S0);
        var cosine = Fma(Fma(Fma(Fma(Fma(Fma(Fma(Fma(C8, t, C7), t, C6), t, C5), t, C4), t, C3), t, C2), t, C1), t, C0);
        (FourVectors<double> n0, FourVectors<double> n1) = (radius * cosine, radius * (y * sine));
        (rows[0], rows[1]) = (HalfPlane(n0.A, words[1]), n1.A);
        (rows[2], rows[3]) = (HalfPlane(n0.B, words[3]), n1.B);
        (rows[4], rows[5]) = (HalfPlane(n0.C, words[5]), n1.C);
        (rows[6], rows[7]) = (HalfPlane(n0.D, words[7]), n1.D);
    }

    // −2 ln u = others − 2 ln(1 + z)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<double> Z, Vector512<double> Others) Reduce(Vector512<ulong> x0)
    {
        var bits = (Vector512.ConvertToDouble(x0) + Vector512.Create(0.5)).AsInt64();
        var above = bits - Vector512.Create(Low);
        var exponent = above & Vector512.Create(ExponentBits);
        var mantissa = (bits - Vector512.Create(64L << 52) - exponent).AsDouble();
        var sixteenth = above >>> 48;
        var others = Vector512.FusedMultiplyAdd(Vector512.ConvertToDouble(exponent), Vector512.Create(MinusTwoLog2Ulp52), Choose(TwiceLogs, sixteenth));
        return (Vector512.FusedMultiplyAdd(mantissa, Choose(Reciprocals, sixteenth), Vector512.Create(-1.0)), others);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> HalfAngle(Vector512<ulong> x1) =>
        ((x1 & Vector512.Create(AngleBits)) | Vector512.Create(OneAndUlp)).AsDouble() - Vector512.Create(1.5);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> HalfPlane(Vector512<double> n0, Vector512<ulong> x1) => (n0.AsUInt64() ^ (x1 & Vector512.Create(SignBit))).AsDouble();

    /// <summary>The same two normals of one lane, operation for operation.</summary>
    public static (double N0, double N1) Scalar(ulong x0, ulong x1)
    {
        double u = x0 + 0.5;
        long bits = BitConverter.DoubleToInt64Bits(u), above = bits - Low, exponent = above & ExponentBits;
        double mantissa = BitConverter.Int64BitsToDouble(bits - (64L << 52) - exponent);
        int sixteenth = (int)(above >>> 48) & 15;
        double z = F(mantissa, Reciprocals[sixteenth], -1), others = F(exponent, MinusTwoLog2Ulp52, TwiceLogs[sixteenth]);
        double p = F(F(F(F(F(F(F(L7, z, L6), z, L5), z, L4), z, L3), z, L2), z, L1), z, L0);
        double radius = Math.Sqrt(F(z, p, others));
        double y = BitConverter.UInt64BitsToDouble((x1 & AngleBits) | OneAndUlp) - 1.5, t = y * y;
        double sine = F(F(F(F(F(F(F(S7, t, S6), t, S5), t, S4), t, S3), t, S2), t, S1), t, S0);
        double cosine = F(F(F(F(F(F(F(F(C8, t, C7), t, C6), t, C5), t, C4), t, C3), t, C2), t, C1), t, C0);
        double n0 = radius * cosine;
        return ((x1 & SignBit) == 0 ? n0 : -n0, radius * (y * sine));
    }

    // entry i mod 16 of a table
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Choose(ReadOnlySpan<double> table, Vector512<long> i)
    {
        Vector512<double> first = Vector512.Create(table), second = Vector512.Create(table[8..]);
        if (Avx512F.IsSupported) return Avx512F.PermuteVar8x64x2(first, i, second);
        i &= Vector512.Create(15L);
        var eighth = i & Vector512.Create(7L);
        return Vector512.ConditionalSelect(Vector512.LessThan(i, Vector512.Create(8L)).AsDouble(), Vector512.Shuffle(first, eighth), Vector512.Shuffle(second, eighth));
    }

    private static double F(double a, double b, double c) => Math.FusedMultiplyAdd(a, b, c);
}
