/// Responses of scalar unknowns.
module internal Leith.VectorRun

open System
open System.Numerics
open MathNet.Numerics.LinearAlgebra
open Leith.Core
open Leith.Stages
open Leith.VectorRecord
open Leith.VectorMade

let private propagator (c: Context) estimator =
    let n = c.Unknowns.Length
    let lags = Array.init (c.Longest + 1) (fun i -> float i * c.Plan.Every)

    let values =
        lags
        |> Array.map (fun t ->
            let m = LinearLaw.PropagatorMatrix(c.Model, t)
            Array.init n (fun i -> Array.init n (fun j -> m[i, j])))

    responses c estimator lags values None [ "exact, the matrix exponential" ]

/// One column of the response matrix for each pushed unknown; the others were not asked for.
let private dynamical (c: Context) estimator effort (products: LagProducts) =
    let n = c.Unknowns.Length
    let others, _ = rowsOf c
    let rows = n + others.Length
    let covariance = products.Covariance 0

    let equations, noise =
        match c.Experiment.Source with
        | Source.Simulated(equations, noise, _, _) -> equations, noise
        | Source.Recorded _ -> [], Noise.PerSite 0.0

    let twins kick =
        Twins.run c.Setting $"twin runs, {c.Unknowns[kick]} pushed" $"{describe c.Experiment}\npush {kick}\n{texts others}" 1024 effort {
            Model = c.Model
            Step = c.Step
            SpinUp = c.Plan.SpinUp
            Longest = float c.Longest * c.Plan.Every
            Every = c.Plan.Every
            Grid = null
            Pushed = null
            PushedField = null
            Rows = rows
            Kick = Array.init n (fun i -> if i = kick then Complex.One else Complex.Zero)
            Size = 0.1 * sqrt covariance.[kick].[kick]
            Seed = Draw.Bits(c.Seed, Draw.Twins, int64 kick, 0L)
            Observable = (if others.IsEmpty then null else map c (c.Unknowns @ others))
            TransposedTangent = Lower.transposedTangent c.Step equations noise
            Initial = initialOf c.Model c.Experiment
            Stationary = equations |> List.forall (fun e -> not (Field.dependsOnTime e.Drift))
        }

    let estimates = pushed c |> List.map (fun kick -> kick, twins kick)
    let lags = (snd estimates.Head).Lags

    let cube (pick: Twins.Measured -> float[][]) =
        let columns = estimates |> List.map (fun (kick, e) -> kick, pick e) |> Map.ofList

        Array.init lags.Length (fun lag ->
            Array.init rows (fun row ->
                Array.init n (fun kick ->
                    match columns.TryFind kick with
                    | Some values -> values[lag][row]
                    | None -> nan)))

    let _, asked = rowsOf c

    let banded (_, e: Twins.Measured) (response: Response) =
        ResponseBands.ofCurves (e.Replicates |> Array.map (Array.map (fun lag -> [| for row in asked -> lag[row] |]))) e.Independent response

    responses c estimator lags (cube _.Values) (Some(cube _.StandardError)) (Twins.notes None (List.map snd estimates))
    |> List.map2 banded estimates

/// The fit of a library on the first pass.
let private fitted (c: Context) (estimator: Estimator) library (plan: VectorLibrary.Plan) (products: LagProducts) (moments: VectorMoments) =
    let first = c.Unknowns.Length * (1 + (scores c).Length)

    let chosen =
        VectorLibrary.choose plan (drifts c) moments (products.CorrelationSamples()) library

    Terminal.stage $"fit {estimator}" (fun _ -> VectorLibrary.fit plan products moments chosen (fun j -> first + j) c.Seed)

let private library' (c: Context) estimator library (plan: VectorLibrary.Plan) (products: LagProducts) (moments: VectorMoments) tested =
    let fit = fitted c estimator library plan products moments
    let texts = VectorLibrary.texts plan

    VectorLibrary.report estimator (names c) texts fit []
    |> tested estimator (Some fit) (estimated c estimator fit.Response (VectorLibrary.notes library texts fit))

