/// The figures of the stationary law of an unknown.
module internal Leith.StatisticsFigures

open System
open Leith.Charting
open Leith.Core

let blue, vermillion = "#0072B2", "#D55E00"

/// A curve with its band of ±2 standard errors; "solid" and its like as dashes.
let banded name color dash (c: MeasuredCurve) = [
    let edge sign =
        Array.map2 (fun v e -> v + sign * 2.0 * e) c.Values c.StandardError

    if c.StandardError |> Array.exists Double.IsFinite then
        Chart.Range(c.X, edge -1.0, edge 1.0, name, ReportFigures.translucent color 0.18)

    Chart.Line(c.X, c.Values, name, color, dash, 1.9)
]

// Two curves need names; one is named by the title. Colours of the figures' own legend, not of the estimators.
let named = Chart.LegendOnTop [ "font", Members [ "size", Number 11.0 ] ]

let private untilSmall (c: MeasuredCurve) =
    // Tails that hold a millionth of the highest bin are left out of the picture, not of the numbers.
    let highest = Array.max c.Values
    let known = c.Values |> Array.map (fun v -> v > 1e-6 * highest)
    let first, last = Array.IndexOf(known, true), Array.LastIndexOf(known, true)

    MeasuredCurve(c.X[first..last], c.Values[first..last], c.StandardError[first..last])

/// The density, and the Gaussian one of the same mean and variance.
let density (s: Statistics) =
    let shown = untilSmall s.Density
    let mean, deviation = s.Mean.Value, s.StandardDeviation.Value

    let normal =
        shown.X
        |> Array.map (fun x -> exp (-(x - mean) * (x - mean) / (2.0 * deviation * deviation)) / (deviation * sqrt (2.0 * Math.PI)))

    Chart.combine (Chart.Line(shown.X, normal, "Gaussian", "#8a8a85", "dot", 1.6) :: banded s.Of blue "solid" shown)
    |> Chart.withTitle "Probability density"
    |> Chart.withXAxisStyle s.Of
    |> Chart.withYAxisStyle ("density", Log = false)
    |> Chart.withLayout named
    |> Chart.withLayout (Members [ "yaxis", Members [ "rangemode", Text "tozero" ] ])

/// Autocorrelation at one site and of the spatial mean.
let autocorrelation outcome (s: Statistics) =
    Chart.combine [
        yield! s.Autocorrelation |> Option.map (banded "one site" blue "solid") |> Option.defaultValue []
        yield!
            s.MeanAutocorrelation
            |> Option.filter (fun c -> c.Values |> Array.exists Double.IsFinite)
            |> Option.map (banded "spatial mean" vermillion "dash")
            |> Option.defaultValue []
    ]
    |> Chart.withTitle "Autocorrelation in time"
    |> Chart.withXAxisStyle (ReportFigures.lagTitle outcome)
    |> Chart.withYAxisStyle "correlation"
    |> Chart.withLayout named

/// Correlation of two sites along each axis.
let twoPoint (s: Statistics) =
    let pens = [ blue, "solid"; vermillion, "dash"; "#009E73", "dot" ]

    Chart.combine [
        for (axis, c), (color, dash) in List.zip s.TwoPoint (List.truncate s.TwoPoint.Length pens) do
            yield! banded $"along {axis}" color dash c
    ]
    |> Chart.withTitle "Correlation in space"
    |> Chart.withXAxisStyle "distance"
    |> Chart.withYAxisStyle "correlation"
    |> Chart.withLayout named

/// Variance per unit wavenumber, both axes logarithmic.
let spectrum (c: MeasuredCurve) =
    let positive =
        [| 0 .. c.X.Length - 1 |] |> Array.filter (fun i -> c.X[i] > 0.0 && c.Values[i] > 0.0)

    let pick (values: float[]) =
        positive |> Array.map (fun i -> values[i])

    Chart.Line(pick c.X, pick c.Values, "variance", blue, "solid", 1.9, ShowMarkers = true)
    |> Chart.withTitle "Spectrum"
    |> Chart.withXAxisStyle ("|k|", Log = true)
    |> Chart.withYAxisStyle ("variance per unit |k|", Log = true)
    |> Chart.withLayout (
        Members [
            "xaxis", Members [ "dtick", Number 1.0 ]
            "yaxis", Members [ "dtick", Number 1.0; "exponentformat", Text "power" ]
        ]
    )
