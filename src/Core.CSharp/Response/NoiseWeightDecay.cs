using System.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>
/// K = e^{hG} of noise weights: the kick that the noise of the steps before is asked to make up for shrinks as Kᵀ, from step to step. Every stable K gives the same response; K decides the scatter.
/// </summary>
public sealed class NoiseWeightDecay
{
    // A direction that never forgets would make the weights grow without end.
    private const double SlowestOfFastest = 1e-3;

    private NoiseWeightDecay(LinearMap map, double slowest) => (Map, SlowestRate) = (map, slowest);

    /// <summary>The slowest rate at which K forgets, per unit time: weights are stationary after a few of its inverses.</summary>
    public double SlowestRate { get; }

    internal LinearMap Map { get; }

    /// <summary>K = e^{−rate h} for every mode or unknown.</summary>
    /// <exception cref="LeithException">A rate that is not positive.</exception>
    public static NoiseWeightDecay Uniform(Model model, double step, double rate)
    {
        if (!(rate > 0) || double.IsInfinity(rate)) throw new LeithException($"noise weights: expected a positive rate of decay, got {Whole.Text(rate)}.");
        return OfRates([.. Enumerable.Repeat(new Complex(-rate, 0), model.Rows)], model, step, rate);
    }

    /// <summary>
    /// The K with the least ⟨B Bᵀ⟩ when the tangent F′(u) is taken as its mean M plus a fluctuation δM without memory:
    /// X Q X + Mᵀ X + X M = ⟨δMᵀ Q⁻¹ δM⟩, G = −Mᵀ − X Q, with Q the noise covariance per unit time; X is then ⟨B Bᵀ⟩.
    /// One mode: K_k = e^{−h (√(γ² + v q) − i Im λ)}, λ = −γ + i Im λ the mean tangent symbol, q = |σ_k|² and v the spectrum of (F′ᵀ − λ*) w for w of spectrum 1/q.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="scheme">How it is stepped.</param>
    /// <param name="step">h.</param>
    /// <param name="transposed">Makes w ↦ N′(u, t)ᵀ w, the transposed tangent of the nonlinear part; null for a linear drift.</param>
    /// <param name="states">Stationary states, as <see cref="LastStates"/> has them.</param>
    /// <param name="seed">Seed of the random fields w.</param>
    /// <param name="time">The time of the states.</param>
    /// <remarks>On a torus M and v are regressions, mode by mode, of F′(u)ᵀ w on random fields w of covariance Q⁻¹. For a linear model B is then −s of the stationary law in the limit of small steps.</remarks>
    /// <exception cref="LeithException">Noise that does not reach every mode or unknown.</exception>
    public static NoiseWeightDecay Fit(Model model, Scheme scheme, double step, Func<IPairMap>? transposed, IReadOnlyList<Tile> states, ulong seed, double time = 0)
    {
        StepNoise.Require(model);
        if (states.Count == 0) throw new LeithException("noise weights: expected stationary states to fit the decay on, got none. Run a pilot first.");
        using var tangent = new TransposedDrift(model, transposed);
        return model.HasFields ? FitRows(model, scheme, step, tangent, states, seed, time) : FitScalars(model, scheme, step, tangent, states, time);
    }

    private static unsafe NoiseWeightDecay FitRows(Model model, Scheme scheme, double step, TransposedDrift tangent, IReadOnlyList<Tile> states, ulong seed, double time)
    {
        const int Draws = 4;
        double[] q = StepNoise.Rates(model, scheme, step);
        using Tile w = new(model.Rows), y = new(model.Rows);
        var cross = new Complex[model.Rows];
        double[] input = new double[model.Rows], output = new double[model.Rows];
        for (int draw = 0; draw < Draws * states.Count; draw++)
        {
            var state = states[draw / Draws];
            NormalStream.Fill(w.A.Pointer, w.Rows, seed, 0, draw, 0);
            NormalStream.Fill(w.B.Pointer, w.Rows, seed, 0, draw, LaneArray.Lanes);
            for (int k = 0; k < q.Length; k++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    w.A[k, lane] *= q[k] > 0 ? 1 / Math.Sqrt(q[k]) : 0;
                    w.B[k, lane] *= q[k] > 0 ? 1 / Math.Sqrt(q[k]) : 0;
                }
            tangent.Apply(state, w, time, y);
            for (int k = 0; k < q.Length; k++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    Complex from = new(w.A[k, lane], w.B[k, lane]), to = new(y.A[k, lane], y.B[k, lane]);
                    cross[k] += Complex.Conjugate(from) * to;
                    input[k] += from.Real * from.Real + from.Imaginary * from.Imaginary;
                    output[k] += to.Real * to.Real + to.Imaginary * to.Imaginary;
                }
        }
        return OfRates(Rates(Opposites(model), cross, input, output), model, step, double.NaN);
    }

    // G_k = −√(γ² + v q) + i Im λ, from sums over w and y = F′ᵀ w at k and −k.
    private static Complex[] Rates(int[] opposite, Complex[] cross, double[] input, double[] output)
    {
        var rates = new Complex[cross.Length];
        for (int k = 0; k < rates.Length; k++)
        {
            int minus = opposite[k];
            double power = input[k] + input[minus];
            // A mode that the system does not have has no weight to forget.
            if (power == 0) continue;
            // The transposed tangent has the symbol λ*.
            Complex mean = (cross[k] + Complex.Conjugate(cross[minus])) / power;
            double fluctuation = Math.Max(0, (output[k] + output[minus]) / power - mean.Real * mean.Real - mean.Imaginary * mean.Imaginary);
            rates[k] = new Complex(-Math.Sqrt(mean.Real * mean.Real + fluctuation), -mean.Imaginary);
        }
        return rates;
    }

