/// Pushes of any kind, doubly robust estimates, certificates and bounds, against systems whose answers are known.
module Leith.Tests.Trust

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open MathNet.Numerics.LinearAlgebra
open Xunit

// Seeds are fixed; a value is out of its band by chance once in about ten thousand (4 standard errors), and there are a few hundred of them.
let private alarm = 4.0

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261125UL, 507UL)

let private within what (expected: float) (value: float) (error: float) slack =
    Assert.True(
        abs (value - expected) <= alarm * error + slack,
        $"{what}: {value:G6} ± {error:G2}, expected {expected:G6}, {abs (value - expected) / error:F1} standard errors"
    )

let private score (outcome: Outcome) label =
    outcome.Scores |> List.find (fun s -> s.Estimator = label)

let private x, y = scalar "x", scalar "y"

// ---- linear systems ----------------------------------------------------------------------------------------------

/// A stable drift matrix, a noise matrix, and the covariance that A C + C Aᵀ + 2 D = 0 gives.
let private linear (numbers: int list) =
    let n = numbers |> List.map (fun n -> float n / 10.0) |> Array.ofList

    let a =
        Matrix<float>.Build.DenseOfRowArrays([| -0.6 - abs n[0]; n[1] |], [| -n[1] + 0.3 * n[2]; -0.6 - abs n[3] |])

    let s = Matrix<float>.Build.DenseOfRowArrays([| 0.8; 0.0 |], [| 0.5 * n[4]; 0.7 |])

    let d = 0.5 * s * s.Transpose()
    let one = Matrix<float>.Build.DenseIdentity 2

    let c =
        ((one.KroneckerProduct a) + (a.KroneckerProduct one)).Solve(Vector<float>.Build.DenseOfArray((-2.0 * d).ToColumnMajorArray()))

    a, s, d, Matrix<float>.Build.DenseOfColumnMajor(2, 2, c.ToArray())

let private drift (a: Matrix<float>) = [ ddt x == a[0, 0] * x + a[0, 1] * y; ddt y == a[1, 0] * x + a[1, 1] * y ]

let private exponentialOf (a: Matrix<float>) t =
    let model = Lower.system (drift a) (diagonal [ 1.0; 1.0 ])

    let p = LinearLaw.PropagatorMatrix(model, t)
    Matrix<float>.Build.Dense(2, 2, fun i j -> p[i, j])

let private matrices = Gen.choose (-9, 9) |> Gen.listOfLength 5

let private asked name (a: Matrix<float>) (s: Matrix<float>) push estimators =
    experiment name {
        system (drift a)
        noise (noiseMatrix [ for row in s.ToRowArrays() -> List.ofArray row ])
        step (exponential 0.25)
        sample (members 128 |> spinUp 20.0 |> lasting 250.0 |> every 0.25)
        perturb (push |> inTime impulse)
        observe [ x; y; x * x; x * y ]
        lags 1.0
        estimate estimators
        seed 11
    }
    |> runAlone

let private trace (m: Matrix<float>) = m.Diagonal().Sum()

/// x² and x y as xᵀ M x.
let private observables: Matrix<float> list = [
    Matrix<float>.Build.DenseOfRowArrays([| 1.0; 0.0 |], [| 0.0; 0.0 |])
    Matrix<float>.Build.DenseOfRowArrays([| 0.0; 0.5 |], [| 0.5; 0.0 |])
]

[<Fact>]
let ``A push along a linear field and stronger noise in a linear system`` () =
    let holds (numbers: int list) =
        let a, s, d, c = linear numbers
        let along = pushAlong [ x, 0.7 * x + 0.4 * y + 1.0; y, 0.5 * x ]
        let g = Matrix<float>.Build.DenseOfRowArrays([| 0.7; 0.4 |], [| 0.5; 0.0 |])
        let tests = [ gaussian; robust gaussian (polynomials 2); libraryOf [ x; y; x * y ] ]

        let check push (mean: float[]) (second: Matrix<float>) =
            let outcome = asked "linear" a s push tests

            for r in outcome.Responses do
                for lag in [ 0; 2; 4 ] do
                    let p = exponentialOf a r.Lags[lag]

                    for k in 0..1 do
                        within
                            $"{r.Estimator}, {push}, component {k}, lag {lag}"
                            (p[k, 0] * mean[0] + p[k, 1] * mean[1])
                            r.Values.[k].[lag]
                            r.StandardError.Value.[k].[lag]
                            1e-9

                    for k, m in List.indexed observables do
                        within
                            $"{r.Estimator}, {push}, second moment {k}, lag {lag}"
                            (trace (m * p * second * p.Transpose()))
                            r.Values.[2 + k].[lag]
                            r.StandardError.Value.[2 + k].[lag]
                            1e-9

        // ⟨g⟩, and ⟨x gᵀ + g xᵀ⟩; for the noise 2 δD = 4 D
        check along [| 1.0; 0.0 |] (c * g.Transpose() + g * c)
        check perturbNoise [| 0.0; 0.0 |] (4.0 * d)

    Check.One(quick 3, Prop.forAll (Arb.fromGen matrices) holds)

