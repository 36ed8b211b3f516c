/// The figures of the report.
module internal Leith.ReportFigures

open System
open Leith.Charting

/// How an estimator is drawn, the same in every figure.
type Pen = {
    Color: string
    Dash: string
    Width: float
}

// Okabe and Ito's colours, told apart by the colour-blind; dashes besides, for print and for curves that cover each other. Black belongs to the reference.
let palette = [|
    "#0072B2", "solid"
    "#D55E00", "dash"
    "#009E73", "dot"
    "#CC79A7", "dashdot"
    "#E69F00", "longdash"
    "#56B4E9", "longdashdot"
|]

/// The pen of every estimator.
let pens (outcome: Outcome) =
    let reference = Digest.reference outcome

    let others =
        Digest.estimators outcome |> List.filter (fun name -> Some name <> reference)

    [
        yield!
            reference
            |> Option.map (fun name ->
                name,
                {
                    Color = "#000000"
                    Dash = "solid"
                    Width = 2.6
                })
            |> Option.toList

        for i, name in List.indexed others do
            let color, dash = palette[i % palette.Length]

            name,
            {
                Color = color
                Dash = dash
                Width = 1.8
            }
    ]
    |> Map.ofList

let translucent (color: string) alpha =
    let part from =
        Convert.ToInt32(color.Substring(from, 2), 16)

    $"rgba({part 1},{part 3},{part 5},{alpha})"

/// A word of the description, such as the unit of time of a recording.
let private described (outcome: Outcome) key fallback =
    outcome.Description
    |> List.tryFind (fun (name, _) -> String.Equals(name, key, StringComparison.OrdinalIgnoreCase))
    |> Option.map snd
    |> Option.defaultValue fallback

let lagTitle (outcome: Outcome) =
    let unit' = described outcome "time unit" "time units"

    match outcome.Responses with
    | r :: _ when r.Axis = "frequency" -> "angular frequency (radians per " + described outcome "time unit" "time unit" + ")"
    | r :: _ when r.Axis = "time" -> $"time ({unit'})"
    | _ -> $"lag ({unit'})"

// Two lines where one would be longer than the axis.
let private responseTitle outcome (response: Response) =
    let unit' = "per " + described outcome "response unit" "unit push"

    let gap =
        if response.Observable.Length + unit'.Length > 30 then
            "<br>"
        else
            " "

    $"⟨{response.Observable}⟩{gap}{unit'}"

