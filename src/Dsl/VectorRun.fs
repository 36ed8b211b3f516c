/// Responses of scalar unknowns.
module internal Leith.VectorRun

open System
open System.Numerics
open Leith.Core
open Leith.Stages

/// Samples that a network is trained on.
let private trainingSamples = 65_536

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

let private lagPlan c observables (scoreMaps: Func<ITileMap> list) =
    VectorLagPlan(
        c.Plan,
        c.Unknowns.Length,
        c.Longest,
        Observables = [|
            if not (List.isEmpty observables) then
                TileRows(observables.Length, map c observables)
        |],
        Scores = [| for m in scoreMaps -> TileRows(c.Unknowns.Length, m) |],
        Names = names c
    )

let private gather c name observables scoreMaps =
    Terminal.stage name (fun progress ->
        let lags = VectorLags(lagPlan c observables scoreMaps)

        (simulation c.Model c.Step c.Seed).Run(c.Plan, (fun tile -> lags.Open tile), c.Setting.Threads, fraction progress, c.Setting.Cancellation)

        stopIfCancelled c.Setting
        let result = lags.Result()
        progress.Report(1.0, $"{Digest.number (float result.Samples)} samples")
        result)

let private products c =
    let others, _ = rowsOf c
    let exact = scores c

    let text =
        others @ (exact |> List.collect snd) |> List.map Field.canonical |> String.concat "\n"

    let compute () =
        (gather c "simulate and correlate" others [ for _, score in exact -> map c score ]).ToArrays()

    LagProducts.FromArrays(cached c.Setting $"vector lag products {describe c.Experiment}\nlags {c.Longest}\n{text}" compute, names c)

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

let private onlyUnknowns c (estimator: Estimator) =
    for observable in c.Experiment.Observe do
        if not (List.contains observable c.Unknowns) then
            raise (
                LeithException $"`{estimator}` expected unknowns as observables, got {observable}; observe the unknowns, or leave this estimator out."
            )

let private propagator c estimator =
    onlyUnknowns c estimator
    let n = c.Unknowns.Length
    let lags = Array.init (c.Longest + 1) (fun i -> float i * c.Plan.Every)

    let values =
        lags
        |> Array.map (fun t ->
            let m = LinearLaw.PropagatorMatrix(c.Model, t)
            Array.init n (fun i -> Array.init n (fun j -> m[i, j])))

    responses c estimator lags values None [ "exact, the matrix exponential" ]

/// Twin runs for one pushed unknown: [lag][row] of values, errors.
let private twins c observables effort (deviations: float[]) kick =
    let wanted, most = twinEffort effort deviations[kick]
    let size = 0.1 * deviations[kick]

    let batch =
        min (if Double.IsNaN wanted then most else 1024) 4096 |> max Tile.Members

    let restarts =
        if Double.IsNaN wanted then
            int (Math.Ceiling(float most / float batch))
        else
            2

    let unit =
        Array.init c.Unknowns.Length (fun i -> if i = kick then Complex.One else Complex.Zero)

    let plan =
        TwinPlan(batch, restarts, c.Plan.SpinUp, 0.0, float c.Longest * c.Plan.Every, c.Plan.Every, unit, size)

    let wanted =
        if Double.IsNaN wanted then
            Double.MaxValue
        else
            wanted / deviations[kick]

    Terminal.stage $"twin runs, {c.Unknowns[kick]} pushed" (fun progress ->
        let relay = {
            new IProgress<struct (float * float)> with
                member _.Report(struct (share, error)) =
                    progress.Report(
                        share,
                        (if Double.IsNaN error then
                             ""
                         else
                             $"standard error {Digest.number error}")
                    )
        }

        let estimate =
            TwinResponse.Run(
                simulation c.Model c.Step,
                null,
                c.Unknowns.Length,
                plan,
                c.Seed + 0x7717UL + uint64 kick,
                observables,
                wanted,
                int64 most,
                c.Setting.Threads,
                relay,
                c.Setting.Cancellation
            )

        stopIfCancelled c.Setting
        estimate)

