using System.Runtime.InteropServices;

namespace Leith.Core;

/// <summary>How the loop of a pointwise program reads an input: a row a site, one row for all, a double a site, or the row of a neighbour.</summary>
/// <param name="Kind">Which of these.</param>
/// <param name="Source">The first input that reads the same buffer.</param>
/// <param name="LineShift">Of a neighbour: which shift of lines, −1 where it stays on its line.</param>
/// <param name="Along">Of a neighbour: steps along the last axis, brought to 0 … n − 1.</param>
internal readonly record struct PointwiseAccess(PointwiseAccessKind Kind, int Source, int LineShift = -1, int Along = 0);

/// <summary>How the loop of a pointwise program reads an input.</summary>
internal enum PointwiseAccessKind { Row, Same, Table, Neighbour }

/// <summary>
/// A pointwise program as one loop over the sites of a grid, lines along its last axis one after the other. A line is cut where neighbours along it begin at its
/// other end; those across lines are found by a table of lines for every distinct shift.
/// </summary>
internal sealed unsafe class PointwiseLoop : IDisposable
{
    private readonly PointwiseKernel kernel;
    private readonly long** shifts;    // [shift][line] → bytes from the first site to the first of the shifted line

    /// <summary>A loop.</summary>
    /// <param name="program">What is computed at a site.</param>
    /// <param name="inputs">Where its inputs come from.</param>
    /// <param name="points">Points along each axis; one point for numbers.</param>
    public PointwiseLoop(PointwiseProgram program, IReadOnlyList<PointwiseInput> inputs, IReadOnlyList<int> points)
    {
        Length = points[^1];
        Lines = points.Take(points.Count - 1).Aggregate(1, (a, b) => a * b);
        var distinct = new List<int[]>();
        PointwiseAccess[] access = [.. inputs.Select((input, i) => Access(input, inputs.TakeWhile(other => !SameBuffer(other, input)).Count(), points, distinct))];
        bool plain = access.All(a => a.Kind != PointwiseAccessKind.Neighbour);
        if (plain) (Length, Lines) = (Length * Lines, 1);
        kernel = program.KernelFor(access, plain ? 0 : Length);
        shifts = (long**)NativeMemory.Alloc((nuint)Math.Max(1, distinct.Count), (nuint)sizeof(long*));
        for (int s = 0; s < distinct.Count; s++) shifts[s] = Table(distinct[s], points);
        Shifts = distinct.Count;
    }

    /// <summary>Sites of a line; all sites where no line is told apart.</summary>
    public int Length { get; }

    /// <summary>Number of lines.</summary>
    public int Lines { get; }

    private int Shifts { get; }

    /// <summary>Runs over some lines of one block. The addresses are those of the first site of the grid.</summary>
    /// <param name="inputs">One address an input.</param>
    /// <param name="outputs">One address an output; no neighbour may be read from an output.</param>
    /// <param name="firstLine">First line.</param>
    /// <param name="lines">Number of lines.</param>
    /// <param name="time">t.</param>
    public void Run(long* inputs, long* outputs, int firstLine, int lines, double time) => kernel((long)inputs, (long)outputs, (long)shifts, firstLine, lines, Length, time);

    /// <summary>Runs over all sites.</summary>
    public void Run(long* inputs, long* outputs, double time) => Run(inputs, outputs, 0, Lines, time);

    /// <summary>Frees the tables.</summary>
    public void Dispose()
    {
        for (int s = 0; s < Shifts; s++) NativeMemory.Free(shifts[s]);
        NativeMemory.Free(shifts);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees tables that were not disposed.</summary>
    ~PointwiseLoop() => Dispose();

    private static bool SameBuffer(PointwiseInput one, PointwiseInput other) => ReferenceEquals(one, other) || (Buffer(one) is { } buffer && Buffer(other) == buffer);

    private static int? Buffer(PointwiseInput input) => input switch { PointwiseInput.Value v => v.Buffer, PointwiseInput.Neighbour n => n.Buffer, _ => null };

    private static PointwiseAccess Access(PointwiseInput input, int source, IReadOnlyList<int> points, List<int[]> distinct)
    {
        switch (input)
        {
            case PointwiseInput.Number: return new(PointwiseAccessKind.Same, source);
            case PointwiseInput.Table: return new(PointwiseAccessKind.Table, source);
            case PointwiseInput.Neighbour neighbour:
                int[] across = [.. neighbour.Offset.Take(points.Count - 1).Select((step, axis) => Wrapped(step, points[axis]))];
                int along = Wrapped(neighbour.Offset[^1], points[^1]);
                if (across.All(step => step == 0)) return new(PointwiseAccessKind.Neighbour, source, -1, along);
                int known = distinct.FindIndex(other => other.SequenceEqual(across));
                if (known < 0) distinct.Add(across);
                return new(PointwiseAccessKind.Neighbour, source, known < 0 ? distinct.Count - 1 : known, along);
            default: return new(PointwiseAccessKind.Row, source);
        }
    }

    private static int Wrapped(int step, int n) => ((step % n) + n) % n;

    private long* Table(int[] across, IReadOnlyList<int> points)
    {
        var table = (long*)NativeMemory.Alloc((nuint)Lines, sizeof(long));
        var lines = new Grid([.. points.Take(points.Count - 1)], [.. across.Select(_ => 1.0)]);
        for (int line = 0; line < Lines; line++)
        {
            int[] index = lines.Unravel(line);
            for (int axis = 0; axis < index.Length; axis++) index[axis] += across[axis];
            table[line] = (long)lines.Ravel(index) * Length * LaneArray.Lanes * sizeof(double);
        }
        return table;
    }
}
