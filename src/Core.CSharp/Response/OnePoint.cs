namespace Leith.Core;

/// <summary>
/// Gathers the one-point law of an ensemble while it runs: moments and histogram of the values of a field at all its sites, or of each of several scalar unknowns.
/// Open a sink for every tile, run, then <see cref="Complete"/>.
/// </summary>
/// <remarks>The result is the same for any number of threads. Cost: one inverse transform and about thirty operations a site and member, at every <c>stride</c>-th sample.</remarks>
public sealed class OnePoint
{
    // More samples of one member say little more, and the series of spatial means stays small.
    const long SamplesOfMember = 1024, SamplesOfAll = 1 << 22;

    // Standard errors know no more from more blocks.
    const int MostBlocks = 64;

    readonly SortedDictionary<int, OnePointSink> sinks = [];

    /// <summary>For a field on a torus, through a map of the state (null: the state itself).</summary>
    public OnePoint(Grid grid, Func<ITileMap>? field, SamplingPlan plan) : this(plan, 1)
    {
        Grid = grid;
        Field = field;
    }

    /// <summary>For the first rows of a state of scalar unknowns.</summary>
    public OnePoint(int unknowns, SamplingPlan plan) : this(plan, unknowns)
    {
    }

    OnePoint(SamplingPlan plan, int populations)
    {
        Plan = plan;
        Populations = populations;
        Stride = Math.Max(1, Math.Max((plan.Samples + SamplesOfMember - 1) / SamplesOfMember, (plan.Samples * plan.Members + SamplesOfAll - 1) / SamplesOfAll));
    }

    internal Grid? Grid { get; }
    internal Func<ITileMap>? Field { get; }
    internal SamplingPlan Plan { get; }
    internal int Populations { get; }

    /// <summary>Every so many samples are looked at.</summary>
    public long Stride { get; }

    /// <summary>Few members: a block is a pair of them; many: a tile.</summary>
    internal bool BlocksArePairs => Plan.Members <= MostBlocks * 2;

    /// <summary>The sink of one tile; called by the driver, from any thread.</summary>
    public ITileSink Open(int tile)
    {
        var sink = new OnePointSink(this, SamplingPlan.RealMembers(Plan.Members, tile));
        lock (sinks) sinks[tile] = sink;
        return sink;
    }

    /// <summary>The statistics of every population, once all tiles have finished.</summary>
    public OnePointStatistics[] Complete()
    {
        double[][] means = [.. sinks.Values.SelectMany(s => s.Means)];
        return [.. Enumerable.Range(0, Populations).Select(p => Join([.. sinks.Values.Select(s => s.Populations[p])], means))];
    }

    OnePointStatistics Join(OnePointPopulation[] parts, double[][] means)
    {
        Accumulated[] moments = [.. parts.SelectMany(p => p.Moments)];
        var all = moments.Aggregate(default(Accumulated), Accumulated.Join);
        double deviation = Math.Sqrt(all.M2 / all.Count);
        // The report draws sixteen bins and more to a standard deviation.
        int least = deviation > 0 ? (int)Math.Floor(Math.Log2(deviation / 16)) : int.MinValue;
        var bins = BinCounts.Join([.. parts.Select(p => p.Bins)], least);
        int groups = Math.Min(MostBlocks, moments.Length);
        var joined = new Accumulated[groups];
        long[][] counts = [.. joined.Select(_ => new long[bins.Counts[0].Length])];
        for (int block = 0; block < moments.Length; block++)
        {
            int group = (int)((long)block * groups / moments.Length);
            joined[group] = Accumulated.Join(joined[group], moments[block]);
            for (int i = 0; i < counts[group].Length; i++) counts[group][i] += bins.Counts[block][i];
        }
        return new(joined, BinCounts.Restored(bins.Exponent, bins.First, counts), means, Stride * Plan.Every);
    }
}
