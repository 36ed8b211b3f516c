namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

/// Operations that compute fields from the unknowns of one or two tiles: local parts are fused, every distinct linear image is transformed once.
/// `degree`: products of this degree keep only the modes that they do not alias onto; none: all modes.
type internal FieldCompiler(tiles: Field list list, degree: int option) =
    let grids = Dictionary<float list * int list, Grid>()

    let gridOf (lengths, points) =
        match grids.TryGetValue((lengths, points)) with
        | true, grid -> grid
        | _ ->
            let grid = Grid(points, lengths)
            grids[(lengths, points)] <- grid
            grid

    let gridOfDomain domain : Grid | null =
        match domain with
        | Some(Domain.Torus(lengths, points))
        | Some(Domain.Lattice(lengths, points))
        | Some(Domain.Modes(lengths, points)) -> gridOf (lengths, points)
        | _ -> null

    let segments = tiles |> List.map (Rows.segments gridOf)
    let shapes = ResizeArray<Grid | null>(segments |> List.concat |> List.map _.Grid)
    let inputs = Dictionary<Field, int>()
    let operations = ResizeArray<FieldOperation>()
    let images = Dictionary<Grid * bool * Field, int>()
    let numbers = Dictionary<(Grid | null) * Field, int>()
    // spectra of waves and of flows
    let made = Dictionary<Field, int>()
    let symbols = Dictionary<Grid * string * Symbol, Complex[]>()
    // flows whose state is the beginning of a larger one's, which is run in their place: a forecast and its tangent are one run
    let larger =
        Dictionary<float * int * (Field * Field) list * Field list, (Field * Field) list * Field list>()

    let rec findFlows field =
        match field with
        | Field.Flow(duration, steps, rates, start, _) ->
            for n in 1 .. rates.Length - 1 do
                larger[(duration, steps, List.truncate n rates, List.truncate n start)] <- (rates, start)
        | _ -> ()

        Field.children field |> List.iter findFlows

    do tiles |> List.concat |> List.iteri (fun buffer leaf -> inputs[leaf] <- buffer)

    let fresh grid =
        shapes.Add grid
        shapes.Count - 1

    let inputOf leaf =
        match inputs.TryGetValue leaf with
        | true, buffer -> buffer
        | _ ->
            let known = inputs.Keys |> Seq.map string |> String.concat ", "
            raise (LeithException $"expected an expression in {known}, got {leaf}.")

    let onGrid grid (name, symbol) =
        match symbols.TryGetValue((grid, name, symbol)) with
        | true, values -> values
        | _ ->
            let values = Symbol.onGrid name grid symbol
            symbols[(grid, name, symbol)] <- values
            values

    let coefficient (field: Field) =
        match Field.constant field with
        | Some value when Double.IsFinite value -> Complex(value, 0.0)
        | _ -> raise (LeithException $"equation: expected finite constants, got the factor {field}.")

    /// The product of operators, mode by mode.
    let multiplier (grid: Grid) (operators: (string * Symbol) list) =
        operators
        |> List.fold (fun values op -> Array.map2 (fun (a: Complex) b -> a * b) values (onGrid grid op)) (Array.create grid.Sites Complex.One)

    let times (a: Complex[]) (b: Complex[]) =
        Array.map2 (fun (x: Complex) y -> x * y) a b

    let mask masked (grid: Grid) =
        if masked then
            degree |> Option.map (Aliasing.mask grid)
        else
            None

    let isSource core =
        match core with
        | Field.Unknown(_, Domain.Torus _)
        | Field.WhiteNoise(_, Domain.Torus _)
        | Field.Flow _
        | Field.Waves _ -> true
        | _ -> false

    /// The sum of linear terms, mode by mode.
    let linearSymbol (grid: Grid) (terms: Term list) =
        terms
        |> List.fold
            (fun total term ->
                let c = coefficient term.Coefficient
                Array.map2 (fun (a: Complex) (b: Complex) -> a + c * b) total (multiplier grid term.Operators))
            (Array.create grid.Sites Complex.Zero)

    /// A derivative with a factor inside becomes the factor times the derivative, so that equal images are found equal.
    let rec prepare (field: Field) =
        let isNumber a =
            (Field.place a).IsNone && not (Field.variesWithPlace a)

        match field with
        | Field.Lap a
        | Field.Derivative(_, a) when isNumber a -> Field.Number 0.0
        | Field.Spectral(_, symbol, a) when isNumber a -> (Symbol.evaluate (Array.zeroCreate 3) symbol).Real * prepare a
        | Field.Lap _
        | Field.Derivative _
        | Field.Spectral _ ->
            match Equation.terms field with
            | [ term ] when isSource term.Core && term.Coefficient <> Field.Number 1.0 ->
                term.Coefficient
                * Equation.termField {
                    term with
                        Coefficient = Field.Number 1.0
                }
            | _ -> field
        | Field.Mean a
        | Field.Displaced(_, a) when isNumber a -> prepare a
        | Field.Mean _
        | Field.Displaced _
        | Field.Flow _
        | Field.Waves _
        | Field.Neighbour _ -> field
        | _ -> Field.map prepare field

    let coordinates (grid: Grid) axis (steps: int list) =
        let spacing = grid.Lengths[axis] / float grid.Points[axis]

        Array.init grid.Sites (fun site ->
            let index = grid.Unravel site
            let i = index[axis] + (if steps.IsEmpty then 0 else steps[axis])
            let n = grid.Points[axis]
            float ((i % n + n) % n) * spacing)

    /// Buffers with the values of local fields at the sites of a grid, or of numbers. `masked`: from the modes that products keep; `reuse`: images may be written over.
    let rec locals (grid: Grid | null) (here: Domain option) (fields: Field list) (masked: bool) (reuse: bool) : int list =
        let leaves = ResizeArray<Field>()

        let load leaf =
            match leaves.IndexOf leaf with
            | -1 ->
                leaves.Add leaf
                leaves.Count - 1
            | index -> index

        let line = StraightLine load

        let registers =
            fields |> List.map (Lattice.discretise here >> prepare >> line.Register)

        let sources = leaves |> Seq.map (input grid masked) |> List.ofSeq

        let free =
            if reuse then
                sources
                |> List.choose (fun source ->
                    match source with
                    | :? PointwiseInput.Value as value when value.Buffer >= inputs.Count && obj.ReferenceEquals(shapes[value.Buffer], grid) ->
                        Some value.Buffer
                    | _ -> None)
                |> List.distinct
            else
                []

        let outputs =
            fields |> List.mapi (fun i _ -> if i < free.Length then free[i] else fresh grid)

        // an image that is written over is no image any more
        for KeyValue(leaf, buffer) in List.ofSeq images do
            if List.contains buffer outputs then
                images.Remove leaf |> ignore

        operations.Add(FieldOperation.Pointwise(line.Program(leaves.Count, registers), List.toArray sources, List.toArray outputs))
        outputs

    and input (grid: Grid | null) (masked: bool) (leaf: Field) : PointwiseInput =
        let number buffer : PointwiseInput =
            if isNull grid then
                PointwiseInput.Value buffer
            else
                PointwiseInput.Number buffer

        match leaf, grid with
        | (Field.Unknown(_, Domain.Scalar) | Field.WhiteNoise(_, Domain.Scalar)), _ -> number (inputOf leaf)
        | Field.Mean a, _ -> number (mean grid leaf a)
        | Field.Coordinate axis, NonNull grid
        | Field.Neighbour(_, Field.Coordinate axis), NonNull grid when axis < grid.Dimensions ->
            let steps =
                match leaf with
                | Field.Neighbour(steps, _) -> steps
                | _ -> []

            PointwiseInput.Table(coordinates grid axis steps)
        | Field.Coordinate axis, _ ->
            raise (LeithException $"coordinate {axis}: expected an axis of the grid of the expression, which has none of that number.")
        | Field.Neighbour(steps, a), _ -> PointwiseInput.Neighbour(inputOf a, List.toArray steps)
        | (Field.Unknown(_, (Domain.Lattice _ | Domain.Modes _)) | Field.WhiteNoise(_, (Domain.Lattice _ | Domain.Modes _))), _ ->
            PointwiseInput.Value(inputOf leaf)
        | _, NonNull grid -> PointwiseInput.Value(real grid masked leaf)
        | _ -> raise (LeithException $"expected a number, got {leaf}, which has values at places; take its mean.")

    /// The buffer with the mean of a field over its sites, of all its modes; a function of the place alone is averaged over the grid where it stands.
    and mean (here: Grid | null) (leaf: Field) (a: Field) : int =
        let place = Field.place a
        let grid = if place.IsNone then here else gridOfDomain place

        match numbers.TryGetValue((grid, leaf)) with
        | true, buffer -> buffer
        | _ ->
            let source =
                match place, Equation.terms a with
                | Some(Domain.Torus _), terms when terms |> List.exists (fun t -> isSource t.Core || not t.Operators.IsEmpty) ->
                    (spectra (nonNull grid) [ a ] false false).Head
                | _ -> (locals grid place [ a ] false false).Head

            let result = fresh null
            operations.Add(FieldOperation.Mean(source, result))
            numbers[(grid, leaf)] <- result
            result

    /// The buffer with the values of an unknown or of an operator's result on a torus.
    and real (grid: Grid) (masked: bool) (leaf: Field) : int =
        match images.TryGetValue((grid, masked, leaf)) with
        | true, buffer -> buffer
        | _ ->
            let buffer = image grid masked leaf
            images[(grid, masked, leaf)] <- buffer
            buffer

    /// A displaced field at the sites, or the spectrum of a leaf, masked where it enters a product, transformed back.
    and image grid masked leaf =
        match leaf with
        | Field.Displaced(displacement, a) ->
            let spectrum = (spectra grid [ a ] masked false).Head
            let displacements = locals grid None displacement masked false
            let buffer = fresh grid
            operations.Add(FieldOperation.Displace(spectrum, List.toArray displacements, buffer))
            buffer
        | _ -> linearImage grid masked leaf

    and linearImage grid masked leaf =
        let kept = mask masked grid

        let target =
            match Equation.terms leaf, kept with
            | [ term ], _ when isSource term.Core && not (term.Operators.IsEmpty && kept.IsNone) ->
                let target = fresh grid
                let symbol = linearSymbol grid [ term ]
                let symbol = kept |> Option.map (times symbol) |> Option.defaultValue symbol
                operations.Add(FieldOperation.Multiply(source term.Core, target, symbol, false))
                target
            | _ ->
                match (spectra grid [ leaf ] masked false).Head, kept with
                | buffer, Some kept when buffer >= inputs.Count ->
                    operations.Add(FieldOperation.Multiply(buffer, buffer, kept, false))
                    buffer
                | buffer, _ -> buffer

        // the spectra of inputs, waves and flows are read elsewhere too
        let buffer =
            if target < inputs.Count || made.ContainsValue target then
                fresh grid
            else
                target

        operations.Add(FieldOperation.ToReal(target, buffer))
        buffer

    /// The buffer that holds the spectrum of an unknown, a noise, a sum of waves or a flow.
    and source (core: Field) : int =
        match core with
        | Field.Waves(amplitude, phases) ->
            match made.TryGetValue core with
            | true, buffer -> buffer
            | _ ->
                let grid = nonNull (gridOfDomain (Field.place core))

                let phases =
                    match phases with
                    | Field.Unknown _ -> inputOf phases
                    | _ -> (locals grid None [ phases ] false false).Head

                let values = Symbol.onGrid "randomWaves" grid amplitude

                if values |> Array.exists (fun a -> abs a.Imaginary > 1e-12 * (1.0 + abs a.Real)) then
                    raise (
                        LeithException
                            $"randomWaves: expected real amplitudes, got {amplitude}; add the angle to the phases, as in randomWaves (…) (phi + 0.5)."
                    )

                let values = values |> Array.map _.Real
                let buffer = fresh grid
                operations.Add(FieldOperation.Waves(phases, buffer, values))
                made[core] <- buffer
                buffer
        | Field.Flow(duration, steps, rates, start, index) when larger.ContainsKey((duration, steps, rates, start)) ->
            let rates, start = larger[(duration, steps, rates, start)]
            source (Field.Flow(duration, steps, rates, start, index))
        | Field.Flow(duration, steps, rates, start, _) ->
            if not (made.ContainsKey core) then
                let grid = nonNull (gridOfDomain (Field.place core))

                let program =
                    FieldCompiler([ rates |> List.map fst ], None)
                        .Program(
                            rates
                            |> List.map (fun (w, rate) -> {
                                Name = string w
                                Field = rate
                                Place = Field.place w
                                Spectral = true
                            })
                        )

                let from = spectra grid start false false
                let buffers = start |> List.map (fun _ -> fresh grid)
                operations.Add(FieldOperation.Flow(program, duration, steps, List.toArray from, List.toArray buffers))

                for i, buffer in List.indexed buffers do
                    made[Field.Flow(duration, steps, rates, start, i)] <- buffer

            made[core]
        | _ -> inputOf core

    /// Buffers with the spectra of fields of one torus; buffers of inputs where these are the fields themselves.
    /// `masked`: products keep the modes that they do not alias onto; what multiplies no fields keeps all.
    and spectra (grid: Grid) (fields: Field list) (masked: bool) (last: bool) : int list =
        // the mean of another grid is a number here, whatever it is made of
        let here (term: Term) =
            match Field.place term.Core with
            | Some _ as place when not (obj.ReferenceEquals(gridOfDomain place, grid)) ->
                let outside =
                    term.Operators |> List.takeWhile (fun (_, symbol) -> symbol <> Symbol.Origin)

                {
                    term with
                        Operators = outside
                        Core =
                            Equation.termField {
                                term with
                                    Coefficient = Field.Number 1.0
                                    Operators = List.skip outside.Length term.Operators
                            }
                }
            | _ -> term

        let isProduct (term: Term) =
            masked && degree.IsSome && Aliasing.degree term.Core > 1.0

        let parts =
            fields
            |> List.map (fun field ->
                let linear, others =
                    Equation.terms field
                    |> List.filter (fun term -> term.Coefficient <> Field.Number 0.0)
                    |> List.map here
                    |> List.partition (fun term -> isSource term.Core)

                linear, others |> List.groupBy (fun term -> isProduct term, term.Operators))

        let sumOf (terms: Term list) =
            terms |> List.map (fun term -> term.Coefficient * term.Core) |> List.reduce (fun a b -> a + b)

        let asked product =
            parts
            |> List.collect (fun (_, groups) -> groups |> List.filter (fun ((p, _), _) -> p = product) |> List.map (snd >> sumOf))

        let transformed product =
            match asked product with
            | [] -> Queue<int>()
            | asked ->
                let values = locals grid None asked product last
                values |> List.iter (fun buffer -> operations.Add(FieldOperation.ToSpectrum(buffer, buffer)))
                Queue<int>(values)

        let plain = transformed false
        let products = transformed true

        parts
        |> List.map (fun (linear, groups) ->
            groups
            |> List.map (fun ((product, operators), _) ->
                let values = if product then products else plain
                product, operators, values.Dequeue())
            |> assemble grid linear)

    /// One spectrum from linear terms and the transformed groups of the others.
    and assemble grid (linear: Term list) (groups: (bool * (string * Symbol) list * int) list) =
        // with products freed of aliases a system has the kept modes only, whatever pushes the others
        match linear, groups, mask true grid with
        | [ {
                Coefficient = Field.Number 1.0
                Operators = []
            } as term ],
          [],
          kept when kept.IsNone || term.Core.IsUnknown -> source term.Core
        | [], [ false, [], buffer ], None -> buffer
        | _, _, kept ->
            let result = fresh grid
            let mutable accumulate = false

            let add buffer symbol =
                operations.Add(FieldOperation.Multiply(buffer, result, symbol, accumulate))
                accumulate <- true

            for _, operators, buffer in groups do
                let symbol = multiplier grid operators
                add buffer (kept |> Option.map (times symbol) |> Option.defaultValue symbol)

            for core, terms in linear |> List.groupBy _.Core do
                let symbol = linearSymbol grid terms
                add (source core) (kept |> Option.map (times symbol) |> Option.defaultValue symbol)

            if not accumulate then
                // nothing: zero times a spectrum at hand costs no transform
                let atHand =
                    segments
                    |> List.concat
                    |> List.tryFindIndex (fun s -> obj.ReferenceEquals(s.Grid, grid) && s.Representation = Representation.Modes)

                match atHand with
                | Some buffer -> add buffer (Array.create grid.Sites Complex.Zero)
                | None ->
                    let zero = (locals grid None [ Field.Number 0.0 ] false false).Head
                    operations.Add(FieldOperation.ToSpectrum(zero, result))

            result

    /// The segments of each tile.
    member _.Segments = segments

    /// The one object for a grid, null for a number.
    member _.Grid place = gridOfDomain place

    /// Linear terms of a torus as one multiplier.
    member _.LinearSymbol(grid, terms) = linearSymbol grid terms

    /// The program of some fields, in their order in the result.
    member _.Program(wanted: Wanted list) : FieldProgram =
        let results = Array.create wanted.Length -1
        wanted |> List.iter (fun w -> findFlows w.Field)

        // numbers and sites first: afterwards the images of a torus may be written over
        let groups =
            wanted
            |> List.indexed
            |> List.groupBy (fun (_, w) -> w.Place, w.Spectral)
            |> List.sortBy (fun ((place, spectral), _) ->
                match place with
                | Some(Domain.Torus _) when spectral -> 1
                | _ -> 0)

        for (place, _), members in groups do
            let fields = members |> List.map (fun (_, w) -> w.Field)
            let grid = gridOfDomain place

            let buffers =
                match place, grid with
                | Some(Domain.Torus _), NonNull grid when members |> List.forall (fun (_, w) -> w.Spectral) -> spectra grid fields true true
                | _ ->
                    locals grid place fields false false
                    |> List.map2
                        (fun (_, w) buffer ->
                            if w.Spectral then
                                operations.Add(FieldOperation.ToSpectrum(buffer, buffer))

                            buffer)
                        members

            List.iter2 (fun (i, _) buffer -> results[i] <- buffer) members buffers

        let outputs =
            wanted
            |> List.fold
                (fun (first, found) w ->
                    let representation =
                        match w.Place with
                        | None -> Representation.Number
                        | Some _ when w.Spectral -> Representation.Modes
                        | Some _ -> Representation.Sites

                    let segment = Segment(w.Name, gridOfDomain w.Place, representation, first)
                    segment.End, segment :: found)
                (0, [])
            |> snd
            |> List.rev

        FieldProgram(
            segments |> List.map (fun s -> List.toArray s :> IReadOnlyList<Segment>) |> List.toArray,
            shapes.ToArray(),
            operations.ToArray(),
            results,
            List.toArray outputs
        )
