/// The model of an experiment under a push of ±ε f(t).
module internal Leith.ForcedModels

open System
open System.Numerics
open Leith.Core
open Leith.Programs

/// What is run: the model, and the model or the state under ±ε.
type Pair = {
    Free: Model
    /// ε ↦ the models under +ε and −ε.
    Forced: float -> Model * Model
    /// g, by which the state is displaced at t = 0.
    Displacement: Func<ITileMap> | null
    /// A first ε, small beside what is pushed, and the largest that makes sense.
    Smallest: float
    Largest: float
}

type private System' = {
    Model: Model
    Equations: Equation list
    Noise: Noise
    Step: Step
}

let private parameterIn name f =
    Field.parameters f |> List.exists (fun (found, _) -> found = name)

/// A symbol with another value of a parameter.
let rec private inSymbol name (value: float) (symbol: Symbol) : Symbol =
    let again = inSymbol name value

    match symbol with
    | Symbol.Parameter(found, _) when found = name -> Symbol.Parameter(name, value)
    | Symbol.Sum(a, b) -> Symbol.Sum(again a, again b)
    | Symbol.Product(a, b) -> Symbol.Product(again a, again b)
    | Symbol.Quotient(a, b) -> Symbol.Quotient(again a, again b)
    | Symbol.Power(a, p) -> Symbol.Power(again a, p)
    | Symbol.Exponential a -> Symbol.Exponential(again a)
    | other -> other

/// A field with another value of a parameter, or with an expression in its place.
let rec private withParameter name (replacement: Field) (field: Field) : Field =
    let again = withParameter name replacement

    let symbolic symbol =
        match Field.constant replacement with
        | Some value -> inSymbol name value symbol
        | None when Symbol.parameters symbol |> List.exists (fun (found, _) -> found = name) ->
            raise (
                LeithException
                    $"dynamical: expected {name} outside spectral operators for a change that is not constant in time, got {field}; write perturbParameter {name} |> inTime lastingForcing."
            )
        | None -> symbol

    match field with
    | Field.Parameter(found, _) when found = name -> replacement
    | Field.Spectral(operator, symbol, a) -> Field.Spectral(operator, symbolic symbol, again a)
    | Field.Waves(symbol, a) -> Field.Waves(symbolic symbol, again a)
    | Field.Flow(_, _, rates, _, _) when rates |> List.exists (snd >> parameterIn name) ->
        raise (LeithException $"dynamical: expected {name} outside flows, got it in {field}; change another parameter.")
    | other -> Field.map again other

let rec private noiseWithParameter name (replacement: Field) noise =
    match noise with
    | Noise.Additive op when parameterIn name (op.Scale * Field.Spectral(op.Name, op.Symbol, Field.Time)) ->
        match Field.constant replacement with
        | Some value ->
            Noise.Additive {
                op with
                    Scale = withParameter name replacement op.Scale
                    Symbol = inSymbol name value op.Symbol
            }
        | None ->
            raise (
                LeithException
                    $"dynamical: expected a change of {name} in the noise that lasts, got one in time; write perturbParameter {name} |> inTime lastingForcing."
            )
    | Noise.Each parts -> Noise.Each(parts |> List.map (fun (u, part) -> u, noiseWithParameter name replacement part))
    | Noise.Expressions(calculus, parts) -> Noise.Expressions(calculus, parts |> List.map (fun (u, f) -> u, withParameter name replacement f))
    | other -> other

/// All noise times a constant.
let rec private scaled (factor: float) noise =
    match noise with
    | Noise.Additive op ->
        Noise.Additive {
            op with
                Scale = Field.Number factor * op.Scale
        }
    | Noise.PerSite s -> Noise.PerSite(factor * s)
    | Noise.White s -> Noise.White(factor * s)
    | Noise.Matrix rows -> Noise.Matrix(rows |> List.map (List.map ((*) factor)))
    | Noise.Each parts -> Noise.Each(parts |> List.map (fun (u, part) -> u, scaled factor part))
    | Noise.Expressions(calculus, parts) -> Noise.Expressions(calculus, parts |> List.map (fun (u, f) -> u, Field.Number factor * f))

