using System.Globalization;

namespace Leith.Core;

/// <summary>Times as whole numbers of smaller times.</summary>
internal static class Whole
{
    private const double Tolerance = 1e-9;

    /// <summary>part = n · unit, n a whole number within 1e-9 (relative to n where n is large).</summary>
    /// <exception cref="LeithException">Not finite, negative, or not a whole multiple.</exception>
    public static long Ratio(string name, double part, string unitName, double unit)
    {
        if (!(unit > 0) || double.IsInfinity(unit)) throw new LeithException($"{unitName}: expected a positive time, got {Text(unit)}.");
        if (!(part >= 0) || double.IsInfinity(part)) throw new LeithException($"{name}: expected a time of 0 or more, got {Text(part)}.");
        double ratio = part / unit, whole = Math.Round(ratio);
        if (whole > 9e15) throw new LeithException($"{name}: {Text(part)} is {Text(ratio)} times {unitName} {Text(unit)}; expected at most 9e15. Take a larger {unitName}.");
        if (Math.Abs(ratio - whole) <= Tolerance * Math.Max(1, whole * 1e-3)) return (long)whole;
        double below = Math.Floor(ratio) * unit, above = Math.Ceiling(ratio) * unit;
        throw new LeithException($"{name}: expected a whole multiple of {unitName} {Text(unit)}, got {Text(part)}, which is {Text(ratio)} of them. Nearest: {Text(below)} or {Text(above)}.");
    }

    /// <summary>A number as people write it.</summary>
    public static string Text(double value) => value.ToString("G9", CultureInfo.InvariantCulture);
}
