using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Mean spectrum and power ⟨|u_k|²⟩ of a real field over members and samples, without keeping the samples. Spectra are unnormalised: ⟨|u_k|²⟩ = N_sites × (variance of mode k per pixel).
/// Pass <see cref="Open"/> to <see cref="Simulation.Run"/>; read after it.
/// </summary>
/// <remarks>For a pair Z = fft(a + i b): |a_k|² + |b_k|² = ½ (|Z_k|² + |Z_−k|²) and |a_k|² − |b_k|² = Re Z_k Z_−k. Tiles are merged in order.</remarks>
public sealed class ModePower
{
    private readonly Grid grid;
    private readonly SamplingPlan plan;
    private readonly ModePowerOfTile?[] tiles;
    private readonly int[] opposite;

    /// <summary>For a model on a torus and the plan that will be run.</summary>
    /// <exception cref="LeithException">Scalar unknowns.</exception>
    public ModePower(Model model, SamplingPlan plan)
    {
        grid = model.Grid ?? throw new LeithException("mode power: expected a field on a torus, got scalar unknowns. Use Moments for these.");
        this.plan = plan;
        tiles = new ModePowerOfTile?[plan.Tiles];
        opposite = [.. Enumerable.Range(0, grid.Sites).Select(grid.Conjugate)];
    }

    /// <summary>The sink of a tile.</summary>
    public ITileSink Open(int tile) => tiles[tile] = new ModePowerOfTile(opposite, plan.RealMembers(tile));

    /// <summary>Fields seen: members × samples.</summary>
    public double Count => Finished.Sum(tile => tile.Count);

    /// <summary>Spectrum of the mean field, one entry a mode.</summary>
    public Complex[] Mean => [.. Enumerable.Range(0, grid.Sites).Select(k => Finished.Aggregate(Complex.Zero, (sum, tile) => sum + tile.Mean[k]) / Count)];

    /// <summary>⟨|u_k|²⟩ of one real field, the mean not removed, one entry a mode.</summary>
    public double[] Power => [.. Enumerable.Range(0, grid.Sites).Select(k => Finished.Sum(tile => tile.Power[k]) / Count)];

    /// <summary>One standard error of <see cref="Power"/>, from the spread between tiles, which are independent; NaN with fewer than two tiles.</summary>
    public double[] PowerStandardError
    {
        get
        {
            var power = Power;
            double count = Count, n = tiles.Length;
            return [.. Enumerable.Range(0, grid.Sites).Select(k =>
                Math.Sqrt(Finished.Sum(tile => Math.Pow(tile.Power[k] - tile.Count * power[k], 2)) * n / (n - 1)) / count)];
        }
    }

    private IEnumerable<ModePowerOfTile> Finished => tiles.Select(tile => tile ?? throw new LeithException("mode power: expected a finished run, got none. Read it after Simulation.Run."));
}

/// <summary>The sums of one tile.</summary>
internal sealed unsafe class ModePowerOfTile(int[] opposite, int realMembers) : ITileSink
{
    private readonly LaneArray re = new(opposite.Length), im = new(opposite.Length), squares = new(opposite.Length), cross = new(opposite.Length);
    private long samples;

    /// <summary>Fields seen.</summary>
    public double Count => (double)samples * realMembers;

    /// <summary>Σ u_k over members and samples, once finished.</summary>
    public Complex[] Mean { get; private set; } = [];

    /// <summary>Σ |u_k|² over members and samples, once finished.</summary>
    public double[] Power { get; private set; } = [];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Sample(long index, double time, Tile state)
    {
        samples++;
        Vector512<double>* a = state.A.Vectors, b = state.B.Vectors;
        for (int k = 0; k < opposite.Length; k++)
        {
            re.Vectors[k] += a[k];
            im.Vectors[k] += b[k];
            squares.Vectors[k] = Vector512.FusedMultiplyAdd(a[k], a[k], Vector512.FusedMultiplyAdd(b[k], b[k], squares.Vectors[k]));
        }
        // Only a tile that is not full has to tell the members of a pair apart.
        if (realMembers == Tile.Members) return;
        for (int k = 0; k < opposite.Length; k++) cross.Vectors[k] += a[k] * a[opposite[k]] - b[k] * b[opposite[k]];
    }

    public void Finish()
    {
        Mean = new Complex[opposite.Length];
        Power = new double[opposite.Length];
        for (int k = 0; k < opposite.Length; k++)
            for (int member = 0; member < realMembers; member++) Add(k, member % LaneArray.Lanes, member >= LaneArray.Lanes);
        foreach (var array in (LaneArray[])[re, im, squares, cross]) array.Dispose();
    }

    private void Add(int k, int lane, bool blockB)
    {
        int minus = opposite[k];
        Complex z = new(re[k, lane], im[k, lane]), w = new(re[minus, lane], -im[minus, lane]);
        Mean[k] += blockB ? (z - w) / new Complex(0, 2) : (z + w) / 2;
        double both = (squares[k, lane] + squares[minus, lane]) / 2;
        Power[k] += (both + (blockB ? -cross[k, lane] : cross[k, lane])) / 2;
    }
}
