using System.Numerics;

namespace Leith.Core;

/// <summary>
/// Kicks of a whole field at once: the twins start at u ± (δ/2) s with signs s = ±1, independent from site to site, and
/// R(x, t) = ⟨s(y) (u⁺ − u⁻)(y + x, t)/δ⟩, a mean over sites y, members and restarts; mode by mode R_k = conj(s_k) D_k/(N δ).
/// </summary>
/// <remarks>Central difference: bias O(δ²). The cross-talk of the kicked sites has mean zero; it makes the scatter even over all offsets, which is good for peaks and no gain for the Euclidean norm.</remarks>
public static class FieldKicks
{
    /// <summary>+1 or −1, a function of (seed, member, restart, site).</summary>
    public static int Sign(ulong seed, int member, long restart, int site) =>
        (Draw.Bits(seed, Draw.Signs, (long)member << 32 | (uint)restart, site / 64) >> (site % 64) & 1) == 0 ? 1 : -1;

    /// <summary>Fills a tile, whose index is set, with the paired spectra of the sign fields of its members: for <see cref="TwinPlan.Kicks"/>.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="seed">Seed of the signs.</param>
    /// <param name="firstRestart">Number of the first restart, where a run goes on.</param>
    public static Action<Tile, int> Spectra(Grid grid, ulong seed, long firstRestart = 0) => (tile, restart) =>
    {
        using var fft = new LaneFft(grid);
        Fill(tile, grid.Sites, seed, firstRestart + restart);
        unsafe { fft.Forward(tile.A.Pointer, tile.B.Pointer); }
    };

    /// <summary>Fills the rows of one unknown with the sign fields of the members of a tile of zeros, whose index is set: for <see cref="TwinPlan.Kicks"/>.</summary>
    /// <param name="pushed">The field that is kicked.</param>
    /// <param name="seed">Seed of the signs.</param>
    /// <param name="firstRestart">Number of the first restart, where a run goes on.</param>
    public static Action<Tile, int> Of(Segment pushed, ulong seed, long firstRestart = 0) => (tile, restart) =>
    {
        using var alone = new Tile(pushed.Rows, tile.Index);
        if (pushed.Representation == Representation.Modes) Spectra(pushed.Grid!, seed, firstRestart)(alone, restart);
        else Fill(alone, pushed.Rows, seed, firstRestart + restart);
        alone.A.Span.CopyTo(tile.A.Span[(pushed.First * LaneArray.Lanes)..]);
        alone.B.Span.CopyTo(tile.B.Span[(pushed.First * LaneArray.Lanes)..]);
    };

    private static void Fill(Tile tile, int sites, ulong seed, long restart)
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
            for (int site = 0; site < sites; site++)
            {
                int member = tile.Index * Tile.Members + lane;
                tile.A[site, lane] = Sign(seed, member, restart, site);
                tile.B[site, lane] = Sign(seed, member + LaneArray.Lanes, restart, site);
            }
    }

    /// <summary>The response to a kick of one site that does not depend on where it is: the kick at site 0.</summary>
    public static Complex[] Pixel(Grid grid) => [.. Enumerable.Repeat(Complex.One, grid.Sites)];
}
