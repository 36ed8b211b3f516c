/// Step laws with noise that depends on the state: weak orders by quadrature, free of sampling noise, strong orders on one Brownian path, exact moments in both
/// calculuses, code against tiles, fields against their sites.
module Leith.Tests.MultiplicativeNoise

open System
open System.Numerics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open MathNet.Numerics.LinearAlgebra
open Xunit

// ---- problems as code ---------------------------------------------------------------------------------------------

type private Writer(inputs: int) =
    let b = PointwiseBuilder inputs
    member _.In i = b.Load i
    member _.T = b.Time
    member _.C(value: float) = b.Constant value

    member _.Add([<ParamArray>] terms: int[]) =
        terms |> Array.reduce (fun x y -> b.Add(x, y))

    member _.Total(terms: int[]) =
        terms |> Array.fold (fun x y -> b.Add(x, y)) (b.Constant 0.0)

    member _.Mul([<ParamArray>] terms: int[]) =
        terms |> Array.reduce (fun x y -> b.Multiply(x, y))

    member _.Scale (c: float) x = b.Scale(c, x)
    member _.Sin x = b.Unary(PointwiseCode.Sin, x)
    member _.Divide x y = b.Divide(x, y)
    member _.Build(outputs: int[]) = b.Build outputs

/// N = (sin(2t + y) − x³/4, cos(3t) x + y²/(1 + y²)), as Forced of SolverOrders.
let private nonlinear (w: Writer) =
    let x, y, t = w.In 0, w.In 1, w.T
    let cos3t = w.Sin(w.Add(w.Scale 3.0 t, w.C(Math.PI / 2.0)))

    [|
        w.Add(w.Sin(w.Add(w.Scale 2.0 t, y)), w.Scale -0.25 (w.Mul(x, x, x)))
        w.Add(w.Mul(cos3t, x), w.Divide (w.Mul(y, y)) (w.Add(w.C 1.0, w.Mul(y, y))))
    |]

let private linear = SolverOrders.linear

let private drift (w: Writer) =
    let n = nonlinear w

    Array.init 2 (fun i -> w.Add(n[i], w.Scale linear[i, 0] (w.In 0), w.Scale linear[i, 1] (w.In 1)))

/// Two white noises, both on both components, that do not commute.
let private mixed (w: Writer) =
    let x, y, n, m = w.In 0, w.In 1, w.In 2, w.In 3
    let wave = w.Add(w.C 0.5, w.Scale 0.8 (w.Sin(w.Add(y, w.T))))
    let other = w.Add(w.C 0.5, w.Scale 0.7 (w.Sin(w.Add(x, w.Scale -1.0 y))))

    [|
        w.Add(w.Mul(wave, n), w.Scale 0.6 (w.Mul(w.Sin x, m)))
        w.Add(w.Scale 0.9 (w.Mul(w.Sin x, n)), w.Mul(other, m))
    |]

/// S = diag(0.4 + 0.3 sin(x + t), 0.3 + 0.4 sin y): a white noise a component.
let private diagonal (w: Writer) =
    let x, y, n, m = w.In 0, w.In 1, w.In 2, w.In 3

    [|
        w.Mul(w.Add(w.C 0.4, w.Scale 0.3 (w.Sin(w.Add(x, w.T)))), n)
        w.Mul(w.Add(w.C 0.3, w.Scale 0.4 (w.Sin y)), m)
    |]

let private code inputs (write: Writer -> int[]) =
    let writer = Writer inputs
    writer.Build(write writer)

let private model noise =
    let rest = code 2 nonlinear

    Model(
        Rows = 2,
        LinearMatrix = linear,
        Nonlinear = (fun () -> ScalarProgram(rest).Compile()),
        ScalarDrift = code 2 drift,
        ScalarNoise = code 4 noise,
        MultiplicativeRows = 2
    )

let diagonalModel = model diagonal
let mixedModel = model mixed

