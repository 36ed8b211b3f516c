/// Patterns that push a field and numbers that are observed of it: against exact answers, and against sums over the response to one kick.
module Leith.Tests.Patterns

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20261125UL, 125UL), property)

let private u = field "u" (ring 6.0 12)

let private asked (system': StochasticSystem) (push: Perturbation) estimators observed = experiment "patterns" {
    system system'.Equations.Head
    noise system'.Noise
    step system'.Step
    sample (members 32 |> spinUp 10.0 |> lasting 60.0 |> every 0.5)
    perturb push
    observe observed
    lags 2.0
    estimate estimators
    seed 5
}

let private linear = FieldSystems.advectionDiffusionWith 0.1 0.5 1.0 1.0 u
let private quartic = FieldSystems.phiFourthWith 1.0 1.0 1.0 1.0 u

let private answer (outcome: Outcome) estimator (observable: Field) =
    outcome.Responses
    |> List.find (fun r -> r.Estimator = estimator && r.Observable = string observable)

[<Fact>]
let ``a Fourier mode decays and moves as its own`` () =
    let k = 2.0 * Math.PI / 6.0 * 2.0

    let outcome =
        runAlone (asked linear (pushAlong [ u, fourierMode u [ 2 ] ]) [ propagator; gaussian; exact linear.Score.Head ] [ u ])

    for name in [ "propagator"; "Gaussian"; "exact score" ] do
        let r = answer outcome name u

        for lag in 0..4 do
            for x in 0..11 do
                let t, place = r.Lags[lag], float x * 0.5
                let expected = exp (-(0.5 + 0.1 * k * k) * t) * cos (k * (place - t))

                let error =
                    r.StandardError |> Option.map (fun e -> e[x].[lag]) |> Option.defaultValue 0.0

                Assert.True(
                    abs (r.Values[x].[lag] - expected) < 4.5 * error + 1e-9,
                    $"{name} at {place}, {t}: {r.Values[x].[lag]} ± {error}, expected {expected}"
                )

/// Σ over the answers to one kick: Σ_x w(x)/N Σ_y R(x − y) g(y).
let private summed (r: Response) (w: float[]) (g: float[]) lag =
    let n = w.Length

    Seq.sum (
        seq {
            for x in 0 .. n - 1 do
                for y in 0 .. n - 1 -> w[x] / float n * r.Field.Value[lag].[(x - y + n) % n] * g[y]
        }
    )

let private grid = (Lower.gridOf u).Value

