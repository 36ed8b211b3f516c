/// Responses of scalar unknowns to any small change of the drift or of the noise, by its conjugate observable; the trees that the sums are made of.
module internal Leith.VectorConjugate

open System
open Leith.Core
open Leith.Calculus
open Leith.Stages
open Leith.VectorRecord

/// What f is a sum of, with the derivatives of its features.
type Forecast = {
    Features: Field list
    Slope: Field -> Field -> Field
    /// None: chosen by held-out blocks.
    Ridge: float option
    /// Rows that its features stand for, where no tree gives them.
    Added: (Field list * TileRows) list
    Text: string
}

/// One estimator whose responses come from conjugate observables.
type Ask = {
    Estimator: Estimator
    Form: ScoreForm
    /// Symbols of the score and of its derivatives, where no tree gives it, and the map that computes them.
    Added: (Field list * TileRows) list
    Forecast: Forecast option
    /// Everything that the maps depend on.
    Key: string
    Notes: string list
    Sigma: float option
    Training: (int * float * float) list
    /// What is known of the score from its fit.
    Report: ScoreReport option
    /// What −⟨x_i ŝ_i⟩ should be.
    Expected: float[]
    /// Makes what the maps need, before the pass; nothing where the sums are kept.
    Prepare: unit -> unit
}

let private system (c: Context) =
    match c.Experiment.Source with
    | Source.Simulated(equations, noise, _, _) -> equations, noise
    | Source.Recorded _ -> [], Noise.PerSite 0.0

let diffusion (c: Context) = system c ||> Diffusion.matrix
let drift (c: Context) = system c ||> Diffusion.drift

/// The changes that are asked for, one response for each.
let changes (c: Context) : Change list =
    let equations, noise = system c

    match c.Experiment.Perturb with
    | Perturbation.Push fields -> fields |> List.map (Change.unit c.Unknowns)
    | Perturbation.Along parts -> [ Change.along c.Unknowns parts ]
    | Perturbation.Parameter parameter -> [ Change.parameter equations noise parameter ]
    | Perturbation.NoiseAmplitude -> [ Change.noiseAmplitude equations noise ]
    | Perturbation.Kick(u, _) -> raise (LeithException $"perturb: expected a push of scalar unknowns, got a kick of a site of {u}; write push {u}.")
    | Perturbation.InTime _ as push -> raise (LeithException $"perturb: expected the course in time apart from the push, got {push}.")

/// What is asked of a record of numbers, simulated or read.
type Question = {
    Unknowns: Field list
    /// Observables that are no unknowns.
    Others: Field list
    /// Where each observable stands among [unknowns, others], and its name.
    Observed: (int * string) list
    Changes: Change list
    /// Drift and diffusion, where they are known.
    System: (Field list * Field list list) option
    /// Forked runs, where there are any.
    Forked: Lazy<VectorForks.Forked option>
    Seed: uint64
}

let questionOf (c: Context) forked : Question =
    let others, rows = rowsOf c

    {
        Unknowns = c.Unknowns
        Others = others
        Observed = List.zip rows (c.Experiment.Observe |> List.map string)
        Changes = changes c
        System = Some(drift c, diffusion c)
        Forked = forked
        Seed = c.Seed
    }

/// The score that an estimator stands on, and what it forecasts from.
let standsOn (estimator: Estimator) =
    match estimator.Method with
    | Method.Robust(score, regression) ->
        {
            score with
                Corrected = score.Corrected || estimator.Corrected
                Stein = estimator.Stein @ score.Stein
        },
        Some regression
    | _ -> estimator, None

/// Whether plain lag products with unit pushes are not enough.
let isConjugateTo (push: Perturbation) (estimator: Estimator) =
    match estimator.Method with
    | Method.Dynamical _
    | Method.Propagator -> false
    | _ -> not push.IsPush || estimator.Method.IsRobust || estimator.Corrected || not estimator.Stein.IsEmpty

let isConjugate (c: Context) estimator =
    isConjugateTo c.Experiment.Perturb estimator

