namespace Leith.Core;

/// <summary>A law on equally spaced points that cover it to ten standard deviations; sums over them are integrals to rounding, for the density is smooth (trapezoidal rule).</summary>
internal sealed class LineGrid
{
    /// <param name="law">The law.</param>
    public LineGrid(LineMixture law)
    {
        double deviation = Math.Sqrt(law.Variance), mean = law.Mean;
        int half = (int)Math.Ceiling(10 / Math.Min(0.025, 0.3 * law.Finest / deviation));
        Spacing = 10 * deviation / half;
        At = [.. Enumerable.Range(-half, 2 * half + 1).Select(i => mean + i * Spacing)];
        (Density, Score) = (new double[At.Length], new double[At.Length]);
        for (int i = 0; i < At.Length; i++) (Density[i], Score[i]) = law.Evaluate(At[i]);
    }

    public double[] At { get; }
    public double[] Density { get; }
    public double[] Score { get; }
    public double Spacing { get; }

    /// <summary>−⟨ln ρ⟩.</summary>
    public double Entropy => -Average(i => Density[i] > 1e-300 ? Math.Log(Density[i]) : 0);

    /// <summary>J = ⟨s²⟩.</summary>
    public double Information => Average(i => Score[i] * Score[i]);

    /// <summary>KL(this ‖ other).</summary>
    public double Divergence(LineMixture other) => Math.Max(0, Average(i => Density[i] > 1e-200 ? Math.Log(Density[i] / Math.Max(other.Density(At[i]), 1e-300)) : 0));

    /// <summary>⟨f⟩.</summary>
    public double Average(Func<int, double> f)
    {
        double sum = 0;
        for (int i = 0; i < At.Length; i++) sum += Density[i] * f(i);
        return sum * Spacing;
    }
}
