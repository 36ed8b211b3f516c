/// From trees to kernels: compiled = interpreted = the tree's own meaning, on random trees and where a compiler is likely to err.
module Leith.Tests.Compiler

open System
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.TreeReferee
open Leith.Tests.Trees
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20261124UL, 2403UL), property)

// ---- states and programs -----------------------------------------------------------------------------------------

let private time = 0.3

/// Sixteen states: values of every unknown, [member].
let private states (source: Random) (unknowns: Field list) =
    Array.init Tile.Members (fun _ ->
        unknowns
        |> List.map (fun u -> u, Array.init (sitesOf (domainOf u)) (fun _ -> 2.0 * source.NextDouble() - 1.0))
        |> Map.ofList)

/// The transform of the rows of a segment that holds modes; nothing for others.
let private transform forward (tile: Tile) (segment: Segment) =
    match Option.ofObj segment.Grid with
    | Some grid when segment.Representation = Representation.Modes ->
        use fft = new LaneFft(grid)
        let part = new Tile(grid.Sites)

        let copy (from: Tile) first (into: Tile) start =
            for row in 0 .. grid.Sites - 1 do
                for lane in 0..7 do
                    into.A[start + row, lane] <- from.A[first + row, lane]
                    into.B[start + row, lane] <- from.B[first + row, lane]

        copy tile segment.First part 0

        if forward then
            fft.Forward(part.A.Pointer, part.B.Pointer)
        else
            fft.Inverse(part.A.Pointer, part.B.Pointer)

        copy part 0 tile segment.First
        part.Dispose()
    | _ -> ()

let private rowsOf (segments: Segment seq) = segments |> Seq.map _.End |> Seq.max

let private toTile (segments: Segment seq) (unknowns: Field list) (states: Map<Field, float[]>[]) =
    let tile = new Tile(rowsOf segments)

    Seq.iter2
        (fun (segment: Segment) unknown ->
            for i in 0 .. Tile.Members - 1 do
                let block = if i < 8 then tile.A else tile.B
                states[i][unknown] |> Array.iteri (fun row value -> block[segment.First + row, i % 8] <- value))
        segments
        unknowns

    segments |> Seq.iter (transform true tile)
    tile

/// [member][segment][site].
let private fromTile (segments: Segment seq) (tile: Tile) =
    segments |> Seq.iter (transform false tile)

    Array.init Tile.Members (fun i ->
        let block = if i < 8 then tile.A else tile.B

        [
            for segment in segments -> Array.init segment.Rows (fun row -> block[segment.First + row, i % 8])
        ])

/// What a program makes of sixteen states: [member][result][site].
let private applied compiled (program: FieldProgram) (tiles: Field list list) states =
    let inputs =
        List.map2 (fun (segments: Segment seq) unknowns -> toTile segments unknowns states) (List.ofSeq (Seq.map Seq.cast program.Inputs)) tiles

    use result = new Tile(rowsOf program.Outputs)
    // what stood in the result before must not matter
    result.A.Span.Fill nan
    result.B.Span.Fill nan

    match inputs with
    | [ state ] ->
        use map = if compiled then program.Compile() else program.Interpret()
        map.Apply(state, time, result)
        map.Apply(state, time, result)
    | state :: other :: _ ->
        use map =
            if compiled then
                program.CompilePair()
            else
                program.InterpretPair()

        map.Apply(state, other, time, result)
        map.Apply(state, other, time, result)
    | [] -> ()

    for input in inputs do
        input.Dispose()

    fromTile program.Outputs result

let private programOf degree (tiles: Field list list) (unknowns: Field list) drifts =
    FieldCompiler(tiles, degree)
        .Program(
            List.map2
                (fun unknown f -> {
                    Name = string unknown
                    Field = f
                    Place = Field.place unknown
                    Spectral = Field.place unknown |> Option.exists _.IsTorus
                })
                unknowns
                drifts
        )

let private largest (values: float[]) =
    values |> Array.fold (fun m a -> max m (abs a)) 0.0

/// The largest difference over the size of the values.
let private apart (a: float[]) (b: float[]) =
    largest (Array.map2 (-) a b) / (1.0 + largest b)

let private meaning (state: Map<Field, float[]>) unknown f =
    valuesOn (domainOf unknown) (fun u -> state[u]) time f

