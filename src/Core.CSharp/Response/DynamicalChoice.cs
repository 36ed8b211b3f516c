using System.Diagnostics;

namespace Leith.Core;

/// <summary>
/// The dynamical response of a model, by the cheapest of twin runs, field kicks and noise weights: a pilot measures each one's standard error × √second, the least goes on until the error wanted is reached.
/// </summary>
/// <remarks>
/// All kinds start from the same stationary states, whose spin-up counts for none of them. The choice depends on the machine: name the kind for results that are the same everywhere.
/// </remarks>
public static class DynamicalChoice
{
    // Units of the pilot beyond the first, which is not timed: code is still being compiled.
    private const int PilotUnits = 3;

    /// <summary>Measures a response.</summary>
    /// <param name="question">What is asked.</param>
    /// <param name="wanted">Standard error wanted: the largest over lags of the Euclidean norm over rows.</param>
    /// <param name="kind">How; null chooses.</param>
    /// <param name="most">Never more pairs or states than this, to a batch.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="progress">Fraction done and standard error so far.</param>
    /// <param name="cancellation">Stops after the batch that is running.</param>
    /// <exception cref="LeithException">An error wanted that is not positive; a kind that the question does not allow; whatever the simulation refuses.</exception>
    public static DynamicalEstimate Run(DynamicalQuestion question, double wanted, DynamicalKind? kind, long most, int threads, IProgress<(double Fraction, double StandardError)>? progress, CancellationToken cancellation)
    {
        if (!(wanted > 0)) throw new LeithException($"dynamical: expected a positive standard error, got {wanted}.");
        if (kind is { } asked && Obstacle(question, asked) is { } obstacle) throw new LeithException(obstacle);
        if (question.Lags < 2) throw new LeithException("dynamical: expected a longest lag of at least one interval, got 0. Ask for lags.");
        ModelDoor.CheckCounts(question.Members, threads);
        ModelDoor.CheckKick(question.Model, question.KickRows, question.Size);
        var start = SpunUp(question, threads, cancellation);
        long firstStep = Whole.Ratio("spin-up", question.SpinUp, "step", question.Step);
        var kinds = Enum.GetValues<DynamicalKind>().Where(k => kind is null ? Obstacle(question, k) is null : k == kind).ToArray();
        var engines = new List<IDynamicalEngine>();
        var costs = new List<DynamicalCost>();
        try
        {
            foreach (var each in kinds)
            {
                engines.Add(Make(question, each, start, firstStep, threads, cancellation));
                costs.Add(Pilot(engines[^1], each, threads, cancellation));
            }
            int best = Enumerable.Range(0, costs.Count).MinBy(i => costs[i].ErrorPerRootSecond);
            var sums = GoOn(engines[best], costs[best], question, wanted, most, threads, progress, cancellation);
            var (replicates, independent) = sums.Resample();
            return new DynamicalEstimate([.. Enumerable.Range(0, question.Lags).Select(i => i * question.Every)], sums.Values, sums.StandardError, kinds[best],
                Reason(question, kind, costs, best), sums.Count, sums.EvenPart, kind is null ? costs : [])
            {
                Replicates = replicates,
                ReplicateRows = Dynamical.ReplicateRows(question.Grid, question.Rows),
                Independent = independent,
            };
        }
        finally
        {
            foreach (var engine in engines) engine.Dispose();
            foreach (var tile in start) tile.Dispose();
        }
    }

    /// <summary>Why a question cannot be answered by a kind, as a sentence; null where it can.</summary>
    public static string? Obstacle(DynamicalQuestion question, DynamicalKind kind) => kind switch
    {
        DynamicalKind.FieldKicks when question.Grid is null => "field kicks: expected a field that is pushed, got numbers. Take twin runs.",
        DynamicalKind.FieldKicks when !question.KicksOneSite => "field kicks: expected a kick of one site, got another pattern, or a system that is not the same at every place. Take twin runs.",
        DynamicalKind.NoiseWeights => NoiseWeightEngine.Obstacle(question),
        _ => null,
    };

