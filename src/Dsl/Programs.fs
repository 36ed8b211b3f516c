namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

/// Programs of the core from fields and drifts of the tree.
module internal Programs =
    let wanted spectral (name: string) (place: Domain option) (field: Field) = {
        Name = name
        Field = field
        Place = place
        Spectral = spectral
    }

    /// The grid of an unknown, none for scalar unknowns.
    let gridOf (unknown: Field) : Grid option =
        match unknown with
        | Field.Unknown(_, (Domain.Torus(lengths, points) | Domain.Lattice(lengths, points) | Domain.Modes(lengths, points))) ->
            Some(Grid(points, lengths))
        | _ -> None

    /// The program of a field, a spectrum of its grid, from the state of all unknowns.
    let program (unknowns: Field list) (place: Domain) (field: Field) : FieldProgram =
        FieldCompiler([ unknowns ], None).Program [ wanted true "result" (Some place) field ]

    /// (u, v, …) ↦ f(u, v, …, t), a spectrum of its grid; each call of the result makes one instance for one thread.
    let field (unknowns: Field list) (place: Domain) (field: Field) : unit -> ITileMap =
        let program = program unknowns place field
        fun () -> program.Compile()

    /// The program of a list of fields of scalar unknowns.
    let scalarProgram (unknowns: Field list) (fields: Field list) : PointwiseProgram =
        let load leaf =
            match List.tryFindIndex ((=) leaf) unknowns with
            | Some index -> index
            | None ->
                let known = unknowns |> List.map string |> String.concat ", "
                raise (LeithException $"expected an expression in {known}, got {leaf}.")

        let compiler = StraightLine load
        let outputs = fields |> List.map compiler.Register
        compiler.Program(unknowns.Length, outputs)

    /// x ↦ (f₁(x, t), f₂(x, t), …) for scalar unknowns; each call of the result makes one instance for one thread.
    let vector (unknowns: Field list) (fields: Field list) : unit -> ITileMap =
        let program = ScalarProgram(scalarProgram unknowns fields)
        fun () -> program.Compile()

    let isZero f = f = Field.Number 0.0

    /// What the drifts and the noise divide by, as a program from the state; none where that is nothing.
    let denominators (equations: Equation list) noise : FieldProgram option =
        let noises =
            match noise with
            | Noise.Expressions(_, parts) -> List.map snd parts
            | _ -> []

        match (equations |> List.map _.Drift) @ noises |> List.collect Field.denominators |> List.distinct with
        | [] -> None
        | found ->
            Some(
                FieldCompiler([ equations |> List.map _.Unknown ], None)
                    .Program(found |> List.map (fun f -> wanted false (string f) (Field.place f) f))
            )

    let denominatorMap (program: FieldProgram option) : Func<ITileMap> | null =
        match program with
        | Some program -> Func<ITileMap>(fun () -> program.Compile())
        | None -> null

    let denominatorRows (program: FieldProgram option) : IReadOnlyList<Segment> =
        match program with
        | Some program -> program.Outputs
        | None -> [||]

    /// Terms of a drift that are linear in their own unknown, a field on a torus, with constant factors; and the rest.
    let ownLinear (equation: Equation) =
        match equation.Unknown with
        | Field.Unknown(_, Domain.Torus _) ->
            let own, others =
                Equation.terms equation.Drift
                |> List.filter (fun term -> not (isZero term.Coefficient))
                |> List.partition (fun term -> term.Core = equation.Unknown)

            own, Equation.sum others
        | _ -> [], equation.Drift

    /// What becomes of the aliases of products.
    let aliases (dealiased: bool) (equations: Equation list) (noise: Noise) : Aliases =
        let onTorus =
            equations |> List.filter (fun e -> Field.place e.Unknown |> Option.exists _.IsTorus)

        let isNoisy (unknown, f) =
            Field.place unknown |> Option.exists _.IsTorus && not (List.isEmpty (Field.unknowns f))

        match onTorus |> List.map (fun e -> Aliasing.degree e.Drift) |> List.fold max 0.0, noise with
        | d, _ when d <= 1.0 -> Aliases.Absent
        | _ when not dealiased -> Aliases.Left
        | d, _ when Double.IsInfinity d -> Aliases.Unbounded
        | _, Noise.Expressions(_, parts) when parts |> List.exists isNoisy -> Aliases.Noisy
        | d, _ -> Aliases.Removed(int d)

    let degreeOf dealiased equations noise =
        match aliases dealiased equations noise with
        | Aliases.Removed degree -> Some degree
        | _ -> None

    /// One field an equation, in the representation of the state.
    let askedOf (equations: Equation list) expressions =
        List.map2
            (fun (equation: Equation) f ->
                let place = Field.place equation.Unknown
                wanted (place |> Option.exists _.IsTorus) (string equation.Unknown) place f)
            equations
            expressions

    /// The operations of the part of a system with fields that is not linear in its own unknown; none where there is no such part.
    let restProgram (dealiased: bool) (equations: Equation list) (noise: Noise) : FieldProgram option =
        let rests = equations |> List.map (ownLinear >> snd)

        if rests |> List.forall isZero then
            None
        else
            let unknowns = equations |> List.map _.Unknown
            Some(FieldCompiler([ unknowns ], degreeOf dealiased equations noise).Program(askedOf equations rests))
