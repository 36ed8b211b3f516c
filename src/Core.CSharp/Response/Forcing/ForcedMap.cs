using System.Numerics;

namespace Leith.Core;

/// <summary>N(u, t) + ε f(t) g(u): a push in time that no equation need write.</summary>
public sealed class ForcedMap : ITileMap
{
    private readonly ITileMap? inner;
    private readonly ITileMap push;
    private readonly Func<double, double> forcing;
    private readonly double amplitude;
    private readonly bool[]? kept;
    private readonly Tile pushed;

    private ForcedMap(Model model, Func<ITileMap> push, Func<double, double> forcing, double amplitude)
    {
        (inner, this.push, this.forcing, this.amplitude, kept) = (model.Nonlinear?.Invoke(), push(), forcing, amplitude, model.Kept);
        pushed = new Tile(model.Rows);
    }

    /// <summary>The model under ε f(t) g(u), g a map of the state. It is stepped by the general machine, whatever the model had as code.</summary>
    public static Model Force(Model model, Func<ITileMap> push, Func<double, double> forcing, double amplitude) =>
        model with { Nonlinear = () => new ForcedMap(model, push, forcing, amplitude), ScalarDrift = null, ScalarNoise = null, LocalEuler = null };

    /// <summary>g the same for all states and times, in rows of the state: the values of numbers and sites, the spectrum of a field in modes.</summary>
    public static Func<ITileMap> Constant(Model model, Complex[] rows)
    {
        ModelDoor.CheckKick(model, rows, 1);
        return () => new ConstantMap(model, rows);
    }

    /// <inheritdoc/>
    public void Apply(Tile state, double time, Tile result)
    {
        if (inner is null) TileMath.Clear(result);
        else inner.Apply(state, time, result);
        push.Apply(state, time, pushed);
        TileMath.Keep(pushed, kept);
        TileMath.Add(result, amplitude * forcing(time), pushed);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        inner?.Dispose();
        push.Dispose();
        pushed.Dispose();
    }

    private sealed class ConstantMap : ITileMap
    {
        private readonly Tile push;

        public ConstantMap(Model model, Complex[] rows)
        {
            push = new Tile(model.Rows);
            bool[] isMode = [.. model.Segments.SelectMany(s => Enumerable.Repeat(s.Representation == Representation.Modes, s.Rows))];
            for (int row = 0; row < model.Rows; row++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    // Each of the two fields of a pair gets g: the spectrum of the pair (1 + i) g.
                    push.A[row, lane] = isMode[row] ? rows[row].Real - rows[row].Imaginary : rows[row].Real;
                    push.B[row, lane] = isMode[row] ? rows[row].Real + rows[row].Imaginary : rows[row].Real;
                }
        }

        public void Apply(Tile state, double time, Tile result) => TileMath.Copy(push, result);

        public void Dispose() => push.Dispose();
    }
}
