/// How much of an observable of scalar unknowns its past still decides: Var(E[A(t) | x₀]) from forked runs, which a bound on the bias decays with.
module internal Leith.VectorForks

open System
open Leith.Core
open Leith.Stages
open Leith.VectorRecord

/// Lags at which forks are looked at, the share of the run's time that they may take, and tiles of starts at most.
let private lagsLooked, private share, private mostStarts = 16, 0.1, 128.0

/// √(Var(E[A(t) | x₀]) + 2 standard errors) of a row of [unknowns, observables] at a lag in units of time.
type Forked = {
    Lags: float[]
    /// [lag][row].
    Values: float[][]
    Errors: float[][]
} with

    /// The variance with two standard errors at a lag: that of the last lag looked at before it, which is no less.
    member f.Variance (time: float) row =
        let last =
            f.Lags |> Array.findIndexBack (fun lag -> lag <= time * (1.0 + 1e-9) + 1e-12)

        f.Values.[last].[row] + 2.0 * f.Errors.[last].[row]

/// Starts at the samples of a run, few enough for the share of its time; none where a run is too short.
type Starts = {
    Kept: ForkStarts
    /// Samples between lags.
    Every: int
    Key: string
}

let starts (c: Context) : Starts option =
    let others, _ = rowsOf c
    let every = max 1 ((c.Longest + lagsLooked - 1) / lagsLooked)
    let longest = float ((c.Longest + every - 1) / every * every)
    let tiles = float c.Plan.Tiles
    let affordable = share * tiles * float c.Plan.Samples / (2.0 * (longest + 1.0))

    if affordable < tiles || c.Longest < 1 then
        None
    else
        let times = int (min affordable (max tiles mostStarts) / tiles)

        Some {
            Kept = ForkStarts(c.Plan, times)
            Every = every
            Key = $"forks {times} {every} {c.Longest}\n{describe c.Experiment}\n{texts others}"
        }

/// The forks, from the cache or from states that the run kept; from a run for them where it was not needed.
let run (c: Context) (starts: Starts) : Forked =
    let others, _ = rowsOf c
    let rows = c.Unknowns @ others

    let compute () =
        Terminal.stage "fork" (fun progress ->
            if starts.Kept.Tiles.Count = 0 then
                (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
                    .Run(c.Plan, (fun tile -> starts.Kept.Open tile), c.Setting.Threads, null, c.Setting.Cancellation)

            let outputs = [|
                for i, row in List.indexed rows -> Segment(string row, null, Representation.Number, i)
            |]

            let steps = (c.Longest + starts.Every - 1) / starts.Every
            let every = float starts.Every * c.Plan.Every

            let found =
                Forks(starts.Kept.Tiles, c.Plan.Members, map c rows, outputs)
                    .Run(
                        (fun initial -> simulation c.Model c.Step initial (Draw.Bits(c.Seed, Draw.Twins, -1L, 1L))),
                        float steps * every,
                        every,
                        c.Setting.Threads,
                        fraction progress,
                        c.Setting.Cancellation
                    )

            stopIfCancelled c.Setting
            ofForks found)

    let arrays = cached c.Setting starts.Key compute

    {
        Lags = arrays["lags"]
        Values = Array.chunkBySize rows.Length arrays["values"]
        Errors = Array.chunkBySize rows.Length arrays["errors"]
    }
