using System.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>
/// What is known exactly of du = L u dt + S dW, for the equation and for each scheme's chain u ← a u + b n at a finite step. The nonlinear part of a model is left out.
/// </summary>
public static class LinearLaw
{
    /// <summary>⟨|u_k|²⟩ = |σ_k|² N_sites / (−2 Re L_k) of one real field (unnormalised spectrum), one entry a row; N_sites is 1 for rows that are no modes; 0 where σ_k = 0.</summary>
    /// <exception cref="LeithException">No torus; a mode that has noise and Re L_k ≥ 0.</exception>
    public static double[] StationaryPower(Model model)
    {
        Stability.Require(Torus(model));
        return PerMode(model, (linear, noise) => noise == 0 ? 0 : noise / (-2 * linear.Real));
    }

    /// <summary>⟨|u_k|²⟩ = |b_k|²/(1 − |a_k|²) of one real field under a scheme at a finite step, one entry a mode.</summary>
    /// <exception cref="LeithException">No torus; a mode that has noise and |a_k| ≥ 1.</exception>
    public static double[] StationaryPower(Model model, Scheme scheme, double step)
    {
        Stability.Require(Torus(model), scheme, step);
        return PerMode(model, (linear, noise) =>
        {
            Complex z = linear * step;
            // For the exponential schemes the quotient is the exact variance at every step.
            if (noise == 0 || IsExponential(scheme)) return noise == 0 ? 0 : noise / (-2 * linear.Real);
            double gain = Complex.Abs(NoiseGain(scheme, z)), a = Complex.Abs(Amplification(scheme, z));
            return noise * step * gain * gain / (1 - a * a);
        });
    }

    /// <summary>e^{L_k t}, one entry a mode: ⟨u_k(t)⟩ = e^{L_k t} u_k(0).</summary>
    public static Complex[] PropagatorSymbol(Model model, double time) =>
        [.. Linear(Torus(model)).Select(linear => Complex.Exp(linear * time))];

    /// <summary>a_k of one step of a scheme, one entry a mode.</summary>
    public static Complex[] StepSymbol(Model model, Scheme scheme, double step) =>
        [.. Linear(Torus(model)).Select(linear => Amplification(scheme, linear * step))];

    /// <summary>C with L C + C Lᵀ + S Sᵀ = 0, [unknown, unknown].</summary>
    /// <exception cref="LeithException">A torus; an eigenvalue of L with real part ≥ 0 that noise acts on.</exception>
    public static double[,] StationaryCovariance(Model model)
    {
        Stability.Require(Scalars(model));
        return MatrixFunctions.Lyapunov(Matrix(model), Diffusion(model)).ToArray();
    }

    /// <summary>C = a C aᵀ + b bᵀ of a scheme at a finite step, [unknown, unknown].</summary>
    /// <exception cref="LeithException">A torus; an eigenvalue of a outside the unit circle.</exception>
    public static double[,] StationaryCovariance(Model model, Scheme scheme, double step)
    {
        Stability.Require(Scalars(model), scheme, step);
        return MatrixFunctions.DiscreteLyapunov(Step(model, scheme, step), StepNoise(model, scheme, step)).ToArray();
    }

    /// <summary>e^{Lt}, [unknown, unknown]: ⟨u(t)⟩ = e^{Lt} u(0).</summary>
    public static double[,] PropagatorMatrix(Model model, double time) => MatrixFunctions.Exponential(Matrix(Scalars(model)) * time).ToArray();

    /// <summary>a of one step of a scheme, [unknown, unknown].</summary>
    public static double[,] StepMatrix(Model model, Scheme scheme, double step) => Step(Scalars(model), scheme, step).ToArray();

    /// <summary>b bᵀ, the covariance that one step of a scheme adds, [unknown, unknown].</summary>
    public static double[,] StepCovariance(Model model, Scheme scheme, double step) => StepNoise(Scalars(model), scheme, step).ToArray();

