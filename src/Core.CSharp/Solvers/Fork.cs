namespace Leith.Core;

/// <summary>Hands every sample of a tile to several sinks, in their order.</summary>
public sealed class Fork(IReadOnlyList<ITileSink> sinks) : ITileSink
{
    /// <summary>The sample goes to each sink.</summary>
    public void Sample(long index, double time, Tile state)
    {
        foreach (var sink in sinks) sink.Sample(index, time, state);
    }

    /// <summary>Each sink finishes.</summary>
    public void Finish()
    {
        foreach (var sink in sinks) sink.Finish();
    }
}
