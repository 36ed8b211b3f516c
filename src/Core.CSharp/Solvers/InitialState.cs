using System.Numerics;

namespace Leith.Core;

/// <summary>Ways to fill a tile before its first step, for <see cref="Simulation.Initial"/>.</summary>
public static class InitialState
{
    /// <summary>The same values for every member: one a scalar unknown, or one a site of the real field.</summary>
    /// <exception cref="LeithException">As many values as the model has rows are expected.</exception>
    public static Action<Tile> Constant(Model model, IReadOnlyList<double> values) => Members(model, _ => values);

    /// <summary>Values by member: one a scalar unknown, or one a site of the real field.</summary>
    /// <exception cref="LeithException">As many values as the model has rows are expected (when the tile is filled).</exception>
    public static Action<Tile> Members(Model model, Func<int, IReadOnlyList<double>> values) => tile =>
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
        {
            Fill(tile.A, lane, values(tile.Index * Tile.Members + lane), model);
            Fill(tile.B, lane, values(tile.Index * Tile.Members + LaneArray.Lanes + lane), model);
        }
        foreach (var segment in model.Segments)
            if (segment.Representation == Representation.Modes) Transform(segment, tile);
    };

    /// <summary>The states of a tile as they were, spectra on a torus: a restart. [tile], indices as in the run that saved them.</summary>
    public static Action<Tile> Copies(IReadOnlyList<Tile> tiles) => tile =>
    {
        var saved = tiles.FirstOrDefault(t => t.Index == tile.Index && t.Rows == tile.Rows)
            ?? throw new LeithException($"initial state: expected a saved tile with index {tile.Index} and {tile.Rows} rows, got {string.Join(", ", tiles.Select(t => $"index {t.Index} with {t.Rows} rows"))}. Restart with the members that were saved.");
        TileMath.Copy(saved, tile);
    };

    private static void Fill(LaneArray block, int lane, IReadOnlyList<double> values, Model model)
    {
        if (values.Count != block.Rows)
            throw new LeithException($"initial state: expected {block.Rows} values ({(model.HasFields ? "one a site" : "one a scalar unknown")}), got {values.Count}.");
        for (int row = 0; row < block.Rows; row++) block[row, lane] = values[row];
    }

    private static unsafe void Transform(Segment segment, Tile tile)
    {
        using var fft = new LaneFft(segment.Grid!);
        int offset = segment.First * LaneArray.Lanes;
        fft.Forward(tile.A.Pointer + offset, tile.B.Pointer + offset);
    }
}
