module Leith.Tests.Checkpoints

open System
open System.IO
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

// Training that stops and goes on, diverges and recovers, and the symmetries, noises and bases it can be given.

let private normal (random: Random) =
    sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

let private grid = Grid([| 5; 6 |], [| 1.0; 1.0 |])

/// Fields with a heavy tail and a neighbour that follows, so that there is something to learn.
let private fields seed count =
    let random = Random(seed: int)

    Array.init count (fun _ ->
        let noise = Array.init grid.Sites (fun _ -> normal random)

        Array.init grid.Sites (fun site ->
            let x = noise[site] + 0.3 * noise[(site + 1) % grid.Sites]
            float32 (x + 0.2 * x * x * x)))

let private power =
    let all = fields 1 400
    let variance = all |> Array.averageBy (Array.averageBy (fun u -> float u * float u))
    Array.init grid.Sites (fun mode -> variance * float grid.Sites * (0.5 + float (mode % 6) / 6.0 * float ((6 - mode % 6) % 6)))

let private train options progress cancellation =
    DenoisingTraining.TrainField(grid, fields 1 200, 0.0, power, options, progress, cancellation)

let private plain options =
    train options null CancellationToken.None

let private folder () =
    Directory.CreateTempSubdirectory("leith-checkpoints-").FullName

let private short checkpoint =
    TrainingOptions(
        Channels = 8,
        Layers = 1,
        Steps = 40,
        Batch = 32,
        Seed = 5UL,
        Threads = 1,
        Validations = 8,
        LearningRate = 5e-3,
        Checkpoint = checkpoint,
        CheckpointSteps = 3
    )

let private stopAt step (source: CancellationTokenSource) = {
    new IProgress<TrainingProgress> with
        member _.Report report =
            if report.Step >= step then
                source.Cancel()
}

let private same (a: LearnedScore) (b: LearnedScore) =
    Assert.Equal<float32[]>(a.Parameters, b.Parameters)

    for p, q in Seq.zip a.History b.History do
        Assert.Equal(p.Step, q.Step)
        Assert.Equal(p.TrainingLoss, q.TrainingLoss)
        Assert.Equal(p.ValidationLoss, q.ValidationLoss)

    Assert.Equal(a.History.Count, b.History.Count)

[<Fact>]
let ``a training that was stopped goes on and ends with the same weights, bit for bit, wherever it was stopped`` () =
    let whole = plain (short null)

    for at in [ 5; 15; 35 ] do
        let path = Path.Combine(folder (), "net.training")
        use source = new CancellationTokenSource()
        let broken = train (short path) (stopAt at source) source.Token
        Assert.True(broken.Interrupted && File.Exists path)
        same whole (plain (short path))
        Assert.False(File.Exists path, "the checkpoint of a training that is done is removed")

[<Fact>]
let ``a killed process leaves the last checkpoint, and training goes on from it`` () =
    let whole = plain (short null)
    let path = Path.Combine(folder (), "net.training")
    // an exception in the report stops training as abruptly as a kill: nothing is written after it
    let kill = {
        new IProgress<TrainingProgress> with
            member _.Report report =
                if report.Step >= 20 then
                    raise (InvalidOperationException "killed")
    }

    Assert.ThrowsAny<exn>(fun () -> train (short path) kill CancellationToken.None |> ignore) |> ignore

    Assert.True(File.Exists path)
    let first = ResizeArray<int>()

    let told = {
        new IProgress<TrainingProgress> with
            member _.Report report = first.Add report.Step
    }

    let resumed = train (short path) told CancellationToken.None
    same whole resumed
    // the checkpoint was that of step 18: the first validation after it is at 20
    Assert.True(first[0] >= 18, $"the first report was of step {first[0]}")

[<Fact>]
let ``a checkpoint that is cut short, or of another training, is not gone on from`` () =
    let path = Path.Combine(folder (), "net.training")
    let whole = plain (short null)

    let interrupted () =
        use source = new CancellationTokenSource()
        train (short path) (stopAt 20 source) source.Token |> ignore
        File.ReadAllBytes path

    let bytes = interrupted ()

    for length in [ 0; 7; bytes.Length / 2; bytes.Length - 1 ] do
        File.WriteAllBytes(path, bytes[.. length - 1])
        same whole (plain (short path))

    interrupted () |> ignore

    let other =
        TrainingOptions(Channels = 8, Layers = 1, Steps = 40, Batch = 32, Seed = 6UL, Threads = 1, Validations = 8, LearningRate = 5e-3)

    let asked =
        TrainingOptions(
            Channels = 8,
            Layers = 1,
            Steps = 40,
            Batch = 32,
            Seed = 6UL,
            Threads = 2,
            Validations = 8,
            LearningRate = 5e-3,
            Checkpoint = path
        )

    same (plain other) (plain asked)

