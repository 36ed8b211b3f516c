module Leith.Tests.Generative

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private fails (phrases: string list) (action: unit -> 'a) =
    let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261124UL, 11UL)

/// A z-score that chance exceeds once in 150,000 times.
let private chance = 4.5

let private ring points = Grid([| points |], [| 1.0 |])

/// One Gaussian of scalar unknowns that do not know each other.
let private diagonal (means: float[]) (variances: float[]) =
    let n = means.Length

    GaussianMixture.OfVector(
        Array.create n 1.0,
        [|
            struct (1.0, means, Array2D.init n n (fun i j -> if i = j then variances[i] else 0.0))
        |]
    )

let private line (parts: (float * float * float) list) =
    GaussianMixture.OfVector([| 1.0 |], [| for w, m, c in parts -> struct (w, [| m |], Array2D.create 1 1 c) |])

let private geometric largest smallest steps =
    NoisedScore.Geometric(largest, smallest, steps)

let private draw law (start: GaussianMixture) sampler levels count =
    GenerativeSampling.Draw(NoisedScore.Of(law: GaussianMixture), start, sampler, levels, count, 5UL, 2)

// Mixtures

let private mixtures = gen {
    let number low high =
        Gen.choose (0, 1000) |> Gen.map (fun n -> low + (high - low) * float n / 1000.0)

    let! onGrid = Gen.elements [ true; false ]
    let! count = Gen.choose (1, 3)
    let! d = Gen.choose (1, 3)
    let! weights = Gen.listOfLength count (number 0.2 1.0)
    let! means = Gen.listOfLength (count * d) (number -1.5 1.5)
    let! shapes = Gen.listOfLength (count * 16) (number 0.3 2.0)
    let! scale = Gen.listOfLength d (number 0.5 2.0)

    return
        if onGrid then
            let grid = Grid([| 4; 2 |], [| 1.0; 1.0 |])

            let power c =
                Array.init grid.Sites (fun k -> 8.0 * shapes[c * 16 + min k (grid.Conjugate k)])

            GaussianMixture.OfField(grid, [| for c in 0 .. count - 1 -> struct (weights[c], means[c], power c) |])
        else
            // A Aᵀ + ½, A from the shapes.
            let covariance c =
                Array2D.init d d (fun i j ->
                    (if i = j then 0.5 else 0.0)
                    + Seq.sum (seq { for k in 0 .. d - 1 -> (shapes[c * 16 + i * d + k] - 1.0) * (shapes[c * 16 + j * d + k] - 1.0) }))

            GaussianMixture.OfVector(
                Array.ofList scale,
                [|
                    for c in 0 .. count - 1 -> struct (weights[c], Array.init d (fun i -> means[c * d + i]), covariance c)
                |]
            )
}

/// ln ρ of samples in real space.
let private logDensity (law: GaussianMixture) (samples: float[][]) =
    use map = new MixtureMap(law)
    use loader = new SampleLoader(law.Grid, law.Rows)
    use tile = new Tile(law.Rows)
    loader.Load(samples, 0, tile)
    let result = Array.zeroCreate<float> Tile.Members
    map.LogDensity(tile, Span result)
    Array.truncate samples.Length result

/// The score of samples in real space.
let private scoreOf (law: GaussianMixture) sigma (samples: float[][]) =
    use map = law.CreateScore sigma
    use loader = new SampleLoader(law.Grid, law.Rows)
    use tile = new Tile(law.Rows)
    use result = new Tile(law.Rows)
    loader.Load(samples, 0, tile)
    map.Apply(tile, 0.0, result)
    let values = Array.zeroCreate<float[]> samples.Length
    loader.Store(result, values, 0)
    values

[<Fact>]
let ``The score of a mixture is the gradient of its log-density, of scalar unknowns and of fields`` () =
    Check.One(
        quick 60,
        Prop.forAll (Arb.fromGen mixtures) (fun law ->
            let samples = law.Samples(16, 3UL)
            let score = scoreOf law 0.0 samples
            let step = 1e-5

            for row in 0 .. law.Rows - 1 do
                let moved sign =
                    samples
                    |> Array.map (Array.mapi (fun i v -> if i = row then v + sign * step else v))
                    |> logDensity law

                let up, down = moved 1.0, moved -1.0

                for s in 0..15 do
                    let slope = (up[s] - down[s]) / (2.0 * step)
                    Assert.True(abs (slope - score[s].[row]) < 1e-5 * (1.0 + abs slope), $"row {row}: {score[s].[row]}, slope {slope}"))
    )

