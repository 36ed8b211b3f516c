using System.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>The functions of L h that exponential laws multiply by, for the L of one model and one step.</summary>
internal sealed class LinearFunctions
{
    private readonly Model model;
    private readonly double step;
    private readonly Matrix<double>[] phi = [];

    public LinearFunctions(Model model, double step)
    {
        (this.model, this.step) = (model, step);
        if (model.HasFields)
        {
            Decay = new SymbolMap([.. LinearLaw.Linear(model).Select(l => Complex.Exp(l * step))]);
            Spread = new SymbolMap(LinearLaw.SpreadSymbol(model, step));
            return;
        }
        var (e, forcing, q) = MatrixFunctions.ExponentialIntegrals(LinearLaw.Matrix(model), LinearLaw.Diffusion(model), step);
        (Decay, Spread) = (new MatrixMap(e.ToArray()), new MatrixMap(MatrixFunctions.Factor(q)));
        phi = [e, forcing / step, .. MatrixFunctions.Phi(LinearLaw.Matrix(model) * step)];
    }

    /// <summary>e^{Lh}.</summary>
    public LinearMap Decay { get; }

    /// <summary>G with G Gᵀ = ∫₀ʰ e^{Ls} S Sᵀ e^{Lᵀs} ds; on a torus the factor of n₁ + i n₂.</summary>
    public LinearMap Spread { get; }

    /// <summary>to ← e^{Lh} u + G n. The tiles must not share memory.</summary>
    public void Propagate(Tile u, Tile normals, Tile to)
    {
        if (Decay is SymbolMap decay && Spread is SymbolMap { Columns: > 0 } spread)
        {
            TileMath.DecayAndSpread(u, decay.Symbol, spread.Symbol, normals, to);
            return;
        }
        Decay.Apply(u, to);
        if (Spread.Columns > 0) Spread.Accumulate(normals, to);
    }

    /// <summary>c f(L).</summary>
    public LinearMap Map(LinearFunction f, double c) => model.HasFields
        ? new SymbolMap([.. LinearLaw.Linear(model).Select(l => c * Value(f, l * step))])
        : new MatrixMap((c * Value(f)).ToArray());

    private Complex Value(LinearFunction f, Complex z)
    {
        Complex Phi(int order) => step * ComplexFunctions.Phi(order, z);
        return f switch
        {
            LinearFunction.HalfDecay => Complex.Exp(z / 2),
            LinearFunction.HalfForcing => step / 2 * ComplexFunctions.Phi1(z / 2),
            LinearFunction.Forcing => Phi(1),
            LinearFunction.First => Phi(1) - 3 * Phi(2) + 4 * Phi(3),
            LinearFunction.Middle => 2 * Phi(2) - 4 * Phi(3),
            _ => 4 * Phi(3) - Phi(2),
        };
    }

    private Matrix<double> Value(LinearFunction f)
    {
        var half = LinearLaw.Matrix(model) * (step / 2);
        return f switch
        {
            LinearFunction.HalfDecay => MatrixFunctions.Exponential(half),
            LinearFunction.HalfForcing => step / 2 * MatrixFunctions.ExponentialIntegrals(half, 0 * half, 1).Phi,
            LinearFunction.Forcing => step * phi[1],
            LinearFunction.First => step * (phi[1] - 3 * phi[2] + 4 * phi[3]),
            LinearFunction.Middle => step * (2 * phi[2] - 4 * phi[3]),
            _ => step * (4 * phi[3] - phi[2]),
        };
    }
}
