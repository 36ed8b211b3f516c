using System.Numerics;

namespace Leith.Core;

/// <summary>Which lags a tail is fitted to, from one curve and its standard errors; the same for all its resamples.</summary>
/// <param name="First">First lag of the fit.</param>
/// <param name="Last">Last lag at which the curve stands out of its standard error.</param>
/// <param name="Sign">Sign of the curve there.</param>
/// <param name="Weights">Weight of ln |R| at each lag from First on, (R/standard error)².</param>
/// <param name="Oscillates">Whether the curve changes its sign after First, resolved on both sides.</param>
public sealed record TailWindow(int First, int Last, int Sign, double[] Weights, bool Oscillates)
{
    private const double Resolved = 3;
    private const int Fewest = 4;

    /// <summary>From the last lags whose |R| exceeds three standard errors back to where R was four times larger, a third of these lags at the least and two thirds at the most; null where too few lags stand out.</summary>
    public static TailWindow? Of(double[] curve, double[] standardError)
    {
        bool Stands(int i) => Math.Abs(curve[i]) > Resolved * standardError[i] && curve[i] != 0;
        int last = 0;
        while (last + 1 < curve.Length && (Stands(last + 1) || (last + 2 < curve.Length && Stands(last + 2)))) last++;
        while (last > 0 && !Stands(last)) last--;
        if (last + 1 < Fewest) return null;
        int earliest = last / 3, latest = Math.Min(last - last / 3, last + 1 - Fewest), first = Math.Max(0, latest);
        while (first > earliest && Math.Abs(curve[first]) < 4 * Math.Abs(curve[last])) first--;
        int sign = Math.Sign(curve[last]);
        bool oscillates = Enumerable.Range(first, last - first + 1).Any(i => Math.Sign(curve[i]) == -sign && Math.Abs(curve[i]) > 3 * standardError[i]);
        double Weight(int i) => standardError[i] > 0 ? curve[i] / standardError[i] * (curve[i] / standardError[i]) : 1;
        return new(first, last, sign, [.. Enumerable.Range(first, last - first + 1).Select(Weight)], oscillates);
    }
}

/// <summary>R(τ) ≈ R(T) e^{−k(τ − T)} beyond the longest lag T.</summary>
/// <param name="AtEnd">R(T) of the fit.</param>
/// <param name="Rate">k.</param>
/// <param name="End">T.</param>
public sealed record ExponentialTail(double AtEnd, double Rate, double End)
{
    /// <summary>∫_T^∞ R dτ.</summary>
    public double Integral => AtEnd / Rate;

    /// <summary>∫_T^∞ R e^{iωτ} dτ.</summary>
    public Complex Transform(double frequency) => AtEnd * Complex.FromPolarCoordinates(1, frequency * End) / new Complex(Rate, -frequency);

    /// <summary>The straight line through ln |R| over part of a window by weighted least squares; null where it does not fall, or R has not the sign of the window at three lags.</summary>
    /// <param name="curve">R at the lags.</param>
    /// <param name="every">Time between lags.</param>
    /// <param name="window">The lags, and their weights.</param>
    /// <param name="from">First of them as a fraction of the window.</param>
    /// <param name="to">Last of them as a fraction of the window.</param>
    public static ExponentialTail? Fit(double[] curve, double every, TailWindow window, double from = 0, double to = 1)
    {
        int length = window.Last - window.First, begin = window.First + (int)Math.Round(from * length), end = window.First + (int)Math.Round(to * length);
        double s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
        int used = 0;
        for (int i = begin; i <= end; i++)
        {
            if (!(window.Sign * curve[i] > 0)) continue;
            // From the last lag, so that the sums lose no digits.
            double x = (i - window.Last) * every, y = Math.Log(window.Sign * curve[i]), w = window.Weights[i - window.First];
            (s, sx, sy, sxx, sxy, used) = (s + w, sx + w * x, sy + w * y, sxx + w * x * x, sxy + w * x * y, used + 1);
        }
        double determinant = s * sxx - sx * sx;
        if (used < 3 || !(determinant > 0)) return null;
        double slope = (s * sxy - sx * sy) / determinant, level = (sy - slope * sx) / s, longest = (curve.Length - 1) * every;
        return slope < 0 ? new(window.Sign * Math.Exp(level + slope * (longest - window.Last * every)), -slope, longest) : null;
    }
}