/// What a second pass needs to know of an estimator.
let private conjugateOf (c: Context) samples (cluster: Estimator -> Clusters -> ClusteredScore) plan products moments (estimator: Estimator) =
    let score, _ = VectorConjugate.standsOn estimator

    match score.Method with
    | Method.Gaussian -> VectorAnswers.ask c.Unknowns estimator (ScorePolynomial.fitted 0.0 c.Unknowns c.Unknowns) [] None
    | Method.Exact s -> VectorAnswers.ask c.Unknowns estimator (ScorePolynomial.given s) [] None
    | Method.Library library ->
        let plan: VectorLibrary.Plan = Option.get plan
        let fit = fitted c score library plan products (Option.get moments)
        let texts = VectorLibrary.texts plan

        let form =
            ScorePolynomial.fitted fit.Ridge c.Unknowns [ for j in fit.Chosen -> plan.Features[j] ]

        VectorAnswers.ask c.Unknowns estimator form (VectorLibrary.notes library texts fit) (Some(VectorLibrary.report score (names c) texts fit []))
    | Method.Learned n ->
        let made = train c samples products score n
        VectorAnswers.askMade c.Unknowns estimator $"network {n.Canonical}" (VectorTrust.scoreRows c products made.Create) made ignore
    | Method.Clustered clusters ->
        let key = VectorClustered.canonical clusters
        let summary = $"summary of {key}\n{describe c.Experiment}"

        let made =
            lazy
                (let score = cluster score clusters
                 store c.Setting summary (VectorClustered.summary score)
                 VectorClustered.made (smoothed products) score)

        let told =
            match stored c.Setting summary with
            | Some arrays -> VectorClustered.summarised (smoothed products) arrays
            | None -> made.Value

        let rows = VectorTrust.scoreRows c products (fun () -> made.Value.Create())
        VectorAnswers.askMade c.Unknowns estimator key rows told (fun () -> made.Force() |> ignore)
    | Method.Dynamical _
    | Method.Propagator
    | Method.Robust _ -> raise (LeithException $"robust: expected an estimator with a score, got {score}; write robust gaussian (polynomials 3).")

let private conjugateAsk (c: Context) samples cluster (estimator: Estimator) plan products moments =
    ForecastNetwork.asked c.Unknowns c.Plan.Every (ForecastNetwork.trained c) (conjugateOf c samples cluster plan products moments) estimator

/// Samples from the scores of the estimators that ask for them.
let private generated (c: Context) (products: LagProducts) = [
    let n = c.Unknowns.Length
    let samples = lazy (samplesOf c)
    let data = lazy (samples.Value |> Generate.byMember c.Plan.Members)
    let covariance = products.Covariance 0
    let deviations = Array.init n (fun i -> sqrt covariance.[i].[i])

    let clean (create: unit -> ITileMap) =
        NoisedScore(n, null, deviations, 0.0, infinity, (fun _ -> create ())), true, Some(1e-3, 1.0)

    for estimator in c.Experiment.Estimate do
        match estimator.Generation with
        | None -> ()
        | Some generation ->
            let score, isClean, range =
                match estimator.Method with
                | Method.Learned n -> NoisedScore.Of(network c samples products estimator n), false, None
                | Method.Gaussian ->
                    let law =
                        GaussianMixture.OfVector(
                            deviations,
                            [|
                                struct (1.0, VectorClustered.meanOf samples.Value, Array2D.init n n (fun i j -> covariance[i][j]))
                            |]
                        )

                    NoisedScore.Of law, false, Some(1e-2, 10.0)
                | Method.Exact score -> clean (map c score).Invoke
                | Method.Clustered clusters -> clean (cluster c samples products estimator clusters).CreateScore
                | _ ->
                    raise (LeithException $"generating: expected gaussian, exactOf …, clustered or learned … for scalar unknowns, got {estimator}.")

            Generate.run c.Setting {
                Estimator = estimator.Label
                Generation = generation
                Names = c.Unknowns |> List.map string
                Grid = None
                Data = data.Value
                Members = c.Plan.Members
                Score = score
                IsClean = isClean
                Range = range
                Seed = c.Seed
            }
]

