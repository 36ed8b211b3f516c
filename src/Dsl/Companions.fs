/// Experiments of a sweep whose states are the same share the pass over the ensemble too, where they ask for different scores.
module internal Leith.Companions

open Leith.Core

let private isExact (estimator: Estimator) =
    match estimator.Method with
    | Method.Exact _ -> true
    | _ -> false

let private canRun experiment =
    try
        Experiment.validate experiment
        true
    with :? LeithException ->
        false

/// The known scores that a group of experiments with the same states asks for, each once.
let private scores (group: Experiment list) =
    group
    |> List.collect _.Estimate
    |> List.filter isExact
    |> List.distinctBy _.Method
    |> List.mapi (fun i score -> {
        score with
            Name = Some $"score {i + 1} of the sweep"
    })

/// For each experiment the exact estimators whose sums over the record are to be gathered in the same pass as its own; none where its own are all there are.
/// Sums lie in one table, which all must ask for.
let share (experiments: Experiment list) : Estimator list list =
    let states (experiment: Experiment) =
        Stages.describe experiment, experiment.Lags

    let able = experiments |> List.filter canRun
    let groups = able |> List.groupBy states |> Map.ofList

    [
        for experiment in experiments do
            match groups.TryFind(states experiment) with
            | None -> []
            | Some group ->
                let all = scores group

                let own =
                    experiment.Estimate |> List.filter isExact |> List.map _.Method |> List.distinct

                if List.map _.Method all = own then [] else all
    ]

/// The estimators of an experiment, those with known scores in the order of the companions, which stand in for scores that it does not ask for.
let join (companions: Estimator list) (own: Estimator list) =
    let known =
        companions
        |> List.map (fun companion -> own |> List.tryFind (fun e -> e.Method = companion.Method) |> Option.defaultValue companion)

    known @ (own |> List.filter (fun e -> not (List.contains e known)))
