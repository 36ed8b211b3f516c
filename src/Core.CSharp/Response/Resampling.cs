using System.Numerics;
using System.Runtime.InteropServices;

namespace Leith.Core;

/// <summary>Bootstrap weights as values, a function of (seed, resample), and the sums they weigh.</summary>
public static class Resampling
{
    /// <summary>How often each of <paramref name="blocks"/> blocks comes when <paramref name="draws"/> are drawn with replacement.</summary>
    public static double[] Weights(int blocks, int draws, ulong seed, int resample)
    {
        var weights = new double[blocks];
        for (int draw = 0; draw < draws; draw++) weights[Draw.Index(seed, Draw.Resample, resample, draw, blocks)]++;
        return weights;
    }

    /// <summary>to ← to + factor · from, where nearly all the time of a bootstrap goes.</summary>
    internal static void AddScaled(double factor, ReadOnlySpan<double> from, Span<double> to)
    {
        var source = MemoryMarshal.Cast<double, Vector<double>>(from);
        var target = MemoryMarshal.Cast<double, Vector<double>>(to);
        for (int n = 0; n < source.Length; n++) target[n] += factor * source[n];
        for (int n = source.Length * Vector<double>.Count; n < from.Length; n++) to[n] += factor * from[n];
    }
}