let private others =
    Enum.GetValues<Scheme>() |> Array.filter (fun scheme -> scheme <> Scheme.Milstein) |> List.ofArray

/// The same model where nothing is known as code.
let private onTiles (model: Model) =
    let multiplicative: Func<IPairMap> | null =
        match model.ScalarNoise with
        | null -> null
        | noise -> Func<IPairMap>(fun () -> new ScalarPair(noise) :> IPairMap)

    Model(
        Rows = model.Rows,
        LinearMatrix = model.LinearMatrix,
        NoiseMatrix = model.NoiseMatrix,
        Nonlinear = model.Nonlinear,
        MultiplicativeRows = model.MultiplicativeRows,
        Multiplicative = multiplicative,
        Milstein = model.Milstein
    )

// ---- expectations by quadrature -------------------------------------------------------------------------------------

/// Nodes and weights of Gauss and Hermite for a standard normal, by the eigenvalues of the Jacobi matrix: exact for polynomials of degree 2n − 1.
let private hermite n =
    let entry i j =
        if abs (i - j) = 1 then sqrt (float (max i j)) else 0.0

    let jacobi = Matrix<float>.Build.DenseOfArray(Array2D.init n n entry)
    let evd = jacobi.Evd Symmetricity.Symmetric
    Array.init n (fun i -> evd.EigenValues[i].Real, evd.EigenVectors[0, i] ** 2.0)

/// All combinations of nodes for so many normals; those from <paramref name="signs"/> on count by their sign alone.
let rec private nodes points normals signs =
    if normals = 0 then
        [ [], 1.0 ]
    else
        let values =
            if normals > signs then
                [| -1.0, 0.5; 1.0, 0.5 |]
            else
                hermite points

        [
            for rest, weight in nodes points (normals - 1) signs do
                for node, w in values -> rest @ [ node ], weight * w
        ]

/// E f(u) after so many steps of total time h from u(0), by quadrature over all normals of all steps.
let private expectation (model: Model) scheme start h steps points (f: float[] -> float[]) =
    use stepper = Stepper.Make(model, scheme, h / float steps)

    let signs =
        if model.IsMultiplicative && stepper.Normals > model.MultiplicativeRows + model.AdditiveNormals then
            model.MultiplicativeRows + model.AdditiveNormals
        else
            stepper.Normals

    let one = nodes points stepper.Normals signs

    let rec paths left =
        if left = 0 then
            [ [], 1.0 ]
        else
            [
                for rest, weight in paths (left - 1) do
                    for normals, w in one -> normals :: rest, weight * w
            ]

    use state = new Tile(model.Rows)
    use normals = new Tile(stepper.Normals)

    paths steps
    |> List.chunkBySize 8
    |> List.map (fun some ->
        state.A.Span.Clear()

        some
        |> List.iteri (fun lane _ -> start |> Array.iteri (fun row value -> state.A[row, lane] <- value))

        for step in 0 .. steps - 1 do
            some
            |> List.iteri (fun lane (path, _) -> path[step] |> List.iteri (fun row n -> normals.A[row, lane] <- n))

            stepper.Step(state, float step * h / float steps, normals)

        some
        |> List.mapi (fun lane (_, weight) -> f (Array.init model.Rows (fun row -> state.A[row, lane])) |> Array.map ((*) weight))
        |> List.reduce (Array.map2 (+)))
    |> List.reduce (Array.map2 (+))

/// Slope of log₂ of the largest error over h = 2⁻⁴, 2⁻⁵, ….
let private slopeOf levels (error: float -> float) =
    SolverOrders.slope (Array.init levels (fun i -> error (0.0625 * Math.Pow(2.0, -float i))))

let private distance (a: float[]) (b: float[]) =
    Array.fold2 (fun worst x y -> max worst (abs (x - y))) 0.0 a b

let private moments (u: float[]) = [| u[0]; u[1]; u[0] * u[0]; u[0] * u[1]; u[1] * u[1] |]

