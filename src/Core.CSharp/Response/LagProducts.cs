namespace Leith.Core;

/// <summary>What a sum over pairs is divided by.</summary>
public enum LagNormalisation
{
    /// <summary>The number of pairs, T − τ a series: no bias that grows with the lag.</summary>
    Pairs,

    /// <summary>The number of samples T at every lag, as in many published estimates: everything at lag τ shrinks by 1 − τ/T.</summary>
    Samples,
}

/// <summary>
/// C(τ) = ⟨(A(t+τ) − Ā)(B(t) − B̄)ᵀ⟩ for τ = 0 … L, kept as sums over pairs block by block, which is also what the bootstrap resamples.
/// </summary>
/// <remarks>
/// Rows are the observables A, columns the fields B. The first <see cref="Dimension"/> rows and columns are the state x itself; scores, Dimension columns each, follow in B.
/// A pair belongs to the block of its later time t + τ. Ā and B̄ are the means over the whole record (all times and members), the same at every lag;
/// that biases C(τ) by −(τ_int/T) of the variance at all lags alike, O(1/T), where T counts all samples and τ_int is the integrated autocorrelation time.
/// </remarks>
public sealed partial class LagProducts
{
    // A drawn block cuts the memory at its ends: the variance is too small by the part τ_int/2 of its length.
    private const double BlocksOfMemory = 8;

    // One array a block: [(lag (Rows+1) + i) (Columns+1) + j]; the extra row and column belong to the constant 1, so that sums and counts of pairs come along.
    private readonly IReadOnlyList<double[]> _blocks;

    internal LagProducts(LagShape shape, IReadOnlyList<double[]> blocks, IReadOnlyList<int> chains)
    {
        Shape = shape;
        _blocks = blocks;
        Chains = chains;
        Total = new double[shape.Size];
        foreach (var block in blocks)
            for (int n = 0; n < Total.Length; n++) Total[n] += block[n];
    }

    /// <summary>The number of state components D.</summary>
    public int Dimension => Shape.Dimension;

    /// <summary>Number of observables.</summary>
    public int Rows => Shape.Rows;

    /// <summary>Number of fields B.</summary>
    public int Columns => Shape.Columns;

    /// <summary>The longest lag L, in samples.</summary>
    public int Longest => Shape.Longest;

    /// <summary>The lags τ = 0 … L in units of time.</summary>
    public double[] Lags => [.. Enumerable.Range(0, Longest + 1).Select(lag => lag * Shape.Interval)];

    /// <summary>Names of the state components.</summary>
    public IReadOnlyList<string> Names => Shape.Names;

    /// <summary>Number of blocks.</summary>
    public int Blocks => _blocks.Count;

    /// <summary>Samples of a block.</summary>
    public long BlockLength => Shape.BlockLength;

    /// <summary>Samples T over all members.</summary>
    public long Samples => (long)Math.Round(Count(0));

    /// <summary>What sums are divided by.</summary>
    public LagNormalisation Normalisation { get; init; }

    /// <summary>What the reader should know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    internal LagShape Shape { get; }

    /// <summary>Consecutive blocks that the bootstrap draws together: as many as make eight integrated autocorrelation times; 1 where blocks are whole members.</summary>
    internal int Window => field > 0 ? field : field = FindWindow();

    /// <summary>Number of consecutive blocks of each member, in the order of the blocks.</summary>
    internal IReadOnlyList<int> Chains { get; }

    private double[] Total { get; }

    /// <summary>The same sums, divided by something else.</summary>
    public LagProducts With(LagNormalisation normalisation) => new(Shape, _blocks, Chains) { Normalisation = normalisation, Notes = Notes };

    /// <summary>The sums of two pieces of one record, block by block; the blocks must be as many and of one shape.</summary>
    internal LagProducts Plus(LagProducts more) =>
        new(Shape, [.. _blocks.Zip(more._blocks, (x, y) => x.Zip(y, (a, b) => a + b).ToArray())], Chains) { Normalisation = Normalisation, Notes = Notes };

    /// <summary>C(τ), [row][column].</summary>
    /// <param name="lag">τ in samples, 0 to <see cref="Longest"/>.</param>
    public double[][] Covariance(int lag)
    {
        var flat = Means()[lag];
        return [.. flat.Chunk(Columns)];
    }

