using System.Linq.Expressions;

namespace Leith.Core;

/// <summary>A compiled pointwise program: for each site of some lines of so many, loads, computes, stores. Addresses stand in two tables, shifts of lines in a third.</summary>
internal delegate void PointwiseKernel(long inputs, long outputs, long shifts, int firstLine, int lines, int length, double time);

/// <summary>
/// Turns a pointwise program into one fused loop over sites, rows of eight lanes each, with the widest vectors of the machine; narrower ones go over the rows again
/// for the other lanes. Instructions that no output needs are left out, and a product that is read once, by a sum or a difference, becomes a fused multiply–add.
/// </summary>
internal sealed class PointwiseCompiler
{
    private const int RowBytes = LaneArray.Lanes * sizeof(double);
    private readonly LaneExpressions lanes = LaneExpressions.Widest;
    private readonly PointwiseProgram program;
    private readonly PointwiseAccess[] access;
    private readonly int length;            // sites of a line where neighbours are read, else 0
    private readonly int[] uses;            // readers that some output needs
    private readonly bool[] folded;         // products that are formed inside the sum that reads them
    private readonly int unroll;
    private readonly PointwiseFunctions functions;

    private readonly List<ParameterExpression> variables = [];
    private readonly List<Expression> once = [];                                // what is computed before all loops
    private readonly List<Expression> each = [];                                // … and before each line
    private readonly Dictionary<long, ParameterExpression> constants = [];
    private readonly Dictionary<(int Source, int Shift), ParameterExpression> lineBases = [];
    private readonly ParameterExpression[] from, to, toLine;
    private readonly ParameterExpression part, line, offset, time;
    private readonly ParameterExpression inputs = Expression.Parameter(typeof(long)), outputs = Expression.Parameter(typeof(long)), shifts = Expression.Parameter(typeof(long));

    // of the sites that are being written
    private List<Expression> body = [];
    private Expression?[] register = [];
    private readonly Dictionary<(ParameterExpression Base, int Sites), Expression> loaded = [];

    private PointwiseCompiler(PointwiseProgram program, PointwiseAccess[] access, int length)
    {
        (this.program, this.access, this.length) = (program, access, length);
        uses = new int[program.Code.Count];
        foreach (int output in program.Outputs) uses[output]++;
        for (int i = program.Code.Count - 1; i >= 0; i--)
        {
            if (uses[i] == 0) continue;
            if (program.Code[i].Operands > 0) uses[program.Code[i].A]++;
            if (program.Code[i].Operands > 1) uses[program.Code[i].B]++;
        }
        folded = new bool[program.Code.Count];
        for (int i = 0; i < program.Code.Count; i++)
            if (uses[i] > 0 && FoldedOperand(program.Code[i]) is var product and >= 0) folded[product] = true;
        unroll = uses.Count(n => n > 0) switch { <= 24 => 4, <= 48 => 2, _ => 1 };
        functions = new(lanes, Keep, Constant);
        ParameterExpression Long(string name) => Variable(typeof(long), name);
        (part, line, offset, time) = (Long("part"), Long("line"), Long("offset"), Variable(lanes.Lane, "t"));
        from = [.. Enumerable.Range(0, program.Inputs).Select(i => Long($"x{i}"))];
        to = [.. Enumerable.Range(0, program.Outputs.Count).Select(i => Long($"y{i}"))];
        toLine = length > 0 ? [.. to.Select(y => Long($"line_{y.Name}"))] : to;
    }

    /// <summary>The compiled loop of a program whose inputs are all rows of the site.</summary>
    public static PointwiseKernel Compile(PointwiseProgram program) => Compile(program, [.. Enumerable.Range(0, program.Inputs).Select(i => new PointwiseAccess(PointwiseAccessKind.Row, i))], 0);

    /// <summary>The compiled loop of a program.</summary>
    /// <param name="program">What is computed at a site.</param>
    /// <param name="access">How each input is read.</param>
    /// <param name="length">Sites of a line where neighbours are read, else 0.</param>
    public static PointwiseKernel Compile(PointwiseProgram program, PointwiseAccess[] access, int length) => new PointwiseCompiler(program, access, length).Compile();

    private PointwiseKernel Compile()
    {
        ParameterExpression first = Expression.Parameter(typeof(int)), lines = Expression.Parameter(typeof(int)), sites = Expression.Parameter(typeof(int)), t = Expression.Parameter(typeof(double));
        for (int i = 0; i < from.Length; i++) once.Add(Expression.Assign(from[i], Start(inputs, i, shifted: access[i].Kind != PointwiseAccessKind.Table)));
        for (int i = 0; i < to.Length; i++) once.Add(Expression.Assign(to[i], Start(outputs, i, shifted: true)));
        once.Add(Expression.Assign(time, lanes.Broadcast(t)));
        var loops = length > 0 ? Lines(first, lines) : Plain(first, lines, sites);
        var passes = Loop(Expression.LessThan(part, Expression.Constant((long)RowBytes)), [.. once, .. loops, Expression.AddAssign(part, Expression.Constant((long)lanes.Bytes))]);
        var all = Expression.Block(variables, Expression.Assign(part, Expression.Constant(0L)), passes);
        return Expression.Lambda<PointwiseKernel>(all, inputs, outputs, shifts, first, lines, sites, t).Compile();
    }

