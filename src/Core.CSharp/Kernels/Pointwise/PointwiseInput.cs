namespace Leith.Core;

/// <summary>Where an input of a pointwise program comes from when the program runs over the sites of a grid.</summary>
public abstract record PointwiseInput
{
    private PointwiseInput() { }

    /// <summary>The value at the site itself; the number itself where the program runs over numbers.</summary>
    /// <param name="Buffer">Buffer read.</param>
    public sealed record Value(int Buffer) : PointwiseInput;

    /// <summary>The value so many sites further along each axis, periodic.</summary>
    /// <param name="Buffer">Buffer read.</param>
    /// <param name="Offset">Steps along each axis.</param>
    public sealed record Neighbour(int Buffer, IReadOnlyList<int> Offset) : PointwiseInput;

    /// <summary>One number of each member, the same at all sites.</summary>
    /// <param name="Buffer">Buffer read, of a number.</param>
    public sealed record Number(int Buffer) : PointwiseInput;

    /// <summary>One number a site, the same for all members and at all times.</summary>
    /// <param name="Values">In site order.</param>
    public sealed record Table(double[] Values) : PointwiseInput;
}
