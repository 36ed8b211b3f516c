/// Responses of fields to pushes that depend on the state, and of numbers that are no linear map of the response to one kick: from the conjugate observable of every member.
module internal Leith.FieldScalars

open System
open System.Collections.Generic
open Leith.Core
open Leith.Calculus
open Leith.Stages
open Leith.FieldRecord
open Leith.FieldFunctionals

/// The vector field that the pushed field is pushed along.
let private pushOf c : Field =
    match c.Experiment.Perturb with
    | Perturbation.Kick(_, site) ->
        // 1 at the site, 0 elsewhere
        let near axis i =
            let spacing = c.Grid.Lengths[axis] / float c.Grid.Points[axis]
            let step a = Field.Apply(Elementary.Step, a)

            step (Field.Coordinate axis - (float i - 0.5) * spacing)
            * step ((float i + 0.5) * spacing - Field.Coordinate axis)

        site |> List.mapi near |> product
    | Perturbation.Along [ _, g ] -> g
    | Perturbation.Parameter parameter ->
        let equations, noise =
            match c.Experiment.Source with
            | Source.Simulated(equations, noise, _, _) -> equations, noise
            | Source.Recorded _ -> [], Noise.PerSite 0.0

        let name =
            match parameter with
            | Field.Parameter(name, _) -> name
            | other -> string other

        let inNoise =
            match noise with
            | Noise.Additive op ->
                Field.parameters (op.Scale * Field.Spectral(op.Name, op.Symbol, Field.Time))
                |> List.exists (fst >> (=) name)
            | Noise.Expressions(_, parts) -> parts |> List.exists (snd >> Field.parameters >> List.exists (fst >> (=) name))
            | _ -> false

        if inNoise || equations.Length > 1 then
            raise (
                LeithException
                    $"perturbParameter: expected a parameter of the drift of one field for estimators with a score, got {name}, which is in the noise or in one of several equations; take dynamical."
            )

        Diffusion.alongParameter name equations.Head.Drift
    | other -> raise (LeithException $"perturb: expected a push along a field for estimators with a score, got {other}; take dynamical.")

/// The score of an estimator as a map of the state to its spectrum.
let private scoreMap
    c
    (shared: LibraryRun.Shared option)
    (products: Dictionary<Field * string, SpectralLagProducts>)
    fields
    deviation
    (estimator: Estimator)
    : Func<ITileMap> =
    let fitted (terms: LibraryTerms) ridge =
        match shared with
        | Some shared ->
            let score = LibraryScore.Fitted(shared.Sums, terms, ridge)
            Func<ITileMap>(score.CreateScore)
        | None -> raise (LeithException $"'{estimator}' expected a law that is the same at all places and times.")

    match estimator.Method with
    | Method.Gaussian -> fitted (LibraryTerms([| 0 |], [||])) 0.0
    | Method.Library library ->
        let chosen = LibraryRun.choose c (Option.get shared) library
        fitted chosen.Terms chosen.Ridge
    | Method.Exact [ score ] -> Func<ITileMap>(Lower.field c.Unknowns (Option.get (Field.place c.Unknown)) score)
    | Method.Learned network when not (FieldPublished.isPublished estimator) ->
        let score =
            FieldLearned.score c estimator network products[c.Unknown, "the state"] fields deviation shared

        Func<ITileMap>(fun () ->
            match map c c.Unknown with
            | null -> score.CreateScore()
            | unknown -> new Chain(unknown.Invoke(), c.Grid.Sites, score.CreateScore()))
    | _ ->
        raise (
            LeithException
                $"'{estimator}' expected gaussian, exact, libraryOf or learned for a push that depends on the state or a number that is not a mean of products, got another; take one of these, or dynamical."
        )

/// One response of every estimator to the push, [estimator, observable].
type Found = {
    Response: FieldResponse
    Components: string[]
    IsField: bool
    Notes: string list
}

