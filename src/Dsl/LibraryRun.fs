/// Library scores of fields: one record of all features that a run asks for, and the responses and score reports from it.
module internal Leith.LibraryRun

open System
open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.FieldRecord

/// Everything that the scores of a run share.
type Shared = {
    /// The features, the kicked field first; those of scores and regressions, then those that are correlated at one time only: known scores, test fields, the drift, the observables.
    Fields: Field list
    Observables: Field list
    Features: LibraryFeatures
    Sums: LibrarySums
    /// The drift of the kicked field and D_k, for certificates; or why there are none.
    Drift: Result<Field * float[], string>
}

let private equationsOf (experiment: Experiment) =
    match experiment.Source with
    | Source.Simulated(equations, _, _, _) -> equations
    | Source.Recorded _ -> []

let private refuse (estimator: Estimator) text =
    raise (LeithException $"'{estimator}' {text}")

/// Refuses, with a sentence, features that cannot be those of a homogeneous field u.
let check (estimator: Estimator) (unknowns: Field list) (u: Field) (library: Library) =
    let all = library.Features @ library.Fixed
    let home = Field.place (FieldLibrary.onTorus u)

    if all.IsEmpty && not library.Automatic then
        refuse estimator $"expected at least one feature, got an empty list; write libraryOf [ {u}; cube {u} ], or libraryAuto."

    for f in all do
        match Field.unknowns f |> List.tryFind (fun v -> not (List.contains v unknowns)) with
        | Some stranger ->
            refuse
                estimator
                $"expected features of the unknowns of the system, got {stranger} in {f}; write them with the fields that have an equation."
        | None -> ()

        if not (Field.whiteNoises f).IsEmpty || Field.dependsOnPlace f || Field.dependsOnTime f then
            refuse estimator $"expected features of the fields alone, got {f}, in which noise, the place or the time stands; leave it out."

        if (Field.unknowns f).IsEmpty then
            refuse estimator $"expected features that depend on a field, got {f}; leave it out."

        if Field.place (FieldLibrary.onTorus f) <> home then
            refuse
                estimator
                $"expected features on the grid of {u}, which is kicked, got {f}; leave it out, or multiply its mean by a field of that grid."

    if not library.Automatic && all |> List.forall (fun f -> not (List.contains u (Field.unknowns f))) then
        refuse estimator $"expected a feature of {u}, which is kicked, got none; add {u}."

    match all |> List.countBy id |> List.tryFind (fun (_, count) -> count > 1) with
    | Some(f, count) -> refuse estimator $"expected each feature once, got {f} {count} times."
    | None -> ()

let private proposed c =
    let equations = equationsOf c.Experiment

    LibraryProposals.candidates (fun u _ -> FlowProposals.forecasts equations c.Experiment.Lags c.Step.Size u) equations c.Unknown

let private linear c =
    LibraryProposals.linearTerms (equationsOf c.Experiment) c.Unknown

let private libraries (experiment: Experiment) =
    Experiment.scored experiment
    |> List.choose (fun e ->
        match e.Method with
        | Method.Library library -> Some(e, library)
        | Method.Learned { Base = NetworkBase.Library library } -> Some(e, library)
        | _ -> None)

/// The features that a robust estimate forecasts from.
let regression c (estimator: Estimator) regression =
    let features, strength =
        match regression with
        | Regression.Polynomials degree ->
            [
                for power in 1..degree ->
                    if power = 1 then
                        c.Unknown
                    else
                        Field.Power(c.Unknown, float power)
            ],
            Some 0.0
        | Regression.Features features -> features, Some 0.0
        | Regression.Ridge(features, strength) -> features, strength
        | Regression.Network _ ->
            refuse
                estimator
                $"expected a regression by features, got forecastBy, which is for scalar unknowns; write robust … (forecastFrom [ {c.Unknown}; cube {c.Unknown} ])."

    check estimator c.Unknowns c.Unknown {
        Features = features
        Fixed = []
        Automatic = false
    }

    List.distinct features, strength

let private regressions c =
    c.Experiment.Estimate
    |> List.collect (fun e ->
        match e.Method with
        | Method.Robust(_, r) -> fst (regression c e r)
        | _ -> [])

let private isRobust (e: Estimator) = e.Method.IsRobust

