using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// s = Σ_c p_c(y) s_c(y), s_c = −C_c⁻¹(y − m_c), p_c(y) = w_c N(y; m_c, C_c)/ρ(y): the score of a mixture, lane by lane, and ln ρ of every member.
/// </summary>
internal sealed unsafe class MixtureMap(GaussianMixture law) : ITileMap
{
    private readonly int rows = law.Rows;
    private readonly int[]? opposite = law.Grid is { } grid ? [.. Enumerable.Range(0, grid.Sites).Select(grid.Conjugate)] : null;
    private readonly Tile own = new(law.Rows);
    private readonly double[] norms = [.. law.Components.Select(c => Math.Log(c.Weight) - 0.5 * c.Eigenvalues.Sum(v => Math.Log(2 * Math.PI * v)) - (law.Grid is null ? law.Scale.Sum(Math.Log) : 0))];
    private readonly double[] logs = new double[law.Components.Length * Tile.Members];

    public void Apply(Tile state, double time, Tile result)
    {
        Weigh(state);
        TileMath.Clear(result);
        Span<double> share = stackalloc double[Tile.Members];
        for (int c = 0; c < law.Components.Length; c++)
        {
            Component(state, law.Components[c]);
            for (int member = 0; member < Tile.Members; member++) share[member] = Math.Exp(logs[c * Tile.Members + member] - Total(member));
            Add(Vector512.Create<double>(share[..8]), Vector512.Create<double>(share[8..]), result);
        }
    }

    /// <summary>ln ρ of the sixteen members.</summary>
    public void LogDensity(Tile state, Span<double> result)
    {
        Weigh(state);
        for (int member = 0; member < Tile.Members; member++) result[member] = Total(member);
    }

    public void Dispose() => own.Dispose();

    private double Total(int member)
    {
        double most = double.NegativeInfinity, sum = 0;
        for (int c = 0; c < norms.Length; c++) most = Math.Max(most, logs[c * Tile.Members + member]);
        for (int c = 0; c < norms.Length; c++) sum += Math.Exp(logs[c * Tile.Members + member] - most);
        return most + Math.Log(sum);
    }

    private void Weigh(Tile state)
    {
        for (int c = 0; c < norms.Length; c++)
        {
            Component(state, law.Components[c]);
            var (a, b) = opposite is null ? Products(state, law.Components[c]) : Products(state, law.Components[c], opposite);
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                logs[c * Tile.Members + lane] = norms[c] + 0.5 * a[lane];
                logs[c * Tile.Members + lane + LaneArray.Lanes] = norms[c] + 0.5 * b[lane];
            }
        }
    }

    /// <summary>own ← s_c.</summary>
    private void Component(Tile state, GaussianMixture.Component c)
    {
        if (opposite is not null)
        {
            for (int k = 0; k < rows; k++)
            {
                Lane factor = Vector512.Create(-1 / c.Eigenvalues[k]), shift = Vector512.Create(k == 0 ? c.Mean[0] * rows : 0);
                own.A.Vectors[k] = factor * (state.A.Vectors[k] - shift);
                own.B.Vectors[k] = factor * (state.B.Vectors[k] - shift);
            }
            return;
        }
        TileMath.Clear(own);
        for (int k = 0; k < rows; k++)
        {
            Lane a = default, b = default;
            for (int i = 0; i < rows; i++)
            {
                Lane weight = Vector512.Create(c.Basis[i * rows + k] / law.Scale[i]), shift = Vector512.Create(c.Mean[i] * law.Scale[i]);
                a += weight * (state.A.Vectors[i] - shift);
                b += weight * (state.B.Vectors[i] - shift);
            }
            for (int i = 0; i < rows; i++)
            {
                Lane back = Vector512.Create(-c.Basis[i * rows + k] / (c.Eigenvalues[k] * law.Scale[i]));
                own.A.Vectors[i] += back * a;
                own.B.Vectors[i] += back * b;
            }
        }
    }

    /// <summary>(y − m)·s_c of both blocks.</summary>
    private (Lane A, Lane B) Products(Tile state, GaussianMixture.Component c)
    {
        Lane a = default, b = default;
        for (int i = 0; i < rows; i++)
        {
            Lane shift = Vector512.Create(c.Mean[i] * law.Scale[i]);
            a += (state.A.Vectors[i] - shift) * own.A.Vectors[i];
            b += (state.B.Vectors[i] - shift) * own.B.Vectors[i];
        }
        return (a, b);
    }

    /// <summary>The same of a pair of fields: Σ_k |a_k|² f_k = ½ Σ_k f_k (|Z_k|² + Re Z_k Z_{−k}), with the other sign for b; f_k = −1/P_k, over N for the unnormalised transform.</summary>
    private (Lane A, Lane B) Products(Tile state, GaussianMixture.Component c, int[] opposite)
    {
        Lane square = default, mixed = default;
        for (int k = 0; k < rows; k++)
        {
            Lane shift = Vector512.Create(k == 0 ? c.Mean[0] * rows : 0);
            square += (state.A.Vectors[k] - shift) * own.A.Vectors[k] + (state.B.Vectors[k] - shift) * own.B.Vectors[k];
            mixed += (state.A.Vectors[k] - shift) * own.A.Vectors[opposite[k]] - (state.B.Vectors[k] - shift) * own.B.Vectors[opposite[k]];
        }
        Lane half = Vector512.Create(0.5 / rows);
        return (half * (square + mixed), half * (square - mixed));
    }

    /// <summary>result ← result + share · own; on a torus p_a a + i p_b b is (p_a + p_b)/2 Z(k) + (p_a − p_b)/2 Z(−k)*.</summary>
    private void Add(Lane shareA, Lane shareB, Tile result)
    {
        Lane plus = Vector512.Create(0.5) * (shareA + shareB), minus = Vector512.Create(0.5) * (shareA - shareB);
        for (int k = 0; k < rows; k++)
        {
            if (opposite is null)
            {
                result.A.Vectors[k] += shareA * own.A.Vectors[k];
                result.B.Vectors[k] += shareB * own.B.Vectors[k];
                continue;
            }
            result.A.Vectors[k] += plus * own.A.Vectors[k] + minus * own.A.Vectors[opposite[k]];
            result.B.Vectors[k] += plus * own.B.Vectors[k] - minus * own.B.Vectors[opposite[k]];
        }
    }
}
