using System.Text;

namespace Leith.Torch;

/// <summary>libtorch, with the names of TorchSharp; only what Leith uses. Tensors are of single precision.</summary>
public static partial class torch
{
    /// <summary>
    /// A tensor of libtorch. Freed by <see cref="Dispose"/>, or with the <see cref="DisposeScope"/> that was open on the thread when it was made.
    /// Every operation that fails raises a <see cref="TorchException"/> with libtorch's message.
    /// </summary>
    public sealed unsafe class Tensor : IDisposable
    {
        private DisposeScope? scope;

        internal Tensor(TensorHandle handle)
        {
            Handle = Native.Good(handle);
            scope = DisposeScope.Include(this);
        }

        internal TensorHandle Handle { get; }

        /// <summary>Lengths of the axes.</summary>
        public long[] shape => [.. Enumerable.Range(0, Native.lt_rank(Handle)).Select(axis => Native.lt_size(Handle, axis))];

        /// <summary>Number of values.</summary>
        public long NumberOfElements => shape.Aggregate(1L, (a, b) => a * b);

        /// <summary>Where it lies: "cpu", "cuda:0", …</summary>
        public string device
        {
            get
            {
                byte* name = stackalloc byte[32];
                Native.Check(Native.lt_device(Handle, name, 32));
                return Encoding.ASCII.GetString(name, new ReadOnlySpan<byte>(name, 32).IndexOf((byte)0));
            }
        }

        /// <summary>The values, last axis fastest.</summary>
        public float[] data()
        {
            var values = new float[NumberOfElements];
            CopyTo(values);
            return values;
        }

        /// <summary>The values, last axis fastest, into memory that is there.</summary>
        public void CopyTo(Span<float> values)
        {
            fixed (float* pointer = values) Native.Check(Native.lt_data(Handle, pointer, values.Length));
        }

        /// <summary>The only value.</summary>
        public float item()
        {
            float value;
            Native.Check(Native.lt_data(Handle, &value, 1));
            return value;
        }

        /// <summary>The tensor on a device.</summary>
        public Tensor to(string device) => new(Native.lt_to(Handle, device));

        /// <summary>a + b.</summary>
        public static Tensor operator +(Tensor a, Tensor b) => new(Native.lt_add(a.Handle, b.Handle, 1));
        /// <summary>a − b.</summary>
        public static Tensor operator -(Tensor a, Tensor b) => new(Native.lt_add(a.Handle, b.Handle, -1));
        /// <summary>a b, value by value.</summary>
        public static Tensor operator *(Tensor a, Tensor b) => new(Native.lt_mul(a.Handle, b.Handle));
        /// <summary>a / b, value by value.</summary>
        public static Tensor operator /(Tensor a, Tensor b) => new(Native.lt_div(a.Handle, b.Handle));
        /// <summary>a b.</summary>
        public static Tensor operator *(Tensor a, float b) => new(Native.lt_affine(a.Handle, b, 0));
        /// <summary>a + b.</summary>
        public static Tensor operator +(Tensor a, float b) => new(Native.lt_affine(a.Handle, 1, b));
        /// <summary>−a.</summary>
        public static Tensor operator -(Tensor a) => new(Native.lt_affine(a.Handle, -1, 0));

        /// <summary>Matrix product.</summary>
        public Tensor matmul(Tensor other) => new(Native.lt_matmul(Handle, other.Handle));
        /// <summary>Power, value by value.</summary>
        public Tensor pow(float exponent) => new(Native.lt_pow(Handle, exponent));
        /// <summary>Sine.</summary>
        public Tensor sin() => new(Native.lt_sin(Handle));
        /// <summary>Cosine.</summary>
        public Tensor cos() => new(Native.lt_cos(Handle));
        /// <summary>Exponential.</summary>
        public Tensor exp() => new(Native.lt_exp(Handle));
        /// <summary>Sum of all values.</summary>
        public Tensor sum() => new(Native.lt_sum(Handle));
        /// <summary>Mean of all values.</summary>
        public Tensor mean() => new(Native.lt_mean(Handle));

        /// <summary>The values with other axes; one length may be −1.</summary>
        public Tensor reshape(params ReadOnlySpan<long> shape)
        {
            fixed (long* lengths = shape) return new(Native.lt_reshape(Handle, lengths, shape.Length));
        }

        /// <summary>The axes in another order.</summary>
        public Tensor permute(params ReadOnlySpan<long> axes)
        {
            fixed (long* order = axes) return new(Native.lt_permute(Handle, order, axes.Length));
        }

        /// <summary>A stretch of an axis.</summary>
        public Tensor narrow(long axis, long start, long length) => new(Native.lt_narrow(Handle, axis, start, length));

        /// <summary>The given places of an axis, the indices made by <see cref="torch.indices"/>.</summary>
        public Tensor index_select(long axis, Tensor index) => new(Native.lt_index_select(Handle, axis, index.Handle));

        /// <summary>Whether gradients are gathered here.</summary>
        public Tensor requires_grad_(bool value = true)
        {
            Native.Check(Native.lt_requires_grad(Handle, value ? 1 : 0));
            return this;
        }

        /// <summary>The same values, of which nothing is propagated back.</summary>
        public Tensor detach() => new(Native.lt_detach(Handle));

        /// <summary>Adds the gradient of this number to everything it was computed from.</summary>
        public void backward() => Native.Check(Native.lt_backward(Handle));

        /// <summary>The gradient that was gathered.</summary>
        public Tensor grad() => new(Native.lt_grad(Handle));

        /// <summary>Takes the values of another tensor of the same shape.</summary>
        public Tensor copy_(Tensor other)
        {
            Native.Check(Native.lt_copy(Handle, other.Handle));
            return this;
        }

        /// <summary>this ← this + weight (end − this).</summary>
        public Tensor lerp_(Tensor end, float weight)
        {
            Native.Check(Native.lt_lerp(Handle, end.Handle, weight));
            return this;
        }

        /// <summary>Leaves the scope it was made in, for the one around it.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            scope = scope?.MoveOut(this);
            return this;
        }

        /// <summary>Leaves all scopes; whoever holds it frees it.</summary>
        public Tensor DetachFromDisposeScope()
        {
            scope?.Remove(this);
            scope = null;
            return this;
        }

        /// <summary>Frees the tensor.</summary>
        public void Dispose()
        {
            scope?.Remove(this);
            Free();
        }

        /// <summary>Frees the tensor; its scope is closing.</summary>
        internal void Free()
        {
            scope = null;
            Handle.Dispose();
        }
    }
}
