namespace Leith.Core;

/// <summary>Σ weight · map: a score extrapolated from several noise levels. An instance serves one thread.</summary>
public sealed unsafe class CombinedScore : ITileMap
{
    private readonly (double Weight, ITileMap Map)[] _parts;
    private readonly Tile _scratch;

    /// <summary>The sum of weighted maps with as many rows as the result.</summary>
    public CombinedScore(int rows, params (double Weight, ITileMap Map)[] parts) => (_parts, _scratch) = (parts, new Tile(rows));

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        result.A.Span.Clear();
        result.B.Span.Clear();
        foreach (var (weight, map) in _parts)
        {
            map.Apply(state, time, _scratch);
            Resampling.AddScaled(weight, _scratch.A.Span, result.A.Span);
            Resampling.AddScaled(weight, _scratch.B.Span, result.B.Span);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, map) in _parts) map.Dispose();
        _scratch.Dispose();
    }
}
