namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

/// Straight-line code of local expressions; equal parts are computed once.
type private PointwiseCompiler(load: Field -> int) =
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
        emit (PointwiseInstruction(operation, a, b))

    let unary f =
        match f with
        | Elementary.Sin -> PointwiseCode.Sin
        | Elementary.Cos -> PointwiseCode.Cos
        | Elementary.Exp -> PointwiseCode.Exp
        | Elementary.Log -> PointwiseCode.Log
        | Elementary.Sqrt -> PointwiseCode.Sqrt
        | Elementary.Tanh -> PointwiseCode.Tanh
        | Elementary.Abs -> PointwiseCode.Abs

    let rec register (field: Field) : int =
        match field, Field.constant field with
        | _, Some value -> constant value
        | Field.Sum(first :: rest), _ -> rest |> List.fold addTerm (register first)
        | Field.Product factors, _ -> product factors
        | Field.Quotient(a, b), _ ->
            let numerator = register a
            binary PointwiseCode.Divide numerator (register b)
        | Field.Power(a, p), _ -> emit (PointwiseInstruction(PointwiseCode.Power, register a, 0, p))
        | Field.Apply(f, a), _ -> emit (PointwiseInstruction(unary f, register a))
        | Field.Time, _ -> emit (PointwiseInstruction PointwiseCode.Time)
        | leaf, _ -> emit (PointwiseInstruction(PointwiseCode.Load, load leaf))

    and addTerm sum term =
        match term with
        | Field.Product(Field.Number c :: rest) when c < 0.0 ->
            binary PointwiseCode.Subtract sum (register (List.fold (fun a b -> a * b) (Field.Number -c) rest))
        | term -> binary PointwiseCode.Add sum (register term)

    and product factors =
        let constants, others = factors |> List.partition Field.isConstant

        let scale =
            constants |> List.choose Field.constant |> List.fold (fun a b -> a * b) 1.0

        let value =
            others |> List.map register |> List.reduce (binary PointwiseCode.Multiply)

        match scale with
        | 1.0 -> value
        | -1.0 -> emit (PointwiseInstruction(PointwiseCode.Negate, value))
        | _ -> binary PointwiseCode.Multiply (constant scale) value

    /// The register that holds the value of a field.
    member _.Register field = register field

    /// The program with these registers as outputs.
    member _.Program(inputs: int, outputs: int list) =
        PointwiseProgram(inputs, List.ofSeq code, outputs)

