using System.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>u ← Φ(u) + ξ in the first half of the rows, B ← K B + (I − K Φ′(u)ᵀ) Q⁻¹ ξ in the second, ξ ~ N(0, Q).</summary>
/// <remarks>
/// ⟨A(u(t)) B(0)ᵀ⟩ is the response of the discrete chain to a unit kick at every lag, for any stable K: a kick e now is the same as noise shifted by
/// e − Φ′ Kᵀ e in the last step, by Kᵀ e − Φ′ (Kᵀ)² e in the step before, and so on, and B is the derivative of the noise's log density along these shifts.
/// Rows of B: as those of u; on a torus the paired spectra of two real fields.
/// </remarks>
internal sealed class NoiseWeightStepper : IStepper
{
    private readonly IStepTangent tangent;
    private readonly LinearMap noise, precision, decay;
    private readonly Tile u, b, w, rest;

    public NoiseWeightStepper(Model model, Scheme scheme, double step, Func<IPairMap>? transposed, LinearMap decay)
    {
        tangent = StepTangent.Make(model, scheme, step, transposed);
        (noise, precision) = StepNoise.Maps(model, scheme, step);
        this.decay = decay;
        (u, b, w, rest) = (new Tile(model.Rows), new Tile(model.Rows), new Tile(model.Rows), new Tile(model.Rows));
    }

    public int Normals => noise.Columns;

    public void Step(Tile state, double time, Tile normals)
    {
        Halves(state, u, b, store: false);
        tangent.Advance(u, time);
        noise.Accumulate(normals, u);
        precision.Apply(normals, w);
        tangent.Transpose(w, rest);
        // B ← K (B − Φ′ᵀ w) + w.
        TileMath.Add(b, -1, rest);
        decay.Accumulate(b, w);
        Halves(state, u, w, store: true);
    }

    public void Dispose()
    {
        tangent.Dispose();
        foreach (var tile in (Tile[])[u, b, w, rest]) tile.Dispose();
    }

    private static void Halves(Tile state, Tile first, Tile second, bool store)
    {
        Halves(state.A.Span, first.A.Span, second.A.Span, store);
        Halves(state.B.Span, first.B.Span, second.B.Span, store);
        if (!store) (first.Index, second.Index) = (state.Index, state.Index);
    }

    private static void Halves(Span<double> whole, Span<double> first, Span<double> second, bool store)
    {
        if (store)
        {
            first.CopyTo(whole);
            second.CopyTo(whole[first.Length..]);
        }
        else
        {
            whole[..first.Length].CopyTo(first);
            whole[first.Length..].CopyTo(second);
        }
    }
}

/// <summary>The noise of one step, ξ = c n with Q = c cᵀ, and n ↦ Q⁻¹ ξ.</summary>
internal static class StepNoise
{
    /// <summary>The maps n ↦ ξ and n ↦ Q⁻¹ ξ.</summary>
    /// <exception cref="LeithException">Noise that depends on the state, or that does not reach every mode or unknown.</exception>
    public static (LinearMap Noise, LinearMap Precision) Maps(Model model, Scheme scheme, double step)
    {
        Require(model);
        if (model.HasFields)
        {
            var c = Factors(model, scheme, step);
            double[] sites = Sites(model);
            // The covariance of the values at sites has eigenvalues |c_k|²/N, N the sites of a torus.
            return (new SymbolMap(c), new SymbolMap([.. c.Select((factor, k) => factor == Complex.Zero ? 0 : sites[k] / Complex.Conjugate(factor))]));
        }
        var matrix = Matrix(model, scheme, step);
        var q = matrix * matrix.Transpose();
        return (new MatrixMap(matrix.ToArray()), new MatrixMap(q.Cholesky().Solve(matrix).ToArray()));
    }

    /// <summary>Eigenvalues of Q/h, one a row: |σ|² for schemes that add S ΔW.</summary>
    public static double[] Rates(Model model, Scheme scheme, double step)
    {
        double[] sites = Sites(model);
        return [.. Factors(model, scheme, step).Select((c, k) => (c.Real * c.Real + c.Imaginary * c.Imaginary) / sites[k] / step)];
    }

    /// <summary>Q/h of scalar unknowns.</summary>
    public static Matrix<double> Rate(Model model, Scheme scheme, double step)
    {
        var matrix = Matrix(model, scheme, step);
        return matrix * matrix.Transpose() / step;
    }

    /// <summary>Refuses noise from which no weights can be made.</summary>
    public static void Require(Model model)
    {
        if (model.IsMultiplicative)
            throw new LeithException("noise weights: expected additive noise, got noise that depends on the state. Take twin runs.");
        if (model.HasFields)
        {
            var sigma = model.NoiseSymbol ?? new Complex[model.Rows];
            double largest = sigma.Max(Complex.Abs);
            int quiet = Enumerable.Range(0, sigma.Length).FirstOrDefault(k => model.Kept?[k] != false && !(Complex.Abs(sigma[k]) > 1e-12 * largest), -1);
            if (quiet < 0) return;
            string where = model.Grid is { } grid ? $"mode {Stability.Mode(grid, quiet)}" : $"row {quiet}";
            throw new LeithException($"noise weights: expected noise at every mode, got none at {where}. Take twin runs, or noise that reaches every mode.");
        }
        var s = LinearLaw.Diffusion(model);
        var scale = Enumerable.Range(0, model.Rows).Select(i => Math.Sqrt(s[i, i])).ToArray();
        int still = Array.FindIndex(scale, x => !(x > 0));
        if (still >= 0) throw new LeithException($"noise weights: expected noise on every unknown, got none on {model.Segments[still].Name}. Take twin runs, or give it noise.");
        var correlation = Matrix<double>.Build.Dense(model.Rows, model.Rows, (i, j) => s[i, j] / (scale[i] * scale[j]));
        if (!(correlation.Evd(Symmetricity.Symmetric).EigenValues[0].Real > 1e-12))
            throw new LeithException($"noise weights: expected noise in every direction of the {model.Rows} unknowns, got a covariance S Sᵀ that is singular. Take twin runs, or add independent noise.");
    }

    private static Complex[] Factors(Model model, Scheme scheme, double step)
    {
        double[] sites = Sites(model);
        var linear = LinearLaw.Linear(model);
        return [.. model.NoiseSymbol!.Select((sigma, k) => sigma * Math.Sqrt(sites[k] * (LinearLaw.IsExponential(scheme) ? ComplexFunctions.NoiseTime(linear[k], step) : step)))];
    }

    private static Matrix<double> Matrix(Model model, Scheme scheme, double step)
    {
        if (!LinearLaw.IsExponential(scheme)) return Matrix<double>.Build.DenseOfArray(model.NoiseMatrix!) * Math.Sqrt(step);
        var (_, _, q) = MatrixFunctions.ExponentialIntegrals(LinearLaw.Matrix(model), LinearLaw.Diffusion(model), step);
        return Matrix<double>.Build.DenseOfArray(MatrixFunctions.Factor(q));
    }

    private static double[] Sites(Model model) => Model.Variances(model.Segments);
}
