/// The founding paper's own network: training by libtorch, and lag products with its score.
module internal Leith.FieldPublished

open System
open System.IO
open Leith.Core
open Leith.Torch
open Leith.Stages
open Leith.FieldRecord

/// Base fields at which the U-Net is evaluated for a response: one takes about as long as six hundred of the default network.
let private networkFields setting =
    if setting.Sketch then 256.0 else 16_384.0

let private key c (network: Network) =
    $"published {describe c.Experiment}\n{network.Canonical}\n{trainingFields c.Setting} lags {c.Longest}"

let private file c network =
    Path.Combine(c.Setting.Cache.Folder, keyOf (key c network) + ".safetensors")

/// The score of an earlier run. A file that cannot be read is removed, and the network is trained again.
let private known c network =
    let path = file c network

    if not (File.Exists path) then
        None
    else
        try
            let score = PublishedScore.Load path
            StageCache.Touch path
            Some score
        with :? LeithException as error ->
            Terminal.say $"a stored network could not be used and is trained again ({error.Message})"
            File.Delete path
            None

/// Whether fields are wanted for a training.
let wantsFields c network = (known c network).IsNone

let isPublished (estimator: Estimator) =
    match estimator.Method with
    | Method.Learned network -> network.Architecture = Architecture.Published
    | _ -> false

/// Ends with a sentence, before anything is simulated, where libtorch or a device is missing.
let check (experiment: Experiment) =
    for estimator in experiment.Estimate do
        match estimator.Method with
        | Method.Learned network when network.Architecture = Architecture.Published ->
            try
                TorchLibrary.RequireDevice(defaultArg network.Device "cpu")
            with :? LeithException as error ->
                raise (LeithException($"'{estimator}' needs {error.Message}", error))
        | _ -> ()

let private options c (network: Network) =
    let standard = PublishedOptions()

    PublishedOptions(
        Channels = network.Channels,
        Blocks = network.Layers,
        Steps = network.Steps,
        Seconds = Option.toNullable network.Seconds,
        Batch = network.Batch,
        LearningRate = network.LearningRate,
        SigmaMin = defaultArg network.Sigma standard.SigmaMin,
        Seed = c.Seed + uint64 network.Retraining * 0x9E3779B97F4A7C15UL,
        Threads = c.Setting.Threads,
        Device = defaultArg network.Device "cpu",
        Validations = (if c.Setting.Sketch then 2 else 20)
    )

let private train c (estimator: Estimator) (network: Network) (products: SpectralLagProducts) fields =
    known c network
    |> Option.defaultWith (fun () ->
        let score =
            Terminal.stage $"train {estimator}" (fun progress ->
                PublishedTraining.Train(
                    c.Grid,
                    fields,
                    products.Mean,
                    SpectralResponse.Power products,
                    options c network,
                    trainingProgress progress,
                    c.Setting.Cancellation
                ))

        stopIfCancelled c.Setting
        Directory.CreateDirectory c.Setting.Cache.Folder |> ignore
        score.Save(file c network)
        score)

/// The trained score, and lag products of the observables with what it adds to the Gaussian score.
let products c (estimator: Estimator) (network: Network) self fields (observables: Field list) =
    let score = train c estimator network self fields

    // Eleven million weights a field: an eighth of the base fields that a network on lanes is evaluated at.
    let stride =
        max 1 (int (Math.Ceiling(8.0 * float c.Plan.Samples * float c.Plan.Members / networkFields c.Setting)))

    let key (field: Field) =
        $"published remainder {productsKey c field network.Canonical}\nstride {stride}"

    score, remainders c estimator key (fun () -> score.CreateRemainder()) true stride [] observables

/// What the report says of the training.
let notes c (network: Network) (score: PublishedScore) = [
    let last = score.History[score.History.Count - 1]

    $"the published network, {Digest.number (float score.Parameters)} weights, {last.Step} steps of {network.Batch} of about {trainingFields c.Setting} fields in {Terminal.duration (float last.Step / last.StepsPerSecond)}"

    if network.Seconds.IsSome then
        "the clock ended its training: another run gives other numbers"
]

/// (step, training loss, validation loss) of the training.
let history (score: PublishedScore) = [
    for p in score.History ->
        p.Step,
        p.TrainingLoss,
        (if p.ValidationLoss.HasValue then
             p.ValidationLoss.Value
         else
             nan)
]
