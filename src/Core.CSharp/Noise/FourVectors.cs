using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

/// <summary>
/// Four vectors that go through the same operations side by side: an operation on the second starts while the first still waits for its result.
/// A chain of dependent operations, as a generator or a polynomial is, leaves most of a core idle otherwise.
/// </summary>
internal readonly struct FourVectors<T>
{
    public readonly Vector512<T> A, B, C, D;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FourVectors(Vector512<T> a, Vector512<T> b, Vector512<T> c, Vector512<T> d)
    {
        A = a;
        B = b;
        C = c;
        D = d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<T> operator +(FourVectors<T> x, FourVectors<T> y) => new(x.A + y.A, x.B + y.B, x.C + y.C, x.D + y.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<T> operator +(FourVectors<T> x, Vector512<T> y) => new(x.A + y, x.B + y, x.C + y, x.D + y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<T> operator ^(FourVectors<T> x, FourVectors<T> y) => new(x.A ^ y.A, x.B ^ y.B, x.C ^ y.C, x.D ^ y.D);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<T> operator *(FourVectors<T> x, FourVectors<T> y) => new(x.A * y.A, x.B * y.B, x.C * y.C, x.D * y.D);
}

/// <summary>Operations on four vectors that are not the same for every type.</summary>
internal static class FourVectors
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<ulong> RotateLeft(FourVectors<ulong> x, [ConstantExpected] byte bits) =>
        new(RotateLeft(x.A, bits), RotateLeft(x.B, bits), RotateLeft(x.C, bits), RotateLeft(x.D, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<double> Sqrt(FourVectors<double> x) => new(Vector512.Sqrt(x.A), Vector512.Sqrt(x.B), Vector512.Sqrt(x.C), Vector512.Sqrt(x.D));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<float> Sqrt(FourVectors<float> x) => new(Vector512.Sqrt(x.A), Vector512.Sqrt(x.B), Vector512.Sqrt(x.C), Vector512.Sqrt(x.D));

    /// <summary>x y + z</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<double> Fma(FourVectors<double> x, FourVectors<double> y, FourVectors<double> z) => new(
        Vector512.FusedMultiplyAdd(x.A, y.A, z.A), Vector512.FusedMultiplyAdd(x.B, y.B, z.B), Vector512.FusedMultiplyAdd(x.C, y.C, z.C), Vector512.FusedMultiplyAdd(x.D, y.D, z.D));

    /// <summary>x y + c, a step of a polynomial.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<double> Fma(FourVectors<double> x, FourVectors<double> y, double c)
    {
        var z = Vector512.Create(c);
        return Fma(x, y, new FourVectors<double>(z, z, z, z));
    }

    /// <summary>c₁ y + c₀, the first step of a polynomial.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<double> Fma(double c1, FourVectors<double> y, double c0)
    {
        var x = Vector512.Create(c1);
        return Fma(new FourVectors<double>(x, x, x, x), y, c0);
    }

    /// <summary>x y + z</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<float> Fma(FourVectors<float> x, FourVectors<float> y, FourVectors<float> z) => new(
        Vector512.FusedMultiplyAdd(x.A, y.A, z.A), Vector512.FusedMultiplyAdd(x.B, y.B, z.B), Vector512.FusedMultiplyAdd(x.C, y.C, z.C), Vector512.FusedMultiplyAdd(x.D, y.D, z.D));

    /// <summary>x y + c, a step of a polynomial.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<float> Fma(FourVectors<float> x, FourVectors<float> y, float c)
    {
        var z = Vector512.Create(c);
        return Fma(x, y, new FourVectors<float>(z, z, z, z));
    }

    /// <summary>c₁ y + c₀, the first step of a polynomial.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourVectors<float> Fma(float c1, FourVectors<float> y, float c0)
    {
        var x = Vector512.Create(c1);
        return Fma(new FourVectors<float>(x, x, x, x), y, c0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> RotateLeft(Vector512<ulong> x, [ConstantExpected] byte bits) =>
        Avx512F.IsSupported ? Avx512F.RotateLeft(x, bits) : (x << bits) | (x >>> (64 - bits));
}