[<Fact>]
let ``The certificate is the squared error of the score in a linear system that is not symmetric`` () =
    let holds (numbers: int list) =
        let a, s, d, c = linear numbers
        let wrong = Matrix<float>.Build.DenseOfRowArrays([| -1.2; 0.3 |], [| -0.1; -0.8 |])

        let score' = [ 0; 1 ] |> List.map (fun i -> wrong[i, 0] * x + wrong[i, 1] * y)

        let far = exactOf score' |> named "wrong"
        let still = exactOf [ 1e-9 * x; 1e-9 * y ] |> named "nothing"

        let outcome =
            asked "certificate" a s (push x) [ gaussian; far; robust far (polynomials 2) |> named "robust"; still ]

        // ⟨(ŝ − s)ᵀ D (ŝ − s)⟩
        let squared (m: Matrix<float>) =
            let e = m + c.Inverse()
            trace (d * e * c * e.Transpose())

        for label, m in
            [
                "wrong", wrong
                "robust", wrong
                "Gaussian", -c.Inverse()
                "nothing", 0.0 * wrong
            ] do
            match (score outcome label).Certificate with
            | Some(value, error) ->
                within $"certificate of {label}" (squared m) value error 1e-6
                Assert.True(label = "nothing" || (error > 1e-4 && error < 0.1), $"standard error {error} of {label}")
            | None -> Assert.Fail $"no certificate of {label}"

        // ⟨sᵀDs⟩ = −⟨∇·F⟩ is that of no score at all
        within "identity" (-(trace a)) (fst (score outcome "nothing").Certificate.Value) 1e-6 1e-6

        // the bound holds: the wrong score moves the response by less
        let bounded = outcome.Responses |> List.find (fun r -> r.Estimator = "wrong")

        for k in 0..1 do
            for lag in 0..4 do
                let truth = (exponentialOf a bounded.Lags[lag])[k, 0]

                Assert.InRange(
                    abs (bounded.Values.[k].[lag] - truth),
                    0.0,
                    bounded.BiasBound.Value.[k].[lag] + alarm * bounded.StandardError.Value.[k].[lag]
                )

            // and decays as the standard deviation of E[A(t) | x₀] = (e^{At} x₀)_k does
            let p = exponentialOf a bounded.Lags[4]
            let share = sqrt ((p * c * p.Transpose())[k, k] / c[k, k])
            let bound = bounded.BiasBound.Value[k]
            Assert.InRange(bound[4] / bound[0], 0.95 * share - 0.02, share + 0.15)

    Check.One(quick 3, Prop.forAll (Arb.fromGen matrices) holds)

[<Fact>]
let ``Doubly robust: a wrong score with the right forecast, and the right score with a wrong forecast, in linear systems`` () =
    let holds (numbers: int list) =
        let a, s, _, c = linear numbers
        let inverse = c.Inverse()
        let right = exactOf [ for i in 0..1 -> -inverse[i, 0] * x - inverse[i, 1] * y ]
        let wrong = exactOf [ -0.4 * x + 0.3 * tanh y; -1.5 * y ]

        let outcome =
            asked "robust" a s (pushAlong [ x, 1.0 + 0.5 * y ]) [
                robust wrong (forecastFrom [ x; y; x * x; x * y; y * y ]) |> named "right forecast"
                robust right (forecastFrom [ cube x; tanh y ]) |> named "right score"
            ]

        for r in outcome.Responses do
            for lag in [ 0; 2; 4 ] do
                let p = exponentialOf a r.Lags[lag]

                for k in 0..1 do
                    within $"{r.Estimator}, {k}, {lag}" p[k, 0] r.Values.[k].[lag] r.StandardError.Value.[k].[lag] 1e-9

    Check.One(quick 3, Prop.forAll (Arb.fromGen matrices) holds)

// ---- one number --------------------------------------------------------------------------------------------------

let private climate = ClimateSystems.scalarAdditive x

