namespace Leith

open System
open Leith.Core

/// A list of experiments one after another, with their reports and one that shows them side by side.
module internal SweepRunner =
    let private fail (title: string) text =
        raise (LeithException $"sweep \"{title}\": {text}")

    /// Refuses, with one sentence, a sweep whose parts would write over each other.
    let validate (title: string) (experiments: Experiment list) =
        if String.IsNullOrWhiteSpace title then
            fail title "expected a title, got blank text."

        if experiments.IsEmpty then
            fail title "expected at least one experiment, got an empty list; write [ for eps in [ 0.1; 0.2 ] -> experiment $\"ε = {eps}\" { … } ]."

        match experiments |> List.countBy _.Title |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(twice, count) ->
            fail
                title
                $"expected a different title for each experiment, got \"{twice}\" {count} times; put what differs into it, as in $\"double well, ε = {{eps}}\"."
        | None -> ()

        let folders = experiments |> List.groupBy (fun e -> Report.slug e.Title)

        match folders |> List.tryFind (fun (_, group) -> group.Length > 1) with
        | Some(folder, group) ->
            fail
                title
                $"expected titles that make a folder of their own for each experiment, got \"{group[0].Title}\" and \"{group[1].Title}\", which both make {folder}; tell them apart by letters or digits."
        | None -> ()

        match folders |> List.tryFind (fun (folder, _) -> folder = Report.slug title) with
        | Some(folder, group) ->
            fail
                title
                $"expected another title than those of its experiments, got one that makes the folder {folder} of \"{group.Head.Title}\"; change one of them."
        | None -> ()

    let private (|Users|_|) (error: exn) = Runner.sentence error

    /// One experiment: what it found, or why it could not be run. Ctrl-C and errors that are not the user's end the sweep.
    let private attempt options place companions (experiment: Experiment) =
        try
            let outcome = Runner.answer options place companions experiment

            if not Terminal.isQuiet then
                Terminal.briefly outcome

            Ok outcome
        with Users sentence as error when not (Runner.isInterrupted ()) ->
            if not Terminal.isQuiet then
                Runner.complain sentence error

            Error sentence

    /// Runs every experiment, and writes their folders.
    let gather (options: Options.Options) (title: string) (asked: Experiment list) : SweepOutcome =
        validate title asked
        let folder = Runner.folderOf options title
        RunFolder.Probe folder
        let experiments = asked |> List.map (Runner.prepare options)
        let count = experiments.Length

        let endings =
            List.zip experiments (Companions.share experiments)
            |> List.mapi (fun i (experiment, companions) -> attempt options $"{i + 1} of {count}: " companions experiment)

        let differences, values = Differences.between experiments
        let header, script, versions = Runner.provenance ()

        {
            Title = title
            Header = header
            Script = script
            Versions = versions
            Sketch = options.Sketch
            Threads = options.Threads
            Differences = differences
            Members =
                List.zip3 experiments values endings
                |> List.map (fun (experiment, values, ending) -> {
                    Title = experiment.Title
                    Folder = Runner.folderOf options experiment.Title
                    Values = values
                    Ending = ending
                })
            Folder = folder
        }

    /// Runs every experiment, and writes their folders and that of the sweep.
    let outcome (options: Options.Options) (title: string) (asked: Experiment list) : SweepOutcome =
        let sweep = gather options title asked
        SweepReport.write sweep

        if not Terminal.isQuiet then
            Terminal.table
                (SweepPage.overview sweep |> fun (columns, rows) -> columns, List.map snd rows)
                (IO.Path.Combine(sweep.Folder, "report.html"))

        sweep

    /// Exit codes of what a sweep found: 1 for a failed check, 2 for an experiment that could not be run.
    let judge (sweep: SweepOutcome) =
        for _, outcome in sweep.Finished do
            Runner.judge outcome

        if sweep.Finished.Length < sweep.Members.Length then
            Runner.regret ()

    /// The text of a plan: what all experiments share, then what each has for itself.
    let plan (title: string) (experiments: Experiment list) =
        validate title experiments

        let rows (experiment: Experiment) =
            try
                Ok(Plan.describe experiment @ Plan.costs Environment.ProcessorCount experiment)
            with Users sentence ->
                Error sentence

        let all = experiments |> List.map (fun e -> e.Title, rows e)

        let described = [
            for _, rows in all do
                match rows with
                | Ok rows -> rows
                | Error _ -> ()
        ]

        let shared =
            match described with
            | first :: rest when not rest.IsEmpty -> first |> List.filter (fun row -> rest |> List.forall (List.contains row))
            | _ -> []

        let states = experiments |> List.map Stages.describe |> List.distinct |> List.length

        let passes =
            if states < experiments.Length then
                $", {states} different ensembles"
            else
                ""

        let lines = [
            $"{title}: {experiments.Length} experiments{passes}"
            yield! Plan.lines shared
            for name, rows in all do
                ""
                name

                match rows with
                | Ok rows -> yield! Plan.lines (List.except shared rows)
                | Error sentence -> $"  {sentence}"
        ]

        String.Join("\n", lines), all |> List.forall (snd >> Result.isOk)

/// What can be done with a list of experiments.
[<AutoOpen>]
module SweepVerbs =
    let private finished options title experiments =
        guarded (fun () ->
            let sweep = SweepRunner.outcome options title experiments
            SweepRunner.judge sweep
            sweep.Finished |> List.map snd)

    /// Runs a list of experiments, `[ for eps in [ 0.1; 0.2 ] -> experiment $"ε = {eps}" { … } ] |> sweep "noise"`, each into its folder, and writes a report that shows them side by side.
    /// Stages that experiments share run once. An experiment that cannot be run is named in the report and left out of the list; the script ends with exit code 2 then, and with 1 where a check failed.
    let sweep (title: string) (experiments: Experiment list) : Outcome list =
        finished (Options.current ()) title experiments

    /// Runs a sixteenth of each experiment, whatever the command line says.
    let sketchSweep (title: string) (experiments: Experiment list) : Outcome list =
        guarded (fun () ->
            finished
                {
                    Options.current () with
                        Sketch = true
                }
                title
                experiments)

    /// Prints what a sweep would do, what its experiments share first, and runs nothing.
    let planSweep (title: string) (experiments: Experiment list) =
        guarded (fun () ->
            let text, complete = SweepRunner.plan title experiments
            printfn "%s" text

            if not complete then
                Runner.regret ())
