namespace Leith.Core;

/// <summary>
/// The response of Langevin dynamics du = s dt + √2 dW to a push, R(t) = −⟨u(t) s(u(0))⟩, beside the estimate R̂ with another score ŝ in the place of s, by quadrature:
/// f = E[u(t) | u(0)] follows df/dt = s f' + f'', here by central differences and Crank and Nicolson's steps, second order in both.
/// </summary>
public sealed record LineResponse
{
    /// <summary>The lags t.</summary>
    public required double[] Lags { get; init; }

    /// <summary>R(t).</summary>
    public required double[] Exact { get; init; }

    /// <summary>R̂(t).</summary>
    public required double[] Estimate { get; init; }

    /// <summary>sd(u) e, e = √⟨(ŝ − s)²⟩: |R̂ − R| at every lag is at most this.</summary>
    public required double Bound { get; init; }

    /// <summary>sd(E[u(t) | u(0)]) e, which decays with t.</summary>
    public required double[] SharpBound { get; init; }

    /// <summary>Responses at the lags 0, every, 2 every, …</summary>
    /// <param name="law">The stationary law, that of the data at the smallest noise level.</param>
    /// <param name="score">ŝ(u).</param>
    /// <param name="every">Distance of the lags.</param>
    /// <param name="lags">Their number.</param>
    /// <exception cref="LeithException">No lag, or a distance that is not positive.</exception>
    public static LineResponse Of(LineMixture law, Func<double, double> score, double every, int lags)
    {
        if (lags < 1 || !(every > 0 && double.IsFinite(every))) throw new LeithException($"response: expected at least one lag and a positive distance between them, got {lags} and {every}.");
        const int Inner = 20;
        var grid = new LineGrid(law);
        double[] f = [.. grid.At.Select(x => x - law.Mean)], guess = [.. grid.At.Select(score)];
        double error = Math.Sqrt(grid.Average(i => Square(guess[i] - grid.Score[i])));
        double[] exact = new double[lags], estimate = new double[lags], sharp = new double[lags];
        for (int lag = 0; lag < lags; lag++)
        {
            for (int step = 0; step < Inner && lag > 0; step++) Step(grid, f, every / Inner);
            double mean = grid.Average(i => f[i]);
            (exact[lag], estimate[lag]) = (-grid.Average(i => f[i] * grid.Score[i]), -grid.Average(i => f[i] * guess[i]));
            sharp[lag] = error * Math.Sqrt(grid.Average(i => Square(f[i] - mean)));
        }
        return new() { Lags = [.. Enumerable.Range(0, lags).Select(i => i * every)], Exact = exact, Estimate = estimate, Bound = error * Math.Sqrt(law.Variance), SharpBound = sharp };
    }

    /// <summary>(1 − h L/2) f ← (1 + h L/2) f; reversible rates √(ρ_{i±1}/ρ_i)/dx² to the neighbours, none out of the grid.</summary>
    private static void Step(LineGrid grid, double[] f, double time)
    {
        int n = f.Length;
        double half = 0.5 * time / (grid.Spacing * grid.Spacing);
        double[] up = new double[n], down = new double[n], right = new double[n];
        for (int i = 0; i < n; i++)
        {
            up[i] = i + 1 < n ? half * Math.Exp(0.25 * grid.Spacing * (grid.Score[i] + grid.Score[i + 1])) : 0;
            down[i] = i > 0 ? half * Math.Exp(-0.25 * grid.Spacing * (grid.Score[i] + grid.Score[i - 1])) : 0;
        }
        for (int i = 0; i < n; i++) right[i] = f[i] + (i + 1 < n ? up[i] * (f[i + 1] - f[i]) : 0) + (i > 0 ? down[i] * (f[i - 1] - f[i]) : 0);
        // Thomas' elimination; the matrix is diagonally dominant.
        var ratio = new double[n];
        for (int i = 0; i < n; i++)
        {
            double pivot = 1 + up[i] + down[i] - (i > 0 ? down[i] * ratio[i - 1] : 0);
            ratio[i] = up[i] / pivot;
            right[i] = (right[i] + (i > 0 ? down[i] * right[i - 1] : 0)) / pivot;
        }
        for (int i = n - 1; i >= 0; i--) f[i] = right[i] + (i + 1 < n ? ratio[i] * f[i + 1] : 0);
    }

    private static double Square(double x) => x * x;
}
