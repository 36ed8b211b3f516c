using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The record of one tile. The features of a base time are computed when its longest lag has come: until then the state waits.</summary>
internal sealed unsafe class LibraryRecordSink : ITileSink
{
    // Base times at a flush: the series of the features are then a few megabytes, and every sum is touched once for so many.
    private const int Flushed = 64, FlushedWithoutLags = 16;
    private readonly LibraryRecord plan;
    private readonly LibraryLayout layout;
    private readonly int modes, features, lagged, lags, flush;
    private readonly ITileMap?[] observables;
    private readonly LibraryFeatureMap map;
    private readonly Tile scratch;
    private readonly Queue<(Tile State, double Time)> waiting = [];
    private readonly Stack<Tile> free = [];
    private readonly TransposedWindow[] a; // [observable]
    private readonly TransposedWindow phi; // rows of all features
    private readonly LaneArray[] sums, meansA; // [observable]: [feature, mode][lag, a multiple of four][re, im]; [lag]
    private readonly LaneArray gram, meansPhi, numbers, probes; // [mode][pair][re, im]; [feature]; [number]; [probed, mode][re, im]
    private long bases, basesInBlock, samples;
    private int block;

    internal LibraryRecordSink(LibraryRecord plan)
    {
        this.plan = plan;
        var library = plan.Features;
        (modes, features, lagged, lags) = (library.Grid.Sites, library.Count, library.LaggedCount, plan.Longest + 1);
        layout = new LibraryLayout(library, plan.Observables.Count, lags);
        flush = (int)Math.Min(lagged == 0 ? FlushedWithoutLags : Flushed, plan.Bases);
        observables = [.. plan.Observables.Select(make => make?.Invoke())];
        map = library.Create();
        scratch = new Tile(modes);
        a = [.. observables.Select(_ => new TransposedWindow(modes, flush + lags - 1))];
        phi = new TransposedWindow(features * modes, flush);
        sums = [.. observables.Select(_ => new LaneArray(lagged * modes * PaddedLags * 2))];
        meansA = [.. observables.Select(_ => new LaneArray(lags))];
        gram = new LaneArray(modes * layout.Pairs * 2);
        meansPhi = new LaneArray(features);
        numbers = new LaneArray(library.Numbers);
        probes = new LaneArray(library.Probed.Count * modes * 2);
    }

    private int PaddedLags => (lags + 3) / 4 * 4;
    private long BlockEnd => plan.Bases * (block + 1) / plan.TimeBlocks;
    private IEnumerable<LaneArray> Accumulators => sums.Concat(meansA).Concat([gram, meansPhi, numbers, probes]);

    internal List<LibraryBlock> Blocks { get; } = [];

    public void Sample(long index, double time, Tile state)
    {
        if (bases == plan.Bases) return;
        for (int i = 0; i < a.Length; i++) a[i].Add(Observed(observables[i], state, time));
        if (lags == 1 || a.Length == 0) AddBase(state, time);
        else
        {
            var copy = free.Count > 0 ? free.Pop() : new Tile(state.Rows);
            copy.CopyFrom(state);
            waiting.Enqueue((copy, time));
            if (waiting.Count < lags) return;
            var (old, then) = waiting.Dequeue();
            AddBase(old, then);
            free.Push(old);
        }
        if (phi.Count == Math.Min(flush, BlockEnd - bases)) Flush(phi.Count);
    }

    public void Finish()
    {
        foreach (var observable in observables) observable?.Dispose();
        foreach (var window in a.Append(phi)) window.Dispose();
        foreach (var array in Accumulators) array.Dispose();
        foreach (var tile in waiting.Select(w => w.State).Concat(free)) tile.Dispose();
        map.Dispose();
        scratch.Dispose();
    }

    private Tile Observed(ITileMap? observable, Tile state, double time)
    {
        if (observable is null) return state;
        scratch.Index = state.Index;
        observable.Apply(state, time, scratch);
        return scratch;
    }

    private void AddBase(Tile state, double time)
    {
        map.Apply(state, time, samples++);
        phi.Add(map.Values);
        Vector512<double>* x = map.Values.A.Vectors, y = map.Values.B.Vectors;
        for (int j = 0; j < features; j++) meansPhi.Vectors[j] += x[j * modes] + y[j * modes];
        int rows = (features + plan.Features.Probed.Count) * modes;
        for (int m = 0; m < numbers.Rows; m++) numbers.Vectors[m] += x[rows + m] + y[rows + m];
        for (int p = 0; p < plan.Features.Probed.Count; p++)
            AddProbe(x + (features + p) * modes, y + (features + p) * modes, map.Probe.A.Vectors, map.Probe.B.Vectors, probes.Vectors + (nint)p * modes * 2, modes);
    }

