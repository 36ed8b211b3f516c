using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Mean, variance, skewness, kurtosis and covariance of scalar unknowns over members and samples, without keeping the samples.
/// Pass <see cref="Open"/> to <see cref="Simulation.Run"/>; read after it.
/// </summary>
/// <remarks>Updates: Pébay (2008), Sandia report SAND2008-6212. Tiles are merged in order, so the result does not depend on threads.</remarks>
public sealed class Moments
{
    private readonly int rows, members;
    private readonly MomentsOfTile?[] tiles;
    private readonly Lazy<Accumulated[]> merged;
    private readonly Lazy<double[,]> covariance;

    /// <summary>For a model of scalar unknowns and the plan that will be run.</summary>
    /// <exception cref="LeithException">A torus.</exception>
    public Moments(Model model, SamplingPlan plan)
    {
        if (model.Grid is not null) throw new LeithException("moments: expected scalar unknowns, got a field on a torus. Use ModePower for a field.");
        (rows, members) = (model.Rows, plan.Members);
        tiles = new MomentsOfTile?[plan.Tiles];
        merged = new(() => [.. Enumerable.Range(0, rows).Select(Merge)]);
        covariance = new(MergeCovariance);
    }

    /// <summary>The sink of a tile.</summary>
    public ITileSink Open(int tile) => tiles[tile] = new MomentsOfTile(rows, SamplingPlan.RealMembers(members, tile));

    /// <summary>Values seen of every unknown: members × samples.</summary>
    public double Count => merged.Value[0].Count;

    /// <summary>Mean of every unknown.</summary>
    public double[] Mean => [.. merged.Value.Select(m => m.Mean)];

    /// <summary>Variance of every unknown about the mean of all members and samples (divided by the count).</summary>
    public double[] Variance => [.. merged.Value.Select(m => m.M2 / m.Count)];

    /// <summary>Third central moment over the variance to the power 3/2.</summary>
    public double[] Skewness => [.. merged.Value.Select(m => Math.Sqrt(m.Count) * m.M3 / Math.Pow(m.M2, 1.5))];

    /// <summary>Fourth central moment over the variance squared, 3 for a normal.</summary>
    public double[] Kurtosis => [.. merged.Value.Select(m => m.Count * m.M4 / (m.M2 * m.M2))];

    /// <summary>Covariance matrix, [unknown, unknown] (divided by the count).</summary>
    public double[,] Covariance => (double[,])covariance.Value.Clone();

    private Accumulated Merge(int row)
    {
        var sum = default(Accumulated);
        foreach (var tile in tiles)
            if (tile is not null) sum = tile.Values[row].Aggregate(sum, Accumulated.Join);
        return sum.Count > 0 ? sum : throw new LeithException("moments: expected a finished run, got none. Read them after Simulation.Run.");
    }

    private double[,] MergeCovariance()
    {
        // E(x − c)(y − c') − (mean − c)(mean' − c') for one c for all tiles: each tile's own c is moved to the common mean.
        var mean = Mean;
        var sum = new double[rows, rows];
        foreach (var tile in tiles)
            tile?.AddAbout(mean, sum);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < rows; j++) sum[i, j] /= Count;
        return sum;
    }
}

/// <summary>Count, mean and sums of powers of the deviations from it.</summary>
internal readonly record struct Accumulated(double Count, double Mean, double M2, double M3, double M4)
{
    /// <summary>Both samples together.</summary>
    public static Accumulated Join(Accumulated a, Accumulated b)
    {
        if (a.Count == 0) return b;
        double n = a.Count + b.Count, d = b.Mean - a.Mean, dn = d / n, ab = a.Count * b.Count;
        return new(n, a.Mean + dn * b.Count,
            a.M2 + b.M2 + d * dn * ab,
            a.M3 + b.M3 + d * dn * dn * ab * (a.Count - b.Count) + 3 * dn * (a.Count * b.M2 - b.Count * a.M2),
            a.M4 + b.M4 + d * dn * dn * dn * ab * (a.Count * a.Count - ab + b.Count * b.Count)
                + 6 * dn * dn * (a.Count * a.Count * b.M2 + b.Count * b.Count * a.M2) + 4 * dn * (a.Count * b.M3 - b.Count * a.M3));
    }
}