    /// <summary>a(z) of a scheme on u' = L u, z = L h.</summary>
    internal static Complex Amplification(Scheme scheme, Complex z) => scheme switch
    {
        Scheme.EulerMaruyama or Scheme.Milstein => 1 + z,
        Scheme.Heun or Scheme.WeakSecondOrder => 1 + z * (1 + z / 2),
        Scheme.RungeKutta4 => 1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4))),
        _ => Complex.Exp(z),
    };

    /// <summary>Whether a scheme treats L exactly.</summary>
    internal static bool IsExponential(Scheme scheme) => scheme is Scheme.Exponential or Scheme.ExponentialRungeKutta4;

    /// <summary>σ_k √(N_sites (e^{2 Re L_k h} − 1)/(2 Re L_k)): ∫₀ʰ e^{L_k s} σ_k dW is a circular complex normal, a mode independent of the others. Empty without noise.</summary>
    internal static Complex[] SpreadSymbol(Model model, double step)
    {
        if (model.NoiseSymbol is not { } sigma || model.AdditiveNormals == 0) return [];
        var (linear, variance) = (Linear(model), Model.Variances(model.Segments));
        return [.. sigma.Select((s, k) => s * Math.Sqrt(variance[k] * ComplexFunctions.NoiseTime(linear[k], step)))];
    }

    /// <summary>The drift matrix, zeros where the model has none.</summary>
    internal static Matrix<double> Matrix(Model model) =>
        model.LinearMatrix is { } linear ? Matrix<double>.Build.DenseOfArray(linear) : Matrix<double>.Build.Dense(model.Rows, model.Rows);

    /// <summary>S Sᵀ.</summary>
    internal static Matrix<double> Diffusion(Model model)
    {
        if (model.NoiseMatrix is not { } noise || noise.GetLength(1) == 0) return Matrix<double>.Build.Dense(model.Rows, model.Rows);
        var s = Matrix<double>.Build.DenseOfArray(noise);
        return s * s.Transpose();
    }

    /// <summary>L_k, zeros where the model has none.</summary>
    internal static Complex[] Linear(Model model) => model.LinearSymbol ?? new Complex[model.Rows];

    private static Complex NoiseGain(Scheme scheme, Complex z) => scheme is Scheme.Heun or Scheme.WeakSecondOrder ? 1 + z / 2 : 1;

    private static Matrix<double> Step(Model model, Scheme scheme, double step)
    {
        var identity = Matrix<double>.Build.DenseIdentity(model.Rows);
        var z = Matrix(model) * step;
        return scheme switch
        {
            Scheme.EulerMaruyama or Scheme.Milstein => identity + z,
            Scheme.Heun or Scheme.WeakSecondOrder => identity + z * (identity + z / 2),
            Scheme.RungeKutta4 => identity + z * (identity + z / 2 * (identity + z / 3 * (identity + z / 4))),
            _ => MatrixFunctions.ExponentialIntegrals(Matrix(model), Diffusion(model), step).E,
        };
    }

    private static Matrix<double> StepNoise(Model model, Scheme scheme, double step)
    {
        if (IsExponential(scheme)) return MatrixFunctions.ExponentialIntegrals(Matrix(model), Diffusion(model), step).Q;
        var noise = Diffusion(model) * step;
        if (scheme is not (Scheme.Heun or Scheme.WeakSecondOrder)) return noise;
        var gain = Matrix<double>.Build.DenseIdentity(model.Rows) + Matrix(model) * (step / 2);
        return gain * noise * gain.Transpose();
    }

    private static double[] PerMode(Model model, Func<Complex, double, double> power)
    {
        double[] variance = Model.Variances(model.Segments);
        return [.. Linear(model).Select((linear, k) => power(linear, model.NoiseSymbol is { } sigma ? variance[k] * (sigma[k].Real * sigma[k].Real + sigma[k].Imaginary * sigma[k].Imaginary) : 0))];
    }

    private static Model Torus(Model model) =>
        model.HasFields ? model : throw new LeithException("linear law: expected a model on a torus, got one of scalar unknowns. Ask for its covariance or propagator matrix instead.");

    private static Model Scalars(Model model) =>
        !model.HasFields ? model : throw new LeithException("linear law: expected a model of scalar unknowns, got one on a torus. Ask for its power or propagator symbol instead.");
}
