using System.Numerics;

namespace Leith.Core;

/// <summary>A periodic grid: x_i = i L / N along each axis. Site = i₀ N₁ N₂ + i₁ N₂ + i₂, the first axis (x) slowest.</summary>
/// <remarks>Wavenumbers are k = 2π n / L with n = 0 … N/2, −(N−1)/2 … −1 in FFT order; on an even axis n = N/2 is the Nyquist wavenumber.</remarks>
public sealed class Grid
{
    private const int Largest = 1 << 27;    // a block of eight members is then as long as an index reaches

    /// <summary>A torus with the given numbers of points and side lengths, one entry an axis.</summary>
    /// <exception cref="LeithException">No axis, more than three, lengths that do not match, fewer than one point, a length that is not positive.</exception>
    public Grid(IReadOnlyList<int> points, IReadOnlyList<double> lengths)
    {
        if (points.Count is < 1 or > 3 || points.Count != lengths.Count)
            throw new LeithException($"grid: expected one to three axes with a number of points and a length each, got {points.Count} numbers of points and {lengths.Count} lengths.");
        for (int axis = 0; axis < points.Count; axis++)
        {
            if (points[axis] < 1) throw new LeithException($"grid: expected at least one point along axis {axis}, got {points[axis]}.");
            if (!(lengths[axis] > 0) || double.IsInfinity(lengths[axis])) throw new LeithException($"grid: expected a positive length along axis {axis}, got {lengths[axis]}.");
        }
        double sites = points.Aggregate(1.0, (a, b) => a * b), bytes = sites * Tile.Members * sizeof(double);
        if (sites > Largest) throw new LeithException($"grid: expected at most {Largest} sites, got {sites:g6}, of which one state of {Tile.Members} members alone takes {bytes / 1e9:g3} GB. Take fewer points.");
        Points = [.. points];
        Lengths = [.. lengths];
        Sites = points.Aggregate(1, (a, b) => a * b);
    }

    /// <summary>Points along each axis.</summary>
    public IReadOnlyList<int> Points { get; }

    /// <summary>Side length of each axis.</summary>
    public IReadOnlyList<double> Lengths { get; }

    /// <summary>Number of axes, 1 to 3.</summary>
    public int Dimensions => Points.Count;

    /// <summary>Number of sites, which is also the number of Fourier modes.</summary>
    public int Sites { get; }

    /// <summary>The volume of one cell, ∏ L/N.</summary>
    public double CellVolume => Points.Zip(Lengths, (n, length) => length / n).Aggregate(1.0, (a, b) => a * b);

    /// <summary>The integer wave index n of a site index along an axis: i for i ≤ N/2, i − N beyond.</summary>
    public int WaveIndex(int axis, int i) => i <= Points[axis] / 2 ? i : i - Points[axis];

    /// <summary>The indices along each axis of a site or mode.</summary>
    public int[] Unravel(int site)
    {
        var index = new int[Dimensions];
        for (int axis = Dimensions - 1; axis >= 0; axis--) (site, index[axis]) = Math.DivRem(site, Points[axis]);
        return index;
    }

    /// <summary>The site of periodic indices along each axis; negative ones wrap around.</summary>
    public int Ravel(params ReadOnlySpan<int> index)
    {
        int site = 0;
        for (int axis = 0; axis < Dimensions; axis++)
        {
            int n = Points[axis];
            site = site * n + ((index[axis] % n) + n) % n;
        }
        return site;
    }

    /// <summary>The mode −k of mode k.</summary>
    public int Conjugate(int mode)
    {
        var index = Unravel(mode);
        for (int axis = 0; axis < Dimensions; axis++) index[axis] = -index[axis];
        return Ravel(index);
    }

    /// <summary>The wavevector k of every mode: [mode][axis].</summary>
    public double[][] Wavevectors() =>
        [.. Enumerable.Range(0, Sites).Select(mode => Unravel(mode).Select((i, axis) => 2 * Math.PI * WaveIndex(axis, i) / Lengths[axis]).ToArray())];

    /// <summary>Whether a mode sits at the Nyquist wavenumber of an axis (n = N/2, N even), where odd symbols such as i k must vanish.</summary>
    public bool IsNyquist(int mode, int axis) => Points[axis] % 2 == 0 && Unravel(mode)[axis] == Points[axis] / 2;
}
