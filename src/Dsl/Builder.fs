namespace Leith

open Leith.Core

/// Flag of a draft: the line is there.
type Has = class end

/// Flag of a draft: the line is not there yet.
type No = class end

/// What the lines said so far.
type Parts = {
    Title: string
    System: Equation list
    Noise: Noise option
    Step: Step option
    Sample: Sampling option
    Data: Data option
    Perturb: Perturbation option
    Observe: Field list
    Lags: float
    Estimate: Estimator list
    Check: Check list
    Seed: int
}

/// An unfinished experiment. One flag a keyword, Has or No: System, Noise, sTep, saMple, Data, Perturb, Observe, Lags, Estimate, Check, seed (R).
/// The flags exist for the compiler alone; they let it say which line is missing or doubled.
type Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = { Parts: Parts }

/// A draft with no line yet.
type Blank = Draft<No, No, No, No, No, No, No, No, No, No, No>

/// The keywords. Of each there is one that works, followed by poisoned overloads whose message is what a mistake reads as.
type ExperimentBuilder(title: string) =
    let blank = {
        Title = title
        System = []
        Noise = None
        Step = None
        Sample = None
        Data = None
        Perturb = None
        Observe = []
        Lags = 0.0
        Estimate = []
        Check = []
        Seed = 1
    }

    // what a poisoned overload would do if the compiler let it through, which it does not
    static let never () =
        raise (LeithException "experiment: a line that does not compile was run.")

    let simulated (parts: Parts) =
        match parts.Noise, parts.Step, parts.Sample with
        | Some noise, Some step, Some sample -> Source.Simulated(parts.System, noise, step, sample)
        | _ -> never ()

    let finish (parts: Parts) (source: Source) : Experiment = {
        Title = parts.Title
        Source = source
        Perturb = fst (Experiment.inItsTime (Option.defaultWith never parts.Perturb))
        Forcing = snd (Experiment.inItsTime (Option.defaultWith never parts.Perturb))
        Observe = parts.Observe
        Lags = parts.Lags
        Estimate = parts.Estimate
        Check = parts.Check
        Seed = parts.Seed
    }

    member _.Yield(_: unit) : Blank = { Parts = blank }

    [<CompilerMessage("experiment: expected only keywords between the braces, got a `let`, a loop or a bare value; write it above `experiment`",
                      19001,
                      IsError = true)>]
    member _.Yield(_: 'a) : Blank = never ()

    // its presence makes bare lines into yields, which the second Yield answers
    member _.Delay(make: unit -> 'X) : 'X = make ()

    member _.Zero() : Blank = { Parts = blank }

    [<CompilerMessage("experiment: expected only keywords between the braces, got another line; compute values above `experiment` with `let`",
                      19002,
                      IsError = true)>]
    member _.For(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: unit -> 'X) : 'X = never ()

    [<CompilerMessage("experiment: expected only keywords between the braces, got a loop; build lists above `experiment`, or make an experiment in each turn",
                      19003,
                      IsError = true)>]
    member _.For(_: seq<'a>, _: 'a -> 'b) : Blank = never ()

    [<CompilerMessage("experiment: expected only keywords between the braces, got another line; compute values above `experiment` with `let`",
                      19002,
                      IsError = true)>]
    member _.Combine(_: 'a, _: 'b) : Blank = never ()

    /// The equation of motion: `system (ddt u == lap u)`.
    [<CustomOperation "system">]
    member _.System
        (draft: Draft<No, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, equation: Equation)
        : Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = {
        Parts = {
            draft.Parts with
                System = [ equation ]
        }
    }

    /// The equations of motion of scalar unknowns: `system [ ddt x == y; ddt y == -x ]`.
    [<CustomOperation "system">]
    member _.System
        (draft: Draft<No, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, equations: Equation list)
        : Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = {
        Parts = { draft.Parts with System = equations }
    }

    [<CustomOperation "system"; CompilerMessage("experiment: expected one `system` line, got two; delete one", 19100, IsError = true)>]
    member _.System(_: Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: Equation) : Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> =
        never ()

    [<CustomOperation "system"; CompilerMessage("experiment: expected one `system` line, got two; delete one", 19100, IsError = true)>]
    member _.System(_: Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: Equation list) : Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> =
        never ()

    [<CustomOperation "system"; CompilerMessage("`system` takes an equation or a list of them, e.g. system (ddt u == lap u)", 19101, IsError = true)>]
    member _.System(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<Has, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    /// The noise: `noise (additive (eps * root sigma))`, `noise (perSite 0.5)`.
    [<CustomOperation "noise">]
    member _.Noise(draft: Draft<'S, No, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, value: Noise) : Draft<'S, Has, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = {
        Parts = { draft.Parts with Noise = Some value }
    }

    [<CustomOperation "noise"; CompilerMessage("experiment: expected one `noise` line, got two; delete one", 19102, IsError = true)>]
    member _.Noise(_: Draft<'S, Has, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: Noise) : Draft<'S, Has, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    [<CustomOperation "noise"; CompilerMessage("`noise` takes a noise model, e.g. noise (white 0.2)", 19103, IsError = true)>]
    member _.Noise(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, Has, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    /// The scheme and its time step: `step (rk4 (1.0 / 32.0))`.
    [<CustomOperation "step">]
    member _.Step(draft: Draft<'S, 'N, No, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, value: Step) : Draft<'S, 'N, Has, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = {
        Parts = { draft.Parts with Step = Some value }
    }

    [<CustomOperation "step"; CompilerMessage("experiment: expected one `step` line, got two; delete one", 19104, IsError = true)>]
    member _.Step(_: Draft<'S, 'N, Has, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: Step) : Draft<'S, 'N, Has, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    [<CustomOperation "step"; CompilerMessage("`step` takes a scheme with its step, e.g. step (rk4 0.01)", 19105, IsError = true)>]
    member _.Step(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, Has, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    /// How much is simulated: `sample (members 128 |> spinUp 100.0 |> lasting 1000.0 |> every 1.0)`.
    [<CustomOperation "sample">]
    member _.Sample(draft: Draft<'S, 'N, 'T, No, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, value: Sampling) : Draft<'S, 'N, 'T, Has, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = {
        Parts = { draft.Parts with Sample = Some value }
    }

    [<CustomOperation "sample"; CompilerMessage("experiment: expected one `sample` line, got two; delete one", 19106, IsError = true)>]
    member _.Sample(_: Draft<'S, 'N, 'T, Has, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: Sampling) : Draft<'S, 'N, 'T, Has, 'D, 'P, 'O, 'L, 'E, 'C, 'R> =
        never ()

    [<CustomOperation "sample"; CompilerMessage("`sample` takes a sampling plan, e.g. sample (members 128 |> lasting 1000.0)", 19107, IsError = true)>]
    member _.Sample(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, Has, 'D, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    /// A recording in place of system, noise, step and sample: `data (recording "sst.npy")`.
    [<CustomOperation "data">]
    member _.Data(draft: Draft<'S, 'N, 'T, 'M, No, 'P, 'O, 'L, 'E, 'C, 'R>, value: Data) : Draft<'S, 'N, 'T, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R> = {
        Parts = { draft.Parts with Data = Some value }
    }

    [<CustomOperation "data"; CompilerMessage("experiment: expected one `data` line, got two; delete one", 19108, IsError = true)>]
    member _.Data(_: Draft<'S, 'N, 'T, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R>, _: Data) : Draft<'S, 'N, 'T, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    [<CustomOperation "data"; CompilerMessage("`data` takes a recording, e.g. data (recording \"sst.npy\")", 19109, IsError = true)>]
    member _.Data(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R> = never ()

    /// The push: `perturb (kick u (pixel 0 0))`, `perturb (pushEach [ x; y ])`.
    [<CustomOperation "perturb">]
    member _.Perturb
        (draft: Draft<'S, 'N, 'T, 'M, 'D, No, 'O, 'L, 'E, 'C, 'R>, value: Perturbation)
        : Draft<'S, 'N, 'T, 'M, 'D, Has, 'O, 'L, 'E, 'C, 'R> = {
        Parts = {
            draft.Parts with
                Perturb = Some value
        }
    }

    [<CustomOperation "perturb"; CompilerMessage("experiment: expected one `perturb` line, got two; delete one", 19110, IsError = true)>]
    member _.Perturb(_: Draft<'S, 'N, 'T, 'M, 'D, Has, 'O, 'L, 'E, 'C, 'R>, _: Perturbation) : Draft<'S, 'N, 'T, 'M, 'D, Has, 'O, 'L, 'E, 'C, 'R> =
        never ()

    [<CustomOperation "perturb"; CompilerMessage("`perturb` takes a perturbation, e.g. perturb (kick u (pixel 0 0))", 19111, IsError = true)>]
    member _.Perturb(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, 'D, Has, 'O, 'L, 'E, 'C, 'R> = never ()

    /// What answers: `observe [ u ]`.
    [<CustomOperation "observe">]
    member _.Observe
        (draft: Draft<'S, 'N, 'T, 'M, 'D, 'P, No, 'L, 'E, 'C, 'R>, value: Field list)
        : Draft<'S, 'N, 'T, 'M, 'D, 'P, Has, 'L, 'E, 'C, 'R> = {
        Parts = { draft.Parts with Observe = value }
    }

    [<CustomOperation "observe"; CompilerMessage("experiment: expected one `observe` line, got two; delete one", 19112, IsError = true)>]
    member _.Observe(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, Has, 'L, 'E, 'C, 'R>, _: Field list) : Draft<'S, 'N, 'T, 'M, 'D, 'P, Has, 'L, 'E, 'C, 'R> =
        never ()

    [<CustomOperation "observe"; CompilerMessage("`observe` takes a list of observables, e.g. observe [ u ]", 19113, IsError = true)>]
    member _.Observe(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, 'D, 'P, Has, 'L, 'E, 'C, 'R> = never ()

    /// The longest lag: `lags 100.0`.
    [<CustomOperation "lags">]
    member _.Lags(draft: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, No, 'E, 'C, 'R>, value: float) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, Has, 'E, 'C, 'R> = {
        Parts = { draft.Parts with Lags = value }
    }

    [<CustomOperation "lags"; CompilerMessage("experiment: expected one `lags` line, got two; delete one", 19114, IsError = true)>]
    member _.Lags(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, Has, 'E, 'C, 'R>, _: float) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, Has, 'E, 'C, 'R> = never ()

    [<CustomOperation "lags"; CompilerMessage("`lags` takes the longest lag as a number with a point, e.g. lags 100.0", 19115, IsError = true)>]
    member _.Lags(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, Has, 'E, 'C, 'R> = never ()

    /// The estimators: `estimate [ truth; gaussian ]`.
    [<CustomOperation "estimate">]
    member _.Estimate
        (draft: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, No, 'C, 'R>, value: Estimator list)
        : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, Has, 'C, 'R> = {
        Parts = { draft.Parts with Estimate = value }
    }

    [<CustomOperation "estimate"; CompilerMessage("experiment: expected one `estimate` line, got two; delete one", 19116, IsError = true)>]
    member _.Estimate(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, Has, 'C, 'R>, _: Estimator list) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, Has, 'C, 'R> =
        never ()

    [<CustomOperation "estimate"; CompilerMessage("`estimate` takes a list of estimators, e.g. estimate [ gaussian ]", 19117, IsError = true)>]
    member _.Estimate(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, Has, 'C, 'R> = never ()

    /// Limits that estimates must keep: `check [ net |> near truth 0.08 ]`.
    [<CustomOperation "check">]
    member _.Check(draft: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, No, 'R>, value: Check list) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, Has, 'R> = {
        Parts = { draft.Parts with Check = value }
    }

    [<CustomOperation "check"; CompilerMessage("experiment: expected one `check` line, got two; delete one", 19118, IsError = true)>]
    member _.Check(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, Has, 'R>, _: Check list) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, Has, 'R> =
        never ()

    [<CustomOperation "check"; CompilerMessage("`check` takes a list of checks, e.g. check [ net |> near truth 0.1 ]", 19119, IsError = true)>]
    member _.Check(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, Has, 'R> = never ()

    /// The seed of every random number: `seed 7`.
    [<CustomOperation "seed">]
    member _.Seed(draft: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, No>, value: int) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, Has> = {
        Parts = { draft.Parts with Seed = value }
    }

    [<CustomOperation "seed"; CompilerMessage("experiment: expected one `seed` line, got two; delete one", 19120, IsError = true)>]
    member _.Seed(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, Has>, _: int) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, Has> = never ()

    [<CustomOperation "seed"; CompilerMessage("`seed` takes a whole number, e.g. seed 7", 19121, IsError = true)>]
    member _.Seed(_: Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, 'R>, _: obj) : Draft<'S, 'N, 'T, 'M, 'D, 'P, 'O, 'L, 'E, 'C, Has> = never ()

    member _.Run(draft: Draft<Has, Has, Has, Has, No, Has, Has, Has, Has, 'C, 'R>) : Experiment =
        finish draft.Parts (simulated draft.Parts)

    member _.Run(draft: Draft<No, No, No, No, Has, Has, Has, Has, Has, 'C, 'R>) : Experiment =
        match draft.Parts.Data with
        | Some data -> finish draft.Parts (Source.Recorded data)
        | None -> never ()

    [<CompilerMessage("experiment: the `system` line is missing; add e.g. system (ddt u == lap u), or data (recording \"file.npy\")",
                      19010,
                      IsError = true)>]
    member _.Run(_: Draft<No, 'N, 'T, 'M, No, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `noise` line is missing; add e.g. noise (white 0.2)", 19011, IsError = true)>]
    member _.Run(_: Draft<Has, No, 'T, 'M, No, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `step` line is missing; add e.g. step (rk4 0.01)", 19012, IsError = true)>]
    member _.Run(_: Draft<Has, Has, No, 'M, No, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `sample` line is missing; add e.g. sample (members 128 |> lasting 1000.0)", 19013, IsError = true)>]
    member _.Run(_: Draft<Has, Has, Has, No, No, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `perturb` line is missing; add e.g. perturb (kick u (pixel 0 0))", 19014, IsError = true)>]
    member _.Run(_: Draft<Has, Has, Has, Has, No, No, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `perturb` line is missing; add e.g. perturb (pushEach (everyColumn sst))", 19014, IsError = true)>]
    member _.Run(_: Draft<No, No, No, No, Has, No, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `observe` line is missing; add e.g. observe [ u ]", 19015, IsError = true)>]
    member _.Run(_: Draft<Has, Has, Has, Has, No, Has, No, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `observe` line is missing; add e.g. observe (everyColumn sst)", 19015, IsError = true)>]
    member _.Run(_: Draft<No, No, No, No, Has, Has, No, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `lags` line is missing; add e.g. lags 100.0", 19016, IsError = true)>]
    member _.Run(_: Draft<Has, Has, Has, Has, No, Has, Has, No, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `lags` line is missing; add e.g. lags 100.0", 19016, IsError = true)>]
    member _.Run(_: Draft<No, No, No, No, Has, Has, Has, No, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `estimate` line is missing; add e.g. estimate [ gaussian ]", 19017, IsError = true)>]
    member _.Run(_: Draft<Has, Has, Has, Has, No, Has, Has, Has, No, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: the `estimate` line is missing; add e.g. estimate [ gaussian ]", 19017, IsError = true)>]
    member _.Run(_: Draft<No, No, No, No, Has, Has, Has, Has, No, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: expected either a model or a recording, got both `data` and `system`; delete one of them", 19030, IsError = true)>]
    member _.Run(_: Draft<Has, 'N, 'T, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: expected either a model or a recording, got both `data` and `noise`; delete one of them", 19030, IsError = true)>]
    member _.Run(_: Draft<No, Has, 'T, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: expected either a model or a recording, got both `data` and `step`; delete one of them", 19030, IsError = true)>]
    member _.Run(_: Draft<No, No, Has, 'M, Has, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

    [<CompilerMessage("experiment: expected either a model or a recording, got both `data` and `sample`; delete one of them", 19030, IsError = true)>]
    member _.Run(_: Draft<No, No, No, Has, Has, 'P, 'O, 'L, 'E, 'C, 'R>) : Experiment = never ()

/// The keyword face of an experiment.
[<AutoOpen>]
module BuilderWords =
    /// An experiment: `experiment "title" { system …; noise …; step …; sample …; perturb …; observe …; lags …; estimate … }`.
    let experiment (title: string) = ExperimentBuilder title
