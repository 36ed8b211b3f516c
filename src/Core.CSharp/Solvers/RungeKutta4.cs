namespace Leith.Core;

/// <summary>k₁ = F(u, t), k₂ = F(u + ½h k₁, t + ½h), k₃ = F(u + ½h k₂, t + ½h), k₄ = F(u + h k₃, t + h); u ← u + (h/6)(k₁ + 2k₂ + 2k₃ + k₄) + S ΔW.</summary>
/// <remarks>Order 4 without noise. With additive noise strong and weak order 1, as the drift does not see the noise of its own step.</remarks>
internal sealed class RungeKutta4(Model model, double step) : IStepper
{
    private readonly Drift drift = new(model);
    private readonly LinearMap noise = LinearMap.Increment(model, step);
    private readonly Tile k = new(model.Rows), stage = new(model.Rows), next = new(model.Rows);

    public int Normals => noise.Columns;

    public void Step(Tile state, double time, Tile normals)
    {
        drift.Apply(state, time, k);
        TileMath.Sum(state, step / 6, k, next);
        TileMath.Sum(state, step / 2, k, stage);
        drift.Apply(stage, time + step / 2, k);
        TileMath.Add(next, step / 3, k);
        TileMath.Sum(state, step / 2, k, stage);
        drift.Apply(stage, time + step / 2, k);
        TileMath.Add(next, step / 3, k);
        TileMath.Sum(state, step, k, stage);
        drift.Apply(stage, time + step, k);
        TileMath.Sum(next, step / 6, k, state);
        noise.Accumulate(normals, state);
    }

    public void Dispose()
    {
        drift.Dispose();
        k.Dispose();
        stage.Dispose();
        next.Dispose();
    }
}
