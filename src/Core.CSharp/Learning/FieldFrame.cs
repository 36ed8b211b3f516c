using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;
using Wide = Vector512<double>;

/// <summary>
/// Mode by mode: lanes 0–7 are the real and 8–15 the imaginary part of one complex field. White noise: the network is shown y and answers o. Coloured, M = C^½:
/// it is shown y and C^−½ y, and answers o₁ + M o₂, that is, a score M⁻¹ o₁ + o₂: what is local in the whitened field and what is local in the field itself.
/// </summary>
internal sealed unsafe class FieldFrame : Frame
{
    private readonly LaneFft fft;
    private readonly LaneArray re, im, re2, im2;
    private readonly double[] power, colour, whiten;
    private readonly bool coloured;
    private readonly int sites;
    private readonly double mean, scale;
    private readonly ITileMap? given;
    private readonly Tile state, score;
    private readonly NoiseLevels levels;

    public FieldFrame(Grid grid, GaussianBase gaussian, NoiseLevels levels, Func<ITileMap>? given)
    {
        (sites, coloured, power, this.levels) = (grid.Sites, levels.Coloured, gaussian.Eigenvalues, levels);
        (mean, scale, this.given) = (gaussian.Mean[0], gaussian.Scale[0], given?.Invoke());
        (state, score) = (new(sites), new(sites));
        fft = new(grid);
        (re, im, re2, im2) = (new(sites), new(sites), new(sites), new(sites));
        colour = [.. power.Select(value => !coloured ? 1 : value > GaussianBase.Degenerate ? Math.Sqrt(value) : 0)];
        whiten = [.. power.Select(value => value > GaussianBase.Degenerate ? 1 / Math.Sqrt(value) : 0)];
    }

    public override void Colour(FloatLanes z)
    {
        if (!coloured) return;
        Load(z.Vectors, 1, 0);
        fft.Forward(re.Pointer, im.Pointer);
        Multiply(colour, re, im);
        fft.Inverse(re.Pointer, im.Pointer);
        Store(z.Vectors, 1, 0);
    }

    public override void Begin(FloatLanes y, ReadOnlySpan<double> a, ReadOnlySpan<double> b, FloatLanes result, Lane shrink, Lane* shown)
    {
        Load(y.Vectors, 1, 0);
        fft.Forward(re.Pointer, im.Pointer);
        if (coloured)
        {
            re.Span.CopyTo(re2.Span);
            im.Span.CopyTo(im2.Span);
            Multiply(whiten, re, im);
            fft.Inverse(re.Pointer, im.Pointer);
            Store(shown, 2, 1);
            re2.Span.CopyTo(re.Span);
            im2.Span.CopyTo(im.Span);
        }
        if (given is not null) Given(y, a[0]);
        else Gaussian(a, b);
        fft.Inverse(re.Pointer, im.Pointer);
        Store(result.Vectors, 1, 0);
        int channels = coloured ? 2 : 1;
        for (int site = 0; site < sites; site++)
        {
            shown[site * channels] = shrink * y.Vectors[site];
            if (coloured) shown[site * channels + 1] *= shrink;
        }
    }

    public override void Answer(Lane* outputs, FloatLanes answer)
    {
        int channels = coloured ? 2 : 1;
        if (coloured) Filter(outputs, 2, 1, answer.Vectors, 1, 0);
        else answer.Span.Clear();
        for (int site = 0; site < sites; site++) answer.Vectors[site] += outputs[site * channels];
    }

    public override void Back(FloatLanes gradient, Lane* outputs)
    {
        int channels = coloured ? 2 : 1;
        for (int site = 0; site < sites; site++) outputs[site * channels] = gradient.Vectors[site];
        if (coloured) Filter(gradient.Vectors, 1, 0, outputs, 2, 1);
    }

    public override void Dispose()
    {
        fft.Dispose();
        given?.Dispose();
        state.Dispose();
        score.Dispose();
        foreach (var lanes in (LaneArray[])[re, im, re2, im2]) lanes.Dispose();
    }

    /// <summary>Spectrum of the Gaussian's part, from that of y.</summary>
    private void Gaussian(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Wide above = Vector512.Create(a), below = Vector512.Create(b);
        for (int mode = 0; mode < sites; mode++)
        {
            double known = levels.BasePower(power[mode]);
            bool dead = double.IsInfinity(known) || !(power[mode] > GaussianBase.Degenerate) && (coloured || b[0] == 0);
            var factor = dead ? Wide.Zero : Vector512.Create(colour[mode]) * above / (below * Vector512.Create(colour[mode] * colour[mode]) + Vector512.Create(known));
            re.Vectors[mode] *= factor;
            im.Vectors[mode] *= factor;
        }
    }

    /// <summary>Spectrum of −factor M s of the given score s, in units where the data have variance 1.</summary>
    private void Given(FloatLanes y, double factor)
    {
        var half = Vector512.Create(0.5 * scale);
        for (int site = 0; site < sites; site++)
        {
            var (a, b) = Vector512.Widen(y.Vectors[site]);
            state.A.Vectors[site] = state.B.Vectors[site] = half * (a + b) + Vector512.Create(mean);
        }
        fft.Forward(state.A.Pointer, state.B.Pointer);
        given!.Apply(state, 0, score);
        for (int mode = 0; mode < sites; mode++)
        {
            var back = Vector512.Create(power[mode] > GaussianBase.Degenerate ? -factor * scale * colour[mode] : 0);
            re.Vectors[mode] = back * score.A.Vectors[mode];
            im.Vectors[mode] = back * score.B.Vectors[mode];
        }
    }

    /// <summary>to ← M from; M is its own transpose.</summary>
    private void Filter(Lane* from, int stride, int offset, Lane* to, int toStride, int toOffset)
    {
        Load(from, stride, offset);
        fft.Forward(re.Pointer, im.Pointer);
        Multiply(colour, re, im);
        fft.Inverse(re.Pointer, im.Pointer);
        Store(to, toStride, toOffset);
    }

    private void Load(Lane* from, int stride, int offset)
    {
        for (int site = 0; site < sites; site++) (re.Vectors[site], im.Vectors[site]) = Vector512.Widen(from[site * stride + offset]);
    }

    private void Store(Lane* to, int stride, int offset)
    {
        for (int site = 0; site < sites; site++) to[site * stride + offset] = Vector512.Narrow(re.Vectors[site], im.Vectors[site]);
    }

    private void Multiply(double[] factors, LaneArray a, LaneArray b)
    {
        for (int mode = 0; mode < sites; mode++)
        {
            var factor = Vector512.Create(factors[mode]);
            a.Vectors[mode] *= factor;
            b.Vectors[mode] *= factor;
        }
    }
}
