using System.Runtime.InteropServices;

namespace Leith.Torch;

public static unsafe partial class torch
{
    /// <summary>Version of libtorch.</summary>
    public static string __version__ => Marshal.PtrToStringUTF8(Native.lt_version()) ?? "";

    /// <summary>Tensors that are held now, by any thread: what must not grow.</summary>
    public static long LiveTensors => Native.lt_live();

    /// <summary>A tensor of values, last axis fastest.</summary>
    public static Tensor tensor(ReadOnlySpan<float> values, ReadOnlySpan<long> shape, string device = "cpu")
    {
        long count = 1;
        foreach (long length in shape) count *= length;
        if (count != values.Length) throw new TorchException($"expected {count} values for this shape, got {values.Length}");
        fixed (float* pointer = values)
        fixed (long* lengths = shape) return new(Native.lt_tensor(pointer, lengths, shape.Length, device));
    }

    /// <summary>Places for <see cref="Tensor.index_select"/>.</summary>
    public static Tensor indices(ReadOnlySpan<long> values, string device = "cpu")
    {
        fixed (long* pointer = values) return new(Native.lt_indices(pointer, values.Length, device));
    }

    /// <summary>The same value everywhere.</summary>
    public static Tensor full(ReadOnlySpan<long> shape, float value, string device = "cpu")
    {
        fixed (long* lengths = shape) return new(Native.lt_full(lengths, shape.Length, value, device));
    }

    /// <summary>Zeros.</summary>
    public static Tensor zeros(ReadOnlySpan<long> shape, string device = "cpu") => full(shape, 0, device);

    /// <summary>Ones.</summary>
    public static Tensor ones(ReadOnlySpan<long> shape, string device = "cpu") => full(shape, 1, device);

    /// <summary>Standard normal numbers.</summary>
    public static Tensor randn(ReadOnlySpan<long> shape, string device = "cpu")
    {
        fixed (long* lengths = shape) return new(Native.lt_randn(lengths, shape.Length, device));
    }

    /// <summary>Uniform numbers in [0, 1).</summary>
    public static Tensor rand(ReadOnlySpan<long> shape, string device = "cpu")
    {
        fixed (long* lengths = shape) return new(Native.lt_rand(lengths, shape.Length, device));
    }

    /// <summary>Tensors one after the other along an axis.</summary>
    public static Tensor cat(ReadOnlySpan<Tensor> parts, long axis)
    {
        using var pointers = new Pointers(parts);
        return new(Native.lt_cat(pointers.First, parts.Length, axis));
    }

    /// <summary>Starts the random numbers of libtorch, of all devices.</summary>
    public static void manual_seed(ulong seed) => Native.Check(Native.lt_manual_seed(seed));

    /// <summary>Threads that an operation started from this thread takes.</summary>
    public static int get_num_threads() => Native.lt_get_threads();

    /// <summary>Sets it.</summary>
    public static void set_num_threads(int threads) => Native.Check(Native.lt_set_threads(threads));

    /// <summary>Opens a scope that frees the tensors made on this thread until it closes.</summary>
    public static DisposeScope NewDisposeScope()
    {
        TorchLibrary.Require();
        return new();
    }

    /// <summary>Until it is disposed, operations of this thread are not recorded for gradients.</summary>
    public static IDisposable no_grad() => new NoGrad();

    /// <summary>GPUs.</summary>
    public static class cuda
    {
        /// <summary>Number of GPUs that libtorch can use.</summary>
        public static int device_count() => Native.lt_cuda_devices();

        /// <summary>Whether there is one.</summary>
        public static bool is_available() => device_count() > 0;
    }

    private sealed class NoGrad : IDisposable
    {
        private readonly int before = Native.lt_grad_mode(0);

        public void Dispose() => Native.lt_grad_mode(before);
    }

    /// <summary>The tensors as libtorch sees them, kept alive until disposed.</summary>
    internal ref struct Pointers : IDisposable
    {
        private readonly Tensor[] tensors;
        private readonly nint[] pointers;

        public Pointers(ReadOnlySpan<Tensor> tensors)
        {
            this.tensors = tensors.ToArray();
            pointers = GC.AllocateUninitializedArray<nint>(tensors.Length, pinned: true);
            for (int i = 0; i < pointers.Length; i++)
            {
                bool taken = false;
                this.tensors[i].Handle.DangerousAddRef(ref taken);
                pointers[i] = this.tensors[i].Handle.DangerousGetHandle();
            }
        }

        public readonly nint* First => (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(pointers, 0);

        public readonly void Dispose()
        {
            foreach (var tensor in tensors) tensor.Handle.DangerousRelease();
        }
    }
}
