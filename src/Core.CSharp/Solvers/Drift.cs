using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>F(u, t) = L u + N(u, t), the whole drift, for the schemes that do not treat L apart.</summary>
internal sealed class Drift : IDisposable
{
    private readonly LinearMap? linear;         // null where there is none, or where the other part has it
    private readonly ITileMap? nonlinear;

    public Drift(Model model)
    {
        linear = LinearMap.Linear(model);
        nonlinear = model.Nonlinear?.Invoke();
        if (nonlinear is not FieldMap map || linear is not SymbolMap l || map.Plus(l.Symbol) is not { } whole) return;
        map.Dispose();
        (linear, nonlinear) = (null, whole);
    }

    /// <summary>result ← F(state, time).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(Tile state, double time, Tile result)
    {
        if (nonlinear is not null)
        {
            nonlinear.Apply(state, time, result);
            linear?.Accumulate(state, result);
        }
        else if (linear is not null) linear.Apply(state, result);
        else TileMath.Clear(result);
    }

    public void Dispose() => nonlinear?.Dispose();
}
