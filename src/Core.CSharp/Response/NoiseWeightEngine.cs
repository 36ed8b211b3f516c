namespace Leith.Core;

/// <summary>Noise weights along one run of every member; a unit is one longest lag of base times.</summary>
internal sealed class NoiseWeightEngine : IDynamicalEngine
{
    private const int WantedBlocks = 64;
    private readonly DynamicalQuestion question;
    private readonly NoiseWeights weights;
    private readonly ulong seed;
    private readonly int timeBlocks, column;
    private readonly LastStates states = new(1);
    private SpectralLagProducts[][]? spectral;
    private LagProducts? vector;
    private long step, fields;

    /// <summary>Fits the decay on the states and lets the weights become stationary.</summary>
    public NoiseWeightEngine(DynamicalQuestion question, IReadOnlyList<Tile> start, long firstStep, int threads, CancellationToken cancellation)
    {
        (this.question, step) = (question, firstStep);
        var (model, scheme, h) = (question.Model, question.Scheme, question.Step);
        seed = Draw.Bits(question.Seed, Draw.Twins, 2, 0);
        var decay = NoiseWeightDecay.Fit(model, scheme, h, question.TransposedTangent, start, Draw.Bits(question.Seed, Draw.Twins, 3, 0), firstStep * h);
        weights = new NoiseWeights(model, scheme, h, question.TransposedTangent, decay);
        column = model.Grid is null ? Array.FindIndex(question.KickRows, k => k.Real != 0) : 0;
        int natural = model.Grid is null ? question.FullMembers : question.FullMembers / 2;
        timeBlocks = Math.Max(1, (WantedBlocks + natural - 1) / natural);
        double every = question.Every;
        var simulation = weights.Simulation(seed, InitialState.Copies(start), step);
        simulation.Run(new SamplingPlan(question.FullMembers, weights.SpinUp, every, every), states.Open, threads, null, cancellation);
        step += Whole.Ratio("spin-up", weights.SpinUp, "step", h);
    }

    public int Units { get; private set; }

    /// <summary>Why there are no weights for a question, or null.</summary>
    public static string? Obstacle(DynamicalQuestion question)
    {
        var (model, kick) = (question.Model, question.Kick);
        if (!question.Stationary) return "noise weights: expected drift and noise that do not depend on time, got ones that do. Take twin runs.";
        if (model.Grid is null && model.HasFields) return "noise weights: expected one field on a torus or scalar unknowns, got several unknowns or a lattice. Take twin runs.";
        if (model.Grid is not null && !question.KicksOneSite) return "noise weights: expected a kick of one site of the torus, got another pattern. Take twin runs.";
        if (model.Grid is null && kick is not null && kick.Count(k => k.Real != 0) != 1) return "noise weights: expected a kick of one unknown, got one of several. Take twin runs.";
        try
        {
            NoiseWeights.Check(model, question.Scheme, question.TransposedTangent);
            return null;
        }
        catch (LeithException e)
        {
            return e.Message;
        }
    }

    public void Advance(int units, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        // Every piece of the record ends with lags that no base time of it has.
        int longest = question.Lags - 1, unit = Math.Max(longest, timeBlocks);
        long bases = (long)units * unit, samples = bases + longest;
        var plan = new SamplingPlan(question.FullMembers, question.Every, samples * question.Every, question.Every);
        var last = new LastStates(samples);
        var simulation = weights.Continue(seed, states.Tiles, step);
        if (question.Model.Grid is { } grid) Spectral(grid, plan, last, simulation, threads, progress, cancellation);
        else Vector(plan, last, simulation, threads, progress, cancellation);
        foreach (var tile in last.Tiles) states.Keep(tile);
        step += samples * Whole.Ratio("every", question.Every, "step", question.Step);
        Units += units;
        fields += bases * question.FullMembers;
    }

    public DynamicalSums Estimate(int threads)
    {
        if (spectral is { } products)
        {
            var own = products[^1];
            var response = SpectralResponse.Controlled(products[0][0], own[0], products[0][1], own[1], question.Every, new SpectralResponse.Bootstrap(question.Seed, threads, Dynamical.Resamples));
            return new DynamicalSums(response.Values, response.StandardError, fields, []) { Resample = () => (response.Replicates!, response.Independent) };
        }
        var estimate = VectorResponse.FromScore(vector!, resamples: Dynamical.Resamples, seed: question.Seed);
        int first = question.Observable is null ? 0 : question.Model.Rows;
        double scale = question.KickRows[column].Real;
        double[][] Column(double[][][] all, double factor) => [.. all.Select(lag => lag[first..(first + question.Rows)].Select(row => factor * row[column]).ToArray())];
        return new DynamicalSums(Column(estimate.Values, scale), Column(estimate.StandardError, Math.Abs(scale)), fields, [])
        {
            Resample = () => ([.. estimate.Replicates!.Select(replicate => Column(replicate, scale))], estimate.Independent),
        };
    }

    public void Dispose() { }

    private void Spectral(Grid grid, SamplingPlan plan, LastStates last, Simulation simulation, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        Func<ITileMap>[] observables = question.Observable is null ? [weights.State] : [weights.Observable(question.Observable), weights.State];
        var correlator = new SpectralCorrelator(grid, question.Lags - 1, observables, [weights.State, weights.Score], plan.Samples, 1, timeBlocks);
        simulation.Run(plan, tile => new Fork([correlator.Open(tile), last.Open(tile)]), threads, progress, cancellation);
        var more = correlator.Complete();
        foreach (var products in more.SelectMany(row => row)) products.Kept = question.Model.Kept;
        spectral = spectral is null ? more : [.. spectral.Zip(more, (x, y) => x.Zip(y, (a, b) => a.Plus(b)).ToArray())];
    }

    private void Vector(SamplingPlan plan, LastStates last, Simulation simulation, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        int d = question.Model.Rows;
        var lags = new VectorLags(new VectorLagPlan(plan, d, question.Lags - 1)
        {
            Observables = question.Observable is null ? [] : [new TileRows(question.Rows, weights.Observable(question.Observable))],
            Scores = [new TileRows(d, weights.Score)],
            Names = question.Model.Names,
            BlockLength = (plan.Samples + timeBlocks - 1) / timeBlocks,
        });
        simulation.Run(plan, tile => new Fork([lags.Open(tile), last.Open(tile)]), threads, progress, cancellation);
        vector = vector is null ? lags.Result() : vector.Plus(lags.Result());
    }
}
