using System.Numerics;

namespace Leith.Core;

/// <summary>Whether the linear part of a model forgets its past, mode by mode or eigenvalue by eigenvalue.</summary>
public static class Stability
{
    private const double Tolerance = 1e-12;

    /// <summary>Refuses a linear drift under which the members would not become stationary.</summary>
    /// <exception cref="LeithException">A mode or eigenvalue with real part above 0, or equal to 0 with noise acting on it; the message names it.</exception>
    public static void Require(Model model)
    {
        if (model.HasFields) RequireModes(model);
        else RequireEigenvalues(model);
    }

    /// <summary>Refuses a step at which a scheme amplifies a linear drift that is stable by itself: |a(L h)| ≥ 1.</summary>
    /// <exception cref="LeithException">The mode or eigenvalue that is amplified, and a step that would do.</exception>
    public static void Require(Model model, Scheme scheme, double step)
    {
        Require(model);
        RequireDamped(model, scheme, step, _ => true);
    }

    /// <summary>Refuses a step at which a scheme amplifies what L damps and the nonlinear part, linearised at rest, leaves alone. L may grow elsewhere.</summary>
    /// <exception cref="LeithException">The mode or eigenvalue that is amplified, and a step that would do.</exception>
    public static void RequireNonlinear(Model model, Scheme scheme, double step)
    {
        using var probe = new RestProbe(model);
        RequireDamped(model, scheme, step, k => !probe.Acts(k));
    }

