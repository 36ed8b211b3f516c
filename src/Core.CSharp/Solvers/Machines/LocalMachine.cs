namespace Leith.Core;

/// <summary>
/// Executes a <see cref="LocalStep"/> some lines at a time: their normals are drawn into a buffer that stays in the nearest cache, and read at once. One a thread.
/// </summary>
internal sealed unsafe class LocalMachine : IStepper
{
    private const int RowsAtOnce = 256;
    private readonly LocalStep law;
    private readonly PointwiseLoop loop;
    private readonly IReadOnlyList<Segment> segments;
    private readonly int sites, atOnce;             // lines
    private readonly double step;
    private readonly Tile next;
    private readonly LaneArray[] drawn;             // [white noise]: normals of some lines, of eight members
    private readonly int[] buffers;                 // [input]
    private readonly bool inParts;

    public LocalMachine(Model model, LocalStep law, double step)
    {
        (this.law, this.step, segments) = (law, step, model.Segments);
        var grid = segments[0].Grid!;
        sites = grid.Sites;
        loop = new PointwiseLoop(law.Program, law.Inputs, grid.Points);
        next = new Tile(model.Rows);
        // normals come in pairs of rows: a part must begin with an even one
        atOnce = Math.Max(1, RowsAtOnce / loop.Length);
        inParts = loop.Length * atOnce % 2 == 0 && law.Noises.All(row => row % 2 == 0);
        if (!inParts || law.Noises.Count == 0) atOnce = loop.Lines;
        drawn = [.. law.Noises.Select(_ => new LaneArray(Math.Min(atOnce, loop.Lines) * loop.Length))];
        buffers = [.. law.Inputs.Select(input => input switch { PointwiseInput.Value value => value.Buffer, PointwiseInput.Neighbour neighbour => neighbour.Buffer, _ => -1 })];
        Normals = law.Noises.Count == 0 ? 0 : law.Noises.Max() + sites;
    }

    public int Normals { get; }

    /// <summary>Steps some states of one tile with the same normals, from a source that gives some rows of a step.</summary>
    /// <returns>False where the rows of this law do not come in such parts: nothing was done.</returns>
    public bool TryStep(ReadOnlySpan<Tile> states, ReadOnlySpan<Tile> results, double time, long number, IRowNormals source, int index)
    {
        if (!inParts) return false;
        double** normals = stackalloc double*[drawn.Length + 1];
        // eight members at a time: their lines and normals stay in the nearest cache
        for (int half = 0; half < 2; half++)
            for (int first = 0; first < loop.Lines; first += atOnce)
            {
                int some = Math.Min(atOnce, loop.Lines - first), row = first * loop.Length;
                for (int i = 0; i < drawn.Length; i++)
                {
                    source.Fill(drawn[i].Pointer, index * Tile.Members + half * LaneArray.Lanes, number, law.Noises[i] + row, some * loop.Length);
                    normals[i] = drawn[i].Pointer - row * LaneArray.Lanes;
                }
                for (int i = 0; i < states.Length; i++) Run(half == 0 ? states[i].A : states[i].B, half == 0 ? results[i].A : results[i].B, first, some, time, normals);
            }
        for (int i = 0; i < states.Length; i++) states[i].Swap(results[i]);
        return true;
    }

    public void Step(Tile state, double time, Tile normals)
    {
        double** noises = stackalloc double*[law.Noises.Count + 1];
        for (int half = 0; half < 2; half++)
        {
            for (int i = 0; i < law.Noises.Count; i++) noises[i] = (half == 0 ? normals.A : normals.B).Pointer + law.Noises[i] * LaneArray.Lanes;
            Run(half == 0 ? state.A : state.B, half == 0 ? next.A : next.B, 0, loop.Lines, time, noises);
        }
        state.Swap(next);
    }

    public void Dispose()
    {
        loop.Dispose();
        next.Dispose();
        foreach (var lines in drawn) lines.Dispose();
    }

    private void Run(LaneArray from, LaneArray to, int first, int lines, double time, double** normals)
    {
        long* x = stackalloc long[buffers.Length + 1], y = stackalloc long[segments.Count];
        for (int i = 0; i < buffers.Length; i++)
            x[i] = buffers[i] < segments.Count ? (long)(from.Vectors + segments[buffers[i]].First) : (long)normals[buffers[i] - segments.Count];
        for (int i = 0; i < segments.Count; i++) y[i] = (long)(to.Vectors + segments[i].First);
        loop.Run(x, y, first, lines, time);
    }
}
