/// The record of scalar unknowns: lag products, moments, statistics and samples from one pass over the ensemble.
module internal Leith.VectorRecord

open System
open System.Numerics
open MathNet.Numerics.LinearAlgebra
open Leith.Core
open Leith.Stages

type Context = {
    Experiment: Experiment
    Setting: Setting
    Model: Model
    Unknowns: Field list
    Step: Step
    Plan: SamplingPlan
    Longest: int
    Seed: uint64
}

let pushed c =
    match c.Experiment.Perturb with
    | Perturbation.Push fields -> fields |> List.map (fun f -> List.findIndex ((=) f) c.Unknowns)
    | Perturbation.Kick(u, _) -> raise (LeithException $"perturb: expected a push of scalar unknowns, got a kick of a site of {u}; write push {u}.")
    | other ->
        raise (
            LeithException
                $"perturb: expected pushes of unknowns for a propagator, got {other}; write push {c.Unknowns.Head}, or leave propagator out."
        )

/// Where an observable stands among the rows A = [x, observables that are no unknowns].
let rowsOf c =
    let others =
        c.Experiment.Observe |> List.filter (fun f -> not (List.contains f c.Unknowns))

    let row observable =
        match List.tryFindIndex ((=) observable) c.Unknowns with
        | Some i -> i
        | None -> c.Unknowns.Length + List.findIndex ((=) observable) others

    others, c.Experiment.Observe |> List.map row

let texts (fields: Field list) =
    fields |> List.map Field.canonical |> String.concat "\n"

let map c (fields: Field list) =
    Func<ITileMap>(Lower.vector c.Unknowns fields)

let scores c = [
    for e in Experiment.scored c.Experiment do
        match e.Method with
        | Method.Exact score -> e, score
        | _ -> ()
]

let names c =
    c.Unknowns |> List.map string |> Array.ofList

let drifts c =
    match c.Experiment.Source with
    | Source.Simulated(equations, _, _, _) -> equations |> List.map _.Drift
    | Source.Recorded _ -> []

/// The features of the libraries among the estimators.
let libraryFeatures c =
    [
        for e in Experiment.scored c.Experiment do
            match e.Method with
            | Method.Library library ->
                VectorLibrary.demand e library
                yield! VectorLibrary.candidates c.Unknowns (drifts c) library
            | _ -> ()
    ]
    |> List.distinct

/// What scores in closed form are fitted and tested on, the features of libraries first; none without such scores.
let libraryPlan c =
    let isClosed (e: Estimator) =
        match e.Method with
        | Method.Gaussian
        | Method.Exact _
        | Method.Library _ -> true
        | _ -> false

    if Experiment.scored c.Experiment |> List.exists isClosed then
        Some(VectorLibrary.plan c.Unknowns (List.distinct (libraryFeatures c @ c.Unknowns)))
    else
        None

let lagPlan c observables features (scoreMaps: Func<ITileMap> list) =
    VectorLagPlan(
        c.Plan,
        c.Unknowns.Length,
        c.Longest,
        Observables = [|
            if not (List.isEmpty observables) then
                TileRows(observables.Length, map c observables)
        |],
        Scores = [| for m in scoreMaps -> TileRows(c.Unknowns.Length, m) |],
        Features = [|
            if not (List.isEmpty features) then
                TileRows(features.Length, map c features)
        |],
        Names = names c
    )

/// Lag products of lag 0 that scores in closed form are fitted and tested from, with the first known score; further rows before it.
let momentPlan c (plan: VectorLibrary.Plan) extra =
    let known = scores c |> List.tryHead |> Option.map snd |> Option.defaultValue []
    let rows, columns = VectorLibrary.rows plan extra known

    VectorLagPlan(
        c.Plan,
        c.Unknowns.Length,
        0,
        Observables = [| TileRows(rows.Length, map c rows) |],
        Features = [| TileRows(columns.Length, map c columns) |],
        Names = names c
    )

let samplesKey c =
    $"samples {VectorClustered.samplesKept}\n{describe c.Experiment}"

let needsSamples c =
    Experiment.scored c.Experiment
    |> List.exists (fun e ->
        match e.Method with
        | Method.Learned _
        | Method.Clustered _ -> true
        | _ -> false)

let saverOf c =
    let all = c.Plan.Samples * int64 c.Plan.Members

    Saver<float>(c.Model, c.Plan, Nullable(), max 1L (all / int64 VectorClustered.samplesKept))

let keepSamples c (saver: Saver<float>) =
    let arrays = Arrays()
    arrays["samples"] <- saver.Values
    store c.Setting (samplesKey c) arrays

