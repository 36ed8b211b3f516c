namespace Leith.Torch;

using static torch;
using static torch.nn;

/// <summary>
/// The U-Net of the founding paper: y = U(x, t) on a periodic grid whose sides are multiples of 8. A convolution to C channels, three that halve the grid and double
/// the channels (C, 2C, 4C, 8C), residual blocks at the bottom, and back up by repeating sites and a convolution, each level joined with what stood there on the way
/// down; t enters every level through random Fourier features and a dense layer, added to the channels. C = 32 and eight blocks have 11.1 million weights.
/// </summary>
internal sealed class UNet : Module
{
    private const long Embedding = 256;
    private const float FeatureScale = 30;
    private readonly FourierFeatures features;
    private readonly Modules.Linear embed;
    private readonly Level[] down, up;
    private readonly ResidualBlock[] blocks;
    private readonly Modules.GroupNorm bottom;
    private readonly Modules.Conv2d last;

    /// <summary>First weights from libtorch's random numbers, see <see cref="manual_seed"/>.</summary>
    public UNet(long channels, int count, string device)
    {
        long[] wide = [channels, 2 * channels, 4 * channels, 8 * channels];
        features = Register("features", new FourierFeatures(Embedding, FeatureScale, device));
        embed = Register("embed", Linear(Embedding, Embedding, device));
        down = [.. Enumerable.Range(0, 4).Select(i => Register($"down{i}", new Level(i == 0 ? 1 : wide[i - 1], wide[i], Embedding, i == 0 ? 1 : 2, device)))];
        blocks = [.. Enumerable.Range(0, count).Select(i => Register($"block{i}", new ResidualBlock(wide[3], Embedding, device)))];
        bottom = Register("bottom", GroupNorm(Groups(wide[3]), wide[3], device));
        up = [.. Enumerable.Range(0, 3).Select(i => Register($"up{i}", new Level((i == 0 ? 1 : 2) * wide[3 - i], wide[2 - i], Embedding, 1, device)))];
        last = Register("last", Conv2d(2 * channels, 1, 3, 1, device));
    }

    /// <summary>Groups of the normalisation: 32, but at least two channels in each of them where there are few.</summary>
    public static long Groups(long channels) => Math.Min(32, Math.Max(1, channels / 2));

    /// <summary>x as [sample][1][height][width], t as [sample].</summary>
    public Tensor forward(Tensor x, Tensor t)
    {
        var time = functional.silu(embed.forward(features.forward(t)));
        var states = new Tensor[4];
        for (int i = 0; i < 4; i++) states[i] = x = down[i].forward(x, time);
        foreach (var block in blocks) x = block.forward(x, time);
        x = functional.silu(bottom.forward(x));
        for (int i = 0; i < 3; i++)
        {
            if (i > 0) x = cat([x, states[3 - i]], 1);
            x = up[i].forward(functional.interpolate_nearest(x, 2), time);
        }
        return last.forward(cat([x, states[0]], 1));
    }

    /// <summary>(sin 2πωt, cos 2πωt) with fixed normal frequencies ω.</summary>
    private sealed class FourierFeatures : Module
    {
        private readonly Tensor frequencies;

        public FourierFeatures(long size, float scale, string device)
        {
            using var scope = NewDisposeScope();
            frequencies = Register("frequencies", randn([1, size / 2], device) * (2 * MathF.PI * scale)).requires_grad_(false);
        }

        public Tensor forward(Tensor t)
        {
            var phase = t.reshape(-1, 1) * frequencies;
            return cat([phase.sin(), phase.cos()], 1);
        }
    }

    /// <summary>silu(norm(conv(x) + dense(time))).</summary>
    private sealed class Level : Module
    {
        private readonly Modules.Conv2d convolution;
        private readonly Modules.Linear dense;
        private readonly Modules.GroupNorm norm;

        public Level(long inputs, long outputs, long embedding, long stride, string device)
        {
            convolution = Register("convolution", Conv2d(inputs, outputs, 3, stride, device));
            dense = Register("dense", Linear(embedding, outputs, device));
            norm = Register("norm", GroupNorm(Groups(outputs), outputs, device));
        }

        public Tensor forward(Tensor x, Tensor time) => functional.silu(norm.forward(Added(convolution.forward(x), dense.forward(time))));
    }

    /// <summary>x + conv(silu(norm(conv(silu(norm(x))) + dense(time)))).</summary>
    private sealed class ResidualBlock : Module
    {
        private readonly Modules.GroupNorm first, second;
        private readonly Modules.Conv2d inner, outer;
        private readonly Modules.Linear dense;

        public ResidualBlock(long channels, long embedding, string device)
        {
            first = Register("first", GroupNorm(Groups(channels), channels, device));
            inner = Register("inner", Conv2d(channels, channels, 3, 1, device));
            dense = Register("dense", Linear(embedding, channels, device));
            second = Register("second", GroupNorm(Groups(channels), channels, device));
            outer = Register("outer", Conv2d(channels, channels, 3, 1, device));
        }

        public Tensor forward(Tensor x, Tensor time) =>
            x + outer.forward(functional.silu(second.forward(Added(inner.forward(functional.silu(first.forward(x))), dense.forward(time)))));
    }

    /// <summary>A number for each channel, added at every site.</summary>
    private static Tensor Added(Tensor x, Tensor channels) => x + channels.reshape(x.shape[0], -1, 1, 1);
}
