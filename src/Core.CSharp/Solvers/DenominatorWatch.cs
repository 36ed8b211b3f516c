using System.Numerics;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>Looks whether what an equation divides by has changed its sign, or is zero, at a site of a member: what comes after is finite at times, and never right.</summary>
internal sealed class DenominatorWatch : IDisposable
{
    private readonly ITileMap map;
    private readonly IReadOnlyList<Segment> segments;
    private readonly Tile before, after;

    /// <summary>For a model that has denominators.</summary>
    public DenominatorWatch(Model model)
    {
        map = model.Denominators!();
        segments = model.DenominatorSegments;
        int rows = segments.Max(segment => segment.End);
        (before, after) = (new Tile(rows), new Tile(rows));
    }

    /// <summary>Where a denominator crossed zero between two states, the first of them in order; null where none did.</summary>
    /// <param name="from">The earlier state.</param>
    /// <param name="to">The later state.</param>
    /// <param name="time">Its time.</param>
    /// <param name="realMembers">Members that count.</param>
    public (Segment Denominator, int Site, int Member)? Crossing(Tile from, Tile to, double time, int realMembers)
    {
        map.Apply(from, time, before);
        map.Apply(to, time, after);
        foreach (var segment in segments)
            for (int row = segment.First; row < segment.End; row++)
            {
                uint lanes = (Crossed(before.A, after.A, row) | Crossed(before.B, after.B, row) << LaneArray.Lanes) & ((1u << realMembers) - 1);
                if (lanes != 0) return (segment, row - segment.First, to.Index * Tile.Members + BitOperations.TrailingZeroCount(lanes));
            }
        return null;
    }

    public void Dispose()
    {
        map.Dispose();
        before.Dispose();
        after.Dispose();
    }

    /// <remarks>A zero before is looked for by itself: what follows it is not finite, and neither is the product.</remarks>
    private static unsafe uint Crossed(LaneArray before, LaneArray after, int row)
    {
        var (from, to) = (before.Vectors[row], after.Vectors[row]);
        var changed = Vector512.LessThanOrEqual(from * to, Vector512<double>.Zero) | Vector512.Equals(from, Vector512<double>.Zero);
        return (uint)changed.ExtractMostSignificantBits();
    }
}
