/// What a run says while it works: one live line for the stage at hand (plain lines where the output is no terminal), one line for each finished stage, a table at the end.
module Leith.Terminal

open System
open System.Diagnostics
open System.Threading
open Spectre.Console

/// Whether nothing is said: runs inside a test.
let mutable internal isQuiet = false

let private gate = obj ()
/// Runs beside each other keep their stages apart.
let private finished = AsyncLocal<(string * float) list ref option>()

let private stages () =
    match finished.Value with
    | Some known -> known
    | None ->
        let fresh = ref []
        finished.Value <- Some fresh
        fresh

/// Whether a line that will be drawn over is on the screen.
let mutable private lineIsOpen = false

let private isTerminal =
    lazy (not Console.IsOutputRedirected && Environment.GetEnvironmentVariable "TERM" <> "dumb")

let private closeLine () =
    lock gate (fun () ->
        if lineIsOpen then
            Console.Out.WriteLine()
            Console.Out.Flush()
            lineIsOpen <- false)

// The cursor is never hidden and no mode of the terminal is changed, so an interrupted run owes the terminal a line end and nothing else.
let private watchInterrupt =
    lazy (Console.CancelKeyPress.Add(fun _ -> closeLine ()))

/// A duration as people say it: "8.2 s", "3 min 05 s", "2 h 10 min".
let duration (seconds: float) =
    if Double.IsNaN seconds || Double.IsInfinity seconds then
        "?"
    elif seconds < 9.95 then
        $"{seconds:F1} s"
    elif seconds < 99.5 then
        $"{seconds:F0} s"
    else
        let minutes = int (seconds / 60.0)

        if minutes < 60 then
            $"{minutes} min {int seconds % 60:D2} s"
        else
            $"{minutes / 60} h {minutes % 60:D2} min"

let private bar width fraction =
    let filled = int (Math.Round(float width * Math.Clamp(fraction, 0.0, 1.0)))
    String('━', filled) + String('·', width - filled)

/// What is drawn of a stage at work: name, bar, share done, rate, time left, and what the stage says of itself.
let private line (name: string) (fraction: float) (note: string) (seconds: float) =
    let share = Math.Clamp(fraction, 0.0, 1.0)

    let pace =
        // Too little is done in the first moments to foretell the rest.
        if share < 1e-6 || seconds < 0.5 then
            $"{duration seconds}"
        else
            let rate = 100.0 * share / seconds
            let shown = if rate >= 10.0 then $"{rate:F0}" else $"{rate:G2}"
            $"{shown} %%/s, {duration (seconds * (1.0 - share) / share)} left"

    let said =
        if String.IsNullOrWhiteSpace note then
            ""
        else
            "   " + note.ReplaceLineEndings " "

    $"  {name, -22} {bar 20 share} {100.0 * share, 3:F0} %%  {pace}{said}"

let private draw (text: string) =
    lock gate (fun () ->
        let width =
            try
                max 20 (Console.WindowWidth - 1)
            with _ ->
                79

        let shown =
            if text.Length > width then
                text[.. width - 2] + "…"
            else
                text

        Console.Out.Write("\r\u001b[2K" + shown)
        Console.Out.Flush()
        lineIsOpen <- true)

/// A line that stays, above the live one.
let say (text: string) =
    lock gate (fun () ->
        if lineIsOpen then
            Console.Out.Write "\r\u001b[2K"
            lineIsOpen <- false

        if not isQuiet then
            Console.Out.WriteLine text
            Console.Out.Flush())

/// Seconds between two lines of one stage where the output is no terminal.
let private plainPause = 5.0

