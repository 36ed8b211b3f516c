using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The network of a <see cref="LearnedScore"/> at one noise level σ (in units where the data have variance 1), lane by lane, averaged over the images of a symmetry.</summary>
internal sealed unsafe class LearnedNetwork : IDisposable
{
    private readonly NetworkWorkspace workspace;
    private readonly float[] parameters;
    private readonly (float Sign, int[] From)[] images;
    private readonly FloatLanes shown, sum;
    private readonly int inputs, outputs;

    public LearnedNetwork(LearnedScore score, Stencil stencil, double sigma)
    {
        workspace = new(score.Net, stencil, training: false);
        parameters = score.Parameters;
        (inputs, outputs) = (score.Net.Inputs, score.Net.Outputs);
        images = [.. Enumerable.Range(0, score.Symmetries.Count).Select(i => score.Symmetries.Image(i, score.Grid))];
        (shown, sum) = (new(images.Length > 1 ? workspace.Input.Rows : 0), new(images.Length > 1 ? workspace.Output.Rows : 0));
        Modulation.Embed(Vector512.Create((float)score.Levels.Position(sigma)), workspace.Features.Vectors);
        (In, Out) = (NoiseLevels.In(sigma), -score.Levels.OutSlope(sigma));
    }

    /// <summary>Factor of v = (u − mean)/scale before the network.</summary>
    public double In { get; }

    /// <summary>Factor of the network's output that makes it the remainder of the score of v.</summary>
    public double Out { get; }

    public Vector512<float>* Input => workspace.Input.Vectors;
    public Vector512<float>* Output => workspace.Output.Vectors;

    public void Forward()
    {
        fixed (float* w = parameters)
        {
            if (images.Length == 1) workspace.Forward(w);
            else Average(w);
        }
    }

    public void Dispose()
    {
        workspace.Dispose();
        shown.Dispose();
        sum.Dispose();
    }

    /// <summary>⟨g⁻¹ net(g x)⟩ over the images g; each is its own inverse.</summary>
    private void Average(float* w)
    {
        workspace.Input.Span.CopyTo(shown.Span);
        sum.Span.Clear();
        foreach (var (sign, from) in images)
        {
            Move(shown.Vectors, workspace.Input.Vectors, shown.Rows, inputs, from, Vector512.Create(sign));
            workspace.Forward(w);
            Add(workspace.Output.Vectors, sum.Vectors, sum.Rows, outputs, from, Vector512.Create(sign / images.Length));
        }
        sum.Span.CopyTo(workspace.Output.Span);
    }

    private static void Move(Vector512<float>* x, Vector512<float>* to, int rows, int channels, int[] from, Vector512<float> sign)
    {
        for (int row = 0; row < rows; row++) to[row] = sign * x[from.Length == 0 ? row : from[row / channels] * channels + row % channels];
    }

    private static void Add(Vector512<float>* y, Vector512<float>* sum, int rows, int channels, int[] from, Vector512<float> sign)
    {
        for (int row = 0; row < rows; row++) sum[row] += sign * y[from.Length == 0 ? row : from[row / channels] * channels + row % channels];
    }
}

/// <summary>Score or remainder of a field: spectrum → field → network → spectrum, and the Gaussian mode by mode.</summary>
internal sealed unsafe class LearnedFieldMap : ITileMap
{
    private readonly LearnedNetwork network;
    private readonly LaneFft fft;
    private readonly LaneArray re, im;
    private readonly double mean, scale;
    private readonly double[] gaussian, whiten;
    private readonly bool coloured;
    private readonly NoiseLevels levels;
    private readonly ITileMap? given;

    public LearnedFieldMap(LearnedScore score, Grid grid, double sigma, bool whole)
    {
        var data = score.Gaussian;
        network = new(score, Stencil.Torus(grid), sigma);
        fft = new(grid);
        (re, im) = (new(grid.Sites), new(grid.Sites));
        (mean, scale, coloured) = (data.Mean[0], data.Scale[0], score.Levels.Coloured);
        levels = score.Levels;
        if (whole) given = score.Given?.Invoke();
        gaussian = [.. data.Eigenvalues.Select(value => Base(levels.BasePower(value), value, sigma * sigma) - (whole ? 0 : Base(value, value, sigma * sigma)))];
        if (given is not null) Array.Clear(gaussian);
        // in modes without variance the network is left alone
        whiten = [.. data.Eigenvalues.Select(value => value > GaussianBase.Degenerate ? coloured ? 1 / Math.Sqrt(value) : 1 : 0)];
    }

