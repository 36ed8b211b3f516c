/// Learned scores of fields in experiments: what a network can stand on, weights from files, training that goes on.
module Leith.Tests.LearnedFields

open System
open System.IO
open Leith
open Leith.Core
open Xunit

let private folder () =
    Directory.CreateTempSubdirectory("leith-learned-").FullName

let private runIn cache (experiment: Experiment) : Outcome =
    Terminal.isQuiet <- true

    Runner.outcome
        {
            Sketch = false
            Out = folder ()
            Seed = None
            Threads = 2
            Debug = false
            Cache = Some cache
            Values = []
        }
        experiment

let private u = field "u" (lattice (rectangle (4.0, 6.0) (4, 6)))

/// φ⁴ on a small lattice: the score is drift over temperature, so a library of u, u³ and Δu has it.
let private phi4 estimators = experiment "small φ⁴" {
    system [ ddt u == 0.5 * lap u + u - cube u ]
    noise (perSite (sqrt 0.7))
    step (heun 0.05)
    sample (members 32 |> spinUp 20.0 |> lasting 60.0 |> every 1.0)
    perturb (kick u (pixel 0 0))
    observe [ u ]
    lags 3.0
    estimate estimators
    seed 5
}

let private small = residualNet |> channels 8 |> layers 1 |> batch 32 |> steps 150

let private library = libraryOf [ u; cube u ]

let private distance (outcome: Outcome) a b =
    let of' name =
        (outcome.Responses |> List.find (fun r -> r.Estimator = name)).Field.Value

    Array.map2 (fun x y -> Array.fold2 (fun sum p q -> sum + (p - q) ** 2.0) 0.0 x y |> sqrt) (of' a) (of' b)
    |> Array.max

[<Fact>]
let ``on a library that holds the score a network changes little, and no base is left far from it`` () =
    let outcome =
        runIn
            (folder ())
            (phi4 [
                library |> named "library"
                gaussian |> named "Gaussian"
                learned (small |> onLibrary library) |> named "on library"
                learned small |> named "on Gaussian"
                learned (small |> plain) |> named "on nothing"
                learned (small |> symmetric [ signChange; reflection 0; reflection 1 ]) |> named "symmetric"
                learned (small |> trainedOn (karrasSchedule 0.2 5.0)) |> named "on a schedule"
                learned (small |> edmPreconditioned) |> named "EDM"
            ])

    let far name = distance outcome name "library"
    // the Gaussian is about .15 away
    let gaussian = far "Gaussian"
    Assert.True(gaussian > 0.08, $"Gaussian {gaussian}")
    let onLibrary = far "on library"
    Assert.True(onLibrary < 0.03, $"on library {onLibrary}")

    for name in [ "on Gaussian"; "symmetric" ] do
        Assert.True(far name < 0.5 * gaussian, $"{name} {far name}, Gaussian {gaussian}")

    for name in [ "on nothing"; "on a schedule"; "EDM" ] do
        Assert.True(far name < 1.2 * gaussian, $"{name} {far name}, Gaussian {gaussian}")

    let report = outcome.Scores |> List.find (fun s -> s.Estimator = "on library")

    Assert.True(report.Stein |> List.forall (fun row -> abs row.Value < 0.05))

[<Fact>]
let ``weights of a file are taken as they are, and refused on another grid, where they are damaged, or without their library`` () =
    let cache = folder ()
    let first = runIn cache (phi4 [ learned small |> named "net" ])

    let weights = Directory.GetFiles(cache, "*.safetensors") |> Array.exactlyOne

    let path = Path.Combine(folder (), "net.safetensors")
    File.Copy(weights, path)

    let again =
        runIn (folder ()) (phi4 [ learned (residualNet |> fromFile path) |> named "net" ])

    for a, b in Array.zip (first.Responses[0].Field.Value) (again.Responses[0].Field.Value) do
        Assert.Equal<float[]>(a, b)

    let refused (text: string) estimators =
        let error =
            Assert.Throws<LeithException>(fun () -> runIn (folder ()) (phi4 estimators) |> ignore)

        Assert.Contains(text, error.Message)

    let other = field "u" (lattice (rectangle (4.0, 4.0) (4, 4)))

    let error =
        Assert.Throws<LeithException>(fun () ->
            experiment "another grid" {
                system [ ddt other == 0.5 * lap other + other - cube other ]
                noise (perSite (sqrt 0.7))
                step (heun 0.05)
                sample (members 32 |> spinUp 1.0 |> lasting 10.0 |> every 1.0)
                perturb (kick other (pixel 0 0))
                observe [ other ]
                lags 1.0
                estimate [ learned (residualNet |> fromFile path) ]
            }
            |> runIn (folder ())
            |> ignore)

    Assert.Contains("expected a network for u on 4 × 4 points on 4 × 4, got one on 4 × 6 points on 4 × 6", error.Message)
    refused "trained on a library, got weights on another base" [ learned (residualNet |> fromFile path |> onLibrary library) ]
    File.WriteAllBytes(path, File.ReadAllBytes(path)[..500])
    refused "whole safetensors file" [ learned (residualNet |> fromFile path) ]

    let error =
        Assert.Throws<LeithException>(fun () -> fromFile "nowhere.safetensors" residualNet |> ignore)

    Assert.Contains("expected a safetensors file at nowhere.safetensors", error.Message)
    let error = Assert.Throws<LeithException>(fun () -> reflection -1 |> ignore)
    Assert.Contains("expected an axis", error.Message)
