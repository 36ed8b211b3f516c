using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

/// <summary>The correlator of one tile: a window of samples, transposed to [mode][time], and lag sums in registers.</summary>
/// <remarks>The window starts at a base time and holds the base times of one flush with all their lags; the window of one mode fits the first-level cache.</remarks>
sealed unsafe class SpectralCorrelatorSink : ITileSink
{
    readonly SpectralCorrelator plan;
    readonly int modes, lags, stride, flush, window, slots;
    readonly ITileMap?[] observables, conjugates;
    readonly Tile scratch;
    readonly LaneArray[] a, b; // a[observable]: [mode][sample of the window][re, im]; b[conjugate]: [mode][base of the window][re, im]
    readonly LaneArray[][] sums; // [observable][conjugate]: [mode][lag][re, im]
    readonly LaneArray[] meansA; // [observable]: [lag]
    readonly LaneArray meansB; // [conjugate]
    long firstBase, basesInBlock, skip;
    int held, block;

    internal SpectralCorrelatorSink(SpectralCorrelator plan)
    {
        this.plan = plan;
        (modes, lags, stride) = (plan.Grid.Sites, plan.Longest + 1, plan.Stride);
        flush = Math.Max(1, 64 / stride);
        window = (flush - 1) * stride + lags;
        slots = (window - 1) / stride + 1;
        observables = [.. plan.Observables.Select(make => make?.Invoke())];
        conjugates = [.. plan.Conjugates.Select(make => make?.Invoke())];
        scratch = new Tile(modes);
        a = [.. observables.Select(_ => new LaneArray(modes * window * 2))];
        b = [.. conjugates.Select(_ => new LaneArray(modes * slots * 2))];
        sums = [.. observables.Select(_ => conjugates.Select(_ => new LaneArray(modes * lags * 2)).ToArray())];
        meansA = [.. observables.Select(_ => new LaneArray(lags))];
        meansB = new LaneArray(conjugates.Length);
    }

    internal List<SpectralBlock> Blocks { get; } = [];

    public void Sample(long index, double time, Tile state)
    {
        if (firstBase == plan.Bases) return;
        if (skip > 0)
        {
            skip--;
            return;
        }
        for (int i = 0; i < a.Length; i++) Store(a[i], window, held, Map(observables[i], state, time));
        if (held % stride == 0 && firstBase + held / stride < plan.Bases)
            for (int j = 0; j < b.Length; j++) Store(b[j], slots, held / stride, Map(conjugates[j], state, time));
        held++;
        int bases = (int)Math.Min(flush, BlockEnd - firstBase);
        if (held == (bases - 1) * stride + lags) Flush(bases);
    }

    public void Finish()
    {
        foreach (var map in observables.Concat(conjugates)) map?.Dispose();
        foreach (var array in a.Concat(b).Concat(sums.SelectMany(s => s)).Concat(meansA)) array.Dispose();
        meansB.Dispose();
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

    void Store(LaneArray to, int length, int at, Tile tile)
    {
        Vector512<double>* target = to.Vectors + (nint)at * 2, re = tile.A.Vectors, im = tile.B.Vectors;
        for (int mode = 0; mode < modes; mode++, target += length * 2)
        {
            target[0] = re[mode];
            target[1] = im[mode];
        }
    }

    void Flush(int bases)
    {
        for (int i = 0; i < a.Length; i++)
        {
            AddMeans(a[i].Vectors, meansA[i].Vectors, bases);
            for (int j = 0; j < b.Length; j++)
                for (int mode = 0; mode < modes; mode++)
                    LagSums(a[i].Vectors + (nint)mode * window * 2, b[j].Vectors + (nint)mode * slots * 2, sums[i][j].Vectors + (nint)mode * lags * 2, bases, stride, lags);
        }
        for (int j = 0; j < b.Length; j++)
            for (int t = 0; t < bases; t++)
                meansB.Vectors[j] += b[j].Vectors[t * 2] + b[j].Vectors[t * 2 + 1];
        firstBase += bases;
        basesInBlock += bases;
        Shift(bases);
        if (firstBase == BlockEnd) CloseBlock();
    }

    // The samples from the next base time on stay; with a long stride the next base time may still lie ahead.
    void Shift(int bases)
    {
        int gone = Math.Min(bases * stride, held), stay = held - gone;
        skip = bases * stride - gone;
        foreach (var array in a) Move(array.Vectors, window, gone, stay);
        int slotsGone = Math.Min(bases, slots);
        foreach (var array in b) Move(array.Vectors, slots, slotsGone, slots - slotsGone);
        held = stay;
    }

    void Move(Vector512<double>* row, int length, int from, int count)
    {
        for (int mode = 0; mode < modes; mode++, row += length * 2)
            for (int i = 0; i < count * 2; i++) row[i] = row[from * 2 + i];
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
            var products = sums.Select(row => row.Select(array => Lane(array, lane)).ToArray()).ToArray();
            Blocks.Add(new SpectralBlock(products, [.. meansA.Select(m => Lane(m, lane))], Lane(meansB, lane), 2.0 * basesInBlock));
        }
        foreach (var array in sums.SelectMany(s => s).Concat(meansA).Append(meansB)) array.Span.Clear();
        basesInBlock = 0;
        block++;
    }

