namespace Leith.Core;

/// <summary>u ← u + h F(u, t) + S ΔW, F = L u + N(u, t).</summary>
/// <remarks>Additive noise: strong order 1, weak order 1. Kloeden and Platen (1992), §10.2.</remarks>
internal sealed class EulerMaruyama(Model model, double step) : IStepper
{
    private readonly Drift drift = new(model);
    private readonly LinearMap noise = LinearMap.Increment(model, step);
    private readonly Tile f = new(model.Rows);

    public int Normals => noise.Columns;

    public void Step(Tile state, double time, Tile normals)
    {
        drift.Apply(state, time, f);
        TileMath.Add(state, step, f);
        noise.Accumulate(normals, state);
    }

    public void Dispose()
    {
        drift.Dispose();
        f.Dispose();
    }
}
