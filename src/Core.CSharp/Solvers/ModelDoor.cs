using System.Numerics;

namespace Leith.Core;

/// <summary>The checks of a model and of plans before anything runs.</summary>
internal static class ModelDoor
{
    /// <summary>Refuses shapes that do not match, numbers that are not finite, multipliers that are not of real operators, a step that is no step.</summary>
    public static void Check(Model model, Scheme scheme, double step)
    {
        Schemes.Facts(scheme);
        if (!(step > 0) || double.IsInfinity(step)) throw new LeithException($"step: expected a positive time, got {Whole.Text(step)}.");
        if (model.Rows < 1) throw new LeithException($"model: expected at least one unknown or mode, got {model.Rows}.");
        if (model.HasFields) CheckFields(model);
        else CheckScalars(model);
        CheckNoise(model, scheme);
    }

    private static void CheckNoise(Model model, Scheme scheme)
    {
        if (!model.IsMultiplicative) return;
        if (model.MultiplicativeRows < 1) throw new LeithException($"model: expected at least one white noise in the multiplicative noise, got {model.MultiplicativeRows}. Set MultiplicativeRows.");
        if (model.ScalarNoise is { } noise && (model.HasFields || noise.Inputs != model.Rows + model.MultiplicativeRows || noise.Outputs.Count != model.Rows))
            throw new LeithException($"model: expected noise of scalar unknowns as code with {model.Rows + model.MultiplicativeRows} inputs and {model.Rows} outputs, got {noise.Inputs} and {noise.Outputs.Count}.");
        if (model.MultiplicativeSegments.Sum(s => s.Rows) != model.MultiplicativeRows)
            throw new LeithException($"model: expected segments of white noise with {model.MultiplicativeRows} rows, got {model.MultiplicativeSegments.Sum(s => s.Rows)}.");
        if (scheme == Scheme.Milstein && !NoiseCommutation.Holds(model))
            throw new LeithException("step: expected noise whose columns commute for Milstein's scheme, got white noises that act on one component together or through one another. "
                + $"Take {Schemes.Facts(model.HasFields ? Scheme.EulerMaruyama : Scheme.WeakSecondOrder).Name}.");
        if (scheme == Scheme.WeakSecondOrder && model.HasFields && (model.Milstein is null || model.AdditiveNormals > 0))
            throw new LeithException("step: expected fields whose noise is one white noise a site with an amplitude that depends on that site alone for the weak second-order scheme, got other noise. "
                + $"Take {Schemes.Facts(Scheme.EulerMaruyama).Name}, or {Schemes.Facts(Scheme.Heun).Name} with the equation in Stratonovich's sense.");
    }

    /// <summary>Refuses numbers of members and threads below 1.</summary>
    public static void CheckCounts(int members, int threads)
    {
        if (members < 1) throw new LeithException($"members: expected at least 1, got {members}.");
        if (threads < 1) throw new LeithException($"threads: expected at least 1, got {threads}.");
    }

    /// <summary>Refuses a kick with the wrong number of rows, that is no real field, of size 0 or without an end.</summary>
    public static void CheckKick(Model model, Complex[] kick, double size)
    {
        if (kick.Length != model.Rows) throw new LeithException($"kick: expected {model.Rows} rows as the state has, got {kick.Length}.");
        if (!double.IsFinite(size) || size == 0) throw new LeithException($"kick size: expected a finite number other than 0, got {Whole.Text(size)}.");
        if (kick.All(k => k == Complex.Zero)) throw new LeithException("kick: expected a direction, got zeros only.");
        if (model.HasFields) CheckSymbol("kick", kick, model, "Take the Fourier transform of a real field");
        else if (Array.FindIndex(kick, k => k.Imaginary != 0 || !double.IsFinite(k.Real)) is var row and >= 0)
            throw new LeithException($"kick: expected finite real numbers for scalar unknowns, got {Stability.Text(kick[row])} in row {row}.");
    }

