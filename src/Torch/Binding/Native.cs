using System.Runtime.InteropServices;

namespace Leith.Torch;

/// <summary>A tensor of libtorch, freed once.</summary>
internal sealed class TensorHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Native.lt_free(handle);
        return true;
    }
}

/// <summary>The optimiser of libtorch, freed once.</summary>
internal sealed class AdamHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Native.lt_adam_free(handle);
        return true;
    }
}

/// <summary>The C functions of native/, one for one. Those that answer a handle answer an invalid one on failure; those that answer int, nonzero.</summary>
internal static unsafe partial class Native
{
    private const string Library = TorchLibrary.Name;

    // Touching it sets the resolver before the first call.
    static Native() => TorchLibrary.Require();

    [LibraryImport(Library)] public static partial nint lt_error();
    [LibraryImport(Library)] public static partial nint lt_version();
    [LibraryImport(Library)] public static partial long lt_live();
    [LibraryImport(Library)] public static partial void lt_free(nint t);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial TensorHandle lt_tensor(float* values, long* shape, int rank, string device);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial TensorHandle lt_indices(long* values, long count, string device);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial TensorHandle lt_full(long* shape, int rank, float value, string device);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial TensorHandle lt_randn(long* shape, int rank, string device);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial TensorHandle lt_rand(long* shape, int rank, string device);
    [LibraryImport(Library)] public static partial int lt_rank(TensorHandle t);
    [LibraryImport(Library)] public static partial long lt_size(TensorHandle t, int axis);
    [LibraryImport(Library)] public static partial int lt_data(TensorHandle t, float* values, long count);
    [LibraryImport(Library)] public static partial int lt_device(TensorHandle t, byte* name, int length);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial TensorHandle lt_to(TensorHandle t, string device);
    [LibraryImport(Library)] public static partial int lt_cuda_devices();
    [LibraryImport(Library)] public static partial int lt_manual_seed(ulong seed);
    [LibraryImport(Library)] public static partial int lt_get_threads();
    [LibraryImport(Library)] public static partial int lt_set_threads(int threads);

    [LibraryImport(Library)] public static partial TensorHandle lt_add(TensorHandle a, TensorHandle b, float factor);
    [LibraryImport(Library)] public static partial TensorHandle lt_mul(TensorHandle a, TensorHandle b);
    [LibraryImport(Library)] public static partial TensorHandle lt_div(TensorHandle a, TensorHandle b);
    [LibraryImport(Library)] public static partial TensorHandle lt_affine(TensorHandle a, float factor, float offset);
    [LibraryImport(Library)] public static partial TensorHandle lt_matmul(TensorHandle a, TensorHandle b);
    [LibraryImport(Library)] public static partial TensorHandle lt_pow(TensorHandle a, float exponent);
    [LibraryImport(Library)] public static partial TensorHandle lt_sin(TensorHandle a);
    [LibraryImport(Library)] public static partial TensorHandle lt_cos(TensorHandle a);
    [LibraryImport(Library)] public static partial TensorHandle lt_exp(TensorHandle a);
    [LibraryImport(Library)] public static partial TensorHandle lt_silu(TensorHandle a);
    [LibraryImport(Library)] public static partial TensorHandle lt_sum(TensorHandle a);
    [LibraryImport(Library)] public static partial TensorHandle lt_mean(TensorHandle a);
    [LibraryImport(Library)] public static partial TensorHandle lt_reshape(TensorHandle a, long* shape, int rank);
    [LibraryImport(Library)] public static partial TensorHandle lt_permute(TensorHandle a, long* axes, int rank);
    [LibraryImport(Library)] public static partial TensorHandle lt_narrow(TensorHandle a, long axis, long start, long length);
    [LibraryImport(Library)] public static partial TensorHandle lt_index_select(TensorHandle a, long axis, TensorHandle index);
    [LibraryImport(Library)] public static partial TensorHandle lt_cat(nint* parts, int count, long axis);
    [LibraryImport(Library)] public static partial TensorHandle lt_linear(TensorHandle x, TensorHandle weight, TensorHandle bias);
    [LibraryImport(Library)] public static partial TensorHandle lt_conv2d(TensorHandle x, TensorHandle weight, TensorHandle bias, long stride);
    [LibraryImport(Library)] public static partial TensorHandle lt_pad_circular(TensorHandle x, long before, long after);
    [LibraryImport(Library)] public static partial TensorHandle lt_group_norm(TensorHandle x, long groups, TensorHandle weight, TensorHandle bias, double epsilon);
    [LibraryImport(Library)] public static partial TensorHandle lt_upsample(TensorHandle x, long factor);
    [LibraryImport(Library)] public static partial TensorHandle lt_filter(TensorHandle x, TensorHandle factor);

    [LibraryImport(Library)] public static partial int lt_requires_grad(TensorHandle t, int value);
    [LibraryImport(Library)] public static partial TensorHandle lt_detach(TensorHandle t);
    [LibraryImport(Library)] public static partial int lt_backward(TensorHandle t);
    [LibraryImport(Library)] public static partial TensorHandle lt_grad(TensorHandle t);
    [LibraryImport(Library)] public static partial int lt_grad_mode(int value);
    [LibraryImport(Library)] public static partial int lt_copy(TensorHandle to, TensorHandle from);
    [LibraryImport(Library)] public static partial int lt_lerp(TensorHandle a, TensorHandle b, float weight);
    [LibraryImport(Library)] public static partial int lt_clip_grad_norm(nint* parameters, int count, double limit, out double norm);
    [LibraryImport(Library)] public static partial AdamHandle lt_adam(nint* parameters, int count, double rate, double beta1, double beta2, double epsilon);
    [LibraryImport(Library)] public static partial void lt_adam_free(nint optimiser);
    [LibraryImport(Library)] public static partial int lt_adam_step(AdamHandle optimiser);
    [LibraryImport(Library)] public static partial int lt_adam_zero_grad(AdamHandle optimiser);
    [LibraryImport(Library)] public static partial int lt_adam_rate(AdamHandle optimiser, double rate);

    /// <summary>The handle, or the exception that libtorch raised.</summary>
    public static T Good<T>(T handle) where T : SafeHandle => handle.IsInvalid ? throw Error() : handle;

    /// <summary>Raises the exception that libtorch raised.</summary>
    public static void Check(int failed)
    {
        if (failed != 0) throw Error();
    }

    private static TorchException Error() => new(Marshal.PtrToStringUTF8(lt_error()) ?? "");
}
