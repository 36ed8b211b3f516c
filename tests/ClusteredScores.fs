/// Scores from clusters of noised data.
module Leith.Tests.ClusteredScores

open System
open System.IO
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261124UL, 2215UL)

let private fails (phrases: string list) (action: unit -> unit) =
    let error = Assert.Throws<LeithException>(fun () -> action ())

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

/// Two spherical Gaussians: weight, centre, standard deviation of each.
type private Mixture = {
    Parts: (float * float[] * float) list
} with

    member m.Dimension =
        let _, centre, _ = m.Parts.Head
        centre.Length

    member m.Draw(random: Random) =
        let u = random.NextDouble()
        let weight, a, s = m.Parts[0]
        let _, centre, deviation = if u < weight then weight, a, s else m.Parts[1]

        let normal () =
            sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

        centre |> Array.map (fun c -> c + deviation * normal ())

    /// The score of the density smoothed by noise of standard deviation σ_i in each component.
    member m.Score (sigma: float[]) (x: float[]) =
        let densities =
            m.Parts
            |> List.map (fun (w, centre, s) ->
                let exponent =
                    Seq.sum (seq { for i in 0 .. x.Length - 1 -> (x[i] - centre[i]) ** 2.0 / (2.0 * (s * s + sigma[i] ** 2.0)) })

                let norm = Seq.fold (fun p v -> p / sqrt (s * s + v * v)) 1.0 sigma
                w * norm * exp -exponent)

        Array.init x.Length (fun i ->
            List.map2 (fun p (_, centre: float[], s) -> -p * (x[i] - centre[i]) / (s * s + sigma[i] ** 2.0)) densities m.Parts
            |> List.sum
            |> fun sum -> sum / List.sum densities)

let private statistics (samples: float[][]) =
    let mean =
        Array.init samples[0].Length (fun i -> samples |> Array.averageBy (fun x -> x[i]))

    mean, mean |> Array.mapi (fun i m -> sqrt (samples |> Array.averageBy (fun x -> (x[i] - m) ** 2.0)))

/// √(⟨|ŝ − s|²⟩/⟨|s|²⟩) over samples.
let private distance (samples: float[][]) (found: float[] -> float[]) (exact: float[] -> float[]) =
    let squared (a: float[]) (b: float[]) =
        Array.fold2 (fun sum x y -> sum + (x - y) ** 2.0) 0.0 a b

    let zero = Array.zeroCreate samples[0].Length

    sqrt (
        (samples |> Array.averageBy (fun x -> squared (found x) (exact x)))
        / (samples |> Array.averageBy (fun x -> squared zero (exact x)))
    )

[<Fact>]
let ``Clusters of a mixture in one to three dimensions find the score of the smoothed density`` () =
    let close (seed: int, size: int, apart: int) =
        let d = 1 + abs size % 3
        let random = Random(abs seed)

        let mixture = {
            Parts = [
                0.6, Array.create d 0.0, 1.0
                0.4, Array.init d (fun i -> if i = 0 then 1.5 + float (abs apart % 10) / 8.0 else 0.5), 0.7
            ]
        }

        let samples = Array.init 40_000 (fun _ -> mixture.Draw random)
        let mean, deviation = statistics samples
        let level = 0.3

        let score =
            Clustering(samples, mean, deviation, float samples.Length, Nullable level, 5UL).Of samples

        let exact = mixture.Score(deviation |> Array.map (fun s -> level * s))
        let fresh = Array.init 2000 (fun _ -> mixture.Draw random)
        let error = distance fresh (fun x -> score.At(ReadOnlySpan x)) exact
        // The Gaussian estimate is .25 to .6 away. Leaf noise grows with the dimension; measured: about .03, .07, .1.
        if error > 0.05 + 0.05 * float d then
            failwith
                $"expected the score of the smoothed mixture in {d} dimensions, got one at a relative distance of {error} with {score.Leaves} clusters"

    Check.One(quick 12, close)

