/// Features of fields: their programs, and the slopes b_j(k) = symbol of ⟨∂φ_j/∂u⟩ from their trees.
module internal Leith.FieldLibrary

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core
open Leith.Calculus

let private imaginary (c: float) axis =
    exp (Symbol.Imaginary * (c * Symbol.Component axis))

/// The same field with lattices seen as tori: differences and neighbours become the multipliers that they are.
let rec onTorus (field: Field) : Field =
    let box a =
        Field.unknowns a
        |> List.tryPick (fun u ->
            match u with
            | Field.Unknown(_, Domain.Lattice(lengths, points)) -> Some(List.map2 (fun length n -> length / float n) lengths points)
            | _ -> None)

    match field with
    | Field.Unknown(name, Domain.Lattice(lengths, points)) -> Field.Unknown(name, Domain.Torus(lengths, points))
    | Field.Lap a ->
        match box a with
        | Some h ->
            let along axis (h: float) =
                (imaginary h axis + imaginary -h axis - 2.0) / (h * h)

            Field.Spectral("Δ", h |> List.mapi along |> List.reduce (fun a b -> a + b), onTorus a)
        | None -> Field.map onTorus field
    | Field.Derivative(axis, a) ->
        match box a with
        | Some h when axis < h.Length ->
            Field.Spectral("∂" + Typography.axis axis, (imaginary h[axis] axis - imaginary -h[axis] axis) / (2.0 * h[axis]), onTorus a)
        | _ -> Field.map onTorus field
    | Field.Neighbour(steps, a) ->
        match box a with
        | Some h ->
            let symbol =
                List.map2 (fun (step: int) h -> float step * h) steps h
                |> List.mapi (fun axis x -> imaginary x axis)
                |> List.reduce (fun a b -> a * b)

            Field.Spectral("neighbour", symbol, onTorus a)
        | None -> Field.map onTorus field
    | _ -> Field.map onTorus field

/// One path of the derivative as S₁ m S₂: (m, operators), none where factors that vary stand apart.
let private asSlope (path: PathStep list) =
    match Paths.grouped path with
    | scale, [] -> Some(scale, [])
    | scale, [ Choice1Of2 g ] -> Some(scale * g, [])
    | scale, [ Choice2Of2 ops ] -> Some(scale, ops)
    | scale, ([ Choice1Of2 g; Choice2Of2 ops ] | [ Choice2Of2 ops; Choice1Of2 g ]) -> Some(scale * g, ops)
    | scale, [ Choice2Of2 before; Choice1Of2 g; Choice2Of2 after ] -> Some(scale * g, before @ after)
    | _ -> None

/// The slope of a feature of the field u as shares (m, operators): b(k) = Σ ⟨m⟩ Π S(k), exact for homogeneous fields; none where the tree does not give it.
let slope (u: Field) (feature: Field) : (Field * LinearOperator list) list option =
    try
        let shares = Paths.paths true u feature |> List.map (fst >> asSlope)

        if shares |> List.forall Option.isSome then
            Some(shares |> List.map Option.get)
        else
            None
    with :? LeithException ->
        None

/// A random direction of the field, for slopes that the tree does not give.
let private probeOf (u: Field) =
    match u with
    | Field.Unknown(name, domain) -> Field.Unknown(name + "′", domain)
    | other -> other

/// Spectra of the fields of a state, numbers as they are; none where fields are spectra already.
let private spectra (unknowns: Field list) : FieldProgram option =
    if unknowns |> List.exists (fun u -> Field.place u |> Option.exists _.IsLattice) then
        let wanted u =
            Programs.wanted (Field.place u).IsSome (string u) (Field.place u) u

        Some(FieldCompiler([ unknowns ], None).Program(unknowns |> List.map wanted))
    else
        None

let private rows (program: FieldProgram) =
    program.Outputs |> Seq.map _.End |> Seq.max

/// Features with the field itself first; `scores` behind them are of no slope and only compared with. `closed`: which features take their slope from the tree where it gives one.
let featuresWith
    (closed: Field -> bool)
    (seed: uint64)
    (unknowns: Field list)
    (kicked: Field)
    (list: Field list)
    (scores: Field list)
    : LibraryFeatures =
    let prelude = spectra unknowns
    let kicked = onTorus kicked
    let unknowns = unknowns |> List.map onTorus
    let all = list @ scores |> List.map onTorus
    let place = Field.place kicked
    let numbers = List<Field>()
    let slopes = List<LibrarySlope>()
    let probed = List<int>()
    let grid = Programs.gridOf kicked |> Option.get

    let number (m: Field) =
        let m =
            if (Field.place m).IsSome then
                Field.Mean(onGridOf (Some kicked) m)
            else
                m

        match numbers.IndexOf m with
        | -1 ->
            numbers.Add m
            numbers.Count - 1
        | index -> index

    let symbol (ops: LinearOperator list) =
        ops
        |> List.map (Paths.multiplier (Option.get place))
        |> List.fold (Array.map2 (fun (a: Complex) b -> a * b)) (Array.create grid.Sites Complex.One)

    for j, feature in all |> List.truncate list.Length |> List.indexed do
        match if closed feature then slope kicked feature else None with
        | Some shares ->
            for m, ops in shares do
                match Field.constant m with
                | Some c -> slopes.Add(LibrarySlope(j, -1, symbol ops |> Array.map (fun s -> c * s)))
                | None -> slopes.Add(LibrarySlope(j, number (tidy m), symbol ops))
        | None -> probed.Add j

    let probe = probeOf kicked

    let wanted =
        [
            yield! all |> List.map (fun f -> true, place, f)
            for j in probed -> true, place, Derivatives.tangent [ kicked, probe ] all[j]
            for m in numbers -> false, None, m
        ]
        |> List.mapi (fun i (spectral, place, f) -> Programs.wanted spectral $"row {i}" place f)

    let tiles =
        if probed.Count = 0 then
            [ unknowns ]
        else
            [ unknowns; [ probe ] ]

    let program = FieldCompiler(tiles, None).Program wanted

    LibraryFeatures(
        Grid = grid,
        Names = (list @ scores |> List.map string |> List.toArray),
        Map =
            (if probed.Count > 0 then
                 null
             else
                 Func<ITileMap>(fun () ->
                     match prelude with
                     | Some first -> new Chain(first.Compile(), rows first, program.Compile())
                     | None -> program.Compile())),
        ProbedMap =
            (if probed.Count = 0 then
                 null
             else
                 Func<IPairMap>(fun () ->
                     match prelude with
                     | Some first -> new ChainedPair(first.Compile(), rows first, program.CompilePair())
                     | None -> program.CompilePair())),
        Probed = probed.ToArray(),
        Numbers = numbers.Count,
        Slopes = slopes.ToArray(),
        Seed = seed
    )

/// Features of the whole state, the kicked field first.
let features seed unknowns kicked list =
    featuresWith (fun _ -> true) seed unknowns kicked list []

/// Features of one field, of a tile that holds its spectrum.
let ofSpectrum seed (u: Field) list =
    let u' = onTorus u
    features seed [ u' ] u' (list |> List.map onTorus)

/// The field itself, then all others once each.
let gathered (u: Field) (features: Field list) = u :: features |> List.distinct
