module Leith.Tests.Statistics

open System
open System.IO
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private plan members samples =
    SamplingPlan(members, 0.0, float samples, 1.0)

/// Statistics of scalar unknowns given as [sample][unknown][member].
let private gather members unknowns (samples: float[][][]) =
    let gatherer = OnePoint(unknowns, plan members samples.Length)

    for tile in 0 .. SamplingPlan.TilesFor members - 1 do
        let sink = gatherer.Open tile
        use state = new Tile(unknowns, tile)

        for i, sample in Array.indexed samples do
            for row in 0 .. unknowns - 1 do
                for member' in 16 * tile .. min members (16 * tile + 16) - 1 do
                    let lane = member' % 16
                    (if lane < 8 then state.A else state.B)[row, lane % 8] <- sample[row][member']

            sink.Sample(int64 i, float i, state)

        sink.Finish()

    gatherer.Complete()

let private moments (values: float[]) =
    let mean = Array.average values

    let central power =
        values |> Array.averageBy (fun v -> (v - mean) ** power)

    mean, central 2.0, central 3.0 / central 2.0 ** 1.5, central 4.0 / central 2.0 ** 2.0

let private close (expected: float) (actual: float) =
    abs (actual - expected) <= 1e-9 * (1.0 + abs expected)

/// Values whose scale and place jump from sample to sample, so that bins have to widen.
let private records =
    gen {
        let! members = Gen.elements [ 1; 3; 9; 16; 20; 40; 150 ]
        let! samples = Gen.choose (2, 6)
        let! seed = Gen.choose (1, 1_000_000)
        let! scales = Gen.arrayOfLength samples (Gen.elements [ 1e-3; 1.0; 1.0; 50.0; 4e3 ])
        return members, seed, scales
    }
    |> Arb.fromGen

[<Fact>]
let ``Moments and counted densities are those of the plain lists of values`` () =
    let agrees (members, seed, scales: float[]) =
        let samples =
            scales
            |> Array.mapi (fun i scale ->
                [| 0; 1 |]
                |> Array.map (fun row ->
                    Array.init members (fun m -> 2.0 * float row + scale * NormalStream.Single(uint64 seed, 0u, m, int64 i, row))))

        let found = gather members 2 samples

        [ 0; 1 ]
        |> List.forall (fun row ->
            let values = samples |> Array.collect (fun sample -> sample[row])
            let mean, variance, skewness, kurtosis = moments values
            let s = found[row]
            let density = s.Density()

            let width =
                if density.X.Length > 1 then
                    density.X[1] - density.X[0]
                else
                    0.0

            // A bin [n h, (n + 1) h) holds what lies in it, and h is a power of two: no rounding.
            let counted =
                density.X
                |> Array.map (fun x ->
                    values
                    |> Array.filter (fun v -> Math.Floor(v / width) = Math.Floor(x / width))
                    |> Array.length
                    |> float)

            s.Count = float values.Length
            && close mean s.Mean.Value
            && close variance s.Variance.Value
            && close (sqrt variance) s.StandardDeviation.Value
            && close skewness s.Skewness.Value
            && close kurtosis s.Kurtosis.Value
            && (width = 0.0
                || Array.forall2 (fun n d -> close (n / (float values.Length * width)) d) counted density.Values)
            && (width = 0.0 || close 1.0 (width * Array.sum density.Values))
            && (let back = OnePointStatistics.FromArrays(s.ToArrays())

                back.Kurtosis = s.Kurtosis
                && back.Density().Values = density.Values
                && Array.forall2 (fun (a: float) b -> a.Equals b) (back.Density().StandardError) density.StandardError))

    Check.One(Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(20261124UL, 2403UL), Prop.forAll records agrees)

[<Fact>]
let ``Two values make a kurtosis of 1/(p q) − 3 and two peaks; one value has none`` () =
    for share in [ 2; 4 ] do
        // Every share-th member sits at +1, the others at −1.
        let p = 1.0 / float share

        let at member' =
            if member' % share = 0 then 1.0 else -1.0

        let s = (gather 64 1 (Array.init 5 (fun _ -> [| Array.init 64 at |])))[0]
        Assert.Equal(2.0 * p - 1.0, s.Mean.Value, 1e-12)
        Assert.Equal(4.0 * p * (1.0 - p), s.Variance.Value, 1e-12)
        Assert.Equal(1.0 / (p * (1.0 - p)) - 3.0, s.Kurtosis.Value, 1e-10)
        Assert.Equal((1.0 - 2.0 * p) / sqrt (p * (1.0 - p)), s.Skewness.Value, 1e-10)
        let peaks = DensityFeatures.Peaks(s.Density())
        Assert.Equal(2, peaks.Length)

        for struct (place, _), expected in Array.zip peaks [| -1.0; 1.0 |] do
            Assert.Equal(expected, place, 0.1)

        Assert.Equal(0.0, DensityFeatures.At(s.Density(), 0.0).Value)

    let constant = (gather 16 1 (Array.init 3 (fun _ -> [| Array.create 16 5.0 |])))[0]
    Assert.Equal(Measurement(5.0, 0.0), constant.Mean)
    Assert.Equal(0.0, constant.Variance.Value)
    Assert.True(Double.IsNaN constant.Kurtosis.Value)
    Assert.Equal(48.0, constant.Count)

let private run' (experiment: Experiment) : Outcome =
    let folder = Directory.CreateTempSubdirectory("leith-statistics-").FullName
    Terminal.isQuiet <- true

    let options: Options.Options = {
        Sketch = false
        Out = folder
        Seed = None
        Threads = 2
        Debug = false
        Cache = Some(Path.Combine(folder, "cache"))
        Values = []
    }

    try
        let first = Runner.outcome options experiment
        // The second run takes everything from the cache.
        let again = Runner.outcome options experiment
        Assert.Equal(first.Statistics.Head.Kurtosis, again.Statistics.Head.Kurtosis)
        Assert.Equal<float[]>(first.Statistics.Head.Density.Values, again.Statistics.Head.Density.Values)
        first
    finally
        Directory.Delete(folder, true)

let private within (limit: float) name (expected: float) (m: Measurement) =
    Assert.True(m.StandardError > 0.0, name)
    let z = (m.Value - expected) / m.StandardError
    Assert.True(abs z < limit, $"{name}: expected {expected}, got {m.Value} ± {m.StandardError}, z = {z:F1}")

let private at (c: MeasuredCurve) i =
    Measurement(c.Values[i], c.StandardError[i])

// Standard errors of 32 blocks follow Student's law with 31 degrees of freedom: |t| > 5 comes twice in 100,000 draws, so that the forty values below
// raise a false alarm in fewer than one in a thousand seeds. The seed is fixed.
[<Fact>]
let ``An Ornstein–Uhlenbeck field has its Gaussian law, its spectrum and its correlations`` () =
    let length, points = 6.0, 8
    let u = field "u" (ring length points)
    let sigma = 1.3

    let outcome =
        run' {
            Title = "ring"
            Source =
                Source.Simulated(
                    [ ddt u == -0.8 * u + 0.3 * lap u - 0.7 * dx u ],
                    perSite sigma,
                    exponential 0.25,
                    members 64 |> spinUp 10.0 |> lasting 250.0 |> every 0.25
                )
            Perturb = kick u (site [ 0 ])
            Forcing = Forcing.Impulse
            Observe = [ u ]
            Lags = 2.0
            Estimate = [ gaussian ]
            Check = []
            Seed = 5
        }

    let s = Assert.Single outcome.Statistics
    // Noise σ w at each site: mode k of N has the variance N σ²/(2 r), r = .8 + .3 k², and turns with the advection. Odd derivatives leave the Nyquist mode out.
    let waves = [| for n in 0 .. points - 1 -> if n <= points / 2 then n else n - points |]

    let wavenumber n = 2.0 * Math.PI * float n / length
    let rate n = 0.8 + 0.3 * wavenumber n ** 2.0

    let turning n =
        if n = points / 2 then 0.0 else 0.7 * wavenumber n

    let share n =
        sigma * sigma / (2.0 * rate n) / float points

    let covariance lag x =
        waves
        |> Array.sumBy (fun n -> share n * exp (-(rate n) * lag) * cos (wavenumber n * x - turning n * lag))

    let variance = covariance 0.0 0.0
    let check name expected m = within 5.0 name expected m
    check "mean" 0.0 s.Mean
    check "variance" variance s.Variance
    check "standard deviation" (sqrt variance) s.StandardDeviation
    check "skewness" 0.0 s.Skewness
    check "kurtosis" 3.0 s.Kurtosis

    // In a bin of width h the mean density is φ(x) (1 + h² (z² − 1)/(24 σ²)), a relative change below 2e-4.
    for place in [ -1.0; 0.0; 0.5; 1.5 ] do
        let i = s.Density.X |> Array.findIndex (fun x -> x > place * sqrt variance)
        let x = s.Density.X[i]
        check $"density at {x}" (exp (-x * x / (2.0 * variance)) / sqrt (2.0 * Math.PI * variance)) (at s.Density i)

    check "density at 0" (1.0 / sqrt (2.0 * Math.PI * variance)) s.DensityAtZero
    let place, _ = Assert.Single s.Peaks
    Assert.Equal(0.0, place, 0.15)

    for lag in 1..8 do
        check $"correlation after {lag} samples" (covariance (0.25 * float lag) 0.0 / variance) (at s.Autocorrelation.Value lag)

    let mean = s.MeanAutocorrelation.Value

    for lag in [ 1; 2; 4; 8 ] do
        check $"mean after {mean.X[lag]}" (exp (-0.8 * mean.X[lag])) (at mean lag)

    let axis, correlation = Assert.Single s.TwoPoint
    Assert.Equal("x", axis)

    for i in 1 .. points / 2 do
        Assert.Equal(float i * length / float points, correlation.X[i], 1e-12)
        check $"correlation {i} sites apart" (covariance 0.0 correlation.X[i] / variance) (at correlation i)

    let spectrum = s.Spectrum.Value
    let width = 2.0 * Math.PI / length

    for n in 0 .. points / 2 do
        let expected = (if n = 0 || n = points / 2 then share n else 2.0 * share n) / width

        check $"variance of wave {n}" expected (at spectrum n)

    Assert.Equal(s.Variance.Value, width * Array.sum spectrum.Values, 0.02 * variance)

