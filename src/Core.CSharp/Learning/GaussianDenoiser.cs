using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>ẑ₀ = σ (C + σ²)⁻¹ y, the mean of z given y = v + σ z for a Gaussian v, lane by lane. An instance serves one thread.</summary>
internal abstract unsafe class GaussianDenoiser : IDisposable
{
    /// <summary>The one for this Gaussian.</summary>
    public static GaussianDenoiser Of(GaussianBase gaussian) =>
        gaussian.Grid is { } grid ? new FieldDenoiser(grid, gaussian) : new VectorDenoiser(gaussian);

    /// <summary>result ← ẑ₀(y); sigma holds the levels of the first eight lanes, which the other eight share.</summary>
    public abstract void Apply(FloatLanes y, ReadOnlySpan<double> sigma, FloatLanes result);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Mode by mode: lanes 0–7 are the real and 8–15 the imaginary part of one complex field.</summary>
    private sealed class FieldDenoiser(Grid grid, GaussianBase gaussian) : GaussianDenoiser
    {
        private readonly LaneFft fft = new(grid);
        private readonly LaneArray re = new(grid.Sites), im = new(grid.Sites);

        public override void Apply(FloatLanes y, ReadOnlySpan<double> sigma, FloatLanes result)
        {
            for (int site = 0; site < grid.Sites; site++) (re.Vectors[site], im.Vectors[site]) = Vector512.Widen(y.Vectors[site]);
            fft.Forward(re.Pointer, im.Pointer);
            var level = Vector512.Create(sigma);
            for (int mode = 0; mode < grid.Sites; mode++)
            {
                var factor = level / (level * level + Vector512.Create(gaussian.Eigenvalues[mode]));
                re.Vectors[mode] *= factor;
                im.Vectors[mode] *= factor;
            }
            fft.Inverse(re.Pointer, im.Pointer);
            for (int site = 0; site < grid.Sites; site++) result.Vectors[site] = Vector512.Narrow(re.Vectors[site], im.Vectors[site]);
        }

        public override void Dispose()
        {
            fft.Dispose();
            re.Dispose();
            im.Dispose();
        }
    }

    /// <summary>In the eigenbasis of the correlation matrix, point by point.</summary>
    private sealed class VectorDenoiser(GaussianBase gaussian) : GaussianDenoiser
    {
        private readonly int size = gaussian.Components;
        private readonly float[] basis = [.. gaussian.Eigenvectors.Select(value => (float)value)];

        public override void Apply(FloatLanes y, ReadOnlySpan<double> sigma, FloatLanes result)
        {
            var level = Vector512.Narrow(Vector512.Create(sigma), Vector512.Create(sigma));
            result.Span.Clear();
            for (int k = 0; k < size; k++)
            {
                var factor = level / (level * level + Vector512.Create((float)gaussian.Eigenvalues[k]));
                for (int point = 0; point < y.Rows; point += size)
                {
                    Vector512<float> amplitude = default;
                    for (int i = 0; i < size; i++) amplitude += Vector512.Create(basis[i * size + k]) * y.Vectors[point + i];
                    amplitude *= factor;
                    for (int i = 0; i < size; i++) result.Vectors[point + i] += Vector512.Create(basis[i * size + k]) * amplitude;
                }
            }
        }

        public override void Dispose() { }
    }
}
