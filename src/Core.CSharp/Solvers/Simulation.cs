namespace Leith.Core;

/// <summary>Runs an ensemble of a model: du = (L u + N(u, t)) dt + S dW.</summary>
public sealed class Simulation
{
    /// <summary>A model with its scheme, step and seed.</summary>
    public Simulation(Model model, Scheme scheme, double step, ulong seed)
    {
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

    /// <summary>Runs every tile through spin-up and sampling; <paramref name="open"/> makes the sink of a tile, on the thread that runs it.</summary>
    public void Run(SamplingPlan plan, Func<int, ITileSink> open, int threads, IProgress<double>? progress, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>Runs every tile with twins; <paramref name="open"/> makes the sink of a tile, on the thread that runs it.</summary>
    public void Twins(TwinPlan plan, Func<int, ITwinSink> open, int threads, IProgress<double>? progress, CancellationToken cancellation) =>
        throw new NotImplementedException();
}
