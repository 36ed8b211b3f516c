namespace Leith.Core;

/// <summary>d⟨A⟩/dλ = ∫₀^∞ R dτ and what it rests on.</summary>
/// <param name="Value">∫₀ᵀ R dτ + tail.</param>
/// <param name="StandardError">√(scatter over resamples² + discretisation² + what a tail that is not exponential leaves open²).</param>
/// <param name="Integral">∫₀ᵀ R dτ, T the longest lag.</param>
/// <param name="Sampling">Standard error of that integral.</param>
/// <param name="Tail">∫_T^∞ of the fitted exponential.</param>
/// <param name="TailError">Standard error of the tail, its shape included.</param>
/// <param name="Discretisation">Error of the quadrature.</param>
/// <param name="Rate">Rate of the exponential; NaN where there is none.</param>
/// <param name="Notes">What stands in the way: a tail that is no exponential, lags that are too short.</param>
public sealed record StaticSensitivityEstimate(double Value, double StandardError, double Integral, double Sampling, double Tail, double TailError, double Discretisation, double Rate,
    IReadOnlyList<string> Notes);

/// <summary>The change of a mean by a push that lasts, from its impulse response, with an exponential beyond the longest lag.</summary>
/// <remarks>
/// The exponential is fitted to the last lags that stand out of their standard error (<see cref="TailWindow"/>), again for each resample. Where its two halves disagree by more than
/// three standard errors, it is no exponential: the notes say so and the difference counts as an error.
/// </remarks>
public static class StaticSensitivity
{
    /// <summary>From the response to an impulse.</summary>
    /// <param name="response">R at the lags.</param>
    /// <param name="standardError">Its standard error; zeros where it is exact.</param>
    /// <param name="replicates">[resample][lag]; empty where there are none: errors of all lags are then taken to go together, which is the worst case.</param>
    /// <param name="every">Time between lags.</param>
    public static StaticSensitivityEstimate Of(double[] response, double[] standardError, double[][] replicates, double every)
    {
        double[] weights = new LagQuadrature(response.Length, every, 1).Integral(_ => 1), coarse = new LagQuadrature(response.Length, every, 2).Integral(_ => 1);
        double integral = LagQuadrature.Dot(weights, response), discretisation = Math.Abs(integral - LagQuadrature.Dot(coarse, response)) / 15;
        double[] sums = [.. replicates.Select(r => LagQuadrature.Dot(weights, r))];
        double sampling = sums.Length > 1 ? Deviation(sums) : weights.Zip(standardError, (w, e) => Math.Abs(w) * e).Sum();
        return Assemble(new(response, standardError, replicates, every), new(integral, sums, sampling), discretisation, tail => tail.Integral);
    }

    /// <summary>From the response r to a push that lasts: the mean of r over the last third of the lags and, at each of these, the tail of its slope that is still to come.</summary>
    public static StaticSensitivityEstimate OfStep(double[] response, double[] standardError, double[][] replicates, double every)
    {
        double[] Slope(double[] r) => [.. r.Zip(r.Skip(1), (a, b) => (b - a) / every)];
        int first = response.Length - Math.Max(1, response.Length / 3);
        double Plateau(double[] r) => r[first..].Average();
        double[][] slopes = [.. replicates.Select(Slope)];
        double[] slope = Slope(response), error = slopes.Length > 1 ? Deviations(slopes) : [.. standardError.Zip(standardError.Skip(1), (a, b) => (a + b) / every)];
        double[] sums = [.. replicates.Select(Plateau)];
        double sampling = sums.Length > 1 ? Deviation(sums) : Plateau(standardError);
        // The slope of an interval stands at its middle: half an interval before the last lag.
        double Beyond(ExponentialTail tail) => tail.Integral * Enumerable.Range(first, response.Length - first).Average(j => Math.Exp(tail.Rate * every * (response.Length - 1.5 - j)));
        return Assemble(new(slope, error, slopes, every), new(Plateau(response), sums, sampling), 0, Beyond);
    }

    private sealed record Curve(double[] Values, double[] Errors, double[][] Replicates, double Every)
    {
        public double Longest => (Values.Length - 1) * Every;
    }

    private sealed record Sum(double Value, double[] Replicates, double Sampling);

