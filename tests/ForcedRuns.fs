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
let private average (force, a, b, c, s) (observable: float -> float) =
    let potential x =
        2.0 / (s * s) * (force * x + a * x * x / 2.0 + b * x ** 3.0 / 3.0 - c * x ** 4.0 / 4.0)

    let grid = [| for i in 0..24000 -> -12.0 + float i * 1e-3 |]
    let top = grid |> Array.map potential |> Array.max
    let weights = grid |> Array.map (fun x -> exp (potential x - top))
    Array.fold2 (fun sum x w -> sum + observable x * w) 0.0 grid weights / Array.sum weights

let private climate = 0.6, -0.0222, -0.2, 0.0494, 0.7071

/// A central difference of the quadrature.
let private slope (change: float -> _) observable =
    (average (change 1e-4) observable - average (change -1e-4) observable) / 2e-4

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

/// The distance of a curve from an exact one in standard errors, over lags after the first.
let private worst (r: Response) component' (exact: float -> float) =
    Seq.init (r.Lags.Length - 1) (fun i -> i + 1)
    |> Seq.map (fun i -> abs (r.Values[component'].[i] - exact r.Lags[i]) / (r.StandardError.Value[component'].[i] + 2e-3))
    |> Seq.max

[<Fact>]
let ``a change of the noise in time moves the variance as it must`` () =
    // x′ = −x + s (1 + ε f) ξ: δ⟨x²⟩ = 2 s² ∫ e^{−2(t − τ)} f(τ) dτ; 40 lags that move together at 4.5 standard errors, fixed seed
    let s = 0.8

    for forcing, answer in
        [
            Forcing.Step, (fun t -> s * s * (1.0 - exp (-2.0 * t)))
            following (exp -Field.Time), (fun t -> 2.0 * s * s * (exp -t - exp (-2.0 * t)))
        ] do
        let outcome =
            runAlone (question "noise" [ ddt x == -x ] (perSite s) perturbNoise forcing [ square x; x ] 4.0 [ dynamical (pairs 8192) ])

        let r = outcome.Responses.Head
        Assert.True(worst r 0 answer < 4.5, $"{forcing}: {worst r 0 answer} standard errors")
        Assert.True(Array.max r.StandardError.Value[0] < 0.03)
        Assert.True(worst r 1 (fun _ -> 0.0) < 4.5)

[<Fact>]
let ``the amplitude of a noise that depends on the state is a parameter like any other`` () =
    // x′ = −x + b x ξ + ξ′ (Itô): ⟨x²⟩ = 1/(2 − b²), so that d⟨x²⟩/db = 2 b/(2 − b²)²
    let b = parameter "b" 0.5

    let outcome =
        runAlone {
            question
                "multiplicative"
                [ ddt x == -x ]
                (ito [ ddt x == b * x * brownian "W" + brownian "V" ])
                (perturbParameter b)
                Forcing.Step
                [ square x ]
                8.0
                [ dynamical (pairs 16384) ] with
                Source =
                    Source.Simulated(
                        [ ddt x == -x ],
                        ito [ ddt x == b * x * brownian "W" + brownian "V" ],
                        weakSecondOrder 0.02,
                        members 64 |> spinUp 10.0 |> lasting 20.0 |> every 0.2
                    )
        }

    checkSensitivities outcome [ 2.0 * 0.5 / (2.0 - 0.25) ** 2.0 ] 0.03

