module Leith.Tests.Schedules

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private said (text: string) (action: unit -> unit) =
    let error = Assert.Throws<LeithException>(action)
    Assert.Contains(text, error.Message)

/// Ranges from 1e-3 … 1 up to three decades wide, and numbers of steps.
let private ranges =
    gen {
        let! low = Gen.choose (-3000, 0)
        let! width = Gen.choose (100, 3000)
        let! steps = Gen.choose (1, 60)
        let smallest = 10.0 ** (float low / 1000.0)
        return smallest, smallest * 10.0 ** (float width / 1000.0), steps
    }
    |> Arb.fromGen

let private both smallest largest = [ songSchedule smallest largest; karrasSchedule smallest largest ]

[<Fact>]
let ``levels fall from the largest to the smallest and both ends are exact`` () =
    let holds (smallest, largest, steps) =
        both smallest largest
        |> List.forall (fun schedule ->
            let levels = schedule |> levelsOf steps

            levels.Length = steps + 1
            && levels[0] = largest
            && levels[steps] = smallest
            && levels |> Array.pairwise |> Array.forall (fun (a, b) -> a > b))

    Check.One(Config.QuickThrowOnFailure, Prop.forAll ranges holds)

[<Fact>]
let ``levels are those of the formulas`` () =
    let song = songSchedule 0.02 50.0 |> levelsOf 18
    let karras = karrasSchedule 0.02 50.0 |> levelsOf 18

    for i in 0..18 do
        Assert.Equal(1.0, song[i] / (0.02 * 2500.0 ** (1.0 - float i / 18.0)), 12)

        let root =
            50.0 ** (1.0 / 7.0) + float i / 18.0 * (0.02 ** (1.0 / 7.0) - 50.0 ** (1.0 / 7.0))

        Assert.Equal(1.0, karras[i] / root ** 7.0, 12)

[<Fact>]
let ``time and level are inverse and the diffusion is the growth of the variance`` () =
    let holds (smallest, largest, steps) =
        both smallest largest
        |> List.forall (fun schedule ->
            let variance = schedule.Variance

            schedule.Times steps
            |> Array.forall (fun t ->
                let h = 1e-5 * (variance.Last - variance.First)
                let t = min (variance.Last - h) (max (variance.First + h) t)

                let growth =
                    (variance.Sigma(t + h) ** 2.0 - variance.Sigma(t - h) ** 2.0) / (2.0 * h)

                abs (variance.Time(variance.Sigma t) - t) < 1e-9 * max 1.0 t
                && abs (growth / variance.DiffusionSquared t - 1.0) < 1e-5))

    Check.One(Config.QuickThrowOnFailure, Prop.forAll ranges holds)

[<Fact>]
let ``training levels grow with r and stay in the range`` () =
    let holds (smallest, largest, steps) =
        both smallest largest
        |> List.forall (fun schedule ->
            let levels =
                Array.init (steps + 1) (fun i -> schedule.TrainingLevel(float i / float steps))

            levels[0] = smallest
            && levels[steps] = largest
            && levels |> Array.pairwise |> Array.forall (fun (a, b) -> a < b))

    Check.One(Config.QuickThrowOnFailure, Prop.forAll ranges holds)

// Midpoint sums over r of an analytic inverse distribution function: no sampling error.
let private logMoments (schedule: NoiseSchedule) =
    let logs =
        Array.init 20000 (fun i -> log (schedule.TrainingLevel((float i + 0.5) / 20000.0)))

    Array.average logs, logs |> Array.averageBy (fun l -> (l - Array.average logs) ** 2.0) |> sqrt

[<Fact>]
let ``logarithms of training levels have the moments of their law`` () =
    let mean, deviation = logMoments (karrasSchedule 1e-6 1e5)
    Assert.Equal(-1.2, mean, 3)
    Assert.Equal(1.2, deviation, 3)
    let mean, deviation = logMoments (songSchedule 0.01 10.0)
    Assert.Equal(0.5 * log 0.1, mean, 6)
    Assert.Equal(log 1000.0 / sqrt 12.0, deviation, 6)

[<Fact>]
let ``a range beyond the middle of the law keeps its digits`` () =
    // Of the tail above 6 deviations the median is (1 − Φ)⁻¹ of half its mass.
    let schedule = karrasSchedule (exp (-1.2 + 7.2)) 1e9
    let z = (log (schedule.TrainingLevel 0.5) + 1.2) / 1.2

    let tail z =
        0.5 * MathNet.Numerics.SpecialFunctions.Erfc(z / sqrt 2.0)

    Assert.Equal(0.5, tail z / tail 6.0, 8)

[<Fact>]
let ``weights are those of the formulas, on noise and on the denoised data`` () =
    for sigma in [ 0.01; 0.3; 1.0; 20.0 ] do
        let song, karras =
            (songSchedule 0.01 20.0).Weight, (karrasSchedule 0.01 20.0).Weight

        Assert.Equal(1.0, song.OnNoise sigma)
        Assert.Equal(1.0, karras.OnDenoised sigma / ((sigma ** 2.0 + 1.0) / sigma ** 2.0), 12)
        Assert.Equal(karras.OnDenoised sigma, karras.OnNoise sigma / sigma ** 2.0, 12)

[<Fact>]
let ``training and sampling can be taken from different schedules`` () =
    let mixed = songSchedule 0.01 5.0 |> trainedAs (karrasSchedule 0.1 2.0)
    Assert.Equal<float[]>(songSchedule 0.01 5.0 |> levelsOf 9, mixed |> levelsOf 9)
    Assert.Equal(2.0, mixed.Weight.OnNoise 1.0)
    Assert.Equal((karrasSchedule 0.01 5.0).TrainingLevel 0.3, mixed.TrainingLevel 0.3)
    Assert.NotEqual((songSchedule 0.01 5.0).TrainingLevel 0.3, mixed.TrainingLevel 0.3)

[<Fact>]
let ``schedules refuse what cannot be`` () =
    said "songSchedule: expected noise levels 0 < smallest < largest, got 1 and 1" (fun () -> songSchedule 1.0 1.0 |> ignore)
    said "karrasSchedule: expected noise levels 0 < smallest < largest, got -1 and 1" (fun () -> karrasSchedule -1.0 1.0 |> ignore)
    said "karrasSchedule: expected noise levels 0 < smallest < largest, got NaN and 1" (fun () -> karrasSchedule nan 1.0 |> ignore)
    said "timePower: expected a positive number, got 0" (fun () -> karrasSchedule 0.1 1.0 |> timePower 0.0 |> ignore)
    said "lognormalLevels: expected a positive number, got -1" (fun () -> karrasSchedule 0.1 1.0 |> lognormalLevels 0.0 -1.0 |> ignore)
    said "lognormalLevels: expected a finite mean of ln σ, got NaN" (fun () -> karrasSchedule 0.1 1.0 |> lognormalLevels nan 1.0 |> ignore)
    said "at least one step, got 0" (fun () -> songSchedule 0.1 1.0 |> levelsOf 0 |> ignore)