/// Compiled, interpreted and meant are one: the first two for all members, the third for one of each block.
let private agrees (tiles: Field list list) unknowns drifts (source: Random) =
    let states = states source (List.concat tiles)
    let program = programOf None tiles unknowns drifts
    let compiled = applied true program tiles states
    let interpreted = applied false program tiles states

    let near (a: float[] list) b =
        List.forall2 (fun a b -> apart a b < 1e-9) a b

    let meant i =
        List.map2 (meaning states[i]) unknowns drifts

    Array.forall2 near compiled interpreted
    && [ source.Next 8; 8 + source.Next 8 ] |> List.forall (fun i -> near compiled[i] (meant i))

// ---- random systems ----------------------------------------------------------------------------------------------

let private x, y = scalar "x", scalar "y"
let private flat = rectangle (2.0 * pi, 3.0) (4, 3)
let private line = ring 5.0 6
let private u, v = field "u" flat, field "v" flat
let private c = field "c" line
let private beads = lattice (ring 3.0 5)
let private sheet = lattice (rectangle (2.0, 3.0) (4, 3))
let private p, q = field "p" sheet, field "q" sheet
let private b = field "b" beads
let private block = box3 (2.0, 3.0, 2.0 * pi) (3, 2, 4)
let private w = field "w" block
let private crystal = field "κ" (lattice block)
let private phi = phases "φ" flat
let private psi = phases "ψ" block

/// Waves on the tori that have phases, alone and shifted in phase.
let private extras (unknowns: Field list) = {
    Shapes = compilerShapes
    Leaves =
        fun domain -> [
            for unknown in unknowns do
                match unknown, domain with
                | Field.Unknown(_, Domain.Modes(lengths, points)), Domain.Torus(sides, n) when lengths = sides && n = points ->
                    randomWaves (fun k -> 0.3 * k.SquaredAtMost 5.0 / (1.0 + k.Squared)) unknown
                    randomWaves (fun k -> 0.2 * k.SquaredAtMost 2.0) (sin unknown + 0.4 * t)
                | _ -> ()
        ]
}

let private everyKind = [
    [ u ]
    [ u; v ]
    [ p; q ]
    [ b ]
    [ w ]
    [ crystal ]
    [ u; phi ]
    [ w; psi; x ]
    [ x; u; y ]
    [ b; x ]
    [ u; c ]
    [ c; p; x; u; b ]
    [ field "long" (ring 6.0 30) ]
    [ field "odd" (rectangle (1.0, 2.0 * pi) (5, 9)) ]
]

[<Fact>]
let ``Compiled systems are what their trees say`` () =
    for unknowns in everyKind do
        throughout
            40
            (Prop.forAll (systemsWith (extras unknowns) 16 unknowns) (fun (drifts, seed) -> agrees [ unknowns ] unknowns drifts (Random seed)))

[<Fact>]
let ``Compiled maps of a state and white noises are what their trees say`` () =
    let kinds = [
        [ u ], [ whiteNoise "ξ" flat; brownian "W" ]
        [ b; x ], [ whiteNoise "ξ" beads; brownian "W" ]
        [ x; y ], [ brownian "V"; brownian "W" ]
        [ c; u; x ], [ whiteNoise "ξ" flat; whiteNoise "η" line ]
        [ w; crystal ], [ whiteNoise "ξ" block; whiteNoise "η" (lattice block) ]
    ]

    for unknowns, noises in kinds do
        let all = unknowns @ noises

        let drifts =
            unknowns |> List.map (driftWith (extras unknowns) 12 all) |> Gen.sequenceToList

        let cases =
            Arb.fromGenShrink (
                Gen.zip drifts (Gen.choose (0, 1000000)),
                fun (drifts, seed) -> systemShrink drifts |> Seq.map (fun drifts -> drifts, seed)
            )

        throughout 40 (Prop.forAll cases (fun (drifts, seed) -> agrees [ unknowns; noises ] unknowns drifts (Random seed)))

