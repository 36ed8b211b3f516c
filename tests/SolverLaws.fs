/// Exact laws of linear models: Lyapunov, the exponential scheme at any step, the variance of every Fourier mode, the propagator through twins.
/// Sampled tests have fixed seeds; the false-alarm rate of each, over all of its comparisons, is at most 1e-3 (two-sided, Bonferroni).
module Leith.Tests.SolverLaws

open System
open System.Numerics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open MathNet.Numerics.LinearAlgebra
open Xunit

let dense (a: float[,]) : Matrix<float> = Double.DenseMatrix.OfArray a

let close tolerance (expected: Matrix<float>) (got: Matrix<float>) =
    (expected - got).L1Norm() <= tolerance * max (expected.L1Norm()) 1e-300

/// A stable drift −(P + K), P = M Mᵀ/n + I/10 positive definite, K antisymmetric, and noise with as few as no columns.
type Stable = {
    Drift: float[,]
    Noise: float[,]
    Step: float
}

let stableOf n columns (numbers: float[]) step =
    let at i = numbers[i % numbers.Length]
    let m = Matrix<float>.Build.Dense(n, n, (fun i j -> at (i * n + j)))
    let skew = m - m.Transpose()
    let p = m * m.Transpose() / float n + 0.1 * Matrix<float>.Build.DenseIdentity n

    {
        Drift = (-(p + skew)).ToArray()
        Noise = Array2D.init n columns (fun i j -> at (7 + 3 * i + 11 * j))
        Step = step
    }

let stable =
    let genNumber = Gen.choose (-200, 200) |> Gen.map (fun i -> float i / 100.0)

    let generator = gen {
        let! n = Gen.choose (1, 6)
        let! columns = Gen.choose (1, n)
        let! numbers = Gen.arrayOfLength 61 genNumber
        let! step = Gen.elements [ 0.001; 0.05; 1.0; 40.0 ]
        return n, columns, numbers, step
    }

    // Shrinks to fewer unknowns and noises, and to numbers that are zero.
    let shrink (n, columns, numbers: float[], step) = seq {
        if n > 1 then
            yield n - 1, min columns (n - 1), numbers, step

        if columns > 1 then
            yield n, columns - 1, numbers, step

        for i in 0 .. numbers.Length - 1 do
            if numbers[i] <> 0.0 then
                yield n, columns, Array.updateAt i 0.0 numbers, step
    }

    Arb.fromGenShrink (generator, shrink)

let modelOf s =
    Model(Rows = Array2D.length1 s.Drift, LinearMatrix = s.Drift, NoiseMatrix = s.Noise)

let forStable count property =
    let check (n, columns, numbers, step) =
        property (stableOf n columns numbers step)

    Check.One(Config.QuickThrowOnFailure.WithMaxTest count, Prop.forAll stable check)

[<Fact>]
let ``stationary covariance solves the Lyapunov equation`` () =
    forStable 200 (fun s ->
        let model = modelOf s

        let c, a, q =
            dense (LinearLaw.StationaryCovariance model), dense s.Drift, dense s.Noise * (dense s.Noise).Transpose()

        close 1e-9 q (-(a * c + c * a.Transpose())) || q.L1Norm() = 0.0)

[<Fact>]
let ``exponential scheme keeps the stationary law and composes, at any step`` () =
    forStable 200 (fun s ->
        let model = modelOf s

        let struct (e, phi, q) =
            MatrixFunctions.ExponentialIntegrals(dense s.Drift, dense s.Noise * (dense s.Noise).Transpose(), s.Step)

        let c = dense (LinearLaw.StationaryCovariance model)

        let twice =
            MatrixFunctions.ExponentialIntegrals(dense s.Drift, dense s.Noise * (dense s.Noise).Transpose(), 2.0 * s.Step)

        let struct (e2, _, q2) = twice
        let factor = dense (MatrixFunctions.Factor q)

        let identity = Matrix<float>.Build.DenseIdentity model.Rows
        let size = max (c.L1Norm()) 1e-12

        (c - e * c * e.Transpose() - q).L1Norm() <= 1e-9 * size
        && (q2 - q - e * q * e.Transpose()).L1Norm() <= 1e-10 * size
        && (e2 - e * e).L1Norm() <= 1e-11
        && (dense s.Drift * phi - (e - identity)).L1Norm() <= 1e-10
        && (e - dense (LinearLaw.PropagatorMatrix(model, s.Step))).L1Norm() <= 1e-11
        && (factor.ColumnCount = 0 || close 1e-12 q (factor * factor.Transpose())))

