using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Leith.Core;

/// <summary>Named arrays of a finished stage, in the order of their names.</summary>
public sealed class Arrays : SortedDictionary<string, double[]>
{
    /// <summary>No arrays yet.</summary>
    public Arrays() : base(StringComparer.Ordinal) { }

    /// <summary>Bytes of all values together.</summary>
    public long Bytes => Values.Sum(values => (long)values.Length * sizeof(double));
}

/// <summary>Results of finished stages on disk: file name = SHA-256 of what the stage was asked to do, so a changed description never meets an old result.</summary>
/// <remarks>
/// File = "LEITHSC1", length of the header (8 bytes), header as JSON [{Name, Count}], the arrays as little-endian doubles one after another, SHA-256 of all that goes before.
/// A file that is cut short, altered or unreadable is never trusted: it is removed with a notice, and the stage is computed anew. A cache that cannot be written costs a notice, not the run.
/// Writing goes to a temporary file that is renamed, so two runs may share a folder. Beyond the limit the files not used for longest go first; trained scores (.safetensors), which lie in the same folder, count too.
/// </remarks>
public sealed class StageCache
{
    /// <summary>2 GiB.</summary>
    public const long DefaultLimit = 2L << 30;

    private const string Extension = ".stage";
    private static readonly string[] Counted = [Extension, ".safetensors"];
    private const int Chunk = 1 << 16;
    private static readonly byte[] Magic = "LEITHSC1"u8.ToArray();
    private readonly Action<string> _notice;

    /// <summary>A cache in a folder, which is made when the first entry is saved.</summary>
    /// <param name="folder">Where the entries lie.</param>
    /// <param name="limit">Bytes that all entries together may take.</param>
    /// <param name="notice">Told, in a sentence, of every entry that could not be used or written.</param>
    /// <exception cref="LeithException">A limit that is not positive.</exception>
    public StageCache(string folder, long limit = DefaultLimit, Action<string>? notice = null)
    {
        if (limit <= 0) throw new LeithException($"stage cache: expected a limit of at least one byte, got {limit}; give it in bytes, 2 GiB by default.");
        Folder = Path.GetFullPath(folder);
        Limit = limit;
        _notice = notice ?? (_ => { });
    }

    /// <summary>Where the entries lie.</summary>
    public string Folder { get; }

    /// <summary>Bytes that all entries together may take.</summary>
    public long Limit { get; }

    /// <summary>The folder named by LEITH_CACHE, or .leith/cache under the nearest parent of <paramref name="start"/> that holds .git or leith.fsx, or under <paramref name="start"/> itself.</summary>
    public static string DefaultFolder(string start)
    {
        string? named = Environment.GetEnvironmentVariable("LEITH_CACHE");
        if (!string.IsNullOrWhiteSpace(named)) return Path.GetFullPath(named);
        string root = Path.GetFullPath(start);
        for (string? at = root; at is not null; at = Path.GetDirectoryName(at))
        {
            if (!Path.Exists(Path.Combine(at, ".git")) && !File.Exists(Path.Combine(at, "leith.fsx"))) continue;
            root = at;
            break;
        }
        return Path.Combine(root, ".leith", "cache");
    }

