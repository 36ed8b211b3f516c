using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>Where the standard normals of a step come from. Called from several threads at once, one tile each.</summary>
public interface INormalSource
{
    /// <summary>Fills both blocks with the normals of a step; normals.Index says which sixteen members. On a torus the rows are modes, A the real and B the imaginary parts.</summary>
    void Fill(Tile normals, long step);
}

/// <summary>Normals as a function of (seed, member, step, row): the same for any number of threads, members and restarts.</summary>
internal sealed class CounterNormals(ulong seed) : INormalSource
{
    private const uint Stream = 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Fill(Tile normals, long step)
    {
        int first = normals.Index * Tile.Members;
        NormalStream.Fill(normals.A.Pointer, normals.Rows, seed, Stream, step, first);
        NormalStream.Fill(normals.B.Pointer, normals.Rows, seed, Stream, step, first + LaneArray.Lanes);
    }
}
