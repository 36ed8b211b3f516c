namespace Leith.Core;

/// <summary>Var(E[A(t)|u₀]) lag by lag.</summary>
/// <param name="Lags">Lags in units of time.</param>
/// <param name="Values">[lag][output]; a field's output is its average over the sites.</param>
/// <param name="StandardError">Same shape, by leaving out one group of starts at a time; NaN of fewer than two groups.</param>
public sealed record ForkedVariance(double[] Lags, double[][] Values, double[][] StandardError)
{
    /// <summary>The variance at any lag: that of the last lag before it, which is no less, since the conditional mean of a stationary Markov process only loses variance.</summary>
    /// <param name="lag">A time, 0 or more.</param>
    /// <param name="output">Which output.</param>
    public double At(double lag, int output)
    {
        int last = 0;
        while (last + 1 < Lags.Length && Lags[last + 1] <= lag * (1 + 1e-9)) last++;
        return Math.Max(0, Values[last][output]);
    }
}

/// <summary>
/// Forked runs: two runs from the same state with independent noise have Cov(A₁(t), A₂(t)) = Var(E[A(t)|u₀]), since they have nothing but u₀ in common.
/// An estimate without bias, of standard error about Var(A)/√starts.
/// </summary>
/// <param name="starts">States to fork at, of the stationary law; indices as in the run that saved them, one after the other in time with the indices going on.</param>
/// <param name="members">Members of that run.</param>
/// <param name="observable">A, a map of the state; null for the state itself.</param>
/// <param name="outputs">What its rows are: each becomes one number, a field by the average over its sites.</param>
public sealed class Forks(IReadOnlyList<Tile> starts, int members, Func<ITileMap>? observable, IReadOnlyList<Segment> outputs)
{
    private readonly SortedDictionary<int, double[][]> blocks = []; // start and lane → [lag, output][count, first, second, both]
    private readonly Dictionary<int, double[][]> waiting = []; // start → [lag] rows of the fork that came first
    private readonly int rows = outputs.Max(output => output.End), tiles = SamplingPlan.TilesFor(members);

    /// <summary>Runs the forks.</summary>
    /// <param name="make">A simulation from an initial state, with a seed that neither the run nor any other estimate uses.</param>
    /// <param name="longest">The longest lag.</param>
    /// <param name="every">Time between lags, a whole multiple of the step.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="progress">Hears the fraction of all steps that were made, from any thread.</param>
    /// <param name="cancellation">Looked at before every sample.</param>
    /// <exception cref="LeithException">No start; as <see cref="Simulation.Run"/>.</exception>
    public ForkedVariance Run(Func<Action<Tile>, Simulation> make, double longest, double every, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (starts.Count == 0) throw new LeithException("forks: expected at least one state to start from, got none.");
        var states = starts.ToDictionary(tile => tile.Index);
        int[] order = [.. states.Keys.Order()];
        // two tiles a start: their members have numbers, and so noise, of their own
        var simulation = make(tile => TileMath.Copy(states[order[tile.Index / 2]], tile));
        var plan = new SamplingPlan(2 * order.Length * Tile.Members, 0, longest + every, every);
        int lags = (int)plan.Samples;
        simulation.Run(plan, tile => new Sink(this, order[tile / 2], lags), threads, progress, cancellation);
        // starts of the same members are correlated in time: they stay together
        var groups = blocks.GroupBy(b => (b.Key / 16 % tiles, b.Key % 16)).Select(g => g.Select(b => b.Value).Aggregate(Add)).ToArray();
        int width = outputs.Count;
        var total = groups.Aggregate(Add);
        double[][] Without(int group) => group >= 0 && group < groups.Length ? [.. total.Zip(groups[group], (x, y) => x.Zip(y, (p, q) => p - q).ToArray())] : total;
        var (values, errors) = Jackknife.Curve(groups.Length, without => Covariance(Without(without)));
        double[][] Shaped(double[] flat) => [.. flat.Chunk(width)];
        return new([.. Enumerable.Range(0, lags).Select(i => i * every)], Shaped(values), Shaped(errors));
    }