    private static void CheckFields(Model model)
    {
        int rows = model.Segments.Sum(s => s.Rows);
        if (rows != model.Rows) throw new LeithException($"model: expected {rows} modes as its {(model.Segments.Count == 1 ? "grid has" : "unknowns have together")}, got {model.Rows}.");
        for (int i = 1; i < model.Segments.Count; i++)
            if (model.Segments[i].First != model.Segments[i - 1].End)
                throw new LeithException($"model: expected {model.Segments[i].Name} to begin at row {model.Segments[i - 1].End}, after {model.Segments[i - 1].Name}, got row {model.Segments[i].First}.");
        if (model.LinearMatrix is not null || model.NoiseMatrix is not null)
            throw new LeithException("model: expected Fourier multipliers on a torus, got a matrix. Give LinearSymbol and NoiseSymbol.");
        if (model.LinearSymbol is { } linear) CheckSymbol("linear drift", linear, model, "Drop odd derivatives at the Nyquist wavenumber");
        if (model.NoiseSymbol is { } sigma) CheckSymbol("noise", sigma, model, "Drop odd derivatives at the Nyquist wavenumber");
    }

    private static void CheckSymbol(string name, Complex[] symbol, Model model, string advice)
    {
        if (symbol.Length != model.Rows)
            throw new LeithException($"{name}: expected {model.Rows} entries, one a {(model.Segments.Count == 1 ? "mode" : "row")}, got {symbol.Length}.");
        if (Array.FindIndex(symbol, s => !Complex.IsFinite(s)) is var bad and >= 0)
            throw new LeithException($"{name}: expected finite numbers, got {Stability.Text(symbol[bad])} at {Stability.Row(model, bad)}.");
        foreach (var segment in model.Segments)
        {
            if (segment.Representation == Representation.Modes) CheckModes(name, symbol, segment, model, advice);
            else if (Array.FindIndex(symbol, segment.First, segment.Rows, s => s.Imaginary != 0) is var row and >= 0)
                throw new LeithException($"{name}: expected real numbers where an unknown is not held in Fourier modes, got {Stability.Text(symbol[row])} at {Stability.Row(model, row)}.");
        }
    }

    private static void CheckModes(string name, Complex[] symbol, Segment segment, Model model, string advice)
    {
        var grid = segment.Grid!;
        double size = symbol.Skip(segment.First).Take(segment.Rows).Max(Complex.Abs);
        for (int k = 0; k < segment.Rows; k++)
        {
            int row = segment.First + k, opposite = segment.First + grid.Conjugate(k);
            if (Complex.Abs(symbol[opposite] - Complex.Conjugate(symbol[row])) <= 1e-9 * size) continue;
            throw new LeithException($"{name}: expected the value at −k to be the conjugate of the value at k, as of a real field, got {Stability.Text(symbol[row])} at {Stability.Row(model, row)} "
                + $"and {Stability.Text(symbol[opposite])} at its opposite. {advice}.");
        }
    }

    private static void CheckScalars(Model model)
    {
        if (model.LinearSymbol is not null || model.NoiseSymbol is not null)
            throw new LeithException("model: expected matrices for scalar unknowns, got a Fourier multiplier. Give LinearMatrix and NoiseMatrix, or a grid.");
        if (model.LinearMatrix is { } linear) CheckMatrix("linear drift", linear, model.Rows, model.Rows);
        if (model.NoiseMatrix is { } noise) CheckMatrix("noise", noise, model.Rows, noise.GetLength(1));
    }

    private static void CheckMatrix(string name, double[,] matrix, int rows, int columns)
    {
        if (matrix.GetLength(0) != rows || matrix.GetLength(1) != columns)
            throw new LeithException($"{name}: expected a matrix of {rows} × {columns}, got {matrix.GetLength(0)} × {matrix.GetLength(1)}.");
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                if (!double.IsFinite(matrix[i, j])) throw new LeithException($"{name}: expected finite numbers, got {Whole.Text(matrix[i, j])} in row {i}, column {j}.");
    }
}