/// Field operations of one expression on a torus: local parts are fused, every distinct linear image of the state is transformed once.
type private FieldCompiler(grid: Grid) =
    let operations = ResizeArray<FieldOperation>()
    let images = Dictionary<Field, int>()
    let symbols = Dictionary<string * Symbol, Complex[]>()
    let mutable buffers = 1

    let fresh () =
        buffers <- buffers + 1
        buffers - 1

    let onGrid (name, symbol) =
        match symbols.TryGetValue((name, symbol)) with
        | true, values -> values
        | _ ->
            let values = Symbol.onGrid name grid symbol
            symbols[(name, symbol)] <- values
            values

    let coefficient (field: Field) =
        match Field.constant field with
        | Some value when Double.IsFinite value -> Complex(value, 0.0)
        | _ -> raise (LeithException $"equation: expected finite constants, got the factor {field}.")

    /// The product of operators, mode by mode.
    let multiplier (operators: (string * Symbol) list) =
        operators
        |> List.fold (fun values op -> Array.map2 (fun (a: Complex) b -> a * b) values (onGrid op)) (Array.create grid.Sites Complex.One)

    /// The sum of linear terms, mode by mode.
    let linearSymbol (terms: Term list) =
        terms
        |> List.fold
            (fun total term ->
                let c = coefficient term.Coefficient
                Array.map2 (fun (a: Complex) (b: Complex) -> a + c * b) total (multiplier term.Operators))
            (Array.create grid.Sites Complex.Zero)

    let scaledCore (term: Term) = term.Coefficient * term.Core

    /// The buffer with the spectrum of a field; buffer 0 for the state itself, else a buffer that nothing else uses.
    let rec spectrum (field: Field) =
        let split = Equation.split field

        match split with
        | {
              Linear = [ {
                             Coefficient = Field.Number 1.0
                             Operators = []
                         } ]
              Nonlinear = []
          } -> 0
        | {
              Linear = []
              Nonlinear = (first :: _ as terms)
          } when first.Operators.IsEmpty && terms |> List.forall _.Operators.IsEmpty -> local terms
        | _ ->
            let result = fresh ()

            let groups = split.Nonlinear |> List.groupBy _.Operators

            for operators, terms in groups do
                let values = local terms
                operations.Add(FieldOperation.Multiply(values, result, multiplier operators, true))

            if not split.Linear.IsEmpty || groups.IsEmpty then
                operations.Add(FieldOperation.Multiply(0, result, linearSymbol split.Linear, not groups.IsEmpty))

            result

    /// The buffer with the spectrum of a sum of local terms.
    and local (terms: Term list) =
        let inputs = ResizeArray<Field>()

        let load leaf =
            match inputs.IndexOf leaf with
            | -1 ->
                inputs.Add leaf
                inputs.Count - 1
            | index -> index

        let compiler = PointwiseCompiler load

        let output =
            compiler.Register(terms |> List.map scaledCore |> List.reduce (fun a b -> a + b))

        let buffersOfInputs = inputs |> Seq.map real |> List.ofSeq
        let result = fresh ()
        operations.Add(FieldOperation.Pointwise(compiler.Program(inputs.Count, [ output ]), buffersOfInputs, [ result ]))
        operations.Add(FieldOperation.ToSpectrum(result, result))
        result

    /// The buffer with the values of an unknown or of an operator's result.
    and real (leaf: Field) : int =
        match images.TryGetValue leaf with
        | true, buffer -> buffer
        | _ ->
            let source = spectrum leaf
            let buffer = if source = 0 then fresh () else source
            operations.Add(FieldOperation.ToReal(source, buffer))
            images[leaf] <- buffer
            buffer

    /// The linear part as one multiplier.
    member _.LinearSymbol terms = linearSymbol terms

    /// The program that computes a field from the state.
    member _.Program(field: Field) =
        let result = spectrum field
        FieldProgram(grid, buffers, List.ofSeq operations, result)