/// Trees on which a compiler slips easily, each beside what it slips on.
let private traps =
    let wave = sin (coordinate 0 + 0.3)
    let waves = randomWaves (fun k -> 0.3 * k.SquaredAtMost 5.0) phi
    let bead = sin (2.0 * pi / 3.0 * coordinate 0)

    [
        // a power of a product beside another factor
        [ u, 2.0 * square (u * v) - 3.0 * cube (u * v) * v; v, -(square (u * v)) / 4 ]
        // waves as a field and as a factor
        [ u, u * waves + waves + dx waves; phi, number 0.0 ]
        [ u, square (waves - 0.9 * mean waves); phi, -phi + mean waves ]
        // products on two grids, each with means of the other's
        [ u, square u * mean (square c); c, square c * mean (square u) - mean c ]
        [ u, mean c + dx wave * u; c, mean (c * c) - mean (u * u) + dx wave * c ]
        // functions of the place alone, on both kinds of grid
        [ u, u * dx wave + lap (square wave) + mean (square wave) * u ]
        [
            b, b * dx bead + lap (square bead) + mean (square bead) * neighbour [ 2 ] (b * bead)
        ]
        // numbers driven by fields weighted with a function of the place
        [ x, -x + mean (u * wave) - x * mean (smooth (square u)); u, (x - u) * mean u ]
        // the derivative of a mean, which is a number
        [ u, mean (dx (u + mean c)) - u; c, smooth (mean u + c) ]
        // three dimensions
        [ w, w * dz w - lap (w * dy w) + inverseLap (square w) ]
        [ crystal, lap crystal * dz crystal + neighbour [ 1; -1; 2 ] (square crystal) ]
    ]

[<Fact>]
let ``compiled trees that compilers slip on`` () =
    for equations in traps do
        let unknowns, drifts = List.unzip equations
        Equation.check (equations |> List.map (fun (u, f) -> ddt u == f))
        Assert.True(agrees [ unknowns ] unknowns drifts (Random 3), $"{equations}")

    let xi, uniform = whiteNoise "ξ" flat, brownian "W"
    Assert.True(agrees [ [ u; x ]; [ xi; uniform ] ] [ u; x ] [ u * smooth xi + x * uniform; x * uniform ] (Random 4))

// ---- aliases -----------------------------------------------------------------------------------------------------

let private kept degree (grid: Grid) mode =
    grid.Unravel mode
    |> Array.mapi (fun axis i -> (degree + 1) * abs (grid.WaveIndex(axis, i)) < grid.Points[axis])
    |> Array.forall id

/// c_n, so that u = Σ_n c_n e^{ik·x}, by the defining sum.
let private coefficients (grid: Grid) (values: float[]) =
    let index = Array.init grid.Sites grid.Unravel

    Array.init grid.Sites (fun mode ->
        Array.fold2
            (fun (sum: Complex) (value: float) (site: int[]) ->
                let turns =
                    Array.mapi2 (fun axis n i -> float (n * i % grid.Points[axis]) / float grid.Points[axis]) index[mode] site
                    |> Array.sum

                sum + Complex.FromPolarCoordinates(value / float grid.Sites, -2.0 * pi * turns))
            Complex.Zero
            values
            index)

/// The values on another grid of the modes of one that pass.
let private moved pass (grid: Grid) (finer: Grid) (values: float[]) =
    let onFiner = Array.create finer.Sites Complex.Zero

    coefficients grid values
    |> Array.iteri (fun mode c ->
        if pass mode then
            let n = grid.Unravel mode |> Array.mapi (fun axis i -> grid.WaveIndex(axis, i))
            onFiner[finer.Ravel(ReadOnlySpan n)] <- c)

    let conjugates =
        Array.init finer.Sites (fun mode -> Complex.Conjugate onFiner[mode] * Complex(float finer.Sites, 0.0))
    // Σ c e^{ik·x} is the conjugate of the forward sum of the conjugates
    let real = conjugates |> Array.map _.Real |> coefficients finer
    let imaginary = conjugates |> Array.map _.Imaginary |> coefficients finer
    Array.map2 (fun (a: Complex) (b: Complex) -> (a + Complex.ImaginaryOne * b).Real) real imaginary