[<Fact>]
let ``propagator of a damped rotation is the known one`` () =
    let model =
        Model(Rows = 2, LinearMatrix = array2D [ [ -0.3; 2.0 ]; [ -2.0; -0.3 ] ])

    let t = 1.7
    let c, s, d = cos (2.0 * t), sin (2.0 * t), exp (-0.3 * t)
    Assert.True(close 1e-13 (dense (array2D [ [ d * c; d * s ]; [ -d * s; d * c ] ])) (dense (LinearLaw.PropagatorMatrix(model, t))))

[<Fact>]
let ``noise time keeps its digits near a rate of zero`` () =
    for rate in [ 0.0; -1e-14; -1e-9; 1e-5; -0.2; -30.0 ] do
        // ∫₀ʰ e^{2 r s} ds by its series where that converges fast, plainly elsewhere.
        let x = 2.0 * rate * 0.5

        let plain =
            if abs x < 0.3 then
                0.5
                * (1.0
                   + x / 2.0
                     * (1.0
                        + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0 * (1.0 + x / 7.0 * (1.0 + x / 8.0)))))))
            else
                0.5 * (exp x - 1.0) / x

        Assert.Equal(1.0, ComplexFunctions.NoiseTime(Complex(rate, 3.0), 0.5) / plain, 1e-7)

    Assert.Equal(1.0 + 0.5e-9, ComplexFunctions.Phi1(Complex(1e-9, 0.0)).Real, 1e-16)

/// x'' = −x − x'/2 + noise, with a third unknown that only follows x: noise on one unknown of three.
let oscillator =
    Model(
        Rows = 3,
        LinearMatrix = array2D [ [ 0.0; 1.0; 0.0 ]; [ -1.0; -0.5; 0.0 ]; [ 1.0; 0.0; -0.7 ] ],
        NoiseMatrix = array2D [ [ 0.0 ]; [ 0.8 ]; [ 0.0 ] ],
        Names = [| "x"; "v"; "y" |]
    )

let moments (model: Model) scheme step seed (plan: SamplingPlan) initial =
    let result = Moments(model, plan)
    let simulation = Simulation(model, scheme, step, seed, Initial = initial)
    simulation.Run(plan, (fun tile -> result.Open tile), 2, null, CancellationToken.None)
    result

/// z-scores of means and covariances of independent normal samples; the variance of a sample covariance is (C_ii C_jj + C_ij²)/n.
let normalZ (mean: Vector<float>) (c: Matrix<float>) (m: Moments) = [
    for i in 0 .. mean.Count - 1 do
        yield (m.Mean[i] - mean[i]) / sqrt (c[i, i] / m.Count)

        for j in 0..i do
            yield (m.Covariance[i, j] - c[i, j]) / sqrt ((c[i, i] * c[j, j] + c[i, j] ** 2.0) / m.Count)
]

/// Bonferroni at 1e-3: two-sided normal quantile by bisection of the complementary error function.
let limit comparisons =
    MathNet.Numerics.Distributions.Normal.InvCDF(0.0, 1.0, 1.0 - 0.5e-3 / float comparisons)

let isWithin (z: float list) =
    let worst = z |> List.map abs |> List.max
    Assert.True(worst < limit z.Length, $"largest |z| is {worst:F2} of {z.Length}, limit {limit z.Length:F2}")

