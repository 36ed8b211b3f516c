namespace Leith.Core;

/// <summary>
/// (y₁, y₂, …) = f(x₁, x₂, …, t) at every site alone, as straight-line code: register i is the result of instruction i, and instructions
/// read registers before their own. Compiled once, on first use, into a loop over rows of eight lanes; instances and threads share the code.
/// </summary>
public sealed class PointwiseProgram
{
    private readonly Lazy<PointwiseKernel> _kernel;
    private readonly Dictionary<string, PointwiseKernel> _kernels = [];

    /// <summary>A program of so many inputs.</summary>
    /// <param name="inputs">Number of inputs, 0 for a constant or a function of time alone.</param>
    /// <param name="code">The instructions.</param>
    /// <param name="outputs">The registers that are the outputs, in order.</param>
    /// <exception cref="LeithException">A register or an input out of range, no output, an exponent that is not a number; the message names the instruction.</exception>
    public PointwiseProgram(int inputs, IReadOnlyList<PointwiseInstruction> code, IReadOnlyList<int> outputs)
    {
        if (inputs < 0) throw new LeithException($"pointwise program: expected a number of inputs from 0 on, got {inputs}.");
        if (outputs.Count == 0) throw new LeithException("pointwise program: expected at least one output register, got none; name the register of the result.");
        (Inputs, Code, Outputs) = (inputs, [.. code], [.. outputs]);
        for (int i = 0; i < Code.Count; i++) Check(i);
        foreach (int output in Outputs)
            if (output < 0 || output >= Code.Count)
                throw new LeithException($"pointwise program: expected output registers from 0 to {Code.Count - 1}, got {output}; an output is the number of an instruction.");
        _kernel = new(() => PointwiseCompiler.Compile(this));
    }

    /// <summary>Number of inputs.</summary>
    public int Inputs { get; }

    /// <summary>The instructions.</summary>
    public IReadOnlyList<PointwiseInstruction> Code { get; }

    /// <summary>The registers that are the outputs.</summary>
    public IReadOnlyList<int> Outputs { get; }

    /// <summary>The compiled loop.</summary>
    internal PointwiseKernel Kernel => _kernel.Value;

    /// <summary>The compiled loop over lines of so many sites (0: sites in one row), with inputs read as told.</summary>
    internal PointwiseKernel KernelFor(PointwiseAccess[] access, int length)
    {
        if (length == 0 && access.All(a => a.Kind == PointwiseAccessKind.Row)) return Kernel;
        string key = $"{length}: {string.Join("; ", access)}";
        lock (_kernels)
        {
            if (!_kernels.TryGetValue(key, out var kernel)) _kernels[key] = kernel = PointwiseCompiler.Compile(this, access, length);
            return kernel;
        }
    }

    /// <summary>f(inputs, time) at one site, instruction by instruction: the slow referee of the compiled loop.</summary>
    /// <param name="inputs">One value an input.</param>
    /// <param name="time">t.</param>
    /// <returns>One value an output.</returns>
    public double[] Evaluate(ReadOnlySpan<double> inputs, double time)
    {
        var register = new double[Code.Count];
        for (int i = 0; i < Code.Count; i++)
        {
            var (code, a, b, value) = Code[i];
            register[i] = code switch
            {
                PointwiseCode.Load => inputs[a],
                PointwiseCode.Constant => value,
                PointwiseCode.Time => time,
                PointwiseCode.Add => register[a] + register[b],
                PointwiseCode.Subtract => register[a] - register[b],
                PointwiseCode.Multiply => register[a] * register[b],
                PointwiseCode.Divide => register[a] / register[b],
                PointwiseCode.Negate => -register[a],
                PointwiseCode.Power => Math.Pow(register[a], value),
                PointwiseCode.Sqrt => Math.Sqrt(register[a]),
                PointwiseCode.Exp => Math.Exp(register[a]),
                PointwiseCode.Log => Math.Log(register[a]),
                PointwiseCode.Sin => Math.Sin(register[a]),
                PointwiseCode.Cos => Math.Cos(register[a]),
                PointwiseCode.Tanh => Math.Tanh(register[a]),
                PointwiseCode.Step => double.IsNaN(register[a]) ? double.NaN : register[a] > 0 ? 1 : 0,
                _ => Math.Abs(register[a]),
            };
        }
        return [.. Outputs.Select(output => register[output])];
    }

    private void Check(int i)
    {
        var instruction = Code[i];
        string where = $"pointwise program: instruction {i} ({instruction.Code})";
        if (!Enum.IsDefined(instruction.Code)) throw new LeithException($"{where}: expected a code of the enumeration PointwiseCode, got {(int)instruction.Code}.");
        if (instruction.Code == PointwiseCode.Load && (instruction.A < 0 || instruction.A >= Inputs))
            throw new LeithException($"{where}: expected an input below {Inputs}, got {instruction.A}; raise the number of inputs or load another.");
        if (instruction.Code == PointwiseCode.Power && !double.IsFinite(instruction.Value))
            throw new LeithException($"{where}: expected a finite exponent, got {instruction.Value}.");
        foreach (int operand in new[] { instruction.A, instruction.B }.Take(instruction.Operands))
            if (operand < 0 || operand >= i)
                throw new LeithException($"{where}: expected registers of earlier instructions, 0 to {i - 1}, got {operand}; order the instructions so that every value is computed before it is read.");
    }
}
