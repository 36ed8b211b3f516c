namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

open Leith.Programs
open Leith.NoiseModel

/// From the symbolic tree to the numerical core.
[<RequireQualifiedAccess>]
module Lower =
    /// The grid of an unknown, none for scalar unknowns.
    let gridOf (unknown: Field) : Grid option = Programs.gridOf unknown

    /// The program of a field, a spectrum of its grid, from the state of all unknowns.
    let program (unknowns: Field list) (place: Domain) (field: Field) : FieldProgram = Programs.program unknowns place field

    /// (u, v, …) ↦ f(u, v, …, t), a spectrum of its grid; each call of the result makes one instance for one thread.
    let field (unknowns: Field list) (place: Domain) (field: Field) : unit -> ITileMap = Programs.field unknowns place field

    /// The program of a list of fields of scalar unknowns.
    let scalarProgram (unknowns: Field list) (fields: Field list) : PointwiseProgram = Programs.scalarProgram unknowns fields

    /// x ↦ (f₁(x, t), f₂(x, t), …) for scalar unknowns; each call of the result makes one instance for one thread.
    let vector (unknowns: Field list) (fields: Field list) : unit -> ITileMap = Programs.vector unknowns fields

    /// What becomes of the aliases of products.
    let internal aliases (dealiased: bool) (equations: Equation list) (noise: Noise) : Aliases =
        Programs.aliases dealiased equations noise

    /// The operations of the part of a system with fields that is not linear in its own unknown; none where there is no such part.
    let restProgram (dealiased: bool) (equations: Equation list) (noise: Noise) : FieldProgram option =
        Programs.restProgram dealiased equations noise

    let private name (unknown: Field) = unknown.Text

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
