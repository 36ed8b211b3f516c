using System.Numerics;

namespace Leith.Core;

/// <summary>A field program done plainly: one lane after the other, complex arithmetic, transforms by the defining sum along each axis.</summary>
internal sealed class FieldReferee(FieldProgram program) : ITileMap, IPairMap
{
    public void Apply(Tile state, double time, Tile result) => Apply(state, null, time, result);

    public void Apply(Tile state, Tile? other, double time, Tile result)
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
        {
            var buffers = new Complex[program.Buffers][];
            int buffer = 0;
            for (int t = 0; t < program.Inputs.Count; t++)
                foreach (var segment in program.Inputs[t])
                    buffers[buffer++] = [.. Enumerable.Range(segment.First, segment.Rows).Select(k => Pair(t == 0 ? state : other!, k, lane))];
            var spectra = program.Inputs.SelectMany(tile => tile).Select((s, i) => (s, i)).Where(p => p.s.Representation == Representation.Modes).Select(p => p.i).ToHashSet();
            foreach (var operation in program.Operations) Do(operation, time, buffers, spectra);
            for (int i = 0; i < program.Outputs.Count; i++)
                for (int k = 0; k < program.Outputs[i].Rows; k++)
                {
                    var value = buffers[program.Results[i]][k];
                    (result.A[program.Outputs[i].First + k, lane], result.B[program.Outputs[i].First + k, lane]) = (value.Real, value.Imaginary);
                }
        }
    }

    public void Dispose() { }

    private static Complex Pair(Tile tile, int row, int lane) => new(tile.A[row, lane], tile.B[row, lane]);

    private void Do(FieldOperation operation, double time, Complex[][] buffers, HashSet<int> spectra)
    {
        switch (operation)
        {
            case FieldOperation.ToReal(var from, var to):
                buffers[to] = Transform(program.BufferGrids[from]!, buffers[from], +1);
                spectra.Remove(to);
                break;
            case FieldOperation.ToSpectrum(var from, var to):
                buffers[to] = Transform(program.BufferGrids[from]!, buffers[from], -1);
                spectra.Add(to);
                break;
            case FieldOperation.Multiply(var from, var to, var symbol, var accumulate):
                buffers[to] = [.. buffers[from].Select((z, k) => symbol[k] * z + (accumulate ? buffers[to][k] : 0))];
                spectra.Add(to);
                break;
            case FieldOperation.Mean(var from, var to):
                Complex sum = spectra.Contains(from) ? buffers[from][0] : buffers[from].Aggregate(Complex.Zero, (a, b) => a + b);
                buffers[to] = [sum / program.BufferGrids[from]!.Sites];
                break;
            case FieldOperation.Displace(var spectrum, var displacement, var to):
                buffers[to] = Displaced(program.BufferGrids[to]!, buffers[spectrum], [.. displacement.Select(d => buffers[d])]);
                spectra.Remove(to);
                break;
            case FieldOperation.Flow flow:
                Flow(flow, time, buffers);
                spectra.UnionWith(flow.To);
                break;
            case FieldOperation.Waves(var phases, var to, var amplitude):
                buffers[to] = Waves(program.BufferGrids[to]!, buffers[phases], amplitude);
                spectra.Add(to);
                break;
            case FieldOperation.Pointwise(var pointwise, var inputs, var outputs):
                Pointwise(pointwise, inputs, outputs, time, buffers);
                foreach (int output in outputs) spectra.Remove(output);
                break;
        }
    }

    private static Complex[] Waves(Grid grid, Complex[] phases, double[] amplitude)
    {
        Complex Half(int k, Func<Complex, double> part) =>
            grid.Sites / 2.0 * (amplitude[k] * Complex.FromPolarCoordinates(1, part(phases[k])) + amplitude[grid.Conjugate(k)] * Complex.FromPolarCoordinates(1, -part(phases[grid.Conjugate(k)])));
        return [.. Enumerable.Range(0, grid.Sites).Select(k => Half(k, z => z.Real) + Complex.ImaginaryOne * Half(k, z => z.Imaginary))];
    }

    // every lane of the tile is the one at hand
    private static void Flow(FieldOperation.Flow flow, double time, Complex[][] buffers)
    {
        var segments = flow.Rate.Inputs[0];
        using var rate = flow.Rate.Interpret();
        using Tile from = new(segments.Max(s => s.End)), to = new(segments.Max(s => s.End));
        Complex[] Rate(Complex[] w, double at)
        {
            for (int row = 0; row < w.Length; row++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++) (from.A[row, lane], from.B[row, lane]) = (w[row].Real, w[row].Imaginary);
            rate.Apply(from, at, to);
            return [.. Enumerable.Range(0, w.Length).Select(row => Pair(to, row, 0))];
        }
        static Complex[] Plus(Complex[] w, double h, Complex[] k) => [.. w.Zip(k, (a, b) => a + h * b)];
        var w = new Complex[from.Rows];
        for (int i = 0; i < segments.Count; i++) buffers[flow.From[i]].CopyTo(w, segments[i].First);
        double h = flow.Duration / flow.Steps;
        for (int step = 0; step < flow.Steps; step++)
        {
            double at = time + step * h;
            var k1 = Rate(w, at);
            var k2 = Rate(Plus(w, h / 2, k1), at + h / 2);
            var k3 = Rate(Plus(w, h / 2, k2), at + h / 2);
            var k4 = Rate(Plus(w, h, k3), at + h);
            w = Plus(Plus(Plus(Plus(w, h / 6, k1), h / 3, k2), h / 3, k3), h / 6, k4);
        }
        for (int i = 0; i < segments.Count; i++) buffers[flow.To[i]] = w[segments[i].First..segments[i].End];
    }

    // Σ_k ẑ_k Π_axis e^{ik(x + d)}/N of each field of the pair; at a Nyquist wavenumber the factor is cos kx
    private static Complex[] Displaced(Grid grid, Complex[] spectrum, Complex[][] displacement)
    {
        var k = grid.Wavevectors();
        Complex[] first = [.. Enumerable.Range(0, grid.Sites).Select(m => 0.5 * (spectrum[m] + Complex.Conjugate(spectrum[grid.Conjugate(m)])))];
        Complex[] second = [.. Enumerable.Range(0, grid.Sites).Select(m => -0.5 * Complex.ImaginaryOne * (spectrum[m] - Complex.Conjugate(spectrum[grid.Conjugate(m)])))];
        double At(Complex[] field, int site, Func<Complex, double> part)
        {
            int[] index = grid.Unravel(site);
            Complex sum = 0;
            for (int m = 0; m < grid.Sites; m++)
            {
                Complex term = field[m] / grid.Sites;
                for (int axis = 0; axis < grid.Dimensions; axis++)
                {
                    double x = index[axis] * grid.Lengths[axis] / grid.Points[axis];
                    term *= grid.IsNyquist(m, axis) ? Math.Cos(k[m][axis] * x) : Complex.FromPolarCoordinates(1, k[m][axis] * (x + part(displacement[axis][site])));
                }
                sum += term;
            }
            return sum.Real;
        }
        return [.. Enumerable.Range(0, grid.Sites).Select(site => new Complex(At(first, site, z => z.Real), At(second, site, z => z.Imaginary)))];
    }

    private void Pointwise(PointwiseProgram pointwise, IReadOnlyList<PointwiseInput> inputs, IReadOnlyList<int> outputs, double time, Complex[][] buffers)
    {
        var grid = program.BufferGrids[outputs[0]];
        int sites = grid?.Sites ?? 1;
        Complex[][] results = [.. outputs.Select(_ => new Complex[sites])];
        for (int site = 0; site < sites; site++)
        {
            Complex[] x = [.. inputs.Select(input => Read(input, grid, site, buffers))];
            double[] a = pointwise.Evaluate([.. x.Select(z => z.Real)], time), b = pointwise.Evaluate([.. x.Select(z => z.Imaginary)], time);
            for (int i = 0; i < outputs.Count; i++) results[i][site] = new Complex(a[i], b[i]);
        }
        for (int i = 0; i < outputs.Count; i++) buffers[outputs[i]] = results[i];
    }

    private static Complex Read(PointwiseInput input, Grid? grid, int site, Complex[][] buffers) => input switch
    {
        PointwiseInput.Value(var buffer) => buffers[buffer][site],
        PointwiseInput.Number(var buffer) => buffers[buffer][0],
        PointwiseInput.Table(var values) => new Complex(values[site], values[site]),
        PointwiseInput.Neighbour(var buffer, var offset) => buffers[buffer][grid!.Ravel([.. grid.Unravel(site).Select((i, axis) => i + offset[axis])])],
        _ => throw new InvalidOperationException($"{input}"),
    };

    // sign −1: Σ_x z_x exp(−2πi k x/N) along every axis; sign +1: back, with 1/N
    private static Complex[] Transform(Grid grid, Complex[] z, int sign)
    {
        for (int axis = 0; axis < grid.Dimensions; axis++)
        {
            int n = grid.Points[axis], along = axis;
            var from = z;
            z = [.. Enumerable.Range(0, grid.Sites).Select(mode =>
            {
                int[] index = grid.Unravel(mode);
                int k = index[along];
                Complex sum = 0;
                for (index[along] = 0; index[along] < n; index[along]++)
                    sum += from[grid.Ravel(index)] * Complex.FromPolarCoordinates(1, sign * 2 * Math.PI * (k * index[along] % n) / n);
                return sign > 0 ? sum / n : sum;
            })];
        }
        return z;
    }
}
