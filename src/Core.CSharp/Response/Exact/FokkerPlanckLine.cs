namespace Leith.Core;

/// <summary>
/// Exact statistics of dx = f(x) dt + √(2 D(x)) dW (Itô) on an interval whose ends nothing reaches: the stationary law, its means, and the responses of means to a push.
/// </summary>
/// <remarks>
/// ρ ∝ exp(∫ f/D dx)/D. The response of ⟨A(t)⟩ to a push along g is R(t) = ∫ ρ g ∂v/∂x dx with v = E[A(t) | x], which obeys ∂v/∂t = f ∂v/∂x + D ∂²v/∂x² = (1/ρ) ∂(ρ D ∂v/∂x)/∂x.
/// Finite volumes of width h in space, the trapezoidal rule in time with a step that shrinks with h; two grids, extrapolated: error O(h⁴).
/// </remarks>
public sealed class FokkerPlanckLine
{
    private readonly Level _coarse, _fine;

    /// <summary>The law on [low, high].</summary>
    /// <param name="drift">f.</param>
    /// <param name="diffusion">D = ½ s², positive.</param>
    /// <param name="low">Lower end; the density must have fallen off there.</param>
    /// <param name="high">Upper end.</param>
    /// <param name="cells">Cells of the coarse grid; the fine one has twice as many.</param>
    /// <exception cref="LeithException">An empty interval; a diffusion that is not positive; a density that has not fallen off at the ends.</exception>
    public FokkerPlanckLine(Func<double, double> drift, Func<double, double> diffusion, double low, double high, int cells = 2000)
    {
        if (!(high > low) || cells < 8) throw new LeithException($"Fokker–Planck: expected an interval and at least 8 cells, got [{low}, {high}] with {cells}.");
        _coarse = new Level(drift, diffusion, low, high, cells);
        _fine = new Level(drift, diffusion, low, high, 2 * cells);
    }

    /// <summary>⟨A⟩ = ∫ A ρ dx.</summary>
    public double Mean(Func<double, double> observable) => Extrapolated(level => level.Mean(observable));

    /// <summary>The probability density at x, by interpolation between cells: relative error O(h²).</summary>
    public double Density(double x) => _fine.Density(x);

    /// <summary>R(t) of ⟨A⟩ to a push along g at time 0, at the times asked for, in rising order.</summary>
    /// <param name="observable">A.</param>
    /// <param name="push">g.</param>
    /// <param name="times">Times, from 0.</param>
    /// <param name="steps">Time steps a unit of time on the coarse grid.</param>
    public double[] Response(Func<double, double> observable, Func<double, double> push, IReadOnlyList<double> times, int steps = 400)
    {
        double[] coarse = _coarse.Response(observable, push, times, steps), fine = _fine.Response(observable, push, times, 2 * steps);
        return [.. coarse.Zip(fine, (c, f) => f + (f - c) / 3)];
    }

    /// <summary>d⟨A⟩/dλ for a drift f + λ g, the change of the stationary mean and the integral of the response: Cov(A, ∫ g/D dx), as ln ρ changes by λ ∫ g/D dx.</summary>
    /// <param name="observable">A.</param>
    /// <param name="forcing">g.</param>
    public double StaticSensitivity(Func<double, double> observable, Func<double, double> forcing) => Extrapolated(level => level.StaticSensitivity(observable, forcing));

    private double Extrapolated(Func<Level, double> value)
    {
        double coarse = value(_coarse), fine = value(_fine);
        return fine + (fine - coarse) / 3;
    }

    private sealed class Level
    {
        private readonly double _h, _low;
        private readonly double[] _centres, _density, _flux, _diffusionAtCentres; // _flux[i]: ρ D at the edge between cells i − 1 and i

        public Level(Func<double, double> drift, Func<double, double> diffusion, double low, double high, int cells)
        {
            (_h, _low) = ((high - low) / cells, low);
            _centres = [.. Enumerable.Range(0, cells).Select(i => low + (i + 0.5) * _h)];
            var potential = Integral(x => drift(x) / diffusion(x), cells);
            double highest = Enumerable.Range(0, cells).Max(i => potential[2 * i + 1]);
            double Weight(int half, double x) => Math.Exp(potential[half] - highest) / diffusion(x);
            _density = [.. _centres.Select((x, i) => Weight(2 * i + 1, x))];
            if (_density.Any(p => !(p >= 0))) throw new LeithException($"Fokker–Planck: expected a positive diffusion on [{low}, {high}], got one that is not, or a drift without a value.");
            double norm = _density.Sum() * _h, top = _density.Max();
            if (_density[0] > 1e-6 * top || _density[^1] > 1e-6 * top)
                throw new LeithException($"Fokker–Planck: expected an interval at whose ends the density has fallen off, got {_density[0] / top:g2} and {_density[^1] / top:g2} of its maximum at {low} and {high}. Take a longer one.");
            for (int i = 0; i < cells; i++) _density[i] /= norm;
            _flux = [.. Enumerable.Range(0, cells + 1).Select(i => i == 0 || i == cells ? 0 : Math.Exp(potential[2 * i] - highest) / norm)];
            _diffusionAtCentres = [.. _centres.Select(diffusion)];
        }

