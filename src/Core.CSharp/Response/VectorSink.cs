namespace Leith.Core;

/// <summary>Receives the samples of one tile of scalar unknowns and sums A(n) B(n−τ)ᵀ for each member.</summary>
internal sealed class VectorSink : ITileSink
{
    private readonly LagShape _shape;
    private readonly int _members;
    private readonly bool _share;
    private readonly Action<List<double[]>[]> _finished;
    private readonly List<double[]>[] _chains;
    private readonly LaneLagSums[] _sums;
    private readonly (ITileMap Map, Tile Rows)[] _observables;
    private readonly (ITileMap Map, Tile Rows)[] _scores;
    private long _inBlock;

    public VectorSink(VectorLagPlan plan, LagShape shape, int members, bool share, Action<List<double[]>[]> finished)
    {
        (_shape, _members, _share, _finished) = (shape, members, share, finished);
        _chains = [.. Enumerable.Range(0, share ? 1 : members).Select(_ => new List<double[]>())];
        _sums = [new LaneLagSums(shape), new LaneLagSums(shape)];
        _observables = [.. plan.Observables.Select(rows => (rows.Make(), new Tile(rows.Rows)))];
        _scores = [.. plan.Scores.Concat(plan.Features).Select(rows => (rows.Make(), new Tile(rows.Rows)))];
    }

    /// <inheritdoc/>
    public void Sample(long index, double time, Tile state)
    {
        if (_inBlock == _shape.BlockLength) Close();
        foreach (var (map, rows) in _observables) map.Apply(state, time, rows);
        foreach (var (map, rows) in _scores) map.Apply(state, time, rows);
        for (int block = 0; block < 2; block++)
        {
            var sums = _sums[block];
            sums.Observe(Block(state, block), 0, _shape.Dimension);
            sums.Conjugate(Block(state, block), 0, _shape.Dimension);
            int row = _shape.Dimension, column = _shape.Dimension;
            foreach (var (_, rows) in _observables)
            {
                sums.Observe(Block(rows, block), row, rows.Rows);
                row += rows.Rows;
            }
            foreach (var (_, rows) in _scores)
            {
                sums.Conjugate(Block(rows, block), column, rows.Rows);
                column += rows.Rows;
            }
            sums.Advance();
        }
        _inBlock++;
    }

    /// <inheritdoc/>
    public void Finish()
    {
        if (_inBlock > 0) Close();
        foreach (var sums in _sums) sums.Dispose();
        foreach (var (map, rows) in _observables.Concat(_scores))
        {
            map.Dispose();
            rows.Dispose();
        }
        _finished(_chains);
    }

    private static LaneArray Block(Tile tile, int block) => block == 0 ? tile.A : tile.B;

    private void Close()
    {
        var shared = _share ? new double[_shape.Size] : null;
        if (shared != null) _chains[0].Add(shared);
        for (int member = 0; member < _members; member++)
        {
            var block = shared ?? new double[_shape.Size];
            _sums[member / LaneArray.Lanes].AddTo(block, member % LaneArray.Lanes);
            if (shared == null) _chains[member].Add(block);
        }
        foreach (var sums in _sums) sums.Clear();
        _inBlock = 0;
    }
}
