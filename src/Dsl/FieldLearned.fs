/// Learned scores of fields: training, and the response of which the network is one part.
module internal Leith.FieldLearned

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.FieldRecord

/// What a learned score says of one observable.
type Found = {
    Response: FieldResponse
    /// −⟨u ŝ⟩ at lag zero, and what it is for a perfect score at the noise level of this one; none: a unit kick.
    Identity: FieldResponse
    Expected: float[] option
    Score: LearnedScore
    /// Relative L2 distance to a known score, with its standard error.
    RelativeError: (float * float) option
    Trust: FieldTrust.Assessment option
    /// What the forecast has features of.
    Forecast: Field list
    Notes: string list
}

let private key c (network: Network) =
    $"network {describe c.Experiment}\n{network.Canonical}\n{trainingFields c.Setting} lags {c.Longest}"

/// Whether fields are wanted for a training.
let wantsFields c (network: Network) =
    network.Weights.IsNone && not (isTrained c.Setting (key c network))

/// Members that validate: a tenth, at least one.
let private validating members = max 1 ((members + 9) / 10)

/// Fields sorted by member, so that the last ones are of members that training never sees.
let private byMembers members (fields: float32[][]) =
    fields |> Array.indexed |> Array.sortBy (fun (i, _) -> i % members) |> Array.map snd

/// The weights of a file, refused where they are not of this grid.
let private fromFile c (estimator: Estimator) path =
    let score = LearnedScore.Load path

    let text (grid: Grid) =
        let points = grid.Points |> Seq.map string |> String.concat " × "
        let lengths = grid.Lengths |> Seq.map Digest.number |> String.concat " × "
        $"{points} points on {lengths}"

    match score.Grid with
    | null ->
        raise (
            LeithException
                $"'{estimator}' expected a network for {c.Unknown}, a field of {text c.Grid}, got one for scalar unknowns in {path}; train one here."
        )
    | grid when
        not (Seq.forall2 (=) grid.Points c.Grid.Points && grid.Dimensions = c.Grid.Dimensions)
        || Seq.exists2 (fun a b -> abs (a - b) > 1e-9 * b) grid.Lengths c.Grid.Lengths
        ->
        raise (
            LeithException
                $"'{estimator}' expected a network for {c.Unknown} on {text c.Grid}, got one on {text grid} in {path}; a score knows the spectrum of its grid: train one here, or give {c.Unknown} that grid."
        )
    | _ -> score

/// A library that a network stands on: its score as a map of the spectrum of the kicked field.
type private Foundation = {
    Shared: LibraryRun.Shared
    Chosen: LibraryRun.Chosen
    Score: Func<ITileMap>
    Fitted: LibraryScore
    /// The features of the forecast, with their numbers among those of the record.
    Forecast: Field list
}

let private foundation c (estimator: Estimator) (shared: LibraryRun.Shared option) (network: Network) =
    match network.Base, shared with
    | NetworkBase.Library library, Some shared ->
        let chosen = LibraryRun.choose c shared library
        let fitted = LibraryScore.Fitted(shared.Sums, chosen.Terms, chosen.Ridge)

        let forecast =
            LibraryRemainder.Forecast chosen.Terms |> Seq.map (fun j -> shared.Fields[j]) |> List.ofSeq

        match forecast |> List.tryFind (fun f -> Field.unknowns f |> List.exists ((<>) c.Unknown)) with
        | Some stranger ->
            raise (
                LeithException
                    $"'{estimator}' expected a library of {c.Unknown} alone under a network, which sees nothing else, got {stranger}; leave it out."
            )
        | None -> ()

        Some {
            Shared = shared
            Chosen = chosen
            Fitted = fitted
            Score = Func<ITileMap>(fun () -> new OfSpectrum(fitted.CreateScore(), c.Grid, c.Model.Rows, pushedSegment c))
            Forecast = forecast
        }
    | _ -> None

