namespace Leith.Core;

/// <summary>How a two-dimensional file is laid out.</summary>
public enum RecordingLayout
{
    /// <summary>The longer axis is time; a note says so.</summary>
    Guess,

    /// <summary>[component][time].</summary>
    ComponentsFirst,

    /// <summary>[time][component].</summary>
    TimeFirst,
}

/// <summary>Series x_i(n Δ), n = 0 … T−1, of several components sampled together.</summary>
/// <param name="Names">One name a component.</param>
/// <param name="Values">[component][time].</param>
/// <param name="Interval">Δ, the time between samples.</param>
public sealed partial record Recording(IReadOnlyList<string> Names, double[][] Values, double Interval)
{
    /// <summary>What the reader should know: how the axes were read, names that were made up.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Number of components.</summary>
    public int Components => Values.Length;

    /// <summary>Number of samples T.</summary>
    public int Samples => Values.Length == 0 ? 0 : Values[0].Length;

    /// <summary>The mean of each component.</summary>
    public double[] Means() => [.. Values.Select(series => series.Average())];

    /// <summary>The standard deviation of each component, √(Σ (x − x̄)²/T).</summary>
    public double[] Deviations() => [.. Values.Select(Deviation)];

    /// <summary>z_i = (x_i − x̄_i)/σ_i: zero mean, unit variance (÷T).</summary>
    /// <returns>The standardised recording, the means x̄ and the scales σ, so that x = x̄ + σ z.</returns>
    /// <exception cref="LeithException">A component is constant.</exception>
    public (Recording Series, double[] Means, double[] Scales) Standardised()
    {
        Check();
        double[] means = Means(), scales = Deviations();
        var values = Values.Select((series, i) => series.Select(x => (x - means[i]) / scales[i]).ToArray()).ToArray();
        return (this with { Values = values }, means, scales);
    }

    /// <summary>Throws unless every component has as many samples, all finite, and varies, and the interval is positive.</summary>
    /// <exception cref="LeithException">Otherwise; the component and the index are named.</exception>
    public Recording Check()
    {
        if (Components == 0 || Samples == 0) throw new LeithException($"recording: expected at least one component and one sample, got {Components} components of {Samples} samples.");
        if (!(Interval > 0) || double.IsInfinity(Interval)) throw new LeithException($"recording: expected a positive time between samples, got {Interval}. Give the interval in the time unit of the lags.");
        if (Names.Count != Components) throw new LeithException($"recording: expected {Components} names, one a component, got {Names.Count} ({string.Join(", ", Names)}). Give one name for each, or none.");
        for (int i = 0; i < Components; i++)
            if (Values[i].Length != Samples)
                throw new LeithException($"recording: expected {Samples} samples of every component, got {Values[i].Length} of '{Names[i]}'. Cut the series to a common length.");
        CheckFinite();
        CheckVarying();
        return this;
    }

    /// <summary>Throws unless there are more samples than lags.</summary>
    /// <param name="lags">The largest lag, in samples.</param>
    /// <exception cref="LeithException">Otherwise.</exception>
    public void CheckLags(int lags)
    {
        if (lags < 0 || lags >= Samples)
            throw new LeithException($"recording: expected more samples than lags, got {Samples} samples (every {Interval}) for lags up to {lags} samples ({lags * Interval}). Ask for lags below {Samples * Interval}, better below a tenth of it.");
    }

    private void CheckFinite()
    {
        var bad = Values.SelectMany((series, i) => series.Select((x, n) => (x, i, n))).Where(cell => !double.IsFinite(cell.x));
        var first = bad.Take(3).ToArray();
        if (first.Length == 0) return;
        int count = bad.Count();
        string cells = string.Join(", ", first.Select(cell => $"{(double.IsNaN(cell.x) ? "NaN" : cell.x > 0 ? "infinity" : "−infinity")} in '{Names[cell.i]}' at index {cell.n}"));
        throw new LeithException($"recording: expected finite numbers, got {count} that {(count == 1 ? "is" : "are")} not: {cells}{(count > first.Length ? ", …" : "")}. Fill the gaps or cut the record to a part without any.");
    }

    private void CheckVarying()
    {
        string[] constant = [.. Enumerable.Range(0, Components).Where(i => IsConstant(Values[i])).Select(i => $"'{Names[i]}' (always {Values[i][0]:g6})")];
        if (constant.Length > 0)
            throw new LeithException($"recording: expected components that vary, got constant {string.Join(", ", constant)}, so that the covariance is singular. Leave {(constant.Length == 1 ? "that component" : "those components")} out.");
    }

    // A spread below the rounding of the values themselves is no signal.
    internal static bool IsConstant(double[] series)
    {
        double scale = series.Max(Math.Abs);
        return Deviation(series) <= 1e-14 * scale;
    }

    internal static double Deviation(double[] series)
    {
        double mean = series.Average();
        return Math.Sqrt(series.Sum(x => (x - mean) * (x - mean)) / series.Length);
    }
}
