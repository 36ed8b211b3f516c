namespace Leith.Core;

/// <summary>A map of whole states, applied to the spectrum of one field of them; the rest of the state is zero, so the map must not depend on it.</summary>
/// <param name="map">The map; disposed with this one.</param>
/// <param name="grid">The grid of the field.</param>
/// <param name="rows">Rows of a state.</param>
/// <param name="segment">Where the field stands.</param>
public sealed class OfSpectrum(ITileMap map, Grid grid, int rows, Segment segment) : ITileMap
{
    private readonly Tile state = new(rows);
    private readonly LaneFft fft = new(grid);

    /// <inheritdoc/>
    public unsafe void Apply(Tile spectrum, double time, Tile result)
    {
        int at = segment.First * LaneArray.Lanes, count = grid.Sites * LaneArray.Lanes;
        spectrum.A.Span[..count].CopyTo(state.A.Span[at..]);
        spectrum.B.Span[..count].CopyTo(state.B.Span[at..]);
        if (segment.Representation != Representation.Modes) fft.Inverse(state.A.Pointer + at, state.B.Pointer + at);
        map.Apply(state, time, result);
    }

    /// <summary>Frees the map and the memory.</summary>
    public void Dispose()
    {
        map.Dispose();
        state.Dispose();
        fft.Dispose();
    }
}
