using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>The latest samples of one tile, kept [mode][sample][re, im]: the series of a mode lies in one piece.</summary>
/// <remarks>
/// Samples wait in a small stage that stays in the second-level cache and are transposed eight at a time: a mode's row is then touched once for eight samples, a kilobyte at a stretch,
/// instead of once for each.
/// </remarks>
sealed unsafe class TransposedWindow : IDisposable
{
    const int StageSamples = 8;
    readonly LaneArray rows, stage;
    readonly int modes, length;
    int staged;

    public TransposedWindow(int modes, int length)
    {
        (this.modes, this.length) = (modes, length);
        // Lag sums run four lags at a time and may look at three samples past the end, whose sums nobody reads.
        rows = new LaneArray(modes * length * 2 + 8);
        stage = new LaneArray(StageSamples * modes * 2);
    }

    /// <summary>Samples held.</summary>
    public int Count { get; private set; }

    /// <summary>The series of a mode: re and im of sample 0, re and im of sample 1, …</summary>
    public Vector512<double>* Row(int mode) => rows.Vectors + (nint)mode * length * 2;

    /// <summary>Room for a new record.</summary>
    public void Clear() => (Count, staged) = (0, 0);

    /// <summary>One more sample.</summary>
    public void Add(Tile tile)
    {
        var to = stage.Span.Slice(staged * modes * 2 * LaneArray.Lanes, modes * 2 * LaneArray.Lanes);
        // a tile may hold more behind its modes
        tile.A.Span[..(modes * LaneArray.Lanes)].CopyTo(to);
        tile.B.Span[..(modes * LaneArray.Lanes)].CopyTo(to[(modes * LaneArray.Lanes)..]);
        staged++;
        Count++;
        if (staged == StageSamples) Commit();
    }

    /// <summary>Moves the waiting samples into their rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Commit()
    {
        int count = staged, first = Count - count;
        Vector512<double>* to = rows.Vectors + first * 2, from = stage.Vectors;
        for (int mode = 0; mode < modes; mode++, to += length * 2, from++)
            for (int s = 0; s < count; s++)
            {
                to[2 * s] = from[(nint)s * 2 * modes];
                to[2 * s + 1] = from[(nint)s * 2 * modes + modes];
            }
        staged = 0;
    }

    /// <summary>Forgets the first samples; call after <see cref="Commit"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Drop(int samples)
    {
        int stay = Count - samples;
        var row = rows.Vectors;
        for (int mode = 0; mode < modes; mode++, row += length * 2)
            for (int i = 0; i < stay * 2; i++) row[i] = row[samples * 2 + i];
        Count = stay;
    }

    public void Dispose()
    {
        rows.Dispose();
        stage.Dispose();
    }
}
