namespace Leith.Core;

/// <summary>result = G(state, t) for scalar unknowns: input i is row i of the state, output j row j of the result, in both blocks.</summary>
public sealed class ScalarProgram
{
    private readonly PointwiseProgram _program;

    /// <summary>The map of a pointwise program.</summary>
    public ScalarProgram(PointwiseProgram program) => _program = program;

    /// <summary>A fast map for one thread; the code is compiled once and shared.</summary>
    public ITileMap Compile() => new Map(_program, compiled: true);

    /// <summary>A slow map that evaluates the instructions member by member: the referee.</summary>
    public ITileMap Interpret() => new Map(_program, compiled: false);

    private sealed unsafe class Map(PointwiseProgram program, bool compiled) : ITileMap
    {
        private readonly PointwiseKernel? _kernel = compiled ? program.Kernel : null;

        public void Apply(Tile state, double time, Tile result)
        {
            if (state.Rows != program.Inputs || result.Rows != program.Outputs.Count)
                throw new LeithException($"scalar map: expected {program.Inputs} rows in and {program.Outputs.Count} out, got {state.Rows} and {result.Rows}; make one row for each unknown.");
            if (_kernel is null)
            {
                Interpret(state.A, time, result.A);
                Interpret(state.B, time, result.B);
            }
            else
            {
                Run(_kernel, state.A, time, result.A);
                Run(_kernel, state.B, time, result.B);
            }
        }

        public void Dispose() { }

        private static void Run(PointwiseKernel kernel, LaneArray state, double time, LaneArray result)
        {
            long* x = stackalloc long[state.Rows + 1], y = stackalloc long[result.Rows];
            for (int i = 0; i < state.Rows; i++) x[i] = (long)(state.Vectors + i);
            for (int i = 0; i < result.Rows; i++) y[i] = (long)(result.Vectors + i);
            kernel((long)x, (long)y, 0, 0, 1, 1, time);
        }

        private void Interpret(LaneArray state, double time, LaneArray result)
        {
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                int member = lane;
                double[] y = program.Evaluate([.. Enumerable.Range(0, state.Rows).Select(i => state[i, member])], time);
                for (int i = 0; i < y.Length; i++) result[i, lane] = y[i];
            }
        }
    }
}
