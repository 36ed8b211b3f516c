namespace Leith

open System
open Leith.Core

/// A linear operator of the tree that joins values at different places.
[<RequireQualifiedAccess>]
type LinearOperator =
    | Laplacian
    | Partial of axis: int
    | Multiplier of name: string * Symbol
    | Average
    | Shift of offset: int list

/// Parts of the tree that its derivatives share.
module internal Calculus =
    let zero, one = Field.Number 0.0, Field.Number 1.0

    let total (terms: Field list) =
        terms |> List.fold (fun a b -> a + b) zero

    let product (factors: Field list) =
        factors |> List.fold (fun a b -> a * b) one

    let sites domain =
        match domain with
        | Domain.Torus(_, points)
        | Domain.Lattice(_, points)
        | Domain.Modes(_, points) -> points |> List.fold (fun n points -> n * points) 1
        | _ -> 1

    let onGrid domain =
        match domain with
        | Domain.Torus _
        | Domain.Lattice _
        | Domain.Modes _ -> true
        | _ -> false

    /// Whether a field has the same value at every place, whatever the state.
    let rec isNumber field =
        match field with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) -> not (onGrid domain)
        | Field.Coordinate _
        | Field.Flow _
        | Field.Waves _ -> false
        | Field.Mean _ -> true
        | _ -> Field.children field |> List.forall isNumber

    /// The first part that has a grid of its own.
    let rec anchor field =
        match field with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) -> if onGrid domain then Some field else None
        | Field.Flow _
        | Field.Waves _ -> Some field
        | Field.Mean _ -> None
        | _ -> Field.children field |> List.tryPick anchor

    /// a where `leaf` lives, to be averaged: coordinates alone have no grid, so they take that of leaf⁰ = 1.
    let onGridOf leaf a =
        match leaf with
        | _ when isNumber a || (anchor a).IsSome -> a
        | Some leaf -> a * Field.Power(leaf, 0.0)
        | None -> raise (LeithException $"mean: expected a field under the mean, got {a}, whose coordinates belong to no grid; multiply by a field.")

    /// b in place of a under a mean: where a names its grid, so does b.
    let private stillOnGridOf a b =
        match anchor a with
        | None -> b
        | leaf -> onGridOf leaf b

    let rec contains x field =
        field = x || Field.children field |> List.exists (contains x)

    let private isMeanKnown term =
        isNumber term
        || match term with
           | Field.Lap _
           | Field.Derivative _
           | Field.Product [ Field.Number _; (Field.Lap _ | Field.Derivative _) ] -> true
           | _ -> false

    /// Op a; numbers stand before the operator, and of a number alone Δ and ∂ make nothing.
    let rec apply op (a: Field) : Field =
        match op, a with
        | _, Field.Number 0.0 -> zero
        | (LinearOperator.Laplacian | LinearOperator.Partial _), a when isNumber a -> zero
        | LinearOperator.Multiplier(_, symbol), a when isNumber a -> (Symbol.evaluate (Array.zeroCreate 3) symbol).Real * a
        | (LinearOperator.Average | LinearOperator.Shift _), a when isNumber a -> a
        | LinearOperator.Average, (Field.Lap _ | Field.Derivative _) -> zero
        | LinearOperator.Average, Field.Sum terms when terms |> List.exists isMeanKnown ->
            let known, others = terms |> List.partition isMeanKnown
            total (apply op (stillOnGridOf a (total others)) :: (known |> List.map (apply op)))
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
    let transposed op =
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

    let applyTransposed op (w: Field) =
        let sign, op = transposed op
        sign * apply op w

    /// A field as an operator on another, none where it is local.
    let asOperator field =
        match field with
        | Field.Lap a -> Some(LinearOperator.Laplacian, a)
        | Field.Derivative(axis, a) -> Some(LinearOperator.Partial axis, a)
        | Field.Spectral(name, symbol, a) -> Some(LinearOperator.Multiplier(name, symbol), a)
        | Field.Mean a -> Some(LinearOperator.Average, a)
        | Field.Neighbour(offset, a) -> Some(LinearOperator.Shift offset, a)
        | _ -> None

    let refuseWaves word waves =
        raise (
            LeithException
                $"{word}: expected phases that are held fixed, got {waves}, whose derivative by its phases is not of the tree; push or observe other unknowns."
        )

    let refuseMoved word field =
        raise (
            LeithException
                $"{word}: expected fields read at fixed places and times, got {field}, which depends on what is derived by; a displaced field and a flow have a tangent only."
        )

    /// The local parts of a field with their partial derivatives; numbers have none.
    let partials field =
        match field with
        | Field.Sum terms -> terms |> List.map (fun term -> one, term)
        | Field.Product factors ->
            factors
            |> List.mapi (fun i factor -> product (factors |> List.indexed |> List.filter (fun (j, _) -> j <> i) |> List.map snd), factor)
        | Field.Quotient(a, b) -> [ one / b, a; -(a / Field.Pow(b, 2)), b ]
        | Field.Power(a, p) -> [ p * Field.Pow(a, p - 1.0), a ]
        | Field.Apply(g, a) -> [ Field.slope g a, a ]
        | _ -> []

    /// A product with equal factors gathered into powers, Δ and ∂ last.
    let private gatheredProduct (factors: Field list) =
        let whole factor =
            match factor with
            | Field.Power(a, p) when p > 0.0 && p = Math.Round p -> a, p
            | a -> a, 1.0

        match product factors with
        | Field.Product factors ->
            let numbers, others = factors |> List.partition _.IsNumber

            others
            |> List.map whole
            |> List.groupBy fst
            |> List.map (fun (a, powers) -> Field.Pow(a, powers |> List.sumBy snd))
            // δu ∂x u, not ∂x u δu
            |> List.partition (fun factor -> not (factor.IsLap || factor.IsDerivative))
            |> fun (plain, derivatives) -> product (numbers @ plain @ derivatives)
        | other -> other

    /// A sum with equal terms gathered.
    let private gatheredSum (terms: Field list) =
        let coefficient term =
            match term with
            | Field.Product(Field.Number c :: factors) -> product factors, c
            | term -> term, 1.0

        match total terms with
        | Field.Sum terms ->
            terms
            |> List.map coefficient
            |> List.groupBy fst
            |> List.map (fun (term, counts) -> (counts |> List.sumBy snd) * term)
            |> total
        | other -> other

    /// The same field with equal terms and equal factors gathered, and numbers before linear operators.
    let rec tidy (field: Field) : Field =
        match field with
        | Field.Sum terms -> terms |> List.map tidy |> gatheredSum
        | Field.Product factors -> factors |> List.map tidy |> gatheredProduct
        | Field.Quotient(a, b) -> tidy a / tidy b
        | Field.Power(a, p) -> Field.Power(tidy a, p)
        | Field.Apply(f, a) -> Field.Apply(f, tidy a)
        | Field.Waves _ -> field
        | Field.Displaced(displacement, a) ->
            match tidy a with
            | a when isNumber a -> a
            | a -> Field.Displaced(displacement |> List.map tidy, a)
        | Field.Flow(duration, steps, rates, start, index) -> Field.Flow(duration, steps, rates, start |> List.map tidy, index)
        | Field.Mean a -> tidy a |> stillOnGridOf a |> apply LinearOperator.Average
        | _ ->
            match asOperator field with
            | Some(op, a) -> apply op (tidy a)
            | None -> field
