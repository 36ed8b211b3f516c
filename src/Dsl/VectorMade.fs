/// Scores of scalar unknowns that are made from samples, clusters and networks, and the responses from them.
module internal Leith.VectorMade

open System
open System.Numerics
open MathNet.Numerics.LinearAlgebra
open Leith.Core
open Leith.Stages
open Leith.VectorRecord

/// ⟨x_i s_i⟩ + 1 from the plain response at lag zero; `expected` is what a perfect score has there, 1 where it is that of the law itself.
let stein c (expected: float[]) (plain: ResponseEstimate) = [
    for i, u in List.indexed c.Unknowns ->
        steinRow $"{u} ŝ({u}) + {Digest.number expected[i]}" (expected[i] - plain.Values.[0].[i].[i]) plain.StandardError.[0].[i].[i]
]

/// The diagonal of C (C + σ² diag C)⁻¹: what −⟨x_i ŝ_i⟩ is for the Gaussian score at noise level σ.
let smoothed (products: LagProducts) (sigma: float) =
    let c =
        Matrix<float>.Build.DenseOfRowArrays(products.Covariance 0).SubMatrix(0, products.Dimension, 0, products.Dimension)

    let noised =
        c + sigma * sigma * Matrix<float>.Build.DenseOfDiagonalVector(c.Diagonal())

    (c * noised.Inverse()).Diagonal().ToArray()

let network c (samples: Lazy<float[][]>) (products: LagProducts) (estimator: Estimator) (network: Network) =
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

let train c samples products (estimator: Estimator) (network': Network) =
    network c samples products estimator network'
    |> VectorClustered.ofNetwork c.Unknowns.Length network' (smoothed products)

let cluster c (samples: Lazy<float[][]>) (products: LagProducts) (estimator: Estimator) (clusters: Clusters) =
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
let second c (made: (Estimator * VectorClustered.Made) list) =
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
let forecast c =
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

let answer c (own: LagProducts) (estimator: Estimator) (made: VectorClustered.Made) (lags: LagProducts) =
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
let secondKey c (canonical: string) =
    let others, _ = rowsOf c

    let known =
        scores c |> List.tryHead |> Option.map (snd >> texts) |> Option.defaultValue ""

    $"lag products of {canonical}\n{describe c.Experiment}\nlags {c.Longest}\n{texts others}\nknown {known}"

/// Answers of those estimators whose scores are made from the data; only what the cache does not hold is made and correlated.
let madeFromData c (estimators: Estimator list) (products: LagProducts) (cluster: Estimator -> Clusters -> ClusteredScore) =
    let samples = lazy (samplesOf c)

    let made = [
        for e in estimators do
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
                    let score = cluster e clusters
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
