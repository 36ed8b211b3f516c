/// Experiments run to the end in a folder of their own, which is gone afterwards.
module Leith.Tests.Running

open System.IO
open Leith

/// What an experiment finds, from a cache of its own, on so many threads.
let runOn threads (experiment: Experiment) : Outcome =
    Terminal.isQuiet <- true
    let folder = Directory.CreateTempSubdirectory("leith-tests-").FullName

    try
        Runner.outcome
            {
                Sketch = false
                Out = Path.Combine(folder, "out")
                Seed = None
                Threads = threads
                Debug = false
                Cache = Some(Path.Combine(folder, "cache"))
                Values = []
            }
            experiment
    finally
        Directory.Delete(folder, true)

/// What an experiment finds, from a cache of its own, on two threads.
let runAlone (experiment: Experiment) : Outcome = runOn 2 experiment