[<Fact>]
let ``The density of a mixture on a line is the sum of its Gaussians', noised or not`` () =
    let parts = [ 0.3, -1.0, 0.2; 0.7, 2.0, 0.5 ]
    let x = [| for i in -8 .. 7 -> [| float i / 2.0 |] |]

    let density sigma (x: float) =
        parts
        |> List.sumBy (fun (w, m, c) ->
            let v = c + sigma * sigma
            w * exp (-(x - m) * (x - m) / (2.0 * v)) / sqrt (2.0 * Math.PI * v))

    for sigma in [ 0.0; 0.8 ] do
        let logs = logDensity ((line parts).Noised sigma) x
        Array.iter2 (fun (x: float[]) (log: float) -> Assert.Equal(density sigma x[0], exp log, 1e-12)) x logs

[<Fact>]
let ``Samples of a mixture of fields have its means and powers`` () =
    let grid = Grid([| 4; 4 |], [| 1.0; 1.0 |])

    let power scale =
        Array.init 16 (fun k -> scale * 16.0 / (1.0 + float (min k (grid.Conjugate k))))

    let law =
        GaussianMixture.OfField(grid, [| struct (1.0, -3.0, power 0.1); struct (3.0, 3.0, power 0.3) |])

    let samples = law.Samples(8_000, 9UL)
    let signs = samples |> Array.map (fun u -> sign (Array.average u))
    let share = signs |> Array.averageBy (fun s -> if s > 0 then 1.0 else 0.0)
    Assert.InRange((share - 0.75) / sqrt (0.75 * 0.25 / 8_000.0), -chance, chance)

    for which, scale in [ -1, 0.1; 1, 0.3 ] do
        let own =
            Array.zip samples signs |> Array.filter (fun (_, s) -> s = which) |> Array.map fst

        let set = SampleSet(own, own.Length, grid)

        Array.iter2
            (fun (expected: float) got -> Assert.InRange((got / expected - 1.0) / sqrt (2.0 / float own.Length), -chance, chance))
            (power scale)
            (set.Power())

[<Fact>]
let ``Expectation and maximisation find a mixture again`` () =
    let truth = line [ 0.3, -2.0, 0.25; 0.7, 1.0, 0.5 ]
    let samples = truth.Samples(4_000, 4UL)
    let fit = MixtureFit.OfVectors([| 1.0 |], samples, 0.5, 8, 6UL)
    let one = MixtureFit.OfVectors([| 1.0 |], samples, 0.5, 1, 6UL)
    // Values of the law, not of components, which may be split in two.
    let x = [| for i in -8 .. 7 -> [| float i / 2.5 |] |]
    let expected = logDensity (truth.Noised 0.5) x |> Array.map exp
    let found = logDensity fit x |> Array.map exp
    Array.iter2 (fun (a: float) b -> Assert.InRange(b, a - 0.025, a + 0.025)) expected found
    Assert.Equal(1, one.Weights.Count)
    // 0.3 · 0.25 + 0.7 · 0.5 within, 0.21 · 3² between, 0.25 noise.
    Assert.InRange(one.MeanVariance, 2.565 * 0.93, 2.565 * 1.07)

[<Fact>]
let ``Expectation and maximisation tell fields of two phases apart, and take one component of a Gaussian`` () =
    let grid = Grid([| 8 |], [| 1.0 |])
    let power = Array.create 8 (8.0 * 0.2)

    let two =
        GaussianMixture.OfField(grid, [| struct (0.25, -1.0, power); struct (0.75, 1.0, power) |])

    let fit = MixtureFit.OfFields(grid, two.Samples(2_000, 4UL), 0.3, 4, 6UL)

    let below =
        fit.Samples(8_000, 2UL) |> Array.averageBy (fun u -> if Array.average u < 0.0 then 1.0 else 0.0)

    Assert.InRange(below, 0.25 - 0.05, 0.25 + 0.05)
    let gaussian = GaussianMixture.OfField(grid, [| struct (1.0, 0.5, power) |])
    Assert.Equal(1, MixtureFit.OfFields(grid, gaussian.Samples(1_600, 4UL), 0.3, 8, 6UL).Weights.Count)

// Samplers on Gaussians, where the law of every step is known

/// The variance after reverse steps along the levels, from the exact law at the first, and after the last step to zero.
let private recursion heun (c: float) (levels: float[]) =
    let v sigma = c + sigma * sigma

    let step variance (a: float, b: float) =
        let h = a * a - b * b

        if heun then
            let factor = 1.0 - 0.5 * h * (1.0 / v a + (1.0 - h / v a) / v b)
            factor * factor * variance + h * (1.0 - 0.5 * h / v b) ** 2.0
        else
            (1.0 - h / v a) ** 2.0 * variance + h

    let last = Array.last levels
    (1.0 - 0.5 * last * last / v last) ** 2.0 * (Array.pairwise levels |> Array.fold step (v levels[0]))

