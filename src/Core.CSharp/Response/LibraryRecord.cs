namespace Leith.Core;

/// <summary>
/// Streams an ensemble of homogeneous fields through everything that a library score and its response need, in one pass: the Gram matrices ⟨φ_i,k conj φ_j,k⟩ of the
/// features, the means in their slopes, and lag products of observables with every feature, block by block. Memory does not depend on the length of the record.
/// </summary>
/// <remarks>
/// Open a sink for every tile, run, then <see cref="Complete"/>. The result is the same for any number of threads. Cost: features × (lags + features/2) complex
/// multiply–adds for each mode and base time, over eight pairs of members at once.
/// </remarks>
public sealed class LibraryRecord
{
    // As many blocks as a bootstrap has use for: each takes the memory of all lag products.
    private const int EnoughBlocks = 32;
    private readonly SortedDictionary<int, LibraryRecordSink> sinks = [];

    /// <summary>A record.</summary>
    /// <param name="features">The features.</param>
    /// <param name="longest">The longest lag, in samples.</param>
    /// <param name="observables">Maps A of the state to spectra, null for a state that is the spectrum itself; none for a fit alone.</param>
    /// <param name="samples">Number of samples of the record (the driver's sampling plan).</param>
    /// <param name="tiles">Number of tiles that will be opened.</param>
    /// <param name="timeBlocks">Into how many pieces each record is cut for the bootstrap.</param>
    /// <exception cref="LeithException">The record is shorter than the lags.</exception>
    public LibraryRecord(LibraryFeatures features, int longest, IReadOnlyList<Func<ITileMap>?> observables, long samples, int tiles, int timeBlocks = 1)
    {
        if (longest < 0 || samples <= longest)
            throw new LeithException($"lags: expected a record longer than the longest lag ({longest} samples), got {samples} samples; sample for longer or shorten the lags.");
        (Features, Longest, Observables) = (features, longest, observables);
        Bases = samples - longest;
        TimeBlocks = (int)Math.Clamp(timeBlocks, 1, Bases);
        Joined = 1;
        while (Joined < LaneArray.Lanes && tiles * TimeBlocks * (LaneArray.Lanes / Joined / 2) >= EnoughBlocks) Joined *= 2;
    }

    internal LibraryFeatures Features { get; }
    internal int Longest { get; }
    internal IReadOnlyList<Func<ITileMap>?> Observables { get; }

    /// <summary>Base times in the record of each member.</summary>
    public long Bases { get; }

    internal int TimeBlocks { get; }

    /// <summary>Lanes, each a pair of members, that make a block together.</summary>
    internal int Joined { get; }

    /// <summary>The sink of one tile; called by the driver, from any thread.</summary>
    public ITileSink Open(int tile)
    {
        var sink = new LibraryRecordSink(this);
        lock (sinks) sinks[tile] = sink;
        return sink;
    }

    /// <summary>The sums, once all tiles have finished.</summary>
    public LibrarySums Complete() => new(new LibraryLayout(Features, Observables.Count, Longest + 1), [.. sinks.Values.SelectMany(sink => sink.Blocks)]);
}
