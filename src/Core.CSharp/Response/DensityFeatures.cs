namespace Leith.Core;

/// <summary>What is read off a density that was counted in bins.</summary>
public static class DensityFeatures
{
    // Half the width of the smoothing parabola, in bins: seven bins are about a third of a standard deviation.
    const int Reach = 3;

    /// <summary>Maxima of the density after a parabola has been laid through every seven neighbouring bins, those above a tenth of the highest; their heights with the standard errors of the fit's centre bin.</summary>
    public static (double At, Measurement Height)[] Peaks(MeasuredCurve density)
    {
        var peaks = new List<(double, Measurement)>();
        double[] fitted = [.. density.Values.Select((_, i) => Parabola(density.Values, i).Height)];
        double highest = fitted.Max();
        for (int i = 0; i < fitted.Length; i++)
        {
            bool isMaximum = fitted[i] > highest / 10;
            for (int j = Math.Max(0, i - Reach); j <= Math.Min(fitted.Length - 1, i + Reach) && isMaximum; j++) isMaximum = j < i ? fitted[j] < fitted[i] : fitted[j] <= fitted[i];
            if (!isMaximum) continue;
            var (height, slope, curvature) = Parabola(density.Values, i);
            double offset = curvature < 0 ? Math.Clamp(-slope / (2 * curvature), -1, 1) : 0, width = density.X.Length > 1 ? density.X[1] - density.X[0] : 0;
            peaks.Add((density.X[i] + offset * width, new(height + offset * (slope + offset * curvature), density.StandardError[i])));
        }
        return [.. peaks];
    }

    /// <summary>The density at a point, on the line between the centres of its neighbouring bins; zero outside all bins.</summary>
    public static Measurement At(MeasuredCurve density, double x)
    {
        if (density.X.Length < 2) return new(0, 0);
        double position = (x - density.X[0]) / (density.X[1] - density.X[0]);
        int i = (int)Math.Floor(position);
        if (i < -1 || i >= density.X.Length) return new(0, 0);
        double right = position - i;
        double Line(double[] of) => (1 - right) * (i < 0 ? 0 : of[i]) + right * (i + 1 < of.Length ? of[i + 1] : 0);
        return new(Line(density.Values), Line(density.StandardError));
    }

    // Least squares through 2 Reach + 1 bins, zero beyond the ends; Savitzky and Golay (1964).
    static (double Height, double Slope, double Curvature) Parabola(double[] values, int centre)
    {
        double n = 0, s2 = 0, s4 = 0, y0 = 0, y1 = 0, y2 = 0;
        for (int d = -Reach; d <= Reach; d++)
        {
            double y = (uint)(centre + d) < (uint)values.Length ? values[centre + d] : 0;
            (n, s2, s4) = (n + 1, s2 + d * d, s4 + d * d * d * d);
            (y0, y1, y2) = (y0 + y, y1 + d * y, y2 + d * d * y);
        }
        double curvature = (n * y2 - s2 * y0) / (n * s4 - s2 * s2);
        return ((y0 - curvature * s2) / n, y1 / s2, curvature);
    }
}
