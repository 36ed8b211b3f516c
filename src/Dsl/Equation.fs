namespace Leith

open Leith.Core

/// ∂u/∂t, the left side of an equation.
type TimeDerivative = TimeDerivative of Field

/// ∂u/∂t = F(u, t).
[<StructuredFormatDisplay("{Text}")>]
type Equation = {
    /// u, an unknown.
    Unknown: Field
    /// F, the drift.
    Drift: Field
} with

    /// The equation as text, e.g. ∂u/∂t = κ Δu − A ∂x u.
    member equation.Text =
        match equation.Unknown with
        | Field.Unknown(name, (Domain.Torus _ | Domain.Lattice _ | Domain.Modes _)) -> $"∂{name}/∂t = {equation.Drift}"
        | unknown -> $"d{unknown}/dt = {equation.Drift}"

    override equation.ToString() = equation.Text

/// One term c · Op₁ Op₂ … core of an expanded sum: the core is an unknown (a linear term), 1 (a constant one) or something that is not linear.
type Term = {
    Coefficient: Field
    /// (name, symbol), outermost first.
    Operators: (string * Symbol) list
    Core: Field
}

/// F = L u + N: the terms that are linear with constant coefficients, and all others, constants and forcing included.
type Split = {
    Linear: Term list
    Nonlinear: Term list
}

[<RequireQualifiedAccess>]
module Equation =
    let private one = Field.Number 1.0

    /// More terms than this and a product stays as it is written.
    let private longestExpansion = 16

    let private asProduct f =
        match f with
        | Field.Power(Field.Sum _ as sum, (2.0 | 3.0 as p)) -> List.replicate (int p) sum
        | f -> [ f ]

    /// A product of sums multiplied out.
    let private expand factors =
        let sides =
            factors
            |> List.collect asProduct
            |> List.map (function
                | Field.Sum parts -> parts
                | f -> [ f ])

        if
            sides |> List.forall (fun parts -> parts.Length = 1)
            || (sides |> List.fold (fun n parts -> n * parts.Length) 1) > longestExpansion
        then
            None
        else
            sides
            |> List.reduce (fun left right -> List.allPairs left right |> List.map (fun (a, b) -> a * b))
            |> Some

    let private term coefficient core = {
        Coefficient = coefficient
        Operators = []
        Core = core
    }

    let private scaled (scale: Field) terms =
        terms
        |> List.map (fun term -> {
            term with
                Coefficient = scale * term.Coefficient
        })

    /// The terms of a field, with constants and linear operators carried into sums; a product is multiplied out when that shows a linear or constant term.
    let rec terms (field: Field) : Term list =
        match field with
        | Field.Sum parts -> parts |> List.collect terms
        | Field.Product factors ->
            let constants, others = factors |> List.partition Field.isConstant
            let scale = constants |> List.fold (fun a b -> a * b) one

            match others with
            | [] -> [ term scale one ]
            | [ factor ] -> terms factor |> scaled scale
            | _ -> product others |> scaled scale
        | Field.Quotient(a, b) when Field.isConstant b -> terms a |> scaled (1.0 / b)
        | Field.Lap a -> under ("Δ", -Symbol.Squared) a
        | Field.Derivative(axis, a) -> under ("∂" + Typography.axis axis, Symbol.Imaginary * Symbol.Component axis) a
        | Field.Spectral(name, symbol, a) -> under (name, symbol) a
        | Field.Mean a when Field.isConstant a -> terms a
        | Field.Mean a when hasSpectrum a -> under ("mean", Symbol.Origin) a
        | f when Field.isConstant f -> [ term f one ]
        | Field.Power(Field.Sum _, _) -> product [ field ]
        | f -> [ term one f ]

    and private hasSpectrum a =
        match Field.place a with
        | Some(Domain.Torus _) -> true
        | _ -> false

    and private product factors =
        match expand factors |> Option.map (List.collect terms) with
        | Some terms when terms |> List.exists (fun term -> term.Core.IsUnknown || term.Core = one) -> terms
        | _ -> [ term one (factors |> List.reduce (fun a b -> a * b)) ]

    and private under op a =
        terms a
        |> List.map (fun term -> {
            term with
                Operators = op :: term.Operators
        })

    /// The linear and the other terms of a drift.
    let split drift =
        let linear, others =
            terms drift
            |> List.filter (fun term -> term.Coefficient <> Field.Number 0.0)
            |> List.partition _.Core.IsUnknown

        { Linear = linear; Nonlinear = others }

    /// A term as a field again.
    let termField term =
        let apply (name, symbol) f =
            // an operator of the user's may bear one of these names
            match name, symbol with
            | "Δ", Symbol.Product(Symbol.Number -1.0, Symbol.Squared) -> Field.Lap f
            | ("∂x" | "∂y" | "∂z"), Symbol.Product(Symbol.Imaginary, Symbol.Component axis) -> Field.Derivative(axis, f)
            | "mean", Symbol.Origin -> Field.Mean f
            | _ -> Field.Spectral(name, symbol, f)

        term.Coefficient * List.foldBack apply term.Operators term.Core

    /// The sum of terms as a field.
    let sum terms =
        terms |> List.map termField |> List.fold (fun a b -> a + b) (Field.Number 0.0)

    /// Rows of the state, a float since grids may be larger than anything.
    let internal rows (equations: Equation list) =
        equations
        |> List.sumBy (fun e ->
            match e.Unknown with
            | Field.Unknown(_, (Domain.Torus(_, points) | Domain.Lattice(_, points) | Domain.Modes(_, points))) ->
                points |> List.fold (fun n p -> n * float p) 1.0
            | _ -> 1.0)

    /// Bytes that the tiles of one thread take at the least: eight rows of sixteen doubles a site.
    let internal leastBytes equations = 1024.0 * rows equations

    /// Refuses a system that cannot be one: no equation, an unknown twice or without an equation, white noise in a drift, a right side that lives elsewhere than its unknown.
    let check (equations: Equation list) =
        let fail text =
            raise (LeithException $"system: {text}")

        let given = equations |> List.map _.Unknown

        if List.isEmpty equations then
            fail "expected at least one equation, such as ddt u == lap u, got an empty list."

        for unknown in given do
            match unknown with
            | Field.Unknown(_, (Domain.Torus _ | Domain.Lattice _ | Domain.Modes _ | Domain.Scalar)) -> ()
            | other -> fail $"expected ddt of an unknown made by `field` or `scalar`, got ddt ({other})."

        match given |> List.countBy id |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(unknown, count) -> fail $"expected one equation for {unknown}, got {count}; add their right sides into one."
        | None -> ()

        match given |> List.countBy string |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(name, count) -> fail $"expected a different name for each unknown, got {name} {count} times."
        | None -> ()

        let available = float (System.GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)

        if leastBytes equations > available then
            let gigabytes (bytes: float) =
                System.String.Format(System.Globalization.CultureInfo.InvariantCulture, "{0:F1} GB", bytes / 1e9)

            fail
                $"expected grids that fit into memory, got ones whose states take at least {gigabytes (leastBytes equations)} on one thread, where {gigabytes available} are free; take fewer points."

        for equation in equations do
            for unknown in Field.unknowns equation.Drift do
                if not (List.contains unknown given) then
                    fail $"expected an equation for every unknown, got none for {unknown}, which stands in: {equation}."

            match Field.whiteNoises equation.Drift with
            | noise :: _ ->
                fail
                    $"expected a drift without noise, got {noise} in: {equation}; write it in the `noise` line, as in noise (ito [ {equation.Unknown}, … ])."
            | [] -> ()

            match Field.place equation.Unknown, Field.place equation.Drift with
            | here, Some there when here <> Some there ->
                fail
                    $"expected a right side that lives where {equation.Unknown} does, got one on another grid: {equation}; take its mean, or put both on one grid."
            | None, _ when Field.variesWithPlace equation.Drift ->
                fail
                    $"expected no coordinate in the equation of a number, got {equation}; take the mean of a field times it, as in mean (u * sin (coordinate 0))."
            | _ -> ()

