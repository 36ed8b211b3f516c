namespace Leith.Core;

/// <summary>
/// Which sites a layer reads: tap t of site s is site Neighbours[s · Taps + t]. On a torus the taps are the sites at most one step away along every axis
/// that has more than one point (3, 9 or 27); tap Taps − 1 − t is the opposite of tap t. Without neighbours there is one tap, the site itself: a dense layer.
/// </summary>
internal sealed unsafe class Stencil
{
    private readonly int[] table;

    private Stencil(int sites, int taps)
    {
        Sites = sites;
        Taps = taps;
        table = GC.AllocateUninitializedArray<int>(sites * taps, pinned: true);
        Neighbours = (int*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(table, 0);
    }

    /// <summary>Number of sites.</summary>
    public int Sites { get; }

    /// <summary>Number of taps.</summary>
    public int Taps { get; }

    /// <summary>[site][tap]; lives as long as this object.</summary>
    public int* Neighbours { get; }

    /// <summary>The nearest sites on a torus.</summary>
    public static Stencil Torus(Grid grid)
    {
        var offsets = Offsets(grid).ToArray();
        var stencil = new Stencil(grid.Sites, offsets.Length);
        for (int site = 0; site < grid.Sites; site++)
        {
            var index = grid.Unravel(site);
            for (int tap = 0; tap < offsets.Length; tap++)
                stencil.table[site * offsets.Length + tap] = grid.Ravel([.. index.Zip(offsets[tap], (i, step) => i + step)]);
        }
        return stencil;
    }

    /// <summary>Sites that know nothing of each other.</summary>
    public static Stencil Points(int sites)
    {
        var stencil = new Stencil(sites, 1);
        for (int site = 0; site < sites; site++) stencil.table[site] = site;
        return stencil;
    }

    private static IEnumerable<int[]> Offsets(Grid grid)
    {
        IEnumerable<int[]> offsets = [[]];
        foreach (int points in grid.Points)
        {
            int[] steps = points > 1 ? [-1, 0, 1] : [0];
            offsets = offsets.SelectMany(start => steps, (start, step) => (int[])[.. start, step]);
        }
        return offsets;
    }
}