let private variance (samples: float[][]) row =
    let values = samples |> Array.map (fun (u: float[]) -> u[row])
    let mean = Array.average values
    values |> Array.averageBy (fun v -> (v - mean) * (v - mean))

[<Fact>]
let ``Reverse steps have the variance of their own recursion, in every direction`` () =
    Check.One(
        quick 12,
        Prop.forAll
            (Arb.fromGen (Gen.zip3 (Gen.elements [ true; false ]) (Gen.choose (6, 24)) (Gen.listOfLength 3 (Gen.choose (1, 40)))))
            (fun (heun, steps, sizes) ->
                let variances = sizes |> List.map (fun n -> float n / 10.0) |> Array.ofList
                let law = diagonal [| 1.0; 0.0; -2.0 |] variances
                let levels = geometric 8.0 0.1 steps

                let sampler: Sampler =
                    if heun then
                        Sampler.ReverseHeun()
                    else
                        Sampler.ReverseEuler()

                let count = 4_000
                let samples = draw law (law.Noised 8.0) sampler levels count

                for row in 0..2 do
                    let expected = recursion heun variances[row] levels
                    let z = (variance samples row / expected - 1.0) / sqrt (2.0 / float count)
                    Assert.True(abs z < chance, $"heun {heun}, {steps} steps, C = {variances[row]}: z = {z}")
                    let mean = samples |> Array.averageBy (fun u -> u[row])
                    // Heun or Euler, the mean obeys the same linear map, and starts where it ends.
                    Assert.InRange((mean - [| 1.0; 0.0; -2.0 |].[row]) / sqrt (expected / float count), -chance, chance))
    )

[<Fact>]
let ``The law's error falls as 1/n for Euler and as 1/n² for Heun`` () =
    for heun, low, high in [ false, 0.85, 1.15; true, 1.8, 2.2 ] do
        let error steps =
            // σ small enough that the last step's own error, of its fourth power, is not seen.
            abs (recursion heun 1.0 (geometric 8.0 0.01 steps) - 1.0)

        for steps in [ 128; 256 ] do
            let slope = Math.Log2(error steps / error (2 * steps))
            Assert.InRange(slope, low, high)

[<Fact>]
let ``Reverse steps of a field have the recursion's power in every mode`` () =
    let grid = Grid([| 4; 4 |], [| 1.0; 1.0 |])
    let c = Array.init 16 (fun k -> 2.0 / (1.0 + float (min k (grid.Conjugate k))))

    let law =
        GaussianMixture.OfField(grid, [| struct (1.0, 0.7, c |> Array.map (fun v -> 16.0 * v)) |])

    let levels = geometric 6.0 0.1 8
    let samples = draw law (law.Noised 6.0) (Sampler.ReverseHeun()) levels 6_000
    let power = SampleSet(samples, samples.Length, grid).Power()

    for k in 0..15 do
        let expected = 16.0 * recursion true c[k] levels
        Assert.InRange((power[k] / expected - 1.0) / sqrt (2.0 / 6_000.0), -chance, chance)

[<Fact>]
let ``The probability flow of a Gaussian scales every direction exactly, to its tolerance`` () =
    let variances = [| 0.1; 1.0; 9.0 |]
    let law = diagonal [| 1.0; 0.0; -2.0 |] variances
    let score = NoisedScore.Of law
    let largest, smallest = 8.0, 0.05

    let error tolerance =
        use tile = new Tile(3)
        use loader = new SampleLoader(null, 3)
        let before = (law.Noised largest).Samples(16, 8UL)
        loader.Load(before, 0, tile)

        use flow =
            new FlowIntegrator(score, (fun map y result -> map.Apply(y, 0.0, result)), law.MeanVariance, tolerance, null)

        flow.Integrate(tile, largest, smallest, (fun () -> false))
        let after = Array.zeroCreate<float[]> 16
        loader.Store(tile, after, 0)

        Seq.max (
            seq {
                for s in 0..15 do
                    for i in 0..2 do
                        let factor =
                            sqrt ((variances[i] + smallest * smallest) / (variances[i] + largest * largest))

                        let mean = [| 1.0; 0.0; -2.0 |].[i]
                        abs (after[s].[i] - mean - factor * (before[s].[i] - mean))
            }
        ),
        flow.Steps

    let coarse, few = error 1e-4
    let fine, many = error 1e-8
    Assert.InRange(coarse, 0.0, 1e-2)
    Assert.InRange(fine, 0.0, 1e-6)
    Assert.InRange(fine, 0.0, coarse / 100.0)
    // Order 5: four digits for 10^(4/5) = 6.3 times the steps.
    Assert.InRange(float many / float few, 3.0, 10.0)

