using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The values of one tile.</summary>
sealed unsafe class OnePointSink : ITileSink
{
    readonly OnePoint plan;
    readonly int members;
    readonly LaneFft? fft;
    readonly ITileMap? field;
    readonly Tile? scratch;
    readonly List<double>[] means;

    internal OnePointSink(OnePoint plan, int members)
    {
        (this.plan, this.members) = (plan, members);
        Populations = [.. Enumerable.Range(0, plan.Populations).Select(_ => new OnePointPopulation(members, plan.BlocksArePairs))];
        means = [];
        if (plan.Grid is null) return;
        fft = new LaneFft(plan.Grid);
        field = plan.Field?.Invoke();
        scratch = new Tile(plan.Grid.Sites);
        means = [.. Enumerable.Range(0, members).Select(_ => new List<double>())];
    }

    internal OnePointPopulation[] Populations { get; }

    /// <summary>[member][sample], of a field.</summary>
    internal IEnumerable<double[]> Means => means.Select(m => m.ToArray());

    public void Sample(long index, double time, Tile state)
    {
        if (index % plan.Stride != 0 || members == 0) return;
        if (scratch is null || fft is null)
        {
            for (int row = 0; row < Populations.Length; row++) Populations[row].Add(state.A.Pointer + row * LaneArray.Lanes, state.B.Pointer + row * LaneArray.Lanes, 1);
            return;
        }
        var modes = state;
        if (field is not null)
        {
            scratch.Index = state.Index;
            field.Apply(state, time, scratch);
            modes = scratch;
        }
        for (int member = 0; member < members; member++)
            means[member].Add((member < LaneArray.Lanes ? modes.A[0, member] : modes.B[0, member - LaneArray.Lanes]) / scratch.Rows);
        fft.Inverse(modes.A.Pointer, modes.B.Pointer, scratch.A.Pointer, scratch.B.Pointer);
        Populations[0].Add(scratch.A.Pointer, scratch.B.Pointer, scratch.Rows);
    }

    public void Finish()
    {
        foreach (var population in Populations) population.Finish();
        fft?.Dispose();
        field?.Dispose();
        scratch?.Dispose();
    }
}

/// <summary>Moments and histogram of one kind of value in one tile, apart for every block of members.</summary>
sealed unsafe class OnePointPopulation(int members, bool pairs)
{
    readonly LaneArray sums = new(2 * Powers); // [block A, B][power − 1]
    BinCounts? bins;
    double centre, count;

    const int Powers = 4;

    /// <summary>One a block, once finished.</summary>
    internal Accumulated[] Moments { get; private set; } = [];

    /// <summary>One row a block, once finished.</summary>
    internal BinCounts Bins => bins!;

    /// <summary>Rows of both blocks of a tile, plain values.</summary>
    public void Add(double* a, double* b, int rows)
    {
        bins ??= Start(a, b, rows);
        AddPowers((Vector512<double>*)a, rows, sums.Vectors);
        AddPowers((Vector512<double>*)b, rows, sums.Vectors + Powers);
        int inA = Math.Min(members, LaneArray.Lanes), inB = members - inA;
        for (int row = 0; row < rows; row++, a += LaneArray.Lanes, b += LaneArray.Lanes)
        {
            for (int lane = 0; lane < inA; lane++) bins.Add(pairs ? lane : 0, a[lane]);
            for (int lane = 0; lane < inB; lane++) bins.Add(pairs ? lane : 0, b[lane]);
        }
        count += rows;
    }

    /// <summary>After the last sample.</summary>
    public void Finish()
    {
        var blocks = new Accumulated[pairs ? Math.Min(members, LaneArray.Lanes) : 1];
        for (int member = 0; member < members; member++)
        {
            int lane = member % LaneArray.Lanes, block = pairs ? lane : 0;
            blocks[block] = Accumulated.Join(blocks[block], Read(member / LaneArray.Lanes, lane));
        }
        Moments = blocks;
        bins = bins?.Trimmed();
        sums.Dispose();
    }

    // Powers of deviations from one fixed number near the mean: nothing cancels.
    BinCounts Start(double* a, double* b, int rows)
    {
        double sum = 0, squares = 0;
        for (int pass = 0; pass < 2; pass++)
        {
            for (int member = 0; member < members; member++)
            {
                double* block = member < LaneArray.Lanes ? a : b;
                for (int row = 0; row < rows; row++)
                {
                    double d = block[row * LaneArray.Lanes + member % LaneArray.Lanes] - centre;
                    (sum, squares) = (sum + d, squares + d * d);
                }
            }
            if (pass == 0) (centre, sum, squares) = (sum / ((double)rows * members), 0, 0);
        }
        return new BinCounts(pairs ? Math.Min(members, LaneArray.Lanes) : 1, centre, Math.Sqrt(squares / ((double)rows * members)));
    }

    void AddPowers(Vector512<double>* values, int rows, Vector512<double>* to)
    {
        var shift = Vector512.Create(centre);
        Vector512<double> one = to[0], two = to[1], three = to[2], four = to[3];
        for (int row = 0; row < rows; row++)
        {
            var d = values[row] - shift;
            var square = d * d;
            one += d;
            two += square;
            three += square * d;
            four += square * square;
        }
        (to[0], to[1], to[2], to[3]) = (one, two, three, four);
    }

    Accumulated Read(int half, int lane)
    {
        double n = count, m = sums[half * Powers, lane] / n;
        double s2 = sums[half * Powers + 1, lane], s3 = sums[half * Powers + 2, lane], s4 = sums[half * Powers + 3, lane];
        return new(n, centre + m, s2 - n * m * m, s3 - 3 * m * s2 + 2 * n * m * m * m, s4 - 4 * m * s3 + 6 * m * m * s2 - 3 * n * m * m * m * m);
    }
}
