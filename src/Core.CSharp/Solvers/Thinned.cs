namespace Leith.Core;

/// <summary>Hands on every so many samples of a tile, the first among them, numbered anew, until so many have been.</summary>
/// <param name="sink">Who gets them.</param>
/// <param name="stride">Every so many.</param>
/// <param name="count">At most so many.</param>
public sealed class Thinned(ITileSink sink, long stride, long count) : ITileSink
{
    /// <summary>The sample goes on, or not.</summary>
    public void Sample(long index, double time, Tile state)
    {
        if (index % stride == 0 && index / stride < count) sink.Sample(index / stride, time, state);
    }

    /// <summary>The sink finishes.</summary>
    public void Finish() => sink.Finish();
}