// ---- weak orders ---------------------------------------------------------------------------------------------------

[<Fact>]
let ``weak order with a nonlinear forced vector problem and noises that do not commute`` () =
    for scheme in others do
        let model, facts = model mixed, Schemes.Facts scheme

        let error h =
            distance (expectation model scheme [| 0.7; -0.4 |] h 1 6 moments) (expectation model scheme [| 0.7; -0.4 |] h 2 6 moments)

        // An error of h^{p+1} in a step is one of h^p at a fixed time.
        SolverOrders.isNear "weak" scheme facts.WeakMultiplicative (slopeOf 5 error - 1.0)

    let error h =
        distance
            (expectation (model diagonal) Scheme.Milstein [| 0.7; -0.4 |] h 1 6 moments)
            (expectation (model diagonal) Scheme.Milstein [| 0.7; -0.4 |] h 2 6 moments)

    SolverOrders.isNear "weak" Scheme.Milstein 1.0 (slopeOf 5 error - 1.0)

[<Fact>]
let ``weak order of the same problem with additive noise`` () =
    for scheme in Enum.GetValues<Scheme>() do
        let model = SolverOrders.problem SolverOrders.noise

        let error h =
            distance (expectation model scheme [| 0.7; -0.4 |] h 1 6 moments) (expectation model scheme [| 0.7; -0.4 |] h 2 6 moments)

        SolverOrders.isNear "weak" scheme (Schemes.Facts scheme).Weak (slopeOf 5 error - 1.0)

let private dense (a: float[,]) : Matrix<float> = Double.DenseMatrix.OfArray a
let private b1 = dense (array2D [ [ 0.3; 0.2 ]; [ -0.1; 0.4 ] ])
let private b2 = dense (array2D [ [ 0.0; 0.5 ]; [ 0.3; -0.2 ] ])
let private spread = [| 0.3; 0.2 |]

/// dX = A X dt + B₁ X dW₁ + B₂ X dW₂ + s dW₀, the additive noise first.
let private bilinear (a: Matrix<float>) additive =
    let rows (w: Writer) (m: Matrix<float>) =
        Array.init 2 (fun i -> w.Add(w.Scale m[i, 0] (w.In 0), w.Scale m[i, 1] (w.In 1)))

    let noise (w: Writer) =
        Array.map2 (fun x y -> w.Add(w.Mul(x, w.In 2), w.Mul(y, w.In 3))) (rows w b1) (rows w b2)

    Model(
        Rows = 2,
        LinearMatrix = a.ToArray(),
        ScalarDrift = code 2 (fun w -> rows w a),
        ScalarNoise = code 4 noise,
        MultiplicativeRows = 2,
        NoiseMatrix =
            (if additive then
                 array2D [ [ spread[0] ]; [ spread[1] ] ]
             else
                 Array2D.zeroCreate 2 0)
    )

/// Moments after time h from the linear equations of (x, y, x², x y, y²), in Itô's sense.
let private exactMoments (a: Matrix<float>) additive (start: float[]) h =
    let generator = Matrix<float>.Build.Dense(6, 6)
    let s = if additive then spread else [| 0.0; 0.0 |]
    let pairs = [| 0, 0; 0, 1; 1, 1 |]

    let at i j =
        3 + (i + j) - (if i + j > 0 then 0 else 0)

    for i in 0..1 do
        for j in 0..1 do
            generator[1 + i, 1 + j] <- a[i, j]

    pairs
    |> Array.iteri (fun row (i, j) ->
        for k in 0..1 do
            generator[3 + row, at k j] <- generator[3 + row, at k j] + a[i, k]
            generator[3 + row, at i k] <- generator[3 + row, at i k] + a[j, k]

            for l in 0..1 do
                generator[3 + row, at k l] <- generator[3 + row, at k l] + b1[i, k] * b1[j, l] + b2[i, k] * b2[j, l]

        generator[3 + row, 0] <- s[i] * s[j])

    let first = Vector<float>.Build.Dense(Array.append [| 1.0 |] (moments start))
    (MatrixFunctions.Exponential(generator * h) * first).ToArray()[1..]

