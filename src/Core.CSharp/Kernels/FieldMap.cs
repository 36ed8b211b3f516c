namespace Leith.Core;

/// <summary>A field program at work: one workspace, one thread. The buffer of the result is the result tile itself.</summary>
internal sealed unsafe class FieldMap : ITileMap
{
    private readonly FieldProgram _program;
    private readonly LaneFft _fft;
    private readonly Tile?[] _owned;
    private readonly double*[] _a, _b;
    private readonly Action<double>[] _steps;

    public FieldMap(FieldProgram program)
    {
        _program = program;
        _fft = new LaneFft(program.Grid);
        _owned = new Tile?[program.Buffers];
        (_a, _b) = (new double*[program.Buffers], new double*[program.Buffers]);
        for (int buffer = 1; buffer < program.Buffers; buffer++)
            if (buffer != program.Result) Bind(buffer, _owned[buffer] = new Tile(program.Grid.Sites));
        _steps = [.. program.Operations.Select(Step)];
    }

    public void Apply(Tile state, double time, Tile result)
    {
        int sites = _program.Grid.Sites;
        if (state.Rows != sites || result.Rows != sites)
            throw new LeithException($"field map: expected a state and a result of {sites} modes, got {state.Rows} and {result.Rows}; make tiles for the grid of the program.");
        Bind(0, state);
        if (_program.Result == 0) result.CopyFrom(state);
        else Bind(_program.Result, result);
        foreach (var step in _steps) step(time);
    }

    public void Dispose()
    {
        _fft.Dispose();
        foreach (var tile in _owned) tile?.Dispose();
    }

    private void Bind(int buffer, Tile tile)
    {
        _a[buffer] = tile.A.Pointer;
        _b[buffer] = tile.B.Pointer;
    }

    private Action<double> Step(FieldOperation operation)
    {
        switch (operation)
        {
            case FieldOperation.ToReal(var from, var to): return _ => _fft.Inverse(_a[from], _b[from], _a[to], _b[to]);
            case FieldOperation.ToSpectrum(var from, var to): return _ => _fft.Forward(_a[from], _b[from], _a[to], _b[to]);
            case FieldOperation.Multiply multiply:
                var symbol = new SymbolMultiplier(multiply.Symbol, multiply.Accumulate);
                return _ => symbol.Apply(_a[multiply.From], _b[multiply.From], _a[multiply.To], _b[multiply.To]);
            case FieldOperation.Pointwise pointwise: return PointwiseStep(pointwise.Program.Kernel, [.. pointwise.Inputs], [.. pointwise.Outputs]);
            default: throw new InvalidOperationException($"{operation}");
        }
    }

    private Action<double> PointwiseStep(PointwiseKernel kernel, int[] inputs, int[] outputs) => time =>
    {
        long* x = stackalloc long[inputs.Length + 1], y = stackalloc long[outputs.Length];
        for (int half = 0; half < 2; half++)
        {
            Point(x, inputs, half == 0 ? _a : _b);
            Point(y, outputs, half == 0 ? _a : _b);
            kernel((long)x, (long)y, _program.Grid.Sites, time);
        }
    };

    private static void Point(long* table, int[] buffers, double*[] block)
    {
        for (int i = 0; i < buffers.Length; i++) table[i] = (long)block[buffers[i]];
    }
}
