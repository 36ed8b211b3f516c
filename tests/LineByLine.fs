/// What is done line by line against the same done whole: normals, steps of lattices, transforms with products between them.
module Leith.Tests.LineByLine

open System
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private check count property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261124UL, 2403UL), property)

let private fill seed (tile: Tile) =
    let source = Random(seed: int)

    for i in 0 .. tile.Rows * 8 - 1 do
        tile.A.Span[i] <- 4.0 * source.NextDouble() - 2.0
        tile.B.Span[i] <- 4.0 * source.NextDouble() - 2.0

let private close tolerance (a: Tile) (b: Tile) =
    Seq.allPairs [ 0 .. a.Rows - 1 ] [ 0..7 ]
    |> Seq.forall (fun (row, lane) ->
        abs (a.A[row, lane] - b.A[row, lane]) <= tolerance * (1.0 + abs b.A[row, lane])
        && abs (a.B[row, lane] - b.B[row, lane]) <= tolerance * (1.0 + abs b.B[row, lane]))

// ---- normals ------------------------------------------------------------------------------------------------------

[<Fact>]
let ``normals of some rows are those of the whole step, bit for bit`` () =
    let cases = gen {
        let! half = Gen.choose (0, 40)
        let! rows = Gen.choose (1, 60)
        let! step = Gen.choose (0, 1000)
        return 2 * half, rows, int64 step
    }

    check
        200
        (Prop.forAll (Arb.fromGen cases) (fun (first, rows, step) ->
            use whole = new LaneArray(first + rows)
            use some = new LaneArray(rows)
            NormalStream.Fill(whole.Pointer, whole.Rows, 5UL, 3u, step, 16)
            NormalStream.Fill(some.Pointer, rows, 5UL, 3u, step, 16, first)
            some.Span.SequenceEqual(whole.Span.Slice(8 * first))))

[<Fact>]
let ``normals from an odd row on are refused`` () =
    use block = new LaneArray(4)

    let error =
        Assert.Throws<LeithException>(fun () -> NormalStream.Fill(block.Pointer, 4, 1UL, 0u, 0L, 0, 3))

    Assert.Contains("expected an even first row, 0 or more, got 3", error.Message)

// ---- lattices -----------------------------------------------------------------------------------------------------

/// All normals of a step at once.
type private WholeNormals(seed: uint64) =
    interface INormalSource with
        member _.Fill(normals, step) =
            NormalStream.Fill(normals.A.Pointer, normals.Rows, seed, 0u, step, 16 * normals.Index)
            NormalStream.Fill(normals.B.Pointer, normals.Rows, seed, 0u, step, 16 * normals.Index + 8)

let private boxes = [
    lattice (ring 7.0 7)
    lattice (ring 80.0 80)
    lattice (rectangle (6.0, 8.0) (6, 10))
    lattice (torus 32.0 32)
    lattice (rectangle (1.0, 3.0) (1, 3))
    lattice (rectangle (4.0, 150.0) (2, 150))
    lattice (box3 (3.0, 4.0, 6.0) (3, 4, 5))
]

/// A system of two unknowns with everything that a lattice allows.
let private system' (domain: Domain) (noiseKind: int) =
    let u, v = field "u" domain, field "v" domain

    let axes =
        match domain with
        | Domain.Lattice(lengths, _) -> lengths.Length
        | _ -> 0

    let far =
        neighbour (List.init axes (fun axis -> if axis = axes - 1 then 3 else -1)) v

    let equations = [
        ddt u == 0.3 * lap u + u - cube u - 0.4 * dx u + 0.2 * v * far + sin t
        ddt v == 0.1 * lap (u * v) - 0.5 * v + 0.3 * dx (cube u) - 0.2 * (u - v) / 3.0
    ]

    let noise =
        match noiseKind with
        | 0 -> perSite 0.0
        | 1 -> perSite 0.3
        | 2 -> independent [ v, white 0.2 ]
        | _ ->
            let xi, eta = whiteNoise "ξ" domain, whiteNoise "η" domain
            ito [ ddt u == (0.3 + 0.1 * v) * xi; ddt v == 0.2 * u * eta + 0.1 * xi ]

    equations, noise

