using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>What is asked of a record of scalar unknowns: responses to perturbations by their conjugate observables, and means.</summary>
/// <param name="Score">The score.</param>
/// <param name="Conjugates">B of each perturbation as a sum over quantities.</param>
public sealed record ConjugatePlan(WeightedScore Score, WeightedTerm[][] Conjugates)
{
    /// <summary>Features f is a sum of; none: the plain response.</summary>
    public int[] Regression { get; init; } = [];

    /// <summary>⟨L φ_j⟩ of each perturbation [perturbation][feature of the regression], L φ = g·∇φ + δD:∇∇φ.</summary>
    public WeightedTerm[][][] Moves { get; init; } = [];

    /// <summary>Penalty of the regression, in units of each feature's variance; null: chosen by held-out blocks.</summary>
    public double? Ridge { get; init; } = 0;

    /// <summary>⟨A²⟩ of each row of A; empty where residuals of the regression are not asked for.</summary>
    public int[] Squares { get; init; } = [];

    /// <summary>⟨A⟩ of each row of A, as <see cref="Squares"/>.</summary>
    public int[] Centres { get; init; } = [];

    /// <summary>Further means: residuals of the Stein identity, a certificate.</summary>
    public WeightedTerm[][] Means { get; init; } = [];
}

/// <summary>Responses and means with their standard errors.</summary>
/// <param name="Response">[lag][row][perturbation]: with a regression the doubly robust response, else the plain one.</param>
/// <param name="Plain">⟨A(τ) B⟩; the same where there is no regression.</param>
/// <param name="Means">The further means.</param>
/// <param name="MeanErrors">One standard error of each.</param>
public sealed record ConjugateEstimate(ResponseEstimate Response, ResponseEstimate Plain, double[] Means, double[] MeanErrors)
{
    /// <summary>W with the constants as its last column.</summary>
    public double[] Weights { get; init; } = [];

    /// <summary>√(⟨(A(τ) − f)²⟩/⟨A′²⟩), [lag][row]; empty without a regression.</summary>
    public double[][] Residuals { get; init; } = [];

    /// <summary>Var(A) of each row; empty where its rows are not known.</summary>
    public double[] RowVariances { get; init; } = [];

    /// <summary>Norm of ⟨φ B⟩ − ⟨L φ⟩ over the features in the metric of their covariance and the ridge, for each perturbation: what the regression corrects of the score.</summary>
    public double[] SteinNorms { get; init; } = [];

    /// <summary>Whether the regression changes nothing, to rounding: f lies in the span that the score was fitted on.</summary>
    public bool Unchanged { get; init; }

    /// <summary>The penalty of the regression.</summary>
    public double Ridge { get; init; }
}

/// <summary>
/// The response to a perturbation δL of the generator by its conjugate observable B = δL†ρ/ρ, −∇·g − g·s for a push along g and ∇∇:(δD ρ)/ρ for a change δD of the diffusion:
/// R(τ) = ⟨A(τ) B⟩, or doubly robust R(τ) = ⟨L f⟩ + ⟨(A(τ) − f) B⟩ with f = P(τ) φ the least-squares forecast of A(τ) from features at time 0 and L f = g·∇f + δD:∇∇f.
/// </summary>
/// <remarks>
/// With P = C_Aφ(τ) G⁻¹ the second is R(τ) + P(τ)(⟨L φ⟩ − ⟨φ B⟩), so sums over pairs suffice and a resample refits score and forecast. Its bias is the product of the errors of f and of ŝ.
/// </remarks>
public static class ConjugateResponse
{
    private static readonly double[] Ridges = [0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];
    private const int Folds = 8;

