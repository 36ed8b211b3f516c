using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Leith.Core;

/// <summary>
/// The safetensors format: eight bytes with the length of the header, a JSON header { name: { dtype, shape, data_offsets }, "__metadata__": { text: text } },
/// then the numbers, little endian. Floats and doubles are all that is needed here.
/// </summary>
internal sealed class Safetensors
{
    private const int LargestHeader = 1 << 20;

    /// <summary>Free texts.</summary>
    public Dictionary<string, string> Texts { get; } = [];

    /// <summary>Vectors in single precision.</summary>
    public Dictionary<string, float[]> Singles { get; } = [];

    /// <summary>Vectors in double precision.</summary>
    public Dictionary<string, double[]> Doubles { get; } = [];

    /// <summary>Lengths of the axes of arrays that are not vectors.</summary>
    public Dictionary<string, long[]> Shapes { get; } = [];

    /// <summary>Writes beside the file and renames, so that a reader finds the old file or the whole new one.</summary>
    public void Write(string path)
    {
        string part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (var file = File.Create(part)) Write(file);
            File.Move(part, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            try { File.Delete(part); }
            catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException) { }
            throw new LeithException($"saving: expected a place where {path} can be written, got: {e.Message} Choose another path.", e);
        }
    }

    /// <summary>Reads a file that holds floats and doubles only.</summary>
    public static Safetensors Read(string path)
    {
        byte[] bytes;
        try { bytes = File.ReadAllBytes(path); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new LeithException($"loading: expected a safetensors file at {path}, got: {e.Message}", e);
        }
        ulong header = bytes.Length < 8 ? ulong.MaxValue : BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (header > LargestHeader || (ulong)bytes.Length < 8 + header)
            throw Foreign(path, "its header is missing or longer than the file");
        try { return Parse(path, bytes, 8 + (int)header); }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw Foreign(path, $"its header cannot be read ({e.Message})", e);
        }
    }

    /// <summary>The error for a file that is not what it should be.</summary>
    public static LeithException Foreign(string path, string why, Exception? inner = null) =>
        new($"loading: expected a whole safetensors file written by Leith at {path}, but {why}; save the score again.", inner!);

    private void Write(Stream file)
    {
        var arrays = Singles.Select(pair => (pair.Key, Type: "F32", pair.Value.Length, Bytes: MemoryMarshal.AsBytes(pair.Value.AsSpan()).ToArray()))
            .Concat(Doubles.Select(pair => (pair.Key, Type: "F64", pair.Value.Length, Bytes: MemoryMarshal.AsBytes(pair.Value.AsSpan()).ToArray())))
            .OrderBy(entry => entry.Key, StringComparer.Ordinal).ToArray();
        var header = new SortedDictionary<string, object>(StringComparer.Ordinal) { ["__metadata__"] = new SortedDictionary<string, string>(Texts, StringComparer.Ordinal) };
        int offset = 0;
        foreach (var (name, type, length, bytes) in arrays)
            header[name] = new { dtype = type, shape = Shapes.GetValueOrDefault(name) ?? [length], data_offsets = new[] { offset, offset += bytes.Length } };
        string json = JsonSerializer.Serialize(header);
        json = json.PadRight((Encoding.UTF8.GetByteCount(json) + 7) / 8 * 8); // the serialiser escapes to ASCII
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(size, (ulong)json.Length);
        file.Write(size);
        file.Write(Encoding.UTF8.GetBytes(json));
        foreach (var entry in arrays) file.Write(entry.Bytes);
    }

    private static Safetensors Parse(string path, byte[] bytes, int start)
    {
        var result = new Safetensors();
        using var header = JsonDocument.Parse(bytes.AsMemory(8, start - 8));
        int end = start;
        foreach (var entry in header.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (var text in entry.Value.EnumerateObject()) result.Texts[text.Name] = text.Value.GetString() ?? "";
                continue;
            }
            var offsets = entry.Value.GetProperty("data_offsets");
            int from = checked(start + offsets[0].GetInt32()), to = checked(start + offsets[1].GetInt32());
            if (from < start || to < from || to > bytes.Length) throw Foreign(path, $"it ends before its array '{entry.Name}' does");
            var data = bytes.AsSpan(from, to - from);
            if (entry.Value.GetProperty("dtype").GetString() == "F32") result.Singles[entry.Name] = MemoryMarshal.Cast<byte, float>(data).ToArray();
            else if (entry.Value.GetProperty("dtype").GetString() == "F64") result.Doubles[entry.Name] = MemoryMarshal.Cast<byte, double>(data).ToArray();
            else throw Foreign(path, $"its array '{entry.Name}' is neither float nor double");
            result.Shapes[entry.Name] = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(axis => axis.GetInt64())];
            end = Math.Max(end, to);
        }
        if (end != bytes.Length) throw Foreign(path, "it has bytes that belong to no array");
        return result;
    }
}
