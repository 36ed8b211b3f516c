using System.Numerics;

namespace Leith.Core;

/// <summary>A field program at work: one workspace, one thread. A buffer that is a segment of the result is the result tile itself.</summary>
internal sealed unsafe class FieldMap : ITileMap, IPairMap
{
    private readonly FieldProgram _program;
    private readonly Dictionary<Grid, LaneFft> _fft = [];
    private readonly List<IDisposable> _owned = [];
    private readonly double*[] _a, _b;
    private readonly Action<double>[] _steps;
    private readonly int[] _rows;   // of each input tile
    private readonly int _resultRows;
    private readonly bool[] _inPlace; // [segment of the result]: whether its buffer is the result itself

    public FieldMap(FieldProgram program)
    {
        _program = program;
        (_a, _b) = (new double*[program.Buffers], new double*[program.Buffers]);
        _inPlace = [.. program.Results.Select((buffer, i) => buffer >= program.InputBuffers && program.Results.Take(i).All(other => other != buffer))];
        for (int buffer = program.InputBuffers; buffer < program.Buffers; buffer++)
            if (!program.Results.Contains(buffer))
            {
                var tile = Own(new Tile(program.BufferGrids[buffer]?.Sites ?? 1));
                Bind(buffer, tile, 0);
            }
        _rows = [.. program.Inputs.Select(Rows)];
        _resultRows = Rows(program.Outputs);
        _steps = [.. Steps()];
    }

    /// <summary>The program with L added, result ← G(state, t) + L state, where the result has the segments of the state and these are modes; null where they are not.</summary>
    public FieldMap? Plus(Complex[] linear)
    {
        if (_program.Inputs.Count != 1 || _program.Inputs[0].Count != _program.Outputs.Count) return null;
        bool fits = _program.Outputs.Zip(_program.Inputs[0]).All(p => p.First.Representation == Representation.Modes && p.Second.Representation == Representation.Modes && p.First.Rows == p.Second.Rows);
        if (!fits || _inPlace.Any(isInPlace => !isInPlace)) return null;
        var more = _program.Inputs[0].Select((s, i) => new FieldOperation.Multiply(i, _program.Results[i], linear[s.First..s.End], true));
        return new FieldMap(new FieldProgram(_program.Inputs, _program.BufferGrids, [.. _program.Operations, .. more], _program.Results, _program.Outputs));
    }

    public void Apply(Tile state, double time, Tile result) => Apply(state, null, time, result);