let private line =
    lazy (ExactLine.ofDrift x climate.Equations.Head.Drift (number (0.5 * 0.7071 ** 2)) (-7.0, 6.0))

let private ofClimate name push estimators =
    experiment name {
        system climate.Equations
        noise climate.Noise
        step (weakSecondOrder 0.02)
        sample (members 128 |> spinUp 20.0 |> lasting 500.0 |> every 0.5)
        perturb (push |> inTime impulse)
        observe [ x; square x ]
        lags 1.0
        estimate estimators
        seed 12
    }
    |> runAlone

let private right = exactOf climate.Score |> named "right"
let private wrong = exactOf [ 0.8 * climate.Score.Head ] |> named "scaled"

[<Fact>]
let ``Doubly robust and certified in the scalar climate: what is wrong shows, and is mended`` () =
    let outcome =
        ofClimate "scalar climate" (push x) [
            wrong
            robust wrong (polynomials 5) |> named "scaled, robust"
            robust gaussian (polynomials 5) |> named "Gaussian, robust"
            robust right (forecastFrom [ tanh x ]) |> named "wrong forecast"
            wrong |> steinCorrected |> named "scaled, corrected"
            right |> steinCorrected |> named "right, corrected"
        ]

    for r in outcome.Responses do
        for k, observable in [ 0, x; 1, square x ] do
            let truth =
                ExactLine.response x observable (number 1.0) (List.ofArray r.Lags) line.Value

            for lag in 1..2 do
                let value, error = r.Values.[k].[lag], r.StandardError.Value.[k].[lag]

                if r.Estimator = "scaled" then
                    Assert.InRange(abs (value - truth[lag]), 8.0 * error, r.BiasBound.Value.[k].[lag] + alarm * error)
                else
                    within $"{r.Estimator}, {observable}, lag {lag}" truth[lag] value error 1e-3

    // ŝ − s = −.2 s: ⟨(ŝ − s)² D⟩ = .04 ⟨s² D⟩, and a score from a fixed formula is as far off as its factor
    let squared =
        ExactLine.mean x (0.04 * square climate.Score.Head * 0.5 * 0.7071 ** 2) line.Value

    for label, expected in
        [
            "scaled", squared
            "scaled, robust", squared
            "scaled, corrected", 0.0
            "wrong forecast", 0.0
        ] do
        let value, error = (score outcome label).Certificate.Value
        within $"certificate of {label}" expected value error 2e-3

    let notes label =
        outcome.Responses |> List.find (fun r -> r.Estimator = label) |> _.Notes |> String.concat "\n"

    Assert.Contains("score multiplied by −⟨x ŝᵀ⟩⁻¹", notes "scaled, corrected")
    Assert.Contains("score left as it is", notes "right, corrected")
    Assert.Contains("whatever the score", notes "scaled, robust")
    Assert.DoesNotContain("whatever the score", notes "wrong forecast")

    // x ŝ + 1 = .2 for the scaled score, many standard errors from zero
    let row =
        (score outcome "scaled").Stein |> List.find (fun r -> r.Field = "x ŝ(x) + 1")

    Assert.InRange(row.Value, 0.15, 0.25)
    Assert.True(row.Z > 8.0)

[<Fact>]
let ``A score that was made from samples is certified, and answers pushes along a field`` () =
    let fit = clustered |> noiseLevel 0.4

    let plain = ofClimate "clusters" (push x) [ right; fit |> named "clusters" ]
    let report = score plain "clusters"
    let value, error = report.Certificate.Value

    // against the distance to the known score: ⟨(ŝ − s)² D⟩ = (relative distance)² ⟨s² D⟩
    let relative, _ = report.RelativeError.Value

    let whole =
        ExactLine.mean x (square climate.Score.Head * 0.5 * 0.7071 ** 2) line.Value

    within "certificate of clusters" (relative ** 2.0 * whole) value error 5e-3
    Assert.True(value > 4.0 * error, $"smoothed by so much the score is off: {value} ± {error}")
    Assert.True(plain.Responses |> List.forall _.BiasBound.IsSome)

    let along =
        ofClimate "clusters along" (pushAlong [ x, x ]) [ fit |> named "clusters"; robust fit (polynomials 4) |> named "robust" ]

    for k, observable in [ 0, x; 1, square x ] do
        let truth = ExactLine.response x observable x [ 0.0; 0.5; 1.0 ] line.Value

        for r in along.Responses do
            for lag in 0..2 do
                within $"{r.Estimator}, {observable}, lag {lag}" truth[lag] r.Values.[k].[lag] r.StandardError.Value.[k].[lag] 5e-3

