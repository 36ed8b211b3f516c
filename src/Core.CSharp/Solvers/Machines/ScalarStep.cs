namespace Leith.Core;

/// <summary>Writes one step of a law as code.</summary>
internal sealed class ScalarStep
{
    private const double Tiny = 1e-300;
    private readonly Model model;
    private readonly double step;
    private readonly StepAlgebra algebra;
    private readonly LinearFunctions? functions;
    private readonly PointwiseProgram? noise;   // S(u, t) w, additive and multiplicative; inputs u and w
    private readonly PointwiseBuilder code;
    private readonly int noises, additive;
    private readonly int[][] registers;         // [register of the law][row]

    private ScalarStep(Model model, Scheme scheme, double step)
    {
        (this.model, this.step) = (model, step);
        algebra = StepLaw.Record(model, scheme, step);
        functions = LinearLaw.IsExponential(scheme) ? new LinearFunctions(model, step) : null;
        additive = functions?.Spread.Columns ?? model.AdditiveNormals;
        noises = additive + model.MultiplicativeRows;
        noise = NoiseCommutation.Program(functions is null ? model : model with { NoiseMatrix = null });
        int inputs = model.Rows + noises + (model.IsMultiplicative ? Stepper.Signs(model, scheme) : 0);
        code = new PointwiseBuilder(inputs);
        registers = new int[algebra.Operations.Count + 1][];
    }

    /// <summary>The code of a step.</summary>
    public static PointwiseProgram Compile(Model model, Scheme scheme, double step) => new ScalarStep(model, scheme, step).Compile();

    private PointwiseProgram Compile()
    {
        registers[0] = [.. Enumerable.Range(0, model.Rows).Select(code.Load)];
        for (int i = 0; i < algebra.Operations.Count; i++)
            registers[i + 1] = algebra.Operations[i] switch
            {
                StepOperation.Drift d => Drift(registers[d.U], Time(d.C), d.OnlyNonlinear),
                StepOperation.Noise n => Noise(registers[n.U], Time(n.C), n.W),
                StepOperation.Milstein m => Milstein(registers[m.U]),
                StepOperation.Sum s => Sum(s),
                StepOperation.Linear l => Linear(l),
                _ => throw new InvalidOperationException(),
            };
        return code.Build(registers[algebra.Result.Register]);
    }

    private int Time(double c) => code.Add(code.Time, code.Constant(c * step));

    private int Normal(int j) => code.Load(model.Rows + j);

    private int[] Drift(int[] u, int time, bool onlyNonlinear)
    {
        int[] f = code.Inline(model.ScalarDrift!, u, time);
        if (!onlyNonlinear || model.LinearMatrix is not { } linear) return f;
        int[] l = Multiply(linear, u);
        return [.. f.Select((value, row) => code.Subtract(value, l[row]))];
    }

    private int[] Noise(int[] u, int time, Increment w) => Noise(u, time, [.. Enumerable.Range(functions is null ? 0 : additive, noise!.Inputs - model.Rows).Select(j => Value(w, j))]);

    private int[] Noise(int[] u, int time, int[] w) => code.Inline(noise!, [.. u, .. w], time);

    // the increments of TileNoise, white noise by white noise
    private int Value(Increment w, int j)
    {
        double root = Math.Sqrt(step);
        if (w.Kind == IncrementKind.Brownian) return code.Scale(root, Normal(j));
        bool own = j == w.Noise;
        if (w.Kind == IncrementKind.Unit) return code.Constant(own ? 1 : 0);
        if (own != (w.Kind == IncrementKind.Own)) return code.Constant(0);
        int product = code.Multiply(Normal(j), Normal(w.Noise));
        int mixed = own ? code.Subtract(product, code.Constant(1)) : code.Add(product, TwoPoint(w.Noise, j));
        return code.Scale(root, w.Sign > 0 ? code.Add(Normal(j), mixed) : code.Subtract(Normal(j), mixed));
    }

    // n/|n|; a normal of exactly 0, once in 10¹⁶, counts as neither sign
    private int TwoPoint(int r, int j)
    {
        int n = Normal(noises + Increment.Pair(Math.Min(r, j), Math.Max(r, j)));
        int sign = code.Divide(n, code.Add(code.Unary(PointwiseCode.Abs, n), code.Constant(Tiny)));
        return r < j ? sign : code.Negate(sign);
    }

    private int[] Milstein(int[] u)
    {
        int[] w = [.. Enumerable.Range(0, noises).Select(j => Value(default, j))];
        int[] first = Noise(u, code.Time, w), second = Along(first, u, w);
        for (int j = 0; j < noises; j++)
        {
            int[] unit = [.. Enumerable.Range(0, noises).Select(k => code.Constant(k == j ? 1 : 0))];
            int[] own = Along(Noise(u, code.Time, unit), u, unit);
            for (int row = 0; row < second.Length; row++) second[row] = code.Subtract(second[row], code.Scale(step, own[row]));
        }
        return [.. first.Select((value, row) => code.Add(value, code.Scale(0.5, second[row])))];
    }

    // (b · ∂)(S w)
    private int[] Along(int[] b, int[] u, int[] w) =>
        code.Tangent(noise!, [.. u, .. w], [.. b, .. Enumerable.Repeat(code.Constant(0), noises)], code.Time);

    private int[] Sum(StepOperation.Sum sum)
    {
        int[] result = [.. registers[sum.U]];
        for (int term = 0; term < sum.V.Length; term++)
            for (int row = 0; row < result.Length; row++) result[row] = code.Add(result[row], code.Scale(sum.C[term], registers[sum.V[term]][row]));
        return result;
    }

    private int[] Linear(StepOperation.Linear linear)
    {
        int[] result = [.. Enumerable.Repeat(code.Constant(0), model.Rows)];
        void Add(LinearMap map, int[] v)
        {
            int[] more = Multiply(((MatrixMap)map).Matrix, v);
            for (int row = 0; row < result.Length; row++) result[row] = code.Add(result[row], more[row]);
        }
        if (linear.U >= 0)
        {
            Add(functions!.Decay, registers[linear.U]);
            Add(functions.Spread, [.. Enumerable.Range(0, functions.Spread.Columns).Select(Normal)]);
        }
        foreach (var (f, c, v) in linear.Terms) Add(functions!.Map(f, c), registers[v]);
        return result;
    }

    private int[] Multiply(double[,] matrix, int[] v)
    {
        var result = new int[matrix.GetLength(0)];
        for (int row = 0; row < result.Length; row++)
        {
            result[row] = code.Constant(0);
            for (int j = 0; j < v.Length; j++) result[row] = code.Add(result[row], code.Scale(matrix[row, j], v[j]));
        }
        return result;
    }
}
