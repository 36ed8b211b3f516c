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
        string advice = simulation.Scheme == Scheme.Exponential
            ? "Take a smaller step, or check the signs of the nonlinear terms."
            : "Take a smaller step, the exponential scheme where the linear part is stiff, or check the signs of the terms.";
        return new($"{members}{Roles[state]} stopped being finite at step {step} (time {Whole.Text(step * simulation.Step)}): expected finite numbers, got NaN or infinity. "
            + $"The step is {Whole.Text(simulation.Step)} with {Schemes.Facts(simulation.Scheme).Name}. {advice}");
    }

    /// <summary>"member 17", the first in order; "member 3 or 11" where a pair shares a spectrum and the last finite state does not tell them apart.</summary>
    public static string Members(Grid? grid, Tile before, Tile after, int realMembers)
    {
        int first = after.Index * Tile.Members;
        var all = Vector512<double>.AllBitsSet;
        uint a = TileMath.NonFiniteLanes(after.A, all), b = TileMath.NonFiniteLanes(after.B, all);
        if (grid is null)
        {
            uint both = (a | b << LaneArray.Lanes) & ((1u << realMembers) - 1);
            return $"member {first + BitOperations.TrailingZeroCount(both)}";
        }
        int lane = BitOperations.TrailingZeroCount(a | b);
        int one = first + lane, other = one + LaneArray.Lanes;
        return Larger(grid, before, lane) switch
        {
            0 => $"member {one}",
            1 => $"member {other}",
            _ => $"member {one} or {other}",
        };
    }

    /// <summary>0 when the field of block A is by far the larger one in a lane of the last finite state, 1 for block B, −1 when they are alike.</summary>
    private static unsafe int Larger(Grid grid, Tile before, int lane)
    {
        const double Clearly = 100;
        if (!grid.Points.All(LaneFft.Supports)) return -1;
        using var fft = new LaneFft(grid);
        // Scaled first: the state before an overflow is so large that the sums of a transform would overflow themselves.
        double scale = Math.Max(Largest(before.A, lane), Largest(before.B, lane));
        if (!(scale > 0) || double.IsInfinity(scale)) return -1;
        TileMath.Scale(before, 1 / scale);
        fft.Inverse(before.A.Pointer, before.B.Pointer);
        double a = Largest(before.A, lane), b = Largest(before.B, lane);
        return a > Clearly * b ? 0 : b > Clearly * a ? 1 : -1;
    }

    private static double Largest(LaneArray block, int lane)
    {
        double largest = 0;
        for (int row = 0; row < block.Rows; row++) largest = Math.Max(largest, Math.Abs(block[row, lane]));
        return largest;
    }
}
