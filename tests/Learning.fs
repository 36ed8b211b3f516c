module Leith.Tests.Learning

#nowarn "9"

open System
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Microsoft.FSharp.NativeInterop
open Xunit

let private lanes = 16

// Slow references in double precision: values are [lane][site][channel].

let private refConvolution (neighbours: int[][]) inputs outputs (w: float[]) (x: float[][][]) =
    let taps = neighbours[0].Length

    x
    |> Array.map (fun lane ->
        neighbours
        |> Array.map (fun near ->
            Array.init outputs (fun o ->
                let mutable sum = w[taps * inputs * outputs + o]

                for tap in 0 .. taps - 1 do
                    for i in 0 .. inputs - 1 do
                        sum <- sum + w[(tap * inputs + i) * outputs + o] * lane[near[tap]][i]

                sum)))

let private silu (m: float) = m / (1.0 + exp -m)

/// silu(h (1 + scale) + shift), scale and shift as sums of Chebyshev polynomials of each lane's level; no matrix: no modulation.
let private refActivation channels (matrix: float[]) (levels: float[]) (h: float[][][]) =
    let features level =
        Array.init 4 (fun e -> cos (float e * acos level))

    h
    |> Array.mapi (fun lane sites ->
        let f = features levels[lane]

        let row j =
            if matrix.Length = 0 then
                0.0
            else
                Array.init 4 (fun e -> matrix[j * 4 + e] * f[e]) |> Array.sum

        let scale, shift =
            Array.init channels row, Array.init channels (fun c -> row (channels + c))

        sites |> Array.map (Array.mapi (fun c value -> silu (value * (1.0 + scale[c]) + shift[c]))))

let private refNet neighbours (net: ResidualNet) (w: float[]) levels x =
    let taps = Array.length (Array.head neighbours)
    let part from count = Array.sub w from count

    let conv from ins outs h =
        refConvolution neighbours ins outs (part from (taps * ins * outs + outs)) h

    let c = net.Channels

    let bend l h =
        refActivation c (part net.Modulations[l] (if net.Modulated then 8 * c else 0)) levels h

    let mutable h = conv net.First net.Inputs c x

    for l in 0 .. net.Layers - 1 do
        h <- Array.map2 (Array.map2 (Array.map2 (+))) h (conv net.Blocks[l] c c (bend l h))

    conv net.Last c net.Outputs (bend net.Layers h)

// Shapes

type Shape = {
    Points: int list
    Inputs: int
    Outputs: int
    Seed: int
}

let private shapes =
    gen {
        let! axes = Gen.elements [ 0; 1; 1; 2; 2; 2; 3 ]
        let! points = Gen.listOfLength axes (Gen.choose (1, (if axes = 3 then 4 else 7)))
        let! inputs = Gen.elements [ 1; 2; 3; 8; 16 ]
        let! outputs = Gen.elements [ 1; 2; 5; 8; 16; 24 ]
        let! seed = Gen.choose (0, 1000000)

        return {
            Points = points
            Inputs = inputs
            Outputs = outputs
            Seed = seed
        }
    }
    |> Arb.fromGen

/// No axes: points that know nothing of each other, the dense layer.
let private stencilOf shape =
    match shape.Points with
    | [] -> Stencil.Points 5
    | points -> Stencil.Torus(Grid(List.toArray points, Array.create points.Length 1.0))

let private neighboursOf (stencil: Stencil) =
    Array.init stencil.Sites (fun site -> Array.init stencil.Taps (fun tap -> NativePtr.get stencil.Neighbours (site * stencil.Taps + tap)))

let private fill (random: Random) (buffer: FloatLanes) =
    for i in 0 .. buffer.Rows - 1 do
        for lane in 0 .. lanes - 1 do
            buffer[i, lane] <- float32 (random.NextDouble() * 2.0 - 1.0)

let private read (buffer: FloatLanes) channels =
    Array.init lanes (fun lane ->
        Array.init (buffer.Rows / channels) (fun site -> Array.init channels (fun c -> float buffer[site * channels + c, lane])))

let private numbers (random: Random) count =
    Array.init count (fun _ -> float32 (random.NextDouble() - 0.5))

