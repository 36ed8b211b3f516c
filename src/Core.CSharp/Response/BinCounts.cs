namespace Leith.Core;

/// <summary>
/// Counts of values in bins [n h, (n + 1) h) whose width h = 2^e doubles whenever a value falls outside: no range has to be known beforehand,
/// and counts of several records can be brought to one width without loss.
/// </summary>
sealed class BinCounts
{
    /// <summary>Bins held at a time.</summary>
    const int Held = 1024;

    // So many bins to a standard deviation at the start: 1024 of them then hold sixteen standard deviations on either side.
    const int ToDeviation = 32;

    long[][] counts;
    double perBin; // 1/h

    /// <summary>Empty counts around a centre; <paramref name="deviation"/> sets the first width.</summary>
    public BinCounts(int blocks, double centre, double deviation)
    {
        // Where nothing varies the width follows the size of the numbers.
        double scale = Math.Max(deviation, Math.Max(Math.Abs(centre), 1e-280) * 1e-12);
        counts = [.. Enumerable.Range(0, blocks).Select(_ => new long[Held])];
        SetWidth((int)Math.Floor(Math.Log2(scale / ToDeviation)));
        First = (long)Math.Floor(centre * perBin) - Held / 2;
    }

    BinCounts(int exponent, long first, long[][] counts)
    {
        SetWidth(exponent);
        First = first;
        this.counts = counts;
    }

    /// <summary>e of the width 2^e.</summary>
    public int Exponent { get; private set; }

    /// <summary>n of the first bin.</summary>
    public long First { get; private set; }

    /// <summary>[block][bin].</summary>
    public long[][] Counts => counts;

    /// <summary>Counts one value. Values that are not finite are left out.</summary>
    public void Add(int block, double value)
    {
        int bin = (int)(Math.Floor(value * perBin) - First);
        if ((uint)bin < (uint)counts[block].Length) counts[block][bin]++;
        else AddOutside(block, value);
    }

    void AddOutside(int block, double value)
    {
        if (!double.IsFinite(value)) return;
        while (Math.Floor(value * perBin) < First || Math.Floor(value * perBin) >= First + Held) Widen();
        Add(block, value);
    }

    void Widen()
    {
        long first = (First >> 1) - Held / 4;
        counts = [.. counts.Select(row => Coarser(row, First, first, Held, 1))];
        First = first;
        SetWidth(Exponent + 1);
    }

    void SetWidth(int exponent)
    {
        Exponent = exponent;
        perBin = Math.ScaleB(1, -exponent);
    }

    static long[] Coarser(long[] row, long from, long to, int bins, int doublings)
    {
        var wide = new long[bins];
        for (int i = 0; i < row.Length; i++)
            if (row[i] != 0) wide[((from + i) >> doublings) - to] += row[i];
        return wide;
    }

    /// <summary>The same counts without the empty bins at both ends.</summary>
    public BinCounts Trimmed()
    {
        int low = 0, high = counts[0].Length;
        while (high > 1 && counts.All(row => row[high - 1] == 0)) high--;
        while (low < high - 1 && counts.All(row => row[low] == 0)) low++;
        return new(Exponent, First + low, [.. counts.Select(row => row[low..high])]);
    }

    /// <summary>The blocks of several counts side by side, in bins of one width: the widest of them, and at least 2^<paramref name="least"/>.</summary>
    public static BinCounts Join(IReadOnlyList<BinCounts> parts, int least)
    {
        int exponent = Math.Max(least, parts.Max(p => p.Exponent));
        long first = parts.Min(p => p.First >> (exponent - p.Exponent));
        long last = parts.Max(p => (p.First + p.counts[0].Length - 1) >> (exponent - p.Exponent));
        int bins = checked((int)(last - first + 1));
        return new(exponent, first, [.. parts.SelectMany(p => p.counts.Select(row => Coarser(row, p.First, first, bins, exponent - p.Exponent)))]);
    }

    /// <summary>Counts that were stored.</summary>
    public static BinCounts Restored(int exponent, long first, long[][] counts) => new(exponent, first, counts);
}