[<Fact>]
let ``Nothing is gained where the forecast lies in the span of the score's own features`` () =
    let library = libraryOf [ x; square x; cube x ]

    let outcome =
        ofClimate "span" (push x) [ library; robust library (forecastFrom [ x; cube x ]) |> named "robust" ]

    let plain, both =
        outcome.Responses |> List.find (fun r -> r.Estimator = "library"), outcome.Responses |> List.find (fun r -> r.Estimator = "robust")

    for k in 0..1 do
        for lag in 0..2 do
            Assert.Equal(plain.Values.[k].[lag], both.Values.[k].[lag], 1e-8)
            Assert.Equal(plain.StandardError.Value.[k].[lag], both.StandardError.Value.[k].[lag], 1e-8)

    Assert.Contains("nothing is gained", String.concat "\n" both.Notes)

[<Fact>]
let ``A parameter and the noise of a system whose noise depends on the state`` () =
    let system' = ClimateSystems.scalarMultiplicative x
    let diffusion = 0.5 * (square (0.3 - 0.2 * x) + 0.25)

    let line = ExactLine.ofDrift x system'.Equations.Head.Drift diffusion (-7.0, 6.0)

    let b =
        Field.parameters system'.Equations.Head.Drift |> List.find (fst >> (=) "b") |> Field.Parameter

    let ask (push: Perturbation) =
        experiment "multiplicative" {
            system system'.Equations
            noise system'.Noise
            step (weakSecondOrder 0.02)
            sample (members 128 |> spinUp 20.0 |> lasting 500.0 |> every 0.5)
            perturb (push |> inTime impulse)
            observe [ x; square x ]
            lags 1.0

            estimate [
                exactOf system'.Score |> named "right"
                robust gaussian (polynomials 5) |> named "robust"
            ]

            seed 13
        }
        |> runAlone

    let byParameter = ask (perturbParameter b)

    for r in byParameter.Responses do
        for k, observable in [ 0, x; 1, square x ] do
            let truth = ExactLine.response x observable (square x) (List.ofArray r.Lags) line

            for lag in 0..2 do
                within $"{r.Estimator}, b, {observable}, {lag}" truth[lag] r.Values.[k].[lag] r.StandardError.Value.[k].[lag] 5e-3

    let value, error = (score byParameter "right").Certificate.Value
    within "certificate" 0.0 value error 2e-3

    // at once ⟨x²⟩ grows by ⟨δD:∇∇ x²⟩ = 4 ⟨D⟩, ⟨x⟩ by nothing
    let byNoise = ask perturbNoise

    for r in byNoise.Responses do
        within $"{r.Estimator}, noise, x" 0.0 r.Values.[0].[0] r.StandardError.Value.[0].[0] 5e-3
        within $"{r.Estimator}, noise, x²" (4.0 * ExactLine.mean x diffusion line) r.Values.[1].[0] r.StandardError.Value.[1].[0] 1e-2

// ---- three numbers -----------------------------------------------------------------------------------------------

[<Fact>]
let ``Doubly robust in the slow–fast triad, whose score nobody knows`` () =
    let u1, u2, tau = scalar "u1", scalar "u2", scalar "τ"
    let triad = ClimateSystems.ensoTriad u1 u2 tau
    let wrong = exactOf [ -0.5 * u1; -0.5 * u2 + 0.1 * u1; -2.0 * tau ] |> named "wrong"

    let outcome =
        experiment "triad" {
            system triad.Equations
            noise triad.Noise
            step triad.Step
            sample (members 128 |> spinUp 40.0 |> lasting 100.0 |> every 0.5)
            perturb (push tau)
            observe [ u1; u2; tau ]
            lags 2.0

            estimate [
                robust wrong (polynomials 1) |> named "right forecast"
                robust wrong (ridge [ u1; u2; tau ]) |> named "ridge"
            ]

            seed 14
        }
        |> runAlone

    // the drift is linear: E[u(t) | u₀] = exp(L t) u₀, whatever the noise
    let l =
        Matrix<float>.Build.DenseOfRowArrays([| -0.2; 0.4; 1.0 |], [| -0.4; -0.2; 0.0 |], [| 0.0; 0.0; -2.0 |])

    let model =
        Lower.system
            [
                for i, u in List.indexed [ u1; u2; tau ] -> ddt u == l[i, 0] * u1 + l[i, 1] * u2 + l[i, 2] * tau
            ]
            (diagonal [ 1.0; 1.0; 1.0 ])

    for r in outcome.Responses do
        for lag in [ 0; 2; 4 ] do
            let p = LinearLaw.PropagatorMatrix(model, r.Lags[lag])

            for k in 0..2 do
                within $"{r.Estimator}, {k}, {lag}" p[k, 2] r.Values.[k].[lag] r.StandardError.Value.[k].[lag] 2e-3