let private cases = Gen.zip (Gen.elements boxes) (Gen.choose (0, 3))

[<Fact>]
let ``a lattice steps as one piece of code as it does operation by operation`` () =
    check
        60
        (Prop.forAll (Arb.fromGen (Gen.zip cases (Gen.choose (0, 1000)))) (fun ((domain, kind), seed) ->
            let equations, noise = system' domain kind
            let model = Lower.systemFor (eulerMaruyama 0.02) equations noise
            use code = Stepper.Make(model, Scheme.EulerMaruyama, 0.02)
            use operations = new TileMachine(model, Scheme.EulerMaruyama, 0.02)
            use state = new Tile(model.Rows)
            use expected = new Tile(model.Rows)
            use normals = new Tile(operations.Normals)
            fill seed state
            fill (seed + 1) normals
            expected.CopyFrom state
            code.Step(state, 0.7, normals)
            operations.Step(expected, 0.7, normals)
            code :? LocalMachine && code.Normals <= operations.Normals && close 1e-13 state expected))

[<Fact>]
let ``normals drawn line by line give the run of normals drawn at once, bit for bit, twins included`` () =
    check
        20
        (Prop.forAll (Arb.fromGen cases) (fun (domain, kind) ->
            let equations, noise = system' domain kind
            let model = Lower.systemFor (eulerMaruyama 0.02) equations noise

            let run source threads =
                let simulation =
                    Simulation(
                        model,
                        Scheme.EulerMaruyama,
                        0.02,
                        9UL,
                        true,
                        Initial = (fun tile -> fill tile.Index tile),
                        Normals = source,
                        FirstMember = 16
                    )

                let found = Array.init 2 (fun _ -> ResizeArray<float>())

                let sink index = {
                    new ITwinSink with
                        member _.Sample(_, _, free, up, down) =
                            for tile in [ free; up; down ] do
                                found[index].AddRange(tile.A.Span.ToArray())
                                found[index].AddRange(tile.B.Span.ToArray())

                        member _.Finish() = ()
                }

                let kick = Array.init model.Rows (fun row -> Complex(float (row % 3), 0.0))
                let plan = TwinPlan(32, 2, 0.1, 0.04, 0.06, 0.02, kick, 0.5)
                simulation.Twins(plan, sink, threads, null, Threading.CancellationToken.None)
                found |> Array.map _.ToArray()

            run null 2 = run (WholeNormals 9UL) 1))

// ---- transforms ---------------------------------------------------------------------------------------------------

let private grids = [
    Grid([| 8; 8 |], [| 6.0; 6.0 |])
    Grid([| 6; 10 |], [| 2.0; 3.0 |])
    Grid([| 16; 9 |], [| 1.0; 2.0 |])
]

/// Symbols that vanish in some rows, real, imaginary or neither.
let private genSymbol (grid: Grid) = gen {
    let! kind = Gen.choose (0, 4)
    let! cut = Gen.choose (0, 4)
    let waves = grid.Wavevectors()

    return
        Array.init grid.Sites (fun mode ->
            let index = grid.Unravel mode
            let n = abs (grid.WaveIndex(0, index[0]))
            let odd = if grid.IsNyquist(mode, 0) then 0.0 else waves[mode][0]

            if kind = 4 || (cut > 0 && n >= cut) then
                Complex.Zero
            else
                match kind with
                | 0 -> Complex(1.0 / (1.0 + waves[mode][1] * waves[mode][1]), 0.0)
                | 1 -> Complex(0.0, odd)
                | _ -> Complex(0.5, 0.2 * odd))
}

