/// Observables that are statistics of the law: events, quantiles, cumulants, the density. A linear system answers all of them in closed form.
module Leith.Tests.StatisticObservables

open System
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private x = scalar "x"
let private gamma, sigma = 0.8, 0.9
let private deviation = sigma / sqrt (2.0 * gamma)

let private normal (v: float) =
    exp (-v * v / (2.0 * deviation * deviation)) / (deviation * sqrt (2.0 * Math.PI))

/// dx = −γ x dt + σ dW, pushed once: the law moves by e^{−γt} as a whole.
let private linear observe = {
    Title = "statistics"
    Source = Source.Simulated([ ddt x == -gamma * x ], perSite sigma, weakSecondOrder 0.05, members 64 |> spinUp 10.0 |> lasting 2000.0 |> every 0.5)
    Perturb = push x
    Forcing = Forcing.Impulse
    Observe = observe
    Lags = 2.0
    Estimate = [ exactOf [ -2.0 * gamma / sigma ** 2.0 * x ] ]
    Check = []
    Seed = 11
}

/// About 200 numbers are compared, each at 4.5 standard errors: a false alarm in a thousand sets of seeds.
let private agrees name (expected: float) (value: float) (error: float) =
    Assert.True(abs (value - expected) <= 4.5 * error + 1e-12, $"{name}: {value} ± {error}, expected {expected}")

[<Fact>]
let ``Quantiles, events, cumulants and the density of a linear system answer as its law moves`` () =
    let p, level, bins = 0.9, 0.5, 12

    let outcome =
        runAlone (
            linear [
                x
                quantile p x
                above level x
                below level x
                cumulant 1 x
                cumulant 2 x
                cumulant 3 x
                cumulant 4 x
                square (reduced x)
                2.0 * deviation * reduced (3.0 - 2.0 * x)
                density bins x
            ]
        )

    let r = outcome.Responses.Head
    Assert.Equal(10, r.Components.Length)
    Assert.Equal(bins, outcome.Responses[1].Components.Length)
    Assert.Equal("density of x", outcome.Responses[1].Observable)
    let errors = r.StandardError.Value

    for lag in 0 .. r.Lags.Length - 1 do
        let decay = exp (-gamma * r.Lags[lag])

        let expected = [
            decay
            decay
            normal level * decay
            -normal level * decay
            decay
            0.0
            0.0
            0.0
            0.0
            // reduced by 2 deviations, those of the record
            -2.0 * decay
        ]

        expected
        |> List.iteri (fun i value -> agrees $"{r.Components[i]} at {r.Lags[lag]}" value r.Values[i].[lag] errors[i].[lag])

        // a threshold from above and from below is the same one
        Assert.Equal(-r.Values[2].[lag], r.Values[3].[lag], 1e-9)

    let d = outcome.Densities.Head
    Assert.Equal(bins + 1, d.Edges.Length)
    let width = d.Edges[1] - d.Edges[0]

    for lag in 0 .. d.Lags.Length - 1 do
        let decay = exp (-gamma * d.Lags[lag])

        for bin in 0 .. bins - 1 do
            // −∂ρ/∂x averaged over a bin
            let expected = -(normal d.Edges[bin + 1] - normal d.Edges[bin]) / width * decay

            agrees $"density, bin {bin}, lag {d.Lags[lag]}" expected d.Values[bin].[lag] d.StandardError.Value[bin].[lag]

        // what leaves a bin arrives in another, but for the ends, which hold 4 in 10,000
        let total = width * (d.Values |> Array.sumBy (fun curve -> curve[lag]))
        Assert.InRange(total, -0.01, 0.01)

[<Fact>]
let ``The cumulants' answers are those of moments about a mean that moves`` () =
    // δκ₂ and δκ₃ from δ⟨x⟩, δ⟨x²⟩, δ⟨x³⟩ of a skewed observable
    let y = exp (0.5 * x)

    let outcome = runAlone (linear [ y; square y; cube y; cumulant 2 y; cumulant 3 y ])

    let r = outcome.Responses.Head
    let k = 0.5 * deviation
    // moments of the lognormal law
    let moment n = exp (n * n * k * k / 2.0)
    let m1, m2 = moment 1.0, moment 2.0

    for lag in 0 .. r.Lags.Length - 1 do
        let raw i = r.Values[i].[lag]
        let second = raw 1 - 2.0 * m1 * raw 0

        let third = raw 2 - 3.0 * m1 * raw 1 - 3.0 * m2 * raw 0 + 6.0 * m1 * m1 * raw 0

        let allowed i =
            0.3 * r.StandardError.Value[i].[lag] + 1e-3

        Assert.InRange(r.Values[3].[lag] - second, -allowed 3, allowed 3)
        Assert.InRange(r.Values[4].[lag] - third, -allowed 4, allowed 4)

