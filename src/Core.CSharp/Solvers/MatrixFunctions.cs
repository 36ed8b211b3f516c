using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>The functions of small dense matrices that linear systems need.</summary>
internal static class MatrixFunctions
{
    private static readonly double[] Pade =
        [64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1];

    /// <summary>e^A by scaling, the [13/13] Padé approximant and squaring.</summary>
    /// <remarks>Higham (2005), SIAM J. Matrix Anal. Appl. 26, 1179.</remarks>
    public static Matrix<double> Exponential(Matrix<double> a)
    {
        int squarings = Halvings(a.L1Norm(), 5.37);
        var result = PadeExponential(a * Math.ScaleB(1, -squarings));
        for (int i = 0; i < squarings; i++) result *= result;
        return result;
    }

    /// <summary>E = e^{Lh}, Φ = ∫₀ʰ e^{Ls} ds = h φ₁(Lh), Q = ∫₀ʰ e^{Ls} D e^{Lᵀs} ds.</summary>
    /// <remarks>
    /// Van Loan's block exponential (1978, IEEE Trans. Autom. Control 23, 395) on a step short enough to be harmless, then doubling:
    /// Q(2h) = Q + E Q Eᵀ and Φ(2h) = Φ + E Φ add where the block exponential of a long step would subtract numbers of size e^{|L|h}.
    /// </remarks>
    public static (Matrix<double> E, Matrix<double> Phi, Matrix<double> Q) ExponentialIntegrals(Matrix<double> linear, Matrix<double> noise, double step)
    {
        int n = linear.RowCount, doublings = Halvings(linear.L1Norm() * step, 0.5);
        double h = Math.ScaleB(step, -doublings);
        // Exponential of [[-L, D, 0], [0, Lᵀ, I], [0, 0, 0]] h: blocks (1,2) and (2,3) hold E⁻¹ Q and Φᵀ.
        var block = Matrix<double>.Build.Dense(3 * n, 3 * n);
        block.SetSubMatrix(0, 0, -linear * h);
        block.SetSubMatrix(0, n, noise * h);
        block.SetSubMatrix(n, n, linear.Transpose() * h);
        block.SetSubMatrix(n, 2 * n, Matrix<double>.Build.DenseIdentity(n) * h);
        var exponential = Exponential(block);
        var e = exponential.SubMatrix(n, n, n, n).Transpose();
        var phi = exponential.SubMatrix(n, n, 2 * n, n).Transpose();
        var q = Symmetric(e * exponential.SubMatrix(0, n, n, n));
        for (int i = 0; i < doublings; i++)
        {
            q = Symmetric(q + e * q * e.Transpose());
            phi += e * phi;
            e *= e;
        }
        return (e, phi, q);
    }

    /// <summary>φ₂(A) and φ₃(A), φ_{k+1}(z) = (φ_k(z) − 1/k!)/z, φ₀ = e^z.</summary>
    /// <remarks>The first block row of the exponential of [[A, I, 0, 0], [0, 0, I, 0], [0, 0, 0, I], [0, 0, 0, 0]]: Sidje (1998), ACM Trans. Math. Softw. 24, 130.</remarks>
    public static Matrix<double>[] Phi(Matrix<double> a)
    {
        int n = a.RowCount;
        var block = Matrix<double>.Build.Dense(4 * n, 4 * n);
        block.SetSubMatrix(0, 0, a);
        for (int k = 0; k < 3; k++) block.SetSubMatrix(k * n, (k + 1) * n, Matrix<double>.Build.DenseIdentity(n));
        var exponential = Exponential(block);
        return [exponential.SubMatrix(0, n, 2 * n, n), exponential.SubMatrix(0, n, 3 * n, n)];
    }

    /// <summary>C with A C + C Aᵀ + Q = 0, for A with all eigenvalues left of the imaginary axis.</summary>
    /// <remarks>Smith (1968), SIAM J. Appl. Math. 16, 198: the Cayley transform makes it C = M C Mᵀ + P.</remarks>
    public static Matrix<double> Lyapunov(Matrix<double> a, Matrix<double> q)
    {
        var eigenvalues = a.Evd().EigenValues;
        double fastest = eigenvalues.Max(v => v.Magnitude), slowest = eigenvalues.Min(v => -v.Real);
        double shift = fastest > 0 ? Math.Sqrt(Math.Max(slowest, 1e-12 * fastest) * fastest) : 1;
        var identity = Matrix<double>.Build.DenseIdentity(a.RowCount);
        var inverse = (a - shift * identity).Inverse();
        return DiscreteLyapunov(inverse * (a + shift * identity), 2 * shift * inverse * q * inverse.Transpose());
    }

    /// <summary>C = M C Mᵀ + Q = Σ_j M^j Q (Mᵀ)^j for M with all eigenvalues inside the unit circle, by doubling.</summary>
    public static Matrix<double> DiscreteLyapunov(Matrix<double> m, Matrix<double> q)
    {
        var sum = q;
        for (int i = 0; i < 64; i++)
        {
            var more = m * sum * m.Transpose();
            sum = Symmetric(sum + more);
            if (more.L1Norm() <= 1e-17 * sum.L1Norm()) break;
            m *= m;
        }
        return sum;
    }

    /// <summary>G with G Gᵀ = C, [unknown, normal], for C symmetric and positive semidefinite; a singular C gives fewer columns than rows.</summary>
    /// <remarks>Cholesky with diagonal pivoting of the correlation matrix: what is dropped is below 1e-14 of the variances.</remarks>
    public static double[,] Factor(Matrix<double> c)
    {
        int n = c.RowCount;
        var scale = Enumerable.Range(0, n).Select(i => Math.Sqrt(Math.Max(c[i, i], 0))).ToArray();
        var rest = Matrix<double>.Build.Dense(n, n, (i, j) => scale[i] * scale[j] > 0 ? c[i, j] / (scale[i] * scale[j]) : 0);
        var columns = new List<double[]>();
        while (columns.Count < n)
        {
            int pivot = Enumerable.Range(0, n).MaxBy(i => rest[i, i]);
            if (rest[pivot, pivot] <= 1e-14) break;
            double root = Math.Sqrt(rest[pivot, pivot]);
            var column = Enumerable.Range(0, n).Select(i => rest[i, pivot] / root).ToArray();
            columns.Add(column);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    rest[i, j] = i == pivot || j == pivot ? 0 : rest[i, j] - column[i] * column[j];
        }
        var factor = new double[n, columns.Count];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < columns.Count; j++) factor[i, j] = scale[i] * columns[j][i];
        return factor;
    }

    private static Matrix<double> PadeExponential(Matrix<double> a)
    {
        var identity = Matrix<double>.Build.DenseIdentity(a.RowCount);
        var a2 = a * a;
        var a4 = a2 * a2;
        var a6 = a4 * a2;
        var odd = a * (a6 * (Pade[13] * a6 + Pade[11] * a4 + Pade[9] * a2) + Pade[7] * a6 + Pade[5] * a4 + Pade[3] * a2 + Pade[1] * identity);
        var even = a6 * (Pade[12] * a6 + Pade[10] * a4 + Pade[8] * a2) + Pade[6] * a6 + Pade[4] * a4 + Pade[2] * a2 + Pade[0] * identity;
        return (even - odd).Solve(even + odd);
    }

    private static int Halvings(double norm, double limit) => norm > limit ? (int)Math.Ceiling(Math.Log2(norm / limit)) : 0;

    private static Matrix<double> Symmetric(Matrix<double> a) => (a + a.Transpose()) / 2;
}
