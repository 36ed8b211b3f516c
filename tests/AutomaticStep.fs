/// The scheme and the step that a pilot run chooses, and the reasons it gives.
module Leith.Tests.AutomaticStep

open System
open System.Numerics
open System.Threading
open Leith
open Leith.Core
open Xunit

let private contains (parts: string list) (choice: StepChoice) =
    for part in parts do
        Assert.Contains(part, choice.Reason)

[<Fact>]
let ``a linear drift with additive noise takes the sampling interval in one step`` () =
    let choice = AutomaticStep.Choose(SolverLaws.oscillator, 0.5, 10.0)
    Assert.Equal(Scheme.Exponential, choice.Scheme)
    Assert.Equal(0.5, choice.Step)
    contains [ "exact in law" ] choice
    Assert.Equal(Scheme.Exponential, AutomaticStep.Choose(SolverLaws.advected, 2.0, 10.0).Scheme)

/// dx = (rate x + sin y + sin 2t …) dt + noise as in SolverOrders, with a stiff second unknown.
let private stiff rate noise =
    Model(
        Rows = 2,
        LinearMatrix = array2D [ [ -1.0; 0.5 ]; [ 0.0; rate ] ],
        NoiseMatrix = noise,
        Nonlinear = (fun () -> new SolverOrders.Forced() :> ITileMap)
    )

let private quiet = Array2D.zeroCreate 2 0

[<Fact>]
let ``structure decides the scheme`` () =
    for model, scheme, reason in
        [
            stiff -1.5 SolverOrders.noise, Scheme.Heun, "additive noise"
            stiff -1.5 quiet, Scheme.RungeKutta4, "no noise"
            stiff -3000.0 SolverOrders.noise, Scheme.ExponentialRungeKutta4, "stiff"
            stiff -3000.0 quiet, Scheme.ExponentialRungeKutta4, "stiff"
            MultiplicativeNoise.diagonalModel, Scheme.Milstein, "columns commute"
            MultiplicativeNoise.mixedModel, Scheme.WeakSecondOrder, "do not commute"
        ] do
        let choice = AutomaticStep.Choose(model, 0.5, 5.0)
        Assert.True((scheme = choice.Scheme), choice.Reason)
        contains [ reason; "of the sampling interval"; "standard deviation" ] choice
        // A whole number of steps, and the same choice again.
        Assert.Equal(Math.Round(0.5 / choice.Step), 0.5 / choice.Step)
        Assert.Equal(choice, AutomaticStep.Choose(model, 0.5, 5.0))

[<Fact>]
let ``the chosen step has the error that it promises`` () =
    let model = SolverOrders.problem SolverOrders.noise
    let choice = AutomaticStep.Choose(model, 0.5, 5.0)

    // Standard deviations of both unknowns with the chosen step and with a sixteenth of it, from 32,768 members: statistical error 0.4 %.
    let deviations step seed =
        let plan = SamplingPlan(32768, 5.0, 0.5, 0.5)
        let m = SolverLaws.moments model choice.Scheme step seed plan null
        [ sqrt m.Covariance[0, 0]; sqrt m.Covariance[1, 1] ]

    for a, b in List.zip (deviations choice.Step 1UL) (deviations (choice.Step / 16.0) 2UL) do
        // Four standard errors of a difference of two, and the promised 1 %.
        Assert.Equal(1.0, a / b, 0.01 + 4.0 * 0.0055)

[<Fact>]
let ``no step is small enough for an equation that explodes`` () =
    let model =
        Model(
            Rows = 1,
            LinearMatrix = array2D [ [ 5.0 ] ],
            NoiseMatrix = array2D [ [ 1.0 ] ],
            Nonlinear = (fun () -> new Solvers.CubicScalars(1.0) :> ITileMap)
        )

    let error =
        Assert.Throws<LeithException>(fun () -> AutomaticStep.Choose(model, 1.0, 10.0) |> ignore)

    for part in [ "automatic"; "pilot run that stays finite"; "signs of the terms" ] do
        Assert.Contains(part, error.Message)

[<Fact>]
let ``the words of steps say what they are`` () =
    for step, text in
        [
            milstein 0.1, "Milstein, dt = 0.1"
            etdRk4 0.1, "exponential Runge–Kutta (ETD-RK4), dt = 0.1"
            exponentialRungeKutta4 0.1 |> aliased, "exponential Runge–Kutta (ETD-RK4), dt = 0.1, aliased"
            weakSecondOrder 0.05, "weak second order (Platen), dt = 0.05"
            automatic, "automatic"
        ] do
        Assert.Equal(text, string step)

    Assert.NotEqual(rk4 0.1, rk4 0.1 |> aliased)

    for word, make in
        [
            "milstein", milstein
            "etdRk4", etdRk4
            "weakSecondOrder", weakSecondOrder
            "exponentialRungeKutta4", exponentialRungeKutta4
        ] do
        let error = Assert.Throws<LeithException>(fun () -> make -0.1 |> ignore)
        Assert.Contains($"{word}: expected a positive time step", error.Message)
