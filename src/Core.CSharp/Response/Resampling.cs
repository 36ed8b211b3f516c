namespace Leith.Core;

/// <summary>Bootstrap weights as values: how often each block is drawn is a function of (seed, resample).</summary>
public static class Resampling
{
    /// <summary>How often each of <paramref name="blocks"/> blocks is drawn when as many are drawn with replacement. SplitMix64, Steele et al. (2014).</summary>
    public static double[] Weights(int blocks, ulong seed, int resample)
    {
        var weights = new double[blocks];
        ulong state = seed * 0x9E3779B97F4A7C15 + (ulong)(resample + 1) * 0xD1B54A32D192ED03;
        for (int draw = 0; draw < blocks; draw++)
        {
            state += 0x9E3779B97F4A7C15;
            ulong z = state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            z ^= z >> 31;
            weights[Math.BigMul(z, (ulong)blocks, out _)]++;
        }
        return weights;
    }
}
