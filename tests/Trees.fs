/// Random trees of the language, with their smaller trees: what the tests of derivatives and of the compiler draw from.
module Leith.Tests.Trees

open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.TreeReferee

let rate = parameter "r" 0.7

let shiftAndSmooth =
    spectral "H" (fun k -> exp (0.4 * k.I * k.X) / (1.0 + k.Squared))

let smooth = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))
let turned = spectral "T" (fun k -> k.I * k.X / (1.0 + k.Squared))

/// The linear operators that a tree on the domain may hold.
let operators domain =
    match domain with
    | Domain.Torus(lengths, _) ->
        [
            (fun a -> 0.2 * lap a)
            dx
            smooth
            shiftAndSmooth
            turned
            (fun a -> a - mean a)
            (fun a -> cos (coordinate 0) * a)
        ]
        @ (List.truncate (lengths.Length - 1) [ dy; dz ])
    | Domain.Lattice(lengths, _) -> [
        (fun a -> 0.1 * lap a)
        dx
        (fun a -> a - mean a)
        (fun a -> sin (coordinate 0) * a)
        neighbour (1 :: List.replicate (lengths.Length - 1) 0)
        neighbour (List.replicate lengths.Length -1)
      ]
    | _ -> []

let pointwise part =
    let both f = Gen.map2 f part part

    [
        both (fun a b -> a + b)
        both (fun a b -> a - b)
        both (fun a b -> a * b)
        both (fun a b -> a / (2.0 + cos b))
        Gen.map sin part
        Gen.map tanh part
        Gen.map (fun a -> square (tanh a)) part
        Gen.map (fun a -> -a) part
        Gen.map (fun a -> sqrt (1.0 + square a)) part
    ]

/// Fields of a torus read at displaced places, small fractions of a cell up to several.
let displacedShapes domain part =
    match domain with
    | Domain.Torus(lengths, _) ->
        let rest factor =
            List.init (lengths.Length - 1) (fun _ -> factor)

        [
            Gen.map2 (fun a b -> displaced (0.7 * tanh b :: rest (0.4 * t)) a) part part
            Gen.map2 (fun a b -> displaced (rate :: rest (2.0 * sin b)) a) part part
        ]
    | _ -> []

/// Fields of a torus after a flow.
let flowShapes domain part =
    let w = Field.Unknown("w", domain)

    let after rate a =
        if (Field.place a).IsNone then
            a
        else
            flow 0.3 2 (ddt w == rate) a

    match domain with
    | Domain.Torus _ -> [
        Gen.map (after (-(sin w * dx w) + rate * smooth w)) part
        Gen.map (after (cos (coordinate 0) * tanh w - mean w)) part
      ]
    | _ -> []

/// Shapes that only a compiler can get wrong: powers, quotients and negative factors of products, means and derivatives of the place alone.
let compilerShapes domain part =
    let placed =
        match domain with
        | Domain.Torus _
        | Domain.Lattice _ ->
            let wave = sin (coordinate 0 + 0.3)

            [
                Gen.map (fun a -> a * dx wave) part
                Gen.map (fun a -> a + mean (square wave)) part
            ]
        | _ -> []

    [
        Gen.map2 (fun a b -> 0.5 * square (tanh a * tanh b)) part part
        Gen.map2 (fun a b -> -(cube (tanh a) * sin b) / 3) part part
        Gen.map2 (fun a b -> 2.0 * (a - (b - a) / rate)) part part
        Gen.map (fun a -> (2.0 + cos a) ** -1.5 * t) part
        Gen.map (fun a -> exp (-(square a)) - abs a * log (1.0 + square a)) part
    ]
    @ placed
    @ displacedShapes domain part
    @ flowShapes domain part

/// What trees may hold beside the plain shapes.
type Extras = {
    Shapes: Domain -> Gen<Field> -> Gen<Field> list
    /// Further leaves of a domain.
    Leaves: Domain -> Field list
}

let plain = {
    Shapes = fun _ _ -> []
    Leaves = fun _ -> []
}

let numbersWith extras (unknowns: Field list) (means: Gen<Field> list) size =
    let leaf =
        Gen.oneof (Gen.elements (unknowns @ [ t; rate; Field.Number 1.0; Field.Number -0.5 ]) :: means)

    let rec tree size =
        if size <= 0 then
            leaf
        else
            let part = tree (size / 2)
            Gen.oneof (leaf :: pointwise part @ extras.Shapes Domain.Scalar part)

    tree size

