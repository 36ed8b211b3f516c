using System.Numerics;

namespace Leith.Core;

/// <summary>The states of the tile that a thread is at, with its clock.</summary>
internal sealed class TileRun : IDisposable
{
    private readonly Simulation simulation;
    private readonly TileRunner runner;
    private Action<long> afterwards = _ => { };
    private long step;

    public TileRun(Simulation simulation, int states)
    {
        this.simulation = simulation;
        runner = new TileRunner(simulation, states);
        States = [.. Enumerable.Range(0, states).Select(_ => new Tile(simulation.Rows))];
    }

    /// <summary>The free run, and its two twins where there are any.</summary>
    public Tile[] States { get; }

    /// <summary>The time of the states.</summary>
    public double Time => step * simulation.Step;

    /// <summary>Starts a tile from its initial state.</summary>
    public void Begin(int index, int realMembers, Action<long> afterwards)
    {
        this.afterwards = afterwards;
        step = simulation.FirstStep;
        States[0].Index = index;
        TileMath.Clear(States[0]);
        simulation.Initial?.Invoke(States[0]);
        TileMath.Keep(States[0], simulation.Model.Kept);
        runner.Begin(index, realMembers);
    }

    /// <summary>Steps the free run.</summary>
    public void Advance(long steps) => Advance(1, steps);

    /// <summary>Steps the free run and its twins with the same noise.</summary>
    public void AdvanceAll(long steps) => Advance(States.Length, steps);

    /// <summary>u₊ ← u + s K, u₋ ← u − s K; of a field in modes the spectrum of a pair gets (1 + i) K, for each of its two fields gets K.</summary>
    public void Fork(Complex[] kick, double s)
    {
        var isMode = simulation.Model.Segments.SelectMany(s => Enumerable.Repeat(s.Representation == Representation.Modes, s.Rows)).ToArray();
        for (int twin = 1; twin <= 2; twin++)
        {
            var state = States[twin];
            double signed = twin == 1 ? s : -s;
            state.CopyFrom(States[0]);
            for (int row = 0; row < state.Rows; row++)
            {
                double a = signed * (isMode[row] ? kick[row].Real - kick[row].Imaginary : kick[row].Real);
                double b = signed * (isMode[row] ? kick[row].Real + kick[row].Imaginary : kick[row].Real);
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    state.A[row, lane] += a;
                    state.B[row, lane] += b;
                }
            }
            TileMath.Keep(state, simulation.Model.Kept);
        }
    }

    /// <summary>u₊ ← u + s K, u₋ ← u − s K with the kicks of each member in a restart.</summary>
    public void Fork(Action<Tile, int> kicks, int restart, double s)
    {
        using var kick = new Tile(States[0].Rows, States[0].Index);
        kicks(kick, restart);
        TileMath.Keep(kick, simulation.Model.Kept);
        for (int twin = 1; twin <= 2; twin++)
        {
            States[twin].CopyFrom(States[0]);
            TileMath.Add(States[twin], twin == 1 ? s : -s, kick);
        }
    }

    public void Dispose()
    {
        runner.Dispose();
        foreach (var state in States) state.Dispose();
    }

    private void Advance(int states, long steps)
    {
        runner.Advance(States.AsSpan(0, states), step, step + steps, made => afterwards(made * states));
        step += steps;
    }
}
