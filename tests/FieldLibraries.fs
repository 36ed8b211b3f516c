/// Library scores of fields: slopes against finite differences, fits against exact answers, records against plain correlations.
/// Sampled tests have fixed seeds; every value is compared with 4.5 standard errors, false-alarm rate below 2e-3 over a test.
module Leith.Tests.FieldLibraries

open System
open System.Numerics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20261124UL, 2405UL), property)

let private flat = rectangle (2.0 * pi, 3.0) (4, 3)
let private u, v = field "u" flat, field "v" flat
let private c = field "c" (ring 5.0 6)
let private p = field "p" (lattice (rectangle (2.0, 3.0) (4, 3)))
let private systems = [ [ u ]; [ c ]; [ p ]; [ u; v ] ]

// ---- random features ---------------------------------------------------------------------------------------------

let private smooth = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

let private turned =
    spectral "H" (fun k -> exp (0.4 * k.I * k.X) / (1.0 + k.Squared))

let private operators (u: Field) =
    match Field.place u with
    | Some(Domain.Lattice(lengths, _)) -> [
        lap
        dx
        neighbour (1 :: List.replicate (lengths.Length - 1) 0)
        neighbour (List.replicate lengths.Length -1)
      ]
    | _ -> [ (fun a -> 0.2 * lap a); dx; smooth; turned ]

let private locals = [
    square
    cube
    tanh
    sin
    (fun a -> a / (2.0 + cos a))
    (fun a -> sqrt (1.0 + square a))
]

/// Homogeneous features: local maps, linear operators, half shifts, products, means.
let private genFeature (unknowns: Field list) =
    let rec tree size = gen {
        if size <= 1 then
            return! Gen.elements unknowns
        else
            let part = tree (size / 2)

            return!
                Gen.oneof [
                    Gen.map2 (fun g a -> g a) (Gen.elements locals) part
                    Gen.map2 (fun op a -> op a) (Gen.elements (operators unknowns.Head)) (tree (size - 1))
                    Gen.map2 (fun a b -> a * b) part part
                    Gen.map2 (fun a b -> a - 0.7 * b) part part
                    Gen.map2 (fun a b -> a * mean (square b)) part part
                    Gen.map (fun a -> halfShifted (1 :: List.replicate ((boxAxes unknowns.Head) - 1) 0) cube a) part
                ]
    }

    and boxAxes u =
        match Field.place u with
        | Some(Domain.Torus(lengths, _) | Domain.Lattice(lengths, _)) -> lengths.Length
        | _ -> 1

    Gen.choose (2, 6) |> Gen.bind tree

let private genCase = gen {
    let! unknowns = Gen.elements systems

    let! feature =
        genFeature unknowns |> Gen.filter (fun f -> List.contains unknowns.Head (Field.unknowns f))

    let! seed = Gen.choose (1, 1000000)
    return unknowns, feature, seed
}

// ---- the slope by finite differences -----------------------------------------------------------------------------

let private gridOf u = (Lower.gridOf u).Value

/// A random state of all unknowns in the form that they have in a run.
let private randomState (unknowns: Field list) seed =
    let rows = unknowns |> List.sumBy (fun u -> (gridOf u).Sites)
    let tile = new Tile(rows)
    let source = Random(seed: int)

    for i in 0 .. rows * 8 - 1 do
        tile.A.Span[i] <- 2.0 * source.NextDouble() - 1.0
        tile.B.Span[i] <- 2.0 * source.NextDouble() - 1.0

    tile

let private rowsOf (tile: Tile) first count =
    let result = new Tile(count)

    for row in 0 .. count - 1 do
        for lane in 0..7 do
            result.A[row, lane] <- tile.A[first + row, lane]
            result.B[row, lane] <- tile.B[first + row, lane]

    result

