using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>
/// What stands around a network of a <see cref="ResidualNet"/>: noise M z of the wanted colour, the score of the Gaussian, what the network is shown of a state
/// and what its outputs mean. Lane by lane; an instance serves one thread.
/// </summary>
internal abstract unsafe class Frame : IDisposable
{
    /// <summary>The one for this Gaussian and these levels.</summary>
    public static Frame Of(GaussianBase gaussian, NoiseLevels levels, Func<ITileMap>? given) =>
        gaussian.Grid is { } grid ? new FieldFrame(grid, gaussian, levels, given) : new PointFrame(gaussian, levels);

    /// <summary>Values at a site that the network is shown and that it answers.</summary>
    public static (int Inputs, int Outputs) Shape(GaussianBase gaussian, NoiseLevels levels) =>
        levels.Coloured ? (2, 2) : (gaussian.Components, gaussian.Components);

    /// <summary>z ← M z.</summary>
    public abstract void Colour(FloatLanes z);

    /// <summary>
    /// result ← M a (C + b M²)⁻¹ y, and what the network is shown of y. a and b are given for the first eight lanes, which the other eight share: (σ, σ²) makes
    /// the mean of z given y = v + σ M z for a Gaussian v, (1, 0) its score times −M. A score that is given takes the place of the latter, at the mean of both halves of the lanes.
    /// </summary>
    public abstract void Begin(FloatLanes y, ReadOnlySpan<double> a, ReadOnlySpan<double> b, FloatLanes result, Lane scale, Lane* shown);

    /// <summary>answer ← what the outputs of the network stand for, in units of z.</summary>
    public abstract void Answer(Lane* outputs, FloatLanes answer);

    /// <summary>The transpose of <see cref="Answer"/>: gradients by the answer to gradients by the outputs.</summary>
    public abstract void Back(FloatLanes gradient, Lane* outputs);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>In the eigenbasis of the correlation matrix, point by point; the noise is white.</summary>
    private sealed class PointFrame(GaussianBase gaussian, NoiseLevels levels) : Frame
    {
        private readonly int size = gaussian.Components;
        private readonly float[] basis = [.. gaussian.Eigenvectors.Select(value => (float)value)];

        public override void Colour(FloatLanes z) { }

        public override void Begin(FloatLanes y, ReadOnlySpan<double> a, ReadOnlySpan<double> b, FloatLanes result, Lane scale, Lane* shown)
        {
            Lane above = Vector512.Narrow(Vector512.Create(a), Vector512.Create(a)), below = Vector512.Narrow(Vector512.Create(b), Vector512.Create(b));
            result.Span.Clear();
            for (int row = 0; row < y.Rows; row++) shown[row] = scale * y.Vectors[row];
            for (int k = 0; k < size; k++)
            {
                if (!(gaussian.Eigenvalues[k] > GaussianBase.Degenerate) && b[0] == 0) continue;
                var factor = above / (below + Vector512.Create((float)levels.BasePower(gaussian.Eigenvalues[k])));
                for (int point = 0; point < y.Rows; point += size)
                {
                    Lane amplitude = default;
                    for (int i = 0; i < size; i++) amplitude += Vector512.Create(basis[i * size + k]) * y.Vectors[point + i];
                    amplitude *= factor;
                    for (int i = 0; i < size; i++) result.Vectors[point + i] += Vector512.Create(basis[i * size + k]) * amplitude;
                }
            }
        }

        public override void Answer(Lane* outputs, FloatLanes answer) => Copy(outputs, answer.Vectors, answer.Rows);

        public override void Back(FloatLanes gradient, Lane* outputs) => Copy(gradient.Vectors, outputs, gradient.Rows);

        public override void Dispose() { }

        private static void Copy(Lane* from, Lane* to, int rows) => new Span<Lane>(from, rows).CopyTo(new Span<Lane>(to, rows));
    }
}