    public void Apply(Tile state, double time, Tile result)
    {
        int sites = re.Rows, channels = coloured ? 2 : 1;
        for (int channel = 0; channel < channels; channel++) Show(state, channel, channels);
        network.Forward();
        Read(0, channels);
        given?.Apply(state, time, result);
        for (int mode = 0; mode < sites; mode++)
        {
            // the spectrum of the mean stands in mode 0 of both blocks
            Vector512<double> shift = Vector512.Create(mode == 0 ? mean * sites : 0), factor = Vector512.Create(gaussian[mode]);
            var keep = Vector512.Create(whiten[mode] * network.Out / scale);
            Vector512<double> a = given is null ? default : result.A.Vectors[mode], b = given is null ? default : result.B.Vectors[mode];
            result.A.Vectors[mode] = a + keep * re.Vectors[mode] + factor * (state.A.Vectors[mode] - shift);
            result.B.Vectors[mode] = b + keep * im.Vectors[mode] + factor * (state.B.Vectors[mode] - shift);
        }
        if (!coloured) return;
        Read(1, channels);
        for (int mode = 0; mode < sites; mode++)
        {
            var keep = Vector512.Create(whiten[mode] > 0 ? network.Out / scale : 0);
            result.A.Vectors[mode] += keep * re.Vectors[mode];
            result.B.Vectors[mode] += keep * im.Vectors[mode];
        }
    }

    public void Dispose()
    {
        network.Dispose();
        given?.Dispose();
        fft.Dispose();
        re.Dispose();
        im.Dispose();
    }

    /// <summary>Factor of the score of a Gaussian whose modes have this power; none in a mode that does not move, unless white noise moves it.</summary>
    private double Base(double power, double own, double noise) =>
        own > GaussianBase.Degenerate || noise > 0 && !coloured ? -1 / ((power + noise * (coloured ? own : 1)) * scale * scale) : 0;

    /// <summary>One channel of what the network is shown: the field, or the whitened field.</summary>
    private void Show(Tile state, int channel, int channels)
    {
        for (int mode = 0; mode < re.Rows; mode++)
        {
            Vector512<double> shift = Vector512.Create(mode == 0 ? mean * re.Rows : 0), factor = Vector512.Create((channel == 0 ? 1 : whiten[mode]) * network.In / scale);
            (re.Vectors[mode], im.Vectors[mode]) = (factor * (state.A.Vectors[mode] - shift), factor * (state.B.Vectors[mode] - shift));
        }
        fft.Inverse(re.Pointer, im.Pointer);
        for (int site = 0; site < re.Rows; site++) network.Input[site * channels + channel] = Vector512.Narrow(re.Vectors[site], im.Vectors[site]);
    }

    /// <summary>The spectrum of one output of the network.</summary>
    private void Read(int channel, int channels)
    {
        for (int site = 0; site < re.Rows; site++) (re.Vectors[site], im.Vectors[site]) = Vector512.Widen(network.Output[site * channels + channel]);
        fft.Forward(re.Pointer, im.Pointer);
    }
}

/// <summary>Score or remainder of scalar unknowns.</summary>
internal sealed unsafe class LearnedVectorMap : ITileMap
{
    private readonly LearnedNetwork network;
    private readonly double[] mean, scale, gaussian;

    public LearnedVectorMap(LearnedScore score, double sigma, bool whole)
    {
        var data = score.Gaussian;
        network = new(score, Stencil.Points(1), sigma);
        (mean, scale) = (data.Mean, data.Scale);
        int n = mean.Length;
        double Base(double power, double own) => own + sigma * sigma > GaussianBase.Degenerate ? -1 / (power + sigma * sigma) : 0;
        gaussian = data.Function(value => Base(score.Levels.BasePower(value), value) - (whole ? 0 : Base(value, value)));
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) gaussian[i * n + j] /= scale[i] * scale[j];
    }

    public void Apply(Tile state, double time, Tile result)
    {
        int n = mean.Length;
        for (int i = 0; i < n; i++)
        {
            Vector512<double> centre = Vector512.Create(mean[i]), factor = Vector512.Create(network.In / scale[i]);
            network.Input[i] = Vector512.Narrow((state.A.Vectors[i] - centre) * factor, (state.B.Vectors[i] - centre) * factor);
        }
        network.Forward();
        for (int i = 0; i < n; i++)
        {
            var (a, b) = Vector512.Widen(network.Output[i]);
            var back = Vector512.Create(network.Out / scale[i]);
            (a, b) = (a * back, b * back);
            for (int j = 0; j < n; j++)
            {
                Vector512<double> element = Vector512.Create(gaussian[i * n + j]), centre = Vector512.Create(mean[j]);
                a += element * (state.A.Vectors[j] - centre);
                b += element * (state.B.Vectors[j] - centre);
            }
            (result.A.Vectors[i], result.B.Vectors[i]) = (a, b);
        }
    }

    public void Dispose() => network.Dispose();
}
