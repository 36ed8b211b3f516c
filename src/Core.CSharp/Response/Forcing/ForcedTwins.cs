namespace Leith.Core;

/// <summary>A model and what is done to it by +ε and −ε.</summary>
/// <param name="Free">The model, with a stationary state.</param>
/// <param name="Plus">The model under +ε; the model itself where only the state is displaced.</param>
/// <param name="Minus">The model under −ε.</param>
/// <param name="Scheme">How all three are stepped.</param>
/// <param name="Step">h.</param>
/// <param name="Members">Independent members, rounded up to sixteens.</param>
/// <param name="SpinUp">Time to the stationary state, a whole multiple of the step.</param>
/// <param name="Longest">Longest lag, a whole multiple of Every.</param>
/// <param name="Every">Time between lags, a whole multiple of the step.</param>
/// <param name="Amplitude">ε, in the unit of what is changed.</param>
/// <param name="Seed">Seed of everything.</param>
public sealed record ForcedQuestion(Model Free, Model Plus, Model Minus, Scheme Scheme, double Step, int Members, double SpinUp, double Longest, double Every, double Amplitude, ulong Seed)
{
    /// <summary>g, a map of the state: u± = u ± ε g(u) at lag 0; null where the state is not displaced.</summary>
    public Func<ITileMap>? Displacement { get; init; }

    /// <summary>The observable A as a map of the state, a spectrum where Grid is given; null for the state itself.</summary>
    public Func<ITileMap>? Observable { get; init; }

    /// <summary>Rows of the observable; those of the model when 0.</summary>
    public int ObservableRows { get; init; }

    /// <summary>The torus on which the observable is a spectrum; null for plain values.</summary>
    public Grid? Grid { get; init; }

    /// <summary>Fills the states before spin-up; zeros when null.</summary>
    public Action<Tile>? Initial { get; init; }

    /// <summary>Whether the mean second-order part is kept, too.</summary>
    public bool KeepEven { get; init; }

    internal int Rows => ObservableRows > 0 ? ObservableRows : Free.Rows;

    internal int Lags => checked((int)Whole.Ratio("longest", Longest, "every", Every) + 1);

    internal int Tiles => SamplingPlan.TilesFor(Members);

    internal bool SameModel => ReferenceEquals(Free, Plus) && ReferenceEquals(Free, Minus);
}

/// <summary>What forced twins say. <c>Values</c> and <c>StandardError</c> are [lag][row]; where lags were projected, [projection][row].</summary>
/// <param name="Values">⟨A(u⁺) − A(u⁻)⟩/2ε, or the second-order part.</param>
/// <param name="StandardError">One standard error, over members.</param>
/// <param name="Replicates">[resample][lag][i] of the rows that were asked for: members drawn with replacement.</param>
public sealed record ForcedEstimate(double[][] Values, double[][] StandardError, double[][][] Replicates);

/// <summary>
/// R_f(t) = ⟨A(u⁺(t)) − A(u⁻(t))⟩/2ε over pairs of runs of two models, one under +ε f(t) and one under −ε f(t), that share start and noise: the response to any push, for any f(t),
/// with nothing assumed but that it is small.
/// </summary>
/// <remarks>
/// Central difference: bias O(ε²), and the even part ½(A(u⁺) + A(u⁻)) − A(u) shows how large. The free run goes on through all restarts, and at each the clock of the forced runs begins at 0.
/// The unit of the standard error is a member, averaged over its restarts, so correlation between restarts cannot fool it.
/// </remarks>
public sealed class ForcedTwins : IDisposable
{
    private readonly ForcedQuestion question;
    private readonly ForcedSums[] sums;
    private readonly LastStates states = new(1);
    private readonly long spinUp, every;
    private long step; // of the free run

    /// <summary>Nothing runs yet.</summary>
    /// <exception cref="LeithException">An amplitude that is not positive and finite; times that are no whole numbers of steps.</exception>
    public ForcedTwins(ForcedQuestion question)
    {
        if (!double.IsFinite(question.Amplitude) || question.Amplitude <= 0) throw new LeithException($"dynamical: expected a positive amplitude, got {Whole.Text(question.Amplitude)}.");
        this.question = question;
        spinUp = Whole.Ratio("spin-up", question.SpinUp, "step", question.Step);
        every = Whole.Ratio("every", question.Every, "step", question.Step);
        sums = [.. Enumerable.Range(0, question.Tiles).Select(_ => new ForcedSums(question.Grid, question.Rows, question.Lags, question.Amplitude, question.Observable, question.KeepEven))];
    }

