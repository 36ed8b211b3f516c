using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>A compiled pointwise program: for each site of some lines of so many, loads, computes, stores. Addresses stand in two tables, shifts of lines in a third.</summary>
internal delegate void PointwiseKernel(long inputs, long outputs, long shifts, int firstLine, int lines, int length, double time);

/// <summary>
/// Turns a pointwise program into one fused loop over sites, rows of eight lanes each. Instructions that no output needs are left out, and a product that
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
    private readonly PointwiseAccess[] _access;
    private readonly int _length;           // sites of a line where neighbours are read, else 0
    private readonly List<ParameterExpression> _outer = [];
    private readonly List<Expression> _before = [];
    private readonly Dictionary<long, ParameterExpression> _constants = [];
    private readonly Dictionary<int, ParameterExpression> _wrapped = [];
    private readonly ParameterExpression _offset = Expression.Variable(typeof(long), "offset");
    private readonly ParameterExpression _time = Expression.Variable(typeof(Lane), "t");

    private PointwiseCompiler(PointwiseProgram program, PointwiseAccess[] access, int length)
    {
        _program = program;
        (_access, _length) = (access, length);
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

    /// <summary>The compiled loop of a program whose inputs are all rows of the site.</summary>
    public static PointwiseKernel Compile(PointwiseProgram program) => Compile(program, new PointwiseAccess[program.Inputs], 0);

    /// <summary>The compiled loop of a program.</summary>
    /// <param name="program">What is computed at a site.</param>
    /// <param name="access">How each input is read.</param>
    /// <param name="length">Sites of a line where neighbours are read, else 0.</param>
    public static PointwiseKernel Compile(PointwiseProgram program, PointwiseAccess[] access, int length) => new PointwiseCompiler(program, access, length).Compile();

    private PointwiseKernel Compile()
    {
        ParameterExpression inputs = Expression.Parameter(typeof(long)), outputs = Expression.Parameter(typeof(long)), shifts = Expression.Parameter(typeof(long));
        ParameterExpression first = Expression.Parameter(typeof(int)), lines = Expression.Parameter(typeof(int)), length = Expression.Parameter(typeof(int)), time = Expression.Parameter(typeof(double));
        ParameterExpression[] from = [.. Enumerable.Range(0, _program.Inputs).Select(i => Expression.Variable(typeof(long), $"x{i}"))];
        ParameterExpression[] to = [.. Enumerable.Range(0, _program.Outputs.Count).Select(i => Expression.Variable(typeof(long), $"y{i}"))];
        var line = Expression.Variable(typeof(long), "line");
        // what does not change from site to site is computed once: constants, numbers, the time
        _before.AddRange(from.Select((x, i) => Expression.Assign(x, Helper(nameof(LaneMath.Address), inputs, Expression.Constant(i)))));
        _before.AddRange(to.Select((y, i) => Expression.Assign(y, Helper(nameof(LaneMath.Address), outputs, Expression.Constant(i)))));
        _before.Add(Expression.Assign(_time, Broadcast(time)));
        var across = LineBases(from, shifts, line);
        for (int i = 0; i < _program.Code.Count; i++) Emit(i, from, across);
        // every load of a row comes before every store, so that an output may overwrite an input
        for (int i = 0; i < to.Length; i++) _body.Add(Helper(nameof(LaneMath.Store), to[i], _offset, _register[_program.Outputs[i]]!));
        _body.Add(Expression.AddAssign(_offset, Expression.Constant(RowBytes)));
        _body.AddRange(_wrapped.Values.Select(Advance));

        var all = new List<Expression>(_before);
        all.AddRange(Loops(first, lines, length, line, across));
        return Expression.Lambda<PointwiseKernel>(Expression.Block([.. from, .. to, .. _outer, line, _time, _offset], all), inputs, outputs, shifts, first, lines, length, time).Compile();
    }

    private const long RowBytes = LaneArray.Lanes * sizeof(double);

    // lines one after the other; within a line the sites, with the offsets of neighbours along it wrapped at its end
    private IEnumerable<Expression> Loops(Expression first, Expression lines, Expression length, ParameterExpression line, Dictionary<int, (ParameterExpression Base, Expression Value)> across)
    {
        ParameterExpression end = Expression.Variable(typeof(long), "end"), last = Expression.Variable(typeof(long), "last"), bytes = Expression.Variable(typeof(long), "bytes");
        _outer.AddRange([end, last, bytes]);
        yield return Expression.Assign(bytes, Expression.Multiply(Expression.Convert(length, typeof(long)), Expression.Constant(RowBytes)));
        yield return Expression.Assign(line, Expression.Convert(first, typeof(long)));
        yield return Expression.Assign(last, Expression.Add(line, Expression.Convert(lines, typeof(long))));
        yield return Expression.Assign(_offset, Expression.Multiply(line, bytes));
        List<Expression> each = [Expression.Assign(end, Expression.Add(_offset, bytes))];
        each.AddRange(across.Values.Select(b => Expression.Assign(b.Base, b.Value)));
        each.AddRange(_wrapped.Select(w => Expression.Assign(w.Value, Expression.Constant(w.Key * RowBytes))));
        var done = Expression.Label();
        each.Add(Expression.Loop(Expression.IfThenElse(Expression.LessThan(_offset, end), Expression.Block(_locals, _body), Expression.Break(done)), done));
        each.Add(Expression.AddAssign(line, Expression.Constant(1L)));
        var finished = Expression.Label();
        yield return Expression.Loop(Expression.IfThenElse(Expression.LessThan(line, last), Expression.Block(each), Expression.Break(finished)), finished);
    }

    private Expression Advance(ParameterExpression wrapped) => Expression.Block(
        Expression.AddAssign(wrapped, Expression.Constant(RowBytes)),
        Expression.IfThen(Expression.Equal(wrapped, Expression.Constant(_length * RowBytes)), Expression.Assign(wrapped, Expression.Constant(0L))));

    // the address of the first site of the line that a neighbour is on, for every input and shift
    private Dictionary<int, (ParameterExpression Base, Expression Value)> LineBases(ParameterExpression[] from, Expression shifts, Expression line)
    {
        var bases = new Dictionary<int, (ParameterExpression, Expression)>();
        for (int i = 0; i < _access.Length; i++)
        {
            if (_access[i].Kind != PointwiseAccessKind.Neighbour) continue;
            Expression start = _access[i].LineShift < 0
                ? Expression.Multiply(line, Expression.Constant(_length * RowBytes))
                : Helper(nameof(LaneMath.Entry), shifts, Expression.Constant(_access[i].LineShift), line);
            var variable = Expression.Variable(typeof(long), $"line{i}");
            _outer.Add(variable);
            bases[i] = (variable, Expression.Add(from[i], start));
        }
        return bases;
    }

    private Expression Read(int input, ParameterExpression[] from, Dictionary<int, (ParameterExpression Base, Expression Value)> across)
    {
        var access = _access[input];
        switch (access.Kind)
        {
            case PointwiseAccessKind.Row: return Local(Helper(nameof(LaneMath.Load), from[input], _offset));
            case PointwiseAccessKind.Table: return Local(Helper(nameof(LaneMath.LoadTable), from[input], _offset));
            case PointwiseAccessKind.Same: return Once(Helper(nameof(LaneMath.Load), from[input], Expression.Constant(0L)));
            default:
                if (!_wrapped.TryGetValue(access.Along, out var along))
                {
                    _wrapped[access.Along] = along = Expression.Variable(typeof(long), $"along{access.Along}");
                    _outer.Add(along);
                }
                return Local(Helper(nameof(LaneMath.Load), across[input].Base, along));
        }
    }

    // a value that is the same at all sites
    private ParameterExpression Once(Expression value)
    {
        var variable = Expression.Variable(typeof(Lane));
        _outer.Add(variable);
        _before.Add(Expression.Assign(variable, value));
        return variable;
    }

    private ParameterExpression Constant(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        if (!_constants.TryGetValue(bits, out var variable)) _constants[bits] = variable = Once(Broadcast(Expression.Constant(value)));
        return variable;
    }

    private void Emit(int i, ParameterExpression[] from, Dictionary<int, (ParameterExpression Base, Expression Value)> across)
    {
        if (_uses[i] == 0) return;
        var instruction = _program.Code[i];
        if (instruction.Code == PointwiseCode.Constant) _register[i] = Constant(instruction.Value);
        else if (instruction.Code == PointwiseCode.Time) _register[i] = _time;
        else if (instruction.Code == PointwiseCode.Load) _register[i] = Read(instruction.A, from, across);
        else if (!_folded[i]) _register[i] = Local(Value(instruction));
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
        if (p < 0) return Expression.Divide(Constant(1.0), Power(x, -p));
        double whole = Math.Floor(p);
        if (whole > int.MaxValue || (p != whole && p - whole != 0.5)) return Helper(nameof(LaneMath.RealPower), x, Expression.Constant(p));
        Expression? result = p == whole ? null : Local(Generic("Sqrt", x));
        for (uint left = (uint)whole; left > 0; left >>= 1)
        {
            if ((left & 1) != 0) result = result is null ? x : Local(Expression.Multiply(result, x));
            if (left > 1) x = Local(Expression.Multiply(x, x));
        }
        return result ?? Constant(1.0);
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
