namespace Leith

open System
open System.Collections.Generic
open Leith.Core

/// Straight-line code of local expressions; equal parts are computed once, constants are folded, polynomials in one leaf are written as Horner writes them.
/// `load` gives the input that holds a leaf: an unknown, a derivative, a mean.
type internal StraightLine(load: Field -> int) =
    let code = ResizeArray<PointwiseInstruction>()
    let known = Dictionary<PointwiseInstruction, int>()

    let emit instruction =
        match known.TryGetValue instruction with
        | true, register -> register
        | _ ->
            code.Add instruction
            known[instruction] <- code.Count - 1
            code.Count - 1

    let constant value =
        emit (PointwiseInstruction(PointwiseCode.Constant, 0, 0, value))

    let binary operation (a: int) (b: int) =
        // sums and products of the same two registers are one instruction, whichever stands first
        match operation with
        | PointwiseCode.Add
        | PointwiseCode.Multiply when b < a -> emit (PointwiseInstruction(operation, b, a))
        | _ -> emit (PointwiseInstruction(operation, a, b))

    let unary f =
        match f with
        | Elementary.Sin -> PointwiseCode.Sin
        | Elementary.Cos -> PointwiseCode.Cos
        | Elementary.Exp -> PointwiseCode.Exp
        | Elementary.Log -> PointwiseCode.Log
        | Elementary.Sqrt -> PointwiseCode.Sqrt
        | Elementary.Tanh -> PointwiseCode.Tanh
        | Elementary.Abs -> PointwiseCode.Abs
        | Elementary.Step -> PointwiseCode.Step

    /// A term as constant · base^power, base no constant; a sum of constants is a constant.
    let monomial (term: Field) =
        let factors =
            match term with
            | Field.Product factors -> factors
            | factor -> [ factor ]

        let constants, others = factors |> List.partition Field.isConstant

        let scale =
            constants |> List.choose Field.constant |> List.fold (fun a b -> a * b) 1.0

        let power factor =
            match factor with
            | Field.Power(a, p) when p >= 1.0 && p = Math.Round p -> a, int p
            | other -> other, 1

        match others |> List.map power |> List.groupBy fst with
        | [] -> scale, None
        | [ a, powers ] -> scale, Some(a, powers |> List.sumBy snd)
        | _ -> scale, Some(others |> List.reduce (fun a b -> a * b), 1)

    /// Constant factors carried into sums.
    let rec flatten scale (term: Field) : (float * Field) list =
        match term with
        | Field.Sum parts -> parts |> List.collect (flatten scale)
        | Field.Product factors ->
            match factors |> List.partition Field.isConstant with
            | constants, [ (Field.Sum _ | Field.Quotient _) as inner ] ->
                flatten (constants |> List.choose Field.constant |> List.fold (fun a b -> a * b) scale) inner
            | _ -> [ scale, term ]
        | Field.Quotient(a, b) when Field.isConstant b -> flatten (scale / (Field.constant b |> Option.defaultValue nan)) a
        | other -> [ scale, other ]

    let rec register (field: Field) : int =
        match field, Field.constant field with
        | _, Some value -> constant value
        | Field.Sum terms, _ -> sum terms
        | Field.Product factors, _ -> product factors
        | Field.Quotient(a, b), _ ->
            match Field.constant b with
            | Some divisor -> register (Field.Number(1.0 / divisor) * a)
            | None ->
                let numerator = register a
                binary PointwiseCode.Divide numerator (register b)
        | Field.Power(a, p), _ when p > 1.0 && p <= 8.0 && p = Math.Round p -> power a (int p)
        | Field.Power(a, p), _ -> emit (PointwiseInstruction(PointwiseCode.Power, register a, 0, p))
        | Field.Apply(f, a), _ -> emit (PointwiseInstruction(unary f, register a))
        | Field.Time, _ -> emit (PointwiseInstruction PointwiseCode.Time)
        | leaf, _ -> emit (PointwiseInstruction(PointwiseCode.Load, load leaf))

    /// aⁿ by squaring, so that a² is shared by all powers of a.
    and power (a: Field) n =
        let x = register a

        let rec go n =
            match n with
            | 1 -> x
            | n when n % 2 = 0 -> (let half = go (n / 2) in binary PointwiseCode.Multiply half half)
            | n -> binary PointwiseCode.Multiply (go (n - 1)) x

        go n

    and sum terms =
        let monomials =
            terms
            |> List.collect (flatten 1.0)
            |> List.map (fun (outer, term) -> let scale, part = monomial term in outer * scale, part)

        let offset =
            monomials
            |> List.sumBy (function
                | scale, None -> scale
                | _ -> 0.0)

        let polynomials =
            monomials
            |> List.choose (fun (scale, part) -> part |> Option.map (fun (a, p) -> a, (p, scale)))
            |> List.groupBy fst
            |> List.map (fun (a, powers) ->
                a,
                powers
                |> List.map snd
                |> List.groupBy fst
                |> List.map (fun (p, scales) -> p, List.sumBy snd scales)
                |> List.filter (fun (_, scale) -> scale <> 0.0)
                |> List.sortByDescending fst)
            |> List.filter (fun (_, powers) -> not powers.IsEmpty)

        match polynomials with
        | [] -> constant offset
        | first :: rest ->
            let start = polynomial first
            let total = rest |> List.fold addPolynomial start

            if offset = 0.0 then
                total
            else
                binary PointwiseCode.Add total (constant offset)

    /// Σ c_p a^p, highest power first: ((c₃ a² + c₁) a …).
    and polynomial (a, powers: (int * float) list) =
        match powers with
        | [ p, scale ] -> scaled scale (power a p)
        | (highest, scale) :: rest ->
            let mutable total = scaled scale (power a (highest - fst rest.Head))

            for i, (p, c) in List.indexed rest do
                total <- binary PointwiseCode.Add total (constant c)
                let next = if i + 1 < rest.Length then fst rest[i + 1] else 0
                total <- binary PointwiseCode.Multiply total (power a (p - next))

            total
        | [] -> constant 0.0

    and addPolynomial total (a, powers) =
        match powers with
        | [ p, -1.0 ] -> binary PointwiseCode.Subtract total (power a p)
        | [ p, scale ] when scale < 0.0 -> binary PointwiseCode.Subtract total (scaled -scale (power a p))
        | _ -> binary PointwiseCode.Add total (polynomial (a, powers))

    and scaled scale value =
        match scale with
        | 1.0 -> value
        | -1.0 -> emit (PointwiseInstruction(PointwiseCode.Negate, value))
        | _ -> binary PointwiseCode.Multiply (constant scale) value

    and product factors =
        let scale, part = monomial (Field.Product factors)

        match part with
        | None -> constant scale
        | Some(Field.Product others, 1) -> others |> List.map register |> List.reduce (binary PointwiseCode.Multiply) |> scaled scale
        | Some(a, p) -> scaled scale (power a p)

    /// The register that holds the value of a field.
    member _.Register field = register field

    /// Number of instructions so far.
    member _.Length = code.Count

    /// The program with these registers as outputs.
    member _.Program(inputs: int, outputs: int list) =
        PointwiseProgram(inputs, List.ofSeq code, outputs)
