/// The driver: threads, members, restarts, twins, sampling, blow-up and the checks at the door.
module Leith.Tests.Solvers

open System
open System.Collections.Concurrent
open System.Numerics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

let private forced noise = SolverOrders.problem noise
let private scalars = forced SolverOrders.noise

/// N(u) = c u³ in real space, on a torus.
type CubicField(grid: Grid, c: float) =
    let fft = new LaneFft(grid)

    let cube (block: LaneArray) =
        for i in 0 .. block.Span.Length - 1 do
            block.Span[i] <- c * block.Span[i] * block.Span[i] * block.Span[i]

    interface ITileMap with
        member _.Apply(state, _, result) =
            state.A.Span.CopyTo result.A.Span
            state.B.Span.CopyTo result.B.Span
            fft.Inverse(result.A.Pointer, result.B.Pointer)
            cube result.A
            cube result.B
            fft.Forward(result.A.Pointer, result.B.Pointer)

        member _.Dispose() = fft.Dispose()

/// N(u) = c u³ for scalar unknowns.
type CubicScalars(c: float) =
    interface ITileMap with
        member _.Apply(state, _, result) =
            for i in 0 .. state.A.Span.Length - 1 do
                result.A.Span[i] <- c * state.A.Span[i] ** 3.0
                result.B.Span[i] <- c * state.B.Span[i] ** 3.0

        member _.Dispose() = ()

let private field c =
    let grid = SolverLaws.grid

    Model(
        Rows = grid.Sites,
        Grid = grid,
        LinearSymbol = SolverLaws.advected.LinearSymbol,
        NoiseSymbol = SolverLaws.advected.NoiseSymbol,
        Nonlinear = (fun () -> new CubicField(grid, c) :> ITileMap)
    )

let private run (simulation: Simulation) (plan: SamplingPlan) threads form =
    let saver = Saver<float>(simulation.Model, plan, form = form)
    simulation.Run(plan, (fun tile -> saver.Open tile), threads, null, CancellationToken.None)
    saver

let private values simulation plan threads =
    (run simulation plan threads SavedForm.Values).Values

/// The values of the first members of a larger run, [sample][member][row].
let private first members (plan: SamplingPlan) rows (all: float[]) =
    Array.init (int plan.Samples) (fun s -> all[s * plan.Members * rows .. (s * plan.Members + members) * rows - 1])
    |> Array.concat

let private schemes = Enum.GetValues<Scheme>() |> Array.toList

[<Fact>]
let ``bit-identical for any number of threads and members`` () =
    for scheme in schemes do
        for model in [ scalars; field -0.2 ] do
            let simulation = Simulation(model, scheme, 0.0625, 11UL)
            let plan = SamplingPlan(45, 0.5, 1.0, 0.25)
            let one = values simulation plan 1
            Assert.Equal<float[]>(one, values simulation plan 2)
            Assert.Equal<float[]>(one, values simulation plan 3)
            let few = SamplingPlan(5, 0.5, 1.0, 0.25)
            Assert.Equal<float[]>(first 5 plan model.Rows one, values simulation few 2)
            Assert.NotEqual<float[]>(one, values (Simulation(model, scheme, 0.0625, 12UL)) plan 1)

[<Fact>]
let ``a member replayed alone is the member of the ensemble`` () =
    for model in [ scalars; field -0.2 ] do
        let plan, alone = SamplingPlan(40, 0.5, 0.5, 0.25), SamplingPlan(3, 0.5, 0.5, 0.25)
        let all = run (Simulation(model, Scheme.Heun, 0.0625, 11UL)) plan 2 SavedForm.Values

        let replay =
            run (Simulation(model, Scheme.Heun, 0.0625, 11UL, FirstMember = 32)) alone 1 SavedForm.Values

        for sample in 0L .. 1L do
            for member' in 0..2 do
                Assert.Equal<float[]>(all.State(sample, 32 + member').ToArray(), replay.State(sample, member').ToArray())

