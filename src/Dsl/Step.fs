namespace Leith

open System
open Leith.Core

/// A time-stepping law and its step dt.
[<StructuredFormatDisplay("{Text}")>]
type Step = {
    Scheme: Scheme
    /// 0 where the run is to choose.
    Size: float
    /// Whether products of fields are freed of aliases, by the degree of the equation.
    Dealiased: bool
    /// Whether the run chooses the law and its step.
    IsAutomatic: bool
} with

    /// The law and its step as text.
    member step.Text =
        if step.IsAutomatic then
            "automatic"
        else
            let aliased = if step.Dealiased then "" else ", aliased"
            $"{(Schemes.Facts step.Scheme).Name}, dt = {Typography.number step.Size}{aliased}"

    override step.ToString() = step.Text

/// The words of steps.
[<AutoOpen>]
module StepWords =
    let private step word scheme (dt: float) =
        if not (Double.IsFinite dt) || dt <= 0.0 then
            raise (LeithException $"{word}: expected a positive time step, got {dt}.")

        {
            Scheme = scheme
            Size = dt
            Dealiased = true
            IsAutomatic = false
        }

    /// u ← u + F dt + S √dt w.
    let eulerMaruyama dt =
        step "eulerMaruyama" Scheme.EulerMaruyama dt

    /// The trapezoidal predictor–corrector step. Multiplicative noise is read in Stratonovich's sense.
    let heun dt = step "heun" Scheme.Heun dt
    /// Classical Runge–Kutta on the drift, one noise increment after the last stage.
    let rk4 dt = step "rk4" Scheme.RungeKutta4 dt

    /// Exact for the linear part and its noise; first order in the rest.
    let exponential dt =
        step "exponential" Scheme.Exponential dt

    /// u ← u + F dt + S √dt w + ½ S S′ dt (w² − 1), for noise in which no two white noises act on one component.
    let milstein dt = step "milstein" Scheme.Milstein dt

    /// Four stages that are exact for the linear part and its noise: for stiff linear parts.
    let exponentialRungeKutta4 dt =
        step "exponentialRungeKutta4" Scheme.ExponentialRungeKutta4 dt

    /// The name of exponentialRungeKutta4 in the literature.
    let etdRk4 dt =
        step "etdRk4" Scheme.ExponentialRungeKutta4 dt

    /// Platen's law of weak order 2: averages converge with dt², with multiplicative noise too.
    let weakSecondOrder dt =
        step "weakSecondOrder" Scheme.WeakSecondOrder dt

    /// Leaves aliases in the products of fields, as where a published result has them.
    let aliased (step: Step) = { step with Dealiased = false }

    /// The run chooses the law by the structure of the equation and the step by a short pilot run, and says why.
    let automatic = {
        Scheme = Scheme.RungeKutta4
        Size = 0.0
        Dealiased = true
        IsAutomatic = true
    }
