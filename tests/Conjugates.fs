/// Conjugate observables of pushes, parameters and noise: the trees against finite differences of the density, the sums against the estimators they generalise.
module Leith.Tests.Conjugates

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261125UL, 501UL)

let private x, y = scalar "x", scalar "y"
let private unknowns = [ x; y ]

let private near tolerance (expected: float) (value: float) what =
    Assert.True(abs (value - expected) <= tolerance * (1.0 + abs expected), $"{what}: {value:R}, expected {expected:R}")

// ---- trees -------------------------------------------------------------------------------------------------------

/// Σ c_ij x^i y^j, total degree two at most.
let private quadratic (c: int list) =
    List.map2 (fun (c: int) monomial -> float c / 10.0 * monomial) c [ number 1.0; x; y; square x; x * y; square y ]
    |> List.reduce (fun a b -> a + b)

let private coefficients = Gen.choose (-9, 9) |> Gen.listOfLength 6

let private at (a: float, b: float) f =
    Field.evaluate (fun u -> if u = x then a else b) 0.0 f

let private valueOf weights point (terms: ScoreTerm list) =
    terms
    |> List.sumBy (fun t -> t.Factor * at point t.Tree * (t.Weights |> List.fold (fun p w -> p * Array.item w weights) 1.0))

// ln ρ of a law that is no Gaussian one
let private logDensity =
    -0.6 * square x - 0.4 * square y + 0.3 * x * y - 0.05 * x ** 4 + 0.1 * x * square y - 0.1 * y ** 4

let private score =
    unknowns |> List.map (fun u -> ScorePolynomial.slope u logDensity)

[<Fact>]
let ``B is what a change of drift and noise does to the density, over the density`` () =
    let inputs = gen {
        let! g = Gen.listOfLength 2 coefficients
        let! d = Gen.listOfLength 3 coefficients
        let! a, b = Gen.zip (Gen.choose (-12, 12)) (Gen.choose (-12, 12))
        return g, d, (float a / 10.0, float b / 10.0)
    }

    let holds (g: int list list, d: int list list, (a, b)) =
        let g = g |> List.map quadratic

        let d =
            match d |> List.map quadratic with
            | [ xx; xy; yy ] -> [ [ xx; xy ]; [ xy; yy ] ]
            | _ -> invalidOp "three entries"

        let change: Change = {
            Name = "any"
            Push = g
            Diffusion = Some d
        }

        let b' =
            ScorePolynomial.conjugate unknowns (ScorePolynomial.given score) change |> valueOf [||] (a, b)

        // −∇·(g ρ) + ∇∇:(δD ρ) by central differences, ρ relative to its value at the point
        let h = 1e-3
        let middle = at (a, b) logDensity
        let rho p = exp (at p logDensity - middle)
        let times f p = at p f * rho p

        let along f axis =
            let i, j = if axis = 0 then h, 0.0 else 0.0, h
            (times f (a + i, b + j) - times f (a - i, b - j)) / (2.0 * h)

        let twice f axis =
            let i, j = if axis = 0 then h, 0.0 else 0.0, h
            (times f (a + i, b + j) - 2.0 * times f (a, b) + times f (a - i, b - j)) / (h * h)

        let mixed f =
            (times f (a + h, b + h) - times f (a + h, b - h) - times f (a - h, b + h) + times f (a - h, b - h))
            / (4.0 * h * h)

        let expected =
            -(along g[0] 0) - along g[1] 1 + twice d[0].[0] 0 + twice d[1].[1] 1 + 2.0 * mixed d[0].[1]

        near 3e-4 expected b' "B"

    Check.One(quick 60, Prop.forAll (Arb.fromGen inputs) holds)