let private flat (x: float[][][]) = x |> Array.collect (Array.collect id)

let private dot a b =
    Array.fold2 (fun sum x y -> sum + x * y) 0.0 a b

let private check count property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest count, property)

/// |a − b| ≤ tolerance · (largest |a| + 1): float rounding (6e-8) grows with the number of terms, at most a few thousand here, and with their size.
let private close tolerance (expected: float[]) (got: float[]) =
    let size = 1.0 + (expected |> Array.fold (fun m v -> max m (abs v)) 0.0)

    Array.length expected = Array.length got
    && Array.forall2 (fun a b -> abs (a - b) <= tolerance * size) expected got

let private vector (values: float[]) =
    use row = new FloatLanes 1
    values |> Array.iteri (fun lane value -> row[0, lane] <- float32 value)
    NativePtr.read row.Vectors

let private nothing<'T when 'T: unmanaged> : nativeptr<'T> =
    NativePtr.ofNativeInt 0n

[<Fact>]
let ``a convolution is its definition on every torus and without neighbours`` () =
    check
        60
        (Prop.forAll shapes (fun shape ->
            let stencil, random = stencilOf shape, Random shape.Seed
            let layer = Convolution(stencil, shape.Inputs, shape.Outputs)
            use x = new FloatLanes(stencil.Sites * shape.Inputs)
            use added = new FloatLanes(stencil.Sites * shape.Outputs)
            use y = new FloatLanes(stencil.Sites * shape.Outputs)
            fill random x
            fill random added
            let w = numbers random layer.Parameters
            use pointer = fixed w
            // in two runs of sites, one of them odd when it can be
            let cut = stencil.Sites / 2
            layer.Forward(pointer, x.Vectors, added.Vectors, y.Vectors, 0, cut)
            layer.Forward(pointer, x.Vectors, added.Vectors, y.Vectors, cut, stencil.Sites)

            let expected =
                refConvolution (neighboursOf stencil) shape.Inputs shape.Outputs (Array.map float w) (read x shape.Inputs)

            let sum = Array.map2 (+) (flat expected) (flat (read added shape.Outputs))
            // the residual sum also runs in place
            layer.Forward(pointer, x.Vectors, added.Vectors, added.Vectors, 0, stencil.Sites)
            close 1e-5 sum (flat (read y shape.Outputs)) && close 1e-5 sum (flat (read added shape.Outputs))))

