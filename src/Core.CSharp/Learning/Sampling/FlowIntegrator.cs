using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// The probability flow in x = ln σ, dy/dx = −σ² S² s(y, σ), by Dormand and Prince's pair of orders 5 and 4 with adaptive steps, for the sixteen members of a tile
/// together; with a probe also d ln ρ_σ(y)/dx = −∇·(dy/dx). Hairer, Nørsett, Wanner, "Solving ordinary differential equations I", II.5. Serves one thread.
/// </summary>
internal sealed unsafe class FlowIntegrator(NoisedScore score, Action<ITileMap, Tile, Tile> evaluate, double unit, double tolerance, DivergenceProbe? probe) : IDisposable
{
    private const int Stages = 7, MostSteps = 20_000;
    private static readonly double[] Nodes = [0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1];
    private static readonly double[][] Weights =
    [
        [], [1.0 / 5], [3.0 / 40, 9.0 / 40], [44.0 / 45, -56.0 / 15, 32.0 / 9], [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
        [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656], [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
    ];

    // The solution of order 5 less that of order 4.
    private static readonly double[] Errors = [71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40];
    private readonly Tile[] slopes = [.. Enumerable.Range(0, Stages).Select(_ => new Tile(score.Rows))];
    private readonly Tile at = new(score.Rows), error = new(score.Rows);
    private readonly (Lane A, Lane B)[] divergences = new (Lane, Lane)[Stages];

    /// <summary>∫ ∇·(dy/dx) dx over what was integrated: with it ln ρ at the end is that at the beginning less this.</summary>
    public (Lane A, Lane B) Divergence { get; private set; }

    /// <summary>Steps taken.</summary>
    public int Steps { get; private set; }

    /// <summary>Brings the state from one level to another, up or down.</summary>
    public void Integrate(Tile state, double from, double to, Func<bool> stop)
    {
        double x = Math.Log(from), end = Math.Log(to), step = 0.05 * (end - x);
        (Divergence, Steps) = (default, 0);
        at.Index = state.Index;
        Slope(state, x, 0);
        while (x != end && !stop())
        {
            if (Math.Abs(step) >= Math.Abs(end - x)) step = end - x;
            Stage(state, x, step);
            double size = Error(state, step, x + step);
            if (size <= 1)
            {
                x = step == end - x ? end : x + step;
                TileMath.Copy(at, state);
                var (a, b) = Divergence;
                for (int j = 0; j < Stages - 1; j++)
                {
                    a += Vector512.Create(step * Weights[^1][j]) * divergences[j].A;
                    b += Vector512.Create(step * Weights[^1][j]) * divergences[j].B;
                }
                Divergence = (a, b);
                // First same as last: the slope at the end is that of the next beginning.
                (slopes[0], slopes[Stages - 1], divergences[0]) = (slopes[Stages - 1], slopes[0], divergences[Stages - 1]);
            }
            step *= double.IsFinite(size) ? Math.Clamp(0.9 * Math.Pow(size, -0.2), 0.2, 5) : 0.2;
            if (++Steps > MostSteps || x + step == x)
                throw new LeithException($"sampling: expected the probability flow to reach noise level {to:G4}, got no further than {Math.Exp(x):G4} in {Steps} steps: the score is not finite there, or changes too fast; take a larger tolerance.");
        }
    }

    private void Stage(Tile state, double x, double step)
    {
        for (int j = 1; j < Stages; j++)
        {
            TileMath.Sum(state, [.. Weights[j].Select(w => step * w)], slopes.AsSpan(0, j), at);
            Slope(at, x + Nodes[j] * step, j);
        }
    }

    private void Slope(Tile y, double x, int stage)
    {
        double sigma = Math.Exp(x);
        using var map = score.At(sigma);
        slopes[stage].Index = y.Index;
        evaluate(map, y, slopes[stage]);
        TileMath.Scale(slopes[stage], -sigma * sigma);
        if (probe is null) return;
        var (a, b) = probe.Divergence(y, sigma, (from, to) => evaluate(map, from, to));
        divergences[stage] = (a * Vector512.Create(-sigma * sigma), b * Vector512.Create(-sigma * sigma));
    }

    /// <summary>The error of a step over what is tolerated.</summary>
    private double Error(Tile state, double step, double x)
    {
        TileMath.Clear(error);
        TileMath.Sum(error, [.. Errors.Select(w => step * w)], slopes, error);
        double sum = 0;
        for (int row = 0; row < score.Rows; row++)
        {
            double weight = 1 / (score.White(row) * score.White(row));
            sum += weight * (Vector512.Sum(error.A.Vectors[row] * error.A.Vectors[row]) + Vector512.Sum(error.B.Vectors[row] * error.B.Vectors[row]));
        }
        return Math.Sqrt(sum / ((double)state.Rows * Tile.Members * (unit + Math.Exp(2 * x)))) / tolerance;
    }

    public void Dispose()
    {
        foreach (var tile in slopes) tile.Dispose();
        at.Dispose();
        error.Dispose();
    }
}
