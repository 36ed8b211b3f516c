using System.Numerics;

namespace Leith.Core;

/// <summary>result_k = symbol_k × map(state)_k, a spectrum.</summary>
/// <param name="map">From the state to a spectrum, disposed with this one; null for a state that is the spectrum itself.</param>
/// <param name="symbol">One entry a mode, symbol(−k) = conj symbol(k).</param>
public sealed unsafe class Multiplied(ITileMap? map, Complex[] symbol) : ITileMap
{
    private readonly SymbolMultiplier multiplier = new(symbol, accumulate: false);
    private readonly Tile between = new(symbol.Length);

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        between.Index = state.Index;
        map?.Apply(state, time, between);
        var from = map is null ? state : between;
        multiplier.Apply(from.A.Pointer, from.B.Pointer, result.A.Pointer, result.B.Pointer);
    }

    /// <summary>Frees the map and the memory.</summary>
    public void Dispose()
    {
        map?.Dispose();
        between.Dispose();
    }
}
