namespace Leith

open System
open Leith.Core

/// A time-stepping law.
[<RequireQualifiedAccess>]
type Stepper =
    | EulerMaruyama
    | Heun
    | RungeKutta4
    | Exponential

/// A law and its step dt.
[<StructuredFormatDisplay("{Text}")>]
type Step = {
    Stepper: Stepper
    Size: float
} with

    /// Orders in dt: (without noise, strong with additive noise, weak).
    member step.Orders =
        match step.Stepper with
        | Stepper.EulerMaruyama -> 1.0, 1.0, 1.0
        | Stepper.Heun -> 2.0, 1.0, 2.0
        | Stepper.RungeKutta4 -> 4.0, 1.0, 1.0
        | Stepper.Exponential -> 2.0, 1.0, 1.0

    /// The law and its step as text.
    member step.Text =
        let name =
            match step.Stepper with
            | Stepper.EulerMaruyama -> "Euler–Maruyama"
            | Stepper.Heun -> "Heun"
            | Stepper.RungeKutta4 -> "Runge–Kutta 4"
            | Stepper.Exponential -> "exponential"

        $"{name}, dt = {Typography.number step.Size}"

    override step.ToString() = step.Text

/// The words of steps.
[<AutoOpen>]
module StepWords =
    let private step word stepper (dt: float) =
        if not (Double.IsFinite dt) || dt <= 0.0 then
            raise (LeithException $"{word}: expected a positive time step, got {dt}.")

        { Stepper = stepper; Size = dt }

    /// u ← u + F dt + S √dt w.
    let eulerMaruyama dt =
        step "eulerMaruyama" Stepper.EulerMaruyama dt

    /// The trapezoidal predictor–corrector step with additive noise.
    let heun dt = step "heun" Stepper.Heun dt
    /// Classical Runge–Kutta on the drift, one noise increment after the last stage.
    let rk4 dt = step "rk4" Stepper.RungeKutta4 dt

    /// Exact for the linear part and its noise; the rest by a second-order exponential formula.
    let exponential dt =
        step "exponential" Stepper.Exponential dt