[<Fact>]
let ``three steps of the exponential scheme have the exact mean and covariance, degenerate noise included`` () =
    let step, start = 0.9, [| 1.0; -2.0; 0.5 |]
    let plan = SamplingPlan(40000, 3.0 * step, step, step)

    let m =
        moments oscillator Scheme.Exponential step 5UL plan (InitialState.Constant(oscillator, start))

    let e = dense (LinearLaw.PropagatorMatrix(oscillator, 3.0 * step))
    let c = dense (LinearLaw.StationaryCovariance oscillator)
    isWithin (normalZ (e * Vector<float>.Build.Dense start) (c - e * c * e.Transpose()) m)

[<Theory>]
[<InlineData(Scheme.EulerMaruyama)>]
[<InlineData(Scheme.Heun)>]
[<InlineData(Scheme.RungeKutta4)>]
[<InlineData(Scheme.Exponential)>]
[<InlineData(Scheme.Milstein)>]
[<InlineData(Scheme.ExponentialRungeKutta4)>]
[<InlineData(Scheme.WeakSecondOrder)>]
let ``every scheme has the stationary covariance of its own chain`` (scheme: Scheme) =
    let step = 0.25
    let c = dense (LinearLaw.StationaryCovariance(oscillator, scheme, step))

    let m =
        moments oscillator scheme step 6UL (SamplingPlan(20000, 25.0, step, step)) null

    isWithin (normalZ (Vector<float>.Build.Dense 3) c m)

let grid = Grid([| 8; 6 |], [| 2.0 * Math.PI; 3.0 |])

/// u_t = −u/2 + κ Δu − a u_x + noise of symbol (1 + k²)^−½, turned by a phase: complex rates and complex noise.
let advected =
    let rate mode (k: float[]) =
        let squared = k[0] * k[0] + k[1] * k[1]
        Complex(-0.5 - 0.05 * squared, (if grid.IsNyquist(mode, 0) then 0.0 else -0.8 * k[0]))

    let sigma mode (k: float[]) =
        let phase = if grid.IsNyquist(mode, 0) then 0.0 else 0.4 * k[0]
        Complex.FromPolarCoordinates(0.7 / sqrt (1.0 + k[0] * k[0] + k[1] * k[1]), phase)

    let waves = grid.Wavevectors()
    Model(Rows = grid.Sites, Grid = grid, LinearSymbol = Array.mapi rate waves, NoiseSymbol = Array.mapi sigma waves)

[<Theory>]
[<InlineData(Scheme.EulerMaruyama, 0.25, 30.0)>]
[<InlineData(Scheme.Heun, 0.25, 30.0)>]
[<InlineData(Scheme.RungeKutta4, 0.25, 30.0)>]
[<InlineData(Scheme.Exponential, 15.0, 30.0)>]
[<InlineData(Scheme.ExponentialRungeKutta4, 15.0, 30.0)>]
let ``every Fourier mode has its known variance`` (scheme: Scheme, step: float, spinUp: float) =
    // 4099 members: the last tile has three, so pairs are told apart as well.
    let plan = SamplingPlan(4099, spinUp, step, step)
    let power = ModePower(advected, plan)
    Simulation(advected, scheme, step, 8UL).Run(plan, (fun tile -> power.Open tile), 2, null, CancellationToken.None)
    let expected = LinearLaw.StationaryPower(advected, scheme, step)

    isWithin [
        for k in 0 .. grid.Sites - 1 do
            // |u_k|² is exponential, or a squared normal where −k = k.
            let spread = if grid.Conjugate k = k then sqrt 2.0 else 1.0
            (power.Power[k] / expected[k] - 1.0) * sqrt power.Count / spread
    ]

