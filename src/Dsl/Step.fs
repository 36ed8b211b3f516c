namespace Leith

open System
open Leith.Core

/// A time-stepping law and its step dt.
[<StructuredFormatDisplay("{Text}")>]
type Step = {
    Scheme: Scheme
    Size: float
} with

    /// The law and its step as text.
    member step.Text =
        $"{(Schemes.Facts step.Scheme).Name}, dt = {Typography.number step.Size}"

    override step.ToString() = step.Text

/// The words of steps.
[<AutoOpen>]
module StepWords =
    let private step word scheme (dt: float) =
        if not (Double.IsFinite dt) || dt <= 0.0 then
            raise (LeithException $"{word}: expected a positive time step, got {dt}.")

        { Scheme = scheme; Size = dt }

    /// u ← u + F dt + S √dt w.
    let eulerMaruyama dt =
        step "eulerMaruyama" Scheme.EulerMaruyama dt

    /// The trapezoidal predictor–corrector step with additive noise.
    let heun dt = step "heun" Scheme.Heun dt
    /// Classical Runge–Kutta on the drift, one noise increment after the last stage.
    let rk4 dt = step "rk4" Scheme.RungeKutta4 dt

    /// Exact for the linear part and its noise; first order in the rest.
    let exponential dt =
        step "exponential" Scheme.Exponential dt