[<Fact>]
let ``A field's quantile answers where it is kicked`` () =
    let u = field "u" (ring 6.0 8)

    let outcome =
        runAlone {
            linear [] with
                Source =
                    Source.Simulated([ ddt u == -gamma * u ], perSite sigma, exponential 0.5, members 64 |> spinUp 10.0 |> lasting 500.0 |> every 0.5)
                Perturb = kick u (site [ 0 ])
                Observe = [ quantile 0.8 u; density 4 u ]
                Estimate = [ exact (-2.0 * gamma / sigma ** 2.0 * u) ]
        }

    Assert.Equal(5, outcome.Responses.Length)
    let r = outcome.Responses.Head

    for lag in 0 .. r.Lags.Length - 1 do
        let decay = exp (-gamma * r.Lags[lag])

        for site in 0..7 do
            agrees $"site {site}" (if site = 0 then decay else 0.0) r.Values[site].[lag] r.StandardError.Value[site].[lag]

[<Fact>]
let ``Cumulants answer a periodic forcing, by pairs of runs as by the exact score`` () =
    let outcome =
        runAlone {
            linear [ cumulant 1 x; cumulant 2 x ] with
                Forcing = Forcing.Periodic [ 0.5; 1.5 ]
                Lags = 8.0
                Estimate = dynamical (pairs 512) :: (linear [ x ]).Estimate
        }

    for r in outcome.Responses do
        Assert.Equal<string list>([ "Re κ1(x)"; "Im κ1(x)"; "Re κ2(x)"; "Im κ2(x)" ], List.ofArray r.Components)

        for i, omega in [ 0, 0.5; 1, 1.5 ] do
            // χ = 1/(γ − iω); the spacing of lags and what is left of the transient make less than 4 %
            let size = gamma * gamma + omega * omega

            for part, exact in [ 0, gamma / size; 1, omega / size; 2, 0.0; 3, 0.0 ] do
                let error = r.StandardError.Value[part].[i]

                Assert.True(
                    abs (r.Values[part].[i] - exact) <= 4.5 * error + 0.04,
                    $"{r.Estimator}, {r.Components[part]}, ω = {omega}: {r.Values[part].[i]} ± {error}, exact {exact}"
                )

let private refused (phrases: string list) observe =
    let error =
        Assert.Throws<LeithException>(fun () -> runAlone (linear observe) |> ignore)

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

[<Fact>]
let ``Tails without events are refused with their number`` () =
    refused [ "expected at least 100 events"; "got about 0 of"; "sample for longer" ] [ above (12.0 * deviation) x ]
    refused [ "expected at least 100 values beyond the quantile 0.99999"; "got about" ] [ quantile 0.99999 x ]

[<Fact>]
let ``Words of statistics refuse what has no meaning`` () =
    let fails phrase (make: unit -> Field) =
        Assert.Contains(phrase, Assert.Throws<LeithException>(fun () -> make () |> ignore).Message)

    fails "quantile: expected a probability between 0 and 1, got 1" (fun () -> quantile 1.0 x)
    fails "cumulant: expected an order from 1 to 4, got 5" (fun () -> cumulant 5 x)
    fails "density: expected 2 to 200 bins, got 1" (fun () -> density 1 x)
    fails "above: expected a finite number" (fun () -> above nan x)
    fails "moments: expected an order of at least 1" (fun () -> moments 0 x |> List.head)
    fails "derivative: expected a smooth expression" (fun () -> Derivatives.tangent [ x, number 1.0 ] (above 1.0 x))
    refused [ "quantiles, cumulants and densities on their own" ] [ 2.0 * quantile 0.5 x ]

    let drift = {
        linear [ x ] with
            Perturb = pushAlong [ x, reduced x ]
    }

    Assert.Contains("a statistic of its law", Assert.Throws<LeithException>(fun () -> Experiment.validate drift).Message)

[<Fact>]
let ``Expressions, events and quantiles of a recording answer as those of an ensemble do`` () =
    // x ← φ x + noise: a Gaussian law that a push of x moves as a whole
    let phi, samples = 0.9, 200_000
    let random = Random 5

    let normal () =
        sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

    let mutable state = 0.0

    let series =
        Array.init samples (fun _ ->
            state <- phi * state + sqrt (1.0 - phi * phi) * normal ()
            state)

    let path = IO.Path.GetTempFileName() + ".csv"

    IO.File.WriteAllLines(
        path,
        "x"
        :: [
            for v in series -> v.ToString("R", Globalization.CultureInfo.InvariantCulture)
        ]
    )

    try
        let data = recording path
        let c = column data 0

        let outcome =
            runAlone {
                linear [ c; square c; quantile 0.8 c; above 0.3 c ] with
                    Source = Source.Recorded data
                    Perturb = push c
                    Lags = 4.0
                    Estimate = [ gaussian; libraryOf [ c; cube c ]; robust gaussian (polynomials 3) ]
            }

        Assert.Equal(3, outcome.Responses.Length)

        let standard v =
            exp (-v * v / 2.0) / sqrt (2.0 * Math.PI)

        for r in outcome.Responses do
            for lag in 0..4 do
                let decay = phi ** float lag

                for i, expected in [ 0, decay; 1, 0.0; 2, decay; 3, standard 0.3 * decay ] do
                    agrees $"{r.Estimator}, {r.Components[i]} at {lag}" expected r.Values[i].[lag] (r.StandardError.Value[i].[lag] + 1e-3)
    finally
        IO.File.Delete path
