/// report.html of a figure: a row for each experiment; a snapshot, the response at four offsets and two distances in its columns; published values as markers.
module internal Leith.FigurePage

open Leith.Charting
open Leith.ReportPage

/// Offsets from the kick that have a column.
let private offsets = [ 0; 2; 4; 6 ]

let private joined (sweep: SweepOutcome) =
    match sweep.Finished with
    | [] -> None
    | (_, first) :: _ ->
        Some {
            first with
                Responses = sweep.Finished |> List.collect (fun (_, o) -> o.Responses)
                Errors = sweep.Finished |> List.collect (fun (_, o) -> o.Errors)
                Scores = []
        }

let private markers (pens: Map<string, ReportFigures.Pen>) (published: Published list) quantity =
    published
    |> List.filter (fun p -> p.Quantity = quantity)
    |> List.map (fun p ->
        let x, y = List.unzip p.Points
        let name = p.Estimator.Label
        Chart.Scatter(Array.ofList x, Array.ofList y, name, pens[name].Color, 9.0, "diamond-open"))

/// One panel of a row, with its published markers in front.
let private panel title pens published quantity (chart: GenericChart) =
    Chart.combine (chart :: markers pens published quantity)
    |> Chart.withTitle title
    |> Chart.withXAxisStyle "lag"
    |> Chart.withYAxisStyle ""

let private panels pens (published: Published list) (outcome: Outcome) = [
    for snapshot in List.truncate 1 outcome.Snapshots do
        yield ReportFigures.snapshot snapshot |> Chart.withTitle "snapshot" |> ReportFigures.bare

    let first =
        outcome.Responses |> List.filter (fun r -> r.Observable = outcome.Responses.Head.Observable)

    for offset in offsets do
        yield panel $"R, x+{offset}" pens published (Quantity.Offset offset) (ReportFigures.curve outcome pens None first offset)

    if not outcome.Errors.IsEmpty then
        for title, quantity, pick, sampling in
            [
                "L2 distance", Quantity.L2, (fun (e: ErrorCurve) -> e.L2), (fun (e: ErrorCurve) -> e.L2StandardError)
                "L∞ distance", Quantity.LInf, (fun e -> e.LInf), (fun _ -> None)
            ] do
            yield
                ReportFigures.errors outcome pens title pick sampling outcome.Errors
                |> panel title pens published quantity
]

let private rows (page: Page) (sweep: SweepOutcome) pens (published: Map<string, Published list>) =
    page.Add
        "<p>Filled: 95 % bands at each lag; thin outlines: 95 % for the whole curve. Open diamonds: published values of the estimator of that colour. Dotted: the distance that sampling alone would leave.</p>"

    for m, outcome in sweep.Finished do
        page.Add $"<h3><a href=\"{SweepPage.beside sweep m.Folder}/report.html\">{escape m.Title}</a></h3>"

        page.Panels(
            "columns",
            fun () ->
                for chart in panels pens published[m.Title] outcome do
                    page.Figure("narrow", chart)
        )

let private name quantity =
    match quantity with
    | Quantity.Offset n -> $"x+{n}"
    | Quantity.L2 -> "L2 distance"
    | Quantity.LInf -> "L∞ distance"

/// Ours at the lag of a published value: value, and standard error where it is known.
let private ours (outcome: Outcome) (p: Published) lag =
    let label = p.Estimator.Label

    match p.Quantity with
    | Quantity.Offset n ->
        outcome.Responses
        |> List.tryFind (fun r -> r.Estimator = label && n < r.Values.Length)
        |> Option.map (fun r ->
            let i = Digest.nearest r.Lags lag
            r.Values[n][i], r.StandardError |> Option.map (fun e -> e[n][i]))
    | Quantity.L2
    | Quantity.LInf ->
        outcome.Errors
        |> List.tryFind (fun e -> e.Estimator = label)
        |> Option.map (fun e ->
            let i = Digest.nearest e.Lags lag
            (if p.Quantity = Quantity.L2 then e.L2[i] else e.LInf[i]), None)

/// (experiment, estimator, quantity, lag, published, ours, its standard error) of every published value.
let comparisons (sweep: SweepOutcome) (published: Map<string, Published list>) = [
    for m, outcome in sweep.Finished do
        for p in published[m.Title] do
            for lag, value in p.Points do
                match ours outcome p lag with
                | Some(mine, error) -> m.Title, p.Estimator.Label, name p.Quantity, lag, value, mine, error
                | None -> ()
]

let private compared (page: Page) sweep published =
    page.Add "<div class=\"scroll\">"

    page.Table(
        [
            "experiment"
            "estimator"
            "of"
            "#lag"
            "#published"
            "#here"
            "#difference"
        ],
        [
            for title, estimator, what, lag, value, mine, error in comparisons sweep published ->
                [
                    title
                    estimator
                    what
                    Digest.number lag
                    Digest.number value
                    Digest.measured mine error
                    Digest.number (mine - value)
                ]
        ]
    )

    page.Add "</div>"

let private distances (page: Page) (sweep: SweepOutcome) =
    for m, outcome in sweep.Finished do
        let lags = Digest.errorLags outcome 5

        if not lags.IsEmpty then
            page.Add $"<h3>{escape m.Title}: {Digest.distanceTitle}</h3>"
            page.Add "<div class=\"scroll\">"

            page.Table(
                "estimator" :: [ for lag in lags -> $"#lag {Digest.number lag}" ],
                [
                    for e in outcome.Errors -> $"{e.Estimator} to {e.Against}" :: [ for lag in lags -> Digest.distance e lag ]
                ]
            )

            page.Add "</div>"

/// report.html.
let html (sweep: SweepOutcome) (published: Map<string, Published list>) =
    let all = joined sweep
    let pens = all |> Option.map ReportFigures.pens |> Option.defaultValue Map.empty
    let names = all |> Option.map Digest.estimators |> Option.defaultValue []

    let head (page: Page) sections =
        titled page "responses of several systems in one figure" sweep.Title sweep.Sketch sweep.Header

        for m, outcome in sweep.Finished do
            page.Add $"<p class=\"verdict\"><b>{escape m.Title}.</b> {escape outcome.Verdict}</p>"

        for title, sentence in SweepPage.failures sweep do
            page.Add $"<p class=\"verdict doubted\"><b>{escape title} could not be run.</b> {escape sentence}</p>"

        navigation page sections [ "result.json"; "responses.csv" ]
        legend page "estimators" names pens

    assemble sweep.Title head [
        if not sweep.Finished.IsEmpty then
            "figure", "Figure", (fun page -> rows page sweep pens published)
        if published |> Map.exists (fun _ values -> not values.IsEmpty) then
            "published", "Beside the published values", (fun page -> compared page sweep published)
        if sweep.Finished |> List.exists (fun (_, o) -> not o.Errors.IsEmpty) then
            "distances", "Distances", (fun page -> distances page sweep)
        if not (SweepPage.allChecks sweep).IsEmpty then
            "checks", "Checks", (fun page -> checks page sweep.Sketch (SweepPage.allChecks sweep))
        "provenance", "Provenance", (fun page -> SweepPage.provenance page sweep)
    ]