/// <summary>The moments of one tile, lane by lane while it runs.</summary>
internal sealed unsafe class MomentsOfTile : ITileSink
{
    private readonly int rows, real;
    // [block][mean, M2, M3, M4][row], and [pair of rows] of both blocks.
    private readonly LaneArray[][] sums;
    private readonly LaneArray products, deviations;
    private readonly double[] shift, shifted;
    private long count;

    public MomentsOfTile(int rows, int realMembers)
    {
        (this.rows, real) = (rows, realMembers);
        sums = [.. Enumerable.Range(0, 2).Select(_ => Enumerable.Range(0, 4).Select(_ => new LaneArray(rows)).ToArray())];
        products = new LaneArray(rows * (rows + 1) / 2);
        deviations = new LaneArray(rows);
        (shift, shifted) = (new double[rows], new double[rows]);
    }

    /// <summary>[row][real member], once finished.</summary>
    public Accumulated[][] Values { get; private set; } = [];

    public void Sample(long index, double time, Tile state)
    {
        if (count == 0)
            for (int row = 0; row < rows; row++) shift[row] = state.A[row, 0];
        count++;
        Update(state.A, sums[0], Math.Min(real, LaneArray.Lanes));
        if (real > LaneArray.Lanes) Update(state.B, sums[1], real - LaneArray.Lanes);
    }

    public void Finish()
    {
        Values = [.. Enumerable.Range(0, rows).Select(row => Enumerable.Range(0, real).Select(m => Read(sums[m / LaneArray.Lanes], row, m % LaneArray.Lanes)).ToArray())];
        Products = products.Span.ToArray();
        foreach (var array in sums.SelectMany(s => s)) array.Dispose();
        products.Dispose();
        deviations.Dispose();
    }

    private double[] Products { get; set; } = [];

    /// <summary>Adds Σ (x_i − m_i)(x_j − m_j) of this tile.</summary>
    public void AddAbout(double[] mean, double[,] to)
    {
        double n = (double)count * real;
        for (int row = 0; row < rows; row++) shifted[row] = Values[row].Sum(v => v.Mean) / real;
        for (int i = 0, pair = 0; i < rows; i++)
            for (int j = 0; j <= i; j++, pair++)
            {
                double raw = 0;
                for (int lane = 0; lane < LaneArray.Lanes; lane++) raw += Products[pair * LaneArray.Lanes + lane];
                double central = raw - n * (shifted[i] - shift[i]) * (shifted[j] - shift[j]);
                double about = central + n * (shifted[i] - mean[i]) * (shifted[j] - mean[j]);
                to[i, j] += about;
                if (i != j) to[j, i] += about;
            }
    }

    private Accumulated Read(LaneArray[] block, int row, int lane) => new(count, block[0][row, lane], block[1][row, lane], block[2][row, lane], block[3][row, lane]);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Update(LaneArray values, LaneArray[] to, int lanes)
    {
        double n = count;
        var mask = Vector512.LessThan(Vector512.Create(0.0, 1, 2, 3, 4, 5, 6, 7), Vector512.Create((double)lanes));
        for (int row = 0; row < rows; row++)
        {
            Vector512<double> x = values.Vectors[row], mean = to[0].Vectors[row], m2 = to[1].Vectors[row], m3 = to[2].Vectors[row];
            var d = x - mean;
            var dn = d / n;
            var term = d * dn * (n - 1);
            to[0].Vectors[row] = mean + dn;
            to[3].Vectors[row] += term * dn * dn * (n * n - 3 * n + 3) + 6 * dn * dn * m2 - 4 * dn * m3;
            to[2].Vectors[row] = m3 + term * dn * (n - 2) - 3 * dn * m2;
            to[1].Vectors[row] = m2 + term;
            deviations.Vectors[row] = (x - Vector512.Create(shift[row])) & mask;
        }
        for (int i = 0, pair = 0; i < rows; i++)
            for (int j = 0; j <= i; j++, pair++) products.Vectors[pair] += deviations.Vectors[i] * deviations.Vectors[j];
    }
}
