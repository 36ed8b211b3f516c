namespace Leith

open Leith.Core

/// A linear operator of the tree that joins values at different places.
[<RequireQualifiedAccess>]
type LinearOperator =
    | Laplacian
    | Partial of axis: int
    | Multiplier of name: string * Symbol
    | Average
    | Shift of offset: int list

/// Derivatives of the tree as trees: a push forward (the tangent operator F′(u) v), a pull back (F′(u)ᵀ w), a gradient, a Jacobian matrix. None of them approximates.
[<RequireQualifiedAccess>]
module Derivatives =
    let private zero, private one = Field.Number 0.0, Field.Number 1.0

    let internal total (terms: Field list) =
        terms |> List.fold (fun a b -> a + b) zero

    let internal product (factors: Field list) =
        factors |> List.fold (fun a b -> a * b) one

    let internal sites domain =
        match domain with
        | Domain.Torus(_, points)
        | Domain.Lattice(_, points)
        | Domain.Modes(_, points) -> points |> List.fold (fun n points -> n * points) 1
        | _ -> 1

    let internal onGrid domain =
        match domain with
        | Domain.Torus _
        | Domain.Lattice _
        | Domain.Modes _ -> true
        | _ -> false

    /// Whether a field has the same value at every place, whatever the state.
    let rec internal isNumber field =
        match field with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) -> not (onGrid domain)
        | Field.Coordinate _
        | Field.Waves _ -> false
        | Field.Mean _ -> true
        | _ -> Field.children field |> List.forall isNumber

    /// The first part that has a grid of its own.
    let rec internal anchor field =
        match field with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) -> if onGrid domain then Some field else None
        | Field.Waves _ -> Some field
        | Field.Mean _ -> None
        | _ -> Field.children field |> List.tryPick anchor

    /// ⟨a⟩ where `leaf` lives: coordinates alone have no grid, so they take that of leaf⁰ = 1.
    let private meanOn leaf a meanOf =
        match leaf with
        | Some leaf when not (isNumber a) && (anchor a).IsNone -> meanOf (a * Field.Power(leaf, 0.0))
        | _ -> meanOf a

    let rec internal contains x field =
        field = x || Field.children field |> List.exists (contains x)

    /// Op a; numbers stand before the operator, and of a number alone Δ and ∂ make nothing.
    let rec internal apply op (a: Field) : Field =
        match op, a with
        | _, Field.Number 0.0 -> zero
        | (LinearOperator.Laplacian | LinearOperator.Partial _), a when isNumber a -> zero
        | LinearOperator.Multiplier(_, symbol), a when isNumber a -> (Symbol.evaluate (Array.zeroCreate 3) symbol).Real * a
        | (LinearOperator.Average | LinearOperator.Shift _), a when isNumber a -> a
        | _, Field.Product factors when factors |> List.exists isNumber ->
            let numbers, others = factors |> List.partition isNumber
            product numbers * apply op (product others)
        | _, Field.Quotient(b, c) when isNumber c -> apply op b / c
        | LinearOperator.Laplacian, a -> Field.Lap a
        | LinearOperator.Partial axis, a -> Field.Derivative(axis, a)
        | LinearOperator.Multiplier(name, symbol), a -> Field.Spectral(name, symbol, a)
        | LinearOperator.Average, a -> Field.Mean a
        | LinearOperator.Shift offset, a ->
            if List.forall ((=) 0) offset then
                a
            else
                Field.Neighbour(offset, a)

    /// Opᵀ as a sign and an operator: an even symbol is its own transpose, an odd one minus itself.
    let internal transposed op =
        match op with
        | LinearOperator.Laplacian
        | LinearOperator.Average -> 1.0, op
        | LinearOperator.Partial _ -> -1.0, op
        | LinearOperator.Shift offset -> 1.0, LinearOperator.Shift(offset |> List.map (fun step -> -step))
        | LinearOperator.Multiplier(name, symbol) ->
            match Symbol.parity symbol with
            | Some sign -> sign, op
            | None ->
                let name = if name.EndsWith "ᵀ" then name.TrimEnd 'ᵀ' else name + "ᵀ"
                1.0, LinearOperator.Multiplier(name, Symbol.transpose symbol)

    let internal applyTransposed op (w: Field) =
        let sign, op = transposed op
        sign * apply op w

    /// A field as an operator on another, none where it is local.
    let internal asOperator field =
        match field with
        | Field.Lap a -> Some(LinearOperator.Laplacian, a)
        | Field.Derivative(axis, a) -> Some(LinearOperator.Partial axis, a)
        | Field.Spectral(name, symbol, a) -> Some(LinearOperator.Multiplier(name, symbol), a)
        | Field.Mean a -> Some(LinearOperator.Average, a)
        | Field.Neighbour(offset, a) -> Some(LinearOperator.Shift offset, a)
        | _ -> None

    let internal refuseWaves word waves =
        raise (
            LeithException
                $"{word}: expected phases that are held fixed, got {waves}, whose derivative by its phases is not of the tree; push or observe other unknowns."
        )

    /// The local parts of a field with their partial derivatives; numbers have none.
    let internal partials field =
        match field with
        | Field.Sum terms -> terms |> List.map (fun term -> one, term)
        | Field.Product factors ->
            factors
            |> List.mapi (fun i factor -> product (factors |> List.indexed |> List.filter (fun (j, _) -> j <> i) |> List.map snd), factor)
        | Field.Quotient(a, b) -> [ one / b, a; -(a / Field.Pow(b, 2)), b ]
        | Field.Power(a, p) -> [ p * Field.Pow(a, p - 1.0), a ]
        | Field.Apply(g, a) -> [ Field.slope g a, a ]
        | _ -> []

    /// D F(u)[v] = lim (F(u + ε v) − F(u))/ε, v the directions (u, v) of the unknowns; unknowns without one stand still. The tangent operator of the drift F.
    /// Raises LeithException where the phases of random waves have a direction.
    let rec tangent (directions: (Field * Field) list) (f: Field) : Field =
        let moves a =
            directions |> List.exists (fun (u, v) -> v <> zero && contains u a)

        match f with
        | f when not (moves f) -> zero
        | Field.Unknown _ -> directions |> List.find (fun (u, _) -> u = f) |> snd
        | Field.Waves _ -> refuseWaves "tangent" f
        | Field.Quotient(a, b) when moves a && moves b -> (tangent directions a * b - a * tangent directions b) / Field.Pow(b, 2)
        | Field.Quotient(a, b) when moves a -> tangent directions a / b
        | _ ->
            match asOperator f with
            | Some(LinearOperator.Average, a) -> meanOn (anchor a) (tangent directions a) (apply LinearOperator.Average)
            | Some(op, a) -> apply op (tangent directions a)
            | None ->
                partials f
                |> List.filter (snd >> moves)
                |> List.map (fun (slope, a) -> slope * tangent directions a)
                |> total

    let private sitesAt leaf =
        Field.place leaf |> Option.map sites |> Option.defaultValue 1 |> float

    let private meanAt leaf w =
        meanOn (Some leaf) w (apply LinearOperator.Average)

    /// Σ_x w(x) ∂f(x)/∂u for an f that lives where the field `here` does, a tree that lives where u does.
    let rec internal pull (here: Field option) (u: Field) (w: Field) (f: Field) : Field =
        match f, here with
        | _ when w = zero || not (contains u f) -> zero
        | Field.Mean a, _ when isNumber a -> pull here u w a
        | Field.Mean a, _ ->
            match anchor a, here with
            | None, _ ->
                raise (
                    LeithException $"derivative: expected a field under the mean, got {f}, whose coordinates belong to no grid; multiply by a field."
                )
            | Some inner, Some outer -> pull (Some inner) u (sitesAt outer / sitesAt inner * meanAt outer w) a
            | Some inner, None -> pull (Some inner) u (w / sitesAt inner) a
        // a number stands at every site: its weight is the sum of theirs
        | f, Some leaf when isNumber f -> pull None u (sitesAt leaf * meanAt leaf w) f
        | Field.Unknown _, _ -> w
        | Field.Waves _, _ -> refuseWaves "adjoint" f
        | _ ->
            match asOperator f with
            | Some(op, a) -> pull here u (applyTransposed op w) a
            | None -> partials f |> List.map (fun (slope, a) -> pull here u (w * slope) a) |> total

    /// F′(u)ᵀ w: the tree g with Σ_x w(x) (F′(u) v)(x) = Σ_x g(x) v(x) for every v, sums over sites, or the number itself where u or F is one.
    /// A number among fields stands for itself at every site. Raises LeithException where u is the phases of random waves.
    let adjoint (unknown: Field) (weight: Field) (f: Field) : Field =
        let here = anchor f |> Option.orElse (anchor weight)

        let here =
            if here.IsNone && Field.dependsOnPlace f then
                anchor unknown
            else
                here

        pull here unknown weight f

    /// (F′(u)ᵀ w)_k = Σ_i (∂F_i/∂u_k)ᵀ w_i for a system of (u_i, F_i) and one weight an equation: one tree for each unknown.
    let adjointOf (equations: (Field * Field) list) (weights: Field list) : Field list =
        if equations.Length <> weights.Length then
            raise (LeithException $"adjoint: expected one weight for each of {equations.Length} equations, got {weights.Length}.")

        equations
        |> List.map (fun (unknown, _) -> List.map2 (fun (u, f) w -> pull (anchor u) unknown w f) equations weights |> total)

    /// ∂A/∂u(x) for an observable A that is a number, such as mean (u²): a field where u is one.
    let gradient (unknown: Field) (observable: Field) : Field =
        if not (isNumber observable) then
            raise (
                LeithException $"gradient: expected an observable that is a number, got the field {observable}; take its mean: mean ({observable})."
            )

        pull None unknown one observable

    /// J_ik = ∂F_i/∂x_k [equation][unknown] for numbers (x_i, F_i).
    let jacobianMatrix (equations: (Field * Field) list) : Field list list =
        for unknown, _ in equations do
            if not (isNumber unknown) then
                raise (
                    LeithException
                        $"jacobian matrix: expected unknown numbers made by `scalar`, got the field {unknown}, whose Jacobian is an operator; take the tangent along a direction."
                )

        equations |> List.map (fun (_, f) -> equations |> List.map (fun (x, _) -> tangent [ x, one ] f))