let private exactScores (experiment: Experiment) =
    Experiment.scored experiment
    |> List.choose (fun e ->
        match e.Method with
        | Method.Exact [ score ] -> Some score
        | _ -> None)
    |> List.distinct

/// Test fields of the kicked field: what a script asks for, and u³.
let tests c (estimator: Estimator) =
    let asked =
        estimator.Stein
        |> List.map (fun components ->
            match components with
            | [ g ] when Field.place (FieldLibrary.onTorus g) = Field.place (FieldLibrary.onTorus c.Unknown) -> g
            | [ g ] ->
                refuse
                    estimator
                    $"expected test fields on the grid of {c.Unknown}, which is kicked, got {g}; write testedOn [ [ cube {c.Unknown} ] ]."
            | many ->
                refuse
                    estimator
                    $"expected one component for each test field, that of {c.Unknown}, which is kicked, got {many.Length}; write testedOn [ [ cube {c.Unknown} ] ].")

    for g in asked do
        if Field.dependsOnPlace g || Field.dependsOnTime g || (Field.unknowns g).IsEmpty then
            refuse estimator $"expected test fields of the fields alone, got {g}; leave the place, the time and constants out."

    List.distinct (asked @ [ cube c.Unknown ])

let private onPlaceOrTime (f: Field) =
    Field.dependsOnPlace f || Field.dependsOnTime f

let rec private hasWaves field =
    match field with
    | Field.Waves _ -> true
    | _ -> Field.children field |> List.exists hasWaves

/// The drift and D_k = ½ |S_k|² of the kicked field, where they are those of the whole state and known.
let private drift c : Result<Field * float[], string> =
    match equationsOf c.Experiment with
    | [] -> Error "a recording has no drift and no noise"
    | equations when equations.Length > 1 -> Error $"the score of {c.Unknown} alone is not that of the state, of which it is a part"
    | [ equation ] when hasWaves equation.Drift || onPlaceOrTime equation.Drift ->
        Error $"the drift of {c.Unknown} is not a function of its values alone, the same at every place and time"
    | _ when c.Model.IsMultiplicative -> Error "the noise depends on the state"
    | equations ->
        match c.Model.NoiseSymbol with
        | null -> Error "there is no noise"
        | sigma ->
            let d =
                sigma |> Array.map (fun s -> 0.5 * (s.Real * s.Real + s.Imaginary * s.Imaginary))

            Ok(
                equations.Head.Drift,
                (if d.Length = c.Grid.Sites then
                     d
                 else
                     Array.sub d (pushedSegment c).First c.Grid.Sites)
            )

/// Whether scores of the run can be tested: a law that is the same at all places and times.
let private isHomogeneous c =
    equationsOf c.Experiment |> List.forall (fun e -> not (onPlaceOrTime e.Drift))

let private hasScore (e: Estimator) =
    match e.Method with
    | Method.Dynamical _
    | Method.Propagator -> false
    | _ -> true

/// A record of the features in the same pass as other sinks: (sinks, what they give in the end); none where no score is asked for.
let prepare c : ((int -> ITileSink) list * (unit -> Shared)) option =
    let asked = libraries c.Experiment
    let scored = Experiment.scored c.Experiment |> List.filter hasScore
    let robust = c.Experiment.Estimate |> List.exists isRobust

    if scored.IsEmpty || (asked.IsEmpty && not robust && not (isHomogeneous c)) then
        None
    else
        for estimator, library in asked do
            check estimator c.Unknowns c.Unknown library

        let exact = exactScores c.Experiment

        let lagged =
            [
                for _, library in asked do
                    yield! library.Features @ library.Fixed

                    if library.Automatic then
                        yield! proposed c @ linear c

                if robust then
                    yield! regressions c
                    yield! exact
            ]
            |> FieldLibrary.gathered c.Unknown

        let drift =
            if isHomogeneous c then
                drift c
            else
                Error "the law is not the same at all places and times"

        let others =
            [
                yield! exact

                if isHomogeneous c then
                    yield! scored |> List.collect (tests c)

                match drift with
                | Ok(f, _) -> f
                | Error _ -> ()

                yield! c.Experiment.Observe |> List.filter (fun a -> robust && not (onPlaceOrTime a))
            ]
            |> List.distinct
            |> List.filter (fun f -> not (List.contains f lagged))

        let fields = lagged @ others

        // lags are for those that correlate observables themselves
        let lagging = not asked.IsEmpty || robust
        let observables = if lagging then c.Experiment.Observe else []

        let features =
            (FieldLibrary.featuresWith (fun _ -> true) c.Seed c.Unknowns c.Unknown fields []).Lagging(if lagging then lagged.Length else 0)

        let key =
            let texts list =
                list |> List.map Field.canonical |> String.concat "\n"

            $"library {describe c.Experiment}\nlags {c.Longest}\n{texts lagged}\nat one time {texts others}\nof {texts observables}"

        let finish (sums: LibrarySums) =
            sums.Kept <- keptModes c

            {
                Fields = fields
                Observables = observables
                Features = features
                Sums = sums
                Drift = drift
            }

        match stored c.Setting key with
        | Some arrays -> Some([], (fun () -> finish (LibrarySums.FromArrays(features, arrays))))
        | None ->
            let record =
                LibraryRecord(features, c.Longest, observables |> List.map (map c) |> Array.ofList, c.Plan.Samples, c.Plan.Tiles, timeBlocks c)

            Some(
                [ fun tile -> record.Open tile ],
                fun () ->
                    let sums = record.Complete()
                    store c.Setting key (sums.ToArrays())
                    finish sums
            )

