/// Responses of scalar unknowns.
module internal Leith.VectorRun

open System
open System.Numerics
open MathNet.Numerics.LinearAlgebra
open Leith.Core
open Leith.Stages

type private Context = {
    Experiment: Experiment
    Setting: Setting
    Model: Model
    Unknowns: Field list
    Step: Step
    Plan: SamplingPlan
    Longest: int
    Seed: uint64
}

let private pushed c =
    match c.Experiment.Perturb with
    | Perturbation.Push fields -> fields |> List.map (fun f -> List.findIndex ((=) f) c.Unknowns)
    | Perturbation.Kick(u, _) -> raise (LeithException $"perturb: expected a push of scalar unknowns, got a kick of a site of {u}; write push {u}.")

/// Where an observable stands among the rows A = [x, observables that are no unknowns].
let private rowsOf c =
    let others =
        c.Experiment.Observe |> List.filter (fun f -> not (List.contains f c.Unknowns))

    let row observable =
        match List.tryFindIndex ((=) observable) c.Unknowns with
        | Some i -> i
        | None -> c.Unknowns.Length + List.findIndex ((=) observable) others

    others, c.Experiment.Observe |> List.map row

let private texts (fields: Field list) =
    fields |> List.map Field.canonical |> String.concat "\n"

let private map c (fields: Field list) =
    Func<ITileMap>(Lower.vector c.Unknowns fields)

let private scores c = [
    for e in c.Experiment.Estimate do
        match e.Method with
        | Method.Exact score -> e, score
        | _ -> ()
]

let private names c =
    c.Unknowns |> List.map string |> Array.ofList

let private drifts c =
    match c.Experiment.Source with
    | Source.Simulated(equations, _, _, _) -> equations |> List.map _.Drift
    | Source.Recorded _ -> []

/// What the libraries among the estimators need, none without them.
let private libraryPlan c =
    let features = [
        for e in c.Experiment.Estimate do
            match e.Method with
            | Method.Library library ->
                VectorLibrary.demand e library
                yield! VectorLibrary.candidates c.Unknowns (drifts c) library
            | _ -> ()
    ]

    if features.IsEmpty then
        None
    else
        Some(VectorLibrary.plan c.Unknowns (List.distinct features))

let private lagPlan c observables features (scoreMaps: Func<ITileMap> list) =
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

/// Lag products of lag 0 that a library is fitted from, with the first known score.
let private momentPlan c (plan: VectorLibrary.Plan) =
    let known = scores c |> List.tryHead |> Option.map snd |> Option.defaultValue []
    let rows, columns = VectorLibrary.rows plan known

    VectorLagPlan(
        c.Plan,
        c.Unknowns.Length,
        0,
        Observables = [| TileRows(rows.Length, map c rows) |],
        Features = [| TileRows(columns.Length, map c columns) |],
        Names = names c
    )

let private samplesKey c =
    $"samples {VectorClustered.samplesKept}\n{describe c.Experiment}"

let private needsSamples c =
    c.Experiment.Estimate
    |> List.exists (fun e ->
        match e.Method with
        | Method.Learned _
        | Method.Clustered _ -> true
        | _ -> false)

let private saverOf c =
    let all = c.Plan.Samples * int64 c.Plan.Members

    Saver<float>(c.Model, c.Plan, Nullable(), max 1L (all / int64 VectorClustered.samplesKept))

let private keepSamples c (saver: Saver<float>) =
    let arrays = Arrays()
    arrays["samples"] <- saver.Values
    store c.Setting (samplesKey c) arrays

/// Some samples of the ensemble, [sample][component], from a pass of their own where the first one did not keep them.
let private samplesOf c =
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

