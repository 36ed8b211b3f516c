using System.Diagnostics;

namespace Leith.Core;

/// <summary>
/// The optimiser's loop. A batch is a number of groups of sixteen lanes; threads take groups as they come, and gradients are added in the order of the groups,
/// so the weights do not depend on the threads. A training that diverges goes on from its last good state at half the rate.
/// </summary>
internal sealed class Trainer : IDisposable
{
    private const int ValidationLanes = 256, MostRestarts = 5;
    private const double Diverged = 100;

    /// <summary>A gain below so many standard errors is none.</summary>
    private const double Doubt = 3;

    private readonly TrainingData data;
    private readonly TrainingOptions options;
    private readonly TrainingWorker[] workers;
    private readonly float[][] gradients;
    private readonly double[] losses;
    private readonly int groups, validationGroups;
    private readonly Adam adam;
    private readonly string key;
    private double best = double.PositiveInfinity, smooth = double.NaN;
    private int worse, restarts;
    private TrainingState? good;

    public Trainer(TrainingData data, NoiseLevels levels, TrainingOptions options, Func<ITileMap>? given)
    {
        (this.data, this.options) = (data, options);
        var (inputs, outputs) = Frame.Shape(data.Gaussian, levels);
        Net = new(data.Stencil.Taps, inputs, options.Channels, outputs, options.Layers, options.Modulated);
        adam = new(Net.Initial(options.Seed), options);
        groups = options.Batch / FloatLanes.Lanes;
        int perGroup = FloatLanes.Lanes / 2 * data.PerLane;
        validationGroups = data.Validation == 0 ? 0 : Math.Min(ValidationLanes / FloatLanes.Lanes, 1 + (data.Validation - 1) / perGroup);
        gradients = [.. Enumerable.Range(0, groups).Select(_ => new float[Net.Parameters])];
        losses = new double[Math.Max(groups, validationGroups)];
        int threads = Math.Min(options.Threads > 0 ? options.Threads : Environment.ProcessorCount, Math.Max(groups, validationGroups));
        workers = [.. Enumerable.Range(0, threads).Select(_ => new TrainingWorker(data, levels, Net, given, options))];
        Best = (float[])adam.Average.Clone();
        key = options.Checkpoint is null ? "" : TrainingState.Key(data, levels, options);
    }

    /// <summary>The network's shape.</summary>
    public ResidualNet Net { get; }

    /// <summary>The averaged weights with the lowest validation loss so far, those of the start included; without validation the latest.</summary>
    public float[] Best { get; private set; }

    /// <summary>One report a validation; without validation one at the end.</summary>
    public List<TrainingProgress> History { get; } = [];

    /// <summary>Whether training was cancelled.</summary>
    public bool Interrupted { get; private set; }

    /// <summary>Trains, from the checkpoint where there is one.</summary>
    public void Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        if (options.Checkpoint is { } path && TrainingState.TryLoad(path, key, Net.Parameters) is { } state) Restore(state);
        int every = Math.Max(1, options.Steps / options.Validations), first = adam.Steps, resumed = first;
        long start = Stopwatch.GetTimestamp(), told = start, kept = start;
        TrainingProgress Now(double? validation) => new(adam.Steps, options.Steps, smooth, validation, (adam.Steps - resumed) / Stopwatch.GetElapsedTime(start).TotalSeconds)
        { Best = double.IsFinite(best) ? best : null, Restarts = restarts };

        void Judge()
        {
            double? loss = validationGroups > 0 ? Validate() : null;
            if (IsLost(loss ?? smooth)) return;
            worse = loss >= best ? worse + 1 : 0;
            if (!(loss >= best)) (best, Best) = (loss ?? best, (float[])adam.Average.Clone());
            History.Add(Now(loss));
            good = Snapshot();
            progress?.Report(History[^1]);
        }