[<Fact>]
let ``every scheme has the moments of its own calculus, with noises that do not commute and additive noise beside them`` () =
    let a = dense (array2D [ [ -0.8; 0.3 ]; [ -0.4; -0.5 ] ])

    for scheme in others do
        for additive in [ false; true ] do
            let facts = Schemes.Facts scheme

            let ito =
                if facts.Calculus = Calculus.Stratonovich then
                    a + (b1 * b1 + b2 * b2) / 2.0
                else
                    a

            let start = [| 0.7; -0.4 |]

            let error h =
                distance (exactMoments ito additive start h) (expectation (bilinear a additive) scheme start h 1 5 moments)

            SolverOrders.isNear "weak" scheme facts.WeakMultiplicative (slopeOf 5 error - 1.0)

// ---- strong orders -------------------------------------------------------------------------------------------------

/// Normals of long steps are sums of those of the shortest ones; the rows of signs are drawn anew at every step.
type private SharedPath(rows: int, ratio: int) =
    interface INormalSource with
        member _.Fill(normals, step) =
            use fine = new LaneArray(normals.Rows)

            for block, first in [ normals.A, 16 * normals.Index; normals.B, 16 * normals.Index + 8 ] do
                block.Span.Clear()

                for j in 0 .. ratio - 1 do
                    NormalStream.Fill(fine.Pointer, normals.Rows, 5UL, 0u, step * int64 ratio + int64 j, first)

                    for i in 0 .. 8 * min rows normals.Rows - 1 do
                        block.Span[i] <- block.Span[i] + fine.Span[i] / sqrt (float ratio)

                for i in 8 * rows .. 8 * normals.Rows - 1 do
                    block.Span[i] <- fine.Span[i]

/// Steps of 1/64, 1/128, …: where noise is small, its order shows at short steps only.
let private strongSlope (model: Model) scheme =
    let finals =
        Array.init 5 (fun level ->
            let step, ratio = 0.015625 / float (1 <<< level), 1 <<< (4 - level)
            let plan = SamplingPlan(1024, 0.5, step, step)
            let saver = Saver<float>(model, plan)

            Simulation(
                model,
                scheme,
                step,
                5UL,
                Initial = InitialState.Constant(model, [| 1.0; -0.5 |]),
                Normals = SharedPath(model.MultiplicativeRows, ratio)
            )
                .Run(plan, (fun tile -> saver.Open tile), 2, null, CancellationToken.None)

            saver.Values)

    SolverOrders.slope (SolverOrders.between finals SolverOrders.strongError)

[<Fact>]
let ``strong order with noise that depends on the state`` () =
    for scheme in others do
        SolverOrders.isNear "strong" scheme (Schemes.Facts scheme).StrongMultiplicative (strongSlope (model mixed) scheme)

[<Fact>]
let ``where noises commute Milstein and Heun have strong order 1`` () =
    for scheme in [ Scheme.Milstein; Scheme.Heun ] do
        SolverOrders.isNear "strong" scheme 1.0 (strongSlope (model diagonal) scheme)

    // One white noise on two components commutes with itself.
    let one (w: Writer) = [|
        w.Mul(w.Sin(w.Add(w.In 0, w.In 1)), w.In 2)
        w.Mul(w.Add(w.C 0.5, w.Scale 0.3 (w.In 0)), w.In 2)
    |]

    let shared =
        Model(
            Rows = 2,
            ScalarDrift = code 2 drift,
            Nonlinear = (fun () -> ScalarProgram(code 2 drift).Compile()),
            ScalarNoise = code 3 one,
            MultiplicativeRows = 1
        )

    SolverOrders.isNear "strong" Scheme.Milstein 1.0 (strongSlope shared Scheme.Milstein)

