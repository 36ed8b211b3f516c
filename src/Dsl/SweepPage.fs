/// report.html of a sweep: what differs, and the same response of several experiments side by side.
module internal Leith.SweepPage

open System.IO
open Leith.ReportPage

/// A folder as seen from that of the sweep.
let beside (sweep: SweepOutcome) (folder: string) =
    Path.GetRelativePath(sweep.Folder, folder).Replace('\\', '/')

let private ranOrNot (m: SweepMember) =
    match m.Ending with
    | Error _ -> "could not be run"
    | Ok outcome when outcome.Checks.IsEmpty -> "–"
    | Ok outcome ->
        let passed = outcome.Checks |> List.filter _.Passed
        $"{passed.Length} of {outcome.Checks.Length} passed"

let private took (m: SweepMember) =
    match m.Ending with
    | Ok outcome -> Terminal.duration (List.sumBy snd outcome.Seconds)
    | Error _ -> "–"

/// (title, whether its cells are numbers) of the columns, and the cells of every experiment: what differs, checks, time.
let overview (sweep: SweepOutcome) =
    let columns = [
        "experiment", false
        for i, name in List.indexed sweep.Differences do
            name, sweep.Members |> List.exists (fun m -> m.Values[i].IsAmount)
        "checks", false
        "time", true
    ]

    columns,
    [
        for m in sweep.Members -> m, m.Title :: (m.Values |> List.map string) @ [ ranOrNot m; took m ]
    ]

let private overviewTable (page: Page) (sweep: SweepOutcome) =
    let columns, rows = overview sweep

    let kind numbers =
        if numbers then " class=\"number\"" else ""

    let heads =
        columns
        |> List.map (fun (name, numbers) -> $"<th{kind numbers}>{escape name}</th>")
        |> String.concat ""

    page.Add $"<div class=\"scroll\"><table><thead><tr>{heads}</tr></thead><tbody>"

    for m, cells in rows do
        let cell i (text: string) =
            let _, numbers = columns[i]
            let content = escape text

            match i, m.Ending with
            | 0, Ok _ -> $"<td><a href=\"{beside sweep m.Folder}/report.html\">{content}</a></td>"
            | _, Error _ when i = columns.Length - 2 -> $"<td class=\"failed\">{content}</td>"
            | _, Ok outcome when i = columns.Length - 2 && outcome.Checks |> List.exists (_.Passed >> not) -> $"<td class=\"failed\">{content}</td>"
            | _ -> $"<td{kind numbers}>{content}</td>"

        let line = cells |> List.mapi cell |> String.concat ""
        page.Add $"<tr>{line}</tr>"

    page.Add "</tbody></table></div>"

let failures (sweep: SweepOutcome) = [
    for m in sweep.Members do
        match m.Ending with
        | Error sentence -> m.Title, sentence
        | Ok _ -> ()
]

let private experiments (page: Page) (sweep: SweepOutcome) =
    overviewTable page sweep

    if sweep.Differences.IsEmpty && sweep.Members.Length > 1 then
        page.Add "<p>The experiments differ in nothing but their titles.</p>"

    let failed = failures sweep

    if not failed.IsEmpty then
        page.Add "<h3 class=\"failed\">Could not be run</h3>"
        definitions page "sans" failed

    page.Add "<h3>Which estimate to believe</h3>"
    definitions page "sans" [ for m, outcome in sweep.Finished -> m.Title, outcome.Verdict ]

/// Responses that are open; one experiment shows more, but it has no others beside it.
let private openRows = 6

/// Components worth open panels; the others are folded away.
let private leading (sweep: SweepOutcome) =
    let known =
        sweep.Finished
        |> List.collect (fun (_, outcome) -> outcome.Responses)
        |> List.collect (fun r -> [ for i in Digest.shown r 4 -> r.Observable, r.Perturbation, r.Components[i] ])
        |> List.distinct
        |> List.truncate openRows

    fun (panel: SweepFigures.Panel) -> known |> List.contains (panel.Observable, panel.Perturbation, panel.Component)

/// The kind of panels that fills a row with so many.
let private inOneRow count =
    match count with
    | 2 -> ""
    | 4 -> "quarters"
    | _ -> "squares"

let private byComponent (panels: SweepFigures.Panel list) =
    panels |> List.groupBy (fun p -> p.Observable, p.Perturbation, p.Component)

