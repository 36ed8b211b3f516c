using System.Numerics;

namespace Leith.Core;

/// <summary>χ(ω) = ∫₀^∞ R(τ) e^{iωτ} dτ: a push cos ωt moves a mean by Re χ cos ωt + Im χ sin ωt.</summary>
/// <remarks>
/// The cubic through the lags times e^{iωτ}, integrated as for any forcing, so that ωΔ need not be small; order 4 in the time Δ between lags; beyond the longest lag the fitted exponential.
/// Frequencies are angular, up to π/Δ.
/// </remarks>
public sealed class Susceptibility
{
    private readonly double every;
    private readonly double[][] cosine, sine, coarseCosine, coarseSine; // [frequency][lag]

    /// <summary>For curves of so many lags.</summary>
    /// <exception cref="LeithException">A frequency that is negative, not finite, or above π/Δ.</exception>
    public Susceptibility(int lags, double every, IReadOnlyList<double> frequencies)
    {
        Check(frequencies, every);
        (this.every, Frequencies) = (every, frequencies);
        LagQuadrature fine = new(lags, every, 1), coarse = new(lags, every, 2);
        double[][] Each(LagQuadrature quadrature, Func<double, double> wave) => [.. frequencies.Select(w => quadrature.Integral(t => wave(w * t)))];
        (cosine, sine, coarseCosine, coarseSine) = (Each(fine, Math.Cos), Each(fine, Math.Sin), Each(coarse, Math.Cos), Each(coarse, Math.Sin));
    }

    /// <summary>ω.</summary>
    public IReadOnlyList<double> Frequencies { get; }

    /// <summary>Refuses frequencies that the lags cannot show.</summary>
    public static void Check(IReadOnlyList<double> frequencies, double every)
    {
        if (frequencies.Count == 0) throw new LeithException("periodic: expected at least one frequency, got none.");
        foreach (double w in frequencies)
        {
            if (!double.IsFinite(w) || w < 0) throw new LeithException($"periodic: expected angular frequencies of 0 or more, got {Whole.Text(w)}; χ(−ω) is the conjugate of χ(ω).");
            if (w * every > Math.PI * (1 + 1e-9))
                throw new LeithException($"periodic: expected angular frequencies up to π/{Whole.Text(every)} = {Whole.Text(Math.PI / every)}, half a period between two lags, got {Whole.Text(w)}. Sample more often, or ask for lower frequencies.");
        }
    }

    /// <summary>χ at the frequencies.</summary>
    public Complex[] Apply(double[] response, ExponentialTail? tail) => Apply(cosine, sine, response, tail);

    /// <summary>Errors of discretisation of Re χ and Im χ, |χ − χ of every second lag|/15 (Richardson, order 4).</summary>
    public Complex[] Discretisation(double[] response)
    {
        Complex[] fine = Apply(cosine, sine, response, null), coarse = Apply(coarseCosine, coarseSine, response, null);
        return [.. fine.Zip(coarse, (a, b) => new Complex(Math.Abs(a.Real - b.Real) / 15, Math.Abs(a.Imaginary - b.Imaginary) / 15))];
    }

    /// <summary>Bounds on |Re χ| and |Im χ| from one on |R|, or their standard errors where the errors of all lags go together; without the tail.</summary>
    public Complex[] Bound(double[] bound)
    {
        double Sum(double[] weights) => weights.Zip(bound, (a, b) => Math.Abs(a) * b).Sum();
        return [.. cosine.Zip(sine, (c, s) => new Complex(Sum(c), Sum(s)))];
    }

    private Complex[] Apply(double[][] real, double[][] imaginary, double[] response, ExponentialTail? tail) =>
        [.. Frequencies.Select((w, i) => new Complex(LagQuadrature.Dot(real[i], response), LagQuadrature.Dot(imaginary[i], response)) + (tail?.Transform(w) ?? Complex.Zero))];

    /// <summary>The tail of a response and those of its resamples, fitted to the same lags; null where no exponential fits.</summary>
    public (ExponentialTail? Tail, ExponentialTail?[] OfReplicates) Tails(double[] response, double[] standardError, double[][] replicates)
    {
        var window = TailWindow.Of(response, standardError);
        ExponentialTail? Fit(double[] r) => window is null || window.Oscillates ? null : ExponentialTail.Fit(r, every, window);
        return (Fit(response), [.. replicates.Select(Fit)]);
    }
}
