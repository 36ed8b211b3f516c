namespace Leith.Core;

/// <summary>
/// result = G(state, other, t): a map of two tiles, such as noise S(u, t) w, linear in w, or a transposed tangent F′(u, t)ᵀ w.
/// An instance owns its workspace and serves one thread.
/// </summary>
public interface IPairMap : IDisposable
{
    /// <summary>result ← G(state, other, time). The result shares no memory with the others.</summary>
    void Apply(Tile state, Tile other, double time, Tile result);
}
