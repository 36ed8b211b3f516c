/// Robust estimates whose forecast stands on the hidden units of a network that was trained to forecast; the units are trees, so that everything after them is as for features of the script.
module internal Leith.ForecastNetwork

open System
open Leith.Core
open Leith.Calculus
open Leith.Stages
open Leith.VectorRecord
open Leith.VectorConjugate

/// Units at most: their products are summed pair by pair.
let private mostUnits = 32

/// Pairs of a state and what follows, about.
let private pairsWanted = 40_000

/// Units with what is known of their training.
type Trained = {
    Units: Field list
    /// What was forecast, in samples.
    Lags: int list
    HeldOut: float
    Steps: int
}

let private units (network: Network) = min mostUnits network.Channels

/// What the forecast knows besides the units: the unknowns and, of few, their products by pairs, which make short lags of second moments exact.
let private known (unknowns: Field list) =
    VectorLibrary.monomials unknowns (if unknowns.Length <= 5 then 2 else 1)

/// Lags in samples that are forecast, 0 and the longest among them, and the thinning that they stand on.
let spread longest =
    let thin = max 1 (longest / 8)
    let top = longest / thin
    thin, List.distinct [ 0; (top + 7) / 8; (top + 2) / 3; top ]

/// What is known at x and A(t) at the lags [pair], in the order of time; states are [time][member][component].
let private pairs (unknowns: Field list) (observables: Field list) (lags: int list) (states: float[][][]) =
    let valuesOf fields =
        let program = Lower.scalarProgram unknowns fields
        states |> Array.map (Array.map (fun x -> program.Evaluate(ReadOnlySpan x, 0.0)))

    let known, values = valuesOf (known unknowns), valuesOf observables

    let times = max 0 (states.Length - List.max lags)
    let stride = max 1 (times * states[0].Length / (2 * pairsWanted))

    [|
        for n in 0..stride .. times - 1 do
            yield! known[n]
    |],
    [|
        for n in 0..stride .. times - 1 do
            for m in 0 .. states[n].Length - 1 ->
                [|
                    for lag in lags do
                        yield! values[n + lag][m]
                |]
    |]

let private train (network: Network) components seed cancellation (rows, later) =
    let options =
        ForecastOptions(
            Units = units network,
            Steps = network.Steps,
            Batch = network.Batch,
            LearningRate = network.LearningRate,
            Seed = seed + uint64 network.Retraining * 0x9E3779B97F4A7C15UL
        )

    ForecastTraining(rows, components, later, options).Train cancellation

/// tanh(b + Σ w_i x_i).
let private trees (unknowns: Field list) (weights: float[][]) (offsets: float[]) = [
    for w, b in Seq.zip weights offsets ->
        Seq.map2 (fun (w: float) x -> number w * x) w unknowns
        |> List.ofSeq
        |> total
        |> (+) (number b)
        |> tanh
]

let private toArrays (t: ForecastUnits) =
    let arrays = Arrays()
    arrays["weights"] <- Array.concat t.Weights
    arrays["offsets"] <- t.Offsets
    arrays["training"] <- [| t.HeldOut; float t.Steps |]
    arrays

let private ofArrays (unknowns: Field list) lags (arrays: Arrays) = {
    Lags = lags
    Units = trees unknowns (Array.chunkBySize unknowns.Length arrays["weights"]) arrays["offsets"]
    HeldOut = arrays["training"].[0]
    Steps = int arrays["training"].[1]
}

/// States of the first members, [time][member][component].
let private states (c: Context) thin longest =
    let members = min 128 c.Plan.Members

    let samples =
        min (c.Plan.Samples / int64 thin) (int64 (pairsWanted / members + longest + 1))

    let every = float thin * c.Plan.Every
    let plan = SamplingPlan(members, c.Plan.SpinUp, float samples * every, every)
    let saver = Saver<float>(c.Model, plan)

    (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
        .Run(plan, (fun tile -> saver.Open tile), c.Setting.Threads, null, c.Setting.Cancellation)

    stopIfCancelled c.Setting

    saver.Values |> Array.chunkBySize c.Unknowns.Length |> Array.chunkBySize members

/// Units trained on a record of their own, or those of an earlier run.
let trained (c: Context) (network: Network) =
    let thin, lags = spread c.Longest
    let observables = List.distinct c.Experiment.Observe

    let key =
        $"forecast units {units network} {network.Canonical} seed {network.Retraining}\n{describe c.Experiment}\nlags {c.Longest}\n{texts observables}"

    cached c.Setting key (fun () ->
        Terminal.stage "train a forecast" (fun _ ->
            let found =
                states c thin (List.max lags)
                |> pairs c.Unknowns observables lags
                |> train network c.Unknowns.Length c.Seed c.Setting.Cancellation

            stopIfCancelled c.Setting
            toArrays found))
    |> ofArrays c.Unknowns (lags |> List.map ((*) thin))

/// Units trained on a recording, [component][time].
let trainedOn (unknowns: Field list) (observables: Field list) longest seed (values: float[][]) (network: Network) =
    let thin, lags = spread longest

    let states = [|
        for n in 0..thin .. values[0].Length - 1 -> [| [| for x in values -> x[n] |] |]
    |]

    pairs unknowns observables lags states
    |> train network unknowns.Length seed Threading.CancellationToken.None
    |> toArrays
    |> ofArrays unknowns (lags |> List.map ((*) thin))

/// What `ask` makes of an estimator, with monomials and the units of a network as its features where it is to forecast by one; `every`: the time between samples.
let asked (unknowns: Field list) (every: float) (train: Network -> Trained) (ask: Estimator -> Ask) (estimator: Estimator) : Ask =
    match estimator.Method with
    | Method.Robust(score, Regression.Network network) ->
        let found = train network

        let made =
            ask {
                estimator with
                    Method = Method.Robust(score, Regression.Ridge(known unknowns @ found.Units, None))
            }

        let lags =
            found.Lags |> List.map (fun n -> Digest.number (float n * every)) |> String.concat ", "

        let limited =
            if found.Units.Length < network.Channels then
                $" (of {network.Channels} channels, {mostUnits} at most)"
            else
                ""

        {
            made with
                Estimator = estimator
                Notes =
                    made.Notes
                    @ [
                        $"network trained to forecast the observables at lags {lags}: {found.Units.Length} units of one hidden layer{limited}, step {found.Steps} of {network.Steps} steps, held-out error {Digest.number found.HeldOut} of their variance"
                    ]
                Forecast =
                    made.Forecast
                    |> Option.map (fun f -> {
                        f with
                            Text = $"{(known unknowns).Length} monomials and {found.Units.Length} hidden units of a network"
                    })
        }
    | _ -> ask estimator
