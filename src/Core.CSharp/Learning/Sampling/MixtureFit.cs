using MathNet.Numerics.LinearAlgebra;

namespace Leith.Core;

/// <summary>
/// A Gaussian mixture for noised samples y = u + σ S z by expectation and maximisation (Dempster, Laird, Rubin 1977): the law at which a reverse equation starts.
/// At level σ nothing smaller than the noise is left to be described, and the fit keeps every variance above σ².
/// </summary>
/// <remarks>
/// Components start as equal shares of the samples in the order of their spatial mean (a field) or of their first component. The power of a mode, or the
/// covariance, of a component is drawn towards that of all by <see cref="Prior"/> samples. The last eighth of the blocks is held out: of 1, 2, 4, … components
/// more are taken as long as their held-out likelihood is higher by three standard errors, and the law is fitted to everything.
/// </remarks>
public static class MixtureFit
{
    /// <summary>Samples that the law of all is worth in the law of each component.</summary>
    public const double Prior = 16;

    private const int Rounds = 60;

    /// <summary>Homogeneous Gaussian fields.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="fields">Samples without noise, [sample][site]; independent blocks of them follow one another.</param>
    /// <param name="sigma">σ.</param>
    /// <param name="most">Most components; 1: the Gaussian of the same mean and covariance.</param>
    /// <param name="seed">Of the noise z.</param>
    /// <exception cref="LeithException">No samples, samples of another size, σ or a number of components that is not positive.</exception>
    public static GaussianMixture OfFields(Grid grid, double[][] fields, double sigma, int most, ulong seed)
    {
        Check(fields, grid.Sites, sigma, most);
        var rows = new double[fields.Length][];
        using var loader = new SampleLoader(grid, grid.Sites);
        using var tile = new Tile(grid.Sites);
        int[] opposite = [.. Enumerable.Range(0, grid.Sites).Select(grid.Conjugate)];
        for (int t = 0; t * Tile.Members < fields.Length; t++)
        {
            loader.Load(fields, t, tile);
            NoiseInto(tile, grid.Sites, Math.Sqrt(grid.Sites) * sigma, seed);
            for (int m = 0; m < Tile.Members && t * Tile.Members + m < fields.Length; m++) rows[t * Tile.Members + m] = Powers(tile, m, opposite);
        }
        return Choose(rows, most, (members, shares) => new FieldParts(grid, rows, members, shares, sigma));
    }

    /// <summary>Scalar unknowns.</summary>
    /// <param name="scale">S.</param>
    /// <param name="samples">Samples without noise, [sample][component]; independent blocks of them follow one another.</param>
    /// <param name="sigma">σ.</param>
    /// <param name="most">Most components; 1: the Gaussian of the same mean and covariance.</param>
    /// <param name="seed">Of the noise z.</param>
    /// <exception cref="LeithException">No samples, samples of another size, σ or a number of components that is not positive.</exception>
    public static GaussianMixture OfVectors(double[] scale, double[][] samples, double sigma, int most, ulong seed)
    {
        Check(samples, scale.Length, sigma, most);
        double[][] rows = [.. samples.Select((u, s) => u.Select((v, i) => v / scale[i] + sigma * Draw.Normal(seed, Draw.Level, s, i)).ToArray())];
        return Choose(rows, most, (members, shares) => new VectorParts(scale, rows, members, shares, sigma));
    }

    private static void Check(double[][] samples, int rows, double sigma, int most)
    {
        if (samples.Length < 2 || samples.Any(s => s.Length != rows)) throw new LeithException($"mixture: expected at least two samples of {rows} numbers, got {samples.Length} of {samples.FirstOrDefault()?.Length}.");
        if (!(sigma > 0) || most < 1) throw new LeithException($"mixture: expected a noise level above 0 and at least one component, got {sigma} and {most}.");
    }

    private static unsafe void NoiseInto(Tile tile, int rows, double size, ulong seed)
    {
        using var normals = new Tile(rows, tile.Index);
        int first = tile.Index * Tile.Members;
        NormalStream.Fill(normals.A.Pointer, rows, seed, 0x5A0004, 0, first);
        NormalStream.Fill(normals.B.Pointer, rows, seed, 0x5A0004, 0, first + LaneArray.Lanes);
        TileMath.Add(tile, size, normals);
    }

