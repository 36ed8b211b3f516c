namespace Leith.Core;

/// <summary>
/// Symmetries of the law of a field: u → −u, reflections x_i → −x_i of axes, and what follows from them together. Each image is a sign and a set of reflected axes (bit i: axis i).
/// For scalar unknowns only u → −u.
/// </summary>
public sealed class Symmetries : IEquatable<Symmetries>
{
    private readonly (bool Sign, int Axes)[] images;

    private Symmetries(IEnumerable<(bool Sign, int Axes)> images) => this.images = [.. images.Order()];

    /// <summary>The field itself alone.</summary>
    public static Symmetries None { get; } = new([(false, 0)]);

    /// <summary>Number of images, the field itself included.</summary>
    public int Count => images.Length;

    /// <summary>Whether u → −u, perhaps with reflections, is among them: then the mean vanishes where it also stands alone.</summary>
    public bool IsOdd => images.Contains((true, 0));

    /// <summary>The group with one more generator: a sign change, reflections of these axes, or both at once.</summary>
    public Symmetries With(bool signChange, params int[] axes)
    {
        int bits = 0;
        foreach (int axis in axes)
            bits |= axis is >= 0 and < 31 ? 1 << axis : throw new LeithException($"symmetric: expected axes 0, 1, …, got {axis}.");
        return new(images.SelectMany(image => (IEnumerable<(bool, int)>)[image, (image.Sign ^ signChange, image.Axes ^ bits)]).Distinct());
    }

    /// <summary>The sign of an image, and for each site the site it is taken from.</summary>
    internal (float Sign, int[] From) Image(int number, Grid? grid)
    {
        var (sign, axes) = images[number];
        if (grid is null) return (sign ? -1 : 1, []);
        var from = new int[grid.Sites];
        for (int site = 0; site < grid.Sites; site++)
            from[site] = grid.Ravel([.. grid.Unravel(site).Select((i, axis) => (axes >> axis & 1) == 1 ? -i : i)]);
        return (sign ? -1 : 1, from);
    }

    /// <summary>Refuses axes that a field does not have.</summary>
    internal void Check(int dimensions)
    {
        int axes = images.Aggregate(0, (all, image) => all | image.Axes);
        if (axes >> dimensions != 0)
            throw new LeithException(dimensions == 0
                ? "symmetric: expected signChange alone for scalar unknowns, got a reflection."
                : $"symmetric: expected reflections of axes below {dimensions}, got axis {31 - int.LeadingZeroCount(axes)}.");
    }

    /// <inheritdoc/>
    public bool Equals(Symmetries? other) => other is not null && images.SequenceEqual(other.images);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Symmetries);

    /// <inheritdoc/>
    public override int GetHashCode() => images.Aggregate(17, HashCode.Combine);

    /// <summary>Every image, the same text for the same group.</summary>
    public override string ToString() => string.Join(' ', images.Select(image => $"{(image.Sign ? "-" : "+")}{image.Axes}"));

    /// <summary>The group of a text that <see cref="ToString"/> made.</summary>
    internal static Symmetries Parse(string text) => new(text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(image => (image[0] == '-', int.Parse(image[1..]))));
}
