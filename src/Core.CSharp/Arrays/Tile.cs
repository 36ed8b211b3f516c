namespace Leith.Core;

/// <summary>
/// Sixteen ensemble members: block A holds members 16·Index … +7 in its lanes, block B the eight that follow.
/// Scalar unknowns: row = component, plain values in both blocks.
/// A field on a torus is held in Fourier space, Z = fft(a + i b) unnormalised: row = mode (site order), Re Z in A and Im Z in B,
/// where a and b are the real fields of the two blocks. An operator that maps real fields to real fields
/// (symbol(−k) = conj symbol(k)) acts on Z as on one complex field; nothing needs untangling.
/// </summary>
public sealed class Tile : IDisposable
{
    /// <summary>Members in a tile.</summary>
    public const int Members = 16;

    /// <summary>A tile of zeros.</summary>
    /// <param name="rows">Number of scalar unknowns or of Fourier modes.</param>
    /// <param name="index">Which sixteen members of the ensemble these are.</param>
    public Tile(int rows, int index = 0)
    {
        A = new LaneArray(rows);
        B = new LaneArray(rows);
        Index = index;
    }

    /// <summary>Members 16·Index to 16·Index + 7, or the real part of their paired spectrum.</summary>
    public LaneArray A { get; private set; }

    /// <summary>Members 16·Index + 8 to 16·Index + 15, or the imaginary part of their paired spectrum.</summary>
    public LaneArray B { get; private set; }

    /// <summary>Number of rows of each block.</summary>
    public int Rows => A.Rows;

    /// <summary>Which sixteen members of the ensemble these are.</summary>
    public int Index { get; set; }

    /// <summary>Copies another tile of the same number of rows, its index included.</summary>
    public void CopyFrom(Tile other)
    {
        other.A.Span.CopyTo(A.Span);
        other.B.Span.CopyTo(B.Span);
        Index = other.Index;
    }

    /// <summary>Exchanges the rows of two tiles; each keeps its index.</summary>
    internal void Swap(Tile other)
    {
        (A, other.A) = (other.A, A);
        (B, other.B) = (other.B, B);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}