    /// <summary>Times that all members went through the lags.</summary>
    public int Units { get; private set; }

    /// <summary>Pairs so far.</summary>
    public long Pairs => (long)question.Tiles * Tile.Members * Units;

    /// <summary>[lag]: size of the even part over the largest odd part of any lag, path by path; small in the linear regime.</summary>
    public double[] EvenPart
    {
        get
        {
            double largest = Math.Max(double.Epsilon, Enumerable.Range(0, question.Lags).Max(lag => sums.Sum(tile => tile.OddSquares[lag])));
            return [.. Enumerable.Range(0, question.Lags).Select(lag => Math.Sqrt(sums.Sum(tile => tile.EvenSquares[lag]) / largest))];
        }
    }

    /// <summary>[lag]: √⟨Σ_rows (½(A(u⁺) − A(u⁻)))²⟩, how far one member moves.</summary>
    public double[] OddSize => [.. Enumerable.Range(0, question.Lags).Select(lag => Math.Sqrt(sums.Sum(tile => tile.OddSquares[lag]) / Math.Max(1, Pairs)))];

    /// <summary>Goes on.</summary>
    /// <param name="units">Times through the lags.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="progress">Hears the fraction done.</param>
    /// <param name="cancellation">Looked at every few dozen steps.</param>
    public void Advance(int units, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        long span = (question.Lags - 1) * every, first = Units == 0 ? spinUp : 0;
        var meter = new ProgressMeter(progress, (first + 3.0 * units * span) * question.Tiles);
        TileDealer.Deal(question.Tiles, threads, () => new Worker(this), (worker, tile, giveUp) => worker.Run(tile, units, made =>
        {
            if (giveUp()) throw new GaveUpException();
            meter.Add(made);
            cancellation.ThrowIfCancellationRequested();
        }));
        step += first + units * span;
        Units += units;
    }

