namespace Leith

open System
open Leith.Core

/// The words of fields that are carried along.
[<AutoOpen>]
module FlowWords =
    /// u(x + d(x)) on a torus by exact trigonometric interpolation, one displacement an axis: `displaced [ 0.5 * u; number 0.0 ] u`. It is exp(d·∂) u with d held fixed at each site, so a Nyquist wavenumber, where ∂ vanishes, stays.
    let displaced (displacement: Field list) u =
        if displacement |> List.forall (fun d -> d = Field.Number 0.0) then
            u
        else
            Field.Displaced(displacement, u)

    /// u(x − τ v(x)), the field as a flow v that stands still at each site carries it here in a time τ: `advected (number 0.5) velocity u`.
    let advected (tau: Field) (velocity: Vector) u =
        displaced (velocity.Components |> List.map (fun v -> -(tau * v))) u

    /// What ∂u/∂t = F(u) makes of a start in so long a time, by so many steps of the classical Runge–Kutta method (error O((duration/steps)⁴)): `flow 0.25 2 (ddt u == -(skewAdvection velocity u)) u`.
    /// A forecast of u that leaves out noise and whatever is not in the equation; longer ones are flows of flows.
    let flow (duration: float) (steps: int) (equation: Equation) (start: Field) =
        if not (Double.IsFinite duration) || steps < 1 then
            raise (LeithException $"flow: expected a finite time and at least one step, got a time of {duration} and {steps} steps.")

        let flow =
            Field.Flow(duration, steps, [ equation.Unknown, equation.Drift ], [ start ], 0)

        Field.place flow |> ignore // refuses what does not fit with a sentence
        flow
