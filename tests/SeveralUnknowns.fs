module Leith.Tests.SeveralUnknowns

open System
open System.IO
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

// Experiments of several unknowns, lattices and noises that depend on the state, written in the language and run to the end; answers known in closed form.

let private refused (phrase: string) work =
    let error = Assert.Throws<LeithException>(fun () -> work () |> ignore)
    Assert.Contains(phrase, error.Message)

/// Largest distance to an exact response, in standard errors, over sites and lags; a false alarm at 4.5 has probability 7e-6 a number.
let private worst (exact: float -> int -> float) (r: Response) =
    Seq.zip3 r.Lags r.Field.Value r.FieldStandardError.Value
    |> Seq.collect (fun (t, values, errors) -> values |> Seq.mapi (fun site v -> abs (v - exact t site) / (errors[site] + 1e-9)))
    |> Seq.max

let private lattice' = field "u" (lattice (ring 6.0 6))

/// The circulant response of u_{n+1} = u_n + h F u_n on the lattice ring, F = −a + κ (shift⁺ + shift⁻ − 2)/dx².
let private latticeResponse a kappa h steps =
    let mutable state = Array.init 6 (fun i -> if i = 0 then 1.0 else 0.0)

    for _ in 1..steps do
        state <-
            Array.init 6 (fun i ->
                let left, right = state[(i + 5) % 6], state[(i + 1) % 6]
                state[i] + h * (-a * state[i] + kappa * (left + right - 2.0 * state[i])))

    state

[<Fact>]
let ``the response on a lattice is that of its finite differences, by twins, field kicks and the Gaussian score`` () =
    let u = lattice'

    let estimators = [
        dynamical (pairs 64) |> named "twins"
        dynamical (standardError 0.05 |> by fieldKicks) |> named "kicks"
        gaussian
    ]

    let outcome =
        runAlone (
            experiment "lattice" {
                system (ddt u == -1.0 * u + 0.4 * lap u)
                noise (perSite 1.0)
                step (eulerMaruyama 0.05)
                sample (members 64 |> spinUp 10.0 |> lasting 60.0 |> every 0.1)
                perturb (kick u (site [ 2 ]))
                observe [ u ]
                lags 1.0
                estimate estimators
                seed 3
            }
        )

    let exact (t: float) site =
        (latticeResponse 1.0 0.4 0.05 (int (Math.Round(t / 0.05))))[site]

    for r in outcome.Responses do
        Assert.True(worst exact r < 4.5, $"{r.Estimator}: {worst exact r} standard errors off")

[<Fact>]
let ``a field that another one drives answers through it`` () =
    let box = ring 6.0 6
    let u, v = field "u" box, field "v" box

    // dv = −v + u: a push of u by one shows in v as t e^{−t} where both decay at rate 1
    let outcome =
        runAlone (
            experiment "driven" {
                system [ ddt u == -u; ddt v == u - v ]
                noise (independent [ on u (perSite 1.0); on v (perSite 0.3) ])
                step (rk4 0.05)
                sample (members 64 |> spinUp 5.0 |> lasting 40.0 |> every 0.25)
                perturb (kick u (site [ 0 ]))
                observe [ u; v ]
                lags 2.0

                estimate [
                    dynamical (pairs 32)
                    dynamical (standardError 0.05 |> by fieldKicks) |> named "kicks"
                ]

                seed 5
            }
        )

    for r in outcome.Responses do
        for lag, t in Seq.indexed r.Lags do
            let expected = if r.Observable = "u" then exp -t else t * exp -t

            Assert.Equal(expected, r.Field.Value[lag][0], 1e-4 + 4.5 * r.FieldStandardError.Value[lag][0])

