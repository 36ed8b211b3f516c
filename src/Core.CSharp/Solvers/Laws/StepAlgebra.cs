namespace Leith.Core;

/// <summary>A state that a step law names; 0 is the state at t.</summary>
internal readonly record struct StepValue(int Register)
{
    /// <summary>Nothing: a part that the model does not have.</summary>
    public static StepValue Zero { get; } = new(-1);

    /// <summary>Whether it is nothing.</summary>
    public bool IsZero => Register < 0;
}

/// <summary>A function of L h that an exponential law multiplies by.</summary>
internal enum LinearFunction
{
    /// <summary>e^{Lh/2}.</summary>
    HalfDecay,

    /// <summary>½h φ₁(½Lh).</summary>
    HalfForcing,

    /// <summary>h φ₁.</summary>
    Forcing,

    /// <summary>h (φ₁ − 3φ₂ + 4φ₃).</summary>
    First,

    /// <summary>h (2φ₂ − 4φ₃).</summary>
    Middle,

    /// <summary>h (4φ₃ − φ₂).</summary>
    Last,
}

/// <summary>One operation of a step law; its result is the register with its own number plus one.</summary>
internal abstract record StepOperation
{
    /// <summary>F(u, t + c h), or N where only that part is meant.</summary>
    internal sealed record Drift(int U, double C, bool OnlyNonlinear) : StepOperation;

    /// <summary>S(u, t + c h) w, or the multiplicative part of it.</summary>
    internal sealed record Noise(int U, double C, Increment W, bool OnlyMultiplicative) : StepOperation;

    /// <summary>S(u, t) ΔW + ½ Σ (S_j · ∂) S_r (ΔW_j ΔW_r − h δ_jr).</summary>
    internal sealed record Milstein(int U) : StepOperation;

    /// <summary>u + Σ c v.</summary>
    internal sealed record Sum(int U, double[] C, int[] V) : StepOperation;

    /// <summary>Σ c f(L) v, and with U ≥ 0 e^{Lh} u + G n besides.</summary>
    internal sealed record Linear(int U, (LinearFunction F, double C, int V)[] Terms) : StepOperation;

    /// <summary>The registers that it reads.</summary>
    public IEnumerable<int> Reads => this switch
    {
        Drift d => [d.U],
        Noise n => [n.U],
        Milstein m => [m.U],
        Sum s => [s.U, .. s.V],
        Linear l => l.Terms.Select(term => term.V).Concat(l.U >= 0 ? [l.U] : []),
        _ => [],
    };
}

/// <summary>
/// What step laws are written in. A law runs once over it; what is kept are the operations of a step in order, for a machine to execute:
/// tiles (<see cref="TileMachine"/>), or one piece of code for scalar unknowns (<see cref="ScalarMachine"/>).
/// </summary>
internal sealed class StepAlgebra(Model model, double step)
{
    private readonly List<StepOperation> operations = [];

    /// <summary>h.</summary>
    public double Step => step;

    /// <summary>Whether noise depends on the state.</summary>
    public bool IsMultiplicative { get; } = model.IsMultiplicative;

    /// <summary>Whether every white noise has a site of its own, so that formulas for one are written for all.</summary>
    public bool AllAtOnce { get; } = model.HasFields;

    /// <summary>Number of white noises of scalar unknowns.</summary>
    public int Noises { get; } = model.AdditiveNormals + model.MultiplicativeRows;

    /// <summary>The operations.</summary>
    public IReadOnlyList<StepOperation> Operations => operations;

    /// <summary>u(t).</summary>
    public StepValue State => new(0);

    /// <summary>u(t + h).</summary>
    public StepValue Result { get; set; }

    /// <summary>F(u, t + c h).</summary>
    public StepValue Drift(StepValue u, double c) =>
        model.Nonlinear is null && model.ScalarDrift is null && !model.HasLinear ? StepValue.Zero : Put(new StepOperation.Drift(u.Register, c, false));

    /// <summary>N(u, t + c h).</summary>
    public StepValue Nonlinear(StepValue u, double c) => model.Nonlinear is null ? StepValue.Zero : Put(new StepOperation.Drift(u.Register, c, true));

    /// <summary>S(u, t + c h) ΔW, additive and multiplicative.</summary>
    public StepValue Noise(StepValue u, double c) => Noise(u, c, default);

    /// <summary>S(u, t + c h) w, additive and multiplicative.</summary>
    public StepValue Noise(StepValue u, double c, Increment w) =>
        !IsMultiplicative && model.AdditiveNormals == 0 ? StepValue.Zero : Put(new StepOperation.Noise(u.Register, c, w, false));

    /// <summary>S(u, t + c h) ΔW of the multiplicative noise alone.</summary>
    public StepValue MultiplicativeNoise(StepValue u, double c) => IsMultiplicative ? Put(new StepOperation.Noise(u.Register, c, default, true)) : StepValue.Zero;

    /// <summary>The increment of Milstein's law at t.</summary>
    public StepValue Milstein(StepValue u) => IsMultiplicative ? Put(new StepOperation.Milstein(u.Register)) : Noise(u, 0);

    /// <summary>u + Σ c v in one pass.</summary>
    public StepValue Sum(StepValue u, params ReadOnlySpan<(double C, StepValue V)> terms)
    {
        List<(double C, StepValue V)> some = [];
        foreach (var term in terms)
            if (!term.V.IsZero && term.C != 0) some.Add(term);
        return some.Count == 0 ? u : Put(new StepOperation.Sum(u.Register, [.. some.Select(t => t.C)], [.. some.Select(t => t.V.Register)]));
    }

    /// <summary>Σ c f(L) v.</summary>
    public StepValue Combine(params ReadOnlySpan<(LinearFunction F, double C, StepValue V)> terms) => Put(new StepOperation.Linear(-1, Some(terms)));

    /// <summary>e^{Lh} u + Σ c f(L) v + G n, G n the additive noise of the linear equation over a step.</summary>
    public StepValue Propagate(StepValue u, params ReadOnlySpan<(LinearFunction F, double C, StepValue V)> terms) => Put(new StepOperation.Linear(u.Register, Some(terms)));

    private static (LinearFunction F, double C, int V)[] Some(ReadOnlySpan<(LinearFunction F, double C, StepValue V)> terms)
    {
        List<(LinearFunction F, double C, int V)> some = [];
        foreach (var (f, c, v) in terms)
            if (!v.IsZero) some.Add((f, c, v.Register));
        return [.. some];
    }

    private StepValue Put(StepOperation operation)
    {
        operations.Add(operation);
        return new(operations.Count);
    }
}
