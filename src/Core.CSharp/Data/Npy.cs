using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Leith.Core;

/// <summary>An array read from a .npy file: Values[((i₀ n₁ + i₁) n₂ + …)], the last index fastest whatever the order on disk.</summary>
/// <param name="Shape">Length of each axis; empty for a single number.</param>
/// <param name="Values">The elements as doubles; 64-bit integers beyond 2⁵³ are rounded.</param>
public sealed record NpyArray(int[] Shape, double[] Values);

/// <summary>Reads and writes numpy's .npy files.</summary>
/// <remarks>Versions 1 to 3, every plain real element type, either byte order, C and Fortran order, any rank.
/// Source: numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.</remarks>
public static class Npy
{
    private static readonly byte[] s_magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Whether a file begins like a .npy file; false for a file that is missing.</summary>
    public static bool IsNpy(string path)
    {
        if (!File.Exists(path)) return false;
        using var stream = File.OpenRead(path);
        Span<byte> head = stackalloc byte[6];
        return stream.ReadAtLeast(head, 6, throwOnEndOfStream: false) == 6 && head.SequenceEqual(s_magic);
    }

    /// <summary>Reads an array.</summary>
    /// <exception cref="LeithException">The file is missing, unreadable, not a .npy file, truncated, or of an element type that is not a real number.</exception>
    public static NpyArray Read(string path)
    {
        byte[] bytes = DataFile.ReadAllBytes(path);
        if (bytes.Length < 10 || !bytes.AsSpan(0, 6).SequenceEqual(s_magic))
            throw new LeithException($"'{path}': expected a .npy file, which begins with \\x93NUMPY, got {Describe(bytes)}. Save the array with numpy.save, or give a .csv file.");
        var (header, start) = Header(path, bytes);
        var layout = NpyHeader.Parse(path, header);
        long count = layout.Shape.Aggregate(1L, (a, b) => checked(a * b));
        long expected = count * layout.Size, got = bytes.Length - start;
        if (got < expected)
            throw new LeithException($"'{path}': the .npy file is truncated: expected {expected} bytes of data for shape {NpyHeader.Print(layout.Shape)} of {layout.Type}, got {got}. Copy or save the file again.");
        var values = Decode(bytes.AsSpan(start, (int)expected), layout);
        return new NpyArray(layout.Shape, layout.Fortran ? Transpose(values, layout.Shape) : values);
    }

    /// <summary>Writes values, the last index fastest, as float64, version 1, C order, little endian. The file appears whole or not at all.</summary>
    /// <exception cref="LeithException">The shape does not fit the values, or the file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<double> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[values.Length * sizeof(double)];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(i * sizeof(double)), values[i]);
        Write(path, "<f8", bytes, values.Length, shape);
    }

    /// <summary>Writes values, the last index fastest, as float32, version 1, C order, little endian. The file appears whole or not at all.</summary>
    /// <exception cref="LeithException">The shape does not fit the values, or the file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        Write(path, "<f4", bytes, values.Length, shape);
    }

    private static void Write(string path, string type, byte[] data, int count, ReadOnlySpan<int> shape)
    {
        int[] sides = shape.ToArray();
        if (sides.Any(n => n < 0) || sides.Aggregate(1L, (a, b) => a * b) != count)
            throw new LeithException($"'{path}': expected as many values as the shape {NpyHeader.Print(sides)} holds, got {count}.");
        byte[] prefix = Prefix(type, sides);
        DataFile.WriteAtomically(path, stream =>
        {
            stream.Write(prefix);
            stream.Write(data);
        });
    }

    /// <summary>What stands before the data of a version 1.0 file in C order; the data then begin on a multiple of 64 bytes.</summary>
    internal static byte[] Prefix(string type, IReadOnlyList<int> shape)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {NpyHeader.Print(shape)}, }}";
        int padding = 63 - (10 + header.Length) % 64;
        header += new string(' ', padding) + "\n";
        return [.. s_magic, 1, 0, (byte)(header.Length & 255), (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header)];
    }

    private static string Describe(byte[] bytes) =>
        bytes.Length == 0 ? "an empty file" : $"'{string.Concat(bytes.Take(6).Select(b => b is >= 32 and < 127 ? ((char)b).ToString() : $"\\x{b:x2}"))}'";

    private static (string Header, int Start) Header(string path, byte[] bytes)
    {
        int major = bytes[6];
        if (major is < 1 or > 3)
            throw new LeithException($"'{path}': expected version 1, 2 or 3 of the .npy format, got version {major}.{bytes[7]}. Save the array again with numpy.save.");
        int prefix = major == 1 ? 10 : 12;
        long length = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8))
            : bytes.Length < 12 ? long.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (length > bytes.Length - prefix)
            throw new LeithException($"'{path}': the .npy file is truncated in its header: expected {(length == long.MaxValue ? "at least 12" : length + prefix)} bytes, got {bytes.Length}. Copy or save the file again.");
        var encoding = major == 3 ? Encoding.UTF8 : Encoding.Latin1;
        return (encoding.GetString(bytes, prefix, (int)length), prefix + (int)length);
    }

    private static double[] Decode(Span<byte> data, NpyHeader layout)
    {
        int size = layout.Size;
        if (layout.BigEndian)
            for (int i = 0; i < data.Length; i += size) data.Slice(i, size).Reverse();
        return layout.Kind switch
        {
            "f8" => Convert<double>(data, x => x),
            "f4" => Convert<float>(data, x => x),
            "f2" => Convert<Half>(data, x => (double)x),
            "i8" => Convert<long>(data, x => x),
            "i4" => Convert<int>(data, x => x),
            "i2" => Convert<short>(data, x => x),
            "i1" => Convert<sbyte>(data, x => x),
            "u8" => Convert<ulong>(data, x => x),
            "u4" => Convert<uint>(data, x => x),
            "u2" => Convert<ushort>(data, x => x),
            _ => Convert<byte>(data, x => x),
        };
    }

    // Little-endian machines only, as .NET's are: the bytes have been put in that order.
    private static double[] Convert<T>(ReadOnlySpan<byte> data, Func<T, double> widen) where T : unmanaged
    {
        var typed = MemoryMarshal.Cast<byte, T>(data);
        var values = new double[typed.Length];
        for (int i = 0; i < values.Length; i++) values[i] = widen(typed[i]);
        return values;
    }

    private static double[] Transpose(double[] values, int[] shape)
    {
        var result = new double[values.Length];
        var index = new int[shape.Length];
        for (int from = 0; from < values.Length; from++)
        {
            int to = 0;
            for (int axis = 0; axis < shape.Length; axis++) to = to * shape[axis] + index[axis];
            result[to] = values[from];
            for (int axis = 0; axis < shape.Length && ++index[axis] == shape[axis]; axis++) index[axis] = 0;
        }
        return result;
    }
}
