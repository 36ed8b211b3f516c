namespace Leith.Core;

/// <summary>Single random numbers as functions of (seed, purpose, i, j): which samples stand in a batch, their noise levels, the first weights, what a bootstrap draws, the seeds of twin runs.</summary>
public static class Draw
{
    /// <summary>Purposes, each its own stream.</summary>
    public const ulong Weights = 1, Sample = 2, Level = 3, Validation = 4, Resample = 5, Twins = 6, Signs = 7, Clusters = 11, Image = 1001;

    /// <summary>Uniform on 0 … 2⁶⁴ − 1: four rounds of the SplitMix64 finaliser over the words of the counter (Steele, Lea, Flood 2014).</summary>
    public static ulong Bits(ulong seed, ulong purpose, long i, long j) => Mix(Mix(Mix(Mix(seed) + purpose) + (ulong)i) + (ulong)j);

    /// <summary>Uniform on (0, 1).</summary>
    public static double Uniform(ulong seed, ulong purpose, long i, long j) => ((Bits(seed, purpose, i, j) >> 11) + 0.5) * (1.0 / (1UL << 53));

    /// <summary>Uniform on 0 … count − 1; the bias, count / 2⁶⁴, is far below anything seen.</summary>
    public static int Index(ulong seed, ulong purpose, long i, long j, int count) => (int)Math.BigMul(Bits(seed, purpose, i, j), (ulong)count, out _);

    /// <summary>Standard normal by Box–Muller.</summary>
    public static double Normal(ulong seed, ulong purpose, long i, long j) =>
        Math.Sqrt(-2 * Math.Log(Uniform(seed, purpose, i, 2 * j))) * Math.Cos(2 * Math.PI * Uniform(seed, purpose, i, 2 * j + 1));

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