/// A score of a library, with the terms that were taken.
type Chosen = {
    Terms: LibraryTerms
    Ridge: float
    Loss: float
    Steps: LibraryStep list
}

/// The number of a feature.
let indexOf shared f = shared.Fields |> List.findIndex ((=) f)

/// The terms of a library, chosen by held-out loss where the script leaves them open, and the ridge.
let choose c shared (library: Library) : Chosen =
    let choice = LibraryChoice shared.Sums

    let numbers fields =
        fields |> List.map (indexOf shared) |> List.toArray

    let terms, steps =
        if library.Automatic then
            let candidates = numbers (proposed c |> List.filter ((<>) c.Unknown))
            let mutable steps: System.Collections.Generic.IReadOnlyList<LibraryStep> = [||]
            let terms = choice.Forward(candidates, numbers (linear c), &steps)
            terms, List.ofSeq steps
        else
            LibraryTerms(numbers library.Features, numbers library.Fixed), []

    let struct (ridge, loss) = choice.BestRidge terms

    {
        Terms = terms
        Ridge = ridge
        Loss = loss
        Steps = steps
    }

// ---- what the report says ----------------------------------------------------------------------------------------

let private spectrumName (f: Field) =
    match f with
    | Field.Unknown(name, _) -> name + "̂"
    | f -> $"({f})^"

let private signed (first: bool) (value: float) =
    let size = Digest.number (abs value)

    match first, value < 0.0 with
    | true, true -> "−" + size
    | true, false -> size
    | false, true -> " − " + size
    | false, false -> " + " + size