    /// <summary>Responses, means and their standard errors by the block bootstrap.</summary>
    /// <exception cref="LeithException">Fewer than eight blocks; features of the regression that are collinear or not finite.</exception>
    public static ConjugateEstimate Estimate(WeightedTables tables, ConjugatePlan plan, int resamples = 200, ulong seed = 1)
    {
        var ranges = BlockBootstrap.Ranges(tables.Lags);
        int draws = BlockBootstrap.Draws(tables.Lags, ranges.Count), lags = tables.Lags.Longest + 1;
        var units = tables.Units();
        var whole = tables.Whole();
        Check(whole, plan);
        double ridge = plan.Regression.Length == 0 ? 0 : plan.Ridge ?? ChooseRidge(tables, units, plan);
        var centre = Values(whole, plan, ridge);
        var resampled = Resampled.Of(units.Length, draws, resamples, seed, centre, weights => Values(tables.Draw(units, weights), plan, ridge));
        var errors = resampled.StandardError;
        int p = Math.Max(1, plan.Conjugates.Length);
        ResponseEstimate Curves(int first)
        {
            double[][][] Shape(double[][] flat) => [.. flat.Skip(first).Take(lags).Select(lag => lag.Chunk(p).ToArray())];
            return new ResponseEstimate(tables.Lags.Lags, Shape(centre), Shape(errors))
            {
                Replicates = [.. resampled.Replicates.Select(Shape)],
                OwnErrors = resampled.OwnErrors(first, lags)?.Select(errors => errors.Chunk(p).ToArray()).ToArray(),
                Independent = resampled.Independent,
                Notes = [.. tables.Lags.Notes, .. BlockBootstrap.Notes(tables.Lags)],
            };
        }
        bool robust = plan.Regression.Length > 0;
        var plain = Curves(0);
        var result = new ConjugateEstimate(robust ? Curves(lags) : plain, plain, centre[^1], errors[^1])
        {
            Weights = whole.Weights(plan.Score),
            Ridge = ridge,
            RowVariances = [.. Enumerable.Range(0, plan.Squares.Length).Select(row => whole.Variance(plan.Squares[row], plan.Centres[row]))],
        };
        return robust ? Residuals(result, whole, plan, ridge) : result;
    }

    /// <summary>The further means of a plan alone, whose sums at lag 0 suffice; the blocks drawn are those of the lag products.</summary>
    /// <exception cref="LeithException">Fewer than eight blocks.</exception>
    public static (double[] Values, double[] Errors) Means(WeightedTables tables, ConjugatePlan plan, int resamples = 200, ulong seed = 1)
    {
        var ranges = BlockBootstrap.Ranges(tables.Lags);
        int draws = BlockBootstrap.Draws(tables.Lags, ranges.Count);
        var units = ranges.Select(range => tables.Unit(range.First, range.Count, false)).ToArray();
        double[][] Of(WeightedDraw draw)
        {
            var weights = draw.Weights(plan.Score);
            return [[.. plan.Means.Select(terms => draw.Mean(terms, weights))]];
        }
        var centre = Of(tables.Whole(false));
        var resampled = Resampled.Of(centre, resamples, draws, resample => Of(tables.Draw(units, Resampling.Weights(units.Length, draws, seed, resample))));
        return (centre[0], resampled.StandardError[0]);
    }

    /// <summary>Plain responses [lag], robust ones [lag] where asked for, and the means.</summary>
    private static double[][] Values(WeightedDraw draw, ConjugatePlan plan, double ridge)
    {
        var weights = draw.Weights(plan.Score);
        double[] means = [.. plan.Means.Select(terms => draw.Mean(terms, weights))];
        var plain = Plain(draw, plan, weights);
        if (plan.Regression.Length == 0) return [.. plain, means];
        var corrected = Solve(draw, plan, Defects(draw, plan, weights), ridge);
        return [.. plain, .. Robust(draw, plan, plain, corrected), means];
    }

