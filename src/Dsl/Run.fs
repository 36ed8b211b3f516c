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

    let private findPlain setting (experiment: Experiment) =
        match experiment.Source with
        | Source.Simulated(equations, _, step, sampling) ->
            if (Equations.fields equations).IsEmpty then
                VectorRun.run setting experiment equations step sampling
            else
                FieldRun.run setting experiment equations step sampling
        | Source.Recorded data -> RecordingRun.run setting experiment data

    /// Observables that are statistics of the law are gathered as plain ones and put together afterwards.
    let private findAlone setting (experiment: Experiment) =
        let law = lazy (Law.read setting RecordingRun.load experiment)

        match Observables.recipe law experiment with
        | None -> findPlain setting experiment
        | Some recipe ->
            {
                experiment with
                    Observe = Observables.plain recipe
            }
            |> findPlain setting
            |> Observables.answer recipe

    /// What an experiment finds when its passes over the ensemble gather for companions too. The answers of these are left out; where they stand in the way, it is run without them.
    let private find setting (companions: Estimator list) (experiment: Experiment) =
        let mine (label: 'a -> string) (answers: 'a list) =
            experiment.Estimate
            |> List.collect (fun own -> answers |> List.filter (fun answer -> label answer = own.Label))

        let joined () =
            let found =
                findAlone setting {
                    experiment with
                        Estimate = Companions.join companions experiment.Estimate
                }

            {
                found with
                    Responses = mine (fun (r: Response) -> r.Estimator) found.Responses
                    Scores = mine (fun (s: ScoreReport) -> s.Estimator) found.Scores
            }

        try
            if companions.IsEmpty then
                findAlone setting experiment
            else
                joined ()
        with :? LeithException when not companions.IsEmpty ->
            findAlone setting experiment

    let private compared (experiment: Experiment) (responses: Response list) =
        match Compare.reference experiment.Estimate with
        | None -> []
        | Some truth -> [
            for estimator in experiment.Estimate do
                if estimator <> truth then
                    Compare.errors truth.Label responses estimator.Label
          ]

    /// An experiment as it is run: with the seed and the size that the command line asks for.
    let prepare (options: Options.Options) (asked: Experiment) =
        {
            asked with
                Seed = options.Seed |> Option.defaultValue asked.Seed
        }
        |> if options.Sketch then Sketch.make else id

    /// The folder of a title.
    let folderOf (options: Options.Options) (title: string) =
        Path.GetFullPath(Path.Combine(options.Out, Report.slug title))

    /// What every report says of the script and the machine.
    let provenance () =
        let path = Options.script () |> Option.defaultValue ""
        header path, (path, (if File.Exists path then File.ReadAllText path else "")), versions ()

    /// The experiment with the step that `automatic` stands for, and why that one.
    let resolved (experiment: Experiment) =
        match experiment.Source with
        | Source.Simulated(equations, noise, step, sampling) when step.IsAutomatic ->
            let plain = {
                step with
                    Scheme = Scheme.EulerMaruyama
            }

            let model = Lower.systemFor plain equations noise

            let choice =
                AutomaticStep.Choose(model, sampling.Every, sampling.SpinUp, initialOf model experiment)

            Terminal.say $"step: {choice.Reason}"

            let chosen = {
                step with
                    Scheme = choice.Scheme
                    Size = choice.Step
                    IsAutomatic = false
            }

            {
                experiment with
                    Source = Source.Simulated(equations, noise, chosen, sampling)
            },
            [ "step", choice.Reason ]
        | _ -> experiment, []

    /// What a run is done with.
    let settingOf (options: Options.Options) : Setting =
        let cache =
            options.Cache
            |> Option.defaultWith (fun () -> StageCache.DefaultFolder(Directory.GetCurrentDirectory()))

        {
            Threads = options.Threads
            Sketch = options.Sketch
            Cache = StageCache(cache, StageCache.DefaultLimit, Action<string>(Terminal.say))
            Cancellation = cancellation.Token
        }

    /// Runs a prepared experiment and writes its folder; `place` stands before the title on the terminal.
    let answer (options: Options.Options) (place: string) (companions: Estimator list) (experiment: Experiment) : Outcome =
        watch.Force()
        Terminal.clear ()
        Experiment.validate experiment
        Plan.demandMemory options.Threads (float (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)) experiment
        let folder = folderOf options experiment.Title
        RunFolder.Probe folder

        let setting = settingOf options
        let size = if options.Sketch then " (sketch)" else ""
        Terminal.say $"{place}{experiment.Title}{size}"

        let experiment, reasons = resolved experiment
        Experiment.validate experiment
        ForcedResponses.validate experiment

        let found =
            let found =
                SeedSpread.expand experiment |> find setting companions |> SeedSpread.combine experiment

            let forced = found.Responses |> List.map (ForcedResponses.apply experiment)

            {
                found with
                    Notes = reasons @ found.Notes
                    Responses = forced |> List.map fst
                    Sensitivities = forced |> List.collect snd
            }

        let curves = compared experiment found.Responses
        let header, script, versions = provenance ()

        let outcome = {
            Title = experiment.Title
            Header = header
            Description = Plan.describe experiment @ found.Notes
            Verdict = found.Verdict |> Option.defaultWith (fun () -> Compare.verdict experiment found.Scores curves)
            Script = script
            Sketch = options.Sketch
            Seed = experiment.Seed
            Threads = options.Threads
            Versions = versions
            Seconds = Terminal.seconds ()
            Responses = found.Responses |> List.map ResponseBands.complete
            Errors = curves
            Sensitivities = found.Sensitivities
            Densities = found.Densities
            Scores = found.Scores
            Checks = experiment.Check |> List.map (Compare.check found.Responses)
            Snapshots = found.Snapshots
            Maps = found.Maps
            NullBands = found.NullBands
            Statistics = found.Statistics
            Generated = found.Generated
            Folder = folder
        }

        Report.write outcome |> ignore
        outcome

    /// Runs an experiment, writes its folder and says what it found.
    let outcome (options: Options.Options) (asked: Experiment) : Outcome =
        let outcome = prepare options asked |> answer options "" []

        if not Terminal.isQuiet then
            if not outcome.Sensitivities.IsEmpty then
                Terminal.rows SensitivityTable.columns (SensitivityTable.cells outcome.Sensitivities)

            Terminal.summary outcome

        outcome

    /// Whether Ctrl-C came.
    let isInterrupted () = cancellation.IsCancellationRequested

    /// Tells ./run that exit code 1 means a failed check: fsi answers 1 to a script that does not compile or that an error ends, too.
    let private tellRun () =
        match Environment.GetEnvironmentVariable "LEITH_STATUS" with
        | null
        | "" -> ()
        | path -> File.AppendAllText(path, "a check failed\n")

    let mutable private code = 0

    let private atExit =
        lazy (AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> Environment.ExitCode <- code))

    /// The exit code of a script that goes on to its end: the largest that was asked for.
    let private endWith worst =
        if worst = 1 && code < 1 then
            tellRun ()

        code <- max code worst
        atExit.Force()

    /// Checks of a sketch are printed and never fail.
    let judgeChecks sketch (checks: CheckResult list) =
        if not sketch && checks |> List.exists (_.Passed >> not) then
            endWith 1

    /// The same of a run.
    let judge (outcome: Outcome) =
        judgeChecks outcome.Sketch outcome.Checks

    /// One experiment of several could not be run: the script goes on, and ends with exit code 2.
    let regret () = endWith 2

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

    /// The message first, no stack trace unless asked for.
    let complain (message: string) (error: exn) =
        eprintfn "%s" message

        if Environment.GetCommandLineArgs() |> Array.contains "--debug" then
            eprintfn "%O" error

    /// The message, and exit code 2 at once.
    let refuse (message: string) (error: exn) =
        complain message error

        if Options.script().IsSome then exit 2 else raise error

/// What can be done with an experiment.
[<AutoOpen>]
module Verbs =
    let private (|Users|_|) (error: exn) = Runner.sentence error

    let internal guarded work =
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
