namespace Leith.Core;

/// <summary>
/// Platen's explicit law of weak order 2. With f = F(u, t), b_j the column of white noise j, Υ = u + h f + Σ_j b_j ΔW_j, R_j± = u + h f ± √h b_j, U_r± = u ± √h b_r:
/// u ← u + ½h (f + F(Υ, t + h)) + ¼ Σ_j [(b_j(R_j+) + b_j(R_j−) + 2 b_j) ΔW_j + (b_j(R_j+) − b_j(R_j−)) (ΔW_j² − h)/√h]
/// + ¼ Σ_{r ≠ j} [(b_j(U_r+) + b_j(U_r−) − 2 b_j) ΔW_j + (b_j(U_r+) − b_j(U_r−)) (ΔW_j ΔW_r + V_rj)/√h], b_j(R) at t + h, b_j(U) at t,
/// V_rj = −V_jr = ±h with probability ½ each.
/// </summary>
/// <remarks>
/// Itô, weak order 2; for additive noise it is Heun's law. On a field whose noise is local all sites are taken at once, as the mixed terms vanish. Kloeden and Platen (1992), §15.1, eq. (1.3).
/// </remarks>
internal static class WeakSecondOrder
{
    public static StepValue Step(StepAlgebra a, StepValue u)
    {
        if (!a.IsMultiplicative) return Heun.Step(a, u);
        double h = a.Step, root = Math.Sqrt(a.Step);
        var (drift, noise) = (a.Drift(u, 0), a.Noise(u, 0));
        var later = a.Drift(a.Sum(u, (h, drift), (1, noise)), 1);
        int noises = a.AllAtOnce ? 1 : a.Noises;
        var sum = a.Sum(u, (h / 2, drift), (h / 2, later), ((2 - noises) / 2.0, noise));
        for (int j = 0; j < noises; j++)
        {
            var one = a.Noise(u, 0, Increment.Unit(j));
            var (up, down) = (a.Sum(u, (h, drift), (root, one)), a.Sum(u, (h, drift), (-root, one)));
            sum = a.Sum(sum, (0.25, a.Noise(up, 1, Increment.Own(j, 1))), (0.25, a.Noise(down, 1, Increment.Own(j, -1))));
            if (noises == 1) continue;
            (up, down) = (a.Sum(u, (root, one)), a.Sum(u, (-root, one)));
            sum = a.Sum(sum, (0.25, a.Noise(up, 0, Increment.Others(j, 1))), (0.25, a.Noise(down, 0, Increment.Others(j, -1))));
        }
        return sum;
    }
}
