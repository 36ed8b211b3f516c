module Leith.Tests.Observables

open System
open System.IO
open System.Numerics
open System.Threading
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private u = field "u" (ring 6.0 8)

let private advected = [ ddt u == -0.8 * u + 0.3 * lap u - 0.7 * dx u ]

let private onRing observe estimate = {
    Title = "ring"
    Source = Source.Simulated(advected, perSite 1.0, exponential 0.25, members 64 |> spinUp 10.0 |> lasting 500.0 |> every 0.25)
    Perturb = kick u (site [ 0 ])
    Forcing = Forcing.Impulse
    Observe = observe
    Lags = 3.0
    Estimate = estimate
    Check = []
    Seed = 5
}

let private of' estimator observable (outcome: Outcome) =
    outcome.Responses |> List.find (fun r -> r.Estimator = estimator && r.Observable = observable)

/// −C⁻¹u of the ring: s_k = −u_k (−2 Re L_k)/σ², written as a field.
let private ringScore = 2.0 * (-0.8 * u + 0.3 * lap u)

[<Fact>]
let ``Twice the field answers twice as much, by every estimator`` () =
    let twice = 2.0 * u

    let outcome =
        runAlone (
            onRing [ u; twice ] [
                gaussian
                exact ringScore
                dynamical (pairs 32)
                learned (residualNet |> channels 8 |> layers 1 |> steps 20)
            ]
        )

    for estimator in [ "Gaussian"; "exact score"; "dynamical"; "learned" ] do
        let one = of' estimator "u" outcome
        let two = of' estimator (string twice) outcome

        for a, b in Array.zip (Array.concat one.Values) (Array.concat two.Values) do
            Assert.Equal(2.0 * a, b, 1e-9)

        for a, b in Array.zip (Array.concat one.StandardError.Value) (Array.concat two.StandardError.Value) do
            Assert.Equal(2.0 * a, b, 1e-9)

[<Fact>]
let ``A cube of a Gaussian field answers three times its variance times the propagator`` () =
    // ⟨u³(τ) s(0)⟩ is linear in u(0) by Wick's theorem: R = 3 ⟨u²⟩ exp(Lτ). Twins need no theorem. 13 lags × 8 sites, |z| < 4.5: false alarm below 1e-3, fixed seed.
    let outcome =
        runAlone (onRing [ u; cube u ] [ gaussian; exact ringScore; dynamical (pairs 4096) ])

    let linear = of' "Gaussian" "u" outcome
    let model = Lower.system advected (perSite 1.0)

    let variance =
        (LinearLaw.StationaryPower model |> Array.sum) / float (model.Rows * model.Rows)

    for estimator in [ "Gaussian"; "exact score"; "dynamical" ] do
        let answer = of' estimator (string (cube u)) outcome

        for lag in 0 .. answer.Lags.Length - 1 do
            for x in 0..7 do
                let expected = 3.0 * variance * linear.Values[x][lag]

                let error =
                    answer.StandardError.Value[x][lag] + 3.0 * variance * linear.StandardError.Value[x][lag]

                Assert.True(
                    abs (answer.Values[x][lag] - expected) < 4.5 * error + 1e-9,
                    $"{estimator}, lag {lag}, x+{x}: {answer.Values[x][lag]} against {expected} ± {error}"
                )

[<Fact>]
let ``A square may be observed: it answers nothing in a symmetric law`` () =
    // 13 lags × 8 sites, |z| < 4.5: false alarm below 1e-3, fixed seed.
    let outcome = runAlone (onRing [ square u ] [ gaussian; exact ringScore ])

    for response in outcome.Responses do
        Array.zip (Array.concat response.Values) (Array.concat response.StandardError.Value)
        |> Array.iter (fun (value, error) -> Assert.True(abs value < 4.5 * error + 1e-12, $"{response.Estimator}: {value} ± {error}"))

