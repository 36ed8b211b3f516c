module Leith.Tests.AutoregressiveNull

open System
open System.IO
open Leith.Core
open MathNet.Numerics.LinearAlgebra
open Xunit

let private fails (phrases: string list) (action: unit -> obj) =
    let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

/// A law of the null, fitted to a long AR(1) recording of its own and then told to be as long as asked.
let private law (phi: float[]) (scales: float[]) samples =
    let series k =
        let x = Array.zeroCreate<float> samples
        x[0] <- NormalStream.Single(31UL, 5u, 0, 0L, k)

        for n in 1 .. samples - 1 do
            x[n] <- phi[k] * x[n - 1] + sqrt (1.0 - phi[k] * phi[k]) * NormalStream.Single(31UL, 5u, 0, int64 n, k)

        x |> Array.map (fun v -> scales[k] * v)

    AutoregressiveNull.Fit(Recording([| for k in 1 .. phi.Length -> $"x{k}" |], Array.init phi.Length series, 0.5))

[<Fact>]
let ``mean and variance of the null are those of simulated recordings`` () =
    // Standard deviations from 500 surrogates are known to 3.2 %, the expansion in 1/T is good to about τ_int/T = 2 %: 17 % is more than four errors away.
    // Means: four errors of the mean, and the O(τ_int/T) bias of an estimate whose mean was removed. Some 180 correlated checks: false alarm below 1 %.
    let samples, surrogates, lags = 1000, 500, 30
    let fitted = law [| 0.9; 0.5; -0.3 |] [| 1.0; 4.0; 0.1 |] samples

    for normalisation in [ LagNormalisation.Pairs; LagNormalisation.Samples ] do
        let responses =
            Array.init surrogates (fun s ->
                VectorResponse.GaussianValues(LagProducts.Of(fitted.Surrogate(3UL, s), lags, blockLength = samples, normalisation = normalisation)))

        for lag in [ 1; 2; 5; 12; 30 ] do
            for k in 0..2 do
                for j in 0..2 do
                    let values = responses |> Array.map (fun r -> r[lag].[k].[j])
                    let mean = Array.average values

                    let deviation =
                        values |> Array.sumBy (fun v -> pown (v - mean) 2) |> fun s -> sqrt (s / float (surrogates - 1))

                    let expected = fitted.StandardDeviation(lag, k, j, normalisation)
                    Assert.InRange(deviation / expected, 0.83, 1.17)

                    let bias =
                        if k = j then
                            3.0 * (1.0 + fitted.Phi[k]) / (1.0 - fitted.Phi[k]) / float samples
                        else
                            0.0

                    let tolerance = 4.0 * expected / sqrt (float surrogates) + bias
                    Assert.InRange(mean - fitted.Mean(lag, k, j, normalisation), -tolerance, tolerance)

[<Fact>]
let ``the band holds the null at the rate it promises, and quantiles of surrogates agree with it`` () =
    let fitted = law [| 0.8; 0.3 |] [| 2.0; 1.0 |] 800
    let band = fitted.Band(10, 2.0)
    let mutable outside, total = 0, 0

    for s in 0..299 do
        let response =
            VectorResponse.GaussianValues(LagProducts.Of(fitted.Surrogate(4UL, s), 10, blockLength = 800))

        for lag in 1..10 do
            for k in 0..1 do
                for j in 0..1 do
                    total <- total + 1
                    let value = response[lag].[k].[j]

                    if value < band.Low[lag].[k].[j] || value > band.High[lag].[k].[j] then
                        outside <- outside + 1

    // 4.55 % nominal; 12000 cases, correlated in the lag, worth at least 1200: standard error 0.6 %.
    Assert.InRange(float outside / float total, 0.025, 0.07)
    let referee = fitted.SurrogateBand(10, 400, 0.9545, 5UL)

    for lag in [ 1; 4; 10 ] do
        for k in 0..1 do
            for j in 0..1 do
                // A quantile at 2.3 % of 400 is known to some 8 % of the half width; a true centre is off by less than 5 %.
                let width (b: ResponseBand) =
                    b.High[lag].[k].[j] - b.Low[lag].[k].[j]

                Assert.InRange(width referee / width band, 0.75, 1.25)

    Assert.Equal(5.0, band.Lags[10])
    Assert.Equal(1.0, band.Low[0].[0].[0], 12)
    Assert.Equal(0.0, band.High[0].[1].[0], 12)