    /// <summary>The integrated autocorrelation time of the slowest state component, in samples, from the lags that are stored.</summary>
    public double CorrelationSamples()
    {
        var means = Means();
        return Enumerable.Range(0, Dimension).Max(i =>
            CorrelationTime.Windowed(Longest + 1, lag => means[lag][i * Columns + i] / means[0][i * Columns + i], 5, Samples));
    }

    /// <summary>C(τ) for every lag: [lag][row · Columns + column].</summary>
    internal double[][] Means() => Normalise(Centred(Total), Enumerable.Range(0, Longest + 1).Select(Count).ToArray());

    /// <summary>The centred sums of a block, [lag][row · Columns + column] flat, and its pairs at each lag.</summary>
    internal (double[] Sums, double[] Pairs) Block(int block) =>
        (Centred(_blocks[block]), [.. Enumerable.Range(0, Longest + 1).Select(lag => _blocks[block][Shape.Index(lag, Rows, Columns)])]);

    /// <summary>Plain sums of the observables over the later times of a block's samples, lag 0.</summary>
    internal double[] RowSums(int block) => [.. Enumerable.Range(0, Rows).Select(i => _blocks[block][Shape.Index(0, i, Columns)])];

    /// <summary>Divides centred sums by pairs or by samples.</summary>
    internal double[][] Normalise(double[] sums, double[] pairs)
    {
        int size = Rows * Columns;
        var means = new double[Longest + 1][];
        for (int lag = 0; lag <= Longest; lag++)
        {
            double scale = 1 / (Normalisation == LagNormalisation.Pairs ? pairs[lag] : pairs[0]);
            means[lag] = new double[size];
            for (int n = 0; n < size; n++) means[lag][n] = sums[lag * size + n] * scale;
        }
        return means;
    }

    /// <summary>One object for each member.</summary>
    internal IEnumerable<LagProducts> Members()
    {
        int first = 0;
        foreach (int count in Chains)
        {
            yield return new LagProducts(Shape, [.. _blocks.Skip(first).Take(count)], [count]) { Normalisation = Normalisation };
            first += count;
        }
    }

    private int FindWindow()
    {
        int longest = Chains.Max();
        if (longest == 1) return 1;
        double wanted = Math.Ceiling(BlocksOfMemory * CorrelationSamples() / BlockLength);
        // Shorter where there would be too few, which the estimate says then.
        int most = Chains.Count >= BlockBootstrap.FewestBlocks ? longest : Blocks / BlockBootstrap.FewestBlocks;
        return (int)Math.Clamp(wanted, Shape.Window, Math.Max(Shape.Window, most));
    }

    private double Count(int lag) => Total[Shape.Index(lag, Rows, Columns)];

    // Σ (a − ā)(b − b̄) = Σ a b − ā Σ b − Σ a b̄ + n ā b̄, with the means of the whole record.
    private double[] Centred(double[] block)
    {
        double samples = Count(0);
        var centred = new double[(Longest + 1) * Rows * Columns];
        for (int lag = 0, n = 0; lag <= Longest; lag++)
            for (int i = 0; i < Rows; i++)
            {
                double meanA = Total[Shape.Index(0, i, Columns)] / samples, sumA = block[Shape.Index(lag, i, Columns)];
                double pairs = block[Shape.Index(lag, Rows, Columns)];
                for (int j = 0; j < Columns; j++, n++)
                {
                    double meanB = Total[Shape.Index(0, Rows, j)] / samples, sumB = block[Shape.Index(lag, Rows, j)];
                    centred[n] = block[Shape.Index(lag, i, j)] - meanA * sumB - sumA * meanB + pairs * meanA * meanB;
                }
            }
        return centred;
    }
}

/// <summary>Shape of the block sums of <see cref="LagProducts"/>.</summary>
/// <param name="Dimension">State components.</param>
/// <param name="Rows">Observables A, the state first.</param>
/// <param name="Columns">Fields B, the state first.</param>
/// <param name="Longest">Longest lag in samples.</param>
/// <param name="Interval">Time between samples.</param>
/// <param name="BlockLength">Samples of a block.</param>
/// <param name="Window">Consecutive blocks that the bootstrap draws together.</param>
/// <param name="Names">Names of the state components.</param>
internal sealed record LagShape(int Dimension, int Rows, int Columns, int Longest, double Interval, long BlockLength, int Window, IReadOnlyList<string> Names)
{
    public int Size => (Longest + 1) * (Rows + 1) * (Columns + 1);

    public int Index(int lag, int row, int column) => (lag * (Rows + 1) + row) * (Columns + 1) + column;
}
