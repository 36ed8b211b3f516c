namespace Leith.Core;

/// <summary>
/// Streams an ensemble of homogeneous fields through lag products: for every observable A and conjugate B the sums
/// P_k(τ) = Σ_t A_k(t+τ) conj B_k(t), τ = 0 … longest, base times t every <c>stride</c> samples. Memory does not depend on the length of the record.
/// </summary>
/// <remarks>
/// Open a sink for every tile, run, then <see cref="Complete"/>. The result is the same for any number of threads.
/// Cost: one complex multiply–add for each mode, lag and base time, over eight pairs of members at once.
/// </remarks>
public sealed class SpectralCorrelator
{
    readonly SortedDictionary<int, SpectralCorrelatorSink> sinks = [];

    /// <summary>A correlator.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="longest">The longest lag, in samples.</param>
    /// <param name="observables">Maps A of the state, null for the state itself.</param>
    /// <param name="conjugates">Maps B of the state, null for the state itself.</param>
    /// <param name="samples">Number of samples of the record (the driver's sampling plan).</param>
    /// <param name="stride">Base times are every so many samples.</param>
    /// <param name="timeBlocks">Into how many pieces each record is cut for the bootstrap.</param>
    /// <exception cref="LeithException">The record is shorter than the lags.</exception>
    public SpectralCorrelator(Grid grid, int longest, IReadOnlyList<Func<ITileMap>?> observables, IReadOnlyList<Func<ITileMap>?> conjugates, long samples, int stride = 1, int timeBlocks = 1)
    {
        long bases = (samples - longest + stride - 1) / stride;
        if (longest < 0 || samples <= longest)
            throw new LeithException($"lags: expected a record longer than the longest lag ({longest} samples), got {samples} samples; sample for longer or shorten the lags.");
        Grid = grid;
        Longest = longest;
        Observables = observables;
        Conjugates = conjugates;
        Samples = samples;
        Stride = stride;
        Bases = bases;
        TimeBlocks = (int)Math.Clamp(timeBlocks, 1, bases);
    }

    internal Grid Grid { get; }
    internal int Longest { get; }
    internal IReadOnlyList<Func<ITileMap>?> Observables { get; }
    internal IReadOnlyList<Func<ITileMap>?> Conjugates { get; }
    internal long Samples { get; }
    internal int Stride { get; }

    /// <summary>Base times in the record of each member.</summary>
    public long Bases { get; }

    internal int TimeBlocks { get; }

    /// <summary>The sink of one tile; called by the driver, from any thread.</summary>
    public ITileSink Open(int tile)
    {
        var sink = new SpectralCorrelatorSink(this);
        lock (sinks) sinks[tile] = sink;
        return sink;
    }

    /// <summary>The sums of every pair, [observable][conjugate], once all tiles have finished.</summary>
    public SpectralLagProducts[][] Complete()
    {
        var parts = sinks.Values.SelectMany(s => s.Blocks).ToArray();
        return [.. Observables.Select((_, a) => Conjugates.Select((_, b) => new SpectralLagProducts(Grid, Longest + 1,
            [.. parts.Select(p => p.Products[a][b])], [.. parts.Select(p => p.MeansA[a])], [.. parts.Select(p => p.MeansB[b])], [.. parts.Select(p => p.Count)])).ToArray())];
    }
}

/// <summary>What one pair of members contributed during one piece of the record.</summary>
sealed record SpectralBlock(double[][][] Products, double[][] MeansA, double[] MeansB, double Count);