let private train c (estimator: Estimator) (network: Network) (products: SpectralLagProducts) fields deviation (given: Func<ITileMap> | null) =
    let score =
        match network.Weights with
        | Some path -> fromFile c estimator path
        | None ->
            trained c.Setting estimator.Label (key c network) (fun checkpoint progress ->
                let options = trainingOptions c.Setting network c.Seed deviation checkpoint
                let members = c.Plan.Members

                DenoisingTraining.TrainField(
                    c.Grid,
                    byMembers members fields,
                    products.Mean,
                    SpectralResponse.Power products,
                    options.ValidatedBy(float (validating members) / float members),
                    trainingProgress progress,
                    c.Setting.Cancellation,
                    given
                ))

    match given with
    | null when score.Base = ScoreBase.Given ->
        raise (LeithException $"'{estimator}' expected the library that these weights were trained on, got none; add |> onLibrary (…).")
    | null -> score
    | library when score.Base = ScoreBase.Given -> score.On library
    | _ -> raise (LeithException $"'{estimator}' expected weights that were trained on a library, got weights on another base; leave onLibrary out.")

/// The score alone.
let score c (estimator: Estimator) network products fields deviation shared =
    let given: Func<ITileMap> | null =
        match foundation c estimator shared network with
        | Some foundation -> foundation.Score
        | None -> null

    train c estimator network products fields deviation given

/// Lag products of the observables with what the network adds to the score it stands on, from fewer base fields.
let private remainders c (estimator: Estimator) (network: Network) (score: LearnedScore) stride others (observables: Field list) =
    let key (field: Field) =
        $"remainder {productsKey c field network.Canonical}\nstride {stride}"

    FieldRecord.remainders c estimator key (fun () -> score.CreateRemainder()) (not score.Interrupted) stride others observables

let private trainingNotes c (network: Network) (score: LearnedScore) = [
    match network.Weights with
    | Some path -> $"weights of {path}"
    | None -> $"trained on about {trainingFields c.Setting} fields, those of {validating c.Plan.Members} members kept for validation"
    if score.Sigma > 0.0 then
        $"score at noise level σ = {Digest.number score.Sigma}"
    else
        "score of the data themselves, by implicit score matching"
    if score.IsColoured then
        "noise with the spectrum of the field"
    if score.History.Count > 0 then
        let last = score.History[score.History.Count - 1]

        if last.Step < last.Steps && not score.Interrupted then
            $"training ended at step {last.Step} of {last.Steps}: the validation loss no longer fell"

        if last.Restarts > 0 then
            $"training{slowed last.Restarts}"
]

/// Samples of every member at which a learned score is compared with a known one.
let private comparedSamples = 16L

/// √(⟨|ŝ − s|²⟩/⟨|s|²⟩) and its standard error where a known score stands among the estimators.
let private distance c (estimator: Estimator) (network: Network) (score: LearnedScore) : (float * float) option =
    let known =
        c.Experiment.Estimate
        |> List.tryPick (fun e ->
            match e.Method with
            | Method.Exact [ known ] -> Some known
            | _ -> None)

    let own () : ITileMap =
        match map c c.Unknown with
        | null -> score.CreateScore()
        | unknown -> new Chain(unknown.Invoke(), c.Grid.Sites, score.CreateScore())

    let measure (exact: Field) () =
        Terminal.stage $"compare {estimator}" (fun _ ->
            let samples = min comparedSamples c.Plan.Samples

            let plan =
                SamplingPlan(c.Plan.Members, 0.0, float samples * c.Plan.Every, c.Plan.Every)

            let distance =
                FieldScoreDistance(
                    Func<ITileMap>(own),
                    Func<ITileMap>(Lower.field c.Unknowns (Option.get (Field.place c.Unknown)) exact),
                    samples,
                    c.Grid.Sites
                )

            c.Simulation.Value.Run(plan, (fun tile -> distance.Open tile), c.Setting.Threads, null, c.Setting.Cancellation)
            stopIfCancelled c.Setting
            let struct (value, error) = distance.Result()
            let arrays = Arrays()
            arrays["distance"] <- [| value; error |]
            arrays)

    known
    |> Option.map (fun exact ->
        let description =
            $"distance to {Field.canonical exact} of {network.Canonical}\n{describe c.Experiment}\n{comparedSamples}"

        let found =
            if score.Interrupted then
                measure exact ()
            else
                cached c.Setting description (measure exact)

        found["distance"][0], found["distance"][1])

