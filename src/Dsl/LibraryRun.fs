/// Library scores of fields: one record of all features that a run asks for, and the responses and score reports from it.
module internal Leith.LibraryRun

open System
open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.FieldRecord

/// Everything that the libraries of a run share.
type Shared = {
    /// The features, the kicked field first, then scores that are known, to compare with.
    Fields: Field list
    Scores: Field list
    Observables: Field list
    Features: LibraryFeatures
    Sums: LibrarySums
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
    experiment.Estimate
    |> List.choose (fun e ->
        match e.Method with
        | Method.Library library -> Some(e, library)
        | Method.Learned { Base = NetworkBase.Library library } -> Some(e, library)
        | _ -> None)

/// A record of the features in the same pass as other sinks: (sinks, what they give in the end); none where no library is asked for.
let prepare c : ((int -> ITileSink) list * (unit -> Shared)) option =
    match libraries c.Experiment with
    | [] -> None
    | asked ->
        for estimator, library in asked do
            check estimator c.Unknowns c.Unknown library

        let fields =
            [
                for _, library in asked do
                    yield! library.Features @ library.Fixed

                    if library.Automatic then
                        yield! proposed c @ linear c
            ]
            |> FieldLibrary.gathered c.Unknown

        let scores =
            c.Experiment.Estimate
            |> List.choose (fun e ->
                match e.Method with
                | Method.Exact [ score ] -> Some score
                | _ -> None)

        let observables = c.Experiment.Observe

        let features =
            FieldLibrary.featuresWith (fun _ -> true) c.Seed c.Unknowns c.Unknown fields scores

        let key =
            let texts list =
                list |> List.map Field.canonical |> String.concat "\n"

            $"library {describe c.Experiment}\nlags {c.Longest}\n{texts fields}\nscores {texts scores}\nof {texts observables}"

        let finish (sums: LibrarySums) =
            sums.Kept <- keptModes c

            {
                Fields = fields
                Scores = scores
                Observables = observables
                Features = features
                Sums = sums
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

let private indexOf shared f = shared.Fields |> List.findIndex ((=) f)

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
    let exact = if shared.Scores.IsEmpty then -1 else shared.Fields.Length

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
