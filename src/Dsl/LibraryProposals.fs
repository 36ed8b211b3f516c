/// What a library of a field is made of where the script does not say: features from the equation of the field.
module internal Leith.LibraryProposals

open Leith.Core
open Leith.Calculus

/// More features than this and their Gram matrices cost more than the simulation.
let private most = 16

/// Whether a field is a function of the values of the unknowns at the place itself.
let rec private isLocal field =
    match field with
    | Field.Unknown _ -> (Field.place field).IsSome
    | Field.Number _
    | Field.Parameter _ -> true
    | Field.Sum _
    | Field.Product _
    | Field.Quotient _
    | Field.Power _
    | Field.Apply _ -> Field.children field |> List.forall isLocal
    | _ -> false

let rec private replace (u: Field) (by: Field) field =
    if field = u then by else Field.map (replace u by) field

/// g(u) on the grid and on all half-shifted ones.
let private shifted (u: Field) (g: Field) =
    halfShifts (fun there -> replace u there g) u

/// v of a sum Σ_i v_i ∂_i u among terms that are not linear, one velocity an axis, signs and constants included; none where an axis has none.
let velocity (u: Field) (drift: Field) : Field list option =
    let dimensions =
        match Field.place u with
        | Some(Domain.Torus(lengths, _) | Domain.Lattice(lengths, _)) -> lengths.Length
        | _ -> 0

    let along axis =
        (Equation.split drift).Nonlinear
        |> List.choose (fun term ->
            match term.Core with
            | Field.Product factors when term.Operators.IsEmpty ->
                match factors |> List.partition ((=) (Field.Derivative(axis, u))) with
                | [ _ ], others -> Some(term.Coefficient * product others)
                | _ -> None
            | _ -> None)
        |> total

    let found = List.init dimensions along

    if found.IsEmpty || found |> List.exists ((=) zero) then
        None
    else
        Some found

/// Features for a field moved by a velocity, v in ∂u/∂t = v·∇u + …: v·∇u, (vv:∇∇)u and u|v|².
let private moved (u: Field) (v: Field list) =
    let axes = [ 0 .. v.Length - 1 ]
    let d axis a = Field.Derivative(axis, a)

    [
        axes |> List.map (fun i -> v[i] * d i u) |> total
        List.allPairs axes axes |> List.map (fun (i, j) -> v[i] * v[j] * d i (d j u)) |> total
        u * (v |> List.map square |> total)
    ]

/// Nothing more than the equation says.
let none: Field -> Field list -> Field list = fun _ _ -> []

/// Features proposed for the kicked field u, the most promising first: the terms of its equation that are not linear, stripped of constants and linear operators, on all half-shifted grids; where a velocity
/// moves it, v·∇u, (vv:∇∇)u, u|v|² and what `more` makes of the velocity; other fields that stand in its equation.
let candidates (more: Field -> Field list -> Field list) (equations: Equation list) (u: Field) : Field list =
    let drift = equations |> List.tryFind (fun e -> e.Unknown = u) |> Option.map _.Drift

    match drift with
    | None -> []
    | Some drift ->
        let cores =
            (Equation.split drift).Nonlinear
            |> List.map _.Core
            |> List.filter (fun core -> not (Field.unknowns core).IsEmpty)
            |> List.distinct

        let local, others = cores |> List.partition isLocal
        let velocity = velocity u drift

        let isCarried core =
            match velocity, core with
            | Some _, Field.Product factors -> factors |> List.exists (fun f -> f.IsDerivative)
            | _ -> false

        let neighbours =
            equations |> List.map _.Unknown |> List.filter (fun v -> v <> u && Field.place v = Field.place u)

        [
            for core in local do
                if List.contains u (Field.unknowns core) then
                    yield! shifted u core
                else
                    core
            match velocity with
            | Some v ->
                yield! more u v
                yield! moved u v
            | None -> ()
            yield! others |> List.filter (isCarried >> not)
            yield! neighbours
        ]
        |> List.filter (fun f -> Field.place (FieldLibrary.onTorus f) = Field.place (FieldLibrary.onTorus u))
        |> List.distinct
        |> List.truncate most

/// What of an equation is linear in its own field, without constants: with one number each these may stand in for a free kernel.
let linearTerms (equations: Equation list) (u: Field) : Field list =
    equations
    |> List.tryFind (fun e -> e.Unknown = u)
    |> Option.map (fun e ->
        (Equation.split e.Drift).Linear
        |> List.filter (fun term -> term.Core = u)
        |> List.map (fun term -> Equation.termField { term with Coefficient = one }))
    |> Option.defaultValue []
    |> fun terms -> u :: terms |> List.distinct