/// Runs a stage and shows how far it is: the work reports (share done, 0 to 1, what it knows by now), from any thread and as often as it likes. Its wall seconds are kept under its name.
let stage (name: string) (work: IProgress<float * string> -> 'T) : 'T =
    watchInterrupt.Force()
    let clock = Stopwatch.StartNew()
    let latest = ref (0.0, "")
    let plainAt = ref 0.0

    let progress = {
        new IProgress<float * string> with
            member _.Report report = latest.Value <- report
    }

    let show _ =
        let fraction, note = latest.Value
        let seconds = clock.Elapsed.TotalSeconds

        if isTerminal.Value && not isQuiet then
            draw (line name fraction note seconds)
        elif seconds >= plainAt.Value + plainPause then
            plainAt.Value <- seconds
            say (line name fraction note seconds)

    let keep ending =
        let seconds = clock.Elapsed.TotalSeconds
        let note = snd latest.Value

        let said =
            if String.IsNullOrWhiteSpace note then
                ""
            else
                "   " + note.ReplaceLineEndings " "

        let stages = stages ()
        lock gate (fun () -> stages.Value <- (name, seconds) :: stages.Value)
        say $"  {name, -22} {ending} {duration seconds}{said}"

    use timer = new Timer(show, null, 100, 200)

    let stopTimer () =
        // Waits for a drawing that is under way: nothing may be drawn after the last line.
        use ended = new ManualResetEvent false

        if timer.Dispose ended then
            ended.WaitOne() |> ignore

    try
        let result = work progress
        stopTimer ()
        keep "done in"
        result
    with _ ->
        stopTimer ()
        keep "stopped after"
        reraise ()

/// Wall seconds of every stage so far, in the order in which they ended; a name that came again has its times added.
let seconds () =
    let stages = stages ()

    lock gate (fun () -> List.rev stages.Value)
    |> List.groupBy fst
    |> List.map (fun (name, times) -> name, List.sumBy snd times)

/// Forgets the stages: a new run begins.
let clear () = finished.Value <- Some(ref [])

let private errorTable (outcome: Outcome) =
    let table = Table().Border(TableBorder.Simple)
    let against = outcome.Errors |> List.map _.Against |> List.distinct
    let lags = Digest.errorLags outcome 4

    table.AddColumn(TableColumn($"[bold]{Digest.distanceTitle}[/]")) |> ignore

    for lag in lags do
        table.AddColumn(TableColumn($"lag {Digest.number lag}").RightAligned()) |> ignore

    for curve in outcome.Errors do
        let name =
            if against.Length > 1 then
                $"{curve.Estimator} to {curve.Against}"
            else
                curve.Estimator

        let cells = lags |> List.map (Digest.distance curve)

        table.AddRow(List.toArray (Markup.Escape name :: cells)) |> ignore

    table.Caption(
        if against.Length = 1 then
            Markup.Escape $"to {against.Head}"
        else
            ""
    )
    |> ignore

    table

let private peakTitles = [ "estimator"; "response of"; "to"; "peak ± 95 %"; "at lag" ]

/// At most `limit` rows of the table of peaks, and how many were left out: every estimator of a component before the next component, the leading component of every group first.
let internal peakRows (limit: int) (outcome: Outcome) : string list list * int =
    // Rows of one field differ by their offset alone, rows of several must say whose they are.
    let several =
        (outcome.Responses |> List.filter Digest.isField |> List.distinctBy _.Observable).Length > 1

    let rows = [
        for group, (_, responses) in List.indexed (Digest.groups outcome) do
            for rank, component' in List.indexed (Digest.shown responses.Head 4) do
                for response in responses do
                    if component' < response.Components.Length then
                        (group, rank), (response, component')
    ]

    let kept =
        rows
        |> List.sortBy (fun ((group, rank), _) -> rank, group)
        |> List.truncate limit
        |> List.sortBy fst

    let row (response: Response, component') =
        let peak = Digest.peak response component'

        let name = response.Components[component']

        [
            response.Estimator
            (if several && Digest.isField response then
                 $"{response.Observable}, {name}"
             else
                 name)
            response.Perturbation
            Digest.measured peak.Value peak.HalfWidth
            Digest.number peak.Lag
        ]

    kept |> List.map (snd >> row), rows.Length - kept.Length

let private peakTable (outcome: Outcome) =
    let table = Table().Border(TableBorder.Simple)

    for title in peakTitles do
        table.AddColumn(TableColumn $"[bold]{title}[/]") |> ignore

    let rows, more = peakRows 24 outcome

    for row in rows do
        table.AddRow(row |> List.map Markup.Escape |> List.toArray) |> ignore

    if more > 0 then
        table.Caption $"… and {more} more in the report" |> ignore

    table

// Colours and the width of the window on a terminal; plain text in a log, which has no width: the usual 80 columns would cut the tables.
let private screen () =
    if isTerminal.Value then
        AnsiConsole.Console
    else
        let settings =
            AnsiConsoleSettings(Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No)

        let console = AnsiConsole.Create settings
        console.Profile.Width <- 160
        console

let private checkLines (console: IAnsiConsole) (checks: CheckResult list) =
    for check in checks do
        let mark =
            if check.Passed then
                "[green]✓ passed[/]"
            else
                "[red]✗ failed[/]"

        console.MarkupLine $"  {mark}  {Markup.Escape check.Name}: {Digest.number check.Value}, limit {Digest.number check.Limit}"

/// The end of one run of several: its checks, and where its report lies.
let internal briefly (outcome: Outcome) =
    closeLine ()
    let console = screen ()
    checkLines console outcome.Checks
    let path = IO.Path.Combine(outcome.Folder, "report.html")
    console.MarkupLine $"  [bold]report[/]   {Markup.Escape path}"
    console.WriteLine()

/// A table, whose columns have a title and hold numbers or words.
let internal rows (columns: (string * bool) list) (rows: string list list) =
    closeLine ()
    let console = screen ()
    let table = Table().Border(TableBorder.Simple)

    for title, numbers in columns do
        let column = TableColumn $"[bold]{Markup.Escape title}[/]"
        table.AddColumn(if numbers then column.RightAligned() else column) |> ignore

    for row in rows do
        table.AddRow(row |> List.map Markup.Escape |> List.toArray) |> ignore

    console.Write table

/// The end of several runs: a table, and where the report lies.
let internal table (columns: (string * bool) list, cells: string list list) (path: string) =
    rows columns cells
    (screen ()).MarkupLine $"  [bold]report[/]   {Markup.Escape path}"

/// The end of a study: its checks, the verdict, and where the report lies.
let internal ending (checks: CheckResult list) (verdict: string) (path: string) =
    closeLine ()
    let console = screen ()
    checkLines console checks
    console.MarkupLine $"  [bold]verdict[/]  {Markup.Escape verdict}"
    console.MarkupLine $"  [bold]report[/]   {Markup.Escape path}"

/// The end of a run: errors or peaks, checks, seconds of each stage, the verdict, and where the report lies.
let summary (outcome: Outcome) =
    closeLine ()
    let console = screen ()
    console.WriteLine()

    if not outcome.Errors.IsEmpty then
        console.Write(errorTable outcome)

    if not outcome.Responses.IsEmpty then
        console.Write(peakTable outcome)

    for g in outcome.Generated do
        let distance = Digest.number g.Energy.Value

        console.MarkupLine
            $"  [bold]{Markup.Escape g.Estimator}[/]: {g.Samples.Length} generated samples, energy distance {distance} from the data, p = {Digest.number g.Energy.PValue}"

    checkLines console outcome.Checks

    let times =
        outcome.Seconds |> List.map (fun (name, s) -> $"{name} {duration s}") |> String.concat ", "

    let total = duration (List.sumBy snd outcome.Seconds)

    for label, text in
        [
            "time", (if times = "" then "" else $"{total} ({times})")
            "verdict", outcome.Verdict + (if outcome.Sketch then " (A sketch: rough numbers.)" else "")
            "report", IO.Path.Combine(outcome.Folder, "report.html")
        ] do
        if text <> "" then
            console.MarkupLine $"  [bold]{label, -8}[/] {Markup.Escape text}"