let private asState (unknowns: Field list) (values: Tile) =
    let state = new Tile(values.Rows)
    state.CopyFrom values
    let mutable first = 0

    for u in unknowns do
        let grid = gridOf u

        if not (Field.place u).Value.IsLattice then
            use part = rowsOf state first grid.Sites
            use fft = new LaneFft(grid)
            fft.Forward(part.A.Pointer, part.B.Pointer)

            for row in 0 .. grid.Sites - 1 do
                for lane in 0..7 do
                    state.A[first + row, lane] <- part.A[row, lane]
                    state.B[first + row, lane] <- part.B[row, lane]

        first <- first + grid.Sites

    state

let private sites (grid: Grid) spectrum first =
    let result = rowsOf spectrum first grid.Sites
    use fft = new LaneFft(grid)
    fft.Inverse(result.A.Pointer, result.B.Pointer)
    result

/// (1/N) Σ_{x,y} ∂φ(x)/∂u(y) e^{−ik·(x−y)}, averaged over the sixteen members: the slope by central differences.
let private slopeByDifferences (features: LibraryFeatures) unknowns (values: Tile) j =
    let grid = features.Grid
    let h = 1e-5
    let k = grid.Wavevectors()

    let at site =
        grid.Unravel site
        |> Array.mapi (fun axis i -> float i * grid.Lengths[axis] / float grid.Points[axis])

    use map = features.Map.Invoke()
    use result = new Tile(features.Rows)
    let slope = Array.create grid.Sites Complex.Zero

    let moved y step =
        use shifted = new Tile(values.Rows)
        shifted.CopyFrom values

        for lane in 0..7 do
            shifted.A[y, lane] <- shifted.A[y, lane] + step
            shifted.B[y, lane] <- shifted.B[y, lane] + step

        use state = asState unknowns shifted
        map.Apply(state, 0.0, result)
        sites grid result (j * grid.Sites)

    for y in 0 .. grid.Sites - 1 do
        use above = moved y h
        use below = moved y -h

        for x in 0 .. grid.Sites - 1 do
            let total =
                Seq.sum (seq { for lane in 0..7 -> above.A[x, lane] - below.A[x, lane] + above.B[x, lane] - below.B[x, lane] })
                / (2.0 * h)

            for mode in 0 .. grid.Sites - 1 do
                let distance = Array.map2 (-) (at x) (at y)
                let phase = -(Array.fold2 (fun s a b -> s + a * b) 0.0 k[mode] distance)

                slope[mode] <- slope[mode] + Complex.FromPolarCoordinates(total / (16.0 * float grid.Sites), phase)

    slope

let private momentsOf (features: LibraryFeatures) (states: Tile list) =
    let record =
        LibraryRecord(features, 0, [||], int64 states.Length, 1, min 4 states.Length)

    let sink = record.Open 0

    for i, state in List.indexed states do
        sink.Sample(int64 i, 0.0, state)

    sink.Finish()
    record.Complete()

[<Fact>]
let ``slopes from the tree are those of finite differences, on random features of every kind of system`` () =
    let mutable closed = 0

    let agrees (unknowns: Field list, feature: Field, seed: int) =
        match FieldLibrary.slope (FieldLibrary.onTorus unknowns.Head) (FieldLibrary.onTorus feature) with
        | None -> ()
        | Some _ ->
            closed <- closed + 1

            let features =
                FieldLibrary.features 1UL unknowns unknowns.Head [ unknowns.Head; feature ]

            use values = randomState unknowns seed
            use state = asState unknowns values
            let moments = (momentsOf features [ state ]).Moments(null)
            let expected = slopeByDifferences features unknowns values 1
            let size = expected |> Array.map Complex.Abs |> Array.max
            let half = LibraryLayout(features, 0, 1).Half

            for i, mode in Array.indexed half do
                let error = Complex.Abs(moments.Slope(i, 1) - expected[mode])
                Assert.True(error < 2e-7 * (1.0 + size), $"{feature}, mode {mode}: {moments.Slope(i, 1)} against {expected[mode]}")

    throughout 150 (Prop.forAll (Arb.fromGen genCase) agrees)
    Assert.True(closed > 60, $"only {closed} features had a slope from the tree")

