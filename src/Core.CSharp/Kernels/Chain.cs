namespace Leith.Core;

/// <summary>result = second(first(state)): a map of one unknown, applied to where it stands in a larger state.</summary>
/// <param name="first">From the state; disposed with the chain.</param>
/// <param name="rows">Rows of what the first map makes.</param>
/// <param name="second">From there; disposed with the chain.</param>
public sealed class Chain(ITileMap first, int rows, ITileMap second) : ITileMap
{
    readonly Tile between = new(rows);

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        between.Index = state.Index;
        first.Apply(state, time, between);
        second.Apply(between, time, result);
    }

    /// <summary>Frees both maps and the memory between them.</summary>
    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
        between.Dispose();
    }
}
