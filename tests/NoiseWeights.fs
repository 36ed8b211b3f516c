/// Noise weights: transposed tangents of the steps, closed forms of linear chains at a finite step, unit kicks at lag zero, and agreement with twins.
/// Sampled tests have fixed seeds. "Within" below compares every component with 4.5 standard errors; over the components of one test the false-alarm rate is below 2e-3.
module Leith.Tests.NoiseWeights

open System
open System.Numerics
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith.Core
open MathNet.Numerics.LinearAlgebra
open Xunit

/// N′(u)ᵀ w = 3 c u² w of N = c u³, in real space on a torus.
type CubicFieldTangent(grid: Grid, c: float) =
    let fft = new LaneFft(grid)
    let u, v = new Tile(grid.Sites), new Tile(grid.Sites)

    let multiply (x: LaneArray) (y: LaneArray) (result: LaneArray) =
        for i in 0 .. x.Span.Length - 1 do
            result.Span[i] <- 3.0 * c * x.Span[i] * x.Span[i] * y.Span[i]

    interface IPairMap with
        member _.Apply(state, other, _, result) =
            fft.Inverse(state.A.Pointer, state.B.Pointer, u.A.Pointer, u.B.Pointer)
            fft.Inverse(other.A.Pointer, other.B.Pointer, v.A.Pointer, v.B.Pointer)
            multiply u.A v.A result.A
            multiply u.B v.B result.B
            fft.Forward(result.A.Pointer, result.B.Pointer)

        member _.Dispose() =
            fft.Dispose()
            u.Dispose()
            v.Dispose()

/// N = (a x − x³ + c x y², …) of two wells coupled without symmetry: N₀ = x − x³ + c y², N₁ = y/2 − y³ + x y.
type Wells() =
    let each (state: LaneArray) (result: LaneArray) =
        for lane in 0..7 do
            let x, y = state[0, lane], state[1, lane]
            result.Span[lane] <- x - x * x * x + 0.3 * y * y
            result.Span[8 + lane] <- 0.5 * y - y * y * y + x * y

    interface ITileMap with
        member _.Apply(state, _, result) =
            each state.A result.A
            each state.B result.B

        member _.Dispose() = ()

/// Its transposed tangent, row i of the result Σ_j ∂N_j/∂x_i w_j.
type WellsTangent() =
    let each (state: LaneArray) (w: LaneArray) (result: LaneArray) =
        for lane in 0..7 do
            let x, y, p, q = state[0, lane], state[1, lane], w[0, lane], w[1, lane]
            result.Span[lane] <- (1.0 - 3.0 * x * x) * p + y * q
            result.Span[8 + lane] <- 0.6 * y * p + (0.5 - 3.0 * y * y + x) * q

    interface IPairMap with
        member _.Apply(state, other, _, result) =
            each state.A other.A result.A
            each state.B other.B result.B

        member _.Dispose() = ()

let grid = Grid([| 6; 4 |], [| 6.0; 4.0 |])

let symbolOf (f: float[] -> Complex) =
    Array.mapi
        (fun mode k ->
            // Odd symbols vanish at Nyquist wavenumbers.
            let odd =
                k |> Array.mapi (fun axis x -> if grid.IsNyquist(mode, axis) then 0.0 else x)

            let value = f k
            Complex(value.Real, value.Imaginary * (if k[0] = 0.0 then 0.0 else odd[0] / k[0])))
        (grid.Wavevectors())

let squared (k: float[]) = Array.sumBy (fun x -> x * x) k

/// Diffusion with advection along x; decay rates from .5 to about 9 per unit time, coloured noise with a phase.
let linearField =
    Model(
        Rows = grid.Sites,
        Grid = grid,
        LinearSymbol = symbolOf (fun k -> Complex(-0.5 - 0.4 * squared k, -0.8 * k[0])),
        NoiseSymbol = symbolOf (fun k -> Complex(1.0, 0.4 * k[0]) / sqrt (1.0 + 0.3 * squared k))
    )

/// The same with two wells at every site: u_t = u + .4 Δu − .8 u_x − u³ + noise.
let wellField =
    Model(
        Rows = grid.Sites,
        Grid = grid,
        LinearSymbol = symbolOf (fun k -> Complex(1.0 - 0.4 * squared k, -0.8 * k[0])),
        NoiseSymbol = linearField.NoiseSymbol,
        Nonlinear = (fun () -> new Solvers.CubicField(grid, -1.0) :> ITileMap)
    )

