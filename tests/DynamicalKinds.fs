module Leith.Tests.DynamicalKinds

open System
open System.IO
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

// Twin runs, field kicks and noise weights of one system, from a script to the responses: three ways that share no sampling error.

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261124UL, 2403UL)

let private three = [
    for kind, name in [ twinRuns, "twins"; fieldKicks, "kicks"; noiseWeights, "weights" ] -> dynamical (standardError 0.1 |> by kind) |> named name
]

/// The largest distance of two responses in standard errors of their difference, over lags after the first and over sites. 5 sites × 4 lags × 3 pairs at 5 standard errors: false alarm below 1e-4 a system.
let private worst (a: Response) (b: Response) =
    seq {
        for lag in 1 .. a.Lags.Length - 1 do
            for component' in 0 .. min 4 (a.Values.Length - 1) do
                let error =
                    sqrt (a.StandardError.Value[component'][lag] ** 2.0 + b.StandardError.Value[component'][lag] ** 2.0)

                abs (a.Values[component'][lag] - b.Values[component'][lag]) / (error + 1e-6)
    }
    |> Seq.max

let private agree (name: string) u drift noise' step' dt =
    let outcome =
        runAlone (
            experiment name {
                system (ddt u == drift)
                noise noise'
                step step'
                sample (members 64 |> spinUp 8.0 |> lasting 8.0 |> every (8.0 * dt))
                perturb (kick u (pixel 0 0))
                observe [ u ]
                lags (32.0 * dt)
                estimate three
                seed 17
            }
        )

    let response label = outcome.Response label

    for a, b in [ "twins", "kicks"; "twins", "weights"; "kicks", "weights" ] do
        let distance = worst (response a) (response b)
        Assert.True(distance < 5.0, $"{name}: {a} and {b} differ by {distance} standard errors")

let private parameters =
    Gen.zip (Gen.choose (5, 15)) (Gen.choose (-10, 10))
    |> Gen.map (fun (a, b) -> float a / 10.0, float b / 20.0)

let private u = field "u" (torus 6.0 6)
let private sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

[<Fact>]
let ``three ways agree on an Ornstein–Uhlenbeck field`` () =
    Check.One(
        quick 2,
        Prop.forAll (Arb.fromGen parameters) (fun (a, b) ->
            agree "OU" u (-a * u + 0.2 * lap u - b * dx u) (additive (0.3 * root sigma)) (exponential 0.125) 0.125)
    )

[<Fact>]
let ``three ways agree on a φ⁴ field`` () =
    Check.One(
        quick 2,
        Prop.forAll (Arb.fromGen parameters) (fun (a, b) -> agree "φ⁴" u (a * u - cube u + 0.5 * lap u - b * dx u) (perSite 0.8) (rk4 0.0625) 0.0625)
    )

[<Fact>]
let ``three ways agree on an Allen–Cahn field, its aliases left in or not`` () =
    let drift a b =
        2.5e-2 * lap u - b * dx u + 4.0 * a * sigma (u - cube u)

    Check.One(
        quick 1,
        Prop.forAll (Arb.fromGen parameters) (fun (a, b) ->
            agree "Allen–Cahn" u (drift a b) (additive (0.1 * root sigma)) (rk4 0.0625) 0.0625
            agree "Allen–Cahn, aliased" u (drift a b) (additive (0.1 * root sigma)) (rk4 0.0625 |> aliased) 0.0625
            agree "Allen–Cahn, ETD" u (drift a b) (additive (0.1 * root sigma)) (etdRk4 0.0625) 0.0625)
    )

[<Fact>]
let ``a standard error that does not fall, since members stay in their wells, ends the runs with a sentence`` () =
    let x = scalar "x"

    let stuck = experiment "two wells" {
        system (ddt x == x - cube x)
        noise (perSite 0.1)
        step (eulerMaruyama 0.05)
        sample (members 16 |> spinUp 20.0 |> lasting 8.0 |> every 0.5)
        perturb (push x)
        observe [ square x ]
        lags 1.0
        estimate [ dynamical (standardError 0.02 |> by twinRuns) ]
        seed 3
    }

    let error = Assert.Throws<LeithException>(fun () -> runAlone stuck |> ignore)
    Assert.Contains("members stay apart", error.Message)
