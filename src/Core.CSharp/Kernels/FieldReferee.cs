using System.Numerics;

namespace Leith.Core;

/// <summary>A field program done plainly: one lane after the other, complex arithmetic, transforms by the defining sum along each axis.</summary>
internal sealed class FieldReferee(FieldProgram program) : ITileMap
{
    private readonly Grid _grid = program.Grid;

    public void Apply(Tile state, double time, Tile result)
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane++)
        {
            var buffers = new Complex[program.Buffers][];
            buffers[0] = [.. Enumerable.Range(0, _grid.Sites).Select(k => new Complex(state.A[k, lane], state.B[k, lane]))];
            foreach (var operation in program.Operations) Do(operation, time, buffers);
            for (int k = 0; k < _grid.Sites; k++) (result.A[k, lane], result.B[k, lane]) = (buffers[program.Result][k].Real, buffers[program.Result][k].Imaginary);
        }
    }

    public void Dispose() { }

    private void Do(FieldOperation operation, double time, Complex[][] buffers)
    {
        switch (operation)
        {
            case FieldOperation.ToReal(var from, var to): buffers[to] = Transform(buffers[from], +1); break;
            case FieldOperation.ToSpectrum(var from, var to): buffers[to] = Transform(buffers[from], -1); break;
            case FieldOperation.Multiply(var from, var to, var symbol, var accumulate):
                buffers[to] = [.. buffers[from].Select((z, k) => symbol[k] * z + (accumulate ? buffers[to][k] : 0))];
                break;
            case FieldOperation.Pointwise(var pointwise, var inputs, var outputs): Pointwise(pointwise, [.. inputs.Select(i => buffers[i])], outputs, time, buffers); break;
        }
    }

    private void Pointwise(PointwiseProgram pointwise, Complex[][] inputs, IReadOnlyList<int> outputs, double time, Complex[][] buffers)
    {
        foreach (int output in outputs) buffers[output] = new Complex[_grid.Sites];
        for (int site = 0; site < _grid.Sites; site++)
        {
            double[] a = pointwise.Evaluate([.. inputs.Select(x => x[site].Real)], time), b = pointwise.Evaluate([.. inputs.Select(x => x[site].Imaginary)], time);
            for (int i = 0; i < outputs.Count; i++) buffers[outputs[i]][site] = new Complex(a[i], b[i]);
        }
    }

    // sign −1: Σ_x z_x exp(−2πi k x/N) along every axis; sign +1: back, with 1/N
    private Complex[] Transform(Complex[] z, int sign)
    {
        for (int axis = 0; axis < _grid.Dimensions; axis++)
        {
            int n = _grid.Points[axis], along = axis;
            var from = z;
            z = [.. Enumerable.Range(0, _grid.Sites).Select(mode =>
            {
                int[] index = _grid.Unravel(mode);
                int k = index[along];
                Complex sum = 0;
                for (index[along] = 0; index[along] < n; index[along]++)
                    sum += from[_grid.Ravel(index)] * Complex.FromPolarCoordinates(1, sign * 2 * Math.PI * (k * index[along] % n) / n);
                return sign > 0 ? sum / n : sum;
            })];
        }
        return z;
    }
}
