namespace Leith.Core;

/// <summary>
/// Writes straight-line code: equal instructions are one register, constants are folded, zeros and ones vanish. Programs can be put into it, and their derivatives.
/// </summary>
internal sealed class PointwiseBuilder(int inputs)
{
    private readonly List<PointwiseInstruction> code = [];
    private readonly Dictionary<PointwiseInstruction, int> known = [];

    /// <summary>Instructions so far.</summary>
    public int Count => code.Count;

    /// <summary>t.</summary>
    public int Time => Put(new(PointwiseCode.Time));

    /// <summary>Input i.</summary>
    public int Load(int i) => Put(new(PointwiseCode.Load, i));

    /// <summary>A number.</summary>
    public int Constant(double value) => Put(new(PointwiseCode.Constant, Value: value));

    /// <summary>Whether a register is this number.</summary>
    public bool Is(int register, double value) => code[register].Code == PointwiseCode.Constant && code[register].Value == value;

    /// <summary>a + b.</summary>
    public int Add(int a, int b)
    {
        if (IsConstant(a, out double x) && IsConstant(b, out double y)) return Constant(x + y);
        if (Is(a, 0)) return b;
        if (Is(b, 0)) return a;
        if (code[b].Code == PointwiseCode.Negate) return Subtract(a, code[b].A);
        if (code[a].Code == PointwiseCode.Negate) return Subtract(b, code[a].A);
        return Put(new(PointwiseCode.Add, Math.Min(a, b), Math.Max(a, b)));
    }

    /// <summary>a − b.</summary>
    public int Subtract(int a, int b)
    {
        if (IsConstant(a, out double x) && IsConstant(b, out double y)) return Constant(x - y);
        if (a == b) return Constant(0);
        if (Is(b, 0)) return a;
        if (Is(a, 0)) return Negate(b);
        return code[b].Code == PointwiseCode.Negate ? Add(a, code[b].A) : Put(new(PointwiseCode.Subtract, a, b));
    }

    /// <summary>a b; constants are gathered.</summary>
    public int Multiply(int a, int b)
    {
        if (IsConstant(b, out double y))
        {
            if (IsConstant(a, out double x)) return Constant(x * y);
            (a, b) = (b, a);
        }
        if (IsConstant(a, out double factor))
        {
            if (factor is 0) return Constant(0);
            if (factor is 1) return b;
            if (factor is -1) return Negate(b);
            if (code[b].Code == PointwiseCode.Negate) return Multiply(Constant(-factor), code[b].A);
            if (code[b].Code == PointwiseCode.Multiply && IsConstant(code[b].A, out double inner)) return Multiply(Constant(factor * inner), code[b].B);
            return Put(new(PointwiseCode.Multiply, a, b));
        }
        return Put(new(PointwiseCode.Multiply, Math.Min(a, b), Math.Max(a, b)));
    }

    /// <summary>c a.</summary>
    public int Scale(double c, int a) => Multiply(Constant(c), a);

    /// <summary>a / b.</summary>
    public int Divide(int a, int b)
    {
        if (IsConstant(b, out double y)) return IsConstant(a, out double x) ? Constant(x / y) : y is 1 ? a : Put(new(PointwiseCode.Divide, a, b));
        return Is(a, 0) ? a : Put(new(PointwiseCode.Divide, a, b));
    }

    /// <summary>−a.</summary>
    public int Negate(int a)
    {
        if (IsConstant(a, out double x)) return Constant(-x);
        if (code[a].Code == PointwiseCode.Negate) return code[a].A;
        return code[a].Code == PointwiseCode.Multiply && IsConstant(code[a].A, out double factor) ? Scale(-factor, code[a].B) : Put(new(PointwiseCode.Negate, a));
    }

    /// <summary>a^p.</summary>
    public int Power(int a, double p)
    {
        if (p is 0) return Constant(1);
        if (p is 1) return a;
        if (p is 2) return Multiply(a, a);
        return IsConstant(a, out double x) ? Constant(Math.Pow(x, p)) : Put(new(PointwiseCode.Power, a, Value: p));
    }

    /// <summary>A function of one register.</summary>
    public int Unary(PointwiseCode function, int a)
    {
        if (function == PointwiseCode.Negate) return Negate(a);
        if (!IsConstant(a, out double x)) return Put(new(function, a));
        return Constant(new PointwiseProgram(1, [new(PointwiseCode.Load), new(function, 0)], [1]).Evaluate([x], 0)[0]);
    }

