/// Robust estimates on the hidden units of a network that was trained to forecast.
module Leith.Tests.ForecastNetworks

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private x = scalar "x"
let private climate = ClimateSystems.scalarAdditive x

let private responsesOf threads pushes lasting' estimators =
    experiment "forecast" {
        system climate.Equations
        noise climate.Noise
        step (weakSecondOrder 0.02)
        sample (members 128 |> spinUp 20.0 |> lasting lasting' |> every 0.5)
        perturb pushes
        observe [ x; square x ]
        lags 1.0
        estimate estimators
        seed 21
    }
    |> runOn threads

let private network = mlp |> channels 16 |> steps 1500

let private numbers (outcome: Outcome) =
    outcome.Responses |> List.map (fun r -> Array.concat r.Values, Array.concat r.StandardError.Value)

// One value in 10⁵ is beyond 4.5 standard errors by chance, and there are a dozen.
[<Fact>]
let ``The Gaussian score is mended by the hidden units of a network that forecasts, in the scalar climate`` () =
    let outcome =
        responsesOf 2 (push x) 2000.0 [
            gaussian |> named "Gaussian"
            robust gaussian (forecastBy network) |> named "network"
            robust (exactOf climate.Score) (forecastBy network) |> named "right score"
        ]

    let line =
        ExactLine.ofDrift x climate.Equations.Head.Drift (number (0.5 * 0.7071 ** 2)) (-7.0, 6.0)

    for k, observable in [ 0, x; 1, square x ] do
        let truth = ExactLine.response x observable (number 1.0) [ 0.0; 0.5; 1.0 ] line

        for r in outcome.Responses do
            for lag in 1..2 do
                let value, error = r.Values.[k].[lag], r.StandardError.Value.[k].[lag]
                let off = abs (value - truth[lag]) / error

                let text =
                    $"{r.Estimator}, {observable}, lag {lag}: {value:G6} ± {error:G2}, truth {truth[lag]:G6}"

                if r.Estimator = "Gaussian" then
                    Assert.True(off > 8.0, text)
                else
                    Assert.True(abs (value - truth[lag]) < 4.5 * error + 2e-3, text)

    let notes =
        outcome.Responses |> List.find (fun r -> r.Estimator = "network") |> _.Notes |> String.concat "\n"

    Assert.Contains("16 hidden units of a network", notes)
    Assert.Contains("network trained to forecast the observables at lags 0, 0.5, 1", notes)
    Assert.Contains("of 1500 steps, held-out error 0.", notes)

[<Fact>]
let ``A trained forecast is a function of the seed, whatever the threads`` () =
    let ask threads =
        responsesOf threads (pushAlong [ x, 1.0 + 0.1 * x ]) 50.0 [ robust gaussian (forecastBy (network |> steps 100)) ]

    Assert.Equal<(float[] * float[]) list>(numbers (ask 1), numbers (ask 2))

    let states = [| for n in 0..99 -> [| Draw.Normal(1UL, 2UL, int64 n, 0L) |] |]
    let later = states |> Array.map (fun x -> [| sin (2.0 * x[0]) |])

    let weights seed =
        ForecastTraining(states, 1, later, ForecastOptions(Units = 4, Steps = 50, Seed = seed)).Train().Weights
        |> Array.concat

    Assert.Equal<float[]>(weights 3UL, weights 3UL)
    Assert.NotEqual<float[]>(weights 3UL, weights 4UL)

[<Fact>]
let ``The gradient of the loss is that of differences, for any shape and any weights`` () =
    let holds (inputs, outputs, units, seed: int) =
        let further = seed % 3

        let draw i j =
            Draw.Normal(uint64 seed, 9UL, int64 i, int64 j)

        let states =
            Array.init 12 (fun n -> Array.init (inputs + further) (fun i -> 3.0 + 2.0 * draw n i))

        let later = Array.init 12 (fun n -> Array.init outputs (fun o -> draw (100 + n) o))

        let training =
            ForecastTraining(states, inputs, later, ForecastOptions(Units = units))

        let weights = Array.init training.Weights (fun i -> draw 1000 i)
        let pairs = [| 0; 3; 3; 7 |]
        let gradient = Array.zeroCreate training.Weights
        training.Loss(weights, pairs, gradient) |> ignore

        let moved i by =
            training.Loss(weights |> Array.mapi (fun k w -> if k = i then w + by else w), pairs, null)

        for i in 0 .. weights.Length - 1 do
            let slope = (moved i 1e-5 - moved i -1e-5) / 2e-5
            Assert.True(abs (slope - gradient[i]) < 1e-6 * (1.0 + abs slope), $"weight {i}: {gradient[i]}, by differences {slope}")

    let shapes =
        Gen.map4 (fun a b c d -> a, b, c, d) (Gen.choose (1, 3)) (Gen.choose (1, 4)) (Gen.choose (1, 5)) (Gen.choose (0, 1_000_000))

    let smaller (a, b, c, d) = seq {
        for a, b, c in [ a - 1, b, c; a, b - 1, c; a, b, c - 1 ] do
            if min a (min b c) > 0 then
                yield a, b, c, d
    }

    Check.One(Config.QuickThrowOnFailure.WithMaxTest 60, Prop.forAll (Arb.fromGenShrink (shapes, smaller)) holds)

[<Fact>]
let ``A recording is answered by a network's hidden units, too`` () =
    let file = IO.Path.Combine(IO.Path.GetTempPath(), $"leith-{Guid.NewGuid():N}.csv")
    let mutable a, b = 0.0, 0.0

    let rows = [|
        for n in 0..19999 do
            let normal row = Draw.Normal(6UL, 77UL, int64 n, row)
            let next = 0.7 * a + 0.2 * b + normal 0L, -0.3 * a + 0.6 * b + normal 1L
            a <- fst next
            b <- snd next
            $"{a:R},{b:R}"
    |]

    IO.File.WriteAllLines(file, Array.append [| "a,b" |] rows)

    try
        let source = recording file |> spacing 1.0

        let outcome =
            experiment "recorded" {
                data source
                perturb (push (column source 0))
                observe (everyColumn source)
                lags 3.0
                estimate [ robust gaussian (forecastBy (mlp |> channels 6 |> steps 300)) ]
                seed 4
            }
            |> runAlone

        // a Gaussian law: R = Mᵗ e₀
        let r = outcome.Responses.Head

        for k, truth in [ 0, [ 0.7; 0.43 ]; 1, [ -0.3; -0.39 ] ] do
            for lag, truth in List.indexed truth do
                let value, error = r.Values.[k].[lag + 1], r.StandardError.Value.[k].[lag + 1]
                Assert.True(abs (value - truth) < 4.5 * error, $"component {k}, lag {lag + 1}: {value} ± {error}, truth {truth}")
    finally
        IO.File.Delete file

[<Fact>]
let ``Networks that cannot forecast are refused with what to write`` () =
    let fails (phrase: string) (action: unit -> Regression) =
        Assert.Contains(phrase, Assert.Throws<LeithException>(fun () -> action () |> ignore).Message)

    fails "expected a dense network, got one for fields; write forecastBy mlp" (fun () -> forecastBy residualNet)
    fails "got a noise level, which a forecast has no use for" (fun () -> forecastBy { mlp with Sigma = Some 0.1 })

    let rows = [| for n in 0..8 -> [| float n |] |]

    let error =
        Assert.Throws<LeithException>(fun () -> ForecastTraining(rows, 1, rows, ForecastOptions()) |> ignore)

    Assert.Contains("expected at least ten pairs of a state and what follows it, got 9", error.Message)
