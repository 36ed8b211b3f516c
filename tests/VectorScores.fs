/// Scores of a few scalar unknowns in closed form: libraries of features.
module Leith.Tests.VectorScores

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261124UL, 2145UL)

let private fails (phrases: string list) (action: unit -> unit) =
    let error = Assert.Throws<LeithException>(fun () -> action ())

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

/// A record x ← a x + coupling + noise that is no Gaussian one, [component][time].
let private record seed d samples =
    let random = Random(seed + 7 * d)
    let x = Array.init d (fun _ -> Array.zeroCreate<float> samples)
    let state = Array.zeroCreate<float> d

    for n in 0 .. samples - 1 do
        for i in 0 .. d - 1 do
            let skewed = -log(1.0 - random.NextDouble()) - 1.0

            state[i] <-
                0.6 * state[i]
                + 0.2 * state[(i + 1) % d] * float (sign (float i - 0.5))
                + skewed
                + 0.3 * random.NextDouble()

        for i in 0 .. d - 1 do
            x[i][n] <- state[i]

    x

let private recordingOf (x: float[][]) =
    Recording([| for i in 1 .. x.Length -> $"x{i}" |], x, 0.5)

let private featuresOf (x: float[][]) (features: (float[] -> float) list) = [|
    for f in features -> Array.init x[0].Length (fun n -> f [| for row in x -> row[n] |])
|]

let private moments (recording: Recording) lags names (features: float[][]) slopes (further: float[][]) =
    let products = LagProducts.Of(recording, lags, [||], features)

    let sums =
        LagProducts.Of(recording, 0, Array.append features further, features, products.BlockLength)

    products, VectorMoments(sums, names, slopes)

let private number c = FeatureSlope(c, -1, 0.0)

[<Fact>]
let ``A library of the unknowns alone is the Gaussian estimate, whatever the law`` () =
    let same (seed: int, size: int) =
        let d = 1 + abs size % 5
        let x = record (abs seed) d 2000
        let recording = recordingOf x

        let slopes =
            Array.init d (fun i -> Array.init d (fun j -> number (if i = j then 1.0 else 0.0)))

        let products, moments = moments recording 6 recording.Names x slopes [||]

        let fit =
            VectorLibrary.Fit(products, moments, [| 0 .. d - 1 |], [| d .. 2 * d - 1 |], (fun _ -> true), 20, 1UL)

        let gaussian = VectorResponse.Gaussian(LagProducts.Of(recording, 6), 20, 1UL)

        let pairs (a: float[][][]) (b: float[][][]) =
            Seq.zip (a |> Seq.concat |> Seq.concat) (b |> Seq.concat |> Seq.concat)

        for expected, found in pairs gaussian.Values fit.Response.Values do
            Assert.InRange(found - expected, -1e-9, 1e-9)

        // The bootstrap refits as that of the Gaussian estimate does.
        for expected, found in pairs gaussian.StandardError fit.Response.StandardError do
            Assert.InRange(found - expected, -1e-9, 1e-9)

    Check.One(quick 20, same)

[<Fact>]
let ``Moments that stream over tiles and blocks are those of the whole record at once`` () =
    let streams (seed: int, members: int, block: int) =
        let members, block = 1 + abs members % 20, 1 + abs block % 60
        let data = Array.init members (fun m -> record (abs seed + 1000 * m) 2 60)

        let map (rows: int) (f: float -> float -> float list) =
            TileRows(
                rows,
                fun () -> {
                    new ITileMap with
                        member _.Apply(state, _, result) =
                            for source, target in [ state.A, result.A; state.B, result.B ] do
                                for lane in 0..7 do
                                    f source[0, lane] source[1, lane] |> List.iteri (fun row value -> target[row, lane] <- value)

                        member _.Dispose() = ()
                }
            )

        // x, x², x y; ∂/∂x: 1, 2 x, y; ∂/∂y: 0, 0, x. Only y is no feature.
        let features x y = [ x; x * x; x * y ]
        let slope row factor = FeatureSlope(0.0, row, factor)

        let slopes = [|
            [| number 1.0; slope 2 2.0; slope 5 1.0 |]
            [| number 0.0; number 0.0; slope 2 1.0 |]
        |]

        let plan =
            VectorLagPlan(
                SamplingPlan(members, 0.0, 30.0, 0.5),
                2,
                0,
                Observables = [| map 4 (fun x y -> features x y @ [ y ]) |],
                Features = [| map 3 features |],
                BlockLength = Nullable(int64 block)
            )

        let lags = VectorLags plan

        for tile in (members - 1) / 16 .. -1 .. 0 do
            let sink = lags.Open tile
            use state = new Tile(2, tile)

            for n in 0..59 do
                for lane in 0..15 do
                    for row in 0..1 do
                        let m = 16 * tile + lane
                        let rows = if lane < 8 then state.A else state.B
                        rows[row, lane % 8] <- if m < members then data[m].[row].[n] else 1e3

                sink.Sample(int64 n, float n, state)

            sink.Finish()

        let found = VectorMoments(lags.Result(), [| "x"; "x²"; "x y" |], slopes)

        let points = [|
            for member' in data do
                for n in 0..59 -> member'[0].[n], member'[1].[n]
        |]

        let mean f =
            points |> Array.averageBy (fun (x, y) -> f x y)

        let centred j k =
            let value i x y = (features x y)[i]
            mean (fun x y -> value j x y * value k x y) - mean (value j) * mean (value k)

        for j in 0..2 do
            for k in 0..2 do
                Assert.Equal(centred j k, found.Gram[j, k], 1e-9 * (1.0 + abs (centred j k)))

        let x, y = mean (fun x _ -> x), mean (fun _ y -> y)

        let expected: float[][] = [| [| 1.0; 2.0 * x; y |]; [| 0.0; 0.0; x |] |]

        for i in 0..1 do
            for j in 0..2 do
                Assert.Equal(expected[i].[j], found.Slopes[i].[j], 1e-10)

    Check.One(quick 30, streams)