[<Fact>]
let ``The right score with a wrong forecast, in a triad that keeps its energy`` () =
    // the nonlinear terms keep x² + y² + z² and have no divergence: the law is that of three numbers of unit variance
    let z = scalar "z"

    let outcome =
        experiment "energy" {
            system [
                ddt x == 1.0 * y * z - 0.5 * x
                ddt y == -0.4 * z * x - 0.5 * y
                ddt z == -0.6 * x * y - 0.5 * z
            ]

            noise (perSite 1.0)
            step (weakSecondOrder 0.025)
            sample (members 128 |> spinUp 20.0 |> lasting 100.0 |> every 0.5)
            perturb (pushAlong [ x, 1.0 + y * z; z, x ])
            observe [ x; x * y * z ]
            lags 1.0

            estimate [
                exactOf [ -x; -y; -z ] |> named "plain"
                robust (exactOf [ -x; -y; -z ]) (forecastFrom [ square x; cube y ]) |> named "wrong forecast"
            ]

            seed 16
        }
        |> runAlone

    match outcome.Responses with
    | [ plain; both ] ->
        for k in 0..1 do
            for lag in 0..2 do
                let error =
                    sqrt (plain.StandardError.Value.[k].[lag] ** 2.0 + both.StandardError.Value.[k].[lag] ** 2.0)

                within $"component {k}, lag {lag}" plain.Values.[k].[lag] both.Values.[k].[lag] error 1e-9

        // at once ⟨g·∇A⟩: 1 for x, ⟨(1 + y z) y z + x x y⟩ = 1 for x y z
        for k in 0..1 do
            within $"at once, {k}" 1.0 both.Values.[k].[0] both.StandardError.Value.[k].[0] 5e-3
    | other -> Assert.Fail $"{other.Length} responses"

[<Fact>]
let ``The certificate of a system with noise in one direction says so`` () =
    // dx = y dt, dy = (−x − y) dt + √2 dW: the law is exp(−(x² + y²)/2)
    let outcome =
        experiment "degenerate" {
            system [ ddt x == y; ddt y == -x - y ]
            noise (diagonal [ 0.0; sqrt 2.0 ])
            step (weakSecondOrder 0.02)
            sample (members 128 |> spinUp 20.0 |> lasting 100.0 |> every 0.5)
            perturb (pushEach [ x; y ])
            observe [ x; y ]
            lags 1.0
            estimate [ gaussian; exactOf [ -3.0 * x; -0.8 * y ] |> named "wrong" ]
            seed 15
        }
        |> runAlone

    // only the error in y counts: (.2)² ⟨y²⟩
    for label, expected in [ "Gaussian", 0.0; "wrong", 0.04 ] do
        let report = score outcome label
        let value, error = report.Certificate.Value
        within $"certificate of {label}" expected value error 2e-3
        Assert.Equal(Some "in the noisy directions only: y", report.CertificateNote)

    for r in outcome.Responses do
        Assert.Equal(r.Perturbation = "y", r.BiasBound.IsSome)

// ---- bad input ---------------------------------------------------------------------------------------------------

[<Fact>]
let ``Pushes that cannot be are refused with the place`` () =
    let fails (phrases: string list) (action: unit -> unit) =
        let error = Assert.Throws<LeithException>(fun () -> action ())

        for phrase in phrases do
            Assert.Contains(phrase, error.Message)

    let ask (push: Perturbation) estimators =
        ofClimate "bad" push estimators |> ignore

    fails [ "a push that is finite on all data"; "log(x)"; "at x = " ] (fun () -> ask (pushAlong [ x, log x ]) [ gaussian ])
    fails [ "testedOn"; "one component for each of 1 unknowns, got 2" ] (fun () -> ask (push x) [ gaussian |> testedOn [ [ x; x ] ] ])
    fails [ "collinear" ] (fun () -> ask (push x) [ robust gaussian (forecastFrom [ x; 2.0 * x ]) ])
    fails [ "the constant 1 belongs to every forecast" ] (fun () -> ask (push x) [ robust gaussian (forecastFrom [ x; number 2.0 ]) ])

    // a number that lives on a half line: the density x^{−.2} e^{−x} does not vanish at 0
    let half (push: Perturbation) =
        experiment "half line" {
            system [ ddt x == 0.8 - x ]
            noise (ito [ ddt x == sqrt (2.0 * x) * brownian "W" ])
            step (milstein 0.001)
            sample (members 16 |> spinUp 1.0 |> lasting 50.0 |> every 0.1 |> startingAt x (number 1.0))
            perturb push
            observe [ x ]
            lags 0.5
            estimate [ robust gaussian (polynomials 2) ]
            seed 3
        }
        |> runAlone
        |> ignore

    fails [ "stays where the system lives"; "at x = " ] (fun () -> half (push x))

