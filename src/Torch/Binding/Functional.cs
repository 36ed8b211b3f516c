namespace Leith.Torch;

public static unsafe partial class torch
{
    /// <summary>Networks.</summary>
    public static partial class nn
    {
        /// <summary>Layers without weights of their own.</summary>
        public static class functional
        {
            /// <summary>x / (1 + e^(−x)).</summary>
            public static Tensor silu(Tensor x) => new(Native.lt_silu(x.Handle));

            /// <summary>x Wᵀ + b.</summary>
            public static Tensor linear(Tensor x, Tensor weight, Tensor bias) => new(Native.lt_linear(x.Handle, weight.Handle, bias.Handle));

            /// <summary>y[n][o] = b[o] + Σ_i w[o][i] ⋆ x[n][i], a correlation over the last two axes without padding.</summary>
            public static Tensor conv2d(Tensor x, Tensor weight, Tensor bias, long stride = 1) => new(Native.lt_conv2d(x.Handle, weight.Handle, bias.Handle, stride));

            /// <summary>The last two axes continued periodically, by the same number of sites before and after.</summary>
            public static Tensor pad_circular(Tensor x, long sites) => new(Native.lt_pad_circular(x.Handle, sites, sites));

            /// <summary>Groups of channels brought to mean 0 and variance 1, sample by sample, then scaled and shifted channel by channel.</summary>
            public static Tensor group_norm(Tensor x, long groups, Tensor weight, Tensor bias, double eps = 1e-5) => new(Native.lt_group_norm(x.Handle, groups, weight.Handle, bias.Handle, eps));

            /// <summary>Every site of the last two axes repeated.</summary>
            public static Tensor interpolate_nearest(Tensor x, long factor) => new(Native.lt_upsample(x.Handle, factor));
        }

        /// <summary>What is done to all weights of a network.</summary>
        public static class utils
        {
            /// <summary>Shortens the gradient of all parameters together to a largest norm.</summary>
            /// <returns>The norm before.</returns>
            public static double clip_grad_norm_(IReadOnlyList<Tensor> parameters, double limit)
            {
                using var pointers = new Pointers(parameters.ToArray());
                Native.Check(Native.lt_clip_grad_norm(pointers.First, parameters.Count, limit, out double norm));
                return norm;
            }
        }
    }

    /// <summary>Fourier transforms.</summary>
    public static class fft
    {
        /// <summary>Re ifft2(factor · fft2(x)) over the last two axes.</summary>
        public static Tensor filter(Tensor x, Tensor factor) => new(Native.lt_filter(x.Handle, factor.Handle));
    }

    /// <summary>Optimisers.</summary>
    public static class optim
    {
        /// <summary>Adam (Kingma, Ba 2015) of libtorch.</summary>
        public static Optimizer Adam(IReadOnlyList<Tensor> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8)
        {
            using var pointers = new Pointers(parameters.ToArray());
            return new(Native.Good(Native.lt_adam(pointers.First, parameters.Count, lr, beta1, beta2, eps)));
        }

        /// <summary>Moves parameters down their gradients.</summary>
        public sealed class Optimizer : IDisposable
        {
            private readonly AdamHandle handle;

            internal Optimizer(AdamHandle handle) => this.handle = handle;

            /// <summary>Forgets the gradients.</summary>
            public void zero_grad() => Native.Check(Native.lt_adam_zero_grad(handle));

            /// <summary>One step.</summary>
            public void step() => Native.Check(Native.lt_adam_step(handle));

            /// <summary>The learning rate from now on.</summary>
            public void SetLearningRate(double rate) => Native.Check(Native.lt_adam_rate(handle, rate));

            /// <summary>Frees its memory.</summary>
            public void Dispose() => handle.Dispose();
        }
    }
}