[<Fact>]
let ``Stratonovich noise and its Itô form are one system, whatever calculus the step reads`` () =
    let x = scalar "x"
    let w = brownian "W"
    // dx = −x dt + (½ x + ½) ∘ dW: the added drift is ½ · ½ (½ x + ½)
    let drift = -1.0 * x
    let plain = stratonovich [ ddt x == (0.5 * x + 0.5) * w ]
    let added = Lower.addedDrift (eulerMaruyama 0.01) [ ddt x == drift ] plain
    Assert.Equal(1, added.Length)
    let value = Field.evaluate (fun _ -> 3.0) 0.0 (snd added.Head)
    Assert.Equal(0.25 * (0.5 * 3.0 + 0.5), value, 12)
    Assert.Empty(Lower.addedDrift (heun 0.01) [ ddt x == drift ] plain)

    let back =
        Lower.addedDrift (heun 0.01) [ ddt x == drift ] (ito [ ddt x == (0.5 * x + 0.5) * w ])

    Assert.Equal(-value, Field.evaluate (fun _ -> 3.0) 0.0 (snd back.Head), 12)

    // the mean relaxes to m with −m + ¼(½ m + ½) = 0, m = 1/7, by Heun on the one and Milstein on the other
    let mean step noise' =
        let model = Lower.systemFor step [ ddt x == drift ] noise'
        let plan = SamplingPlan(512, 10.0, 200.0, 0.5)
        let moments = Moments(model, plan)
        Simulation(model, step.Scheme, step.Size, 11UL).Run(plan, (fun tile -> moments.Open tile), 2, null, Threading.CancellationToken.None)
        moments.Mean[0]

    // standard error about .002
    Assert.Equal(1.0 / 7.0, mean (heun 0.02) plain, 0.01)
    Assert.Equal(1.0 / 7.0, mean (milstein 0.02) plain, 0.01)
    Assert.Equal(1.0 / 7.0, mean (weakSecondOrder 0.02) plain, 0.01)

[<Fact>]
let ``noise in proportion to a field makes it grow as the exponential of half its variance`` () =
    // du = ½ u ∘ ξ at each of six sites from u = 1: ⟨u⟩ = e^{t/8} in Stratonovich's sense, 1 in Itô's
    let u = field "u" (lattice (ring 6.0 6))
    let xi = whiteNoise "ξ" (lattice (ring 6.0 6))

    let meanAt step noise' =
        let model = Lower.systemFor step [ ddt u == number 0.0 ] noise'
        let start = Lower.initial model [ u ] [ u, number 1.0 ]
        let plan = SamplingPlan(2048, 1.0, 0.05, 0.05)
        let saver = Saver<float>(model, plan)

        Simulation(model, step.Scheme, step.Size, 5UL, true, Initial = start)
            .Run(plan, (fun tile -> saver.Open tile), 2, null, Threading.CancellationToken.None)

        Array.average saver.Values

    // standard deviation of u about .54, 12288 values: standard error .005
    for step in [ milstein 0.05; heun 0.05; eulerMaruyama 0.05; weakSecondOrder 0.05 ] do
        Assert.Equal(exp 0.125, meanAt step (stratonovich [ ddt u == 0.5 * u * xi ]), 0.025)
        Assert.Equal(1.0, meanAt step (ito [ ddt u == 0.5 * u * xi ]), 0.025)

[<Fact>]
let ``what an equation divides by is watched: step, member and site of a change of sign`` () =
    let x = scalar "x"

    let runScalarFrom value =
        let model = Lower.system [ ddt x == 0.01 / x - x ] (perSite 1.0)
        let plan = SamplingPlan(16, 0.0, 20.0, 1.0)
        let moments = Moments(model, plan)
        let start = Lower.initial model [ x ] [ x, number value ]

        Simulation(model, Scheme.EulerMaruyama, 0.01, 1UL, Initial = start)
            .Run(plan, (fun tile -> moments.Open tile), 1, null, Threading.CancellationToken.None)

    refused "expected x, by which the equation divides, to keep its sign, but it crossed zero at step" (fun () -> runScalarFrom 0.5)
    refused "member " (fun () -> runScalarFrom 0.5)
    refused "member 0: expected x, by which the equation divides, to keep its sign, but it crossed zero at step 1 " (fun () -> runScalarFrom 0.0)

    let u = field "u" (ring 6.0 6)

    let runField () =
        let model = Lower.system [ ddt u == -u + 0.1 / (1.0 + u) ] (perSite 1.0)
        let plan = SamplingPlan(16, 0.0, 20.0, 1.0)
        let power = ModePower(model, plan)
        Simulation(model, Scheme.EulerMaruyama, 0.01, 1UL).Run(plan, (fun tile -> power.Open tile), 1, null, Threading.CancellationToken.None)

    refused "by which the equation divides, to keep its sign, but it crossed zero at site (" runField

