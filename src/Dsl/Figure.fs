namespace Leith

open System
open System.IO
open Leith.Charting
open Leith.Core

/// Experiments on several systems as the rows of one figure.
module internal FigureRunner =
    /// result.json: that of a sweep, and every published value beside ours.
    let private result (sweep: SweepOutcome) published =
        let comparisons =
            FigurePage.comparisons sweep published
            |> List.map (fun (title, estimator, what, lag, value, mine, error) ->
                Members [
                    "experiment", Text title
                    "estimator", Text estimator
                    "of", Text what
                    "lag", Number lag
                    "published", Number value
                    "value", Number mine
                    "standardError", error |> Option.map Number |> Option.defaultValue Null
                ])

        Json.merge (SweepReport.result sweep) (Members [ "published", Items comparisons ])

    let private write (sweep: SweepOutcome) published =
        RunFolder.Write(
            sweep.Folder,
            [|
                yield! Report.scriptCopy sweep.Script
                struct ("responses.csv", Action<Stream>(ReportFiles.csvOfSeveral (sweep.Finished |> List.map snd)))
                struct ("report.html", Report.text (FigurePage.html sweep published))
                struct ("result.json", Action<Stream>(fun stream -> Json.write stream true (result sweep published)))
            |]
        )

    /// Runs every row, and writes their folders and that of the figure.
    let outcome (options: Options.Options) (title: string) (rows: FigureRow list) : SweepOutcome =
        let sweep = SweepRunner.gather options title (rows |> List.map _.Experiment)

        // Estimators of a sketch keep their labels, and those are what is looked up.
        let published =
            rows |> List.map (fun r -> r.Experiment.Title, r.Published) |> Map.ofList

        write sweep published

        if not Terminal.isQuiet then
            let number = Digest.number

            Terminal.table
                ([
                    "experiment", false
                    "estimator", false
                    "of", false
                    "lag", true
                    "published", true
                    "here", true
                 ],
                 [
                     for title, estimator, what, lag, value, mine, error in FigurePage.comparisons sweep published ->
                         [ title; estimator; what; number lag; number value; Digest.measured mine error ]
                 ])
                (Path.Combine(sweep.Folder, "report.html"))

        sweep

/// What can be done with rows of a figure.
[<AutoOpen>]
module FigureVerbs =
    /// Runs the experiment of every row, each into its folder, and writes one report with a row for each of them and published values as markers:
    /// `[ row (experiment …) [ published truth (offset 2) [ (18.6, 0.198) ] ] ] |> sideBySide "Figure 1"`. Ends like a sweep.
    let sideBySide (title: string) (rows: FigureRow list) : Outcome list =
        guarded (fun () ->
            let sweep = FigureRunner.outcome (Options.current ()) title rows
            SweepRunner.judge sweep
            sweep.Finished |> List.map snd)