let wellFieldTangent =
    Func<IPairMap>(fun () -> new CubicFieldTangent(grid, -1.0) :> IPairMap)

let linearPair =
    Model(Rows = 2, LinearMatrix = array2D [ [ -1.0; 2.0 ]; [ -0.3; -0.5 ] ], NoiseMatrix = array2D [ [ 0.8; 0.3 ]; [ 0.0; 0.5 ] ])

let wellPair =
    Model(
        Rows = 2,
        LinearMatrix = array2D [ [ -0.2; 0.4 ]; [ -0.4; -0.3 ] ],
        NoiseMatrix = linearPair.NoiseMatrix,
        Nonlinear = (fun () -> new Wells() :> ITileMap)
    )

let wellPairTangent = Func<IPairMap>(fun () -> new WellsTangent() :> IPairMap)

let weighted = [
    Scheme.EulerMaruyama
    Scheme.RungeKutta4
    Scheme.Exponential
    Scheme.ExponentialRungeKutta4
]

/// Largest distance in standard errors, over all lags and rows; a component without a standard error must agree to rounding.
let distance (expected: float[][]) (values: float[][]) (errors: float[][]) =
    Seq.max (
        seq {
            for lag in 0 .. expected.Length - 1 do
                for row in 0 .. expected[lag].Length - 1 do
                    let difference = abs (values[lag].[row] - expected[lag].[row])

                    yield
                        if difference < 1e-9 then
                            0.0
                        else
                            difference / errors[lag].[row]
        }
    )

let within expected values errors =
    let z = distance expected values errors
    Assert.True(z < 4.5, $"largest distance {z:g3} standard errors")

let ask (model: Model) scheme step kick =
    DynamicalQuestion(model, scheme, step, 64, 10.0, 2.0, 0.5, 0.1, 17UL, Kick = kick)

let measure question kind units =
    // An error that is never reached; so many pairs or states are.
    DynamicalChoice.Run(question, 1e-12, Nullable kind, units, 2, null, CancellationToken.None)

let private fill (tile: Tile) seed stream scale =
    for row in 0 .. tile.Rows - 1 do
        for lane in 0..7 do
            tile.A[row, lane] <- scale * NormalStream.Single(seed, stream, lane, 0L, row)
            tile.B[row, lane] <- scale * NormalStream.Single(seed, stream, lane + 8, 0L, row)

[<Fact>]
let ``the transposed tangent of a step is that of the step, for every scheme`` () =
    // ⟨v, Φ′ᵀ w⟩ = ⟨Φ′ v, w⟩ with Φ′ v by a central difference; spectra have the inner product of their sites but for a factor.
    let agrees (scheme: Scheme, field: bool, seed: int) =
        let model = if field then wellField else wellPair
        let tangent = if field then wellFieldTangent else wellPairTangent
        let step, epsilon, rows = 0.1, 1e-4, model.Rows
        use law = StepTangent.Make(model, scheme, step, tangent)
        use recorded = new RecordedTangent(model, scheme, step, tangent)
        use u = new Tile(rows)
        use v = new Tile(rows)
        use w = new Tile(rows)
        use plus = new Tile(rows)
        use minus = new Tile(rows)
        use result = new Tile(rows)
        let size = if field then sqrt (float rows) else 1.0
        fill u (uint64 seed) 0u size
        fill v (uint64 seed) 1u size
        fill w (uint64 seed) 2u size
        TileMath.Sum(u, epsilon, v, plus)
        TileMath.Sum(u, -epsilon, v, minus)
        law.Advance(plus, 0.3)
        law.Advance(minus, 0.3)
        use start = new Tile(rows)
        start.CopyFrom u
        law.Advance(start, 0.3)
        law.Transpose(w, result)

        let product (x: Tile) (y: Tile) =
            Seq.sum (seq { for i in 0 .. 8 * rows - 1 -> x.A.Span[i] * y.A.Span[i] + x.B.Span[i] * y.B.Span[i] })

        TileMath.Add(plus, -1.0, minus)
        let expected = product plus w / (2.0 * epsilon)
        let norm = sqrt (product v v * product w w)

        // Law by law or from the record of its operations.
        use start = new Tile(rows)
        start.CopyFrom u
        (recorded :> IStepTangent).Advance(start, 0.3)
        (recorded :> IStepTangent).Transpose(w, plus)

        let close tile =
            abs (product v tile - expected) < 1e-6 * norm

        (close result && close plus)
        |> Prop.label $"{product v result} and {product v plus} against {expected}"

    let cases =
        Gen.zip3 (Gen.elements weighted) (Gen.elements [ true; false ]) (Gen.choose (1, 1000000))

    Check.One(Config.QuickThrowOnFailure.WithMaxTest(40).WithReplay(20261124UL, 5UL), Prop.forAll (Arb.fromGen cases) agrees)

