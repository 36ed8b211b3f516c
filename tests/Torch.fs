[<Xunit.Collection "libtorch">] // the count of live tensors is one for the whole process
module Leith.Tests.Torch

#nowarn "9"

open System
open System.IO
open System.Runtime.Intrinsics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Leith.Torch
open Microsoft.FSharp.NativeInterop
open Xunit

/// What follows needs libtorch.
let private needsTorch () =
    if not TorchLibrary.IsAvailable then
        Assert.Skip $"libtorch: {TorchLibrary.Trouble}; ./run --with-torch SCRIPT builds its binding"

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true)

let private said text (action: unit -> obj) =
    let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)
    Assert.Contains((text: string), error.Message)

let private normal (random: Random) =
    sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

let private tensor (random: Random) (shape: int64 list) =
    let count = int (List.fold (*) 1L shape)
    torch.tensor (ReadOnlySpan(Array.init count (fun _ -> float32 (normal random))), ReadOnlySpan(List.toArray shape))

let private axes (list: int64 list) = ReadOnlySpan(List.toArray list)

// Without libtorch

[<Fact>]
let ``What is missing is a sentence that says how to get it`` () =
    let missing =
        TorchLibrary.Open(Path.Combine(Path.GetTempPath(), "no-such-library.so"))

    Assert.Equal(0n, missing.ToTuple() |> fst)
    let sentence = TorchLibrary.Missing(missing.ToTuple() |> snd).Message
    Assert.Contains("./run --with-torch script.fsx", sentence)
    let foreign = Path.GetTempFileName()

    try
        File.WriteAllText(foreign, "no library")
        Assert.Contains("which cannot be loaded", TorchLibrary.Open(foreign).ToTuple() |> snd)
    finally
        File.Delete foreign

[<Fact>]
let ``A device is cpu or a numbered GPU that is there`` () =
    for name in [ "cpu"; "cuda"; "cuda:0"; "cuda:11" ] do
        Assert.True(TorchLibrary.IsDevice name, name)

    for name in [ "gpu"; ""; "cuda:"; "cuda:-1"; "cuda:x"; "CPU"; "cuda:0 " ] do
        Assert.False(TorchLibrary.IsDevice name, name)
        said "expected cpu, cuda or cuda:0" (fun () -> TorchLibrary.RequireDevice name)

    said
        (if TorchLibrary.IsAvailable then
             "but libtorch sees"
         else
             "./run --with-torch")
        (fun () -> TorchLibrary.RequireDevice "cuda:200")

let private shortNumbers =
    Gen.choose (0, 1000) |> Gen.map (fun seed -> Random seed) |> Arb.fromGen

[<Fact>]
let ``Arrays of any shape come back from a safetensors file`` () =
    let folder = Directory.CreateTempSubdirectory("leith-tests-").FullName

    try
        Check.One(
            quick 20,
            Prop.forAll shortNumbers (fun random ->
                let path = Path.Combine(folder, "arrays.safetensors")
                let file = Safetensors()

                for i in 0 .. random.Next 4 do
                    let shape = Array.init (random.Next 4) (fun _ -> int64 (random.Next 4))
                    file.Singles[$"array {i}"] <- Array.init (int (Array.fold (*) 1L shape)) (fun _ -> float32 (normal random))
                    file.Shapes[$"array {i}"] <- shape

                file.Write path
                let again = Safetensors.Read path

                file.Singles.Count = again.Singles.Count
                && file.Singles
                   |> Seq.forall (fun pair ->
                       again.Singles[pair.Key].AsSpan().SequenceEqual(pair.Value.AsSpan())
                       && again.Shapes[pair.Key] = file.Shapes[pair.Key]))
        )
    finally
        Directory.Delete(folder, true)

let private square = Grid([| 8; 8 |], [| 1.0; 1.0 |])

/// A score whose weights are whatever they are; enough for files.
let private scoreOf (weights: (string * int64 list * float32[]) list) =
    let gaussian = GaussianBase(square, [| 0.5 |], [| 2.0 |], Array.create 64 1.0, [||])

    PublishedScore(
        gaussian,
        3.0,
        14.0,
        4,
        1,
        "cpu",
        dict [
            for name, shape, values in weights -> name, struct (List.toArray shape, values)
        ]
        |> Collections.Generic.Dictionary
    )