    // [lag][row · perturbations + perturbation].
    private static double[][] Plain(WeightedDraw draw, ConjugatePlan plan, double[] weights)
    {
        int d = draw.Tables.Dimension, rows = draw.Tables.Lags.Rows, columns = draw.Tables.Lags.Columns, count = plan.Conjugates.Length;
        var result = new double[draw.Lags.Length][];
        for (int lag = 0; lag < result.Length; lag++)
        {
            result[lag] = new double[rows * count];
            for (int p = 0; p < count; p++)
                foreach (var term in plan.Conjugates[p])
                {
                    if (term.Row < 0) continue;
                    double coefficient = term.Coefficient(weights);
                    for (int row = 0; row < rows; row++) result[lag][row * count + p] += coefficient * draw.Lags[lag][row * columns + d + term.Row];
                }
        }
        return result;
    }

    // ⟨L φ_j⟩ − ⟨φ_j B⟩, [feature, perturbation].
    private static Matrix<double> Defects(WeightedDraw draw, ConjugatePlan plan, double[] weights) =>
        Matrix<double>.Build.Dense(plan.Regression.Length, plan.Conjugates.Length, (j, p) =>
        {
            double sum = draw.Mean(plan.Moves[p][j], weights);
            foreach (var term in plan.Conjugates[p])
                if (term.Row >= 0) sum -= term.Coefficient(weights) * draw.Product(plan.Regression[j], term.Row);
            return sum;
        });

    // (G + λ diag G)⁻¹ of columns, in units of standard deviations, whose products may differ by many orders.
    private static Matrix<double> Solve(WeightedDraw draw, ConjugatePlan plan, Matrix<double> columns, double ridge)
    {
        var (scale, gram) = Gram(draw, plan, ridge);
        var solved = gram.Solve(Matrix<double>.Build.Dense(columns.RowCount, columns.ColumnCount, (j, p) => columns[j, p] / scale[j]));
        return Matrix<double>.Build.Dense(columns.RowCount, columns.ColumnCount, (j, p) => solved[j, p] / scale[j]);
    }

    private static (double[] Scale, Matrix<double> Gram) Gram(WeightedDraw draw, ConjugatePlan plan, double ridge)
    {
        var f = plan.Regression;
        double[] scale = [.. f.Select(j => Math.Sqrt(draw.Product(j, j)))];
        return (scale, Matrix<double>.Build.Dense(f.Length, f.Length, (a, b) => draw.Product(f[a], f[b]) / (scale[a] * scale[b]) + (a == b ? ridge : 0)));
    }

    private static double[][] Robust(WeightedDraw draw, ConjugatePlan plan, double[][] plain, Matrix<double> corrected)
    {
        int d = draw.Tables.Dimension, rows = draw.Tables.Lags.Rows, columns = draw.Tables.Lags.Columns, count = plan.Conjugates.Length;
        var result = plain.Select(lag => (double[])lag.Clone()).ToArray();
        for (int lag = 0; lag < result.Length; lag++)
            for (int row = 0; row < rows; row++)
                for (int j = 0; j < plan.Regression.Length; j++)
                {
                    double c = draw.Lags[lag][row * columns + d + plan.Regression[j]];
                    for (int p = 0; p < count; p++) result[lag][row * count + p] += c * corrected[j, p];
                }
        return result;
    }

    /// <summary>How far the two halves are from the truth, each by itself.</summary>
    private static ConjugateEstimate Residuals(ConjugateEstimate result, WeightedDraw draw, ConjugatePlan plan, double ridge)
    {
        var weights = draw.Weights(plan.Score);
        var defects = Defects(draw, plan, weights);
        var solved = Solve(draw, plan, defects, ridge);
        int d = draw.Tables.Dimension, rows = draw.Tables.Lags.Rows, columns = draw.Tables.Lags.Columns, f = plan.Regression.Length;
        double[] norms = [.. Enumerable.Range(0, plan.Conjugates.Length).Select(p => Math.Sqrt(Math.Max(0, defects.Column(p).DotProduct(solved.Column(p)))))];
        var residuals = new double[draw.Lags.Length][];
        for (int lag = 0; lag < residuals.Length; lag++)
        {
            var forecast = Matrix<double>.Build.Dense(f, rows, (j, row) => draw.Lags[lag][row * columns + d + plan.Regression[j]]);
            var p = Solve(draw, plan, forecast, ridge);
            residuals[lag] = [.. Enumerable.Range(0, plan.Squares.Length).Select(row =>
            {
                double variance = draw.Variance(plan.Squares[row], plan.Centres[row]);
                return Math.Sqrt(Math.Max(0, 1 - forecast.Column(row).DotProduct(p.Column(row)) / variance));
            })];
        }
        double largest = result.Plain.Values.SelectMany(lag => lag).SelectMany(row => row).Max(Math.Abs);
        double change = result.Plain.Values.Zip(result.Response.Values).Max(lag => lag.First.Zip(lag.Second).Max(row => row.First.Zip(row.Second).Max(x => Math.Abs(x.First - x.Second))));
        return result with { Residuals = residuals, SteinNorms = norms, Unchanged = change <= 1e-9 * largest };
    }