        if (adam.Steps == 0 && validationGroups > 0) Judge();
        good ??= Snapshot();
        while (adam.Steps < options.Steps && !(Interrupted = cancellation.IsCancellationRequested) && !(worse >= options.Patience))
        {
            double loss = Step(adam.Steps);
            if (IsLost(loss)) continue;
            smooth = double.IsNaN(smooth) ? loss : smooth + Math.Max(0.02, 1.0 / adam.Steps) * (loss - smooth);
            if (validationGroups == 0 && adam.Steps % every == 0) good = Snapshot();
            if (validationGroups > 0 && adam.Steps % every == 0 && adam.Steps < options.Steps) Judge();
            else if (progress is not null && Stopwatch.GetElapsedTime(told).TotalSeconds > 0.1)
            {
                told = Stopwatch.GetTimestamp();
                progress.Report(Now(null));
            }
            if (options.CheckpointSteps is { } steps ? adam.Steps % steps == 0 : Stopwatch.GetElapsedTime(kept).TotalSeconds > options.CheckpointSeconds)
            {
                Keep();
                kept = Stopwatch.GetTimestamp();
            }
        }
        if (Interrupted && adam.Steps > 0) Keep();
        if (History.Count == 0 || History[^1].Step < adam.Steps) Judge();
        if (validationGroups > 1 && !IsGain()) Best = Net.Initial(options.Seed);
    }

    /// <summary>
    /// Whether the best weights lower the validation loss of the start by more than <see cref="Doubt"/> standard errors, found from the groups: a network on a score that is nearly right
    /// otherwise learns the noise of a few hundred fields.
    /// </summary>
    private bool IsGain()
    {
        double[] Losses(float[] weights)
        {
            Share(validationGroups, (worker, group) => losses[group] = worker.Validate(weights, group, validationGroups));
            return losses[..validationGroups];
        }
        double[] start = Losses(Net.Initial(options.Seed)), gains = [.. Losses(Best).Zip(start, (after, before) => before - after)];
        double n = validationGroups, mean = gains.Average(), variance = gains.Sum(gain => (gain - mean) * (gain - mean)) / (n - 1);
        return mean > Doubt * Math.Sqrt(variance / n);
    }

    /// <summary>Removes the checkpoint of a training that is done.</summary>
    public void Forget()
    {
        if (options.Checkpoint is { } path) File.Delete(path);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var worker in workers) worker.Dispose();
    }

    private void Keep()
    {
        if (options.Checkpoint is { } path) Snapshot().Save(path, key);
    }

    private TrainingState Snapshot()
    {
        static float[] Copy(float[] values) => (float[])values.Clone();
        return new(adam.Steps, adam.Slowing, restarts, smooth, best, worse, Copy(adam.Weights), Copy(adam.Average), Copy(adam.First), Copy(adam.Second), Best, [.. History]);
    }

    private void Restore(TrainingState state)
    {
        (adam.Steps, adam.Slowing, restarts, smooth, best, worse) = (state.Step, state.Slowing, state.Restarts, state.Smooth, state.Best, state.Worse);
        state.Weights.CopyTo(adam.Weights, 0);
        state.Average.CopyTo(adam.Average, 0);
        state.First.CopyTo(adam.First, 0);
        state.Second.CopyTo(adam.Second, 0);
        Best = state.BestWeights;
        History.Clear();
        History.AddRange(state.History);
    }

    /// <summary>Whether the loss left every bound; then training stands again at its last good state, at half the rate.</summary>
    private bool IsLost(double loss)
    {
        if (loss < Diverged * (1 + (double.IsFinite(best) ? Math.Abs(best) : 1)) || good is null) return false;
        if (++restarts > MostRestarts)
            throw new LeithException($"training: expected a loss that falls, got {loss:G3} at step {adam.Steps} even at {adam.Slowing:G2} of the rate; lower LearningRate (now {options.LearningRate}).");
        double slowing = adam.Slowing / 2;
        Restore(good! with { Restarts = restarts });
        adam.Slowing = slowing;
        return true;
    }

    private double Step(int step)
    {
        double values = (double)options.Batch * data.Rows;
        Share(groups, (worker, group) => losses[group] = worker.Train(adam.Weights, gradients[group], step, group, groups, values));
        double loss = losses.Take(groups).Sum() / values, norm = adam.Step(gradients);
        return double.IsFinite(norm) ? loss : double.NaN;
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
