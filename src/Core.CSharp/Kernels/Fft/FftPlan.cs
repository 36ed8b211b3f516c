using System.Runtime.InteropServices;

namespace Leith.Core;

/// <summary>
/// One axis of a Stockham transform: n = r₁ r₂ … with radices 3 and 5 first, then at most one 2, then 4s, then 8s; stage k has for each p its
/// twiddles exp(−2πi p j / length), j = 1 … r−1, as pairs (cos, sin).
/// </summary>
internal sealed unsafe class FftPlan : IDisposable
{
    public FftPlan(int points)
    {
        Points = points;
        Radices = Factors(points) ?? throw new LeithException(Unsupported(points));
        TwiddleStart = new int[Radices.Length];
        int count = 0, length = points;
        for (int stage = 0; stage < Radices.Length; stage++)
        {
            TwiddleStart[stage] = count;
            count += 2 * (length / Radices[stage]) * (Radices[stage] - 1);
            length /= Radices[stage];
        }
        Twiddles = (double*)NativeMemory.AlignedAlloc((nuint)(Math.Max(count, 1) * sizeof(double)), 64);
        FillTwiddles();
    }

    /// <summary>Number of points.</summary>
    public int Points { get; }

    /// <summary>Radix of each stage; empty for one point.</summary>
    public int[] Radices { get; }

    /// <summary>First double of the twiddles of each stage.</summary>
    public int[] TwiddleStart { get; }

    /// <summary>All twiddles.</summary>
    public double* Twiddles { get; private set; }

    /// <summary>Whether n = 2^a 3^b 5^c.</summary>
    public static bool Supports(int points) => Factors(points) is not null;

    /// <summary>Frees the twiddles.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Twiddles);
        Twiddles = null;
        GC.SuppressFinalize(this);
    }

    ~FftPlan() => NativeMemory.AlignedFree(Twiddles);

    private static int[]? Factors(int points)
    {
        if (points < 1) return null;
        List<int> radices = [];
        foreach (int prime in (ReadOnlySpan<int>)[5, 3])
            for (; points % prime == 0; points /= prime) radices.Add(prime);
        if (!int.IsPow2(points)) return null;
        int twos = int.Log2(points), fours = (twos % 3) switch { 0 => 0, 2 => 1, _ => twos >= 4 ? 2 : 0 };
        if (twos == 1) radices.Add(2);
        radices.AddRange(Enumerable.Repeat(4, fours));
        radices.AddRange(Enumerable.Repeat(8, (twos - 2 * fours) / 3));
        return [.. radices];
    }

    private static string Unsupported(int points)
    {
        int below = Math.Max(points, 1), above = below;
        while (!Supports(below)) below--;
        while (above < int.MaxValue && !Supports(above)) above++;
        string nearest = below == above ? $"{below}" : $"{below} or {above}";
        return $"FFT: expected a number of points with no prime factor but 2, 3 and 5 along each axis, got {points}; take {nearest}, the nearest there are.";
    }

    private void FillTwiddles()
    {
        double* to = Twiddles;
        int length = Points;
        foreach (int radix in Radices)
        {
            for (int p = 0; p < length / radix; p++)
                for (int j = 1; j < radix; j++)
                {
                    (double sin, double cos) = double.SinCosPi(-2.0 * ((long)p * j % length) / length);
                    *to++ = cos;
                    *to++ = sin;
                }
            length /= radix;
        }
    }
}
