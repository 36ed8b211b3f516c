module Leith.Tests.ForcedRuns

open System
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

// Pushes along vector fields, of parameters and of the noise, with any course in time: pairs of runs under ±ε against exact answers, and against what is made of impulse responses.

let private x = scalar "x"
let private y = scalar "y"

let private question title equations noise' push forcing observed longest estimators = {
    Title = title
    Source = Source.Simulated(equations, noise', heun 0.01, members 64 |> spinUp 10.0 |> lasting 20.0 |> every 0.1)
    Perturb = push
    Forcing = forcing
    Observe = observed
    Lags = longest
    Estimate = estimators
    Check = []
    Seed = 11
}

let private largest (a: Response) (b: Response) =
    Seq.map2 (fun (p: float[]) q -> Seq.map2 (fun (u: float) v -> abs (u - v)) p q |> Seq.max) a.Values b.Values
    |> Seq.max

/// x′ = −x + y, y′ = −0.5 y: pairs of runs of a linear system differ by no noise, and its propagator is known.
let private two = [ ddt x == -x + y; ddt y == -0.5 * y ]

[<Fact>]
let ``pairs of runs of a linear system answer every course in time as its propagator does`` () =
    let courses = [
        Forcing.Step
        ramp 1.3
        following (exp (-0.7 * Field.Time))
        periodic [ 0.0; 0.4; 3.0; 20.0 ]
    ]

    for forcing in courses do
        let outcome =
            runAlone (question "two" two (diagonal [ 1.0; 0.5 ]) (pushEach [ y; x ]) forcing [ x; y ] 12.0 [ dynamical (pairs 64); propagator ])

        let of' name =
            outcome.Responses |> List.filter (fun r -> r.Estimator = name)

        for direct, made in List.zip (of' "dynamical") (of' "propagator") do
            Assert.Equal(made.Axis, direct.Axis)
            Assert.Equal<string[]>(made.Components, direct.Components)
            Assert.Equal<float[]>(made.Lags, direct.Lags)
            // the step of the scheme (h² = 1e-4), the cubic through the lags, and what is left of the transient, e^{−6}
            let limit = if forcing.IsPeriodic then 6e-3 else 3e-4
            Assert.True(largest direct made < limit, $"{forcing}: {largest direct made}")

[<Fact>]
let ``a push that lasts gives the static sensitivity, from either side`` () =
    let outcome =
        runAlone (question "two" two (diagonal [ 1.0; 0.5 ]) (push y) Forcing.Step [ x; y ] 12.0 [ dynamical (pairs 64); propagator ])

    Assert.Equal(4, outcome.Sensitivities.Length)

    for s in outcome.Sensitivities do
        // −A⁻¹ (0, 1) = (2, 2)
        Assert.Equal(2.0, s.Value, 0.02)
        Assert.True(abs (s.Value - 2.0) <= 3.0 * s.StandardError + 0.002, $"{s.Estimator} {s.Observable}: {s.Value} ± {s.StandardError}")

// ---- one number with white noise: ρ ∝ exp(2/s² ∫ f), so every static answer is a quadrature ------------------------

/// ⟨A⟩ under dx = (F + a x + b x² − c x³) dt + s dW.
let private mean (force, a, b, c, s) (observable: float -> float) =
    let potential x =
        2.0 / (s * s) * (force * x + a * x * x / 2.0 + b * x ** 3.0 / 3.0 - c * x ** 4.0 / 4.0)

    let grid = [| for i in 0..24000 -> -12.0 + float i * 1e-3 |]
    let top = grid |> Array.map potential |> Array.max
    let weights = grid |> Array.map (fun x -> exp (potential x - top))
    Array.fold2 (fun sum x w -> sum + observable x * w) 0.0 grid weights / Array.sum weights

let private climate = 0.6, -0.0222, -0.2, 0.0494, 0.7071

/// A central difference of the quadrature.
let private slope (change: float -> _) observable =
    (mean (change 1e-4) observable - mean (change -1e-4) observable) / 2e-4

let private system = ClimateSystems.scalarAdditive x

let private climateQuestion title noise' push forcing observed longest spacing estimators = {
    question title system.Equations noise' push forcing observed longest estimators with
        Source = Source.Simulated(system.Equations, noise', heun 0.02, members 256 |> spinUp 40.0 |> lasting 500.0 |> every spacing)
}

let private checkSensitivities (outcome: Outcome) (expected: float list) limit =
    for s, exact in List.zip outcome.Sensitivities expected do
        // fixed seed; four standard errors, and that error small enough to mean something
        Assert.True(
            abs (s.Value - exact) <= 4.0 * s.StandardError + 1e-3 * abs exact,
            $"{s.Estimator}, {s.Observable} to {s.Perturbation}: {s.Value} ± {s.StandardError} (tail {s.Tail} ± {s.TailError}), expected {exact}"
        )

        Assert.True(s.StandardError < limit * max 1.0 (abs exact), $"{s.Estimator}, {s.Observable}: ± {s.StandardError}")

let private drift' =
    match system.Equations with
    | [ e ] -> e.Drift
    | _ -> failwith "one equation"

let private parameterNamed name =
    Field.parameters drift'
    |> List.pick (fun (found, value) ->
        if found = name then
            Some(Field.Parameter(found, value))
        else
            None)

