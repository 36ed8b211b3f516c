/// Responses of a field on a torus.
module internal Leith.FieldRun

open System
open System.Collections.Generic
open System.Numerics
open System.Runtime.InteropServices
open Leith.Core
open Leith.Stages

/// Base times at which a network is evaluated for its response: its remainder is small, so fewer of them do.
let private networkFields setting =
    if setting.Sketch then 8_192.0 else 100_000.0

/// Fields that a network is trained on.
let private trainingFields setting =
    if setting.Sketch then 8_192 else 32_768

type private Context = {
    Experiment: Experiment
    Setting: Setting
    Model: Model
    Grid: Grid
    Unknown: Field
    Step: Step
    Plan: SamplingPlan
    Longest: int
    Simulation: Simulation
    Seed: uint64
}

let private context setting experiment (equations: Equation list) step (s: Sampling) =
    let model = Lower.model experiment
    // Lanes come in sixteens: the members of a last, partly filled tile are run anyway and count.
    let members = Tile.Members * ((s.Members + Tile.Members - 1) / Tile.Members)

    {
        Experiment = experiment
        Setting = setting
        Model = model
        Grid = nonNull model.Grid
        Unknown = equations.Head.Unknown
        Step = step
        Plan = SamplingPlan(members, s.SpinUp, s.Lasting, s.Every)
        Longest = int (Math.Round(experiment.Lags / s.Every))
        Simulation = simulation model step (uint64 experiment.Seed)
        Seed = uint64 experiment.Seed
    }

/// A map of the state, null for the state itself.
let private map c (field: Field) : Func<ITileMap> | null =
    if field = c.Unknown then
        null
    else
        Func<ITileMap>(Lower.field c.Grid field)

/// Pieces each member's record is cut into, so that the bootstrap has enough blocks.
let private timeBlocks c =
    let pairs = c.Plan.Members / 2
    max 1 (int (Math.Ceiling(32.0 / float pairs)))

let private productsKey c observable conjugate =
    $"lag products {describe c.Experiment}\nlags {c.Longest}\n{Field.canonical observable} with {conjugate}"

/// Lag products of observables with conjugates and, where a network is to be trained, a few fields, all from one pass over the ensemble; nothing is run that the cache holds.
let private record c (conjugates: (string * (unit -> Func<ITileMap> | null)) list) training =
    let wanted = [
        for observable in c.Experiment.Observe do
            for name, make in conjugates -> (observable, name), make
    ]

    let found = Dictionary<_, SpectralLagProducts>()

    for (observable, name), _ in wanted do
        match stored c.Setting (productsKey c observable name) with
        | Some arrays -> found[(observable, name)] <- SpectralLagProducts.FromArrays(c.Grid, arrays)
        | None -> ()

    let trainingKey =
        $"training fields {trainingFields c.Setting}\n{describe c.Experiment}"

    let mutable fields =
        if training then
            stored c.Setting trainingKey
            |> Option.map (fun arrays -> MemoryMarshal.Cast<float, float32>(arrays["fields"].AsSpan()).ToArray())
        else
            Some [||]

    let missing = wanted |> List.filter (fun (key, _) -> not (found.ContainsKey key))

    if not missing.IsEmpty || fields.IsNone then
        Terminal.stage "simulate and correlate" (fun progress ->
            let observables = missing |> List.map (fst >> fst) |> List.distinct

            let named =
                missing |> List.map (fun ((_, name), make) -> name, make) |> List.distinctBy fst

            let correlator =
                if missing.IsEmpty then
                    None
                else
                    Some(
                        SpectralCorrelator(
                            c.Grid,
                            c.Longest,
                            observables |> List.map (map c) |> Array.ofList,
                            named |> List.map (fun (_, make) -> make ()) |> Array.ofList,
                            c.Plan.Samples,
                            1,
                            timeBlocks c
                        )
                    )

            let saver =
                if fields.IsNone then
                    let all = c.Plan.Samples * int64 c.Plan.Members
                    Some(Saver<float32>(c.Model, c.Plan, Nullable(), max 1L (all / int64 (trainingFields c.Setting))))
                else
                    None

            let opened tile =
                Fork(
                    [|
                        for k in Option.toList correlator -> k.Open tile
                        for s in Option.toList saver -> s.Open tile
                    |]
                )
                :> ITileSink

            c.Simulation.Run(c.Plan, opened, c.Setting.Threads, fraction progress, c.Setting.Cancellation)
            stopIfCancelled c.Setting

            for k in Option.toList correlator do
                let products = k.Complete()

                for i, observable in List.indexed observables do
                    for j, (name, _) in List.indexed named do
                        found[(observable, name)] <- products[i][j]
                        store c.Setting (productsKey c observable name) (products.[i].[j].ToArrays())

            for s in Option.toList saver do
                fields <- Some s.Values
                let arrays = Arrays()
                arrays["fields"] <- MemoryMarshal.Cast<float32, float>(s.Values.AsSpan()).ToArray()
                store c.Setting trainingKey arrays

            let fieldsSeen = float c.Plan.Samples * float c.Plan.Members
            progress.Report(1.0, $"{Digest.number fieldsSeen} fields"))

    found, fields |> Option.defaultValue [||] |> Array.chunkBySize c.Grid.Sites

