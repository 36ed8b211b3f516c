using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// A <see cref="FieldGroup"/> at work. Rows of every spectrum are multiplied and transformed back, unless their symbol vanishes; then, column after column, what is left of the images
/// is transformed, the local values are computed and transformed forward while they are in the nearest cache; at last the rows that a multiplier does not delete.
/// </summary>
internal sealed unsafe class LineByLine : IDisposable
{
    private enum Work { Nothing, Clear, Write, Add }

    private readonly LaneFft fft;
    private readonly PointwiseKernel kernel;
    private readonly SymbolMultiplier[] symbols, writers, adders;   // of images; of what follows, for rows that are written and that are added to
    private readonly Work[][] work;                 // [multiplier][row]
    private readonly int[][] rows;                  // [image]: rows that are not zero
    private readonly int[][] place;                 // [image][row]: where it is among these, or −1
    private readonly int[] needed;                  // rows of the transformed local values
    private readonly int[] sources, spectra, outputOf, imageOf, numberOf, only;
    private readonly (int From, int To)[] targets;
    private readonly int height, width, stride;
    private readonly Lane* images, middle, padded, lines, local, row;
    private readonly List<nint> owned = [];

    /// <param name="group">What to do.</param>
    /// <param name="buffers">Number of buffers of the program.</param>
    public LineByLine(FieldGroup group, int buffers)
    {
        fft = new LaneFft(group.Grid);
        (height, width) = (group.Grid.Points[0], group.Grid.Points[1]);
        stride = width + 1;     // columns do not meet in the same cache sets
        kernel = group.Pointwise.Program.KernelFor([.. group.Pointwise.Inputs.Select((input, i) => new PointwiseAccess(input is PointwiseInput.Number ? PointwiseAccessKind.Same : PointwiseAccessKind.Row, i))], 0);
        Complex scale = 1.0 / group.Grid.Sites;
        symbols = [.. group.Images.Select(image => new SymbolMultiplier([.. (image.Symbol ?? [.. Enumerable.Repeat(Complex.One, group.Grid.Sites)]).Select(s => s * scale)], false))];
        writers = [.. group.Multipliers.Select(m => new SymbolMultiplier(m.Symbol, false))];
        adders = [.. group.Multipliers.Select(m => new SymbolMultiplier(m.Symbol, true))];
        work = [.. group.Multipliers.Select(m => Enumerable.Range(0, height).Select(i => IsZero(m.Symbol, i) ? m.Accumulate ? Work.Nothing : Work.Clear : m.Accumulate ? Work.Add : Work.Write).ToArray())];
        for (int k = 0; k + 1 < work.Length; k++)
            if (group.Multipliers[k].To == group.Multipliers[k + 1].To && group.Multipliers[k + 1].From != group.Multipliers[k].To)
                for (int i = 0; i < height; i++)
                    if (work[k][i] == Work.Clear && work[k + 1][i] == Work.Add) (work[k][i], work[k + 1][i]) = (Work.Nothing, Work.Write);
        rows = [.. group.Images.Select(image => Enumerable.Range(0, height).Where(i => !IsZero(image.Symbol, i)).ToArray())];
        place = [.. rows.Select(r => Enumerable.Range(0, height).Select(i => Array.IndexOf(r, i)).ToArray())];
        spectra = [.. group.Spectra.Select(s => s.Spectrum)];
        sources = [.. group.Images.Select(image => image.From)];
        targets = [.. group.Multipliers.Select(m => (m.From, m.To))];
        only = [.. Enumerable.Range(0, buffers).Select(buffer => group.Kept.Contains(buffer) ? -1 : Array.IndexOf(spectra, buffer))];
        int[] outputs = [.. group.Pointwise.Outputs], real = [.. group.Images.Select(image => image.Real)];
        outputOf = [.. group.Spectra.Select(s => Array.IndexOf(outputs, s.Real))];
        imageOf = [.. group.Pointwise.Inputs.Select(input => input is PointwiseInput.Value(var buffer) ? Array.IndexOf(real, buffer) : -1)];
        numberOf = [.. group.Pointwise.Inputs.Select(input => input is PointwiseInput.Number(var buffer) ? buffer : -1)];
        needed = [.. Enumerable.Range(0, height).Where(i => spectra.Any(s => group.Kept.Contains(s) || group.Multipliers.Where(m => m.From == s && !IsZero(m.Symbol, i)).Any()))];
        images = Allocate(2 * rows.Sum(r => r.Length) * stride);
        middle = Allocate(2 * spectra.Length * needed.Length * stride);
        padded = Allocate(2 * group.Images.Count * height);
        lines = Allocate(2 * group.Images.Count * height);
        local = Allocate(4 * spectra.Length * height);
        row = Allocate(2 * Math.Max(1, spectra.Length) * width);
    }