[<Fact>]
let ``weights ride along and change nothing`` () =
    for scheme in weighted do
        for model, tangent in [ wellField, wellFieldTangent; wellPair, wellPairTangent ] do
            let plan = SamplingPlan(20, 3.0, 0.1, 0.1)
            let plain, ridden = LastStates 1L, LastStates 1L

            Simulation(model, scheme, 0.1, 5UL).Run(plan, (fun tile -> plain.Open tile), 1, null, CancellationToken.None)

            let weights =
                NoiseWeights(model, scheme, 0.1, tangent, NoiseWeightDecay.Uniform(model, 0.1, 1.0))

            weights.Simulation(5UL).Run(plan, (fun tile -> ridden.Open tile), 2, null, CancellationToken.None)

            for x, y in Seq.zip plain.Tiles ridden.Tiles do
                for i in 0 .. 8 * model.Rows - 1 do
                    Assert.Equal(x.A.Span[i], y.A.Span[i], 1e-12)
                    Assert.Equal(x.B.Span[i], y.B.Span[i], 1e-12)

/// aⁿ of a linear field, in sites.
let exactField scheme step every lags =
    let a = LinearLaw.StepSymbol(linearField, scheme, step)

    SpectralResponse.ToSites(grid, Array.init lags (fun lag -> a |> Array.map (fun z -> Complex.Pow(z, float lag * Math.Round(every / step)))))

/// Plain weights of a field, ⟨u Bᵀ⟩ without control variate: in a linear system that would be right for any weights.
let private plainField (model: Model) scheme tangent (decay: NoiseWeightDecay) =
    let weights = NoiseWeights(model, scheme, 0.1, tangent, decay)
    let plan = SamplingPlan(64, 10.0 + weights.SpinUp, 100.0, 0.5)

    let correlator =
        SpectralCorrelator(grid, 4, [ weights.State ], [ weights.Score ], plan.Samples)

    weights.Simulation(23UL).Run(plan, (fun tile -> correlator.Open tile), 2, null, CancellationToken.None)
    let products = correlator.Complete()
    SpectralResponse.FromScore(products[0][0], 0.5, SpectralResponse.Bootstrap(1UL, 2))

/// The same of unknowns.
let private plainPair (model: Model) scheme tangent (decay: NoiseWeightDecay) =
    let weights = NoiseWeights(model, scheme, 0.1, tangent, decay)
    let plan = SamplingPlan(64, 10.0 + weights.SpinUp, 500.0, 0.5)

    let lags =
        VectorLags(VectorLagPlan(plan, 2, 4, Scores = [ TileRows(2, fun () -> weights.Score.Invoke()) ]))

    weights.Simulation(23UL).Run(plan, (fun tile -> lags.Open tile), 2, null, CancellationToken.None)
    VectorResponse.FromScore(lags.Result(), 0, false)

let private pilot (model: Model) scheme tangent =
    let states = LastStates 1L

    Simulation(model, scheme, 0.1, 3UL).Run(SamplingPlan(64, 10.0, 0.1, 0.1), (fun tile -> states.Open tile), 2, null, CancellationToken.None)

    NoiseWeightDecay.Fit(model, scheme, 0.1, tangent, states.Tiles, 9UL)