[<Fact>]
let ``a surrogate is the same alone and among others, and has the law that was fitted`` () =
    let fitted = law [| 0.7; 0.2 |] [| 3.0; 1.0 |] 20000
    Assert.Equal<float[]>(fitted.Surrogate(1UL, 11).Values[1], fitted.Surrogate(1UL, 11).Values[1])
    Assert.NotEqual<float[]>(fitted.Surrogate(1UL, 11).Values[1], fitted.Surrogate(1UL, 12).Values[1])
    let again = AutoregressiveNull.Fit(fitted.Surrogate(1UL, 11))

    for k in 0..1 do
        // Errors of φ √((1 − φ²)/T) < 0.7 %; of σ, relative, √(τ/2T) < 1.2 %: five errors.
        Assert.InRange(again.Phi[k] - fitted.Phi[k], -0.035, 0.035)
        Assert.InRange(again.Deviations[k] / fitted.Deviations[k], 0.94, 1.06)

[<Fact>]
let ``a null hypothesis that cannot be had says why`` () =
    let fitted = law [| 0.5 |] [| 1.0 |] 50
    fails [ "more samples than lags"; "got 50 samples"; "up to 50" ] (fun () -> fitted.Band 50)
    fails [ "positive number of standard deviations, got 0" ] (fun () -> fitted.Band(5, 0.0))
    fails [ "at least two surrogates, got 1" ] (fun () -> fitted.SurrogateBand(5, 1, 0.9, 1UL))
    fails [ "between 0 and 1, got 95" ] (fun () -> fitted.SurrogateBand(5, 10, 95.0, 1UL))
    fails [ "at least three samples, got 2" ] (fun () -> AutoregressiveNull.Fit(Recording([| "a" |], [| [| 1.0; 2.0 |] |], 1.0)))
    fails [ "constant 'a'" ] (fun () -> AutoregressiveNull.Fit(Recording([| "a" |], [| [| 1.0; 1.0; 1.0 |] |], 1.0)))

// --- the real recording ------------------------------------------------------------------------------------------

/// shared/data beside the repository, or beside a folder that holds it.
let private communities () =
    let rec search (folder: DirectoryInfo | null) =
        match folder with
        | null -> None
        | folder ->
            let file = Path.Combine(folder.FullName, "shared", "data", "sst-communities.npy")
            if File.Exists file then Some file else search folder.Parent

    match search (DirectoryInfo AppContext.BaseDirectory) with
    | Some file -> Recording.Load(file, RecordingLayout.ComponentsFirst)
    | None ->
        Assert.Skip "the recording ../shared/data/sst-communities.npy is not here"
        Unchecked.defaultof<_>

[<Fact>]
let ``responses of the sea surface are C(τ) C(0)⁻¹, computed plainly, in both normalisations`` () =
    let recording = communities ()
    Assert.Equal((19, 3612), (recording.Components, recording.Samples))
    let struct (standard, _, _) = recording.Standardised()
    let x = standard.Values
    let samples, lags = standard.Samples, 120

    let plain normalisation lag =
        let entry i j =
            let mutable sum = 0.0

            for n in 0 .. samples - 1 - lag do
                sum <- sum + x[i].[n + lag] * x[j].[n]

            sum
            / float (
                if normalisation = LagNormalisation.Pairs then
                    samples - lag
                else
                    samples
            )

        Matrix<float>.Build.Dense(19, 19, Func<int, int, float>(fun i j -> entry i j))

    for normalisation in [ LagNormalisation.Pairs; LagNormalisation.Samples ] do
        let response =
            VectorResponse.Gaussian(LagProducts.Of(standard, lags, normalisation = normalisation), 20)

        let inverse = (plain normalisation 0).Inverse()

        let worst =
            Seq.max (
                seq {
                    for lag in 0..lags do
                        let expected = plain normalisation lag * inverse

                        for i in 0..18 do
                            for j in 0..18 -> abs (expected[i, j] - response.Values[lag].[i].[j])
                }
            )

        Assert.InRange(worst, 0.0, 1e-9)
        Assert.Equal(120.0, response.Lags[120])

        Assert.True(
            response.StandardError
            |> Seq.skip 1
            |> Seq.forall (Seq.forall (Seq.forall (fun e -> e > 0.0 && e < 1.0)))
        )