[<Fact>]
let ``Scalar unknowns have a law each, whatever the number of members`` () =
    let x, y = scalar "x", scalar "y"

    for count in [ 20; 200 ] do
        let outcome =
            run' {
                Title = "two numbers"
                Source =
                    Source.Simulated(
                        [ ddt x == -1.0 * x; ddt y == -0.5 * y ],
                        diagonal [ 1.0; 2.0 ],
                        exponential 0.5,
                        members count |> spinUp 20.0 |> lasting 500.0 |> every 0.5
                    )
                Perturb = push x
                Forcing = Forcing.Impulse
                Observe = [ x ]
                Lags = 2.0
                Estimate = [ gaussian ]
                Check = []
                Seed = 3
            }

        Assert.Equal<string list>([ "x"; "y" ], outcome.Statistics |> List.map _.Of)

        for s, variance in List.zip outcome.Statistics [ 0.5; 4.0 ] do
            // At least thirteen blocks: |t| > 6 comes once in 10,000 draws.
            within 6.0 "variance" variance s.Variance
            within 6.0 "kurtosis" 3.0 s.Kurtosis
            within 6.0 "mean" 0.0 s.Mean
            Assert.Equal(float count * 1000.0, s.Count)
            Assert.True(s.Spectrum.IsNone && s.TwoPoint.IsEmpty)