/// s(k) = w₁(k) û + … + c (u³)^
let private equation shared chosen (coefficients: Measurement[]) =
    let free =
        chosen.Terms.Free
        |> Seq.mapi (fun i j -> (if i = 0 then "" else " + ") + $"w{i + 1}(k) {spectrumName shared.Fields[j]}")

    let fixed' =
        chosen.Terms.Fixed
        |> Seq.mapi (fun i j ->
            signed (i = 0 && chosen.Terms.Free.Count = 0) coefficients[i].Value
            + " "
            + spectrumName shared.Fields[j])

    "ŝ(k) = " + String.concat "" (Seq.append free fixed')

/// Where the wavenumbers n Δk along the first axis stand among the kept modes, which are numbered as the modes are, those that are conjugate to one before left out.
let private alongFirst (grid: Grid) =
    let kept = [|
        for mode in 0 .. grid.Sites - 1 do
            if mode <= grid.Conjugate mode then
                mode
    |]

    Array.init (grid.Points[0] / 2 + 1) (fun n ->
        let index = Array.zeroCreate grid.Dimensions
        index[0] <- n
        Array.IndexOf(kept, grid.Ravel(ReadOnlySpan index)))

let private wavenumber (grid: Grid) n =
    2.0 * Math.PI * float n / grid.Lengths[0]

/// |w_j(k)| along the first axis.
let private kernelCurves shared chosen (kernels: Complex[][]) (errors: float[][]) =
    let grid = shared.Sums.Grid
    let modes = alongFirst grid
    let k = modes |> Array.mapi (fun n _ -> wavenumber grid n)

    chosen.Terms.Free
    |> Seq.mapi (fun i j ->
        let size = modes |> Array.map (fun h -> Complex.Abs kernels[i].[h])
        string shared.Fields[j], MeasuredCurve(k, size, modes |> Array.map (fun h -> errors[i].[h])))
    |> List.ofSeq

/// Values of kernels at the wavenumbers 0, 1, 2, 4, … along the first axis.
let private kernelLines shared chosen (kernels: Complex[][]) =
    let grid = shared.Sums.Grid
    let modes = alongFirst grid

    let complex (z: Complex) =
        if abs z.Imaginary < 1e-6 * Complex.Abs z then
            Digest.number z.Real
        else
            let sign = if z.Imaginary < 0.0 then "−" else "+"
            $"{Digest.number z.Real} {sign} {Digest.number (abs z.Imaginary)}i"

    chosen.Terms.Free
    |> Seq.mapi (fun i j ->
        let values =
            [ 0; 1; 2; 4; 8 ]
            |> List.filter (fun n -> n <= grid.Points[0] / 2)
            |> List.map (fun n -> $"{complex kernels[i].[modes[n]]} at {Digest.number (wavenumber grid n)}")
            |> String.concat ", "

        $"w{i + 1} of {shared.Fields[j]}: {values} (kx, ky = 0)")
    |> List.ofSeq

let private choiceLines shared chosen =
    let form (step: LibraryStep) =
        if step.Free then "with a kernel" else "with one number"

    [
        for step in chosen.Steps do
            let name = shared.Fields[step.Feature]

            if step.Feature = 0 && step.Free then
                $"chosen by held-out loss a site: {name} {form step} {Digest.number step.Loss}"
            else
                let verdict = if step.Taken then "taken" else "left"

                $"{verdict}: {name} {form step}, loss {step.Loss:F4}, gain {Digest.number step.Gain} ± {Digest.uncertainty step.StandardError}"
    ]

/// The response of one observable and the report of the score.
let estimate c bootstrap shared (estimator: Estimator) (library: Library) observable =
    let chosen =
        Terminal.stage $"fit {estimator}" (fun progress ->
            let chosen = choose c shared library
            // refuses what cannot be fitted before anything is resampled
            LibraryScore.Fitted(shared.Sums, chosen.Terms, chosen.Ridge) |> ignore
            progress.Report(1.0, $"held-out loss {Digest.number chosen.Loss} a site")
            chosen)

    let index = shared.Observables |> List.findIndex ((=) observable)

    let exact =
        match exactScores c.Experiment with
        | score :: _ -> indexOf shared score
        | [] -> -1

    let r, identity, values =
        Terminal.stage $"resample {estimator}" (fun _ ->
            LibraryResponse.Estimate(shared.Sums, index, chosen.Terms, chosen.Ridge, c.Plan.Every, bootstrap),
            LibraryResponse.AtLagZero(shared.Sums, chosen.Terms, chosen.Ridge, bootstrap),
            LibraryResponse.Values(shared.Sums, chosen.Terms, chosen.Ridge, exact, bootstrap))

    let struct (relative, coefficients, kernels, kernelErrors) = values

    let notes = [
        $"{Digest.number shared.Sums.Fields} base fields, {chosen.Terms.Free.Count} features with a kernel each and {chosen.Terms.Fixed.Count} with one number; held-out loss {Digest.number chosen.Loss} a site"
        if chosen.Ridge > 0.0 then
            $"ridge {Digest.number chosen.Ridge} by cross-validation"
        if not chosen.Terms.HasFreeState then
            "with a linear forecast as control variate"
    ]

    {|
        Response = r
        Identity = identity
        Notes = notes
        Equation = equation shared chosen coefficients :: kernelLines shared chosen kernels @ choiceLines shared chosen
        Coefficients =
            chosen.Terms.Fixed
            |> Seq.mapi (fun i j -> string c.Unknown, string shared.Fields[j], coefficients[i].Value, coefficients[i].StandardError)
            |> List.ofSeq
        Kernels = kernelCurves shared chosen kernels kernelErrors
        RelativeError =
            if exact < 0 then
                None
            else
                Some(relative.Value, relative.StandardError)
    |}