/// The noise of numbers as expressions, so that it can be multiplied by one of the time.
let private asExpressions (unknowns: Field list) noise =
    let brownian index =
        Field.WhiteNoise($"W{index}", Domain.Scalar)

    match noise with
    | Noise.Expressions(calculus, parts) -> calculus, parts
    | Noise.PerSite s -> StochasticCalculus.Ito, unknowns |> List.mapi (fun i u -> u, Field.Number s * brownian i)
    | Noise.Matrix rows ->
        StochasticCalculus.Ito,
        List.map2
            (fun u row ->
                u,
                row
                |> List.mapi (fun j s -> Field.Number s * brownian j)
                |> List.fold (fun a b -> a + b) (Field.Number 0.0))
            unknowns
            rows
        |> List.filter (fun (_, f) -> not (isZero f))
    | other ->
        raise (
            LeithException
                $"dynamical: expected noise written with ito or stratonovich for a change of its amplitude in time, got {other}; write that, or perturbNoise |> inTime lastingForcing."
        )

let private multiplied (unknowns: Field list) (factor: Field) noise =
    let calculus, parts = asExpressions unknowns noise
    Noise.Expressions(calculus, parts |> List.map (fun (u, f) -> u, factor * f))

let private lowered s equations noise = Lower.systemFor s.Step equations noise

let private both make epsilon : Model * Model = make epsilon, make -epsilon

let private same (model: Model) (_: float) = model, model

/// g in rows of the state.
let private map s (parts: (Field * Field) list) : Func<ITileMap> =
    let unknowns = s.Equations |> List.map _.Unknown

    let along u =
        parts
        |> List.tryFind (fun (v, _) -> v = u)
        |> Option.map snd
        |> Option.defaultValue (Field.Number 0.0)

    let g = unknowns |> List.map along

    if (Equations.fields s.Equations).IsEmpty then
        Func<ITileMap>(Lower.vector unknowns g)
    else
        let degree = degreeOf s.Step.Dealiased s.Equations s.Noise
        let program = FieldCompiler([ unknowns ], degree).Program(askedOf s.Equations g)
        Func<ITileMap>(fun () -> program.Compile())

/// Equations of numbers with ε f(t) g in their right sides.
let private withPush s (parts: (Field * Field) list) (f: Field) (epsilon: float) =
    s.Equations
    |> List.map (fun e ->
        match parts |> List.tryFind (fun (u, _) -> u = e.Unknown) with
        | Some(_, g) -> {
            e with
                Drift = e.Drift + Field.Number epsilon * f * g
          }
        | None -> e)

/// A push along g, in rows of the state, of which the parts are the expression where there is one.
let private pushed
    s
    (push: Func<ITileMap>)
    (parts: (Field * Field) list option)
    forcing
    (course: ForcingInTime)
    (expression: Field option)
    smallest
    largest
    =
    let forced =
        match forcing, parts, expression with
        | Forcing.Impulse, _, _ -> same s.Model
        | _, Some parts, Some f when (Equations.fields s.Equations).IsEmpty -> both (fun epsilon -> lowered s (withPush s parts f epsilon) s.Noise)
        | _ -> both (fun epsilon -> ForcedMap.Force(s.Model, push, course.Value, epsilon))

    {
        Free = s.Model
        Forced = forced
        Displacement = (if forcing.IsImpulse then push else null)
        Smallest = smallest
        Largest = largest
    }

let private atOneInstant what =
    raise (
        LeithException
            $"dynamical: expected a change of {what} that lasts, got one at one instant, which no pair of runs can be given; write … |> inTime lastingForcing."
    )

