using System.Reflection;
using System.Runtime.InteropServices;
using Leith.Core;

namespace Leith.Torch;

/// <summary>
/// Where the native part is: libleith_torch.so, which <c>./run --with-torch</c> builds into artifacts/torch and which brings libtorch with it. It is loaded at the
/// first use of a tensor; without it everything else of Leith works. The environment variable LEITH_TORCH names another file.
/// </summary>
public static class TorchLibrary
{
    internal const string Name = "leith_torch";
    private static readonly Lazy<(nint Handle, string Trouble)> Loaded = new(Load);

    static TorchLibrary() => NativeLibrary.SetDllImportResolver(typeof(TorchLibrary).Assembly, (name, _, _) => name == Name ? Require() : 0);

    /// <summary>Whether libtorch can be used on this machine.</summary>
    public static bool IsAvailable => Loaded.Value.Handle != 0;

    /// <summary>Why it cannot; empty where it can.</summary>
    public static string Trouble => Loaded.Value.Trouble;

    /// <summary>Ends with a sentence unless libtorch can be used.</summary>
    /// <exception cref="LeithException">The native part was not built, or cannot be loaded.</exception>
    public static nint Require() => IsAvailable ? Loaded.Value.Handle : throw Missing(Trouble);

    /// <summary>Ends with a sentence unless there is such a device: "cpu", "cuda", "cuda:1", …</summary>
    /// <exception cref="LeithException">No libtorch; a device of another kind; a GPU that is not there.</exception>
    public static void RequireDevice(string device)
    {
        if (!IsDevice(device)) throw new LeithException($"device: expected cpu, cuda or cuda:0, cuda:1, …, got {device}.");
        Require();
        if (device == "cpu") return;
        int there = torch.cuda.device_count(), wanted = device == "cuda" ? 0 : int.Parse(device.AsSpan(5));
        if (wanted < there) return;
        string seen = there == 0 ? "libtorch sees no GPU here" : $"libtorch sees {there}, counted from cuda:0";
        throw new LeithException($"device: expected a device of this machine, got {device}, but {seen}; take onDevice \"cpu\", or build with a libtorch for CUDA: "
            + "CMAKE_PREFIX_PATH=/path/to/libtorch ./run --with-torch script.fsx.");
    }

    /// <summary>Whether a text names a device, of this machine or another.</summary>
    public static bool IsDevice(string device) =>
        device is "cpu" or "cuda" || (device.StartsWith("cuda:", StringComparison.Ordinal) && byte.TryParse(device.AsSpan(5), System.Globalization.NumberStyles.None, null, out _));

    internal static LeithException Missing(string trouble) =>
        new($"libtorch: expected its binding, {trouble}; run the script once with  ./run --with-torch script.fsx , which installs libtorch and builds the binding.");

    private static (nint, string) Load() =>
        Open(Environment.GetEnvironmentVariable("LEITH_TORCH") is { Length: > 0 } given ? given : Beside(typeof(TorchLibrary).Assembly));

    /// <summary>The library at a path, or what is wrong with it.</summary>
    internal static (nint Handle, string Trouble) Open(string path)
    {
        if (!File.Exists(path)) return (0, "found none");
        try { return (NativeLibrary.Load(path), ""); }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException) { return (0, $"found {path}, which cannot be loaded ({e.Message.ReplaceLineEndings(" ")})"); }
    }

    // artifacts/Leith/Release/Leith.Torch.dll stands beside artifacts/torch/libleith_torch.so
    private static string Beside(Assembly assembly) =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory, "..", "..", "torch", "libleith_torch.so"));
}