let numbers unknowns means size = numbersWith plain unknowns means size

/// Trees that live on a domain, in unknowns that live there and in numbers.
let fieldsWith extras domain (unknowns: Field list) scalars size =
    // a product with the number 0 has lost its place
    let placed a =
        if (Field.place a).IsNone then a + unknowns.Head else a

    let rec tree size =
        let leaf = Gen.elements (unknowns @ extras.Leaves domain)

        if size <= 0 then
            leaf
        else
            let part = tree (size / 2)
            let means = [ Gen.map (placed >> mean) part ]
            let number = numbersWith extras scalars means (size / 4)

            Gen.oneof (
                [
                    leaf
                    Gen.map2 (fun a b -> a * b) number part
                    Gen.map2 (fun a b -> a + b) part number
                ]
                @ pointwise part
                @ extras.Shapes domain part
                @ (operators domain |> List.map (fun op -> Gen.map (placed >> op) part))
            )

    tree size

let fields domain unknowns scalars size =
    fieldsWith plain domain unknowns scalars size

let sized limit generator =
    Gen.sized (fun size -> generator (min size limit))

let driftWith extras limit unknowns unknown =
    match domainOf unknown with
    | Domain.Scalar ->
        let means =
            unknowns
            |> List.filter (fun u -> domainOf u <> Domain.Scalar)
            |> List.map (fun u ->
                fieldsWith extras (domainOf u) (unknowns |> List.filter (fun other -> domainOf other = domainOf u)) [] 2
                |> Gen.map mean)

        sized limit (numbersWith extras (unknowns |> List.filter (fun u -> domainOf u = Domain.Scalar)) means)
    | domain ->
        let here, others = unknowns |> List.partition (fun u -> domainOf u = domain)

        let elsewhere =
            others |> List.map (fun other -> if domainOf other = Domain.Scalar then other else mean other)

        sized limit (fieldsWith extras domain here elsewhere)

let drift limit unknowns unknown = driftWith plain limit unknowns unknown

/// Smaller trees that still have one place: parts in the place of the whole.
let rec smaller field =
    let sound f =
        try
            Field.place f |> ignore
            true
        with :? LeithException ->
            false

    let rebuilt =
        match field with
        | Field.Sum terms ->
            terms
            |> List.mapi (fun i _ -> Field.Sum(List.removeAt i terms))
            |> List.filter (fun f -> f <> Field.Sum [])
        | Field.Product factors ->
            (factors
             |> List.mapi (fun i _ -> Field.Product(List.removeAt i factors))
             |> List.filter (fun f -> f <> Field.Product []))
            @ (factors
               |> List.mapi (fun i a -> smaller a |> List.map (fun a -> Field.Product(List.updateAt i a factors)))
               |> List.concat)
        | Field.Quotient(a, b) -> smaller a |> List.map (fun a -> a / b)
        | Field.Apply(f, a) -> smaller a |> List.map (fun a -> Field.Apply(f, a))
        | Field.Lap a -> smaller a |> List.map lap
        | Field.Derivative(axis, a) -> smaller a |> List.map (fun a -> Field.Derivative(axis, a))
        | Field.Mean a -> smaller a |> List.map mean
        | _ -> []

    Field.children field @ rebuilt |> List.filter sound

let systemShrink (drifts: Field list) =
    drifts
    |> List.mapi (fun i f ->
        let place = Field.place f

        smaller f
        |> List.filter (fun g -> Field.place g = place || (Field.place g = None && not (Field.variesWithPlace g)))
        |> List.filter (fun g -> Field.place g <> None || not (Field.variesWithPlace g))
        |> List.map (fun f -> List.updateAt i f drifts))
    |> Seq.concat

/// One right side for each unknown, and a seed for the numbers.
let systemsWith extras limit (unknowns: Field list) =
    let drifts =
        unknowns |> List.map (driftWith extras limit unknowns) |> Gen.sequenceToList

    Arb.fromGenShrink (Gen.zip drifts (Gen.choose (0, 1000000)), (fun (drifts, seed) -> systemShrink drifts |> Seq.map (fun drifts -> drifts, seed)))

let systems limit unknowns = systemsWith plain limit unknowns
