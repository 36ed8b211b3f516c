using System.Runtime.Intrinsics;
using Leith.Core;

namespace Leith.Torch;

using static torch;

/// <summary>Score or remainder of a <see cref="PublishedScore"/> on tiles: spectrum → sixteen fields → network → spectrum.</summary>
internal sealed unsafe class PublishedMap : ITileMap
{
    private readonly PublishedScore score;
    private readonly UNet net;
    private readonly LaneFft fft;
    private readonly LaneArray re, im;
    private readonly float[] fields;
    private readonly double sigma;
    private readonly float time;
    private readonly double[] gaussian;
    private readonly bool[] alive;
    private readonly bool whole;

    public PublishedMap(PublishedScore score, double sigma, bool whole)
    {
        (this.score, this.sigma, this.whole) = (score, sigma, whole);
        var (grid, data) = (score.Grid, score.Gaussian);
        net = score.Network();
        fft = new(grid);
        (re, im) = (new(grid.Sites), new(grid.Sites));
        fields = new float[Tile.Members * grid.Sites];
        time = (float)PublishedTraining.TimeOf(sigma / score.Unit, score.ScaledSigmaMax);
        gaussian = [.. data.Eigenvalues.Select(value => -1 / (value * data.Scale[0] * data.Scale[0] + sigma * sigma))];
        alive = [.. data.Eigenvalues.Select(value => value > GaussianBase.Degenerate)];
    }

    public void Apply(Tile state, double time, Tile result)
    {
        state.A.Span.CopyTo(re.Span);
        state.B.Span.CopyTo(im.Span);
        fft.Inverse(re.Pointer, im.Pointer);
        Exchange(fromFields: false, -score.Gaussian.Mean[0], 1 / score.Unit);
        Evaluate();
        Exchange(fromFields: true, 0, 1 / sigma);
        fft.Forward(re.Pointer, im.Pointer);
        for (int mode = 0; mode < re.Rows; mode++)
        {
            // the spectrum of the mean stands in mode 0 of both blocks
            var shift = Vector512.Create(mode == 0 ? score.Gaussian.Mean[0] * re.Rows : 0);
            var linear = Vector512.Create(gaussian[mode]);
            Vector512<double> a = linear * (state.A.Vectors[mode] - shift), b = linear * (state.B.Vectors[mode] - shift);
            // a mode without variance has the Gaussian's score and no remainder
            (Vector512<double> ownA, Vector512<double> ownB) = alive[mode] ? (re.Vectors[mode], im.Vectors[mode]) : (a, b);
            (result.A.Vectors[mode], result.B.Vectors[mode]) = whole ? (ownA, ownB) : (ownA - a, ownB - b);
        }
    }

    public void Dispose()
    {
        net.Dispose();
        fft.Dispose();
        re.Dispose();
        im.Dispose();
    }

    /// <summary>fields ← U(fields, t).</summary>
    private void Evaluate()
    {
        // the tiles are spread over threads already
        if (score.Device == "cpu" && get_num_threads() != 1) set_num_threads(1);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var x = tensor(fields, [Tile.Members, 1, score.Grid.Points[0], score.Grid.Points[1]], score.Device);
        net.forward(x, full([Tile.Members], time, score.Device)).CopyTo(fields);
    }

    /// <summary>Between lanes and fields [member][site]: (value + offset) factor.</summary>
    private void Exchange(bool fromFields, double offset, double factor)
    {
        int sites = re.Rows;
        for (int member = 0; member < Tile.Members; member++)
        {
            var (block, lane) = (member < LaneArray.Lanes ? re : im, member % LaneArray.Lanes);
            for (int site = 0; site < sites; site++)
            {
                ref float field = ref fields[member * sites + site];
                if (fromFields) block[site, lane] = (field + offset) * factor;
                else field = (float)((block[site, lane] + offset) * factor);
            }
        }
    }
}
