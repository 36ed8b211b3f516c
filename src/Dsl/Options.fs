/// What stands behind the script's name on the command line.
module Leith.Options

open System
open Argu
open Leith.Core

/// The words of the command line.
type private Argument =
    | Sketch
    | Out of folder: string
    | Seed of number: int
    | Threads of number: int
    | Debug
    | [<MainCommand>] Values of value: string list

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Sketch -> "a sixteenth of the size, in seconds; checks are printed but never fail"
            | Out _ -> "the folder under which the run folder is written (default: out)"
            | Seed _ -> "another seed than the script's"
            | Threads _ -> "number of threads (default: all cores); results do not depend on it"
            | Debug -> "show the stack trace of an error"
            | Values _ -> "what the script itself asks for, such as the path of a recording"

/// The options of a run.
type Options = {
    Sketch: bool
    Out: string
    Seed: int option
    Threads: int
    Debug: bool
    /// Where finished stages are kept; none: beside the script or where LEITH_CACHE says.
    Cache: string option
    /// What is left for the script: paths, numbers.
    Values: string list
}

let private parser =
    lazy (ArgumentParser.Create<Argument>(programName = "./run SCRIPT.fsx", errorHandler = ExceptionExiter()))

/// The text of --help.
let usage () =
    parser.Value.PrintUsage(
        "Runs an experiment written in F#. Exit codes: 0 all checks passed, 1 a check failed, 2 the experiment could not be run. ./run --with-torch SCRIPT sets up libtorch first, for `publishedNet`.",
        hideSyntax = false
    )

let private known = "Known are --sketch, --out DIR, --seed N, --threads N, --debug."

/// Options of a list of words.
let parse (words: string list) : Options =
    let results =
        try
            parser.Value.Parse(List.toArray words, ignoreUnrecognized = false)
        with :? ArguParseException as error ->
            let first = error.Message.Split('\n')[0]
            raise (LeithException($"options: {first.Trim()} {known}", error))

    // One group for every stretch of values between options.
    let values = results.GetResults Values |> List.concat

    // A misspelt option would be taken for a value of the script.
    match values |> List.tryFind (fun word -> word.StartsWith "--") with
    | Some word -> raise (LeithException $"options: expected an option that there is, got {word}. {known}")
    | None -> ()

    let positive word count =
        if count < 1 then
            raise (LeithException $"options: expected at least 1 for {word}, got {count}.")

        count

    {
        Sketch = results.Contains Sketch
        Out = results.GetResult(Out, "out")
        Seed = results.TryGetResult Seed
        Threads = results.GetResult(Threads, Environment.ProcessorCount) |> positive "--threads"
        Debug = results.Contains Debug
        Cache = None
        Values = values
    }

/// The script that runs and the words behind its name: what fsi was given, or a compiled program's own.
let private commandLine =
    lazy
        (let words =
            // The SDK hands its own language on to fsi, behind the words of the script.
            Environment.GetCommandLineArgs()
            |> List.ofArray
            |> List.filter (fun word -> not (word.StartsWith "--preferreduilang"))

         match words |> List.tryFindIndex (fun word -> word.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase)) with
         | Some i -> Some words[i], words[i + 1 ..]
         | None -> None, [])

/// Path of the script that runs, none in an interactive session.
let script () = fst commandLine.Value

/// The options of this process.
let current () = parse (snd commandLine.Value)