[<Fact>]
let ``Every sampler keeps the weights of a mixture`` () =
    let law = line [ 0.3, -2.0, 0.25; 0.7, 2.0, 0.25 ]
    let count = 3_200

    for sampler: Sampler, levels in
        [
            (Sampler.ReverseEuler() :> Sampler), geometric 40.0 0.05 150
            Sampler.ReverseHeun(), geometric 40.0 0.05 80
            Sampler.ProbabilityFlow 1e-4, geometric 40.0 0.05 1
            Sampler.PredictorCorrector 1, geometric 40.0 0.05 100
        ] do
        // Beyond the reach of the Gaussian of the same moments only the third cumulant is left: (4 / 1600)^1.5 of it.
        let start = line [ 1.0, 0.8, 3.61 + 1600.0 ]
        let samples = draw law start sampler levels count
        let below = samples |> Array.averageBy (fun u -> if u[0] < 0.0 then 1.0 else 0.0)
        let z = (below - 0.3) / sqrt (0.3 * 0.7 / float count)
        Assert.True(abs z < chance, $"{sampler}: z = {z}")
        let spread = samples |> Array.filter (fun u -> u[0] > 0.0) |> fun s -> variance s 0
        // Euler's own error here is 14 %, a corrector's Langevin steps leave 5 %.
        Assert.InRange(spread, 0.25 * 0.85, 0.25 * 1.2)

[<Fact>]
let ``Langevin dynamics in averaged noise has the exact variance of a Gaussian, whatever it started from`` () =
    let law = diagonal [| 1.0; -1.0 |] [| 0.5; 2.0 |]
    let start = diagonal [| 0.0; 0.0 |] [| 1.0; 1.0 |]
    let count = 8_000
    let samples = draw law start (Sampler.Langevin(150, 0.2)) [| 1e-6 |] count

    for row in 0..1 do
        let expected = [| 0.5; 2.0 |].[row]
        Assert.InRange((variance samples row / expected - 1.0) / sqrt (2.0 / float count), -chance, chance)
        let mean = samples |> Array.averageBy (fun u -> u[row])
        Assert.InRange((mean - [| 1.0; -1.0 |].[row]) / sqrt (expected / float count), -chance, chance)

[<Fact>]
let ``Langevin dynamics of a field moves every mode at one rate and keeps its power`` () =
    let grid = ring 8

    let power =
        Array.init 8 (fun k -> 8.0 * 10.0 ** -(float (min k (grid.Conjugate k))))

    let law = GaussianMixture.OfField(grid, [| struct (1.0, 1.0, power) |])
    let samples = draw law law (Sampler.Langevin(40, 0.4)) [| 1e-6 |] 4_000
    let found = SampleSet(samples, samples.Length, grid).Power()
    Array.iter2 (fun (e: float) f -> Assert.InRange((f / e - 1.0) / sqrt (2.0 / 4_000.0), -chance, chance)) power found

[<Fact>]
let ``Samples are the same bits for any number of threads, and the first ones for any number of samples`` () =
    let grid = ring 6

    let law =
        GaussianMixture.OfField(
            grid,
            [|
                struct (0.5, -1.0, Array.create 6 2.0)
                struct (0.5, 1.0, Array.create 6 3.0)
            |]
        )

    for sampler: Sampler in
        [
            (Sampler.ReverseEuler() :> Sampler)
            Sampler.ReverseHeun()
            Sampler.ProbabilityFlow 1e-3
            Sampler.PredictorCorrector 2
            Sampler.Langevin 20
        ] do
        let levels = geometric 5.0 0.1 10

        let drawn threads count =
            GenerativeSampling.Draw(NoisedScore.Of law, law.Noised 5.0, sampler, levels, count, 5UL, threads)

        let all = drawn 1 100
        Assert.Equal<float[][]>(all, drawn 3 100)
        Assert.Equal<float[][]>(all[..36], drawn 2 37)
        Assert.NotEqual<float[]>(all[0], all[16])

// Log-likelihood

[<Fact>]
let ``The flow's log-density is the exact one of Gaussians with independent unknowns and of mixtures on a line`` () =
    let laws = [
        diagonal [| 1.0; 0.0; -2.0 |] [| 0.1; 1.0; 9.0 |]
        line [ 0.3, -1.0, 0.2; 0.7, 2.0, 0.5 ]
        GaussianMixture.OfVector([| 3.0 |], [| struct (1.0, [| 2.0 |], Array2D.create 1 1 4.0) |])
    ]

    for law in laws do
        let samples = (law.Noised 0.1).Samples(20, 3UL)

        let found =
            FlowLikelihood.LogDensity(NoisedScore.Of law, law.Noised 20.0, samples, 20.0, 0.1, 1e-8, 1, 4UL, 1)

        for s in 0..19 do
            let expected = (logDensity (law.Noised 0.1) [| samples[s] |])[0]
            Assert.InRange(found[s].Value - expected, -1e-3, 1e-3)