    /// <summary>The largest step below which a scheme damps whatever L damps; +∞ where there is no such limit.</summary>
    public static double LargestStep(Model model, Scheme scheme)
    {
        var rates = Rates(model).Where(rate => rate.Real < 0).ToArray();
        if (LinearLaw.IsExponential(scheme) || rates.Length == 0) return double.PositiveInfinity;
        double low = 0, high = 8 / rates.Min(rate => -rate.Real);
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            if (rates.All(rate => Complex.Abs(LinearLaw.Amplification(scheme, rate * middle)) < 1)) low = middle;
            else high = middle;
        }
        return low;
    }

    private static Complex[] Rates(Model model) => model.HasFields ? LinearLaw.Linear(model) : [.. LinearLaw.Matrix(model).Evd().EigenValues];

    private static void RequireDamped(Model model, Scheme scheme, double step, Func<int, bool> counts)
    {
        if (LinearLaw.IsExponential(scheme) || !model.HasLinear) return;
        var rates = Rates(model);
        for (int k = 0; k < rates.Length; k++)
        {
            if (rates[k].Real >= 0 || Complex.Abs(LinearLaw.Amplification(scheme, rates[k] * step)) < 1 || !counts(k)) continue;
            string what = model.HasFields ? Row(model, k) : $"the eigenvalue {Text(rates[k])}";
            throw new LeithException($"step: expected one at which {Schemes.Facts(scheme).Name} damps {what} (rate {Text(rates[k])}), got {Whole.Text(step)}, "
                + $"which multiplies it by {Whole.Text(Complex.Abs(LinearLaw.Amplification(scheme, rates[k] * step)))} every step. Take {Whole.Text(StableStep(scheme, rates, step))} or less, or the exponential scheme{(model.Nonlinear is null ? "" : " (exponentialRungeKutta4 where the rest is not slow)")}.");
        }
    }

    private static void RequireModes(Model model)
    {
        var linear = LinearLaw.Linear(model);
        for (int k = 0; k < linear.Length; k++)
        {
            bool noisy = model.NoiseSymbol is { } sigma && sigma[k] != Complex.Zero;
            if (linear[k].Real < 0 || (linear[k].Real == 0 && !noisy)) continue;
            throw new LeithException($"linear drift: expected a negative real part at every mode that noise acts on, got {Text(linear[k])} at {Row(model, k)}. "
                + "Check the signs of its terms, add damping there, or take the noise from that mode.");
        }
    }

    private static void RequireEigenvalues(Model model)
    {
        var linear = LinearLaw.Matrix(model);
        double size = linear.L1Norm();
        var right = linear.Evd();
        for (int i = 0; i < model.Rows; i++)
        {
            Complex value = right.EigenValues[i];
            if (value.Real < -Tolerance * size) continue;
            if (value.Real <= Tolerance * size && !NoiseActsOn(model, value, size)) continue;
            throw new LeithException($"linear drift: expected eigenvalues with negative real parts, got {Text(value)}, which moves {Unknowns(model, right, i)}. "
                + "Check the signs of its terms, or add damping there.");
        }
    }

    /// <summary>Whether some left eigenvector y of the eigenvalue has yᵀ S ≠ 0.</summary>
    private static bool NoiseActsOn(Model model, Complex value, double size)
    {
        if (model.NoiseMatrix is not { } noise) return false;
        var left = LinearLaw.Matrix(model).Transpose().Evd();
        for (int i = 0; i < model.Rows; i++)
        {
            if (Complex.Abs(left.EigenValues[i] - value) > 1e-6 * Math.Max(size, 1e-300)) continue;
            for (int j = 0; j < noise.GetLength(1); j++)
            {
                Complex product = 0;
                for (int row = 0; row < model.Rows; row++) product += Component(left, row, i) * noise[row, j];
                if (Complex.Abs(product) > 1e-9) return true;
            }
        }
        return false;
    }

    /// <summary>Component of an eigenvector; for a complex pair the two columns hold its real and imaginary parts.</summary>
    private static Complex Component(MathNet.Numerics.LinearAlgebra.Factorization.Evd<double> evd, int row, int column)
    {
        double imaginary = evd.EigenValues[column].Imaginary;
        if (imaginary > 0) return new(evd.EigenVectors[row, column], evd.EigenVectors[row, column + 1]);
        return imaginary < 0 ? new Complex(evd.EigenVectors[row, column - 1], -evd.EigenVectors[row, column]) : new Complex(evd.EigenVectors[row, column], 0);
    }

    private static string Unknowns(Model model, MathNet.Numerics.LinearAlgebra.Factorization.Evd<double> evd, int column)
    {
        var sizes = Enumerable.Range(0, model.Rows).Select(row => Complex.Abs(Component(evd, row, column))).ToArray();
        double largest = sizes.Max();
        return string.Join(", ", Enumerable.Range(0, model.Rows).Where(row => sizes[row] > 0.1 * largest).Select(row => row < model.Names.Count ? model.Names[row] : $"unknown {row}"));
    }

    /// <summary>The wave indices of a mode, as people write them.</summary>
    internal static string Mode(Grid grid, int mode) => $"({string.Join(", ", grid.Unravel(mode).Select((i, axis) => grid.WaveIndex(axis, i)))})";

    /// <summary>A row as people name it: the mode of the one field, or the unknown with its mode or site.</summary>
    internal static string Row(Model model, int row)
    {
        var segment = model.Segments.First(s => row < s.End);
        string mode = segment.Representation switch
        {
            Representation.Number => "",
            Representation.Modes => $"mode {Mode(segment.Grid!, row - segment.First)}",
            _ => $"site ({string.Join(", ", segment.Grid!.Unravel(row - segment.First))})",
        };
        return model.Segments.Count == 1 ? mode : $"{segment.Name}{(mode == "" ? "" : " " + mode)}";
    }

    private static double StableStep(Scheme scheme, Complex[] rates, double step)
    {
        for (int i = 0; i < 60; i++)
        {
            step /= 2;
            if (rates.All(rate => rate.Real >= 0 || Complex.Abs(LinearLaw.Amplification(scheme, rate * step)) < 1)) break;
        }
        return step;
    }

    /// <summary>A complex number as people write it.</summary>
    internal static string Text(Complex value) =>
        value.Imaginary == 0 ? Whole.Text(value.Real) : $"{Whole.Text(value.Real)} {(value.Imaginary < 0 ? '−' : '+')} {Whole.Text(Math.Abs(value.Imaginary))}i";
}
