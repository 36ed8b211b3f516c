/// report.html: one page that carries its figures, its style and plotly.js inside itself and asks no network for anything.
module internal Leith.ReportPage

open System
open Leith.Charting
open System.Net
open System.Reflection
open System.IO
open System.Text

let escape (text: string) = WebUtility.HtmlEncode text

let private resource name =
    match Assembly.GetExecutingAssembly().GetManifestResourceStream name with
    | null -> None
    | stream ->
        use reader = new StreamReader(stream, UTF8Encoding false)
        Some(reader.ReadToEnd())

/// The page under construction; figures get their numbers in the order in which they appear.
type Page() =
    let text = StringBuilder()
    let mutable figures = 0

    member _.Add(html: string) =
        text.Append(html).Append('\n') |> ignore

    /// A place for a figure, and its data beside it.
    member page.Plot(kind: string, chart: GenericChart) =
        figures <- figures + 1

        let height =
            match chart.Layout with
            | Members members ->
                members
                |> List.tryPick (function
                    | "height", Number h -> Some $" style=\"height:{h}px\""
                    | _ -> None)
                |> Option.defaultValue ""
            | _ -> ""

        page.Add $"<div class=\"plot {kind}\" data-figure=\"f{figures}\"{height}></div>"
        page.Add $"<script type=\"application/json\" id=\"f{figures}\">{Json.toString (Chart.toJson chart)}</script>"

    member page.Figure(kind: string, chart: GenericChart, ?caption: string) =
        page.Add "<figure>"
        page.Plot(kind, chart)
        caption |> Option.iter (fun c -> page.Add $"<figcaption>{escape c}</figcaption>")
        page.Add "</figure>"

    member page.Panels(kind: string, content: unit -> unit) =
        page.Add $"<div class=\"panels {kind}\">"
        content ()
        page.Add "</div>"

    /// Folded away, and drawn when it is opened.
    member page.Folded(summary: string, content: unit -> unit) =
        page.Add $"<details><summary>{escape summary}</summary>"
        content ()
        page.Add "</details>"

    /// Cells are escaped; a column whose title begins with '#' holds numbers.
    member page.Table(titles: string list, rows: string list list) =
        let kind (title: string) =
            if title.StartsWith '#' then " class=\"number\"" else ""

        let kinds = titles |> List.map kind

        let cells tag row =
            List.map2 (fun kind (cell: string) -> $"<{tag}{kind}>{escape cell}</{tag}>") kinds row
            |> String.concat ""

        let head = titles |> List.map _.TrimStart('#') |> cells "th"
        page.Add $"<table><thead><tr>{head}</tr></thead><tbody>"

        for row in rows do
            let line = cells "td" row
            page.Add $"<tr>{line}</tr>"

        page.Add "</tbody></table>"

    override _.ToString() = text.ToString()

/// "Question   Does …" -> ("Question", "Does …"); a line without such a gap continues the one before.
let private headerLines (lines: string list) =
    let part (line: string) =
        let line = line.Trim().TrimStart('/').Trim()
        let gap = line.IndexOf "  "

        if gap > 0 && gap < 24 then
            line[.. gap - 1], line[gap..].Trim()
        else
            "", line

    (([]: (string * string) list), lines |> List.map part)
    ||> List.fold (fun known (key, text) ->
        match key, known with
        | "", (lastKey, lastText) :: rest -> (lastKey, (lastText + " " + text).Trim()) :: rest
        | _ -> (key, text) :: known)
    |> List.rev
    |> List.filter (fun (_, text) -> text <> "")

/// Pairs of a word and what it means.
let definitions (page: Page) kind (pairs: (string * string) list) =
    page.Add $"<dl class=\"{kind}\">"
    pairs |> List.iter (fun (key, text) -> page.Add $"<dt>{escape key}</dt><dd>{escape text}</dd>")
    page.Add "</dl>"

/// The title and the comment lines at the head of the script.
let titled (page: Page) (kicker: string) (title: string) sketch header =
    let badge =
        if sketch then
            "<span class=\"badge\">sketch: rough numbers</span>"
        else
            ""

    page.Add $"<p class=\"kicker\">Leith · {kicker}</p><h1>{escape title}{badge}</h1>"
    definitions page "sans" (headerLines header)