[<Fact>]
let ``A score on features is the same as its numbers put in, in conjugates, residuals and certificates alike`` () =
    let inputs = gen {
        let! w = Gen.listOfLength 8 (Gen.choose (-20, 20))
        let! g = Gen.listOfLength 2 coefficients
        let! d = coefficients
        let! a, b = Gen.zip (Gen.choose (-12, 12)) (Gen.choose (-12, 12))
        return w, g, d, (float a / 10.0, float b / 10.0)
    }

    let holds (w: int list, g: int list list, d: int list, point) =
        let features = [ x; y; x * y ]
        let weights = w |> List.map (fun w -> float w / 10.0) |> Array.ofList
        let g, d = g |> List.map quadratic, quadratic d
        let matrix = [ [ d; number 0.3 ]; [ number 0.3; number 1.0 ] ]

        let numbers =
            [ 0; 1 ]
            |> List.map (fun i -> List.mapi (fun j f -> weights[4 * i + j] * f) features |> List.fold (+) (number weights[4 * i + 3]))

        let fitted, given =
            ScorePolynomial.fitted 0.0 [] features, ScorePolynomial.given numbers

        let change: Change = {
            Name = "any"
            Push = g
            Diffusion = Some matrix
        }

        for what, make in
            [
                "conjugate", (fun form -> ScorePolynomial.conjugate unknowns form change)
                "residual", (fun form -> ScorePolynomial.stein unknowns form g)
                "certificate", (fun form -> ScorePolynomial.certificate unknowns form [ -x; -y + x * x ] matrix)
            ] do
            near 1e-9 (make given |> valueOf [||] point) (make fitted |> valueOf weights point) what

    Check.One(quick 60, Prop.forAll (Arb.fromGen inputs) holds)

[<Fact>]
let ``The derivative by a parameter is that of its value, wherever it stands`` () =
    let holds (value: int, other: int, a: int) =
        let value, a = 1.0 + float (abs value % 20) / 10.0, float (a % 20) / 10.0

        let f alpha =
            let alpha = parameter "α" alpha
            let beta = parameter "β" (float (other % 7))
            alpha * x + exp (alpha * 0.3 * x) * beta + square alpha * beta / (1.0 + square x)

        let slope = Diffusion.alongParameter "α" (f value) |> at (a, 0.0)
        let h = 1e-5

        let difference =
            (at (a, 0.0) (f (value + h)) - at (a, 0.0) (f (value - h))) / (2.0 * h)

        near 1e-6 difference slope "∂f/∂α"

    Check.One(quick 60, holds)

[<Fact>]
let ``Noise that is stronger in Stratonovich's sense drifts more, too`` () =
    let equations = [ ddt x == -x ]
    let w = brownian "W"

    let drift scale =
        Diffusion.drift equations (stratonovich [ ddt x == scale * (1.0 + 0.5 * x) * w ])

    let change =
        Change.noiseAmplitude equations (stratonovich [ ddt x == (1.0 + 0.5 * x) * w ])

    let e = 1e-6

    let difference =
        (at (0.7, 0.0) (drift (1.0 + e)).Head - at (0.7, 0.0) (drift (1.0 - e)).Head) / (2.0 * e)

    near 1e-8 difference (at (0.7, 0.0) change.Push.Head) "δF"

// ---- sums --------------------------------------------------------------------------------------------------------

let private record seed d samples =
    let random = Random(seed + 7 * d)
    let x = Array.init d (fun _ -> Array.zeroCreate<float> samples)
    let state = Array.zeroCreate<float> d

    for n in 0 .. samples - 1 do
        for i in 0 .. d - 1 do
            state[i] <- 0.6 * state[i] + 0.2 * state[(i + 1) % d] - log (1.0 - random.NextDouble()) - 1.0

        for i in 0 .. d - 1 do
            x[i][n] <- state[i]

    x

let private tablesOf (recording: Recording) lags (observables: float[][]) (features: float[][]) (columns: float[][]) (others: float[][]) =
    let quantities = Array.append features columns
    let products = LagProducts.Of(recording, lags, observables, quantities)
    let block = Nullable products.BlockLength

    WeightedTables(
        products,
        LagProducts.Of(recording, 0, features, quantities, block),
        LagProducts.Of(recording, 0, Array.append quantities others, [||], block)
    )

