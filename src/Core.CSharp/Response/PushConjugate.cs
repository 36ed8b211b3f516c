namespace Leith.Core;

/// <summary>B = −∇·g − Σ_x g(x) ŝ(x) of every member, one row: the conjugate observable of a push of a field along g.</summary>
/// <param name="push">From the state: g at the sites, then ∇·g; disposed with this map.</param>
/// <param name="score">From the state: the spectrum of ŝ; disposed with this map.</param>
/// <param name="grid">The grid.</param>
public sealed unsafe class PushConjugate(ITileMap push, ITileMap score, Grid grid) : ITileMap
{
    private readonly LaneFft fft = new(grid);
    private readonly Tile along = new(grid.Sites + 1), values = new(grid.Sites);

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        along.Index = values.Index = state.Index;
        push.Apply(state, time, along);
        score.Apply(state, time, values);
        fft.Inverse(values.A.Pointer, values.B.Pointer);
        result.A.Vectors[0] = Sum(along.A, values.A);
        result.B.Vectors[0] = Sum(along.B, values.B);
    }

    /// <summary>Frees the maps and the memory.</summary>
    public void Dispose()
    {
        push.Dispose();
        score.Dispose();
        fft.Dispose();
        along.Dispose();
        values.Dispose();
    }

    private System.Runtime.Intrinsics.Vector512<double> Sum(LaneArray g, LaneArray s)
    {
        var sum = -g.Vectors[grid.Sites];
        for (int x = 0; x < grid.Sites; x++) sum -= g.Vectors[x] * s.Vectors[x];
        return sum;
    }
}

/// <summary>Rows of several maps of one state, one below the other.</summary>
/// <param name="parts">The maps with their numbers of rows; disposed with this one.</param>
public sealed class Stacked(IReadOnlyList<(ITileMap Map, int Rows)> parts) : ITileMap
{
    private readonly Tile[] tiles = [.. parts.Select(part => new Tile(part.Rows))];

    /// <summary>Rows of all.</summary>
    public int Rows => parts.Sum(part => part.Rows);

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        int row = 0;
        for (int i = 0; i < tiles.Length; i++)
        {
            tiles[i].Index = state.Index;
            parts[i].Map.Apply(state, time, tiles[i]);
            tiles[i].A.Span.CopyTo(result.A.Span[(row * LaneArray.Lanes)..]);
            tiles[i].B.Span.CopyTo(result.B.Span[(row * LaneArray.Lanes)..]);
            row += parts[i].Rows;
        }
    }

    /// <summary>Frees the maps and the memory.</summary>
    public void Dispose()
    {
        foreach (var (map, _) in parts) map.Dispose();
        foreach (var tile in tiles) tile.Dispose();
    }
}

/// <summary>Hands on what a map makes of every sample.</summary>
/// <param name="map">The map; disposed at the end.</param>
/// <param name="rows">Rows that it makes.</param>
/// <param name="sink">Who gets them.</param>
public sealed class MappedSink(ITileMap map, int rows, ITileSink sink) : ITileSink
{
    private readonly Tile mapped = new(rows);

    /// <inheritdoc/>
    public void Sample(long index, double time, Tile state)
    {
        mapped.Index = state.Index;
        map.Apply(state, time, mapped);
        sink.Sample(index, time, mapped);
    }

    /// <inheritdoc/>
    public void Finish()
    {
        sink.Finish();
        map.Dispose();
        mapped.Dispose();
    }
}

/// <summary>Rows of a tile from one on.</summary>
/// <param name="first">The first.</param>
/// <param name="count">How many.</param>
public sealed class RowsOf(int first, int count) : ITileMap
{
    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        const int lanes = LaneArray.Lanes;
        state.A.Span.Slice(first * lanes, count * lanes).CopyTo(result.A.Span);
        state.B.Span.Slice(first * lanes, count * lanes).CopyTo(result.B.Span);
    }

    /// <summary>Nothing to free.</summary>
    public void Dispose() { }
}

/// <summary>R(τ) = ⟨A(τ) B(0)⟩ from lag products whose columns are conjugates B and whose rows are these, then observables A; the means are removed, of which that of B is 0 for the true score.</summary>
public static class PushResponse
{
    /// <summary>The response, [lag][observable][conjugate].</summary>
    /// <param name="products">Lag products.</param>
    /// <param name="resamples">Resamples of the bootstrap.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <exception cref="LeithException">Fewer than eight blocks.</exception>
    public static ResponseEstimate Estimate(LagProducts products, int resamples, ulong seed)
    {
        int d = products.Columns;
        double[][] Observed(double[][] means) => [.. means.Select(lag => lag[(d * d)..])];
        return VectorResponse.Of(products, Observed(products.Means()), BlockBootstrap.Resample(products, Observed, resamples, seed));
    }
}
