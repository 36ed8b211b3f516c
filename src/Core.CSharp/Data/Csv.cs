using System.Globalization;
using System.Text;

namespace Leith.Core;

/// <summary>A table of numbers: Rows[line][column], with the names of the columns where the file has a header.</summary>
/// <param name="Names">Names of the columns, or null when the first line holds numbers.</param>
/// <param name="Rows">[row][column].</param>
public sealed record CsvTable(IReadOnlyList<string>? Names, double[][] Rows);

/// <summary>Reads tables of numbers separated by commas, semicolons, tabs or blanks.</summary>
/// <remarks>The separator is the first of tab, semicolon, comma that the first line has outside quotes, else blanks. A first line without a number in it is the header.
/// Numbers have a decimal point; nan and inf are numbers here. Lines that are empty or begin with # are skipped.</remarks>
public static class Csv
{
    /// <summary>Reads a table.</summary>
    /// <exception cref="LeithException">Missing or empty file, a cell that is empty or not a number (line and column are named), rows of different length (the line is named).</exception>
    public static CsvTable Read(string path)
    {
        string[] lines = DataFile.ReadAllLines(path);
        char separator = '\0';
        string[]? names = null;
        int columns = -1;
        var rows = new List<double[]>();
        for (int line = 0; line < lines.Length; line++)
        {
            string text = lines[line].Trim(' ', '\r');
            if (text.Trim() == "" || text[0] == '#') continue;
            if (columns < 0) separator = Separator(text);
            var cells = Cells(path, line + 1, text, separator);
            if (columns < 0)
            {
                columns = cells.Count;
                if (cells.All(cell => cell.Quoted || !TryNumber(cell.Text, out _)) && cells.All(cell => cell.Text != ""))
                {
                    names = [.. cells.Select(cell => cell.Text)];
                    continue;
                }
            }
            rows.Add(Numbers(path, line + 1, cells, columns));
        }
        if (rows.Count == 0) throw new LeithException($"'{path}': expected lines of numbers, got none in {lines.Length} lines. Check that this is the right file.");
        return new CsvTable(names, [.. rows]);
    }

    private static double[] Numbers(string path, int line, List<(string Text, bool Quoted)> cells, int columns)
    {
        if (cells.Count != columns)
            throw new LeithException($"'{path}', line {line}: expected {columns} columns as in the first line, got {cells.Count}. Complete the line, or remove it.");
        var row = new double[columns];
        for (int column = 0; column < columns; column++)
        {
            string text = cells[column].Text;
            if (TryNumber(text, out row[column])) continue;
            string got = text == "" ? "an empty cell" : $"'{text}'";
            string hint = text.Contains(',') ? "Write decimals with a point." : "Fill the gap, or leave that line or column out; a header line must not mix names and numbers (quote the names).";
            throw new LeithException($"'{path}', line {line}, column {column + 1}: expected a number, got {got}. {hint}");
        }
        return row;
    }

    private static bool TryNumber(string text, out double value)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)) return true;
        double sign = text.StartsWith('-') ? -1 : 1;
        if (!text.TrimStart('+', '-').Equals("inf", StringComparison.OrdinalIgnoreCase)) return false;
        value = sign * double.PositiveInfinity;
        return true;
    }

    private static char Separator(string text)
    {
        bool quoted = false;
        var outside = new StringBuilder();
        foreach (char c in text)
        {
            if (c == '"') quoted = !quoted;
            else if (!quoted) outside.Append(c);
        }
        string plain = outside.ToString();
        foreach (char candidate in "\t;,") if (plain.Contains(candidate)) return candidate;
        return ' ';
    }

    // Cells in quotes may hold separators, and a doubled quote for a quote.
    private static List<(string Text, bool Quoted)> Cells(string path, int line, string text, char separator)
    {
        var cells = new List<(string, bool)>();
        var cell = new StringBuilder();
        bool inside = false, quoted = false;
        void End()
        {
            string content = quoted ? cell.ToString() : cell.ToString().Trim();
            if (separator != ' ' || content != "" || quoted) cells.Add((content, quoted));
            cell.Clear();
            quoted = false;
        }
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (inside && c == '"' && i + 1 < text.Length && text[i + 1] == '"') { cell.Append('"'); i++; }
            else if (inside && c == '"') inside = false;
            else if (!inside && c == '"') { inside = quoted = true; cell.Clear(); }
            else if (!inside && (c == separator || (separator == ' ' && c == '\t'))) End();
            else if (inside || !quoted || c != ' ') cell.Append(c);
        }
        if (inside) throw new LeithException($"'{path}', line {line}: expected a closing quote, got the end of the line. Close the quote; names must not contain line breaks.");
        End();
        return cells;
    }
}
