module Leith.Tests.Estimators

open System
open System.IO
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open MathNet.Numerics.LinearAlgebra
open Xunit

// Every experiment here is written in the language, runs end to end in a folder of its own, and has a response that is known in closed form.

let private scratch =
    lazy
        (let folder = Directory.CreateTempSubdirectory("leith-estimators-").FullName

         AppDomain.CurrentDomain.ProcessExit.Add(fun _ ->
             if Directory.Exists folder then
                 Directory.Delete(folder, true))

         folder)

let private freshFolder () =
    Path.Combine(scratch.Value, Guid.NewGuid().ToString "N")

let private runIn cache threads (experiment: Experiment) : Outcome =
    Terminal.isQuiet <- true

    let outcome =
        Runner.outcome
            {
                Sketch = false
                Out = freshFolder ()
                Seed = None
                Threads = threads
                Debug = false
                Cache = Some cache
                Values = []
            }
            experiment

    Directory.Delete(outcome.Folder, true)
    outcome

let private run' experiment =
    let cache = freshFolder ()
    let outcome = runIn cache 2 experiment

    if Directory.Exists cache then
        Directory.Delete(cache, true)

    outcome

/// The seed is fixed and FsCheck prints it, with the shrunk example, when a property fails.
let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261122UL, 2403UL)

let private unit' = Gen.choose (-1000, 1000) |> Gen.map (fun n -> float n / 1000.0)

let private between low high =
    unit' |> Gen.map (fun x -> low + (high - low) * (x + 1.0) / 2.0)

let private dense rows columns value =
    Matrix<float>.Build.Dense(rows, columns, Func<int, int, float>(fun i j -> value i j))

let private matrix (rows: float list list) =
    dense rows.Length rows.Head.Length (fun i j -> rows[i][j])

/// exp(M) by Taylor on M/2¹⁰, squared ten times.
let private exponentialOf (m: Matrix<float>) =
    let small = m / 1024.0
    let identity = Matrix<float>.Build.DenseIdentity m.RowCount

    let series =
        Seq.foldBack (fun k (sum: Matrix<float>) -> identity + small * sum / float k) (seq { 1..12 }) identity

    Seq.fold (fun (e: Matrix<float>) _ -> e * e) series (seq { 1..10 })

// ---- Scalar unknowns -----------------------------------------------------------------------------------------------------------------------------

/// dx = A x dt + S dW with A = −(G Gᵀ/d + 0.4) + (K − Kᵀ), scaled to unit size: stable, usually not normal.
type private LinearSystem = {
    Growth: float list list
    Turn: float list list
    Noise: float list list
    Seed: int
} with

    member s.Size = s.Growth.Length

    member s.Drift =
        let d = s.Size
        let g, k = matrix s.Growth, matrix s.Turn

        let a =
            -(g * g.Transpose() / float d + 0.4 * Matrix<float>.Build.DenseIdentity d) + (k - k.Transpose())

        a * (sqrt (float d) / a.FrobeniusNorm())

let private square' d =
    Gen.listOfLength d unit' |> Gen.listOfLength d

let private systems =
    let generator = gen {
        let! d = Gen.choose (1, 6)
        let! growth = square' d
        let! turn = square' d
        let! full = square' d
        let! strengths = Gen.listOfLength d (between 0.5 1.5)
        let! diagonal = Gen.elements [ true; false ]
        let! seed = Gen.choose (1, 1_000_000)

        return {
            Seed = seed
            Growth = growth
            Turn = turn
            Noise = [
                for i in 0 .. d - 1 ->
                    [
                        for j in 0 .. d - 1 ->
                            if diagonal then
                                (if i = j then strengths[i] else 0.0)
                            else
                                0.5 * full[i][j] + (if i = j then 0.8 else 0.0)
                    ]
            ]
        }
    }

    // The leading block of a stable drift of this form is stable too.
    let leading n (rows: float list list) =
        rows |> List.truncate n |> List.map (List.truncate n)

    let shrink (s: LinearSystem) : LinearSystem seq = seq {
        for n in 1 .. s.Size - 1 do
            {
                s with
                    Growth = leading n s.Growth
                    Turn = leading n s.Turn
                    Noise = leading n s.Noise
            }

        let still = s.Turn |> List.map (List.map (fun _ -> 0.0))

        if s.Turn <> still then
            { s with Turn = still }
    }

    Arb.fromGenShrink (generator, shrink)

