/// What the runs of fields, of scalar unknowns and of recordings share: where they stand, the cache of finished stages, small conversions.
module internal Leith.Stages

open System
open System.IO
open System.Threading
open Leith.Core

/// What a run is done with.
type Setting = {
    Threads: int
    Cache: StageCache
    /// A sixteenth of everything.
    Sketch: bool
    Cancellation: CancellationToken
}

/// What one kind of run found.
type Findings = {
    Responses: Response list
    Sensitivities: Sensitivity list
    Densities: DensityAnswer list
    Scores: ScoreReport list
    Snapshots: Snapshot list
    Maps: WorldMap list
    NullBands: NullBand list
    Statistics: Statistics list
    Generated: Generated list
    /// The sentence on top, where the kind of run has its own.
    Verdict: string option
    Notes: (string * string) list
}

let nothing = {
    Responses = []
    Sensitivities = []
    Densities = []
    Scores = []
    Snapshots = []
    Maps = []
    NullBands = []
    Statistics = []
    Generated = []
    Verdict = None
    Notes = []
}

/// Stored stages of another build are not trusted.
let private build =
    [ typeof<Setting>; typeof<LeithException> ]
    |> List.map _.Assembly.ManifestModule.ModuleVersionId.ToString("N")
    |> String.concat "\n"

let keyOf (description: string) =
    StageCache.Key(build + "\n" + description)

/// The arrays of a stage that was done before.
let stored setting description =
    match setting.Cache.TryLoad(keyOf description) with
    | true, arrays -> Some arrays
    | _ -> None

/// Keeps the arrays of a finished stage.
let store setting description (arrays: Arrays) =
    setting.Cache.Save(keyOf description, arrays)

/// The arrays of a stage, computed only where the cache does not hold them. The description must hold everything that the result depends on.
let cached setting description (compute: unit -> Arrays) =
    stored setting description
    |> Option.defaultWith (fun () ->
        let arrays = compute ()
        store setting description arrays
        arrays)

/// Where the weights of a network lie that was or will be trained.
let private weights setting description =
    Path.Combine(setting.Cache.Folder, keyOf description + ".safetensors")

/// The network of an earlier run. A file that cannot be read is removed, and the network is trained again.
let private storedNetwork setting description =
    let path = weights setting description

    if not (File.Exists path) then
        None
    else
        try
            let score = LearnedScore.Load path
            StageCache.Touch path
            Some score
        with :? LeithException as error ->
            Terminal.say $"a stored network could not be used and is trained again ({error.Message})"
            File.Delete path
            None

/// Whether a network has been trained before.
let isTrained setting description =
    (storedNetwork setting description).IsSome

/// A trained score, or the one of an earlier run: the file bears the hash of everything its weights depend on. Training is told where it may keep its state.
let trained setting (name: string) (description: string) (train: string -> IProgress<float * string> -> LearnedScore) =
    storedNetwork setting description
    |> Option.defaultWith (fun () ->
        Directory.CreateDirectory setting.Cache.Folder |> ignore

        let score =
            Terminal.stage $"train {name}" (train (weights setting description + ".training"))

        if not score.Interrupted then
            score.Save(weights setting description)

        score)

/// What is said of a training that diverged.
let slowed restarts =
    if restarts > 0 then
        let times = if restarts = 1 then "once" else $"{restarts} times"
        $", diverged {times}: goes on from the last good checkpoint at {Digest.number (0.5 ** float restarts)} of the rate"
    else
        ""

/// Training's own report as that of a stage.
let trainingProgress (progress: IProgress<float * string>) : IProgress<TrainingProgress> = {
    new IProgress<TrainingProgress> with
        member _.Report p =
            let best =
                if p.Best.HasValue then
                    $", best validation {p.Best.Value:F4}"
                else
                    ""

            progress.Report(float p.Step / float p.Steps, $"loss {p.TrainingLoss:F4}{best}, {p.StepsPerSecond:F1} steps/s{slowed p.Restarts}")
}

/// `checkpoint`: where training keeps its state.
let trainingOptions setting (network: Network) (seed: uint64) (scale: float) (checkpoint: string) =
    TrainingOptions(
        Channels = network.Channels,
        Layers = network.Layers,
        Steps = network.Steps,
        Batch = network.Batch,
        LearningRate = network.LearningRate,
        SigmaMin = (network.Sigma |> Option.map (fun s -> s * scale) |> Option.toNullable),
        Base =
            (match network.Base with
             | NetworkBase.Nothing -> ScoreBase.Nothing
             | NetworkBase.Edm -> ScoreBase.Edm
             | NetworkBase.Gaussian
             | NetworkBase.Library _ -> ScoreBase.Gaussian),
        Schedule = Option.toObj network.Schedule,
        Symmetries = network.Images,
        Checkpoint = checkpoint,
        Patience = 8,
        Seed = seed + uint64 network.Retraining * 0x9E3779B97F4A7C15UL,
        Threads = setting.Threads,
        Validations = (if setting.Sketch then 4 else 20)
    )

