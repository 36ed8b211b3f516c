using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>Z_k ← (N/2) (a_k e^{iφ_k} + a_{−k} e^{−iφ_{−k}}) of the two fields of a pair: the spectrum of waves Re Σ_k a_k e^{iφ_k} e^{ik·x}.</summary>
internal sealed unsafe class WaveSum
{
    private readonly int sites;
    private readonly int[] modes, opposite;
    private readonly double[] half; // N a_k / 2

    public WaveSum(Grid grid, double[] amplitude)
    {
        sites = grid.Sites;
        modes = [.. Enumerable.Range(0, sites).Where(k => amplitude[k] != 0)];
        opposite = [.. modes.Select(grid.Conjugate)];
        half = [.. modes.Select(k => sites * amplitude[k] / 2)];
    }

    /// <summary>From the phases of both blocks to the paired spectrum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(double* phasesA, double* phasesB, double* re, double* im)
    {
        new Span<double>(re, sites * LaneArray.Lanes).Clear();
        new Span<double>(im, sites * LaneArray.Lanes).Clear();
        Lane* a = (Lane*)phasesA, b = (Lane*)phasesB, x = (Lane*)re, y = (Lane*)im;
        for (int i = 0; i < modes.Length; i++)
        {
            Lane scale = Vector512.Create(half[i]);
            var (sinA, cosA) = Vector512.SinCos(a[modes[i]]);
            var (sinB, cosB) = Vector512.SinCos(b[modes[i]]);
            // a wave at k is â_k = c + i s and, since the field is real, â_−k = c − i s; Z = â + i b̂
            int k = modes[i], minus = opposite[i];
            x[k] += scale * (cosA - sinB);
            y[k] += scale * (sinA + cosB);
            x[minus] += scale * (cosA + sinB);
            y[minus] += scale * (cosB - sinA);
        }
    }
}
