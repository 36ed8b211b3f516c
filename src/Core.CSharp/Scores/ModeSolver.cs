using System.Numerics;

namespace Leith.Core;

/// <summary>
/// (G + Λ)⁻¹ of one mode for a list of features. Each is measured by its own size and, where the field itself leads the list, by what the field does not explain of it:
/// that the ridge Λ is relative to, so that the score shrinks to the Gaussian one. What the features before explain altogether has no part.
/// </summary>
internal sealed class ModeSolver(int size)
{
    /// <summary>A share of a feature's variance below this is rounding.</summary>
    public const double Rounding = 1e-10;

    private readonly Complex[,] factor = new Complex[size, size]; // lower triangle
    private readonly Complex[] onState = new Complex[size];
    private readonly double[] scale = new double[size];

    /// <summary>Features that were left out, since those before explain them.</summary>
    public bool[] Left { get; } = new bool[size];

    private bool projected;

    /// <summary>Factors the matrix of a mode.</summary>
    public void Factor(LibraryMoments moments, int h, IReadOnlyList<int> features, double ridge)
    {
        projected = size > 0 && features[0] == 0;
        int first = projected ? 1 : 0;
        Array.Clear(Left);
        Array.Clear(factor);
        double state = projected ? moments.Gram(h, 0, 0).Real : 1;
        if (projected) scale[0] = Math.Sqrt(state);
        for (int i = first; i < size; i++)
        {
            double own = moments.Gram(h, features[i], features[i]).Real;
            onState[i] = projected ? moments.Gram(h, features[i], 0) / state : 0;
            double left = projected ? own - (onState[i] * moments.Gram(h, 0, features[i])).Real : own;
            Left[i] = !(left > Rounding * own) || own <= 0;
            scale[i] = Left[i] ? 0 : Math.Sqrt(left);
        }
        for (int j = first; j < size; j++)
        {
            if (Left[j]) continue;
            for (int i = j; i < size; i++)
            {
                if (Left[i]) continue;
                var value = moments.Gram(h, features[i], features[j]);
                if (projected) value -= onState[i] * moments.Gram(h, 0, features[j]);
                value /= scale[i] * scale[j];
                if (i == j) value = value.Real + ridge;
                for (int l = first; l < j; l++) value -= factor[i, l] * Complex.Conjugate(factor[j, l]);
                if (i == j)
                {
                    Left[j] = value.Real <= Rounding;
                    if (Left[j]) break;
                    factor[j, j] = Math.Sqrt(value.Real);
                }
                else factor[i, j] = value / factor[j, j];
            }
            if (Left[j])
                for (int i = j; i < size; i++) factor[i, j] = 0;
        }
    }

    /// <summary>Columns b → (G + Λ)⁻¹ b.</summary>
    public void Solve(Complex[,] columns)
    {
        for (int c = 0; c < columns.GetLength(1); c++) SolveColumn(columns, c);
    }

    private void SolveColumn(Complex[,] x, int c)
    {
        int first = projected ? 1 : 0;
        Complex state = projected ? x[0, c] / (scale[0] * scale[0]) : 0;
        for (int i = first; i < size; i++)
        {
            if (Left[i])
            {
                x[i, c] = 0;
                continue;
            }
            // G_i0/G_00 of the first row is what the field explains
            Complex value = (x[i, c] - (projected ? onState[i] * x[0, c] : 0)) / scale[i];
            for (int l = first; l < i; l++)
                if (!Left[l]) value -= factor[i, l] * x[l, c];
            x[i, c] = value / factor[i, i];
        }
        for (int i = size - 1; i >= first; i--)
        {
            if (Left[i]) continue;
            Complex value = x[i, c];
            for (int l = i + 1; l < size; l++)
                if (!Left[l]) value -= Complex.Conjugate(factor[l, i]) * x[l, c];
            x[i, c] = value / factor[i, i];
        }
        for (int i = first; i < size; i++)
        {
            x[i, c] = Left[i] ? 0 : x[i, c] / scale[i];
            state -= Complex.Conjugate(onState[i]) * x[i, c];
        }
        if (projected) x[0, c] = state;
    }
}

/// <summary>Small symmetric positive systems.</summary>
internal static class Cholesky
{
    /// <summary>A⁻¹ b, each row measured by its own size; rows that those before explain get 0.</summary>
    public static double[] Solve(double[,] a, double[] b)
    {
        int n = b.Length;
        var (l, left) = Factor(a);
        var x = new double[n];
        for (int i = 0; i < n; i++)
        {
            if (left[i]) continue;
            double value = b[i] / Math.Sqrt(a[i, i]);
            for (int j = 0; j < i; j++) value -= l[i, j] * x[j];
            x[i] = value / l[i, i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            if (left[i]) continue;
            double value = x[i];
            for (int j = i + 1; j < n; j++) value -= l[j, i] * x[j];
            x[i] = value / l[i, i];
        }
        for (int i = 0; i < n; i++) x[i] = left[i] ? 0 : x[i] / Math.Sqrt(a[i, i]);
        return x;
    }

    /// <summary>The factor of A over the sizes of its rows, and the rows that those before explain.</summary>
    public static (double[,] Factor, bool[] Left) Factor(double[,] a)
    {
        int n = a.GetLength(0);
        var l = new double[n, n];
        var left = new bool[n];
        for (int j = 0; j < n; j++)
        {
            double pivot = a[j, j] > 0 ? 1 : 0;
            for (int m = 0; m < j; m++) pivot -= l[j, m] * l[j, m];
            left[j] = !(pivot > ModeSolver.Rounding);
            if (left[j]) continue;
            l[j, j] = Math.Sqrt(pivot);
            for (int i = j + 1; i < n; i++)
            {
                double value = a[i, i] > 0 ? a[i, j] / Math.Sqrt(a[i, i] * a[j, j]) : 0;
                for (int m = 0; m < j; m++) value -= l[i, m] * l[j, m];
                l[i, j] = value / l[j, j];
            }
        }
        return (l, left);
    }
}