[<Fact>]
let ``The noise level that held-out data choose comes close to the score itself`` () =
    let random = Random 3

    let mixture = {
        Parts = [ 0.5, [| -1.2 |], 0.6; 0.5, [| 1.2 |], 0.6 ]
    }

    let samples = Array.init 60_000 (fun _ -> mixture.Draw random)
    let mean, deviation = statistics samples

    let clustering =
        Clustering(samples, mean, deviation, float samples.Length, Nullable(), 5UL)

    let score = clustering.Of samples

    let error =
        distance (Array.truncate 5000 samples) (fun x -> score.At(ReadOnlySpan x)) (mixture.Score [| 0.0 |])

    Assert.InRange(error, 0.0, 0.15)
    Assert.InRange(score.Sigma, 0.03, 0.5)

[<Fact>]
let ``Leaves filled tile by tile are those filled at once, whatever the order of the tiles`` () =
    let random = Random 4

    let mixture = {
        Parts = [ 0.5, [| -1.0; 0.0 |], 0.6; 0.5, [| 1.0; 0.3 |], 0.8 ]
    }

    let samples = Array.init 32_000 (fun _ -> mixture.Draw random)
    let mean, deviation = statistics samples
    let plan = SamplingPlan(32, 0.0, 1000.0, 1.0)

    let filled order =
        let clustering =
            Clustering(samples, mean, deviation, float samples.Length, Nullable 0.3, 5UL)

        for tile in order do
            let sink = clustering.Open(plan, tile)
            use state = new Tile(2, tile)

            for n in 0..999 do
                for lane in 0..15 do
                    for row in 0..1 do
                        let block = if lane < 8 then state.A else state.B
                        block[row, lane % 8] <- samples[32 * n + 16 * tile + lane].[row]

                sink.Sample(int64 n, float n, state)

            sink.Finish()

        clustering.Result()

    let a, b = filled [ 0; 1 ], filled [ 1; 0 ]
    let probes = Array.truncate 200 samples

    for x in probes do
        Assert.Equal<float[]>(a.At(ReadOnlySpan x), b.At(ReadOnlySpan x))

    // Other noise at the same samples: as close as the noise of the leaves allows.
    let exact = mixture.Score(deviation |> Array.map (fun s -> 0.3 * s))
    Assert.InRange(distance probes (fun x -> a.At(ReadOnlySpan x)) exact, 0.0, 0.15)

    // The map of tiles is the score of each lane.
    use state = new Tile(2, 0)
    use result = new Tile(2, 0)

    for lane in 0..7 do
        for row in 0..1 do
            state.A[row, lane] <- probes[lane].[row]
            state.B[row, lane] <- probes[8 + lane].[row]

    use map = a.CreateScore()
    map.Apply(state, 0.0, result)

    for lane in 0..7 do
        Assert.Equal<float[]>(a.At(ReadOnlySpan probes[lane]), [| result.A[0, lane]; result.A[1, lane] |])
        Assert.Equal<float[]>(a.At(ReadOnlySpan probes[8 + lane]), [| result.B[0, lane]; result.B[1, lane] |])

[<Fact>]
let ``Clusters that cannot be made are refused with a sentence`` () =
    let random = Random 5

    let normal d n =
        Array.init n (fun _ ->
            {
                Parts = [ 1.0, Array.zeroCreate d, 1.0 ]
            }
                .Draw
                random)

    let make d n (level: float option) () =
        let samples = normal d n
        let mean, deviation = statistics samples

        Clustering(samples, mean, deviation, float n, Option.toNullable level, 1UL) |> ignore

    fails [ "at most 6 components, got 7"; "learned mlp" ] (make 7 100 None)
    fails [ "at least 1000 samples for 1 component, got 250"; "4 times" ] (make 1 250 None)
    fails [ "expected at least the resolution of the data, about"; "got 1E-05" ] (make 2 4000 (Some 1e-5))
    fails [ "to tell 4 clusters apart at the noise level 0.05"; "more data" ] (make 1 1000 (Some 0.05))

    fails [ "noiseLevel: expected a positive number, got -1" ] (fun () -> clustered |> noiseLevel -1.0 |> ignore)
    fails [ "noiseLevel: expected a network, clustered or learned, got Gaussian" ] (fun () -> gaussian |> noiseLevel 0.1 |> ignore)
    Assert.Equal(Some 0.2, (mlp |> noiseLevel 0.2).Sigma)