let private bootstrap c =
    SpectralResponse.Bootstrap(c.Seed, c.Setting.Threads, (if c.Setting.Sketch then 50 else 200))

let private components (grid: Grid) = [| for x in 0 .. grid.Points[0] - 1 -> $"x+{x}" |]

/// Offsets from the kick along the first axis.
let private along (grid: Grid) (field: float[]) =
    Array.init grid.Points[0] (fun x ->
        let index = Array.zeroCreate grid.Dimensions
        index[0] <- x
        field[grid.Ravel(ReadOnlySpan index)])

let private response c (estimator: Estimator) (observable: Field) lags (values: float[][]) (errors: float[][] option) notes : Response = {
    Estimator = estimator.Label
    Observable = string observable
    Perturbation = c.Experiment.Perturb.Text
    Lags = lags
    Components = components c.Grid
    Values = values |> Array.map (along c.Grid) |> byComponent
    StandardError = errors |> Option.map (Array.map (along c.Grid) >> byComponent)
    BiasBound = None
    Field = Some values
    FieldStandardError = errors
    Shape = Array.ofSeq c.Grid.Points
    Notes = notes
}

let private lags c =
    Array.init (c.Longest + 1) (fun i -> float i * c.Plan.Every)

let private propagator c estimator observable =
    if observable <> c.Unknown then
        raise (LeithException $"`propagator` expected the field {c.Unknown} as the observable, got {observable}; observe [ {c.Unknown} ].")

    let spectra = lags c |> Array.map (fun t -> LinearLaw.PropagatorSymbol(c.Model, t))

    response c estimator observable (lags c) (SpectralResponse.ToSites(c.Grid, spectra)) None [ "exact, mode by mode" ]