[<Fact>]
let ``a probe finds the slope of a linear feature exactly, and of others within its error`` () =
    let probed features =
        FieldLibrary.featuresWith (fun _ -> false) 3UL [ u ] u features []

    let closed features =
        FieldLibrary.features 3UL [ u ] u features

    let features = [
        u
        turned u
        dx u
        u - smooth u
        cube u
        halfShifted [ 1; 0 ] cube u
        u * smooth (square u)
    ]

    let states = List.init 400 (fun i -> randomState [ u ] i |> asState [ u ])
    let sums = momentsOf (probed features) states
    let exact = (momentsOf (closed (List.truncate 6 features)) states).Moments(null)
    let moments = sums.Moments(null)

    // scatter of the blocks, for the standard error
    let blocks =
        Array.init sums.Blocks (fun b -> sums.Moments(Array.init sums.Blocks (fun i -> if i = b then 1.0 else 0.0)))

    for j in 0..5 do
        for h in 0 .. moments.Modes - 1 do
            let difference = Complex.Abs(moments.Slope(h, j) - exact.Slope(h, j))

            if j < 4 then
                Assert.InRange(difference, 0.0, 1e-12)
            else
                let spread =
                    blocks |> Array.averageBy (fun b -> (Complex.Abs(b.Slope(h, j) - moments.Slope(h, j))) ** 2.0)

                Assert.InRange(difference, 0.0, 4.5 * sqrt (spread / float (sums.Blocks - 1)) + 1e-12)

    for state in states do
        (state :> IDisposable).Dispose()

// ---- half shifts -------------------------------------------------------------------------------------------------

[<Fact>]
let ``the mean of a cube over all half shifts is the cube freed of aliases`` () =
    let coarse, fine = Grid([ 6 ], [ 5.0 ]), Grid([ 12 ], [ 5.0 ])
    let source = Random 5
    // |n| ≤ 2: no Nyquist wavenumber
    let amplitudes = Array.init 5 (fun _ -> 2.0 * source.NextDouble() - 1.0)

    let value (x: float) =
        let k = 2.0 * Math.PI / 5.0

        amplitudes[0]
        + amplitudes[1] * cos (k * x)
        + amplitudes[2] * sin (k * x)
        + amplitudes[3] * cos (2.0 * k * x)
        + amplitudes[4] * sin (2.0 * k * x)

    let spectrum (grid: Grid) f =
        let n = grid.Sites

        Array.init n (fun mode ->
            Seq.init n (fun x -> Complex.FromPolarCoordinates(f (float x * 5.0 / float n), -2.0 * Math.PI * float (mode * x) / float n))
            |> Seq.fold (+) Complex.Zero
            |> fun s -> s / Complex(float n, 0.0))

    let exact = spectrum fine (fun x -> value x ** 3.0)
    let shifts = halfShifts cube c
    Assert.Equal(2, shifts.Length)
    let mean = shifts |> List.reduce (fun a b -> a + b) |> fun sum -> sum / 2
    use state = new Tile(6)

    for x in 0..5 do
        for lane in 0..7 do
            state.A[x, lane] <- value (float x * 5.0 / 6.0)

    use fft = new LaneFft(coarse)
    fft.Forward(state.A.Pointer, state.B.Pointer)
    use map = (Lower.field [ c ] (Field.place c).Value mean) ()
    use result = new Tile(6)
    map.Apply(state, 0.0, result)

    for n in -2 .. 2 do
        let got =
            Complex(result.A[(n + 6) % 6, 0], result.B[(n + 6) % 6, 0]) / Complex(6.0, 0.0)

        Assert.InRange(Complex.Abs(got - exact[(n + 12) % 12]), 0.0, 1e-13)

// ---- records and fits --------------------------------------------------------------------------------------------

