namespace Leith.Core;

public sealed partial class LagProducts
{
    /// <summary>The sums of some observables and some fields B, the state first in both.</summary>
    /// <param name="rows">Numbers of the observables.</param>
    /// <param name="columns">Numbers of the fields.</param>
    public LagProducts Select(IReadOnlyList<int> rows, IReadOnlyList<int> columns)
    {
        var shape = Shape with { Rows = rows.Count, Columns = columns.Count };
        int[] i = [.. rows, Rows], j = [.. columns, Columns];
        double[] Picked(double[] block)
        {
            var picked = new double[shape.Size];
            for (int lag = 0; lag <= Longest; lag++)
                for (int a = 0; a < i.Length; a++)
                    for (int b = 0; b < j.Length; b++) picked[shape.Index(lag, a, b)] = block[Shape.Index(lag, i[a], j[b])];
            return picked;
        }
        return new LagProducts(shape, [.. _blocks.Select(Picked)], Chains) { Normalisation = Normalisation, Notes = Notes };
    }

    /// <summary>Everything but names and notes as named arrays, for the stage cache.</summary>
    public Arrays ToArrays()
    {
        var arrays = new Arrays
        {
            ["shape"] = [Dimension, Rows, Columns, Longest, Shape.Interval, Shape.BlockLength, Shape.Window, (int)Normalisation],
            ["chains"] = [.. Chains.Select(chain => (double)chain)],
        };
        for (int block = 0; block < Blocks; block++) arrays[$"block{block}"] = _blocks[block];
        return arrays;
    }

    /// <summary>The inverse of <see cref="ToArrays"/>.</summary>
    public static LagProducts FromArrays(Arrays arrays, IReadOnlyList<string> names)
    {
        var s = arrays["shape"];
        var shape = new LagShape((int)s[0], (int)s[1], (int)s[2], (int)s[3], s[4], (long)s[5], (int)s[6], names);
        int[] chains = [.. arrays["chains"].Select(chain => (int)chain)];
        return new LagProducts(shape, [.. Enumerable.Range(0, chains.Sum()).Select(block => arrays[$"block{block}"])], chains) { Normalisation = (LagNormalisation)(int)s[7] };
    }
}