[<Fact>]
let ``a linear field: the response of the discrete chain, at every lag`` () =
    for scheme in weighted do
        let estimate =
            plainField linearField scheme null (NoiseWeightDecay.Uniform(linearField, 0.1, 2.0))

        within (exactField scheme 0.1 0.5 5) estimate.Values estimate.StandardError

        let norm =
            estimate.StandardError |> Array.map (fun row -> sqrt (Array.sumBy (fun e -> e * e) row))

        Assert.InRange(Array.max norm, 1e-9, 0.15)
        // With the control variate, and through the door.
        let estimate =
            measure (ask linearField scheme 0.1 null) DynamicalKind.NoiseWeights 5000L

        within (exactField scheme 0.1 0.5 5) estimate.Values estimate.StandardError

[<Fact>]
let ``linear unknowns: the powers of the step matrix`` () =
    for scheme in weighted do
        let a =
            Matrix<float>.Build.DenseOfArray(LinearLaw.StepMatrix(linearPair, scheme, 0.1))

        let power lag = a.Power(5 * lag)

        let plain =
            plainPair linearPair scheme null (NoiseWeightDecay.Uniform(linearPair, 0.1, 1.0))

        let flat (all: float[][][]) = all |> Array.map Array.concat
        within (Array.init 5 (fun lag -> (power lag).ToRowMajorArray())) (flat plain.Values) (flat plain.StandardError)

        for column in 0..1 do
            let kick = Array.init 2 (fun i -> Complex((if i = column then 2.0 else 0.0), 0.0))

            let estimate =
                measure (ask linearPair scheme 0.1 kick) DynamicalKind.NoiseWeights 20000L

            let expected = Array.init 5 (fun lag -> (2.0 * (power lag).Column column).ToArray())
            within expected estimate.Values estimate.StandardError

