namespace Leith.Core;

/// <summary>A scheme and a step, and why.</summary>
/// <param name="Scheme">The scheme.</param>
/// <param name="Step">h.</param>
/// <param name="Reason">One sentence.</param>
public sealed record StepChoice(Scheme Scheme, double Step, string Reason);

/// <summary>
/// Chooses a scheme by the structure of a model and a step by a pilot run: the largest every/2^m at which h and h/2 on one Brownian path differ by less than
/// 1 % of the standard deviation over one sampling interval.
/// </summary>
/// <remarks>Sixteen members from a fixed seed: the same model has the same choice on every machine and for any number of threads.</remarks>
public static class AutomaticStep
{
    private const double Tolerance = 0.01;

    /// <summary>The choice for a model in Itô's sense that is sampled at times <paramref name="every"/> apart.</summary>
    /// <param name="model">The model.</param>
    /// <param name="every">Time between samples.</param>
    /// <param name="spinUp">Time after which states are typical; the pilot run spends at most twenty intervals on it.</param>
    /// <param name="initial">As <see cref="Simulation.Initial"/>.</param>
    /// <exception cref="LeithException">A model that does not pass the checks of <see cref="Simulation"/>; no step at which the pilot run stays finite.</exception>
    public static StepChoice Choose(Model model, double every, double spinUp, Action<Tile>? initial = null)
    {
        ModelDoor.Check(model, Scheme.EulerMaruyama, every);
        if (model.Nonlinear is null && !model.IsMultiplicative && (model.HasLinear || model.ScalarDrift is null))
            return new(Scheme.Exponential, every, $"{Name(Scheme.Exponential)} with dt = {Whole.Text(every)}, the sampling interval: the drift is linear and the noise additive, so every step is exact in law.");
        var pilots = Candidates(model).Select(scheme => Pilot(model, scheme, every, spinUp, initial)).Where(p => p.Step > 0).ToArray();
        if (pilots.Length == 0)
            throw new LeithException($"automatic: expected a pilot run that stays finite, got none with steps of {Whole.Text(every)} halved {Deepest(model, Candidates(model)[0])} times. Check the signs of the terms and the initial state.");
        // The error first, then the cost: drifts evaluated in a unit of time.
        var best = pilots.OrderBy(p => p.Error > Tolerance).ThenBy(p => Schemes.Facts(p.Scheme).Stages / p.Step).First();
        return new(best.Scheme, best.Step, Reason(model, best, pilots, every));
    }

    private static Scheme[] Candidates(Model model)
    {
        if (model.IsMultiplicative) return [NoiseCommutation.Holds(model) ? Scheme.Milstein : model.HasFields ? Scheme.EulerMaruyama : Scheme.WeakSecondOrder];
        var plain = model.AdditiveNormals > 0 ? Scheme.Heun : Scheme.RungeKutta4;
        return double.IsInfinity(Stability.LargestStep(model, plain)) ? [plain] : [plain, Scheme.ExponentialRungeKutta4];
    }

    private static (Scheme Scheme, double Step, double Error) Pilot(Model model, Scheme scheme, double every, double spinUp, Action<Tile>? initial)
    {
        using var run = new PilotRun(model, scheme, every, initial);
        double limit = Stability.LargestStep(model, scheme), error = double.NaN, step = 0;
        int deepest = Deepest(model, scheme);
        for (int halvings = 0; halvings <= deepest; halvings++)
        {
            double h = every / (1 << halvings);
            if (h >= limit) continue;
            double difference = run.Difference(halvings, spinUp);
            if (!double.IsFinite(difference)) continue;
            (step, error) = (h, difference);
            if (error < Tolerance) break;
        }
        return (scheme, step, error);
    }

    // A bound on the work, not on the time: the choice must not depend on the machine.
    private static int Deepest(Model model, Scheme scheme)
    {
        double most = model.HasFields ? 3e6 : 1e7;
        double one = 3.0 * PilotRun.Windows(model) * model.Rows * Schemes.Facts(scheme).Stages;
        return Math.Clamp((int)Math.Log2(most / one), 2, 14);
    }

    private static string Reason(Model model, (Scheme Scheme, double Step, double Error) best, (Scheme Scheme, double Step, double Error)[] pilots, double every)
    {
        string structure = best.Scheme switch
        {
            Scheme.Milstein => "noise depends on the state and its columns commute",
            Scheme.WeakSecondOrder => "noise depends on the state and its columns do not commute",
            Scheme.EulerMaruyama => "noise on fields depends on the state in a way that no higher law covers",
            Scheme.ExponentialRungeKutta4 => $"the linear part is stiff ({Name(pilots[0].Scheme)} needs dt = {(pilots[0].Scheme == best.Scheme ? "less than was tried" : Whole.Text(pilots[0].Step))})",
            Scheme.Heun => "additive noise and a nonlinear drift that is not stiff, weak order 2",
            _ => "no noise and a drift that is not stiff",
        };
        string measure = best.Scheme == Scheme.WeakSecondOrder ? "averages over paths" : "paths";
        string met = best.Error < Tolerance ? $"by {Whole.Text(Math.Round(100 * best.Error, 2))} %" : $"still by {Whole.Text(Math.Round(100 * best.Error, 2))} %, the smallest step that the pilot run tries,";
        return $"{Name(best.Scheme)} with dt = {Whole.Text(best.Step)}, 1/{Math.Round(every / best.Step)} of the sampling interval: {structure}; "
            + $"over one interval {measure} with dt and dt/2 differ {met} of the standard deviation.";
    }

    private static string Name(Scheme scheme) => Schemes.Facts(scheme).Name;
}
