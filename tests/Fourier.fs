/// The member-lane FFT against the defining sum, and its laws.
module Leith.Tests.Fourier

open System
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

let private grid (points: int list) =
    Grid(Array.ofList points, points |> List.map (fun _ -> 1.0) |> Array.ofList)

let private check count property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest count, property)

/// A complex field of eight lanes: [lane][site].
let private random (seed: int) sites =
    let source = Random seed
    Array.init 8 (fun _ -> Array.init sites (fun _ -> Complex(source.NextDouble() - 0.5, source.NextDouble() - 0.5)))

let private transform inverse (grid: Grid) (field: Complex[][]) =
    use re = new LaneArray(grid.Sites)
    use im = new LaneArray(grid.Sites)
    use fft = new LaneFft(grid)

    for lane in 0..7 do
        for site in 0 .. grid.Sites - 1 do
            re.Span[8 * site + lane] <- field[lane].[site].Real
            im.Span[8 * site + lane] <- field[lane].[site].Imaginary

    if inverse then
        fft.Inverse(re.Pointer, im.Pointer)
    else
        fft.Forward(re.Pointer, im.Pointer)

    Array.init 8 (fun lane -> Array.init grid.Sites (fun site -> Complex(re[site, lane], im[site, lane])))

let private naive (grid: Grid) (field: Complex[]) =
    let index = Array.init grid.Sites grid.Unravel

    let phase k x =
        let turns =
            Seq.mapi (fun axis n -> float (index[k][axis] * index[x][axis] % n) / float n) grid.Points
            |> Seq.sum

        Complex.FromPolarCoordinates(1.0, -2.0 * Math.PI * turns)

    Array.init grid.Sites (fun k -> Array.mapi (fun x z -> z * phase k x) field |> Array.fold (+) Complex.Zero)

let private distance (a: Complex[][]) (b: Complex[][]) =
    Array.map2 (Array.map2 (fun (x: Complex) (y: Complex) -> Complex.Abs(x - y))) a b
    |> Array.map Array.max
    |> Array.max

let private hasSmallFactors n =
    let rec strip p n =
        if n % p = 0 then strip p (n / p) else n

    n |> strip 2 |> strip 3 |> strip 5 |> (=) 1

/// Sides with many stages and mixed radices, too.
let private sides = [ 1..200 ] |> List.filter hasSmallFactors

let private genGrid maxSites =
    gen {
        let! axes = Gen.choose (1, 3)
        let! points = Gen.listOfLength axes (Gen.elements sides)
        return points
    }
    |> Gen.filter (fun points -> List.reduce (*) points <= maxSites)
    |> Arb.fromGen

[<Fact>]
let ``every side up to 64 agrees with the defining sum`` () =
    for n in sides |> List.filter (fun n -> n <= 64) do
        let grid, field = grid [ n ], random n n
        let error = distance (transform false grid field) (Array.map (naive grid) field)
        Assert.True(error < 2e-14 * sqrt (float n), $"side {n}: error {error}")

[<Fact>]
let ``random grids of one to three axes agree with the defining sum`` () =
    check
        25
        (Prop.forAll (genGrid 200) (fun points ->
            let grid = grid points
            let field = random 11 grid.Sites
            distance (transform false grid field) (Array.map (naive grid) field) < 2e-14 * sqrt (float grid.Sites)))

[<Fact>]
let ``the inverse undoes the transform, and the transform the inverse`` () =
    check
        60
        (Prop.forAll (genGrid 6000) (fun points ->
            let grid = grid points
            let field = random 12 grid.Sites

            distance (field |> transform false grid |> transform true grid) field < 1e-14
            && distance (field |> transform true grid |> transform false grid) field < 1e-14))

[<Fact>]
let ``Parseval: the energy of the modes is the number of sites times that of the field`` () =
    check
        60
        (Prop.forAll (genGrid 6000) (fun points ->
            let grid = grid points
            let field = random 13 grid.Sites

            let energy =
                Array.sumBy (fun (x: Complex) -> x.Real * x.Real + x.Imaginary * x.Imaginary)

            Array.forall2 (fun x modes -> abs (energy modes / (float grid.Sites * energy x) - 1.0) < 1e-13) field (transform false grid field)))

[<Fact>]
let ``a shift of the field multiplies every mode by its phase`` () =
    check
        60
        (Prop.forAll (genGrid 3000) (fun points ->
            let grid = grid points
            let field = random 14 grid.Sites
            let shift = grid.Points |> Seq.mapi (fun axis n -> (axis + 2) % n) |> Array.ofSeq

            let shifted =
                field
                |> Array.map (fun x -> Array.init grid.Sites (fun site -> x[grid.Ravel(ReadOnlySpan(Array.map2 (-) (grid.Unravel site) shift))]))

            let phase mode =
                let turns =
                    Seq.mapi (fun axis n -> float (grid.Unravel(mode)[axis] * shift[axis] % n) / float n) grid.Points
                    |> Seq.sum

                Complex.FromPolarCoordinates(1.0, -2.0 * Math.PI * turns)

            let expected =
                transform false grid field |> Array.map (Array.mapi (fun mode z -> z * phase mode))

            distance (transform false grid shifted) expected < 1e-13 * sqrt (float grid.Sites)))

[<Fact>]
let ``out of place gives the same numbers and leaves the source alone`` () =
    for points in [ [ 1 ]; [ 7 - 2; 1 ]; [ 8 ]; [ 12; 32 ]; [ 4; 1; 6 ] ] do
        let grid = grid points
        use fft = new LaneFft(grid)
        let arrays = Array.init 4 (fun _ -> new LaneArray(grid.Sites))
        let source = Random 3

        for i in 0 .. grid.Sites * 8 - 1 do
            arrays[0].Span[ i ] <- source.NextDouble()
            arrays[1].Span[ i ] <- source.NextDouble()

        let before = arrays[0].Span.ToArray()

        for inverse in [ false; true ] do
            let run (a: LaneArray) (b: LaneArray) (c: LaneArray) (d: LaneArray) =
                if inverse then
                    fft.Inverse(a.Pointer, b.Pointer, c.Pointer, d.Pointer)
                else
                    fft.Forward(a.Pointer, b.Pointer, c.Pointer, d.Pointer)

            run arrays[0] arrays[1] arrays[2] arrays[3]
            Assert.Equal<float[]>(before, arrays[0].Span.ToArray())
            let apart = arrays[2].Span.ToArray(), arrays[3].Span.ToArray()
            arrays[0].Span.CopyTo arrays[2].Span
            arrays[1].Span.CopyTo arrays[3].Span
            run arrays[2] arrays[3] arrays[2] arrays[3]
            Assert.Equal<float[]>(fst apart, arrays[2].Span.ToArray())
            Assert.Equal<float[]>(snd apart, arrays[3].Span.ToArray())

        for array in arrays do
            array.Dispose()

[<Fact>]
let ``supported are the sides with factors 2, 3 and 5`` () =
    for n in -3 .. 1000 do
        Assert.Equal((n > 0 && hasSmallFactors n), LaneFft.Supports n)

[<Theory>]
[<InlineData(7, 6, 8)>]
[<InlineData(34, 32, 36)>]
[<InlineData(257, 256, 270)>]
let ``an unsupported side names its neighbours`` (n: int) (below: int) (above: int) =
    let error =
        Assert.Throws<LeithException>(fun () -> (new LaneFft(grid [ 8; n ])).Dispose())

    Assert.Contains($"got {n}; take {below} or {above}", error.Message)
