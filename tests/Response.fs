module Leith.Tests.Response

open System
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Xunit
open Leith.Core

/// A record of real fields of sixteen members: value at (time, site, member), a deterministic hash so that shrinking keeps its meaning.
let private value seed time site member' =
    NormalStream.Single(uint64 seed, 0u, member', int64 time, site)

/// Z = fft(a + i b) of both blocks at one time, by the definition of the transform.
let private state (grid: Grid) field time =
    let tile = new Tile(grid.Sites)
    let waves = grid.Wavevectors()

    for mode in 0 .. grid.Sites - 1 do
        for lane in 0..7 do
            let mutable z = Complex.Zero

            for site in 0 .. grid.Sites - 1 do
                let position =
                    grid.Unravel site
                    |> Array.mapi (fun axis i -> float i * grid.Lengths[axis] / float grid.Points[axis])

                let phase = -Array.sum(Array.map2 (*) waves[mode] position)

                z <-
                    z
                    + Complex(field time site lane, field time site (lane + 8)) * Complex.FromPolarCoordinates(1.0, phase)

            tile.A[mode, lane] <- z.Real
            tile.B[mode, lane] <- z.Imaginary

    tile

let private correlate (grid: Grid) field samples longest stride blocks =
    let correlator =
        SpectralCorrelator(grid, longest, [ null ], [ null ], int64 samples, stride, blocks)

    let sink = correlator.Open 0

    for time in 0 .. samples - 1 do
        use tile = state grid field time
        sink.Sample(int64 time, float time, tile)

    sink.Finish()
    correlator.Complete().[0].[0]

/// C(x, τ) = ⟨a(y + x, t + τ) a(y, t)⟩ with the means over base times removed, summed plainly.
let private plain (grid: Grid) field samples longest stride =
    let bases = [ 0..stride .. samples - 1 - longest ]

    let average f =
        [
            for t in bases do
                for m in 0..15 do
                    for y in 0 .. grid.Sites - 1 -> f t m y
        ]
        |> List.average

    let meanB = average (fun t m y -> field t y m)

    Array.init (longest + 1) (fun lag ->
        let meanA = average (fun t m y -> field (t + lag) y m)

        Array.init grid.Sites (fun x ->
            let offset = grid.Unravel x

            average (fun t m y ->
                let moved = Array.map2 (+) (grid.Unravel y) offset
                field (t + lag) (grid.Ravel(ReadOnlySpan moved)) m * field t y m)
            - meanA * meanB))

let private cases = gen {
    let! nx = Gen.elements [ 1; 2; 3; 4; 5 ]
    let! ny = Gen.elements [ 2; 3; 4 ]
    let! longest = Gen.choose (0, 6)
    let! extra = Gen.choose (1, 90)
    let! stride = Gen.elements [ 1; 1; 2; 3; 7; 40; 70 ]
    let! blocks = Gen.choose (1, 3)
    let! seed = Gen.choose (1, 1000000)
    return nx, ny, longest, longest + extra, stride, blocks, seed
}

[<Fact>]
let ``streamed lag products are the plain sums, for any length, lag, stride and number of blocks`` () =
    let agrees (nx, ny, longest, samples, stride, blocks, seed) =
        let grid = Grid([| nx; ny |], [| 1.0; 2.0 |])
        let field time site m = 0.3 + value seed time site m
        let products = correlate grid field samples longest stride blocks
        let covariance = SpectralResponse.ToSites(grid, products.Average())
        let expected = plain grid field samples longest stride

        let worst =
            Seq.max (
                seq {
                    for lag in 0..longest do
                        for x in 0 .. grid.Sites - 1 -> abs (covariance[lag][x] / float grid.Sites - expected[lag][x])
                }
            )

        worst < 1e-11 |> Prop.label $"largest difference {worst:g3}"

    Check.One(Config.QuickThrowOnFailure.WithMaxTest 25, Prop.forAll (Arb.fromGen cases) agrees)

[<Fact>]
let ``a record shorter than its lags is refused`` () =
    let grid = Grid([| 4 |], [| 1.0 |])

    let error =
        Assert.Throws<LeithException>(fun () -> SpectralCorrelator(grid, 10, [ null ], [ null ], 10L) |> ignore)

    Assert.Contains("longer than the longest lag (10 samples), got 10", error.Message)

[<Fact>]
let ``the Gaussian response is the unit kick at lag zero`` () =
    let grid = Grid([| 4; 3 |], [| 1.0; 1.0 |])
    let products = correlate grid (value 3) 60 4 1 2

    let response =
        SpectralResponse.Gaussian(products, products, 1.0, SpectralResponse.Bootstrap(1UL, 2))

    response.Values[0] |> Array.iteri (fun x r -> Assert.Equal((if x = 0 then 1.0 else 0.0), r, 1e-12))

    response.StandardError[0] |> Array.iter (fun e -> Assert.Equal(0.0, e, 1e-12))

[<Fact>]
let ``responses do not see a translation of the record`` () =
    let grid = Grid([| 4; 3 |], [| 1.0; 1.0 |])

    let shifted time site m =
        let index = grid.Unravel site
        value 3 time (grid.Ravel(ReadOnlySpan [| index[0] + 1; index[1] + 2 |])) m

    let response field =
        let products = correlate grid field 60 4 1 2
        SpectralResponse.Gaussian(products, products, 1.0, SpectralResponse.Bootstrap(1UL, 2)).Values

    for a, b in Array.zip (response (value 3)) (response shifted) do
        for x, y in Array.zip a b do
            Assert.Equal(x, y, 1e-11)

[<Fact>]
let ``bootstrap errors of a Gaussian response match the spread over independent records`` () =
    // White noise in time: R(τ ≥ 1) = 0 with a known spread 1/√(fields · …); the ratio of mean bootstrap variance to observed variance over 30 records
    // is F-distributed about 1; bounds of 0.6 and 1.6 are beyond 4 standard deviations with 30 records × 24 values (false alarm below 1e-4).
    let grid = Grid([| 4; 3 |], [| 1.0; 1.0 |])

    let gaussian products seed =
        SpectralResponse.Gaussian(products, products, 1.0, SpectralResponse.Bootstrap(seed, 2))

    let records = [
        for seed in 1..30 -> gaussian (correlate grid (value (100 + seed)) 40 2 1 4) (uint64 seed)
    ]

    let lagged (rows: float[][]) = Array.append rows[1] rows[2]

    let predicted =
        records |> List.averageBy (fun r -> lagged r.StandardError |> Array.averageBy (fun e -> e * e))

    let observed =
        records |> List.averageBy (fun r -> lagged r.Values |> Array.averageBy (fun v -> v * v))

    Assert.InRange(predicted / observed, 0.6, 1.6)
