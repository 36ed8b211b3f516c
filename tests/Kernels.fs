/// Pointwise and field programs: compiled code against the interpreters, exact answers, and messages.
module Leith.Tests.Kernels

open System
open System.Diagnostics
open System.Numerics
open System.Runtime.Intrinsics.X86
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

let private check count property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest count, property)

let private instruction code a b value = PointwiseInstruction(code, a, b, value)
let private load i = instruction PointwiseCode.Load i 0 0.0

let private constant value =
    instruction PointwiseCode.Constant 0 0 value

let private unary code a = instruction code a 0 0.0
let private binary code a b = instruction code a b 0.0

let private power a exponent =
    instruction PointwiseCode.Power a 0 exponent

let private fill seed (tile: Tile) =
    let source = Random(seed: int)

    for i in 0 .. tile.Rows * 8 - 1 do
        tile.A.Span[i] <- 4.0 * source.NextDouble() - 2.0
        tile.B.Span[i] <- 4.0 * source.NextDouble() - 2.0

// ---- random programs ---------------------------------------------------------------------------------------------

let private exponents = [ 0.0; 1.0; 2.0; 3.0; 4.0; 7.0; 13.0; -1.0; -2.0; 0.5; 1.5; -0.5; 2.25; -0.3 ]

let private genInstruction inputs index = gen {
    let! a = Gen.choose (0, index - 1)
    let! b = Gen.choose (0, index - 1)
    let! input = Gen.choose (0, inputs - 1)
    let! exponent = Gen.elements exponents
    let! value = Gen.choose (-30, 30)
    // sums and products are frequent, so that fused multiply–adds in all their forms are, too
    return!
        Gen.frequency [
            1, Gen.constant (load input)
            1, Gen.constant (constant (float value / 10.0))
            1, Gen.constant (unary PointwiseCode.Time 0)
            6, Gen.elements [ PointwiseCode.Add; PointwiseCode.Subtract ] |> Gen.map (fun code -> binary code a b)
            6, Gen.constant (binary PointwiseCode.Multiply a b)
            1, Gen.constant (binary PointwiseCode.Divide a b)
            2, Gen.constant (power a exponent)
            3,
            Gen.elements [
                PointwiseCode.Negate
                PointwiseCode.Sqrt
                PointwiseCode.Exp
                PointwiseCode.Log
                PointwiseCode.Sin
                PointwiseCode.Cos
                PointwiseCode.Tanh
                PointwiseCode.Abs
            ]
            |> Gen.map (fun code -> unary code a)
        ]
}

let private genProgram inputs outputs = gen {
    let! length = Gen.choose (1, 25)

    let rec grow code index =
        if index > length then
            Gen.constant (List.rev code)
        else
            genInstruction inputs index |> Gen.bind (fun next -> grow (next :: code) (index + 1))

    let! code = grow [ load 0 ] 1
    let! registers = Gen.listOfLength outputs (Gen.choose (0, length))
    return PointwiseProgram(inputs, Array.ofList code, Array.ofList registers)
}

/// Values of all registers with first-order error bounds in units of the rounding 2⁻⁵³: what any order of exact-to-rounding operations may differ by.
let private rounding = Math.Pow(2.0, -53.0)