let private unknownsOf (s: LinearSystem) =
    scalars [ for i in 1 .. s.Size -> $"x{i}" ]

let private rowsOf (m: Matrix<float>) : float list list =
    m.ToRowArrays() |> Array.map List.ofArray |> List.ofArray

/// R [observable, push] of an estimator at a lag, and its standard errors.
let private responseAt (outcome: Outcome) (estimator: Estimator) lag =
    let columns =
        outcome.Responses |> List.filter (fun r -> r.Estimator = estimator.Label) |> Array.ofList

    let cube (select: Response -> float[][]) =
        dense columns[0].Components.Length columns.Length (fun i j -> (select columns[j]).[i].[lag])

    cube _.Values, cube (fun r -> r.StandardError |> Option.defaultValue (r.Values |> Array.map (Array.map (fun _ -> 0.0))))

/// Differences beyond this many standard errors are an alarm, and so many decimals are rounding.
let private alarm, private rounding = 6.0, 1e-9

let private pool () = Collections.Generic.List<float>()

[<Fact>]
let ``Twins, Gaussian and exact scores of a random linear system agree with exp(A t)`` () =
    // d² × 9 lags × 2 estimates with sampling error, 15 × 18 on average, 60 systems: about 16000 comparisons of z-scores whose standard errors come from
    // 64 members: P(|t₆₃| > 6) = 1e-7, so a false alarm in fewer than 1 of 500 choices of the seed.
    let squares, errors = pool (), pool ()

    let agrees (s: LinearSystem) =
        let x = unknownsOf s
        let drift, forcing = linear (rowsOf s.Drift) x, noiseMatrix s.Noise
        let truth, twins = propagator, dynamical (pairs 16)
        let known = exactOf (linearScore drift forcing)

        let outcome =
            experiment "random linear system" {
                system drift
                noise forcing
                step (exponential 0.5)
                sample (members 64 |> spinUp 20.0 |> lasting 200.0 |> every 0.5)
                perturb (pushEach x)
                observe x
                lags 4.0
                estimate [ truth; twins; gaussian; known ]
                seed s.Seed
            }
            |> run'

        for lag in 0..8 do
            let exact = exponentialOf (s.Drift * (0.5 * float lag))

            for estimator in [ truth; twins; gaussian; known ] do
                let value, error = responseAt outcome estimator lag
                let difference = value - exact

                // Differences of twins are the same for every noise where the system is linear; R(0) = I holds identically for them and for C(0) C(0)⁻¹.
                let exactly =
                    estimator = truth || estimator = twins || (estimator = gaussian && lag = 0)

                for i in 0 .. s.Size - 1 do
                    for j in 0 .. s.Size - 1 do
                        let allowed = if exactly then rounding else alarm * error[i, j]

                        if abs difference[i, j] > allowed then
                            failwith
                                $"{estimator}: expected R({0.5 * float lag})[{i}, {j}] = {exact[i, j]}, got {value[i, j]}, {abs difference[i, j] / error[i, j]} standard errors away"

                        if not exactly && lag % 4 = 0 then
                            squares.Add((difference[i, j] / error[i, j]) ** 2.0)
                            errors.Add error[i, j]

    Check.One(quick 60, Prop.forAll systems agrees)

    // The test has teeth: standard errors are small, and neither too small nor too large.
    Assert.InRange(Seq.average squares, 0.8, 1.3)
    Assert.InRange((errors |> Seq.sort |> Array.ofSeq)[errors.Count / 2], 0.0, 0.05)

