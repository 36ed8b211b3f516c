namespace Leith.Core;

/// <summary>Whether the nonlinear part of a model acts on a direction at rest: |N′(0) v| against |L v|.</summary>
internal sealed class RestProbe(Model model) : IDisposable
{
    private const double Small = 1e-6, Share = 0.1;
    private readonly ITileMap map = model.Nonlinear!();
    private readonly Tile state = new(model.Rows), rest = new(model.Rows), result = new(model.Rows);

    /// <summary>Whether |N(εv) − N(0)| exceeds a tenth of ε|L v| for the mode of a row, or the eigenvector of an eigenvalue; so too where N is not finite there.</summary>
    public bool Acts(int k)
    {
        TileMath.Clear(state);
        map.Apply(state, 0, rest);
        double rate = model.HasFields ? Mode(k) : Eigenvector(k);
        map.Apply(state, 0, result);
        double sum = 0, size = 0;
        for (int i = 0; i < state.A.Span.Length; i++)
        {
            double a = result.A.Span[i] - rest.A.Span[i], b = result.B.Span[i] - rest.B.Span[i];
            sum += a * a + b * b;
            size += state.A.Span[i] * state.A.Span[i] + state.B.Span[i] * state.B.Span[i];
        }
        return !(sum <= Share * Share * rate * rate * size);
    }

    public void Dispose()
    {
        map.Dispose();
        foreach (var tile in new[] { state, rest, result }) tile.Dispose();
    }

    private double Mode(int row)
    {
        var segment = model.Segments.First(s => row < s.End);
        int opposite = segment.Representation == Representation.Modes ? segment.First + segment.Grid!.Conjugate(row - segment.First) : row;
        Set(row, Small);
        Set(opposite, Small);
        return LinearLaw.Linear(model)[row].Magnitude;
    }

    private double Eigenvector(int k)
    {
        var evd = LinearLaw.Matrix(model).Evd();
        // The columns of a pair hold the real and the imaginary part: a real direction in the plane of both.
        for (int row = 0; row < model.Rows; row++) Set(row, Small * evd.EigenVectors[row, k]);
        return evd.EigenValues[k].Magnitude;
    }

    private void Set(int row, double value)
    {
        for (int lane = 0; lane < LaneArray.Lanes; lane++) (state.A[row, lane], state.B[row, lane]) = (value, value);
    }
}
