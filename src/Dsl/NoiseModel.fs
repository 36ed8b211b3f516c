namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

open Leith.Programs

/// What noise becomes in the core: a factor a row, a matrix, or a map of the state and of white noises.
module internal NoiseModel =
    /// The factor of each row of one unknown for noise that does not depend on the state.
    let rec noiseRows (unknown: Field) (segment: Segment) noise : Complex[] =
        let flat s =
            Array.create segment.Rows (Complex(s, 0.0))

        match noise, segment.Grid with
        | Noise.PerSite s, _ -> flat s
        | Noise.White s, NonNull grid when segment.Representation = Representation.Modes -> flat (s / sqrt grid.CellVolume)
        | Noise.White s, NonNull grid when Field.place unknown |> Option.exists _.IsLattice -> flat (s / sqrt grid.CellVolume)
        | Noise.Additive op, NonNull grid when segment.Representation = Representation.Modes ->
            let scale = Field.constant op.Scale |> Option.defaultValue nan
            let factor = Complex(scale * sqrt (float grid.Sites), 0.0)
            Symbol.onGrid op.Name grid op.Symbol |> Array.map (fun s -> factor * s)
        | Noise.Each parts, _ ->
            match parts |> List.tryFind (fun (u, _) -> u = unknown) with
            | Some(_, part) -> noiseRows unknown segment part
            | None -> flat 0.0
        | Noise.Matrix _, NonNull _ -> raise (LeithException "noise: expected additive, white or perSite for a field on a torus, got a noise matrix.")
        | other, null -> raise (LeithException $"noise: expected perSite for the number {unknown}, got {other}.")
        | other, _ -> raise (LeithException $"noise: expected perSite or white for {unknown}, which has no spectrum, got {other}.")

    let noiseMatrix rows noise =
        match noise with
        | Noise.PerSite s -> Array2D.init rows rows (fun i j -> if i = j then s else 0.0)
        | Noise.Matrix values -> array2D values
        | other -> raise (LeithException $"noise: expected perSite, diagonal or noiseMatrix for scalar unknowns, got {other}.")

    /// The expression of each unknown, 0 where it has none.
    let expressionsOf (equations: Equation list) parts =
        equations
        |> List.map (fun e ->
            parts
            |> List.tryFind (fun (u, _) -> u = e.Unknown)
            |> Option.map snd
            |> Option.defaultValue (Field.Number 0.0))

    let noisesOf expressions =
        expressions |> List.collect Field.whiteNoises |> List.distinct

    /// The matrix of expressions whose factors before the noises are constants; none where one is not.
    let constantMatrix (expressions: Field list) (noises: Field list) =
        let entry expression noise =
            Field.constant (Field.derivative noise expression)

        let entries = expressions |> List.map (fun f -> noises |> List.map (entry f))

        if entries |> List.concat |> List.forall _.IsSome then
            Some(entries |> List.map (List.map Option.get) |> array2D)
        else
            None

    /// |S(k)| of an expression that is a sum of constant factors, linear operators and white noises, each of them of this unknown alone; none where it is not.
    let additiveRows (compiler: FieldCompiler) (unknown: Field, segment: Segment) (expression: Field) : Complex[] option =
        let terms =
            Equation.terms expression |> List.filter (fun term -> not (isZero term.Coefficient))

        let square (terms: Term list) =
            match segment.Grid with
            | NonNull grid when segment.Representation = Representation.Modes ->
                compiler.LinearSymbol(grid, terms)
                |> Array.map (fun s -> s.Real * s.Real + s.Imaginary * s.Imaginary)
            | _ ->
                let total =
                    terms |> List.sumBy (fun t -> Field.constant t.Coefficient |> Option.defaultValue nan)

                Array.create segment.Rows (total * total)

        let isPlain (term: Term) =
            // a Brownian motion that pushes a whole field is one noise for all its rows
            term.Core.IsWhiteNoise
            && Field.place term.Core = Field.place unknown
            && (segment.Representation = Representation.Modes || term.Operators.IsEmpty)
            && Field.isConstant term.Coefficient

        if isZero expression then
            Some(Array.create segment.Rows Complex.Zero)
        elif terms |> List.forall isPlain then
            terms
            |> List.groupBy _.Core
            |> List.map (snd >> square)
            |> List.reduce (Array.map2 (+))
            |> Array.map (fun p -> Complex(sqrt p, 0.0))
            |> Some
        else
            None

    /// The increment of a Milstein step as a map of state and normals, where the noise allows one.
    let milstein unknowns asked (expressions: (Field * Field) list) : Func<float, Func<IPairMap>> | null =
        match NoiseTerms.milsteinTerm (Field.Number 1.0) expressions with
        | Error _ -> null
        | Ok _ ->
            Func<float, Func<IPairMap>>(fun h ->
                match NoiseTerms.milsteinTerm (Field.Number h) expressions with
                | Error reason -> raise (LeithException $"milstein: {reason}")
                | Ok terms ->
                    let noises = noisesOf (List.map snd expressions)

                    let program =
                        FieldCompiler([ unknowns; noises ], None).Program(asked (List.map snd terms))

                    Func<IPairMap>(fun () -> program.CompilePair()))

    /// Additive noise of one strength at all sites of each unknown as expressions, with the first rows of the white noises.
    let siteNoises unknowns (segments: Segment list) (rows: Complex[] list) =
        let part unknown (segment: Segment, strengths: Complex[]) =
            match unknown, strengths[0].Real with
            | Field.Unknown(name, domain), sigma when sigma <> 0.0 ->
                let noise = Field.WhiteNoise(name, domain)
                Some(noise, segment.First), sigma * noise
            | _ -> None, Field.Number 0.0

        let noises, parts = List.map2 part unknowns (List.zip segments rows) |> List.unzip

        List.choose id noises, parts

    /// Which rows a system has whose products keep the modes that they do not alias onto; null: all.
    let keptRows (segments: Segment list) (degree: int option) : bool[] | null =
        match degree with
        | None -> null
        | Some degree ->
            segments
            |> List.map (fun segment ->
                match segment.Grid with
                | NonNull grid when segment.Representation = Representation.Modes -> Aliasing.mask grid degree |> Array.map ((=) Complex.One)
                | _ -> Array.create segment.Rows true)
            |> Array.concat

    let held (kept: bool[] | null) (symbol: Complex[]) =
        match kept with
        | null -> symbol
        | kept -> Array.map2 (fun keep s -> if keep then s else Complex.Zero) kept symbol