/// From the symbolic tree to the numerical core.
[<RequireQualifiedAccess>]
module Lower =
    /// The grid of an unknown, none for scalar unknowns.
    let gridOf (unknown: Field) : Grid option =
        match unknown with
        | Field.Unknown(_, Domain.Torus(lengths, points)) -> Some(Grid(points, lengths))
        | _ -> None

    /// The program of a field on a torus.
    let program (grid: Grid) (field: Field) : FieldProgram = FieldCompiler(grid).Program field

    /// u ↦ f(u, t) on a torus, spectrum to spectrum; each call of the result makes one instance for one thread.
    let field (grid: Grid) (field: Field) : unit -> ITileMap =
        let program = program grid field
        fun () -> program.Compile()

    /// The program of a list of fields of scalar unknowns.
    let scalarProgram (unknowns: Field list) (fields: Field list) : PointwiseProgram =
        let load leaf =
            match List.tryFindIndex ((=) leaf) unknowns with
            | Some index -> index
            | None ->
                let known = unknowns |> List.map string |> String.concat ", "
                raise (LeithException $"expected an expression in {known}, got {leaf}.")

        let compiler = PointwiseCompiler load
        let outputs = fields |> List.map compiler.Register
        compiler.Program(unknowns.Length, outputs)

    /// x ↦ (f₁(x, t), f₂(x, t), …) for scalar unknowns; each call of the result makes one instance for one thread.
    let vector (unknowns: Field list) (fields: Field list) : unit -> ITileMap =
        let program = ScalarProgram(scalarProgram unknowns fields)
        fun () -> program.Compile()

    let private name (unknown: Field) = unknown.Text

    let private noiseSymbol (grid: Grid) noise =
        let flat s =
            Array.create grid.Sites (Complex(s, 0.0))

        match noise with
        | Noise.PerSite s -> flat s
        | Noise.White s -> flat (s / sqrt grid.CellVolume)
        | Noise.Additive op ->
            let scale = Field.constant op.Scale |> Option.defaultValue nan
            let factor = Complex(scale * sqrt (float grid.Sites), 0.0)
            Symbol.onGrid op.Name grid op.Symbol |> Array.map (fun s -> factor * s)
        | Noise.Matrix _ -> raise (LeithException "noise: expected additive, white or perSite for a field on a torus, got a noise matrix.")

    let private torus (grid: Grid) (equation: Equation) noise =
        let split = Equation.split equation.Drift

        Model(
            Grid = grid,
            Rows = grid.Sites,
            LinearSymbol = FieldCompiler(grid).LinearSymbol split.Linear,
            Nonlinear =
                (if split.Nonlinear.IsEmpty then
                     null
                 else
                     Func<_>(field grid (Equation.sum split.Nonlinear))),
            NoiseSymbol = noiseSymbol grid noise,
            Names = [ name equation.Unknown ]
        )

    let private noiseMatrix rows noise =
        match noise with
        | Noise.PerSite s -> Array2D.init rows rows (fun i j -> if i = j then s else 0.0)
        | Noise.Matrix values -> array2D values
        | other -> raise (LeithException $"noise: expected perSite, diagonal or noiseMatrix for scalar unknowns, got {other}.")

    let private scalars (equations: Equation list) noise =
        let unknowns = equations |> List.map _.Unknown
        let splits = equations |> List.map (fun equation -> Equation.split equation.Drift)
        let matrix = Array2D.zeroCreate unknowns.Length unknowns.Length

        for i, split in List.indexed splits do
            for term in split.Linear do
                let j = List.findIndex ((=) term.Core) unknowns
                matrix[i, j] <- matrix[i, j] + (Field.constant term.Coefficient |> Option.defaultValue nan)

        let rest = splits |> List.map (fun split -> Equation.sum split.Nonlinear)

        Model(
            Rows = unknowns.Length,
            LinearMatrix = matrix,
            Nonlinear =
                (if rest |> List.forall (fun f -> f = Field.Number 0.0) then
                     null
                 else
                     Func<_>(vector unknowns rest)),
            NoiseMatrix = noiseMatrix unknowns.Length noise,
            Names = List.map name unknowns
        )

    /// The model of equations with their noise.
    let system (equations: Equation list) (noise: Noise) : Model =
        Equation.check equations

        match gridOf equations.Head.Unknown with
        | Some grid -> torus grid equations.Head noise
        | None -> scalars equations noise

    /// The model of an experiment. Raises LeithException for a recording, which has none.
    let model (experiment: Experiment) : Model =
        match experiment.Source with
        | Source.Simulated(equations, noise, _, _) -> system equations noise
        | Source.Recorded data -> raise (LeithException $"experiment \"{experiment.Title}\": expected a model, got the recording {data.Path}.")

    /// Pixel variance per unit time that the noise adds, ⟨|σ_k|²⟩ over the modes; none for scalar unknowns.
    let pixelVariance (model: Model) : float option =
        match model.NoiseSymbol with
        | null -> None
        | symbol -> Some(symbol |> Array.averageBy (fun s -> s.Real * s.Real + s.Imaginary * s.Imaginary))

    /// The sampling plan of an experiment.
    let sampling (sampling: Sampling) : SamplingPlan =
        SamplingPlan(sampling.Members, sampling.SpinUp, sampling.Lasting, sampling.Every)
