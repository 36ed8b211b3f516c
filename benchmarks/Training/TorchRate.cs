using System.Diagnostics;
using Leith.Core;
using Leith.Torch;
using static Leith.Torch.torch;

namespace Leith.Benchmarks.Training;

/// <summary>Training steps per second by libtorch: of the network of <see cref="TrainingRate"/>, the same parameters and batch, and of the published U-Net.</summary>
internal static class TorchRate
{
    /// <summary>Steps per second of the residual network with Adam and a gradient of bounded norm; no Gaussian base and no moving average. By the clock, and by processor time times the threads.</summary>
    public static (double Clock, double Processor) Residual(int threads, bool modulated, int steps, string device)
    {
        set_num_threads(threads);
        manual_seed(1);
        var shape = new ResidualNet(9, 1, 16, 1, 4, modulated);
        using var scope = NewDisposeScope();
        using var net = new LaneNetwork(shape, shape.Initial(1), device);
        using var adam = optim.Adam(net.parameters());
        const float sigma = 0.3f;
        Tensor data = randn([4096, 1, 32, 32], device), features = ones([64, 4], device);
        void Step(int step)
        {
            using var inner = NewDisposeScope();
            long[] drawn = [.. Enumerable.Range(0, 64).Select(i => (long)Draw.Index(1, Draw.Sample, step, i, 4096))];
            Tensor x = data.index_select(0, indices(drawn, device)), z = randn([64, 1, 32, 32], device);
            adam.zero_grad();
            var loss = (net.forward(x + z * sigma, features) * sigma + z).pow(2).mean();
            loss.backward();
            nn.utils.clip_grad_norm_(net.parameters(), 1);
            adam.step();
            loss.item(); // waits for the device
        }
        for (int step = 0; step < 5; step++) Step(step);
        var before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        for (int step = 0; step < steps; step++) Step(step + 5);
        return (steps / Stopwatch.GetElapsedTime(start).TotalSeconds, steps * threads / (Environment.CpuUsage.TotalTime - before).TotalSeconds);
    }

    /// <summary>Steps per second of training as published on 32 × 32 sites, batch 128, by the clock without the validation and by processor time with it; and the number of weights.</summary>
    public static (double Clock, double Processor, long Weights) Published(int threads, int steps, string device)
    {
        var grid = new Grid([32, 32], [1, 1]);
        var random = new Random(1);
        float[][] fields = [.. Enumerable.Range(0, 2048).Select(_ => Enumerable.Range(0, grid.Sites).Select(_ => random.NextSingle() - 0.5f).ToArray())];
        double[] power = [.. Enumerable.Repeat(grid.Sites / 12.0, grid.Sites)];
        var last = new Latest();
        var before = Environment.CpuUsage.TotalTime;
        var score = PublishedTraining.Train(grid, fields, 0, power, new() { Steps = steps, Threads = threads, Device = device, Validations = 1 }, last);
        return (last.Rate, steps * threads / (Environment.CpuUsage.TotalTime - before).TotalSeconds, score.Parameters);
    }

    private sealed class Latest : IProgress<TrainingProgress>
    {
        public double Rate { get; private set; }

        public void Report(TrainingProgress value)
        {
            if (value.ValidationLoss is null) Rate = value.StepsPerSecond;
        }
    }
}