[<Fact>]
let ``two decays agree, and the response begins with the unit kick`` () =
    let check decays (estimate: NoiseWeightDecay -> float[][] * float[][]) unit' =
        let results = decays |> List.map estimate

        for values, errors in results do
            within [| unit' |] values[0..0] errors[0..0]

        let errors = results |> List.map snd

        within (fst results[0]) (fst results[1]) (Array.map2 (Array.map2 (fun a b -> sqrt (a * a + b * b))) errors[0] errors[1])

    let scheme = Scheme.RungeKutta4

    check
        [
            pilot wellField scheme wellFieldTangent
            NoiseWeightDecay.Uniform(wellField, 0.1, 3.0)
        ]
        (fun decay ->
            let r = plainField wellField scheme wellFieldTangent decay
            r.Values, r.StandardError)
        (Array.init grid.Sites (fun x -> if x = 0 then 1.0 else 0.0))

    check
        [
            pilot wellPair scheme wellPairTangent
            NoiseWeightDecay.Uniform(wellPair, 0.1, 3.0)
        ]
        (fun decay ->
            let r = plainPair wellPair scheme wellPairTangent decay
            Array.map Array.concat r.Values, Array.map Array.concat r.StandardError)
        [| 1.0; 0.0; 0.0; 1.0 |]

/// ⟨|B|²⟩ over rows, members and times.
let private weightSquares (model: Model) tangent (decay: NoiseWeightDecay) =
    let weights = NoiseWeights(model, Scheme.RungeKutta4, 0.1, tangent, decay)
    let plan = SamplingPlan(32, 10.0 + weights.SpinUp, 200.0, 0.5)
    let sums = Array.zeroCreate<float> plan.Tiles

    let sink tile = {
        new ITileSink with
            member _.Sample(_, _, state) =
                for block in [ state.A; state.B ] do
                    for i in 8 * model.Rows .. 16 * model.Rows - 1 do
                        sums[tile] <- sums[tile] + block.Span[i] * block.Span[i]

            member _.Finish() = ()
    }

    weights.Simulation(23UL).Run(plan, sink, 2, null, CancellationToken.None)
    Array.sum sums / float plan.Samples

[<Fact>]
let ``the fitted decay has smaller weights than any one rate`` () =
    // Where the tangent's fluctuations had no memory it would be the least of all; here it is so nearly.
    for model, tangent in [ wellField, wellFieldTangent; wellPair, wellPairTangent ] do
        let fitted = weightSquares model tangent (pilot model Scheme.RungeKutta4 tangent)

        for rate in [ 1.0; 8.0 ] do
            Assert.True(fitted < 0.95 * weightSquares model tangent (NoiseWeightDecay.Uniform(model, 0.1, rate)))

[<Fact>]
let ``the fitted decay of a linear chain makes the weights its score`` () =
    // In the limit of small steps B = C⁻¹ u: the estimates ⟨u Bᵀ⟩ and C(τ) C(0)⁻¹ are then one and the same.
    for model in [ linearField; linearPair ] do
        let step = 0.002
        let pilot = LastStates 1L
        let plan = SamplingPlan(16, 1.0, step, step)

        Simulation(model, Scheme.Exponential, step, 3UL).Run(plan, (fun tile -> pilot.Open tile), 1, null, CancellationToken.None)

        let decay =
            NoiseWeightDecay.Fit(model, Scheme.Exponential, step, null, pilot.Tiles, 9UL)

        let weights = NoiseWeights(model, Scheme.Exponential, step, null, decay)
        let last = LastStates 1L

        weights.Simulation(3UL).Run(SamplingPlan(16, weights.SpinUp, step, step), (fun tile -> last.Open tile), 1, null, CancellationToken.None)

        let tile, n = last.Tiles[0], model.Rows

        let expected: Matrix<float> =
            if isNull model.Grid then
                Matrix<float>.Build.DenseOfArray(LinearLaw.StationaryCovariance model).Inverse()
            else
                Matrix<float>.Build.DenseDiagonal(n, n, fun k -> float n / LinearLaw.StationaryPower(model)[k])

        for lane in 0..7 do
            for block in [ tile.A; tile.B ] do
                let u = Vector<float>.Build.Dense(n, fun row -> block[row, lane])
                let b = Vector<float>.Build.Dense(n, fun row -> block[n + row, lane])
                Assert.InRange((expected * u - b).L2Norm() / b.L2Norm(), 0.0, 0.05)

let private refuses (phrase: string) (action: unit -> unit) =
    Assert.Contains(phrase, Assert.Throws<LeithException>(action).Message)

[<Fact>]
let ``what has no weights is refused in a sentence`` () =
    let check model scheme tangent =
        fun () -> NoiseWeights.Check(model, scheme, tangent)

    refuses "adds its noise once, after the last stage, got Heun" (check linearField Scheme.Heun null)
    refuses "after the last stage, got weak second order" (check linearField Scheme.WeakSecondOrder null)
    refuses "expected the transposed tangent of the nonlinear drift, got none" (check wellField Scheme.RungeKutta4 null)

    let quiet = Array.init grid.Sites (fun _ -> Complex.One)
    quiet[1] <- Complex.Zero

    refuses
        "expected noise at every mode, got none at mode (0, 1)"
        (check (Model(Rows = 24, Grid = grid, NoiseSymbol = quiet)) Scheme.RungeKutta4 null)

    let scalars noise =
        Model(Rows = 2, LinearMatrix = linearPair.LinearMatrix, NoiseMatrix = array2D noise)

    refuses "expected noise on every unknown, got none on unknown 1" (check (scalars [ [ 1.0 ]; [ 0.0 ] ]) Scheme.RungeKutta4 null)
    refuses "covariance S Sᵀ that is singular" (check (scalars [ [ 1.0 ]; [ 2.0 ] ]) Scheme.RungeKutta4 null)
    refuses "expected a positive rate of decay, got -1" (fun () -> NoiseWeightDecay.Uniform(linearPair, 0.1, -1.0) |> ignore)

    let multiplicative =
        Model(Rows = 2, NoiseMatrix = linearPair.NoiseMatrix, Multiplicative = wellPairTangent)

    refuses "expected additive noise, got noise that depends on the state" (check multiplicative Scheme.EulerMaruyama null)

    let both = ask linearPair Scheme.RungeKutta4 0.1 [| Complex.One; Complex.One |]

    for kind, phrase in
        [
            DynamicalKind.NoiseWeights, "expected a kick of one unknown"
            DynamicalKind.FieldKicks, "field kicks: expected a field that is pushed"
        ] do
        refuses phrase (fun () -> measure both kind 10L |> ignore)

    let driven =
        DynamicalQuestion(linearField, Scheme.RungeKutta4, 0.1, 16, 1.0, 1.0, 0.5, 0.1, 1UL, Stationary = false)

    refuses "that do not depend on time" (fun () -> measure driven DynamicalKind.NoiseWeights 10L |> ignore)