[<Fact>]
let ``Hutchinson's trace has no bias where unknowns know each other`` () =
    let law =
        GaussianMixture.OfVector([| 1.0; 2.0 |], [| struct (1.0, [| 0.0; 1.0 |], array2D [ [ 1.0; 0.6 ]; [ 0.6; 0.8 ] ]) |])

    let grid = ring 8

    let field =
        GaussianMixture.OfField(
            grid,
            [|
                struct (1.0, 1.0, Array.init 8 (fun k -> 8.0 / (1.0 + float (min k (grid.Conjugate k)))))
            |]
        )

    for law in [ law; field ] do
        let samples = (law.Noised 0.1).Samples(1, 3UL)

        let found =
            FlowLikelihood.LogDensity(NoisedScore.Of law, law.Noised 10.0, samples, 10.0, 0.1, 1e-4, 64, 4UL, 2)

        let expected = logDensity (law.Noised 0.1) samples
        Assert.True(found[0].StandardError > 1e-3)
        Assert.InRange((found[0].Value - expected[0]) / found[0].StandardError, -chance, chance)

// Statistics

let private normals seed count rows =
    Array.init count (fun s -> Array.init rows (fun i -> Draw.Normal(seed, 99UL, int64 s, int64 i)))

[<Fact>]
let ``The energy distance of equal sets is zero, and its p-value the largest`` () =
    let x = normals 1UL 40 3
    let e = EnergyDistance.Between(x, Array.rev x, null, 99, 3UL)
    Assert.InRange(e.Value, -1e-6, 1e-6)
    Assert.Equal(1.0, e.PValue)

[<Fact>]
let ``The energy distance of two points is that of the formula`` () =
    // Two samples each: 2 · (3 + 5 + 1 + 3)/4 − 2 · 2/4 − 2 · 2/4.
    let e =
        EnergyDistance.Between([| [| 0.0 |]; [| 2.0 |] |], [| [| 3.0 |]; [| 5.0 |] |], null, 9, 3UL)

    Assert.Equal(2.0 * (3.0 + 5.0 + 1.0 + 3.0) / 4.0 - 1.0 - 1.0, e.Value, 1e-5)

[<Fact>]
let ``The p-value by permutation is uniform under the null hypothesis, and small where the laws differ`` () =
    let runs = 200

    let p =
        Array.init runs (fun run ->
            EnergyDistance.Between(normals (uint64 (2 * run)) 15 2, normals (uint64 (2 * run + 1)) 25 2, null, 99, uint64 run).PValue)
        |> Array.sort

    // Kolmogorov's distance, exceeded once in 10,000 times; 0.01 for the hundred values that p can take.
    let distance =
        Seq.max (
            seq {
                for i in 0 .. runs - 1 do
                    abs (p[i] - float (i + 1) / float runs)
                    abs (p[i] - float i / float runs)
            }
        )

    Assert.InRange(distance, 0.0, 2.23 / sqrt (float runs) + 0.01)
    let moved = normals 2UL 40 2 |> Array.map (Array.map (fun v -> v + 1.0))
    Assert.Equal(0.01, EnergyDistance.Between(normals 1UL 40 2, moved, null, 99, 3UL).PValue, 1e-12)

[<Fact>]
let ``The sliced Wasserstein distance is zero between equal sets, and the shift on a line`` () =
    let x = normals 1UL 300 1
    Assert.Equal(0.0, SlicedWasserstein.Between(x, Array.rev x, null, 8, 3UL).Value)
    let moved = x |> Array.map (Array.map (fun v -> v + 0.75))
    Assert.Equal(0.75 / 2.0, SlicedWasserstein.Between(x, moved, [| 2.0 |], 8, 3UL).Value, 1e-9)

[<Fact>]
let ``Cumulants, density and quantiles of a set are those of its law`` () =
    // The exponential law: cumulants 1, 1, 2, 6; quantile −ln(1 − p).
    let values =
        Array.init 20_000 (fun s -> [| -log(Draw.Uniform(7UL, 99UL, int64 s, 0L)) |])

    let set = SampleSet(values, values.Length, null)

    for expected, got in Seq.zip [ 1.0; 1.0; 2.0; 6.0 ] (set.Cumulants 0) do
        Assert.InRange((got.Value - expected) / got.StandardError, -chance, chance)

    let p = [| 0.1; 0.5; 0.9 |]
    let q = set.Quantiles(0, p)

    for i in 0..2 do
        Assert.InRange((q.Values[i] + log (1.0 - p[i])) / q.StandardError[i], -chance, chance)

    let density = set.Density(0, 0.0, 4.0, 8)

    for i in 0..7 do
        let a, b = float i / 2.0, float (i + 1) / 2.0
        Assert.InRange((density.Values[i] - (exp -a - exp -b) / 0.5) / density.StandardError[i], -chance, chance)

