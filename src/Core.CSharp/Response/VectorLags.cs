namespace Leith.Core;

/// <summary>Rows computed from the state: an observable, a score.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Make">Makes one map for one thread.</param>
public sealed record TileRows(int Rows, Func<ITileMap> Make);

/// <summary>Which lag products of an ensemble of scalar unknowns are gathered: A = [x, observables], B = [x, scores, features].</summary>
/// <param name="Sampling">Members, times and interval of the samples.</param>
/// <param name="Dimension">Number of scalar unknowns D.</param>
/// <param name="Lags">Longest lag L, in samples.</param>
public sealed record VectorLagPlan(SamplingPlan Sampling, int Dimension, int Lags)
{
    /// <summary>Observables that follow the state in A.</summary>
    public IReadOnlyList<TileRows> Observables { get; init; } = [];

    /// <summary>Scores that follow the state in B, D rows each.</summary>
    public IReadOnlyList<TileRows> Scores { get; init; } = [];

    /// <summary>Features that follow the scores in B, any number of rows each.</summary>
    public IReadOnlyList<TileRows> Features { get; init; } = [];

    /// <summary>Names of the unknowns, for messages.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>What sums are divided by.</summary>
    public LagNormalisation Normalisation { get; init; }

    /// <summary>Samples of a time block; null takes whole members where there are 64 or more, else as long as makes 128 blocks of all members together.</summary>
    public long? BlockLength { get; init; }

    // Whole members are independent; of fewer there are time blocks, of which the bootstrap draws neighbours together.
    private const int EnoughMembers = 64, WantedBlocks = 128;

    internal LagShape Shape()
    {
        long samples = Sampling.Samples, members = Math.Max(1, Sampling.Members);
        if (Lags < 0 || Lags >= samples)
            throw new LeithException($"lag products: expected more samples than lags, got {samples} samples of each member for lags up to {Lags} samples. Sample for longer, or ask for shorter lags.");
        if (Scores.FirstOrDefault(score => score.Rows != Dimension) is { } odd)
            throw new LeithException($"lag products: expected scores of {Dimension} rows, one an unknown, got {odd.Rows}.");
        if (BlockLength < 1) throw new LeithException($"lag products: expected time blocks of at least one sample, got {BlockLength}.");
        long perMember = members >= EnoughMembers ? 1 : (WantedBlocks + members - 1) / members;
        var names = Names.Count == Dimension ? Names : [.. Enumerable.Range(1, Dimension).Select(i => $"x{i}")];
        int rows = Dimension + Observables.Sum(a => a.Rows), columns = Dimension + Scores.Concat(Features).Sum(b => b.Rows);
        return new LagShape(Dimension, rows, columns, Lags, Sampling.Every, BlockLength ?? Math.Max(1, (samples + perMember - 1) / perMember), BlockLength is null && perMember > 1 ? 2 : 1, names);
    }
}

/// <summary>Gathers the lag products of an ensemble while it runs. Blocks are (member, time block); from 1024 members on the members of a tile share their blocks.</summary>
/// <remarks>The result does not depend on the order in which tiles finish.</remarks>
public sealed class VectorLags
{
    private const int MembersToShare = 1024;
    private readonly VectorLagPlan _plan;
    private readonly LagShape _shape;
    private readonly SortedDictionary<int, List<double[]>[]> _tiles = [];

    /// <summary>An empty collection.</summary>
    /// <exception cref="LeithException">No more samples than lags, scores of another dimension, a block length below 1.</exception>
    public VectorLags(VectorLagPlan plan)
    {
        _plan = plan;
        _shape = plan.Shape();
    }

    /// <summary>The sink of one tile: hand this to <see cref="Simulation.Run"/>.</summary>
    public ITileSink Open(int tile)
    {
        bool share = _plan.Sampling.Members >= MembersToShare;
        return new VectorSink(_plan, _shape, _plan.Sampling.RealMembers(tile), share, chains =>
        {
            lock (_tiles) _tiles[tile] = chains;
        });
    }

    /// <summary>The sums of all tiles that have finished.</summary>
    /// <exception cref="LeithException">None has.</exception>
    public LagProducts Result()
    {
        lock (_tiles)
        {
            if (_tiles.Count == 0) throw new LeithException("lag products: expected at least one finished tile, got none. Run the simulation first.");
            var chains = _tiles.Values.SelectMany(tile => tile).ToArray();
            return new LagProducts(_shape, [.. chains.SelectMany(chain => chain)], [.. chains.Select(chain => chain.Count)]) { Normalisation = _plan.Normalisation };
        }
    }
}
