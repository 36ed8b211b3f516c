using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>Operations on eight lanes that <see cref="Vector512"/> does not have.</summary>
internal static unsafe class LaneMath
{
    /// <summary>a b − c in one rounding; the JIT does not fold a negation into FusedMultiplyAdd by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane MultiplySubtract(Lane a, Lane b, Lane c) =>
        Avx512F.IsSupported ? Avx512F.FusedMultiplySubtract(a, b, c) : Vector512.FusedMultiplyAdd(a, b, -c);

    /// <summary>c − a b in one rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane SubtractProduct(Lane a, Lane b, Lane c) =>
        Avx512F.IsSupported ? Avx512F.FusedMultiplyAddNegated(a, b, c) : Vector512.FusedMultiplyAdd(-a, b, c);

    /// <summary>The vector at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(long address) where T : unmanaged => *(T*)address;

    /// <summary>Writes the vector at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(long address, T value) where T : unmanaged => *(T*)address = value;

    /// <summary>Entry i of a table of addresses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Address(long table, int i) => ((long*)table)[i];

    /// <summary>Entry i of table number n of a table of tables.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Entry(long tables, int n, long i) => ((long**)tables)[n][i];

    /// <summary>The double of a site in a table; the offset is that of the site's row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double TableEntry(long address, long offset) => *(double*)(address + offset / LaneArray.Lanes);
}
