/// Pairs of runs of scalar unknowns under +ε and −ε.
module internal Leith.VectorForced

open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.VectorRecord

/// One push and what is observed of it; `deviation` of each unknown.
let question c push (deviation: Field -> float) : ForcedRun.Question =
    let observables = c.Experiment.Observe

    let moved =
        match push with
        | Perturbation.Push [ u ] -> [ u ]
        | Perturbation.Along parts -> List.map fst parts
        | _ -> c.Unknowns

    let unit u =
        if push = Perturbation.Push [ u ] then
            Complex.One
        else
            Complex.Zero

    {
        Setting = c.Setting
        Experiment = c.Experiment
        Model = c.Model
        Step = c.Step
        Members = 1024
        SpinUp = c.Plan.SpinUp
        Longest = float c.Longest * c.Plan.Every
        Every = c.Plan.Every
        Seed = Draw.Bits(c.Seed, Draw.Twins, 3L, 0L)
        Push = push
        Kick = c.Unknowns |> List.map unit |> Array.ofList
        Deviation = moved |> List.map deviation |> List.min
        Observable = map c observables
        Rows = observables.Length
        Grid = null
        Kept = Array.init observables.Length id
        Jumping =
            (if List.exists ForcedRun.jumps observables then
                 Some {
                     State = map c [ for u in c.Unknowns -> u / Field.Number(deviation u) ]
                     Rows = c.Unknowns.Length
                     Grid = null
                     Aim = ForcedRun.displacement * ForcedRun.displacement
                 }
             else
                 None)
        Initial = initialOf c.Model c.Experiment
        Observed = texts observables
    }

/// Pairs of runs of any push but a plain one at one instant, which has its own.
let dynamical c (estimator: Estimator) effort (products: LagProducts) : Response list =
    let covariance = products.Covariance 0

    let deviation u =
        let i = List.findIndex ((=) u) c.Unknowns
        sqrt covariance.[i].[i]

    let names = c.Experiment.Observe |> List.map string

    [
        for push in ForcedRun.pushes c.Experiment do
            let q = question c push deviation

            ForcedRun.run q effort
            |> ForcedRun.response c.Experiment estimator push (String.concat ", " names) (Array.ofList names) q.Kept
    ]