[<Fact>]
let ``a training that diverges goes on from the last good state at half the rate and says so`` () =
    // without gradient limit and warm-up this rate throws the weights out at once; some halvings later it does not
    let wild rate =
        TrainingOptions(
            Channels = 8,
            Layers = 1,
            Steps = 30,
            Batch = 16,
            LearningRate = rate,
            Ema = 0.0,
            GradientLimit = 1e9,
            WarmUp = 0,
            Threads = 1,
            Validations = 10
        )

    let score = plain (wild 4.0)
    let last = score.History[score.History.Count - 1]
    Assert.True(last.Restarts >= 1, "a rate of 4 should have diverged")
    Assert.Equal(30, last.Step)

    Assert.True(
        score.History
        |> Seq.forall (fun p -> p.ValidationLoss.Value < 100.0 * (1.0 + abs score.History[0].ValidationLoss.Value))
    )

    let error = Assert.Throws<LeithException>(fun () -> plain (wild 1e30) |> ignore)
    Assert.Contains("lower LearningRate", error.Message)

/// The score of sixteen fields at once, [member][site].
let private scoreOf (map: ITileMap) (fields: float[][]) =
    use state = new Tile(grid.Sites)
    use result = new Tile(grid.Sites)
    use fft = new LaneFft(grid)

    for site in 0 .. grid.Sites - 1 do
        for lane in 0..7 do
            state.A[site, lane] <- fields[lane][site]
            state.B[site, lane] <- fields[lane + 8][site]

    fft.Forward(state.A.Pointer, state.B.Pointer)
    map.Apply(state, 0.0, result)
    fft.Inverse(result.A.Pointer, result.B.Pointer)

    Array.init 16 (fun lane ->
        Array.init grid.Sites (fun site ->
            if lane < 8 then
                result.A[site, lane]
            else
                result.B[site, lane - 8]))

let private largest (a: float[][]) (b: float[][]) =
    Array.map2 (Array.map2 (fun x y -> abs (x - y))) a b |> Array.collect id |> Array.max

let private wide seed =
    fields seed 16 |> Array.map (Array.map float)

[<Fact>]
let ``a declared symmetry holds exactly, whatever the weights are`` () =
    let reflect axes (field: float[]) =
        Array.init grid.Sites (fun site ->
            let index = grid.Unravel site

            for axis in axes do
                index[axis] <- -index[axis]

            field[grid.Ravel(ReadOnlySpan index)])

    let check (sign: bool, reflected: int list, coloured: bool) =
        let symmetries = Symmetries.None.With(sign, List.toArray reflected)

        let score =
            plain (TrainingOptions(Channels = 8, Layers = 1, Steps = 0, Symmetries = symmetries, Coloured = coloured))

        let random = Random 4

        for i in 0 .. score.Parameters.Length - 1 do
            score.Parameters[i] <- float32 (0.3 * normal random)

        use map = score.CreateScore()
        let states = wide 9

        let image (field: float[]) =
            reflect reflected field |> Array.map (fun u -> if sign then -u else u)

        let before = scoreOf map states
        let size = before |> Array.collect id |> Array.averageBy abs
        largest (scoreOf map (Array.map image states)) (Array.map image before) < 1e-4 * (1.0 + size)

    let symmetry = gen {
        let! sign = Gen.elements [ true; false ]
        let! axes = Gen.elements [ []; [ 0 ]; [ 1 ]; [ 0; 1 ] ]
        let! coloured = Gen.elements [ true; false ]
        return sign, axes, coloured
    }

    Check.One(Config.QuickThrowOnFailure.WithMaxTest(12).WithReplay(20261124UL, 2401UL), Prop.forAll (Arb.fromGen symmetry) check)

[<Fact>]
let ``the images of symmetries make a group`` () =
    let one = Symmetries.None.With true
    let both = one.With(false, 0).With(false, 1)
    Assert.Equal(2, one.Count)
    Assert.Equal(8, both.Count)
    Assert.Equal(8, (both.With(true, 0, 1)).Count)
    Assert.True(both.IsOdd)
    Assert.False((Symmetries.None.With(true, 0)).IsOdd)
    Assert.Equal(one.With(false, 1), Symmetries.None.With(false, 1).With true)

    let refused (text: string) (action: unit -> obj) =
        Assert.Contains(text, Assert.Throws<LeithException>(fun () -> action () |> ignore).Message)

    refused "axes below 2, got axis 2" (fun () -> plain (TrainingOptions(Steps = 0, Symmetries = Symmetries.None.With(false, 2))))
    refused "axes 0, 1, …" (fun () -> Symmetries.None.With(false, -1))