/// Some samples of the ensemble, [sample][component], from a pass of their own where the first one did not keep them.
let samplesOf c =
    let arrays =
        cached c.Setting (samplesKey c) (fun () ->
            let saver = saverOf c

            (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
                .Run(c.Plan, (fun tile -> saver.Open tile), c.Setting.Threads, null, c.Setting.Cancellation)

            stopIfCancelled c.Setting
            let arrays = Arrays()
            arrays["samples"] <- saver.Values
            arrays)

    arrays["samples"] |> Array.chunkBySize c.Unknowns.Length

let gather c name observables features scoreMaps (open': int -> ITileSink list) =
    Terminal.stage name (fun progress ->
        let lags = VectorLags(lagPlan c observables features scoreMaps)

        (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
            .Run(
                c.Plan,
                (fun tile -> Fork(Array.ofList (lags.Open tile :: open' tile)) :> ITileSink),
                c.Setting.Threads,
                fraction progress,
                c.Setting.Cancellation
            )

        stopIfCancelled c.Setting
        let result = lags.Result()
        progress.Report(1.0, $"{Digest.number (float result.Samples)} samples")
        result)

/// Lag products, the law of each unknown, and the moments of the features of libraries.
/// `watched`: expressions whose largest values are wanted, too; `more` sees the run where there is one.
let products c (library: VectorLibrary.Plan option) (extra: Field list) (watched: Field list) (more: int -> ITileSink list) =
    let others, _ = rowsOf c
    let exact = scores c
    let features = libraryFeatures c

    let text =
        "observables\n" + texts others + "\nscores\n" + texts (exact |> List.collect snd)

    let text =
        if features.IsEmpty then
            text
        else
            text + "\nfeatures\n" + texts features

    let key = $"vector lag products {describe c.Experiment}\nlags {c.Longest}\n{text}"

    let tested =
        library |> Option.map (fun plan -> texts (plan.Features @ extra)) |> Option.defaultValue ""

    let momentsKey = $"vector moments {tested}\n{key}"

    let watchedKey = $"extremes\n{describe c.Experiment}\n{texts watched}"

    let keys =
        (c.Unknowns |> List.map (StationaryLaw.key c.Experiment))
        @ (if watched.IsEmpty then [] else [ watchedKey ])
        @ (library |> Option.map (fun _ -> momentsKey) |> Option.toList)

    let finished (arrays: Arrays list) =
        let laws =
            arrays |> List.truncate c.Unknowns.Length |> List.map OnePointStatistics.FromArrays

        let moments =
            library
            |> Option.map (fun plan ->
                let sums = LagProducts.FromArrays(List.last arrays, names c)
                sums, VectorMoments(sums, VectorLibrary.texts plan |> Array.ofList, plan.Slopes))

        let largest =
            if watched.IsEmpty then
                [||]
            else
                arrays[c.Unknowns.Length]["largest"]

        laws, moments, largest

    match stored c.Setting key, keys |> List.choose (stored c.Setting) with
    | Some arrays, others when others.Length = keys.Length ->
        let laws, moments, largest = finished others
        LagProducts.FromArrays(arrays, names c), laws, moments, largest
    | _ ->
        let onePoint = OnePoint(c.Unknowns.Length, c.Plan)
        let sums = library |> Option.map (fun plan -> VectorLags(momentPlan c plan extra))
        let saver = if needsSamples c then Some(saverOf c) else None

        let extremes =
            if watched.IsEmpty then
                None
            else
                Some(Extremes(c.Plan, TileRows(watched.Length, map c watched)))

        let products =
            gather c "simulate and correlate" others features [ for _, score in exact -> map c score ] (fun tile -> [
                onePoint.Open tile
                for lags in Option.toList sums do
                    lags.Open tile
                for saver in Option.toList saver do
                    saver.Open tile
                for extremes in Option.toList extremes do
                    extremes.Open tile
                yield! more tile
            ])

        for saver in Option.toList saver do
            keepSamples c saver

        let arrays = [
            for law in onePoint.Complete() do
                law.ToArrays()
            for extremes in Option.toList extremes do
                let arrays = Arrays()
                arrays["largest"] <- extremes.Largest
                arrays
            for lags in Option.toList sums do
                lags.Result().ToArrays()
        ]

        store c.Setting key (products.ToArrays())
        List.iter2 (store c.Setting) keys arrays
        let laws, moments, largest = finished arrays
        products, laws, moments, largest

/// One response for each push: [lag][row][kick] of an estimate to curves of the observables.
let responses c (estimator: Estimator) (lags: float[]) (values: float[][][]) (errors: float[][][] option) notes : Response list =
    let _, rows = rowsOf c

    let curves (cube: float[][][]) kick =
        rows |> List.map (fun row -> cube |> Array.map (fun lag -> lag[row][kick])) |> Array.ofList

    [
        for kick in pushed c ->
            ResponseBands.curvesOf
                estimator.Label
                (c.Experiment.Observe |> List.map string |> String.concat ", ")
                (string c.Unknowns[kick])
                lags
                (c.Experiment.Observe |> List.map string |> Array.ofList)
                (curves values kick)
                (errors |> Option.map (fun e -> curves e kick))
                notes
    ]

let estimated c estimator (r: ResponseEstimate) notes =
    let _, rows = rowsOf c

    responses c estimator r.Lags r.Values (Some r.StandardError) (notes @ List.ofSeq r.Notes)
    |> List.map2 (ResponseBands.ofEstimate r rows) (pushed c)