/// One component of a response from every estimator with its bands, over the null band.
let curve outcome (pens: Map<string, Pen>) (band: NullBand option) (responses: Response list) (component': int) =
    let first = responses.Head
    let present = responses |> List.filter (fun r -> component' < r.Values.Length)

    let shadow =
        band
        |> Option.map (fun b -> Chart.Range(first.Lags, b.Low[component'], b.High[component'], "null band", "rgba(120,120,120,0.22)"))
        |> Option.toList

    let bands =
        present
        |> List.collect (fun r ->
            let color = pens[r.Estimator].Color

            Option.toList (BandFigures.pointwise (translucent color 0.16) r component')
            @ BandFigures.wholeCurve (translucent color 0.55) r component')

    let biases = present |> List.choose (fun r -> BandFigures.bias r component')

    let lines =
        present
        |> List.map (fun r ->
            let pen = pens[r.Estimator]

            Chart.Line(r.Lags, r.Values[component'], r.Estimator, pen.Color, pen.Dash, pen.Width, Hover = BandFigures.hover r component')
            |> Chart.withTraces (Members [ "showlegend", Flag false ]))

    Chart.combine (shadow @ biases @ bands @ lines)
    |> (if biases.IsEmpty then
            id
        else
            BandFigures.withBiasLegend biases.Length)
    |> Chart.withTitle first.Components[component']
    |> Chart.withXAxisStyle (lagTitle outcome)
    |> Chart.withYAxisStyle (responseTitle outcome first)

/// All components of one response over the lags, colours saturating at the largest response after lag zero of all but one value in two hundred.
let components outcome (response: Response) =
    let sizes =
        response.Values |> Array.collect (Array.map abs) |> Array.filter Double.IsFinite |> Array.sort

    let limit =
        if sizes.Length = 0 then
            1.0
        else
            max 1e-12 sizes[int (0.995 * float (sizes.Length - 1))]

    let few = response.Components.Length <= 40

    Chart.Heatmap(
        response.Values,
        response.Lags,
        ?YLabels = (if few then Some response.Components else None),
        ColorScale = Diverging,
        Limits = (-limit, limit),
        ScaleTitle = (responseTitle outcome response).Replace("<br>", " "),
        HoverTemplate = "%{y}, lag %{x}: %{z:.4g}<extra></extra>"
    )
    |> Chart.withTitle response.Estimator
    |> Chart.withXAxisStyle (lagTitle outcome)
    |> Chart.withYAxisStyle ()
    |> Chart.withLayout (
        Members [
            "yaxis", Members [ "automargin", Flag true; "autorange", Text "reversed"; "dtick", Number 1.0 ]
        ]
    )
    |> Chart.withHeight (
        if few then
            110.0 + 17.0 * float response.Components.Length
        else
            480.0
    )

let private sides (shape: int[]) =
    shape[0], (if shape.Length > 1 then shape[1] else 1), (if shape.Length > 2 then shape[2] else 1)

/// Rows y, columns x of a field of two axes (of a third axis, its origin), rolled so that the origin lies in the middle where asked.
let private picture (shape: int[]) centred (values: float[]) =
    let nx, ny, nz = sides shape
    let shift n = if centred then n / 2 else 0

    let axis n = [| for i in 0 .. n - 1 -> float (i - shift n) |]

    let z = [|
        for y in 0 .. ny - 1 ->
            [|
                for x in 0 .. nx - 1 ->
                    let x, y = (x - shift nx + nx) % nx, (y - shift ny + ny) % ny
                    values[(x * ny + y) * nz]
            |]
    |]

    axis nx, axis ny, z

let private isLine (shape: int[]) =
    let _, ny, _ = sides shape
    ny = 1

let private largest (values: float seq) =
    values |> Seq.filter Double.IsFinite |> Seq.fold (fun m v -> max m (abs v)) 0.0

/// The field response at one lag, its largest value, on a scale common to all estimators.
let field limit (response: Response) lag =
    let x, y, z = picture response.Shape true response.Field.Value[lag]

    if isLine response.Shape then
        Chart.Line(x, z[0]) |> Chart.withYAxisStyle (MinMax = (-limit, limit)) |> Chart.withXAxisStyle "x"
    else
        Chart.Heatmap(z, x, y, ColorScale = Diverging, Limits = (-limit, limit), ShowScale = false)
        |> Chart.withEqualAxes

/// Fields of all estimators at a few lags: (lag, largest magnitude, one figure an estimator).
let fields (responses: Response list) =
    let known = responses |> List.filter (fun r -> r.Field.IsSome && r.Shape.Length > 0)

    match known with
    | [] -> []
    | first :: _ ->
        Digest.spread first.Lags 4
        |> List.map (fun lag ->
            let at (r: Response) = Digest.nearest r.Lags lag

            let limit =
                known |> Seq.collect (fun r -> r.Field.Value[at r]) |> largest |> max 1e-12

            lag, limit, known |> List.map (fun r -> r.Estimator, field limit r (at r)))

let snapshot (snapshot: Snapshot) =
    let x, y, z = picture snapshot.Shape false snapshot.Values

    if isLine snapshot.Shape then
        Chart.Line(x, z[0]) |> Chart.withTitle snapshot.Title |> Chart.withXAxisStyle "site"
    else
        let limit = largest snapshot.Values

        let signed =
            Array.exists (fun v -> v < 0.0) snapshot.Values && Array.exists (fun v -> v > 0.0) snapshot.Values

        let chart =
            if signed then
                Chart.Heatmap(z, x, y, ColorScale = Diverging, Limits = (-limit, limit))
            else
                Chart.Heatmap(z, x, y)

        chart
        |> Chart.withEqualAxes
        |> Chart.withTitle snapshot.Title
        |> Chart.withXAxisStyle "x (sites)"
        |> Chart.withYAxisStyle "y (sites)"

/// A picture without its scale and the titles of its axes, for narrow places.
let bare (chart: GenericChart) =
    let hide trace =
        Json.merge trace (Members [ "showscale", Flag false ])

    {
        chart with
            Traces = List.map hide chart.Traces
    }
    |> Chart.withXAxisStyle ("", ShowTicks = false)
    |> Chart.withYAxisStyle ("", ShowTicks = false)

/// Distances to one reference over the lags; `pick` chooses the norm. The expected sampling size, where known, is dotted.
let errors outcome (pens: Map<string, Pen>) title (pick: ErrorCurve -> float[]) (sampling: ErrorCurve -> float[] option) (curves: ErrorCurve list) =
    // A logarithmic axis has no zero, and rounding errors of an exact estimate would crowd out the others.
    let floor = 1e-6 * (curves |> Seq.collect pick |> Seq.fold max 0.0)
    let positive = Array.map (fun v -> if v > floor then v else nan)

    let lines =
        curves
        |> List.map (fun e ->
            let pen = pens[e.Estimator]
            Chart.Line(e.Lags, positive (pick e), e.Estimator, pen.Color, "solid", 1.8))

    let expected =
        curves
        |> List.choose (fun e ->
            sampling e
            |> Option.map (fun s -> Chart.Line(e.Lags, positive s, e.Estimator, pens[e.Estimator].Color, "dot", 1.4)))

    Chart.combine (expected @ lines)
    |> Chart.withTitle title
    |> Chart.withXAxisStyle (lagTitle outcome)
    |> Chart.withYAxisStyle (title, Log = true)
    |> Chart.withLayout (Members [ "yaxis", Members [ "dtick", Number 1.0; "exponentformat", Text "power" ] ])

/// Training and validation loss of a learned score.
let training (pens: Map<string, Pen>) (score: ScoreReport) =
    let steps =
        score.Training |> List.map (fun (step, _, _) -> float step) |> Array.ofList

    let losses = score.Training |> List.map (fun (_, loss, _) -> loss) |> Array.ofList
    let held = score.Training |> List.map (fun (_, _, loss) -> loss) |> Array.ofList
    let color = pens[score.Estimator].Color

    Chart.combine [
        Chart.Line(steps, losses, "training", translucent color 0.55, Width = 1.4)
        Chart.Line(steps, held, "validation", color, Width = 2.2)
    ]
    |> Chart.withTitle score.Estimator
    |> Chart.withXAxisStyle "training step"
    |> Chart.withYAxisStyle "loss"
    |> Chart.withLayout (Chart.LegendOnTop [])

/// |w_j(k)| of a library's features along the first axis, with bands of ±2 standard errors.
let kernels (score: ScoreReport) =
    let colors = [| "#0072B2"; "#D55E00"; "#009E73"; "#CC79A7"; "#E69F00"; "#56B4E9" |]

    Chart.combine [
        for i, (feature, c) in List.indexed score.Kernels do
            let color = colors[i % colors.Length]

            let edge sign =
                Array.map2 (fun v e -> v + sign * 2.0 * e) c.Values c.StandardError

            Chart.Range(c.X, edge -1.0, edge 1.0, feature, translucent color 0.18)
            Chart.Line(c.X, c.Values, feature, color, "solid", 1.9)
    ]
    |> Chart.withTitle score.Estimator
    |> Chart.withXAxisStyle "k along x"
    |> Chart.withYAxisStyle "|w(k)|"
    |> Chart.withLayout (Members [ "showlegend", Flag true ])

/// A map with longitudes 0 to 360; cells without a value, such as land, show the grey ground.
let map (map: WorldMap) =
    let order =
        map.Longitudes
        |> Array.map (fun l -> (l % 360.0 + 360.0) % 360.0)
        |> Array.indexed
        |> Array.sortBy snd

    let z =
        map.Values |> Array.map (fun row -> order |> Array.map (fun (from, _) -> row[from]))

    let known = z |> Seq.collect id |> Seq.filter Double.IsFinite |> Array.ofSeq
    let limit = largest known

    let chart =
        if known |> Array.exists (fun v -> v < 0.0) then
            Chart.Heatmap(z, Array.map snd order, map.Latitudes, ColorScale = Diverging, Limits = (-limit, limit), ScaleTitle = map.Unit)
        else
            Chart.Heatmap(z, Array.map snd order, map.Latitudes, ScaleTitle = map.Unit)

    chart
    |> Chart.withTitle map.Title
    |> Chart.withXAxisStyle "longitude (°E)"
    |> Chart.withYAxisStyle "latitude (°N)"
    |> Chart.withLayout (
        Members [
            "plot_bgcolor", Text "#d9d9d6"
            "xaxis", Members [ "dtick", Number 60.0; "showgrid", Flag false ]
            "yaxis", Members [ "dtick", Number 30.0; "showgrid", Flag false ]
        ]
    )

/// Wall seconds of each stage.
let timing (outcome: Outcome) =
    let labels = outcome.Seconds |> List.map (snd >> Terminal.duration) |> Array.ofList

    Chart.Bar(outcome.Seconds |> List.map snd |> Array.ofList, outcome.Seconds |> List.map fst |> Array.ofList, labels)
    |> Chart.withXAxisStyle "seconds"
    |> Chart.withHeight (70.0 + 28.0 * float outcome.Seconds.Length)
    |> Chart.withLayout (Members [ "yaxis", Members [ "automargin", Flag true ] ])
