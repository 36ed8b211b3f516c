module Leith.Tests.ScoreErrors

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private said (text: string) (action: unit -> unit) =
    let error = Assert.Throws<LeithException>(action)
    Assert.Contains(text, error.Message)

let private close relative (expected: float) (actual: float) =
    Assert.True(abs (actual - expected) <= relative * abs expected, $"expected {expected} up to {relative} of it, got {actual}")

/// A number between, in thousandths.
let private between low high =
    Gen.choose (0, 1000) |> Gen.map (fun i -> low + (high - low) * float i / 1000.0)

let private mixtures = gen {
    let! count = Gen.choose (1, 3)
    let! weights = Gen.listOfLength count (between 0.2 1.0)
    let! means = Gen.listOfLength count (between -1.5 1.5)
    let! deviations = Gen.listOfLength count (between 0.3 0.9)
    return List.zip3 weights means deviations
}

// Laws on the line

[<Fact>]
let ``the score on the line is the slope of the log-density, at every noise level`` () =
    let cases = gen {
        let! parts = mixtures
        let! x = between -4.0 4.0
        let! sigma = between 0.0 2.0
        return parts, x, sigma
    }

    let holds (parts, x, sigma) =
        let law = (lineMixture parts).Noised sigma
        let h = 1e-5
        let slope = (log (law.Density(x + h)) - log (law.Density(x - h))) / (2.0 * h)
        abs (law.Score x - slope) <= 1e-6 * (1.0 + abs slope)

    Check.One(Config.QuickThrowOnFailure, Prop.forAll (Arb.fromGen cases) holds)

[<Fact>]
let ``quantiles are the inverse of the distribution, whose slope is the density`` () =
    let cases = gen {
        let! parts = mixtures
        let! p = between 0.001 0.999
        return parts, p
    }

    let holds (parts, p) =
        let law = lineMixture parts
        let x, h = law.Quantile p, 1e-4
        let slope = (law.Distribution(x + h) - law.Distribution(x - h)) / (2.0 * h)
        abs (law.Distribution x - p) < 1e-9 && abs (slope - law.Density x) < 1e-6

    Check.One(Config.QuickThrowOnFailure, Prop.forAll (Arb.fromGen cases) holds)

[<Fact>]
let ``far out the score is that of the widest component, where the density is zero`` () =
    let law = lineMixture [ 0.5, -1.0, 0.5; 0.5, 1.0, 1.0 ]
    Assert.Equal(0.0, law.Density 60.0)
    Assert.Equal(-59.0, law.Score 60.0, 9)

// The generated law on the line

/// Song's or Karras's levels, few steps.
let private someLevels = gen {
    let! song = Gen.elements [ true; false ]
    let! steps = Gen.choose (3, 20)
    let! smallest = between 0.05 0.5
    let! largest = between 2.0 12.0

    return
        (if song then
             songSchedule smallest largest
         else
             karrasSchedule smallest largest)
        |> levelsOf steps
}