    /// <summary>[0]: the spatial mean; [k]: |a_k|²/N.</summary>
    private static double[] Powers(Tile tile, int member, int[] opposite)
    {
        int n = opposite.Length, lane = member % LaneArray.Lanes;
        double sign = member < LaneArray.Lanes ? 1 : -1;
        var row = new double[n];
        row[0] = (member < LaneArray.Lanes ? tile.A : tile.B)[0, lane] / n;
        for (int k = 1; k < n; k++)
        {
            double re = tile.A[k, lane], im = tile.B[k, lane], re2 = tile.A[opposite[k], lane], im2 = tile.B[opposite[k], lane];
            row[k] = (0.25 * (re * re + im * im + re2 * re2 + im2 * im2) + sign * 0.5 * (re * re2 - im * im2)) / n;
        }
        return row;
    }

    /// <summary>What one kind of mixture needs of the algorithm.</summary>
    private interface IParts
    {
        /// <summary>ln w_c N(y_s; …).</summary>
        double Log(int sample, int component);
        GaussianMixture Law { get; }
    }

    private static GaussianMixture Choose(double[][] rows, int most, Func<int[], double[][], IParts> fit)
    {
        int[] all = [.. Enumerable.Range(0, rows.Length)];
        int kept = rows.Length - rows.Length / 8, best = 1;
        double[]? highest = null;
        for (int count = 1; most > 1 && count <= Math.Min(most, rows.Length / 32); count *= 2)
        {
            var parts = Iterate(rows, all[..kept], count, fit);
            double[] held = [.. all[kept..].Select(s => LogSum([.. Enumerable.Range(0, count).Select(c => parts.Log(s, c))]))];
            if (highest is null || Gain(held, highest) > 3) (highest, best) = (held, count);
        }
        return Iterate(rows, all, best, fit).Law;
    }

    /// <summary>The mean difference in its standard errors.</summary>
    private static double Gain(double[] held, double[] before)
    {
        double[] gain = [.. held.Zip(before, (a, b) => a - b)];
        double mean = gain.Average();
        return mean / Math.Sqrt(gain.Average(g => (g - mean) * (g - mean)) / gain.Length + 1e-300);
    }

    private static IParts Iterate(double[][] rows, int[] members, int count, Func<int[], double[][], IParts> fit)
    {
        int[] order = [.. members.OrderBy(s => rows[s][0])];
        var shares = new double[rows.Length][];
        for (int i = 0; i < order.Length; i++)
        {
            shares[order[i]] = new double[count];
            shares[order[i]][(int)((long)i * count / order.Length)] = 1;
        }
        var parts = fit(members, shares);
        for (int round = 0; round < (count == 1 ? 0 : Rounds); round++)
        {
            Parallel.ForEach(members, s =>
            {
                double[] logs = [.. Enumerable.Range(0, count).Select(c => parts.Log(s, c))];
                double total = LogSum(logs);
                for (int c = 0; c < count; c++) shares[s][c] = Math.Exp(logs[c] - total);
            });
            parts = fit(members, shares);
        }
        return parts;
    }

    private static double LogSum(double[] logs)
    {
        double most = logs.Max();
        return most + Math.Log(logs.Sum(l => Math.Exp(l - most)));
    }

    private sealed class FieldParts : IParts
    {
        private readonly double[][] rows;
        private readonly double[] weights, means, norms;
        private readonly double[][] inverse;

        public FieldParts(Grid grid, double[][] rows, int[] members, double[][] shares, double sigma)
        {
            this.rows = rows;
            int n = grid.Sites, count = shares[members[0]].Length;
            double centre = members.Average(s => rows[s][0]);
            var sums = new double[count + 1][];
            (weights, means, norms, inverse) = (new double[count], new double[count], new double[count], new double[count][]);
            for (int c = 0; c < count; c++)
            {
                weights[c] = members.Sum(s => shares[s][c]);
                means[c] = weights[c] > 0 ? members.Sum(s => shares[s][c] * rows[s][0]) / weights[c] : centre;
            }
            Parallel.For(0, count + 1, c =>
            {
                var sum = new double[n];
                double mean = c < count ? means[c] : centre;
                foreach (int s in members)
                {
                    double share = c < count ? shares[s][c] : 1;
                    if (share < 1e-12) continue;
                    Resampling.AddScaled(share, rows[s], sum);
                    sum[0] += share * (n * (rows[s][0] - mean) * (rows[s][0] - mean) - rows[s][0]);
                }
                sums[c] = sum;
            });
            var powers = new double[count][];
            for (int c = 0; c < count; c++)
            {
                // Where a component's own spatial mean lies is its own affair: no prior on mode 0 but the noise.
                powers[c] = [.. sums[c].Select((p, k) => Math.Max(sigma * sigma, k == 0 ? p / Math.Max(weights[c], 1) : (p + Prior * sums[count][k] / members.Length) / (weights[c] + Prior)))];
                inverse[c] = [.. powers[c].Select(p => 0.5 / p)];
                norms[c] = Math.Log(Math.Max(weights[c], 1e-9) / members.Length) - 0.5 * powers[c].Sum(p => Math.Log(2 * Math.PI * p));
            }
            Law = GaussianMixture.OfField(grid, [.. Enumerable.Range(0, count).Select(c => (Math.Max(weights[c], 1e-9), means[c], powers[c].Select(p => p * n).ToArray()))]);
        }

