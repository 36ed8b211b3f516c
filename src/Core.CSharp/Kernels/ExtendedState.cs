namespace Leith.Core;

/// <summary>Adds rows computed from the state of scalar unknowns to it.</summary>
/// <param name="components">Number of unknowns.</param>
/// <param name="added">The rows that follow the state.</param>
/// <param name="inner">Who sees the longer state.</param>
/// <remarks>Sinks behind it see [x, added rows], so that expressions may hold values that no expression gives: a learned score, its derivatives.</remarks>
public sealed unsafe class ExtendedState(int components, IReadOnlyList<TileRows> added, ITileSink inner) : ITileSink
{
    private readonly Tile _state = new(components + added.Sum(a => a.Rows));
    private readonly (ITileMap Map, Tile Rows)[] _maps = [.. added.Select(a => (a.Make(), new Tile(a.Rows)))];

    /// <inheritdoc/>
    public void Sample(long index, double time, Tile state)
    {
        _state.Index = state.Index;
        int first = 0;
        Lay(state, components);
        foreach (var (map, rows) in _maps)
        {
            map.Apply(state, time, rows);
            Lay(rows, rows.Rows);
        }
        inner.Sample(index, time, _state);

        void Lay(Tile from, int rows)
        {
            int length = rows * LaneArray.Lanes;
            from.A.Span[..length].CopyTo(_state.A.Span[(first * LaneArray.Lanes)..]);
            from.B.Span[..length].CopyTo(_state.B.Span[(first * LaneArray.Lanes)..]);
            first += rows;
        }
    }

    /// <inheritdoc/>
    public void Finish()
    {
        inner.Finish();
        foreach (var (map, rows) in _maps)
        {
            map.Dispose();
            rows.Dispose();
        }
        _state.Dispose();
    }
}

/// <summary>[f, ∂f_a/∂x_i] of a map of scalar unknowns, ∂ by central differences (f(x + h e_i) − f(x − h e_i))/2h, an error of O(h²): row outputs + a · components + i.</summary>
/// <param name="map">f.</param>
/// <param name="components">Number of unknowns.</param>
/// <param name="outputs">Rows of f.</param>
/// <param name="steps">h of each unknown.</param>
public sealed unsafe class JacobianMap(ITileMap map, int components, int outputs, double[] steps) : ITileMap
{
    private readonly Tile _moved = new(components), _up = new(outputs), _down = new(outputs);

    /// <summary>Rows of the result.</summary>
    public static int Rows(int components, int outputs) => outputs * (1 + components);

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        map.Apply(state, time, _up);
        for (int a = 0; a < outputs; a++) (result.A.Vectors[a], result.B.Vectors[a]) = (_up.A.Vectors[a], _up.B.Vectors[a]);
        state.A.Span[..(components * LaneArray.Lanes)].CopyTo(_moved.A.Span);
        state.B.Span[..(components * LaneArray.Lanes)].CopyTo(_moved.B.Span);
        for (int i = 0; i < components; i++)
        {
            Move(state, i, steps[i], time, _up);
            Move(state, i, -steps[i], time, _down);
            (_moved.A.Vectors[i], _moved.B.Vectors[i]) = (state.A.Vectors[i], state.B.Vectors[i]);
            double scale = 0.5 / steps[i];
            for (int a = 0, row = outputs + i; a < outputs; a++, row += components)
                (result.A.Vectors[row], result.B.Vectors[row]) = ((_up.A.Vectors[a] - _down.A.Vectors[a]) * scale, (_up.B.Vectors[a] - _down.B.Vectors[a]) * scale);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        map.Dispose();
        _moved.Dispose();
        _up.Dispose();
        _down.Dispose();
    }

    private void Move(Tile state, int i, double step, double time, Tile to)
    {
        var by = System.Runtime.Intrinsics.Vector512.Create(step);
        (_moved.A.Vectors[i], _moved.B.Vectors[i]) = (state.A.Vectors[i] + by, state.B.Vectors[i] + by);
        map.Apply(_moved, time, to);
    }
}