/// Equations taken together.
[<RequireQualifiedAccess>]
module internal Equations =
    /// The unknowns that are fields.
    let fields (equations: Equation list) =
        equations |> List.map _.Unknown |> List.filter (fun u -> (Field.place u).IsSome)

    /// Whether the state is that of one field on a torus, or of numbers only.
    let isPlain (equations: Equation list) =
        match fields equations with
        | [] -> true
        | [ Field.Unknown(_, Domain.Torus _) ] -> equations.Length = 1
        | _ -> false

/// The words of equations.
[<AutoOpen>]
module EquationWords =
    /// ∂u/∂t, the left side of an equation.
    let ddt u = TimeDerivative u

    /// An equation: `ddt u == lap u`.
    let (==) (TimeDerivative u) (drift: Field) : Equation = { Unknown = u; Drift = drift }

    /// dx/dt = A x for scalar unknowns: `linear [ [ -1.0; 2.0 ]; [ 0.0; -1.0 ] ] [ x; y ]`.
    let linear (matrix: float list list) (unknowns: Field list) : Equation list =
        let n = unknowns.Length

        if matrix.Length <> n || matrix |> List.exists (fun row -> row.Length <> n) then
            let shape = matrix |> List.map (fun row -> string row.Length) |> String.concat ", "
            raise (LeithException $"linear: expected {n} rows of {n} numbers for {n} unknowns, got {matrix.Length} rows of length {shape}.")

        List.map2
            (fun row u ->
                ddt u
                == (List.map2 (fun (a: float) x -> a * x) row unknowns
                    |> List.fold (fun a b -> a + b) (Field.Number 0.0)))
            matrix
            unknowns
