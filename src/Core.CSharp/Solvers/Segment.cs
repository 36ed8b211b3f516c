namespace Leith.Core;

/// <summary>What the rows of an unknown hold.</summary>
public enum Representation
{
    /// <summary>One row: a number for each member, plain values in both blocks.</summary>
    Number,

    /// <summary>One row a Fourier mode: Z = fft(a + i b) of the fields of the two blocks (see <see cref="Tile"/>).</summary>
    Modes,

    /// <summary>One row a site of a grid: plain values in both blocks.</summary>
    Sites,
}

/// <summary>One unknown's place in the state.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Grid">Its grid, null for a number.</param>
/// <param name="Representation">What its rows hold.</param>
/// <param name="First">Its first row.</param>
public sealed record Segment(string Name, Grid? Grid, Representation Representation, int First)
{
    /// <summary>Number of rows.</summary>
    public int Rows => Grid?.Sites ?? 1;

    /// <summary>The row after its last.</summary>
    public int End => First + Rows;
}