/// The loss at σ → 0 is that of implicit score matching: its gradient by the weights is what differences of the loss say.
[<Theory>]
[<InlineData(0.0, false)>]
[<InlineData(1.0, false)>]
[<InlineData(0.5, true)>]
[<InlineData(1.0, true)>]
let ``gradients of every loss agree with differences`` (share: float, coloured: bool) =
    let options =
        TrainingOptions(Channels = 8, Layers = 1, Batch = 16, Steps = 0, Implicit = share, Coloured = coloured, ValidationFraction = 0.0)

    let gaussian = GaussianBase.OfField(grid, 0.0, power)
    let data = TrainingData.OfFields(gaussian, fields 1 40, options)

    let levels =
        NoiseLevels.Choose(options, gaussian.SigmaUnit, gaussian.Eigenvalues, true)

    let struct (inputs, outputs) = Frame.Shape(gaussian, levels)
    let net = ResidualNet(data.Stencil.Taps, inputs, 8, outputs, 1, true)
    use worker = new TrainingWorker(data, levels, net, null, options)
    let random = Random 3

    let weights = Array.init net.Parameters (fun _ -> float32 (0.2 * normal random))

    let gradient = Array.zeroCreate<float32> net.Parameters
    let scratch = Array.zeroCreate<float32> net.Parameters
    let values = float (16 * grid.Sites)

    let loss direction (size: float) =
        let moved = Array.map2 (fun w d -> w + float32 (size * d)) weights direction

        worker.Train(moved, scratch, 0L, 0, 1, values) / values

    worker.Train(weights, gradient, 0L, 0, 1, values) |> ignore

    for _ in 1..4 do
        let direction = Array.init net.Parameters (fun _ -> normal random)
        let h = 1e-3
        let difference = (loss direction h - loss direction -h) / (2.0 * h)

        let product =
            Array.fold2 (fun sum (g: float32) d -> sum + float g * d) 0.0 gradient direction

        Assert.True(abs (product - difference) < 0.02 * (1.0 + abs difference), $"gradient {product}, difference {difference}")

[<Fact>]
let ``on a given score nothing is added at the start, and the file asks for it`` () =
    let calls = ref 0

    let given () =
        calls.Value <- calls.Value + 1

        {
            new ITileMap with
                member _.Apply(state, _, result) =
                    for i in 0 .. state.A.Span.Length - 1 do
                        result.A.Span[i] <- -2.0 * state.A.Span[i]
                        result.B.Span[i] <- -2.0 * state.B.Span[i]

                member _.Dispose() = ()
        }

    let score =
        DenoisingTraining.TrainField(
            grid,
            fields 1 200,
            0.0,
            power,
            TrainingOptions(Channels = 8, Layers = 1, Steps = 0),
            null,
            CancellationToken.None,
            given
        )

    use map = score.CreateScore()
    use rest = score.CreateRemainder()
    let states = wide 7
    Assert.True(largest (scoreOf map states) (states |> Array.map (Array.map (fun u -> -2.0 * u))) < 1e-9)
    Assert.True(largest (scoreOf rest states) (states |> Array.map (Array.map (fun _ -> 0.0))) = 0.0)
    let path = Path.Combine(folder (), "net.safetensors")
    score.Save path
    let read = LearnedScore.Load path
    Assert.Contains("its file does not hold", Assert.Throws<LeithException>(fun () -> read.CreateScore() |> ignore).Message)
    use again = (read.On given).CreateScore()
    Assert.True(largest (scoreOf again states) (scoreOf map states) = 0.0)

[<Fact>]
let ``a network on nothing starts with no score, EDM with that of white noise, and both have their Gaussian less it as remainder`` () =
    let states = wide 7
    let variance = Array.sum power / float (grid.Sites * grid.Sites)

    for kind, factor in [ ScoreBase.Nothing, 0.0; ScoreBase.Edm, 1.0 ] do
        let score =
            plain (TrainingOptions(Channels = 8, Layers = 1, Steps = 0, Base = kind, Coloured = false))

        use map = score.CreateScore()
        use rest = score.CreateRemainder()
        let whole = scoreOf map states

        let expected =
            states |> Array.map (Array.map (fun u -> -factor * u / (variance + score.Sigma * score.Sigma)))

        Assert.True(largest whole expected < 1e-9, $"{kind}")
        // whole − remainder is the Gaussian's score
        let gaussian =
            plain (TrainingOptions(Channels = 8, Layers = 1, Steps = 0, SigmaMin = score.SigmaMin))

        use gaussian =
            if score.Sigma > 0.0 then
                gaussian.CreateScore()
            else
                (plain (TrainingOptions(Channels = 8, Layers = 1, Steps = 0))).CreateScore()

        let difference = Array.map2 (Array.map2 (-)) whole (scoreOf rest states)

        Assert.True(largest difference (scoreOf gaussian states) < 1e-9, $"{kind}")
