using System.Diagnostics;

namespace Leith.Core;

/// <summary>
/// The optimiser's loop. A batch is a number of groups of sixteen lanes; threads take groups as they come, and gradients are added in the order of the groups,
/// so the weights do not depend on the threads.
/// </summary>
internal sealed class Trainer : IDisposable
{
    private const int ValidationLanes = 256;
    private readonly TrainingData data;
    private readonly TrainingOptions options;
    private readonly NoiseLevels levels;
    private readonly TrainingWorker[] workers;
    private readonly float[] weights;
    private readonly float[][] gradients;
    private readonly double[] losses;
    private readonly int groups, validationGroups;
    private readonly Adam adam;

    public Trainer(TrainingData data, NoiseLevels levels, TrainingOptions options)
    {
        (this.data, this.levels, this.options) = (data, levels, options);
        int components = data.Gaussian.Components;
        Net = new(data.Stencil.Taps, components, options.Channels, components, options.Layers, options.Modulated);
        weights = Net.Initial(options.Seed);
        adam = new(weights, options);
        groups = options.Batch / FloatLanes.Lanes;
        validationGroups = data.Validation == 0 ? 0 : Math.Min(ValidationLanes / FloatLanes.Lanes, 1 + (data.Validation - 1) / (FloatLanes.Lanes * data.PerLane));
        gradients = [.. Enumerable.Range(0, groups).Select(_ => new float[Net.Parameters])];
        losses = new double[Math.Max(groups, validationGroups)];
        int threads = Math.Min(options.Threads > 0 ? options.Threads : Environment.ProcessorCount, Math.Max(groups, validationGroups));
        workers = [.. Enumerable.Range(0, threads).Select(_ => new TrainingWorker(data, levels, Net, options.Seed))];
        Best = (float[])adam.Average.Clone();
    }

    /// <summary>The network's shape.</summary>
    public ResidualNet Net { get; }

    /// <summary>The averaged weights with the lowest validation loss so far, those of the bare Gaussian included; without validation the latest.</summary>
    public float[] Best { get; private set; }

    /// <summary>One report a validation; without validation one at the end.</summary>
    public List<TrainingProgress> History { get; } = [];

    /// <summary>Whether training was cancelled.</summary>
    public bool Interrupted { get; private set; }

    /// <summary>Trains.</summary>
    public void Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        double? smooth = null;
        double best = double.PositiveInfinity;
        int every = Math.Max(1, options.Steps / Math.Max(1, options.Validations)), worse = 0, step = 0;
        long start = Stopwatch.GetTimestamp(), told = start;
        TrainingProgress Now(double? validation) => new(step, options.Steps, smooth ?? double.NaN, validation, step / Stopwatch.GetElapsedTime(start).TotalSeconds);

        void Judge()
        {
            double? loss = validationGroups > 0 ? Validate() : null;
            History.Add(Now(loss));
            progress?.Report(History[^1]);
            worse = loss >= best ? worse + 1 : 0;
            if (loss >= best) return;
            best = loss ?? best;
            Best = (float[])adam.Average.Clone();
        }

        if (validationGroups > 0) Judge();
        while (step < options.Steps && !(Interrupted = cancellation.IsCancellationRequested) && !(worse >= options.Patience))
        {
            double loss = Step(step++);
            smooth = smooth is { } old ? old + Math.Max(0.02, 1.0 / step) * (loss - old) : loss;
            if (validationGroups > 0 && step % every == 0 && step < options.Steps) Judge();
            else if (progress is not null && Stopwatch.GetElapsedTime(told).TotalSeconds > 0.1)
            {
                told = Stopwatch.GetTimestamp();
                progress.Report(Now(null));
            }
        }
        if (History.Count == 0 || History[^1].Step < step) Judge();
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var worker in workers) worker.Dispose();
    }

    private double Step(int step)
    {
        double values = (double)options.Batch * data.Rows;
        Share(groups, (worker, group) => losses[group] = worker.Train(weights, gradients[group], step, group, groups, values));
        double loss = losses.Take(groups).Sum() / values, norm = adam.Step(gradients);
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
            throw new LeithException($"training: expected a finite loss, got {loss} with a gradient of norm {norm} at step {step}; lower LearningRate (now {options.LearningRate}).");
        return loss;
    }

    private double Validate()
    {
        Share(validationGroups, (worker, group) => losses[group] = worker.Validate(adam.Average, group, validationGroups));
        return losses.Take(validationGroups).Sum() / ((double)validationGroups * FloatLanes.Lanes * data.Rows);
    }

    /// <summary>Work on every group, each worker on a thread of its own.</summary>
    private void Share(int count, Action<TrainingWorker, int> work)
    {
        int next = -1;
        void Take(int worker)
        {
            for (int group; (group = Interlocked.Increment(ref next)) < count;) work(workers[worker], group);
        }
        if (workers.Length == 1) Take(0);
        else Parallel.For(0, workers.Length, new ParallelOptions { MaxDegreeOfParallelism = workers.Length }, Take);
    }
}