    static double[] Lane(LaneArray array, int lane)
    {
        var values = new double[array.Rows];
        for (int row = 0; row < values.Length; row++) values[row] = array[row, lane];
        return values;
    }

    // sums[lag] += Σ_t a(t + lag) conj b(t), four lags at a time so that eight sums stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void LagSums(Vector512<double>* a, Vector512<double>* b, Vector512<double>* sums, int bases, int stride, int lags)
    {
        int lag = 0;
        for (; lag + 4 <= lags; lag += 4)
        {
            Vector512<double> r0 = sums[lag * 2], i0 = sums[lag * 2 + 1], r1 = sums[lag * 2 + 2], i1 = sums[lag * 2 + 3];
            Vector512<double> r2 = sums[lag * 2 + 4], i2 = sums[lag * 2 + 5], r3 = sums[lag * 2 + 6], i3 = sums[lag * 2 + 7];
            var p = a + lag * 2;
            for (int t = 0; t < bases; t++, p += stride * 2)
            {
                Vector512<double> x = b[t * 2], y = b[t * 2 + 1];
                r0 = Fma(p[0], x, r0); i0 = Fma(p[1], x, i0); r1 = Fma(p[2], x, r1); i1 = Fma(p[3], x, i1);
                r2 = Fma(p[4], x, r2); i2 = Fma(p[5], x, i2); r3 = Fma(p[6], x, r3); i3 = Fma(p[7], x, i3);
                r0 = Fma(p[1], y, r0); i0 = Subtracted(p[0], y, i0); r1 = Fma(p[3], y, r1); i1 = Subtracted(p[2], y, i1);
                r2 = Fma(p[5], y, r2); i2 = Subtracted(p[4], y, i2); r3 = Fma(p[7], y, r3); i3 = Subtracted(p[6], y, i3);
            }
            sums[lag * 2] = r0; sums[lag * 2 + 1] = i0; sums[lag * 2 + 2] = r1; sums[lag * 2 + 3] = i1;
            sums[lag * 2 + 4] = r2; sums[lag * 2 + 5] = i2; sums[lag * 2 + 6] = r3; sums[lag * 2 + 7] = i3;
        }
        for (; lag < lags; lag++)
        {
            Vector512<double> r = sums[lag * 2], i = sums[lag * 2 + 1];
            var p = a + lag * 2;
            for (int t = 0; t < bases; t++, p += stride * 2)
            {
                Vector512<double> x = b[t * 2], y = b[t * 2 + 1];
                r = Fma(p[1], y, Fma(p[0], x, r));
                i = Subtracted(p[0], y, Fma(p[1], x, i));
            }
            sums[lag * 2] = r;
            sums[lag * 2 + 1] = i;
        }
    }

    static Vector512<double> Fma(Vector512<double> a, Vector512<double> b, Vector512<double> c) => Vector512.FusedMultiplyAdd(a, b, c);

    // c − a b; the JIT does not fold a negated factor by itself.
    static Vector512<double> Subtracted(Vector512<double> a, Vector512<double> b, Vector512<double> c) =>
        Avx512F.IsSupported ? Avx512F.FusedMultiplyAddNegated(a, b, c) : Vector512.FusedMultiplyAdd(-a, b, c);
}
