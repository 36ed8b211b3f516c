using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Twin runs: u± start at u ± (Size/2) Kick and see the noise of the free run u. Restart r begins at SpinUp + r (Longest + Between).
/// </summary>
/// <param name="Members">Independent members; sixteen make a tile.</param>
/// <param name="Restarts">Number of kicks of every member.</param>
/// <param name="SpinUp">Time before the first kick, a whole multiple of the step.</param>
/// <param name="Between">Time from the last lag of one restart to the kick of the next, 0 or more, a whole multiple of the step.</param>
/// <param name="Longest">Longest lag, a whole multiple of Every.</param>
/// <param name="Every">Time between lags, a whole multiple of the step.</param>
/// <param name="Kick">Unit kick in state rows: the Fourier spectrum of a real field on a torus, real numbers for scalar unknowns.</param>
/// <param name="Size">Distance of the twins, u₊ − u₋ = Size · Kick at lag 0.</param>
public sealed record TwinPlan(int Members, int Restarts, double SpinUp, double Between, double Longest, double Every, Complex[] Kick, double Size)
{
    /// <summary>Fills a tile of zeros, whose index is set, with the unit kick of every member in a restart (spectra on a torus), in place of the one Kick; null where all members get that.</summary>
    public Action<Tile, int>? Kicks { get; init; }

    /// <summary>Number of lags, the zeroth included: Longest/Every + 1.</summary>
    public int Lags => checked((int)Whole.Ratio("longest", Longest, "every", Every) + 1);

    /// <summary>Number of tiles.</summary>
    public int Tiles => SamplingPlan.TilesFor(Members);

    /// <summary>Members of a tile that were asked for, 1 to 16.</summary>
    public int RealMembers(int tile) => SamplingPlan.RealMembers(Members, tile);
}

/// <summary>Receives the twins of one tile, in order, from one thread.</summary>
public interface ITwinSink
{
    /// <summary>One lag of one restart; the tiles are lent for the call and may not be changed.</summary>
    /// <param name="restart">0 … Restarts − 1.</param>
    /// <param name="lag">0 … Lags − 1, in units of Every.</param>
    /// <param name="free">The free run.</param>
    /// <param name="plus">The twin that started at free + Size/2 · Kick.</param>
    /// <param name="minus">The twin that started at free − Size/2 · Kick.</param>
    void Sample(int restart, int lag, Tile free, Tile plus, Tile minus);

    /// <summary>After the last lag of the last restart.</summary>
    void Finish();
}
