/// Field kicks, and the choice among the ways to measure a response by running a model.
/// Sampled tests have fixed seeds; every component is compared with 4.5 standard errors, false-alarm rate below 2e-3 over a test.
module Leith.Tests.FieldKicks

open System
open System.Numerics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Leith.Tests.NoiseWeights
open Xunit

[<Fact>]
let ``signs are a function of seed, member, restart and site, and even`` () =
    let signs seed = [
        for m in 0..15 do
            for r in 0L .. 9L do
                for x in 0..99 -> FieldKicks.Sign(seed, m, r, x)
    ]

    Assert.Equal<int list>(signs 5UL, signs 5UL)
    // 16,000 signs: a mean beyond 4 standard deviations, .032, has probability 6e-5; so has the correlation of two seeds.
    let mean values = List.averageBy float values
    Assert.InRange(mean (signs 5UL), -0.032, 0.032)
    Assert.InRange(mean (List.map2 (*) (signs 5UL) (signs 6UL)), -0.032, 0.032)
    Assert.All(signs 5UL, (fun s -> Assert.Equal(1, abs s)))

[<Fact>]
let ``sums of a tile of field kicks are the plain cross-correlations, member by member`` () =
    let agrees (seed: int) =
        let size, sites = 0.25, grid.Sites
        use fft = new LaneFft(grid)

        let random stream =
            let tile = new Tile(sites)

            for x in 0 .. sites - 1 do
                for lane in 0..7 do
                    tile.A[x, lane] <- NormalStream.Single(uint64 seed, stream, lane, 0L, x)
                    tile.B[x, lane] <- NormalStream.Single(uint64 seed, stream, lane + 8, 0L, x)

            tile

        let spectrum (field: Tile) =
            let tile = new Tile(sites)
            tile.CopyFrom field
            fft.Forward(tile.A.Pointer, tile.B.Pointer)
            tile

        let at (tile: Tile) member' x =
            if member' < 8 then
                tile.A[x, member']
            else
                tile.B[x, member' - 8]

        use sums = new TwinSums(grid, sites, 2, size, null, true)
        let restarts = 2
        let expected = Array.init 16 (fun _ -> Array.zeroCreate<float> sites)

        for restart in 0 .. restarts - 1 do
            use signs = new Tile(sites)
            FieldKicks.Spectra(grid, uint64 seed).Invoke(signs, restart)
            use free = spectrum (random (uint32 (10 * restart)))
            use plus = new Tile(sites)
            use minus = new Tile(sites)
            TileMath.Sum(free, size / 2.0, signs, plus)
            TileMath.Sum(free, -size / 2.0, signs, minus)
            sums.Add(0, free, plus, minus)
            let p, m = random (uint32 (10 * restart + 1)), random (uint32 (10 * restart + 2))
            sums.Add(1, free, spectrum p, spectrum m)

            for member' in 0..15 do
                for offset in 0 .. sites - 1 do
                    for y in 0 .. sites - 1 do
                        let to' =
                            grid.Ravel(ReadOnlySpan(Array.map2 (+) (grid.Unravel y) (grid.Unravel offset)))

                        let s = float (FieldKicks.Sign(uint64 seed, member', int64 restart, y))
                        let d = (at p member' to' - at m member' to') / size
                        expected[member'].[offset] <- expected[member'].[offset] + s * d / float (sites * restarts)

        let worst (a: float[][]) (b: float[][]) =
            Seq.max (Seq.map2 (fun x y -> Seq.max (Seq.map2 (fun u v -> abs (u - v)) x y)) a b)

        // At lag zero the sum over the cross-correlation of a sign field with itself.
        let own = sums.Members(0) |> Array.map (fun row -> abs (row[0] - 1.0)) |> Array.max
        worst expected (sums.Members 1) < 1e-12 && own < 1e-12

    Check.One(Config.QuickThrowOnFailure.WithMaxTest(10).WithReplay(20261124UL, 9UL), Prop.forAll (Arb.fromGen (Gen.choose (1, 1000000))) agrees)

[<Fact>]
let ``a linear field: field kicks and twins give the powers of the step`` () =
    let question = ask linearField Scheme.RungeKutta4 0.1 null
    let expected = exactField Scheme.RungeKutta4 0.1 0.5 5

    for kind, pairs in [ DynamicalKind.FieldKicks, 1000L; DynamicalKind.Twins, 64L ] do
        let estimate = measure question kind pairs
        within expected estimate.Values estimate.StandardError
        Assert.True(Array.max estimate.EvenPart < 1e-9)

    // Twins of a linear model agree to rounding.
    Assert.InRange((measure question DynamicalKind.Twins 64L).LargestError, 0.0, 1e-12)

/// Every pair of estimates agrees within the errors of both.
let private agree (estimates: DynamicalEstimate list) =
    for i in 0 .. estimates.Length - 1 do
        for j in 0 .. i - 1 do
            let a, b = estimates[i], estimates[j]

            let error =
                Array.map2 (Array.map2 (fun x y -> sqrt (x * x + y * y))) a.StandardError b.StandardError

            within a.Values b.Values error

[<Fact>]
let ``three ways to the response of a field with two wells`` () =
    for scheme in [ Scheme.RungeKutta4; Scheme.Exponential ] do
        let question =
            DynamicalQuestion(wellField, scheme, 0.1, 64, 10.0, 4.0, 0.5, 0.1, 29UL, TransposedTangent = wellFieldTangent)

        let estimates = [
            measure question DynamicalKind.Twins 2000L
            measure question DynamicalKind.FieldKicks 2000L
            measure question DynamicalKind.NoiseWeights 20000L
        ]

        agree estimates
        // The test is one only if the errors are small against the response.
        for estimate in estimates do
            Assert.InRange(estimate.LargestError, 1e-6, 0.15)

[<Fact>]
let ``twins and noise weights agree on unknowns with two wells, and on an observable of theirs`` () =
    let square =
        Func<ITileMap>(fun () -> {
            new ITileMap with
                member _.Apply(state, _, result) =
                    for lane in 0..7 do
                        result.A.Span[lane] <- state.A[0, lane] * state.A[1, lane]
                        result.B.Span[lane] <- state.B[0, lane] * state.B[1, lane]

                member _.Dispose() = ()
        })

    for column in 0..1 do
        let kick = Array.init 2 (fun i -> if i = column then Complex.One else Complex.Zero)

        for observable, rows in [ (null: Func<ITileMap> | null), 0; square, 1 ] do
            let question =
                DynamicalQuestion(
                    wellPair,
                    Scheme.RungeKutta4,
                    0.1,
                    64,
                    20.0,
                    4.0,
                    0.5,
                    0.1,
                    31UL,
                    Kick = kick,
                    TransposedTangent = wellPairTangent,
                    Observable = observable,
                    ObservableRows = rows
                )

            agree [
                measure question DynamicalKind.Twins 20000L
                measure question DynamicalKind.NoiseWeights 100000L
            ]

[<Fact>]
let ``an estimate of a given kind does not depend on the threads`` () =
    let question =
        DynamicalQuestion(wellField, Scheme.RungeKutta4, 0.1, 48, 1.0, 1.0, 0.5, 0.1, 29UL, TransposedTangent = wellFieldTangent)

    for kind in Enum.GetValues<DynamicalKind>() do
        let values threads =
            let e =
                DynamicalChoice.Run(question, 1e-12, Nullable kind, 200L, threads, null, CancellationToken.None)

            Array.append (Array.concat e.Values) (Array.concat e.StandardError)

        Assert.Equal<float[]>(values 1, values 3)

[<Fact>]
let ``the choice reaches the error that is wanted and gives its reason with the figures of all`` () =
    let question =
        DynamicalQuestion(wellField, Scheme.RungeKutta4, 0.1, 64, 5.0, 2.0, 0.5, 0.1, 29UL, TransposedTangent = wellFieldTangent)

    let e =
        DynamicalChoice.Run(question, 0.05, Nullable(), Int64.MaxValue, 2, null, CancellationToken.None)

    Assert.True(e.LargestError <= 0.05)
    Assert.Equal(3, e.Costs.Count)
    Assert.Equal(e.Kind, (e.Costs |> Seq.minBy _.ErrorPerRootSecond).Kind)

    for name in
        [
            "twin runs"
            "field kicks"
            "noise weights"
            "standard error after one second"
        ] do
        Assert.Contains(name, e.Reason)

    let silent =
        Model(Rows = 2, LinearMatrix = linearPair.LinearMatrix, NoiseMatrix = array2D [ [ 1.0 ]; [ 0.0 ] ])

    let e =
        DynamicalChoice.Run(
            ask silent Scheme.Heun 0.1 [| Complex.One; Complex.Zero |],
            0.05,
            Nullable(),
            Int64.MaxValue,
            2,
            null,
            CancellationToken.None
        )

    Assert.Equal(DynamicalKind.Twins, e.Kind)
    Assert.Contains("the only kind that this model allows", e.Reason)
    Assert.Contains("expected noise on every unknown", e.Reason)
