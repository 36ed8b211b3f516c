/// Lag products, statistics and training fields of an ensemble of fields, in one pass over it.
module internal Leith.FieldRecord

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open Leith.Core
open Leith.Stages

/// Base times at which a network is evaluated for its response: its remainder is small, so fewer of them do.
let networkFields setting =
    if setting.Sketch then 4_096.0 else 100_000.0

/// Fields that a network is trained on.
let trainingFields setting =
    if setting.Sketch then 8_192 else 32_768

type Context = {
    Experiment: Experiment
    Setting: Setting
    Model: Model
    Grid: Grid
    /// The unknown that is pushed.
    Unknown: Field
    /// All unknowns, in the order of the state.
    Unknowns: Field list
    Step: Step
    /// What is sampled from the end of the spin-up on.
    Plan: SamplingPlan
    Longest: int
    /// The members at the end of their spin-up, which is run once for everything that starts there.
    Start: Lazy<Tile list>
    /// The run that goes on from there.
    Simulation: Lazy<Simulation>
    Seed: uint64
}

let private toArrays (tiles: Tile seq) =
    let arrays = Arrays()

    for tile in tiles do
        arrays[$"a{tile.Index}"] <- tile.A.Span.ToArray()
        arrays[$"b{tile.Index}"] <- tile.B.Span.ToArray()

    arrays

let private ofArrays rows count (arrays: Arrays) = [
    for index in 0 .. count - 1 do
        let tile = new Tile(rows, index)
        arrays[$"a{index}"].AsSpan().CopyTo(tile.A.Span)
        arrays[$"b{index}"].AsSpan().CopyTo(tile.B.Span)
        tile
]

/// Runs the spin-up, or finds it in the cache.
let private spunUp setting experiment (model: Model) (step: Step) members (s: Sampling) : Tile list =
    cached setting $"spin-up\n{describeSpinUp experiment}" (fun () ->
        Terminal.stage "spin up" (fun progress ->
            let states = LastStates 1L

            let simulation =
                simulation model step (initialOf model experiment) (uint64 experiment.Seed)

            simulation.Run(
                SamplingPlan(members, s.SpinUp, step.Size, step.Size),
                (fun tile -> states.Open tile),
                setting.Threads,
                fraction progress,
                setting.Cancellation
            )

            stopIfCancelled setting
            toArrays states.Tiles))
    |> ofArrays model.Rows (members / Tile.Members)

/// The field that is pushed.
let pushedField (equations: Equation list) (perturb: Perturbation) =
    match perturb with
    | Perturbation.Kick(u, _)
    | Perturbation.Along [ u, _ ] -> u
    | Perturbation.Push(u :: _) ->
        raise (LeithException $"perturb: expected a kick of a field, got a push of {u}; a system with fields is asked with kick u (pixel 0 0).")
    | Perturbation.Along parts ->
        let unknowns = parts |> List.map (fst >> string) |> String.concat " and "

        raise (
            LeithException
                $"perturb: expected a push of one field, got one of {unknowns}; push them one at a time and add the answers, which are linear."
        )
    | Perturbation.Push []
    | Perturbation.Parameter _
    | Perturbation.NoiseAmplitude -> equations.Head.Unknown
    | Perturbation.InTime _ as push -> raise (LeithException $"perturb: expected the course in time apart from the push, got {push}.")

let context setting experiment (equations: Equation list) step (s: Sampling) =
    let model = Lower.model experiment

    let unknown = pushedField equations experiment.Perturb

    // Lanes come in sixteens: the members of a last, partly filled tile are run anyway and count.
    let members = Tile.Members * ((s.Members + Tile.Members - 1) / Tile.Members)
    let start = lazy (spunUp setting experiment model step members s)

    {
        Experiment = experiment
        Setting = setting
        Model = model
        Grid = Option.get (Lower.gridOf unknown)
        Unknown = unknown
        Unknowns = equations |> List.map _.Unknown
        Step = step
        Plan = SamplingPlan(members, 0.0, s.Lasting, s.Every)
        Longest = int (Math.Round(experiment.Lags / s.Every))
        Start = start
        Simulation =
            lazy
                (let steps = int64 (Math.Round(s.SpinUp / step.Size))

                 Simulation(
                     model,
                     step.Scheme,
                     step.Size,
                     uint64 experiment.Seed,
                     Initial = InitialState.Copies(List.toArray start.Value),
                     FirstStep = steps
                 ))
        Seed = uint64 experiment.Seed
    }

/// Where the unknown that is pushed stands in the state.
let pushedSegment c =
    c.Model.Segments[List.findIndex ((=) c.Unknown) c.Unknowns]

/// The modes that the pushed field has, null for all.
let keptModes c : bool[] | null =
    let segment = pushedSegment c

    match c.Model.Kept with
    | null -> null
    | kept when segment.Representation = Representation.Modes -> Array.sub kept segment.First segment.Rows
    | _ -> null

/// A map of the state, null for the state itself.
let map c (field: Field) : Func<ITileMap> | null =
    if field = c.Unknown && not (isNull c.Model.Grid) then
        null
    else
        Func<ITileMap>(Lower.field c.Unknowns (Option.get (Field.place c.Unknown)) field)

/// A map of the state to values at sites, or to numbers.
let values c (list: Field list) : Func<ITileMap> =
    let program =
        FieldCompiler([ c.Unknowns ], None).Program(list |> List.map (fun f -> Programs.wanted false (string f) (Field.place f) f))

    Func<ITileMap>(fun () -> program.Compile())

