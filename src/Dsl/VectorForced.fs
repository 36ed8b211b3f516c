/// Pairs of runs of scalar unknowns under +ε and −ε.
module internal Leith.VectorForced

open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.VectorRecord

/// Pairs of runs of any other push, and of any push that goes on in time.
let dynamical c (estimator: Estimator) effort (products: LagProducts) : Response list =
    let observables = c.Experiment.Observe
    let covariance = products.Covariance 0
    let all = Array.init observables.Length id

    [
        for push in ForcedRun.pushes c.Experiment do
            let moved =
                match push with
                | Perturbation.Push [ u ] -> [ u ]
                | Perturbation.Along parts -> List.map fst parts
                | _ -> c.Unknowns

            let deviation u =
                let i = List.findIndex ((=) u) c.Unknowns
                sqrt covariance.[i].[i]

            ForcedRun.run
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
                    Kick =
                        c.Unknowns
                        |> List.map (fun u ->
                            if push = Perturbation.Push [ u ] then
                                Complex.One
                            else
                                Complex.Zero)
                        |> Array.ofList
                    Deviation = moved |> List.map deviation |> List.min
                    Observable = map c observables
                    Rows = observables.Length
                    Grid = null
                    Kept = all
                    Initial = initialOf c.Model c.Experiment
                    Observed = texts observables
                }
                effort
            |> ForcedRun.response
                c.Experiment
                estimator
                push
                (observables |> List.map string |> String.concat ", ")
                (observables |> List.map string |> Array.ofList)
                all
    ]
