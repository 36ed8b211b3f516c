namespace Leith.Core;

/// <summary>Deals tiles to threads as they become free. Nothing is shared between tiles, so the result does not depend on who gets which.</summary>
internal static class TileDealer
{
    /// <summary>Runs <paramref name="run"/> for every tile, with one worker object a thread.</summary>
    /// <remarks>When tiles fail, the error of the lowest of them is thrown, whatever the order in which they ran: tiles above a failed one stop, those below go on.</remarks>
    /// <param name="tiles">Number of tiles.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="worker">Makes what a thread needs.</param>
    /// <param name="run">Runs a tile; the last argument says whether to give up.</param>
    public static void Deal<TWorker>(int tiles, int threads, Func<TWorker> worker, Action<TWorker, int, Func<bool>> run) where TWorker : IDisposable
    {
        int next = -1, failed = int.MaxValue;
        Exception? error = null;
        var gate = new Lock();

        void Fail(int tile, Exception e)
        {
            lock (gate)
            {
                if (tile >= failed) return;
                (failed, error) = (tile, e);
            }
        }

        void Work()
        {
            int tile = 0;
            try
            {
                using var mine = worker();
                while ((tile = Interlocked.Increment(ref next)) < tiles && tile < Volatile.Read(ref failed))
                {
                    int current = tile;
                    run(mine, current, () => current > Volatile.Read(ref failed));
                }
            }
            catch (GaveUpException) { }
            catch (Exception e) { Fail(tile, e); }
        }

        var helpers = Enumerable.Range(1, Math.Min(threads, tiles) - 1).Select(_ => new Thread(Work) { IsBackground = true }).ToArray();
        foreach (var thread in helpers) thread.Start();
        Work();
        foreach (var thread in helpers) thread.Join();
        if (error is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
    }
}

/// <summary>Ends a tile whose result nobody will see.</summary>
internal sealed class GaveUpException : Exception;

/// <summary>Counts the steps of all threads and tells of every half per cent.</summary>
internal sealed class ProgressMeter(IProgress<double>? progress, double total)
{
    private const int Marks = 200;
    private long done;

    /// <summary>So many steps more were made.</summary>
    public void Add(long steps)
    {
        if (progress is null) return;
        long now = Interlocked.Add(ref done, steps);
        if (Math.Floor(Marks * (now / total)) > Math.Floor(Marks * ((now - steps) / total))) progress.Report(now / total);
    }
}
