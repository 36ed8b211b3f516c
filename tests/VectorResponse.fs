module Leith.Tests.VectorResponse

open System
open FsCheck
open FsCheck.FSharp
open Leith.Core
open MathNet.Numerics.LinearAlgebra
open Xunit

let private fails (phrases: string list) (action: unit -> obj) =
    let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

let private build rows columns (value: int -> int -> float) =
    Matrix<float>.Build.Dense(rows, columns, Func<int, int, float>(fun i j -> value i j))

let private matrix (rows: float[][]) =
    build rows.Length rows[0].Length (fun i j -> rows[i].[j])

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261122UL, 7UL)

/// x ← M x + S ξ, from its stationary law on.
type private Chain = {
    M: Matrix<float>
    S: Matrix<float>
    /// The stationary covariance, C = M C Mᵀ + S Sᵀ.
    C: Matrix<float>
}

let private chain (m: Matrix<float>) (s: Matrix<float>) =
    // Doubling: after k rounds the sum over the first 2ᵏ powers of M.
    let step (c: Matrix<float>, p: Matrix<float>) = c + p * c * p.Transpose(), p * p

    let c, _ =
        Seq.fold (fun state _ -> step state) (s * s.Transpose(), m) (seq { 1..12 })

    { M = m; S = s; C = c }

/// A random chain whose slowest memory is 1 to 6 steps, usually non-normal.
let private chains = gen {
    let! d = Gen.choose (1, 6)

    let! numbers =
        Gen.listOfLength (2 * d * d) (Gen.choose (-1000, 1000))
        |> Gen.map (List.map (fun n -> float n / 1000.0))

    let! radius = Gen.choose (400, 850) |> Gen.map (fun n -> float n / 1000.0)
    let raw = build d d (fun i j -> numbers[i * d + j] + if i = j then 0.5 else 0.0)
    let largest = raw.Evd().EigenValues |> Seq.map _.Magnitude |> Seq.max |> max 1e-3

    let s =
        build d d (fun i j -> 0.4 * numbers[d * d + i * d + j] + if i = j then 1.0 else 0.0)

    return chain (raw * (radius / largest)) s
}