/// Sums of operators on products of some degree, as functions of the two fields.
let private polynomials degree : Gen<(string * (Field -> Field -> Field)) list> =
    let factor =
        Gen.elements [
            "u", (fun (a: Field) (_: Field) -> a)
            "v", (fun _ b -> b)
            "dx u", (fun a _ -> dx a)
            "smooth v", (fun _ b -> smooth b)
            "lap (u + v)", (fun a b -> 0.2 * lap (a + b))
        ]

    let outer =
        Gen.elements [ "", id; "dx", dx; "smooth", smooth; "−2", (fun f -> -2.0 * f) ]

    let term =
        Gen.map2
            (fun (name, op) factors ->
                let text = factors |> List.map fst |> String.concat " · "
                $"{name}({text})", (fun a b -> factors |> List.map (fun (_, f) -> f a b) |> List.reduce (fun f g -> f * g) |> op))
            outer
            (Gen.listOfLength degree factor)

    Gen.nonEmptyListOf term |> Gen.map (List.truncate 3)

let private quiet = perSite 0.0

let private boxes = [ ring (2.0 * pi) 12; ring 5.0 15; rectangle (2.0 * pi, 3.0) (8, 9) ]

[<Fact>]
let ``Products freed of aliases are the convolution of the modes that they keep, others are aliased`` () =
    for degree in [ 2; 3 ] do
        throughout
            40
            (Prop.forAll
                (Arb.fromGen (Gen.zip (polynomials degree) (Gen.zip (Gen.elements boxes) (Gen.choose (0, 9999)))))
                (fun (terms, (box, seed)) ->
                    let lengths, points =
                        match box with
                        | Domain.Torus(lengths, points) -> lengths, points
                        | _ -> [], []

                    let finerBox = Domain.Torus(lengths, points |> List.map ((*) 2))
                    let u, v = field "u" box, field "v" box

                    let product a b =
                        terms |> List.map (fun (_, f) -> f a b) |> List.reduce (+)

                    let equations = [ ddt u == lap u - u + product u v; ddt v == -v ]
                    let states = states (Random seed) [ u; v ]
                    let grid, finer = Grid(points, lengths), Grid(points |> List.map ((*) 2), lengths)
                    let pass = kept degree grid

                    let result dealiased i =
                        match Lower.restProgram dealiased equations quiet with
                        | Some program ->
                            let results: float[] list[] = applied true program [ [ u; v ] ] states
                            results[i].Head
                        | None -> [||]

                    // the kept modes, multiplied where there is room for all products, and brought back
                    let expected i =
                        let fine =
                            [ u; v ]
                            |> List.map (fun a -> field (string a) finerBox, moved pass grid finer (Map.find a states[i]))

                        let look = Map.ofList fine

                        match valuesOn finerBox (fun a -> look[a]) time (product (fst fine[0]) (fst fine[1])) with
                        | values ->
                            // the modes of the finer grid that are kept on the coarser one
                            let passes mode =
                                finer.Unravel mode
                                |> Array.mapi (fun axis i -> (degree + 1) * abs (finer.WaveIndex(axis, i)) < grid.Points[axis])
                                |> Array.forall id

                            moved passes finer grid values

                    [ 3; 12 ]
                    |> List.forall (fun i ->
                        apart (result true i) (expected i) < 1e-10
                        && apart (result false i) (valuesOn box (fun a -> Map.find a states[i]) time (product u v)) < 1e-10)))

let private aliasesOf equations = Lower.aliases true equations quiet

[<Fact>]
let ``The degree of products is read from the tree`` () =
    let damped f = [ ddt u == lap u - u + f ]
    let wave = sin (coordinate 0)

    let is expected f =
        Assert.Equal(expected, aliasesOf (damped f))

    is Aliases.Absent (dx u + 3.0 * wave + sin t)
    is Aliases.Absent (u * mean (cube u) - t * u)
    is Aliases.Absent (lap u / (2.0 + cos t))
    is (Aliases.Removed 2) (u * dx u)
    is (Aliases.Removed 2) (u * sin (2.0 * coordinate 1))
    is (Aliases.Removed 2) (u * dx u + sin (4.0 * coordinate 1))
    is (Aliases.Removed 2) (wave * u)
    is (Aliases.Removed 3) (square (u + dx u) * smooth u)
    is (Aliases.Removed 4) (square (square u))
    is Aliases.Unbounded (sin u)
    is Aliases.Unbounded (wave / (2.0 + cos u))
    is Aliases.Unbounded (sqrt (1.0 + square u))
    Assert.Equal(Aliases.Left, Lower.aliases false (damped (square u)) quiet)
    // products of lattices and of numbers have no modes
    Assert.Equal(Aliases.Absent, aliasesOf [ ddt p == -(cube p) ])
    Assert.Equal(Aliases.Removed 2, aliasesOf [ ddt p == -(cube p); ddt u == -u - u * dx u; ddt x == -(square x * x) ])