/// Links to the sections, and to the files beside the page.
let navigation (page: Page) (sections: (string * string) list) (files: string list) =
    page.Add
        "<p class=\"missing\">The figures are missing: plotly.js was not there when Leith was built. Run ./run once with a network, then run the script again; the numbers are in result.json.</p>"

    let links =
        (sections |> List.map (fun (id, title) -> $"<a href=\"#{id}\">{escape title}</a>"))
        @ (files |> List.map (fun file -> $"<a href=\"{file}\">{file}</a>"))

    page.Add("<nav>" + String.concat " " links + "</nav>")

let private head (page: Page) (outcome: Outcome) (sections: (string * string) list) =
    let failed = outcome.Checks |> List.filter (fun c -> not c.Passed)
    titled page "response of a stochastic system to a small push" outcome.Title outcome.Sketch outcome.Header

    if outcome.Verdict <> "" then
        let kind = if failed.IsEmpty then "" else " doubted"

        let count =
            if failed.IsEmpty then
                ""
            else
                $" <span class=\"failed\">{failed.Length} of {outcome.Checks.Length} checks failed.</span>"

        page.Add $"<p class=\"verdict{kind}\">{escape outcome.Verdict}{count}</p>"

    navigation page sections [ "result.json"; "responses.csv"; "responses.npy" ]

/// Buttons that hide and show the curves of a name; `kind` says what the names are.
let legend (page: Page) (kind: string) (known: string list) (pens: Map<string, ReportFigures.Pen>) =
    let dashes =
        function
        | "dash" -> "6 4"
        | "dot" -> "2 3"
        | "dashdot" -> "6 3 2 3"
        | "longdash" -> "10 4"
        | "longdashdot" -> "10 3 2 3"
        | _ -> "none"

    if not known.IsEmpty then
        page.Add $"<div class=\"legend\" role=\"group\" aria-label=\"{kind}\">"

        for name in known do
            let pen = pens[name]

            page.Add
                $"<button data-estimator=\"{escape name}\" aria-pressed=\"true\"><svg width=\"30\" height=\"8\" aria-hidden=\"true\"><line x1=\"0\" y1=\"4\" x2=\"30\" y2=\"4\" stroke=\"{pen.Color}\" stroke-width=\"{pen.Width + 0.6}\" stroke-dasharray=\"{dashes pen.Dash}\"/></svg>{escape name}</button>"

        page.Add $"<span class=\"hint\">{kind}: a click hides or shows one in every figure</span></div>"

/// Where the first response is that of a field, its row of figures holds the snapshot and the distances too.
let private hasRow (outcome: Outcome) =
    match Digest.groups outcome with
    | (_, first :: _) :: _ -> Digest.isField first
    | _ -> false

let private system (page: Page) (outcome: Outcome) =
    definitions page "system" outcome.Description

    let elsewhere = if hasRow outcome then 1 else 0
    let shown = outcome.Snapshots |> List.skip (min elsewhere outcome.Snapshots.Length)

    if not shown.IsEmpty then
        page.Panels("squares", fun () -> shown |> List.iter (fun s -> page.Figure("square", ReportFigures.snapshot s)))

