/// Normal deviates: known answers of the generator, lanes against the scalar referee, the law. Statistical tests have fixed seeds and a
/// two-sided false-alarm rate of 1e-4 each (|z| < 3.89), stated because a new seed may need it.
module Leith.Tests.Normals

open System
open FsCheck
open FsCheck.FSharp
open Leith.Core
open MathNet.Numerics
open Microsoft.FSharp.NativeInterop
open Xunit

#nowarn "9"

let private zLimit = 3.89

let private doubles rows seed stream step firstMember =
    use array = new LaneArray(rows)
    NormalStream.Fill(array.Pointer, rows, seed, stream, step, firstMember)
    array.Span.ToArray()

let private floats rows seed stream step firstMember =
    let array = Array.zeroCreate<float32>(rows * 16)
    use pin = fixed array
    NormalStream.Fill(pin, rows, seed, stream, step, firstMember)
    array

let private check count property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest count, property)

/// Sum of f x over n samples in units of its standard deviation under N(0, 1).
let private z (samples: float[]) mean variance f =
    (Array.sumBy f samples - mean * float samples.Length) / sqrt (variance * float samples.Length)

let private assertZ name (value: float) =
    Assert.True(abs value < zLimit, $"{name}: z = {value}, expected |z| < {zLimit}")

[<Theory>]
[<InlineData(0UL, 0UL, 0UL, 0UL, 0xc2b6e3a8c2c69865UL, 0x6f81ed42f350084dUL)>]
[<InlineData(UInt64.MaxValue, UInt64.MaxValue, UInt64.MaxValue, UInt64.MaxValue, 0xe02cb7c4d95d277aUL, 0xd06633d0893b8b68UL)>]
[<InlineData(0xa4093822299f31d0UL, 0x082efa98ec4e6c89UL, 0x243f6a8885a308d3UL, 0x13198a2e03707344UL, 0x263c7d30bb0f0af1UL, 0x56be8361d3311526UL)>]
let ``Threefry2x64-20 gives the published words`` (key0: uint64) (key1: uint64) (counter0: uint64) (counter1: uint64) (x0: uint64) (x1: uint64) =
    Assert.Equal(struct (x0, x1), Threefry.Block(key0, key1, counter0, counter1, 20))

[<Fact>]
let ``doubles in lanes are the scalar ones bit for bit`` () =
    check 200 (fun (seed: uint64) (step: int64) (PositiveInt rows) (NonNegativeInt block) (stream: uint16) ->
        let first = 8 * block
        let filled = doubles rows seed (uint32 stream) step first

        filled
        |> Array.indexed
        |> Array.forall (fun (i, x) ->
            let scalar = NormalStream.Single(seed, uint32 stream, first + i % 8, step, i / 8)
            BitConverter.DoubleToInt64Bits x = BitConverter.DoubleToInt64Bits scalar))

[<Fact>]
let ``floats in lanes are the scalar ones bit for bit`` () =
    check 200 (fun (seed: uint64) (step: int64) (PositiveInt rows) (NonNegativeInt block) (stream: uint16) ->
        let first = 16 * block
        let filled = floats rows seed (uint32 stream) step first

        filled
        |> Array.indexed
        |> Array.forall (fun (i, x) ->
            let scalar =
                NormalStream.SingleFloat(seed, uint32 stream, first + i % 16, step, i / 16)

            BitConverter.SingleToInt32Bits x = BitConverter.SingleToInt32Bits scalar))

[<Fact>]
let ``more rows begin with the same rows`` () =
    check 100 (fun (PositiveInt rows) (PositiveInt more) ->
        let few, many = doubles rows 5UL 1u 9L 16, doubles (rows + more) 5UL 1u 9L 16
        Array.take few.Length many = few)

/// A word that is small or close to 2^64 as often as any other: the logarithm must be right at every scale of u and of 1 − u.
let private atEveryScale (word: uint64) (scale: byte) =
    let small = (word * 0x9E3779B97F4A7C15UL) >>> int (scale % 64uy)
    if scale < 128uy then small else ~~~small

[<Fact>]
let ``Box-Muller is as exact as the library's functions`` () =
    check 20000 (fun (word: uint64) (scale: byte) (angleWord: uint64) ->
        let x0, x1 = atEveryScale word scale, angleWord * 0x9E3779B97F4A7C15UL
        let u = (float x0 + 0.5) * Math.Pow(2.0, -64.0)
        let y = float ((x1 &&& ((1UL <<< 52) - 1UL)) ||| 1UL) * Math.Pow(2.0, -52.0) - 0.5
        let radius, angle = sqrt (-2.0 * log u), Math.PI * y
        let struct (n0, n1) = BoxMuller.Scalar(x0, x1)
        let cosine = if x1 < (1UL <<< 63) then cos angle else -(cos angle)
        abs (n0 - radius * cosine) <= 1e-15 * radius && abs (n1 - radius * sin angle) <= 1e-15 * radius)

