namespace Leith.Core;

/// <summary>Whether multiplying a score by −⟨x ŝᵀ⟩⁻¹ lowers its loss ⟨½ |ŝ|² + ∇·ŝ⟩ on blocks that the factor was not made from.</summary>
public static class SteinCorrection
{
    private const int Folds = 8;

    /// <summary>The loss, a fold at a time, of the score as it is and of the corrected one, whose factor comes from the other folds.</summary>
    /// <param name="tables">Sums.</param>
    /// <param name="score">The score, its components as features.</param>
    public static (double[] Plain, double[] Corrected) HeldOut(WeightedTables tables, WeightedScore score)
    {
        var units = tables.Units();
        int folds = Math.Min(Folds, units.Length);
        double[] Pick(int fold, bool inside) => [.. Enumerable.Range(0, units.Length).Select(u => u * folds / units.Length == fold == inside ? 1.0 : 0.0)];
        var plain = new double[folds];
        var corrected = new double[folds];
        for (int fold = 0; fold < folds; fold++)
        {
            WeightedDraw fit = tables.Draw(units, Pick(fold, false)), test = tables.Draw(units, Pick(fold, true));
            plain[fold] = Loss(test, score, fit.Weights(score with { Rule = WeightRule.Identity }));
            corrected[fold] = Loss(test, score, fit.Weights(score with { Rule = WeightRule.SteinCorrection }));
        }
        return (plain, corrected);
    }

    /// <summary>Whether the corrected score is better by more than two standard errors of the difference.</summary>
    public static bool Helps((double[] Plain, double[] Corrected) losses) =>
        losses.Corrected.All(double.IsFinite) && LibrarySolver.Better(losses.Corrected, losses.Plain, 2);

    private static double Loss(WeightedDraw draw, WeightedScore score, double[] weights)
    {
        int d = score.Features.Length;
        double loss = 0;
        for (int i = 0; i < d; i++)
            for (int j = 0; j < d; j++)
            {
                double w = weights[i * (d + 1) + j];
                loss += w * draw.Mean(score.Slopes[i * d + j], []);
                for (int k = 0; k < d; k++) loss += 0.5 * w * weights[i * (d + 1) + k] * draw.Product(score.Features[j], score.Features[k]);
            }
        return loss;
    }
}