[<Fact>]
let ``a grid too large for memory is refused before anything is allocated`` () =
    refused "sites, got" (fun () -> field "u" (torus 1.0 40000))
    let u = field "u" (torus 1.0 4096)

    let large = experiment "large" {
        system (ddt u == -u)
        noise (perSite 1.0)
        step (exponential 0.5)
        sample (members 64 |> lasting 100.0 |> every 0.5)
        perturb (kick u (pixel 0 0))
        observe [ u ]
        lags 10.0
        estimate [ gaussian ]
    }

    refused "of memory that are free here, but it takes about" (fun () -> Plan.demandMemory 2 24e9 large)

[<Fact>]
let ``unknowns start where the script says`` () =
    let u = field "u" (ring (2.0 * pi) 8)
    let x = scalar "x"
    let equations = [ ddt u == number 0.0; ddt x == number 0.0 ]
    let model = Lower.system equations (perSite 0.0)

    let start = Lower.initial model [ u; x ] [ u, sin (coordinate 0); x, number 2.5 ]

    let plan = SamplingPlan(3, 0.0, 1.0, 1.0)
    let saver = Saver<float>(model, plan)

    Simulation(model, Scheme.EulerMaruyama, 1.0, 1UL, true, Initial = start)
        .Run(plan, (fun tile -> saver.Open tile), 1, null, Threading.CancellationToken.None)

    let state = saver.State(0L, 2).ToArray()

    for i in 0..7 do
        Assert.Equal(sin (2.0 * pi * float i / 8.0), state[i], 12)

    Assert.Equal(2.5, state[8], 12)
    refused "expected numbers, parameters and coordinates" (fun () -> Lower.initial model [ u; x ] [ u, x ])
    refused "expected unknowns of the system" (fun () -> Lower.initial model [ u ] [ x, number 1.0 ])

[<Fact>]
let ``an automatic step is chosen, run and told`` () =
    let x = scalar "x"

    let outcome =
        runAlone (
            experiment "automatic" {
                system (ddt x == x - cube x)
                noise (perSite 0.7)
                step automatic
                sample (members 64 |> spinUp 10.0 |> lasting 50.0 |> every 0.5)
                perturb (push x)
                observe [ x ]
                lags 1.0
                estimate [ gaussian ]
            }
        )

    Assert.Contains(outcome.Description, (fun (name, text) -> name = "step" && text.Contains "dt = "))

[<Fact>]
let ``the Gaussian estimate of several fields says that it sees the kicked one alone`` () =
    let u, v = field "u" (ring 4.0 4), field "v" (ring 4.0 4)

    let notes (equations: Equation list) =
        let outcome =
            runAlone (
                experiment "what a Gaussian estimate sees" {
                    system equations
                    noise (perSite 1.0)
                    step (exponential 0.5)
                    sample (members 16 |> lasting 8.0 |> every 0.5)
                    perturb (kick u (site [ 0 ]))
                    observe [ u ]
                    lags 1.0
                    estimate [ gaussian ]
                }
            )

        (outcome.Response "Gaussian").Notes |> String.concat "; "

    Assert.Contains("from the values of u alone: where v is correlated", notes [ ddt u == v - u; ddt v == -v ])
    Assert.DoesNotContain("alone", notes [ ddt u == -u ])

[<Fact>]
let ``the score of another field than the kicked one is refused`` () =
    let box = ring 6.0 6
    let v, w = field "v" box, field "w" box

    let asked score' = experiment "two fields" {
        system [ ddt v == lap v - v; ddt w == lap w - w ]
        noise (independent [ on v (perSite 1.0); on w (perSite 1.0) ])
        step (rk4 0.05)
        sample (members 16 |> lasting 10.0 |> every 0.5)
        perturb (kick w (site [ 0 ]))
        observe [ w ]
        lags 1.0
        estimate [ exact score' ]
    }

    refused "expected the score of w, which is kicked" (fun () -> Experiment.validate (asked (2.0 * (lap v - v))))
    Experiment.validate (asked (2.0 * (lap w - w)))
