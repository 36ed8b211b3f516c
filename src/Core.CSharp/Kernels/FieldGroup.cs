using System.Numerics;

namespace Leith.Core;

/// <summary>A field transformed back: Real ← fft⁻¹(Symbol From), the symbol 1 where there is none.</summary>
internal sealed record FieldImage(int From, Complex[]? Symbol, int Real);

/// <summary>
/// Operations of a field program in a row that can be done line by line: images of spectra, one pointwise program of them, transforms of what it gives, multipliers.
/// Nothing of the images and the local values is kept.
/// </summary>
internal sealed record FieldGroup(
    Grid Grid, IReadOnlyList<FieldImage> Images, FieldOperation.Pointwise Pointwise, IReadOnlyList<FieldOperation.ToSpectrum> Spectra,
    IReadOnlyList<FieldOperation.Multiply> Multipliers, IReadOnlySet<int> Kept)
{
    /// <summary>The group that begins at an operation, and how many operations it holds; null where there is none.</summary>
    public static (FieldGroup Group, int Operations)? At(FieldProgram program, int start)
    {
        var operations = program.Operations;
        var (images, inner, i) = ImagesAt(program, start);
        if (images.Count == 0 || i >= operations.Count || operations[i] is not FieldOperation.Pointwise pointwise) return null;
        var grid = program.BufferGrids[pointwise.Outputs[0]];
        if (grid is not { Dimensions: 2 } || grid.Points.Any(n => n == 1) || !images.All(image => program.BufferGrids[image.Real]!.Points.SequenceEqual(grid.Points))) return null;
        if (!pointwise.Inputs.All(input => input is PointwiseInput.Number || (input is PointwiseInput.Value(var buffer) && images.Any(image => image.Real == buffer)))) return null;
        inner.UnionWith(pointwise.Outputs);
        i++;
        var spectra = operations.Skip(i).TakeWhile(o => o is FieldOperation.ToSpectrum(var real, _) && pointwise.Outputs.Contains(real)).Cast<FieldOperation.ToSpectrum>().ToArray();
        if (spectra.Length != pointwise.Outputs.Count || spectra.DistinctBy(s => s.Real).Count() != spectra.Length || spectra.DistinctBy(s => s.Spectrum).Count() != spectra.Length) return null;
        i += spectra.Length;
        var multipliers = operations.Skip(i).TakeWhile(o => o is FieldOperation.Multiply m && program.BufferGrids[m.To]!.Points.SequenceEqual(grid.Points)).Cast<FieldOperation.Multiply>().ToArray();
        i += multipliers.Length;
        int[] results = [.. spectra.Select(s => s.Spectrum)];
        inner.ExceptWith(results);
        inner.ExceptWith(multipliers.Select(m => m.To));
        if (multipliers.Any(m => inner.Contains(m.From)) || inner.Any(buffer => IsRead(program, i, buffer))) return null;
        var kept = results.Where(buffer => multipliers.Any(m => m.To == buffer) || IsRead(program, i, buffer)).ToHashSet();
        return (new(grid, images, pointwise, spectra, multipliers, kept), i - start);
    }

    private static (List<FieldImage> Images, HashSet<int> Inner, int Next) ImagesAt(FieldProgram program, int start)
    {
        List<FieldImage> images = [];
        HashSet<int> inner = [];
        Dictionary<int, FieldOperation.Multiply> open = [];
        int i = start;
        for (; i < program.Operations.Count; i++)
        {
            var operation = program.Operations[i];
            if (operation is FieldOperation.Multiply { Accumulate: false } multiply && !inner.Contains(multiply.From) && open.TryAdd(multiply.To, multiply)) inner.Add(multiply.To);
            else if (operation is FieldOperation.ToReal(var spectrum, var real) && (open.ContainsKey(spectrum) || !inner.Contains(spectrum)))
            {
                open.Remove(spectrum, out var factor);
                images.Add(new(factor?.From ?? spectrum, factor?.Symbol, real));
                inner.Add(real);
            }
            else break;
        }
        return open.Count == 0 && images.DistinctBy(image => image.Real).Count() == images.Count ? (images, inner, i) : ([], inner, i);
    }

    // whether what a buffer holds now is looked at later
    private static bool IsRead(FieldProgram program, int from, int buffer)
    {
        foreach (var operation in program.Operations.Skip(from))
        {
            var (reads, writes) = Buffers(operation);
            if (reads.Contains(buffer)) return true;
            if (writes.Contains(buffer)) return false;
        }
        return program.Results.Contains(buffer);
    }

    private static (IEnumerable<int> Reads, IEnumerable<int> Writes) Buffers(FieldOperation operation) => operation switch
    {
        FieldOperation.ToReal(var from, var to) => ([from], [to]),
        FieldOperation.ToSpectrum(var from, var to) => ([from], [to]),
        FieldOperation.Multiply m => (m.Accumulate ? [m.From, m.To] : [m.From], [m.To]),
        FieldOperation.Mean(var from, var to) => ([from], [to]),
        FieldOperation.Waves(var from, var to, _) => ([from], [to]),
        FieldOperation.Flow flow => (flow.From, flow.To),
        FieldOperation.Displace(var spectrum, var displacement, var to) => (displacement.Append(spectrum), [to]),
        FieldOperation.Pointwise p => (p.Inputs.Select(input => input switch
        {
            PointwiseInput.Value v => v.Buffer,
            PointwiseInput.Number n => n.Buffer,
            PointwiseInput.Neighbour n => n.Buffer,
            _ => -1,
        }), p.Outputs),
        _ => throw new InvalidOperationException($"{operation}"),
    };
}
