namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

/// From the symbolic tree to the numerical core.
[<RequireQualifiedAccess>]
module Lower =
    /// The grid of an unknown, none for scalar unknowns.
    let gridOf (unknown: Field) : Grid option =
        match unknown with
        | Field.Unknown(_, (Domain.Torus(lengths, points) | Domain.Lattice(lengths, points) | Domain.Modes(lengths, points))) ->
            Some(Grid(points, lengths))
        | _ -> None

    let private wanted spectral (name: string) (place: Domain option) (field: Field) = {
        Name = name
        Field = field
        Place = place
        Spectral = spectral
    }

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

    let private name (unknown: Field) = unknown.Text

    let private isZero f = f = Field.Number 0.0

    /// The factor of each row of one unknown for noise that does not depend on the state.
    let rec private noiseRows (unknown: Field) (segment: Segment) noise : Complex[] =
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

    let private noiseMatrix rows noise =
        match noise with
        | Noise.PerSite s -> Array2D.init rows rows (fun i j -> if i = j then s else 0.0)
        | Noise.Matrix values -> array2D values
        | other -> raise (LeithException $"noise: expected perSite, diagonal or noiseMatrix for scalar unknowns, got {other}.")

    /// The expression of each unknown, 0 where it has none.
    let private expressionsOf (equations: Equation list) parts =
        equations
        |> List.map (fun e ->
            parts
            |> List.tryFind (fun (u, _) -> u = e.Unknown)
            |> Option.map snd
            |> Option.defaultValue (Field.Number 0.0))

    let private noisesOf expressions =
        expressions |> List.collect Field.whiteNoises |> List.distinct

    /// The matrix of expressions whose factors before the noises are constants; none where one is not.
    let private constantMatrix (expressions: Field list) (noises: Field list) =
        let entry expression noise =
            Field.constant (Field.derivative noise expression)

        let entries = expressions |> List.map (fun f -> noises |> List.map (entry f))

        if entries |> List.concat |> List.forall _.IsSome then
            Some(entries |> List.map (List.map Option.get) |> array2D)
        else
            None

    /// What the drifts and the noise divide by, as a program from the state; none where that is nothing.
    let private denominators (equations: Equation list) noise : FieldProgram option =
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

    let private denominatorMap (program: FieldProgram option) : Func<ITileMap> | null =
        match program with
        | Some program -> Func<ITileMap>(fun () -> program.Compile())
        | None -> null

    let private denominatorRows (program: FieldProgram option) : IReadOnlyList<Segment> =
        match program with
        | Some program -> program.Outputs
        | None -> [||]

    let private scalars (equations: Equation list) noise =
        let unknowns = equations |> List.map _.Unknown
        let splits = equations |> List.map (fun equation -> Equation.split equation.Drift)
        let matrix = Array2D.zeroCreate unknowns.Length unknowns.Length

        for i, split in List.indexed splits do
            for term in split.Linear do
                let j = List.findIndex ((=) term.Core) unknowns
                matrix[i, j] <- matrix[i, j] + (Field.constant term.Coefficient |> Option.defaultValue nan)

        let rest = splits |> List.map (fun split -> Equation.sum split.Nonlinear)

        let additive, multiplicative: (float[,] | null) * (Field list * Field list) option =
            match noise with
            | Noise.Expressions(_, parts) ->
                let expressions = expressionsOf equations parts
                let noises = noisesOf expressions

                match constantMatrix expressions noises with
                | Some matrix -> matrix, None
                | None -> null, Some(expressions, noises)
            | Noise.Each _ ->
                let strength (unknown: Field) =
                    let rows: Complex[] =
                        noiseRows unknown (Segment(string unknown, null, Representation.Number, 0)) noise

                    rows[0].Real

                Array2D.init unknowns.Length unknowns.Length (fun i j -> if i = j then strength unknowns[i] else 0.0), None
            | _ -> noiseMatrix unknowns.Length noise, None

        let divided = denominators equations noise
        let program = scalarProgram unknowns (equations |> List.map _.Drift)

        let noiseProgram =
            multiplicative
            |> Option.map (fun (expressions, noises) -> scalarProgram (unknowns @ noises) expressions)

        Model(
            Rows = unknowns.Length,
            LinearMatrix = matrix,
            Nonlinear =
                (if rest |> List.forall isZero then
                     null
                 else
                     Func<_>(vector unknowns rest)),
            NoiseMatrix = additive,
            Names = List.map name unknowns,
            ScalarDrift = program,
            Denominators = denominatorMap divided,
            DenominatorSegments = denominatorRows divided,
            ScalarNoise = Option.toObj noiseProgram,
            Multiplicative =
                (match multiplicative with
                 | Some(expressions, noises) ->
                     let program =
                         FieldCompiler([ unknowns; noises ], None).Program(List.map2 (fun u f -> wanted false (string u) None f) unknowns expressions)

                     Func<_>(fun () -> program.CompilePair())
                 | None -> null),
            MultiplicativeRows =
                (match multiplicative with
                 | Some(_, noises) -> noises.Length
                 | None -> 0)
        )

    /// Terms of a drift that are linear in their own unknown, a field on a torus, with constant factors; and the rest.
    let private ownLinear (equation: Equation) =
        match equation.Unknown with
        | Field.Unknown(_, Domain.Torus _) ->
            let own, others =
                Equation.terms equation.Drift
                |> List.filter (fun term -> not (isZero term.Coefficient))
                |> List.partition (fun term -> term.Core = equation.Unknown)

            own, Equation.sum others
        | _ -> [], equation.Drift

    /// |S(k)| of an expression that is a sum of constant factors, linear operators and white noises, each of them of this unknown alone; none where it is not.
    let private additiveRows (compiler: FieldCompiler) (unknown: Field, segment: Segment) (expression: Field) : Complex[] option =
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
    let private milstein unknowns asked (expressions: (Field * Field) list) : Func<float, Func<IPairMap>> | null =
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

    /// What becomes of the aliases of products.
    let internal aliases (dealiased: bool) (equations: Equation list) (noise: Noise) : Aliases =
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

    let private degreeOf dealiased equations noise =
        match aliases dealiased equations noise with
        | Aliases.Removed degree -> Some degree
        | _ -> None

    /// One field an equation, in the representation of the state.
    let private askedOf (equations: Equation list) expressions =
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

    /// Additive noise of one strength at all sites of each unknown as expressions, with the first rows of the white noises.
    let private siteNoises unknowns (segments: Segment list) (rows: Complex[] list) =
        let part unknown (segment: Segment, strengths: Complex[]) =
            match unknown, strengths[0].Real with
            | Field.Unknown(name, domain), sigma when sigma <> 0.0 ->
                let noise = Field.WhiteNoise(name, domain)
                Some(noise, segment.First), sigma * noise
            | _ -> None, Field.Number 0.0

        let noises, parts = List.map2 part unknowns (List.zip segments rows) |> List.unzip

        List.choose id noises, parts

    /// Which rows a system has whose products keep the modes that they do not alias onto; null: all.
    let private keptRows (segments: Segment list) (degree: int option) : bool[] | null =
        match degree with
        | None -> null
        | Some degree ->
            segments
            |> List.map (fun segment ->
                match segment.Grid with
                | NonNull grid when segment.Representation = Representation.Modes -> Aliasing.mask grid degree |> Array.map ((=) Complex.One)
                | _ -> Array.create segment.Rows true)
            |> Array.concat

    let private held (kept: bool[] | null) (symbol: Complex[]) =
        match kept with
        | null -> symbol
        | kept -> Array.map2 (fun keep s -> if keep then s else Complex.Zero) kept symbol

    let private fields dealiased (equations: Equation list) noise =
        let unknowns = equations |> List.map _.Unknown
        let parts = equations |> List.map ownLinear
        let compiler = FieldCompiler([ unknowns ], None)
        let segments = compiler.Segments.Head
        let kept = keptRows segments (degreeOf dealiased equations noise)
        let rows = segments |> List.map _.Rows |> List.sum

        let linear =
            List.map2
                (fun (segment: Segment) (own: Term list, _) ->
                    match segment.Grid with
                    | NonNull grid when not own.IsEmpty -> compiler.LinearSymbol(grid, own)
                    | _ -> Array.create segment.Rows Complex.Zero)
                segments
                parts
            |> Array.concat
            |> held kept

        let asked = askedOf equations

        let expressions =
            match noise with
            | Noise.Expressions(_, parts) -> Some(expressionsOf equations parts)
            | _ -> None

        let additive =
            match expressions with
            | None -> Some(List.map2 (fun u segment -> noiseRows u segment noise) unknowns segments)
            | Some expressions ->
                let shared =
                    expressions
                    |> List.collect Field.whiteNoises
                    |> List.countBy id
                    |> List.exists (fun (_, n) -> n > 1)

                let rows =
                    List.map2 (additiveRows compiler) (List.zip unknowns segments) expressions

                if shared || rows |> List.exists _.IsNone then
                    None
                else
                    Some(rows |> List.map Option.get)

        let nonlinear = restProgram dealiased equations noise
        let divided = denominators equations noise

        let multiplicative =
            match expressions, additive with
            | Some expressions, None ->
                let noises = noisesOf expressions
                let compiler = FieldCompiler([ unknowns; noises ], None)
                Some(noises, compiler.Segments[1], compiler.Program(asked expressions))
            | _ -> None

        let milstein =
            match expressions, multiplicative with
            | Some expressions, Some _ -> milstein unknowns asked (List.zip unknowns expressions)
            | _ -> null

        let local =
            let noises, parts =
                match multiplicative, expressions with
                | Some(noises, segments, _), Some expressions ->
                    List.map2 (fun noise (s: Segment) -> noise, s.First) noises (List.ofSeq segments), expressions
                | _ -> additive |> Option.map (siteNoises unknowns segments) |> Option.defaultValue ([], [])

            LocalEuler.law unknowns (equations |> List.map _.Drift) noises parts

        Model(
            LocalEuler = local,
            Grid =
                (match segments with
                 | [ only ] when only.Representation = Representation.Modes -> only.Grid
                 | _ -> null),
            Rows = rows,
            Segments = List.toArray segments,
            LinearSymbol = linear,
            Nonlinear =
                (match nonlinear with
                 | Some program -> Func<_>(fun () -> program.Compile())
                 | None -> null),
            NoiseSymbol =
                (match additive with
                 | Some rows -> Array.concat rows |> held kept
                 | None -> null),
            Multiplicative =
                (match multiplicative with
                 | Some(_, _, program) -> Func<_>(fun () -> program.CompilePair())
                 | None -> null),
            MultiplicativeRows =
                (match multiplicative with
                 | Some(_, segments, _) -> segments |> List.map _.Rows |> List.sum
                 | None -> 0),
            MultiplicativeSegments =
                (match multiplicative with
                 | Some(_, segments, _) -> List.toArray segments
                 | None -> [||]),
            Milstein = milstein,
            Kept = kept,
            Denominators = denominatorMap divided,
            DenominatorSegments = denominatorRows divided,
            Names = List.map name unknowns
        )

    /// The model of equations with their noise. `dealiased`: products keep only the modes that they do not alias onto.
    let systemWith (dealiased: bool) (equations: Equation list) (noise: Noise) : Model =
        Equation.check equations

        if equations |> List.exists (fun e -> (Field.place e.Unknown).IsSome) then
            fields dealiased equations noise
        else
            scalars equations noise

    /// The model of equations with their noise, products as they come out on the grid.
    let system (equations: Equation list) (noise: Noise) : Model = systemWith false equations noise

    /// What a step has to add to each drift, since it reads the noise in another sense than it is written: ± ½ Σ_j (S_j · ∂) S_j; 0 where that is nothing.
    let addedDrift (step: Step) (equations: Equation list) (noise: Noise) : (Field * Field) list =
        match noise with
        | Noise.Expressions(calculus, parts) ->
            let unknowns = equations |> List.map _.Unknown

            let correction () =
                NoiseTerms.itoCorrection (List.zip unknowns (expressionsOf equations parts))

            let added =
                match calculus, (Schemes.Facts step.Scheme).Calculus with
                | StochasticCalculus.Stratonovich, Calculus.Ito -> correction ()
                | StochasticCalculus.Ito, Calculus.Stratonovich -> correction () |> List.map (fun f -> -f)
                | _ -> unknowns |> List.map (fun _ -> Field.Number 0.0)

            List.zip unknowns added |> List.filter (snd >> isZero >> not)
        | _ -> []

    /// The model of equations with their noise as a step wants it.
    let systemFor (step: Step) (equations: Equation list) (noise: Noise) : Model =
        let added = addedDrift step equations noise

        let equations =
            equations
            |> List.map (fun e ->
                match added |> List.tryFind (fun (u, _) -> u = e.Unknown) with
                | Some(_, drift) -> { e with Drift = e.Drift + drift }
                | None -> e)

        systemWith step.Dealiased equations noise

    /// Fills states before their first step with expressions of the place, the same for all members; null where every unknown starts at 0.
    let initial (model: Model) (unknowns: Field list) (start: (Field * Field) list) : Action<Tile> | null =
        let value (segment: Segment) (unknown: Field) =
            match start |> List.tryFind (fun (u, _) -> u = unknown), segment.Grid with
            | None, _ -> Array.zeroCreate segment.Rows
            | Some(_, f), grid ->
                Array.init segment.Rows (fun site ->
                    let look leaf =
                        match leaf, grid with
                        | Field.Coordinate axis, NonNull grid when axis < grid.Dimensions ->
                            float (grid.Unravel(site)[axis]) * grid.Lengths[axis] / float grid.Points[axis]
                        | other, _ -> raise (LeithException $"startingAt: expected numbers, parameters and coordinates for {unknown}, got {other}.")

                    match Field.evaluate look 0.0 f with
                    | value when Double.IsFinite value -> value
                    | value -> raise (LeithException $"startingAt: expected finite values, got {value} at site {site} of {unknown}, from {f}."))

        if List.isEmpty start then
            null
        else
            for unknown, _ in start do
                if not (List.contains unknown unknowns) then
                    raise (LeithException $"startingAt: expected unknowns of the system, got {unknown}.")

            let values = Seq.map2 value model.Segments unknowns |> Array.concat
            InitialState.Constant(model, values)

    /// w ↦ N′(u, t)ᵀ w of the part of a drift that is not linear; null where there is none, or where it is not of the tree.
    let transposedTangent (step: Step) (equations: Equation list) (noise: Noise) : Func<IPairMap> | null =
        let equations =
            let added = addedDrift step equations noise |> dict

            equations
            |> List.map (fun e ->
                match added.TryGetValue e.Unknown with
                | true, drift -> { e with Drift = e.Drift + drift }
                | _ -> e)

        let unknowns = equations |> List.map _.Unknown
        let hasFields = not (Equations.fields equations).IsEmpty

        let rests =
            equations
            |> List.map (fun e ->
                if hasFields then
                    snd (ownLinear e)
                else
                    Equation.sum (Equation.split e.Drift).Nonlinear)

        if rests |> List.forall isZero then
            null
        else
            let weight u =
                match u with
                | Field.Unknown(name, domain) -> Field.Unknown(name + "′", domain)
                | other -> other

            let weights = unknowns |> List.map weight

            let degree = degreeOf (step.Dealiased && hasFields) equations noise

            try
                let trees = Derivatives.adjointOf (List.zip unknowns rests) weights

                let program =
                    FieldCompiler([ unknowns; weights ], degree).Program(askedOf equations trees)

                Func<IPairMap>(fun () -> program.CompilePair())
            with :? LeithException ->
                null

    /// The model of an experiment. Raises LeithException for a recording, which has none.
    let model (experiment: Experiment) : Model =
        match experiment.Source with
        | Source.Simulated(equations, noise, step, _) -> systemFor step equations noise
        | Source.Recorded data -> raise (LeithException $"experiment \"{experiment.Title}\": expected a model, got the recording {data.Path}.")

    /// Pixel variance per unit time that the noise adds, ⟨|σ_k|²⟩ over the modes; none for scalar unknowns.
    let pixelVariance (model: Model) : float option =
        match model.NoiseSymbol with
        | null -> None
        | symbol -> Some(symbol |> Array.averageBy (fun s -> s.Real * s.Real + s.Imaginary * s.Imaginary))

    /// The sampling plan of an experiment.
    let sampling (sampling: Sampling) : SamplingPlan =
        SamplingPlan(sampling.Members, sampling.SpinUp, sampling.Lasting, sampling.Every)
