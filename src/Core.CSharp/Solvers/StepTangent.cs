using System.Numerics;

namespace Leith.Core;

/// <summary>u ← Φ(u), one step without its noise, and w ↦ Φ′(u)ᵀ w at the state that it last started from. One a thread.</summary>
internal interface IStepTangent : IDisposable
{
    /// <summary>u ← Φ(u); keeps what the transposed tangent needs.</summary>
    void Advance(Tile u, double time);

    /// <summary>result ← Φ′(u)ᵀ w, transposed in the sense of plain sums over sites or unknowns. The tiles must not share memory.</summary>
    void Transpose(Tile w, Tile result);
}

/// <summary>Makes step tangents.</summary>
internal static class StepTangent
{
    /// <summary>One instance for one thread.</summary>
    /// <exception cref="LeithException">A scheme whose noise enters before its last stage.</exception>
    public static IStepTangent Make(Model model, Scheme scheme, double step, Func<IPairMap>? transposed) => scheme switch
    {
        Scheme.EulerMaruyama => new EulerTangent(model, step, transposed),
        Scheme.RungeKutta4 => new RungeKutta4Tangent(model, step, transposed),
        Scheme.Exponential => new ExponentialTangent(model, step, transposed),
        _ => throw new LeithException($"noise weights: expected a scheme that adds its noise once, after the last stage, got {Schemes.Facts(scheme).Name}. Take Euler–Maruyama, classical Runge–Kutta or the exponential scheme, or twin runs."),
    };
}

/// <summary>w ↦ F′(u, t)ᵀ w = Lᵀ w + N′(u, t)ᵀ w, the transposed tangent of the whole drift.</summary>
internal sealed class TransposedDrift(Model model, Func<IPairMap>? transposed) : IDisposable
{
    private readonly LinearMap? linear = Linear(model);
    private readonly IPairMap? nonlinear = transposed?.Invoke();

    /// <summary>result ← F′(u, time)ᵀ w.</summary>
    public void Apply(Tile u, Tile w, double time, Tile result)
    {
        if (nonlinear is not null)
        {
            nonlinear.Apply(u, w, time, result);
            linear?.Accumulate(w, result);
        }
        else if (linear is not null) linear.Apply(w, result);
        else TileMath.Clear(result);
    }

    public void Dispose() => nonlinear?.Dispose();

    private static LinearMap? Linear(Model model)
    {
        if (model.HasFields) return model.LinearSymbol is { } symbol ? new SymbolMap([.. symbol.Select(Complex.Conjugate)]) : null;
        return model.LinearMatrix is null ? null : new MatrixMap(LinearLaw.Matrix(model).Transpose().ToArray());
    }
}

/// <summary>Φ(u) = u + h F(u, t); Φ′ᵀ w = w + h F′(u)ᵀ w.</summary>
internal sealed class EulerTangent(Model model, double step, Func<IPairMap>? transposed) : IStepTangent
{
    private readonly Drift drift = new(model);
    private readonly TransposedDrift tangent = new(model, transposed);
    private readonly Tile u = new(model.Rows), f = new(model.Rows);
    private double time;

    public void Advance(Tile state, double at)
    {
        u.CopyFrom(state);
        time = at;
        drift.Apply(u, time, f);
        TileMath.Add(state, step, f);
    }

    public void Transpose(Tile w, Tile result)
    {
        tangent.Apply(u, w, time, f);
        TileMath.Sum(w, step, f, result);
    }

    public void Dispose()
    {
        drift.Dispose();
        tangent.Dispose();
        u.Dispose();
        f.Dispose();
    }
}

/// <summary>Φ(u) = u + (h/6)(k₁ + 2k₂ + 2k₃ + k₄), k_i = F(u_i), of classical Runge–Kutta.</summary>
/// <remarks>
/// Backwards through the stages: l₄ = F′(u₄)ᵀ (h/6) w, l₃ = F′(u₃)ᵀ ((h/3) w + h l₄), l₂ = F′(u₂)ᵀ ((h/3) w + (h/2) l₃), l₁ = F′(u₁)ᵀ ((h/6) w + (h/2) l₂),
/// Φ′ᵀ w = w + l₁ + l₂ + l₃ + l₄.
/// </remarks>
internal sealed class RungeKutta4Tangent(Model model, double step, Func<IPairMap>? transposed) : IStepTangent
{
    private readonly Drift drift = new(model);
    private readonly TransposedDrift tangent = new(model, transposed);
    private readonly Tile[] stages = [new(model.Rows), new(model.Rows), new(model.Rows), new(model.Rows)];
    private readonly Tile k = new(model.Rows), a = new(model.Rows);
    private double time;

