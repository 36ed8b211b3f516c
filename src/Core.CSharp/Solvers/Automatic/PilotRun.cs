namespace Leith.Core;

/// <summary>Sixteen members stepped with h and with h/2 along one Brownian path, interval after interval.</summary>
internal sealed class PilotRun(Model model, Scheme scheme, double every, Action<Tile>? initial) : IDisposable
{
    private const int SpinUpIntervals = 20;
    private readonly CounterNormals source = new(0x5EED);
    private readonly Tile start = new(model.Rows), coarse = new(model.Rows), fine = new(model.Rows);
    private bool isSpunUp;
    private double spunUp;

    /// <summary>Intervals that are compared.</summary>
    public static int Windows(Model model) => model.HasFields ? 3 : 8;

    /// <summary>
    /// The difference of h = every/2^halvings and h/2 over one interval, in standard deviations: root-mean-square, the largest over the unknowns; for the weak scheme
    /// the mean over members and intervals plus its standard error. NaN where a run does not stay finite.
    /// </summary>
    public double Difference(int halvings, double spinUp)
    {
        double h = every / (1 << halvings);
        using IStepper two = Stepper.Make(model, scheme, h / 2), one = Stepper.Make(model, scheme, h);
        using Tile first = new(two.Normals), second = new(two.Normals), joined = new(one.Normals);
        if (!isSpunUp && !SpinUp(two, h / 2, first, spinUp)) return double.NaN;
        var join = new NormalsJoin(model, scheme, h / 2);
        var statistics = new PilotStatistics(model);
        fine.CopyFrom(start);
        long step = 0;
        for (int window = 0; window < Windows(model); window++)
        {
            coarse.CopyFrom(fine);
            for (int i = 0; i < 1 << halvings; i++, step++)
            {
                double time = spunUp + step * h;
                source.Fill(first, Offset + 2 * step);
                source.Fill(second, Offset + 2 * step + 1);
                join.Apply(first, second, joined);
                one.Step(coarse, time, joined);
                two.Step(fine, time, first);
                two.Step(fine, time + h / 2, second);
            }
            statistics.Add(coarse, fine);
        }
        return statistics.Difference(isWeak: scheme == Scheme.WeakSecondOrder);
    }

    public void Dispose()
    {
        foreach (var tile in new[] { start, coarse, fine }) tile.Dispose();
    }

    // Steps of the comparison are numbered apart from those of the spin-up.
    private const long Offset = 1L << 40;

    private bool SpinUp(IStepper stepper, double h, Tile normals, double time)
    {
        TileMath.Clear(start);
        initial?.Invoke(start);
        long steps = (long)Math.Round(Math.Min(time, SpinUpIntervals * every) / h);
        for (long step = 0; step < steps; step++)
        {
            source.Fill(normals, step);
            stepper.Step(start, step * h, normals);
        }
        spunUp = steps * h;
        return isSpunUp = PilotStatistics.IsFinite(start);
    }
}

/// <summary>Normals of a step 2h from those of its halves: (n₁ + n₂)/√2, and for exponential schemes G(2h)⁻¹ (e^{Lh} G(h) n₁ + G(h) n₂).</summary>
internal sealed unsafe class NormalsJoin
{
    private readonly LinearMap first, second;
    private readonly int additive;

    public NormalsJoin(Model model, Scheme scheme, double half)
    {
        if (!LinearLaw.IsExponential(scheme))
        {
            (first, second) = (new MatrixMap(new double[0, 0]), new MatrixMap(new double[0, 0]));
        }
        else if (model.HasFields)
        {
            var (shorter, longer, decay) = (LinearLaw.SpreadSymbol(model, half), LinearLaw.SpreadSymbol(model, 2 * half), LinearLaw.Linear(model));
            second = new SymbolMap([.. shorter.Select((s, k) => longer[k] == 0 ? 0 : s / longer[k])]);
            first = new SymbolMap([.. shorter.Select((s, k) => longer[k] == 0 ? 0 : System.Numerics.Complex.Exp(decay[k] * half) * s / longer[k])]);
        }
        else
        {
            var (e, _, q) = MatrixFunctions.ExponentialIntegrals(LinearLaw.Matrix(model), LinearLaw.Diffusion(model), half);
            var build = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build;
            double[,] shorter = MatrixFunctions.Factor(q), longer = MatrixFunctions.Factor(q + e * q * e.Transpose());
            bool isQuiet = shorter.GetLength(1) == 0;
            var solve = isQuiet ? build.Dense(1, 1) : build.DenseOfArray(longer).PseudoInverse();
            second = new MatrixMap(isQuiet ? new double[0, 0] : (solve * build.DenseOfArray(shorter)).ToArray());
            first = new MatrixMap(isQuiet ? new double[0, 0] : (solve * e * build.DenseOfArray(shorter)).ToArray());
        }
        additive = first.Columns;
    }

    /// <summary>joined ← the normals of both halves together.</summary>
    public void Apply(Tile n1, Tile n2, Tile joined)
    {
        TileMath.Clear(joined);
        if (additive > 0)
        {
            first.Accumulate(n1, joined);
            second.Accumulate(n2, joined);
        }
        for (int row = additive; row < joined.Rows; row++)
        {
            joined.A.Vectors[row] = (n1.A.Vectors[row] + n2.A.Vectors[row]) * Math.Sqrt(0.5);
            joined.B.Vectors[row] = (n1.B.Vectors[row] + n2.B.Vectors[row]) * Math.Sqrt(0.5);
        }
    }
}