[<Fact>]
let ``In a double well clusters and a network answer as twins do, and know their distance to the exact score`` () =
    let x = scalar "x"
    let known = exactOf [ 4.0 * (x - cube x) ]
    let net = learned (mlp |> channels 16 |> layers 1 |> steps 400 |> batch 64)

    let outcome =
        experiment "double well" {
            system [ ddt x == x - cube x ]
            noise (perSite (sqrt 0.5))
            step (heun 0.02)
            sample (members 128 |> spinUp 20.0 |> lasting 400.0 |> every 0.5)
            perturb (push x)
            observe [ x; cube x ]
            lags 2.0
            estimate [ known; clustered; net ]
            seed 8
        }
        |> runAlone

    let exact, found = outcome.Response known.Label, outcome.Response "clustered"

    for i in 0..1 do
        for lag in 0 .. exact.Lags.Length - 1 do
            // Same samples: the difference is the error of the score, of which the forecast leaves little.
            Assert.InRange(found.Values[i].[lag] - exact.Values[i].[lag], -0.05, 0.05)

    for name, limit in [ "clustered", 0.1; "learned", 0.9 ] do
        let score = outcome.Scores |> List.find (fun s -> s.Estimator = name)
        Assert.InRange(fst score.RelativeError.Value, 1e-4, limit)
        Assert.InRange(snd score.RelativeError.Value, 1e-5, 0.1)

[<Fact>]
let ``A recording is answered by a library of its columns, a chosen one and clusters`` () =
    let random = Random 9
    let path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString "N" + ".npy")
    let samples = 30_000

    // Two uncoupled double wells, well resolved in time.
    let values = Array.zeroCreate<float>(2 * samples)
    let state = [| 0.5; -0.5 |]

    for n in 0 .. samples - 1 do
        for i in 0..1 do
            for _ in 1..10 do
                let normal =
                    sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

                state[i] <- state[i] + 0.02 * (state[i] - state[i] ** 3.0) + sqrt (0.02 * 0.8) * normal

            values[2 * n + i] <- state[i]

    Npy.Write(path, ReadOnlySpan values, [| samples; 2 |])

    try
        let series = recording path |> spacing 0.2
        let a, b = column series 0, column series 1

        let ask estimators =
            experiment "recorded wells" {
                data series
                perturb (push a)
                observe (everyColumn series)
                lags 2.0
                estimate estimators
                seed 3
            }
            |> runAlone

        let outcome =
            ask [ gaussian; libraryOf [ a; b; cube a; cube b ]; libraryAuto; clustered ]

        // ⟨a(t) s⟩ at lag 0 is −1 for every score; s = 2 (a − a³)/.8 (the variance of the noise), but for the step of 1/50.
        let score = outcome.Scores |> List.find (fun s -> s.Estimator = "library")

        for feature, expected in [ "x1", 2.5; "x1³", -2.5; "x2", 0.0; "x2³", 0.0 ] do
            let _, _, value, error =
                score.Coefficients
                |> List.find (fun (c, f, _, _) -> c = "x1" && (f = feature || f = feature.Replace("x", "component ")))

            Assert.InRange(value - expected, -5.0 * error - 0.1, 5.0 * error + 0.1)

        let chosen = outcome.Response "library, chosen"
        Assert.Contains("chosen by held-out loss", String.Join(" ", chosen.Notes))
        let library, clusters = outcome.Response "library", outcome.Response "clustered"

        for lag in 0 .. library.Lags.Length - 1 do
            Assert.InRange(chosen.Values[0].[lag] - library.Values[0].[lag], -0.05, 0.05)
            Assert.InRange(clusters.Values[0].[lag] - library.Values[0].[lag], -0.1, 0.1)

        Assert.Contains("its score is that of the recording", (ask [ libraryAuto ]).Verdict)
        fails [ "`estimate` expected only columns of" ] (fun () -> ask [ libraryOf [ scalar "z" ] ] |> ignore)
    finally
        File.Delete path