let private grid = Grid([ 8; 4 ], [ 2.0 * Math.PI; 3.0 ])
let private w = field "w" (rectangle (2.0 * pi, 3.0) (8, 4))

let private equations = [ ddt w == 0.05 * lap w - 0.3 * dx w + w - cube w ]

let private model = Lower.system equations (Noise.PerSite 0.8)

/// One run seen by a library record and by plain correlators.
let private recorded threads (features: Field list) =
    let library = FieldLibrary.features 2UL [ w ] w features
    let plan = SamplingPlan(32, 5.0, 40.0, 0.5)

    let record =
        LibraryRecord(library, 6, [| null; Func<ITileMap>(Lower.field [ w ] (Field.place w).Value (square w)) |], plan.Samples, plan.Tiles, 2)

    let maps =
        features
        |> List.map (fun f ->
            if f = w then
                null
            else
                Func<ITileMap>(Lower.field [ w ] (Field.place w).Value f))
        |> List.toArray

    let plain = SpectralCorrelator(grid, 6, maps, maps, plan.Samples, 1, 2)

    Simulation(model, Scheme.ExponentialRungeKutta4, 0.05, 5UL)
        .Run(plan, (fun tile -> Fork([| record.Open tile; plain.Open tile |]) :> ITileSink), threads, null, CancellationToken.None)

    record.Complete(), plain.Complete()

let private cubic = [ w; cube w; halfShifted [ 1; 0 ] cube w; halfShifted [ 0; 1 ] cube w ]
let private both = lazy (recorded 2 cubic)
let private bootstrap = SpectralResponse.Bootstrap(3UL, 2, 40)

[<Fact>]
let ``Gram matrices and lag products of a record are those of plain correlators`` () =
    let sums, plain = both.Value
    let moments = sums.Moments(null)
    let half = LibraryLayout(sums.Features, 0, 1).Half

    for i in 0..3 do
        for j in 0..3 do
            let expected = plain.[i].[j].Average(lags = 1).[0]
            let size = expected |> Array.map Complex.Abs |> Array.max

            for h, mode in Array.indexed half do
                Assert.InRange(Complex.Abs(moments.Gram(h, i, j) - expected[mode]), 0.0, 1e-12 * size)

    for j in 0..3 do
        let kernels: (Complex[] | null)[] =
            Array.init 4 (fun i ->
                if i = j then
                    Array.create moments.Modes Complex.One
                else
                    null)

        let got = sums.Cross(0, moments, kernels, null)
        let expected = plain.[0].[j].Average()

        for lag in 0..6 do
            let size = expected[0] |> Array.map Complex.Abs |> Array.max

            for mode in 0 .. grid.Sites - 1 do
                Assert.InRange(Complex.Abs(got.[lag].[mode] - expected.[lag].[mode]), 0.0, 1e-12 * size)

[<Fact>]
let ``a record is the same, bit for bit, for any number of threads`` () =
    let one, _ = recorded 1 cubic
    let two, _ = both.Value
    let a, b = one.ToArrays(), two.ToArrays()
    Assert.Equal<string seq>(a.Keys, b.Keys)

    for key in a.Keys do
        Assert.Equal<float[]>(a[key], b[key])

[<Fact>]
let ``the library of the field alone is the Gaussian estimate, standard errors included`` () =
    let sums, plain = both.Value

    let gaussian =
        SpectralResponse.Gaussian(plain.[0].[0], plain.[0].[0], 0.5, bootstrap)

    let library =
        LibraryResponse.Estimate(sums, 0, LibraryTerms([| 0 |], [||]), 0.0, 0.5, bootstrap)

    for lag in 0..6 do
        for x in 0 .. grid.Sites - 1 do
            Assert.InRange(abs (gaussian.Values.[lag].[x] - library.Values.[lag].[x]), 0.0, 1e-12)
            Assert.InRange(abs (gaussian.StandardError.[lag].[x] - library.StandardError.[lag].[x]), 0.0, 1e-12)

