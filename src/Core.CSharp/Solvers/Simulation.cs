using System.Numerics;

namespace Leith.Core;

/// <summary>Runs an ensemble of du = (L u + N(u, t)) dt + S dW with fixed steps: t_n = n h.</summary>
/// <remarks>
/// The normals of step n (t_n → t_{n+1}) are a function of (seed, member, n, row), so results are bit-identical for any number of threads and of members, and after a restart.
/// A tile of sixteen members runs whole on one thread. On a torus a member shares a spectrum, and so its noise, with the member eight further on.
/// </remarks>
public sealed class Simulation
{
    /// <summary>A model with its scheme, step and seed.</summary>
    /// <param name="model">The equation.</param>
    /// <param name="scheme">How it is stepped.</param>
    /// <param name="step">h, in the time units of the model.</param>
    /// <param name="seed">The seed of all noise.</param>
    /// <param name="allowUnstable">Whether a linear drift may grow: such a run has no stationary state.</param>
    /// <exception cref="LeithException">Shapes that do not match; a step that is not positive; a linear model that does not become stationary, by itself or at this step; a damped linear part that the step amplifies.</exception>
    public Simulation(Model model, Scheme scheme, double step, ulong seed, bool allowUnstable = false)
    {
        ModelDoor.Check(model, scheme, step);
        if (!allowUnstable && model.Nonlinear is null) Stability.Require(model, scheme, step);
        else if (!allowUnstable) Stability.RequireNonlinear(model, scheme, step);
        (Model, Scheme, Step, Seed) = (model, scheme, step, seed);
    }

    /// <summary>The model.</summary>
    public Model Model { get; }

    /// <summary>The scheme.</summary>
    public Scheme Scheme { get; }

    /// <summary>Time of one step.</summary>
    public double Step { get; }

    /// <summary>The seed of all noise.</summary>
    public ulong Seed { get; }

    /// <summary>Fills a tile of zeros, whose index is set, before its first step; zeros when null. See <see cref="InitialState"/>.</summary>
    public Action<Tile>? Initial { get; init; }

    /// <summary>Number of the first step, so that a run can go on where another ended: time starts at FirstStep · h.</summary>
    public long FirstStep { get; init; }

    /// <summary>Number of the first member, a multiple of 16, so that members of a larger ensemble can be run alone; tile i then has Index FirstMember/16 + i.</summary>
    public int FirstMember { get; init; }

    /// <summary>Rows of the state: those of the model, or more where <see cref="Stepper"/> carries something along.</summary>
    public int Rows { get => field > 0 ? field : Model.Rows; internal init; }

    /// <summary>Makes the law of one step in place of that of the scheme, one a thread.</summary>
    internal Func<IStepper>? Stepper { get; init; }

    /// <summary>The source of normals, the counter streams of the seed when null.</summary>
    public INormalSource? Normals { get; init; }

    /// <summary>Runs every tile through spin-up and sampling.</summary>
    /// <param name="plan">Members and times.</param>
    /// <param name="open">Makes the sink of a tile (0 … plan.Tiles − 1), on the thread that runs it.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="progress">Hears the fraction of all steps that were made, from any thread.</param>
    /// <param name="cancellation">Looked at before every sample, and every few dozen steps.</param>
    /// <exception cref="LeithException">Times that are no whole numbers of steps, no members, no threads; a member that stops being finite: which one, and when.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Run(SamplingPlan plan, Func<int, ITileSink> open, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        ModelDoor.CheckCounts(plan.Members, threads);
        long spinUp = Whole.Ratio("spin-up", plan.SpinUp, "step", Step), every = Steps("every", plan.Every), samples = plan.Samples;
        if (samples < 1) throw new LeithException($"lasting: expected at least every {Whole.Text(plan.Every)}, got {Whole.Text(plan.Lasting)}, which holds no sample.");
        var meter = new ProgressMeter(progress, (double)(spinUp + (samples - 1) * every) * plan.Tiles);
        Deal(plan.Tiles, plan.Members, threads, 1, meter, cancellation, (run, tile) =>
        {
            var sink = open(tile);
            run.Advance(spinUp);
            for (long index = 0; index < samples; index++)
            {
                if (index > 0) run.Advance(every);
                sink.Sample(index, run.Time, run.States[0]);
            }
            sink.Finish();
        });
    }

    /// <summary>Runs every tile with twins: at every restart u± = u ± (Size/2) Kick, then all three with the same noise to the longest lag.</summary>
    /// <param name="plan">Members, times and the kick.</param>
    /// <param name="open">Makes the sink of a tile (0 … plan.Tiles − 1), on the thread that runs it.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="progress">Hears the fraction of all steps that were made, from any thread.</param>
    /// <param name="cancellation">Looked at before every sample, and every few dozen steps.</param>
    /// <exception cref="LeithException">As <see cref="Run"/>; a kick that does not fit the model.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Twins(TwinPlan plan, Func<int, ITwinSink> open, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        ModelDoor.CheckCounts(plan.Members, threads);
        if (plan.Restarts < 1) throw new LeithException($"restarts: expected at least 1, got {plan.Restarts}.");
        ModelDoor.CheckKick(Model, plan.Kick, plan.Size);
        long spinUp = Whole.Ratio("spin-up", plan.SpinUp, "step", Step), every = Steps("every", plan.Every), between = Whole.Ratio("between", plan.Between, "step", Step);
        int lags = plan.Lags;
        double each = 3.0 * (lags - 1) * every + between;
        var meter = new ProgressMeter(progress, (spinUp + plan.Restarts * each - between) * plan.Tiles);
        Deal(plan.Tiles, plan.Members, threads, 3, meter, cancellation, (run, tile) =>
        {
            var sink = open(tile);
            run.Advance(spinUp);
            for (int restart = 0; restart < plan.Restarts; restart++)
            {
                if (restart > 0) run.Advance(between);
                if (plan.Kicks is { } kicks) run.Fork(kicks, restart, plan.Size / 2);
                else run.Fork(plan.Kick, plan.Size / 2);
                for (int lag = 0; lag < lags; lag++)
                {
                    if (lag > 0) run.AdvanceAll(every);
                    sink.Sample(restart, lag, run.States[0], run.States[1], run.States[2]);
                }
            }
            sink.Finish();
        });
    }

    private long Steps(string name, double time)
    {
        long steps = Whole.Ratio(name, time, "step", Step);
        return steps >= 1 ? steps : throw new LeithException($"{name}: expected at least one step {Whole.Text(Step)}, got {Whole.Text(time)}.");
    }

    private void Deal(int tiles, int members, int threads, int states, ProgressMeter meter, CancellationToken cancellation, Action<TileRun, int> body)
    {
        if (FirstMember < 0 || FirstMember % Tile.Members != 0) throw new LeithException($"first member: expected a multiple of {Tile.Members}, 0 or more, got {FirstMember}.");
        if (FirstStep < 0) throw new LeithException($"first step: expected 0 or more, got {FirstStep}.");
        TileDealer.Deal(tiles, threads, () => new TileRun(this, states), (run, tile, giveUp) =>
        {
            run.Begin(FirstMember / Tile.Members + tile, SamplingPlan.RealMembers(members, tile), steps =>
            {
                if (giveUp()) throw new GaveUpException();
                meter.Add(steps);
                cancellation.ThrowIfCancellationRequested();
            });
            cancellation.ThrowIfCancellationRequested();
            body(run, tile);
        });
    }
}