let private bounded (program: PointwiseProgram) (inputs: float[]) time =
    let value, error =
        Array.zeroCreate program.Code.Count, Array.zeroCreate program.Code.Count

    program.Code
    |> Seq.iteri (fun i instruction ->
        let a, b = instruction.A, instruction.B
        let register (x: float[]) j = if j < i then x[j] else 0.0

        let x, y, ex, ey =
            register value a, register value b, register error a, register error b

        let v, e =
            match instruction.Code with
            | PointwiseCode.Load -> inputs[a], 0.0
            | PointwiseCode.Constant -> instruction.Value, 0.0
            | PointwiseCode.Time -> time, 0.0
            | PointwiseCode.Add -> x + y, ex + ey
            | PointwiseCode.Subtract -> x - y, ex + ey
            // the last term is what is left where both factors cancelled to zero
            | PointwiseCode.Multiply -> x * y, abs x * ey + abs y * ex + ex * ey * rounding
            | PointwiseCode.Divide -> x / y, (ex + abs (x / y) * ey) / abs y
            | PointwiseCode.Negate -> -x, ex
            | PointwiseCode.Power ->
                let v = Math.Pow(x, instruction.Value)

                v,
                abs (instruction.Value * Math.Pow(abs x + ex * rounding, instruction.Value - 1.0)) * ex
                + abs v * (4.0 + abs (instruction.Value * log (abs x)))
            | PointwiseCode.Sqrt -> sqrt x, ex / (2.0 * abs (sqrt x))
            | PointwiseCode.Exp -> exp x, exp x * ex
            | PointwiseCode.Log -> log x, ex / abs x
            | PointwiseCode.Sin -> sin x, ex
            | PointwiseCode.Cos -> cos x, ex
            | PointwiseCode.Tanh -> tanh x, ex
            | _ -> abs x, ex

        value[i] <- v
        error[i] <- e + 4.0 * abs v)

    value, error

let private room bound = 4.0 * bound * rounding + 1e-290

/// A first-order bound says nothing of what is not finite or nearly lost.
let private comparable (expected: float) bound =
    Double.IsFinite expected && room bound < 1e-6 * (1.0 + abs expected)

[<Fact>]
let ``a compiled program and its interpreter agree with the library, in both blocks`` () =
    let inputs, outputs = 3, 2
    let mutable compared = 0

    check
        400
        (Prop.forAll (Arb.fromGen (Gen.zip (genProgram inputs outputs) (Gen.choose (0, 1000)))) (fun (program, seed) ->
            use state = new Tile(inputs)
            use compiled = new Tile(outputs)
            use interpreted = new Tile(outputs)
            fill seed state
            let time = float seed / 100.0
            let scalar = ScalarProgram program
            scalar.Compile().Apply(state, time, compiled)
            scalar.Interpret().Apply(state, time, interpreted)

            for half in [ "A"; "B" ] do
                let blockOf (tile: Tile) = if half = "A" then tile.A else tile.B

                for lane in 0..7 do
                    let x = Array.init inputs (fun i -> (blockOf state).Span[8 * i + lane])
                    let value, error = bounded program x time

                    program.Outputs
                    |> Seq.iteri (fun i register ->
                        if comparable value[register] error[register] then
                            compared <- compared + 1

                            for name, tile in [ "compiled", compiled; "interpreted", interpreted ] do
                                let got = (blockOf tile).Span[8 * i + lane]

                                if abs (got - value[register]) > room error[register] then
                                    let code = program.Code |> Seq.map string |> String.concat "\n"

                                    failwith
                                        $"{name}, block {half}, x = %A{x}, t = {time}: register {register} = {got}, expected {value[register]} ± {room error[register]}\n{code}")))

    Assert.True(compared > 5000, $"only {compared} finite values were compared")

let private evaluate (program: PointwiseProgram) (x: float) =
    use state = new Tile(program.Inputs)
    use result = new Tile(program.Outputs.Count)
    state.A.Span.Fill x
    ScalarProgram(program).Compile().Apply(state, 0.0, result)
    result.A.Span[0]

[<Fact>]
let ``functions and powers at special arguments are those of the library`` () =
    let arguments = [
        0.0
        -0.5
        1e-9
        0.3
        0.5
        1.0
        -2.0
        7.5
        40.0
        800.0
        -800.0
        infinity
        -infinity
        nan
    ]

    let same name (x: float) (expected: float) (actual: float) =
        let equal =
            expected.Equals actual || abs (actual - expected) <= 4e-14 * abs expected

        Assert.True(equal, $"{name} of {x}: expected {expected}, got {actual}")

    for x in arguments do
        for code, library in
            [
                PointwiseCode.Sqrt, sqrt
                PointwiseCode.Exp, exp
                PointwiseCode.Log, log
                PointwiseCode.Sin, sin
                PointwiseCode.Cos, cos
                PointwiseCode.Tanh, tanh
                PointwiseCode.Abs, abs
                PointwiseCode.Step,
                (fun x ->
                    if Double.IsNaN x then nan
                    elif x > 0.0 then 1.0
                    else 0.0)
            ] do
            same (string code) x (library x) (evaluate (PointwiseProgram(1, [| load 0; unary code 0 |], [| 1 |])) x)

        for exponent in [ 0.0; 1.0; 2.0; 3.0; 5.0; 12.0; -3.0; 0.5; -0.5; 2.5; 0.3 ] do
            // the library takes the root of −∞ to be +∞; as a limit of negative numbers it is none
            if not (Double.IsNegativeInfinity x && exponent <> Math.Floor exponent) then
                same $"power {exponent}" x (Math.Pow(x, exponent)) (evaluate (PointwiseProgram(1, [| load 0; power 0 exponent |], [| 1 |])) x)