let private ofParameter s name (value: float) forcing course (expression: Field option) =
    let size = if value = 0.0 then 1.0 else abs value
    let parameter (delta: float) = Field.Parameter(name, value + delta)

    let noiseHasIt =
        match s.Noise with
        | Noise.Expressions(_, parts) -> parts |> List.exists (snd >> parameterIn name)
        | Noise.Additive op -> parameterIn name (op.Scale * Field.Spectral(op.Name, op.Symbol, Field.Time))
        | Noise.Each _ -> noiseWithParameter name (parameter size) s.Noise <> s.Noise
        | _ -> false

    let changed replacement =
        lowered
            s
            (s.Equations
             |> List.map (fun e -> {
                 e with
                     Drift = withParameter name replacement e.Drift
             }))
            (noiseWithParameter name replacement s.Noise)

    // ∂F/∂α by a central difference of the expressions: exact where α enters linearly or squared.
    let slope () =
        let h = 1e-3 * size

        [
            for e in s.Equations do
                if parameterIn name e.Drift then
                    let at delta =
                        withParameter name (parameter delta) e.Drift

                    e.Unknown, Field.Number(0.5 / h) * at h - Field.Number(0.5 / h) * at -h
        ]

    match forcing, expression with
    | Forcing.Impulse, _ when noiseHasIt -> atOneInstant $"{name}, which stands in the noise,"
    | (Forcing.Impulse | Forcing.Series _), _ when not noiseHasIt ->
        let parts = slope ()
        pushed s (map s parts) (Some parts) forcing course expression (1e-4 * size) (0.2 * size)
    | Forcing.Step, _ -> {
        Free = s.Model
        Forced = both (fun epsilon -> changed (parameter epsilon))
        Displacement = null
        Smallest = 1e-4 * size
        Largest = 0.2 * size
      }
    | _, Some f -> {
        Free = s.Model
        Forced = both (fun epsilon -> changed (Field.Parameter(name, value) + Field.Number epsilon * f))
        Displacement = null
        Smallest = 1e-4 * size
        Largest = 0.2 * size
      }
    | _ ->
        raise (
            LeithException
                $"dynamical: expected f(t) as an expression for a change of {name}, which stands in the noise, got a series; write … |> inTime (following …)."
        )

let private ofNoise s forcing (expression: Field option) =
    let unknowns = s.Equations |> List.map _.Unknown

    let make =
        match forcing, expression with
        | Forcing.Impulse, _ -> atOneInstant "the noise"
        | Forcing.Step, _ -> fun epsilon -> lowered s s.Equations (scaled (1.0 + epsilon) s.Noise)
        | _, Some f -> fun epsilon -> lowered s s.Equations (multiplied unknowns (Field.Number 1.0 + Field.Number epsilon * f) s.Noise)
        | _ ->
            raise (
                LeithException "dynamical: expected f(t) as an expression for a change of the noise, got a series; write … |> inTime (following …)."
            )

    {
        Free = s.Model
        Forced = both make
        Displacement = null
        Smallest = 1e-3
        Largest = 0.2
    }

/// The pair of an experiment under one push. `kick`: rows of the state that a kick or a push of unknowns moves by one unit; `deviation`: of what it moves.
let make
    (experiment: Experiment)
    (model: Model)
    (push: Perturbation)
    (kick: Complex[])
    (deviation: float)
    (course: ForcingInTime)
    (frequency: float)
    : Pair =
    match experiment.Source with
    | Source.Recorded _ -> raise (LeithException "dynamical: expected a model to run, got a recording.")
    | Source.Simulated(equations, noise, step, _) ->
        let s = {
            Model = model
            Equations = equations
            Noise = noise
            Step = step
        }

        let forcing = experiment.Forcing
        let expression = ForcingCourse.expression frequency forcing

        match push with
        | Perturbation.Along parts -> pushed s (map s parts) (Some parts) forcing course expression (1e-4 * deviation) infinity
        | Perturbation.Push [ u ] ->
            pushed s (ForcedMap.Constant(model, kick)) (Some [ u, Field.Number 1.0 ]) forcing course expression (1e-3 * deviation) infinity
        | Perturbation.Kick _
        | Perturbation.Push _ -> pushed s (ForcedMap.Constant(model, kick)) None forcing course expression (1e-3 * deviation) infinity
        | Perturbation.Parameter(Field.Parameter(name, value)) -> ofParameter s name value forcing course expression
        | Perturbation.Parameter other -> raise (LeithException $"perturbParameter: expected a parameter, got {other}.")
        | Perturbation.NoiseAmplitude -> ofNoise s forcing expression
        | Perturbation.InTime _ -> raise (LeithException $"perturb: expected the course in time apart from the push, got {push}.")
