using System.Diagnostics;
using Leith.Core;

namespace Leith.Torch;

using static torch;

/// <summary>The optimiser's loop of <see cref="PublishedTraining"/>. Fields are [sample][site] in scaled units.</summary>
internal sealed class PublishedTrainer : IDisposable
{
    private const int LargestValidation = 128;
    private readonly PublishedOptions options;
    private readonly string device;
    private readonly double sigmaMax;
    private readonly long[] shape;
    private readonly UNet net, averaged;
    private readonly IReadOnlyList<Tensor> weights, averages;
    private readonly optim.Optimizer adam;
    private readonly Tensor data, held, heldNoise, heldTimes;
    private readonly int training, validation;

    public PublishedTrainer(Grid grid, float[][] fields, double sigmaMax, PublishedOptions options)
    {
        (this.options, this.sigmaMax, device) = (options, sigmaMax, options.Device);
        set_num_threads(options.Threads > 0 ? options.Threads : Environment.ProcessorCount);
        manual_seed(options.Seed);
        validation = Math.Clamp((int)(fields.Length * options.ValidationFraction), 1, LargestValidation);
        training = fields.Length - validation;
        shape = [1, grid.Points[0], grid.Points[1]];
        net = new(options.Channels, options.Blocks, device);
        averaged = new(options.Channels, options.Blocks, device);
        (weights, averages) = (net.parameters(), averaged.parameters());
        foreach (var (average, weight) in averages.Zip(weights)) average.copy_(weight);
        adam = optim.Adam(weights, options.LearningRate);
        using var scope = NewDisposeScope();
        data = tensor([.. fields[..training].SelectMany(field => field)], [training, .. shape], device).DetachFromDisposeScope();
        held = tensor([.. fields[training..].SelectMany(field => field)], [validation, .. shape], device).DetachFromDisposeScope();
        heldNoise = randn([validation, .. shape], device).DetachFromDisposeScope();
        heldTimes = tensor([.. Enumerable.Range(0, validation).Select(i => (i + 0.5f) / validation)], [validation], device).DetachFromDisposeScope();
    }

    /// <summary>One report a validation.</summary>
    public List<TrainingProgress> History { get; } = [];

    /// <summary>Whether training was cancelled.</summary>
    public bool Interrupted { get; private set; }

    /// <summary>Number of weights that are trained.</summary>
    public long Parameters => net.NumberOfParameters;

    /// <summary>Trains.</summary>
    public void Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        double smooth = double.NaN;
        int step = 0, judged = 0;
        long start = Stopwatch.GetTimestamp(), told = start;
        double Elapsed() => Stopwatch.GetElapsedTime(start).TotalSeconds;
        // where the clock ends training, the steps to do are those that the pace so far foretells
        double Share() => options.Seconds is { } seconds ? Math.Max(Elapsed() / seconds, (double)step / options.Steps) : (double)step / options.Steps;
        TrainingProgress Now(double? loss) => new(step, Math.Max(step, (int)Math.Round(step / Share())), smooth, loss, step / Elapsed());

        void Judge()
        {
            judged++;
            History.Add(Now(Validate()));
            progress?.Report(History[^1]);
        }

        while (step < options.Steps && Share() < 1 && !(Interrupted = cancellation.IsCancellationRequested))
        {
            double loss = Step(step++);
            smooth = double.IsNaN(smooth) ? loss : smooth + Math.Max(0.02, 1.0 / step) * (loss - smooth);
            if (Share() * options.Validations >= judged + 1 && Share() < 1) Judge();
            else if (progress is not null && Stopwatch.GetElapsedTime(told).TotalSeconds > 0.1)
            {
                told = Stopwatch.GetTimestamp();
                progress.Report(Now(null));
            }
        }
        if (History.Count == 0 || History[^1].Step < step) Judge();
    }

    /// <summary>The averaged weights by name.</summary>
    public IReadOnlyDictionary<string, (long[] Shape, float[] Values)> Averaged() =>
        averaged.named_parameters().ToDictionary(entry => entry.Name, entry => (entry.Tensor.shape, entry.Tensor.data()));

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        adam.Dispose();
        net.Dispose();
        averaged.Dispose();
        foreach (var tensor in (Tensor[])[data, held, heldNoise, heldTimes]) tensor.Dispose();
    }

    private double Step(int step)
    {
        using var scope = NewDisposeScope();
        long[] drawn = [.. Enumerable.Range(0, options.Batch).Select(i => (long)Draw.Index(options.Seed, Draw.Sample, step, i, training))];
        var clean = data.index_select(0, indices(drawn, device));
        adam.zero_grad();
        var loss = Loss(net, clean, randn([options.Batch, .. shape], device), rand([options.Batch], device));
        loss.backward();
        double value = loss.item(), norm = nn.utils.clip_grad_norm_(weights, options.GradientLimit);
        if (!double.IsFinite(value) || !double.IsFinite(norm))
            throw new LeithException($"training as published: expected a finite loss, got {value} with a gradient of norm {norm} at step {step}; lower learningRate (now {options.LearningRate}).");
        adam.step();
        float follow = (float)(1 - Math.Min(options.Ema, (2.0 + step) / (11 + step)));
        foreach (var (average, weight) in averages.Zip(weights)) average.lerp_(weight, follow);
        return value;
    }

    private double Validate()
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return Loss(averaged, held, heldNoise, heldTimes).item();
    }

    /// <summary>⟨|U(v + σ z, t) + z|²⟩ per site.</summary>
    private Tensor Loss(UNet net, Tensor clean, Tensor noise, Tensor times)
    {
        var sigma = ((times * (float)Math.Log(sigmaMax / PublishedScore.ScaledSigma)).exp() * (float)PublishedScore.ScaledSigma).reshape(-1, 1, 1, 1);
        return (net.forward(clean + sigma * noise, times) + noise).pow(2).mean();
    }
}