let private heading (page: Page) (component', perturbation) =
    page.Add $"<h3>Response of {escape component'} to {escape perturbation}</h3>"

/// The name of a curve: offsets of a field say whose they are.
let private named (observable: string, perturbation: string, component': string) =
    if observable = component' || observable.Contains(", ") then
        component', perturbation
    else
        $"{observable}, {component'}", perturbation

let private dependence (page: Page) (sweep: SweepOutcome) estimatorPens panels =
    let name, _ = sweep.Axis.Value
    page.Add $"<p>At a few lags, over {escape name}: one curve for each estimator, with 95 %% bands.</p>"

    for key, group in byComponent panels |> List.truncate 4 do
        heading page (named key)

        let _, shortest =
            (List.head group).Curves |> List.minBy (fun (_, r) -> Array.last r.Lags)

        page.Panels(
            "squares",
            fun () ->
                for lag in Digest.spread shortest.Lags 3 do
                    page.Figure("", SweepFigures.dependence sweep estimatorPens group lag)
        )

let private curves (page: Page) (sweep: SweepOutcome) pens panels =
    for key, group in byComponent panels do
        heading page (named key)
        let limits = SweepFigures.range group

        page.Panels(
            inOneRow (List.length group),
            fun () -> group |> List.iter (SweepFigures.curves sweep pens limits >> fun chart -> page.Figure("", chart))
        )

let private responses (page: Page) (sweep: SweepOutcome) pens (shown, folded) =
    page.Add
        "<p>One panel for each estimator, one curve for each experiment, with bands of ±2 standard errors; panels side by side share their vertical axis.</p>"

    curves page sweep pens shown

    if not (List.isEmpty folded) then
        page.Folded($"The other {(byComponent folded).Length} components", fun () -> curves page sweep pens folded)

let private peaks (page: Page) (panels: SweepFigures.Panel list) =
    page.Add "<p>Largest response after lag zero ± one standard error, and its lag.</p>"

    for key, group in byComponent panels do
        heading page (named key)
        let titles = group |> List.collect (_.Curves >> List.map fst) |> List.distinct

        let cell title (panel: SweepFigures.Panel) =
            match panel.Curves |> List.tryFind (fst >> (=) title) with
            | Some(_, r) ->
                let peak = Digest.peak r 0
                $"{Digest.measured peak.Value peak.StandardError} at {Digest.number peak.Lag}"
            | None -> "–"

        page.Add "<div class=\"scroll\">"
        page.Table("experiment" :: [ for p in group -> "#" + p.Estimator ], [ for title in titles -> title :: List.map (cell title) group ])
        page.Add "</div>"

let private errors (page: Page) (sweep: SweepOutcome) pens =
    page.Add "<p>L2 distance over all components. Dotted: the distance that sampling alone would leave.</p>"

    let compared =
        sweep.Finished
        |> List.collect (fun (_, outcome) -> outcome.Errors)
        |> List.map (fun e -> e.Estimator, e.Against)
        |> List.distinct

    page.Panels(
        inOneRow compared.Length,
        fun () ->
            for estimator, against in compared do
                page.Figure("", SweepFigures.errors sweep pens estimator against)
    )

/// Lines of the descriptions that all finished experiments share.
let common (sweep: SweepOutcome) =
    match sweep.Finished with
    | [] -> []
    | (_, first) :: rest ->
        first.Description
        |> List.filter (fun line -> rest |> List.forall (fun (_, o) -> List.contains line o.Description))

let provenance (page: Page) (sweep: SweepOutcome) =
    let path, text = sweep.Script
    definitions page "sans" [ "script", path; "threads", string sweep.Threads; yield! sweep.Versions ]
    scriptText page text

let allChecks (sweep: SweepOutcome) = [
    for m, outcome in sweep.Finished do
        for check in outcome.Checks -> Some m.Title, check
]

let private summary (sweep: SweepOutcome) =
    let failed = allChecks sweep |> List.filter (fun (_, c) -> not c.Passed)
    let n = sweep.Members.Length

    let what =
        match sweep.Differences with
        | [] -> "which differ in their titles alone"
        | names -> "which differ in " + String.concat ", " names

    let counted count singular plural =
        if count = 1 then $"1 {singular}" else $"{count} {plural}"

    let bad = [
        match (failures sweep).Length with
        | 0 -> ()
        | count -> $"{count} of {n} could not be run."
        match failed.Length with
        | 0 -> ()
        | count -> $"{count} of {(allChecks sweep).Length} checks failed."
    ]

    let experiments = counted n "experiment" $"experiments, {what}"
    experiments + ".", bad

let private head (sweep: SweepOutcome) pens names (page: Page) sections =
    titled page "responses of several experiments side by side" sweep.Title sweep.Sketch sweep.Header
    let text, bad = summary sweep
    let kind = if bad.IsEmpty then "" else " doubted"

    let bad =
        bad |> List.map (fun b -> $" <span class=\"failed\">{b}</span>") |> String.concat ""

    page.Add $"<p class=\"verdict{kind}\">{escape text}{bad}</p>"
    navigation page sections [ "result.json"; "responses.csv" ]

    let kind =
        if sweep.Axis.IsSome then
            "experiments and estimators"
        else
            "experiments"

    legend page kind names pens

/// report.html.
let html (sweep: SweepOutcome) =
    let finished = sweep.Finished
    let pens = SweepFigures.pens sweep
    let panels = SweepFigures.panels sweep
    let shown, folded = panels |> List.partition (leading sweep)

    let estimatorPens, estimators =
        match finished, sweep.Axis with
        | (_, first) :: _, Some _ ->
            let joined = {
                first with
                    Responses = finished |> List.collect (fun (_, o) -> o.Responses)
                    Errors = finished |> List.collect (fun (_, o) -> o.Errors)
                    Scores = []
            }

            ReportFigures.pens joined, Digest.estimators joined
        | _ -> Map.empty, []

    let allPens =
        Map.fold (fun known name pen -> Map.add name pen known) estimatorPens pens

    let names = (finished |> List.map (fun (m, _) -> m.Title)) @ estimators

    assemble sweep.Title (head sweep allPens names) [
        "experiments", "Experiments", (fun page -> experiments page sweep)
        if sweep.Axis.IsSome && not panels.IsEmpty then
            "dependence", "Dependence", (fun page -> dependence page sweep estimatorPens shown)
        if not panels.IsEmpty then
            "responses", "Responses", (fun page -> responses page sweep pens (shown, folded))
            "peaks", "Peaks", (fun page -> peaks page shown)
        if finished |> List.exists (fun (_, o) -> not o.Errors.IsEmpty) then
            "errors", "Errors", (fun page -> errors page sweep pens)
        if not (allChecks sweep).IsEmpty then
            "checks", "Checks", (fun page -> checks page sweep.Sketch (allChecks sweep))
        if not (common sweep).IsEmpty then
            "common", "Common to all", (fun page -> definitions page "system" (common sweep))
        "provenance", "Provenance", (fun page -> provenance page sweep)
    ]
