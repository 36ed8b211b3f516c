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
    /// <summary>Fills the first rows of a tile with those rows of a step that begin with an even one: the numbers that they have among all rows.</summary>
    void Fill(Tile normals, long step, int firstRow, int rows);
}

/// <summary>Normals as a function of (seed, member, step, row): the same for any number of threads, members and restarts.</summary>
internal sealed class CounterNormals(ulong seed) : IRowNormals
{
    private const uint Stream = 0;

    /// <inheritdoc/>
    public void Fill(Tile normals, long step) => Fill(normals, step, 0, normals.Rows);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Fill(Tile normals, long step, int firstRow, int rows)
    {
        int first = normals.Index * Tile.Members;
        NormalStream.Fill(normals.A.Pointer, rows, seed, Stream, step, first, firstRow);
        NormalStream.Fill(normals.B.Pointer, rows, seed, Stream, step, first + LaneArray.Lanes, firstRow);
    }
}
