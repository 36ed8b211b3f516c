namespace Leith.Core;

/// <summary>
/// h₀ = W₀ x; h_{l+1} = h_l + W_l silu(modulate_l(h_l)); y = W silu(modulate(h_L)). The W are <see cref="Convolution"/>s on a stencil; on one tap they are
/// dense layers and the network is a residual multilayer perceptron. W starts at zero, so y does. This class is the shape: where each layer's parameters
/// stand in one flat array; <see cref="NetworkWorkspace"/> computes.
/// </summary>
internal sealed class ResidualNet
{
    /// <summary>A shape.</summary>
    public ResidualNet(int taps, int inputs, int channels, int outputs, int layers, bool modulated)
    {
        (Taps, Inputs, Channels, Outputs, Layers, Modulated) = (taps, inputs, channels, outputs, layers, modulated);
        int next = 0;
        int Take(int count) => (next += count) - count;
        First = Take(taps * inputs * channels + channels);
        Blocks = new int[layers];
        Modulations = new int[layers + 1];
        for (int l = 0; l <= layers; l++)
        {
            Modulations[l] = Take(modulated ? 2 * channels * Modulation.Features : 0);
            if (l < layers) Blocks[l] = Take(taps * channels * channels + channels);
        }
        Last = Take(taps * channels * outputs + outputs);
        Parameters = next;
    }

    public int Taps { get; }
    public int Inputs { get; }
    public int Channels { get; }
    public int Outputs { get; }
    public int Layers { get; }
    public bool Modulated { get; }

    /// <summary>Number of parameters.</summary>
    public int Parameters { get; }

    /// <summary>Where the parameters of the first layer, of the blocks, of the modulations (one before every block and before the last layer) and of the last layer begin.</summary>
    public int First { get; }
    public int[] Blocks { get; }
    public int[] Modulations { get; }
    public int Last { get; }

    /// <summary>First parameters: normal weights with variance 1/fan-in (first layer) and 1/(fan-in · layers) (blocks, whose sum then keeps its size); the rest zero.</summary>
    public float[] Initial(ulong seed)
    {
        var parameters = GC.AllocateArray<float>(Parameters, pinned: true);
        void Fill(int from, int count, double deviation)
        {
            for (int i = from; i < from + count; i++) parameters[i] = (float)(deviation * Draw.Normal(seed, Draw.Weights, i, 0));
        }
        Fill(First, Taps * Inputs * Channels, 1 / Math.Sqrt(Taps * Inputs));
        foreach (int block in Blocks) Fill(block, Taps * Channels * Channels, 1 / Math.Sqrt(Taps * Channels * (double)Layers));
        return parameters;
    }
}