[<Fact>]
let ``tanh keeps its relative accuracy near zero`` () =
    let program = PointwiseProgram(1, [| load 0; unary PointwiseCode.Tanh 0 |], [| 1 |])

    check 500 (fun (seed: int) ->
        let x = Math.Pow(10.0, 13.0 * Random(seed).NextDouble() - 12.0)
        abs (evaluate program -x + tanh x) <= 2e-15 * tanh x)

[<Fact>]
let ``code is compiled once and shared`` () =
    let program = PointwiseProgram(1, [| load 0 |], [| 0 |])
    Assert.Same(program.Kernel, program.Kernel)

// ---- field programs ----------------------------------------------------------------------------------------------

let private symbolOf (grid: Grid) (f: float[] -> int -> Complex) =
    grid.Wavevectors() |> Array.mapi (fun mode k -> f k mode)

let private ddx (grid: Grid) axis =
    symbolOf grid (fun k mode ->
        if grid.IsNyquist(mode, axis) then
            Complex.Zero
        else
            Complex(0.0, k[axis]))

let private laplacian grid =
    symbolOf grid (fun k _ -> Complex(-(Array.sumBy (fun x -> x * x) k), 0.0))

let private cube = PointwiseProgram(1, [| load 0; power 0 3.0 |], [| 1 |])