    // sums[k] += conj v_k (φ′ v)_k
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProbe(Vector512<double>* x, Vector512<double>* y, Vector512<double>* v, Vector512<double>* w, Vector512<double>* sums, int modes)
    {
        for (int k = 0; k < modes; k++)
        {
            sums[2 * k] += v[k] * x[k] + w[k] * y[k];
            sums[2 * k + 1] += v[k] * y[k] - w[k] * x[k];
        }
    }

    private void Flush(int count)
    {
        foreach (var window in a.Append(phi)) window.Commit();
        nint apart = (nint)(phi.Row(modes) - phi.Row(0));
        for (int mode = 0; mode < modes; mode++)
        {
            GramSums.Add(phi.Row(mode), apart, features, count, gram.Vectors + (nint)mode * layout.Pairs * 2);
            for (int i = 0; i < a.Length; i++)
                for (int j = 0; j < lagged; j++)
                    LagSums.Add(a[i].Row(mode), phi.Row(j * modes + mode), sums[i].Vectors + ((nint)j * modes + mode) * PaddedLags * 2, count, 1, 1, PaddedLags);
        }
        for (int i = 0; i < a.Length; i++)
        {
            AddMeans(a[i].Row(0), meansA[i].Vectors, count);
            a[i].Drop(count);
        }
        phi.Drop(count);
        bases += count;
        basesInBlock += count;
        if (bases == BlockEnd) CloseBlock();
    }

    private void AddMeans(Vector512<double>* series, Vector512<double>* means, int count)
    {
        for (int lag = 0; lag < lags; lag++)
            for (int t = lag; t < lag + count; t++) means[lag] += series[2 * t] + series[2 * t + 1];
    }

    // Lanes, each a pair of members, become blocks, some of them together.
    private void CloseBlock()
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane += plan.Joined) Blocks.Add(Block(lane));
        foreach (var array in Accumulators) array.Span.Clear();
        basesInBlock = 0;
        block++;
    }

    private LibraryBlock Block(int lane)
    {
        var fit = new double[layout.FitLength];
        fit[0] = 2.0 * basesInBlock * plan.Joined;
        for (int m = 0; m < numbers.Rows; m++) fit[layout.NumbersAt + m] = Sum(numbers, m, lane);
        for (int j = 0; j < features; j++) fit[layout.MeansAt + j] = Sum(meansPhi, j, lane);
        for (int h = 0, at = layout.GramAt; h < layout.Half.Length; h++)
            for (int pair = 0; pair < layout.Pairs; pair++, at += 2) Fold(gram, layout.Half[h] * layout.Pairs + pair, layout.Opposite[layout.Half[h]] * layout.Pairs + pair, lane, fit, at);
        int probed = plan.Features.Probed.Count;
        for (int h = 0, at = layout.ProbesAt; h < layout.Half.Length; h++)
            for (int p = 0; p < probed; p++, at += 2) Fold(probes, p * modes + layout.Half[h], p * modes + layout.Opposite[layout.Half[h]], lane, fit, at);
        return new(fit, [.. sums.Select(array => Products(array, lane))], [.. meansA.Select(array => Enumerable.Range(0, lags).Select(lag => Sum(array, lag, lane)).ToArray())]);
    }

    private double[] Products(LaneArray array, int lane)
    {
        var products = new double[lagged * layout.FeatureLength];
        int at = 0;
        for (int j = 0; j < lagged; j++)
            foreach (int k in layout.Half)
                for (int lag = 0; lag < lags; lag++, at += 2) Fold(array, (j * modes + k) * PaddedLags + lag, (j * modes + layout.Opposite[k]) * PaddedLags + lag, lane, products, at);
        return products;
    }

    private double Sum(LaneArray array, int row, int lane)
    {
        double sum = 0;
        for (int l = lane; l < lane + plan.Joined; l++) sum += array[row, l];
        return sum;
    }

    // Two real fields ride as re and im of one complex field; the conjugate of mode −k added cancels their cross terms.
    private void Fold(LaneArray array, int row, int opposite, int lane, double[] to, int at)
    {
        to[at] = 0.5 * (Sum(array, 2 * row, lane) + Sum(array, 2 * opposite, lane));
        to[at + 1] = 0.5 * (Sum(array, 2 * row + 1, lane) - Sum(array, 2 * opposite + 1, lane));
    }
}
