/// Bands of a curve: what chance leaves open at each lag, over the whole curve, and what a wrong score may add.
module internal Leith.BandFigures

open System
open Leith.Charting

/// The colour of bounds on the bias, that of no estimator.
let biasColor = "#8A6D3B"

// A bound as wide as the curve is high would hide what it is a bound of: its band waits for a click on the legend.
let private widest = 0.5

let private edges (r: Response) component' (half: float[]) =
    let values = r.Values[component']
    Array.map2 (-) values half, Array.map2 (+) values half

/// Filled: 95 % at each lag.
let pointwise color (r: Response) component' =
    r.BandOf component'
    |> Option.map (fun half ->
        let low, high = edges r component' half
        Chart.Range(r.Lags, low, high, r.Estimator, color))

/// A thin outline: 95 % for the whole curve.
let wholeCurve color (r: Response) component' =
    match r.WholeCurveBand with
    | None -> []
    | Some half ->
        let low, high = edges r component' half[component']

        [ low; high ]
        |> List.map (fun edge ->
            Chart.Line(r.Lags, edge, r.Estimator, color, "solid", 0.7)
            |> Chart.withTraces (Members [ "hoverinfo", Text "skip"; "hovertemplate", Null; "showlegend", Flag false ]))

let private span (r: Response) component' =
    let known = r.Values[component'] |> Array.filter Double.IsFinite

    if known.Length = 0 then
        0.0
    else
        Array.max known - Array.min known

/// Value ± the bound on the bias, with a legend entry of its own.
let bias (r: Response) component' =
    r.BiasBound
    |> Option.map (fun bound ->
        let low, high = edges r component' bound[component']

        let largest =
            bound[component'] |> Array.filter Double.IsFinite |> Array.fold max 0.0

        let name = $"bias of {r.Estimator} at most"

        Chart.Range(r.Lags, low, high, name, "rgba(138,109,59,0.20)")
        |> Chart.withTraces (
            Members [
                "showlegend", Flag true
                "legendgroup", Text r.Estimator
                "line", Members [ "width", Number 1.0; "color", Text biasColor; "dash", Text "dot" ]
                if largest > widest * span r component' then
                    "visible", Text "legendonly"
            ]
        ))

/// Value ± half the 95 % band, the bound on the bias and the error of the spacing of lags, where they are known: one line a lag.
let hover (r: Response) component' =
    let band = r.BandOf component'

    let part (text: float -> string) (values: float[] option) lag =
        match values with
        | Some v when Double.IsFinite v[lag] -> text v[lag]
        | _ -> ""

    let at (values: float[][] option) =
        values |> Option.map (fun v -> v[component'])

    Array.init r.Lags.Length (fun lag ->
        Digest.number r.Values.[component'].[lag]
        + part (fun h -> $" ± {Digest.uncertainty h} (95 %%)") band lag
        + part (fun b -> $", bias at most {Digest.uncertainty b}") (at r.BiasBound) lag
        + part (fun d -> $", spacing of lags ± {Digest.uncertainty d}") (at r.Discretisation) lag)

/// Legend entries of the bounds on the bias alone; curves are named by the legend of the page.
let withBiasLegend entries (chart: GenericChart) =
    chart
    |> Chart.withHeight (300.0 + 16.0 * float entries)
    |> Chart.withLayout (
        Chart.LegendOnTop [
            "groupclick", Text "toggleitem"
            "tracegroupgap", Number 0.0
            "font", Members [ "size", Number 9.5 ]
        ]
    )