[<Fact>]
let ``parameters of the drift move means as the stationary density says`` () =
    let observed = [ x; square x ]

    for name, change in
        [
            "F", (fun h -> let f, a, b, c, s = climate in f + h, a, b, c, s)
            "a", (fun h -> let f, a, b, c, s = climate in f, a + h, b, c, s)
            "c", (fun h -> let f, a, b, c, s = climate in f, a, b, c + h, s)
        ] do
        let outcome =
            runAlone (
                climateQuestion name system.Noise (perturbParameter (parameterNamed name)) Forcing.Step observed 16.0 0.5 [ dynamical (pairs 8192) ]
            )

        checkSensitivities outcome [ slope change id; slope change (fun x -> x * x) ] 0.07

[<Fact>]
let ``the amplitude of the noise moves means as the stationary density says`` () =
    let change h =
        let f, a, b, c, s = climate in f, a, b, c, s * (1.0 + h)

    let outcome =
        runAlone (climateQuestion "noise" system.Noise perturbNoise Forcing.Step [ x; square x ] 16.0 0.5 [ dynamical (pairs 8192) ])

    checkSensitivities outcome [ slope change id; slope change (fun x -> x * x) ] 0.07

// ---- fields -------------------------------------------------------------------------------------------------------

[<Fact>]
let ``pairs of runs of a linear field answer a kick that lasts, and a periodic one, as its propagator does`` () =
    let u = field "u" (torus 6.0 6)

    for forcing in [ Forcing.Step; periodic [ 0.5; 2.0 ] ] do
        let outcome =
            runAlone {
                question "field" [ ddt u == -u + 0.3 * lap u - 0.5 * dx u ] (perSite 0.5) (kick u (pixel 3 2)) forcing [ u ] 8.0 [
                    dynamical (pairs 32)
                    propagator
                ] with
                    Source =
                        Source.Simulated(
                            [ ddt u == -u + 0.3 * lap u - 0.5 * dx u ],
                            perSite 0.5,
                            exponentialRungeKutta4 0.05,
                            members 32 |> spinUp 10.0 |> lasting 20.0 |> every 0.1
                        )
            }

        match outcome.Responses with
        | [ direct; made ] ->
            Assert.Equal<string[]>(made.Components, direct.Components)
            Assert.True(largest direct made < 1e-3, $"{forcing}: {largest direct made}")
        | other -> failwith $"{other.Length} responses"

// ---- the linear range ---------------------------------------------------------------------------------------------

/// x′ = −x + √2 ξ observed by x + κ x²: R₁(t) = e^{−t} (⟨x⟩ = 0), R₂(t) = κ e^{−2t}, so the second-order part is κ ε of the first at t = 0, where both are largest.
let private bent kappa estimators =
    question $"bent {kappa}" [ ddt x == -x ] (perSite (sqrt 2.0)) (push x) Forcing.Impulse [ x + kappa * square x ] 2.0 estimators

[<Fact>]
let ``the linear range of a quadratic observable is tolerance over curvature`` () =
    Terminal.isQuiet <- true

    for kappa, tolerance in [ 0.05, 0.05; 0.2, 0.1 ] do
        match linearRange tolerance (bent kappa [ dynamical (pairs 4096) ]) with
        | [ range ] ->
            Assert.False range.IsBound
            let expected = tolerance / kappa
            // R₁ has the scatter of 1 + 2 κ x over 4096 members and more; fixed seed, four standard errors
            Assert.True(
                abs (range.Amplitude.Value - expected) <= 4.0 * range.Amplitude.StandardError,
                $"{range.Amplitude.Value} ± {range.Amplitude.StandardError}, expected {expected}"
            )

            Assert.True(range.Amplitude.StandardError < 0.05 * expected)

            for row in range.Rows do
                Assert.Equal(kappa * row.Amplitude ** 2.0, row.Second.Value, 1e-6 * row.Amplitude)
        | other -> failwith $"{other.Length} ranges"

[<Fact>]
let ``where nothing of second order is seen, the linear range is a bound; where nothing answers, it is refused`` () =
    Terminal.isQuiet <- true

    match linearRange 0.05 (bent 0.0 [ dynamical (pairs 64) ]) with
    | [ range ] -> Assert.True(range.IsBound)
    | other -> failwith $"{other.Length} ranges"

    let still = {
        bent 0.0 [ dynamical (pairs 64) ] with
            Source =
                Source.Simulated(
                    [ ddt x == -x; ddt y == -y ],
                    diagonal [ 1.0; 1.0 ],
                    heun 0.01,
                    members 64 |> spinUp 5.0 |> lasting 10.0 |> every 0.1
                )
            Observe = [ y ]
    }

    for asked, phrase in
        [
            (fun () -> linearRange 0.05 still), "stands out of its error"
            (fun () -> linearRange 1.5 still), "tolerance between 0 and 1, got 1.5"
            (fun () ->
                linearRange 0.1 {
                    still with
                        Forcing = periodic [ 1.0 ]
                }),
            "got a periodic push"
        ] do
        let error = Assert.Throws<LeithException>(fun () -> asked () |> ignore)
        Assert.Contains(phrase, error.Message)
