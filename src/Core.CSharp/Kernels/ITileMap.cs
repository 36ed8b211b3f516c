namespace Leith.Core;

/// <summary>
/// A map from states to states, result = G(state, t): a drift, a score, an observable field. In Fourier space on a torus (see <see cref="Tile"/>).
/// An instance owns its workspace and serves one thread.
/// </summary>
public interface ITileMap : IDisposable
{
    /// <summary>result ← G(state, time). The two tiles must not share memory.</summary>
    void Apply(Tile state, double time, Tile result);
}
