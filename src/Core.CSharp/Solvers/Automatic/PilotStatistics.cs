namespace Leith.Core;

/// <summary>Sums over members and intervals of a pilot run, one set an unknown.</summary>
internal sealed class PilotStatistics(Model model)
{
    private readonly double[] squared = new double[model.Segments.Count];                                   // Σ (u_h − u_{h/2})²
    private readonly double[] sum = new double[model.Rows], square = new double[model.Rows];                // Σ u, Σ u² a row
    private readonly List<(double First, double Second)>[] differences = [.. model.Segments.Select(_ => new List<(double, double)>())];
    private int count;

    /// <summary>Whether all numbers of a tile are finite.</summary>
    public static bool IsFinite(Tile tile)
    {
        foreach (double x in tile.A.Span)
            if (!double.IsFinite(x)) return false;
        foreach (double x in tile.B.Span)
            if (!double.IsFinite(x)) return false;
        return true;
    }

    /// <summary>The states at the end of an interval.</summary>
    public void Add(Tile coarse, Tile fine)
    {
        count += Tile.Members;
        for (int s = 0; s < model.Segments.Count; s++)
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                Add(s, coarse.A, fine.A, lane);
                Add(s, coarse.B, fine.B, lane);
            }
    }

    /// <summary>The largest difference over the unknowns, in standard deviations.</summary>
    public double Difference(bool isWeak)
    {
        double worst = 0;
        for (int s = 0; s < model.Segments.Count; s++)
        {
            var segment = model.Segments[s];
            double variance = 0, size = 0;
            for (int row = segment.First; row < segment.End; row++)
            {
                double mean = sum[row] / count;
                variance += square[row] / count - mean * mean;
                size += square[row] / count;
            }
            // Members that do not vary at all are measured by what they are.
            double scale = Math.Sqrt(variance > 1e-12 * size ? variance : size);
            if (squared[s] == 0) continue;
            double difference = isWeak ? Weak(differences[s], scale) : Math.Sqrt(squared[s] / count) / scale;
            if (!double.IsFinite(difference)) return double.NaN;
            worst = Math.Max(worst, difference);
        }
        return worst;
    }

    private static double Weak(List<(double First, double Second)> values, double scale)
    {
        double Bound(Func<(double First, double Second), double> of)
        {
            double mean = values.Average(of), spread = values.Average(v => (of(v) - mean) * (of(v) - mean));
            return Math.Abs(mean) + Math.Sqrt(spread / values.Count);
        }
        return Math.Max(Bound(v => v.First) / scale, Bound(v => v.Second) / (scale * scale));
    }

    // Sums over modes are sums over sites, but for a factor that cancels.
    private void Add(int s, LaneArray coarse, LaneArray fine, int lane)
    {
        double first = 0, second = 0, all = 0;
        var segment = model.Segments[s];
        for (int row = segment.First; row < segment.End; row++)
        {
            double a = coarse[row, lane], b = fine[row, lane];
            first += a - b;
            second += a * a - b * b;
            all += (a - b) * (a - b);
            sum[row] += b;
            square[row] += b * b;
        }
        squared[s] += all;
        differences[s].Add((first, second));
    }
}
