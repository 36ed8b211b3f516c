module Leith.Tests.SeedSpread

open System
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private x = scalar "x"

let private net = mlp |> channels 8 |> steps 60 |> batch 64

let private asked estimators = experiment "Ornstein–Uhlenbeck" {
    system (ddt x == -x)
    noise (perSite (sqrt 2.0))
    step (exponential 0.5)
    sample (members 64 |> spinUp 10.0 |> lasting 100.0 |> every 0.5)
    perturb (push x)
    observe [ x; cube x ]
    lags 1.5
    estimate estimators
    seed 5
}

[<Fact>]
let ``networks of several seeds answer with their mean, whose band holds their spread`` () =
    let several = (runAlone (asked [ learned net |> overSeeds 3 ])).Response "learned"

    let alone k =
        let one = { net with Retraining = k }
        (runAlone (asked [ learned one |> named "one" ])).Response "one"

    let each = [ for k in 0..2 -> alone k ]
    let first = each.Head
    let apart = ResizeArray<float>()

    for i in 0..1 do
        for lag in 0 .. several.Lags.Length - 1 do
            let values = each |> List.map (fun r -> r.Values.[i].[lag])
            let mean = List.average values
            Assert.Equal(mean, several.Values.[i].[lag], 12)

            let sampling = each |> List.averageBy (fun r -> r.StandardError.Value.[i].[lag])

            // The variance of a mean of three.
            let seeds = (values |> List.sumBy (fun v -> (v - mean) ** 2.0)) / 2.0 / 3.0
            apart.Add seeds
            Assert.Equal(sqrt (sampling * sampling + seeds), several.StandardError.Value.[i].[lag], 12)

    Assert.True(Seq.max apart > 0.0, "the seeds make no difference")
    Assert.Equal(first.Replicates.Value[0].Length, several.Replicates.Value[0].Length)
    Assert.True(several.Pointwise >= first.Pointwise - 1e-9)
    Assert.StartsWith("mean of 3 networks, each from a seed of its own; largest standard error from sampling", several.Notes.Head)
    Assert.Contains("from seeds", several.Notes.Head)

[<Fact>]
let ``estimators without a seed are refused`` () =
    let fails (phrases: string list) action =
        let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)

        for phrase in phrases do
            Assert.Contains(phrase, error.Message)

    fails
        [
            "overSeeds: expected a network, got Gaussian"
            "which no seed changes"
            "leave it out"
        ]
        (fun () -> gaussian |> overSeeds 3)

    fails [ "overSeeds"; "at least" ] (fun () -> learned net |> overSeeds 0)

    fails
        [
            "overSeeds: expected a network that is trained here"
            "weights of a.safetensors"
        ]
        (fun () ->
            learned {
                net with
                    Weights = Some "a.safetensors"
            }
            |> overSeeds 3)