    /// <summary>Runs the operations on the buffers of a field map.</summary>
    public void Apply(double*[] a, double*[] b, double time)
    {
        Back(a, b);
        for (int column = 0; column < width; column++) Column(column, a, b, time);
        Forth(a, b);
    }

    public void Dispose()
    {
        fft.Dispose();
        foreach (nint memory in owned) NativeMemory.AlignedFree((void*)memory);
        owned.Clear();
    }

    private bool IsZero(Complex[]? symbol, int i) => symbol is not null && symbol.AsSpan(i * width, width).IndexOfAnyExcept(Complex.Zero) < 0;

    private Lane* Allocate(int vectors)
    {
        nuint bytes = (nuint)Math.Max(1, vectors) * (nuint)sizeof(Lane);
        void* memory = LargePages.Allocate(bytes);
        NativeMemory.Clear(memory, bytes);
        owned.Add((nint)memory);
        return (Lane*)memory;
    }

    // The inverse transform is the forward one with real and imaginary parts exchanged. A row is read for all images before the next.
    private void Back(double*[] a, double*[] b)
    {
        for (int i = 0; i < height; i++)
        {
            var start = images;
            for (int m = 0; m < rows.Length; m++)
            {
                int count = rows[m].Length, from = sources[m], first = i * width;
                if (place[m][i] is var at and >= 0)
                {
                    Lane* re = start + at * stride, im = re + count * stride;
                    symbols[m].Apply((Lane*)a[from] + first, (Lane*)b[from] + first, row, row + width, first, width);
                    fft.Along(1, row + width, row, 1, im, re, 1);
                }
                start += 2 * count * stride;
            }
        }
    }

    private void Column(int column, double*[] a, double*[] b, double time)
    {
        var from = images + column;
        for (int m = 0; m < rows.Length; m++)
        {
            Lane* re = padded + 2 * m * height, im = re + height, line = lines + 2 * m * height;
            Gather(from, rows[m], re, im);
            from += 2 * rows[m].Length * stride;
            fft.Along(0, im, re, 1, line + height, line, 1);
        }
        Local(a, time, 0);
        Local(b, time, 1);
        for (int k = 0; k < spectra.Length; k++)
        {
            Lane* values = local + 2 * outputOf[k] * height, result = local + 2 * (spectra.Length + k) * height;
            fft.Along(0, values, values + height, 1, result, result + height, 1);
            Scatter(result, result + height, middle + column + 2 * k * needed.Length * stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(Lane* from, int[] places, Lane* re, Lane* im)
    {
        nint step = stride, other = (nint)places.Length * step;
        foreach (int i in places)
        {
            (re[i], im[i]) = (from[0], from[other]);
            from += step;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Scatter(Lane* re, Lane* im, Lane* to)
    {
        nint step = stride, other = (nint)needed.Length * step;
        foreach (int i in needed)
        {
            (to[0], to[other]) = (re[i], im[i]);
            to += step;
        }
    }

    private void Local(double*[] numbers, double time, int half)
    {
        long* x = stackalloc long[imageOf.Length + 1], y = stackalloc long[spectra.Length];
        for (int i = 0; i < imageOf.Length; i++) x[i] = imageOf[i] >= 0 ? (long)(lines + (2 * imageOf[i] + half) * height) : (long)numbers[numberOf[i]];
        for (int i = 0; i < spectra.Length; i++) y[i] = (long)(local + (2 * i + half) * height);
        kernel((long)x, (long)y, 0, 0, 1, height, time);
    }

    private void Forth(double*[] a, double*[] b)
    {
        int next = 0;
        for (int i = 0; i < height; i++)
        {
            if (next < needed.Length && needed[next] == i)
            {
                for (int k = 0; k < spectra.Length; k++)
                {
                    Lane* re = middle + (2 * k * needed.Length + next) * stride;
                    fft.Along(1, re, re + needed.Length * stride, 1, Row(spectra[k], i, 0, a), Row(spectra[k], i, 1, b), 1);
                }
                next++;
            }
            for (int k = 0; k < work.Length; k++) Multiply(k, i, a, b);
        }
    }

    private void Multiply(int k, int i, double*[] a, double*[] b)
    {
        if (work[k][i] == Work.Nothing) return;
        var (from, to) = targets[k];
        Lane* re = Row(to, i, 0, a), im = Row(to, i, 1, b);
        if (work[k][i] != Work.Clear)
        {
            var symbol = work[k][i] == Work.Add ? adders[k] : writers[k];
            symbol.Apply(Row(from, i, 0, a), Row(from, i, 1, b), re, im, i * width, width);
            return;
        }
        new Span<Lane>(re, width).Clear();
        new Span<Lane>(im, width).Clear();
    }

    // a row of a buffer; of a spectrum that nobody looks at later there is only one
    private Lane* Row(int buffer, int i, int half, double*[] block) =>
        only[buffer] is var k and >= 0 ? row + (2 * k + half) * width : (Lane*)block[buffer] + i * width;
}