    /// <summary>The outputs of a program whose inputs and time are these registers.</summary>
    public int[] Inline(PointwiseProgram program, ReadOnlySpan<int> arguments, int time)
    {
        int[] register = Registers(program, arguments, time);
        return [.. program.Outputs.Select(output => register[output])];
    }

    /// <summary>d/dε of the outputs of a program at inputs + ε direction: forward differentiation, instruction by instruction.</summary>
    public int[] Tangent(PointwiseProgram program, ReadOnlySpan<int> arguments, ReadOnlySpan<int> direction, int time)
    {
        int[] register = Registers(program, arguments, time);
        int[] tangent = new int[register.Length];
        for (int i = 0; i < tangent.Length; i++)
        {
            var (function, a, b, value) = program.Code[i];
            tangent[i] = function switch
            {
                PointwiseCode.Load => direction[a],
                PointwiseCode.Constant or PointwiseCode.Time => Constant(0),
                PointwiseCode.Add => Add(tangent[a], tangent[b]),
                PointwiseCode.Subtract => Subtract(tangent[a], tangent[b]),
                PointwiseCode.Multiply => Add(Multiply(tangent[a], register[b]), Multiply(register[a], tangent[b])),
                PointwiseCode.Divide => Divide(Subtract(tangent[a], Multiply(register[i], tangent[b])), register[b]),
                _ when Is(tangent[a], 0) => tangent[a],
                _ => Multiply(tangent[a], Slope(function, register[a], register[i], value)),
            };
        }
        return [.. program.Outputs.Select(output => tangent[output])];
    }

    /// <summary>The program of these outputs, without what no output needs.</summary>
    public PointwiseProgram Build(IReadOnlyList<int> outputs)
    {
        var needed = new bool[code.Count];
        foreach (int output in outputs) needed[output] = true;
        for (int i = code.Count - 1; i >= 0; i--)
        {
            if (!needed[i]) continue;
            if (code[i].Operands > 0) needed[code[i].A] = true;
            if (code[i].Operands > 1) needed[code[i].B] = true;
        }
        var place = new int[code.Count];
        List<PointwiseInstruction> kept = [];
        for (int i = 0; i < code.Count; i++)
        {
            if (!needed[i]) continue;
            place[i] = kept.Count;
            var instruction = code[i];
            kept.Add(instruction.Operands switch
            {
                0 => instruction,
                1 => instruction with { A = place[instruction.A] },
                _ => instruction with { A = place[instruction.A], B = place[instruction.B] },
            });
        }
        return new(inputs, kept, [.. outputs.Select(output => place[output])]);
    }

    private int[] Registers(PointwiseProgram program, ReadOnlySpan<int> arguments, int time)
    {
        var register = new int[program.Code.Count];
        for (int i = 0; i < register.Length; i++)
        {
            var (function, a, b, value) = program.Code[i];
            register[i] = function switch
            {
                PointwiseCode.Load => arguments[a],
                PointwiseCode.Constant => Constant(value),
                PointwiseCode.Time => time,
                PointwiseCode.Add => Add(register[a], register[b]),
                PointwiseCode.Subtract => Subtract(register[a], register[b]),
                PointwiseCode.Multiply => Multiply(register[a], register[b]),
                PointwiseCode.Divide => Divide(register[a], register[b]),
                PointwiseCode.Power => Power(register[a], value),
                _ => Unary(function, register[a]),
            };
        }
        return register;
    }

    // f′(a) where the result r = f(a) is known
    private int Slope(PointwiseCode function, int a, int r, double exponent) => function switch
    {
        PointwiseCode.Negate => Constant(-1),
        PointwiseCode.Power => Scale(exponent, Power(a, exponent - 1)),
        PointwiseCode.Sqrt => Divide(Constant(0.5), r),
        PointwiseCode.Exp => r,
        PointwiseCode.Log => Divide(Constant(1), a),
        PointwiseCode.Sin => Unary(PointwiseCode.Cos, a),
        PointwiseCode.Cos => Negate(Unary(PointwiseCode.Sin, a)),
        PointwiseCode.Tanh => Subtract(Constant(1), Multiply(r, r)),
        PointwiseCode.Step => Constant(0),
        _ => Divide(a, r),
    };

    private bool IsConstant(int register, out double value)
    {
        value = code[register].Value;
        return code[register].Code == PointwiseCode.Constant;
    }

    private int Put(PointwiseInstruction instruction)
    {
        if (known.TryGetValue(instruction, out int register)) return register;
        code.Add(instruction);
        return known[instruction] = code.Count - 1;
    }
}