[<Fact>]
let ``Correlations and spectrum of fields are those of their power`` () =
    let grid = Grid([| 8; 4 |], [| 2.0; 1.0 |])
    let k = grid.Wavevectors()

    let power =
        Array.init 32 (fun mode -> 32.0 / (1.0 + k[mode].[0] * k[mode].[0] + k[mode].[1] * k[mode].[1]))

    let law = GaussianMixture.OfField(grid, [| struct (1.0, 3.0, power) |])
    let set = SampleSet(law.Samples(4_000, 3UL), 4_000, grid)

    let correlation (x: float) (y: float) =
        (Array.zip k power |> Array.sumBy (fun (k, p) -> p * cos (k[0] * x + k[1] * y))) / Array.sum power

    let along = set.AlongFirstAxis()

    for i in 1..4 do
        Assert.Equal(0.25 * float i, along.X[i], 1e-12)
        Assert.InRange((along.Values[i] - correlation along.X[i] 0.0) / along.StandardError[i], -chance, chance)

    // √2/4 is the diagonal neighbour, and nothing else.
    let over = set.OverDistance()
    let diagonal = over.X |> Array.findIndex (fun x -> abs (x - 0.25 * sqrt 2.0) < 1e-9)
    Assert.InRange((over.Values[diagonal] - correlation 0.25 0.25) / over.StandardError[diagonal], -chance, chance)
    let spectrum = set.Spectrum()
    let width = Math.PI
    Assert.InRange(Seq.sum spectrum.Values * width / (Array.sum power / 1024.0), 0.95, 1.05)

[<Fact>]
let ``Members that last are one block: standard errors know it`` () =
    // Every member is one number repeated.
    let members, times = 40, 50

    let values =
        Array.init (members * times) (fun s -> [| Draw.Normal(3UL, 99UL, int64 (s / times), 0L) |])

    let set = SampleSet(values, members, null)
    let mean = (set.Cumulants 0)[0]
    let known = mean.StandardError
    Assert.InRange(known, 0.10, 0.22) // 1/√40
    Assert.Equal<float[][]>(Array.init members (fun m -> values[m * times]), set.Thinned 1)

[<Fact>]
let ``Stein residuals vanish for the true score at every noise level, and show a wrong one`` () =
    let grid = ring 8

    let field =
        GaussianMixture.OfField(
            grid,
            [|
                struct (0.4, -1.0, Array.create 8 2.0)
                struct (0.6, 1.0, Array.create 8 4.0)
            |]
        )

    let scalars =
        GaussianMixture.OfVector([| 1.0; 2.0 |], [| struct (1.0, [| 0.0; 1.0 |], array2D [ [ 1.0; 0.6 ]; [ 0.6; 0.8 ] ]) |])

    for law in [ field; scalars ] do
        let data = SampleSet(law.Samples(2_000, 3UL), 2_000, law.Grid)

        for sigma in [ 0.1; 1.0 ] do
            for r in SteinTest.Residuals(NoisedScore.Of law, data, sigma, 5UL, 2) do
                Assert.True(abs r.Z < chance, $"{r}")

            let scale: float[] | null =
                match law.Grid with
                | null -> law.Scale
                | _ -> null

            let wrong =
                NoisedScore(law.Rows, law.Grid, scale, 0.0, infinity, (fun s -> law.CreateScore(1.5 * s + 0.3)))

            Assert.Contains(SteinTest.Residuals(wrong, data, sigma, 5UL, 2), (fun (r: SteinResidual) -> abs r.Z > 10.0))

// Messages