[<Fact>]
let ``a push along a vector field of the state displaces it by that field`` () =
    // x′ = −x + √2 ξ, g = 1 + x²: u± = u ± ε g, so that R of x is ⟨1 + x²⟩ e^{−t} = 2 e^{−t} and R of x² is 2 ⟨x + x³⟩ e^{−2t} = 0
    let along = pushAlong [ x, 1.0 + square x ]

    let ask forcing =
        question "along" [ ddt x == -x ] (perSite (sqrt 2.0)) along forcing [ x; square x ] 3.0 [ dynamical (pairs 8192) ]

    let impulse' = (runAlone (ask Forcing.Impulse)).Responses.Head
    Assert.Equal("lag", impulse'.Axis)
    Assert.Equal(2.0, impulse'.Values[0].[0], 5.0 * impulse'.StandardError.Value[0].[0])
    Assert.True(worst impulse' 0 (fun t -> 2.0 * exp -t) < 4.5)
    Assert.True(worst impulse' 1 (fun _ -> 0.0) < 4.5)
    // and as a force: 2 (1 − e^{−t})
    let lasting' = (runAlone (ask Forcing.Step)).Responses.Head
    Assert.True(worst lasting' 0 (fun t -> 2.0 * (1.0 - exp -t)) < 4.5, $"{worst lasting' 0 (fun t -> 2.0 * (1.0 - exp -t))}")

[<Fact>]
let ``a nonlinear model under a ramp and a wave answers as its exact score says`` () =
    let system = ChaoticSystems.doubleWell x

    for forcing in [ ramp 1.0; periodic [ 0.3; 2.0 ] ] do
        let outcome =
            runAlone {
                question "double well" system.Equations system.Noise (push x) forcing [ x ] 12.0 [ dynamical (pairs 8192); exactOf system.Score ] with
                    Source = Source.Simulated(system.Equations, system.Noise, heun 0.02, members 512 |> spinUp 20.0 |> lasting 200.0 |> every 0.2)
            }

        match outcome.Responses with
        | [ direct; made ] ->
            for i in 0 .. direct.Values.Length - 1 do
                for j in 0 .. direct.Lags.Length - 1 do
                    let error =
                        sqrt (direct.StandardError.Value[i].[j] ** 2.0 + made.StandardError.Value[i].[j] ** 2.0)

                    // some of 61 lags that move together, four curves: |z| < 4.5, false alarm below 1e-3
                    Assert.True(
                        abs (direct.Values[i].[j] - made.Values[i].[j]) < 4.5 * error + 5e-3,
                        $"{forcing}, {direct.Components[i]} at {direct.Lags[j]}: {direct.Values[i].[j]}, {made.Values[i].[j]} ± {error}"
                    )
        | other -> failwith $"{other.Length} responses"

[<Fact>]
let ``events and quantiles answer pairs of runs, though they jump`` () =
    // x′ = −x + √2 ξ under a force that lasts: the law, a normal one, moves by 1 − e^{−t}; so does every quantile, and P(x > 1) by its density at 1 times that
    let asked forcing =
        question "events" [ ddt x == -x ] (perSite (sqrt 2.0)) (push x) forcing [ above 1.0 x; quantile 0.9 x ] 3.0 [ dynamical (pairs 16384) ]

    let r = (runAlone (asked Forcing.Step)).Responses.Head
    let density = exp -0.5 / sqrt (2.0 * Math.PI)
    Assert.True(worst r 0 (fun t -> density * (1.0 - exp -t)) < 4.5)
    // the density at the quantile comes from a record of 64 members: 5 % of it
    Assert.Equal(1.0 - exp -3.0, Array.last r.Values[1], 0.1)
    Assert.True(Array.last r.StandardError.Value[0] < 0.01)
    Assert.Contains("jumps", String.concat "; " r.Notes)

    let wave = (runAlone (asked (periodic [ 1.0 ]))).Responses.Head

    Assert.Equal<string[]>(
        [|
            "Re θ(x − 1)"
            "Im θ(x − 1)"
            "Re quantile 0.9 of x"
            "Im quantile 0.9 of x"
        |],
        wave.Components
    )
    // χ = 1/(1 − i)
    Assert.Equal(0.5 * density, wave.Values[0].[0], 4.5 * wave.StandardError.Value[0].[0] + 0.01 * density)
    Assert.Equal(0.5 * density, wave.Values[1].[0], 4.5 * wave.StandardError.Value[1].[0] + 0.01 * density)

// ---- what is refused ----------------------------------------------------------------------------------------------

let private refused (asked: Experiment) phrases =
    let error = Assert.Throws<LeithException>(fun () -> runAlone asked |> ignore)

    for phrase: string in phrases do
        Assert.Contains(phrase, error.Message)

[<Fact>]
let ``forcing that cannot be answered is refused before anything runs`` () =
    let asked forcing =
        question "refused" two (diagonal [ 1.0; 0.5 ]) (push y) forcing [ x ] 2.0 [ dynamical (pairs 16); gaussian ]

    let file (spacing': float) (values: float list) =
        let path = System.IO.Path.GetTempFileName()
        System.IO.File.WriteAllLines(path, values |> List.map string)
        series (recording path |> spacing spacing')

    refused (asked (file 0.2 [ for i in 0..50 -> float i ])) [ "at least as often as the lags, every 0.1"; "every 0.2" ]
    refused (asked (file 0.1 [ for i in 0..10 -> float i ])) [ "up to the longest lag 2"; "11 samples" ]
    refused (asked (periodic [ 40.0 ])) [ "angular frequencies up to π/0.1"; "got 40" ]
    Assert.Throws<LeithException>(fun () -> periodic [ -1.0 ] |> ignore) |> ignore

    refused
        {
            asked Forcing.Impulse with
                Perturb = perturbNoise
        }
        [ "change of the noise that lasts"; "lastingForcing" ]

    let outcome = runAlone (asked (file 0.05 [ for i in 0..50 -> 0.05 * float i ]))

    // f = t: y answers with (2 t − 4 + 4 e^{−t/2})
    Assert.Equal(2, outcome.Responses.Length)

[<Fact>]
let ``the exact score gives the static answers to parameters and to the noise, too`` () =
    let change name h =
        let f, a, b, c, s = climate

        match name with
        | "a" -> f, a + h, b, c, s
        | "c" -> f, a, b, c + h, s
        | _ -> f, a, b, c, s * (1.0 + h)

    for name, push' in
        [
            "a", perturbParameter (parameterNamed "a")
            "c", perturbParameter (parameterNamed "c")
            "noise", perturbNoise
        ] do
        let outcome =
            runAlone {
                climateQuestion name system.Noise push' Forcing.Step [ x; square x ] 16.0 0.5 [ exactOf system.Score ] with
                    Source = Source.Simulated(system.Equations, system.Noise, heun 0.05, members 1024 |> spinUp 40.0 |> lasting 600.0 |> every 0.5)
            }

        checkSensitivities outcome [ slope (change name) id; slope (change name) (fun x -> x * x) ] 0.2

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

/// u′ = −a u + κ Δu + F cos x + s ξ: the mean is F cos x/(a + κ), the variance of the mode k is s²/2(a + κ k²).
let private u = field "u" (torus (2.0 * Math.PI) 6)
let private a = parameter "a" 1.2
let private force = parameter "F" 0.7
let private strength = 0.5

let private forcedField push' forcing observed longest =
    let equations = [ ddt u == -a * u + 0.3 * lap u + force * cos (coordinate 0) ]

    {
        question "forced field" equations (perSite strength) push' forcing observed longest [ dynamical (pairs 256) ] with
            Source =
                Source.Simulated(equations, perSite strength, exponentialRungeKutta4 0.05, members 64 |> spinUp 10.0 |> lasting 20.0 |> every 0.1)
    }

[<Fact>]
let ``patterns, parameters and the noise of a field are pushed in runs under ±ε`` () =
    let only (outcome: Outcome) = outcome.Responses.Head
    let rate = 1.2 + 0.3
    let cosine = Array.init 6 (fun i -> cos (2.0 * Math.PI * float i / 6.0))
    let lasting t = (1.0 - exp (-rate * t)) / rate

    // a linear system: no scatter, but for the step of the scheme
    let agrees (r: Response) (pattern: float[]) (course: float -> float) =
        for i in 0..5 do
            for j in 0 .. r.Lags.Length - 1 do
                Assert.Equal(pattern[i] * course r.Lags[j], r.Values[i].[j], 2e-3)

    agrees (only (runAlone (forcedField (pushAlong [ u, cos (coordinate 0) ]) Forcing.Step [ u ] 4.0))) cosine lasting
    agrees (only (runAlone (forcedField (pushAlong [ u, cos (coordinate 0) ]) Forcing.Impulse [ u ] 4.0))) cosine (fun t -> exp (-rate * t))
    agrees (only (runAlone (forcedField (perturbParameter force) Forcing.Step [ u ] 4.0))) cosine lasting

    // δu = −∫ e^{−rate (t − τ)} ⟨u⟩ dτ
    let changed =
        only (runAlone (forcedField (perturbParameter a) Forcing.Step [ u ] 6.0))

    for i in 0..5 do
        let exact = -0.7 * cosine[i] / rate * lasting 6.0
        Assert.True(abs (changed.Values[i].[60] - exact) < 5.0 * changed.StandardError.Value[i].[60] + 2e-3)

    // d⟨u²⟩/dε = 2 ⟨(u − ⟨u⟩)²⟩ at late times, the mean over sites of many members
    let variance =
        Seq.allPairs (seq { 0..5 }) (seq { 0..5 })
        |> Seq.averageBy (fun (i, j) ->
            let wave n = float (if n > 3 then n - 6 else n)
            strength * strength / 2.0 / (1.2 + 0.3 * (wave i ** 2.0 + wave j ** 2.0)))

    let noisy =
        only (runAlone (forcedField perturbNoise Forcing.Step [ mean (square u) ] 6.0))

    let value, error =
        Array.last noisy.Values[0], Array.last noisy.StandardError.Value[0]

    Assert.True(abs (value - 2.0 * variance) < 5.0 * error, $"{value} ± {error}, expected {2.0 * variance}")
    Assert.True(error < 0.05 * value)

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

[<Fact>]
let ``the linear range of a field observed by u + κ u² is that of its site`` () =
    // as of one number: at t = 0 the kicked site has R₁ = 1 + 2 κ u and R₂ = κ
    Terminal.isQuiet <- true
    let u = field "u" (torus 6.0 4)

    let asked = {
        question "field" [ ddt u == -u + 0.3 * lap u ] (perSite 0.5) (kick u (pixel 0 0)) Forcing.Impulse [ u + 0.2 * square u ] 1.0 [
            dynamical (pairs 512)
        ] with
            Source =
                Source.Simulated(
                    [ ddt u == -u + 0.3 * lap u ],
                    perSite 0.5,
                    exponentialRungeKutta4 0.05,
                    members 64 |> spinUp 10.0 |> lasting 20.0 |> every 0.1
                )
    }

    match linearRange 0.1 asked with
    | [ range ] ->
        Assert.Equal(0.5, range.Amplitude.Value, 4.0 * range.Amplitude.StandardError)
        Assert.True(range.Amplitude.StandardError < 0.05)
    | other -> failwith $"{other.Length} ranges"