    private Expression Start(Expression table, int i, bool shifted)
    {
        var address = Helper(nameof(LaneMath.Address), table, Expression.Constant(i));
        return shifted ? Expression.Add(address, part) : address;
    }

    // all sites in one loop
    private Expression[] Plain(Expression first, Expression lines, Expression sites)
    {
        var end = Variable(typeof(long), "end");
        Expression bytes = Expression.Multiply(Expression.Convert(sites, typeof(long)), Expression.Constant((long)RowBytes));
        return
        [
            Expression.Assign(offset, Expression.Multiply(Expression.Convert(first, typeof(long)), bytes)),
            Expression.Assign(end, Expression.Add(offset, Expression.Multiply(Expression.Convert(lines, typeof(long)), bytes))),
            .. Sites(end, 0, int.MaxValue),
        ];
    }

    // lines one after the other; within a line the stretches of sites whose neighbours along it are at fixed distances
    private Expression[] Lines(Expression first, Expression lines)
    {
        var last = Variable(typeof(long), "last");
        for (int i = 0; i < to.Length; i++) each.Add(Expression.Assign(toLine[i], Expression.Add(to[i], LineBytes(RowBytes))));
        List<Expression> stretches = [Expression.Assign(offset, Expression.Constant(0L))];
        int[] breaks = [0, .. access.Where(a => a.Kind == PointwiseAccessKind.Neighbour && a.Along > 0).Select(a => length - a.Along).Distinct().Order(), length];
        for (int i = 0; i + 1 < breaks.Length; i++)
            if (breaks[i] < breaks[i + 1]) stretches.AddRange(Sites(Expression.Constant((long)breaks[i + 1] * RowBytes), breaks[i], breaks[i + 1] - breaks[i]));
        return
        [
            Expression.Assign(line, Expression.Convert(first, typeof(long))),
            Expression.Assign(last, Expression.Add(line, Expression.Convert(lines, typeof(long)))),
            Loop(Expression.LessThan(line, last), [.. each, .. stretches, Expression.AddAssign(line, Expression.Constant(1L))]),
        ];
    }

    // sites up to an offset, several at a time and then those that are left; start: the first of them in its line
    private IEnumerable<Expression> Sites(Expression end, int start, int count)
    {
        if (unroll > 1 && count >= unroll)
            yield return Loop(Expression.LessThanOrEqual(offset, Expression.Subtract(end, Expression.Constant((long)unroll * RowBytes))), Body(unroll, start));
        if (unroll == 1 || count % unroll != 0 || count == int.MaxValue)
            yield return count == 1 ? Expression.Block(Body(1, start)) : Loop(Expression.LessThan(offset, end), Body(1, start));
    }

    private List<Expression> Body(int sites, int start)
    {
        body = [];
        loaded.Clear();
        for (int site = 0; site < sites; site++)
        {
            register = new Expression?[program.Code.Count];
            for (int i = 0; i < register.Length; i++) Emit(i, site, start);
            // every load of a row comes before every store, so that an output may overwrite an input
            for (int i = 0; i < to.Length; i++) body.Add(lanes.Store(At(toLine[i], site), register[program.Outputs[i]]!));
        }
        body.Add(Expression.AddAssign(offset, Expression.Constant((long)sites * RowBytes)));
        return body;
    }

    private static LoopExpression Loop(Expression condition, IEnumerable<Expression> body)
    {
        var done = Expression.Label();
        return Expression.Loop(Expression.IfThenElse(condition, Expression.Block(body), Expression.Break(done)), done);
    }

    private BinaryExpression At(Expression start, int sites)
    {
        var address = Expression.Add(start, offset);
        return sites == 0 ? address : Expression.Add(address, Expression.Constant((long)sites * RowBytes));
    }

    private BinaryExpression LineBytes(int siteBytes) => Expression.Multiply(line, Expression.Constant((long)length * siteBytes));