    private static int[] Opposites(Model model) =>
        [.. model.Segments.SelectMany(segment => Enumerable.Range(0, segment.Rows)
            .Select(row => segment.First + (segment.Representation == Representation.Modes ? segment.Grid!.Conjugate(row) : row)))];

    private static NoiseWeightDecay OfRates(Complex[] rates, Model model, double step, double slowest)
    {
        double fastest = rates.Max(rate => -rate.Real);
        if (!(fastest > 0)) throw new LeithException("noise weights: expected a drift that changes under a kick, got a tangent of zeros. Take twin runs.");
        Complex[] floored = [.. rates.Select(rate => rate == Complex.Zero ? -fastest : rate).Select(rate => new Complex(Math.Min(rate.Real, -SlowestOfFastest * fastest), rate.Imaginary))];
        Complex[] symbol = [.. floored.Select(rate => Complex.Exp(step * rate))];
        if (double.IsNaN(slowest)) slowest = floored.Min(rate => -rate.Real);
        return new NoiseWeightDecay(model.HasFields ? new SymbolMap(symbol) : new MatrixMap(Matrix<double>.Build.DenseDiagonal(model.Rows, model.Rows, i => symbol[i].Real).ToArray()), slowest);
    }

    private static NoiseWeightDecay FitScalars(Model model, Scheme scheme, double step, TransposedDrift tangent, IReadOnlyList<Tile> states, double time)
    {
        int d = model.Rows;
        var q = StepNoise.Rate(model, scheme, step);
        var jacobians = states.SelectMany(state => Jacobians(tangent, state, d, time)).ToArray();
        var mean = jacobians.Aggregate((a, b) => a + b) / jacobians.Length;
        var inverse = q.Inverse();
        var v = jacobians.Select(jacobian => (jacobian - mean).Transpose() * inverse * (jacobian - mean)).Aggregate((a, b) => a + b) / jacobians.Length;
        // A whiff more, so that no direction is left without forgetting.
        double size = Math.Max(mean.L2Norm(), Math.Sqrt(Math.Max(0, (v * q).Trace() / d)));
        if (!(size > 0)) throw new LeithException("noise weights: expected a drift that changes under a kick, got a tangent of zeros. Take twin runs.");
        v += inverse * (SlowestOfFastest * SlowestOfFastest * size * size);
        var x = Riccati(mean, q, v);
        var g = -mean.Transpose() - x * q;
        return new NoiseWeightDecay(new MatrixMap(MatrixFunctions.Exponential(g * step).ToArray()), g.Evd().EigenValues.Min(value => -value.Real));
    }

    // F′(u) of the sixteen members: row j of it is F′ᵀ e_j.
    private static Matrix<double>[] Jacobians(TransposedDrift tangent, Tile state, int d, double time)
    {
        using Tile w = new(d), y = new(d);
        var jacobians = Enumerable.Range(0, Tile.Members).Select(_ => Matrix<double>.Build.Dense(d, d)).ToArray();
        for (int j = 0; j < d; j++)
        {
            TileMath.Clear(w);
            for (int lane = 0; lane < LaneArray.Lanes; lane++) w.A[j, lane] = w.B[j, lane] = 1;
            tangent.Apply(state, w, time, y);
            for (int i = 0; i < d; i++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++) (jacobians[lane][j, i], jacobians[lane + LaneArray.Lanes][j, i]) = (y.A[i, lane], y.B[i, lane]);
        }
        return jacobians;
    }

    /// <summary>The stabilising X of X Q X + Mᵀ X + X M = V: the stable subspace of [[−M, −Q], [−V, Mᵀ]] by the matrix sign function.</summary>
    /// <remarks>Roberts (1980), Int. J. Control 32, 677; Newton's iteration scaled by determinants (Byers 1987).</remarks>
    private static Matrix<double> Riccati(Matrix<double> m, Matrix<double> q, Matrix<double> v)
    {
        int d = m.RowCount;
        var z = Matrix<double>.Build.Dense(2 * d, 2 * d);
        z.SetSubMatrix(0, 0, -m);
        z.SetSubMatrix(0, d, -q);
        z.SetSubMatrix(d, 0, -v);
        z.SetSubMatrix(d, d, m.Transpose());
        for (int i = 0; i < 60; i++)
        {
            var inverse = z.Inverse();
            double scale = Math.Exp(-LogDeterminant(z) / (2 * d));
            var next = 0.5 * (scale * z + inverse / scale);
            double change = (next - z).L1Norm() / next.L1Norm();
            z = next;
            if (change < 1e-14) break;
        }
        // (sign + I) [I; X] = 0: the lower and upper rows together, by least squares.
        var left = Matrix<double>.Build.Dense(2 * d, d);
        var right = Matrix<double>.Build.Dense(2 * d, d);
        var identity = Matrix<double>.Build.DenseIdentity(d);
        left.SetSubMatrix(0, 0, z.SubMatrix(0, d, d, d));
        left.SetSubMatrix(d, 0, z.SubMatrix(d, d, d, d) + identity);
        right.SetSubMatrix(0, 0, -(z.SubMatrix(0, d, 0, d) + identity));
        right.SetSubMatrix(d, 0, -z.SubMatrix(d, d, 0, d));
        var x = left.QR().Solve(right);
        return 0.5 * (x + x.Transpose());
    }

    private static double LogDeterminant(Matrix<double> z)
    {
        var upper = z.LU().U;
        return Enumerable.Range(0, z.RowCount).Sum(i => Math.Log(Math.Abs(upper[i, i])));
    }
}