    private static StaticSensitivityEstimate Assemble(Curve curve, Sum sum, double discretisation, Func<ExponentialTail, double> beyond)
    {
        var (values, every) = (curve.Values, curve.Every);
        StaticSensitivityEstimate Without(double open, params string[] notes) =>
            new(sum.Value, Norm(sum.Sampling, discretisation, open), sum.Value, sum.Sampling, 0, open, discretisation, double.NaN, notes);
        if (TailWindow.Of(values, curve.Errors) is not { } window) return Without(Unresolved(curve), "too few lags stand out of their standard error for a tail");
        if (window.Oscillates && 3 * window.Last < 2 * values.Length) return Without(Unresolved(curve));
        if (window.Oscillates)
            return Without(Envelope(values, window, every), $"the response changes its sign between the lags {Whole.Text(window.First * every)} and {Whole.Text(window.Last * every)}: its tail is no exponential, none is added, and what its envelope leaves open counts as error");
        if (ExponentialTail.Fit(values, every, window) is not { } fit)
            return Without(Math.Abs(values[^1]) * curve.Longest, $"the response does not decay up to the longest lag {Whole.Text(curve.Longest)}: the lags are too short for a tail; ask for longer lags");
        var refits = curve.Replicates.Select((r, i) => (Sum: sum.Replicates[i], Tail: ExponentialTail.Fit(r, every, window))).Where(r => r.Tail is not null).Select(r => (r.Sum, Tail: beyond(r.Tail!))).ToArray();
        double tail = beyond(fit), scatter = refits.Length > 1 ? Deviation([.. refits.Select(r => r.Tail)]) : Math.Abs(tail) * RelativeError(values, curve.Errors, window);
        // A tail within its own error adds nothing but that error.
        if (Math.Abs(tail) < 2 * scatter && Unresolved(curve) is var open && open < scatter) return Without(open);
        double joint = refits.Length > 1 ? Deviation([.. refits.Select(r => r.Sum + r.Tail)]) : sum.Sampling + scatter;
        var (shape, notes) = Shape(values, curve.Replicates, every, window, fit, tail, beyond);
        if (Math.Abs(tail) > Math.Abs(sum.Value)) notes.Add($"the tail beyond the longest lag {Whole.Text(curve.Longest)} is larger than all before it: the lags are too short; ask for longer lags");
        double slow = Slow(curve, window, fit, notes);
        return new(sum.Value + tail, Norm(joint, discretisation, shape, slow), sum.Value, sum.Sampling, tail, Norm(scatter, shape, slow), discretisation, fit.Rate, notes);
    }

    // A slow part may be lost in the noise of single lags and yet stand out of their mean: where the fit ends before the last third and that differs from it, the difference may go on for as long again.
    private static double Slow(Curve curve, TailWindow window, ExponentialTail fit, List<string> notes)
    {
        int first = curve.Values.Length - Math.Max(1, curve.Values.Length / 3);
        if (window.Last >= first) return 0;
        double expected = Enumerable.Range(first, curve.Values.Length - first).Average(i => fit.AtEnd * Math.Exp(fit.Rate * (curve.Longest - i * curve.Every)));
        double mean = curve.Values[first..].Average() - expected;
        double error = curve.Replicates.Length > 1 ? Deviation([.. curve.Replicates.Select(r => r[first..].Average())]) : curve.Errors[first..].Average();
        if (Math.Abs(mean) < 2 * error) return 0;
        notes.Add($"the lags from {Whole.Text(first * curve.Every)} on have a mean of {mean:g3} ± {error:g2} beside the tail that was fitted before: something slow goes on, which counts as error; ask for longer lags");
        return Math.Abs(mean) * (curve.Values.Length - first) * curve.Every;
    }

    // What may lie beyond the longest lag where it cannot be seen: the mean of the last third of the curve with its error, for as long as the curve seems to remember.
    private static double Unresolved(Curve curve)
    {
        int first = curve.Values.Length - Math.Max(1, curve.Values.Length / 3);
        double mean = curve.Values[first..].Average();
        double error = curve.Replicates.Length > 1 ? Deviation([.. curve.Replicates.Select(r => r[first..].Average())]) : curve.Errors[first..].Average();
        double memory = Math.Abs(curve.Values.Sum()) * curve.Every / Math.Max(curve.Values.Max(Math.Abs), double.Epsilon);
        return Norm(mean, error) * Math.Min(memory, curve.Longest);
    }

    private static (double Error, List<string> Notes) Shape(double[] curve, double[][] replicates, double every, TailWindow window, ExponentialTail fit, double tail, Func<ExponentialTail, double> beyond)
    {
        var (early, late) = (ExponentialTail.Fit(curve, every, window, 0, 0.5), ExponentialTail.Fit(curve, every, window, 0.5));
        if (early is null || late is null) return (0, []);
        double difference = Math.Abs(early.Rate - late.Rate);
        double[] differences = [.. replicates.Select(r => (Early: ExponentialTail.Fit(r, every, window, 0, 0.5), Late: ExponentialTail.Fit(r, every, window, 0.5)))
            .Where(p => p.Early is not null && p.Late is not null).Select(p => p.Early!.Rate - p.Late!.Rate)];
        double scatter = differences.Length > 1 ? Deviation(differences) : 0;
        if (difference <= Math.Max(3 * scatter, 0.05 * fit.Rate)) return (0, []);
        return (Math.Abs(beyond(late) - tail),
            [$"the tail is no single exponential: its rate is {early.Rate:g3} in the first and {late.Rate:g3} in the second half of the lags {Whole.Text(window.First * every)} to {Whole.Text(window.Last * every)}"]);
    }

    private static double Envelope(double[] curve, TailWindow window, double every)
    {
        int middle = (window.First + curve.Length) / 2;
        double before = curve[window.First..middle].Max(Math.Abs), after = curve[middle..].Max(Math.Abs), longest = (curve.Length - 1) * every;
        double rate = Math.Log(before / after) / (0.5 * (curve.Length - window.First) * every);
        return rate > 0 ? Math.Min(after / rate, after * longest) : after * longest;
    }

    private static double RelativeError(double[] curve, double[] error, TailWindow window) =>
        Enumerable.Range(window.First, window.Last - window.First + 1).Max(i => error[i] / Math.Abs(curve[i]));

    private static double Norm(params double[] parts) => Math.Sqrt(parts.Sum(p => p * p));

    internal static double Deviation(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
    }

    /// <summary>The standard deviation over resamples at each lag.</summary>
    internal static double[] Deviations(double[][] replicates) => [.. Enumerable.Range(0, replicates[0].Length).Select(lag => Deviation([.. replicates.Select(r => r[lag])]))];
}