    private static IReadOnlyList<Tile> SpunUp(DynamicalQuestion q, int threads, CancellationToken cancellation)
    {
        var states = new LastStates(1);
        var simulation = new Simulation(q.Model, q.Scheme, q.Step, q.Seed) { Initial = q.Initial };
        simulation.Run(new SamplingPlan(q.FullMembers, q.SpinUp, q.Every, q.Every), states.Open, threads, null, cancellation);
        return states.Tiles;
    }

    private static IDynamicalEngine Make(DynamicalQuestion question, DynamicalKind kind, IReadOnlyList<Tile> start, long firstStep, int threads, CancellationToken cancellation) =>
        kind == DynamicalKind.NoiseWeights
            ? new NoiseWeightEngine(question, start, firstStep, threads, cancellation)
            : new TwinEngine(question, kind == DynamicalKind.FieldKicks, start, firstStep);

    private static DynamicalCost Pilot(IDynamicalEngine engine, DynamicalKind kind, int threads, CancellationToken cancellation)
    {
        engine.Advance(1, threads, null, cancellation);
        var clock = Stopwatch.StartNew();
        engine.Advance(PilotUnits, threads, null, cancellation);
        double seconds = clock.Elapsed.TotalSeconds / PilotUnits, scale = Math.Sqrt(seconds * engine.Units);
        double[] byLag = [.. engine.Estimate(threads).StandardError.Select(lag => scale * Dynamical.Norm(lag))];
        return new DynamicalCost(kind, byLag.Max(), byLag, seconds);
    }

    private static DynamicalSums GoOn(IDynamicalEngine engine, DynamicalCost cost, DynamicalQuestion question, double wanted, long most, int threads,
        IProgress<(double Fraction, double StandardError)>? progress, CancellationToken cancellation)
    {
        // Batches a few seconds long, or long enough that their loose ends do not count.
        int batch = (int)Math.Clamp(5 / cost.SecondsPerUnit, 2 * PilotUnits, 1 << 20);
        var stall = new Stall(engine.Units);
        while (true)
        {
            var sums = engine.Estimate(threads);
            double error = Dynamical.Largest(sums.StandardError), needed = Math.Max(engine.Units, engine.Units * (error / wanted) * (error / wanted));
            progress?.Report((engine.Units / needed, error));
            if (error <= wanted || sums.Count >= most || cancellation.IsCancellationRequested) return sums;
            if (stall.Stands(engine.Units, error))
                throw new LeithException($"dynamical: expected a standard error that falls to {wanted:g3} as runs go on, but it stands at {error:g3} after {sums.Count} of them: "
                    + "members stay apart, as in different wells. Take more members, or a larger error.");
            double done = engine.Units;
            double missing = Math.Min(needed - done, Math.Ceiling((most - sums.Count) * done / sums.Count));
            int units = (int)Math.Clamp(Math.Ceiling(missing), 1, batch);
            engine.Advance(units, threads, progress is null ? null : new Relay(f => progress.Report((Math.Min(1, (done + f * units) / needed), error))), cancellation);
        }
    }

    private static string Reason(DynamicalQuestion question, DynamicalKind? asked, IReadOnlyList<DynamicalCost> costs, int best)
    {
        string name = Dynamical.Name(costs[best].Kind);
        if (asked is not null) return $"{name}, as asked";
        string Figure(DynamicalCost cost) => $"{Dynamical.Name(cost.Kind)} {cost.ErrorPerRootSecond:g2}";
        var others = costs.Where((_, i) => i != best).Select(Figure).ToArray();
        var missing = Enum.GetValues<DynamicalKind>().Where(kind => costs.All(cost => cost.Kind != kind)).Select(kind => Obstacle(question, kind)!);
        string figures = others.Length > 0 ? $": standard error after one second {Figure(costs[best])}, {string.Join(", ", others)} (largest of any lag, from a pilot)" : ", the only kind that this model allows";
        return string.Join("; ", missing.Prepend(name + figures));
    }

    /// <summary>Sees errors that do not fall: sixteen times the runs should leave a quarter; more than half of it, twice in a row, is no chance.</summary>
    private sealed class Stall(double units)
    {
        private double before = double.NaN;
        private int times;

        public bool Stands(double now, double error)
        {
            if (double.IsNaN(before)) before = error;
            if (now < 16 * units) return false;
            times = error > before / 2 ? times + 1 : 0;
            (units, before) = (now, error);
            return times > 1;
        }
    }

    private sealed class Relay(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
