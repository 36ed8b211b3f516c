namespace Leith.Core;

/// <summary>u ← Φ(u), one step without its noise, and w ↦ Φ′(u)ᵀ w at the state that it last started from: the operations of the step law forwards, and backwards with each one transposed. One a thread.</summary>
/// <remarks>Reverse accumulation over the registers of <see cref="StepAlgebra"/>: r = u + Σ c v adds r̄ to ū and c r̄ to v̄, r = F(u) adds F′(u)ᵀ r̄ to ū, r = Σ f(L) v adds f(L)ᵀ r̄ to v̄.</remarks>
internal sealed class RecordedTangent : IStepTangent
{
    private readonly StepOperation[] operations;
    private readonly Tile?[] values, adjoints; // [register]
    private readonly bool[] reached; // [register]: whether an adjoint holds something
    private readonly Dictionary<(int Operation, int Term), (LinearMap Map, LinearMap Transposed)> maps = [];
    private readonly LinearMap? decay, decayTransposed;
    private readonly Drift drift;
    private readonly ITileMap? nonlinear;
    private readonly TransposedDrift tangent, nonlinearTangent;
    private readonly Tile scratch;
    private readonly double step;
    private double time;

    /// <summary>The step of a scheme.</summary>
    public RecordedTangent(Model model, Scheme scheme, double step, Func<IPairMap>? transposed)
    {
        this.step = step;
        var law = StepLaw.Record(model, scheme, step);
        operations = [.. law.Operations];
        values = [.. operations.Select(operation => operation is StepOperation.Noise ? null : new Tile(model.Rows)).Prepend(new Tile(model.Rows))];
        adjoints = [.. values.Select(value => value is null ? null : new Tile(model.Rows))];
        reached = new bool[values.Length];
        scratch = new Tile(model.Rows);
        (drift, nonlinear) = (new Drift(model), model.Nonlinear?.Invoke());
        (tangent, nonlinearTangent) = (new TransposedDrift(model, transposed), new TransposedDrift(model.HasFields ? model with { LinearSymbol = null } : model with { LinearMatrix = null }, transposed));
        if (!operations.OfType<StepOperation.Linear>().Any()) return;
        var functions = new LinearFunctions(model, step);
        (decay, decayTransposed) = (functions.Decay, functions.Decay.Transposed());
        for (int i = 0; i < operations.Length; i++)
            if (operations[i] is StepOperation.Linear linear)
                for (int j = 0; j < linear.Terms.Length; j++)
                {
                    var map = functions.Map(linear.Terms[j].F, linear.Terms[j].C);
                    maps[(i, j)] = (map, map.Transposed());
                }
    }

    public void Advance(Tile state, double at)
    {
        time = at;
        values[0]!.CopyFrom(state);
        for (int i = 0; i < operations.Length; i++) Forward(i);
        TileMath.Copy(values[^1]!, state);
    }

    public void Transpose(Tile w, Tile result)
    {
        Array.Clear(reached);
        TileMath.Copy(w, adjoints[^1]!);
        reached[^1] = true;
        for (int i = operations.Length - 1; i >= 0; i--)
            if (reached[i + 1]) Backward(i, adjoints[i + 1]!);
        TileMath.Copy(adjoints[0]!, result);
    }

    public void Dispose()
    {
        drift.Dispose();
        nonlinear?.Dispose();
        tangent.Dispose();
        nonlinearTangent.Dispose();
        foreach (var tile in values.Concat(adjoints).Append(scratch)) tile?.Dispose();
    }

    private void Forward(int i)
    {
        var to = values[i + 1];
        switch (operations[i])
        {
            case StepOperation.Drift d when d.OnlyNonlinear: nonlinear!.Apply(values[d.U]!, time + d.C * step, to!); break;
            case StepOperation.Drift d: drift.Apply(values[d.U]!, time + d.C * step, to!); break;
            case StepOperation.Sum sum:
                int[] kept = [.. Enumerable.Range(0, sum.V.Length).Where(j => values[sum.V[j]] is not null)];
                if (kept.Length == 0) TileMath.Copy(values[sum.U]!, to!);
                else TileMath.Sum(values[sum.U]!, [.. kept.Select(j => sum.C[j])], [.. kept.Select(j => values[sum.V[j]]!)], to!);
                break;
            case StepOperation.Linear linear:
                if (linear.U >= 0) decay!.Apply(values[linear.U]!, to!);
                else TileMath.Clear(to!);
                for (int j = 0; j < linear.Terms.Length; j++) maps[(i, j)].Map.Accumulate(values[linear.Terms[j].V]!, to!);
                break;
        }
    }

    private void Backward(int i, Tile adjoint)
    {
        switch (operations[i])
        {
            case StepOperation.Drift d:
                (d.OnlyNonlinear ? nonlinearTangent : tangent).Apply(values[d.U]!, adjoint, time + d.C * step, scratch);
                Add(d.U, 1, scratch);
                break;
            case StepOperation.Sum sum:
                Add(sum.U, 1, adjoint);
                for (int j = 0; j < sum.V.Length; j++) Add(sum.V[j], sum.C[j], adjoint);
                break;
            case StepOperation.Linear linear:
                if (linear.U >= 0) Add(linear.U, decayTransposed!, adjoint);
                for (int j = 0; j < linear.Terms.Length; j++) Add(linear.Terms[j].V, maps[(i, j)].Transposed, adjoint);
                break;
        }
    }

    private void Add(int register, double c, Tile from)
    {
        if (adjoints[register] is not { } to) return;
        if (reached[register]) TileMath.Add(to, c, from);
        else
        {
            TileMath.Copy(from, to);
            if (c != 1) TileMath.Scale(to, c);
            reached[register] = true;
        }
    }

    private void Add(int register, LinearMap map, Tile from)
    {
        if (reached[register]) map.Accumulate(from, adjoints[register]!);
        else map.Apply(from, adjoints[register]!);
        reached[register] = true;
    }
}