[<Fact>]
let ``Samplers say what is wrong with their arguments`` () =
    let law = diagonal [| 0.0 |] [| 1.0 |]
    let score = NoisedScore.Of law

    let limited =
        NoisedScore(1, null, [| 1.0 |], 0.1, 2.0, (fun s -> law.CreateScore s))

    let from (score: NoisedScore) (sampler: Sampler) (levels: float[]) count () =
        GenerativeSampling.Draw(score, law, sampler, levels, count, 1UL, 1)

    let euler = Sampler.ReverseEuler()
    fails [ "noise levels that fall"; "got 2 after 1 at place 1" ] (from score euler [| 1.0; 2.0 |] 4)
    fails [ "at least 2, got 1" ] (from score euler [| 1.0 |] 4)
    fails [ "positive noise levels"; "got 0 at place 1" ] (from score euler [| 1.0; 0.0 |] 4)
    fails [ "between 0.1 and 2"; "got 0.1 to 5"; "train to a larger level" ] (from limited euler [| 5.0; 0.1 |] 4)
    fails [ "at least one sample, got 0" ] (from score euler [| 1.0; 0.1 |] 0)
    fails [ "tolerance between 0 and 1, got 2" ] (from score (Sampler.ProbabilityFlow 2.0) [| 1.0; 0.1 |] 4)
    fails [ "corrections ≥ 0" ] (from score (Sampler.PredictorCorrector -1) [| 1.0; 0.1 |] 4)
    fails [ "even a Gaussian diverges, got 3 of 5" ] (from score (Sampler.Langevin(3, 5.0)) [| 1.0; 0.1 |] 4)

    fails [ "a starting law of 2 rows" ] (fun () ->
        GenerativeSampling.Draw(NoisedScore.Of(diagonal [| 0.0; 0.0 |] [| 1.0; 1.0 |]), law, euler, [| 1.0; 0.1 |], 4, 1UL, 1))

    let broken =
        NoisedScore(1, null, [| nan |], 0.0, infinity, (fun s -> law.CreateScore s))

    fails [ "expected finite values, got NaN or infinity"; "take more steps" ] (from broken euler [| 1.0; 0.1 |] 4)

    fails
        [ "to reach noise level 0.1, got no further than 1"; "take a larger tolerance" ]
        (from broken (Sampler.ProbabilityFlow 1e-3) [| 1.0; 0.1 |] 4)

[<Fact>]
let ``Statistics and mixtures say what is wrong with their arguments`` () =
    let x = normals 1UL 4 2
    fails [ "at least two samples of each law, got 1 and 4" ] (fun () -> EnergyDistance.Between(x[..0], x, null, 9, 1UL))
    fails [ "at least one permutation" ] (fun () -> EnergyDistance.Between(x, x, null, 0, 1UL))
    fails [ "samples of 2 numbers each" ] (fun () -> EnergyDistance.Between(x, normals 1UL 4 3, null, 9, 1UL))
    fails [ "at least two directions" ] (fun () -> SlicedWasserstein.Between(x, x, null, 1, 1UL))
    fails [ "two independent blocks"; "got 1 blocks of 4 samples" ] (fun () -> SampleSet(x, 1, null))
    fails [ "2 finite numbers in every sample"; "sample 4" ] (fun () -> SampleSet(Array.append x [| [| nan; 0.0 |] |], 5, null))
    fails [ "at least one component" ] (fun () -> GaussianMixture.OfVector([| 1.0 |], [||]))
    fails [ "positive weights, got 0 in component 0" ] (fun () -> line [ 0.0, 0.0, 1.0 ])
    fails [ "negative direction" ] (fun () -> line [ 1.0, 0.0, -1.0 ])
    fails [ "variance in every direction"; "above 0" ] (fun () -> (line [ 1.0, 0.0, 0.0 ]).CreateScore 0.0)
    fails [ "one power ≥ 0 for each of the 4 modes" ] (fun () -> GaussianMixture.OfField(ring 4, [| struct (1.0, 0.0, [| 1.0 |]) |]))
    fails [ "a noise level above 0" ] (fun () -> MixtureFit.OfVectors([| 1.0; 1.0 |], x, 0.0, 1, 1UL))

    fails [ "samples and at least one probe" ] (fun () ->
        FlowLikelihood.LogDensity(NoisedScore.Of(diagonal [| 0.0 |] [| 1.0 |]), diagonal [| 0.0 |] [| 1.0 |], [||], 1.0, 0.1, 1e-3))

// The words, and whole runs

[<Fact>]
let ``The words of generative sampling say what is wrong with their arguments`` () =
    let u = scalar "u"
    fails [ "reverseEuler: expected at least 1, got 0" ] (fun () -> reverseEuler 0)
    fails [ "reverseHeun: expected at least 1, got -3" ] (fun () -> reverseHeun -3)

    fails
        [
            "probabilityFlow: expected a tolerance between 0 and 1, got 1"
            "probabilityFlow 1e-3"
        ]
        (fun () -> probabilityFlow 1.0)

    fails [ "predictorCorrector: expected at least 0, got -1" ] (fun () -> predictorCorrector 3 -1)
    fails [ "langevin: expected at least 1, got 0" ] (fun () -> langevin 0)
    fails [ "drawing: expected at least 64, got 10" ] (fun () -> reverseHeun 4 |> drawing 10)
    fails [ "fromNoise: expected a positive number, got 0" ] (fun () -> reverseHeun 4 |> fromNoise 0.0)
    fails [ "startingFrom: expected at least 1, got 0" ] (fun () -> reverseHeun 4 |> startingFrom 0)
    fails [ "an estimator with a score, got propagator" ] (fun () -> propagator |> generating (langevin 10))
    fails [ "an estimator with a score, got dynamical" ] (fun () -> dynamical (pairs 2) |> generating (langevin 10))

    fails
        [
            "langevin for exact score, whose score has no noise levels, got reverse equation, Heun, 4 steps"
            "generating (langevin 2000)"
        ]
        (fun () -> exactOf [ -u ] |> generating (reverseHeun 4))

