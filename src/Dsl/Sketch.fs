/// An experiment at a sixteenth of its size: seconds instead of minutes, for a look at the shape of the answer.
module Leith.Sketch

open System

/// Every count is divided by this.
let private scale = 16.0

let private shrink count =
    max 1 (int (Math.Ceiling(float count / scale)))

/// A record a sixteenth as long, but never shorter than four times the longest lag; what is missing is taken from the members.
let private sampling lags (s: Sampling) =
    let whole time =
        s.Every * Math.Ceiling(time / s.Every - 1e-9)

    let length = min s.Lasting (whole (max (s.Lasting / scale) (4.0 * lags)))
    let members = float s.Members * (s.Lasting / scale) / length

    {
        s with
            Lasting = length
            Members = max 16 (min s.Members (16 * int (Math.Round(members / 16.0))))
    }

let private estimator (e: Estimator) =
    let method =
        match e.Method with
        | Method.Dynamical(Effort.Pairs n) -> Method.Dynamical(Effort.Pairs(shrink n))
        | Method.Dynamical(Effort.StandardError(error, kind)) -> Method.Dynamical(Effort.StandardError(error * sqrt scale, kind))
        | Method.Learned network when network.Architecture = Architecture.Published ->
            // Its steps take seconds each.
            Method.Learned {
                network with
                    Steps = min 20 (shrink network.Steps)
                    Batch = shrink network.Batch
                    Seconds = network.Seconds |> Option.map (fun s -> s / scale)
            }
        | Method.Learned network ->
            Method.Learned {
                network with
                    Steps = shrink network.Steps
            }
        | other -> other

    {
        e with
            Method = method
            Name = Some e.Label
            Generation =
                e.Generation
                |> Option.map (fun g -> {
                    g with
                        Samples = max 64 (shrink g.Samples)
                })
    }

/// The sketch of an experiment. Estimators keep their names.
let make (experiment: Experiment) : Experiment =
    let check (c: Check) = {
        c with
            Of = estimator c.Of
            Reference = estimator c.Reference
    }

    let source =
        match experiment.Source with
        | Source.Simulated(equations, noise, step, s) -> Source.Simulated(equations, noise, step, sampling experiment.Lags s)
        | recorded -> recorded

    {
        experiment with
            Source = source
            Estimate = experiment.Estimate |> List.map estimator
            Check = experiment.Check |> List.map check
    }
