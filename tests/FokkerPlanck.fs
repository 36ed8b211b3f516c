/// Exact answers of one number: against linear systems, against the Pearson diffusions, whose means are known under multiplicative noise too, and the order of the grid.
module Leith.Tests.FokkerPlanck

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private near tolerance (expected: float) (value: float) =
    Assert.True(abs (value - expected) <= tolerance * (1.0 + abs expected), $"{value:R}, expected {expected:R}")

let private x = scalar "x"

[<Fact>]
let ``Means of Pearson diffusions relax exponentially, whatever the push`` () =
    // dx = −θ (x − μ) dt + √(2 θ (a x² + b)) dW: E[x(t) | x₀] = μ + (x₀ − μ) e^{−θt}
    let draw = gen {
        let! theta = Gen.choose (5, 30)
        let! mu = Gen.choose (-20, 20)
        let! b = Gen.choose (5, 20)
        return float theta / 10.0, float mu / 10.0, float b / 10.0
    }

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(6).WithReplay(20261125UL, 7UL),
        Prop.forAll (Arb.fromGen draw) (fun (theta, mu, b) ->
            // a small: all moments that are asked for are finite, and the law has fallen off at ±12 deviations
            let a = 0.01

            let line =
                ExactLine.ofDrift x (-theta * (x - mu)) (theta * (a * square x + b)) (mu - 14.0, mu + 14.0)

            near 1e-6 mu (ExactLine.mean x x line)
            let variance = (a * mu * mu + b) / (1.0 - a)
            near 1e-5 variance (ExactLine.mean x (square (x - mu)) line)
            let times = [ 0.0; 0.3; 1.0 ]

            for push, mean in [ number 1.0, 1.0; square (x - mu), variance ] do
                List.iter2 (fun t value -> near 1e-5 (mean * exp (-theta * t)) value) times (ExactLine.response x x push times line)

            // a forcing along g lasts: ⟨g⟩/θ
            near 1e-5 (1.0 / theta) (ExactLine.sensitivity x x (number 1.0) line)
            near 1e-4 (variance / theta) (ExactLine.sensitivity x x (square (x - mu)) line))
    )

[<Fact>]
let ``The error falls with the fourth power of the cells`` () =
    let drift =
        Func<float, float>(fun x -> 0.6 - 0.02 * x - 0.2 * x * x - 0.05 * x * x * x)

    let value cells =
        FokkerPlanckLine(drift, (fun _ -> 0.25), -7.0, 6.0, cells).Response((fun x -> x * x), (fun _ -> 1.0), [| 1.0 |], cells / 5)[0]

    let best = value 1600
    let errors = [ for cells in [ 100; 200; 400 ] -> abs (value cells - best) ]

    for coarse, fine in List.pairwise errors do
        let slope = log (coarse / fine) / log 2.0
        Assert.InRange(slope, 3.6, 4.4)

[<Fact>]
let ``The static sensitivity is the integral of the response`` () =
    let line =
        ExactLine.ofDrift x (0.6 - 0.5 * x - 0.2 * cube x) (number 0.3) (-6.0, 6.0)

    let n, step = 400, 0.05
    let times = [ for i in 0..n -> step * float i ]

    for observable, forcing in [ x, number 1.0; square x, x; cube x, square x ] do
        let r = ExactLine.response x observable forcing times line |> Array.ofList

        let simpson =
            step / 3.0
            * Seq.sum (
                r
                |> Seq.mapi (fun i v ->
                    v
                    * (if i = 0 || i = n then 1.0
                       elif i % 2 = 1 then 4.0
                       else 2.0))
            )

        near 1e-5 (ExactLine.sensitivity x observable forcing line) simpson

[<Fact>]
let ``Bad lines are refused`` () =
    let fails phrase (make: unit -> unit) =
        Assert.Contains(phrase, Assert.Throws<LeithException>(make).Message)

    fails "at whose ends the density has fallen off" (fun () -> ExactLine.ofDrift x -x (number 1.0) (-1.0, 1.0) |> ignore)
    fails "expected an interval" (fun () -> ExactLine.ofDrift x -x (number 1.0) (1.0, -1.0) |> ignore)
    fails "a positive diffusion" (fun () -> ExactLine.ofDrift x -x (x) (-5.0, 5.0) |> ignore)
    fails "expressions of x alone, got y" (fun () -> ExactLine.ofDrift x (-scalar "y") (number 1.0) (-5.0, 5.0) |> ignore)
    fails "got the time t" (fun () -> ExactLine.ofDrift x -x (number 1.0) (-8.0, 8.0) |> ExactLine.mean x (t * x) |> ignore)