[<Fact>]
let ``A kick at another site of a torus gives the same response, moved`` () =
    let grid = Grid([| 6; 5 |], [| 2.0; 3.0 |])
    let v = field "v" (rectangle (2.0, 3.0) (6, 5))

    let model =
        Lower.system [ ddt v == -1.0 * v + 0.02 * lap v - 0.4 * dx v + 0.3 * dy v ] (perSite 1.0)

    let twins (place: int[]) =
        let waves = grid.Wavevectors()

        let kick =
            waves
            |> Array.map (fun k ->
                let phase = -(k[0] * float place[0] * 2.0 / 6.0 + k[1] * float place[1] * 3.0 / 5.0)
                Complex.FromPolarCoordinates(1.0, phase))

        let plan = TwinPlan(16, 1, 1.0, 0.0, 2.0, 0.5, kick, 0.1)

        TwinResponse
            .Run(
                (fun seed -> Simulation(model, Scheme.Exponential, 0.25, seed)),
                grid,
                grid.Sites,
                plan,
                3UL,
                null,
                1.0,
                16L,
                2,
                null,
                CancellationToken.None
            )
            .Values

    let origin, moved = twins [| 0; 0 |], twins [| 4; 2 |]

    for lag in 0 .. origin.Length - 1 do
        for site in 0 .. grid.Sites - 1 do
            let at = grid.Unravel site
            let shifted = grid.Ravel(ReadOnlySpan [| at[0] + 4; at[1] + 2 |])
            Assert.Equal(origin[lag][site], moved[lag][shifted], 1e-10)

[<Fact>]
let ``In a double well the learned and the exact score agree with twins, and the Gaussian does not`` () =
    let x = scalar "x"

    let outcome =
        runAlone {
            Title = "double well"
            Source =
                Source.Simulated([ ddt x == x - cube x ], perSite 0.7, eulerMaruyama 0.005, members 512 |> spinUp 20.0 |> lasting 200.0 |> every 0.1)
            Perturb = push x
            Forcing = Forcing.Impulse
            Observe = [ x ]
            Lags = 1.0
            Estimate = [
                dynamical (pairs 8192)
                gaussian
                exact (2.0 / 0.49 * (x - cube x))
                learned (mlp |> steps 1500)
            ]
            Check = []
            Seed = 2
        }

    let distance estimator =
        (outcome.Errors |> List.find (fun e -> e.Estimator = estimator)).L2 |> Array.max

    // The response lies between 0 and 1. Twins have a standard error near .005; the exact score belongs to dt → 0 and the learned one to a smoothed density.
    Assert.InRange(distance "exact score", 0.0, 0.03)
    Assert.InRange(distance "learned", 0.0, 0.06)
    Assert.InRange(distance "Gaussian", 0.15, 1.0)

[<Fact>]
let ``Questions that an estimator cannot answer are refused before anything runs`` () =
    let refused part (experiment: Experiment) =
        let error = Assert.Throws<LeithException>(fun () -> Experiment.validate experiment)
        Assert.Contains(part, error.Message)

    let asked = onRing [ u ] [ gaussian ]
    refused "`propagator` expected unknowns as observables" (onRing [ square u ] [ propagator ])
    refused "whole multiple of the time between samples, 0.25, got 2.1; write 2 or 2.25" { asked with Lags = 2.1 }

    let forced =
        Source.Simulated([ ddt u == -u + sin t ], perSite 1.0, exponential 0.25, members 16 |> lasting 10.0 |> every 0.25)

    refused "expected a stationary system, got a drift that depends on the time t" { asked with Source = forced }
    let series = recording "series.npy"

    refused "'learned' expected a model to run, got a recording" {
        asked with
            Source = Source.Recorded series
            Perturb = push (column series 0)
            Forcing = Forcing.Impulse
            Observe = everyColumn series
            Estimate = [ learned mlp ]
    }

[<Fact>]
let ``A network learns the unknown that is pushed, wherever it stands among several`` () =
    // v drives nothing, so that the law of u is the Gaussian one of the ring, and the network adds only what it takes for more than that.
    let v = field "v" (ring 6.0 8)

    let outcome =
        runAlone {
            onRing [ u ] [ gaussian; learned (residualNet |> channels 8 |> layers 1 |> steps 40) ] with
                Source =
                    Source.Simulated(
                        (ddt v == -1.0 * v) :: advected,
                        independent [ on v (perSite 3.0); on u (perSite 1.0) ],
                        exponential 0.25,
                        members 64 |> spinUp 10.0 |> lasting 500.0 |> every 0.25
                    )
        }

    let plain, learned = of' "Gaussian" "u" outcome, of' "learned" "u" outcome

    for expected, found in Array.zip (Array.concat plain.Values) (Array.concat learned.Values) do
        Assert.Equal(expected, found, 0.02)

    // The statistics are those of u, not of v, whose variance is 4.5.
    let variance =
        [ 0; 1; 2; 3; 4; -3; -2; -1 ]
        |> List.averageBy (fun n -> 0.5 / (0.8 + 0.3 * (2.0 * Math.PI * float n / 6.0) ** 2.0))

    Assert.Equal("u", outcome.Statistics.Head.Of)
    Assert.Equal(variance, outcome.Statistics.Head.Variance.Value, 0.01)