[<Fact>]
let ``A system freed of aliases has the kept modes only, whatever pushes the others`` () =
    let long = field "s" (ring (2.0 * pi) 16)
    let force = cos (7.0 * coordinate 0)

    let equations = [
        ddt long == lap long + long - cube long + force * sin t + 0.3 * x * long
        ddt x == -x + mean (square long)
    ]

    let model =
        Lower.systemWith true equations (independent [ on long (perSite 0.5); on x (perSite 0.1) ])

    let grid = Grid([| 16 |], [| 2.0 * pi |])
    let passes = kept 3
    let kept = (Option.ofObj model.Kept).Value

    for mode in 0..15 do
        Assert.Equal(passes grid mode, kept[mode])

        if not kept[mode] then
            Assert.Equal(Complex.Zero, (Option.ofObj model.LinearSymbol).Value[mode])
            Assert.Equal(Complex.Zero, (Option.ofObj model.NoiseSymbol).Value[mode])

    Assert.True kept[16]

    let start =
        Lower.initial model [ long; x ] [ long, cos (7.0 * coordinate 0) + cos (coordinate 0) ]

    let plan = SamplingPlan(16, 0.5, 0.05, 0.05)
    let states = LastStates 1L

    Simulation(model, Scheme.RungeKutta4, 0.05, 3UL, Initial = start)
        .Run(plan, (fun tile -> states.Open tile), 1, null, Threading.CancellationToken.None)

    for mode in 0..15 do
        for lane in 0..7 do
            let z = states.Tiles[0].A[mode, lane], states.Tiles[0].B[mode, lane]

            if kept[mode] then
                Assert.NotEqual((0.0, 0.0), z)
            else
                Assert.Equal((0.0, 0.0), z)

[<Fact>]
let ``A field whose linear part feeds the modes that products leave out stays bounded without them`` () =
    let v = field "v" (torus (2.0 * pi) 8)
    let allenCahn = Systems.allenCahn v
    Assert.Equal(Aliases.Removed 3, aliasesOf allenCahn.Equations)
    let model = Lower.systemWith true allenCahn.Equations allenCahn.Noise
    let plan = SamplingPlan(16, 100.0, 1.0, 1.0)
    let saver = Saver<float>(model, plan)
    Simulation(model, Scheme.RungeKutta4, 0.0625, 3UL).Run(plan, (fun tile -> saver.Open tile), 1, null, Threading.CancellationToken.None)
    Assert.All(saver.Values, (fun value -> Assert.InRange(value, -3.0, 3.0)))

// ---- counts ------------------------------------------------------------------------------------------------------

let private transformsOf equations =
    match Lower.restProgram false equations quiet with
    | None -> 0, 0
    | Some program ->
        let count (is: FieldOperation -> bool) =
            program.Operations |> Seq.filter is |> Seq.length

        count (fun op -> op :? FieldOperation.ToReal), count (fun op -> op :? FieldOperation.ToSpectrum)

[<Fact>]
let ``Each image is transformed once and each sum of products once`` () =
    let is expected equations =
        Assert.Equal(expected, transformsOf equations)

    let psi = inverseLap u
    let velocity = rotatedGrad psi
    let waves = randomWaves (fun k -> 0.3 * k.SquaredAtMost 5.0) phi
    let forcing = waves - 0.9 * mean waves

    let navierStokes advective = [
        ddt u == -(advective velocity u) - 0.3 * dx u - inverseLap psi - lap (lap u) - mean u + forcing
        ddt phi == number 0.0
    ]

    is (5, 3) (navierStokes skewAdvection)
    is (4, 1) (navierStokes advection)
    is (1, 1) (Systems.allenCahn u).Equations
    is (0, 0) (Systems.ornsteinUhlenbeck u).Equations

    is (0, 0) [
        ddt u == lap u + dx v - mean v
        ddt v == smooth u - v + forcing
        ddt phi == number 0.0
    ]
    // one image whatever stands before it, inside or outside the operator
    is (1, 1) [ ddt u == dx u * (2 * dx u) + square (rate * dx u) - dx (3 * u) * dx u ]

    is (2, 1) [
        ddt u == lap (2 * smooth u) * u - cube (smooth (lap u) / 2 |> fun _ -> lap (smooth u))
    ]
    // both equations share the images, and operators outside share a transform
    is (2, 2) [ ddt u == u * v - square u; ddt v == u * v + cube v ]
    is (2, 1) [ ddt u == smooth (u * dx u) + smooth (square u); ddt v == -v ]
    // means of linear terms need none, means of squares one there and none back
    is (1, 0) [ ddt x == -x + mean (square u) + mean u; ddt u == -u ]