/// One recording, [component][time].
let private simulate seed member' samples (law: Chain) =
    let d = law.M.RowCount

    let normals n =
        Vector<float>.Build.Dense(d, Func<int, float>(fun row -> NormalStream.Single(seed, 77u, member', int64 n, row)))

    let first = law.C.Cholesky().Factor * normals 0
    let path = Array.zeroCreate<Vector<float>> samples
    path[0] <- first

    for n in 1 .. samples - 1 do
        path[n] <- law.M * path[n - 1] + law.S * normals n

    Array.init d (fun i -> path |> Array.map (fun x -> x[i]))

let private named (series: float[][]) interval =
    Recording([| for i in 1 .. series.Length -> $"x{i}" |], series, interval)

let private linearScore (law: Chain) factor (series: float[][]) =
    let inverse = law.C.Inverse()
    let d = series.Length
    Array.init d (fun i -> Array.init series[0].Length (fun n -> -factor * Seq.sum (seq { for j in 0 .. d - 1 -> inverse[i, j] * series[j][n] })))

/// Lag products of members in tiles, as a simulation would hand them over.
let private gather (plan: VectorLagPlan) (members: float[][][]) (order: int seq) =
    let lags = VectorLags plan

    for tile in order do
        let sink = lags.Open tile
        use state = new Tile(plan.Dimension, tile)

        for n in 0 .. members[0].[0].Length - 1 do
            for lane in 0..15 do
                // Unused lanes carry rubbish: they are no members.
                for row in 0 .. plan.Dimension - 1 do
                    let m = 16 * tile + lane
                    let block = if lane < 8 then state.A else state.B
                    block.Span[row * 8 + lane % 8] <- if m < members.Length then members[m].[row].[n] else 1e6

            sink.Sample(int64 n, float n, state)

        sink.Finish()

    lags.Result()

/// Σ over members and times, the plain way.
let private direct (normalisation: LagNormalisation) lag (a: float[][][]) (b: float[][][]) =
    let samples = a[0].[0].Length

    let mean (all: float[][][]) row =
        all |> Array.averageBy (fun x -> Array.average x[row])

    let meanA, meanB = Array.init a[0].Length (mean a), Array.init b[0].Length (mean b)

    let pairs =
        if normalisation = LagNormalisation.Pairs then
            samples - lag
        else
            samples

    Array.init meanA.Length (fun i ->
        Array.init meanB.Length (fun j ->
            let mutable sum = 0.0

            for m in 0 .. a.Length - 1 do
                for n in 0 .. samples - 1 - lag do
                    sum <- sum + (a[m].[i].[n + lag] - meanA[i]) * (b[m].[j].[n] - meanB[j])

            sum / float (pairs * a.Length)))

let private close tolerance (expected: float[][]) (actual: float[][]) =
    Array.forall2 (Array.forall2 (fun (x: float) y -> abs (x - y) <= tolerance)) expected actual

/// u ↦ u² of every row.
let private square rows =
    TileRows(
        rows,
        fun () -> {
            new ITileMap with
                member _.Apply(state, _, result) =
                    for n in 0 .. 8 * rows - 1 do
                        result.A.Span[n] <- state.A.Span[n] * state.A.Span[n]
                        result.B.Span[n] <- state.B.Span[n] * state.B.Span[n]

                member _.Dispose() = ()
        }
    )

[<Fact>]
let ``streamed lag products are the direct sums, for any lengths, lags, members and blocks`` () =
    let cases = gen {
        let! d, members = Gen.zip (Gen.choose (1, 4)) (Gen.choose (1, 20))
        // Long runs slide the buffer of the last samples.
        let! samples = Gen.oneof [ Gen.choose (2, 90); Gen.choose (200, 500) ]

        let! lags, block =
            Gen.zip (Gen.choose (0, min (samples - 1) (6000 / samples))) (Gen.choose (1, samples + 3))

        let! normalisation =
            Gen.elements [ LagNormalisation.Pairs; LagNormalisation.Samples ]

        let! observed, scored =
            Gen.zip (Gen.elements [ true; false ]) (Gen.elements [ true; false ])

        let! seed = Gen.choose (0, 1000000)
        return d, members, samples, lags, block, normalisation, observed, scored, uint64 seed
    }

    Check.One(
        quick 100,
        Prop.forAll (Arb.fromGen cases) (fun (d, members, samples, lags, block, normalisation, observed, scored, seed) ->
            let x =
                Array.init members (fun m ->
                    Array.init d (fun i -> Array.init samples (fun n -> 0.5 + NormalStream.Single(seed, 1u, m, int64 n, i))))

            let squared = x |> Array.map (Array.map (Array.map (fun v -> v * v)))

            let join (all: float[][][]) extra =
                if extra then Array.map2 Array.append all squared else all

            let maps extra : TileRows[] = if extra then [| square d |] else [||]

            let plan =
                VectorLagPlan(
                    SamplingPlan(members, 0.0, float samples, 1.0),
                    d,
                    lags,
                    Observables = maps observed,
                    Scores = maps scored,
                    BlockLength = int64 block,
                    Normalisation = normalisation
                )

            let tiles = (members + 15) / 16
            let products = gather plan x [ 0 .. tiles - 1 ]
            let backwards = gather plan x [ tiles - 1 .. -1 .. 0 ]

            products.Samples = int64 (members * samples)
            && [ 0..lags ]
               |> List.forall (fun lag ->
                   close 1e-11 (direct normalisation lag (join x observed) (join x scored)) (products.Covariance lag)
                   && close 0.0 (products.Covariance lag) (backwards.Covariance lag)))
    )

[<Fact>]
let ``lag products of a recording are the direct sums, whatever the block`` () =
    let cases = gen {
        let! d, samples = Gen.zip (Gen.choose (1, 5)) (Gen.choose (2, 300))

        let! lags, block =
            Gen.zip (Gen.choose (0, samples - 1)) (Gen.choose (1, samples + 3))

        let! normalisation =
            Gen.elements [ LagNormalisation.Pairs; LagNormalisation.Samples ]

        let! seed = Gen.choose (0, 1000000)
        return d, samples, lags, block, normalisation, uint64 seed
    }

    Check.One(
        quick 100,
        Prop.forAll (Arb.fromGen cases) (fun (d, samples, lags, block, normalisation, seed) ->
            // Kelvin: the mean is large beside the signal.
            let x =
                Array.init d (fun i -> Array.init samples (fun n -> 300.0 + NormalStream.Single(seed, 1u, 0, int64 n, i)))

            let s = x |> Array.map (Array.map (fun v -> v * v))
            let products = LagProducts.Of(named x 1.0, lags, [| s |], block, normalisation)

            [ 0..lags ]
            |> List.forall (fun lag -> close 1e-7 (direct normalisation lag [| x |] [| Array.append x s |]) (products.Covariance lag)))
    )

[<Fact>]
let ``the Gaussian response of a stable linear system is the propagator, within its standard errors`` () =
    // 40 systems, lags 1, 3, 8, all pairs: about 1500 correlated z-scores on some 64 blocks. For a true null P(any |z| > 5.5) < 0.1 %, P(mean z² outside 0.7 … 1.4) < 1 %.
    let scores = ResizeArray<float>()

    Check.One(
        quick 40,
        Prop.forAll (Arb.fromGen chains) (fun law ->
            let d = law.M.RowCount
            let members = Array.init 64 (fun m -> simulate 11UL (m + 64 * scores.Count) 250 law)

            let products =
                gather (VectorLagPlan(SamplingPlan(64, 0.0, 250.0, 1.0), d, 8)) members [ 0..3 ]

            let response = VectorResponse.Gaussian products

            let identity =
                close 1e-9 (Array.init d (fun i -> Array.init d (fun j -> if i = j then 1.0 else 0.0))) response.Values[0]

            let z = [
                for lag in [ 1; 3; 8 ] do
                    let exact = law.M.Power lag

                    for i in 0 .. d - 1 do
                        for j in 0 .. d - 1 -> (response.Values[lag].[i].[j] - exact[i, j]) / response.StandardError[lag].[i].[j]
            ]

            scores.AddRange z
            identity && z |> List.forall (fun z -> abs z < 5.5))
    )

    let meanSquare = scores |> Seq.averageBy (fun z -> z * z)
    Assert.InRange(meanSquare, 0.7, 1.4)

[<Fact>]
let ``an exact linear score gives the propagator, and the control variate forgives a wrong factor`` () =
    // 20 systems, one lag each, all pairs: about 250 z-scores on 45 blocks or more. P(any |z| > 5.5) < 0.1 %.
    Check.One(
        quick 20,
        Prop.forAll (Arb.fromGen chains) (fun law ->
            let d = law.M.RowCount
            let series = simulate 12UL (int (1e6 * abs law.M[0, 0])) 4000 law
            let scores = [| linearScore law 1.0 series; linearScore law 0.8 series |]
            let products = LagProducts.Of(named series 1.0, 6, scores)
            let exact = law.M.Power 2
            let gaussian = VectorResponse.Gaussian(products, 50)
            let plain = VectorResponse.FromScore(products, 0, false, 100)
            let wrong = VectorResponse.FromScore(products, 1, false, 50)
            let corrected = VectorResponse.FromScore(products, 1, true, 50)

            let pairs = [
                for i in 0 .. d - 1 do
                    for j in 0 .. d - 1 -> i, j
            ]

            let z =
                pairs
                |> List.map (fun (i, j) -> (plain.Values[2].[i].[j] - exact[i, j]) / plain.StandardError[2].[i].[j])

            let distance (r: ResponseEstimate) =
                pairs
                |> List.sumBy (fun (i, j) -> pown (r.Values[0].[i].[j] - (if i = j then 1.0 else 0.0)) 2)
                |> sqrt

            z |> List.forall (fun z -> abs z < 5.5)
            && distance wrong > 0.1 * sqrt (float d)
            && distance corrected < 1e-9
            // A score linear in x leaves nothing but the Gaussian estimate.
            && Array.forall2 (close 1e-9) gaussian.Values corrected.Values)
    )

/// s(u) = −C⁻¹ u on tiles.
let private gaussianScore (covariance: float[,]) =
    let inverse = (Matrix<float>.Build.DenseOfArray covariance).Inverse()
    let d = inverse.RowCount

    TileRows(
        d,
        fun () -> {
            new ITileMap with
                member _.Apply(state, _, result) =
                    for lane in 0..7 do
                        for i in 0 .. d - 1 do
                            let entry (block: LaneArray) =
                                let mutable sum = 0.0

                                for j in 0 .. d - 1 do
                                    sum <- sum - inverse[i, j] * block.Span[8 * j + lane]

                                sum

                            result.A.Span[8 * i + lane] <- entry state.A
                            result.B.Span[8 * i + lane] <- entry state.B

                member _.Dispose() = ()
        }
    )

[<Fact>]
let ``gathered while a linear equation runs, Gaussian and exact-score responses are exp(A τ), on any number of threads`` () =
    // 8 equations, lags ½, 1, 2, all pairs, two estimators: about 700 correlated z-scores on 64 members. P(any |z| > 5.5) < 0.1 %.
    Check.One(
        quick 8,
        Prop.forAll (Arb.fromGen chains) (fun law ->
            let d = law.M.RowCount
            let drift = (law.M - 1.1 * Matrix<float>.Build.DenseIdentity d).ToArray()
            let model = Model(Rows = d, LinearMatrix = drift, NoiseMatrix = law.S.ToArray())
            let simulation = Simulation(model, Scheme.Exponential, 0.5, 21UL)
            let sampling = SamplingPlan(64, 40.0, 150.0, 0.5)

            let plan =
                VectorLagPlan(sampling, d, 4, Scores = [| gaussianScore (LinearLaw.StationaryCovariance model) |])

            let gathered threads =
                let lags = VectorLags plan
                simulation.Run(sampling, (fun tile -> lags.Open tile), threads, null, Threading.CancellationToken.None)
                lags.Result()

            let products = gathered 2

            let estimates = [
                VectorResponse.Gaussian(products, 100)
                VectorResponse.FromScore(products, 0, false, 100)
            ]

            let z = [
                for r in estimates do
                    for lag in [ 1; 2; 4 ] do
                        let exact = LinearLaw.PropagatorMatrix(model, r.Lags[lag])

                        for i in 0 .. d - 1 do
                            for j in 0 .. d - 1 -> (r.Values[lag].[i].[j] - exact[i, j]) / r.StandardError[lag].[i].[j]
            ]

            close 0.0 (products.Covariance 3) ((gathered 1).Covariance 3)
            && z |> List.forall (fun z -> abs z < 5.5))
    )

[<Fact>]
let ``bootstrap errors are the scatter of repeated recordings, and two of them cover`` () =
    let law =
        chain (matrix [| [| 0.8; 0.3 |]; [| -0.1; 0.6 |] |]) (matrix [| [| 1.0; 0.0 |]; [| 0.5; 0.7 |] |])

    let repeats = 80

    let estimates =
        Array.init repeats (fun m -> VectorResponse.Gaussian(LagProducts.Of(named (simulate 13UL m 1500 law) 1.0, 6), 150))

    let mutable covered, total = 0, 0

    for lag in [ 1; 3; 6 ] do
        let exact = law.M.Power lag

        for i in 0..1 do
            for j in 0..1 do
                let values = estimates |> Array.map (fun r -> r.Values[lag].[i].[j])
                let mean = Array.average values

                let spread =
                    values |> Array.sumBy (fun v -> pown (v - mean) 2) |> fun s -> sqrt (s / float (repeats - 1))

                let claimed = estimates |> Array.averageBy (fun r -> r.StandardError[lag].[i].[j])
                // The spread of 80 is known to 8 %: 0.75 and 1.3 are more than three of its errors away, after a few per cent that blocks cut off.
                Assert.InRange(claimed / spread, 0.75, 1.3)

                for r in estimates do
                    total <- total + 1

                    if abs (r.Values[lag].[i].[j] - exact[i, j]) < 2.0 * r.StandardError[lag].[i].[j] then
                        covered <- covered + 1

    // Nominal 95.4 %; 960 correlated cases, standard error about 1.2 %.
    Assert.InRange(float covered / float total, 0.89, 0.985)

[<Fact>]
let ``the bootstrap is a function of its seed`` () =
    let law = chain (matrix [| [| 0.5 |] |]) (matrix [| [| 1.0 |] |])
    let products = LagProducts.Of(named (simulate 1UL 0 500 law) 1.0, 3)

    let errors seed =
        VectorResponse.Gaussian(products, 50, seed).StandardError[2].[0].[0]

    Assert.Equal(errors 5UL, errors 5UL)
    Assert.NotEqual(errors 5UL, errors 6UL)

[<Fact>]
let ``the integrated autocorrelation time of an AR(1) process is (1 + φ) ⁄ (1 − φ)`` () =
    // 100,000 samples: standard error τ √((4 W + 2) ⁄ T) with W = 2.5 τ is below 5 % for τ ≤ 19; the window cuts e⁻⁵. Four standard errors: false alarm below 0.03 %.
    for phi in [ 0.0; 0.5; 0.9; -0.5 ] do
        let law = chain (matrix [| [| phi |] |]) (matrix [| [| 1.0 |] |])
        let exact = (1.0 + phi) / (1.0 - phi)
        let series = (simulate 14UL 3 100000 law)[0]
        let time = CorrelationTime.Integrated(ReadOnlySpan series)
        let error = exact * sqrt ((10.0 * max exact 1.0 + 2.0) / 100000.0)
        Assert.InRange(time, exact * 0.98 - 4.0 * error, exact * 1.02 + 4.0 * error)
        Assert.Equal(100000.0 / time, CorrelationTime.EffectiveSamples(ReadOnlySpan series), 9)

[<Fact>]
let ``responses that cannot be had say why`` () =
    let law =
        chain (matrix [| [| 0.5; 0.1 |]; [| 0.0; 0.3 |] |]) (matrix [| [| 1.0; 0.0 |]; [| 0.0; 1.0 |] |])

    let x = simulate 15UL 0 400 law

    let twice =
        Recording([| "ocean"; "land"; "copy" |], [| x[0]; x[1]; x[0] |> Array.map (fun v -> 3.0 * v + 1.0) |], 1.0)

    fails [ "singular"; "0.71 'ocean'"; "0.71 'copy'"; "Leave one of these" ] (fun () -> VectorResponse.Gaussian(LagProducts.Of(twice, 4)))
    let short = named (x |> Array.map (Array.truncate 20)) 1.0
    fails [ "at least 8 blocks"; "got 2"; "Take more data" ] (fun () -> VectorResponse.Gaussian(LagProducts.Of(short, 2, blockLength = 5)))
    fails [ "number of a score below 0"; "got 0" ] (fun () -> VectorResponse.FromScore(LagProducts.Of(named x 1.0, 4)))
    fails [ "scores of shape [2][400]"; "got 1 series of 400" ] (fun () -> LagProducts.Of(named x 1.0, 4, [| [| x[0] |] |]))
    fails [ "blocks of at least one sample, got 0" ] (fun () -> LagProducts.Of(named x 1.0, 4, blockLength = 0))
    fails [ "at least 2 resamples, got 1" ] (fun () -> VectorResponse.Gaussian(LagProducts.Of(named x 1.0, 4), 1))

    let plan members lags =
        VectorLagPlan(SamplingPlan(members, 0.0, 10.0, 1.0), 2, lags)

    fails [ "more samples than lags"; "got 10 samples"; "up to 10" ] (fun () -> VectorLags(plan 16 10))
    fails [ "scores of 2 rows"; "got 3" ] (fun () -> VectorLags(VectorLagPlan(SamplingPlan(16, 0.0, 10.0, 1.0), 2, 3, Scores = [| square 3 |])))
    fails [ "at least one finished tile" ] (fun () -> VectorLags(plan 16 3).Result())

    let still =
        gather (plan 16 3) (Array.init 16 (fun m -> [| Array.init 10 (fun n -> float (m * n)); Array.zeroCreate 10 |])) [ 0 ]

    fails [ "constant component 'x2'"; "Leave it out" ] (fun () -> VectorResponse.Gaussian still)
