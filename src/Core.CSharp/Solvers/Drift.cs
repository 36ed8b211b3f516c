using System.Runtime.CompilerServices;

namespace Leith.Core;

/// <summary>F(u, t) = L u + N(u, t), the whole drift, for the schemes that do not treat L apart.</summary>
internal sealed class Drift(Model model) : IDisposable
{
    private readonly LinearMap? linear = LinearMap.Linear(model);
    private readonly ITileMap? nonlinear = model.Nonlinear?.Invoke();

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
