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
    private readonly NoiseSchedule? schedule;
    private readonly NetworkWorkspace workspace;
    private readonly Frame frame;
    private readonly FloatLanes clean, noise, noisy, coloured, guess, answer, gradientOfAnswer, scratch = new(1);
    private readonly double[] sigma = new double[Levels], above = new double[Levels], below = new double[Levels];
    private readonly bool[] limit = new bool[Levels];
    private readonly double alive;

    public TrainingWorker(TrainingData data, NoiseLevels levels, ResidualNet net, Func<ITileMap>? given, TrainingOptions options)
    {
        (this.data, this.levels, seed, schedule) = (data, levels, options.Seed, options.Schedule);
        workspace = new(net, data.Stencil, training: true);
        frame = Frame.Of(data.Gaussian, levels, given);
        (clean, noise, noisy, coloured) = (new(data.Rows), new(data.Rows), new(data.Rows), new(data.Rows));
        (guess, answer, gradientOfAnswer) = (new(data.Rows), new(data.Rows), new(data.Rows));
        alive = levels.Base == ScoreBase.Gaussian ? data.Gaussian.Eigenvalues.Average(value => value > GaussianBase.Degenerate ? 1.0 : 0.0) : 0;
    }

    /// <summary>The loss of a training group, summed over its values; its gradient, divided by <paramref name="values"/>, is written to <paramref name="gradient"/>.</summary>
    public double Train(float[] parameters, float[] gradient, long step, int group, int groups, double values)
    {
        // lanes i and i + 8 hold the same samples, with opposite noise
        int half = Levels * data.PerLane;
        data.Load(place => (Draw.Index(seed, Draw.Sample, step, group * half + place % half, data.Training), Draw.Index(seed, Draw.Image, step, group * half + place % half, data.Images)), clean);
        // σ is stratified over the batch: each eighth of a group has its own stratum, and the strata are dealt to the groups in turn
        for (int pair = 0; pair < Levels; pair++)
        {
            int stratum = pair * groups + group;
            Choose(pair, (stratum + Draw.Uniform(seed, Draw.Level, step, stratum)) / (groups * Levels));
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

    /// <summary>The loss of a validation group: the same samples, levels and noise at every call; where the score is given at σ → 0, the loss there.</summary>
    public double Validate(float[] parameters, int group, int groups)
    {
        int half = Levels * data.PerLane;
        data.Load(place => (data.Training + (int)((group * (long)half + place % half) * Math.Max(1, data.Validation / (groups * half)) % data.Validation), place % half % data.Images), clean);
        for (int pair = 0; pair < Levels; pair++) Choose(pair, levels.Implicit > 0 ? 0 : (pair + (group + 0.5) / groups) / Levels);
        NormalStream.Fill(noise.Pointer, data.Rows, seed, ValidationNoise, 0, group * FloatLanes.Lanes);
        fixed (float* w = parameters) return Forward(w, 0);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        workspace.Dispose();
        frame.Dispose();
        foreach (var lanes in (FloatLanes[])[clean, noise, noisy, coloured, guess, answer, gradientOfAnswer, scratch]) lanes.Dispose();
    }

    /// <summary>The first values of r belong to σ → 0, the others to the denoising levels.</summary>
    private void Choose(int pair, double r)
    {
        limit[pair] = r < levels.Implicit;
        sigma[pair] = limit[pair] ? 0 : Level((r - levels.Implicit) / (1 - levels.Implicit));
        (above[pair], below[pair]) = limit[pair] ? (levels.Knee, 0) : (sigma[pair], sigma[pair] * sigma[pair]);
    }

    private double Level(double r) => schedule is null ? levels.At(r) : schedule.Distribution.At(r, levels.Smallest, levels.Largest);

    private double Forward(float* parameters, float slope)
    {
        Lane atLimit = Lanes(pair => limit[pair] ? 1 : 0), isLimit = Vector512.GreaterThan(atLimit, Lane.Zero);
        Lane level = Lanes(pair => limit[pair] ? levels.Step : sigma[pair]), input = Lanes(pair => NoiseLevels.In(sigma[pair]));
        Modulation.Embed(Lanes(pair => levels.Position(sigma[pair])), workspace.Features.Vectors);
        Opposite(isLimit);
        noise.Span.CopyTo(coloured.Span);
        frame.Colour(coloured);
        Lane* v = clean.Vectors, y = noisy.Vectors, m = coloured.Vectors;
        for (int row = 0; row < data.Rows; row++) y[row] = Vector512.FusedMultiplyAdd(level, m[row], v[row]);
        frame.Begin(noisy, above, below, guess, input, workspace.Input.Vectors);
        workspace.Forward(parameters);
        frame.Answer(workspace.Output.Vectors, answer);
        double loss = Losses(isLimit, slope);
        frame.Back(gradientOfAnswer, workspace.OutputGradient.Vectors);
        return loss;
    }

    /// <summary>
    /// Where σ > 0, w(σ) |ẑ − z|². At σ → 0, |s|² + 2 ∇·s in units of ⟨|s₀|²⟩ (Hyvärinen 2005), s = s₀ − M⁻¹ n/knee in the metric of the noise, the divergence of n by the difference
    /// z·(n(v + h M z) − n(v − h M z))/2h with random signs z (Hutchinson 1990; Pang et al. 2020), n itself as the mean of the two: unlike the
    /// variance of z − ẑ₀, that of this does not outgrow the signal at small h, and for what is linear in v there is no bias.
    /// </summary>
    private double Losses(Lane isLimit, float slope)
    {
        Lane output = Lanes(pair => levels.Out(sigma[pair])), weight = Lanes(pair => limit[pair] ? 1 : schedule?.Weight.OnNoise(sigma[pair]) ?? 1), back = output * weight * slope;
        Lane rate = Vector512.Create((float)(levels.Knee / levels.Step)), half = Vector512.Create(0.5f), known = Vector512.Create((float)(2 * alive));
        // ∇·s₀ of the Gaussian is a number; that of a library has the mean of −|s₀|², by its normal equations
        Lane own = Vector512.Create(levels.Base == ScoreBase.Given ? 2f : 0f);
        Lane* z = noise.Vectors, n = answer.Vectors, d = gradientOfAnswer.Vectors, z0 = guess.Vectors;
        double loss = 0;
        for (int row = 0; row < data.Rows; row++)
        {
            Lane error = Vector512.FusedMultiplyAdd(output, n[row], z0[row]) - z[row];
            Lane other = Swap(n[row]), known0 = half * (z0[row] + Swap(z0[row])), score = half * (n[row] + other) + known0, push = rate * z[row];
            d[row] = Vector512.ConditionalSelect(isLimit, slope * (score - push), back * error);
            loss += Vector512.Sum(Vector512.ConditionalSelect(isLimit, score * score - known - own * known0 * known0 - push * (n[row] - other), weight * error * error));
        }
        return loss;
    }

    /// <summary>Lanes 8–15 of the noise ← the opposite of lanes 0–7; at σ → 0 only the signs are kept.</summary>
    private void Opposite(Lane isLimit)
    {
        Lane* z = noise.Vectors;
        for (int row = 0; row < data.Rows; row++)
        {
            Lane pair = Vector512.Create(z[row].GetLower(), -z[row].GetLower());
            z[row] = Vector512.ConditionalSelect(isLimit, Vector512.CopySign(Lane.One, pair), pair);
        }
    }

    private static Lane Swap(Lane lanes) => Vector512.Create(lanes.GetUpper(), lanes.GetLower());

    /// <summary>f of each pair, on its two lanes.</summary>
    private Lane Lanes(Func<int, double> f)
    {
        for (int lane = 0; lane < FloatLanes.Lanes; lane++) scratch[0, lane] = (float)f(lane % Levels);
        return scratch.Vectors[0];
    }
}
