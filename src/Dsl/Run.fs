namespace Leith

open System
open System.IO
open System.Threading
open Leith.Core
open Leith.Stages

/// From an experiment to its outcome.
module internal Runner =
    let private cancellation = new CancellationTokenSource()

    // The first Ctrl-C ends the stage at work in good order; a second one ends the process.
    let private watch =
        lazy
            (Console.CancelKeyPress.Add(fun e ->
                if not cancellation.IsCancellationRequested then
                    e.Cancel <- true
                    cancellation.Cancel()))

    let private header path =
        if File.Exists path then
            File.ReadLines path
            |> Seq.skipWhile String.IsNullOrWhiteSpace
            |> Seq.takeWhile (fun line -> line.StartsWith "//")
            |> Seq.map (fun line -> line.TrimStart('/').Trim())
            |> List.ofSeq
        else
            []

    let private version (t: Type) =
        match t.Assembly.GetName().Version with
        | null -> "?"
        | v -> v.ToString 3

    let private versions () = [
        "Leith", version typeof<Experiment>
        ".NET", Environment.Version.ToString()
        "FSharp.Core", version typeof<list<int>>
        "System", Runtime.InteropServices.RuntimeInformation.OSDescription
        "Vectors", $"{Runtime.Intrinsics.Vector512.IsHardwareAccelerated |> fun on -> if on then 512 else 256} bits"
    ]

    let private find setting (experiment: Experiment) =
        match experiment.Source with
        | Source.Simulated(equations, _, step, sampling) ->
            match equations.Head.Unknown with
            | Field.Unknown(_, Domain.Torus _) -> FieldRun.run setting experiment equations step sampling
            | _ -> VectorRun.run setting experiment equations step sampling
        | Source.Recorded data -> RecordingRun.run setting experiment data

    let private compared (experiment: Experiment) (responses: Response list) =
        match Compare.reference experiment.Estimate with
        | None -> []
        | Some truth -> [
            for estimator in experiment.Estimate do
                if estimator <> truth then
                    Compare.errors truth.Label responses estimator.Label
          ]

    /// Runs an experiment and writes its folder.
    let outcome (options: Options.Options) (asked: Experiment) : Outcome =
        watch.Force()
        Terminal.clear ()

        let experiment =
            {
                asked with
                    Seed = options.Seed |> Option.defaultValue asked.Seed
            }
            |> if options.Sketch then Sketch.make else id

        Experiment.validate experiment

        let folder =
            Path.GetFullPath(Path.Combine(options.Out, Report.slug experiment.Title))

        RunFolder.Probe folder

        let setting = {
            Threads = options.Threads
            Sketch = options.Sketch
            Cache = StageCache(StageCache.DefaultFolder(Directory.GetCurrentDirectory()), StageCache.DefaultLimit, Action<string>(Terminal.say))
            Cancellation = cancellation.Token
        }

        Terminal.say (
            if options.Sketch then
                $"{experiment.Title} (sketch)"
            else
                experiment.Title
        )

        let found = find setting experiment
        let curves = compared experiment found.Responses
        let path = Options.script () |> Option.defaultValue ""

        let outcome = {
            Title = experiment.Title
            Header = header path
            Description = Plan.describe experiment @ found.Notes
            Verdict = found.Verdict |> Option.defaultWith (fun () -> Compare.verdict experiment curves)
            Script = path, (if File.Exists path then File.ReadAllText path else "")
            Sketch = options.Sketch
            Seed = experiment.Seed
            Threads = options.Threads
            Versions = versions ()
            Seconds = Terminal.seconds ()
            Responses = found.Responses
            Errors = curves
            Scores = found.Scores
            Checks = experiment.Check |> List.map (Compare.check found.Responses)
            Snapshots = found.Snapshots
            Maps = found.Maps
            NullBands = found.NullBands
            Folder = folder
        }

        Report.write outcome |> ignore

        if not Terminal.isQuiet then
            Terminal.summary outcome

        outcome

    /// Tells ./run that exit code 1 means a failed check: fsi answers 1 to a script that does not compile or that an error ends, too.
    let private tellRun () =
        match Environment.GetEnvironmentVariable "LEITH_STATUS" with
        | null
        | "" -> ()
        | path -> File.AppendAllText(path, "a check failed\n")

    let private checksFailed =
        lazy
            (tellRun ()
             AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> Environment.ExitCode <- 1))

    /// Checks of a sketch are printed and never fail.
    let judge (outcome: Outcome) =
        if not outcome.Sketch && outcome.Checks |> List.exists (_.Passed >> not) then
            checksFailed.Force()

    /// What Ctrl-C answers, wherever it came in between.
    let private interrupted =
        "interrupted; finished stages are kept, and the next run goes on from there."

    /// The sentence for an error that a user causes: bad input, or Ctrl-C. None for every other, which is ours and keeps its stack trace.
    let sentence (error: exn) =
        let all: exn list =
            match error with
            | :? AggregateException as many -> List.ofSeq (many.Flatten().InnerExceptions)
            | one -> [ one ]

        match all |> List.tryFind (fun e -> e :? LeithException) with
        | Some bad -> Some bad.Message
        | None when not all.IsEmpty && all |> List.forall (fun e -> e :? OperationCanceledException) -> Some interrupted
        | None -> None

    /// The message first, no stack trace unless asked for, exit code 2.
    let refuse (message: string) (error: exn) =
        eprintfn "%s" message

        if Environment.GetCommandLineArgs() |> Array.contains "--debug" then
            eprintfn "%O" error

        if Options.script().IsSome then exit 2 else raise error

/// What can be done with an experiment.
[<AutoOpen>]
module Verbs =
    let private (|Users|_|) (error: exn) = Runner.sentence error

    let private guarded work =
        try
            work ()
        with Users message as error ->
            Runner.refuse message error

    /// Runs an experiment with the options of the command line, writes its folder, and returns lags, curves and bands as values.
    /// A failed check makes the script end with exit code 1; an experiment that cannot be run ends it with its message and exit code 2.
    let run (experiment: Experiment) : Outcome =
        guarded (fun () ->
            let outcome = Runner.outcome (Options.current ()) experiment
            Runner.judge outcome
            outcome)

    /// Like `run`, but an experiment that cannot be run returns its message, and no check ends the script.
    let tryRun (experiment: Experiment) : Result<Outcome, string> =
        try
            Ok(Runner.outcome (Options.current ()) experiment)
        with Users message ->
            Error message

    /// Runs a sixteenth of an experiment, whatever the command line says.
    let sketch (experiment: Experiment) : Outcome =
        guarded (fun () ->
            Runner.outcome
                {
                    Options.current () with
                        Sketch = true
                }
                experiment)

    /// Prints what a run would do, and runs nothing.
    let plan (experiment: Experiment) =
        guarded (fun () ->
            Experiment.validate experiment
            printfn "%s" (Plan.text experiment))

    /// A word behind the script's name on the command line, counted from 0: the path of a recording. `what` says in the error what was expected.
    let argument (index: int) (what: string) : string =
        guarded (fun () ->
            match (Options.current ()).Values |> List.tryItem index with
            | Some value -> value
            | None -> raise (LeithException $"this script expected {what} behind its name, got nothing there; give it, as in: ./run SCRIPT.fsx PATH"))

    /// A word that may stand behind the script's name.
    let optionalArgument (index: int) : string option =
        guarded (fun () -> (Options.current ()).Values |> List.tryItem index)
