/// What estimators take besides the simulation: memory and multiply–adds, counted without running anything.
module internal Leith.Footprint

open System
open Leith.Core

type Footprint = {
    /// (what, bytes), of all threads together.
    Memory: (string * float) list
    /// Of the correlation of all samples with all lags.
    MultiplyAdds: float
}

/// Multiply–adds a second that one thread makes while it correlates: measured on a processor with vectors of 512 bits.
let multiplyAddsPerSecond = 20e9

// A row of eight lanes.
let private laneBytes = 64.0
// The correlator of fields takes windows of about this size.
let private windowBytes = 40 <<< 20
// Samples that networks are trained on.
let private trainingFields, private trainingSamples = 32_768.0, 262_144.0
// Blocks that a bootstrap wants at least, of fields and of scalar unknowns.
let private fieldBlocks, private scalarBlocks = 32.0, 64.0
// From so many members on, scalar unknowns share their blocks within a tile.
let private membersToShare = 1024

let private exactScores (experiment: Experiment) =
    Experiment.scored experiment
    |> List.choose (fun e ->
        match e.Method with
        | Method.Exact score -> Some(List.map Field.canonical score)
        | _ -> None)
    |> List.distinct

/// Features of libraries, at most: 60 where they are to be chosen.
let private libraryFeatures (experiment: Experiment) =
    experiment.Estimate
    |> List.sumBy (fun e ->
        match e.Method with
        | Method.Library library when library.Automatic -> 60
        | Method.Library library -> library.Features.Length
        | _ -> 0)

/// The networks that an experiment trains.
let networks (experiment: Experiment) =
    Experiment.scored experiment
    |> List.choose (fun e ->
        match e.Method with
        | Method.Learned network -> Some network
        | _ -> None)

let private tileMembers (sampling: Sampling) =
    float (SamplingPlan.TilesFor sampling.Members * Tile.Members)

// Tiles at work at the same time.
let private atWork threads (sampling: Sampling) =
    float (min threads (SamplingPlan.TilesFor sampling.Members))

let private samplesSeen (sampling: Sampling) =
    tileMembers sampling * float sampling.Times

// Base times that features wait for, with lags and without, and blocks that their record keeps.
let private libraryBases, private aloneBases, private libraryBlocks = 64, 16, 32.0

/// Features of the record of a field that are correlated over all lags, those of libraries and regressions, and all of them, with what scores are tested on; none without a score.
let private recordSize (experiment: Experiment) (unknown: Field) =
    let equations =
        match experiment.Source with
        | Source.Simulated(equations, _, _, _) -> equations
        | Source.Recorded _ -> []

    let scored =
        Experiment.scored experiment
        |> List.filter (fun e -> not (e.Method.IsDynamical || e.Method.IsPropagator))

    let asked =
        scored
        |> List.choose (fun e ->
            match e.Method with
            | Method.Library library when library.Automatic ->
                Some(
                    LibraryProposals.candidates LibraryProposals.none equations unknown
                    @ LibraryProposals.linearTerms equations unknown
                )
            | Method.Library library
            | Method.Learned { Base = NetworkBase.Library library } -> Some(library.Features @ library.Fixed)
            | Method.Robust(_, Regression.Polynomials degree) -> Some [ for power in 1..degree -> Field.Pow(unknown, power) ]
            | Method.Robust(_, (Regression.Features features | Regression.Ridge(features, _))) -> Some features
            | _ -> None)

    let tests = scored |> List.collect _.Stein |> List.distinct |> List.length

    match scored, asked with
    | [], _ -> 0, 0
    | _, [] -> 0, 3 + tests + experiment.Observe.Length + (exactScores experiment).Length
    | _ ->
        let lagged =
            (FieldLibrary.gathered unknown (List.concat asked)).Length + (exactScores experiment).Length

        lagged, lagged + 2 + tests + experiment.Observe.Length

/// Of a field: windows of samples, transposed, and lag sums for each thread; sums of every block (two members, a piece of the record) that the bootstrap draws from.
let ofField threads (experiment: Experiment) (grid: Grid) (unknown: Field) (sampling: Sampling) =
    let modes = grid.Sites
    let lags = 1 + int (Math.Round(experiment.Lags / sampling.Every))
    let padded = (lags + 3) / 4 * 4
    let observables = experiment.Observe |> List.append [ unknown ] |> List.distinct
    // The state as a conjugate shares the window of the state as an observable.
    let conjugates = 1 + (exactScores experiment).Length
    let pairs = float (observables.Length * conjugates)

    let window =
        let longest = max (lags + 63) (windowBytes / (modes * 128))
        min 256 (longest - lags + 1) + lags - 1

    let windows = observables.Length + conjugates - 1
    let working = atWork threads sampling
    let memberPairs = tileMembers sampling / 2.0
    let blocks = memberPairs * max 1.0 (ceil (fieldBlocks / memberPairs))
    let lagged, features = recordSize experiment unknown
    let looked = if lagged > 0 then experiment.Observe.Length else 0

    let librarySums =
        working
        * float (
            modes
            * (features * (2 * ((if lagged > 0 then libraryBases else aloneBases) + 8) + features + 1)
               + lagged * 2 * padded * looked
               + lags)
        )
        * laneBytes
        + libraryBlocks * float (lagged * looked * lags + features * features / 2) * float modes * 8.0

    {
        Memory = [
            // Eight samples wait in each window before they are transposed.
            "correlation windows", working * float (windows * modes * (window + 8) * 2) * laneBytes
            "lag sums", working * pairs * float (modes * padded * 2) * laneBytes
            "block sums", blocks * pairs * float (modes * lags) * 16.0
            if features > 0 then
                "sums of features", librarySums
            if not (networks experiment).IsEmpty then
                "training fields", min trainingFields (samplesSeen sampling) * float modes * 4.0
        ]
        MultiplyAdds =
            let bases = max 0.0 (float sampling.Times - float (lags - 1))

            4.0
            * float modes
            * bases
            * memberPairs
            * (float padded * (pairs + float (lagged * looked)) + float (features * (features + 1) / 2))
    }

/// Of scalar unknowns: lag sums of every pair of rows for each thread, sums of every block, a member or a piece of its record.
let ofScalars threads (experiment: Experiment) (unknowns: Field list) (sampling: Sampling) =
    let d = unknowns.Length
    let lags = 1 + int (Math.Round(experiment.Lags / sampling.Every))

    let rows =
        experiment.Observe |> List.append unknowns |> List.distinct |> List.length

    let columns = d * (1 + (exactScores experiment).Length) + libraryFeatures experiment
    let size = float lags * float ((rows + 1) * (columns + 1))
    let history = float ((columns + 1) * (2 * lags + 128) + (rows + 1) * 16)

    let blocks =
        if sampling.Members >= membersToShare then
            float (SamplingPlan.TilesFor sampling.Members)
        else
            float sampling.Members * ceil (scalarBlocks / float sampling.Members)

    {
        Memory = [
            "lag sums", atWork threads sampling * 2.0 * (size + history) * laneBytes
            "block sums", blocks * size * 8.0
            if experiment.Estimate |> List.exists (fun e -> e.Method.IsLearned || e.Method.IsClustered) then
                "training samples", min trainingSamples (samplesSeen sampling) * float d * 8.0
        ]
        MultiplyAdds = size * samplesSeen sampling
    }