        public GaussianMixture Law { get; }

        public double Log(int sample, int c)
        {
            double[] row = rows[sample];
            double deviation = row[0] - means[c];
            return norms[c] - CorrelationTime.Dot(row, inverse[c]) - inverse[c][0] * (row.Length * deviation * deviation - row[0]);
        }
    }

    private sealed class VectorParts : IParts
    {
        private readonly double[][] rows;
        private readonly (double Norm, double[] Mean, double[] Inverse)[] parts;

        public VectorParts(double[] scale, double[][] rows, int[] members, double[][] shares, double sigma)
        {
            this.rows = rows;
            int n = scale.Length, count = shares[members[0]].Length;
            var (_, _, whole) = Moments(members, _ => 1, n);
            var found = new List<(double, double[], double[,])>();
            parts = new (double, double[], double[])[count];
            for (int c = 0; c < count; c++)
            {
                var (weight, mean, sum) = Moments(members, s => shares[s][c], n);
                double own = count == 1 ? 0 : n;
                var covariance = (sum + own * whole / members.Length) / (weight + own);
                var spectrum = covariance.Evd(Symmetricity.Symmetric);
                var floor = Vector<double>.Build.Dense(n, k => Math.Max(spectrum.EigenValues[k].Real, sigma * sigma));
                covariance = spectrum.EigenVectors * Matrix<double>.Build.DenseOfDiagonalVector(floor) * spectrum.EigenVectors.Transpose();
                double norm = Math.Log(Math.Max(weight, 1e-9) / members.Length) - 0.5 * floor.Sum(v => Math.Log(2 * Math.PI * v));
                parts[c] = (norm, mean, covariance.Inverse().ToRowMajorArray());
                found.Add((Math.Max(weight, 1e-9), [.. mean.Select((m, i) => m * scale[i])], Unscaled(covariance, scale)));
            }
            Law = GaussianMixture.OfVector(scale, found);
        }

        public GaussianMixture Law { get; }

        public double Log(int sample, int c)
        {
            var (norm, mean, inverse) = parts[c];
            double sum = 0;
            for (int i = 0; i < mean.Length; i++)
                for (int j = 0; j < mean.Length; j++) sum += (rows[sample][i] - mean[i]) * inverse[i * mean.Length + j] * (rows[sample][j] - mean[j]);
            return norm - 0.5 * sum;
        }

        private (double Weight, double[] Mean, Matrix<double> Sum) Moments(int[] members, Func<int, double> share, int n)
        {
            double weight = 0;
            double[] mean = new double[n];
            var sum = new double[n, n];
            foreach (int s in members)
            {
                double w = share(s);
                weight += w;
                for (int i = 0; i < n; i++) mean[i] += w * rows[s][i];
            }
            for (int i = 0; i < n; i++) mean[i] /= Math.Max(weight, 1e-300);
            foreach (int s in members)
            {
                double w = share(s);
                if (w < 1e-12) continue;
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < n; j++) sum[i, j] += w * (rows[s][i] - mean[i]) * (rows[s][j] - mean[j]);
            }
            return (weight, mean, Matrix<double>.Build.DenseOfArray(sum));
        }

        private static double[,] Unscaled(Matrix<double> covariance, double[] scale)
        {
            var result = covariance.ToArray();
            for (int i = 0; i < scale.Length; i++)
                for (int j = 0; j < scale.Length; j++) result[i, j] *= scale[i] * scale[j];
            return result;
        }
    }
}