    private static void Check(WeightedDraw draw, ConjugatePlan plan)
    {
        if (plan.Regression.Length == 0) return;
        int odd = Array.FindIndex(plan.Regression, j => !(draw.Product(j, j) > 0) || !double.IsFinite(draw.Product(j, j)));
        if (odd >= 0) throw new LeithException($"robust: expected features of the regression that vary and are finite on all data, got feature {odd + 1}, which is not; leave it out.");
        if (plan.Ridge == 0 && Gram(draw, plan, 0).Gram.Evd(Symmetricity.Symmetric).EigenValues[0].Real < LibrarySolver.Smallest)
            throw new LeithException("robust: expected features of the regression of which none is a sum of others, got collinear ones; leave one out, take a lower degree, or write ridge.");
    }

    /// <summary>λ with the lowest error of forecasts at a few lags on blocks that were left out.</summary>
    private static double ChooseRidge(WeightedTables tables, WeightedUnit[] units, ConjugatePlan plan)
    {
        int folds = Math.Min(Folds, units.Length);
        double[] Without(int fold, bool inside) => [.. Enumerable.Range(0, units.Length).Select(u => u * folds / units.Length == fold == inside ? 1.0 : 0.0)];
        var pieces = Enumerable.Range(0, folds).Select(fold => (Fit: tables.Draw(units, Without(fold, false)), Test: tables.Draw(units, Without(fold, true)))).ToArray();
        return Ridges.Select(ridge => (ridge, error: pieces.Sum(piece => HeldOut(piece.Fit, piece.Test, plan, ridge)))).Where(x => double.IsFinite(x.error)).DefaultIfEmpty((ridge: Ridges[^1], error: 0)).MinBy(x => x.error).ridge;
    }

    // Σ P G Pᵀ − 2 P C over lags and rows, in units of each row's variance: the held-out squared error without ⟨A²⟩.
    private static double HeldOut(WeightedDraw fit, WeightedDraw test, ConjugatePlan plan, double ridge)
    {
        int d = fit.Tables.Dimension, rows = fit.Tables.Lags.Rows, columns = fit.Tables.Lags.Columns, f = plan.Regression.Length;
        Matrix<double> Forecast(WeightedDraw draw, int lag) => Matrix<double>.Build.Dense(f, rows, (j, row) => draw.Lags[lag][row * columns + d + plan.Regression[j]]);
        double sum = 0;
        for (int lag = 0; lag < fit.Lags.Length; lag += Math.Max(1, (fit.Lags.Length - 1) / 4))
        {
            Matrix<double> p = Solve(fit, plan, Forecast(fit, lag), ridge), c = Forecast(test, lag);
            for (int row = 0; row < rows; row++)
            {
                double along = 0;
                for (int a = 0; a < f; a++)
                    for (int b = 0; b < f; b++) along += p[a, row] * p[b, row] * test.Product(plan.Regression[a], plan.Regression[b]);
                double variance = plan.Squares.Length > row ? fit.Variance(plan.Squares[row], plan.Centres[row]) : 1;
                sum += (along - 2 * p.Column(row).DotProduct(c.Column(row))) / variance;
            }
        }
        return sum;
    }
}
