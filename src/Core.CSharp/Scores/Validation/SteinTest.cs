namespace Leith.Core;

/// <summary>⟨g·ŝ⟩ + ⟨∇·g⟩ of one test field at one noise level: zero for the true score.</summary>
/// <param name="Sigma">Noise level of the data and the score.</param>
/// <param name="Field">g, with y the noised value in standard deviations of the data.</param>
/// <param name="Row">The unknown, for scalar unknowns.</param>
/// <param name="Value">The residual, an average over sites.</param>
/// <param name="StandardError">From the blocks of the samples.</param>
public sealed record SteinResidual(double Sigma, string Field, int Row, double Value, double StandardError)
{
    /// <summary>The residual in standard errors; 0 where it vanishes identically.</summary>
    public double Z => StandardError > 1e-14 ? Value / StandardError : 0;
}

/// <summary>
/// The Stein identity ⟨g(y)·s(y, σ)⟩ + ⟨∇·g(y)⟩ = 0, y = u + σ S z, for test fields that act on one value: g = 1, y, y², y³, sin(πy), and of a field the value one
/// site on. It holds for the score of the noised law, so the data are noised: no bias from σ.
/// </summary>
public static class SteinTest
{
    private const uint Stream = 0x5A0005;

    private static readonly (string Name, Func<double, double> G, Func<double, double> Slope)[] Fields =
    [
        ("1", _ => 1, _ => 0), ("y", y => y, _ => 1), ("y²", y => y * y, y => 2 * y), ("y³", y => y * y * y, y => 3 * y * y),
        ("sin πy", y => Math.Sin(Math.PI * y), y => Math.PI * Math.Cos(Math.PI * y)),
    ];

    /// <summary>The residuals at one level.</summary>
    /// <exception cref="LeithException">Samples of another size than the score.</exception>
    public static SteinResidual[] Residuals(NoisedScore score, SampleSet data, double sigma, ulong seed, int threads = 0)
    {
        if (data.Values[0].Length != score.Rows) throw new LeithException($"Stein test: expected samples of {score.Rows} numbers, as the score has, got {data.Values[0].Length}.");
        int tests = Fields.Length + (score.Grid is null ? 0 : 1), populations = score.Grid is null ? score.Rows : 1;
        double[] mean = [.. Enumerable.Range(0, populations).Select(r => data.Cumulants(r)[0].Value)], unit = [.. Enumerable.Range(0, populations).Select(r => Math.Sqrt(data.Cumulants(r)[1].Value))];
        int tiles = (data.Values.Length + Tile.Members - 1) / Tile.Members;
        // [sample][population · test]
        var residuals = new double[data.Values.Length][];
        TileDealer.Deal(tiles, threads > 0 ? threads : Environment.ProcessorCount, () => new Worker(score, sigma, seed), (worker, tile, _) =>
            worker.Run(data.Values, tile, mean, unit, tests, residuals));
        var sums = new double[data.Blocks][];
        for (int b = 0; b < data.Blocks; b++) sums[b] = new double[tests * populations + 1];
        for (int s = 0; s < residuals.Length; s++)
        {
            double[] sum = sums[data.BlockOf(s)];
            for (int i = 0; i < tests * populations; i++) sum[i] += residuals[s][i];
            sum[^1]++;
        }
        var (values, errors) = Jackknife.Curve(data.Blocks, without =>
        {
            var kept = sums.Where((_, b) => b != without).ToArray();
            double n = kept.Sum(k => k[^1]);
            return [.. Enumerable.Range(0, tests * populations).Select(i => kept.Sum(k => k[i]) / n)];
        });
        return [.. values.Select((v, i) => new SteinResidual(sigma, i % tests < Fields.Length ? Fields[i % tests].Name : "y one site on", i / tests, v, errors[i]))];
    }

    private sealed unsafe class Worker(NoisedScore score, double sigma, ulong seed) : IDisposable
    {
        private readonly ITileMap map = score.At(sigma);
        private readonly SampleLoader loader = new(score.Grid, score.Rows);
        private readonly Tile state = new(score.Rows), gradient = new(score.Rows), normals = new(score.Rows);

        public void Run(double[][] samples, int tile, double[] mean, double[] unit, int tests, double[][] residuals)
        {
            loader.Load(samples, tile, state);
            int first = tile * Tile.Members;
            NormalStream.Fill(normals.A.Pointer, score.Rows, seed, Stream, 0, first);
            NormalStream.Fill(normals.B.Pointer, score.Rows, seed, Stream, 0, first + LaneArray.Lanes);
            for (int row = 0; row < score.Rows; row++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    state.A[row, lane] += sigma * score.White(row) * normals.A[row, lane];
                    state.B[row, lane] += sigma * score.White(row) * normals.B[row, lane];
                }
            gradient.Index = tile;
            map.Apply(state, 0, gradient);
            int here = Math.Min(Tile.Members, samples.Length - first);
            var (y, s) = (new double[here][], new double[here][]);
            loader.Store(state, y, 0);
            loader.Store(gradient, s, 0);
            for (int member = 0; member < here; member++) residuals[first + member] = Averages(y[member], s[member], mean, unit, tests);
        }

        private double[] Averages(double[] y, double[] s, double[] mean, double[] unit, int tests)
        {
            bool isField = score.Grid is not null;
            var result = new double[tests * mean.Length];
            int stride = isField ? score.Rows / score.Grid!.Points[0] : 0;
            for (int row = 0; row < score.Rows; row++)
            {
                int of = isField ? 0 : row;
                double v = (y[row] - mean[of]) / unit[of], gradient = s[row] * unit[of], share = isField ? 1.0 / score.Rows : 1;
                for (int t = 0; t < Fields.Length; t++) result[of * tests + t] += share * (Fields[t].G(v) * gradient + Fields[t].Slope(v));
                if (isField) result[Fields.Length] += share * gradient * (y[(row + stride) % score.Rows] - mean[0]) / unit[0];
            }
            return result;
        }

        public void Dispose()
        {
            map.Dispose();
            loader.Dispose();
            foreach (var tile in new[] { state, gradient, normals }) tile.Dispose();
        }
    }
}
