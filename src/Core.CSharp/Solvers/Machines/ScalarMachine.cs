using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>Executes a step law of scalar unknowns as one piece of code: inputs are the rows of the state and those of the normals, outputs the rows of the new state.</summary>
internal sealed class ScalarMachine : IStepper
{
    private readonly PointwiseKernel kernel;

    private ScalarMachine(PointwiseProgram program, int rows)
    {
        kernel = program.Kernel;
        // Normals after the last that the code reads need not be drawn.
        Normals = Math.Max(0, program.Code.Where(i => i.Code == PointwiseCode.Load).Select(i => i.A + 1 - rows).DefaultIfEmpty(0).Max());
        Program = program;
    }

    public int Normals { get; }

    /// <summary>The step.</summary>
    public PointwiseProgram Program { get; }

    /// <summary>The machine, or null where the model is not given as code or the step is so long that a processor's registers gain nothing.</summary>
    public static ScalarMachine? TryMake(Model model, Scheme scheme, double step)
    {
        const int Longest = 2000;
        if (model.HasFields || model.ScalarDrift is null || (model.IsMultiplicative && model.ScalarNoise is null)) return null;
        var program = ScalarStep.Compile(model, scheme, step);
        return program.Code.Count > Longest ? null : new ScalarMachine(program, model.Rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(Tile state, double time, Tile normals)
    {
        ScalarPair.Run(kernel, state.A, normals.A, time, state.A);
        ScalarPair.Run(kernel, state.B, normals.B, time, state.B);
    }

    public void Dispose() { }
}
