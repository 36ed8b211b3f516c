using Leith.Core;

namespace Leith.Torch;

using static torch;
using static torch.nn;

/// <summary>
/// The residual network of Core's member lanes, computed by libtorch on fields of two axes: the same parameters in the same flat array, so weights go from one to the
/// other as they are, and the gradient comes out in the layout of Core. Numbers agree to rounding.
/// </summary>
internal sealed class LaneNetwork : Module
{
    private readonly ResidualNet shape;
    private readonly Tensor flat;

    public LaneNetwork(ResidualNet shape, ReadOnlySpan<float> values, string device = "cpu")
    {
        if (shape.Taps != 9 || shape.Parameters != values.Length)
            throw new LeithException($"lane network: expected a network of fields on two axes with {shape.Parameters} weights, got {shape.Taps} neighbours and {values.Length} weights.");
        this.shape = shape;
        flat = Register("weights", tensor(values, [values.Length], device));
    }

    /// <summary>All parameters, in Core's order.</summary>
    public Tensor Weights => flat;

    /// <summary>x as [sample][input][height][width], features of the noise level as [sample][feature].</summary>
    public Tensor forward(Tensor x, Tensor features)
    {
        int channels = shape.Channels;
        var h = Convolution(x, shape.First, shape.Inputs, channels);
        for (int l = 0; l < shape.Layers; l++) h = h + Convolution(Activated(h, features, l), shape.Blocks[l], channels, channels);
        return Convolution(Activated(h, features, shape.Layers), shape.Last, channels, shape.Outputs);
    }

    /// <summary>Core's weights are [tap][input][output], the taps row by row; then the biases.</summary>
    private Tensor Convolution(Tensor x, int at, int inputs, int outputs)
    {
        int count = 9 * inputs * outputs;
        var weight = flat.narrow(0, at, count).reshape(3, 3, inputs, outputs).permute(3, 2, 0, 1);
        return functional.conv2d(functional.pad_circular(x, 1), weight, flat.narrow(0, at + count, outputs));
    }

    /// <summary>silu(h (1 + scale) + shift).</summary>
    private Tensor Activated(Tensor h, Tensor features, int l)
    {
        if (!shape.Modulated) return functional.silu(h);
        long channels = shape.Channels, samples = h.shape[0], wide = features.shape[1];
        var matrix = flat.narrow(0, shape.Modulations[l], 2 * (int)channels * (int)wide).reshape(2 * channels, wide);
        var modulation = features.matmul(matrix.permute(1, 0));
        Tensor scale = modulation.narrow(1, 0, channels).reshape(samples, channels, 1, 1), shift = modulation.narrow(1, channels, channels).reshape(samples, channels, 1, 1);
        return functional.silu(h * (scale + 1) + shift);
    }
}