let private peakTable (page: Page) (responses: Response list) =
    let cell component' (r: Response) =
        if component' >= r.Components.Length then
            "–"
        else
            let peak = Digest.peak r component'
            $"{Digest.measured peak.Value peak.HalfWidth} at {Digest.number peak.Lag}"

    let rows =
        Digest.shown responses.Head 6
        |> List.map (fun component' -> responses.Head.Components[component'] :: List.map (cell component') responses)

    page.Add "<h3>Peaks</h3><p>Largest response after lag zero ± half its 95 % band, and its lag.</p><div class=\"scroll\">"
    page.Table("component" :: (responses |> List.map (fun r -> "#" + r.Estimator)), rows)
    page.Add "</div>"

let private notes (page: Page) (responses: Response list) =
    let noted = responses |> List.filter (fun r -> not r.Notes.IsEmpty)

    if not noted.IsEmpty then
        page.Add "<ul class=\"notes\">"

        for r in noted do
            let text = String.concat "; " r.Notes
            page.Add $"<li><b>{escape r.Estimator}</b>: {escape text}</li>"

        page.Add "</ul>"

let private fieldMatrix (page: Page) (responses: Response list) =
    match ReportFigures.fields responses with
    | [] -> ()
    | rows ->
        let _, _, first = rows.Head
        page.Add "<h3>The whole field</h3>"
        page.Add "<p>Response at every offset from the kick, which lies in the middle. Every row has its own scale, the same for all estimators.</p>"
        page.Add "<div class=\"scale\"><span>−max</span><i></i><span>+max</span></div><div class=\"scroll\">"

        page.Add
            $"<div class=\"matrix\" style=\"grid-template-columns:4.6rem repeat({first.Length},minmax(0,1fr));max-width:{5 + 16 * first.Length}rem\"><span></span>"

        first |> List.iter (fun (name, _) -> page.Add $"<span class=\"head\">{escape name}</span>")

        for lag, limit, figures in rows do
            page.Add $"<span class=\"side\">lag {Digest.number lag}<br><small>max {Digest.number limit}</small></span>"
            figures |> List.iter (fun (_, chart) -> page.Plot("small", chart))

        page.Add "</div></div>"

let private distances (page: Page) outcome pens curves =
    page.Figure("", ReportFigures.errors outcome pens "L2 distance" _.L2 _.L2StandardError curves)
    page.Figure("", ReportFigures.errors outcome pens "L∞ distance" _.LInf (fun _ -> None) curves)

/// Distances to what most estimates are compared with.
let private mainDistances (outcome: Outcome) =
    outcome.Errors |> List.groupBy _.Against |> List.tryHead

/// The responses downstream of the kick side by side; under them, for the first response, one field, and the distances to the reference.
let private figureRow (page: Page) (outcome: Outcome) pens index (curves: unit -> unit) =
    page.Panels("row", curves)

    if index = 0 then
        page.Panels(
            "row thirds",
            fun () ->
                outcome.Snapshots
                |> List.tryHead
                |> Option.iter (fun s -> page.Figure("", ReportFigures.snapshot s))

                mainDistances outcome |> Option.iter (fun (_, curves) -> distances page outcome pens curves)
        )

        mainDistances outcome
        |> Option.iter (fun (against, _) ->
            page.Add $"<p>Distances to {escape against} over all sites. Dotted: the distance that sampling alone would leave.</p>")

let private responseGroup (page: Page) outcome pens index ((observable: string, perturbation: string), responses: Response list) =
    let first = List.head responses
    let band = Digest.nullBand outcome index perturbation first

    let draw i =
        page.Figure("", ReportFigures.curve outcome pens band responses i)

    let many = not (Digest.isField first) && first.Components.Length > 6
    page.Add $"<h3>Response of {escape observable} to {escape perturbation}</h3>"

    let shade =
        if band.IsSome then
            " Grey: " + band.Value.Title + "."
        else
            ""

    let bands =
        [
            "Filled: 95 % bands at each lag"
            if responses |> List.exists _.Replicates.IsSome then
                "; thin outlines: 95 % for the whole curve"
            if responses |> List.exists _.BiasBound.IsSome then
                "; brown: bounds on the bias, the wide ones after a click on their names"
        ]
        |> String.concat ""

    if many then
        page.Panels(
            "wide",
            fun () ->
                responses
                |> List.iter (fun r ->
                    page.Figure("", ReportFigures.components outcome r, "Colours saturate at the largest half per cent of the values."))
        )

        page.Add $"<p>The strongest components. {bands}.{escape shade}</p>"
    else
        page.Add $"<p>{bands}.{escape shade}</p>"

    let shown = Digest.shown first (if Digest.isField first then 4 else 6)

    if Digest.isField first then
        figureRow page outcome pens index (fun () -> shown |> List.iter draw)
    else
        page.Panels("", fun () -> shown |> List.iter draw)

    let rest = [ 0 .. first.Components.Length - 1 ] |> List.except shown

    if not rest.IsEmpty then
        page.Folded($"The other {rest.Length} components", fun () -> page.Panels("", fun () -> rest |> List.iter draw))

    peakTable page responses
    notes page responses
    fieldMatrix page responses

let private responses (page: Page) (outcome: Outcome) pens =
    let groups = List.indexed (Digest.groups outcome)
    let open', folded = groups |> List.partition (fun (i, _) -> i < 4)
    let draw (i, group) = responseGroup page outcome pens i group
    open' |> List.iter draw

    if not folded.IsEmpty then
        page.Folded($"{folded.Length} further responses", fun () -> folded |> List.iter draw)

let private errors (page: Page) (outcome: Outcome) pens =
    let drawn =
        if hasRow outcome then
            mainDistances outcome |> Option.map fst
        else
            None

    for against, curves in outcome.Errors |> List.groupBy _.Against do
        page.Add $"<h3>Distance to {escape against}</h3>"

        if drawn = Some against then
            page.Add "<p>Over all components; drawn with the responses above.</p>"
        else
            page.Add "<p>Over all components. Dotted: the distance that sampling alone would leave.</p>"
            page.Panels("wide", (fun () -> distances page outcome pens curves))

        let lags = Digest.spread curves.Head.Lags 4

        let row (curve: ErrorCurve) =
            curve.Estimator :: (lags |> List.map (Digest.distance curve))

        page.Table(Digest.distanceTitle :: (lags |> List.map (fun lag -> $"#lag {Digest.number lag}")), curves |> List.map row)

let private moments (page: Page) (all: Statistics list) =
    let number (m: Core.Measurement) =
        Digest.measured
            m.Value
            (if Double.IsFinite m.StandardError then
                 Some m.StandardError
             else
                 None)

    let peaks (s: Statistics) =
        if s.Peaks.Length > 6 then
            $"{s.Peaks.Length} maxima"
        else
            s.Peaks
            |> List.map (fun (at, height) -> $"{number height} at {Digest.number at}")
            |> String.concat ", "

    let rows = [
        "mean", (fun (s: Statistics) -> number s.Mean)
        "variance", (fun s -> number s.Variance)
        "standard deviation", (fun s -> number s.StandardDeviation)
        "skewness", (fun s -> number s.Skewness)
        "kurtosis", (fun s -> number s.Kurtosis)
        "density peaks", peaks
        "density at 0", (fun s -> number s.DensityAtZero)
    ]

    page.Add
        "<p>Moments and density of the value at one site, ± one standard error from independent members. Kurtosis is ⟨(u − ⟨u⟩)⁴⟩ over the variance squared, 3 for a Gaussian law.</p><div class=\"scroll\">"

    page.Table("" :: (all |> List.map (fun s -> "#" + s.Of)), rows |> List.map (fun (name, cell) -> name :: List.map cell all))

    page.Add "</div>"

let private statistics (page: Page) (outcome: Outcome) =
    moments page outcome.Statistics

    page.Panels(
        "",
        fun () ->
            for s in outcome.Statistics do
                page.Figure("", StatisticsFigures.density s)

                if s.Autocorrelation.IsSome then
                    page.Figure("", StatisticsFigures.autocorrelation outcome s)

                if not s.TwoPoint.IsEmpty then
                    page.Figure("", StatisticsFigures.twoPoint s)

                s.Spectrum |> Option.iter (fun c -> page.Figure("", StatisticsFigures.spectrum c))
    )

/// Samples from the score of one estimator beside the data.
let private generated (page: Page) (g: Generated) =
    let names =
        g.Curves
        |> List.choose (fun c ->
            if c.Of.StartsWith "density of " then
                Some(c.Of.Substring 11)
            else
                None)

    page.Add $"<h3>{escape g.Estimator}</h3>"

    page.Add
        $"<p>{g.Samples.Length} samples: {escape g.Sampler}, from noise of level {Digest.number (fst g.Levels)} to {Digest.number (snd g.Levels)}. Bands are ±2 standard errors, from independent members of the data and independent samples.</p>"

    page.Panels("", (fun () -> g.Curves |> List.iter (fun c -> page.Figure("", ValidationFigures.curve c))))

    if not g.Snapshots.IsEmpty then
        page.Panels("", (fun () -> g.Snapshots |> List.iter (fun s -> page.Figure("", ReportFigures.snapshot s))))

    definitions page "sans" (ValidationFigures.distances g)
    page.Add "<div class=\"scroll\">"
    page.Table([ ""; "#data"; "#generated"; "#difference"; "#in standard errors" ], ValidationFigures.numbers g)

    page.Add
        "</div><p>Stein identity at several noise levels: ⟨g·s⟩ + ⟨∇·g⟩ of the noised data, y in standard deviations; beyond |z| = 3, marked ✗, chance is no excuse.</p><div class=\"scroll\">"

    page.Table(ValidationFigures.stein g names)
    page.Add "</div>"

/// Checks with their values; with the experiment of each where there are several.
let checks (page: Page) (sketch: bool) (results: (string option * CheckResult) list) =
    let several = results |> List.exists (fst >> Option.isSome)
    let first = if several then "<th>experiment</th>" else ""

    page.Add
        $"<div class=\"scroll\"><table><thead><tr>{first}<th>check</th><th class=\"number\">value</th><th class=\"number\">limit</th><th></th></tr></thead><tbody>"

    for experiment, check in results do
        let first =
            experiment |> Option.map (fun name -> $"<td>{escape name}</td>") |> Option.defaultValue ""

        let result =
            if check.Passed then
                "<span class=\"passed\">✓ passed</span>"
            else
                "<span class=\"failed\">✗ failed</span>"

        page.Add
            $"<tr>{first}<td>{escape check.Name}</td><td class=\"number\">{Digest.number check.Value}</td><td class=\"number\">{Digest.number check.Limit}</td><td>{result}</td></tr>"

    page.Add "</tbody></table></div>"

    if sketch then
        page.Add "<p>A sketch prints its checks and never fails on them.</p>"

let private steinTable (page: Page) (scores: ScoreReport list) =
    let cell field (score: ScoreReport) =
        match score.Stein |> List.tryFind (fun row -> row.Field = field) with
        | Some row -> $"{Digest.number row.Value} (z = {row.Z:F1})" + (if abs row.Z > 3.0 then " ✗" else "")
        | None -> "–"

    let fields = scores |> List.collect _.Stein |> List.map _.Field |> List.distinct

    page.Add
        "<p>For the true score ⟨g·s⟩ + ⟨∇·g⟩ vanishes for every test field g; beyond |z| = 3, marked ✗, chance is no excuse.</p><div class=\"scroll\">"

    page.Table("test field g" :: (scores |> List.map (fun s -> "#" + s.Estimator)), fields |> List.map (fun f -> f :: List.map (cell f) scores))
    page.Add "</div>"

let private scores (page: Page) (outcome: Outcome) pens =
    let tested = outcome.Scores |> List.filter (fun s -> not s.Stein.IsEmpty)

    if not tested.IsEmpty then
        steinTable page tested

    definitions page "sans" [
        for score in outcome.Scores do
            for line in score.Equation do
                score.Estimator, line

            match score.RelativeError with
            | Some(value, error) -> score.Estimator, $"relative L2 distance to the exact score {Digest.number value} ± {Digest.uncertainty error}"
            | None -> ()

            match score.Certificate with
            | Some(value, error) -> score.Estimator, $"certificate ‖ŝ − s‖²_D = {Digest.number value} ± {Digest.uncertainty error}"
            | None -> ()

            match score.CertificateNote with
            | Some note when score.Certificate.IsSome -> score.Estimator, $"certificate: {note}"
            | Some note -> score.Estimator, $"no certificate: {note}"
            | None -> ()

            match score.Sigma with
            | Some sigma -> score.Estimator, $"score of the density smoothed by noise of level σ = {Digest.number sigma}"
            | None -> ()
    ]

    let libraries = outcome.Scores |> List.filter (fun s -> not s.Kernels.IsEmpty)

    if not libraries.IsEmpty then
        page.Add "<h3>Kernels</h3>"
        page.Panels("wide", fun () -> libraries |> List.iter (fun s -> page.Figure("", ReportFigures.kernels s)))

    let learned = outcome.Scores |> List.filter (fun s -> not s.Training.IsEmpty)

    if not learned.IsEmpty then
        page.Add "<h3>Training</h3>"
        page.Panels("wide", fun () -> learned |> List.iter (fun s -> page.Figure("", ReportFigures.training pens s)))

/// The script itself, folded away.
let scriptText (page: Page) (text: string) =
    if text <> "" then
        page.Folded("The script", fun () -> page.Add $"<pre>{escape text}</pre>")

let private provenance (page: Page) (outcome: Outcome) =
    let path, text = outcome.Script

    definitions page "sans" [
        "script", path
        "seed", string outcome.Seed
        "threads", string outcome.Threads
        yield! outcome.Versions
    ]

    if not outcome.Seconds.IsEmpty then
        page.Figure("", ReportFigures.timing outcome)

    scriptText page text

/// Refuses every request by itself: what is not in the page cannot be loaded.
let private policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"

/// One file with everything in it: the body, its style, its script and plotly.js.
let private document (title: string) (body: Page) =
    let style = resource "report.css" |> Option.defaultValue ""
    let script = resource "report.js" |> Option.defaultValue ""

    let plotly =
        resource "plotly.js"
        |> Option.map (fun text -> $"<script>{text}</script>")
        |> Option.defaultValue ""

    String.concat "\n" [
        "<!DOCTYPE html>"
        "<html lang=\"en\"><head><meta charset=\"utf-8\">"
        $"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        $"<title>{escape title} · Leith</title>"
        "<link rel=\"icon\" href=\"data:,\">"
        $"<style>{style}</style></head><body><main>"
        string body
        "</main>"
        plotly
        $"<script>{script}</script>"
        "</body></html>"
    ]

/// A page out of its head and its sections: identifier, title and content of each.
let assemble (title: string) (head: Page -> (string * string) list -> unit) (sections: (string * string * (Page -> unit)) list) =
    let page = Page()
    head page (sections |> List.map (fun (id, title, _) -> id, title))

    for id, title, content in sections do
        page.Add $"<section id=\"{id}\"><h2>{escape title}</h2>"
        content page
        page.Add "</section>"

    document title page

/// How densities answer, one row of figures for each density and push.
let private densities (page: Page) (outcome: Outcome) pens =
    page.Add "<p>The change of the probability density that a unit push makes, with 95 % bands; it integrates to zero.</p>"

    for (of', push), answers in outcome.Densities |> List.groupBy (fun d -> d.Of, d.Perturbation) do
        page.Add $"<h3>{escape of'}, {escape push} pushed</h3>"

        page.Panels(
            "",
            fun () ->
                for lag in DensityFigures.lags answers.Head do
                    page.Figure("", DensityFigures.at pens answers lag)
        )

/// What a push that lasts changes in the end.
let private sensitivities (page: Page) (answers: Sensitivity list) =
    page.Add
        "<p>The change of each mean per unit of a push that lasts, ± one standard error: the integral of the response to an impulse, with an exponential fitted to its end beyond the longest lag; of pairs of runs under the push itself the level that they reach.</p><div class=\"scroll\">"

    page.Table(
        SensitivityTable.columns
        |> List.map (fun (title, numbers) -> if numbers then "#" + title else title),
        SensitivityTable.cells answers
    )

    page.Add "</div>"

    for note in SensitivityTable.notes answers do
        page.Add $"<p>{escape note}</p>"

/// The whole page.
let html (outcome: Outcome) =
    let pens = ReportFigures.pens outcome
    let curved = Digest.groups outcome

    let maps (page: Page) =
        page.Panels("wide", fun () -> outcome.Maps |> List.iter (fun m -> page.Figure("map", ReportFigures.map m)))

    assemble
        outcome.Title
        (fun page sections ->
            head page outcome sections
            legend page "estimators" (Digest.estimators outcome) pens)
        [
            if not (outcome.Description.IsEmpty && outcome.Snapshots.IsEmpty) then
                "system", "System", (fun page -> system page outcome)
            if not outcome.Maps.IsEmpty then
                "maps", "Maps", maps
            if not curved.IsEmpty then
                "responses", "Responses", (fun page -> responses page outcome pens)
            if not outcome.Sensitivities.IsEmpty then
                "sensitivities", "Static sensitivities", (fun page -> sensitivities page outcome.Sensitivities)
            if not outcome.Densities.IsEmpty then
                "densities", "Responses of the density", (fun page -> densities page outcome pens)
            if not outcome.Errors.IsEmpty then
                "errors", "Errors", (fun page -> errors page outcome pens)
            if not outcome.Statistics.IsEmpty then
                "statistics",
                (if outcome.Statistics |> List.exists (fun s -> s.Spectrum.IsSome) then
                     "Statistics of the field"
                 else
                     "Statistics of the unknowns"),
                (fun page -> statistics page outcome)
            if not outcome.Generated.IsEmpty then
                "generated", "Generated samples", (fun page -> outcome.Generated |> List.iter (generated page))
            if not outcome.Checks.IsEmpty then
                "checks", "Checks", (fun page -> checks page outcome.Sketch (outcome.Checks |> List.map (fun check -> None, check)))
            if not outcome.Scores.IsEmpty then
                "scores", "Scores", (fun page -> scores page outcome pens)
            "provenance", "Time and provenance", (fun page -> provenance page outcome)
        ]