/// The response of one observable from a learned score; `regression`: features, and their ridge, that the forecast has beside those of the score's base.
let estimate
    c
    bootstrap
    (estimator: Estimator)
    observable
    (network: Network)
    (products: Dictionary<Field * string, SpectralLagProducts>)
    fields
    deviation
    (shared: LibraryRun.Shared option)
    (regression: (Field list * float) option)
    : Found =
    let self = products[(c.Unknown, "the state")]
    let foundation = foundation c estimator shared network

    let given: Func<ITileMap> | null =
        match foundation with
        | Some found -> found.Score
        | None -> null

    let score = train c estimator network self fields deviation given
    stopIfCancelled c.Setting

    let stride =
        max 1 (int (Math.Ceiling(float c.Plan.Samples * float c.Plan.Members / networkFields c.Setting)))

    // the field itself first, then the observable, then what else the library forecasts with
    let ofBase =
        foundation |> Option.map _.Forecast |> Option.defaultValue [ c.Unknown ]

    let forecast, ridge =
        match regression with
        | Some(features, ridge) -> List.distinct (c.Unknown :: ofBase @ features), ridge
        | None -> ofBase, 0.0

    let observables = c.Unknown :: observable :: forecast |> List.distinct
    let power = SpectralResponse.Power self

    let trust =
        shared
        |> Option.map (fun shared -> FieldTrust.networkRecord c shared (key c network) (fun () -> score.CreateRemainder()) power, shared)

    let others = trust |> Option.map (fst >> fst) |> Option.defaultValue []
    let remainders = remainders c estimator network score stride others observables

    let with' field =
        remainders[List.findIndex ((=) field) observables]

    let own, remainder = with' c.Unknown, with' observable
    let smoothed = score.SmoothedVariance(SpectralResponse.Power self)

    let r, identity =
        Terminal.stage $"resample {estimator}" (fun _ ->
            match regression, foundation with
            | Some _, _ ->
                let on = Option.get shared
                let index = on.Observables |> List.findIndex ((=) observable)

                let terms =
                    LibraryTerms(forecast |> List.map (LibraryRun.indexOf on) |> List.toArray, [||])

                let features = forecast |> List.map with' |> Array.ofList

                LibraryRemainder.Estimate(on.Sums, index, terms, ridge, remainder, features, c.Plan.Every, bootstrap),
                (match foundation with
                 | Some on -> LibraryRemainder.AtLagZero(on.Shared.Sums, on.Chosen.Terms, on.Chosen.Ridge, own, bootstrap)
                 | None -> SpectralResponse.AtLagZero(self, own, smoothed, bootstrap))
            | None, Some on ->
                let index = on.Shared.Observables |> List.findIndex ((=) observable)
                let features = forecast |> List.map with' |> Array.ofList

                LibraryRemainder.Estimate(on.Shared.Sums, index, on.Chosen.Terms, on.Chosen.Ridge, remainder, features, c.Plan.Every, bootstrap),
                LibraryRemainder.AtLagZero(on.Shared.Sums, on.Chosen.Terms, on.Chosen.Ridge, own, bootstrap)
            | None, None ->
                SpectralResponse.Controlled(products[(observable, "the state")], self, remainder, own, c.Plan.Every, bootstrap),
                SpectralResponse.AtLagZero(self, own, smoothed, bootstrap))

    let expected =
        (SpectralResponse.Power self, smoothed)
        ||> Array.map2 (fun p s -> if s > 0.0 then Complex(p / s, 0.0) else Complex.Zero)

    let assessment =
        trust
        |> Option.map (fun ((_, complete), shared) ->
            let sums = complete ()

            let form =
                match foundation with
                | Some on -> FieldTrust.onLibrary shared on.Fitted
                | None -> FieldTrust.onGaussian c shared smoothed

            FieldTrust.assess c bootstrap shared sums estimator form)

    let variate =
        match foundation with
        | _ when regression.IsSome -> $"a regression on {forecast.Length} features"
        | Some on -> $"a forecast by the {on.Forecast.Length} features of the library"
        | None -> "a linear forecast"

    {
        Response = r
        Identity = identity
        Expected = Some(SpectralResponse.ToSites(c.Grid, [| expected |])[0])
        Score = score
        RelativeError = distance c estimator network score
        Trust = assessment
        Forecast = forecast
        Notes =
            $"response with {variate} as control variate, network at {Digest.number remainder.Fields} base fields"
            :: trainingNotes c network score
    }
