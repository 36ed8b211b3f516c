using System.Runtime.InteropServices;

namespace Leith.Core;

/// <summary>Memory for large arrays that is walked with long strides: asked of the system in pages of 2 MiB where it gives them, so that address translation costs nothing.</summary>
static unsafe partial class LargePages
{
    const nuint PageBytes = 2 << 20;
    const int AdviseHuge = 14; // MADV_HUGEPAGE

    /// <summary>Bytes aligned to 64, or to 2 MiB for large arrays; not zeroed.</summary>
    public static void* Allocate(nuint bytes)
    {
        if (bytes < 2 * PageBytes) return NativeMemory.AlignedAlloc(bytes, 64);
        bytes = (bytes + PageBytes - 1) / PageBytes * PageBytes;
        void* memory = NativeMemory.AlignedAlloc(bytes, PageBytes);
        // Only advice: where it is not taken, small pages serve as well.
        if (OperatingSystem.IsLinux()) _ = Advise(memory, bytes, AdviseHuge);
        return memory;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