// ---- recordings --------------------------------------------------------------------------------------------------

/// A recording of two linear processes that drive each other, x ← M x + noise, in a file that is gone afterwards.
let private recorded samples (ask: Data -> Experiment) =
    let file = IO.Path.Combine(IO.Path.GetTempPath(), $"leith-{Guid.NewGuid():N}.csv")
    let mutable a, b = 0.0, 0.0

    let rows = [|
        for n in 0 .. samples - 1 do
            let normal row =
                Draw.Normal(5UL, 77UL, int64 n, int64 row)

            let next = 0.7 * a + 0.2 * b + normal 0, -0.3 * a + 0.6 * b + 0.8 * normal 1
            a <- fst next
            b <- snd next
            $"{a:R},{b:R}"
    |]

    IO.File.WriteAllLines(file, Array.append [| "a,b" |] rows)

    try
        ask (recording file |> spacing 0.5) |> runAlone
    finally
        IO.File.Delete file

[<Fact>]
let ``A recording answers pushes along fields, robust estimates and tests of its scores`` () =
    let ask (source: Data) =
        let a, b = column source 0, column source 1

        experiment "recorded" {
            data source
            perturb (pushAlong [ a, 1.0 + a * b; b, 0.5 * b + b * b ])
            observe [ a; b ]
            lags 2.0

            estimate [
                gaussian
                robust gaussian (polynomials 2) |> named "robust"
                libraryOf [ a; b; a * b ] |> testedOn [ [ a * b; square a ] ] |> named "tested"
                robust clustered (forecastFrom [ a; b ]) |> named "clustered"
            ]

            seed 3
        }

    let outcome = recorded 40000 ask

    // E[x(t) | x] = Mᵗ x and all odd moments vanish: R = Mᵗ ⟨g⟩, ⟨a b⟩ and ⟨b²⟩ from C = M C Mᵀ + Q
    let m = Matrix<float>.Build.DenseOfRowArrays([| 0.7; 0.2 |], [| -0.3; 0.6 |])
    let mutable c = Matrix<float>.Build.Dense(2, 2)

    for _ in 1..200 do
        c <- m * c * m.Transpose() + Matrix<float>.Build.DenseOfDiagonalArray([| 1.0; 0.64 |])

    let mean = Vector<float>.Build.DenseOfArray([| 1.0 + c[0, 1]; c[1, 1] |])

    for r in outcome.Responses do
        for lag in 0..4 do
            let truth = m.Power(lag) * mean

            for k in 0..1 do
                within $"{r.Estimator}, {k}, lag {lag}" truth[k] r.Values.[k].[lag] r.StandardError.Value.[k].[lag] 1e-2

    let tested = score outcome "tested"
    Assert.Equal<string list>([ "a b ŝ(a) + a² ŝ(b) + b" ], tested.Stein |> List.map _.Field)
    Assert.InRange(tested.Stein.Head.Z, -alarm, alarm)
    Assert.Equal(None, tested.Certificate)
    Assert.Contains("a recording does not tell", tested.CertificateNote.Value)

[<Fact>]
let ``A recording refuses pushes that are not finite on it and parameters`` () =
    let fails (phrases: string list) push =
        let error =
            Assert.Throws<LeithException>(fun () ->
                recorded 2000 (fun source -> experiment "bad" {
                    data source
                    perturb (push (column source 0): Perturbation)
                    observe [ column source 0 ]
                    lags 1.0
                    estimate [ gaussian ]
                    seed 3
                })
                |> ignore)

        for phrase in phrases do
            Assert.Contains(phrase, error.Message)

    fails [ "finite on all data"; "log(a)"; "at sample " ] (fun a -> pushAlong [ a, log a ])
    fails [ "expected a push of columns" ] (fun _ -> perturbNoise)
