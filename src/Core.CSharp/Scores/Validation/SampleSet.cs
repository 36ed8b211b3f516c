namespace Leith.Core;

/// <summary>
/// Samples of one law, [sample][row] in real space, in blocks of one size whose members may depend on each other but not on other blocks: what statistics of
/// samples and their standard errors (by the jackknife over blocks) are taken from.
/// </summary>
public sealed class SampleSet
{
    /// <summary>Standard errors know no more from more blocks.</summary>
    public const int MostBlocks = 64;

    private readonly Lazy<(double[] Mean, double[][] Power)> spectra;

    /// <summary>Samples whose independent blocks follow one another.</summary>
    /// <param name="values">[sample][row].</param>
    /// <param name="independent">Number of independent blocks of equal length: the members of an ensemble; as many as samples where all are independent.</param>
    /// <param name="grid">The torus of a field; null for scalar unknowns.</param>
    /// <exception cref="LeithException">Fewer than two samples or blocks, samples of another size, values that are not finite.</exception>
    public SampleSet(double[][] values, int independent, Grid? grid)
    {
        int rows = grid?.Sites ?? values.FirstOrDefault()?.Length ?? 0;
        if (values.Length < 2 || independent < 2 || independent > values.Length)
            throw new LeithException($"statistics of samples: expected at least two independent blocks of samples, got {independent} blocks of {values.Length} samples; take more members, or draw more.");
        int bad = Array.FindIndex(values, v => v.Length != rows || !v.All(double.IsFinite));
        if (bad >= 0) throw new LeithException($"statistics of samples: expected {rows} finite numbers in every sample, got others in sample {bad}.");
        (Values, Grid, Independent) = (values, grid, independent);
        Blocks = Math.Min(MostBlocks, independent);
        spectra = new(Spectra);
    }

    /// <summary>[sample][row].</summary>
    public double[][] Values { get; }

    /// <summary>The torus, or null.</summary>
    public Grid? Grid { get; }

    /// <summary>Blocks that do not depend on each other.</summary>
    public int Independent { get; }

    /// <summary>Blocks for the jackknife.</summary>
    public int Blocks { get; }

    /// <summary>The block of a sample.</summary>
    public int BlockOf(int sample) => (int)((long)((long)sample * Independent / Values.Length) * Blocks / Independent);

    /// <summary>The values that one-point statistics of an unknown are taken over: of a field all sites.</summary>
    public IEnumerable<double> Points(int sample, int row) => Grid is null ? [Values[sample][row]] : Values[sample];

    /// <summary>One sample of each independent block, the last: these are independent.</summary>
    public double[][] Thinned(int perBlock = 1)
    {
        var picked = new List<double[]>();
        for (int block = 0; block < Independent; block++)
        {
            int from = (int)((long)block * Values.Length / Independent), to = (int)((long)(block + 1) * Values.Length / Independent);
            int count = Math.Min(perBlock, to - from);
            for (int i = 1; i <= count; i++) picked.Add(Values[from + (int)((long)i * (to - from) / count) - 1]);
        }
        return [.. picked];
    }

    /// <summary>⟨u⟩ and ⟨u²⟩ − ⟨u⟩², κ₃ = ⟨(u − ⟨u⟩)³⟩ and κ₄ = ⟨(u − ⟨u⟩)⁴⟩ − 3κ₂²: the first four cumulants.</summary>
    public Measurement[] Cumulants(int row)
    {
        var sums = new double[Blocks][];
        double centre = Points(0, row).Average();
        for (int b = 0; b < Blocks; b++) sums[b] = new double[5];
        for (int s = 0; s < Values.Length; s++)
        {
            double[] sum = sums[BlockOf(s)];
            foreach (double value in Points(s, row))
            {
                double d = value - centre, power = 1;
                for (int p = 0; p < 5; p++, power *= d) sum[p] += power;
            }
        }
        var (values, errors) = Jackknife.Curve(Blocks, without =>
        {
            double[] m = Sum(sums, without);
            double n = m[0], a = m[1] / n, b = m[2] / n, c = m[3] / n, d = m[4] / n, variance = b - a * a;
            return [centre + a, variance, c - 3 * a * b + 2 * a * a * a, d - 4 * a * c + 6 * a * a * b - 3 * a * a * a * a - 3 * variance * variance];
        });
        return [.. values.Zip(errors, (v, e) => new Measurement(v, e))];
    }

