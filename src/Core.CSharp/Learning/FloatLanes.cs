using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>Floats stored [row][lane] with sixteen samples in the lanes of a row: row i is one 512-bit vector. Aligned to 64 bytes, zero at birth.</summary>
internal sealed unsafe class FloatLanes : IDisposable
{
    /// <summary>Samples in a row.</summary>
    public const int Lanes = 16;

    /// <summary>An array of zeros.</summary>
    public FloatLanes(int rows)
    {
        Rows = rows;
        nuint bytes = (nuint)Math.Max(rows, 1) * Lanes * sizeof(float);
        Pointer = (float*)NativeMemory.AlignedAlloc(bytes, 64);
        NativeMemory.Clear(Pointer, bytes);
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>The first float.</summary>
    public float* Pointer { get; private set; }

    /// <summary>The rows as vectors.</summary>
    public Vector512<float>* Vectors => (Vector512<float>*)Pointer;

    /// <summary>All floats, row after row.</summary>
    public Span<float> Span => new(Pointer, Rows * Lanes);

    /// <summary>One value.</summary>
    public ref float this[int row, int lane] => ref Pointer[row * Lanes + lane];

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees memory that was not disposed.</summary>
    ~FloatLanes() => NativeMemory.AlignedFree(Pointer);
}