        // ∫ from the lower end to every edge and centre, Simpson over half cells
        private double[] Integral(Func<double, double> f, int cells)
        {
            var sums = new double[2 * cells + 1];
            for (int n = 0; n < 2 * cells; n++)
            {
                double x = _low + n * _h / 2;
                sums[n + 1] = sums[n] + (f(x) + 4 * f(x + _h / 4) + f(x + _h / 2)) * _h / 12;
            }
            return sums;
        }

        public double Mean(Func<double, double> observable) => _h * _centres.Select((x, i) => observable(x) * _density[i]).Sum();

        public double Density(double x)
        {
            double at = (x - _low) / _h - 0.5;
            int i = (int)Math.Clamp(Math.Floor(at), 0, _density.Length - 2);
            return Math.Exp(Math.Log(_density[i]) + (at - i) * (Math.Log(_density[i + 1]) - Math.Log(_density[i])));
        }

        public double StaticSensitivity(Func<double, double> observable, Func<double, double> forcing)
        {
            var growth = Integral(x => forcing(x) / DiffusionAt(x), _centres.Length);
            double[] change = [.. _centres.Select((_, i) => growth[2 * i + 1])];
            double mean = Mean(observable), shift = _h * change.Select((c, i) => c * _density[i]).Sum();
            return _h * _centres.Select((x, i) => (observable(x) - mean) * (change[i] - shift) * _density[i]).Sum();
        }

        // D between centres: linear, error O(h²)
        private double DiffusionAt(double x)
        {
            double at = Math.Clamp((x - _low) / _h - 0.5, 0, _centres.Length - 1);
            int i = Math.Min((int)at, _centres.Length - 2);
            return _diffusionAtCentres[i] + (at - i) * (_diffusionAtCentres[i + 1] - _diffusionAtCentres[i]);
        }

        public double[] Response(Func<double, double> observable, Func<double, double> push, IReadOnlyList<double> times, int steps)
        {
            double[] v = [.. _centres.Select(observable)];
            var result = new double[times.Count];
            double now = 0;
            for (int n = 0; n < result.Length; n++)
            {
                int count = (int)Math.Ceiling((times[n] - now) * steps - 1e-9);
                if (count > 0) Advance(v, count, (times[n] - now) / count);
                now = times[n];
                result[n] = Slope(v, push);
            }
            return result;
        }

        // Σ ρ g ∂v/∂x over edges
        private double Slope(double[] v, Func<double, double> push)
        {
            double sum = 0;
            for (int i = 1; i < v.Length; i++)
            {
                double edge = _low + i * _h;
                sum += _flux[i] / DiffusionAt(edge) * push(edge) * (v[i] - v[i - 1]);
            }
            return sum;
        }

        // (1 − ½ dt L) v′ = (1 + ½ dt L) v with L v = (1/(ρ h²)) [F_{i+1}(v_{i+1} − v_i) − F_i (v_i − v_{i−1})]
        private void Advance(double[] v, int count, double dt)
        {
            int n = v.Length;
            double[] lower = new double[n], upper = new double[n], right = new double[n];
            for (int i = 0; i < n; i++)
            {
                // where the density underflows nothing happens that matters
                double scale = _density[i] > 1e-290 ? 0.5 * dt / (_density[i] * _h * _h) : 0;
                (lower[i], upper[i]) = (scale * _flux[i], scale * _flux[i + 1]);
            }
            double[] ratio = new double[n], pivots = new double[n];
            pivots[0] = 1 + lower[0] + upper[0];
            for (int i = 1; i < n; i++)
            {
                ratio[i] = -upper[i - 1] / pivots[i - 1];
                pivots[i] = 1 + lower[i] + upper[i] + lower[i] * ratio[i];
            }
            for (int step = 0; step < count; step++)
            {
                for (int i = 0; i < n; i++)
                    right[i] = v[i] + (i + 1 < n ? upper[i] * (v[i + 1] - v[i]) : 0) - (i > 0 ? lower[i] * (v[i] - v[i - 1]) : 0);
                v[0] = right[0] / pivots[0];
                for (int i = 1; i < n; i++) v[i] = (right[i] + lower[i] * v[i - 1]) / pivots[i];
                for (int i = n - 2; i >= 0; i--) v[i] -= ratio[i + 1] * v[i + 1];
            }
        }
    }
}
