using System.Buffers.Binary;

namespace Leith.Core;

/// <summary>The folder that a run leaves behind: all files are written beside it first and moved in at the end, so that nothing half-written remains.</summary>
public static class RunFolder
{
    /// <summary>Writes the files, each by its own writer, and moves them into the folder one after another, in the order given; other files of the folder stay.</summary>
    /// <param name="folder">Made when it is missing.</param>
    /// <param name="files">Name and writer.</param>
    /// <exception cref="LeithException">The folder cannot be made or written, or the disk is full; the temporary files are gone then.</exception>
    public static void Write(string folder, IReadOnlyList<(string Name, Action<Stream> Write)> files)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string temporary = $"{target}.part-{Environment.ProcessId}";
        try
        {
            Discard(temporary);
            Directory.CreateDirectory(temporary);
            foreach ((string name, Action<Stream> write) in files)
            {
                using var stream = new FileStream(Path.Combine(temporary, name), FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
                write(stream);
            }
            if (!Path.Exists(target)) Directory.Move(temporary, target);
            else
            {
                Directory.CreateDirectory(target); // refused when a file lies there
                foreach ((string name, _) in files) File.Move(Path.Combine(temporary, name), Path.Combine(target, name), overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(target, e);
        }
        finally
        {
            Discard(temporary);
        }
    }

    /// <summary>Tries whether a folder can be written, before hours of work are spent on what would fill it. Leaves nothing behind.</summary>
    /// <exception cref="LeithException">It cannot.</exception>
    public static void Probe(string folder)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string temporary = $"{target}.probe-{Environment.ProcessId}";
        string[] missing = [.. Parents(target).TakeWhile(parent => !Path.Exists(parent))];
        try
        {
            if (File.Exists(target)) throw new IOException("a file of that name lies in its place");
            Directory.CreateDirectory(temporary);
            File.WriteAllText(Path.Combine(temporary, "probe"), "probe");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(target, e);
        }
        finally
        {
            Discard(temporary);
            foreach (string parent in missing) DiscardEmpty(parent);
        }
    }

    /// <summary>npy, version 1.0, little-endian float64, C order.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="shape">Length of every axis; their product is the number of values.</param>
    /// <param name="values">Last axis fastest.</param>
    /// <exception cref="LeithException">Number of values and shape differ.</exception>
    public static void WriteNpy(Stream stream, IReadOnlyList<int> shape, IEnumerable<double> values)
    {
        stream.Write(Npy.Prefix("<f8", shape));
        long expected = shape.Aggregate(1L, (a, b) => a * b);
        long count = 0;
        Span<byte> bytes = stackalloc byte[8];
        foreach (double value in values)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
            stream.Write(bytes);
            count++;
        }
        if (count != expected) throw new LeithException($"npy: expected {expected} values for the shape {NpyHeader.Print(shape)}, got {count}; give the shape that the values have.");
    }

    private static LeithException Refused(string target, Exception e) =>
        new($"expected a folder that can be written, got {target}: {e.Message.TrimEnd('.')}. Free some space or choose another place with --out DIR.", e);

    private static IEnumerable<string> Parents(string path)
    {
        for (string? at = Path.GetDirectoryName(path); at is not null; at = Path.GetDirectoryName(at)) yield return at;
    }

    // Another run may have put something there in the meantime.
    private static void DiscardEmpty(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As below.
        }
    }

    private static void Discard(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed is no reason to hide the error that led here.
        }
    }
}