/// A recording of the system, [time][component], with noise of fixed seed.
let private recorded (s: LinearSystem) samples =
    let random = Random 11
    let e, noise = exponentialOf (0.5 * s.Drift), matrix s.Noise

    let uniform _ =
        random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5

    Seq.scan
        (fun (x: Vector<float>) _ -> e * x + noise * Vector<float>.Build.Dense(s.Size, Func<int, float> uniform))
        (Vector<float>.Build.Dense s.Size)
        (seq { 1..samples })
    |> Seq.skip 50
    |> Array.ofSeq

let private ofRecording (series: Vector<float>[]) =
    let path = freshFolder () + ".npy"
    let size = series[0].Count
    let values: float[] = series |> Array.collect _.ToArray()
    Npy.Write(path, ReadOnlySpan values, [| series.Length; size |])
    let series = recording path

    let outcome =
        experiment "recorded linear system" {
            data series
            perturb (pushEach (everyColumn series))
            observe (everyColumn series)
            lags 6.0
            estimate [ gaussian ]
            seed 3
        }
        |> run'

    File.Delete path
    outcome

[<Fact>]
let ``The response of a recording follows a change of variables and forgets its units`` () =
    let follows (s: LinearSystem, numbers: float list list) =
        let d = s.Size
        let x = recorded s 1000
        // Diagonally dominant, so it can be inverted.
        let m = dense d d (fun i j -> numbers[i][j] / 6.0 + (if i = j then 1.2 else 0.0))
        let original = ofRecording x
        let doubled = ofRecording (x |> Array.map (fun v -> 2.0 * v))
        let changed = ofRecording (x |> Array.map (fun v -> m * v))

        for lag in 0..6 do
            let r, e = responseAt original gaussian lag
            let r2, e2 = responseAt doubled gaussian lag
            let rm, _ = responseAt changed gaussian lag
            let size = 1.0 + r.L2Norm()
            Assert.InRange((r2 - r).L2Norm(), 0.0, 1e-12 * size)
            Assert.InRange((e2 - e).L2Norm(), 0.0, 1e-12 * size)
            Assert.InRange((rm - m * r * m.Inverse()).L2Norm(), 0.0, 1e-9 * size)

            if lag = 0 then
                Assert.InRange((r - Matrix<float>.Build.DenseIdentity d).L2Norm(), 0.0, 1e-10)

    let inputs =
        let generator = gen {
            let! s = systems.Generator
            let! numbers = square' s.Size
            return s, numbers
        }

        Arb.fromGen generator

    Check.One(quick 8, Prop.forAll inputs follows)

// ---- Fields --------------------------------------------------------------------------------------------------------------------------------------

[<RequireQualifiedAccess>]
type private Forcing =
    | PerSite
    | White
    | Correlated

/// ∂u/∂t = −a u − λ Σu + κ Δu − c ∂u/∂x + noise, Σ = (1 − Δ)⁻¹.
type private LinearField = {
    Points: int list
    Lengths: float list
    Damping: float
    Smooth: float
    Diffusion: float
    Advection: float
    Forcing: Forcing
    Strength: float
    Seed: int
}

let private fields =
    let sides = [ 2; 3; 4; 5; 6; 8; 9; 10; 12 ]

    let generator = gen {
        let! axes = Gen.choose (1, 2)
        let! points = Gen.listOfLength axes (Gen.elements sides)
        let! lengths = Gen.listOfLength axes (between 2.0 8.0)
        let! damping = between 0.2 0.6
        let! smooth = between 0.0 0.5
        let! diffusion = between 0.0 0.5
        let! advection = unit'
        let! forcing = Gen.elements [ Forcing.PerSite; Forcing.White; Forcing.Correlated ]
        let! strength = between 0.2 3.0
        let! seed = Gen.choose (1, 1_000_000)
        // Rates of the fastest modes stay near one.
        let fastest =
            List.map2 (fun n length -> pi * float n / length) points lengths |> List.max

        return {
            Points = points
            Lengths = lengths
            Damping = damping
            Smooth = smooth
            Diffusion = diffusion / fastest ** 2.0
            Advection = advection / fastest
            Forcing = forcing
            Strength = strength
            Seed = seed
        }
    }

    let shrink f = seq {
        if f.Points.Length > 1 then
            {
                f with
                    Points = [ f.Points.Head ]
                    Lengths = [ f.Lengths.Head ]
            }

        for side in sides |> List.filter (fun side -> side < f.Points.Head) do
            {
                f with
                    Points = side :: f.Points.Tail
            }

        if f.Advection <> 0.0 then
            { f with Advection = 0.0 }
    }

    Arb.fromGenShrink (generator, shrink)

