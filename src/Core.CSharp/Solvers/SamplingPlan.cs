namespace Leith.Core;

/// <summary>
/// Samples at SpinUp + i Every, i = 0 … <see cref="Samples"/> − 1, of every member: index 0 is the state at the end of spin-up, and Lasting/Every samples are taken.
/// </summary>
/// <param name="Members">Independent members; sixteen make a tile, the last tile may carry unused lanes.</param>
/// <param name="SpinUp">Time before the first sample, a whole multiple of the step, 0 or more.</param>
/// <param name="Lasting">Time that is sampled, a whole multiple of Every.</param>
/// <param name="Every">Time between samples, a whole multiple of the step.</param>
public sealed record SamplingPlan(int Members, double SpinUp, double Lasting, double Every)
{
    /// <summary>Number of samples of one member, Lasting/Every.</summary>
    public long Samples => Whole.Ratio("lasting", Lasting, "every", Every);

    /// <summary>Number of tiles.</summary>
    public int Tiles => TilesFor(Members);

    /// <summary>Tiles that hold a number of members.</summary>
    public static int TilesFor(int members) => (members + Tile.Members - 1) / Tile.Members;

    /// <summary>Members of a tile that were asked for, 1 to 16: member m of the tile is lane m of block A (m below 8) or lane m − 8 of block B.</summary>
    public static int RealMembers(int members, int tile) => Math.Clamp(members - tile * Tile.Members, 0, Tile.Members);

    /// <summary>Members of a tile that were asked for, 1 to 16.</summary>
    public int RealMembers(int tile) => RealMembers(Members, tile);
}

/// <summary>Receives the samples of one tile, in order, from one thread.</summary>
public interface ITileSink
{
    /// <summary>One sample; the tile is lent for the call and may not be changed. Unused lanes of the last tile run along and are no members.</summary>
    /// <param name="index">0 is the state at the end of spin-up.</param>
    /// <param name="time">SpinUp + index · Every.</param>
    /// <param name="state">The sixteen members.</param>
    void Sample(long index, double time, Tile state);

    /// <summary>After the last sample of the tile.</summary>
    void Finish();
}