    private Expression Read(int input, int site, int start)
    {
        var (kind, source, shift, along) = access[input];
        if (kind == PointwiseAccessKind.Same) return Once((input, kind), () => lanes.Load(from[input]));
        int steps = along > 0 && start >= length - along ? along - length : along;
        var origin = length > 0 ? LineBase(kind == PointwiseAccessKind.Table ? input : source, shift, kind == PointwiseAccessKind.Table ? sizeof(double) : RowBytes) : from[input];
        if (loaded.TryGetValue((origin, site + steps), out var known)) return known;
        Expression value = kind == PointwiseAccessKind.Table
            ? lanes.Broadcast(Helper(nameof(LaneMath.TableEntry), origin, At(Expression.Constant(0L), site)))
            : lanes.Load(At(origin, site + steps));
        return loaded[(origin, site + steps)] = Keep(value);
    }

    // the address of the first site of the line that a neighbour is on, or of the line itself
    private ParameterExpression LineBase(int source, int shift, int siteBytes)
    {
        if (lineBases.TryGetValue((source, shift), out var known)) return known;
        var variable = Variable(typeof(long), $"line{source}_{shift}");
        Expression distance = shift < 0 ? LineBytes(siteBytes) : Helper(nameof(LaneMath.Entry), shifts, Expression.Constant(shift), line);
        each.Add(Expression.Assign(variable, Expression.Add(from[source], distance)));
        return lineBases[(source, shift)] = variable;
    }

    private readonly Dictionary<(int Input, PointwiseAccessKind Kind), ParameterExpression> same = [];

    // a value that is the same at all sites
    private ParameterExpression Once((int Input, PointwiseAccessKind Kind) key, Func<Expression> value)
    {
        if (same.TryGetValue(key, out var known)) return known;
        var variable = Variable(lanes.Lane, $"same{key.Input}");
        once.Add(Expression.Assign(variable, value()));
        return same[key] = variable;
    }

    private Expression Constant(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        if (constants.TryGetValue(bits, out var known)) return known;
        var variable = Variable(lanes.Lane, $"c{constants.Count}");
        once.Add(Expression.Assign(variable, lanes.Broadcast(value)));
        return constants[bits] = variable;
    }

    private ParameterExpression Variable(Type type, string name)
    {
        var variable = Expression.Variable(type, name);
        variables.Add(variable);
        return variable;
    }

    private Expression Keep(Expression value)
    {
        var local = Variable(lanes.Lane, "v");
        body.Add(Expression.Assign(local, value));
        return local;
    }

    private void Emit(int i, int site, int start)
    {
        if (uses[i] == 0) return;
        var instruction = program.Code[i];
        if (instruction.Code == PointwiseCode.Constant) register[i] = Constant(instruction.Value);
        else if (instruction.Code == PointwiseCode.Time) register[i] = time;
        else if (instruction.Code == PointwiseCode.Load) register[i] = Read(instruction.A, site, start);
        else if (!folded[i]) register[i] = Keep(Value(instruction));
    }

    // which operand of a sum or difference is folded into it, or −1
    private int FoldedOperand(PointwiseInstruction sum) =>
        sum.Code is not (PointwiseCode.Add or PointwiseCode.Subtract) ? -1 : Foldable(sum.A) ? sum.A : Foldable(sum.B) ? sum.B : -1;

    private bool Foldable(int i) => program.Code[i].Code == PointwiseCode.Multiply && uses[i] == 1;

    private Expression Value(PointwiseInstruction instruction)
    {
        var (code, a, b, exponent) = instruction;
        if (FoldedOperand(instruction) is var product and >= 0) return Fused(instruction, product);
        return code switch
        {
            PointwiseCode.Add => Expression.Add(register[a]!, register[b]!),
            PointwiseCode.Subtract => Expression.Subtract(register[a]!, register[b]!),
            PointwiseCode.Multiply => Expression.Multiply(register[a]!, register[b]!),
            PointwiseCode.Divide => Expression.Divide(register[a]!, register[b]!),
            PointwiseCode.Negate => Expression.Negate(register[a]!),
            PointwiseCode.Power => functions.Power(register[a]!, exponent),
            PointwiseCode.Tanh => functions.Tanh(register[a]!),
            PointwiseCode.Step => functions.Step(register[a]!),
            PointwiseCode.Sqrt or PointwiseCode.Abs => lanes.Generic(code.ToString(), register[a]!),
            _ => lanes.Call(code.ToString(), register[a]!),
        };
    }

    private Expression Fused(PointwiseInstruction sum, int product)
    {
        var (_, x, y, _) = program.Code[product];
        Expression other = register[product == sum.A ? sum.B : sum.A]!;
        if (sum.Code == PointwiseCode.Add) return lanes.MultiplyAdd(register[x]!, register[y]!, other);
        return product == sum.A ? lanes.MultiplySubtract(register[x]!, register[y]!, other) : lanes.SubtractProduct(register[x]!, register[y]!, other);
    }

    private static MethodCallExpression Helper(string name, params Expression[] arguments) => Expression.Call(typeof(LaneMath).GetMethod(name)!, arguments);
}
