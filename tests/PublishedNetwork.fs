/// The founding paper's network as an estimator of scripts.
[<Xunit.Collection "libtorch">]
module Leith.Tests.PublishedNetwork

open System
open Leith
open Leith.Core
open Leith.Torch
open Leith.Tests.Running
open Xunit

let private small = publishedNet |> channels 4 |> layers 1 |> batch 16 |> steps 20

/// A Gaussian field.
let private fading points estimators =
    let u = field "u" (Domain.Torus(points |> List.map float, points))

    experiment "fading" {
        system (ddt u == -u + 0.1 * lap u)
        noise (perSite 1.0)
        step (exponential 0.5)
        sample (members 32 |> spinUp 8.0 |> lasting 60.0 |> every 0.5)
        perturb (kick u (site (points |> List.map (fun _ -> 0))))
        observe [ u ]
        lags 1.0
        estimate estimators
        check []
        seed 3
    }

let private refused (phrase: string) (action: unit -> unit) =
    Assert.Contains(phrase, Assert.Throws<LeithException>(fun () -> action ()).Message)

[<Fact>]
let ``Words for the published network are refused where they mean nothing`` () =
    refused "trainedFor: expected publishedNet" (fun () -> residualNet |> trainedFor 10.0 |> ignore)
    refused "trainedFor: expected a positive number" (fun () -> publishedNet |> trainedFor 0.0 |> ignore)
    refused "onDevice: expected publishedNet" (fun () -> residualNet |> onDevice "cuda:0" |> ignore)
    refused "onDevice: expected cpu, cuda or cuda:0, cuda:1, …, got gpu" (fun () -> publishedNet |> onDevice "gpu" |> ignore)
    Assert.Equal("published", (learned publishedNet).Label)
    Assert.Equal("learned", (learned residualNet).Label)

[<Fact>]
let ``The published network asks for a field on two axes with a multiple of eight points each`` () =
    for points, got in [ [ 12; 8 ], "got 12 × 8"; [ 16 ], "got 16;" ] do
        refused got (fun () -> Experiment.validate (fading points [ learned small ]) |> ignore)

    let x = scalar "x"

    let dense = {
        fading [ 8; 8 ] [ learned small ] with
            Source = Source.Simulated([ ddt x == -x ], Noise.PerSite 1.0, exponential 0.5, members 16 |> spinUp 1.0 |> lasting 10.0 |> every 0.5)
            Perturb = pushEach [ x ]
            Forcing = Forcing.Impulse
            Observe = [ x ]
    }

    refused "got publishedNet, which is for fields" (fun () -> Experiment.validate dense |> ignore)

[<Fact>]
let ``Time and device are part of what weights are kept under, and no part of the other networks`` () =
    let keys =
        [
            small
            small |> trainedFor 10.0
            small |> trainedFor 20.0
            small |> onDevice "cuda:0"
            small |> steps 21
        ]
        |> List.map _.Canonical

    Assert.Equal(keys.Length, (List.distinct keys).Length)

[<Fact>]
let ``A sketch of the published network takes a few small steps`` () =
    let sketched =
        (Sketch.make (fading [ 8; 8 ] [ learned (publishedNet |> trainedFor 160.0) ])).Estimate.Head

    match sketched.Method with
    | Method.Learned network ->
        Assert.Equal(Some 10.0, network.Seconds)
        Assert.InRange(network.Steps * network.Batch, 1, 200)
        Assert.Equal(32, network.Channels)
    | other -> failwith $"{other}"

    Assert.Equal("published", sketched.Label)

[<Fact>]
let ``A run without libtorch, or without its device, ends with a sentence before anything is simulated`` () =
    let lacking, phrase =
        if TorchLibrary.IsAvailable then
            small |> onDevice "cuda:99", "'published' needs device: expected a device of this machine, got cuda:99"
        else
            small, "'published' needs libtorch: expected its binding"

    refused phrase (fun () -> runAlone (fading [ 8; 8 ] [ learned lacking ]) |> ignore)

[<Fact>]
let ``The published network answers like other learned scores`` () =
    if not TorchLibrary.IsAvailable then
        Assert.Skip $"libtorch: {TorchLibrary.Trouble}; ./run --with-torch SCRIPT builds its binding"

    // With the linear forecast as control variate a network of any quality is right for a linear system, up to what its correlation adds by chance:
    // measured .02; a sign or a factor that is wrong makes .5 and more of it.
    let outcome = runAlone (fading [ 8; 8 ] [ propagator; gaussian; learned small ])

    let find label =
        outcome.Responses |> List.find (fun r -> r.Estimator = label)

    let exact, found = find "propagator", find "published"

    let distance =
        Array.map2 (Array.map2 (fun a b -> (a - b) ** 2.0)) exact.Field.Value found.Field.Value
        |> Array.map (Array.sum >> sqrt)
        |> Array.max

    Assert.InRange(distance, 0.0, 0.15)
    let score = outcome.Scores |> List.find (fun s -> s.Estimator = "published")
    Assert.NotEmpty score.Training
    Assert.NotEmpty score.Stein
    Assert.Contains(found.Notes, fun note -> note.Contains "the published network")