[<Fact>]
let ``tails reach beyond nine sigma and the radius ends at zero`` () =
    let forward = 1UL <<< 51 // θ = 0 but for the last bit
    let struct (far, _) = BoxMuller.Scalar(0UL, forward)
    Assert.InRange(far, 9.4, 9.5)
    Assert.Equal(struct (0.0, 0.0), BoxMuller.Scalar(UInt64.MaxValue, forward))
    let struct (farFloat, _) = BoxMullerSingle.Scalar(0u, 0u)
    Assert.InRange(farFloat, 6.6f, 6.7f)
    Assert.Equal(struct (0f, 0f), BoxMullerSingle.Scalar(UInt32.MaxValue, 0u))

/// E x^k and the variance of x^k under N(0, 1), k = 1 … 6.
let private moments = [ 0.0, 1.0; 1.0, 2.0; 0.0, 15.0; 3.0, 96.0; 0.0, 945.0; 15.0, 10170.0 ]

let private assertLaw (samples: float[]) =
    moments
    |> List.iteri (fun k (mean, variance) -> assertZ $"moment {k + 1}" (z samples mean variance (fun x -> pown x (k + 1))))

    for sigma in [ 3.0; 4.0 ] do
        let p = SpecialFunctions.Erfc(sigma / sqrt 2.0)
        assertZ $"P(|x| > {sigma})" (z samples p (p * (1.0 - p)) (fun x -> if abs x > sigma then 1.0 else 0.0))
    // Kolmogorov–Smirnov: √n D is below 0.30 with probability 1e-5 and above 2.226 with 1e-4
    let sorted, n = Array.sort samples, float samples.Length

    let distance =
        sorted
        |> Array.mapi (fun i x ->
            let p = 0.5 * SpecialFunctions.Erfc(-x / sqrt 2.0)
            max (float (i + 1) / n - p) (p - float i / n))
        |> Array.max

    Assert.InRange(sqrt n * distance, 0.30, 2.226)

[<Fact>]
let ``doubles follow the normal law`` () =
    assertLaw (doubles (1 <<< 17) 2026UL 0u 3L 8)

[<Fact>]
let ``floats follow the normal law`` () =
    assertLaw (floats (1 <<< 16) 2027UL 0u 3L 16 |> Array.map float)

/// Products of neighbours, and of their squares less one, must average to zero.
let private assertUncorrelated name (x: float[]) (y: float[]) =
    let products = Array.map2 (*) x y
    let squares = Array.map2 (fun a b -> (a * a - 1.0) * (b * b - 1.0) / 2.0) x y
    assertZ $"{name}: x y" (Array.sum products / sqrt (float x.Length))
    assertZ $"{name}: (x² − 1)(y² − 1)/2" (Array.sum squares / sqrt (float x.Length))

[<Fact>]
let ``lanes, rows, steps, streams, blocks and seeds are uncorrelated`` () =
    let rows = 1 <<< 15
    let x = doubles rows 77UL 0u 0L 0
    assertUncorrelated "lanes" x (Array.init x.Length (fun i -> x[i / 8 * 8 + (i + 1) % 8]))

    assertUncorrelated
        "rows of a pair"
        (Array.init (x.Length / 2) (fun i -> x[i / 8 * 16 + i % 8]))
        (Array.init (x.Length / 2) (fun i -> x[i / 8 * 16 + 8 + i % 8]))

    assertUncorrelated "rows of neighbouring pairs" (Array.take (x.Length - 16) x) (Array.skip 16 x)
    assertUncorrelated "steps" x (doubles rows 77UL 0u 1L 0)
    assertUncorrelated "streams" x (doubles rows 77UL 1u 0L 0)
    assertUncorrelated "blocks" x (doubles rows 77UL 0u 0L 8)
    assertUncorrelated "seeds" x (doubles rows 78UL 0u 0L 0)

[<Fact>]
let ``floats of different rows, lanes and steps are uncorrelated`` () =
    let rows = 1 <<< 14
    let x = floats rows 79UL 0u 0L 0 |> Array.map float

    let every offset =
        Array.init (x.Length / 4) (fun i -> x[i / 16 * 64 + offset * 16 + i % 16])

    for a, b in [ 0, 1; 0, 2; 0, 3; 1, 2; 1, 3; 2, 3 ] do
        assertUncorrelated $"rows {a} and {b} of a block" (every a) (every b)

    assertUncorrelated "lanes" x (Array.init x.Length (fun i -> x[i / 16 * 16 + (i + 1) % 16]))
    assertUncorrelated "steps" x (floats rows 79UL 0u 1L 0 |> Array.map float)

[<Theory>]
[<InlineData(3)>]
[<InlineData(-8)>]
let ``a block must begin at a multiple of eight`` (first: int) =
    let error =
        Assert.Throws<LeithException>(fun () -> doubles 1 0UL 0u 0L first |> ignore)

    Assert.Contains("multiple of 8", error.Message)

[<Fact>]
let ``a block of floats must begin at a multiple of sixteen`` () =
    let error = Assert.Throws<LeithException>(fun () -> floats 1 0UL 0u 0L 8 |> ignore)
    Assert.Contains("multiple of 16", error.Message)

[<Fact>]
let ``a stream must be below 2^24`` () =
    let error =
        Assert.Throws<LeithException>(fun () -> doubles 1 0UL (1u <<< 24) 0L 0 |> ignore)

    Assert.Contains("stream below", error.Message)
