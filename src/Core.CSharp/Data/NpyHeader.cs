using System.Globalization;
using System.Text.RegularExpressions;

namespace Leith.Core;

/// <summary>What the header of a .npy file says: {'descr': '&lt;f4', 'fortran_order': False, 'shape': (19, 3612), }.</summary>
internal sealed partial record NpyHeader(string Type, string Kind, int Size, bool BigEndian, bool Fortran, int[] Shape)
{
    private static readonly string[] s_kinds = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"];

    public static NpyHeader Parse(string path, string header)
    {
        string text = DescrPattern().Match(header).Groups[1].Value;
        if (text == "") throw Unsupported(path, DescrValuePattern().Match(header) is { Success: true } m ? m.Groups[1].Value.Trim() : "no 'descr'");
        bool bare = text.Length == 2;
        string kind = bare ? text : text[1..];
        if (!s_kinds.Contains(kind) || (!bare && "<>|=".IndexOf(text[0]) < 0)) throw Unsupported(path, $"'{text}'");
        var order = OrderPattern().Match(header);
        var shape = ShapePattern().Match(header);
        if (!order.Success || !shape.Success)
            throw new LeithException($"'{path}': expected 'fortran_order' and 'shape' in the header of the .npy file, got {header.Trim()}. Save the array again with numpy.save.");
        return new NpyHeader(text, kind, kind[1] - '0', text[0] == '>', order.Groups[1].Value == "True", Sides(path, shape.Groups[1].Value));
    }

    /// <summary>A shape as Python prints it: (), (5,), (2, 3).</summary>
    public static string Print(IReadOnlyList<int> shape) => shape.Count == 1 ? $"({shape[0]},)" : $"({string.Join(", ", shape)})";

    private static int[] Sides(string path, string text)
    {
        var parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var sides = new int[parts.Length];
        long count = 1;
        for (int axis = 0; axis < parts.Length; axis++)
        {
            bool number = int.TryParse(parts[axis].TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out sides[axis]);
            if (!number || (count *= Math.Max(sides[axis], 1)) > Array.MaxLength)
                throw new LeithException($"'{path}': expected a shape of at most {Array.MaxLength} elements, got ({text}). Save a smaller part of the array.");
        }
        return sides;
    }

    private static LeithException Unsupported(string path, string got) =>
        new($"'{path}': expected an array of real numbers ({string.Join(", ", s_kinds)}), got {got}. Convert it first, e.g. numpy.save(path, a.astype('float64')).");

    [GeneratedRegex("""['"]descr['"]\s*:\s*['"]([^'"]*)['"]""")]
    private static partial Regex DescrPattern();

    [GeneratedRegex("""['"]descr['"]\s*:\s*(.*?),\s*['"]fortran_order""")]
    private static partial Regex DescrValuePattern();

    [GeneratedRegex("""['"]fortran_order['"]\s*:\s*(True|False)""")]
    private static partial Regex OrderPattern();

    [GeneratedRegex("""['"]shape['"]\s*:\s*\(([^)]*)\)""")]
    private static partial Regex ShapePattern();
}