/// A unit kick of the pixel at the origin has every Fourier mode equal to one; the response is moved to the kicked site by homogeneity.
let private twins c estimator observable effort (deviation: float) =
    let size = 0.1 * deviation
    let wanted, most = twinEffort effort 1.0
    // Two thirds of the cost of a pair lie in its lags: restarts are taken from runs that go on.
    let batch = min (if Double.IsNaN wanted then most else 64) 128 |> max Tile.Members

    let restarts =
        if Double.IsNaN wanted then
            int (Math.Ceiling(float most / float batch))
        else
            2

    let plan =
        TwinPlan(batch, restarts, c.Plan.SpinUp, 0.0, float c.Longest * c.Plan.Every, c.Plan.Every, Array.create c.Grid.Sites Complex.One, size)

    let key =
        $"twins {describe c.Experiment}\n{Field.canonical observable}\n{plan.Members} {plan.Restarts} {plan.Longest} {size:R} {wanted} {most}"

    let compute () =
        Terminal.stage $"twin runs" (fun progress ->
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
                    c.Grid,
                    c.Grid.Sites,
                    plan,
                    c.Seed + 0x7717UL,
                    map c observable,
                    (if Double.IsNaN wanted then Double.MaxValue else wanted),
                    int64 most,
                    c.Setting.Threads,
                    relay,
                    c.Setting.Cancellation
                )

            stopIfCancelled c.Setting
            let arrays = Arrays()
            arrays["values"] <- Array.concat estimate.Values
            arrays["errors"] <- Array.concat estimate.StandardError
            arrays["even"] <- estimate.EvenPart
            arrays["pairs"] <- [| float estimate.Pairs |]
            arrays)

    let arrays = cached c.Setting key compute

    let rows name =
        arrays[name] |> Array.chunkBySize c.Grid.Sites

    let even = Array.max arrays["even"]
    let count = arrays["pairs"][0]

    response c estimator observable (lags c) (rows "values") (Some(rows "errors")) [
        $"{count:F0} pairs with the same noise, kicks of ±{Digest.number (size / 2.0)}"
        $"even part over odd part at most {Digest.number even}"
        + (if even < 0.1 then
               ": the kick is in the linear range"
           else
               ": the kick is large; the response is not linear in it everywhere")
    ]

let private steinRows (grid: Grid) (values: float[]) (errors: float[]) = [
    for name, index in
        [
            "u(x) ŝ(x) + 1", [| 0; 0; 0 |]
            "u(x+1) ŝ(x)", [| 1; 0; 0 |]
            "u(x−1) ŝ(x)", [| -1; 0; 0 |]
        ] do
        let site = grid.Ravel(ReadOnlySpan(Array.truncate grid.Dimensions index))
        steinRow name ((if site = 0 then 1.0 else 0.0) - values[site]) errors[site]
]

let private networkKey c (network: Network) =
    $"network {describe c.Experiment}\n%A{network}\n{trainingFields c.Setting}"

let private train c (estimator: Estimator) (network: Network) (products: SpectralLagProducts) fields deviation =
    trained c.Setting estimator.Label (networkKey c network) (fun progress ->
        DenoisingTraining.TrainField(
            c.Grid,
            fields,
            products.Mean,
            SpectralResponse.Power products,
            trainingOptions c.Setting network c.Seed deviation,
            trainingProgress progress,
            c.Setting.Cancellation
        ))

let private learnedResponse c estimator observable network (products: Dictionary<_, SpectralLagProducts>) fields deviation =
    let self = products[(c.Unknown, "the state")]
    let score = train c estimator network self fields deviation

    let stride =
        max 1 (int (Math.Ceiling(float c.Plan.Samples * float c.Plan.Members / networkFields c.Setting)))

    let pass () =
        Terminal.stage $"correlate {estimator}" (fun progress ->
            let correlator =
                SpectralCorrelator(
                    c.Grid,
                    c.Longest,
                    [| map c observable; null |],
                    [| Func<ITileMap>(fun () -> score.CreateRemainder()) |],
                    c.Plan.Samples,
                    stride,
                    timeBlocks c
                )

            c.Simulation.Run(c.Plan, (fun tile -> correlator.Open tile), c.Setting.Threads, fraction progress, c.Setting.Cancellation)
            stopIfCancelled c.Setting
            progress.Report(1.0, $"{Digest.number (float correlator.Bases * float c.Plan.Members)} base fields")
            let products = correlator.Complete()
            products.[0].[0].ToArrays())

    let remainder =
        cached c.Setting $"remainder {productsKey c observable (string network)}\n%A{network}\nstride {stride}" pass
        |> fun arrays -> SpectralLagProducts.FromArrays(c.Grid, arrays)

    let all = products[(observable, "the state")]

    let r = SpectralResponse.Controlled(all, remainder, c.Plan.Every, bootstrap c)

    let identity =
        SpectralResponse.AtLagZero(self, remainder, SpectralResponse.Power self, score.Sigma, bootstrap c)

    let notes = [
        $"trained on {fields.Length} fields; response with a linear forecast as control variate, network at {Digest.number remainder.Fields} base fields"
        $"score at noise level σ = {Digest.number score.Sigma}"
    ]

    response c estimator observable r.Lags r.Values (Some r.StandardError) notes,
    scoreReport estimator (Some score.Sigma) (steinRows c.Grid identity.Values.[0] identity.StandardError.[0]) (trainingHistory score)

