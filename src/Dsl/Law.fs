/// Samples of the stationary law, from which observables that are statistics are made.
module internal Leith.Law

open System
open Leith.Core
open Leith.Stages

/// States that a law is read from, and numbers in them, at most.
let private statesKept = 1_000_000
let private numbersKept = 4_000_000

type Law = {
    /// Unknowns with their first row in a state and their number of rows.
    Unknowns: (Field * int * int) list
    /// [sample][row].
    States: float[][]
    /// Values of the whole record behind one value here.
    Thinning: float
    /// Neighbouring states belong to so many members.
    Members: int
}

let private ofEnsemble setting (experiment: Experiment) (equations: Equation list) (step: Step) (s: Sampling) =
    let model = Lower.model experiment
    let plan = SamplingPlan(s.Members, s.SpinUp, s.Lasting, s.Every)
    let all = plan.Samples * int64 s.Members

    let kept = min statesKept (max 256 (numbersKept / model.Rows))
    let thin = max 1L (all / int64 kept)

    let arrays =
        cached setting $"law {kept}\n{describe experiment}" (fun () ->
            Terminal.stage "sample the law" (fun progress ->
                let saver = Saver<float>(model, plan, Nullable(), thin)

                (simulation model step (initialOf model experiment) (uint64 experiment.Seed))
                    .Run(plan, (fun tile -> saver.Open tile), setting.Threads, fraction progress, setting.Cancellation)

                stopIfCancelled setting
                let arrays = Arrays()
                arrays["states"] <- saver.Values
                arrays))

    {
        Unknowns = [
            for e, segment in List.zip equations (List.ofSeq model.Segments) do
                e.Unknown, segment.First, segment.Rows
        ]
        States = arrays["states"] |> Array.chunkBySize model.Rows
        Thinning = float thin
        Members = s.Members
    }

/// The law of an experiment's states: of a recording all of them, of an ensemble a part.
let read setting (loadRecording: Data -> Recording) (experiment: Experiment) =
    match experiment.Source with
    | Source.Simulated(equations, _, step, s) -> ofEnsemble setting experiment equations step s
    | Source.Recorded data ->
        let r = loadRecording data

        {
            Unknowns = [ for i in 0 .. r.Components - 1 -> column data i, i, 1 ]
            States = Array.init r.Samples (fun n -> r.Values |> Array.map (fun series -> series[n]))
            Thinning = 1.0
            Members = 1
        }

/// All values of an expression, [sample · sites + site].
let values (law: Law) (a: Field) : float[] =
    let places =
        law.Unknowns |> List.map (fun (u, first, rows) -> u, (first, rows)) |> dict

    let sites =
        Field.unknowns a
        |> List.map (fun u ->
            match places.TryGetValue u with
            | true, (_, rows) -> rows
            | _ -> raise (LeithException $"observe: expected a column of the recording or an unknown of the system, got {u}."))
        |> List.fold max 1

    law.States
    |> Array.collect (fun state ->
        Array.init sites (fun site ->
            let look (leaf: Field) =
                match places.TryGetValue leaf with
                | true, (first, 1) -> state[first]
                | true, (first, _) -> state[first + site]
                | _ ->
                    raise (
                        LeithException
                            $"observe: expected an expression of the values at one place inside a statistic or a threshold, got {leaf}; take the statistic of the unknown."
                    )

            Field.evaluate look 0.0 a))

/// Independent parts of the values of an expression: members, or pieces of a recording.
let parts (law: Law) (values: float[]) : float[][] =
    let wanted = 32
    let each = values.Length / law.States.Length

    let part state =
        if law.Members >= 2 * wanted then
            state % law.Members % wanted
        else
            int (int64 state * int64 wanted / int64 law.States.Length)

    values
    |> Array.indexed
    |> Array.groupBy (fun (i, _) -> part (i / each))
    |> Array.map (snd >> Array.map snd)

/// A number that is made of the values, with its standard error from the scatter of the parts.
let measured (law: Law) (statistic: float[] -> float) (values: float[]) =
    let each = parts law values |> Array.map statistic
    let m, n = Array.average each, float each.Length
    statistic values, sqrt ((each |> Array.sumBy (fun v -> (v - m) * (v - m))) / (n * (n - 1.0)))
