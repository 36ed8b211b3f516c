using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The correlator of one tile: a window of samples that starts at a base time and holds the base times of one flush with all their lags.</summary>
sealed unsafe class SpectralCorrelatorSink : ITileSink
{
    const int WindowBytes = 40 << 20;
    readonly SpectralCorrelator plan;
    readonly int modes, lags, stride, flush;
    readonly ITileMap?[] observables, conjugates;
    readonly Tile scratch;
    readonly TransposedWindow[] a; // [observable]
    readonly TransposedWindow?[] b; // [conjugate], base times only; null where an observable's window serves
    readonly int[] shared; // [conjugate]: that observable, or −1
    readonly LaneArray[][] sums; // [observable][conjugate]: [mode][lag, a multiple of four][re, im]
    readonly LaneArray[] meansA; // [observable]: [lag]
    readonly LaneArray meansB; // [conjugate]
    long firstBase, basesInBlock, skip;
    int block;

    internal SpectralCorrelatorSink(SpectralCorrelator plan)
    {
        this.plan = plan;
        (modes, lags, stride) = (plan.Grid.Sites, plan.Longest + 1, plan.Stride);
        int longest = Math.Max(lags + 63 * stride, WindowBytes / (modes * 128));
        flush = Math.Clamp((longest - lags) / stride + 1, 1, Math.Max(1, 256 / stride));
        int window = (flush - 1) * stride + lags;
        observables = [.. plan.Observables.Select(make => make?.Invoke())];
        conjugates = [.. plan.Conjugates.Select(make => make?.Invoke())];
        int state = Array.FindIndex(observables, map => map is null);
        shared = [.. conjugates.Select(map => map is null ? state : -1)];
        scratch = new Tile(modes);
        a = [.. observables.Select(_ => new TransposedWindow(modes, window))];
        b = [.. shared.Select(with => with >= 0 ? null : new TransposedWindow(modes, (window - 1) / stride + 1))];
        sums = [.. observables.Select(_ => conjugates.Select(_ => new LaneArray(modes * PaddedLags * 2)).ToArray())];
        meansA = [.. observables.Select(_ => new LaneArray(lags))];
        meansB = new LaneArray(conjugates.Length);
    }

    int PaddedLags => (lags + 3) / 4 * 4;

    internal List<SpectralBlock> Blocks { get; } = [];

    public void Sample(long index, double time, Tile state)
    {
        if (firstBase == plan.Bases) return;
        if (skip > 0)
        {
            skip--;
            return;
        }
        int held = a[0].Count;
        for (int i = 0; i < a.Length; i++) a[i].Add(Map(observables[i], state, time));
        if (held % stride == 0 && firstBase + held / stride < plan.Bases)
            for (int j = 0; j < b.Length; j++) b[j]?.Add(Map(conjugates[j], state, time));
        int bases = (int)Math.Min(flush, BlockEnd - firstBase);
        if (held + 1 == (bases - 1) * stride + lags) Flush(bases);
    }

    public void Finish()
    {
        foreach (var map in observables.Concat(conjugates)) map?.Dispose();
        foreach (var window in a.Concat(b)) window?.Dispose();
        foreach (var array in sums.SelectMany(s => s).Concat(meansA).Append(meansB)) array.Dispose();
        scratch.Dispose();
    }

    long BlockEnd => plan.Bases * (block + 1) / plan.TimeBlocks;

    Tile Map(ITileMap? map, Tile state, double time)
    {
        if (map is null) return state;
        scratch.Index = state.Index;
        map.Apply(state, time, scratch);
        return scratch;
    }

    void Flush(int bases)
    {
        foreach (var window in a.Concat(b)) window?.Commit();
        for (int i = 0; i < a.Length; i++)
        {
            AddMeans(a[i].Row(0), meansA[i].Vectors, bases);
            for (int j = 0; j < b.Length; j++)
                for (int mode = 0; mode < modes; mode++)
                    LagSums.Add(a[i].Row(mode), Conjugate(j).Row(mode), sums[i][j].Vectors + (nint)mode * PaddedLags * 2, bases, stride, ConjugateStride(j), PaddedLags);
        }
        for (int j = 0; j < b.Length; j++)
            for (int t = 0; t < bases; t++)
            {
                var p = Conjugate(j).Row(0) + (nint)t * ConjugateStride(j) * 2;
                meansB.Vectors[j] += p[0] + p[1];
            }
        firstBase += bases;
        basesInBlock += bases;
        Shift(bases);
        if (firstBase == BlockEnd) CloseBlock();
    }

    TransposedWindow Conjugate(int j) => b[j] ?? a[shared[j]];

    int ConjugateStride(int j) => b[j] is null ? stride : 1;

    // The samples from the next base time on stay; with a long stride the next base time may still lie ahead.
    void Shift(int bases)
    {
        int gone = Math.Min(bases * stride, a[0].Count);
        skip = bases * stride - gone;
        foreach (var window in a) window.Drop(gone);
        foreach (var window in b) window?.Drop(Math.Min(bases, window.Count));
    }

    void AddMeans(Vector512<double>* series, Vector512<double>* means, int bases)
    {
        for (int lag = 0; lag < lags; lag++)
            for (int t = 0; t < bases; t++)
            {
                var p = series + ((nint)t * stride + lag) * 2;
                means[lag] += p[0] + p[1];
            }
    }

    // The lanes of a tile become blocks of their own: each is a pair of members.
    void CloseBlock()
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
        {
            var products = sums.Select(row => row.Select(array => Products(array, lane)).ToArray()).ToArray();
            Blocks.Add(new SpectralBlock(products, [.. meansA.Select(m => Lane(m, lane))], Lane(meansB, lane), 2.0 * basesInBlock));
        }
        foreach (var array in sums.SelectMany(s => s).Concat(meansA).Append(meansB)) array.Span.Clear();
        basesInBlock = 0;
        block++;
    }

    double[] Products(LaneArray array, int lane)
    {
        var values = new double[modes * lags * 2];
        for (int mode = 0, i = 0; mode < modes; mode++)
            for (int part = 0; part < lags * 2; part++, i++) values[i] = array[mode * PaddedLags * 2 + part, lane];
        return values;
    }

    static double[] Lane(LaneArray array, int lane)
    {
        var values = new double[array.Rows];
        for (int row = 0; row < values.Length; row++) values[row] = array[row, lane];
        return values;
    }
}