[<Fact>]
let ``Milstein refuses noises that do not commute, and says what to take`` () =
    let error =
        Assert.Throws<LeithException>(fun () -> Simulation(model mixed, Scheme.Milstein, 0.1, 1UL) |> ignore)

    for part in [ "columns commute"; "Take weak second order" ] do
        Assert.Contains(part, error.Message)

// ---- code and tiles --------------------------------------------------------------------------------------------------

/// A random system: the numbers fill its terms, those that shrinking made zero are not there.
let private randomModel (unknowns, noises, additives, numbers: int[]) =
    let number i =
        float numbers[i % numbers.Length] / 100.0

    let f (w: Writer) kind x =
        match abs numbers[kind % numbers.Length] % 4 with
        | 0 -> w.Sin x
        | 1 -> w.Divide x (w.Add(w.C 1.0, w.Mul(x, x)))
        | 2 -> w.Add(x, w.Scale 0.5 w.T)
        | _ -> w.C 1.0

    let nonlinear (w: Writer) =
        Array.init unknowns (fun i ->
            [|
                for k in 0..2 ->
                    w.Scale (number (i + 5 * k)) (w.Mul(f w (i + k) (w.In((i + k) % unknowns)), f w (2 * i + 3 * k) (w.In((i + 2 * k) % unknowns))))
            |]
            |> w.Total)

    let linear =
        Array2D.init unknowns unknowns (fun i j -> if i = j then -1.0 else 0.3 * number (7 * i + j))

    let whole (w: Writer) =
        nonlinear w
        |> Array.mapi (fun i n -> w.Add(Array.append [| n |] (Array.init unknowns (fun j -> w.Scale linear[i, j] (w.In j)))))

    let noise (w: Writer) =
        Array.init unknowns (fun i ->
            [|
                for j in 0 .. noises - 1 ->
                    w.Mul(
                        w.Add(w.C(0.3 * number (3 * i + j)), w.Scale (0.2 * number (i + j + 9)) (f w (i + 4 * j) (w.In((i + j) % unknowns)))),
                        w.In(unknowns + j)
                    )
            |]
            |> w.Total)

    let rest = code unknowns nonlinear

    Model(
        Rows = unknowns,
        LinearMatrix = linear,
        NoiseMatrix = Array2D.init unknowns additives (fun i j -> 0.4 * number (11 + i + 2 * j)),
        Nonlinear = (fun () -> ScalarProgram(rest).Compile()),
        ScalarDrift = code unknowns whole,
        ScalarNoise = (if noises = 0 then null else code (unknowns + noises) noise),
        MultiplicativeRows = noises
    )

/// States after four steps; normals are functions of their row, however many a stepper takes.
let private after (model: Model) (make: Model -> IStepper) =
    use stepper = make model
    use state = new Tile(model.Rows)
    use normals = new Tile(stepper.Normals)

    for i in 0 .. state.A.Span.Length - 1 do
        state.A.Span[i] <- sin (float i)
        state.B.Span[i] <- cos (float i)

    let source = CounterNormals 3UL :> INormalSource

    for step in 0L .. 3L do
        source.Fill(normals, step)
        stepper.Step(state, 0.05 * float step, normals)

    Array.append (state.A.Span.ToArray()) (state.B.Span.ToArray())

let private alike (a: float[]) (b: float[]) =
    Array.forall2 (fun x y -> abs (x - y) <= 1e-11 * (1.0 + abs x) || (not (Double.IsFinite x) && not (Double.IsFinite y))) a b

