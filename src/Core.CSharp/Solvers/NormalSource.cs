using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>Where the standard normals of a step come from. Called from several threads at once, one tile each.</summary>
public interface INormalSource
{
    /// <summary>Fills both blocks with the normals of a step; normals.Index says which sixteen members. On a torus the rows are modes, A the real and B the imaginary parts.</summary>
    void Fill(Tile normals, long step);
}

/// <summary>A source that can be asked for some rows of a step.</summary>
internal interface IRowNormals : INormalSource
{
    /// <summary>Fills rows × 8 doubles with those rows of a step that begin with an even one, for eight members: the numbers that they have among all rows.</summary>
    unsafe void Fill(double* normals, int firstMember, long step, int firstRow, int rows);
}

/// <summary>Normals as a function of (seed, member, step, row): the same for any number of threads, members and restarts.</summary>
internal sealed class CounterNormals(ulong seed) : IRowNormals
{
    private const uint Stream = 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Fill(Tile normals, long step)
    {
        int first = normals.Index * Tile.Members;
        Fill(normals.A.Pointer, first, step, 0, normals.Rows);
        Fill(normals.B.Pointer, first + LaneArray.Lanes, step, 0, normals.Rows);
    }

    /// <inheritdoc/>
    public unsafe void Fill(double* normals, int firstMember, long step, int firstRow, int rows) => NormalStream.Fill(normals, rows, seed, Stream, step, firstMember, firstRow);
}
