namespace Leith.Torch;

using static torch;

/// <summary>A piece of a network: its weights with their names, and what it computes. Weights belong to the module, not to a scope; disposing the module frees them.</summary>
public abstract class Module : IDisposable
{
    private readonly List<(string Name, Tensor Tensor)> own = [];
    private readonly List<(string Name, Module Module)> children = [];

    /// <summary>Weights with their names, "conv1.weight", in the order they were registered.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> named_parameters() =>
        own.Concat(children.SelectMany(child => child.Module.named_parameters().Select(entry => ($"{child.Name}.{entry.Name}", entry.Tensor))));

    /// <summary>The weights.</summary>
    public IReadOnlyList<Tensor> parameters() => [.. named_parameters().Select(entry => entry.Tensor)];

    /// <summary>Number of weights.</summary>
    public long NumberOfParameters => parameters().Sum(tensor => tensor.NumberOfElements);

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var (_, tensor) in own) tensor.Dispose();
        foreach (var (_, module) in children) module.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A weight that is trained.</summary>
    protected Tensor Register(string name, Tensor tensor)
    {
        own.Add((name, tensor.DetachFromDisposeScope().requires_grad_()));
        return tensor;
    }

    /// <summary>A part.</summary>
    protected T Register<T>(string name, T module) where T : Module
    {
        children.Add((name, module));
        return module;
    }

    /// <summary>Uniform in ±1/√fan-in, where training starts.</summary>
    protected static Tensor Uniform(ReadOnlySpan<long> shape, long fan, string device)
    {
        using var scope = NewDisposeScope();
        float bound = 1 / MathF.Sqrt(fan);
        return (rand(shape, device) * (2 * bound) + -bound).DetachFromDisposeScope();
    }
}

/// <summary>A module of one input.</summary>
public abstract class Layer : Module
{
    /// <summary>What it computes.</summary>
    public abstract Tensor forward(Tensor x);
}

/// <summary>The layers; made by <see cref="torch.nn"/>.</summary>
public static class Modules
{
    /// <summary>x Wᵀ + b, W as [output][input].</summary>
    public sealed class Linear : Layer
    {
        private readonly Tensor weight, bias;

        internal Linear(long inputs, long outputs, string device)
        {
            weight = Register("weight", Uniform([outputs, inputs], inputs, device));
            bias = Register("bias", Uniform([outputs], inputs, device));
        }

        /// <inheritdoc/>
        public override Tensor forward(Tensor x) => nn.functional.linear(x, weight, bias);
    }

    /// <summary>A periodic convolution, weights as [output][input][height][width]; the number of sites along an axis is divided by the stride.</summary>
    public sealed class Conv2d : Layer
    {
        private readonly Tensor weight, bias;
        private readonly long stride, padding;

        internal Conv2d(long inputs, long outputs, long size, long stride, string device)
        {
            (this.stride, padding) = (stride, size / 2);
            weight = Register("weight", Uniform([outputs, inputs, size, size], inputs * size * size, device));
            bias = Register("bias", Uniform([outputs], inputs * size * size, device));
        }

        /// <inheritdoc/>
        public override Tensor forward(Tensor x) => nn.functional.conv2d(padding > 0 ? nn.functional.pad_circular(x, padding) : x, weight, bias, stride);
    }

    /// <summary>Groups of channels brought to mean 0 and variance 1, then scaled and shifted channel by channel.</summary>
    public sealed class GroupNorm : Layer
    {
        private readonly Tensor weight, bias;
        private readonly long groups;

        internal GroupNorm(long groups, long channels, string device)
        {
            this.groups = groups;
            weight = Register("weight", ones([channels], device));
            bias = Register("bias", zeros([channels], device));
        }

        /// <inheritdoc/>
        public override Tensor forward(Tensor x) => nn.functional.group_norm(x, groups, weight, bias);
    }
}

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A dense layer.</summary>
        public static Modules.Linear Linear(long inputs, long outputs, string device = "cpu") => new(inputs, outputs, device);

        /// <summary>A convolution with periodic borders (padding_mode circular, half the kernel on every side).</summary>
        public static Modules.Conv2d Conv2d(long inputs, long outputs, long kernel_size, long stride = 1, string device = "cpu") => new(inputs, outputs, kernel_size, stride, device);

        /// <summary>Normalisation of groups of channels.</summary>
        public static Modules.GroupNorm GroupNorm(long groups, long channels, string device = "cpu") => new(groups, channels, device);
    }
}