let run setting experiment (equations: Equation list) step (s: Sampling) =
    let c = {
        Experiment = experiment
        Setting = setting
        Model = Lower.model experiment
        Unknowns = equations |> List.map _.Unknown
        Step = step
        Plan = SamplingPlan(s.Members, s.SpinUp, s.Lasting, s.Every)
        Longest = int (Math.Round(experiment.Lags / s.Every))
        Seed = uint64 experiment.Seed
    }

    let plan = libraryPlan c
    let standard = plan |> Option.map (VectorStandard.standard c)

    let starts =
        let hasScore (e: Estimator) =
            not (e.Method.IsDynamical || e.Method.IsPropagator)

        if experiment.Estimate |> List.exists hasScore then
            VectorForks.starts c
        else
            None

    let products, onePoint, sums, largest =
        products
            c
            plan
            (standard |> Option.map VectorStandard.extra |> Option.defaultValue [])
            (standard |> Option.map VectorStandard.watched |> Option.defaultValue [])
            (fun tile -> [
                for starts in Option.toList starts do
                    starts.Kept.Open tile
            ])

    let forked = lazy (starts |> Option.map (VectorForks.run c))

    let moments = sums |> Option.map snd

    let tested (estimator: Estimator) fit (responses: Response list) report =
        let report, bounds =
            Terminal.stage $"test {estimator}" (fun _ ->
                VectorStandard.report c standard.Value products (fst sums.Value) largest estimator fit report)

        VectorStandard.bounded c forked bounds responses, [ report ]

    let statistics =
        List.map2 (fun u s -> StationaryLaw.ofScalar (string u) s) c.Unknowns onePoint

    let exact = scores c |> List.map fst

    let samples = lazy (samplesOf c)
    let clustered = Collections.Generic.Dictionary<string, ClusteredScore>()

    // clusters of one kind are made once, whoever needs them
    let clustersOf (estimator: Estimator) (clusters: Clusters) =
        let key = VectorClustered.canonical clusters

        if not (clustered.ContainsKey key) then
            clustered[key] <- cluster c samples products estimator clusters

        clustered[key]

    let plainly =
        experiment.Estimate |> List.filter (VectorConjugate.isConjugate c >> not)

    let second' = madeFromData c plainly products clustersOf

    let made =
        lazy
            (VectorTrust.tests c products [
                for e in plainly do
                    match e.Method with
                    | Method.Learned _
                    | Method.Clustered _ -> conjugateAsk c samples clustersOf e plan products moments
                    | _ -> ()
            ])

    let conjugate =
        lazy
            (VectorTrust.run c forked products [
                for e in experiment.Estimate do
                    if VectorConjugate.isConjugate c e then
                        conjugateAsk c samples clustersOf e plan products moments
            ])

    let estimate (estimator: Estimator) =
        match estimator.Method with
        | _ when VectorConjugate.isConjugate c estimator -> conjugate.Value[estimator.Label]
        | Method.Robust _ -> conjugate.Value[estimator.Label]
        | Method.Propagator -> propagator c estimator, []
        | Method.Dynamical effort when not (ForcedRun.isPlain c.Experiment) -> VectorForced.dynamical c estimator effort products, []
        | Method.Dynamical effort -> dynamical c estimator effort products, []
        | Method.Gaussian ->
            tested estimator None (estimated c estimator (VectorResponse.Gaussian(products, 200, c.Seed)) []) (scoreReport estimator None [] [])
        | Method.Exact _ ->
            let r =
                VectorResponse.FromScore(products, List.findIndex ((=) estimator) exact, false, 200, c.Seed)

            tested estimator None (estimated c estimator r []) (scoreReport estimator None [] [])
        | Method.Library library -> library' c estimator library plan.Value products moments.Value tested
        | Method.Learned _
        | Method.Clustered _ ->
            let responses, reports = second'[estimator.Label]
            let tested, bounds = made.Value[estimator.Label]

            VectorStandard.bounded c forked bounds responses,
            [
                for r in reports ->
                    {
                        r with
                            Stein = tested.Stein
                            Certificate = tested.Certificate
                            CertificateNote = tested.CertificateNote
                    }
            ]

    let estimates = experiment.Estimate |> List.map estimate

    {
        nothing with
            Responses = estimates |> List.collect fst
            Scores = estimates |> List.collect snd
            Generated = generated c products
            Statistics = statistics
            Notes = [
                yield! statistics |> List.truncate 6 |> List.map StationaryLaw.summary
                "samples seen", $"{Digest.number (float products.Samples)} ({c.Plan.Members} members × {c.Plan.Samples} samples)"
            ]
    }