/// Images of the state and of another spectrum, a program of some of them, transforms and multipliers.
let private genGroup = gen {
    let! grid = Gen.elements grids
    let! images = Gen.choose (1, 4)
    let! symbols = Gen.listOfLength images (Gen.optionOf (genSymbol grid))
    let! outputs = Gen.choose (1, 2)
    let! factor = Gen.choose (1, 9)
    let! multipliers = Gen.choose (0, 4)
    let! sources = Gen.listOfLength multipliers (Gen.choose (0, outputs))
    let! targets = Gen.listOfLength multipliers (Gen.choose (0, 2))
    let! adds = Gen.listOfLength multipliers (Gen.elements [ true; false ])
    let! more = Gen.listOfLength multipliers (genSymbol grid)
    let image i = 1 + i
    let local i = 5 + i
    let results = 7

    let operations: FieldOperation list = [
        for i, symbol in List.indexed symbols do
            match symbol with
            | Some symbol ->
                FieldOperation.Multiply(0, image i, symbol, false)
                FieldOperation.ToReal(image i, image i)
            | None -> FieldOperation.ToReal(0, image i)

        let product =
            PointwiseProgram(
                2,
                [|
                    PointwiseInstruction(PointwiseCode.Load, 0)
                    PointwiseInstruction(PointwiseCode.Load, 1)
                    PointwiseInstruction(PointwiseCode.Multiply, 0, 1)
                    PointwiseInstruction(PointwiseCode.Constant, 0, 0, float factor)
                    PointwiseInstruction(PointwiseCode.Subtract, 3, 0)
                |],
                [ 2; 4 ] |> List.take outputs |> List.toArray
            )

        FieldOperation.Pointwise(product, [| image 0; image (images - 1) |], Array.init outputs local)

        for i in 0 .. outputs - 1 do
            FieldOperation.ToSpectrum(local i, local i)

        for source, target, add, symbol in List.zip3 sources targets adds |> List.map2 (fun s (a, b, c) -> a, b, c, s) more do
            FieldOperation.Multiply((if source = outputs then 0 else local source), results + target, symbol, add)
    ]

    let written = targets |> List.map (fun target -> results + target)
    let! result = Gen.elements (local 0 :: written)
    return grid, FieldProgram(grid, 10, List.toArray operations, result)
}

[<Fact>]
let ``lines of transforms, products and multipliers agree with the defining sums`` () =
    check
        300
        (Prop.forAll (Arb.fromGen genGroup) (fun (grid, program) ->
            use state = new Tile(grid.Sites)
            use found = new Tile(grid.Sites)
            use expected = new Tile(grid.Sites)
            fill 3 state
            use map = program.Compile()
            use referee = program.Interpret()
            map.Apply(state, 0.0, found)
            map.Apply(state, 0.0, found) // nothing of the first call is left
            referee.Apply(state, 0.0, expected)
            FieldGroup.At(program, 0).HasValue && close 1e-11 found expected))

[<Fact>]
let ``the vorticity equation takes its linear part along`` () =
    let w = field "w" (torus (2.0 * pi) 12)

    let equation = ddt w == -(advection (rotatedGrad (-(inverseLap w))) w) + 0.1 * lap w

    let model = Lower.systemFor (rk4 0.001) [ equation ] (perSite 0.0)
    let linear = nonNull model.LinearSymbol
    use nonlinear = (nonNull model.Nonlinear).Invoke()
    use whole = (nonlinear :?> FieldMap).Plus linear
    Assert.NotNull whole
    use drift = new Drift(model)
    use state = new Tile(model.Rows)
    use found = new Tile(model.Rows)
    use rest = new Tile(model.Rows)
    fill 1 state
    drift.Apply(state, 0.0, found)
    nonlinear.Apply(state, 0.0, rest)
    TileMath.AddProduct(rest, linear, state)
    Assert.True(close 1e-12 found rest)
