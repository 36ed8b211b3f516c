using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>G(u, w, t) of scalar unknowns as code: inputs are the rows of u and then those of w, in both blocks.</summary>
internal sealed unsafe class ScalarPair(PointwiseProgram program) : IPairMap
{
    private readonly PointwiseKernel kernel = program.Kernel;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(Tile state, Tile other, double time, Tile result)
    {
        Run(kernel, state.A, other.A, time, result.A);
        Run(kernel, state.B, other.B, time, result.B);
    }

    public void Dispose() { }

    /// <summary>One block; the result may be the state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Run(PointwiseKernel kernel, LaneArray state, LaneArray other, double time, LaneArray result)
    {
        int rows = state.Rows, more = other.Rows;
        long* x = stackalloc long[rows + more], y = stackalloc long[result.Rows];
        for (int i = 0; i < rows; i++) x[i] = (long)(state.Vectors + i);
        for (int i = 0; i < more; i++) x[rows + i] = (long)(other.Vectors + i);
        for (int i = 0; i < result.Rows; i++) y[i] = (long)(result.Vectors + i);
        kernel((long)x, (long)y, 0, 0, 1, 1, time);
    }
}
