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
