namespace Leith.Core;

/// <summary>Keeps the state of every tile at its last sample, from where another run can go on (<see cref="InitialState.Copies"/>).</summary>
/// <param name="samples">Samples of the run.</param>
public sealed class LastStates(long samples)
{
    private readonly SortedDictionary<int, Tile> tiles = [];

    /// <summary>The states, in the order of the tiles.</summary>
    public IReadOnlyList<Tile> Tiles
    {
        get { lock (tiles) return [.. tiles.Values]; }
    }

    /// <summary>The sink of a tile: hand this to <see cref="Simulation.Run"/>.</summary>
    public ITileSink Open(int tile) => new Sink(this, samples - 1);

    /// <summary>Keeps a copy of a state in the place of its tile.</summary>
    public void Keep(Tile state)
    {
        lock (tiles)
        {
            if (!tiles.TryGetValue(state.Index, out var kept) || kept.Rows != state.Rows) tiles[state.Index] = kept = new Tile(state.Rows);
            kept.CopyFrom(state);
        }
    }

    private sealed class Sink(LastStates owner, long last) : ITileSink
    {
        public void Sample(long index, double time, Tile state)
        {
            if (index == last) owner.Keep(state);
        }

        public void Finish() { }
    }
}