let private coefficient (score: ScoreReport) component' feature =
    let _, _, value, error =
        score.Coefficients |> List.find (fun (c, f, _, _) -> c = component' && f = feature)

    value, error

[<Fact>]
let ``The coefficients of a polynomial score come out within their standard errors`` () =
    let x = scalar "x"
    let climate = ClimateSystems.scalarAdditive x
    let fitted = libraryOf [ x; square x; cube x ]

    let outcome =
        experiment "known polynomial" {
            system climate.Equations
            noise climate.Noise
            step climate.Step
            sample (members 64 |> spinUp 40.0 |> lasting 1000.0 |> every 0.5)
            perturb (push x)
            observe [ x; square x ]
            lags 2.0
            estimate [ exactOf climate.Score; fitted; libraryAuto ]
            seed 5
        }
        |> runAlone

    let exact = 2.0 / 0.7071 ** 2
    let score = outcome.Scores |> List.find (fun s -> s.Estimator = "library")

    // Four z-scores from about 60 blocks: beyond 5 once in ten thousand seeds.
    for feature, c in [ "1", 0.6; "x", -0.0222; "x²", -0.2; "x³", -0.0494 ] do
        let value, error = coefficient score "x" feature
        Assert.InRange((value - exact * c) / error, -5.0, 5.0)
        Assert.InRange(error, 1e-4, 0.15)

    Assert.Contains("x³", score.Equation.Head)
    Assert.InRange(fst score.RelativeError.Value, 0.0, 0.03)
    let chosen = outcome.Scores |> List.find (fun s -> s.Estimator = "library, chosen")
    Assert.InRange(fst chosen.RelativeError.Value, 0.0, 0.05)
    // R(0) = 1 holds identically where x is a feature.
    Assert.Equal(1.0, (outcome.Response "library").Values[0].[0], 1e-9)

[<Fact>]
let ``In two dimensions the terms of a gradient system are chosen and their score is found`` () =
    let x, y = scalar "x", scalar "y"
    // V = x⁴/4 + y²/2 + x² y/2 + x y²/4 … the last terms couple the two; s = −∇V/T, T = 1/2.
    let forceX = -(x ** 3) - x * square y
    let forceY = -y - square x * y

    let outcome =
        experiment "gradient system" {
            system [ ddt x == forceX; ddt y == forceY ]
            noise (perSite 1.0)
            step (heun 0.02)
            sample (members 64 |> spinUp 20.0 |> lasting 1000.0 |> every 0.5)
            perturb (pushEach [ x; y ])
            observe [ x; y ]
            lags 2.0
            estimate [ exactOf [ 2.0 * forceX; 2.0 * forceY ]; libraryAuto ]
            seed 6
        }
        |> runAlone

    let score = outcome.Scores |> List.find (fun s -> s.Estimator = "library, chosen")
    Assert.InRange(fst score.RelativeError.Value, 0.0, 0.05)

    for component', feature in [ "x", "x³"; "x", "x y²"; "y", "y"; "y", "x² y" ] do
        let value, error = coefficient score component' feature
        // Other chosen features share a term's part: it need not be −2 on its own, but it is there.
        Assert.InRange(value, -2.0 - 6.0 * error - 0.3, -2.0 + 6.0 * error + 0.3)

let private small estimators =
    let x, y = scalars [ "x"; "y" ] |> fun l -> l[0], l[1]

    experiment "messages" {
        system [ ddt x == -x; ddt y == -2.0 * y ]
        noise (perSite 1.0)
        step (exponential 0.5)
        sample (members 16 |> spinUp 5.0 |> lasting 40.0 |> every 0.5)
        perturb (push x)
        observe [ x ]
        lags 2.0
        estimate (estimators x y)
        seed 4
    }

[<Fact>]
let ``Libraries that cannot be fitted are refused with a sentence`` () =
    let refused phrases estimators =
        fails phrases (fun () -> runAlone (small estimators) |> ignore)

    refused [ "none is a sum of others"; "'x'"; "'y'"; "Leave one of" ] (fun x y -> [ libraryOf [ x; y; x + y ] ])
    refused [ "expected features that vary"; "leave it out" ] (fun x _ -> [ libraryOf [ x; Field.Number 2.0 ] ])
    refused [ "depends on the time" ] (fun x _ -> [ libraryOf [ x * Field.Time ] ])
    refused [ "expected features with one number a component"; "libraryOf" ] (fun x _ -> [ libraryOf [ x ] |> alsoFixed [ cube x ] ])
    refused [ "expected at least one feature" ] (fun _ _ -> [ libraryOf [] ])
    refused [ "finite on all data"; "log" ] (fun x _ -> [ libraryOf [ x; log x ] ])

    refused [ "independent samples for 60 features"; "times as much data" ] (fun x y -> [
        libraryOf [
            for n in 1..30 do
                sin (float n * x)
                sin (float n * y)
        ]
    ])
