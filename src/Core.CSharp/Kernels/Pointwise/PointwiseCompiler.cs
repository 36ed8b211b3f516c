using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>A compiled pointwise program: for each of so many rows, loads, computes, stores. The addresses stand in two tables.</summary>
internal delegate void PointwiseKernel(long inputs, long outputs, int rows, double time);

/// <summary>
/// Turns a pointwise program into one fused loop over rows of eight lanes. Instructions that no output needs are left out, and a product that
/// is read once, by a sum or a difference, becomes a fused multiply–add.
/// </summary>
internal sealed class PointwiseCompiler
{
    private readonly PointwiseProgram _program;
    private readonly int[] _uses;           // readers that some output needs
    private readonly bool[] _folded;        // products that are formed inside the sum that reads them
    private readonly Expression?[] _register;
    private readonly List<ParameterExpression> _locals = [];
    private readonly List<Expression> _body = [];
    private readonly ParameterExpression _offset = Expression.Variable(typeof(long), "offset");
    private readonly ParameterExpression _time = Expression.Variable(typeof(Lane), "t");

    private PointwiseCompiler(PointwiseProgram program)
    {
        _program = program;
        _register = new Expression?[program.Code.Count];
        _uses = new int[program.Code.Count];
        foreach (int output in program.Outputs) _uses[output]++;
        for (int i = program.Code.Count - 1; i >= 0; i--)
        {
            if (_uses[i] == 0) continue;
            if (program.Code[i].Operands > 0) _uses[program.Code[i].A]++;
            if (program.Code[i].Operands > 1) _uses[program.Code[i].B]++;
        }
        _folded = new bool[program.Code.Count];
        for (int i = 0; i < program.Code.Count; i++)
            if (_uses[i] > 0 && FoldedOperand(program.Code[i]) is var product and >= 0) _folded[product] = true;
    }

    /// <summary>The compiled loop of a program.</summary>
    public static PointwiseKernel Compile(PointwiseProgram program) => new PointwiseCompiler(program).Compile();

    private PointwiseKernel Compile()
    {
        ParameterExpression inputs = Expression.Parameter(typeof(long)), outputs = Expression.Parameter(typeof(long));
        ParameterExpression rows = Expression.Parameter(typeof(int)), time = Expression.Parameter(typeof(double)), end = Expression.Variable(typeof(long), "end");
        ParameterExpression[] from = [.. Enumerable.Range(0, _program.Inputs).Select(i => Expression.Variable(typeof(long), $"x{i}"))];
        ParameterExpression[] to = [.. Enumerable.Range(0, _program.Outputs.Count).Select(i => Expression.Variable(typeof(long), $"y{i}"))];
        for (int i = 0; i < _program.Code.Count; i++) Emit(i, from);
        // every load of a row comes before every store, so that an output may overwrite an input
        for (int i = 0; i < to.Length; i++) _body.Add(Helper(nameof(LaneMath.Store), to[i], _offset, _register[_program.Outputs[i]]!));
        _body.Add(Expression.AddAssign(_offset, Expression.Constant((long)(LaneArray.Lanes * sizeof(double)))));

        var done = Expression.Label();
        List<Expression> all = [.. from.Select((x, i) => Expression.Assign(x, Helper(nameof(LaneMath.Address), inputs, Expression.Constant(i))))];
        all.AddRange(to.Select((y, i) => Expression.Assign(y, Helper(nameof(LaneMath.Address), outputs, Expression.Constant(i)))));
        all.Add(Expression.Assign(_time, Broadcast(time)));
        all.Add(Expression.Assign(_offset, Expression.Constant((long)0)));
        all.Add(Expression.Assign(end, Expression.Multiply(Expression.Convert(rows, typeof(long)), Expression.Constant((long)(LaneArray.Lanes * sizeof(double))))));
        all.Add(Expression.Loop(Expression.IfThenElse(Expression.LessThan(_offset, end), Expression.Block(_locals, _body), Expression.Break(done)), done));
        return Expression.Lambda<PointwiseKernel>(Expression.Block([.. from, .. to, _time, _offset, end], all), inputs, outputs, rows, time).Compile();
    }

    private void Emit(int i, ParameterExpression[] from)
    {
        if (_uses[i] == 0) return;
        var instruction = _program.Code[i];
        if (instruction.Code == PointwiseCode.Constant) _register[i] = Broadcast(Expression.Constant(instruction.Value));
        else if (instruction.Code == PointwiseCode.Time) _register[i] = _time;
        else if (!_folded[i]) _register[i] = Local(instruction.Code == PointwiseCode.Load ? Helper(nameof(LaneMath.Load), from[instruction.A], _offset) : Value(instruction));
    }

