namespace Leith.Core;

/// <summary>u ← E u + Φ N(u, t) + G n, with E = e^{Lh}, Φ = ∫₀ʰ e^{Ls} ds = h φ₁(Lh), G Gᵀ = ∫₀ʰ e^{Ls} S Sᵀ e^{Lᵀs} ds, n standard normal.</summary>
/// <remarks>
/// Exact in law at any h when N = 0. Otherwise strong and weak order 1 (additive noise). A singular covariance is legal: G then has fewer columns than unknowns.
/// Lord and Tambue (2013), IMA J. Numer. Anal. 33, 515.
/// </remarks>
internal sealed class ExponentialScalars : IStepper
{
    private readonly ITileMap? nonlinear;
    private readonly LinearMap decay, forcing, spread;
    private readonly Tile n, next;

    public ExponentialScalars(Model model, double step)
    {
        var (e, phi, q) = MatrixFunctions.ExponentialIntegrals(LinearLaw.Matrix(model), LinearLaw.Diffusion(model), step);
        (decay, forcing, spread) = (new MatrixMap(e.ToArray()), new MatrixMap(phi.ToArray()), new MatrixMap(MatrixFunctions.Factor(q)));
        nonlinear = model.Nonlinear?.Invoke();
        (n, next) = (new Tile(model.Rows), new Tile(model.Rows));
    }

    public int Normals => spread.Columns;

    public void Step(Tile state, double time, Tile normals)
    {
        decay.Apply(state, next);
        if (nonlinear is not null)
        {
            nonlinear.Apply(state, time, n);
            forcing.Accumulate(n, next);
        }
        spread.Accumulate(normals, next);
        TileMath.Copy(next, state);
    }

    public void Dispose()
    {
        nonlinear?.Dispose();
        n.Dispose();
        next.Dispose();
    }
}