/// Answers of estimators with a score, from one pass of their own.
let run c shared products fields deviation (estimators: Estimator list) (asked: Functional list) : IDictionary<string * Field, Found> =
    let g = pushOf c
    let homogeneous = not (Field.dependsOnPlace g)

    let divergence =
        if (Field.unknowns g).IsEmpty then
            zero
        else
            match Derivatives.traceDensity c.Unknown g |> tidy with
            // of the place alone: no field is under its mean
            | density when (Field.unknowns density).IsEmpty -> Field.Number(atSites "perturb" c.Grid density |> Array.sum)
            | _ -> Derivatives.divergence [ c.Unknown, g ]

    // the value of a field at any site is its mean where the push is the same everywhere
    let rowsOf (f: Functional) =
        if f.Weight.IsSome then
            [ f.Asked ], 1
        elif homogeneous && not (Field.dependsOnPlace f.Asked) then
            [ Field.Mean f.Asked ], 1
        else
            [ f.Asked ], c.Grid.Sites

    let place = Field.place c.Unknown

    let spread f =
        if (Field.place f).IsSome then
            f
        else
            f * Field.Power(c.Unknown, 0.0)

    let program (list: (Field * Domain option) list) =
        let program =
            FieldCompiler([ c.Unknowns ], None).Program(list |> List.map (fun (f, place) -> Programs.wanted false (string f) place f))

        fun () -> program.Compile()

    let push = program [ spread g, place; divergence, None ]
    let scores = estimators |> List.map (scoreMap c shared products fields deviation)

    let observables =
        asked
        |> List.map (fun f ->
            let parts, rows = rowsOf f
            program (parts |> List.map (fun a -> a, (if rows = 1 then None else place))), rows)

    let count = estimators.Length
    let rows = count + (observables |> List.sumBy snd)

    let lags =
        VectorLags(
            VectorLagPlan(
                c.Plan,
                count,
                c.Longest,
                Observables = [|
                    TileRows(rows - count, Func<ITileMap>(fun () -> new RowsOf(count, rows - count)))
                |],
                Names = (estimators |> List.map (fun e -> $"conjugate of {e}") |> List.toArray)
            )
        )

    let opened tile =
        let parts = [|
            for score in scores do
                struct (new PushConjugate(push (), score.Invoke(), c.Grid) :> ITileMap, 1)
            for make, rows in observables do
                struct (make (), rows)
        |]

        new MappedSink(new Stacked(parts), rows, lags.Open tile) :> ITileSink

    Terminal.stage "correlate with the push" (fun progress ->
        c.Simulation.Value.Run(c.Plan, opened, c.Setting.Threads, fraction progress, c.Setting.Cancellation))

    stopIfCancelled c.Setting

    let estimate =
        Terminal.stage "resample the push" (fun _ -> PushResponse.Estimate(lags.Result(), (if c.Setting.Sketch then 50 else 200), c.Seed))

    let found = Dictionary<string * Field, Found>()
    let mutable first = 0

    for f, (_, rows) in List.zip asked observables do
        let range = [| first .. first + rows - 1 |]
        first <- first + rows

        let sites =
            if rows = 1 then
                [| 0 |]
            else
                FieldResponse.AlongFirstAxis c.Grid

        for j, estimator in List.indexed estimators do
            let column (cube: float[][][]) =
                cube |> Array.map (fun lag -> range |> Array.map (fun row -> lag[row].[j]))

            let replicates: float[][][] | null =
                match estimate.Replicates with
                | null -> null
                | all ->
                    all
                    |> Array.map (fun cube -> cube |> Array.map (fun lag -> sites |> Array.map (fun x -> lag[range[x]].[j])))

            found[(estimator.Label, f.Asked)] <- {
                Response =
                    FieldResponse(
                        estimate.Lags,
                        column estimate.Values,
                        column estimate.StandardError,
                        Replicates = replicates,
                        ReplicateSites = sites,
                        Independent = estimate.Independent
                    )
                Components = [| string f.Asked |]
                IsField = rows > 1
                Notes = [
                    "from the conjugate observable −∇·g − Σ g ŝ of every member; the score is held fixed in the resamples"
                    if rows = 1 && f.Weight.IsNone then
                        "the push is the same everywhere: so is the answer, of which the mean over the sites is taken"
                    yield! estimate.Notes
                ]
            }

    found
