namespace Leith.Core;

/// <summary>f(t) for t ≥ 0, by which a push is multiplied; 0 before.</summary>
/// <param name="Value">f.</param>
/// <param name="Kinks">Times at which f or its slope jumps.</param>
public sealed record ForcingInTime(Func<double, double> Value, IReadOnlyList<double> Kinks)
{
    /// <summary>f = 1: a push that lasts.</summary>
    public static ForcingInTime Step { get; } = new(_ => 1, []);

    /// <summary>f = min(t/duration, 1).</summary>
    /// <exception cref="LeithException">A duration that is not positive.</exception>
    public static ForcingInTime Ramp(double duration) => double.IsFinite(duration) && duration > 0
        ? new(t => Math.Min(t / duration, 1), [duration])
        : throw new LeithException($"ramp: expected a positive finite duration, got {Whole.Text(duration)}.");

    /// <summary>cos ωt.</summary>
    public static ForcingInTime Cosine(double frequency) => new(t => Math.Cos(frequency * t), []);

    /// <summary>A series f(0), f(spacing), …, straight in between.</summary>
    /// <param name="values">The samples.</param>
    /// <param name="spacing">The time between them.</param>
    /// <param name="every">The time between lags.</param>
    /// <param name="longest">The longest lag, to which the series must reach.</param>
    /// <exception cref="LeithException">Sampled more coarsely than the lags; too short; not finite.</exception>
    public static ForcingInTime Series(double[] values, double spacing, double every, double longest)
    {
        if (!(spacing > 0)) throw new LeithException($"series: expected a positive time between samples of f(t), got {Whole.Text(spacing)}.");
        if (spacing > every * (1 + 1e-9))
            throw new LeithException($"series: expected f(t) at least as often as the lags, every {Whole.Text(every)}, got a sample every {Whole.Text(spacing)}. Give a finer series, or take samples less often.");
        if ((values.Length - 1) * spacing < longest * (1 - 1e-9))
            throw new LeithException($"series: expected f(t) up to the longest lag {Whole.Text(longest)}, got {values.Length} samples, which end at {Whole.Text((values.Length - 1) * spacing)}. Give a longer series, or ask for shorter lags.");
        if (Array.FindIndex(values, v => !double.IsFinite(v)) is var bad and >= 0)
            throw new LeithException($"series: expected finite values of f(t), got {Whole.Text(values[bad])} at sample {bad}.");
        double At(double t)
        {
            double place = Math.Clamp(t / spacing, 0, values.Length - 1);
            int i = Math.Min((int)place, values.Length - 2);
            return values[i] + (place - i) * (values[i + 1] - values[i]);
        }
        return new(values.Length == 1 ? _ => values[0] : At, [.. Enumerable.Range(1, values.Length - 1).Select(i => i * spacing).Where(t => t < longest)]);
    }
}
