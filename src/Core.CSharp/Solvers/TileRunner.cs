using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Steps the states of one tile (one, or a free run with its twins) with shared normals, and finds the first step that is not finite.
/// One a thread; used for one tile after another.
/// </summary>
internal sealed class TileRunner : IDisposable
{
    // A scan reads the state once, a step several times: every 32 steps it costs next to nothing.
    private const int Stride = 32;
    private readonly Simulation simulation;
    private readonly IStepper stepper;
    private readonly INormalSource source;
    private readonly Tile normals;
    private readonly Tile[] saved, results;
    private readonly Segment[] segments;
    private readonly DenominatorWatch? watch;
    private Vector512<double> maskA, maskB;
    private int realMembers;

    /// <summary>Workspace for at most <paramref name="states"/> states at a time.</summary>
    public TileRunner(Simulation simulation, int states)
    {
        this.simulation = simulation;
        stepper = simulation.Stepper?.Invoke() ?? Stepper.Make(simulation.Model, simulation.Scheme, simulation.Step);
        source = simulation.Normals ?? new CounterNormals(simulation.Seed);
        normals = new Tile(stepper.Normals);
        // Rows behind those of the model, such as weights that ride along, blow up too.
        int more = simulation.Rows - simulation.Model.Rows;
        var behind = simulation.Model.HasFields && simulation.Model.Segments.Any(s => s.Representation == Representation.Modes) ? Representation.Modes : Representation.Sites;
        segments = [.. simulation.Model.Segments, .. more > 0 ? [new Segment("weights", new Grid([more], [1]), behind, simulation.Model.Rows)] : Array.Empty<Segment>()];
        watch = simulation.Model.Denominators is null ? null : new DenominatorWatch(simulation.Model);
        results = stepper is LocalMachine && source is IRowNormals ? [.. Enumerable.Range(0, states).Select(_ => new Tile(simulation.Rows))] : [];
        saved = [.. Enumerable.Range(0, states).Select(_ => new Tile(simulation.Rows))];
    }

    /// <summary>Turns to another tile; lanes beyond its real members run along, but their overflow is nobody's error.</summary>
    public void Begin(int index, int realMembers)
    {
        normals.Index = index;
        this.realMembers = realMembers;
        maskA = Mask(realMembers);
        maskB = Mask(realMembers - LaneArray.Lanes);
    }

    /// <summary>Steps from ≤ n &lt; to; <paramref name="afterwards"/> hears of the steps made so far, a few dozen at a time.</summary>
    /// <exception cref="LeithException">A member stopped being finite.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Advance(ReadOnlySpan<Tile> states, long from, long to, Action<long> afterwards)
    {
        while (from < to)
        {
            long next = Math.Min(to, from + Stride);
            for (int i = 0; i < states.Length; i++) saved[i].CopyFrom(states[i]);
            for (long step = from; step < next; step++) Step(states, step);
            if (!AllFinite(states) || Crossed(states, next)) throw Locate(states, from, next);
            afterwards(next - from);
            from = next;
        }
    }

    public void Dispose()
    {
        stepper.Dispose();
        normals.Dispose();
        watch?.Dispose();
        foreach (var tile in saved.Concat(results)) tile.Dispose();
    }

    private static Vector512<double> Mask(int lanes)
    {
        var mask = Vector512<double>.Zero;
        for (int lane = 0; lane < Math.Min(lanes, LaneArray.Lanes); lane++) mask = mask.WithElement(lane, BitConverter.Int64BitsToDouble(-1));
        return mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Step(ReadOnlySpan<Tile> states, long step)
    {
        if (stepper is LocalMachine local && source is IRowNormals rows && local.TryStep(states, results, step * simulation.Step, step, rows, normals.Index)) return;
        if (normals.Rows > 0) source.Fill(normals, step);
        foreach (var state in states) stepper.Step(state, step * simulation.Step, normals);
    }

    private bool AllFinite(ReadOnlySpan<Tile> states)
    {
        foreach (var state in states)
            if (!AllFinite(state)) return false;
        return true;
    }

    private bool AllFinite(Tile state)
    {
        // Both blocks of modes hold parts of the spectrum of a pair.
        foreach (var segment in segments)
            if (!TileMath.AllFinite(state, segment, maskA, segment.Representation == Representation.Modes ? maskA : maskB)) return false;
        return true;
    }

    private bool Crossed(ReadOnlySpan<Tile> states, long step)
    {
        for (int i = 0; watch is not null && i < states.Length; i++)
            if (watch.Crossing(saved[i], states[i], step * simulation.Step, realMembers) is not null) return true;
        return false;
    }

    /// <summary>Goes over the last steps again, one by one, from the copy.</summary>
    private LeithException Locate(ReadOnlySpan<Tile> states, long from, long to)
    {
        using var before = new Tile(simulation.Rows);
        for (int i = 0; i < states.Length; i++) states[i].CopyFrom(saved[i]);
        for (long step = from; step < to; step++)
        {
            for (int i = 0; i < states.Length; i++) saved[i].CopyFrom(states[i]);
            Step(states, step);
            for (int i = 0; i < states.Length; i++)
                if (watch?.Crossing(saved[i], states[i], step * simulation.Step, realMembers) is { } crossing) return BlowUp.DescribeDivision(simulation, step + 1, crossing, i);
                else if (!AllFinite(states[i]))
                    return BlowUp.Describe(simulation, step + 1, BlowUp.Members(simulation.Model, saved[i], states[i], realMembers), i);
        }
        throw new LeithException($"a member of tile {normals.Index} stopped being finite between steps {from} and {to}, but not when these were made again. "
            + "Expected a nonlinear drift that gives the same result for the same state and time, got one that does not.");
    }
}
