namespace Leith.Core;

public sealed partial record Recording
{
    /// <summary>Reads a recording from a .npy file or from a table of text (.csv, .tsv, .txt), and checks it.</summary>
    /// <param name="path">The file; a .npy file is known by its first bytes, not by its name.</param>
    /// <param name="layout">Which axis is time. A table with a header has its components in the columns unless this says otherwise.</param>
    /// <param name="interval">Time between samples.</param>
    /// <param name="names">Names of the components; null takes the header, or x1, x2, ….</param>
    /// <exception cref="LeithException">Unreadable file; rank other than 1 or 2; names that do not fit; NaN or infinity (component and index named); a constant component (named); a column that its header calls time.</exception>
    public static Recording Load(string path, RecordingLayout layout = RecordingLayout.Guess, double interval = 1, IReadOnlyList<string>? names = null)
    {
        var (rows, header) = Npy.IsNpy(path) || path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) ? (FromNpy(path), null) : FromTable(path);
        var notes = new List<string>();
        int lines = rows.Length, columns = rows[0].Length;
        bool timeFirst = TimeFirst(layout, header != null, lines, columns, notes);
        double[][] values = timeFirst ? Transpose(rows) : rows;
        if (header != null && !timeFirst && names == null) notes.Add("the header of the file names its columns, which are times here; it is not used");
        LookForTime(path, values, timeFirst ? header : null, notes);
        names ??= timeFirst && header != null ? header : [.. Enumerable.Range(1, values.Length).Select(i => $"x{i}")];
        if (names.Count != values.Length)
            throw new LeithException($"'{path}': expected {values.Length} names, one a component ({lines} × {columns} numbers read with {(timeFirst ? "time first" : "components first")}), got {names.Count}. Give one name for each, none at all, or the other layout.");
        return Prefixed(path, () => new Recording(names, values, interval) { Notes = notes }.Check());
    }

    private static double[][] FromNpy(string path)
    {
        var array = Npy.Read(path);
        if (array.Shape.Length is not (1 or 2))
            throw new LeithException($"'{path}': expected an array of one or two dimensions, component and time, got {array.Shape.Length} with shape {NpyHeader.Print(array.Shape)}. Reshape it first, e.g. a.reshape(components, times).");
        if (array.Values.Length == 0) throw new LeithException($"'{path}': expected samples, got an empty array of shape {NpyHeader.Print(array.Shape)}.");
        int columns = array.Shape[^1];
        return [.. array.Values.Chunk(columns)];
    }

    private static (double[][] Rows, IReadOnlyList<string>? Header) FromTable(string path)
    {
        var table = Csv.Read(path);
        return (table.Rows, table.Names);
    }

    private static bool TimeFirst(RecordingLayout layout, bool header, int lines, int columns, List<string> notes)
    {
        if (layout != RecordingLayout.Guess) return layout == RecordingLayout.TimeFirst;
        // One series is a row of a .npy file of rank 1 or a table of one column; either way its longer axis is time.
        if (lines == 1 || columns == 1) return lines > 1;
        bool timeFirst = header || lines > columns;
        notes.Add(header ? "the columns have names, so they are taken as the components and the lines as times"
            : $"of {lines} × {columns} the longer axis is taken as time: {(timeFirst ? $"{columns} components of {lines}" : $"{lines} components of {columns}")} samples");
        return timeFirst;
    }

    private static readonly string[] TimeNames = ["time", "t", "date", "year", "month"];

    // A column of times is no component: it grows for ever, and would spoil every covariance.
    private static void LookForTime(string path, double[][] values, IReadOnlyList<string>? header, List<string> notes)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double[] series = values[i];
            if (series.Length < 3 || !series.Zip(series.Skip(1)).All(pair => pair.First < pair.Second)) continue;
            string first = header is null ? "" : header[i].Split([' ', '(', '[', '_'], StringSplitOptions.RemoveEmptyEntries).FirstOrDefault("");
            if (TimeNames.Contains(first, StringComparer.OrdinalIgnoreCase))
                throw new LeithException($"'{path}': expected components only, got the column '{header![i]}', which grows from line to line and so looks like time. Remove it, and give the time between samples as the interval.");
            // Years in decimals are rounded: a fiftieth of a step is even enough.
            double step = (series[^1] - series[0]) / (series.Length - 1);
            if (series.Zip(series.Skip(1)).All(pair => Math.Abs(pair.Second - pair.First - step) <= 0.02 * step))
                notes.Add($"component {i + 1}{(header is null ? "" : $", '{header[i]}',")} grows by {step:G4} from sample to sample and so looks like time; remove it if it is");
        }
    }

    private static double[][] Transpose(double[][] rows) =>
        [.. Enumerable.Range(0, rows[0].Length).Select(j => rows.Select(row => row[j]).ToArray())];

    private static Recording Prefixed(string path, Func<Recording> make)
    {
        try
        {
            return make();
        }
        catch (LeithException error)
        {
            throw new LeithException($"'{path}': {error.Message}", error);
        }
    }
}
