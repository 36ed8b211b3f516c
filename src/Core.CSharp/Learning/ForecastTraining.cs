namespace Leith.Core;

/// <summary>How the hidden units of a forecast are trained.</summary>
public sealed record ForecastOptions
{
    /// <summary>Hidden units.</summary>
    public int Units { get; init; } = 16;

    /// <summary>Steps of Adam, at most.</summary>
    public int Steps { get; init; } = 3000;

    /// <summary>Pairs in a step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>The largest rate; the course is that of <see cref="Adam"/>.</summary>
    public double LearningRate { get; init; } = 4e-3;

    /// <summary>Seed of the first weights and of the batches.</summary>
    public ulong Seed { get; init; }
}

/// <summary>Units φ_k(x) = tanh(b_k + Σ_i w_ki x_i).</summary>
/// <param name="Weights">w, [unit][component].</param>
/// <param name="Offsets">b, [unit].</param>
/// <param name="HeldOut">⟨(A(t) − f)²⟩/Var A over the pairs that were held out, the mean over what was forecast.</param>
/// <param name="Steps">The step whose weights these are, the one with the lowest held-out error.</param>
public sealed record ForecastUnits(double[][] Weights, double[] Offsets, double HeldOut, int Steps);

/// <summary>
/// A forecast of later values from a state by one layer of hidden units, y = c + P m(x) + V tanh(b + W x), trained for the least ⟨(y − A(t))²⟩ with both sides brought to
/// mean 0 and variance 1. m are functions that the regression has anyway, the components of x first: the units learn what these leave.
/// Of a regression on m and the units only W and b are needed. The result is a function of the pairs and the seed, bit for bit.
/// </summary>
/// <remarks>Adam (Kingma, Ba 2015) on batches drawn with replacement from the first four fifths of the pairs; the weights with the lowest error on the last fifth are kept.</remarks>
public sealed class ForecastTraining
{
    private const int Validations = 20, Patience = 8;
    private const ulong Purpose = 21;

    private readonly ForecastOptions options;
    private readonly double[] mean, scale;
    private readonly double[][] rows, later;
    private readonly int known;

    /// <summary>Pairs in the order of time.</summary>
    /// <param name="rows">m(x), [pair][function]: the components of x, then the further functions.</param>
    /// <param name="components">Components of x.</param>
    /// <param name="later">A(t) of each observable at each lag, [pair][value].</param>
    /// <param name="options">Units and training.</param>
    /// <exception cref="LeithException">Fewer than ten pairs, numbers that are not finite, no unit.</exception>
    public ForecastTraining(double[][] rows, int components, double[][] later, ForecastOptions options)
    {
        if (rows.Length < 10 || later.Length != rows.Length)
            throw new LeithException($"forecastBy: expected at least ten pairs of a state and what follows it, got {Math.Min(rows.Length, later.Length)}; simulate longer, or ask for shorter lags.");
        if (options.Units < 1) throw new LeithException($"forecastBy: expected at least one hidden unit, got {options.Units}; write mlp |> channels 16.");
        int bad = Math.Max(Array.FindIndex(rows, row => !row.All(double.IsFinite)), Array.FindIndex(later, row => !row.All(double.IsFinite)));
        if (bad >= 0) throw new LeithException($"forecastBy: expected states and observables that are finite on all data, got some at pair {bad} that are not; take others.");
        this.options = options;
        (this.rows, mean, scale) = Standardised(rows);
        (this.later, _, _) = Standardised(later);
        Inputs = components;
        known = rows[0].Length;
        Outputs = later[0].Length;
        Held = Math.Max(1, rows.Length / 5);
    }

    /// <summary>Numbers of one state.</summary>
    public int Inputs { get; }

    /// <summary>Numbers that are forecast from it.</summary>
    public int Outputs { get; }

    /// <summary>Pairs that are held out, the last ones.</summary>
    public int Held { get; }

    /// <summary>Numbers in W, b, P, V and c: [unit][w, b], then [output][P, V, c].</summary>
    public int Weights => options.Units * (Inputs + 1) + Outputs * (known + options.Units + 1);

    /// <summary>The training.</summary>
    public ForecastUnits Train(CancellationToken cancellation = default)
    {
        double[] weights = First(), best = (double[])weights.Clone(), gradient = new double[Weights], first = new double[Weights], second = new double[Weights];
        var held = Enumerable.Range(rows.Length - Held, Held).ToArray();
        var batch = new int[options.Batch];
        var (lowest, kept, worse) = (Loss(weights, held, null), 0, 0);
        int between = Math.Max(1, options.Steps / Validations);
        for (int step = 0; step < options.Steps && worse < Patience && !cancellation.IsCancellationRequested; step++)
        {
            for (int i = 0; i < batch.Length; i++) batch[i] = Draw.Index(options.Seed, Purpose + 1, step, i, rows.Length - Held);
            Array.Clear(gradient);
            Loss(weights, batch, gradient);
            Move(weights, gradient, first, second, step);
            if ((step + 1) % between != 0 && step + 1 != options.Steps) continue;
            double error = Loss(weights, held, null);
            worse++;
            if (!(error < lowest)) continue;
            (lowest, kept, worse) = (error, step + 1, 0);
            weights.CopyTo(best, 0);
        }
        return Units(best, lowest, kept);
    }

