namespace Leith.Core;

/// <summary>ū = u + h F(u, t) + S ΔW; u ← u + ½ h (F(u, t) + F(ū, t + h)) + S ΔW.</summary>
/// <remarks>Additive noise: strong order 1, weak order 2. Kloeden and Platen (1992), §15.1.</remarks>
internal sealed class Heun(Model model, double step) : IStepper
{
    private readonly Drift drift = new(model);
    private readonly LinearMap noise = LinearMap.Increment(model, step);
    private readonly Tile first = new(model.Rows), second = new(model.Rows), predicted = new(model.Rows);

    public int Normals => noise.Columns;

    public void Step(Tile state, double time, Tile normals)
    {
        drift.Apply(state, time, first);
        noise.Accumulate(normals, state);
        TileMath.Sum(state, step, first, predicted);
        drift.Apply(predicted, time + step, second);
        TileMath.Add(state, step / 2, first);
        TileMath.Add(state, step / 2, second);
    }

    public void Dispose()
    {
        drift.Dispose();
        first.Dispose();
        second.Dispose();
        predicted.Dispose();
    }
}