    /// <summary>SHA-256 of a description, in 64 hexadecimal digits. Put everything into it that the result depends on, the version of the code too.</summary>
    public static string Key(string description) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(description)));

    /// <summary>The entry of a key, where there is one that is whole.</summary>
    /// <exception cref="LeithException">A key that is not made of letters and digits.</exception>
    public bool TryLoad(string key, out Arrays arrays)
    {
        arrays = [];
        string path = PathOf(key);
        if (!File.Exists(path)) return false;
        try
        {
            arrays = Read(path);
            Touch(path);
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or JsonException)
        {
            arrays = [];
            _notice($"a stored stage could not be used and is computed again ({e.Message}): {path}");
            Discard(path);
            return false;
        }
    }

    /// <summary>Stores the arrays under a key, in place of what was there; then evicts the oldest entries until the limit holds.</summary>
    /// <exception cref="LeithException">A key that is not made of letters and digits.</exception>
    public void Save(string key, Arrays arrays)
    {
        string path = PathOf(key);
        if (arrays.Bytes > Limit)
        {
            _notice(string.Create(CultureInfo.InvariantCulture, $"a stage of {arrays.Bytes / 1048576.0:F1} MiB is not stored: the cache holds {Limit / 1048576.0:F1} MiB."));
            return;
        }
        string temporary = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.part";
        try
        {
            Directory.CreateDirectory(Folder);
            Write(temporary, arrays);
            File.Move(temporary, path, overwrite: true);
            Evict(keep: path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            _notice($"a stage could not be stored and will be computed again next time ({e.Message}).");
        }
    }

    /// <summary>Marks a file of the cache as used now, so that it is evicted last. For files that are read by their path, such as trained scores; a file that is not there is passed over.</summary>
    public static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that may only be read is never evicted from either.
        }
    }

    private string PathOf(string key)
    {
        if (key.Length == 0 || !key.All(char.IsAsciiLetterOrDigit))
            throw new LeithException($"stage cache: expected a key of letters and digits, got '{key}'; make it with StageCache.Key(description).");
        return Path.Combine(Folder, key + Extension);
    }

    private static void Write(string path, Arrays arrays)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Put(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            file.Write(bytes);
        }
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(arrays.Select(pair => new Entry(pair.Key, pair.Value.Length)));
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        Put(Magic);
        Put(length);
        Put(header);
        foreach (double[] values in arrays.Values)
            for (int start = 0; start < values.Length; start += Chunk)
                Put(MemoryMarshal.AsBytes(values.AsSpan(start, Math.Min(Chunk, values.Length - start))));
        file.Write(hash.GetHashAndReset());
        file.Flush(flushToDisk: true);
    }

    private static Arrays Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Take(Span<byte> bytes)
        {
            if (file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length) throw new InvalidDataException("it is cut short");
            hash.AppendData(bytes);
        }
        var start = new byte[Magic.Length + 8];
        Take(start);
        long length = BinaryPrimitives.ReadInt64LittleEndian(start.AsSpan(Magic.Length));
        if (!start.AsSpan(0, Magic.Length).SequenceEqual(Magic) || length < 0 || length > file.Length) throw new InvalidDataException("it is no stored stage");
        var header = new byte[length];
        Take(header);
        Entry[] entries = JsonSerializer.Deserialize<Entry[]>(header) ?? [];
        if (entries.Any(entry => entry?.Name is null || entry.Count < 0)) throw new InvalidDataException("its header is damaged");
        // Before anything large is allocated: the length must be the one that the header tells of.
        long expected = start.Length + length + entries.Sum(entry => (long)entry.Count * sizeof(double)) + SHA256.HashSizeInBytes;
        if (file.Length != expected) throw new InvalidDataException($"it has {file.Length} bytes, not {expected}");
        Arrays arrays = [];
        foreach (Entry entry in entries)
        {
            var values = new double[entry.Count];
            for (int at = 0; at < values.Length; at += Chunk) Take(MemoryMarshal.AsBytes(values.AsSpan(at, Math.Min(Chunk, values.Length - at))));
            arrays[entry.Name] = values;
        }
        var stored = new byte[SHA256.HashSizeInBytes];
        file.ReadExactly(stored);
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(stored)) throw new InvalidDataException("its checksum does not match");
        return arrays;
    }

    private void Evict(string keep)
    {
        FileInfo[] files = [.. new DirectoryInfo(Folder).EnumerateFiles().Where(file => Counted.Contains(file.Extension)).OrderBy(file => file.LastWriteTimeUtc)];
        long total = files.Sum(file => file.Length);
        foreach (FileInfo file in files.Where(file => file.FullName != keep))
        {
            if (total <= Limit) return;
            total -= file.Length;
            Discard(file.FullName);
        }
    }

    private static void Discard(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another run may hold it; it is refused again next time.
        }
    }

    private sealed record Entry(string Name, int Count);
}
