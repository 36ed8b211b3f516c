using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>Executes the operations of a step law on tiles, whatever the unknowns are. One a thread.</summary>
internal sealed class TileMachine : IStepper
{
    private readonly double step;
    private readonly StepAlgebra algebra;
    private readonly TileSchedule schedule;
    private readonly Drift drift;
    private readonly ITileMap? nonlinear;
    private readonly TileNoise noise;
    private readonly LinearFunctions? functions;
    private readonly LinearMap[][] maps;        // [operation][term]
    private readonly Tile[] tiles;
    private readonly Tile[] operands = new Tile[16];

    public TileMachine(Model model, Scheme scheme, double step)
    {
        this.step = step;
        algebra = StepLaw.Record(model, scheme, step);
        schedule = new TileSchedule(algebra, foldsNoise: !model.IsMultiplicative);
        bool isExponential = LinearLaw.IsExponential(scheme);
        functions = isExponential ? new LinearFunctions(model, step) : null;
        drift = new Drift(model);
        nonlinear = isExponential ? model.Nonlinear?.Invoke() : null;
        int additive = functions?.Spread.Columns ?? model.AdditiveNormals;
        noise = new TileNoise(model, step, additive);
        Normals = additive + (model.IsMultiplicative ? model.MultiplicativeRows + Stepper.Signs(model, scheme) : 0);
        maps = [.. algebra.Operations.Select(o => o is StepOperation.Linear l ? l.Terms.Select(t => functions!.Map(t.F, t.C)).ToArray() : [])];
        tiles = [.. Enumerable.Range(0, schedule.Buffers).Select(_ => new Tile(model.Rows))];
    }

    public int Normals { get; }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(Tile state, double time, Tile normals)
    {
        noise.Begin(normals);
        for (int i = 0; i < algebra.Operations.Count; i++)
            if (!schedule.IsFolded(i)) Execute(i, state, time, normals);
        if (algebra.Result.Register > 0) state.Swap(Of(algebra.Result.Register, state));
    }

    public void Dispose()
    {
        drift.Dispose();
        nonlinear?.Dispose();
        noise.Dispose();
        foreach (var tile in tiles) tile.Dispose();
    }

    private Tile Of(int register, Tile state) => register == 0 ? state : tiles[schedule.Buffer(register)];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Execute(int i, Tile state, double time, Tile normals)
    {
        var to = Of(i + 1, state);
        switch (algebra.Operations[i])
        {
            case StepOperation.Drift d when d.OnlyNonlinear: nonlinear!.Apply(Of(d.U, state), time + d.C * step, to); break;
            case StepOperation.Drift d: drift.Apply(Of(d.U, state), time + d.C * step, to); break;
            case StepOperation.Noise n: noise.Apply(Of(n.U, state), time + n.C * step, n.W, n.OnlyMultiplicative, to); break;
            case StepOperation.Milstein m: noise.Milstein(Of(m.U, state), time, to); break;
            case StepOperation.Sum s: Sum(i, s, state, to); break;
            case StepOperation.Linear l: Linear(i, l, state, normals, to); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sum(int i, StepOperation.Sum sum, Tile state, Tile to)
    {
        var (c, v, folded) = schedule.Terms(i);
        for (int term = 0; term < v.Length; term++) operands[term] = Of(v[term], state);
        var u = Of(sum.U, state);
        if (v.Length > 0) TileMath.Sum(u, c, operands.AsSpan(0, v.Length), to);
        else if (u != to) TileMath.Copy(u, to);
        if (folded) noise.AddAdditive(to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Linear(int i, StepOperation.Linear linear, Tile state, Tile normals, Tile to)
    {
        if (linear.U >= 0) functions!.Propagate(Of(linear.U, state), normals, to);
        for (int term = 0; term < maps[i].Length; term++)
        {
            var v = Of(linear.Terms[term].V, state);
            if (term == 0 && linear.U < 0) maps[i][term].Apply(v, to);
            else maps[i][term].Accumulate(v, to);
        }
    }
}

/// <summary>Which buffer every register of a recorded law lies in: one that nobody reads any more is used again, and additive noise is added where it is wanted.</summary>
internal sealed class TileSchedule
{
    private readonly bool[] folded;
    private readonly int[] buffer;
    private readonly (double[] C, int[] V, bool Folded)[] terms;

    public TileSchedule(StepAlgebra algebra, bool foldsNoise)
    {
        var operations = algebra.Operations;
        folded = [.. operations.Select((o, i) => foldsNoise && o is StepOperation.Noise && operations.All(reader => AddsOnce(reader, i + 1)))];
        terms = [.. operations.Select(o => o is StepOperation.Sum s ? Kept(s) : ([], [], false))];
        buffer = new int[operations.Count + 1];
        var last = new int[operations.Count + 1];
        for (int i = 0; i < operations.Count; i++)
            foreach (int register in operations[i].Reads) last[register] = i;
        last[algebra.Result.Register] = int.MaxValue;
        Stack<int> free = [];
        for (int i = 0; i < operations.Count; i++)
        {
            if (folded[i]) continue;
            int[] done = [.. operations[i].Reads.Distinct().Where(r => r > 0 && last[r] == i && !folded[r - 1])];
            // A sum of one pass may overwrite what it reads, a map may not.
            if (operations[i] is StepOperation.Sum { V.Length: <= 5 })
                foreach (int register in done) free.Push(buffer[register]);
            buffer[i + 1] = free.TryPop(out int old) ? old : Buffers++;
            if (operations[i] is not StepOperation.Sum { V.Length: <= 5 })
                foreach (int register in done) free.Push(buffer[register]);
        }
    }

    /// <summary>Number of buffers.</summary>
    public int Buffers { get; private set; }

    /// <summary>The buffer of a register other than the state.</summary>
    public int Buffer(int register) => buffer[register];

    /// <summary>Whether an operation is done by those that read it.</summary>
    public bool IsFolded(int operation) => folded[operation];

    /// <summary>The terms of a sum that are read from buffers, and whether additive noise is added besides.</summary>
    public (double[] C, int[] V, bool Folded) Terms(int operation) => terms[operation];

    private static bool AddsOnce(StepOperation reader, int register) =>
        !reader.Reads.Contains(register) || (reader is StepOperation.Sum s && s.U != register && s.C[Array.IndexOf(s.V, register)] is 1 && s.V.Count(v => v == register) == 1);

    private (double[] C, int[] V, bool Folded) Kept(StepOperation.Sum sum)
    {
        int[] kept = [.. Enumerable.Range(0, sum.V.Length).Where(term => !folded[sum.V[term] - 1])];
        return ([.. kept.Select(term => sum.C[term])], [.. kept.Select(term => sum.V[term])], kept.Length < sum.V.Length);
    }
}