    private ParameterExpression Local(Expression value)
    {
        var local = Expression.Variable(typeof(Lane));
        _locals.Add(local);
        _body.Add(Expression.Assign(local, value));
        return local;
    }

    // which operand of a sum or difference is folded into it, or −1
    private int FoldedOperand(PointwiseInstruction sum) =>
        sum.Code is not (PointwiseCode.Add or PointwiseCode.Subtract) ? -1 : Foldable(sum.A) ? sum.A : Foldable(sum.B) ? sum.B : -1;

    private bool Foldable(int i) => _program.Code[i].Code == PointwiseCode.Multiply && _uses[i] == 1;

    private Expression Value(PointwiseInstruction instruction)
    {
        var (code, a, b, exponent) = instruction;
        if (FoldedOperand(instruction) is var product and >= 0) return Fused(instruction, product);
        return code switch
        {
            PointwiseCode.Add => Expression.Add(_register[a]!, _register[b]!),
            PointwiseCode.Subtract => Expression.Subtract(_register[a]!, _register[b]!),
            PointwiseCode.Multiply => Expression.Multiply(_register[a]!, _register[b]!),
            PointwiseCode.Divide => Expression.Divide(_register[a]!, _register[b]!),
            PointwiseCode.Negate => Expression.Negate(_register[a]!),
            PointwiseCode.Power => Power(_register[a]!, exponent),
            PointwiseCode.Tanh => Helper(nameof(LaneMath.Tanh), _register[a]!),
            PointwiseCode.Sqrt or PointwiseCode.Abs => Generic(code.ToString(), _register[a]!),
            _ => Intrinsic(code.ToString(), _register[a]!),
        };
    }

    private Expression Fused(PointwiseInstruction sum, int product)
    {
        var (_, x, y, _) = _program.Code[product];
        Expression other = _register[product == sum.A ? sum.B : sum.A]!;
        string method = sum.Code == PointwiseCode.Add ? "FusedMultiplyAdd" : product == sum.A ? "FusedMultiplySubtract" : "FusedMultiplyAddNegated";
        if (sum.Code == PointwiseCode.Add) return Intrinsic(method, _register[x]!, _register[y]!, other);
        if (Avx512F.IsSupported) return Expression.Call(typeof(Avx512F).GetMethod(method, [typeof(Lane), typeof(Lane), typeof(Lane)])!, _register[x]!, _register[y]!, other);
        return Helper(product == sum.A ? nameof(LaneMath.MultiplySubtract) : nameof(LaneMath.SubtractProduct), _register[x]!, _register[y]!, other);
    }

    // integer powers by repeated squaring, x^{n+½} = xⁿ √x, negative ones as reciprocals, the others through e^{p ln x}
    private Expression Power(Expression x, double p)
    {
        if (p < 0) return Expression.Divide(Broadcast(Expression.Constant(1.0)), Power(x, -p));
        double whole = Math.Floor(p);
        if (whole > int.MaxValue || (p != whole && p - whole != 0.5)) return Helper(nameof(LaneMath.RealPower), x, Expression.Constant(p));
        Expression? result = p == whole ? null : Local(Generic("Sqrt", x));
        for (uint left = (uint)whole; left > 0; left >>= 1)
        {
            if ((left & 1) != 0) result = result is null ? x : Local(Expression.Multiply(result, x));
            if (left > 1) x = Local(Expression.Multiply(x, x));
        }
        return result ?? Broadcast(Expression.Constant(1.0));
    }

    private static MethodCallExpression Broadcast(Expression value) => Expression.Call(typeof(Vector512).GetMethod(nameof(Vector512.Create), [typeof(double)])!, value);

    private static MethodCallExpression Helper(string name, params Expression[] arguments) => Expression.Call(typeof(LaneMath).GetMethod(name)!, arguments);

    // Vector512.Exp and its like for double, not for float
    private static MethodCallExpression Intrinsic(string name, params Expression[] arguments) =>
        Expression.Call(typeof(Vector512).GetMethod(name, [.. arguments.Select(_ => typeof(Lane))])!, arguments);

    // Vector512.Sqrt<T> and its like
    private static MethodCallExpression Generic(string name, Expression argument)
    {
        MethodInfo method = typeof(Vector512).GetMethods().Single(m => m.Name == name && m.IsGenericMethodDefinition && m.GetParameters().Length == 1);
        return Expression.Call(method.MakeGenericMethod(typeof(double)), argument);
    }
}
