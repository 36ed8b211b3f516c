/// Measured strong, weak and deterministic orders of every scheme, as least-squares slopes over four step sizes with both bounds.
module Leith.Tests.SolverOrders

open System
open System.Threading
open Leith.Core
open Xunit

/// A drift with explicit time dependence: N = (sin(2t + y) − x³/4, cos(3t) x + y²/(1 + y²)).
type Forced() =
    let apply (u: LaneArray) (t: float) (f: LaneArray) =
        for lane in 0..7 do
            let x, y = u[0, lane], u[1, lane]
            f[0, lane] <- sin (2.0 * t + y) - 0.25 * x * x * x
            f[1, lane] <- cos (3.0 * t) * x + y * y / (1.0 + y * y)

    interface ITileMap with
        member _.Apply(state, time, result) =
            apply state.A time result.A
            apply state.B time result.B

        member _.Dispose() = ()

let linear = array2D [ [ -1.0; 0.5 ]; [ -0.7; -1.5 ] ]
let noise = array2D [ [ 0.5; 0.0 ]; [ 0.2; 0.4 ] ]

let problem noise =
    Model(Rows = 2, LinearMatrix = linear, NoiseMatrix = noise, Nonlinear = (fun () -> new Forced() :> ITileMap))

/// Normals of long steps made from those of the shortest ones, n = Σ_j W_j n_j, so that all steps see one Brownian path.
type PathNormals(seed: uint64, weights: float[,][]) =
    let scratch = new ThreadLocal<LaneArray>(fun () -> new LaneArray(2))

    let add (target: LaneArray) (first: int) (step: int64) =
        target.Span.Clear()
        let fine = scratch.Value

        for j in 0 .. weights.Length - 1 do
            NormalStream.Fill(fine.Pointer, 2, seed, 0u, step * int64 weights.Length + int64 j, first)
            let w = weights[j]

            for lane in 0..7 do
                let a, b = fine[0, lane], fine[1, lane]
                target[0, lane] <- target[0, lane] + w[0, 0] * a + w[0, 1] * b
                target[1, lane] <- target[1, lane] + w[1, 0] * a + w[1, 1] * b

    interface INormalSource with
        member _.Fill(normals, step) =
            add normals.A (16 * normals.Index) step
            add normals.B (16 * normals.Index + 8) step

let matrix (a: float[,]) =
    MathNet.Numerics.LinearAlgebra.Double.DenseMatrix.OfArray a

/// W_j: the sum of Brownian increments over √ratio, or, for the exponential schemes, G(ratio h)⁻¹ e^{L (ratio − 1 − j) h} G(h).
let pathWeights scheme (fine: float) ratio =
    if not (LinearLaw.IsExponential scheme) then
        Array.replicate ratio (Array2D.init 2 2 (fun i j -> if i = j then 1.0 / sqrt (float ratio) else 0.0))
    else
        let model = problem noise

        let factor step =
            matrix (MatrixFunctions.Factor(matrix (LinearLaw.StepCovariance(model, scheme, step))))

        let long, short = factor (fine * float ratio), factor fine

        Array.init ratio (fun j ->
            let carry = matrix (LinearLaw.PropagatorMatrix(model, fine * float (ratio - 1 - j)))
            long.Solve(carry * short).ToArray())

let start = [| 1.0; -0.5 |]

/// States of all members at time 1 for steps of 1/8, 1/16, …: [level][member · 2 + row].
let finals scheme noisy members levels =
    let model = problem (if noisy then noise else Array2D.zeroCreate 2 0)

    Array.init levels (fun level ->
        let step, ratio = 0.125 / float (1 <<< level), 1 <<< (levels - 1 - level)
        let plan = SamplingPlan(members, 1.0, step, step)
        let saver = Saver<float>(model, plan)
        let weights = pathWeights scheme (0.125 / float (1 <<< (levels - 1))) ratio
        let initial = InitialState.Constant(model, start)

        let simulation =
            Simulation(model, scheme, step, 17UL, Initial = initial, Normals = PathNormals(17UL, weights))

        simulation.Run(plan, (fun tile -> saver.Open tile), 2, null, CancellationToken.None)
        saver.Values)

/// Least-squares slope of log₂ error over log₂ step, where each level halves the step.
let slope (errors: float[]) =
    let points = errors |> Array.mapi (fun i e -> -float i, Math.Log2(abs e))
    let mx, my = points |> Array.averageBy fst, points |> Array.averageBy snd

    (points |> Array.sumBy (fun (x, y) -> (x - mx) * (y - my)))
    / (points |> Array.sumBy (fun (x, _) -> (x - mx) ** 2.0))

let between (states: float[][]) error =
    states |> Array.pairwise |> Array.map (fun (coarse, fine) -> error coarse fine)

let strongError (coarse: float[]) (fine: float[]) =
    sqrt (Array.fold2 (fun sum a b -> sum + (a - b) ** 2.0) 0.0 coarse fine / float coarse.Length)

/// f(x, y) = x² + x y + y of one run less that of the other.
let weakError (coarse: float[]) (fine: float[]) =
    let f (u: float[]) i =
        u[i] * u[i] + u[i] * u[i + 1] + u[i + 1]

    let mutable sum = 0.0

    for i in 0..2 .. coarse.Length - 2 do
        sum <- sum + (f coarse i - f fine i)

    sum / float (coarse.Length / 2)

let isNear name scheme expected measured =
    Assert.True(abs (measured - expected) < 0.2, $"{name} order of {scheme}: expected {expected}, measured {measured:F3}")

[<Theory>]
[<InlineData(Scheme.EulerMaruyama, 16384)>]
[<InlineData(Scheme.Heun, 131072)>]
[<InlineData(Scheme.RungeKutta4, 16384)>]
[<InlineData(Scheme.Exponential, 16384)>]
[<InlineData(Scheme.Milstein, 16384)>]
[<InlineData(Scheme.WeakSecondOrder, 131072)>]
let ``strong and weak order with noise are those of the table`` (scheme: Scheme, members: int) =
    let facts, states = Schemes.Facts scheme, finals scheme true members 5
    isNear "strong" scheme facts.Strong (slope (between states strongError))
    isNear "weak" scheme facts.Weak (slope (between states weakError))

[<Fact>]
let ``strong order of exponential Runge–Kutta`` () =
    // Its weak error is small at these steps and changes its sign; MultiplicativeNoise.fs measures it without sampling noise.
    let scheme = Scheme.ExponentialRungeKutta4
    isNear "strong" scheme (Schemes.Facts scheme).Strong (slope (between (finals scheme true 16384 5) strongError))

[<Theory>]
[<InlineData(Scheme.EulerMaruyama)>]
[<InlineData(Scheme.Heun)>]
[<InlineData(Scheme.RungeKutta4)>]
[<InlineData(Scheme.Exponential)>]
[<InlineData(Scheme.Milstein)>]
[<InlineData(Scheme.ExponentialRungeKutta4)>]
[<InlineData(Scheme.WeakSecondOrder)>]
let ``order without noise is that of the table`` (scheme: Scheme) =
    isNear "deterministic" scheme (Schemes.Facts scheme).Deterministic (slope (between (finals scheme false 1 6) strongError))