/// Vector fields that every score is tested on: x_i e_j, and powers of each unknown in its own direction.
let defaultFields (unknowns: Field list) : (string * Field list) list =
    let along j f =
        unknowns |> List.mapi (fun i _ -> if i = j then f else zero)

    let row (f: Field) j =
        let x = unknowns[j]
        let slope = ScorePolynomial.slope x f

        let added =
            if slope = zero then
                ""
            else
                match Field.constant slope with
                | Some c -> $" + {Digest.number c}"
                | None -> $" + {slope}"

        $"{f} ŝ({x}){added}", along j f

    [
        for i, x in List.indexed unknowns do
            row x i

            if unknowns.Length <= 3 then
                for j in 0 .. unknowns.Length - 1 do
                    if i <> j then
                        row x j

                row (Field.Pow(x, 2)) i
                row (Field.Pow(x, 3)) i
    ]

/// Test fields of the script with their names.
let private askedFields (unknowns: Field list) (estimator: Estimator) =
    let n = unknowns.Length

    estimator.Stein
    |> List.map (fun g ->
        if g.Length <> n then
            raise (
                LeithException
                    $"testedOn: '{estimator}' expected one component for each of {n} unknowns, got {g.Length}; put 0 where the field does not point."
            )

        for f in g do
            if Field.dependsOnTime f then
                raise (LeithException $"testedOn: '{estimator}' expected fields of the state, got {f}, which depends on the time t; leave t out.")

        let parts = [
            for x, f in List.zip unknowns g do
                if f <> zero then
                    match f with
                    | Field.Sum _ -> $"({f}) ŝ({x})"
                    | _ -> $"{f} ŝ({x})"
        ]

        let divergence = List.map2 ScorePolynomial.slope unknowns g |> total |> tidy

        String.Join(" + ", parts)
        + (match divergence with
           | d when d = zero -> ""
           | d -> $" + {d}"),
        g)

let steinFields unknowns (estimator: Estimator) =
    match askedFields unknowns estimator with
    | [] -> defaultFields unknowns
    | asked -> asked

/// Everything that is summed for one estimator.
type Sums = {
    Ask: Ask
    Quantities: Quantities
    Plan: ConjugatePlan
    Symbols: Field list
    SteinNames: string list
    HasCertificate: bool
}

/// Trees of an estimator as quantities of tables.
let sumsOf (question: Question) (ask: Ask) : Sums =
    let unknowns, changes = question.Unknowns, question.Changes
    let form = ask.Form

    let regression = ask.Forecast |> Option.map _.Features |> Option.defaultValue []

    let scoreFeatures = if form.Rule = WeightRule.None then [] else form.Features

    let q = Quantities(List.distinct (regression @ scoreFeatures))

    let conjugates =
        changes |> List.map (ScorePolynomial.conjugate unknowns form >> Quantities.Terms q.Quantity)

    let mean = Quantities.Terms q.Mean

    let moves =
        match ask.Forecast with
        | None -> [||]
        | Some forecast -> [|
            for change in changes ->
                [|
                    for f in regression -> ScorePolynomial.moved unknowns forecast.Slope change f |> mean
                |]
          |]

    let slopes = [|
        for x in unknowns do
            for f in scoreFeatures -> ScorePolynomial.ofTree (form.Slope x f) |> mean
    |]

    let fields = steinFields unknowns (fst (standsOn ask.Estimator))

    let means = [|
        for _, g in fields do
            yield ScorePolynomial.stein unknowns form g |> mean
        match question.System with
        | Some(drift, diffusion) -> yield ScorePolynomial.certificate unknowns form drift diffusion |> mean
        | None -> ()
    |]

    let rows = unknowns @ question.Others

    let squares, centres =
        if regression.IsEmpty && question.System.IsNone then
            [||], [||]
        else
            [| for a in rows -> q.Mean(tidy (a * a)) |], [| for a in rows -> q.Mean a |]

    let score =
        WeightedScore(
            form.Rule,
            [| for f in scoreFeatures -> q.Feature f |],
            slopes,
            form.Ridge,
            [| for f in scoreFeatures -> List.contains f form.Free |]
        )

    {
        Ask = ask
        Quantities = q
        Plan =
            ConjugatePlan(
                score,
                Array.ofList conjugates,
                Regression = [| for f in regression -> q.Feature f |],
                Moves = moves,
                Ridge = (ask.Forecast |> Option.bind _.Ridge |> Option.toNullable),
                Squares = squares,
                Centres = centres,
                Means = means
            )
        Symbols =
            (ask.Added |> List.collect fst)
            @ (ask.Forecast
               |> Option.map (fun (f: Forecast) -> f.Added |> List.collect fst)
               |> Option.defaultValue [])
        SteinNames = fields |> List.map fst
        HasCertificate = question.System.IsSome
    }