    /// <summary>The density in equal bins, at their centres.</summary>
    public MeasuredCurve Density(int row, double from, double to, int bins)
    {
        var counts = new double[Blocks][];
        for (int b = 0; b < Blocks; b++) counts[b] = new double[bins + 1];
        double perBin = bins / (to - from);
        for (int s = 0; s < Values.Length; s++)
        {
            double[] count = counts[BlockOf(s)];
            foreach (double value in Points(s, row))
            {
                int bin = (int)Math.Floor((value - from) * perBin);
                if ((uint)bin < (uint)bins) count[bin]++;
                count[bins]++;
            }
        }
        var (density, errors) = Jackknife.Curve(Blocks, without =>
        {
            double[] sum = Sum(counts, without);
            return [.. sum.Take(bins).Select(c => c * perBin / sum[bins])];
        });
        return new([.. Enumerable.Range(0, bins).Select(i => from + (i + 0.5) / perBin)], density, errors);
    }

    /// <summary>Quantiles at probabilities p, x = p.</summary>
    public MeasuredCurve Quantiles(int row, double[] probabilities)
    {
        var blocks = Enumerable.Range(0, Blocks).Select(_ => new List<double>()).ToArray();
        // Of large fields some sites will do: neighbours say the same.
        int stride = Math.Max(1, (int)((long)Values.Length * (Grid?.Sites ?? 1) / (1 << 19)));
        for (int s = 0; s < Values.Length; s++)
            if (Grid is null) blocks[BlockOf(s)].Add(Values[s][row]);
            else
                for (int site = s % stride; site < Values[s].Length; site += stride) blocks[BlockOf(s)].Add(Values[s][site]);
        var all = blocks.SelectMany((b, i) => b.Select(v => (Value: v, Block: i))).OrderBy(p => p.Value).ToArray();
        var (values, errors) = Jackknife.Curve(Blocks, without =>
        {
            double[] kept = [.. all.Where(p => p.Block != without).Select(p => p.Value)];
            return [.. probabilities.Select(p => At(kept, p))];
        });
        return new(probabilities, values, errors);
    }

    private static double At(double[] sorted, double p)
    {
        double place = Math.Clamp(p * sorted.Length - 0.5, 0, sorted.Length - 1);
        int i = Math.Min((int)place, sorted.Length - 2);
        return sorted.Length == 1 ? sorted[0] : sorted[i] + (place - i) * (sorted[i + 1] - sorted[i]);
    }

    /// <summary>ρ(r) = C(r)/C(0) of a field at the offsets along the first axis, 0 … L/2.</summary>
    public MeasuredCurve AlongFirstAxis()
    {
        var grid = Grid!;
        int points = grid.Points[0] / 2 + 1, stride = grid.Sites / grid.Points[0];
        return Correlation([.. Enumerable.Range(0, points).Select(i => i * grid.Lengths[0] / grid.Points[0])], correlation => [.. Enumerable.Range(0, points).Select(i => correlation[i * stride])]);
    }

    /// <summary>ρ(r) of a field averaged over all offsets of one length, at every length that occurs, so many at most: lengths closer than half a site are put together.</summary>
    public MeasuredCurve OverDistance()
    {
        var grid = Grid!;
        double unit = 0.5 * grid.Lengths.Zip(grid.Points, (l, n) => l / n).Max();
        double[] lengths = [.. Enumerable.Range(0, grid.Sites).Select(site => Math.Sqrt(grid.Unravel(site).Select((i, axis) => grid.WaveIndex(axis, i) * grid.Lengths[axis] / grid.Points[axis]).Sum(d => d * d)))];
        var shells = lengths.Select((l, site) => (Length: l, Site: site)).GroupBy(p => (int)Math.Round(p.Length / unit)).OrderBy(g => g.Key).Select(g => g.ToArray()).ToArray();
        return Correlation([.. shells.Select(g => g.Average(p => p.Length))], correlation => [.. shells.Select(g => g.Average(p => correlation[p.Site]))]);
    }

