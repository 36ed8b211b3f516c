/// The figures of the report of a sweep: the same response of several experiments.
module internal Leith.SweepFigures

open System
open Leith.Charting
open Leith.ReportFigures

// Dark to bright, told apart by the colour-blind and in print; the brightest end is left out, for it would vanish on white.
let private ramp = [| 0x44, 0x01, 0x54; 0x3b, 0x52, 0x8b; 0x21, 0x91, 0x8c; 0x5e, 0xc0, 0x55 |]

/// The colour at a share of the ramp.
let private shade (share: float) =
    let at = share * float (ramp.Length - 1)
    let i = min (ramp.Length - 2) (int at)
    let part = at - float i
    let (r0, g0, b0), (r1, g1, b1) = ramp[i], ramp[i + 1]

    let mix (a: int) (b: int) =
        int (Math.Round(float a + part * float (b - a)))

    $"#{mix r0 r1:x2}{mix g0 g1:x2}{mix b0 b1:x2}"

/// The pen of every finished experiment: shades in the order of the number that is swept, colours and dashes of their own otherwise.
let pens (sweep: SweepOutcome) : Map<string, Pen> =
    let finished = sweep.Finished |> List.map (fun (m, _) -> m.Title)
    let last = max 1 (finished.Length - 1)

    let shaded rank = {
        Color = shade (float rank / float last)
        Dash = "solid"
        Width = 2.0
    }

    match sweep.Axis with
    | Some(_, amounts) ->
        List.zip amounts finished
        |> List.sortBy fst
        |> List.mapi (fun rank (_, title) -> title, shaded rank)
        |> Map.ofList
    | None when finished.Length > palette.Length -> finished |> List.mapi (fun rank title -> title, shaded rank) |> Map.ofList
    | None ->
        finished
        |> List.mapi (fun i title ->
            let color, dash = palette[i]

            title,
            {
                Color = color
                Dash = dash
                Width = 2.0
            })
        |> Map.ofList

/// One component of a response that several experiments have, estimate by estimator.
type Panel = {
    Observable: string
    Perturbation: string
    Component: string
    Estimator: string
    /// (title of the experiment, the response restricted to the component).
    Curves: (string * Response) list
}

let private restricted (r: Response) component' = {
    r with
        // A list of unknowns answers component by component.
        Observable =
            (if r.Observable.Contains ", " then
                 r.Components[component']
             else
                 r.Observable)
        Components = [| r.Components[component'] |]
        Values = [| r.Values[component'] |]
        StandardError = r.StandardError |> Option.map (fun e -> [| e[component'] |])
        Replicates = r.Replicates |> Option.map (fun curves -> [| curves[component'] |])
        OwnErrors =
            r.OwnErrors
            |> Option.filter (fun e -> e.Length = r.Values.Length)
            |> Option.map (fun e -> [| e[component'] |])
        Simultaneous = r.Simultaneous |> Option.map (fun m -> [| m[component'] |])
        BiasBound = r.BiasBound |> Option.map (fun b -> [| b[component'] |])
        Discretisation = r.Discretisation |> Option.map (fun d -> [| d[component'] |])
}

/// Every curve of the finished experiments, gathered by what it is a response of and by estimator, in the order of their first appearance.
let panels (sweep: SweepOutcome) : Panel list =
    [
        for m, outcome in sweep.Finished do
            for r in outcome.Responses do
                for i, name in Array.indexed r.Components -> (r.Observable, r.Perturbation, name, r.Estimator), (m.Title, restricted r i)
    ]
    |> List.groupBy fst
    |> List.map (fun ((observable, perturbation, name, estimator), curves) -> {
        Observable = observable
        Perturbation = perturbation
        Component = name
        Estimator = estimator
        Curves = List.map snd curves
    })

/// Lowest and highest value of some panels, with their bands, so that panels side by side share an axis.
let range (panels: Panel list) =
    let values =
        [|
            for panel in panels do
                for _, r in panel.Curves do
                    for i, value in Array.indexed r.Values[0] do
                        let error =
                            r.StandardError |> Option.map (fun e -> 2.0 * e[0][i]) |> Option.defaultValue 0.0

                        value - error
                        value + error
        |]
        |> Array.filter Double.IsFinite

    if values.Length = 0 then
        -1.0, 1.0
    else
        let low, high = Array.min values, Array.max values
        let margin = max 1e-12 (0.05 * (high - low))
        low - margin, high + margin

/// The curves of all experiments over one pair of axes.
let curves (sweep: SweepOutcome) pens limits (panel: Panel) =
    let _, outcome = sweep.Finished.Head

    let named =
        panel.Curves |> List.map (fun (title, r) -> { r with Estimator = title })

    curve outcome pens None named 0
    |> Chart.withTitle panel.Estimator
    |> Chart.withYAxisStyle (MinMax = limits)

/// The value of a response at the lag nearest to one, and its standard error.
let private at lag (r: Response) =
    let i = Digest.nearest r.Lags lag
    r.Values[0][i], r.StandardError |> Option.map (fun e -> e[0][i])

/// The response at one lag over the number that is swept: a curve for each estimator, with bands of two standard errors.
let dependence (sweep: SweepOutcome) (pens: Map<string, Pen>) (panels: Panel list) (lag: float) =
    let name, amounts = sweep.Axis.Value

    let place =
        List.zip (sweep.Finished |> List.map (fun (m, _) -> m.Title)) amounts |> Map.ofList

    let points (panel: Panel) =
        panel.Curves
        |> List.map (fun (title, r) -> place[title], at lag r)
        |> List.sortBy fst
        |> Array.ofList

    let line (panel: Panel) =
        let points = points panel
        let pen = pens[panel.Estimator]
        let x, y = Array.map fst points, points |> Array.map (snd >> fst)

        let edge sign =
            points |> Array.map (fun (_, (v, e)) -> v + sign * 2.0 * Option.defaultValue 0.0 e)

        Chart.combine [
            if points |> Array.exists (snd >> snd >> Option.isSome) then
                Chart.Range(x, edge -1.0, edge 1.0, panel.Estimator, translucent pen.Color 0.16)
            Chart.Line(x, y, panel.Estimator, pen.Color, pen.Dash, pen.Width, ShowMarkers = true)
        ]

    let wide =
        List.forall (fun x -> x > 0.0) amounts && List.max amounts > 30.0 * List.min amounts

    let first = panels.Head

    panels
    |> List.map line
    |> Chart.combine
    |> Chart.withTitle $"lag {Digest.number lag}"
    |> Chart.withXAxisStyle (name, Log = wide)
    |> Chart.withYAxisStyle $"response of {first.Component} to {first.Perturbation}"

/// L2 distance of one estimator to the reference in every experiment; dotted what sampling alone would leave.
let errors (sweep: SweepOutcome) pens (estimator: string) (against: string) =
    let _, outcome = sweep.Finished.Head

    let curves = [
        for m, o in sweep.Finished do
            for e in o.Errors do
                if e.Estimator = estimator && e.Against = against then
                    { e with Estimator = m.Title }
    ]

    errors outcome pens "L2 distance" _.L2 _.L2StandardError curves
    |> Chart.withTitle $"{estimator} to {against}"
