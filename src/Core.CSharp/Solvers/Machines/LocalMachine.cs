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
    private readonly Tile[] drawn;                  // [white noise]: normals of some lines
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
        if (!inParts) atOnce = loop.Lines;
        drawn = [.. law.Noises.Select(_ => new Tile(Math.Min(atOnce, loop.Lines) * loop.Length))];
        Normals = law.Noises.Count == 0 ? 0 : law.Noises.Max() + sites;
    }

    public int Normals { get; }

    /// <summary>Steps some states of one tile with the same normals, from a source that gives some rows of a step.</summary>
    /// <returns>False where the rows of this law do not come in such parts: nothing was done.</returns>
    public bool TryStep(ReadOnlySpan<Tile> states, ReadOnlySpan<Tile> results, double time, long number, IRowNormals source, int index)
    {
        if (!inParts) return false;
        int lines = law.Noises.Count == 0 ? loop.Lines : atOnce;
        for (int first = 0; first < loop.Lines; first += lines)
        {
            int some = Math.Min(lines, loop.Lines - first), row = first * loop.Length;
            for (int i = 0; i < drawn.Length; i++)
            {
                drawn[i].Index = index;
                source.Fill(drawn[i], number, law.Noises[i] + row, some * loop.Length);
            }
            for (int i = 0; i < states.Length; i++)
                Run(states[i], results[i], first, some, time, (noise, half) => (half == 0 ? drawn[noise].A : drawn[noise].B).Pointer - row * LaneArray.Lanes);
        }
        for (int i = 0; i < states.Length; i++) states[i].Swap(results[i]);
        return true;
    }

    public void Step(Tile state, double time, Tile normals)
    {
        Run(state, next, 0, loop.Lines, time, (noise, half) => (half == 0 ? normals.A : normals.B).Pointer + law.Noises[noise] * LaneArray.Lanes);
        state.Swap(next);
    }

    public void Dispose()
    {
        loop.Dispose();
        next.Dispose();
        foreach (var tile in drawn) tile.Dispose();
    }

    private delegate double* NormalsOf(int noise, int half);

    private void Run(Tile from, Tile to, int first, int lines, double time, NormalsOf normals)
    {
        long* x = stackalloc long[law.Inputs.Count + 1], y = stackalloc long[segments.Count];
        for (int half = 0; half < 2; half++)
        {
            LaneArray u = half == 0 ? from.A : from.B, v = half == 0 ? to.A : to.B;
            for (int i = 0; i < law.Inputs.Count; i++)
            {
                int buffer = law.Inputs[i] switch { PointwiseInput.Value value => value.Buffer, PointwiseInput.Neighbour neighbour => neighbour.Buffer, _ => -1 };
                x[i] = buffer < segments.Count ? (long)(u.Vectors + segments[buffer].First) : (long)normals(buffer - segments.Count, half);
            }
            for (int i = 0; i < segments.Count; i++) y[i] = (long)(v.Vectors + segments[i].First);
            loop.Run(x, y, first, lines, time);
        }
    }
}