    /// <summary>E(k): the variance in shells of |k| one smallest wavenumber wide, over that width.</summary>
    public MeasuredCurve Spectrum()
    {
        var grid = Grid!;
        double width = grid.Lengths.Min(length => 2 * Math.PI / length);
        int[] shells = [.. grid.Wavevectors().Select(k => (int)Math.Round(Math.Sqrt(k.Sum(c => c * c)) / width))];
        var (values, errors) = Jackknife.Curve(Blocks, without =>
        {
            double[] power = Power(without), spectrum = new double[shells.Max() + 1];
            for (int mode = 0; mode < power.Length; mode++) spectrum[shells[mode]] += power[mode] / ((double)grid.Sites * grid.Sites * width);
            return spectrum;
        });
        return new([.. values.Select((_, i) => i * width)], values, errors);
    }

    private MeasuredCurve Correlation(double[] x, Func<double[], double[]> pick)
    {
        using var fft = new LaneFft(Grid!);
        using var tile = new Tile(Grid!.Sites);
        var (values, errors) = Jackknife.Curve(Blocks, without =>
        {
            double[] power = Power(without);
            for (int k = 0; k < power.Length; k++) (tile.A[k, 0], tile.B[k, 0]) = (power[k], 0);
            Inverse(fft, tile);
            double[] correlation = [.. Enumerable.Range(0, power.Length).Select(site => tile.A[site, 0] / tile.A[0, 0])];
            return pick(correlation);
        });
        return new(x, values, errors);
    }

    private static unsafe void Inverse(LaneFft fft, Tile tile) => fft.Inverse(tile.A.Pointer, tile.B.Pointer);

    /// <summary>⟨|û_k|²⟩ of the field without its mean, over all blocks but one.</summary>
    public double[] Power(int without = -1)
    {
        var (means, powers) = spectra.Value;
        int[] kept = [.. Enumerable.Range(0, Blocks).Where(b => b != without)];
        double[] counts = [.. kept.Select(b => (double)BlockSize(b))];
        double n = counts.Sum(), mean = kept.Sum(b => means[b]) / n;
        var power = new double[Grid!.Sites];
        foreach (int b in kept) Resampling.AddScaled(1 / n, powers[b], power);
        power[0] -= mean * mean;
        return power;
    }

    private int BlockSize(int block) => Enumerable.Range(0, Values.Length).Count(s => BlockOf(s) == block);

    /// <summary>Sums of û_0 and of |û_k|² in every block.</summary>
    private (double[] Mean, double[][] Power) Spectra()
    {
        var grid = Grid!;
        var (mean, power) = (new double[Blocks], new double[Blocks][]);
        int[] opposite = [.. Enumerable.Range(0, grid.Sites).Select(grid.Conjugate)];
        int[] first = [.. Enumerable.Range(0, Values.Length).GroupBy(BlockOf).OrderBy(g => g.Key).Select(g => g.First()), Values.Length];
        Parallel.For(0, Blocks, block =>
        {
            using var loader = new SampleLoader(grid, grid.Sites);
            using var tile = new Tile(grid.Sites);
            double[][] own = Values[first[block]..first[block + 1]];
            mean[block] = own.Sum(field => field.Sum());
            var sum = power[block] = new double[grid.Sites];
            var zero = new double[grid.Sites];
            for (int t = 0; t * Tile.Members < own.Length; t++)
            {
                // Where a tile is not full zeros are loaded, which add nothing.
                double[][] here = [.. Enumerable.Range(t * Tile.Members, Tile.Members).Select(s => s < own.Length ? own[s] : zero)];
                loader.Load(here, 0, tile);
                for (int k = 0; k < grid.Sites; k++)
                    for (int lane = 0; lane < LaneArray.Lanes; lane++)
                    {
                        double half = 0.5 * (tile.A[k, lane] * tile.A[k, lane] + tile.B[k, lane] * tile.B[k, lane]);
                        sum[k] += half;
                        sum[opposite[k]] += half;
                    }
            }
        });
        return (mean, power);
    }

    private static double[] Sum(double[][] sums, int without)
    {
        var total = new double[sums[0].Length];
        for (int b = 0; b < sums.Length; b++)
            if (b != without)
                for (int i = 0; i < total.Length; i++) total[i] += sums[b][i];
        return total;
    }
}
