using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>A linear map of tiles: a Fourier multiplier or a matrix. Holds no workspace.</summary>
internal abstract class LinearMap
{
    /// <summary>Rows that it reads.</summary>
    public abstract int Columns { get; }

    /// <summary>to ← M from. The tiles must not share memory.</summary>
    public virtual void Apply(Tile from, Tile to)
    {
        TileMath.Clear(to);
        Accumulate(from, to);
    }

    /// <summary>to ← to + M from. The tiles must not share memory.</summary>
    public abstract void Accumulate(Tile from, Tile to);

    /// <summary>The transposed map, in the sense of plain sums over sites or unknowns.</summary>
    public abstract LinearMap Transposed();

    /// <summary>L of a model, or null where there is none.</summary>
    public static LinearMap? Linear(Model model)
    {
        if (model.HasFields) return model.LinearSymbol is { } symbol ? new SymbolMap(symbol) : null;
        return model.LinearMatrix is { } matrix ? new MatrixMap(matrix) : null;
    }

    /// <summary>normals → S ΔW = √h S n, on a torus √(h N_sites) σ_k (n₁ + i n₂).</summary>
    public static LinearMap Increment(Model model, double step)
    {
        if (model.HasFields)
        {
            double[] variance = Model.Variances(model.Segments);
            return new SymbolMap(model.AdditiveNormals > 0 && model.NoiseSymbol is { } sigma ? [.. sigma.Select((s, row) => s * Math.Sqrt(step * variance[row]))] : []);
        }
        var scaled = (double[,])(model.NoiseMatrix ?? new double[model.Rows, 0]).Clone();
        for (int i = 0; i < scaled.GetLength(0); i++)
            for (int j = 0; j < scaled.GetLength(1); j++) scaled[i, j] *= Math.Sqrt(step);
        return new MatrixMap(scaled);
    }
}

/// <summary>Ẑ_k → m_k Ẑ_k; an empty multiplier maps to zero.</summary>
internal sealed class SymbolMap(Complex[] symbol) : LinearMap
{
    public override int Columns => symbol.Length;

    /// <summary>The factors.</summary>
    public Complex[] Symbol => symbol;

    public override void Apply(Tile from, Tile to)
    {
        if (symbol.Length > 0) TileMath.Multiply(from, symbol, to);
        else TileMath.Clear(to);
    }

    public override LinearMap Transposed() => new SymbolMap([.. symbol.Select(Complex.Conjugate)]);

    public override void Accumulate(Tile from, Tile to)
    {
        if (symbol.Length > 0) TileMath.AddProduct(to, symbol, from);
    }
}

/// <summary>u → M u, M [row, column].</summary>
internal sealed unsafe class MatrixMap(double[,] matrix) : LinearMap
{
    /// <summary>M.</summary>
    public double[,] Matrix => matrix;

    public override int Columns { get; } = matrix.GetLength(1);

    public override LinearMap Transposed() => new MatrixMap(Matrix<double>.Build.DenseOfArray(matrix).Transpose().ToArray());

    public override void Accumulate(Tile from, Tile to)
    {
        Accumulate(from.A.Vectors, to.A.Vectors);
        Accumulate(from.B.Vectors, to.B.Vectors);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Accumulate(Vector512<double>* from, Vector512<double>* to)
    {
        int rows = matrix.GetLength(0), columns = Columns;
        fixed (double* m = matrix)
        {
            for (int i = 0; i < rows; i++)
            {
                var sum = to[i];
                for (int j = 0; j < columns; j++) sum = Vector512.FusedMultiplyAdd(Vector512.Create(m[i * columns + j]), from[j], sum);
                to[i] = sum;
            }
        }
    }
}