    public void Apply(Tile state, Tile? other, double time, Tile result)
    {
        BindInputs(state, other, result);
        for (int i = 0; i < _program.Outputs.Count; i++)
            if (_inPlace[i]) Bind(_program.Results[i], result, _program.Outputs[i].First);
        foreach (var step in _steps) step(time);
        for (int i = 0; i < _program.Outputs.Count; i++)
            if (!_inPlace[i]) Copy(_program.Results[i], result, _program.Outputs[i]);
    }

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
    }

    private static int Rows(IReadOnlyList<Segment> segments) => segments.Max(segment => segment.End);

    private T Own<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private void BindInputs(Tile state, Tile? other, Tile result)
    {
        int buffer = 0;
        for (int t = 0; t < _program.Inputs.Count; t++)
        {
            var tile = t == 0 ? state : other ?? throw new LeithException("field map: expected two tiles, got one; apply it as a map of two.");
            if (tile.Rows != _rows[t] || result.Rows != _resultRows)
                throw new LeithException($"field map: expected a state and a result of {_rows[t]} modes, got {tile.Rows} and {result.Rows}; make tiles for the grid of the program.");
            foreach (var segment in _program.Inputs[t]) Bind(buffer++, tile, segment.First);
        }
    }

    private void Bind(int buffer, Tile tile, int row)
    {
        _a[buffer] = tile.A.Pointer + row * LaneArray.Lanes;
        _b[buffer] = tile.B.Pointer + row * LaneArray.Lanes;
    }

    private void Copy(int buffer, Tile result, Segment segment)
    {
        int count = segment.Rows * LaneArray.Lanes, first = segment.First * LaneArray.Lanes;
        new Span<double>(_a[buffer], count).CopyTo(result.A.Span.Slice(first, count));
        new Span<double>(_b[buffer], count).CopyTo(result.B.Span.Slice(first, count));
    }

    private LaneFft Fft(int buffer)
    {
        var grid = _program.BufferGrids[buffer]!;
        return _fft.TryGetValue(grid, out var fft) ? fft : _fft[grid] = Own(new LaneFft(grid));
    }

    private List<Action<double>> Steps()
    {
        List<Action<double>> steps = [];
        for (int i = 0; i < _program.Operations.Count; i++)
        {
            if (FieldGroup.At(_program, i) is not var (group, count))
            {
                steps.Add(Step(_program.Operations[i]));
                continue;
            }
            var lines = Own(new LineByLine(group, _program.Buffers));
            steps.Add(time => lines.Apply(_a, _b, time));
            i += count - 1;
        }
        return steps;
    }

    private Action<double> Step(FieldOperation operation)
    {
        switch (operation)
        {
            case FieldOperation.ToReal(var from, var to):
                var inverse = Fft(from);
                return _ => inverse.Inverse(_a[from], _b[from], _a[to], _b[to]);
            case FieldOperation.ToSpectrum(var from, var to):
                var forward = Fft(from);
                return _ => forward.Forward(_a[from], _b[from], _a[to], _b[to]);
            case FieldOperation.Multiply multiply:
                var symbol = new SymbolMultiplier(multiply.Symbol, multiply.Accumulate);
                return _ => symbol.Apply(_a[multiply.From], _b[multiply.From], _a[multiply.To], _b[multiply.To]);
            case FieldOperation.Pointwise pointwise: return PointwiseStep(pointwise);
            case FieldOperation.Mean(var from, var to): return MeanStep(from, to);
            case FieldOperation.Displace(var spectrum, var displacement, var to):
                var interpolation = Own(new TrigonometricInterpolation(_program.BufferGrids[to]!));
                int[] d = [.. displacement];
                return _ => interpolation.Apply(_a[spectrum], _b[spectrum], [.. d.Select(buffer => (nint)_a[buffer])], [.. d.Select(buffer => (nint)_b[buffer])], _a[to], _b[to]);
            case FieldOperation.Flow flow:
                var map = Own(new FlowMap(flow));
                return time => map.Apply(_a, _b, time);
            case FieldOperation.Waves(var phases, var to, var amplitude):
                var waves = new WaveSum(_program.BufferGrids[to]!, amplitude);
                return _ => waves.Apply(_a[phases], _b[phases], _a[to], _b[to]);
            default: throw new InvalidOperationException($"{operation}");
        }
    }

    // whether a buffer holds a spectrum is settled by what writes it last before the operation that reads it
    private bool IsSpectrum(int buffer, FieldOperation reader)
    {
        var segments = _program.Inputs.SelectMany(tile => tile).ToArray();
        bool spectrum = buffer < segments.Length && segments[buffer].Representation == Representation.Modes;
        foreach (var operation in _program.Operations.TakeWhile(o => !ReferenceEquals(o, reader)))
            spectrum = operation switch
            {
                FieldOperation.ToReal(_, var to) when to == buffer => false,
                FieldOperation.ToSpectrum(_, var to) when to == buffer => true,
                FieldOperation.Multiply(_, var to, _, _) when to == buffer => true,
                FieldOperation.Waves(_, var to, _) when to == buffer => true,
                FieldOperation.Displace(_, _, var to) when to == buffer => false,
                FieldOperation.Flow flow when flow.To.Contains(buffer) => true,
                FieldOperation.Pointwise(_, _, var outputs) when outputs.Contains(buffer) => false,
                _ => spectrum,
            };
        return spectrum;
    }

    private Action<double> MeanStep(int from, int to)
    {
        int sites = _program.BufferGrids[from]!.Sites;
        var reader = _program.Operations.First(o => o is FieldOperation.Mean(var f, var t) && f == from && t == to);
        int rows = IsSpectrum(from, reader) ? 1 : sites;
        return _ =>
        {
            TileMath.Mean(_a[from], rows, sites, _a[to]);
            TileMath.Mean(_b[from], rows, sites, _b[to]);
        };
    }

    private Action<double> PointwiseStep(FieldOperation.Pointwise operation)
    {
        int[] outputs = [.. operation.Outputs];
        var loop = Own(new PointwiseLoop(operation.Program, operation.Inputs, _program.BufferGrids[outputs[0]]?.Points ?? [1]));
        LaneArray?[] tables = [.. operation.Inputs.Select(input => input is PointwiseInput.Table(var values) ? Own(TableOf(values)) : null)];
        int[] buffers = [.. operation.Inputs.Select(input => input switch { PointwiseInput.Value v => v.Buffer, PointwiseInput.Number n => n.Buffer, PointwiseInput.Neighbour n => n.Buffer, _ => -1 })];
        return time =>
        {
            long* x = stackalloc long[buffers.Length + 1], y = stackalloc long[outputs.Length];
            for (int half = 0; half < 2; half++)
            {
                var block = half == 0 ? _a : _b;
                for (int i = 0; i < buffers.Length; i++) x[i] = tables[i] is { } table ? (long)table.Pointer : (long)block[buffers[i]];
                for (int i = 0; i < outputs.Length; i++) y[i] = (long)block[outputs[i]];
                loop.Run(x, y, time);
            }
        };
    }

    private static LaneArray TableOf(double[] values)
    {
        var table = new LaneArray((values.Length + LaneArray.Lanes - 1) / LaneArray.Lanes);
        values.CopyTo(table.Span);
        return table;
    }
}
