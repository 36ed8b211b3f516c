using System.Numerics;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>Names the members that stopped being finite.</summary>
internal static class BlowUp
{
    private static readonly string[] Roles = ["", " (twin with the positive kick)", " (twin with the negative kick)"];

    /// <summary>The error of a run that ends here.</summary>
    public static LeithException Describe(Simulation simulation, long step, string members, int state)
    {
        string advice = LinearLaw.IsExponential(simulation.Scheme)
            ? "Take a smaller step, or check the signs of the nonlinear terms."
            : $"{Linear(simulation)}Take a smaller step, an exponential scheme where the linear part is stiff, or check the signs of the terms.";
        return new($"{members}{Roles[state]} stopped being finite at step {step} (time {Whole.Text(step * simulation.Step)}): expected finite numbers, got NaN or infinity. "
            + $"The step is {Whole.Text(simulation.Step)} with {Schemes.Facts(simulation.Scheme).Name}. {advice}");
    }

    /// <summary>The error of a run in which a denominator crossed zero.</summary>
    public static LeithException DescribeDivision(Simulation simulation, long step, (Segment Denominator, int Site, int Member) crossing, int state)
    {
        var (denominator, site, member) = crossing;
        string place = denominator.Grid is { } grid ? $" at site ({string.Join(", ", grid.Unravel(site))})" : "";
        return new($"member {member}{Roles[state]}: expected {denominator.Name}, by which the equation divides, to keep its sign, but it crossed zero{place} at step {step} (time {Whole.Text(step * simulation.Step)}). "
            + "Start where it has one sign, keep it away from zero by another term, or take a smaller step.");
    }

    private static string Linear(Simulation simulation)
    {
        double largest = Stability.LargestStep(simulation.Model, simulation.Scheme);
        if (double.IsInfinity(largest)) return "";
        return largest > simulation.Step
            ? $"For the linear part alone steps up to {Whole.Text(largest)} are stable. "
            : $"The linear part needs a step below {Whole.Text(largest)}. ";
    }

    /// <summary>"member 17", the first in order; "member 3 or 11" where a pair shares a spectrum and the last finite state does not tell them apart.</summary>
    /// <remarks>The first unknown with a number that is not finite decides.</remarks>
    public static string Members(Model model, Tile before, Tile after, int realMembers)
    {
        int first = after.Index * Tile.Members;
        var all = Vector512<double>.AllBitsSet;
        foreach (var segment in model.Segments)
        {
            uint a = TileMath.NonFiniteLanes(after.A, segment, all), b = TileMath.NonFiniteLanes(after.B, segment, all);
            bool isPair = segment.Representation == Representation.Modes;
            uint found = isPair ? (a | b) & Lanes(Math.Min(realMembers, LaneArray.Lanes)) : (a | b << LaneArray.Lanes) & Lanes(realMembers);
            if (found == 0) continue;
            int lane = BitOperations.TrailingZeroCount(found);
            int one = first + lane, other = one + LaneArray.Lanes;
            if (!isPair) return $"member {one}";
            return Larger(segment, before, lane) switch
            {
                0 => $"member {one}",
                1 => $"member {other}",
                _ => $"member {one} or {other}",
            };
        }
        return $"a member of tile {after.Index}";
    }

    private static uint Lanes(int count) => (1u << count) - 1;

    /// <summary>0 when the field of block A is by far the larger one in a lane of the last finite state, 1 for block B, −1 when they are alike.</summary>
    private static unsafe int Larger(Segment segment, Tile before, int lane)
    {
        const double Clearly = 100;
        var grid = segment.Grid!;
        if (!grid.Points.All(LaneFft.Supports)) return -1;
        using var fft = new LaneFft(grid);
        // Scaled first: the state before an overflow is so large that the sums of a transform would overflow themselves.
        double scale = Math.Max(Largest(before.A, segment, lane), Largest(before.B, segment, lane));
        if (!(scale > 0) || double.IsInfinity(scale)) return -1;
        TileMath.Scale(before, 1 / scale);
        int offset = segment.First * LaneArray.Lanes;
        fft.Inverse(before.A.Pointer + offset, before.B.Pointer + offset);
        double a = Largest(before.A, segment, lane), b = Largest(before.B, segment, lane);
        return a > Clearly * b ? 0 : b > Clearly * a ? 1 : -1;
    }

    private static double Largest(LaneArray block, Segment segment, int lane)
    {
        double largest = 0;
        for (int row = segment.First; row < segment.End; row++) largest = Math.Max(largest, Math.Abs(block[row, lane]));
        return largest;
    }
}
