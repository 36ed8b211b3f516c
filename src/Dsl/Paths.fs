namespace Leith

open System
open System.Numerics
open Leith.Core
open Leith.Calculus

/// One step of a path from a field to something it depends on: a factor at each place, or a linear operator.
[<RequireQualifiedAccess>]
type PathStep =
    | Local of Field
    | Linear of LinearOperator

/// Derivatives as sums of paths through the tree, and the diagonals of paths.
module internal Paths =
    /// What a path of steps, outermost first, makes of a field where `leaf` lives.
    let walk leaf (path: PathStep list) (field: Field) =
        List.foldBack
            (fun step field ->
                match step with
                | PathStep.Local g -> g * field
                | PathStep.Linear LinearOperator.Average -> field |> onGridOf leaf |> apply LinearOperator.Average
                | PathStep.Linear op -> apply op field)
            path
            field

    /// The path of the transposed derivative.
    let transposedPath (path: PathStep list) =
        path
        |> List.rev
        |> List.collect (fun step ->
            match step with
            | PathStep.Local _ -> [ step ]
            | PathStep.Linear op ->
                match transposed op with
                | 1.0, op -> [ PathStep.Linear op ]
                | sign, op -> [ PathStep.Local(Field.Number sign); PathStep.Linear op ])

    /// The first derivative of f by x as a sum of paths. A path ends at x, or at a number that depends on the field x, such as ⟨x²⟩, where `throughMeans` is false.
    let paths throughMeans x (f: Field) : (PathStep list * Field) list =
        let rec go before f =
            match f with
            | _ when not (contains x f) -> []
            | f when f = x || (not throughMeans && isNumber f && not (isNumber x)) -> [ List.rev before, f ]
            | Field.Waves _ -> refuseWaves "divergence" f
            | Field.Displaced _
            | Field.Flow _ -> refuseMoved "divergence" f
            | Field.Mean a when isNumber a -> go before a
            | _ ->
                match asOperator f with
                | Some(op, a) -> go (PathStep.Linear op :: before) a
                | None ->
                    partials f
                    |> List.collect (fun (slope, a) ->
                        go
                            (if slope = one then
                                 before
                             else
                                 PathStep.Local slope :: before)
                            a)

        go [] f

    /// S on every mode of the grid of a domain, differences for derivatives on a lattice.
    let multiplier domain op : Complex[] =
        let grid, onLattice =
            match domain with
            | Domain.Lattice(lengths, points) -> Grid(points, lengths), true
            | Domain.Torus(lengths, points)
            | Domain.Modes(lengths, points) -> Grid(points, lengths), false
            | _ -> Grid([ 1 ], [ 1.0 ]), false

        let spacing =
            Array.init grid.Dimensions (fun axis -> grid.Lengths[axis] / float grid.Points[axis])

        let onModes f = grid.Wavevectors() |> Array.map f

        match op with
        | LinearOperator.Laplacian when onLattice ->
            onModes (fun k ->
                let along axis =
                    (2.0 * cos (k[axis] * spacing[axis]) - 2.0) / spacing[axis] ** 2.0

                Complex(Seq.init grid.Dimensions along |> Seq.sum, 0.0))
        | LinearOperator.Partial axis when onLattice -> onModes (fun k -> Complex(0.0, sin (k[axis] * spacing[axis]) / spacing[axis]))
        | LinearOperator.Shift offset ->
            onModes (fun k ->
                Complex.FromPolarCoordinates(1.0, offset |> List.mapi (fun axis step -> float step * k[axis] * spacing[axis]) |> List.sum))
        | LinearOperator.Laplacian -> Symbol.onGrid "Δ" grid -Symbol.Squared
        | LinearOperator.Partial axis -> Symbol.onGrid "∂" grid (Symbol.Imaginary * Symbol.Component axis)
        | LinearOperator.Multiplier(name, symbol) -> Symbol.onGrid name grid symbol
        | LinearOperator.Average -> Symbol.onGrid "mean" grid Symbol.Origin

    /// The diagonal of a product of linear operators, the same at every site: N⁻¹ Σ_k Π_j S_j(k); 0 where it is rounding.
    let diagonalOf domain (ops: LinearOperator list) =
        match ops with
        | [] -> 1.0
        | _ ->
            let symbols =
                ops |> List.map (multiplier domain) |> List.reduce (Array.map2 (fun a b -> a * b))

            let average = symbols |> Array.averageBy _.Real
            let size = symbols |> Array.averageBy Complex.Abs
            if abs average <= 1e-14 * size then 0.0 else average

    /// Numbers to the front, neighbours joined: (number, [ g₀; Op₁; g₁; … ]) with factors and groups of operators in turn.
    let grouped (path: PathStep list) =
        let scale =
            path
            |> List.choose (function
                | PathStep.Local g when isNumber g -> Some g
                | _ -> None)
            |> product

        let add step groups =
            match step, groups with
            | PathStep.Local g, _ when isNumber g -> groups
            | PathStep.Local g, Choice1Of2 h :: rest -> Choice1Of2(g * h) :: rest
            | PathStep.Local g, _ -> Choice1Of2 g :: groups
            | PathStep.Linear op, Choice2Of2 ops :: rest -> Choice2Of2(op :: ops) :: rest
            | PathStep.Linear op, _ -> Choice2Of2 [ op ] :: groups

        scale, List.foldBack add path []

    let private notTwice word (term: Field) =
        raise (
            LeithException
                $"{word}: expected at most one factor that varies in space between the linear operators of a term, got {term}, whose trace is not of the tree; expand its derivatives by the product rule."
        )

    /// The diagonal element (x, x) of a path, a tree in x. Raises LeithException where factors that vary stand between operators.
    let diagonal word term domain path =
        match grouped path with
        | scale, [] -> scale
        | scale, [ Choice1Of2 g ] -> scale * g
        | scale, [ Choice2Of2 ops ] -> scale * diagonalOf domain ops
        | scale, ([ Choice1Of2 g; Choice2Of2 ops ] | [ Choice2Of2 ops; Choice1Of2 g ]) -> diagonalOf domain ops * (scale * g)
        | scale, [ Choice1Of2 g; Choice2Of2 ops; Choice1Of2 h ] -> diagonalOf domain ops * (scale * g * h)
        | _ -> notTwice word term