[<Fact>]
let ``answers to patterns and means over regions are sums over the answer to one kick`` () =
    let weights, pattern =
        bump u [ 1.7 ] 0.6, 1.0 + fourierMode u [ 1 ] + 0.3 * bump u [ 4.0 ] 0.4

    let square' = square u
    let region = regionMean (regionOf [ 1.0, 3.0 ]) u
    let shells = shellVariance u 1

    let observed = [
        u
        mean (weights * u)
        mean (weights * square')
        region
        2.0 * mean u - mean square' / 3.0
        shells
    ]

    let library = libraryOf [ u; cube u ]
    let rob = robust gaussian (polynomials 3) |> named "robust"

    let patterned =
        runAlone (asked quartic (pushAlong [ u, pattern ]) [ gaussian; library; rob ] observed)

    let filtered =
        spectral "shell 1" (fun k ->
            k.SquaredAtMost(2.25 * (2.0 * Math.PI / 6.0) ** 2.0)
            - k.SquaredAtMost(0.25 * (2.0 * Math.PI / 6.0) ** 2.0))

    let kicked =
        runAlone (asked quartic (kick u (site [ 0 ])) [ gaussian; library; rob ] [ u; square'; square (filtered u); 2.0 * u - square' / 3.0 ])

    let sites f = FieldFunctionals.atSites "test" grid f
    let ones = Array.create 12 1.0
    let g = sites pattern

    let inside =
        Array.init 12 (fun x ->
            if float x * 0.5 > 0.999 && float x * 0.5 < 2.999 then
                3.0
            else
                0.0)

    for name in [ "Gaussian"; "library"; "robust" ] do
        let one field = answer kicked name field

        for observable, field, w in
            [
                mean (weights * u), u, sites weights
                mean (weights * square'), square', sites weights
                region, u, inside
                shells, square (filtered u), ones
                2.0 * mean u - mean square' / 3.0, 2.0 * u - square' / 3.0, ones
            ] do
            let r = answer patterned name observable
            Assert.Equal(1, r.Components.Length)
            Assert.True(r.Field.IsNone)

            for lag in 0..4 do
                let expected = summed (one field) w g lag
                Assert.InRange(abs (r.Values[0].[lag] - expected), 0.0, 1e-9 * (1.0 + abs expected))
                Assert.InRange(r.StandardError.Value[0].[lag], 0.0, 1.0)

        let whole = answer patterned name u

        for x in 0..11 do
            let here = Array.init 12 (fun i -> if i = x then 12.0 else 0.0)
            Assert.InRange(abs (whole.Values[x].[2] - summed (one u) here g 2), 0.0, 1e-9)

        Assert.True((answer patterned name region).BiasBound.IsSome)

[<Fact>]
let ``the mean over a region after a kick of a site counts places, not offsets`` () =
    let region = mean (bump u [ 2.0 ] 0.3 * u)
    let outcome = runAlone (asked linear (kick u (site [ 4 ])) [ gaussian ] [ region ])
    let w = FieldFunctionals.atSites "test" grid (bump u [ 2.0 ] 0.3)
    Assert.Equal(w[4] / 12.0, (answer outcome "Gaussian" region).Values[0].[0], 12)

// ---- pushes that depend on the state -----------------------------------------------------------------------------

let private rates =
    grid.Wavevectors() |> Array.map (fun k -> 0.5 + 0.1 * k[0] * k[0])

// ⟨u²⟩ = Σ_k s²/(2 V γ_k), u ↦ (1 + ε) u at time 0
let private variances = rates |> Array.map (fun rate -> 1.0 / (2.0 * 6.0 * rate))

let private agree (r: Response) component' (expected: float -> float) =
    for lag in 0 .. r.Lags.Length - 1 do
        let value, error =
            r.Values[component'].[lag], r.StandardError.Value[component'].[lag]

        let exact = expected r.Lags[lag]
        Assert.InRange(error, 1e-9, 0.3 * Array.sum variances)
        Assert.True(abs (value - exact) < 4.5 * error, $"{r.Estimator} of {r.Observable} at {r.Lags[lag]}: {value} ± {error}, expected {exact}")

[<Fact>]
let ``a push along the field itself decays as the variance of every mode`` () =
    let ubar = mean u

    let outcome =
        runAlone (asked linear (pushAlong [ u, u ]) [ gaussian; exact linear.Score.Head; libraryOf [ u ] ] [ mean (square u); square u; ubar * ubar ])

    let expected t =
        Seq.sum (Seq.map2 (fun c rate -> 2.0 * c * exp (-2.0 * rate * t)) variances rates)

    for name in [ "Gaussian"; "exact score"; "library" ] do
        agree (answer outcome name (mean (square u))) 0 expected
        agree (answer outcome name (square u)) 0 expected
        agree (answer outcome name (ubar * ubar)) 0 (fun t -> 2.0 * variances[0] * exp (-2.0 * rates[0] * t))

[<Fact>]
let ``a push by a pattern times the field is answered place by place`` () =
    let wave = fourierMode u [ 1 ]

    let outcome =
        runAlone (asked linear (pushAlong [ u, wave * u ]) [ exact linear.Score.Head ] [ square u; mean (wave * square u) ])

    let at = FieldFunctionals.atSites "test" grid wave
    let r = answer outcome "exact score" (square u)
    Assert.Equal(12, r.Components.Length)

    for x in 0..11 do
        let value, error = r.Values[x].[0], r.StandardError.Value[x].[0]
        let expected = 2.0 * at[x] * Array.sum variances
        Assert.True(abs (value - expected) < 4.5 * error, $"{x}: {value} ± {error}, expected {expected}")

    let number = answer outcome "exact score" (mean (wave * square u))
    let value, error = number.Values[0].[0], number.StandardError.Value[0].[0]
    Assert.True(abs (value - Array.sum variances) < 4.5 * error)

[<Fact>]
let ``a parameter of the drift is answered by what it multiplies`` () =
    // ∂F/∂λ = −u for good: the variance falls by ∫ 2 Σ C e^{−2γs} ds
    let outcome =
        runAlone (asked linear (perturbParameter (parameter "λ" 0.5)) [ exact linear.Score.Head ] [ mean (square u) ])

    let r = answer outcome "exact score" (mean (square u))

    for lag in 1 .. r.Lags.Length - 1 do
        let t = r.Lags[lag]

        let expected =
            -Seq.sum(Seq.map2 (fun c rate -> c * (1.0 - exp (-2.0 * rate * t)) / rate) variances rates)
        // samples every half a unit: Simpson's rule is off by a per cent
        Assert.True(
            abs (r.Values[0].[lag] - expected) < 4.5 * r.StandardError.Value[0].[lag] + 0.02 * abs expected,
            $"{t}: {r.Values[0].[lag]}, expected {expected}"
        )

[<Fact>]
let ``pairs of runs agree with the conjugate of a push along u³`` () =
    let outcome =
        runAlone (
            asked
                {
                    quartic with
                        Step = exponentialRungeKutta4 0.0025 |> aliased
                }
                (pushAlong [ u, cube u ]) [ dynamical (pairs 1000); exact quartic.Score.Head ] [ mean (square u) ]
        )

    let truth, conjugate =
        answer outcome "dynamical" (mean (square u)), answer outcome "exact score" (mean (square u))

    for lag in 0..4 do
        let error =
            sqrt (truth.StandardError.Value[0].[lag] ** 2.0 + conjugate.StandardError.Value[0].[lag] ** 2.0)

        Assert.True(
            abs (truth.Values[0].[lag] - conjugate.Values[0].[lag]) < 4.5 * error + 1e-3,
            $"{truth.Values[0].[lag]} and {conjugate.Values[0].[lag]} ± {error}"
        )

[<Fact>]
let ``what a conjugate cannot be made for is refused`` () =
    let refused push estimator text =
        let message =
            (Assert.Throws<LeithException>(fun () -> runAlone (asked linear push [ estimator ] [ mean (square u) ]) |> ignore)).Message

        Assert.Contains(text, message)

    refused
        (pushAlong [ u, cube u ])
        (robust gaussian (polynomials 3))
        "expected gaussian, exact, libraryOf or learned for a push that depends on the state"

    refused perturbNoise gaussian "take dynamical"

[<Fact>]
let ``a bump is a Gaussian near its centre and periodic, a region has the sites between its sides`` () =
    let agrees (centre: float, width: float) =
        let at =
            FieldFunctionals.atSites "test" (Grid([ 600 ], [ 6.0 ])) (bump u [ centre ] width)

        let top = Array.max at

        let shifted =
            FieldFunctionals.atSites "test" (Grid([ 600 ], [ 6.0 ])) (bump u [ centre + 6.0 ] width)

        for i in 0..599 do
            let distance = abs (Math.IEEERemainder(float i * 0.01 - centre, 6.0))
            Assert.InRange(abs (at[i] - shifted[i]), 0.0, 1e-9)

            if distance < width then
                let gauss = exp (-0.5 * (distance / width) ** 2.0)
                Assert.InRange(abs (at[i] - gauss), 0.0, 0.05 * width * width + 1e-9)

        top <= 1.0 + 1e-12

    let cases = gen {
        let! centre = Gen.choose (0, 600)
        let! width = Gen.choose (5, 80)
        return float centre / 100.0, float width / 100.0
    }

    throughout 40 (Prop.forAll (Arb.fromGen cases) agrees)
    let inside = FieldFunctionals.atSites "test" grid (regionOf [ 1.0, 3.0 ])
    Assert.Equal<float[]>(Array.init 12 (fun i -> if i >= 2 && i < 6 then 1.0 else 0.0), inside)

[<Fact>]
let ``patterns that cannot be are refused with a sentence`` () =
    let refused (make: unit -> 'a) (text: string) =
        let message = (Assert.Throws<LeithException>(fun () -> make () |> ignore)).Message
        Assert.Contains(text, message)

    refused (fun () -> fourierMode u [ 1; 2 ]) "fourierMode: expected 1 numbers, one for each axis of u, got 2."
    refused (fun () -> fourierMode u [ 7 ]) "expected at most 6 waves along axis 0"
    refused (fun () -> bump u [ 1.0 ] 0.0) "bump: expected a positive width, got 0."
    refused (fun () -> bump (square u) [ 1.0 ] 1.0) "bump: expected an unknown field"
    refused (fun () -> regionOf [ 2.0, 1.0 ]) "regionOf: expected sides from low to high, got 2 to 1."
    refused (fun () -> regionMean (regionOf [ 7.0, 8.0 ]) u) "expected weights that are not 0 everywhere"
    refused (fun () -> regionMean u u) "expected weights of the place alone"
    refused (fun () -> shellVariance u -1) "shellVariance: expected a shell from 0 on, got -1."
    let v = field "v" (ring 6.0 12)
    refused (fun () -> runAlone (asked linear (pushAlong [ u, 1.0 / (coordinate 0 - 1.0) ]) [ gaussian ] [ u ])) "expected finite values"
    ignore v
