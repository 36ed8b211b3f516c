namespace Leith

open System
open Leith.Core

/// The exact answers of a system of one number, from its Fokker–Planck equation: what estimates are measured by.
[<RequireQualifiedAccess>]
module ExactLine =
    let private along (x: Field) (f: Field) =
        match Field.unknowns f |> List.filter ((<>) x) with
        | other :: _ -> raise (LeithException $"exact line: expected expressions of {x} alone, got {other} in {f}.")
        | [] when Field.dependsOnTime f -> raise (LeithException $"exact line: expected expressions of {x} alone, got the time t in {f}.")
        | [] -> Func<float, float>(fun value -> Field.evaluate (fun _ -> value) 0.0 f)

    /// The law of dx = f(x) dt + √(2 D(x)) dW, Itô, between two ends where its density has fallen off: `ExactLine.ofDrift x drift (number 0.25) (-6.0, 5.0)`.
    let ofDrift (x: Field) (drift: Field) (diffusion: Field) (low: float, high: float) =
        FokkerPlanckLine(along x drift, along x diffusion, low, high)

    /// ⟨A⟩.
    let mean (x: Field) (observable: Field) (line: FokkerPlanckLine) = line.Mean(along x observable)

    /// The response of ⟨A⟩ to a push along g, dx = ε g(x), at these times.
    let response (x: Field) (observable: Field) (push: Field) (times: float list) (line: FokkerPlanckLine) =
        line.Response(along x observable, along x push, Array.ofList times) |> List.ofArray

    /// d⟨A⟩/dλ for a drift f + λ g.
    let sensitivity (x: Field) (observable: Field) (forcing: Field) (line: FokkerPlanckLine) =
        line.StaticSensitivity(along x observable, along x forcing)
