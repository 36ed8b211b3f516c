using System.Numerics;
using System.Runtime.InteropServices;

namespace Leith.Core;

/// <summary>Integrated autocorrelation times, which say how many independent samples a series is worth.</summary>
public static class CorrelationTime
{
    /// <summary>τ = 1 + 2 Σ_{h=1}^{W} ρ(h), in samples, with Sokal's window: the smallest W ≥ (c/2) max(τ(W), 1/τ(W)); the second is for series that alternate.</summary>
    /// <param name="series">The series; its mean is removed.</param>
    /// <param name="window">c, how many times longer than the memory (τ/2) the sum runs.</param>
    /// <returns>1 for white noise, (1 + φ)/(1 − φ) for an AR(1) process; at least 1/T; 1 for a constant series.</returns>
    /// <remarks>Bias of relative size e^{−c}, standard error τ √((4 W + 2)/T). A memory longer than T/c is underestimated. Sokal (1997), "Monte Carlo methods in statistical mechanics", §3.</remarks>
    public static double Integrated(ReadOnlySpan<double> series, double window = 5)
    {
        var centred = series.ToArray();
        double mean = centred.Length == 0 ? 0 : centred.Average();
        for (int n = 0; n < centred.Length; n++) centred[n] -= mean;
        double variance = Dot(centred, centred);
        if (variance <= 0) return 1;
        // ÷T at every lag: noise at long lags then cannot outweigh the sum.
        return Windowed(centred.Length, h => Dot(centred.AsSpan(h), centred.AsSpan(0, centred.Length - h)) / variance, window, centred.Length);
    }

    /// <summary>The worth of a series in independent samples, T/τ.</summary>
    public static double EffectiveSamples(ReadOnlySpan<double> series, double window = 5) => series.Length / Integrated(series, window);

    /// <summary>Sokal's window over autocorrelations ρ(h), h &lt; lags.</summary>
    internal static double Windowed(int lags, Func<int, double> autocorrelation, double window, long samples)
    {
        double time = 1;
        for (int h = 1; h < lags; h++)
        {
            time += 2 * autocorrelation(h);
            if (h >= window * Math.Max(time, 1 / time) / 2 && time > 0) break;
        }
        return Math.Max(time, 1.0 / samples);
    }

    /// <summary>Σ x_n y_n.</summary>
    internal static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var sums = Vector<double>.Zero;
        var left = MemoryMarshal.Cast<double, Vector<double>>(x);
        var right = MemoryMarshal.Cast<double, Vector<double>>(y[..x.Length]);
        for (int n = 0; n < left.Length; n++) sums += left[n] * right[n];
        double sum = Vector.Sum(sums);
        for (int n = left.Length * Vector<double>.Count; n < x.Length; n++) sum += x[n] * y[n];
        return sum;
    }
}
