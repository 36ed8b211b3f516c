namespace Leith.Torch;

/// <summary>
/// Tensors made on this thread while the scope is open are freed when it closes, except those that were moved out. Scopes nest; made by <see cref="torch.NewDisposeScope"/>.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    [ThreadStatic] private static DisposeScope? innermost;
    private readonly DisposeScope? outer;
    private readonly HashSet<torch.Tensor> tensors = new(ReferenceEqualityComparer.Instance);

    internal DisposeScope() => (outer, innermost) = (innermost, this);

    /// <summary>Takes a new tensor into the innermost open scope.</summary>
    internal static DisposeScope? Include(torch.Tensor tensor)
    {
        innermost?.tensors.Add(tensor);
        return innermost;
    }

    internal void Remove(torch.Tensor tensor) => tensors.Remove(tensor);

    /// <summary>Hands a tensor to the scope around this one.</summary>
    internal DisposeScope? MoveOut(torch.Tensor tensor)
    {
        tensors.Remove(tensor);
        outer?.tensors.Add(tensor);
        return outer;
    }

    /// <summary>Frees the tensors of the scope.</summary>
    public void Dispose()
    {
        foreach (var tensor in tensors) tensor.Free();
        tensors.Clear();
        if (ReferenceEquals(innermost, this)) innermost = outer;
    }
}