let private domainOf f =
    match f.Points, f.Lengths with
    | [ n ], [ length ] -> ring length n
    | [ nx; ny ], [ lx; ly ] -> rectangle (lx, ly) (nx, ny)
    | _ -> failwith "one axis or two"

let private spacing' f =
    List.map2 (fun n length -> length / float n) f.Points f.Lengths |> List.reduce (*)

/// Drift, noise, and the score −u_k / C_k of every mode, C_k = |σ_k|²/(−2 Re L_k) per site.
let private spde f u =
    let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))
    let sites = f.Points |> List.reduce (*) |> float

    let drift =
        ddt u == -f.Damping * u - f.Smooth * sigma u + f.Diffusion * lap u - f.Advection * dx u

    let forcing, variance =
        match f.Forcing with
        | Forcing.PerSite -> perSite f.Strength, (fun (_: Wavevector) -> Symbol.Number(f.Strength ** 2.0))
        | Forcing.White -> white f.Strength, (fun _ -> Symbol.Number(f.Strength ** 2.0 / spacing' f))
        | Forcing.Correlated -> additive (f.Strength * root sigma), (fun k -> sites * f.Strength ** 2.0 / (1.0 + k.Squared))

    let score =
        spectral "−C⁻¹" (fun k -> 2.0 * (-f.Damping - f.Smooth / (1.0 + k.Squared) - f.Diffusion * k.Squared) / variance k) u

    drift, forcing, score

/// L_k by the definition of the Fourier derivative: the advection has no Nyquist wavenumber.
let private rates f =
    let indices =
        f.Points
        |> List.fold
            (fun found n -> [
                for index in found do
                    for i in 0 .. n - 1 -> index @ [ i ]
            ])
            [ [] ]

    indices
    |> List.map (fun index ->
        let k =
            List.map3 (fun i n length -> 2.0 * pi * float (if 2 * i > n then i - n else i) / length) index f.Points f.Lengths

        let k2 = k |> List.sumBy (fun k -> k * k)
        let nyquist = 2 * index.Head = f.Points.Head
        let real = -f.Damping - f.Smooth / (1.0 + k2) - f.Diffusion * k2
        index, Complex(real, (if nyquist then 0.0 else -f.Advection * k.Head)))

/// Σ_x f(x) e^{−ikx} by its definition.
let private mode f (index: int list) (values: float[]) =
    values
    |> Array.mapi (fun site value ->
        let place, _ =
            List.foldBack (fun n (place, rest) -> (rest % n) :: place, rest / n) f.Points ([], site)

        let turns =
            List.map3 (fun i x n -> float (i * x % n) / float n) index place f.Points |> List.sum

        Complex.FromPolarCoordinates(value, -2.0 * pi * turns))
    |> Array.fold (fun (a: Complex) b -> a + b) Complex.Zero

/// Variances of −⟨u(τ) s(0)⟩ and of C(τ)/C(0) for one mode with multiplier ρ a sample, from members × base times (delta method, Bartlett's sums).
let private variances (rho: Complex) isReal tau (members: float) (bases: int) =
    let r2 = rho.Magnitude * rho.Magnitude

    let weight h =
        float (bases - abs h) / (members * float bases ** 2.0)

    let score =
        seq { 1 - bases .. bases - 1 }
        |> Seq.sumBy (fun h ->
            let second =
                if isReal then
                    rho.Real ** float (abs (tau + h) + abs (tau - h))
                else
                    0.0

            weight h * (r2 ** float (abs h) + second))

    let ratio =
        seq { 1 - tau .. tau - 1 }
        |> Seq.sumBy (fun h -> weight h * r2 ** float (abs h) * (1.0 - r2 ** float (tau - abs h)))

    score, ratio

let private fieldOf (outcome: Outcome) (estimator: Estimator) =
    let r = outcome.Response estimator.Label
    r.Field.Value, r.FieldStandardError

[<Fact>]
let ``Every Fourier mode of a random linear SPDE answers as its propagator says`` () =
    // About 3000 modes and 8000 sites, of two estimates each and correlated, over 16 systems. Modes: variances are known, and 6 σ of a quadratic form with
    // at least 1000 degrees of freedom has a tail below 5e-8 (real modes) or e^−36. Sites: errors from 32 blocks, P(|t₃₁| > 6.5) = 3e-7.
    // A false alarm in fewer than 1 of 150 choices of the seed.
    let gaussianPool, scorePool = pool (), pool ()

    let agrees f =
        let u = field "u" (domainOf f)
        let drift, forcing, score = spde f u
        let truth, twins, known = propagator, dynamical (pairs 16), exact score
        let origin = f.Points |> List.map (fun _ -> 0)
        let samples, longest, count = 300, 4, 32

        let outcome =
            experiment "random linear field" {
                system drift
                noise forcing
                step (exponential 1.0)
                sample (members count |> spinUp 40.0 |> lasting (float samples) |> every 1.0)
                perturb (kick u (site origin))
                observe [ u ]
                lags (float longest)
                estimate [ truth; twins; gaussian; known ]
                seed f.Seed
            }
            |> run'

        let modes = rates f
        let exactly, _ = fieldOf outcome truth

        let bases = samples - longest

        for estimator in [ truth; twins; gaussian; known ] do
            let values, errors = fieldOf outcome estimator

            for lag in 0..longest do
                match errors with
                | Some errors when estimator = gaussian || estimator = known ->
                    for site in 0 .. values[lag].Length - 1 do
                        let difference = abs (values[lag][site] - exactly[lag][site])

                        if difference > 6.5 * errors[lag][site] + rounding then
                            failwith $"{estimator}, lag {lag}, site {site}: {difference / errors[lag][site]} standard errors away"
                | _ -> ()

                for index, rate in modes do
                    let rho = Complex.Exp rate
                    let opposite = List.map2 (fun i n -> (n - i) % n) index f.Points
                    let isReal = (opposite = index)

                    let difference =
                        mode f index values[lag] - Complex.Exp(rate * Complex(float lag, 0.0))

                    let score, ratio = variances rho isReal lag (float count) bases

                    let allowed =
                        if estimator = known then 6.0 * sqrt score
                        elif estimator = gaussian then 6.0 * sqrt ratio + rounding
                        else rounding

                    if difference.Magnitude > allowed then
                        failwith
                            $"{estimator}, lag {lag}, mode {index}: expected {Complex.Exp(rate * Complex(float lag, 0.0))} ± {allowed / 6.0}, off by {difference.Magnitude}"

                    // One of k and −k: they are the same numbers.
                    if lag > 0 && index <= opposite then
                        if estimator = known then
                            scorePool.Add(difference.Magnitude ** 2.0 / score)

                        if estimator = gaussian then
                            gaussianPool.Add(difference.Magnitude ** 2.0 / ratio)

    Check.One(quick 16, Prop.forAll fields agrees)
    Assert.InRange(Seq.average gaussianPool, 0.85, 1.15)
    Assert.InRange(Seq.average scorePool, 0.85, 1.15)

/// A small field with every kind of estimator.
let private everyEstimator f trained =
    let u = field "u" (domainOf f)
    let drift, forcing, score = spde f u

    let net =
        learned (residualNet |> channels 8 |> layers 1 |> steps trained |> batch 16)

    let estimators = [ propagator; dynamical (pairs 32); gaussian; exact score; net ]

    experiment "small field" {
        system drift
        noise forcing
        step (exponential 0.5)
        sample (members 32 |> spinUp 40.0 |> lasting 200.0 |> every 1.0)
        perturb (kick u (site (f.Points |> List.map (fun _ -> 0))))
        observe [ u ]
        lags 5.0
        estimate estimators
        check [ gaussian |> within propagator 1.0; net |> near propagator 1.0 ]
        seed f.Seed
    },
    net

/// A linear system with every kind of estimator.
let private everyVectorEstimator () =
    let x, y = scalar "x", scalar "y"

    let drift, forcing =
        linear [ [ -0.5; 1.0 ]; [ -1.0; -0.7 ] ] [ x; y ], diagonal [ 1.0; 0.6 ]

    let net = learned (mlp |> channels 16 |> layers 1 |> steps 40 |> batch 32)

    experiment "small system" {
        system drift
        noise forcing
        step (exponential 0.25)
        sample (members 64 |> spinUp 20.0 |> lasting 100.0 |> every 0.5)
        perturb (pushEach [ x; y ])
        observe [ x; y ]
        lags 4.0

        estimate [
            propagator
            dynamical (pairs 32)
            gaussian
            exactOf (linearScore drift forcing)
            net
        ]

        check [ gaussian |> within propagator 1.0 ]
        seed 9
    },
    net

let private smallField = {
    Points = [ 4; 6 ]
    Lengths = [ 4.0; 6.0 ]
    Damping = 0.3
    Smooth = 0.2
    Diffusion = 0.05
    Advection = 0.3
    Forcing = Forcing.Correlated
    Strength = 0.7
    Seed = 9
}

[<Fact>]
let ``A barely trained network is right within its standard error where the system is linear`` () =
    // The control variate leaves no bias for any network. At most 144 sites × 5 lags × 4 fields and 4 × 8 numbers, correlated; P(|t₃₁| > 6.5) = 3e-7.
    let alarm = 6.5

    let agrees f =
        let asked, net = everyEstimator f 20
        let outcome = run' asked
        let exactly, _ = fieldOf outcome propagator
        let values, errors = fieldOf outcome net

        for lag in 0..5 do
            for site in 0 .. values[lag].Length - 1 do
                let error = errors.Value[lag][site]
                Assert.InRange(abs (values[lag][site] - exactly[lag][site]), 0.0, alarm * error + rounding)
                // A network that knows nothing yet must not drown the response in noise.
                Assert.InRange(error, 0.0, 0.3)

    Check.One(quick 3, Prop.forAll fields agrees)

    let asked, net = everyVectorEstimator ()
    let outcome = run' asked

    for lag in 0..8 do
        let exactly, _ = responseAt outcome propagator lag
        let value, error = responseAt outcome net lag

        for i, j in List.allPairs [ 0; 1 ] [ 0; 1 ] do
            Assert.InRange(abs (value[i, j] - exactly[i, j]), 0.0, alarm * error[i, j] + rounding)
            Assert.InRange(error[i, j], 0.0, 0.2)

let private numbersOf (outcome: Outcome) =
    outcome.Responses
    |> List.map (fun r -> r.Estimator, r.Perturbation, r.Lags, r.Values, r.StandardError, r.Field, r.FieldStandardError)

[<Fact>]
let ``Responses are bit-identical for one and two threads, whatever the estimator`` () =
    for asked in [ fst (everyEstimator smallField 20); fst (everyVectorEstimator ()) ] do
        let one, two = runIn (freshFolder ()) 1 asked, runIn (freshFolder ()) 2 asked
        Assert.Equal(asked.Estimate.Length, one.Responses |> List.distinctBy _.Estimator |> List.length)
        Assert.True((numbersOf one = numbersOf two), $"{asked.Title}: responses differ between 1 and 2 threads")
        Assert.Equal<CheckResult list>(one.Checks, two.Checks)
        // the clock is no part of the result
        let timeless (outcome: Outcome) =
            outcome.Scores |> List.map (fun s -> { s with TrainingSeconds = None })

        Assert.Equal<ScoreReport list>(timeless one, timeless two)

[<Fact>]
let ``A second run takes every stage from the cache, and so does one that asks for less or for other checks`` () =
    let working (outcome: Outcome) =
        outcome.Seconds
        |> List.map fst
        |> List.filter (fun stage -> [ "simulate"; "twin"; "train"; "correlate" ] |> List.exists (fun word -> stage.StartsWith word))

    for asked, net in [ everyEstimator smallField 20; everyVectorEstimator () ] do
        let cache = freshFolder ()
        let first = runIn cache 2 asked
        Assert.Contains("simulate and correlate", working first)
        Assert.Contains($"train {net}", working first)
        let again = runIn cache 2 asked
        Assert.Empty(working again)
        Assert.True((numbersOf first = numbersOf again), $"{asked.Title}: the cache gave other numbers")

        let fewer =
            runIn cache 2 {
                asked with
                    Title = "another title"
                    Estimate = asked.Estimate |> List.filter (fun e -> e <> net) |> List.rev
                    Check = [ gaussian |> near propagator 0.3 ]
            }

        // The lag products of scalar unknowns with the same scores, of fields pair by pair: nothing is left to do.
        Assert.Empty(working fewer)
        let label = gaussian.Label
        Assert.True(((first.Response label).Values = (fewer.Response label).Values))

        let other = runIn cache 2 { asked with Seed = asked.Seed + 1 }
        Assert.Contains("simulate and correlate", working other)
        Assert.False((numbersOf first = numbersOf other), "another seed gave the same numbers")

// ---- Sketches and checks -------------------------------------------------------------------------------------------------------------------------

[<Fact>]
let ``A sketch keeps names, order and checks, and asks for less`` () =
    let asked = fst (everyVectorEstimator ())
    let score = asked.Estimate[3]

    let inputs = gen {
        let! count = Gen.choose (1, 5000)
        let! error = between 0.001 0.1
        let! trained = Gen.choose (1, 5000)
        let! name = Gen.elements [ None; Some "mine" ]
        let twins = dynamical (pairs count)

        let twins =
            match name with
            | Some name -> twins |> named name
            | None -> twins

        let pool = [
            propagator
            twins
            dynamical (standardError error) |> named "to an error"
            gaussian
            score
            learned (mlp |> steps trained)
        ]

        let! chosen =
            Gen.subListOf pool |> Gen.map (fun chosen -> gaussian :: List.filter ((<>) gaussian) chosen)

        let! chosen = Gen.shuffle chosen |> Gen.map List.ofSeq
        let! limit = between 0.01 1.0
        let! isNear = Gen.elements [ true; false ]

        let check' =
            if isNear then
                near chosen.Head limit
            else
                within chosen.Head limit

        let! size = Gen.choose (1, 4096)
        let! length = Gen.choose (8, 4000)

        return {
            asked with
                Estimate = chosen
                Check = chosen |> List.map check'
                Source =
                    match asked.Source with
                    | Source.Simulated(a, b, c, _) ->
                        Source.Simulated(a, b, c, members size |> spinUp 20.0 |> lasting (0.5 * float length) |> every 0.5)
                    | recorded -> recorded
        }
    }

    let keeps (asked: Experiment) =
        let sketched: Experiment = Sketch.make asked
        Experiment.validate sketched

        let work (e: Experiment) =
            match e.Source with
            | Source.Simulated(_, _, _, s) -> float s.Members * s.Lasting
            | Source.Recorded _ -> nan

        let effort (e: Estimator) =
            match e.Method with
            | Method.Dynamical(Effort.Pairs n) -> float n
            | Method.Dynamical(Effort.StandardError(e, _)) -> 1.0 / (e * e)
            | Method.Learned network -> float network.Steps
            | _ -> 0.0

        sketched.Title = asked.Title
        && sketched.Seed = asked.Seed
        && sketched.Lags = asked.Lags
        && List.map string sketched.Estimate = List.map string asked.Estimate
        && sketched.Check |> List.map (fun c -> c.Text, c.Limit) = (asked.Check |> List.map (fun c -> c.Text, c.Limit))
        && sketched.Check
           |> List.forall (fun c -> List.contains c.Of sketched.Estimate && List.contains c.Reference sketched.Estimate)
        && List.forall2 (fun small large -> effort small <= effort large) sketched.Estimate asked.Estimate
        && work sketched <= max (work asked) (16.0 * 4.0 * asked.Lags)

    Check.One(quick 200, Prop.forAll (Arb.fromGen inputs) keeps)

let private madeUp (estimator: Estimator) push (values: float list list) : Response = {
    Estimator = estimator.Label
    Observable = "x"
    Perturbation = push
    Lags = Array.init values.Head.Length float
    Components = values |> List.mapi (fun i _ -> $"x{i}") |> Array.ofList
    Values = values |> List.map Array.ofList |> Array.ofList
    StandardError = None
    BiasBound = None
    Axis = "lag"
    Replicates = None
    OwnErrors = None
    Pointwise = 1.96
    Simultaneous = None
    Discretisation = None
    Field = None
    FieldStandardError = None
    Shape = [||]
    Notes = []
}

[<Fact>]
let ``near and within pass and fail at distances found by hand`` () =
    let reference = propagator |> named "reference"
    // Two components of two pushes: at lag 1 the reference is (3, 4, 0, 0), of size 5, and the estimate (3, 4.3, .4, 0), .5 away from it.
    let truth = [
        madeUp reference "x" [ [ 2.0; 3.0 ]; [ 0.0; 4.0 ] ]
        madeUp reference "y" [ [ 0.0; 0.0 ]; [ 0.0; 0.0 ] ]
    ]

    let mine = [
        madeUp gaussian "x" [ [ 2.0; 3.0 ]; [ 0.0; 4.3 ] ]
        madeUp gaussian "y" [ [ 0.1; 0.4 ]; [ 0.0; 0.0 ] ]
    ]

    for check, value, passed in
        [
            gaussian |> within reference 0.5001, 0.5, true
            gaussian |> within reference 0.4999, 0.5, false
            gaussian |> near reference 0.1001, 0.1, true
            gaussian |> near reference 0.0999, 0.1, false
        ] do
        let result = Compare.check (mine @ truth) check
        Assert.Equal(value, result.Value, 12)
        Assert.Equal(passed, result.Passed)
        Assert.Equal(check.Text, result.Name)

    // The largest relative distance need not be where the largest absolute one is.
    let early = [
        madeUp gaussian "x" [ [ 2.0; 3.0 ]; [ 0.4; 4.3 ] ]
        madeUp gaussian "y" [ [ 0.0; 0.4 ]; [ 0.0; 0.0 ] ]
    ]

    Assert.Equal(0.2, (Compare.check (early @ truth) (gaussian |> near reference 1.0)).Value, 12)
    Assert.Equal(0.5, (Compare.check (early @ truth) (gaussian |> within reference 1.0)).Value, 12)

[<Fact>]
let ``A check never passes on a number that is none, and a response that vanishes is met only by one that vanishes`` () =
    let reference = propagator |> named "reference"
    let one values = [ madeUp gaussian "x" [ values ] ]
    let truth = [ madeUp reference "x" [ [ 1.0; 1.0; 1.0 ] ] ]

    for values in
        [
            [ nan; 1.0; 1.0 ]
            [ 1.0; nan; 1.0 ]
            [ 1.0; 1.0; nan ]
            [ 1.0; infinity; 1.0 ]
        ] do
        for check in [ gaussian |> near reference 0.1; gaussian |> within reference 0.1 ] do
            Assert.False((Compare.check (one values @ truth) check).Passed, $"{values} passed {check}")

    let vanishing = [ madeUp reference "x" [ [ 1.0; 0.0; 0.0 ] ] ]
    Assert.True((Compare.check (one [ 1.0; 0.0; 0.0 ] @ vanishing) (gaussian |> near reference 0.1)).Passed)
    Assert.False((Compare.check (one [ 1.0; 0.0; 0.1 ] @ vanishing) (gaussian |> near reference 0.1)).Passed)