[<Fact>]
let ``variance at a step of zero is that of the equation`` () =
    for scheme in Enum.GetValues<Scheme>() do
        let exact = LinearLaw.StationaryPower advected
        let fine = LinearLaw.StationaryPower(advected, scheme, 1e-7)
        Array.iter2 (fun (a: float) (b: float) -> Assert.Equal(1.0, b / a, 1e-5)) exact fine

/// Keeps (plus − minus)/Size of one member, [restart, lag] → rows, and the free run's rows.
type Twin(model: Model, size: float, members: int) =
    let differences =
        Collections.Concurrent.ConcurrentDictionary<struct (int * int * int), Complex[]>()

    member _.Differences = differences

    interface ITwinSink with
        member _.Finish() = ()

        member _.Sample(restart, lag, free, plus, minus) =
            for lane in 0..7 do
                let difference (a: LaneArray) (b: LaneArray) row = (a[row, lane] - b[row, lane]) / size

                let pair =
                    Array.init model.Rows (fun row -> Complex(difference plus.A minus.A row, difference plus.B minus.B row))

                differences[struct (restart, lag, 16 * free.Index + lane)] <- pair

[<Theory>]
[<InlineData(Scheme.EulerMaruyama)>]
[<InlineData(Scheme.Heun)>]
[<InlineData(Scheme.RungeKutta4)>]
[<InlineData(Scheme.Exponential)>]
[<InlineData(Scheme.Milstein)>]
[<InlineData(Scheme.ExponentialRungeKutta4)>]
[<InlineData(Scheme.WeakSecondOrder)>]
let ``twins of a field are the propagator, mode by mode`` (scheme: Scheme) =
    let step, size = 0.125, 0.3

    // The spectrum of a unit pixel at site (1, 2).
    let angle mode =
        let index = grid.Unravel mode
        -2.0 * Math.PI * (float index[0] / 8.0 + 2.0 * float index[1] / 6.0)

    let kick =
        Array.init grid.Sites (fun k -> Complex.FromPolarCoordinates(1.0, angle k))

    let sink = Twin(advected, size, 20)
    let plan = TwinPlan(20, 2, 1.0, 0.5, 1.0, 0.5, kick, size)
    Simulation(advected, scheme, step, 3UL).Twins(plan, (fun _ -> sink), 2, null, CancellationToken.None)
    Assert.Equal(2 * 3 * 16, sink.Differences.Count)
    let a = LinearLaw.StepSymbol(advected, scheme, step)

    for KeyValue(struct (_, lag, _), difference) in sink.Differences do
        for k in 0 .. grid.Sites - 1 do
            let expected = Complex(1.0, 1.0) * kick[k] * Complex.Pow(a[k], 4.0 * float lag)
            Assert.True(Complex.Abs(difference[k] - expected) < 1e-11, $"mode {k} at lag {lag}: {difference[k]}, expected {expected}")

[<Fact>]
let ``twins of scalar unknowns are the propagator`` () =
    forStable 20 (fun s ->
        let model = modelOf s
        let kick = Array.init model.Rows (fun i -> Complex(1.0 - 0.4 * float i, 0.0))
        let sink = Twin(model, 0.01, 3)
        let plan = TwinPlan(3, 2, 4.0 * s.Step, 0.0, 2.0 * s.Step, s.Step, kick, 0.01)
        Simulation(model, Scheme.Exponential, s.Step, 3UL).Twins(plan, (fun _ -> sink), 1, null, CancellationToken.None)
        let direction = Vector<float>.Build.Dense(kick |> Array.map _.Real)

        sink.Differences
        |> Seq.forall (fun (KeyValue(struct (_, lag, _), difference)) ->
            let expected =
                dense (LinearLaw.PropagatorMatrix(model, float lag * s.Step)) * direction

            difference
            |> Array.mapi (fun i d -> abs (d.Real - expected[i]) < 1e-9 && abs (d.Imaginary - expected[i]) < 1e-9)
            |> Array.forall id))
