using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The network of a <see cref="LearnedScore"/> at one noise level σ (in units where the data have variance 1), lane by lane.</summary>
internal sealed unsafe class LearnedNetwork : IDisposable
{
    private readonly NetworkWorkspace workspace;
    private readonly float[] parameters;

    public LearnedNetwork(LearnedScore score, Stencil stencil, double sigma)
    {
        workspace = new(score.Net, stencil, training: false);
        parameters = score.Parameters;
        Modulation.Embed(Vector512.Create((float)score.Levels.Position(sigma)), workspace.Features.Vectors);
        (In, Out) = (NoiseLevels.In(sigma), -score.Levels.Out(sigma) / sigma);
    }

    /// <summary>Factor of v = (u − mean)/scale before the network.</summary>
    public double In { get; }

    /// <summary>Factor of the network's output that makes it the remainder of the score of v.</summary>
    public double Out { get; }

    public Vector512<float>* Input => workspace.Input.Vectors;
    public Vector512<float>* Output => workspace.Output.Vectors;

    public void Forward()
    {
        fixed (float* w = parameters) workspace.Forward(w);
    }

    public void Dispose() => workspace.Dispose();
}

/// <summary>Score or remainder of a field: spectrum → field → network → spectrum, and the Gaussian mode by mode.</summary>
internal sealed unsafe class LearnedFieldMap : ITileMap
{
    private readonly LearnedNetwork network;
    private readonly LaneFft fft;
    private readonly LaneArray re, im;
    private readonly double mean, scale;
    private readonly double[] gaussian;
    private readonly bool[] alive;

    public LearnedFieldMap(LearnedScore score, Grid grid, double sigma, bool whole)
    {
        var data = score.Gaussian;
        network = new(score, Stencil.Torus(grid), sigma);
        fft = new(grid);
        (re, im) = (new(grid.Sites), new(grid.Sites));
        (mean, scale) = (data.Mean[0], data.Scale[0]);
        gaussian = [.. data.Eigenvalues.Select(value => whole ? -1 / ((value + sigma * sigma) * scale * scale) : 0)];
        alive = [.. data.Eigenvalues.Select(value => value > GaussianBase.Degenerate)];
    }

    public void Apply(Tile state, double time, Tile result)
    {
        state.A.Span.CopyTo(re.Span);
        state.B.Span.CopyTo(im.Span);
        fft.Inverse(re.Pointer, im.Pointer);
        int sites = re.Rows;
        Vector512<double> centre = Vector512.Create(mean), factor = Vector512.Create(network.In / scale), back = Vector512.Create(network.Out / scale);
        for (int site = 0; site < sites; site++)
            network.Input[site] = Vector512.Narrow((re.Vectors[site] - centre) * factor, (im.Vectors[site] - centre) * factor);
        network.Forward();
        for (int site = 0; site < sites; site++)
        {
            var (a, b) = Vector512.Widen(network.Output[site]);
            (re.Vectors[site], im.Vectors[site]) = (a * back, b * back);
        }
        fft.Forward(re.Pointer, im.Pointer);
        for (int mode = 0; mode < sites; mode++)
        {
            // the spectrum of the mean stands in mode 0 of both blocks
            var shift = Vector512.Create(mode == 0 ? mean * sites : 0);
            var factorOfBase = Vector512.Create(gaussian[mode]);
            var keep = Vector512.Create(alive[mode] ? 1.0 : 0.0);
            result.A.Vectors[mode] = keep * re.Vectors[mode] + factorOfBase * (state.A.Vectors[mode] - shift);
            result.B.Vectors[mode] = keep * im.Vectors[mode] + factorOfBase * (state.B.Vectors[mode] - shift);
        }
    }

    public void Dispose()
    {
        network.Dispose();
        fft.Dispose();
        re.Dispose();
        im.Dispose();
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
        gaussian = data.Function(value => whole ? -1 / (value + sigma * sigma) : 0);
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
