/// Features for a field that moves with a flow: forecasts of it by its own equation.
module internal Leith.FlowProposals

open System
open Leith.Core

/// Forecasts at so many parts of the longest lag.
let private parts = 4

/// Steps of a forecast may be this much longer than those of the simulation: linear terms, the stiff ones, are left out, and kernels take up what a step misses.
let private longerSteps = 8.0

/// What of an equation moves its unknown whatever else there is: the terms that are not linear and depend on it alone. Linear terms of a homogeneous system nearly commute with the flow, so kernels have them;
/// none where nothing is left.
let ownFlow (equations: Equation list) (u: Field) : Equation option =
    let isOwn (term: Term) =
        Field.unknowns term.Core = [ u ]
        && Field.whiteNoises term.Core = []
        && not (Field.dependsOnTime term.Core || Field.dependsOnPlace term.Core)

    equations
    |> List.tryFind (fun e -> e.Unknown = u)
    |> Option.map (fun e -> (Equation.split e.Drift).Nonlinear |> List.filter isOwn)
    |> Option.filter (fun terms -> not terms.IsEmpty)
    |> Option.map (fun terms -> {
        Unknown = u
        Drift = Equation.sum terms
    })

/// u after each quarter of the longest lag if nothing but its own flow moved it, the last a flow of the one before: a feature helps as it forecasts, since f(u₀) ≈ E[u(t)|u₀] makes the response ⟨∂f/∂u₀⟩.
/// `step` is that of the simulation.
let forecasts (equations: Equation list) (longest: float) (step: float) (u: Field) : Field list =
    match Field.place u, ownFlow equations u with
    | Some(Domain.Torus _), Some equation when longest > 0.0 ->
        let duration = longest / float parts

        let steps = max 1 (int (Math.Ceiling(duration / (longerSteps * step) - 1e-9)))

        List.replicate parts ()
        |> List.scan (fun before () -> flow duration steps equation before) u
        |> List.tail
    | _ -> []
