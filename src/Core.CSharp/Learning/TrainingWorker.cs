using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>Computes the loss and its gradient for one group of sixteen lanes at a time. Serves one thread; everything it does is a function of (seed, step, group).</summary>
internal sealed unsafe class TrainingWorker : IDisposable
{
    private const uint TrainingNoise = 0xD501, ValidationNoise = 0xD502;
    private const int Levels = FloatLanes.Lanes / 2;
    private readonly TrainingData data;
    private readonly NoiseLevels levels;
    private readonly ulong seed;
    private readonly NetworkWorkspace workspace;
    private readonly GaussianDenoiser denoiser;
    private readonly FloatLanes clean, noise, noisy, guess, scaleOut = new(1);
    private readonly double[] sigma = new double[Levels];

    public TrainingWorker(TrainingData data, NoiseLevels levels, ResidualNet net, ulong seed)
    {
        (this.data, this.levels, this.seed) = (data, levels, seed);
        workspace = new(net, data.Stencil, training: true);
        denoiser = GaussianDenoiser.Of(data.Gaussian);
        (clean, noise, noisy, guess) = (new(data.Rows), new(data.Rows), new(data.Rows), new(data.Rows));
    }

    /// <summary>Σ|ẑ − z|² of a training group; its gradient, divided by <paramref name="values"/>, is written to <paramref name="gradient"/>.</summary>
    public double Train(float[] parameters, float[] gradient, long step, int group, int groups, double values)
    {
        data.Load(place => Draw.Index(seed, Draw.Sample, step, group * FloatLanes.Lanes * data.PerLane + place, data.Training), clean);
        // σ is stratified over the batch: each eighth of a group has its own stratum
        for (int pair = 0; pair < Levels; pair++)
        {
            int stratum = group * Levels + pair;
            sigma[pair] = levels.At((stratum + Draw.Uniform(seed, Draw.Level, step, stratum)) / (groups * Levels));
        }
        NormalStream.Fill(noise.Pointer, data.Rows, seed, TrainingNoise, step, group * FloatLanes.Lanes);
        Array.Clear(gradient);
        fixed (float* w = parameters, g = gradient)
        {
            double loss = Forward(w, (float)(2 / values));
            workspace.Backward(w, g);
            return loss;
        }
    }

    /// <summary>Σ|ẑ − z|² of a validation group: the same samples, levels and noise at every call.</summary>
    public double Validate(float[] parameters, int group, int groups)
    {
        int size = FloatLanes.Lanes * data.PerLane;
        data.Load(place => data.Training + (int)((group * (long)size + place) * Math.Max(1, data.Validation / (groups * size)) % data.Validation), clean);
        for (int pair = 0; pair < Levels; pair++) sigma[pair] = levels.At((pair + (group + 0.5) / groups) / Levels);
        NormalStream.Fill(noise.Pointer, data.Rows, seed, ValidationNoise, 0, group * FloatLanes.Lanes);
        fixed (float* w = parameters) return Forward(w, 0);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        workspace.Dispose();
        denoiser.Dispose();
        foreach (var lanes in (FloatLanes[])[clean, noise, noisy, guess, scaleOut]) lanes.Dispose();
    }

    private double Forward(float* parameters, float slope)
    {
        Lane level = Both(s => s), input = Both(NoiseLevels.In), output = Both(levels.Out);
        Modulation.Embed(Both(levels.Position), workspace.Features.Vectors);
        Lane* v = clean.Vectors, z = noise.Vectors, y = noisy.Vectors, x = workspace.Input.Vectors;
        for (int row = 0; row < data.Rows; row++)
        {
            y[row] = Vector512.FusedMultiplyAdd(level, z[row], v[row]);
            x[row] = input * y[row];
        }
        denoiser.Apply(noisy, sigma, guess);
        workspace.Forward(parameters);
        Lane* net = workspace.Output.Vectors, d = workspace.OutputGradient.Vectors, z0 = guess.Vectors;
        Lane back = output * slope;
        double loss = 0;
        for (int row = 0; row < data.Rows; row++)
        {
            Lane error = Vector512.FusedMultiplyAdd(output, net[row], z0[row]) - z[row];
            d[row] = back * error;
            loss += Vector512.Sum(error * error);
        }
        return loss;
    }

    /// <summary>f(σ) on the lanes.</summary>
    private Lane Both(Func<double, double> f)
    {
        for (int lane = 0; lane < FloatLanes.Lanes; lane++) scaleOut[0, lane] = (float)f(sigma[lane % Levels]);
        return scaleOut.Vectors[0];
    }
}
