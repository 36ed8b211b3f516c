namespace Leith.Core;

/// <summary>The largest value of rows computed from the state, and the first state at which one of them is not finite.</summary>
/// <param name="plan">Members that count.</param>
/// <param name="rows">The rows.</param>
public sealed class Extremes(SamplingPlan plan, TileRows rows)
{
    private readonly Lock _gate = new();
    private (long Index, int Member, int Row, double[] State)? _bad;

    /// <summary>The largest value of each row.</summary>
    public double[] Largest { get; } = [.. Enumerable.Repeat(double.NegativeInfinity, rows.Rows)];

    /// <summary>The row that is not finite and the state there, the earliest of the lowest member; null where all are.</summary>
    public (int Row, double[] State)? NotFinite => _bad is { } bad ? (bad.Row, bad.State) : null;

    /// <summary>The sink of a tile: hand this to <see cref="Simulation.Run"/>.</summary>
    public ITileSink Open(int tile) => new Sink(this, plan.RealMembers(tile));

    private void Join(double[] largest, (long Index, int Member, int Row, double[] State)? bad)
    {
        lock (_gate)
        {
            for (int row = 0; row < largest.Length; row++) Largest[row] = Math.Max(Largest[row], largest[row]);
            if (bad is { } b && (_bad is not { } known || (b.Index, b.Member).CompareTo((known.Index, known.Member)) < 0)) _bad = b;
        }
    }

    private sealed class Sink(Extremes owner, int members) : ITileSink
    {
        private readonly ITileMap _map = owner.Rows.Make();
        private readonly Tile _rows = new(owner.Rows.Rows);
        private readonly double[] _largest = [.. Enumerable.Repeat(double.NegativeInfinity, owner.Rows.Rows)];
        private (long Index, int Member, int Row, double[] State)? _bad;

        public void Sample(long index, double time, Tile state)
        {
            _map.Apply(state, time, _rows);
            for (int member = 0; member < members; member++)
                for (int row = 0; row < _largest.Length; row++)
                {
                    int lane = member % LaneArray.Lanes;
                    double value = (member < LaneArray.Lanes ? _rows.A : _rows.B)[row, lane];
                    if (value > _largest[row]) _largest[row] = value;
                    if (double.IsFinite(value) || _bad != null) continue;
                    var block = member < LaneArray.Lanes ? state.A : state.B;
                    _bad = (index, state.Index * Tile.Members + member, row, [.. Enumerable.Range(0, state.Rows).Select(i => block[i, lane])]);
                }
        }

        public void Finish()
        {
            _map.Dispose();
            _rows.Dispose();
            owner.Join(_largest, _bad);
        }
    }

    private TileRows Rows => rows;
}