[<Fact>]
let ``for a Gaussian everything is the recursion of its variance`` () =
    let v, levels = 0.7, karrasSchedule 0.1 5.0 |> levelsOf 12
    let law = lineMixture [ 1.0, 0.3, sqrt v ]
    let sampler = law |> lineSampler levels
    let widths = levels |> Array.pairwise |> Array.map (fun (a, b) -> a * a - b * b)
    let before = levels |> Array.take 12
    let e = 0.05
    let found = sampler |> errorsWith (exactScore law |> shiftedBy e) (law.Noised 5.0)

    let variance, shift =
        ((v + 25.0, 0.0), Array.zip before widths)
        ||> Array.fold (fun (variance, shift) (sigma, width) ->
            let keep = 1.0 - width / (v + sigma * sigma)
            keep * keep * variance + width, keep * shift + width * e / sigma)

    // Two Gaussians: the exact sampler's alone, for which only the variance differs.
    close 5e-4 (abs (sqrt variance - sqrt (v + 0.01)) * sqrt (2.0 / Math.PI)) found.StepDistance
    let end' = v + 0.01
    close 1e-5 (0.5 * (end' / variance - 1.0 + log (variance / end') + shift * shift / variance)) found.Divergence
    close 1e-8 (Array.map2 (fun sigma width -> 0.5 * width * (e / sigma) ** 2.0) before widths |> Array.sum) found.Training

    close
        1e-6
        (0.5 * log ((v + 25.0) / end')
         - (Array.map2 (fun sigma width -> 0.5 * width / (v + sigma * sigma)) before widths |> Array.sum))
        found.Discretisation

    Assert.Equal(0.0, found.Initialisation, 9)
    Assert.Equal(e / 0.1, found.SmallestLevelError, 9)
    Assert.Equal(0.1 * sqrt (2.0 / Math.PI), found.EarlyStopping, 12)

[<Fact>]
let ``a wrong start costs its divergence`` () =
    let law = lineMixture [ 1.0, 0.0, 1.0 ]

    let found =
        law
        |> lineSampler (songSchedule 0.2 3.0 |> levelsOf 10)
        |> errorsWith (exactScore law) (lineMixture [ 1.0, 0.5, 3.0 ])

    // KL(N(0, 10) ‖ N(½, 9)).
    close 1e-7 (0.5 * (10.0 / 9.0 - 1.0 + log (9.0 / 10.0) + 0.25 / 9.0)) found.Initialisation

[<Fact>]
let ``every distance lies below its bounds, whatever is wrong`` () =
    let cases = gen {
        let! parts = mixtures
        let! levels = someLevels
        let! constant = between 0.0 0.3
        let! wave = between 0.0 0.3
        let! noise = between 0.0 0.5
        let! start = between 0.8 1.5
        return parts, levels, (constant, wave), noise, start
    }

    let holds (parts, levels: float[], (constant, wave), noise, start) =
        let law = lineMixture parts

        let score =
            exactScore law |> smoothedBy noise |> wavingBy wave law |> shiftedBy constant

        let errors () =
            law |> lineSampler levels |> errorsWith score (lineMixture [ 1.0, 0.0, start * levels[0] ])

        let slack = 1e-6

        let keeps (found: LineErrors) =
            found.Wasserstein <= found.DivergenceBound + slack
            && found.Wasserstein <= found.CouplingBound + slack
            && found.Wasserstein <= found.PathDivergenceBound + slack
            && found.Wasserstein <= found.PathCouplingBound + slack
            && found.Divergence <= found.Initialisation + found.Training + found.Discretisation + slack
            && found.WassersteinToData <= found.BoundToData + slack

        // A few steps and a score far off throw samples out of the reach of the quadrature, which says so; about one case in forty.
        match
            (try
                Some(errors ())
             with :? LeithException as e when e.Message.Contains "too far off" ->
                 None)
        with
        | Some found -> keeps found
        | None -> true

    Check.One(Config.QuickThrowOnFailure.WithMaxTest 25, Prop.forAll (Arb.fromGen cases) holds)

[<Fact>]
let ``a constant error with a Gaussian is what the coupling allows for, and no more`` () =
    // Both paths move by the same noise; the shift contracts and grows as the bound does: there is no slack but the discretisation.
    let law = lineMixture [ 1.0, 0.0, 1.0 ]
    let levels = songSchedule 0.1 4.0 |> levelsOf 40

    let found =
        law |> lineSampler levels |> errorsWith (exactScore law |> shiftedBy 0.2) (law.Noised 4.0)

    Assert.InRange(found.CouplingBound / found.Wasserstein, 1.0, 1.1)

[<Fact>]
let ``the law of the steps falls as one over their number`` () =
    let law = lineMixture [ 0.4, -1.0, 0.5; 0.6, 1.0, 0.4 ]

    for schedule in [ songSchedule 0.1 5.0; karrasSchedule 0.1 5.0 ] do
        let distance steps =
            (law |> lineSampler (schedule |> levelsOf steps) |> errorsWith (exactScore law) (law.Noised 5.0)).Wasserstein

        let slope = log (distance 32 / distance 128) / log 4.0
        Assert.InRange(slope, 0.8, 1.2)

[<Fact>]
let ``samples of the steps follow the law by quadrature`` () =
    let law = lineMixture [ 0.4, -1.0, 0.5; 0.6, 1.0, 0.4 ]
    let levels = karrasSchedule 0.2 3.0 |> levelsOf 6
    let score = exactScore law |> wavingBy 0.2 law
    let sampler = law |> lineSampler levels

    let density =
        sampler.Generated(Func<_, _, _>(fun x sigma -> score x sigma), lineMixture [ 1.0, 0.0, 3.0 ])

    let random = Random 11

    let normal () =
        sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

    let samples =
        Array.init 20000 (fun _ ->
            (3.0 * normal (), Array.pairwise levels)
            ||> Array.fold (fun x (a, b) -> x + (a * a - b * b) * score x a + sqrt (a * a - b * b) * normal ()))
        |> Array.sort

    let spacing = sampler.At[1] - sampler.At[0]
    let mutable below, largest = 0.0, 0.0

    for i, x in Array.indexed sampler.At do
        let rank = Array.BinarySearch(samples, x)
        let counted = float (if rank < 0 then ~~~rank else rank) / 20000.0
        largest <- max largest (abs (counted - below - 0.5 * spacing * density[i]))
        below <- below + spacing * density[i]

    // Kolmogorov's test; false alarm 1e-4 for a seed, and the seed is fixed.
    Assert.InRange(largest, 0.0, 2.23 / sqrt 20000.0)

// Scores

[<Fact>]
let ``a class of functions without bumps is the Gaussian, and bumps are never worse than none`` () =
    let law = lineMixture [ 0.4, -1.0, 0.5; 0.6, 1.0, 0.4 ]
    let gaussian = bestOf 0 law
    Assert.Equal(-(0.7 - law.Mean) / (law.Variance + 0.25), gaussian 0.7 0.5, 10)
    let sampler = law |> lineSampler [| 1.0; 0.5; 0.1 |]

    let error bumps =
        sampler.ScoreErrors(let score = bestOf bumps law in Func<_, _, _>(fun x sigma -> score x sigma))

    for level in 0..2 do
        let errors = [ for bumps in [ 0; 3; 5; 9 ] -> (error bumps)[level] ]
        Assert.True(errors |> List.forall (fun error -> error <= errors.Head), $"{errors}")
        Assert.True(List.last errors < 0.5 * errors.Head, $"{errors}")

// The response at the smallest level

[<Fact>]
let ``the response of a linear equation decays at its rate, and a score that is off by a tenth is off by a tenth`` () =
    let law = lineMixture [ 1.0, 0.5, 2.0 ]
    let found = law |> responseWith (fun u -> 1.1 * law.Score u) 0.5 9

    for i in 0..8 do
        Assert.InRange(found.Exact[i] - exp (-found.Lags[i] / 4.0), -1e-4, 1e-4)
        Assert.Equal(1.1 * found.Exact[i], found.Estimate[i], 9)
        Assert.InRange(found.SharpBound[i] - 0.1 * found.Exact[i], -1e-4, 1e-4)

    Assert.Equal(0.1, found.Bound, 6)

[<Fact>]
let ``the error of a response lies below the error of the score`` () =
    let cases = gen {
        let! parts = mixtures
        let! constant = between 0.0 0.5
        let! wave = between 0.0 0.5
        return parts, constant, wave
    }

    let holds (parts, constant, wave) =
        let law = lineMixture parts
        let score = exactScore law |> wavingBy wave law |> shiftedBy constant
        let found = law.Noised 0.2 |> responseWith (fun u -> score u 0.2) 0.3 6

        [ 0..5 ]
        |> List.forall (fun i ->
            let error = abs (found.Estimate[i] - found.Exact[i])
            error <= found.SharpBound[i] + 1e-6 && found.SharpBound[i] <= found.Bound + 1e-6)

    Check.One(Config.QuickThrowOnFailure.WithMaxTest 30, Prop.forAll (Arb.fromGen cases) holds)

// Several dimensions

let private triple =
    knownMixture [
        0.5, [ -1.0; 0.5; 0.0 ], 0.4
        0.3, [ 1.0; 1.0; 0.3 ], 0.6
        0.2, [ 0.0; -1.0; 1.0 ], 0.3
    ]

[<Fact>]
let ``a known mixture has unit variances, and its samples have its covariance`` () =
    let samples = triple |> samplesFrom 40000 3

    for i in 0..2 do
        Assert.Equal(1.0, triple.Covariance[i, i], 12)

        for j in 0..2 do
            // 5 standard errors of a product, at most √3 each.
            Assert.InRange(samples |> Array.averageBy (fun s -> s[i] * s[j]) |> (-) triple.Covariance[i, j] |> abs, 0.0, 0.04)

[<Fact>]
let ``projections have the moments of their law`` () =
    let direction = [| 0.6; -0.64; 0.48 |]
    let line = MixtureDistance.Projection(triple.Mixture, direction)

    let variance =
        [
            for i in 0..2 do
                for j in 0..2 -> direction[i] * direction[j] * triple.Covariance[i, j]
        ]
        |> List.sum

    Assert.Equal(0.0, line.Mean, 12)
    Assert.Equal(variance, line.Variance, 12)

[<Fact>]
let ``the sliced distance is the shift of a law on the line, and small for its own samples`` () =
    let line = knownMixture [ 1.0, [ 0.0 ], 1.0 ]
    let law = LineMixture.Gaussian(0.0, 1.0)
    let quantiles = Array.init 4000 (fun i -> law.Quantile((float i + 0.5) / 4000.0))

    for shift in [ 0.0; 0.1; 1.0 ] do
        let distance =
            quantiles |> Array.map (fun q -> [| q + shift |]) |> slicedDistance line

        Assert.InRange(distance, shift - 2e-3, shift + 2e-3)

    Assert.InRange(triple |> samplesFrom 20000 5 |> slicedDistance triple, 1e-4, 0.02)

[<Fact>]
let ``divergences of paths are those of the formulas for a Gaussian`` () =
    let gaussian = knownMixture [ 1.0, [ 0.0; 0.0 ], 1.0 ]
    let levels = karrasSchedule 0.1 5.0 |> levelsOf 10
    let widths = levels |> Array.pairwise |> Array.map (fun (a, b) -> a * a - b * b)
    let before = levels |> Array.take 10
    let steps = gaussian |> divergenceOfSteps levels 8192 2

    let exact =
        log (26.0 / 1.01)
        - (Array.map2 (fun sigma width -> width / (1.0 + sigma * sigma)) before widths |> Array.sum)

    Assert.InRange(abs (steps.Value - exact) / steps.StandardError, 0.0, 4.5)

    let score =
        knownScore gaussian |> withScoreError 0.1 |> fun score -> gaussian, score

    let found = snd score |> divergenceOfScore levels 8192 2 gaussian

    // cos² is not ½ on average: 1 + exp(−½ 6²) over 2 for a Gaussian.
    let expected =
        Array.map2 (fun sigma width -> 0.5 * width * 2.0 * (0.1 / sigma) ** 2.0 * (1.0 + exp -18.0)) before widths
        |> Array.sum

    Assert.InRange(abs (found.Value - expected) / found.StandardError, 0.0, 4.5)
    Assert.Equal(found.Value, Array.sum found.OfSteps, 12)

[<Fact>]
let ``samples of the exact score come near the law, along both schedules`` () =
    for schedule in [ songSchedule 0.02 10.0; karrasSchedule 0.02 10.0 ] do
        let distance steps =
            knownScore triple |> drawnFrom (schedule |> levelsOf steps) 4096 7 triple |> slicedDistance triple

        Assert.InRange(distance 64, 0.0, 0.06)
        Assert.True(distance 4 > 2.0 * distance 64)

[<Fact>]
let ``a network that is trained samples better than one that is not`` () =
    let schedule = songSchedule 0.05 5.0

    let distance count =
        let score =
            triple |> trainedScore (mlp |> channels 16 |> steps count) schedule 4000 1

        score |> drawnFrom (schedule |> levelsOf 24) 4096 3 triple |> slicedDistance triple

    let trained, bare = distance 600, distance 1
    Assert.True(trained < 0.8 * bare, $"trained {trained}, bare {bare}")

[<Fact>]
let ``training follows the schedule that is asked for`` () =
    let random = Random 5

    // Two points, ±1: a network that is trained shows it at once.
    let samples =
        Array.init 400 (fun _ -> [| (if random.Next 2 = 0 then -1.0 else 1.0) + 0.2 * random.NextDouble() |])

    let train schedule =
        let options =
            TrainingOptions(Channels = 8, Layers = 1, Steps = 40, Batch = 16, Threads = 1, Schedule = schedule)

        DenoisingTraining.TrainVector(samples, [| 0.1 |], array2D [ [ 1.0 ] ], options, null, Threading.CancellationToken.None)

    let plain =
        train null, train (songSchedule 0.1 1.0), train (karrasSchedule 0.1 1.0), train (songSchedule 0.1 1.0 |> trainedAs (karrasSchedule 0.1 1.0))

    let loss (score: LearnedScore) = (Seq.last score.History).TrainingLoss
    let standard, song, karras, mixed = plain
    Assert.Equal(0.1, song.Sigma, 12)
    Assert.Equal(1.0, karras.SigmaMax, 12)
    Assert.Equal(loss karras, loss mixed, 12)
    Assert.Equal(3, [ loss standard; loss song; loss karras ] |> List.distinct |> List.length)

    // Weight 1 + σ² alone, at the same levels, makes the loss of the start larger by ⟨σ² e²⟩ and not by more than σmax².
    let weighted =
        train (NoiseSchedule((songSchedule 0.1 1.0).Variance, TimeSchedule 1.0, LevelDistribution.LogUniform, LossWeight(true, 1.0)))

    let first (score: LearnedScore) =
        (Seq.head score.History).ValidationLoss |> Option.ofNullable |> Option.get

    Assert.InRange(first weighted / first song, 1.05, 2.0)

// Messages

[<Fact>]
let ``words of score errors refuse what cannot be`` () =
    let law = lineMixture [ 1.0, 0.0, 1.0 ]
    said "mixture: expected at least one component" (fun () -> lineMixture [] |> ignore)
    said "mixture: expected positive weights, got -1" (fun () -> lineMixture [ -1.0, 0.0, 1.0 ] |> ignore)
    said "mixture: expected standard deviations of at least 0, got -1" (fun () -> lineMixture [ 1.0, 0.0, -1.0 ] |> ignore)
    said "mixture: expected finite means" (fun () -> lineMixture [ 1.0, nan, 1.0 ] |> ignore)
    said "samplesOf: expected at least one sample, got 0" (fun () -> law |> samplesOf 0 1 |> ignore)
    said "shiftedBy: expected a number of at least 0, got -1" (fun () -> exactScore law |> shiftedBy -1.0 |> ignore)
    said "wavingBy: expected a number of at least 0" (fun () -> exactScore law |> wavingBy nan law |> ignore)
    said "smoothedBy: expected a number of at least 0" (fun () -> exactScore law |> smoothedBy -0.1 |> ignore)
    said "expected a number of bumps of at least 0, got -1" (fun () -> bestOf -1 law |> ignore)
    said "expected noise levels σ_0 > … > σ_n > 0, at least two" (fun () -> law |> lineSampler [| 1.0 |] |> ignore)
    said "expected noise levels σ_0 > … > σ_n > 0, at least two" (fun () -> law |> lineSampler [| 1.0; 2.0 |] |> ignore)
    said "take fewer steps or a larger smallest level" (fun () -> law |> lineSampler [| 1.0; 1.0 - 1e-12 |] |> ignore)
    let sampler = law |> lineSampler [| 2.0; 1.0; 0.5 |]
    said "expected a finite score, got NaN or infinity at noise level 2" (fun () -> sampler |> errorsWith (fun _ _ -> nan) law |> ignore)
    said "the score is too far off" (fun () -> sampler |> errorsWith (fun _ _ -> 1e3) law |> ignore)
    said "response: expected at least one lag" (fun () -> law |> responseWith law.Score 0.0 4 |> ignore)

[<Fact>]
let ``words of several dimensions refuse what cannot be`` () =
    said "knownMixture: expected at least one component" (fun () -> knownMixture [] |> ignore)

    said "knownMixture: expected means of as many numbers, at least one, got 1 and 2" (fun () ->
        knownMixture [ 1.0, [ 0.0 ], 1.0; 1.0, [ 0.0; 1.0 ], 1.0 ] |> ignore)

    said "knownMixture: expected positive weights and standard deviations, got 0 and 1" (fun () -> knownMixture [ 0.0, [ 0.0 ], 1.0 ] |> ignore)
    said "trainedScore: expected a network of dense layers" (fun () -> triple |> trainedScore residualNet (songSchedule 0.1 1.0) 100 1 |> ignore)
    said "score error: expected an error of at least 0, got -1" (fun () -> knownScore triple |> withScoreError -1.0 |> ignore)
    said "mixture: expected at least one sample, got 0" (fun () -> triple |> samplesFrom 0 1 |> ignore)
    said "expected at least 32 samples, got 8" (fun () -> triple |> divergenceOfSteps [| 1.0; 0.5 |] 8 1 |> ignore)

    said "expected a score of 3 scalar unknowns, as the law has, got 1" (fun () ->
        knownScore (knownMixture [ 1.0, [ 0.0 ], 1.0 ])
        |> divergenceOfScore [| 1.0; 0.5 |] 64 1 triple
        |> ignore)

    said "expected 3 unknowns in every sample, got 1 in one" (fun () -> [| [| 1.0 |] |] |> slicedDistance triple |> ignore)
    said "sliced distance: expected at least one sample and one direction, got 0 and 32" (fun () -> [||] |> slicedDistance triple |> ignore)

// Studies

let private shown: Study = {
    Title = "two curves"
    Verdict = "Both <fall>."
    Sections = [
        section "Curves" [
            remark "A remark."
            panels [
                panel "falling" "steps" "distance" [
                    curve "measured" [ 1.0; 10.0; 100.0 ] [ 1.0; 0.1; 0.0 ] |> withStandardErrors [ 0.1; 0.01; 0.0 ]
                    curve "bound" [ 1.0; 10.0 ] [ 2.0; 0.2 ] |> asBound
                ]
            ]
            table [ "name"; "#value" ] [ [ "first"; digits 0.5 ] ]
        ]
    ]
    Checks = [ claim "below" 0.5 1.0; claim "not below" 2.0 1.0 ]
}

[<Fact>]
let ``a study has its figures, tables and checks in its page and in its file`` () =
    let options = Options.parse []

    let page =
        StudyReport.html options [ "Question   Which?" ] ("a.fsx", "let x = 1") [ "Leith", "1" ] [ "stage", 1.0 ] shown

    for text in
        [
            "Both &lt;fall&gt;."
            "A remark."
            "\"falling\""
            "Which?"
            "1 of 2 checks failed."
            "not below"
            "first"
        ] do
        Assert.Contains(text, page)

    let text =
        Leith.Charting.Json.toString (StudyReport.result options "a.fsx" [ "Leith", "1" ] [ "stage", 1.0 ] shown)

    use document = Text.Json.JsonDocument.Parse text
    let root = document.RootElement
    let entry (name: string) (i: int) (element: Text.Json.JsonElement) = (element.GetProperty name).Item i
    let curves = root |> entry "figures" 0 |> _.GetProperty("curves")
    Assert.Equal(2, curves.GetArrayLength())
    Assert.Equal(0.0, (curves.Item 0 |> entry "y" 2).GetDouble())
    Assert.True((curves.Item 1).GetProperty("bound").GetBoolean())
    Assert.Equal("0.5", ((root |> entry "tables" 0 |> entry "rows" 0).Item 1).GetString())
    Assert.False((root |> entry "checks" 1).GetProperty("passed").GetBoolean())

[<Fact>]
let ``a value that a logarithmic axis cannot show is left out of the figure, not of the file`` () =
    let page = StudyReport.html (Options.parse []) [] ("", "") [] [] shown
    Assert.Contains("\"x\":[1,10],\"y\":[1,0.1]", page)
    Assert.DoesNotContain("\"x\":[1,10,100]", page)

[<Fact>]
let ``words of studies refuse what cannot be`` () =
    said "curve \"a\": expected one value for each abscissa, got 2 abscissas and 1 values" (fun () -> curve "a" [ 1.0; 2.0 ] [ 1.0 ] |> ignore)

    said "withStandardErrors: expected one standard error for each of 1 values, got 2" (fun () ->
        curve "a" [ 1.0 ] [ 1.0 ] |> withStandardErrors [ 1.0; 2.0 ] |> ignore)

    said "table: expected 2 cells in every row, as there are titles, got 1 in one" (fun () -> table [ "a"; "b" ] [ [ "c" ] ] |> ignore)
    said "study: expected a title, got blank text" (fun () -> study " " (fun () -> "", [], []) |> ignore)

[<Fact>]
let ``mean and standard error are those of independent values`` () =
    let mean, error = meanAndError [ 1.0; 2.0; 3.0; 6.0 ]
    Assert.Equal(3.0, mean)
    Assert.Equal(sqrt (14.0 / 12.0), error, 12)
    Assert.True(Double.IsNaN(snd (meanAndError [ 1.0 ])))
