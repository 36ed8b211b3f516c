using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>Doubles stored [row][lane] with eight members in the lanes of a row: row i is one 512-bit vector. Aligned to 64 bytes, zero at birth.</summary>
public sealed unsafe class LaneArray : IDisposable
{
    /// <summary>Members in a row.</summary>
    public const int Lanes = 8;

    /// <summary>An array of zeros.</summary>
    public LaneArray(int rows)
    {
        Rows = rows;
        nuint bytes = (nuint)Math.Max(rows, 1) * Lanes * sizeof(double);
        Pointer = (double*)LargePages.Allocate(bytes);
        NativeMemory.Clear(Pointer, bytes);
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>The first double.</summary>
    public double* Pointer { get; private set; }

    /// <summary>The rows as vectors.</summary>
    public Vector512<double>* Vectors => (Vector512<double>*)Pointer;

    /// <summary>All doubles, row after row.</summary>
    public Span<double> Span => new(Pointer, Rows * Lanes);

    /// <summary>One value.</summary>
    public ref double this[int row, int lane] => ref Pointer[row * Lanes + lane];

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees memory that was not disposed.</summary>
    ~LaneArray() => NativeMemory.AlignedFree(Pointer);
}