let private pairs (a: float[][][]) (b: float[][][]) =
    Seq.zip (a |> Seq.concat |> Seq.concat) (b |> Seq.concat |> Seq.concat)

[<Fact>]
let ``Unit pushes of a score on the unknowns are the Gaussian estimate, errors included`` () =
    let same (seed: int, size: int) =
        let d = 1 + abs size % 4
        let x = record (abs seed) d 1500
        let recording = Recording([| for i in 1..d -> $"x{i}" |], x, 0.5)
        let tables = tablesOf recording 5 [||] x [||] [||]

        let slopes = [|
            for i in 0 .. d - 1 do
                for j in 0 .. d - 1 -> [| WeightedTerm((if i = j then 1.0 else 0.0), -1) |]
        |]

        let score = WeightedScore(WeightRule.ScoreMatching, [| 0 .. d - 1 |], slopes)

        let conjugates = [|
            for i in 0 .. d - 1 ->
                [|
                    for j in 0..d -> WeightedTerm(-1.0, (if j = d then -1 else j), i * (d + 1) + j)
                |]
        |]

        let found =
            ConjugateResponse.Estimate(tables, ConjugatePlan(score, conjugates), 20, 1UL)

        let gaussian = VectorResponse.Gaussian(LagProducts.Of(recording, 5), 20, 1UL)

        for expected, value in pairs gaussian.Values found.Response.Values do
            near 1e-9 expected value "response"

        for expected, value in pairs gaussian.StandardError found.Response.StandardError do
            near 1e-9 expected value "standard error"

    Check.One(quick 15, same)

[<Fact>]
let ``Unit pushes with a forecast are the doubly robust response of a score, errors included`` () =
    let same (seed: int, size: int) =
        let d = 1 + abs size % 3
        let x = record (abs seed) d 1500
        let recording = Recording([| for i in 1..d -> $"x{i}" |], x, 0.5)
        let wrong = x |> Array.map (Array.map (fun v -> tanh v - 0.3 * v))
        let squares = x |> Array.map (Array.map (fun v -> v * v))

        // features x, x² with slopes 1, 2 x
        let features = Array.append x squares
        let tables = tablesOf recording 4 squares features wrong [||]

        let moves = [|
            for i in 0 .. d - 1 ->
                [|
                    for j in 0 .. 2 * d - 1 ->
                        if j = i then [| WeightedTerm(1.0, -1) |]
                        elif j = d + i then [| WeightedTerm(2.0, i) |]
                        else [||]
                |]
        |]

        let conjugates = [| for i in 0 .. d - 1 -> [| WeightedTerm(-1.0, 2 * d + i) |] |]

        let found =
            ConjugateResponse.Estimate(
                tables,
                ConjugatePlan(WeightedScore.Given, conjugates, Regression = [| 0 .. 2 * d - 1 |], Moves = moves),
                20,
                1UL
            )

        let products = LagProducts.Of(recording, 4, squares, Array.append wrong squares)

        // the rows of the state are centred, those of observables are not: 2 x = 2 (x − x̄) + 2 x̄
        let means = x |> Array.map Array.average

        let slope i j =
            if j = i then FeatureSlope(1.0, -1, 0.0)
            elif j = d + i then FeatureSlope(2.0 * means[i], i, 2.0)
            else FeatureSlope(0.0, -1, 0.0)

        let forecast =
            ForecastFeatures(
                [| 0 .. 2 * d - 1 |],
                Array.append [| 0 .. d - 1 |] [| 2 * d .. 3 * d - 1 |],
                [| for i in 0 .. d - 1 -> [| for j in 0 .. 2 * d - 1 -> slope i j |] |]
            )

        let known = VectorForecast.FromScore(products, 0, forecast, 20, 1UL)

        for expected, value in pairs known.Values found.Response.Values do
            near 1e-8 expected value "response"

        for expected, value in pairs known.StandardError found.Response.StandardError do
            near 1e-7 expected value "standard error"

    Check.One(quick 10, same)