let private random =
    let generator = gen {
        let! unknowns = Gen.choose (1, 4)
        let! noises = Gen.choose (0, 3)
        let! additives = Gen.choose (0, 2)
        let! numbers = Gen.arrayOfLength 40 (Gen.choose (-200, 200))
        let! scheme = Gen.elements others
        return (unknowns, noises, additives, numbers), scheme
    }

    let shrink ((unknowns, noises, additives, numbers: int[]), scheme) = seq {
        if unknowns > 1 then
            yield (unknowns - 1, noises, additives, numbers), scheme

        if noises > 0 then
            yield (unknowns, noises - 1, additives, numbers), scheme

        if additives > 0 then
            yield (unknowns, noises, additives - 1, numbers), scheme

        for i in 0 .. numbers.Length - 1 do
            if numbers[i] <> 0 then
                yield (unknowns, noises, additives, Array.updateAt i 0 numbers), scheme
    }

    Arb.fromGenShrink (generator, shrink)

[<Fact>]
let ``a step as one piece of code is the step on tiles`` () =
    let property (description, scheme) =
        let model = randomModel description
        let steps make = after model make

        alike (steps (fun model -> Stepper.Make(model, scheme, 0.05))) (steps (fun model -> new TileMachine(onTiles model, scheme, 0.05)))

    Check.One(Config.QuickThrowOnFailure.WithMaxTest(150).WithReplay(20261124UL, 2403UL), Prop.forAll random property)

/// Milstein's increment for the problem with a white noise a component, by hand.
type private DiagonalMilstein(h: float) =
    let apply (u: LaneArray) (n: LaneArray) t (result: LaneArray) =
        for lane in 0..7 do
            let x, y = u[0, lane], u[1, lane]
            let second n = 0.5 * h * (n * n - 1.0)
            let a, slopeA = 0.4 + 0.3 * sin (x + t), 0.3 * cos (x + t)
            let b, slopeB = 0.3 + 0.4 * sin y, 0.4 * cos y
            result[0, lane] <- a * sqrt h * n[0, lane] + a * slopeA * second n[0, lane]
            result[1, lane] <- b * sqrt h * n[1, lane] + b * slopeB * second n[1, lane]

    interface IPairMap with
        member _.Apply(state, other, time, result) =
            apply state.A other.A time result.A
            apply state.B other.B time result.B

        member _.Dispose() = ()

[<Fact>]
let ``Milstein's increment from code is that by hand`` () =
    let model = model diagonal

    let byHand =
        Model(
            Rows = 2,
            LinearMatrix = model.LinearMatrix,
            Nonlinear = model.Nonlinear,
            MultiplicativeRows = 2,
            Multiplicative = (fun () -> new ScalarPair(nonNull model.ScalarNoise) :> IPairMap),
            Milstein = (fun h -> Func<IPairMap>(fun () -> new DiagonalMilstein(h) :> IPairMap))
        )

    let make model =
        Stepper.Make(model, Scheme.Milstein, 0.05)

    Assert.True(alike (after model make) (after byHand make))

// ---- fields ------------------------------------------------------------------------------------------------------------

let private grid = Grid([| 4; 3 |], [| 1.0; 1.0 |])

/// F = x − x³/2 and S = 0.5 + 0.3 sin x at every site, in modes or on sites; Milstein's increment too.
type private Local(modes: bool, h: float) =
    let fft = new LaneFft(grid)
    let scratch, others = new Tile(grid.Sites), new Tile(grid.Sites)

    let real (from: Tile) (target: Tile) =
        from.A.Span.CopyTo target.A.Span
        from.B.Span.CopyTo target.B.Span

        if modes then
            fft.Inverse(target.A.Pointer, target.B.Pointer)

    let each f (result: Tile) =
        for i in 0 .. scratch.A.Span.Length - 1 do
            result.A.Span[i] <- f scratch.A.Span[i] others.A.Span[i]
            result.B.Span[i] <- f scratch.B.Span[i] others.B.Span[i]

        if modes then
            fft.Forward(result.A.Pointer, result.B.Pointer)

    let amplitude x = 0.5 + 0.3 * sin x

    interface ITileMap with
        member _.Apply(state, _, result) =
            real state scratch
            each (fun x _ -> 2.0 * x - 0.5 * x * x * x) result

    interface IPairMap with
        member _.Apply(state, other, _, result) =
            real state scratch
            real other others

            each
                (fun x n ->
                    if h = 0.0 then
                        amplitude x * n
                    else
                        amplitude x * sqrt h * n + 0.5 * h * amplitude x * 0.3 * cos x * (n * n - 1.0))
                result

    interface IDisposable with
        member _.Dispose() =
            fft.Dispose()
            scratch.Dispose()
            others.Dispose()

