namespace Leith.Core;

/// <summary>
/// The one-point law of one kind of value, with standard errors from independent blocks of members: moments, density, and for a field the autocorrelation of its spatial mean.
/// </summary>
public sealed class OnePointStatistics
{
    readonly Accumulated[] blocks;
    readonly BinCounts bins;
    readonly double[][] means; // [member][sample]

    internal OnePointStatistics(Accumulated[] blocks, BinCounts bins, double[][] means, double interval)
    {
        (this.blocks, this.bins, this.means) = (blocks, bins, means);
        Interval = interval;
    }

    /// <summary>Values seen.</summary>
    public double Count => blocks.Sum(b => b.Count);

    /// <summary>Time between the samples that were looked at.</summary>
    public double Interval { get; }

    /// <summary>⟨u⟩.</summary>
    public Measurement Mean => Moment(m => m.Mean);

    /// <summary>⟨(u − ⟨u⟩)²⟩.</summary>
    public Measurement Variance => Moment(m => m.M2 / m.Count);

    /// <summary>The root of the variance.</summary>
    public Measurement StandardDeviation => Moment(m => Math.Sqrt(m.M2 / m.Count));

    /// <summary>⟨(u − ⟨u⟩)³⟩ over the standard deviation cubed; 0 where nothing varies.</summary>
    public Measurement Skewness => Moment(m => m.M2 > 0 ? Math.Sqrt(m.Count) * m.M3 / Math.Pow(m.M2, 1.5) : 0);

    /// <summary>⟨(u − ⟨u⟩)⁴⟩ over the variance squared: 3 for a normal law, 1 for two values that are equally likely; NaN where nothing varies.</summary>
    public Measurement Kurtosis => Moment(m => m.M2 > 0 ? m.Count * m.M4 / (m.M2 * m.M2) : double.NaN);

    Measurement Moment(Func<Accumulated, double> of)
    {
        // Blocks before and after the one left out, so that each is joined once.
        var before = new Accumulated[blocks.Length + 1];
        var after = new Accumulated[blocks.Length + 1];
        for (int b = 0; b < blocks.Length; b++) before[b + 1] = Accumulated.Join(before[b], blocks[b]);
        for (int b = blocks.Length - 1; b >= 0; b--) after[b] = Accumulated.Join(blocks[b], after[b + 1]);
        return Jackknife.Of(blocks.Length, b => of(b < 0 ? after[0] : Accumulated.Join(before[b], after[b + 1])));
    }

    /// <summary>The probability density at the centres of the bins.</summary>
    public MeasuredCurve Density()
    {
        double width = Math.ScaleB(1, bins.Exponent);
        var total = new double[bins.Counts[0].Length];
        double[] values = [.. bins.Counts.Select(row => (double)row.Sum())];
        foreach (var row in bins.Counts)
            for (int i = 0; i < total.Length; i++) total[i] += row[i];
        var (density, errors) = Jackknife.Curve(blocks.Length, b =>
            [.. total.Select((n, i) => b < 0 ? n / (values.Sum() * width) : (n - bins.Counts[b][i]) / ((values.Sum() - values[b]) * width))]);
        return new([.. density.Select((_, i) => (bins.First + i + 0.5) * width)], density, errors);
    }

    /// <summary>The autocorrelation of the spatial mean, ⟨ū(t + τ) ū(t)⟩/⟨ū²⟩ with the mean of all members removed, up to a quarter of the record; empty for scalar unknowns.</summary>
    public MeasuredCurve MeanAutocorrelation()
    {
        if (means.Length == 0) return new([], [], []);
        int samples = means[0].Length, lags = samples / 4 + 1;
        double mean = means.Average(m => m.Average());
        double[][] products = [.. means.Select(series => Products([.. series.Select(v => v - mean)], lags))];
        int groups = Math.Min(blocks.Length, means.Length);
        var sums = new double[groups][];
        for (int g = 0; g < groups; g++) sums[g] = new double[lags];
        // Members of one lane are a pair in `blocks`; here any fixed grouping of members will do.
        for (int m = 0; m < means.Length; m++)
            for (int lag = 0; lag < lags; lag++) sums[m * groups / means.Length][lag] += products[m][lag];
        double[] total = [.. Enumerable.Range(0, lags).Select(lag => sums.Sum(s => s[lag]))];
        var (values, errors) = Jackknife.Curve(groups, g =>
        {
            double zero = total[0] - (g < 0 ? 0 : sums[g][0]);
            return [.. total.Select((t, lag) => zero > 0 ? (t - (g < 0 ? 0 : sums[g][lag])) / zero : double.NaN)];
        });
        return new([.. values.Select((_, lag) => lag * Interval)], values, errors);
    }

    // Averages over the pairs there are: unbiased.
    static double[] Products(double[] series, int lags) =>
        [.. Enumerable.Range(0, lags).Select(lag => CorrelationTime.Dot(series.AsSpan(lag), series.AsSpan(0, series.Length - lag)) / (series.Length - lag))];

    /// <summary>Everything as named arrays, for the stage cache.</summary>
    public Arrays ToArrays() => new()
    {
        ["moments"] = [.. blocks.SelectMany(b => new[] { b.Count, b.Mean, b.M2, b.M3, b.M4 })],
        ["bins"] = [bins.Exponent, bins.First],
        ["counts"] = [.. bins.Counts.SelectMany(row => row).Select(n => (double)n)],
        ["means"] = [.. means.SelectMany(series => series)],
        ["shape"] = [means.Length, Interval],
    };

    /// <summary>The inverse of <see cref="ToArrays"/>.</summary>
    public static OnePointStatistics FromArrays(IReadOnlyDictionary<string, double[]> arrays)
    {
        double[] bins = arrays["bins"], shape = arrays["shape"];
        Accumulated[] blocks = [.. arrays["moments"].Chunk(5).Select(m => new Accumulated(m[0], m[1], m[2], m[3], m[4]))];
        long[][] counts = [.. arrays["counts"].Select(n => (long)n).Chunk(arrays["counts"].Length / blocks.Length)];
        double[][] means = shape[0] == 0 ? [] : [.. arrays["means"].Chunk(arrays["means"].Length / (int)shape[0])];
        return new(blocks, BinCounts.Restored((int)bins[0], (long)bins[1], counts), means, shape[1]);
    }
}
