namespace Leith.Core;

public sealed partial class LagProducts
{
    // Half-overlapping blocks: the bootstrap draws two neighbours together.
    private const int RecordingWindow = 2;
    private const int FewestRecordingBlocks = 16;
    private const int MostRecordingBlocks = 128;

    /// <summary>C(τ) = ⟨x(t+τ) x(t)ᵀ⟩, or with scores ⟨x(t+τ) [x, s](t)ᵀ⟩, of one recording.</summary>
    /// <param name="recording">The state x.</param>
    /// <param name="lags">Longest lag L, in samples.</param>
    /// <param name="scores">s(x(t)), [component][time] each; none for the Gaussian estimate.</param>
    /// <param name="blockLength">Samples of a block; null takes twice the integrated autocorrelation time of the slowest component, or T/128 where that is longer. The bootstrap draws two neighbouring blocks together.</param>
    /// <param name="normalisation">What sums are divided by.</param>
    /// <exception cref="LeithException">As <see cref="Recording.Check"/>; no more samples than lags; scores of another shape.</exception>
    public static LagProducts Of(Recording recording, int lags, IReadOnlyList<double[][]>? scores = null, int? blockLength = null, LagNormalisation normalisation = LagNormalisation.Pairs)
    {
        recording.Check().CheckLags(lags);
        foreach (var score in scores ?? [])
            if (score.Length != recording.Components || score.Any(series => series.Length != recording.Samples))
                throw new LeithException($"lag products: expected scores of shape [{recording.Components}][{recording.Samples}], as the recording, got {score.Length} series of {string.Join(", ", score.Select(s => s.Length).Distinct())} samples.");
        if (blockLength < 1) throw new LeithException($"lag products: expected blocks of at least one sample, got {blockLength}.");
        var notes = new List<string>(recording.Notes);
        int length = blockLength ?? RecordingBlockLength(recording, notes);
        // Means are taken out first, so that temperatures in kelvin lose no digits.
        double[][] x = [.. recording.Values.Select(Centre)];
        double[][] b = [.. x, .. (scores ?? []).SelectMany(score => score.Select(Centre))];
        var shape = new LagShape(x.Length, x.Length, b.Length, lags, recording.Interval, length, RecordingWindow, recording.Names);
        var blocks = new List<double[]>();
        for (int start = 0; start < recording.Samples; start += length) blocks.Add(Sum(shape, x, b, start, Math.Min(start + length, recording.Samples)));
        return new LagProducts(shape, blocks, [blocks.Count]) { Normalisation = normalisation, Notes = notes };
    }

    /// <summary>C(τ) with A = [x, observables] and B = [x, features] of one recording, in blocks of the given length, or of that which the recording asks for.</summary>
    /// <param name="recording">The state x.</param>
    /// <param name="lags">Longest lag L, in samples.</param>
    /// <param name="observables">Further rows of A, [row][time].</param>
    /// <param name="features">Further columns of B, [column][time].</param>
    /// <param name="blockLength">Samples of a block; null as in the other overload.</param>
    /// <exception cref="LeithException">As <see cref="Recording.Check"/>; no more samples than lags.</exception>
    public static LagProducts Of(Recording recording, int lags, double[][] observables, double[][] features, long? blockLength = null)
    {
        recording.Check().CheckLags(lags);
        var notes = new List<string>(recording.Notes);
        int length = (int?)blockLength ?? RecordingBlockLength(recording, notes);
        double[][] x = [.. recording.Values.Select(Centre)], a = [.. x, .. observables], b = [.. x, .. features.Select(Centre)];
        var shape = new LagShape(x.Length, a.Length, b.Length, lags, recording.Interval, length, RecordingWindow, recording.Names);
        var blocks = new List<double[]>();
        for (int start = 0; start < recording.Samples; start += length) blocks.Add(Sum(shape, a, b, start, Math.Min(start + length, recording.Samples)));
        return new LagProducts(shape, blocks, [blocks.Count]) { Notes = notes };
    }

    private static int RecordingBlockLength(Recording recording, List<string> notes)
    {
        double memory = recording.Values.Max(series => CorrelationTime.Integrated(series));
        int wanted = (int)Math.Ceiling(2 * memory), longest = Math.Max(1, recording.Samples / FewestRecordingBlocks);
        if (wanted > longest)
            notes.Add($"standard errors are too small: the slowest component remembers about {memory:f0} samples, and the record of {recording.Samples} has too few blocks of four times that");
        return Math.Max(Math.Min(wanted, longest), (recording.Samples + MostRecordingBlocks - 1) / MostRecordingBlocks);
    }

    private static double[] Centre(double[] series)
    {
        double mean = series.Average();
        return [.. series.Select(x => x - mean)];
    }

    // Pairs whose later time lies in [start, end).
    private static double[] Sum(LagShape shape, double[][] a, double[][] b, int start, int end)
    {
        var sums = new double[shape.Size];
        for (int lag = 0; lag <= shape.Longest; lag++)
        {
            int first = Math.Max(start, lag), count = end - first;
            if (count <= 0) continue;
            sums[shape.Index(lag, shape.Rows, shape.Columns)] = count;
            for (int i = 0; i < a.Length; i++)
            {
                var later = a[i].AsSpan(first, count);
                sums[shape.Index(lag, i, shape.Columns)] = Total(later);
                for (int j = 0; j < b.Length; j++) sums[shape.Index(lag, i, j)] = CorrelationTime.Dot(later, b[j].AsSpan(first - lag, count));
            }
            for (int j = 0; j < b.Length; j++) sums[shape.Index(lag, shape.Rows, j)] = Total(b[j].AsSpan(first - lag, count));
        }
        return sums;

        static double Total(ReadOnlySpan<double> values)
        {
            double sum = 0;
            foreach (double value in values) sum += value;
            return sum;
        }
    }
}
