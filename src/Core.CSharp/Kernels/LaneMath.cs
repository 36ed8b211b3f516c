using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>Operations on eight lanes that <see cref="Vector512"/> does not have.</summary>
internal static unsafe class LaneMath
{
    private const int ExpTerms = 18;
    private static readonly double[] s_inverseFactorials = InverseFactorials();

    /// <summary>a b − c in one rounding; the JIT does not fold a negation into FusedMultiplyAdd by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane MultiplySubtract(Lane a, Lane b, Lane c) =>
        Avx512F.IsSupported ? Avx512F.FusedMultiplySubtract(a, b, c) : Vector512.FusedMultiplyAdd(a, b, -c);

    /// <summary>c − a b in one rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane SubtractProduct(Lane a, Lane b, Lane c) =>
        Avx512F.IsSupported ? Avx512F.FusedMultiplyAddNegated(a, b, c) : Vector512.FusedMultiplyAdd(-a, b, c);

    /// <summary>The row at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane Load(long address, long offset) => *(Lane*)(address + offset);

    /// <summary>Writes the row at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(long address, long offset, Lane value) => *(Lane*)(address + offset) = value;

    /// <summary>Entry i of a table of addresses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Address(long table, int i) => ((long*)table)[i];

    /// <summary>Entry i of table number n of a table of tables.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Entry(long tables, int n, long i) => ((long**)tables)[n][i];

    /// <summary>The double of a site in all lanes; the offset is that of the site's row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane LoadTable(long address, long offset) => Vector512.Create(*(double*)(address + offset / LaneArray.Lanes));

    /// <summary>tanh x, relative error about 1e-15: 1 − 2/(e^{2|x|} + 1) from ½ on, else m/(m + 2) with m = e^{2|x|} − 1 from its series.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Lane Tanh(Lane x)
    {
        Lane y = Vector512.Abs(x) + Vector512.Abs(x), one = Vector512.Create(1.0), two = Vector512.Create(2.0);
        // e⁸⁰ is beyond any effect; the cut keeps infinities out of the quotient
        Lane far = one - two / (Vector512.Exp(Vector512.Min(y, Vector512.Create(80.0))) + one);
        Lane small = Vector512.Min(y, one), series = Vector512.Create(s_inverseFactorials[ExpTerms]);
        for (int k = ExpTerms - 1; k >= 1; k--) series = Vector512.FusedMultiplyAdd(series, small, Vector512.Create(s_inverseFactorials[k]));
        Lane m = series * small, near = m / (m + two);
        Lane magnitude = Vector512.ConditionalSelect(Vector512.LessThan(y, one), near, far);
        // NaN fails every comparison and must come out as it went in
        return Vector512.ConditionalSelect(Vector512.Equals(x, x), Vector512.CopySign(magnitude, x), x);
    }

    /// <summary>x^p = e^{p ln x}; NaN for negative x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Lane RealPower(Lane x, double p) => Vector512.Exp(Vector512.Create(p) * Vector512.Log(x));

    // 1/k!: e^y − 1 = Σ_{k ≥ 1} y^k / k!
    private static double[] InverseFactorials()
    {
        var table = new double[ExpTerms + 1];
        table[0] = 1;
        for (int k = 1; k <= ExpTerms; k++) table[k] = table[k - 1] / k;
        return table;
    }
}
