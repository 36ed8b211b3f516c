namespace Leith.Core;

/// <summary>result = second(first(state), other): a map of two tiles whose first is made from the state.</summary>
/// <param name="first">From the state; disposed with this map.</param>
/// <param name="rows">Rows of what the first map makes.</param>
/// <param name="second">From there and the other tile; disposed with this map.</param>
public sealed class ChainedPair(ITileMap first, int rows, IPairMap second) : IPairMap
{
    private readonly Tile between = new(rows);

    /// <inheritdoc/>
    public void Apply(Tile state, Tile other, double time, Tile result)
    {
        between.Index = state.Index;
        first.Apply(state, time, between);
        second.Apply(between, other, time, result);
    }

    /// <summary>Frees both maps and the memory between them.</summary>
    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
        between.Dispose();
    }
}
