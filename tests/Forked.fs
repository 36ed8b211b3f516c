/// Forked runs against the variance of conditional means that is known exactly, within 4.5 standard errors at fixed seeds: false-alarm rate below 1e-4 a value.
module Leith.Tests.Forked

open System
open System.Numerics
open System.Threading
open Leith.Core
open Xunit

let private within (value: float) (expected: float) (error: float) =
    Assert.True(error > 0.0 && abs (value - expected) < 4.5 * error, $"{value} ± {error}, expected {expected}")

/// Stationary starts, from a run that is long enough to forget.
let private starts (model: Model) members times every =
    let plan = SamplingPlan(members, 6.0, float times * every, every)
    let kept = ForkStarts(plan, times)

    Simulation(model, Scheme.Exponential, 0.1, 7UL).Run(plan, (fun tile -> kept.Open tile), 2, null, CancellationToken.None)
    kept.Tiles

let private forked (model: Model) members observable (outputs: Segment list) threads =
    Forks(starts model members 40 2.0, members, observable, outputs)
        .Run((fun initial -> Simulation(model, Scheme.Exponential, 0.1, 8UL, Initial = initial)), 1.0, 0.5, threads, null, CancellationToken.None)

let private numbers gamma =
    Model(Rows = 2, LinearMatrix = array2D [ [ -gamma; 0.0 ]; [ 0.0; -2.0 * gamma ] ], NoiseMatrix = array2D [ [ 1.0; 0.0 ]; [ 0.0; 1.0 ] ])

let private rows n = [ for row in 0 .. n - 1 -> Segment($"{row}", null, Representation.Number, row) ]

[<Fact>]
let ``the forks of a scalar Ornstein–Uhlenbeck process have Var E[x(t)|x₀] = C e^{−2γt}`` () =
    let gamma = 0.7
    let found = forked (numbers gamma) 60 null (rows 2) 2

    for lag in 0..2 do
        for i in 0..1 do
            let rate = gamma * float (i + 1)

            within found.Values[lag].[i] (exp (-2.0 * rate * found.Lags[lag]) / (2.0 * rate)) found.StandardError[lag].[i]

    Assert.Equal(found.Values[1].[0], found.At(0.7, 0))
    Assert.Equal(found.Values[2].[0], found.At(9.0, 0))

[<Fact>]
let ``the forks of a field have the variance of its conditional mean, averaged over the sites`` () =
    let grid = Grid([ 8 ], [ 2.0 * Math.PI ])

    let rate =
        grid.Wavevectors() |> Array.map (fun k -> Complex(-0.5 - 0.1 * k[0] * k[0], 0.0))

    let model =
        Model(Grid = grid, Rows = 8, LinearSymbol = rate, NoiseSymbol = Array.create 8 Complex.One)

    let found = forked model 32 null [ Segment("u", grid, Representation.Modes, 0) ] 2

    for lag in 0..2 do
        let expected =
            rate |> Array.averageBy (fun r -> exp (2.0 * r.Real * found.Lags[lag]) / (-2.0 * r.Real))

        within found.Values[lag].[0] expected found.StandardError[lag].[0]

[<Fact>]
let ``forks are the same for any number of threads`` () =
    let one, two =
        forked (numbers 0.7) 24 null (rows 2) 1, forked (numbers 0.7) 24 null (rows 2) 2

    Assert.Equal<float[][]>(one.Values, two.Values)
    Assert.Equal<float[][]>(one.StandardError, two.StandardError)

[<Fact>]
let ``forks without a start are refused`` () =
    let refused =
        Assert.Throws<LeithException>(fun () ->
            Forks([||], 16, null, rows 2)
                .Run(
                    (fun initial -> Simulation(numbers 0.7, Scheme.Exponential, 0.1, 8UL, Initial = initial)),
                    1.0,
                    0.5,
                    1,
                    null,
                    CancellationToken.None
                )
            |> ignore)

    Assert.Equal("forks: expected at least one state to start from, got none.", refused.Message)
