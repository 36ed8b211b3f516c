using System.Runtime.Intrinsics;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>The covariance of a whole mixture, C = Σ w_c (C_c + (m_c − m)(m_c − m)ᵀ), and its root, as maps of a tile: what makes every direction of Langevin dynamics equally fast.</summary>
internal sealed unsafe class CovarianceMap : IDisposable
{
    private readonly int rows;
    private readonly double[]? power;           // a field: C_k, one entry a mode
    private readonly double[] whole = [], root = []; // scalar unknowns: row-major
    private readonly double sites;

    public CovarianceMap(GaussianMixture law)
    {
        rows = law.Rows;
        sites = law.Grid?.Sites ?? 1;
        double Mean(int i) => law.Components.Sum(c => c.Weight * c.Mean[i]);
        if (law.Grid is not null)
        {
            double mean = Mean(0);
            power = [.. Enumerable.Range(0, rows).Select(k => law.Components.Sum(c => c.Weight * (c.Eigenvalues[k] + (k == 0 ? rows * (c.Mean[0] - mean) * (c.Mean[0] - mean) : 0))))];
            return;
        }
        double[] centre = [.. Enumerable.Range(0, rows).Select(Mean)];
        var matrix = Matrix<double>.Build.Dense(rows, rows, (i, j) => law.Scale[i] * law.Scale[j] * law.Components.Sum(c => c.Weight
            * ((c.Mean[i] - centre[i]) * (c.Mean[j] - centre[j]) + Enumerable.Range(0, rows).Sum(k => c.Basis[i * rows + k] * c.Eigenvalues[k] * c.Basis[j * rows + k]))));
        var parts = matrix.Evd(Symmetricity.Symmetric);
        whole = matrix.ToRowMajorArray();
        root = (parts.EigenVectors * Matrix<double>.Build.DenseDiagonal(rows, rows, k => Math.Sqrt(Math.Max(parts.EigenValues[k].Real, 0))) * parts.EigenVectors.Transpose()).ToRowMajorArray();
    }

    /// <summary>to ← C from: a gradient by the values becomes a displacement.</summary>
    public void Whole(Tile from, Tile to) => Apply(from, to, whole, value => value);

    /// <summary>to ← √C from, of standard normals: on a torus those of a spectrum, whose variance is the number of sites.</summary>
    public void Root(Tile from, Tile to) => Apply(from, to, root, value => Math.Sqrt(value * sites));

    /// <summary>
    /// Shortens every entry of a displacement C s to <paramref name="most"/> standard deviations of its row: far outside the law, where a start may lie, a steep score
    /// would throw an explicit step further out. Inside nothing is changed.
    /// </summary>
    public void Shorten(Tile displacement, double most)
    {
        for (int i = 0; i < rows; i++)
        {
            var limit = Vector512.Create(most * (power is not null ? Math.Sqrt(power[i] * sites) : Math.Sqrt(whole[i * rows + i])));
            displacement.A.Vectors[i] = Vector512.Min(Vector512.Max(displacement.A.Vectors[i], -limit), limit);
            displacement.B.Vectors[i] = Vector512.Min(Vector512.Max(displacement.B.Vectors[i], -limit), limit);
        }
    }

    private void Apply(Tile from, Tile to, double[] matrix, Func<double, double> function)
    {
        for (int i = 0; i < rows; i++)
        {
            if (power is not null)
            {
                var factor = Vector512.Create(function(power[i]));
                (to.A.Vectors[i], to.B.Vectors[i]) = (factor * from.A.Vectors[i], factor * from.B.Vectors[i]);
                continue;
            }
            Vector512<double> a = default, b = default;
            for (int j = 0; j < rows; j++)
            {
                a += Vector512.Create(matrix[i * rows + j]) * from.A.Vectors[j];
                b += Vector512.Create(matrix[i * rows + j]) * from.B.Vectors[j];
            }
            (to.A.Vectors[i], to.B.Vectors[i]) = (a, b);
        }
    }

    public void Dispose() { }
}
