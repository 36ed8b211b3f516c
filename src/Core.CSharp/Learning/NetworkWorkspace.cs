using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>
/// Computes a <see cref="ResidualNet"/> and its gradient for sixteen lanes of samples on the sites of a stencil. Serves one thread.
/// Pointwise work is done on a short run of sites right after the convolution that produced it, while it is in the cache.
/// </summary>
internal sealed unsafe class NetworkWorkspace : IDisposable
{
    private const int Run = 32;
    private readonly ResidualNet net;
    private readonly Stencil stencil;
    private readonly List<IDisposable> owned = [];
    private readonly Convolution first, block, last;
    private readonly WeightGradient? firstGradient, blockGradient, lastGradient;
    private readonly FloatLanes[] h, a, slope, gradients;
    private readonly FloatLanes modulation, dmodulation, flipped;

    /// <summary>Memory for the forward pass alone, or for both.</summary>
    public NetworkWorkspace(ResidualNet net, Stencil stencil, bool training)
    {
        (this.net, this.stencil) = (net, stencil);
        int states = net.Layers + 1, rows = stencil.Sites * net.Channels;
        first = new(stencil, net.Inputs, net.Channels);
        block = new(stencil, net.Channels, net.Channels);
        last = new(stencil, net.Channels, net.Outputs);
        Input = New(stencil.Sites * net.Inputs);
        Output = New(stencil.Sites * net.Outputs);
        Features = New(Modulation.Features);
        modulation = New(states * 2 * net.Channels);
        // gradients need every modulated state; without them, or without modulation, the residual sum runs in place
        h = Ring(states, training && net.Modulated ? states : 1, rows);
        a = Ring(states, training ? states : Math.Min(2, states), rows);
        slope = training ? Ring(states, states, rows) : [];
        gradients = training ? Ring(2, 2, rows) : [];
        OutputGradient = New(training ? stencil.Sites * net.Outputs : 0);
        dmodulation = New(training ? 2 * net.Channels : 0);
        flipped = New(training ? (net.Taps * net.Channels * Math.Max(net.Channels, net.Outputs) + FloatLanes.Lanes - 1) / FloatLanes.Lanes : 0);
        if (!training) return;
        owned.Add(firstGradient = new(stencil, net.Inputs, net.Channels));
        owned.Add(blockGradient = new(stencil, net.Channels, net.Channels));
        owned.Add(lastGradient = new(stencil, net.Channels, net.Outputs));
    }

    /// <summary>x, [site][input].</summary>
    public FloatLanes Input { get; }

    /// <summary>y, [site][output].</summary>
    public FloatLanes Output { get; }

    /// <summary>∂/∂y, [site][output]; read by <see cref="Backward"/>.</summary>
    public FloatLanes OutputGradient { get; }

    /// <summary>The noise level of every lane, as <see cref="Modulation.Embed"/> makes it.</summary>
    public FloatLanes Features { get; }

    /// <summary>Output ← net(Input, Features).</summary>
    public void Forward(float* parameters)
    {
        for (int l = 0; l <= net.Layers; l++) Block(parameters, l);
        last.Forward(parameters + net.Last, a[net.Layers].Vectors, null, Output.Vectors, 0, stencil.Sites);
    }

    /// <summary>Adds the gradient of the parameters, given that of the output, after <see cref="Forward"/> with the same parameters.</summary>
    public void Backward(float* parameters, float* gradient)
    {
        Lane* dy = OutputGradient.Vectors;
        lastGradient!.Accumulate(a[net.Layers].Vectors, dy, gradient + net.Last);
        last.Flip(parameters + net.Last, flipped.Pointer);
        Lane* dh = BackwardThrough(last, net.Layers, dy, null, gradient);
        for (int l = net.Layers - 1; l >= 0; l--)
        {
            blockGradient!.Accumulate(a[l].Vectors, dh, gradient + net.Blocks[l]);
            block.Flip(parameters + net.Blocks[l], flipped.Pointer);
            dh = BackwardThrough(block, l, dh, dh, gradient);
        }
        firstGradient!.Accumulate(Input.Vectors, dh, gradient + net.First);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var part in owned) part.Dispose();
    }

    /// <summary>h_l and silu(modulate(h_l)).</summary>
    private void Block(float* parameters, int l)
    {
        Lane* scale = Scale(l), shift = scale + net.Channels;
        if (net.Modulated) Modulation.Forward(parameters + net.Modulations[l], Features.Vectors, scale, 2 * net.Channels);
        else scale = null;
        Lane* state = h[l].Vectors, bend = slope.Length > 0 ? slope[l].Vectors : null;
        for (int from = 0; from < stencil.Sites; from += Run)
        {
            int to = Math.Min(from + Run, stencil.Sites);
            if (l == 0) first.Forward(parameters + net.First, Input.Vectors, null, state, from, to);
            else block.Forward(parameters + net.Blocks[l - 1], a[l - 1].Vectors, h[l - 1].Vectors, state, from, to);
            Activation.Forward(state, scale, shift, a[l].Vectors, bend, net.Channels, from, to);
        }
    }

    /// <summary>∂/∂h_l from the gradient after the convolution that follows it, and the gradient of its modulation.</summary>
    private Lane* BackwardThrough(Convolution layer, int l, Lane* dy, Lane* through, float* gradient)
    {
        Lane* scale = net.Modulated ? Scale(l) : null, dscale = dmodulation.Vectors, dh = gradients[l % 2].Vectors;
        dmodulation.Span.Clear();
        for (int from = 0; from < stencil.Sites; from += Run)
        {
            int to = Math.Min(from + Run, stencil.Sites);
            layer.BackwardInput(flipped.Pointer, dy, dh, from, to);
            Activation.Backward(dh, slope[l].Vectors, through, h[l].Vectors, scale, dscale, dscale + net.Channels, net.Channels, from, to);
        }
        if (net.Modulated) Modulation.Backward(dscale, Features.Vectors, gradient + net.Modulations[l], 2 * net.Channels);
        return dh;
    }

    private Lane* Scale(int l) => modulation.Vectors + l * 2 * net.Channels;

    private FloatLanes New(int rows)
    {
        var lanes = new FloatLanes(rows);
        owned.Add(lanes);
        return lanes;
    }

    /// <summary><paramref name="count"/> names for <paramref name="distinct"/> arrays, taken in turn.</summary>
    private FloatLanes[] Ring(int count, int distinct, int rows)
    {
        var arrays = Enumerable.Range(0, distinct).Select(_ => New(rows)).ToArray();
        return [.. Enumerable.Range(0, count).Select(i => arrays[i % distinct])];
    }
}