    public void Advance(Tile state, double at)
    {
        time = at;
        stages[0].CopyFrom(state);
        for (int i = 0; i < 4; i++)
        {
            drift.Apply(stages[i], Time(i), k);
            TileMath.Add(state, step / (i is 0 or 3 ? 6 : 3), k);
            if (i < 3) TileMath.Sum(stages[0], i == 2 ? step : step / 2, k, stages[i + 1]);
        }
    }

    public void Transpose(Tile w, Tile result)
    {
        TileMath.Copy(w, result);
        for (int i = 3; i >= 0; i--)
        {
            TileMath.Copy(w, a);
            TileMath.Scale(a, step / (i is 0 or 3 ? 6 : 3));
            // k still holds l of the stage behind.
            if (i < 3) TileMath.Add(a, i == 2 ? step : step / 2, k);
            tangent.Apply(stages[i], a, Time(i), k);
            TileMath.Add(result, 1, k);
        }
    }

    public void Dispose()
    {
        drift.Dispose();
        tangent.Dispose();
        foreach (var tile in stages.Append(k).Append(a)) tile.Dispose();
    }

    private double Time(int stage) => stage == 0 ? time : stage == 3 ? time + step : time + step / 2;
}

/// <summary>Φ(u) = E u + H N(u, t), E = e^{Lh}, H = h φ₁(Lh); Φ′ᵀ w = Eᵀ w + N′(u)ᵀ Hᵀ w.</summary>
internal sealed class ExponentialTangent : IStepTangent
{
    private readonly LinearMap decay, forcing, decayTransposed, forcingTransposed;
    private readonly ITileMap? nonlinear;
    private readonly IPairMap? tangent;
    private readonly Tile u, n, a;
    private double time;

    public ExponentialTangent(Model model, double step, Func<IPairMap>? transposed)
    {
        if (model.HasFields)
        {
            var linear = LinearLaw.Linear(model);
            Complex[] e = [.. linear.Select(l => Complex.Exp(l * step))], h = [.. linear.Select(l => step * ComplexFunctions.Phi1(l * step))];
            (decay, forcing) = (new SymbolMap(e), new SymbolMap(h));
            (decayTransposed, forcingTransposed) = (new SymbolMap([.. e.Select(Complex.Conjugate)]), new SymbolMap([.. h.Select(Complex.Conjugate)]));
        }
        else
        {
            var (e, h, _) = MatrixFunctions.ExponentialIntegrals(LinearLaw.Matrix(model), LinearLaw.Diffusion(model), step);
            (decay, forcing) = (new MatrixMap(e.ToArray()), new MatrixMap(h.ToArray()));
            (decayTransposed, forcingTransposed) = (new MatrixMap(e.Transpose().ToArray()), new MatrixMap(h.Transpose().ToArray()));
        }
        (nonlinear, tangent) = (model.Nonlinear?.Invoke(), transposed?.Invoke());
        (u, n, a) = (new Tile(model.Rows), new Tile(model.Rows), new Tile(model.Rows));
    }

    public void Advance(Tile state, double at)
    {
        time = at;
        u.CopyFrom(state);
        decay.Apply(u, state);
        if (nonlinear is null) return;
        nonlinear.Apply(u, time, n);
        forcing.Accumulate(n, state);
    }

    public void Transpose(Tile w, Tile result)
    {
        if (tangent is not null)
        {
            forcingTransposed.Apply(w, a);
            tangent.Apply(u, a, time, result);
        }
        else TileMath.Clear(result);
        decayTransposed.Accumulate(w, result);
    }

    public void Dispose()
    {
        nonlinear?.Dispose();
        tangent?.Dispose();
        foreach (var tile in (Tile[])[u, n, a]) tile.Dispose();
    }
}