    private static double[][] Add(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (p, q) => p + q).ToArray())];

    // n/(n − 1) for the mean that was estimated, n the number of starts
    private static double[] Covariance(double[][] sums) =>
        [.. sums.Select(s => s[0] < 2 ? double.NaN : (s[3] / s[0] - s[1] / s[0] * (s[2] / s[0])) * s[0] / (s[0] - 1))];

    // The second fork of a start to end is correlated with the first; a sum of two is the same in either order.
    private void Finish(int start, double[][] values, int lags)
    {
        double[][]? other;
        lock (waiting)
            if (!waiting.Remove(start, out other))
            {
                waiting[start] = values;
                return;
            }
        int real = SamplingPlan.RealMembers(members, start % tiles);
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
        {
            // a pair of members is a block where their spectra are mixed; else each is one
            for (int half = 0; half < 2; half++)
            {
                var sums = new double[lags * outputs.Count][];
                bool any = false;
                for (int lag = 0, at = 0; lag < lags; lag++)
                    foreach (var output in outputs) any |= Correlate(sums[at++] = new double[4], output, values[lag], other[lag], lane, half, real);
                if (any) lock (blocks) blocks[start * 16 + half * LaneArray.Lanes + lane] = sums;
            }
        }
    }

    private bool Correlate(double[] sums, Segment output, double[] x, double[] y, int lane, int half, int real)
    {
        const int lanes = LaneArray.Lanes;
        int block = half * rows * lanes;
        if (output.Representation == Representation.Modes)
        {
            // Z = fft(a + i b): Σ_k Re conj(Z₁) Z₂ = N Σ_x (a₁ a₂ + b₁ b₂); both members go with block A, or neither
            if (half == 1 || lane + lanes >= real) return false;
            double n = output.Rows, both = 0;
            for (int row = output.First; row < output.End; row++)
                both += x[row * lanes + lane] * y[row * lanes + lane] + x[(rows + row) * lanes + lane] * y[(rows + row) * lanes + lane];
            int first = output.First * lanes + lane, second = first + rows * lanes;
            (sums[0], sums[1], sums[2], sums[3]) = (2, (x[first] + x[second]) / n, (y[first] + y[second]) / n, both / (n * n));
            return true;
        }
        if (lane + half * lanes >= real) return false;
        sums[0] = 1;
        for (int row = output.First; row < output.End; row++)
        {
            double p = x[block + row * lanes + lane], q = y[block + row * lanes + lane];
            sums[1] += p / output.Rows;
            sums[2] += q / output.Rows;
            sums[3] += p * q / output.Rows;
        }
        return true;
    }

    private sealed class Sink(Forks owner, int start, int lags) : ITileSink
    {
        private readonly ITileMap? map = owner.Observable?.Invoke();
        private readonly Tile scratch = new(owner.rows);
        private readonly double[][] values = new double[lags][];

        public void Sample(long index, double time, Tile state)
        {
            map?.Apply(state, time, scratch);
            var from = map is null ? state : scratch;
            int length = owner.rows * LaneArray.Lanes;
            values[index] = [.. from.A.Span[..length], .. from.B.Span[..length]];
        }

        public void Finish()
        {
            map?.Dispose();
            scratch.Dispose();
            owner.Finish(start, values, lags);
        }
    }

    private Func<ITileMap>? Observable => observable;
}

/// <summary>Keeps the states of every tile at a few samples, evenly in time, as starts of <see cref="Forks"/>: sample i of tile j gets the index i · tiles + j.</summary>
/// <param name="plan">What will be run.</param>
/// <param name="times">How many samples of every tile to keep, at most.</param>
public sealed class ForkStarts(SamplingPlan plan, int times)
{
    private readonly SortedDictionary<int, Tile> kept = [];
    private readonly long stride = Math.Max(1, (plan.Samples + times - 1) / times);

    /// <summary>The states, in the order of their indices.</summary>
    public IReadOnlyList<Tile> Tiles
    {
        get { lock (kept) return [.. kept.Values]; }
    }

    /// <summary>The sink of a tile: hand this to <see cref="Simulation.Run"/>.</summary>
    public ITileSink Open(int tile) => new Sink(this, tile);

    private sealed class Sink(ForkStarts owner, int tile) : ITileSink
    {
        public void Sample(long index, double time, Tile state)
        {
            if (index % owner.stride != 0) return;
            var copy = new Tile(state.Rows);
            copy.CopyFrom(state);
            copy.Index = checked((int)(index / owner.stride) * owner.Plan.Tiles + tile);
            lock (owner.kept) owner.kept[copy.Index] = copy;
        }

        public void Finish() { }
    }

    private SamplingPlan Plan => plan;
}
