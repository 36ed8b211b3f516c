namespace Leith.Core;

/// <summary>Twins from restarts along one run of every member, the next where the last lag of the one before ended.</summary>
internal sealed class TwinEngine : IDynamicalEngine
{
    private readonly DynamicalQuestion question;
    private readonly bool field;
    private readonly ulong seed;
    private readonly TwinSums[] sums;
    private readonly LastStates states = new(1);
    private long step;

    public TwinEngine(DynamicalQuestion question, bool field, IReadOnlyList<Tile> start, long firstStep)
    {
        (this.question, this.field, step) = (question, field, firstStep);
        seed = Draw.Bits(question.Seed, Draw.Twins, field ? 1 : 0, 0);
        foreach (var tile in start) states.Keep(tile);
        sums = [.. Enumerable.Range(0, question.Tiles).Select(_ => new TwinSums(question.Grid, question.Rows, question.Lags, question.Size, question.Observable, field, question.PushedField))];
    }

    public int Units { get; private set; }

    public void Advance(int units, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        var q = question;
        var plan = new TwinPlan(q.FullMembers, units, 0, 0, q.Longest, q.Every, q.KickRows, q.Size) { Kicks = field ? FieldKicks.Of(q.PushedSegment!, seed, Units) : null };
        var simulation = new Simulation(q.Model, q.Scheme, q.Step, seed) { Initial = InitialState.Copies(states.Tiles), FirstStep = step };
        simulation.Twins(plan, tile => new Sink(this, sums[tile], units), threads, progress, cancellation);
        step += units * Whole.Ratio("longest", q.Longest, "step", q.Step);
        Units += units;
    }

    // The unit of the standard error is a member, averaged over its restarts: correlation between these cannot fool it.
    public DynamicalSums Estimate(int threads)
    {
        int lags = question.Lags, rows = question.Rows;
        int[] kept = Dynamical.ReplicateRows(question.Grid, rows);
        var curves = new double[lags][][];
        double[][] values = new double[lags][], errors = new double[lags][];
        Parallel.For(0, lags, new ParallelOptions { MaxDegreeOfParallelism = threads }, lag =>
        {
            double[][] members = [.. sums.SelectMany(tile => tile.Members(lag))];
            curves[lag] = [.. members.Select(member => kept.Select(row => member[row]).ToArray())];
            (values[lag], errors[lag]) = (new double[rows], new double[rows]);
            for (int row = 0; row < rows; row++)
            {
                double n = members.Length, mean = members.Sum(m => m[row]) / n;
                values[lag][row] = mean;
                errors[lag][row] = Math.Sqrt(members.Sum(m => (m[row] - mean) * (m[row] - mean)) / (n - 1) / n);
            }
        });
        // Where a response has decayed to rounding, its odd part is no measure.
        double largest = Math.Max(double.Epsilon, Enumerable.Range(0, lags).Max(lag => sums.Sum(tile => tile.Odd[lag])));
        double[] even = [.. Enumerable.Range(0, lags).Select(lag => Math.Sqrt(sums.Sum(tile => tile.Even[lag]) / largest))];
        return new DynamicalSums(values, errors, (long)question.FullMembers * Units, even)
        {
            Resample = () => (Dynamical.Resample(curves, seed).Replicates, question.FullMembers),
        };
    }

    public void Dispose()
    {
        foreach (var tile in sums) tile.Dispose();
    }

    private sealed class Sink(TwinEngine owner, TwinSums sums, int restarts) : ITwinSink
    {
        public void Sample(int restart, int lag, Tile free, Tile plus, Tile minus)
        {
            sums.Add(lag, free, plus, minus);
            if (restart == restarts - 1 && lag == owner.question.Lags - 1) owner.states.Keep(free);
        }

        public void Finish() { }
    }
}
