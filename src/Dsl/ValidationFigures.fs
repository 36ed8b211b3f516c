/// The figures of generated samples beside the data.
module internal Leith.ValidationFigures

open System
open Leith.Charting
open Leith.Core
open Leith.StatisticsFigures

let private both (c: ComparedCurve) =
    Chart.combine (banded "data" blue "solid" c.Data @ banded "generated" vermillion "dash" c.Generated)
    |> Chart.withLayout named

/// Where both have something.
let private cut (c: ComparedCurve) =
    let known =
        Array.map2 (fun a b -> a > 0.0 || b > 0.0) c.Data.Values c.Generated.Values

    match Array.IndexOf(known, true), Array.LastIndexOf(known, true) with
    | first, last when first >= 0 ->
        let part (m: MeasuredCurve) =
            MeasuredCurve(m.X[first..last], m.Values[first..last], m.StandardError[first..last])

        {
            c with
                Data = part c.Data
                Generated = part c.Generated
        }
    | _ -> c

/// Quantiles against quantiles; on the diagonal both laws are one.
let private quantiles (c: ComparedCurve) =
    let ends = [| Array.head c.Data.Values; Array.last c.Data.Values |]

    let error =
        Array.map2 (fun a b -> 2.0 * sqrt (a * a + b * b)) c.Data.StandardError c.Generated.StandardError

    Chart.combine [
        Chart.Range(
            c.Data.Values,
            Array.map2 (-) c.Generated.Values error,
            Array.map2 (+) c.Generated.Values error,
            "quantiles",
            ReportFigures.translucent vermillion 0.18
        )
        Chart.Line(ends, ends, "equal", "#8a8a85", "dot", 1.6)
        Chart.Scatter(c.Data.Values, c.Generated.Values, "quantiles", vermillion, 4.0)
    ]
    |> Chart.withXAxisStyle "data"
    |> Chart.withYAxisStyle "generated"

/// The figure of one statistic, by its name.
let curve (c: ComparedCurve) =
    if c.Of.StartsWith "density" then
        both (cut c)
        |> Chart.withXAxisStyle (c.Of.Replace("density of ", ""))
        |> Chart.withYAxisStyle "density"
        |> Chart.withLayout (Members [ "yaxis", Members [ "rangemode", Text "tozero" ] ])
    elif c.Of.StartsWith "quantiles" then
        quantiles c
    elif c.Of = "spectrum" then
        let pick (m: MeasuredCurve) =
            let shown =
                [| 0 .. m.X.Length - 1 |] |> Array.filter (fun i -> m.X[i] > 0.0 && m.Values[i] > 0.0)

            let at (v: float[]) = shown |> Array.map (fun i -> v[i])
            MeasuredCurve(at m.X, at m.Values, Array.create shown.Length nan)

        both {
            c with
                Data = pick c.Data
                Generated = pick c.Generated
        }
        |> Chart.withXAxisStyle ("|k|", Log = true)
        |> Chart.withYAxisStyle ("variance per unit |k|", Log = true)
        |> Chart.withLayout (
            Members [
                "xaxis", Members [ "dtick", Number 1.0 ]
                "yaxis", Members [ "dtick", Number 1.0; "exponentformat", Text "power" ]
            ]
        )
    else
        both c |> Chart.withXAxisStyle "distance" |> Chart.withYAxisStyle "correlation"
    |> Chart.withTitle (
        if c.Of = "correlation" then
            "correlation over all distances"
        elif c.Of.StartsWith "quantiles" then
            c.Of.Replace("quantiles", "quantiles against quantiles")
        else
            c.Of
    )

let private measured (m: Measurement) =
    Digest.measured
        m.Value
        (if Double.IsFinite m.StandardError then
             Some m.StandardError
         else
             None)

/// Name, data, generated and their difference in standard errors.
let numbers (g: Generated) = [
    for n in g.Numbers @ Option.toList g.LogLikelihood ->
        let error = sqrt (n.Data.StandardError ** 2.0 + n.Generated.StandardError ** 2.0)
        let difference = n.Generated.Value - n.Data.Value

        [
            n.Of
            measured n.Data
            measured n.Generated
            Digest.number difference
            (if error > 0.0 && Double.IsFinite error then
                 $"{difference / error:F1}"
             else
                 "–")
        ]
]

/// Test field and unknown, then a residual with its z-score for every noise level.
let stein (g: Generated) (names: string list) =
    let levels = g.Stein |> List.map _.Sigma |> List.distinct

    let title (s: SteinResidual) =
        if names.Length > 1 then
            $"{s.Field} of {names[s.Row]}"
        else
            s.Field

    let rows = g.Stein |> List.map title |> List.distinct

    "test field g" :: (levels |> List.map (fun l -> $"#σ = {Digest.number l}")),
    rows
    |> List.map (fun row ->
        row
        :: (levels
            |> List.map (fun level ->
                let s = g.Stein |> List.find (fun s -> s.Sigma = level && title s = row)
                $"{Digest.number s.Value} (z = {s.Z:F1})" + (if abs s.Z > 3.0 then " ✗" else ""))))

/// One line a statistic: the distances of both laws.
let distances (g: Generated) = [
    "energy distance",
    $"{Digest.number g.Energy.Value}, p = {Digest.number g.Energy.PValue} by permutation ({g.Energy.First} samples of the data, {g.Energy.Second} generated)"
    match g.Start with
    | Some(distance, components) ->
        "initialisation",
        $"at σ = {Digest.number (fst g.Levels)} the start, a mixture of {components} Gaussians, is {Digest.number distance.Value} from the noised data, p = {Digest.number distance.PValue}"
    | None -> ()
    "sliced Wasserstein-1 distance",
    $"{Digest.number g.Wasserstein.Value} standard deviations; two halves of the data are {Digest.number g.WassersteinOfData.Value} apart"
    for c in g.Curves do
        if c.Of.StartsWith "correlation" || c.Of.StartsWith "density" then
            c.Of, $"largest difference {Digest.number c.Largest}"
    yield! g.Notes |> List.map (fun note -> "note", note)
]
