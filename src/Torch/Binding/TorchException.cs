namespace Leith.Torch;

/// <summary>An error that libtorch raised, with its message.</summary>
public sealed class TorchException(string message) : Exception(message);