[<Fact>]
let ``A published score is read as it was written, and a file of something else is a sentence`` () =
    let folder = Directory.CreateTempSubdirectory("leith-tests-").FullName

    try
        let path = Path.Combine(folder, "score.safetensors")

        let weights = [
            "a.weight", [ 2L; 3L ], [| 1f; 2f; 3f; 4f; 5f; 6f |]
            "a.bias", [ 2L ], [| 7f; 8f |]
        ]

        (scoreOf weights).Save path
        let again = PublishedScore.Load path
        Assert.Equal(0.03, again.Sigma, 1e-15)
        Assert.Equal(42.0, again.SigmaMax, 1e-12)
        Assert.Equal(8L, again.Parameters)
        Assert.Equal<int>([ 8; 8 ], again.Grid.Points)

        for name, shape, values in weights do
            let struct (shape', values') = again.Weights[name]
            Assert.Equal<int64>(shape, shape')
            Assert.Equal<float32>(values, values')

        let bytes = File.ReadAllBytes path
        File.WriteAllBytes(path, bytes[.. bytes.Length - 2])
        said "ends before its array" (fun () -> PublishedScore.Load path)
        let other = Safetensors()
        other.Texts["format"] <- "something else"
        other.Write path
        said "does not hold a score of the published network" (fun () -> PublishedScore.Load path)
        said "expected a safetensors file" (fun () -> PublishedScore.Load(Path.Combine(folder, "none")))
    finally
        Directory.Delete(folder, true)

[<Fact>]
let ``A grid that cannot be halved three times is refused before libtorch is asked`` () =
    for points in [ [| 12; 16 |]; [| 16 |]; [| 8; 8; 8 |] ] do
        let grid = Grid(points, points |> Array.map (fun _ -> 1.0))
        said "a multiple of 8 points each" (fun () -> PublishedTraining.Train(grid, [||], 0.0, [||], PublishedOptions()))

    said "expected Steps ≥ 1, got 0" (fun () -> PublishedTraining.Train(square, [||], 0.0, [||], PublishedOptions(Steps = 0)))

// The binding

/// Every operation that carries gradients, on arguments of small random shapes.
let private operations: (string * (Random -> torch.Tensor[]) * (torch.Tensor[] -> torch.Tensor)) list =
    let one shape (random: Random) = [| tensor random shape |]
    let two a b (random: Random) = [| tensor random a; tensor random b |]

    [
        "+", two [ 2L; 3L ] [ 3L ], (fun x -> x[0] + x[1])
        "−", two [ 2L; 3L ] [ 3L ], (fun x -> x[0] - x[1])
        "×", two [ 2L; 3L ] [ 3L ], (fun x -> x[0] * x[1])
        "÷", two [ 2L; 3L ] [ 3L ], (fun x -> x[0] / (x[1] * x[1] + 1f))
        "affine", one [ 4L ], (fun x -> -(x[0] * 3f + 2f))
        "matmul", two [ 2L; 3L ] [ 3L; 4L ], (fun x -> x[0].matmul x[1])
        "pow", one [ 5L ], (fun x -> x[0].pow 3f)
        "sin", one [ 5L ], (fun x -> x[0].sin())
        "cos", one [ 5L ], (fun x -> x[0].cos())
        "exp", one [ 5L ], (fun x -> x[0].exp())
        "mean", one [ 5L ], (fun x -> (x[0] * x[0]).mean())
        "silu", one [ 5L ], (fun x -> torch.nn.functional.silu x[0])
        "linear", (fun r -> [| tensor r [ 2L; 3L ]; tensor r [ 4L; 3L ]; tensor r [ 4L ] |]), (fun x -> torch.nn.functional.linear (x[0], x[1], x[2]))
        "conv2d",
        (fun r -> [| tensor r [ 2L; 2L; 5L; 4L ]; tensor r [ 3L; 2L; 3L; 3L ]; tensor r [ 3L ] |]),
        (fun x -> torch.nn.functional.conv2d (torch.nn.functional.pad_circular (x[0], 1L), x[1], x[2], 2L))
        "group_norm",
        (fun r -> [| tensor r [ 2L; 4L; 2L; 2L ]; tensor r [ 4L ]; tensor r [ 4L ] |]),
        (fun x -> torch.nn.functional.group_norm (x[0], 2L, x[1], x[2]))
        "interpolate", one [ 1L; 2L; 2L; 2L ], (fun x -> torch.nn.functional.interpolate_nearest (x[0], 2L))
        "cat", two [ 2L; 3L ] [ 2L; 1L ], (fun x -> torch.cat (ReadOnlySpan [| x[0]; x[1] |], 1L))
        "reshape, permute, narrow", one [ 2L; 6L ], (fun x -> x[0].reshape(axes [ 2L; 3L; 2L ]).permute(axes [ 2L; 0L; 1L ]).narrow(2L, 1L, 2L))
        "index_select", one [ 4L; 2L ], (fun x -> x[0].index_select(0L, torch.indices (ReadOnlySpan [| 3L; 1L; 3L |])))
        "filter",
        one [ 2L; 4L; 6L ],
        (fun x -> torch.fft.filter (x[0], torch.tensor (ReadOnlySpan(Array.init 24 (fun i -> 1f / float32 (1 + i))), ReadOnlySpan [| 4L; 6L |])))
    ]

[<Fact>]
let ``Gradients agree with central differences`` () =
    needsTorch ()

    let agrees (index, seed) =
        use _ = torch.NewDisposeScope()
        let name, make, compute = operations[index]
        let random = Random(seed: int)
        let start = make random |> Array.map (fun x -> x.requires_grad_ true)
        let y = compute start
        let weights = Array.init (int y.NumberOfElements) (fun _ -> normal random)

        let r = torch.tensor (ReadOnlySpan(Array.map float32 weights), ReadOnlySpan y.shape)

        (y * r).sum().backward()
        let directions = start |> Array.map (fun x -> tensor random (List.ofArray x.shape))
        let h = 1e-2f

        let at (s: float32) =
            use _ = torch.no_grad ()

            (compute (Array.map2 (fun (x: torch.Tensor) (d: torch.Tensor) -> x + d * s) start directions)).data()
            |> Array.map2 (fun w v -> w * float v) weights
            |> Array.sum

        let slope = (at h - at -h) / (2.0 * float h)

        let inner (a: torch.Tensor) (b: torch.Tensor) =
            Array.map2 (fun x y -> float x * float y) (a.data ()) (b.data ()) |> Array.sum

        let along =
            Array.map2 (fun (x: torch.Tensor) d -> inner (x.grad ()) d) start directions |> Array.sum

        let size =
            Array.map2 (fun (x: torch.Tensor) d -> sqrt (inner (x.grad ()) (x.grad ()) * inner d d)) start directions
            |> Array.sum

        // differences: h² of a third derivative, and rounding 1e-7/h
        if abs (slope - along) > 4e-3 * (size + 1.0) then
            failwith $"{name}: {along}, by differences {slope}"

    let cases =
        Gen.zip (Gen.choose (0, operations.Length - 1)) (Gen.choose (0, 100_000)) |> Arb.fromGen

    for index in 0 .. operations.Length - 1 do
        agrees (index, index)

    Check.One(quick 60, Prop.forAll cases agrees)

[<Fact>]
let ``An error of libtorch is an exception with its message and without its stack`` () =
    needsTorch ()
    use _ = torch.NewDisposeScope()
    let a = torch.zeros (ReadOnlySpan [| 2L; 3L |])
    let error = Assert.Throws<TorchException>(fun () -> a.matmul a |> ignore)
    Assert.Contains("shapes cannot be multiplied (2x3 and 2x3)", error.Message)
    Assert.DoesNotContain("frame #", error.Message)
    Assert.Throws<TorchException>(fun () -> a.backward ()) |> ignore
    Assert.Contains("expected a gradient", Assert.Throws<TorchException>(fun () -> a.grad () |> ignore).Message)
    Assert.Throws<TorchException>(fun () -> a.``to`` "abacus" |> ignore) |> ignore

    Assert.Contains(
        "expected 6 values",
        Assert.Throws<TorchException>(fun () -> torch.tensor (ReadOnlySpan [| 1f |], ReadOnlySpan [| 2L; 3L |]) |> ignore).Message
    )

[<Fact>]
let ``Scopes free what was made in them, except what was moved out`` () =
    needsTorch ()
    let before = torch.LiveTensors
    let mutable kept = null
    let mutable moved = null

    (use outer = torch.NewDisposeScope()

     (use inner = torch.NewDisposeScope()
      kept <- (torch.ones (ReadOnlySpan [| 2L |]) + 1f).DetachFromDisposeScope()
      moved <- (torch.ones (ReadOnlySpan [| 2L |]) * 3f).MoveToOuterDisposeScope()
      Assert.Equal(before + 4L, torch.LiveTensors))

     Assert.Equal(before + 2L, torch.LiveTensors)
     Assert.Equal<float32>([ 3f; 3f ], moved.data ())
     use early = torch.ones (ReadOnlySpan [| 1L |])
     ())

    Assert.Equal(before + 1L, torch.LiveTensors)
    Assert.Equal<float32>([ 2f; 2f ], kept.data ())
    kept.Dispose()
    kept.Dispose()
    Assert.Equal(before, torch.LiveTensors)
    Assert.Throws<ObjectDisposedException>(fun () -> kept.data () |> ignore) |> ignore

[<Fact>]
let ``A thousand training steps hold no more tensors than one`` () =
    needsTorch ()
    let before = torch.LiveTensors
    let at = Collections.Generic.List<int64>()
    let losses = Collections.Generic.List<float32>()

    (use net = torch.nn.Conv2d(1L, 1L, 3L)
     use adam = torch.optim.Adam(net.parameters (), 1e-2)

     for step in 1..1000 do
         (use _ = torch.NewDisposeScope()
          let x = torch.randn (ReadOnlySpan [| 2L; 1L; 4L; 4L |])
          adam.zero_grad ()
          let loss = (net.forward x - x * 2f).pow(2f).mean()
          loss.backward ()
          torch.nn.utils.clip_grad_norm_ (net.parameters (), 1.0) |> ignore
          adam.step ()
          losses.Add(loss.item ()))

         at.Add torch.LiveTensors)

    Assert.Single(Seq.distinct at) |> ignore
    Assert.Equal(before, torch.LiveTensors)
    Assert.True(losses[999] < 1e-3f * losses[0], $"{losses[0]} to {losses[999]}")

[<Fact>]
let ``The same seed gives the same numbers`` () =
    needsTorch ()
    use _ = torch.NewDisposeScope()

    let numbers seed =
        torch.manual_seed seed
        torch.randn(ReadOnlySpan [| 5L |]).data(), torch.rand(ReadOnlySpan [| 5L |]).data()

    Assert.Equal(numbers 3UL, numbers 3UL)
    Assert.NotEqual(numbers 3UL, numbers 4UL)

// One network, two engines

/// The network on sixteen lanes and its gradient, for given slopes of the output.
let private onLanes (net: ResidualNet) (grid: Grid) (w: float32[]) (x: float32[][]) (slopes: float32[][]) (levels: float32[]) =
    use work = new NetworkWorkspace(net, Stencil.Torus grid, true)

    for lane in 0..15 do
        for row in 0 .. work.Input.Rows - 1 do
            work.Input[row, lane] <- x[lane][row]

        for row in 0 .. work.Output.Rows - 1 do
            work.OutputGradient[row, lane] <- slopes[lane][row]

    Modulation.Embed(Vector512.Create<float32> levels, work.Features.Vectors)
    use pointer = fixed w
    let gradient = Array.zeroCreate<float32> net.Parameters
    use target = fixed gradient
    work.Forward pointer
    work.Backward(pointer, target)

    Array.init 16 (fun lane -> Array.init work.Output.Rows (fun row -> work.Output[row, lane])),
    gradient,
    Array.init 16 (fun lane -> Array.init 4 (fun e -> work.Features[e, lane]))

/// The same by libtorch.
let private onTorch (net: ResidualNet) (grid: Grid) (w: float32[]) (x: float32[][]) (slopes: float32[][]) (features: float32[][]) =
    use _ = torch.NewDisposeScope()
    let lanes = new LaneNetwork(net, ReadOnlySpan w)
    let n = [| 16L; int64 grid.Points[0]; int64 grid.Points[1] |]
    // rows are [site][channel]
    let fields (values: float32[][]) (channels: int) =
        torch.tensor(ReadOnlySpan(Array.concat values), ReadOnlySpan [| n[0]; n[1]; n[2]; int64 channels |]).permute(axes [ 0L; 3L; 1L; 2L ])

    let y =
        lanes.forward (fields x net.Inputs, torch.tensor (ReadOnlySpan(Array.concat features), ReadOnlySpan [| 16L; 4L |]))

    (y * fields slopes net.Outputs).sum().backward()

    let output =
        y.permute(axes [ 0L; 2L; 3L; 1L ]).reshape(axes [ -1L ]).data()
        |> Array.chunkBySize (grid.Sites * net.Outputs)

    let gradient = lanes.Weights.grad().data()
    lanes.Dispose()
    output, gradient

let private closeTo (a: float32[]) (b: float32[]) =
    let size = a |> Array.averageBy (fun v -> float v * float v) |> sqrt
    Array.forall2 (fun (x: float32) (y: float32) -> abs (float x - float y) <= 2e-5 * (size + abs (float x))) a b

let private agree (random: Random) (net: ResidualNet) (grid: Grid) (w: float32[]) =
    let numbers length =
        Array.init 16 (fun _ -> Array.init length (fun _ -> float32 (normal random)))

    let x, slopes =
        numbers (grid.Sites * net.Inputs), numbers (grid.Sites * net.Outputs)

    let levels = Array.init 16 (fun _ -> float32 (random.NextDouble() * 2.0 - 1.0))
    let output, gradient, features = onLanes net grid w x slopes levels
    let output', gradient' = onTorch net grid w x slopes features
    closeTo (Array.concat output) (Array.concat output') && closeTo gradient gradient'

[<Fact>]
let ``The network of the lanes gives the same numbers and gradients by libtorch`` () =
    needsTorch ()

    let cases =
        gen {
            let! points = Gen.listOfLength 2 (Gen.choose (2, 6))
            let! inputs = Gen.choose (1, 2)
            let! layers = Gen.choose (0, 3)
            let! modulated = Gen.elements [ true; false ]
            let! seed = Gen.choose (0, 100_000)
            return points, inputs, layers, modulated, seed
        }
        |> Arb.fromGen

    Check.One(
        quick 25,
        Prop.forAll cases (fun (points, inputs, layers, modulated, seed) ->
            let random = Random seed
            let net = ResidualNet(9, inputs, 8, inputs, layers, modulated)
            let w = Array.init net.Parameters (fun _ -> float32 (0.2 * normal random))
            agree random net (Grid(Array.ofList points, [| 1.0; 1.0 |])) w)
    )

[<Fact>]
let ``Both engines read one file of weights and train it alike`` () =
    needsTorch ()
    let folder = Directory.CreateTempSubdirectory("leith-tests-").FullName
    let random = Random 5

    try
        let fields =
            Array.init 40 (fun _ -> Array.init 64 (fun _ -> float32 (normal random)))

        let options =
            TrainingOptions(Channels = 8, Layers = 2, Steps = 20, Batch = 16, Threads = 1)

        let path = Path.Combine(folder, "score.safetensors")
        DenoisingTraining.TrainField(square, fields, 0.0, Array.create 64 64.0, options, null, CancellationToken.None).Save path
        let score = LearnedScore.Load path
        Assert.True(agree random score.Net square score.Parameters)

        // twelve steps of Adam down the same loss
        let n = 64 * score.Net.Inputs
        let x = Array.init 16 (fun _ -> Array.init n (fun _ -> float32 (normal random)))
        let levels = Array.init 16 (fun i -> float32 i / 8f - 1f)
        let ours = Array.copy score.Parameters
        let adam = Adam(ours, options)
        use theirs = new LaneNetwork(score.Net, ReadOnlySpan score.Parameters)
        use optimiser = torch.optim.Adam(theirs.parameters ())

        for step in 0..11 do
            // ∂/∂y of ½ |y − x|²
            let output, _, features =
                onLanes score.Net square ours x (Array.map Array.copy x) levels

            let slopes = Array.map2 (Array.map2 (-)) output x
            let _, gradient, _ = onLanes score.Net square ours x slopes levels
            adam.Step [| gradient |] |> ignore
            use _ = torch.NewDisposeScope()

            let input =
                torch.tensor(ReadOnlySpan(Array.concat x), ReadOnlySpan [| 16L; 8L; 8L; int64 score.Net.Inputs |]).permute(axes [ 0L; 3L; 1L; 2L ])

            optimiser.zero_grad ()

            let y =
                theirs.forward (input, torch.tensor (ReadOnlySpan(Array.concat features), ReadOnlySpan [| 16L; 4L |]))

            ((y - input).pow(2f).sum() * 0.5f).backward()
            torch.nn.utils.clip_grad_norm_ (theirs.parameters (), options.GradientLimit) |> ignore
            optimiser.SetLearningRate(Adam.Rate(step, options))
            optimiser.step ()

        let moved = Array.map2 (-) ours score.Parameters |> Array.map abs |> Array.max
        Assert.InRange(moved, 1e-4f, 1f)

        for a, b in Array.zip ours (theirs.Weights.data ()) do
            Assert.True(abs (a - b) < 0.02f * moved, $"{a} and {b}")
    finally
        Directory.Delete(folder, true)

// The published network

[<Fact>]
let ``The published network has 11.1 million weights`` () =
    needsTorch ()
    use net = new UNet(32L, 8, "cpu")
    Assert.InRange(net.NumberOfParameters, 11_050_000L, 11_150_000L)

[<Fact>]
let ``The gradient of the published network agrees with central differences, and a shift by eight sites is a shift of its answer`` () =
    needsTorch ()
    use _ = torch.NewDisposeScope()
    torch.manual_seed 2UL
    use net = new UNet(4L, 1, "cpu")
    let random = Random 3
    let x = tensor random [ 2L; 1L; 16L; 8L ]
    let t = torch.tensor (ReadOnlySpan [| 0.2f; 0.7f |], ReadOnlySpan [| 2L |])
    let loss () = net.forward(x, t).pow(2f).mean()
    (loss ()).backward()
    // the frequencies of the features come first and are not trained
    let weights = net.parameters () |> Seq.skip 1 |> List.ofSeq
    let gradients = weights |> List.map _.grad().data()

    for _ in 1..3 do
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let start = weights |> List.map _.data()
        let directions = weights |> List.map (fun w -> tensor random (List.ofArray w.shape))
        let h = 5e-4f

        let at (s: float32) =
            List.iteri2
                (fun i (w: torch.Tensor) (d: torch.Tensor) -> w.copy_ (torch.tensor (ReadOnlySpan start[i], ReadOnlySpan w.shape) + d * s) |> ignore)
                weights
                directions

            float (loss().item())

        let slope = (at h - at -h) / (2.0 * float h)
        at 0f |> ignore

        let along =
            List.map2 (fun g (d: torch.Tensor) -> Array.map2 (fun a b -> float a * float b) g (d.data ()) |> Array.sum) gradients directions
            |> List.sum

        let size =
            gradients |> List.sumBy (Array.sumBy (fun g -> float g * float g)) |> sqrt

        Assert.True(abs (slope - along) < 0.05 * size, $"{along}, by differences {slope}, gradient of norm {size}")

    let answer (x: torch.Tensor) =
        (use _ = torch.no_grad () in net.forward(x, t).data())

    let shifted (x: torch.Tensor) =
        torch.cat (ReadOnlySpan [| x.narrow (2L, 8L, 8L); x.narrow (2L, 0L, 8L) |], 2L)

    let direct = answer (shifted x)

    let turned =
        shifted(torch.tensor (ReadOnlySpan(answer x), ReadOnlySpan [| 2L; 1L; 16L; 8L |])).data()

    Array.iter2 (fun (a: float32) b -> Assert.Equal(a, b, 1e-4f)) direct turned

let private smallOptions =
    PublishedOptions(Channels = 4, Blocks = 1, Steps = 25, Batch = 16, Validations = 3, Threads = 1, Seed = 4UL)

let private train (options: PublishedOptions) =
    let random = Random 8

    let fields =
        Array.init 200 (fun _ -> Array.init 64 (fun _ -> 1f + 2f * float32 (normal random)))

    PublishedTraining.Train(square, fields, 1.0, Array.create 64 256.0, options, null, CancellationToken.None)

let private apply (map: ITileMap) (random: Random) =
    use state = new Tile(64)
    use result = new Tile(64)

    for row in 0..63 do
        for lane in 0..7 do
            state.A[row, lane] <- 16.0 * normal random
            state.B[row, lane] <- 16.0 * normal random

    map.Apply(state, 0.0, result)
    Array.concat [ state.A.Span.ToArray(); state.B.Span.ToArray() ], Array.concat [ result.A.Span.ToArray(); result.B.Span.ToArray() ]

[<Fact>]
let ``Training as published lowers the loss, is repeated by its seed, and its score survives the file bit for bit`` () =
    needsTorch ()
    let before = torch.LiveTensors
    let score = train smallOptions
    Assert.Equal(before, torch.LiveTensors)
    Assert.Equal(25, score.History[score.History.Count - 1].Step)
    // a network that answers nothing has loss 1
    Assert.True(score.History[score.History.Count - 1].ValidationLoss.Value < score.History[0].ValidationLoss.Value)
    Assert.Equal(2.0 * 0.01 * 4.0 / 0.856, score.Sigma, 1e-12)
    let again = train smallOptions

    let weights (s: PublishedScore) =
        s.Weights.Values |> Seq.collect (fun struct (_, values) -> values) |> Seq.toArray

    Assert.Equal<float32>(weights score, weights again)

    Assert.NotEqual<float32>(
        weights score,
        weights (train (PublishedOptions(Channels = 4, Blocks = 1, Steps = 25, Batch = 16, Seed = 5UL, Threads = 1)))
    )

    let path = Path.Combine(Path.GetTempPath(), $"leith-{Guid.NewGuid()}.safetensors")

    try
        score.Save path
        use one = score.CreateScore()
        use two = (PublishedScore.Load path).CreateScore()
        use rest = score.CreateRemainder()
        let state, whole = apply one (Random 1)
        Assert.Equal<float>(whole, apply two (Random 1) |> snd)
        // what is left of the score without the remainder is the Gaussian's, −(u − ⟨u⟩)/(4 + σ²)
        let remainder = apply rest (Random 1) |> snd
        let variance = 4.0 + score.Sigma * score.Sigma

        for i in 0 .. state.Length - 1 do
            let mean = if i % 512 < 8 then 64.0 else 0.0
            Assert.Equal(-(state[i] - mean) / variance, whole[i] - remainder[i], 1e-6 * (1.0 + abs whole[i]))
    finally
        File.Delete path

[<Fact>]
let ``The clock can end a training, and so can Ctrl-C`` () =
    needsTorch ()

    let timed =
        train (PublishedOptions(Channels = 4, Blocks = 0, Steps = 1_000_000, Batch = 4, Seconds = 0.3, Threads = 1))

    Assert.InRange(timed.History[timed.History.Count - 1].Step, 1, 999_999)
    Assert.False timed.Interrupted
    use stop = new CancellationTokenSource()
    stop.Cancel()
    let fields = Array.init 4 (fun i -> Array.create 64 (float32 i))

    let stopped =
        PublishedTraining.Train(square, fields, 1.5, Array.create 64 80.0, smallOptions, null, stop.Token)

    Assert.True stopped.Interrupted