let private codeOf unknowns fields =
    (Lower.scalarProgram unknowns fields).Code |> Seq.map _.Code |> Seq.sort |> List.ofSeq

[<Fact>]
let ``Equal parts are computed once and constants are folded`` () =
    let count code codes =
        codes |> List.filter ((=) code) |> List.length

    let shared = codeOf [ x; y ] [ sin x * y + cos (sin x); sin x + y * sin x ]
    Assert.Equal(1, count PointwiseCode.Sin shared)
    Assert.Equal(1, shared |> List.filter ((=) PointwiseCode.Multiply) |> List.length)
    // 2 · 3 · r · e^½ is one number
    let folded = codeOf [ x ] [ 2 * 3 * rate * exp (rate / 1.4) * x / 4 ]

    Assert.Equal<PointwiseCode list>([ PointwiseCode.Load; PointwiseCode.Constant; PointwiseCode.Multiply ], folded)
    Assert.Equal<PointwiseCode list>([ PointwiseCode.Constant ], codeOf [ x ] [ sin rate + sqrt (4 * rate) / 2 + 0.0 * x ])
    // x − x³ = x − x · x²: two products and a difference
    let cubic = codeOf [ x ] [ x - cube x ]
    Assert.Equal(2, count PointwiseCode.Multiply cubic)
    Assert.True(cubic.Length <= 6, $"{cubic}")
    // like terms are gathered
    Assert.Equal<PointwiseCode list>([ PointwiseCode.Load; PointwiseCode.Constant; PointwiseCode.Multiply ], codeOf [ x ] [ x + 2 * x - rate * x ])
    Assert.Equal<PointwiseCode list>([ PointwiseCode.Constant ], codeOf [ x ] [ 2 * x - x - x ])

// ---- noise -------------------------------------------------------------------------------------------------------

[<Fact>]
let ``One Brownian motion pushes all sites of a field alike`` () =
    for unknown in [ u; p; phi ] do
        let w = brownian "W"

        let model =
            Lower.system [ ddt unknown == -unknown ] (ito [ ddt unknown == 0.3 * w ])

        Assert.True model.IsMultiplicative
        Assert.Equal(1, model.MultiplicativeRows)
        let program = programOf None [ [ unknown ]; [ w ] ] [ unknown ] [ 0.3 * w ]
        let states = states (Random 6) [ unknown; w ]

        applied true program [ [ unknown ]; [ w ] ] states
        |> Array.iteri (fun i result -> Assert.InRange(apart result.Head (Array.create 12 (0.3 * (Map.find w states[i]).[0])), 0.0, 1e-14))

    let own =
        Lower.system [ ddt u == -u ] (ito [ ddt u == 0.3 * smooth (whiteNoise "ξ" flat) ])

    Assert.False own.IsMultiplicative

[<Fact>]
let ``Noise that depends on the state leaves the aliases in`` () =
    let xi = whiteNoise "ξ" flat

    let model =
        Lower.systemWith true [ ddt u == lap u - u - cube u ] (ito [ ddt u == (1.0 + u) * xi ])

    Assert.Null model.Kept
    Assert.Equal(Aliases.Noisy, Lower.aliases true [ ddt u == lap u - u - cube u ] (ito [ ddt u == (1.0 + u) * xi ]))
    let states = states (Random 8) [ u; xi ]
    use state = toTile model.Segments [ u ] states
    use noise = toTile model.MultiplicativeSegments [ xi ] states
    use result = new Tile(12)
    use map = (Option.ofObj model.Multiplicative).Value.Invoke()
    map.Apply(state, noise, time, result)

    fromTile model.Segments result
    |> Array.iteri (fun i values -> Assert.InRange(apart values.Head (meaning states[i] u ((1.0 + u) * xi)), 0.0, 1e-12))