/// The result in real space of a program on a state given in real space.
let private applyReal (grid: Grid) (map: ITileMap) time (field: int -> int -> float) =
    use state = new Tile(grid.Sites)
    use result = new Tile(grid.Sites)
    use fft = new LaneFft(grid)

    for site in 0 .. grid.Sites - 1 do
        for lane in 0..7 do
            state.A.Span[8 * site + lane] <- field site lane
            state.B.Span[8 * site + lane] <- field site (lane + 8)

    fft.Forward(state.A.Pointer, state.B.Pointer)
    map.Apply(state, time, result)
    fft.Inverse(result.A.Pointer, result.B.Pointer)
    let a, b = result.A.Span.ToArray(), result.B.Span.ToArray()

    fun site member' ->
        if member' < 8 then
            a[8 * site + member']
        else
            b[8 * site + member' - 8]

let private assertField (grid: Grid) tolerance expected actual =
    for site in 0 .. grid.Sites - 1 do
        for member' in 0..15 do
            Assert.Equal(expected site member', actual site member', (tolerance: float))

let private torus = Grid([| 16; 12 |], [| 2.0; 3.0 |])

/// u = (1 + m/10) sin(2π x / L + 0.1 m), m the member, and its position.
let private wave site member' =
    let x = float (torus.Unravel(site)[0]) / 8.0
    1.0 + float member' / 10.0, Math.PI * x + 0.1 * float member'

let private sine site member' =
    let amplitude, phase = wave site member'
    amplitude * sin phase

[<Fact>]
let ``the derivative, the Laplacian and the cube of sines are exact in every member`` () =
    let run operations =
        let program = FieldProgram(torus, 3, operations, 2)
        use map = program.Compile()
        applyReal torus map 0.0 sine

    run [| FieldOperation.Multiply(0, 2, ddx torus 0, false) |]
    |> assertField torus 1e-13 (fun site m -> let amplitude, phase = wave site m in amplitude * Math.PI * cos phase)

    run [| FieldOperation.Multiply(0, 2, ddx torus 1, false) |]
    |> assertField torus 1e-13 (fun _ _ -> 0.0)

    run [| FieldOperation.Multiply(0, 2, laplacian torus, false) |]
    |> assertField torus 1e-12 (fun site m -> -(Math.PI * Math.PI) * sine site m)

    run [|
        FieldOperation.ToReal(0, 1)
        FieldOperation.Pointwise(cube, [| 1 |], [| 1 |])
        FieldOperation.ToSpectrum(1, 2)
    |]
    |> assertField torus 1e-13 (fun site m -> pown (sine site m) 3)

[<Fact>]
let ``a program without inputs gives its constant, with time`` () =
    let forcing =
        PointwiseProgram(
            0,
            [|
                constant 2.5
                unary PointwiseCode.Time 0
                binary PointwiseCode.Multiply 0 1
            |],
            [| 2 |]
        )

    let program =
        FieldProgram(
            torus,
            2,
            [|
                FieldOperation.Pointwise(forcing, ([||]: int[]), [| 1 |])
                FieldOperation.ToSpectrum(1, 1)
            |],
            1
        )

    for map in [ program.Compile(); program.Interpret() ] do
        applyReal torus map 3.0 sine |> assertField torus 1e-13 (fun _ _ -> 7.5)
        map.Dispose()

[<Fact>]
let ``the result may be the state itself, and accumulating into nothing writes`` () =
    use identity = FieldProgram(torus, 1, [||], 0).Compile()
    applyReal torus identity 0.0 sine |> assertField torus 1e-13 sine
    let twice = Array.create torus.Sites (Complex(2.0, 0.0))

    let program =
        FieldProgram(
            torus,
            2,
            [|
                FieldOperation.Multiply(0, 1, twice, true)
                FieldOperation.Multiply(0, 1, twice, true)
            |],
            1
        )

    use map = program.Compile()
    // twice, since nothing of a first call may be left in a second
    for _ in 1..2 do
        applyReal torus map 0.0 sine |> assertField torus 1e-12 (fun site m -> 4.0 * sine site m)

let private smallGrids = [
    Grid([| 8 |], [| 1.0 |])
    Grid([| 1 |], [| 1.0 |])
    Grid([| 6; 5 |], [| 1.0; 2.0 |])
    Grid([| 1; 9 |], [| 1.0; 2.0 |])
    Grid([| 4; 3; 2 |], [| 1.0; 2.0; 3.0 |])
]

/// A gentle pointwise program: values stay near one, so that long chains stay comparable.
let private gentle =
    PointwiseProgram(
        2,
        [|
            load 0
            load 1
            binary PointwiseCode.Multiply 0 1
            unary PointwiseCode.Sin 2
            binary PointwiseCode.Add 3 0
            unary PointwiseCode.Tanh 4
        |],
        [| 5; 3 |]
    )

/// Random operations on five buffers; content: false = spectrum, true = real fields, none = not yet written.
let private genOperations (grid: Grid) =
    let buffers = 5

    let rec grow left (content: Map<int, bool>) operations = gen {
        if left = 0 then
            return List.rev operations, content |> Map.toList |> List.filter (snd >> not) |> List.map fst
        else
            let spectra = content |> Map.toList |> List.filter (snd >> not) |> List.map fst
            let reals = content |> Map.toList |> List.filter snd |> List.map fst
            let! from = Gen.elements spectra
            let! target = Gen.choose (1, buffers - 1)
            let! other = Gen.choose (1, buffers - 1) |> Gen.filter ((<>) target)
            let! real = Gen.elements (if reals.IsEmpty then [ 0 ] else reals)
            let! real2 = Gen.elements (if reals.IsEmpty then [ 0 ] else reals)
            let! accumulate = Gen.elements [ true; false ]
            let! seed = Gen.choose (0, 1000)

            let symbol =
                symbolOf grid (fun k _ -> Complex(cos (Array.sum (Array.map (fun x -> x * x) k) + float seed), 0.0))

            let symbol =
                if seed % 3 = 0 then
                    symbol
                else
                    Array.map2 (fun s d -> s * (if seed % 3 = 1 then 1.0 else 0.0) + d / 20.0) symbol (ddx grid 0)

            let multiply =
                FieldOperation.Multiply(from, target, symbol, accumulate && content.TryFind target <> Some true)

            let! kind = Gen.choose (0, if reals.IsEmpty then 1 else 3)

            let operation, content =
                match kind with
                | 0 -> FieldOperation.ToReal(from, target) :> FieldOperation, content.Add(target, true)
                | 1 -> multiply :> FieldOperation, content.Add(target, false)
                | 2 -> FieldOperation.ToSpectrum(real, target) :> FieldOperation, content.Add(target, false)
                | _ ->
                    FieldOperation.Pointwise(gentle, [| real; real2 |], [| target; other |]) :> FieldOperation,
                    content.Add(target, true).Add(other, true)

            return! grow (left - 1) content (operation :: operations)
    }

    Gen.choose (1, 12) |> Gen.bind (fun length -> grow length (Map [ 0, false ]) [])

[<Fact>]
let ``compiled field programs agree with the defining sums`` () =
    let cases = gen {
        let! grid = Gen.elements smallGrids
        let! operations, spectra = genOperations grid
        let! result = Gen.elements spectra
        return grid, FieldProgram(grid, 5, Array.ofList operations, result)
    }

    check
        150
        (Prop.forAll (Arb.fromGen cases) (fun (grid, program) ->
            let field site member' = sin (float (7 * site + 3 * member'))
            use compiled = program.Compile()
            use interpreted = program.Interpret()

            let compiled, interpreted =
                applyReal grid compiled 0.5 field, applyReal grid interpreted 0.5 field

            Seq.allPairs [ 0 .. grid.Sites - 1 ] [ 0..15 ]
            |> Seq.forall (fun (site, m) -> abs (compiled site m - interpreted site m) <= 1e-11 * (1.0 + abs (interpreted site m)))))