[<Fact>]
let ``Euler–Maruyama is the loop on paper, number by number`` () =
    let plan, h = SamplingPlan(30, 1.0, 0.125, 0.125), 0.125

    let saved =
        run (Simulation(scalars, Scheme.EulerMaruyama, h, 99UL)) plan 2 SavedForm.Values

    let l, s = SolverOrders.linear, SolverOrders.noise

    for member' in 0..29 do
        let mutable x, y = 0.0, 0.0

        for step in 0..7 do
            let t = float step * h

            let n row =
                sqrt h * NormalStream.Single(99UL, 0u, member', int64 step, row)

            let fx = l[0, 0] * x + l[0, 1] * y + sin (2.0 * t + y) - 0.25 * x * x * x
            let fy = l[1, 0] * x + l[1, 1] * y + cos (3.0 * t) * x + y * y / (1.0 + y * y)
            let dx, dy = s[0, 0] * n 0 + s[0, 1] * n 1, s[1, 0] * n 0 + s[1, 1] * n 1
            x <- x + h * fx + dx
            y <- y + h * fy + dy

        let state = saved.State(0L, member').ToArray()
        Assert.Equal(x, state[0], 1e-13)
        Assert.Equal(y, state[1], 1e-13)

/// Keeps a copy of every tile at every sample.
let private copies () =
    let kept = ConcurrentDictionary<struct (int * int64), Tile * float>()

    let sink (_: int) = {
        new ITileSink with
            member _.Sample(index, time, state) =
                let copy = new Tile(state.Rows)
                copy.CopyFrom state
                kept[struct (state.Index, index)] <- (copy, time)

            member _.Finish() = ()
    }

    kept, sink

[<Fact>]
let ``a restart goes on bit by bit, and samples are on time`` () =
    for scheme in schemes do
        for model in [ scalars; field -0.2 ] do
            let step = 0.0625
            let kept, sink = copies ()
            Simulation(model, scheme, step, 4UL).Run(SamplingPlan(20, 0.5, 1.0, 0.25), sink, 2, null, CancellationToken.None)
            Assert.Equal(8, kept.Count)
            let half = [| for tile in 0..1 -> fst kept[struct (tile, 1L)] |]
            let later, laterSink = copies ()

            Simulation(model, scheme, step, 4UL, FirstStep = 12L, Initial = InitialState.Copies half)
                .Run(SamplingPlan(20, 0.25, 0.5, 0.25), laterSink, 1, null, CancellationToken.None)

            for tile in 0..1 do
                for sample in 0L .. 1L do
                    let (expected, time), (got, at) =
                        kept[struct (tile, sample + 2L)], later[struct (tile, sample)]

                    Assert.Equal(1.0 + 0.25 * float sample, time)
                    Assert.Equal(time, at)
                    Assert.Equal<float[]>(expected.A.Span.ToArray(), got.A.Span.ToArray())
                    Assert.Equal<float[]>(expected.B.Span.ToArray(), got.B.Span.ToArray())

[<Fact>]
let ``the free run of twins is the plain run, kicks come at lag 0 and share the noise`` () =
    let model, step = field -0.2, 0.0625
    let kept, sink = copies ()
    // Restarts at 0.5 and 0.5 + 0.5 + 0.25.
    Simulation(model, Scheme.Heun, step, 4UL).Run(SamplingPlan(18, 0.5, 1.5, 0.25), sink, 2, null, CancellationToken.None)
    let kick = Array.create model.Rows Complex.One
    let seen = ref 0

    let twin = {
        new ITwinSink with
            member _.Sample(restart, lag, free, plus, minus) =
                Interlocked.Increment(&seen.contents) |> ignore
                let expected, _ = kept[struct (free.Index, int64 (3 * restart + lag))]
                Assert.Equal<float[]>(expected.A.Span.ToArray(), free.A.Span.ToArray())
                Assert.Equal<float[]>(expected.B.Span.ToArray(), free.B.Span.ToArray())

                for row in 0 .. model.Rows - 1 do
                    for lane in 0..7 do
                        // With the same noise the twins stay on both sides of the free run, second order apart.
                        let even = (plus.A[row, lane] + minus.A[row, lane]) / 2.0 - free.A[row, lane]
                        Assert.True(abs even < 1e-5)

                        if lag = 0 then
                            Assert.Equal(1e-3, plus.A[row, lane] - minus.A[row, lane], 1e-12)
                            Assert.Equal(1e-3, plus.B[row, lane] - minus.B[row, lane], 1e-12)

            member _.Finish() = ()
    }

    let plan = TwinPlan(18, 2, 0.5, 0.25, 0.5, 0.25, kick, 1e-3)
    Simulation(model, Scheme.Heun, step, 4UL).Twins(plan, (fun _ -> twin), 2, null, CancellationToken.None)
    Assert.Equal(2 * 2 * 3, seen.Value)

[<Fact>]
let ``online moments are those of the saved states`` () =
    let property (members: int, samples: int) =
        let plan = SamplingPlan(members, 0.5, 0.25 * float samples, 0.25)
        let simulation = Simulation(scalars, Scheme.Heun, 0.125, uint64 members)
        let saver, moments = run simulation plan 2 SavedForm.Values, Moments(scalars, plan)
        simulation.Run(plan, (fun tile -> moments.Open tile), 2, null, CancellationToken.None)

        let column row = [| for i in 0 .. members * samples - 1 -> saver.Values[2 * i + row] |]

        let same name (a: float) b =
            if not (abs (a - b) <= 1e-10 * (1.0 + abs b)) then
                failwith $"{name}: online {a}, plain {b}"

        for row in 0..1 do
            let x = column row
            let mean = Array.average x

            let central p =
                x |> Array.averageBy (fun v -> (v - mean) ** p)

            same "mean" moments.Mean[row] mean
            same "variance" moments.Variance[row] (central 2.0)

            if members * samples > 2 then
                same "skewness" moments.Skewness[row] (central 3.0 / central 2.0 ** 1.5)
                same "kurtosis" moments.Kurtosis[row] (central 4.0 / central 2.0 ** 2.0)

            for other in 0..1 do
                let y = column other
                let mean' = Array.average y
                same "covariance" moments.Covariance[row, other] (Array.map2 (fun a b -> (a - mean) * (b - mean')) x y |> Array.average)

    let generator = Gen.zip (Gen.choose (1, 37)) (Gen.choose (1, 9))
    Check.One(Config.QuickThrowOnFailure.WithMaxTest 40, Prop.forAll (Arb.fromGen generator) property)

[<Fact>]
let ``mode power and saved spectra are those of the saved fields`` () =
    for members in [ 3; 11; 16; 29 ] do
        let model, plan = field -0.2, SamplingPlan(members, 1.0, 0.5, 0.25)
        let simulation = Simulation(model, Scheme.Exponential, 0.125, 21UL)

        let fields, spectra =
            run simulation plan 1 SavedForm.Values, run simulation plan 2 SavedForm.Spectra

        let power = ModePower(model, plan)
        simulation.Run(plan, (fun tile -> power.Open tile), 2, null, CancellationToken.None)
        let grid = SolverLaws.grid

        let transform (u: float[]) mode =
            Seq.init grid.Sites (fun site ->
                let k, x = grid.Unravel mode, grid.Unravel site
                let angle = -2.0 * Math.PI * (float (k[0] * x[0]) / 8.0 + float (k[1] * x[1]) / 6.0)
                Complex.FromPolarCoordinates(u[site], angle))
            |> Seq.fold (+) Complex.Zero

        for mode in [ 0; 1; 7; 27; 47 ] do
            let plain = [|
                for sample in 0L .. 1L do
                    for m in 0 .. members - 1 do
                        let expected = transform (fields.State(sample, m).ToArray()) mode
                        let saved = spectra.State(sample, m)
                        Assert.True(Complex.Abs(expected - Complex(saved[2 * mode], saved[2 * mode + 1])) < 1e-10)
                        expected
            |]

            let meanPower =
                plain |> Array.averageBy (fun z -> z.Real * z.Real + z.Imaginary * z.Imaginary)

            let mean = (plain |> Array.fold (+) Complex.Zero) / Complex(float plain.Length, 0.0)
            Assert.Equal(meanPower, power.Power[mode], 1e-9 * (1.0 + meanPower))
            Assert.True(Complex.Abs(mean - power.Mean[mode]) < 1e-10)

let private message (action: unit -> unit) =
    Assert.Throws<LeithException>(action).Message

let private says (parts: string list) (text: string) =
    for part in parts do
        Assert.True(text.Contains part, $"expected '{part}' in: {text}")

let private silent = {
    new ITileSink with
        member _.Sample(_, _, _) = ()
        member _.Finish() = ()
}

[<Fact>]
let ``blow-up names the first step and the member`` () =
    // u' = u³ by Euler steps from 2 in member 21, from 1/10 elsewhere; the step of overflow is found by hand.
    let h = 0.01
    let mutable u, steps = 2.0, 0

    while Double.IsFinite u do
        u <- u + h * u ** 3.0
        steps <- steps + 1

    let start (member': int) : Collections.Generic.IReadOnlyList<float> =
        if member' = 21 then [| 2.0 |] else [| 0.1 |]

    for scheme in [ Scheme.EulerMaruyama; Scheme.Exponential ] do
        for threads in 1..3 do
            let model =
                Model(Rows = 1, Nonlinear = (fun () -> new CubicScalars 1.0 :> ITileMap))

            let simulation =
                Simulation(model, scheme, h, 1UL, Initial = InitialState.Members(model, start))

            let text =
                message (fun () -> simulation.Run(SamplingPlan(64, 1.0, 1.0, 0.5), (fun _ -> silent), threads, null, CancellationToken.None))

            says
                [
                    "member 21 "
                    $"step {steps} "
                    $"time {Whole.Text(float steps * h)}"
                    "smaller step"
                ]
                text

            Assert.Equal((scheme = Scheme.EulerMaruyama), text.Contains "exponential scheme")

[<Fact>]
let ``blow-up of a field tells the members of a pair apart`` () =
    let model = field 1.0
    let sites = SolverLaws.grid.Sites

    for bad in [ 18; 26 ] do
        let start (member': int) : Collections.Generic.IReadOnlyList<float> =
            Array.create sites (if member' = bad then 30.0 else 0.0)

        let simulation =
            Simulation(model, Scheme.Exponential, 0.01, 1UL, Initial = InitialState.Members(model, start))

        message (fun () -> simulation.Run(SamplingPlan(32, 1.0, 1.0, 0.5), (fun _ -> silent), 2, null, CancellationToken.None))
        |> says [ $"member {bad} stopped" ]

[<Fact>]
let ``overflow in a lane that is no member ends nothing`` () =
    let model =
        Model(Rows = 1, Nonlinear = (fun () -> new CubicScalars 1.0 :> ITileMap))

    let start (member': int) : Collections.Generic.IReadOnlyList<float> =
        if member' = 11 then [| 9.0 |] else [| 0.1 |]

    let simulation =
        Simulation(model, Scheme.EulerMaruyama, 0.01, 1UL, Initial = InitialState.Members(model, start))

    let all = values simulation (SamplingPlan(11, 1.0, 1.0, 0.5)) 1
    Assert.True(all |> Array.forall Double.IsFinite)

[<Fact>]
let ``progress ends at one, cancellation ends a run`` () =
    let seen = ConcurrentQueue<float>()

    let progress = {
        new IProgress<float> with
            member _.Report value = seen.Enqueue value
    }

    let simulation = Simulation(scalars, Scheme.Heun, 0.01, 1UL)
    simulation.Run(SamplingPlan(40, 1.0, 2.0, 0.5), (fun _ -> silent), 2, progress, CancellationToken.None)
    Assert.Equal(1.0, Seq.max seen, 1e-12)
    Assert.True(seen.Count > 10 && seen |> Seq.forall (fun f -> f > 0.0 && f <= 1.0))
    use source = new CancellationTokenSource()
    let samples = ref 0

    let cancelling = {
        new ITileSink with
            member _.Sample(_, _, _) =
                samples.Value <- samples.Value + 1
                source.Cancel()

            member _.Finish() =
                failwith "a cancelled tile is not finished"
    }

    let cancelled () =
        simulation.Run(SamplingPlan(16, 1.0, 2.0, 0.5), (fun _ -> cancelling), 1, null, source.Token)

    Assert.ThrowsAny<OperationCanceledException>(cancelled) |> ignore
    Assert.Equal(1, samples.Value)

[<Fact>]
let ``an error of a sink is the error of the run`` () =
    let failing = {
        new ITileSink with
            member _.Sample(_, _, _) =
                raise (InvalidOperationException "disk full")

            member _.Finish() = ()
    }

    let run () =
        Simulation(scalars, Scheme.Heun, 0.25, 1UL).Run(SamplingPlan(64, 1.0, 2.0, 0.5), (fun _ -> failing), 3, null, CancellationToken.None)

    Assert.Equal("disk full", Assert.Throws<InvalidOperationException>(run).Message)

/// A field in modes, a number and a lattice, one after the other.
let private beside =
    let lattice = Grid([| 3 |], [| 1.0 |])
    let field = SolverLaws.advected

    let real values =
        values |> Array.map (fun v -> Complex(v, 0.0))

    let parts f rest = Array.concat [ f; real rest ]

    Model(
        Rows = field.Rows + 4,
        Segments = [|
            Segment("u", SolverLaws.grid, Representation.Modes, 0)
            Segment("p", null, Representation.Number, field.Rows)
            Segment("v", lattice, Representation.Sites, field.Rows + 1)
        |],
        LinearSymbol = parts (nonNull field.LinearSymbol) [| -0.3; -1.0; -2.0; -0.5 |],
        NoiseSymbol = parts (nonNull field.NoiseSymbol) [| 0.7; 1.0; 0.2; 0.4 |]
    )

[<Fact>]
let ``unknowns side by side: values, spectra, noise of each kind`` () =
    let sites = SolverLaws.grid.Sites
    let start = Array.init beside.Rows (fun i -> sin (float i))
    let plan = SamplingPlan(4096, 0.0, 60.0, 30.0)

    let saved form =
        run (Simulation(beside, Scheme.ExponentialRungeKutta4, 15.0, 3UL, Initial = InitialState.Constant(beside, start))) plan 2 form

    let values = saved SavedForm.Values
    let spectra = saved SavedForm.Spectra

    // The first sample is the initial state, in both forms.
    Array.iteri2 (fun i (a: float) (b: float) -> Assert.Equal(a, b, 1e-14 * float (i + 1))) start (values.State(0L, 5).ToArray())
    Assert.Equal(2 * sites + 4, spectra.Width)
    Assert.Equal(Array.sum start[.. sites - 1], spectra.State(0L, 5)[0], 1e-12)
    Assert.Equal(start[sites], spectra.State(0L, 5)[2 * sites])

    // The second is stationary: variances σ²/(2r) of the rows that are no modes, 3.9 standard errors of a variance.
    let power = LinearLaw.StationaryPower beside

    for i in 0..3 do
        let mean =
            Seq.averageBy (fun m -> values.State(1L, m)[sites + i] ** 2.0) (seq { 0..4095 })

        Assert.Equal(1.0, mean / power[sites + i], 3.9 * sqrt (2.0 / 4096.0))

    // Of the field: Σ_k ⟨|u_k|²⟩ / N² is the mean variance of a pixel; modes are many, so 5 % is more than 4 standard errors.
    let pixel =
        Seq.averageBy (fun m -> values.State(1L, m).ToArray()[.. sites - 1] |> Array.averageBy (fun x -> x * x)) (seq { 0..4095 })

    Assert.Equal(1.0, pixel / (Array.sum power[.. sites - 1] / float (sites * sites)), 0.05)

[<Fact>]
let ``unknowns side by side: kicks and overflow`` () =
    let sites = SolverLaws.grid.Sites

    let kick =
        Array.init beside.Rows (fun i ->
            if i = 0 then Complex(2.0, 0.0)
            elif i >= sites then Complex(float (i - sites) + 1.0, 0.0)
            else Complex.Zero)

    let twin = SolverLaws.Twin(beside, 0.5, 16)
    let plan = TwinPlan(16, 1, 1.0, 0.0, 0.5, 0.5, kick, 0.5)
    Simulation(beside, Scheme.Exponential, 0.5, 3UL).Twins(plan, (fun _ -> twin), 1, null, CancellationToken.None)
    let propagator = LinearLaw.PropagatorSymbol(beside, 0.5)

    for KeyValue(struct (_, lag, _), difference) in twin.Differences do
        for row in 0 .. beside.Rows - 1 do
            let grown = if lag = 0 then kick[row] else propagator[row] * kick[row]
            Assert.True(Complex.Abs(difference[row] - Complex(1.0, 1.0) * grown) < 1e-12)

    let start (member': int) : Collections.Generic.IReadOnlyList<float> =
        Array.init beside.Rows (fun row -> if row = sites && member' = 12 then nan else 0.5)

    let simulation =
        Simulation(beside, Scheme.Heun, 0.1, 1UL, Initial = InitialState.Members(beside, start))

    message (fun () -> simulation.Run(SamplingPlan(16, 1.0, 1.0, 0.5), (fun _ -> silent), 1, null, CancellationToken.None))
    |> says [ "member 12 stopped" ]