let private gather c name observables features scoreMaps (open': int -> ITileSink list) =
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
let private products c (library: VectorLibrary.Plan option) =
    let others, _ = rowsOf c
    let exact = scores c
    let features = library |> Option.map _.Features |> Option.defaultValue []

    let text =
        "observables\n" + texts others + "\nscores\n" + texts (exact |> List.collect snd)

    let text =
        if features.IsEmpty then
            text
        else
            text + "\nfeatures\n" + texts features

    let key = $"vector lag products {describe c.Experiment}\nlags {c.Longest}\n{text}"
    let momentsKey = "vector moments" + key

    let keys =
        (c.Unknowns |> List.map (StationaryLaw.key c.Experiment))
        @ (library |> Option.map (fun _ -> momentsKey) |> Option.toList)

    let finished (arrays: Arrays list) =
        let laws =
            arrays |> List.truncate c.Unknowns.Length |> List.map OnePointStatistics.FromArrays

        let moments =
            library
            |> Option.map (fun plan ->
                VectorMoments(LagProducts.FromArrays(List.last arrays, names c), VectorLibrary.texts plan |> Array.ofList, plan.Slopes))

        laws, moments

    match stored c.Setting key, keys |> List.choose (stored c.Setting) with
    | Some arrays, others when others.Length = keys.Length ->
        let laws, moments = finished others
        LagProducts.FromArrays(arrays, names c), laws, moments
    | _ ->
        let onePoint = OnePoint(c.Unknowns.Length, c.Plan)
        let sums = library |> Option.map (fun plan -> VectorLags(momentPlan c plan))
        let saver = if needsSamples c then Some(saverOf c) else None

        let products =
            gather c "simulate and correlate" others features [ for _, score in exact -> map c score ] (fun tile -> [
                onePoint.Open tile
                for lags in Option.toList sums do
                    lags.Open tile
                for saver in Option.toList saver do
                    saver.Open tile
            ])

        for saver in Option.toList saver do
            keepSamples c saver

        let arrays = [
            for law in onePoint.Complete() do
                law.ToArrays()
            for lags in Option.toList sums do
                lags.Result().ToArrays()
        ]

        store c.Setting key (products.ToArrays())
        List.iter2 (store c.Setting) keys arrays
        let laws, moments = finished arrays
        products, laws, moments

/// One response for each push: [lag][row][kick] of an estimate to curves of the observables.
let private responses c (estimator: Estimator) (lags: float[]) (values: float[][][]) (errors: float[][][] option) notes : Response list =
    let _, rows = rowsOf c

    let curves (cube: float[][][]) kick =
        rows |> List.map (fun row -> cube |> Array.map (fun lag -> lag[row][kick])) |> Array.ofList

    [
        for kick in pushed c ->
            {
                Estimator = estimator.Label
                Observable = c.Experiment.Observe |> List.map string |> String.concat ", "
                Perturbation = string c.Unknowns[kick]
                Lags = lags
                Components = c.Experiment.Observe |> List.map string |> Array.ofList
                Values = curves values kick
                StandardError = errors |> Option.map (fun e -> curves e kick)
                BiasBound = None
                Field = None
                FieldStandardError = None
                Shape = [||]
                Notes = notes
            }
    ]

let private estimated c estimator (r: ResponseEstimate) notes =
    responses c estimator r.Lags r.Values (Some r.StandardError) (notes @ List.ofSeq r.Notes)

let private propagator c estimator =
    let n = c.Unknowns.Length
    let lags = Array.init (c.Longest + 1) (fun i -> float i * c.Plan.Every)

    let values =
        lags
        |> Array.map (fun t ->
            let m = LinearLaw.PropagatorMatrix(c.Model, t)
            Array.init n (fun i -> Array.init n (fun j -> m[i, j])))

    responses c estimator lags values None [ "exact, the matrix exponential" ]

/// One column of the response matrix for each pushed unknown; the others were not asked for.
let private dynamical c estimator effort (products: LagProducts) =
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

    responses c estimator lags (cube _.Values) (Some(cube _.StandardError)) (Twins.notes None (List.map snd estimates))

/// ⟨x_i s_i⟩ + 1 from the plain response at lag zero; `expected` is what a perfect score has there, 1 where it is that of the law itself.
let private stein c (expected: float[]) (plain: ResponseEstimate) = [
    for i, u in List.indexed c.Unknowns ->
        steinRow $"{u} ŝ({u}) + {Digest.number expected[i]}" (expected[i] - plain.Values.[0].[i].[i]) plain.StandardError.[0].[i].[i]
]

/// The diagonal of C (C + σ² diag C)⁻¹: what −⟨x_i ŝ_i⟩ is for the Gaussian score at noise level σ.
let private smoothed (products: LagProducts) (sigma: float) =
    let c =
        Matrix<float>.Build.DenseOfRowArrays(products.Covariance 0).SubMatrix(0, products.Dimension, 0, products.Dimension)

    let noised =
        c + sigma * sigma * Matrix<float>.Build.DenseOfDiagonalVector(c.Diagonal())

    (c * noised.Inverse()).Diagonal().ToArray()

let private network c (samples: Lazy<float[][]>) (products: LagProducts) (estimator: Estimator) (network: Network) =
    let n = c.Unknowns.Length
    let rows = products.Covariance 0

    trained
        c.Setting
        estimator.Label
        $"network {describe c.Experiment}\n{network.Canonical}\n{VectorClustered.samplesKept}"
        (fun checkpoint progress ->
            // Noise levels of scalar unknowns count in each one's own standard deviation.
            DenoisingTraining.TrainVector(
                samples.Value,
                VectorClustered.meanOf samples.Value,
                Array2D.init n n (fun i j -> rows[i][j]),
                trainingOptions c.Setting network c.Seed 1.0 checkpoint,
                trainingProgress progress,
                c.Setting.Cancellation
            ))

let private train c samples products (estimator: Estimator) (network': Network) =
    network c samples products estimator network'
    |> VectorClustered.ofNetwork c.Unknowns.Length network' (smoothed products)

let private cluster c (samples: Lazy<float[][]>) (products: LagProducts) (estimator: Estimator) (clusters: Clusters) =
    let deviation =
        products.Covariance 0 |> Array.truncate c.Unknowns.Length |> Array.mapi (fun i row -> sqrt row[i])

    Terminal.stage $"cluster for {estimator}" (fun progress ->
        let thin = VectorClustered.thinning c.Plan
        let all = float c.Plan.Samples * float c.Plan.Members / float thin

        let clustering =
            Clustering(samples.Value, VectorClustered.meanOf samples.Value, deviation, all, Option.toNullable clusters.Level, c.Seed)

        (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
            .Run(c.Plan, (fun tile -> clustering.Open(c.Plan, tile, thin)), c.Setting.Threads, fraction progress, c.Setting.Cancellation)

        stopIfCancelled c.Setting
        clustering.Result())

/// Lag products of the estimators whose scores are made from the data, all from one pass over the ensemble:
/// A = [x, observables, monomials, squared distance to a known score], B = [x, ŝ, monomials].
let private second c (made: (Estimator * VectorClustered.Made) list) =
    let n = c.Unknowns.Length
    let others, _ = rowsOf c
    let monomials = VectorLibrary.forecasts c.Unknowns
    let known = scores c |> List.tryHead |> Option.map (snd >> map c)
    let distances = if known.IsSome then ScoreDistance.Rows else 0
    let create (m: VectorClustered.Made) = Func<ITileMap>(m.Create)
    let plan = lagPlan c (others @ monomials) monomials [ for _, m in made -> create m ]

    let distance = [|
        for known in Option.toList known do
            for _, m in made -> ScoreDistance.Of(n, create m, known)
    |]

    let lags =
        Terminal.stage "correlate the scores" (fun progress ->
            let observables = Seq.append plan.Observables distance |> Array.ofSeq

            let lags =
                VectorLags(
                    VectorLagPlan(c.Plan, n, c.Longest, Observables = observables, Scores = plan.Scores, Features = plan.Features, Names = names c)
                )

            (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
                .Run(c.Plan, (fun tile -> lags.Open tile), c.Setting.Threads, fraction progress, c.Setting.Cancellation)

            stopIfCancelled c.Setting
            lags.Result())

    let first = n + others.Length + monomials.Length

    [
        for i in 0 .. made.Length - 1 ->
            let rows = [|
                yield! [ 0 .. first - 1 ]
                for k in 0 .. distances - 1 -> first + i * distances + k
            |]

            let columns = [|
                yield! [ 0 .. n - 1 ]
                yield! [ n * (1 + i) .. n * (2 + i) - 1 ]
                for k in 0 .. monomials.Length - 1 -> n * (1 + made.Length) + k
            |]

            lags.Select(rows, columns)
    ]

/// The unknowns and their monomials, from which observables are forecast, in the tables of `second`.
let private forecast c =
    let n = c.Unknowns.Length
    let others, _ = rowsOf c
    let monomials = VectorLibrary.forecasts c.Unknowns
    let plan = VectorLibrary.plan c.Unknowns (c.Unknowns @ monomials)

    let row j = if j < n then j else others.Length + j

    let slopes =
        plan.Slopes
        |> Array.map (
            Array.map (fun slope ->
                if slope.Row < 0 then
                    slope
                else
                    FeatureSlope(slope.Constant, row (slope.Row - n), slope.Factor))
        )

    let features = [| 0 .. n + monomials.Length - 1 |]

    let word =
        if monomials.IsEmpty then
            "linear"
        else
            $"polynomial ({features.Length} terms)"

    ForecastFeatures(Array.map row features, features |> Array.map (fun j -> if j < n then j else n + j), slopes),
    $"{word} forecast as control variate"

let private answer c (own: LagProducts) (estimator: Estimator) (made: VectorClustered.Made) (lags: LagProducts) =
    let n = c.Unknowns.Length
    let others, _ = rowsOf c
    let features, note = forecast c
    let r = VectorForecast.FromScore(lags, 0, features, 200, c.Seed)
    let plain = VectorResponse.FromScore(lags, 0, false, 200, c.Seed)

    let expected =
        made.Expected |> Option.defaultWith (fun () -> Array.create own.Dimension 1.0)

    let first = n + others.Length + (VectorLibrary.forecasts c.Unknowns).Length

    estimated c estimator r (note :: made.Notes),
    [
        {
            scoreReport estimator made.Sigma (stein c expected plain) made.Training with
                RelativeError =
                    if lags.Rows > first then
                        let struct (value, error) = ScoreDistance.Relative(lags, first, 200, c.Seed)
                        Some(value, error)
                    else
                        None
        }
    ]

/// Everything that the sums of such an estimator depend on.
let private secondKey c (canonical: string) =
    let others, _ = rowsOf c

    let known =
        scores c |> List.tryHead |> Option.map (snd >> texts) |> Option.defaultValue ""

    $"lag products of {canonical}\n{describe c.Experiment}\nlags {c.Longest}\n{texts others}\nknown {known}"

/// Answers of all estimators whose scores are made from the data; only what the cache does not hold is made and correlated.
let private madeFromData c (products: LagProducts) =
    let samples = lazy (samplesOf c)

    let made = [
        for e in c.Experiment.Estimate do
            match e.Method with
            | Method.Learned network ->
                let key = secondKey c $"network {network.Canonical}"
                e, key, train c samples products e network, stored c.Setting key
            | Method.Clustered clusters ->
                let key = secondKey c (VectorClustered.canonical clusters)
                let sums = stored c.Setting key

                match sums |> Option.bind (fun _ -> stored c.Setting $"clusters of {key}") with
                | Some summary -> e, key, VectorClustered.summarised (smoothed products) summary, sums
                | None ->
                    let score = cluster c samples products e clusters
                    store c.Setting $"clusters of {key}" (VectorClustered.summary score)
                    e, key, VectorClustered.made (smoothed products) score, None
            | _ -> ()
    ]

    let missing = [
        for e, _, m, sums in made do
            if sums.IsNone then
                e, m
    ]

    let gathered =
        if missing.IsEmpty then
            []
        else
            List.map2 (fun (e: Estimator, _) lags -> e.Label, lags) missing (second c missing)

    Map.ofList [
        for e, key, m, sums in made ->
            let lags =
                match sums with
                | Some arrays -> LagProducts.FromArrays(arrays, names c)
                | None ->
                    let lags = gathered |> List.find (fst >> (=) e.Label) |> snd
                    store c.Setting key (lags.ToArrays())
                    lags

            e.Label, answer c products e m lags
    ]

let private library' c estimator library (plan: VectorLibrary.Plan) (products: LagProducts) (moments: VectorMoments) =
    let first = c.Unknowns.Length * (1 + (scores c).Length)

    let chosen =
        VectorLibrary.choose plan (drifts c) moments (products.CorrelationSamples()) library

    let fit =
        Terminal.stage $"fit {estimator}" (fun _ -> VectorLibrary.fit plan products moments chosen (fun j -> first + j) c.Seed)

    let texts = VectorLibrary.texts plan

    estimated c estimator fit.Response (VectorLibrary.notes library texts fit),
    [
        VectorLibrary.report estimator (names c) texts fit (stein c (Array.create c.Unknowns.Length 1.0) fit.Response)
    ]

/// Samples from the scores of the estimators that ask for them.
let private generated c (products: LagProducts) = [
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
    let products, onePoint, moments = products c plan

    let statistics =
        List.map2 (fun u s -> StationaryLaw.ofScalar (string u) s) c.Unknowns onePoint

    let exact = scores c |> List.map fst
    let second' = madeFromData c products

    let estimate (estimator: Estimator) =
        match estimator.Method with
        | Method.Propagator -> propagator c estimator, []
        | Method.Dynamical effort -> dynamical c estimator effort products, []
        | Method.Gaussian -> estimated c estimator (VectorResponse.Gaussian(products, 200, c.Seed)) [], []
        | Method.Exact _ ->
            let r =
                VectorResponse.FromScore(products, List.findIndex ((=) estimator) exact, false, 200, c.Seed)

            estimated c estimator r [],
            [
                scoreReport estimator None (stein c (Array.create c.Unknowns.Length 1.0) r) []
            ]
        | Method.Library library -> library' c estimator library plan.Value products moments.Value
        | Method.Learned _
        | Method.Clustered _ -> second'[estimator.Label]

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