[<Fact>]
let ``instances on several threads do not disturb each other`` () =
    let program =
        FieldProgram(
            torus,
            2,
            [|
                FieldOperation.ToReal(0, 1)
                FieldOperation.Pointwise(cube, [| 1 |], [| 1 |])
                FieldOperation.ToSpectrum(1, 1)
            |],
            1
        )

    Array.Parallel.init 16 (fun thread ->
        use map = program.Compile()
        let scale = 1.0 + float thread
        let cubed = applyReal torus map 0.0 (fun site m -> scale * sine site m)

        Seq.allPairs [ 0 .. torus.Sites - 1 ] [ 0..15 ]
        |> Seq.map (fun (site, m) -> abs (cubed site m / (scale * scale * scale) - pown (sine site m) 3))
        |> Seq.max)
    |> Array.iter (fun error -> Assert.True(error < 1e-12))

// ---- messages ----------------------------------------------------------------------------------------------------

let private says (phrase: string) (build: unit -> 'a) =
    let error = Assert.Throws<LeithException>(fun () -> build () |> ignore)
    Assert.Contains(phrase, error.Message)

[<Fact>]
let ``mistakes in pointwise programs are named`` () =
    says "expected a number of inputs from 0 on" (fun () -> PointwiseProgram(-1, [| constant 1.0 |], [| 0 |]))
    says "at least one output register" (fun () -> PointwiseProgram(0, [| constant 1.0 |], [||]))
    says "output registers from 0 to 0, got 1" (fun () -> PointwiseProgram(0, [| constant 1.0 |], [| 1 |]))
    says "instruction 0 (Load): expected an input below 1, got 1" (fun () -> PointwiseProgram(1, [| load 1 |], [| 0 |]))

    says "instruction 1 (Add): expected registers of earlier instructions" (fun () ->
        PointwiseProgram(1, [| load 0; binary PointwiseCode.Add 0 1 |], [| 1 |]))

    says "finite exponent" (fun () -> PointwiseProgram(1, [| load 0; power 0 nan |], [| 1 |]))
    says "enumeration PointwiseCode" (fun () -> PointwiseProgram(1, [| unary (enum 99) 0 |], [| 0 |]))

[<Fact>]
let ``mistakes in field programs are named`` () =
    let program operations result () =
        FieldProgram(torus, 3, operations, result)

    let ones = Array.create torus.Sites Complex.One
    says "at least one buffer" (fun () -> FieldProgram(torus, 0, [||], 0))
    says "buffer 1, but it has not been written" (program [||] 1)
    says "buffers from 0 to 2, got 3" (program [| FieldOperation.Multiply(3, 1, ones, false) |] 1)
    says "to write to, got 3" (program [| FieldOperation.ToReal(0, 3) |] 0)
    says "the state and read only" (program [| FieldOperation.Multiply(0, 0, ones, false) |] 0)
    says "it holds real fields; put ToSpectrum before" (program [| FieldOperation.ToReal(0, 1) |] 1)
    says "it holds a spectrum; put ToReal before" (program [| FieldOperation.Pointwise(cube, [| 0 |], [| 1 |]) |] 0)
    says "1 input and 1 output buffers, got 2 and 1" (program [| FieldOperation.Pointwise(cube, [| 0; 0 |], [| 1 |]) |] 0)
    says "a symbol of 192 modes, got 1" (program [| FieldOperation.Multiply(0, 1, [| Complex.One |], false) |] 1)

    says
        "symbol(−k) = conj symbol(k)"
        (program
            [|
                FieldOperation.Multiply(0, 1, Array.create torus.Sites Complex.ImaginaryOne, false)
            |]
            1)

    says
        "a finite symbol"
        (program
            [|
                FieldOperation.Multiply(0, 1, Array.create torus.Sites (Complex(nan, 0.0)), false)
            |]
            1)

    says "got 7; take 6 or 8" (fun () -> FieldProgram(Grid([| 7 |], [| 1.0 |]), 1, [||], 0))
    let both = PointwiseProgram(0, [| constant 1.0 |], [| 0; 0 |])
    says "different output buffers" (program [| FieldOperation.Pointwise(both, ([||]: int[]), [| 1; 1 |]) |] 0)

[<Fact>]
let ``tiles of the wrong number of rows are refused`` () =
    use small = new Tile(1)
    use large = new Tile(torus.Sites)
    use fields = FieldProgram(torus, 1, [||], 0).Compile()
    use scalars = ScalarProgram(cube).Compile()
    says "expected a state and a result of 192 modes" (fun () -> fields.Apply(small, 0.0, large))
    says "expected 1 rows in and 1 out" (fun () -> scalars.Apply(small, 0.0, large))

// ---- other machines ----------------------------------------------------------------------------------------------

/// What compiled code is made of, at every width of vectors.
let private wide = [
    "Kernels.a compiled program"
    "Kernels.functions and powers"
    "Kernels.tanh"
    "LineByLine.a lattice steps"
    "Compiler.Compiled maps"
]

let private essentials = [
    "Normals.doubles in lanes"
    "Normals.floats in lanes"
    "Fourier.every side"
    "Kernels.compiled field"
    "Kernels.the essentials"
    "Compiler.compiled trees"
]

[<Fact>]
let ``the essentials hold with vectors of 512, 256 and 128 bits and without any`` () =
    let narrow = "LEITH_TESTS_NARROW"

    if String.IsNullOrEmpty(Environment.GetEnvironmentVariable narrow) then
        for setting, bytes, tests in
            [
                "DOTNET_EnableAVX512", 32, essentials @ wide
                "DOTNET_EnableAVX2", 16, wide
                "DOTNET_EnableHWIntrinsic", 16, essentials @ wide
            ] do
            let methods =
                tests |> List.collect (fun name -> [ "-method"; $"Leith.Tests.{name}*" ])

            let start = ProcessStartInfo(string Environment.ProcessPath, methods)
            start.RedirectStandardOutput <- true
            start.Environment[setting] <- "0"
            start.Environment[narrow] <- string bytes
            use child = new Process(StartInfo = start)
            Assert.True(child.Start())
            let output = child.StandardOutput.ReadToEnd()
            child.WaitForExit()
            Assert.True((child.ExitCode = 0), $"{setting}=0: {output}")
    else
        Assert.False(Avx512F.IsSupported)
        Assert.Equal(int (Environment.GetEnvironmentVariable narrow), LaneExpressions.Widest.Bytes)
