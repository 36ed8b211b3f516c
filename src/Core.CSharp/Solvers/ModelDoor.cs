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
        if (model.Grid is { } grid) CheckTorus(model, grid);
        else CheckScalars(model);
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
        if (model.Grid is { } grid) CheckSymbol("kick", kick, grid, "Take the Fourier transform of a real field");
        else if (Array.FindIndex(kick, k => k.Imaginary != 0 || !double.IsFinite(k.Real)) is var row and >= 0)
            throw new LeithException($"kick: expected finite real numbers for scalar unknowns, got {Stability.Text(kick[row])} in row {row}.");
    }

    private static void CheckTorus(Model model, Grid grid)
    {
        if (grid.Sites != model.Rows) throw new LeithException($"model: expected {grid.Sites} modes as its grid has, got {model.Rows}.");
        if (model.LinearMatrix is not null || model.NoiseMatrix is not null)
            throw new LeithException("model: expected Fourier multipliers on a torus, got a matrix. Give LinearSymbol and NoiseSymbol.");
        if (model.LinearSymbol is { } linear) CheckSymbol("linear drift", linear, grid, "Drop odd derivatives at the Nyquist wavenumber");
        if (model.NoiseSymbol is { } sigma) CheckSymbol("noise", sigma, grid, "Drop odd derivatives at the Nyquist wavenumber");
    }

    private static void CheckSymbol(string name, Complex[] symbol, Grid grid, string advice)
    {
        if (symbol.Length != grid.Sites) throw new LeithException($"{name}: expected {grid.Sites} entries, one a mode, got {symbol.Length}.");
        if (Array.FindIndex(symbol, s => !Complex.IsFinite(s)) is var bad and >= 0)
            throw new LeithException($"{name}: expected finite numbers, got {Stability.Text(symbol[bad])} at mode {Stability.Mode(grid, bad)}.");
        double size = symbol.Max(Complex.Abs);
        for (int k = 0; k < symbol.Length; k++)
        {
            if (Complex.Abs(symbol[grid.Conjugate(k)] - Complex.Conjugate(symbol[k])) <= 1e-9 * size) continue;
            throw new LeithException($"{name}: expected the value at −k to be the conjugate of the value at k, as of a real field, got {Stability.Text(symbol[k])} at mode {Stability.Mode(grid, k)} "
                + $"and {Stability.Text(symbol[grid.Conjugate(k)])} at its opposite. {advice}.");
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