/// With L = Σ r y, which is linear in x and in w, difference quotients of the reference are exact: ∂L/∂x and ∂L/∂w are L of unit vectors.
[<Fact>]
let ``gradients of a convolution are those of its definition`` () =
    check
        60
        (Prop.forAll shapes (fun shape ->
            let stencil, random = stencilOf shape, Random shape.Seed
            let layer = Convolution(stencil, shape.Inputs, shape.Outputs)
            use x = new FloatLanes(stencil.Sites * shape.Inputs)
            use dx = new FloatLanes(stencil.Sites * shape.Inputs)
            use r = new FloatLanes(stencil.Sites * shape.Outputs)
            use weightGradient = new WeightGradient(stencil, shape.Inputs, shape.Outputs)
            fill random x
            fill random r
            let w = numbers random layer.Parameters
            use pointer = fixed w
            use flipped = fixed (Array.zeroCreate<float32>(layer.Weights + 1))
            layer.Flip(pointer, flipped)
            layer.BackwardInput(flipped, r.Vectors, dx.Vectors, 0, stencil.Sites)
            let gradient = Array.create layer.Parameters 1.0f // added to what is there
            use target = fixed gradient
            weightGradient.Accumulate(x.Vectors, r.Vectors, target)

            let neighbours, start, rs =
                neighboursOf stencil, read x shape.Inputs, flat (read r shape.Outputs)

            let loss w x =
                dot rs (flat (refConvolution neighbours shape.Inputs shape.Outputs w x))

            let direction = Array.map float w
            let zeros = Array.zeroCreate layer.Parameters

            let weightsAgree =
                List.init 12 (fun _ -> random.Next layer.Parameters)
                |> List.forall (fun i ->
                    let unit' = Array.mapi (fun j _ -> if i = j then 1.0 else 0.0) zeros
                    close 2e-5 [| loss unit' start |] [| float gradient[i] - 1.0 |])

            let withoutBias =
                direction |> Array.mapi (fun i v -> if i < layer.Weights then v else 0.0)

            let inputAgrees = // L(x) without bias is Σ x ∂L/∂x, for this x and for others
                List.init 4 (fun _ -> start |> Array.map (Array.map (Array.map (fun _ -> random.NextDouble() - 0.5))))
                |> List.forall (fun other ->
                    let terms = Array.map2 (*) (flat other) (flat (read dx shape.Inputs))
                    // rounding goes with the size of the terms, not with a sum that may cancel
                    let size = 1.0 + sqrt (terms |> Array.sumBy (fun v -> v * v))
                    abs (loss withoutBias other - Array.sum terms) <= 2e-5 * size)

            weightsAgree && inputAgrees))

[<Fact>]
let ``silu and its slope are right to a few units of the last place`` () =
    use h = new FloatLanes(1000)
    use a = new FloatLanes(1000)
    use slope = new FloatLanes(1000)

    let value i lane =
        float32 (Math.Sinh((float (i * lanes + lane) / 8000.0 - 1.0) * 6.0)) // dense near zero, up to ±200

    for i in 0..999 do
        for lane in 0 .. lanes - 1 do
            h[i, lane] <- value i lane

    Activation.Forward(h.Vectors, nothing, nothing, a.Vectors, slope.Vectors, 1, 0, 1000)

    for i in 0..999 do
        for lane in 0 .. lanes - 1 do
            let m = float (value i lane)
            let gate = 1.0 / (1.0 + exp -m)
            let expected, expectedSlope = m * gate, gate * (1.0 + m * (1.0 - gate))
            Assert.True(abs (float a[i, lane] - expected) <= 5e-7 * abs expected + 1e-30, $"silu({m}) = {a[i, lane]}, not {expected}")
            // 1 − gate has the rounding of the gate, 1e-7, which m multiplies
            Assert.True(
                abs (float slope[i, lane] - expectedSlope) <= 2e-7 * (2.0 + min (abs m) 20.0),
                $"silu'({m}) = {slope[i, lane]}, not {expectedSlope}"
            )

[<Fact>]
let ``the level's features are Chebyshev polynomials and levels outside are taken as the nearer end`` () =
    use features = new FloatLanes 4
    let levels = Array.init lanes (fun lane -> float lane / 6.0 - 1.25)
    Modulation.Embed(vector levels, features.Vectors)

    for lane in 0 .. lanes - 1 do
        for e in 0..3 do
            let expected = cos (float e * acos (Math.Clamp(levels[lane], -1.0, 1.0)))
            Assert.True(abs (float features[e, lane] - expected) < 1e-5, $"T{e}({levels[lane]})")

/// L = Σ r y. Central differences of the reference in double precision with step h have error O(h²) = 1e-8 of the third derivative; what remains
/// is the float rounding of the network, which passes through all layers and sums over lanes and sites.
[<Fact>]
let ``the network and its gradient are those of the reference`` () =
    let cases =
        gen {
            let! points = Gen.elements [ []; [ 5 ]; [ 4; 3 ]; [ 1; 6 ]; [ 7; 5 ] ]
            let! modulated = Gen.elements [ true; false ]
            let! layers = Gen.choose (1, 3)
            let! inputs = Gen.elements [ 1; 3 ]
            let! seed = Gen.choose (0, 1000000)

            return
                {
                    Points = points
                    Inputs = inputs
                    Outputs = inputs
                    Seed = seed
                },
                modulated,
                layers
        }
        |> Arb.fromGen

    check
        12
        (Prop.forAll cases (fun (shape, modulated, layers) ->
            let stencil, random = stencilOf shape, Random shape.Seed

            let net =
                ResidualNet(stencil.Taps, shape.Inputs, 8, shape.Outputs, layers, modulated)

            use work = new NetworkWorkspace(net, stencil, true)
            use inference = new NetworkWorkspace(net, stencil, false)
            fill random work.Input
            fill random work.OutputGradient
            let levels = Array.init lanes (fun _ -> random.NextDouble() * 2.0 - 1.0)
            Modulation.Embed(vector levels, work.Features.Vectors)
            work.Input.Span.CopyTo inference.Input.Span
            work.Features.Span.CopyTo inference.Features.Span
            let w = numbers random net.Parameters
            use pointer = fixed w
            let gradient = Array.zeroCreate<float32> net.Parameters
            use target = fixed gradient
            work.Forward pointer
            work.Backward(pointer, target)
            inference.Forward pointer

            let neighbours, x = neighboursOf stencil, read work.Input shape.Inputs
            let output w = flat (refNet neighbours net w levels x)
            let r, start = flat (read work.OutputGradient shape.Outputs), Array.map float w
            let h = 1e-4

            let slopeAlong (direction: float[]) =
                let at s =
                    dot r (output (Array.map2 (fun a b -> a + s * b) start direction))

                (at h - at -h) / (2.0 * h)

            let size = sqrt (gradient |> Array.sumBy (fun g -> float g * float g))

            let direction keep =
                start |> Array.mapi (fun i _ -> if keep i then random.NextDouble() - 0.5 else 0.0)

            let borders =
                [|
                    yield net.First
                    yield! Array.map2 min net.Modulations[.. layers - 1] net.Blocks
                    yield! net.Blocks
                    yield net.Last
                    yield net.Parameters
                |]
                |> Array.sort

            let agrees (d: float[]) =
                let length = sqrt (dot d d)
                abs (slopeAlong d - dot d (Array.map float gradient)) <= 1e-4 * size * length

            close 1e-4 (output start) (flat (read work.Output shape.Outputs))
            && work.Output.Span.SequenceEqual inference.Output.Span
            && Array.pairwise borders
               |> Array.forall (fun (from, until) -> agrees (direction (fun i -> i >= from && i < until)))
            && List.init 10 (fun _ -> random.Next net.Parameters)
               |> List.forall (fun i -> agrees (start |> Array.mapi (fun j _ -> if i = j then 1.0 else 0.0)))))

[<Fact>]
let ``a network starts at zero`` () =
    let stencil = Stencil.Torus(Grid([| 4; 6 |], [| 1.0; 1.0 |]))
    let net = ResidualNet(stencil.Taps, 1, 8, 1, 2, true)
    use work = new NetworkWorkspace(net, stencil, false)
    fill (Random 1) work.Input
    use pointer = fixed (net.Initial 3UL)
    work.Forward pointer
    Assert.True(work.Output.Span.ToArray() |> Array.forall (fun v -> v = 0.0f))

[<Fact>]
let ``Adam's first step has the size of the rate, whatever the gradient, and the average follows`` () =
    let options = TrainingOptions(Steps = 1000, WarmUp = 0, LearningRate = 0.01)
    let weights = [| 1.0f; -2.0f; 3.0f |]
    let adam = Adam(weights, options)
    // two groups, added: 3, -0.02, 0
    let norm = adam.Step [| [| 1.0f; -0.01f; 0.5f |]; [| 2.0f; -0.01f; -0.5f |] |]
    Assert.Equal(3.0, norm, 3)
    Assert.True(close 1e-5 [| 0.99; -1.99; 3.0 |] (Array.map float weights))
    // the average moves 1 − min(0.999, 2/11) of the way
    Assert.True(close 1e-5 [| 1.0 - 0.01 * 9.0 / 11.0 |] [| float adam.Average[0] |])

[<Fact>]
let ``the learning rate warms up, falls and ends at zero`` () =
    let options = TrainingOptions(Steps = 400, WarmUp = 20, LearningRate = 0.5)
    Assert.Equal(0.5 / 20.0, Adam.Rate(0, options), 12)
    Assert.Equal(0.5, Adam.Rate(20, options), 12)
    Assert.Equal(0.25, Adam.Rate(210, options), 12)
    Assert.Equal(0.0, Adam.Rate(400, options), 12)
    Assert.True([ 20..399 ] |> List.forall (fun n -> Adam.Rate(n + 1, options) < Adam.Rate(n, options)))