let private found (outcome: Outcome) label =
    outcome.Generated |> List.find (fun g -> g.Estimator = label)

let private near (n: ComparedNumber) =
    let error = sqrt (n.Data.StandardError ** 2.0 + n.Generated.StandardError ** 2.0)
    Assert.True(abs (n.Data.Value - n.Generated.Value) < chance * error + 0.01 * abs n.Data.Value, $"{n}")

[<Fact>]
let ``Samples of a linear field are those of its ensemble, by every sampler, and stand in every file`` () =
    let u = field "u" (torus (2.0 * pi) 8)

    let by sampler name =
        gaussian |> generating (sampler |> drawing 1024) |> named name

    let outcome =
        runAlone (
            experiment "generated, linear" {
                system (ddt u == 0.1 * lap u - u)
                noise (perSite 1.0)
                step (eulerMaruyama 0.05)
                sample (members 64 |> spinUp 5.0 |> lasting 40.0 |> every 1.0)
                perturb (kick u (pixel 0 0))
                observe [ u ]
                lags 2.0

                estimate [
                    by (reverseHeun 40) "Heun"
                    by (probabilityFlow 1e-3) "flow"
                    by (langevin 100) "Langevin"
                ]

                seed 3
            }
        )

    Assert.Equal(3, outcome.Generated.Length)

    for label in [ "Heun"; "flow"; "Langevin" ] do
        let g = found outcome label
        Assert.Equal(1024, g.Samples.Length)
        Assert.Equal(64, g.Samples[0].Length)

        for n in g.Numbers do
            if Double.IsFinite n.Data.StandardError && not (n.Of.Contains "peak") then
                near n

        Assert.True(g.Energy.PValue > 1e-3, $"{g.Energy}")
        Assert.Equal(4, g.Snapshots.Length)
        Assert.Contains(g.Curves, (fun c -> c.Of = "correlation along x" && c.Largest < 0.05))
        // Half an hour of chance: 18 residuals at 4.5 standard errors.
        for s in g.Stein do
            Assert.True(abs s.Z < chance, $"{s}")

    let heun = found outcome "Heun"
    near heun.LogLikelihood.Value
    Assert.True((fst heun.Start.Value).PValue > 1e-3)
    let json = Charting.Json.toString (ReportFiles.result outcome)
    Assert.Contains("\"generated\":[{\"estimator\":\"Heun\"", json)
    Assert.Contains("\"slicedWassersteinOfData\"", json)
    let page = ReportPage.html outcome
    Assert.Contains("Generated samples", page)
    Assert.Contains("quantiles against quantiles of u", page)

[<Fact>]
let ``Samples of a bimodal scalar unknown fall into both wells as often as its ensemble`` () =
    let x = scalar "x"

    let outcome =
        runAlone (
            experiment "generated, two wells" {
                system (ddt x == x - cube x)
                noise (perSite 0.7)
                step (eulerMaruyama 0.05)
                sample (members 128 |> spinUp 20.0 |> lasting 200.0 |> every 1.0)
                perturb (push x)
                observe [ x ]
                lags 2.0

                estimate [
                    learned (mlp |> steps 300 |> trainedOn (songSchedule 0.05 4.0))
                    |> generating (reverseHeun 40 |> drawing 2048)
                    exactOf [ 2.0 / 0.49 * (x - cube x) ] |> generating (langevin 1000 |> drawing 2048)
                ]

                seed 3
            }
        )

    for label in [ "learned"; "exact score" ] do
        let g = found outcome label
        Assert.True(g.Energy.PValue > 1e-3, $"{label}: {g.Energy}")
        Assert.True(g.Wasserstein.Value < 0.15, $"{label}: {g.Wasserstein}")
        let variance = g.Numbers |> List.find (fun n -> n.Of = "variance of x")
        Assert.InRange(variance.Generated.Value / variance.Data.Value, 0.9, 1.1)
        // The Gaussian of the same variance has no fourth cumulant; this law has one of −2 ⟨x²⟩² or so.
        let fourth = g.Numbers |> List.find (fun n -> n.Of = "fourth cumulant of x")
        Assert.InRange(fourth.Generated.Value / fourth.Data.Value, 0.8, 1.2)