let private dynamical c estimator effort (products: LagProducts) =
    onlyUnknowns c estimator
    let n = c.Unknowns.Length
    let covariance = products.Covariance 0
    let deviations = Array.init n (fun i -> sqrt covariance.[i].[i])

    let estimates =
        pushed c
        |> List.map (fun kick ->
            let key = $"twins {describe c.Experiment}\n%A{effort} push {kick} lags {c.Longest}"

            let arrays =
                cached c.Setting key (fun () ->
                    let e = twins c null effort deviations kick
                    let arrays = Arrays()
                    arrays["lags"] <- e.Lags
                    arrays["values"] <- Array.concat e.Values
                    arrays["errors"] <- Array.concat e.StandardError
                    arrays["facts"] <- [| float e.Pairs; Array.max e.EvenPart |]
                    arrays)

            kick, arrays)

    let lags: float[] = (snd estimates.Head).["lags"]

    // One column of the response matrix for each pushed unknown; the others were not asked for.
    let cube (name: string) =
        Array.init lags.Length (fun lag ->
            Array.init n (fun row ->
                Array.init n (fun kick ->
                    estimates
                    |> List.tryPick (fun (k, arrays) -> if k = kick then Some(arrays[name][lag * n + row]) else None)
                    |> Option.defaultValue nan)))

    let facts = estimates |> List.map (fun (_, arrays) -> arrays["facts"])
    let even = facts |> List.map (fun f -> f[1]) |> List.max

    responses c estimator lags (cube "values") (Some(cube "errors")) [
        $"{facts |> List.sumBy (fun f -> f[0]):F0} pairs with the same noise"
        $"even part over odd part at most {Digest.number even}"
    ]

/// ⟨x_i s_j⟩ + δ_ij on the diagonal, from the plain response at lag zero.
let private stein c (plain: ResponseEstimate) = [
    for i, u in List.indexed c.Unknowns -> steinRow $"{u} ŝ({u}) + 1" (1.0 - plain.Values.[0].[i].[i]) plain.StandardError.[0].[i].[i]
]

let private train c (estimator: Estimator) (network: Network) (products: LagProducts) =
    let n = c.Unknowns.Length
    let rows = products.Covariance 0

    trained c.Setting estimator.Label $"network {describe c.Experiment}\n%A{network}\n{trainingSamples}" (fun progress ->
        let all = c.Plan.Samples * int64 c.Plan.Members

        let saver =
            Saver<float>(c.Model, c.Plan, Nullable(), max 1L (all / int64 trainingSamples))

        (simulation c.Model c.Step c.Seed).Run(c.Plan, (fun tile -> saver.Open tile), c.Setting.Threads, null, c.Setting.Cancellation)

        stopIfCancelled c.Setting
        let samples = saver.Values |> Array.chunkBySize n

        // Noise levels of scalar unknowns count in each one's own standard deviation.
        DenoisingTraining.TrainVector(
            samples,
            Array.init n (fun i -> samples |> Array.averageBy (fun x -> x[i])),
            Array2D.init n n (fun i j -> rows[i][j]),
            trainingOptions c.Setting network c.Seed 1.0,
            trainingProgress progress,
            c.Setting.Cancellation
        ))

let private learned c estimator network own =
    let score = train c estimator network own
    let others, _ = rowsOf c

    let arrays =
        cached
            c.Setting
            $"learned lag products {describe c.Experiment}\nlags {c.Longest}\n%A{network}\n%A{others |> List.map Field.canonical}"
            (fun () -> (gather c $"correlate {estimator}" others [ Func<ITileMap>(fun () -> score.CreateScore()) ]).ToArrays())

    let products = LagProducts.FromArrays(arrays, names c)
    let r = VectorResponse.FromScore(products, 0, true, 200, c.Seed)
    let plain = VectorResponse.FromScore(products, 0, false, 200, c.Seed)

    estimated c estimator r [
        "linear forecast as control variate"
        $"score at noise level σ = {Digest.number score.Sigma}"
    ],
    [
        scoreReport estimator (Some score.Sigma) (stein c plain) (trainingHistory score)
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

    let products = products c
    let exact = scores c |> List.map fst

    let estimate (estimator: Estimator) =
        match estimator.Method with
        | Method.Propagator -> propagator c estimator, []
        | Method.Dynamical effort -> dynamical c estimator effort products, []
        | Method.Gaussian -> estimated c estimator (VectorResponse.Gaussian(products, 200, c.Seed)) [], []
        | Method.Exact _ ->
            let r =
                VectorResponse.FromScore(products, List.findIndex ((=) estimator) exact, false, 200, c.Seed)

            estimated c estimator r [], [ scoreReport estimator None (stein c r) [] ]
        | Method.Learned network -> learned c estimator network products

    let estimates = experiment.Estimate |> List.map estimate

    {
        nothing with
            Responses = estimates |> List.collect fst
            Scores = estimates |> List.collect snd
            Notes = [
                "samples seen", $"{Digest.number (float products.Samples)} ({c.Plan.Members} members × {c.Plan.Samples} samples)"
            ]
    }
