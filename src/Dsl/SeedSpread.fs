/// Networks trained from several seeds answer with their mean; how far they lie apart enters its bands.
module internal Leith.SeedSpread

open System
open Leith.Core
open Leith.Stages

/// Draws of seeds for the replicates.
let private stream = 0x5EEDUL

/// How many networks an estimator stands for: a robust one has those of its score.
let count (e: Estimator) =
    match e.Method with
    | Method.Robust(score, _) -> max e.Seeds score.Seeds
    | _ -> e.Seeds

let private retrained k (e: Estimator) =
    match e.Method with
    | Method.Learned network -> {
        e with
            Method = Method.Learned { network with Retraining = k }
            Seeds = 1
      }
    | _ -> e

/// The k-th of the networks, under a name of its own; what is drawn from a score is drawn from the first.
let private one label k (e: Estimator) =
    let alone =
        match e.Method with
        | Method.Robust(score, regression) -> {
            e with
                Method = Method.Robust(retrained k score, regression)
                Seeds = 1
          }
        | _ -> retrained k e

    {
        alone with
            Name = Some $"{label}, seed {k + 1}"
            Generation = (if k = 0 then e.Generation else None)
    }

let private parts (e: Estimator) =
    if count e <= 1 then
        [ e ]
    else
        [ for k in 0 .. count e - 1 -> one e.Label k e ]

/// The experiment with every network as an estimator of its own.
let expand (experiment: Experiment) = {
    experiment with
        Estimate = experiment.Estimate |> List.collect parts
}

let private mean (tables: float[][] list) =
    let n = float tables.Length

    tables |> List.reduce (Array.map2 (Array.map2 (+))) |> Array.map (Array.map (fun v -> v / n))

let private meanOf (pick: Response -> float[][] option) (responses: Response list) =
    if responses |> List.forall (pick >> Option.isSome) then
        Some(responses |> List.map (pick >> Option.get) |> mean)
    else
        None

/// The variance of the mean over networks, from their scatter.
let private scatter (tables: float[][] list) =
    let centre, n = mean tables, float tables.Length

    let squares =
        tables |> List.map (fun table -> Array.map2 (Array.map2 (fun v m -> (v - m) ** 2.0)) table centre)

    mean squares |> Array.map (Array.map (fun s -> s / (n - 1.0)))

let private joined (errors: float[][] option) (variance: float[][]) =
    errors |> Option.map (Array.map2 (Array.map2 (fun v e -> sqrt (e * e + v))) variance)

/// Curves of the mean network, resample by resample: as many networks as there are, drawn with replacement, about their mean.
let private replicates (responses: Response list) centre =
    let n = responses.Length
    let factor = sqrt (float n / float (n - 1)) / float n
    let all = responses |> List.map (_.Replicates >> Option.get) |> Array.ofList
    let values = responses |> List.map _.Values |> Array.ofList

    Array.init (Array.length centre) (fun i ->
        Array.init all[0].[i].Length (fun b ->
            let drawn = Array.init n (fun k -> Draw.Index(1UL, stream, int64 b, int64 k, n))

            Array.init (Array.length centre[i]) (fun lag ->
                let sampling = all |> Array.averageBy (fun r -> r.[i].[b].[lag])

                sampling + factor * (drawn |> Array.sumBy (fun k -> values.[k].[i].[lag] - centre.[i].[lag])))))

let private total (tables: float[][]) = tables |> Array.sumBy Array.sum

/// Degrees of freedom of a sum of two variances (Welch and Satterthwaite).
let private student (pointwise: float) sampling seeds n =
    // Of so many blocks that Student's quantile is the one given.
    let blocks =
        if pointwise <= Bands.Normal then
            1e6
        else
            Seq.initInfinite (fun i -> 2.0 * 1.1 ** float i) |> Seq.find (fun b -> Bands.Student b <= pointwise)

    let freedom =
        (sampling + seeds) ** 2.0
        / (sampling * sampling / max 1.0 (blocks - 1.0) + seeds * seeds / (n - 1.0))

    if Double.IsFinite freedom then
        max pointwise (Bands.Student(freedom + 1.0))
    else
        pointwise

let private together label (responses: Response list) : Response =
    let first, n = responses.Head, responses.Length
    let values = responses |> List.map _.Values
    let centre, spread = mean values, scatter values
    let sampling = responses |> meanOf _.StandardError

    let largest (table: float[][]) =
        table |> Array.map Array.max |> Array.max

    let told =
        match sampling with
        | Some errors ->
            $"; largest standard error from sampling {Digest.uncertainty (largest errors)}, from seeds {Digest.uncertainty (sqrt (largest spread))}"
        | None -> ""

    let fields = responses |> meanOf _.Field

    {
        first with
            Estimator = label
            Values = centre
            StandardError = joined sampling spread
            Replicates =
                (if responses |> List.forall _.Replicates.IsSome then
                     Some(replicates responses centre)
                 else
                     None)
            OwnErrors = responses |> meanOf _.OwnErrors
            Pointwise =
                (match sampling with
                 | Some errors -> student first.Pointwise (errors |> Array.map (Array.map (fun e -> e * e)) |> total) (total spread) (float n)
                 | None -> first.Pointwise)
            BiasBound = responses |> meanOf _.BiasBound
            Field = fields
            FieldStandardError =
                (match fields, responses |> meanOf _.FieldStandardError with
                 | Some _, errors -> joined errors (responses |> List.map (_.Field >> Option.get) |> scatter)
                 | None, _ -> None)
            Notes = $"mean of {n} networks, each from a seed of its own{told}" :: first.Notes
    }

/// What the networks found, as what their estimators asked for.
let combine (experiment: Experiment) (found: Findings) : Findings =
    let gathered =
        experiment.Estimate |> List.map (fun e -> e, parts e |> List.map _.Label)

    let responses = [
        for e, labels in gathered do
            let mine =
                labels |> List.map (fun label -> found.Responses |> List.filter (fun r -> r.Estimator = label))

            if labels.Length = 1 then
                yield! mine.Head
            else
                for i in 0 .. mine.Head.Length - 1 -> together e.Label (mine |> List.map (List.item i))
    ]

    let renamed label =
        gathered |> List.tryPick (fun (e, labels) -> if labels.Head = label then Some e.Label else None)

    {
        found with
            Responses = responses
            Scores = [
                for s in found.Scores do
                    match renamed s.Estimator with
                    | Some label -> { s with Estimator = label }
                    | None -> ()
            ]
            Generated = [
                for g in found.Generated do
                    match renamed g.Estimator with
                    | Some label -> { g with Estimator = label }
                    | None -> ()
            ]
    }