[<Fact>]
let ``with a free kernel on the field R(0) is the unit kick, whatever else and whatever the ridge`` () =
    let sums, _ = both.Value

    let agrees (mask: int, fixed': int, ridge: float) =
        let chosen = [|
            for j in 1..3 do
                if (mask >>> j) &&& 1 = 1 then
                    j
        |]

        let numbers = [|
            for j in 1..3 do
                if not (Array.contains j chosen) && (fixed' >>> j) &&& 1 = 1 then
                    j
        |]

        let r =
            LibraryResponse.Estimate(sums, 0, LibraryTerms(Array.append [| 0 |] chosen, numbers), ridge, 0.5, SpectralResponse.Bootstrap(1UL, 1, 2))

        for x in 0 .. grid.Sites - 1 do
            Assert.InRange(abs (r.Values.[0].[x] - (if x = 0 then 1.0 else 0.0)), 0.0, 1e-9)

    throughout 20 (Prop.forAll (Arb.fromGen (Gen.zip3 (Gen.choose (0, 15)) (Gen.choose (0, 15)) (Gen.elements [ 0.0; 1e-3; 1.0 ]))) agrees)

[<Fact>]
let ``a mode counts with its variance in the choice of a library: the Gaussian score has −½ a mode`` () =
    let sums, _ = both.Value

    let struct (_, loss) = LibraryChoice(sums).BestRidge(LibraryTerms([| 0 |], [||]))

    Assert.InRange(loss, -0.55, -0.4)

[<Fact>]
let ``no other weights have a lower loss, and an infinite ridge leaves the Gaussian score`` () =
    let sums, _ = both.Value
    let moments = sums.Moments(null)

    let agrees (free: int, seed: int) =
        let source = Random seed

        let freed = [|
            0
            for j in 1..3 do
                if (free >>> j) &&& 1 = 1 then
                    j
        |]

        let numbers = [|
            for j in 1..3 do
                if not (Array.contains j freed) then
                    j
        |]

        let fit = LibraryFit.Solve(moments, LibraryTerms(freed, numbers), 0.0)
        let best = fit.Loss moments

        let moved: (Complex[] | null)[] =
            fit.Weights
            |> Array.mapi (fun j weights ->
                match weights with
                | null -> null
                | weights ->
                    // one number for all modes stays one
                    let shared = 0.01 * (source.NextDouble() - 0.5)

                    weights
                    |> Array.mapi (fun h y ->
                        if Array.contains j numbers then
                            y + Complex(shared, 0.0)
                        else
                            let real = moments.Multiplicity h = 1

                            y
                            * Complex(1.0 + 0.1 * (source.NextDouble() - 0.5), (if real then 0.0 else 0.1 * (source.NextDouble() - 0.5)))))

        Assert.True(LibraryFit(fit.Terms, 0.0, moved, fit.Coefficients).Loss moments > best)

    throughout 50 (Prop.forAll (Arb.fromGen (Gen.zip (Gen.choose (0, 15)) (Gen.choose (0, 1000)))) agrees)
    let gaussian = LibraryFit.Solve(moments, LibraryTerms([| 0 |], [||]), 0.0)
    let stiff = LibraryFit.Solve(moments, LibraryTerms([| 0; 1; 2 |], [||]), 1e14)

    let ownKernel (fit: LibraryFit) h = (nonNull fit.Weights[0])[h]

    for h in 0 .. moments.Modes - 1 do
        Assert.InRange(Complex.Abs(ownKernel gaussian h - ownKernel stiff h) / Complex.Abs(ownKernel gaussian h), 0.0, 1e-9)

[<Fact>]
let ``a score as a map is the sum of its features`` () =
    let sums, _ = both.Value
    let score = LibraryScore.Fitted(sums, LibraryTerms([||], [| 0; 1 |]), 0.0)
    use values = randomState [ w ] 8
    use state = asState [ w ] values
    use map = score.CreateScore()
    use result = new Tile(grid.Sites)
    map.Apply(state, 0.0, result)
    use found = sites grid result 0
    let a, b = score.Fit.Coefficients[0], score.Fit.Coefficients[1]

    for x in 0 .. grid.Sites - 1 do
        for lane in 0..7 do
            let value (y: float) =
                a * (y - score.Means[0]) + b * (y ** 3.0 - score.Means[1])

            Assert.InRange(abs (found.A[x, lane] - value values.A[x, lane]), 0.0, 1e-11)
            Assert.InRange(abs (found.B[x, lane] - value values.B[x, lane]), 0.0, 1e-11)

[<Fact>]
let ``noise on the fields smooths the law that a score is of`` () =
    // independent normals of variance 1: at noise level ½ the score is −u/(1 + ¼); 32 sites × 4,096 fields, standard error of the number .004
    let fields =
        Array.init 4096 (fun i -> Array.init 32 (fun x -> float32 (NormalStream.Single(4UL, 1u, i, 0L, x))))

    let features = FieldLibrary.ofSpectrum 1UL w [ w; cube w ]

    for threads in [ 1; 3 ] do
        let sums = LibraryFields.Gather(features, fields, 0.5, 9UL, threads)
        let score = LibraryScore.Fitted(sums, LibraryTerms([||], [| 0 |]), 0.0)
        Assert.InRange(score.Fit.Coefficients[0], -0.8 - 0.018, -0.8 + 0.018)
        let cubic = LibraryScore.Fitted(sums, LibraryTerms([||], [| 0; 1 |]), 0.0)
        Assert.InRange(cubic.Fit.Coefficients[1], -0.012, 0.012)

    let a, b =
        LibraryFields.Gather(features, fields, 0.5, 9UL, 1), LibraryFields.Gather(features, fields, 0.5, 9UL, 2)

    Assert.Equal<float[]>(a.ToArrays()["fit0"], b.ToArrays()["fit0"])

// ---- a score that is known ---------------------------------------------------------------------------------------

let private phi = field "φ" (lattice (torus 8.0 8))
let private temperature = 0.35
let private drift = 0.5 * lap phi + phi - cube phi

let private lattice' estimators = experiment "lattice" {
    system (ddt phi == drift)
    noise (perSite (sqrt (2.0 * temperature)))
    step (weakSecondOrder 0.05)
    sample (members 64 |> spinUp 60.0 |> lasting 160.0 |> every 4.0)
    perturb (kick phi (pixel 0 0))
    observe [ phi ]
    lags 4.0
    estimate estimators
    seed 3
}

[<Fact>]
let ``a library finds the score of a lattice that is known, told its terms or not`` () =
    let score = exact ((1.0 / temperature) * drift)
    let told = libraryOfFixed [ phi; cube phi; lap phi ] |> named "told"
    let outcome = lattice' [ score; told; libraryAuto ] |> runAlone

    let report name =
        outcome.Scores |> List.find (fun s -> s.Estimator = name)

    // 2,500 fields of 64 sites: the distance is about .01 told and .02 chosen; without u³ it is .4
    Assert.InRange(fst (report "told").RelativeError.Value, 0.0, 0.03)
    Assert.InRange(fst (report "library, chosen").RelativeError.Value, 0.0, 0.05)

    for (_, _, value, error), expected in List.zip (report "told").Coefficients [ 1.0 / temperature; -1.0 / temperature; 0.5 / temperature ] do
        // a step of .05 moves the law itself by about 1 %
        Assert.InRange(value, expected - 4.5 * error - 0.015 * abs expected, expected + 4.5 * error + 0.015 * abs expected)

    for row in (report "library, chosen").Stein do
        Assert.InRange(row.Z, -4.5, 4.5)

    Assert.Contains((report "library, chosen").Equation, (fun line -> line.StartsWith "taken: φ³"))

[<Fact>]
let ``the score of one field among several needs the others: a library of both gives the response of a linear system that the field alone does not``
    ()
    =
    let a, b = field "a" (lattice (torus 4.0 4)), field "b" (lattice (torus 4.0 4))

    let outcome =
        experiment "pair" {
            system [ ddt a == b - a; ddt b == -a - 0.5 * b ]
            noise (independent [ on a (perSite 0.4); on b (perSite 1.5) ])
            step (weakSecondOrder 0.02)
            sample (members 64 |> spinUp 20.0 |> lasting 120.0 |> every 0.5)
            perturb (kick a (pixel 0 0))
            observe [ a ]
            lags 2.0
            estimate [ gaussian; libraryOf [ a; b ]; libraryAuto ]
            seed 5
        }
        |> runAlone

    // exp(M t)₀₀ of M = [ −1 1; −1 −½ ], by its eigenvalues −¾ ± i ω
    let exactly t =
        let omega = sqrt 15.0 / 4.0
        exp (-0.75 * t) * (cos (omega * t) - 0.25 / omega * sin (omega * t))

    let worst name =
        let r = outcome.Response name

        seq {
            for lag in 1 .. r.Lags.Length - 1 do
                for x in 0..3 do
                    let expected = if x = 0 then exactly r.Lags[lag] else 0.0
                    abs (r.Values.[x].[lag] - expected) / r.StandardError.Value.[x].[lag]
        }
        |> Seq.max

    Assert.InRange(worst "library", 0.0, 4.5)
    Assert.InRange(worst "library, chosen", 0.0, 4.5)
    Assert.True(worst "Gaussian" > 9.0)

// ---- messages ----------------------------------------------------------------------------------------------------

let private says (expected: string) (action: unit -> unit) =
    let error = Assert.Throws<LeithException>(action)
    Assert.Contains(expected, error.Message)

[<Fact>]
let ``mistakes in a library are answered with a sentence`` () =
    let other, beside =
        field "q" (ring 1.0 4), field "z" (rectangle (2.0 * pi, 3.0) (8, 4))

    let check features () =
        match (libraryOf features).Method with
        | Method.Library library -> LibraryRun.check (libraryOf features) [ w; other; beside ] w library
        | _ -> ()

    says "in which noise, the place or the time stands" (check [ w; w * cos (coordinate 0) ])
    says "expected features on the grid of w" (check [ w; other ])
    says "expected a feature of w, which is kicked" (check [ beside ])
    says "expected each feature once, got w³ 2 times" (check [ cube w; cube w ])
    says "expected features of the unknowns of the system, got v" (check [ w; v ])
    says "expected 0 or 1 for each of 2 axes, got [ 1 ]" (fun () -> halfShifted [ 1 ] cube w |> ignore)
    says "expected a field on a ring" (fun () -> halfShifted [ 1 ] cube (scalar "x") |> ignore)

[<Fact>]
let ``collinear features and too few fields are named`` () =
    let features =
        FieldLibrary.features 2UL [ w ] w [ w; cube w; lap w; 2.0 * cube w - 3.0 * w ]

    let sums count =
        momentsOf features (List.init count (fun i -> randomState [ w ] i |> asState [ w ]))

    let fit free fixed' () =
        LibraryScore.Fitted(sums 8, LibraryTerms(free, fixed'), 0.0) |> ignore

    says "got Δw, which it makes of w" (fit [| 0; 1; 2 |] [||])
    says "got 2 w³ − 3 w, which it makes of w, w³" (fit [| 0; 1; 3 |] [||])
    says "got Δw; leave it out" (fit [| 0 |] [| 2 |])
    says "got 2 w³ − 3 w beside" (fit [||] [| 0; 1; 3 |])

    says "expected at least 60 fields for 3 features with a kernel each, got 32" (fun () ->
        LibraryScore.Fitted(sums 2, LibraryTerms([| 0; 1; 2 |], [||]), 0.0) |> ignore)
