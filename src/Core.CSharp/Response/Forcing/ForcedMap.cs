using System.Numerics;

namespace Leith.Core;

/// <summary>N(u, t) + ε f(t) g with g fixed, in rows of the state: a push that no equation can write, such as that of one site.</summary>
public sealed class ForcedMap : ITileMap
{
    private readonly ITileMap? inner;
    private readonly Func<double, double> forcing;
    private readonly double amplitude;
    private readonly Tile push;

    private ForcedMap(Model model, Complex[] rows, Func<double, double> forcing, double amplitude)
    {
        (inner, this.forcing, this.amplitude) = (model.Nonlinear?.Invoke(), forcing, amplitude);
        push = new Tile(model.Rows);
        bool[] isMode = [.. model.Segments.SelectMany(s => Enumerable.Repeat(s.Representation == Representation.Modes, s.Rows))];
        for (int row = 0; row < model.Rows; row++)
            for (int lane = 0; lane < LaneArray.Lanes; lane++)
            {
                // Each of the two fields of a pair gets g: the spectrum of the pair (1 + i) g.
                push.A[row, lane] = isMode[row] ? rows[row].Real - rows[row].Imaginary : rows[row].Real;
                push.B[row, lane] = isMode[row] ? rows[row].Real + rows[row].Imaginary : rows[row].Real;
            }
        TileMath.Keep(push, model.Kept);
    }

    /// <summary>The model under ε f(t) g. It is stepped by the general machine, whatever the model had as code.</summary>
    public static Model Force(Model model, Complex[] rows, Func<double, double> forcing, double amplitude) =>
        model with { Nonlinear = () => new ForcedMap(model, rows, forcing, amplitude), ScalarDrift = null, ScalarNoise = null, LocalEuler = null };

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        if (inner is null) TileMath.Clear(result);
        else inner.Apply(state, time, result);
        TileMath.Add(result, amplitude * forcing(time), push);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        inner?.Dispose();
        push.Dispose();
    }
}