let private field modes =
    let representation = if modes then Representation.Modes else Representation.Sites

    Model(
        Rows = grid.Sites,
        Segments = [| Segment("u", grid, representation, 0) |],
        LinearSymbol = Array.create grid.Sites (Complex(-1.0, 0.0)),
        Nonlinear = (fun () -> new Local(modes, 0.0) :> ITileMap),
        MultiplicativeRows = grid.Sites,
        Multiplicative = (fun () -> new Local(modes, 0.0) :> IPairMap),
        Milstein = (fun h -> Func<IPairMap>(fun () -> new Local(modes, h) :> IPairMap))
    )

/// Every site an unknown of its own, as code.
let private separate =
    let sites = grid.Sites

    let drift (w: Writer) =
        Array.init sites (fun i -> w.Add(w.In i, w.Scale -0.5 (w.Mul(w.In i, w.In i, w.In i))))

    let noise (w: Writer) =
        Array.init sites (fun i -> w.Mul(w.Add(w.C 0.5, w.Scale 0.3 (w.Sin(w.In i))), w.In(sites + i)))

    let rest (w: Writer) =
        Array.init sites (fun i -> w.Add(w.Scale 2.0 (w.In i), w.Scale -0.5 (w.Mul(w.In i, w.In i, w.In i))))

    let rest = code sites rest

    Model(
        Rows = sites,
        LinearMatrix = Array2D.init sites sites (fun i j -> if i = j then -1.0 else 0.0),
        Nonlinear = (fun () -> ScalarProgram(rest).Compile()),
        ScalarDrift = code sites drift,
        ScalarNoise = code (2 * sites) noise,
        MultiplicativeRows = sites
    )

/// White noise on sites that is the transform of white noise on modes.
type private OnSites() =
    let source = CounterNormals 9UL :> INormalSource

    interface INormalSource with
        member _.Fill(normals, step) =
            use modes = new Tile(grid.Sites, normals.Index)
            use fft = new LaneFft(grid)
            source.Fill(modes, step)
            fft.Inverse(modes.A.Pointer, modes.B.Pointer)
            let n = 8 * grid.Sites

            for i in 0 .. n - 1 do
                normals.A.Span[i] <- modes.A.Span[i] * sqrt (float grid.Sites)
                normals.B.Span[i] <- modes.B.Span[i] * sqrt (float grid.Sites)

            // The signs of pairs that do not mix.
            for i in n .. normals.A.Span.Length - 1 do
                normals.A.Span[i] <- 1.0
                normals.B.Span[i] <- -1.0

let private atSites (model: Model) scheme normals =
    let plan = SamplingPlan(16, 0.5, 0.0625, 0.0625)
    let saver = Saver<float>(model, plan)
    let start = Array.init grid.Sites (fun i -> sin (float i))

    Simulation(model, scheme, 0.0625, 9UL, Initial = InitialState.Constant(model, start), Normals = normals)
        .Run(plan, (fun tile -> saver.Open tile), 1, null, CancellationToken.None)

    saver.Values

[<Fact>]
let ``a field with local noise is its sites one by one, in modes and on a lattice, under every scheme`` () =
    for scheme in Enum.GetValues<Scheme>() do
        let expected = atSites separate scheme (OnSites())
        let lattice = atSites (field false) scheme (OnSites())
        let modes = atSites (field true) scheme (CounterNormals 9UL)
        Assert.True(alike expected lattice, $"{scheme} on a lattice")
        Assert.True(alike expected modes, $"{scheme} in modes")
