namespace Leith

open System
open System.IO
open Leith.Charting
open Leith.Core

/// Values over an abscissa, with one standard error each where they have one.
type StudyCurve = {
    Name: string
    X: float[]
    Y: float[]
    StandardError: float[] option
    /// A bound or a reference: dashed, without markers.
    IsBound: bool
}

/// A figure of a study.
type StudyFigure = {
    Title: string
    XTitle: string
    YTitle: string
    /// Whether each axis is logarithmic.
    Logarithmic: bool * bool
    Curves: StudyCurve list
}

/// What a section of a study shows.
[<RequireQualifiedAccess>]
type StudyPart =
    /// A paragraph.
    | Remark of string
    /// Figures side by side.
    | Figures of StudyFigure list
    /// Titles, those of numbers begin with '#', and rows.
    | Table of string list * string list list

/// A question answered by figures and tables rather than by responses: its sections and its checks.
type Study = {
    Title: string
    /// One sentence: what was found.
    Verdict: string
    Sections: (string * StudyPart list) list
    Checks: CheckResult list
}

/// The words of studies.
[<AutoOpen>]
module StudyWords =
    /// Values over an abscissa: `curve "Song" [ 8.0; 16.0 ] [ 0.3; 0.1 ]`.
    let curve (name: string) (x: float seq) (y: float seq) =
        let x, y = Array.ofSeq x, Array.ofSeq y

        if x.Length <> y.Length then
            raise (LeithException $"curve \"{name}\": expected one value for each abscissa, got {x.Length} abscissas and {y.Length} values.")

        {
            Name = name
            X = x
            Y = y
            StandardError = None
            IsBound = false
        }

    /// One standard error for each value.
    let withStandardErrors (errors: float seq) (curve: StudyCurve) =
        let errors = Array.ofSeq errors

        if errors.Length <> curve.Y.Length then
            raise (LeithException $"withStandardErrors: expected one standard error for each of {curve.Y.Length} values, got {errors.Length}.")

        {
            curve with
                StandardError = Some errors
        }

    /// Drawn dashed and without markers: a bound, or what is compared with.
    let asBound (curve: StudyCurve) = { curve with IsBound = true }

    /// Curves over one pair of axes: title, titles of the axes, curves.
    let panel (title: string) (x: string) (y: string) (curves: StudyCurve list) = {
        Title = title
        XTitle = x
        YTitle = y
        Logarithmic = true, true
        Curves = curves
    }

    /// Both axes plain; they are logarithmic otherwise.
    let plainAxes (figure: StudyFigure) = {
        figure with
            Logarithmic = false, false
    }

    /// A plain vertical axis, for values of both signs.
    let plainValues (figure: StudyFigure) = {
        figure with
            Logarithmic = fst figure.Logarithmic, false
    }

    /// Figures side by side.
    let panels (shown: StudyFigure list) = StudyPart.Figures shown
    /// A paragraph.
    let remark (text: string) = StudyPart.Remark text

    /// A table: titles, those of columns with numbers begin with '#', and rows of as many cells.
    let table (titles: string list) (rows: string list list) =
        match rows |> List.tryFind (fun row -> row.Length <> titles.Length) with
        | Some row -> raise (LeithException $"table: expected {titles.Length} cells in every row, as there are titles, got {row.Length} in one.")
        | None -> StudyPart.Table(titles, rows)

    /// A part of the report under a heading.
    let section (title: string) (parts: StudyPart list) = title, parts

    /// A claim that is checked: the value is at most the limit.
    let claim (name: string) (value: float) (limit: float) : CheckResult = {
        Name = name
        Value = value
        Limit = limit
        Passed = value <= limit
    }

    /// A value with one standard error, as reports print it.
    let withError (value: float) (standardError: float) =
        Digest.measured value (Some standardError)

    /// A number of three digits, as reports print it.
    let digits (value: float) = Digest.number value

    /// Mean and standard error of the mean of values that are independent of each other.
    let meanAndError (values: float seq) =
        let values = Array.ofSeq values
        let mean = Array.average values

        if values.Length < 2 then
            mean, nan
        else
            let spread = values |> Array.sumBy (fun v -> (v - mean) ** 2.0)
            mean, sqrt (spread / float (values.Length * (values.Length - 1)))

    /// Whether the command line asks for a sketch.
    let sketching () = (Options.current ()).Sketch

    /// The seed of the command line, or this one.
    let seedOr (seed: int) =
        (Options.current ()).Seed |> Option.defaultValue seed

    /// A stage with its line on the terminal; its work is told how to report the share that is done.
    let stage (name: string) (work: (float -> unit) -> 'T) : 'T =
        Terminal.stage name (fun progress -> work (fun share -> progress.Report(share, "")))

/// report.html and result.json of a study.
module internal StudyReport =
    let private pen (names: string list) name =
        let i = names |> List.findIndex ((=) name)
        ReportFigures.palette[i % ReportFigures.palette.Length]

    let private chart names (figure: StudyFigure) =
        let logX, logY = figure.Logarithmic

        // On a logarithmic axis a zero, exact as it may be, has no place.
        let shown (c: StudyCurve) =
            let keep =
                [| 0 .. c.X.Length - 1 |]
                |> Array.filter (fun i -> (not logX || c.X[i] > 0.0) && (not logY || c.Y[i] > 0.0))

            let pick (values: float[]) = keep |> Array.map (fun i -> values[i])
            pick c.X, pick c.Y, c.StandardError |> Option.map pick

        let draw (c: StudyCurve) =
            let color, _ = pen names c.Name
            let x, y, errors = shown c

            let band =
                errors
                |> Option.map (fun e ->
                    let low =
                        Array.map2 (fun v e -> if logY then max (v - 2.0 * e) (0.2 * v) else v - 2.0 * e) y e

                    let high = Array.map2 (fun v e -> v + 2.0 * e) y e
                    Chart.Range(x, low, high, c.Name, ReportFigures.translucent color 0.18))
                |> Option.toList

            band
            @ [
                Chart.Line(x, y, Name = c.Name, Color = color, Dash = (if c.IsBound then "dash" else "solid"), ShowMarkers = not c.IsBound)
            ]

        figure.Curves
        |> List.collect draw
        |> Chart.combine
        |> Chart.withTitle figure.Title
        |> Chart.withXAxisStyle (figure.XTitle, Log = logX)
        |> Chart.withYAxisStyle (figure.YTitle, Log = logY)

    let private pens (study: Study) names : Map<string, ReportFigures.Pen> =
        let isBound name =
            study.Sections
            |> List.collect snd
            |> List.exists (function
                | StudyPart.Figures shown -> shown |> List.exists (fun f -> f.Curves |> List.exists (fun c -> c.Name = name && c.IsBound))
                | _ -> false)

        names
        |> List.map (fun name ->
            name,
            ({
                Color = fst (pen names name)
                Dash = if isBound name then "dash" else "solid"
                Width = 1.8
            }
            : ReportFigures.Pen))
        |> Map.ofList

    let private names (study: Study) =
        study.Sections
        |> List.collect snd
        |> List.collect (function
            | StudyPart.Figures shown -> shown |> List.collect _.Curves |> List.map _.Name
            | _ -> [])
        |> List.distinct

    let private content names (parts: StudyPart list) (page: ReportPage.Page) =
        for part in parts do
            match part with
            | StudyPart.Remark text -> page.Add $"<p>{ReportPage.escape text}</p>"
            | StudyPart.Table(titles, rows) ->
                page.Add "<div class=\"scroll\">"
                page.Table(titles, rows)
                page.Add "</div>"
            | StudyPart.Figures shown ->
                let kind =
                    match shown.Length with
                    | 1 -> "wide"
                    | 2 -> ""
                    | 4 -> "quarters"
                    | _ -> "squares"

                page.Panels(kind, fun () -> shown |> List.iter (fun f -> page.Figure("", chart names f)))

    let html (options: Options.Options) header (path: string, text: string) versions seconds (study: Study) =
        let names = names study
        let failed = study.Checks |> List.filter (_.Passed >> not)

        let head (page: ReportPage.Page) sections =
            ReportPage.titled page "errors of generated samples" study.Title options.Sketch header
            let kind = if failed.IsEmpty then "" else " doubted"

            let bad =
                if failed.IsEmpty then
                    ""
                else
                    $" <span class=\"failed\">{failed.Length} of {study.Checks.Length} checks failed.</span>"

            page.Add $"<p class=\"verdict{kind}\">{ReportPage.escape study.Verdict}{bad}</p>"
            ReportPage.navigation page sections [ "result.json" ]
            ReportPage.legend page "curves" names (pens study names)

        ReportPage.assemble study.Title head [
            for i, (title, parts) in List.indexed study.Sections do
                $"section-{i + 1}", title, content names parts
            if not study.Checks.IsEmpty then
                "checks", "Checks", (fun page -> ReportPage.checks page options.Sketch (study.Checks |> List.map (fun check -> None, check)))
            "provenance",
            "Time and provenance",
            (fun page ->
                ReportPage.definitions page "sans" [
                    "script", path
                    "threads", string options.Threads
                    yield! versions
                    for name, spent in seconds do
                        name, Terminal.duration spent
                ]

                ReportPage.scriptText page text)
        ]

    let private figureJson (f: StudyFigure) =
        let curveJson (c: StudyCurve) =
            Members [
                "name", Text c.Name
                "x", c.X |> Array.map Number |> List.ofArray |> Items
                "y", c.Y |> Array.map Number |> List.ofArray |> Items
                "standardError",
                c.StandardError
                |> Option.map (Array.map Number >> List.ofArray >> Items)
                |> Option.defaultValue Null
                "bound", Flag c.IsBound
            ]

        Members [
            "title", Text f.Title
            "x", Text f.XTitle
            "y", Text f.YTitle
            "curves", f.Curves |> List.map curveJson |> Items
        ]

    let result (options: Options.Options) path versions seconds (study: Study) =
        let tables (titles: string list, rows) =
            Members [
                "titles", titles |> List.map (fun t -> Text(t.TrimStart '#')) |> Items
                "rows", rows |> List.map (List.map Text >> Items) |> Items
            ]

        let parts choose =
            study.Sections |> List.collect snd |> List.collect choose |> Items

        Members [
            "study", Text study.Title
            "script", Text path
            "sketch", Flag options.Sketch
            "seed", options.Seed |> Option.map (float >> Number) |> Option.defaultValue Null
            "verdict", Text study.Verdict
            "versions", versions |> List.map (fun (name, version) -> name, Text version) |> Members
            "seconds", seconds |> List.map (fun (name, spent) -> name, Number spent) |> Members
            "figures",
            parts (function
                | StudyPart.Figures shown -> shown |> List.map figureJson
                | _ -> [])
            "tables",
            parts (function
                | StudyPart.Table(titles, rows) -> [ tables (titles, rows) ]
                | _ -> [])
            "checks", study.Checks |> List.map ReportFiles.check |> Items
        ]

    /// Writes the folder, all files or none, and answers the path of report.html.
    let write (options: Options.Options) (study: Study) =
        let folder = Runner.folderOf options study.Title
        let header, script, versions = Runner.provenance ()
        let seconds = Terminal.seconds ()

        RunFolder.Write(
            folder,
            [|
                yield! Report.scriptCopy script
                struct ("report.html", Report.text (html options header script versions seconds study))
                struct ("result.json", Action<Stream>(fun stream -> Json.write stream true (result options (fst script) versions seconds study)))
            |]
        )

        Path.Combine(folder, "report.html")

/// What can be done with a study.
[<AutoOpen>]
module StudyVerbs =
    let private tables (study: Study) =
        study.Sections
        |> List.collect snd
        |> List.choose (function
            | StudyPart.Table(titles, rows) -> Some(titles, rows)
            | _ -> None)

    /// Makes a study, prints its tables and checks, and writes its report. A mistake in it is one sentence and exit code 2; a check that fails, exit code 1.
    let study (title: string) (work: unit -> string * (string * StudyPart list) list * CheckResult list) : Study =
        guarded (fun () ->
            let options = Options.current ()

            if String.IsNullOrWhiteSpace title then
                raise (LeithException "study: expected a title, got blank text.")

            RunFolder.Probe(Runner.folderOf options title)
            Terminal.clear ()
            let verdict, sections, checks = work ()

            let made = {
                Title = title
                Verdict = verdict
                Sections = sections
                Checks = checks
            }

            let path = StudyReport.write options made

            if not Terminal.isQuiet then
                for titles, rows in tables made do
                    Terminal.rows (titles |> List.map (fun t -> t.TrimStart '#', t.StartsWith '#')) rows

                Terminal.ending checks (verdict + (if options.Sketch then " (A sketch: rough numbers.)" else "")) path

            Runner.judgeChecks options.Sketch checks
            made)