/// One member at the end of its record, and the same field a little earlier.
let private snapshots c =
    let plan = SamplingPlan(1, c.Plan.SpinUp, c.Plan.Every, c.Plan.Every)
    let saver = Saver<float>(c.Model, plan)
    c.Simulation.Run(plan, (fun tile -> saver.Open tile), 1, null, c.Setting.Cancellation)

    [
        {
            Title = $"{c.Unknown} of one member"
            Shape = Array.ofSeq c.Grid.Points
            Values = saver.State(0L, 0).ToArray()
        }
    ]

let run setting experiment equations step sampling =
    let c = context setting experiment equations step sampling

    let conjugates = [
        yield "the state", (fun () -> null)
        for estimator in experiment.Estimate do
            match estimator.Method with
            | Method.Exact [ score ] -> yield "score " + Field.canonical score, (fun () -> map c score)
            | _ -> ()
    ]

    let learns =
        experiment.Estimate
        |> List.exists (fun e ->
            match e.Method with
            | Method.Learned network -> not (isTrained setting (networkKey c network))
            | _ -> false)

    // The state itself is always correlated: it gives the scale, the base of learned scores and the control variate.
    let observed =
        if List.contains c.Unknown experiment.Observe then
            experiment.Observe
        else
            c.Unknown :: experiment.Observe

    let products, fields =
        record
            {
                c with
                    Experiment = { experiment with Observe = observed }
            }
            conjugates
            learns

    let power = SpectralResponse.Power products[(c.Unknown, "the state")]
    let deviation = sqrt (Array.sum power) / float c.Grid.Sites

    let estimate (estimator: Estimator) observable =
        let plain = products[(observable, "the state")]

        match estimator.Method with
        | Method.Propagator -> propagator c estimator observable, []
        | Method.Dynamical effort -> twins c estimator observable effort deviation, []
        | Method.Gaussian ->
            let r =
                Terminal.stage "resample Gaussian" (fun _ -> SpectralResponse.Gaussian(plain, c.Plan.Every, bootstrap c))

            response c estimator observable r.Lags r.Values (Some r.StandardError) [ $"{Digest.number plain.Fields} base fields" ], []
        | Method.Exact score ->
            let p = products[(observable, "score " + Field.canonical score.Head)]

            let r =
                Terminal.stage $"resample {estimator}" (fun _ -> SpectralResponse.FromScore(p, c.Plan.Every, bootstrap c))

            response c estimator observable r.Lags r.Values (Some r.StandardError) [ $"{Digest.number p.Fields} base fields" ],
            [
                scoreReport estimator None (steinRows c.Grid r.Values.[0] r.StandardError.[0]) []
            ]
        | Method.Learned network ->
            let r, report =
                learnedResponse c estimator observable network products fields deviation

            r, [ report ]

    let estimates = [
        for estimator in experiment.Estimate do
            for observable in experiment.Observe -> estimate estimator observable
    ]

    {
        nothing with
            Responses = estimates |> List.map fst
            Scores = estimates |> List.collect snd |> List.distinctBy _.Estimator
            Snapshots = snapshots c
            Notes = [
                "standard deviation", Digest.number deviation
                "fields seen", $"{Digest.number (float c.Plan.Samples * float c.Plan.Members)} ({c.Plan.Members} members × {c.Plan.Samples} samples)"
            ]
    }