/// A map of the state to numbers, one row each.
let numbers c (list: Field list) : Func<ITileMap> =
    let program =
        FieldCompiler([ c.Unknowns ], None).Program(list |> List.map (fun f -> Programs.wanted false (string f) None f))

    Func<ITileMap>(fun () -> program.Compile())

/// Pieces each member's record is cut into, so that the bootstrap has enough blocks.
let timeBlocks c =
    let pairs = c.Plan.Members / 2
    max 1 (int (Math.Ceiling(32.0 / float pairs)))

/// What the reader should know of pieces that are short against the memory of the field.
let memoryNotes c (own: SpectralLagProducts) =
    let pieces = timeBlocks c

    if pieces = 1 then
        []
    else
        let length, memory = c.Plan.Samples / int64 pieces, own.CorrelationSamples()

        if float length >= 2.0 * memory then
            []
        else
            [
                $"standard errors are too small: blocks of {length} samples against a memory of about {Digest.number memory}; take more members, or a longer record"
            ]

let productsKey c observable conjugate =
    $"lag products {describe c.Experiment}\nlags {c.Longest}\n{Field.canonical observable} with {conjugate}"

/// Lag products of observables with conjugates, the values of the unknown and, where a network is to be trained, a few fields, all from one pass over the ensemble; nothing is run that the cache holds.
/// `others`: sinks that want the same pass.
let record c (conjugates: (string * (unit -> Func<ITileMap> | null)) list) training (others: (int -> ITileSink) list) =
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

    let statisticsKey = StationaryLaw.key c.Experiment c.Unknown

    let mutable onePoint =
        stored c.Setting statisticsKey |> Option.map OnePointStatistics.FromArrays

    let missing = wanted |> List.filter (fun (key, _) -> not (found.ContainsKey key))

    if not missing.IsEmpty || fields.IsNone || onePoint.IsNone || not others.IsEmpty then
        let simulation = c.Simulation.Value

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

            let values =
                if onePoint.IsNone then
                    Some(OnePoint(c.Grid, map c c.Unknown, c.Plan))
                else
                    None

            let opened tile =
                Fork(
                    [|
                        for v in Option.toList values -> v.Open tile
                        for k in Option.toList correlator -> k.Open tile
                        for s in Option.toList saver -> s.Open tile
                        for other in others -> other tile
                    |]
                )
                :> ITileSink

            simulation.Run(c.Plan, opened, c.Setting.Threads, fraction progress, c.Setting.Cancellation)
            stopIfCancelled c.Setting

            for k in Option.toList correlator do
                let products = k.Complete()

                for i, observable in List.indexed observables do
                    for j, (name, _) in List.indexed named do
                        found[(observable, name)] <- products[i][j]
                        store c.Setting (productsKey c observable name) (products.[i].[j].ToArrays())

            for v in Option.toList values do
                let gathered = v.Complete()[0]
                onePoint <- Some gathered
                store c.Setting statisticsKey (gathered.ToArrays())

            for s in Option.toList saver do
                fields <- Some s.Values
                let arrays = Arrays()
                arrays["fields"] <- MemoryMarshal.Cast<float32, float>(s.Values.AsSpan()).ToArray()
                store c.Setting trainingKey arrays

            let fieldsSeen = float c.Plan.Samples * float c.Plan.Members
            progress.Report(1.0, $"{Digest.number fieldsSeen} fields"))

    let segment = pushedSegment c

    for products in found.Values do
        products.Kept <- keptModes c

    found,
    Option.get onePoint,
    fields
    |> Option.defaultValue [||]
    |> Array.chunkBySize c.Model.Rows
    |> Array.map (fun state -> Array.sub state segment.First segment.Rows)

/// Lag products of the observables with what a score adds to the one it stands on, at every `stride`th base time, from a pass of their own; `create` makes that map of the spectrum of the kicked field.
/// `others`: sinks that want the same pass.
let remainders
    c
    (estimator: Estimator)
    (key: Field -> string)
    (create: unit -> ITileMap)
    keep
    stride
    (others: (int -> ITileSink) list)
    (observables: Field list)
    =
    let remainder () : ITileMap =
        match map c c.Unknown with
        | null -> create ()
        | unknown -> new Chain(unknown.Invoke(), c.Grid.Sites, create ())

    let known = observables |> List.choose (key >> stored c.Setting)

    if known.Length = observables.Length && others.IsEmpty then
        known |> List.map (fun arrays -> SpectralLagProducts.FromArrays(c.Grid, arrays))
    else
        Terminal.stage $"correlate {estimator}" (fun progress ->
            let correlator =
                SpectralCorrelator(
                    c.Grid,
                    c.Longest,
                    observables |> List.map (map c) |> Array.ofList,
                    [| Func<ITileMap>(remainder) |],
                    c.Plan.Samples,
                    stride,
                    timeBlocks c
                )

            let opened tile =
                Fork(
                    [|
                        yield correlator.Open tile
                        for other in others do
                            yield other tile
                    |]
                )
                :> ITileSink

            c.Simulation.Value.Run(c.Plan, opened, c.Setting.Threads, fraction progress, c.Setting.Cancellation)
            stopIfCancelled c.Setting
            progress.Report(1.0, $"{Digest.number (float correlator.Bases * float c.Plan.Members)} base fields")
            let products = correlator.Complete()

            observables
            |> List.mapi (fun i field ->
                if keep then
                    store c.Setting (key field) (products.[i].[0].ToArrays())

                products[i][0]))