    /// <summary>The estimate from everything so far.</summary>
    /// <param name="rows">Rows of the replicates.</param>
    /// <param name="resamples">Number of replicates, 0 for none.</param>
    /// <param name="seed">What the resamples draw.</param>
    /// <param name="projection">[projection][lag]: weights of linear functionals of the curve that take the place of the lags; null for the lags themselves.</param>
    /// <param name="ofEven">Whether the second-order part, ⟨A(u⁺) + A(u⁻) − 2 A(u)⟩/2ε², is meant.</param>
    public ForcedEstimate Estimate(int[] rows, int resamples, ulong seed, double[][]? projection = null, bool ofEven = false)
    {
        int count = projection?.Length ?? question.Lags;
        double[][] values = new double[count][], errors = new double[count][], weights = [.. Enumerable.Range(0, resamples).Select(r => Draws(seed, r))];
        var replicates = Enumerable.Range(0, resamples).Select(_ => new double[count][]).ToArray();
        Parallel.For(0, count, at =>
        {
            double[][] members = projection is null ? Members(at, ofEven) : Project(projection[at], ofEven);
            double n = members.Length;
            values[at] = [.. Enumerable.Range(0, question.Rows).Select(row => members.Sum(m => m[row]) / n)];
            errors[at] = [.. values[at].Select((mean, row) => Math.Sqrt(members.Sum(m => (m[row] - mean) * (m[row] - mean)) / (n - 1) / n))];
            for (int r = 0; r < resamples; r++)
                replicates[r][at] = [.. rows.Select(row => members.Zip(weights[r], (m, w) => w * m[row]).Sum() / n)];
        });
        return new(values, errors, replicates);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var tile in sums) tile.Dispose();
        foreach (var tile in states.Tiles) tile.Dispose();
    }

    private double[] Draws(ulong seed, int resample)
    {
        int members = question.Tiles * Tile.Members;
        return Resampling.Weights(members, members, seed, resample);
    }

    private double[][] Members(int lag, bool ofEven) => [.. sums.SelectMany(tile => tile.Members(lag, ofEven))];

    private double[][] Project(double[] weights, bool ofEven)
    {
        double[][]? total = null;
        for (int lag = 0; lag < weights.Length; lag++)
        {
            if (weights[lag] == 0) continue;
            double[][] members = Members(lag, ofEven);
            total ??= Like(members);
            for (int m = 0; m < members.Length; m++) Resampling.AddScaled(weights[lag], members[m], total[m]);
        }
        return total ?? Like(Members(0, ofEven));
    }

    private static double[][] Like(double[][] values) => [.. values.Select(row => new double[row.Length])];

    /// <summary>Normals of later steps.</summary>
    private sealed class LaterNormals(ulong seed) : INormalSource
    {
        private readonly CounterNormals normals = new(seed);

        public long Offset { get; set; }

        public void Fill(Tile tile, long step) => normals.Fill(tile, step + Offset);
    }

    private sealed class Worker : IDisposable
    {
        private readonly ForcedTwins owner;
        private readonly LaterNormals[] later;
        private readonly TileRunner free;
        private readonly TileRunner[] forced;
        private readonly Tile[] states;
        private readonly Tile kick;
        private readonly ITileMap? displacement;

        public Worker(ForcedTwins owner)
        {
            this.owner = owner;
            var q = owner.question;
            var seed = Draw.Bits(q.Seed, Draw.Twins, 2, 0);
            free = new TileRunner(new Simulation(q.Free, q.Scheme, q.Step, seed), q.SameModel ? 3 : 1);
            Model[] models = q.SameModel ? [] : [q.Plus, q.Minus];
            later = [.. models.Select(_ => new LaterNormals(seed))];
            // The free model is checked; what a small push makes of it need not be judged again.
            forced = [.. models.Zip(later, (model, normals) => new TileRunner(new Simulation(model, q.Scheme, q.Step, seed, allowUnstable: true) { Normals = normals }, 1))];
            states = [.. Enumerable.Range(0, 3).Select(_ => new Tile(q.Free.Rows))];
            kick = new Tile(q.Free.Rows);
            displacement = q.Displacement?.Invoke();
        }

        public void Run(int tile, int units, Action<long> afterwards)
        {
            var q = owner.question;
            long at = owner.step;
            int members = SamplingPlan.RealMembers(q.Members, tile);
            foreach (var runner in forced.Append(free)) runner.Begin(tile, members);
            states[0].Index = tile;
            if (owner.Units > 0) TileMath.Copy(owner.states.Tiles.First(s => s.Index == tile), states[0]);
            else
            {
                TileMath.Clear(states[0]);
                q.Initial?.Invoke(states[0]);
                TileMath.Keep(states[0], q.Free.Kept);
                free.Advance(states.AsSpan(0, 1), 0, at = owner.spinUp, afterwards);
            }
            for (int unit = 0; unit < units; unit++) at = Follow(at, owner.sums[tile], afterwards);
            owner.states.Keep(states[0]);
        }

        private long Follow(long at, ForcedSums sums, Action<long> afterwards)
        {
            var q = owner.question;
            foreach (var normals in later) normals.Offset = at;
            Displace(at * q.Step);
            long start = at;
            for (int lag = 0; lag < q.Lags; lag++)
            {
                if (lag > 0)
                {
                    free.Advance(states.AsSpan(0, q.SameModel ? 3 : 1), at, at + owner.every, afterwards);
                    for (int i = 0; i < forced.Length; i++) forced[i].Advance(states.AsSpan(1 + i, 1), at - start, at - start + owner.every, afterwards);
                    at += owner.every;
                }
                sums.Add(lag, states[0], states[1], states[2]);
            }
            return at;
        }

        private void Displace(double time)
        {
            var q = owner.question;
            for (int twin = 1; twin <= 2; twin++) states[twin].CopyFrom(states[0]);
            if (displacement is null) return;
            displacement.Apply(states[0], time, kick);
            TileMath.Keep(kick, q.Free.Kept);
            TileMath.Add(states[1], q.Amplitude, kick);
            TileMath.Add(states[2], -q.Amplitude, kick);
        }

        public void Dispose()
        {
            displacement?.Dispose();
            free.Dispose();
            foreach (var runner in forced) runner.Dispose();
            foreach (var tile in states) tile.Dispose();
            kick.Dispose();
        }
    }
}
