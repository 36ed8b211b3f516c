namespace Leith.Core;

/// <summary>Files opened and written with messages that say what to do.</summary>
internal static class DataFile
{
    /// <summary>All bytes of a file.</summary>
    public static byte[] ReadAllBytes(string path) => Guarded(path, () => File.ReadAllBytes(path));

    /// <summary>All lines of a text file; a byte-order mark is dropped.</summary>
    public static string[] ReadAllLines(string path) => Guarded(path, () => File.ReadAllLines(path));

    /// <summary>Writes beside the target and renames, so that a reader never sees half a file.</summary>
    public static void WriteAtomically(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():n}.part";
        try
        {
            using (var stream = File.Create(temporary)) write(stream);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            throw new LeithException($"'{path}': expected a place that can be written, got: {error.Message} Choose another folder, or make it writable.", error);
        }
    }

    private static T Guarded<T>(string path, Func<T> read)
    {
        if (Directory.Exists(path)) throw new LeithException($"'{path}': expected a file, got a folder. Give the path of the file in it.");
        if (!File.Exists(path)) throw new LeithException($"'{path}': expected a file, got nothing: it does not exist seen from {Directory.GetCurrentDirectory()}. Check the path.");
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LeithException($"'{path}': expected a readable file, got: {error.Message} Check its permissions.", error);
        }
    }
}