let trainingHistory (score: LearnedScore) = [
    for p in score.History ->
        p.Step,
        p.TrainingLoss,
        (if p.ValidationLoss.HasValue then
             p.ValidationLoss.Value
         else
             nan)
]

/// Seconds that the training of a history took: its steps over their rate.
let trainingSeconds (history: TrainingProgress seq) =
    Seq.tryLast history
    |> Option.filter (fun last -> last.StepsPerSecond > 0.0)
    |> Option.map (fun last -> float last.Step / last.StepsPerSecond)

let scoreReport (estimator: Estimator) sigma stein training : ScoreReport = {
    Estimator = estimator.Label
    Sigma = sigma
    Stein = stein
    Certificate = None
    CertificateNote = None
    Training = training
    TrainingSeconds = None
    Equation = []
    Coefficients = []
    Kernels = []
    RelativeError = None
}

/// A residual of the Stein identity with its z-score; a residual that vanishes identically has none.
let steinRow field value error : SteinRow = {
    Field = field
    Value = value
    Z = (if error > 1e-14 then value / error else 0.0)
}

/// Everything that states after a spin-up depend on.
let describeSpinUp (experiment: Experiment) =
    match experiment.Source with
    | Source.Simulated(equations, noise, step, s) ->
        let number = Typography.exactly

        let drift =
            equations |> List.map (fun e -> $"{Field.canonical e.Unknown} = {Field.canonical e.Drift}")

        let rec describeNoise noise =
            let each text parts =
                parts
                |> List.map (fun (unknown, part) -> $"{Field.canonical unknown}: {text part}")
                |> String.concat "; "

            match noise with
            | Noise.Additive op -> $"additive {Symbol.canonical op.Symbol} {Field.canonical op.Scale}"
            | Noise.PerSite s -> $"per site {number s}"
            | Noise.White s -> $"white {number s}"
            | Noise.Matrix rows -> rows |> List.map (List.map number >> String.concat " ") |> String.concat "; "
            | Noise.Each parts -> each describeNoise parts
            | Noise.Expressions(calculus, parts) -> $"{calculus} {each Field.canonical parts}"

        let noise = describeNoise noise

        let stepping =
            $"{step.Scheme} {number step.Size}"
            + (if step.Dealiased then "" else " aliased")
            + (if step.IsAutomatic then " automatic" else "")

        let start =
            s.Start
            |> List.map (fun (u, f) -> $" {Field.canonical u} from {Field.canonical f}")
            |> String.concat ""

        String.concat "\n" drift
        + $"\n{noise}\n{stepping}\n{s.Members} {number s.SpinUp}{start}\nseed {experiment.Seed}"
    | Source.Recorded data -> string data

/// Everything the states depend on, the same text for the same system whatever it is asked.
let describe (experiment: Experiment) =
    match experiment.Source with
    | Source.Simulated(_, _, _, s) -> $"{describeSpinUp experiment}\n{Typography.exactly s.Lasting} {Typography.exactly s.Every}"
    | Source.Recorded _ -> describeSpinUp experiment

/// Shares of a stage's progress.
let fraction (progress: IProgress<float * string>) : IProgress<float> = {
    new IProgress<float> with
        member _.Report share = progress.Report(share, "")
}

/// The simulation of a seed, from the states that the experiment starts at.
let simulation (model: Model) (step: Step) (initial: Action<Tile> | null) (seed: uint64) =
    Simulation(model, step.Scheme, step.Size, seed, Initial = initial)

/// What the states of an experiment start at.
let initialOf (model: Model) (experiment: Experiment) : Action<Tile> | null =
    match experiment.Source with
    | Source.Simulated(equations, _, _, sampling) -> Lower.initial model (equations |> List.map _.Unknown) sampling.Start
    | Source.Recorded _ -> null

/// Rows and columns exchanged: [lag][component] to [component][lag].
let byComponent (rows: float[][]) =
    Array.init rows[0].Length (fun component' -> rows |> Array.map (fun row -> row[component']))

/// Raised when Ctrl-C came: what is finished lies in the cache.
let stopIfCancelled setting =
    if setting.Cancellation.IsCancellationRequested then
        raise (OperationCanceledException "interrupted; finished stages are kept, and the next run goes on from there.")

/// What forked runs found, for the cache.
let ofForks (found: ForkedVariance) =
    let arrays = Arrays()
    arrays["lags"] <- found.Lags
    arrays["values"] <- Array.concat found.Values
    arrays["errors"] <- Array.concat found.StandardError
    arrays