    /// <summary>⟨(y − A)²⟩ over some pairs, the mean over what is forecast; its gradient is added to one that is given.</summary>
    public double Loss(double[] weights, int[] pairs, double[]? gradient)
    {
        int units = options.Units, from = units * (Inputs + 1), width = known + units + 1;
        double sum = 0, factor = 1.0 / ((double)pairs.Length * Outputs);
        double[] layer = new double[width], back = new double[width];
        layer[^1] = 1;
        foreach (int pair in pairs)
        {
            var (x, target) = (rows[pair], later[pair]);
            x.CopyTo(layer, 0);
            for (int k = 0; k < units; k++) layer[known + k] = Math.Tanh(weights[k * (Inputs + 1) + Inputs] + Dot(weights, k * (Inputs + 1), x, Inputs));
            Array.Clear(back);
            for (int o = 0; o < Outputs; o++)
            {
                int at = from + o * width;
                double error = Dot(weights, at, layer, width) - target[o];
                sum += error * error;
                if (gradient is null) continue;
                double slope = 2 * factor * error;
                for (int j = 0; j < width; j++)
                {
                    gradient[at + j] += slope * layer[j];
                    back[j] += slope * weights[at + j];
                }
            }
            if (gradient is not null) Backward(gradient, x, layer, back);
        }
        return sum * factor;
    }

    private void Backward(double[] gradient, double[] x, double[] layer, double[] back)
    {
        for (int k = 0; k < options.Units; k++)
        {
            double h = layer[known + k], slope = back[known + k] * (1 - h * h);
            int at = k * (Inputs + 1);
            for (int i = 0; i < Inputs; i++) gradient[at + i] += slope * x[i];
            gradient[at + Inputs] += slope;
        }
    }

    private void Move(double[] weights, double[] gradient, double[] first, double[] second, int step)
    {
        const double b1 = 0.9, b2 = 0.999;
        double rate = Adam.Rate(step, new TrainingOptions { Steps = options.Steps, LearningRate = options.LearningRate });
        double speed = rate / (1 - Math.Pow(b1, step + 1)), correction = 1 / (1 - Math.Pow(b2, step + 1));
        for (int i = 0; i < weights.Length; i++)
        {
            double g = gradient[i];
            first[i] = b1 * first[i] + (1 - b1) * g;
            second[i] = b2 * second[i] + (1 - b2) * g * g;
            weights[i] -= speed * first[i] / (Math.Sqrt(second[i] * correction) + 1e-8);
        }
    }

    // units bend at places over the width of the data; nothing is forecast at first
    private double[] First()
    {
        var weights = new double[Weights];
        for (int k = 0; k < options.Units; k++)
        {
            for (int i = 0; i < Inputs; i++) weights[k * (Inputs + 1) + i] = Draw.Normal(options.Seed, Purpose, k, i) / Math.Sqrt(Inputs);
            weights[k * (Inputs + 1) + Inputs] = Draw.Normal(options.Seed, Purpose, k, Inputs);
        }
        return weights;
    }

    private ForecastUnits Units(double[] weights, double error, int steps)
    {
        var w = Enumerable.Range(0, options.Units).Select(k => Enumerable.Range(0, Inputs).Select(i => weights[k * (Inputs + 1) + i] / scale[i]).ToArray()).ToArray();
        return new ForecastUnits(w, [.. w.Select((row, k) => weights[k * (Inputs + 1) + Inputs] - Dot(row, 0, mean, Inputs))], error, steps);
    }

    private static double Dot(double[] a, int from, double[] b, int length)
    {
        double sum = 0;
        for (int i = 0; i < length; i++) sum += a[from + i] * b[i];
        return sum;
    }

    private static (double[][] Rows, double[] Mean, double[] Scale) Standardised(double[][] rows)
    {
        double[] mean = new double[rows[0].Length], scale = new double[mean.Length];
        foreach (var row in rows)
            for (int i = 0; i < mean.Length; i++) mean[i] += row[i] / rows.Length;
        foreach (var row in rows)
            for (int i = 0; i < mean.Length; i++) scale[i] += (row[i] - mean[i]) * (row[i] - mean[i]) / rows.Length;
        for (int i = 0; i < scale.Length; i++) scale[i] = scale[i] > 0 ? Math.Sqrt(scale[i]) : 1;
        return ([.. rows.Select(row => row.Select((value, i) => (value - mean[i]) / scale[i]).ToArray())], mean, scale);
    }
}
