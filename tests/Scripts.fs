module Leith.Tests.Scripts

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Text.Json
open System.Text.RegularExpressions
open System.Threading.Tasks
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

// Scripts as a user runs them: written into a folder, started by ./run or dotnet fsi, judged by what they print, leave behind and exit with.

let private climb (predicate: string -> bool) =
    let rec go (folder: DirectoryInfo | null) =
        match folder with
        | null -> None
        | folder when predicate folder.FullName -> Some folder.FullName
        | folder -> go folder.Parent

    go (DirectoryInfo AppContext.BaseDirectory)

let private root =
    climb (fun folder -> File.Exists(Path.Combine(folder, "leith.fsx"))) |> Option.get

/// A folder that is gone when the test ends.
type private Scratch() =
    let folder = Directory.CreateTempSubdirectory("leith-scripts-").FullName
    member _.Path(name: string) = Path.Combine(folder, name)

    member scratch.Write(name: string, text: string) =
        File.WriteAllText(scratch.Path name, text)
        scratch.Path name

    /// A script that begins as every script does.
    member scratch.Script(name: string, text: string) =
        scratch.Write(name, $"#load \"{root}/leith.fsx\"\nopen Leith\n{text}\n")

    member _.Folder = folder

    interface IDisposable with
        member _.Dispose() = Directory.Delete(folder, true)

type private Answer = {
    Code: int
    Out: string
    Error: string
} with

    member answer.Text = answer.Out + answer.Error

let private begin' (scratch: Scratch) (cache: string) (command: string) (arguments: string list) =
    let start = ProcessStartInfo(command, arguments)
    start.WorkingDirectory <- scratch.Folder
    start.RedirectStandardOutput <- true
    start.RedirectStandardError <- true
    start.Environment["LEITH_CACHE"] <- scratch.Path cache
    // With this the SDK adds a word of its own, --preferreduilang:en, behind those of the script.
    start.Environment["DOTNET_CLI_UI_LANGUAGE"] <- "en"
    Option.ofObj (Process.Start start) |> Option.get

let private finish (started: Process) =
    use p = started
    let out, error = p.StandardOutput.ReadToEndAsync(), p.StandardError.ReadToEndAsync()

    if not (p.WaitForExit(TimeSpan.FromMinutes 3.0)) then
        p.Kill(true)
        failwith $"still at work after three minutes: {out.Result}{error.Result}"

    p.WaitForExit()

    {
        Code = p.ExitCode
        Out = out.Result
        Error = error.Result
    }

let private fsi scratch (script: string) arguments =
    finish (begin' scratch "cache" "dotnet" ([ "fsi"; "--quiet"; "--nologo"; script ] @ arguments))

let private run scratch arguments =
    finish (begin' scratch "cache" (Path.Combine(root, "run")) arguments)

/// Every file below a folder that bears the name of one that a run writes, or begins to write.
let private leftBehind (folder: string) =
    if Directory.Exists folder then
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories) |> List.ofArray
    else
        []

let private stackTrace = Regex(@"^\s+at \S+\(", RegexOptions.Multiline)

// ---- Bad input -----------------------------------------------------------------------------------------------------------------------------------

/// Fixed numbers without order: not constant, not singular.
let private series components samples =
    Array.init (components * samples) (fun i -> sin (float (i * i % 977)) + 0.3 * cos (float i))

let private recordings (scratch: Scratch) =
    let npy name (shape: int array) (values: float[]) =
        Npy.Write(scratch.Path name, ReadOnlySpan values, shape)

    let spoilt index value =
        let values = series 2 400
        values[index] <- value
        values

    npy "good.npy" [| 400; 2 |] (series 2 400)
    // [time][component]: entry 2 n + i is time n of component i.
    npy "nan.npy" [| 400; 2 |] (spoilt (2 * 123 + 1) nan)
    npy "infinite.npy" [| 400; 2 |] (spoilt (2 * 77) -infinity)
    npy "cube.npy" [| 10; 10; 8 |] (series 1 800)
    npy "short.npy" [| 40; 2 |] (series 2 40)
    npy "constant.npy" [| 400; 2 |] (series 2 400 |> Array.mapi (fun i x -> if i % 2 = 1 then 3.25 else x))
    let bytes = File.ReadAllBytes(scratch.Path "good.npy")
    File.WriteAllBytes(scratch.Path "truncated.npy", bytes[.. bytes.Length - 9])
    File.WriteAllBytes(scratch.Path "header.npy", bytes[..20])
    scratch.Write("text.npy", "these are no numbers") |> ignore
    let table = [ for i in 1..40 -> $"{sin (float i)},{cos (float (i * i))}" ]
    scratch.Write("good.csv", String.Join("\n", "north,south" :: table)) |> ignore

    scratch.Write("ragged.csv", String.Join("\n", "north,south" :: table.Head :: "1.5" :: table.Tail))
    |> ignore

    scratch.Write("word.csv", String.Join("\n", "north,south" :: table.Head :: "1.5,ice" :: table.Tail))
    |> ignore

    scratch.Write("nan.csv", String.Join("\n", "north,south" :: table.Head :: "1.5,nan" :: table.Tail))
    |> ignore

    scratch.Write("empty.csv", "") |> ignore

/// One script tries them all; it prints "== name: message".
let private everyMistake =
    """
let attempt name (work: unit -> Result<Outcome, string>) =
    let message =
        try
            match work () with
            | Ok _ -> "it ran"
            | Error message -> message
        with error -> string error

    printfn "== %s: %s" name (message.ReplaceLineEndings " / ")

let x, y = scalar "x", scalar "y"
let stable = [ [ -1.0; 0.0 ]; [ 0.0; -1.0 ] ]

let vector (matrix: float list list) forcing longest =
    experiment "bad" {
        system (linear matrix [ x; y ])
        noise forcing
        step (exponential 0.5)
        sample (members 16 |> spinUp 1.0 |> lasting 100.0)
        perturb (push x)
        observe [ x ]
        lags longest
        estimate [ gaussian; propagator ]
    }
    |> tryRun

let torusOf points (drift: Field -> Field) forcing =
    let u = field "u" (torus 6.0 points)

    experiment "bad" {
        system (ddt u == drift u)
        noise forcing
        step (exponential 0.5)
        sample (members 16 |> spinUp 1.0 |> lasting 100.0)
        perturb (kick u (pixel 0 0))
        observe [ u ]
        lags 2.0
        estimate [ gaussian; propagator ]
    }
    |> tryRun

let read longest path =
    let series = recording path

    experiment "bad" {
        data series
        perturb (push (column series 0))
        observe (everyColumn series)
        lags longest
        estimate [ gaussian ]
    }
    |> tryRun

let beyond path =
    let series = recording path

    experiment "bad" {
        data series
        perturb (push (column series 5))
        observe (everyColumn series)
        lags 5.0
        estimate [ gaussian ]
    }
    |> tryRun

let one = diagonal [ 1.0; 1.0 ]
attempt "unstable" (fun () -> vector [ [ -1.0; 3.0 ]; [ 3.0; -1.0 ] ] one 5.0)
attempt "unstable pair" (fun () -> vector [ [ 0.25; 3.0 ]; [ -3.0; 0.25 ] ] one 5.0)
attempt "unstable mode" (fun () -> torusOf 8 (fun u -> lap u + 0.5 * u) (perSite 1.0))
attempt "negative diagonal" (fun () -> vector stable (diagonal [ 1.0; -2.0 ]) 5.0)
attempt "negative white" (fun () -> torusOf 8 (fun u -> lap u - u) (white -1.0))
attempt "negative perSite" (fun () -> torusOf 8 (fun u -> lap u - u) (perSite -1.0))
attempt "noise of nan" (fun () -> vector stable (noiseMatrix [ [ 1.0; nan ]; [ 0.0; 1.0 ] ]) 5.0)
attempt "ragged drift" (fun () -> vector [ [ -1.0; 0.0 ]; [ -1.0 ] ] one 5.0)
attempt "noise of another size" (fun () -> vector stable (diagonal [ 1.0; 1.0; 1.0 ]) 5.0)
attempt "silent unknown" (fun () -> vector stable (diagonal [ 1.0; 0.0 ]) 5.0)
attempt "lags beyond the run" (fun () -> vector stable one 200.0)
attempt "lags of the whole run" (fun () -> vector stable one 100.0)
attempt "grid of 7" (fun () -> torusOf 7 (fun u -> lap u - u) (perSite 1.0))
attempt "grid of 0" (fun () -> torusOf 0 (fun u -> lap u - u) (perSite 1.0))
attempt "nan in npy" (fun () -> read 5.0 "nan.npy")
attempt "infinity in npy" (fun () -> read 5.0 "infinite.npy")
attempt "nan in csv" (fun () -> read 5.0 "nan.csv")
attempt "rank 3" (fun () -> read 5.0 "cube.npy")
attempt "short" (fun () -> read 40.0 "short.npy")
attempt "constant" (fun () -> read 5.0 "constant.npy")
attempt "truncated" (fun () -> read 5.0 "truncated.npy")
attempt "truncated header" (fun () -> read 5.0 "header.npy")
attempt "text as npy" (fun () -> read 5.0 "text.npy")
attempt "ragged csv" (fun () -> read 5.0 "ragged.csv")
attempt "word in csv" (fun () -> read 5.0 "word.csv")
attempt "empty csv" (fun () -> read 5.0 "empty.csv")
attempt "missing" (fun () -> read 5.0 "missing.npy")
attempt "folder" (fun () -> read 5.0 ".")
attempt "column beyond" (fun () -> beyond "good.npy")
"""

/// What each mistake must answer; the first phrases say what was expected and what came.
let private answers = [
    "unstable",
    [
        "expected eigenvalues with negative real parts"
        "got 2,"
        "moves x, y"
        "add damping"
    ]
    "unstable pair", [ "got 0.25 + 3i"; "add damping" ]
    "unstable mode", [ "negative real part"; "got 0.5 at mode (0, 0)"; "add damping" ]
    "negative diagonal", [ "diagonal: expected a finite noise amplitude of at least 0, got -2" ]
    "negative white", [ "white: expected a finite noise amplitude of at least 0, got -1" ]
    "negative perSite", [ "perSite: expected a finite noise amplitude of at least 0, got -1" ]
    "noise of nan", [ "noiseMatrix: expected finite numbers, got NaN" ]
    "ragged drift", [ "linear: expected 2 rows of 2 numbers for 2 unknowns"; "length 2, 1" ]
    "noise of another size", [ "expected one row for each of 2 unknowns, got 3" ]
    "silent unknown", [ "constant component 'y'"; "Leave it out" ]
    "lags beyond the run",
    [
        "expected a longest lag within the 100 time units"
        "got 200"
        "sample longer"
    ]
    "lags of the whole run", [ "expected more samples than lags"; "got 100 samples"; "Sample for longer" ]
    "grid of 7", [ "got 7"; "take 6 or 8" ]
    "grid of 0", [ "expected at least one point along axis 0, got 0" ]
    "nan in npy",
    [
        "nan.npy"
        "expected finite numbers, got 1"
        "NaN in 'x2' at index 123"
        "Fill the gaps"
    ]
    "infinity in npy", [ "infinite.npy"; "−infinity in 'x1' at index 77"; "Fill the gaps" ]
    "nan in csv", [ "nan.csv"; "NaN in 'south' at index 1"; "Fill the gaps" ]
    "rank 3", [ "cube.npy"; "expected an array of one or two dimensions"; "got 3"; "Reshape" ]
    "short", [ "expected more samples than lags, got 40 samples"; "Ask for lags below 40" ]
    "constant", [ "constant.npy"; "constant 'x2' (always 3.25)"; "Leave that component out" ]
    "truncated",
    [
        "truncated.npy"
        "truncated: expected 6400 bytes"
        "got 6392"
        "save the file again"
    ]
    "truncated header", [ "header.npy"; "truncated in its header"; "save the file again" ]
    "text as npy", [ "text.npy"; "expected a .npy file"; "numpy.save" ]
    "ragged csv", [ "ragged.csv', line 3: expected 2 columns"; "got 1"; "Complete the line" ]
    "word in csv", [ "word.csv', line 3, column 2: expected a number, got 'ice'"; "Fill the gap" ]
    "empty csv", [ "empty.csv"; "expected lines of numbers, got none" ]
    "missing", [ "missing.npy"; "expected a file, got nothing"; "Check the path" ]
    "folder", [ "expected a file, got a folder"; "Give the path of the file" ]
    "column beyond", [ "perturb: expected a component of the recording, 0 to 1, got 5" ]
]

[<Fact>]
let ``Every bad input answers with its sentence, and nothing is written`` () =
    use scratch = new Scratch()
    recordings scratch
    let answer = fsi scratch (scratch.Script("mistakes.fsx", everyMistake)) []
    Assert.Equal(0, answer.Code)
    Assert.DoesNotMatch(stackTrace, answer.Text)

    let said =
        dict [
            for m in Regex.Matches(answer.Out, @"^== ([^:]+): (.*)$", RegexOptions.Multiline) -> m.Groups[1].Value, m.Groups[2].Value
        ]

    Assert.Equal(answers.Length, said.Count)

    let complaints = [
        for name, phrases in answers do
            for phrase in phrases do
                if not (said[name].Contains phrase) then
                    $"{name}: expected '{phrase}' in: {said[name]}"

            // One sentence or a few on one line, no second line and no trace.
            if said[name].Contains " / " then
                $"{name}: more than one line: {said[name]}"
    ]

    Assert.True(complaints.IsEmpty, String.Join("\n", complaints))
    Assert.False(Directory.Exists(scratch.Path "out"))

// ---- Exit codes ----------------------------------------------------------------------------------------------------------------------------------

/// A small experiment whose Gaussian estimate is off by a few hundredths.
let private small drift limit =
    $"""
let x = scalar "x"
experiment "small" {{
    system (linear [ [ {drift} ] ] [ x ])
    noise (diagonal [ 1.0 ])
    step (exponential 0.5)
    sample (members 32 |> spinUp 5.0 |> lasting 100.0)
    perturb (push x)
    observe [ x ]
    lags 4.0
    estimate [ propagator; gaussian ]
    check [ gaussian |> within propagator {limit} ]
}}
|> run
|> ignore
"""

/// Three of them in a sweep, with a drift and a limit each.
let private swept (parts: (string * string) list) =
    let list =
        parts |> List.map (fun (drift, limit) -> $"{drift}, {limit}") |> String.concat "; "

    $"""
let x = scalar "x"
[
    for drift, limit in [ {list} ] ->
        experiment $"drift {{abs drift}}" {{
            system (linear [ [ drift ] ] [ x ])
            noise (diagonal [ 1.0 ])
            step (exponential 0.5)
            sample (members 32 |> spinUp 5.0 |> lasting 100.0)
            perturb (push x)
            observe [ x ]
            lags 4.0
            estimate [ propagator; gaussian ]
            check [ gaussian |> within propagator limit ]
        }}
]
|> sweep "drifts"
|> fun outcomes -> printfn "%%d outcomes" outcomes.Length
"""

type private Way =
    | Run
    | Fsi

type private Case = {
    Name: string
    Way: Way
    Text: string
    Arguments: string list
    Code: int
    Says: string list
}

let private cases = [
    let case name way text arguments code says = {
        Name = name
        Way = way
        Text = text
        Arguments = arguments
        Code = code
        Says = says
    }

    case "unstable" Fsi (small "0.5" "1.0") [] 2 [ "expected eigenvalues with negative real parts, got 0.5" ]
    case "negative" Run "diagonal [ -1.0 ] |> ignore" [] 2 [ "expected a finite noise amplitude of at least 0, got -1" ]
    case "argument" Fsi "argument 0 \"the path of a recording\" |> ignore" [] 2 [ "expected the path of a recording behind its name"; "give it" ]
    case "option" Fsi (small "-1.0" "1.0") [ "--skech" ] 2 [ "--skech"; "Known are --sketch" ]
    case "place" Fsi (small "-1.0" "1.0") [ "--out"; "taken" ] 2 [ "expected a folder that can be written"; "taken"; "--out DIR" ]
    case "compile" Run "let x = sclar \"x\"" [] 2 [ "compile.fsx(3,9): error FS0039"; "'sclar' is not defined" ]
    case "later" Run (small "-1.0" "1.0" + "\n(failwith \"my own mistake\": unit)") [] 2 [ "my own mistake" ]
    case "fails" Run (small "-1.0" "1e-9") [] 1 [ "failed"; "Gaussian within 1e−09 of propagator" ]
    case "sketch" Fsi (small "-1.0" "1e-9") [ "--sketch"; "--out"; "sketched" ] 0 [ "failed" ]
    case "sweepFails" Run (swept [ "-1.0", "1.0"; "-2.0", "1e-9" ]) [ "--out"; "swept" ] 1 [ "1 of 2: drift 1"; "0 of 1 passed"; "2 outcomes" ]

    case "sweepMisses" Run (swept [ "0.5", "1.0"; "-2.0", "1e-9"; "-3.0", "1.0" ]) [ "--out"; "missed" ] 2 [
        "expected eigenvalues with negative real parts, got 0.5"
        "3 of 3: drift 3"
        "could not be run"
        "2 outcomes"
    ]

    case "sweepOfNone" Fsi "[] |> sweep \"nothing\" |> ignore" [] 2 [ "expected at least one experiment, got an empty list" ]
    case "passes" Run (small "-1.0" "1.0") [ "--out"; "passed" ] 0 [ "passed"; "report.html" ]
]

[<Fact>]
let ``Exit codes: 0 all checks passed, 1 a check failed, 2 it could not be run`` () =
    use scratch = new Scratch()
    scratch.Write("taken", "a file where a folder should be") |> ignore

    let answer case =
        let script = scratch.Script(case.Name + ".fsx", case.Text)

        match case.Way with
        | Run -> run scratch (script :: case.Arguments)
        | Fsi -> fsi scratch script case.Arguments

    // The first one alone: ./run may have to build.
    let first = cases |> List.findIndex (fun case -> case.Way = Run)
    let answered = Array.zeroCreate<Answer> cases.Length
    answered[first] <- answer cases[first]

    Parallel.For(
        0,
        cases.Length,
        ParallelOptions(MaxDegreeOfParallelism = 2),
        fun i ->
            if i <> first then
                answered[i] <- answer cases[i]
    )
    |> ignore

    let complaints = [
        for case, answer in Seq.zip cases answered do
            if answer.Code <> case.Code then
                $"{case.Name}: expected exit code {case.Code}, got {answer.Code}: {answer.Text}"

            for phrase in case.Says do
                if not (answer.Text.Contains phrase) then
                    $"{case.Name}: expected '{phrase}' in: {answer.Text}"

            // An error that is not the user's keeps its trace.
            if case.Name <> "later" && stackTrace.IsMatch answer.Text then
                $"{case.Name}: a stack trace: {answer.Text}"
    ]

    Assert.True(complaints.IsEmpty, String.Join("\n", complaints))

    // Whole folders, or none.
    let whole = set [ "report.html"; "responses.csv"; "responses.npy"; "result.json" ]

    for folder, script in
        [
            "out/small", ""
            "sketched/small", "sketch.fsx"
            "passed/small", "passes.fsx"
        ] do
        let files =
            leftBehind (scratch.Path folder) |> List.map (fun path -> FileInfo(path).Name) |> set

        Assert.Superset(Collections.Generic.HashSet whole, Collections.Generic.HashSet files)

        if script <> "" then
            Assert.Equal<Set<string>>(Set.add script whole, files)

    for out in [ "out"; "sketched"; "passed" ] do
        Assert.Equal<string list>([ scratch.Path $"{out}/small" ], Directory.GetDirectories(scratch.Path out) |> List.ofArray)

    for out, folders in
        [
            "swept", [ "drift-1"; "drift-2"; "drifts" ]
            "missed", [ "drift-2"; "drift-3"; "drifts" ]
        ] do
        Assert.Equal<string list>(
            [ for folder in folders -> scratch.Path $"{out}/{folder}" ],
            Directory.GetDirectories(scratch.Path out) |> Array.sort |> List.ofArray
        )

    Assert.Equal("a file where a folder should be", File.ReadAllText(scratch.Path "taken"))

[<Fact>]
let ``Options that are not known or cannot be are refused with those that are`` () =
    for words, phrases in
        [
            [ "--skech" ], [ "got --skech"; "Known are --sketch" ]
            [ "series.npy"; "--quick" ], [ "got --quick"; "Known are --sketch" ]
            [ "--seed"; "blue" ], [ "blue"; "Known are --sketch" ]
            [ "--out" ], [ "--out"; "Known are --sketch" ]
            [ "--threads"; "0" ], [ "expected at least 1 for --threads, got 0" ]
        ] do
        let error =
            Assert.Throws<LeithException>(fun () -> Leith.Options.parse words |> ignore)

        for phrase in phrases do
            Assert.Contains(phrase, error.Message)

    let options =
        Leith.Options.parse [ "--sketch"; "--seed"; "12"; "--out"; "there"; "series.npy"; "-3" ]

    Assert.Equal<string list>([ "series.npy"; "-3" ], options.Values)
    Assert.Equal((true, Some 12, "there"), (options.Sketch, options.Seed, options.Out))

[<Fact>]
let ``Options and values may stand in any order`` () =
    let groups = [
        [ "--sketch" ]
        [ "--seed"; "12" ]
        [ "--out"; "there" ]
        [ "series.npy" ]
        [ "-3" ]
        [ "map.npy" ]
    ]

    let property (keys: int list) =
        // Six keys put the groups into an order.
        let order =
            List.zip keys groups
            |> List.mapi (fun i (key, group) -> (key, i), group)
            |> List.sortBy fst
            |> List.map snd

        let options = Leith.Options.parse (List.concat order)

        let values =
            order |> List.choose (fun group -> if group.Head.StartsWith "--" then None else Some group.Head)

        options.Values = values && options.Sketch && options.Seed = Some 12 && options.Out = "there"

    Check.One(Config.QuickThrowOnFailure.WithMaxTest 200, Prop.forAll (Arb.fromGen (Gen.listOfLength 6 (Gen.choose (0, 9)))) property)

    for words in
        [
            [ "series.npy"; "--sketch"; "--quick" ]
            [ "--quick"; "series.npy"; "--sketch" ]
        ] do
        let error =
            Assert.Throws<LeithException>(fun () -> Leith.Options.parse words |> ignore)

        Assert.Contains("got --quick", error.Message)
        Assert.Contains("Known are --sketch", error.Message)

[<Fact>]
let ``An interruption has its own sentence, wherever it comes from`` () =
    let canceled: exn = OperationCanceledException()
    let bad: exn = LeithException "bad input"
    let many (errors: exn list) : exn = AggregateException(errors)

    let kept =
        Some "interrupted; finished stages are kept, and the next run goes on from there."

    for error, sentence in
        [
            canceled, kept
            TaskCanceledException(), kept
            many [ canceled; many [ canceled ] ], kept
            bad, Some "bad input"
            many [ canceled; bad ], Some "bad input"
            many [ canceled; InvalidOperationException() ], None
            many [], None
            InvalidOperationException(), None
        ] do
        Assert.Equal<string option>(sentence, Leith.Runner.sentence error)

[<Fact>]
let ``Project files come back when the packages cannot be resolved`` () =
    use scratch = new Scratch()

    for folder in [ "src/A"; "tests"; "build"; "bin" ] do
        Directory.CreateDirectory(scratch.Path folder) |> ignore

    for project in [ "src/A/A.csproj"; "tests/T.fsproj"; "Experiments.sln" ] do
        scratch.Write(project, "ours") |> ignore

    File.Copy(Path.Combine(root, "build", "setup.sh"), scratch.Path "build/setup.sh")

    let dotnet =
        scratch.Write(
            "bin/dotnet",
            "#!/bin/sh\n[ \"$1\" = paket ] || exit 0\nfor f in src/A/A.csproj tests/T.fsproj Experiments.sln; do echo theirs >$f; done\necho 'error: no such package'\nexit 1\n"
        )

    File.SetUnixFileMode(dotnet, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)

    let answer =
        finish (
            begin' scratch "cache" "bash" [
                "-c"
                "PATH=$PWD/bin:$PATH NUGET_FEED=none; export NUGET_FEED; . build/setup.sh && setup; echo went on"
            ]
        )

    Assert.Equal(2, answer.Code)
    Assert.Contains("resolving packages: failed", answer.Error)
    Assert.Contains("no such package", answer.Error)
    Assert.DoesNotContain("went on", answer.Out)

    for project in [ "src/A/A.csproj"; "tests/T.fsproj"; "Experiments.sln" ] do
        Assert.Equal("ours", File.ReadAllText(scratch.Path project))

[<Fact>]
let ``run without a script says what it expects`` () =
    use scratch = new Scratch()

    for arguments, phrase in
        [
            [], "expected a script, got nothing"
            [ "--sketch" ], "expected a script, got --sketch"
            [ "nowhere.fsx" ], "there is no file nowhere.fsx"
        ] do
        let answer = run scratch arguments
        Assert.Equal(2, answer.Code)
        Assert.Contains(phrase, answer.Error)
        Assert.Empty answer.Out

// ---- Experiments ---------------------------------------------------------------------------------------------------------------------------------

let private names (element: JsonElement) = [ for property in element.EnumerateObject() -> property.Name ]

let private sizes (rows: JsonElement) = [ for row in rows.EnumerateArray() -> row.GetArrayLength() ]

/// result.json as other programs read it.
let private readResult (folder: string) =
    let path =
        Directory.GetFiles(folder, "result.json", SearchOption.AllDirectories) |> Array.exactlyOne

    use document = JsonDocument.Parse(File.ReadAllText path)
    let result = document.RootElement.Clone()

    let keys = [
        "experiment"
        "script"
        "seed"
        "versions"
        "seconds"
        "responses"
        "errors"
        "scores"
        "checks"
        "statistics"
        "generated"
        "sensitivities"
    ]

    Assert.Equal<string list>(keys, names result)
    Assert.Equal(JsonValueKind.Object, result.GetProperty("seconds").ValueKind)

    for response in result.GetProperty("responses").EnumerateArray() do
        let keys = [
            "estimator"
            "observable"
            "perturbation"
            "lags"
            "components"
            "values"
            "standardError"
            "axis"
            "band"
            "wholeCurveBand"
            "discretisation"
            "biasBound"
        ]

        Assert.Equal<string list>(keys, names response)
        let lags = response.GetProperty("lags").GetArrayLength()

        let shape =
            List.replicate (response.GetProperty("components").GetArrayLength()) lags

        Assert.Equal<int list>(shape, sizes (response.GetProperty "values"))

        for name in [ "standardError"; "band"; "wholeCurveBand"; "discretisation"; "biasBound" ] do
            let band = response.GetProperty name

            if band.ValueKind <> JsonValueKind.Null then
                Assert.Equal<int list>(shape, sizes band)

    for error in result.GetProperty("errors").EnumerateArray() do
        Assert.Equal<string list>([ "estimator"; "against"; "lags"; "l2"; "linf"; "l2StandardError" ], names error)

    for score in result.GetProperty("scores").EnumerateArray() do
        Assert.Equal<string list>(
            [
                "estimator"
                "sigma"
                "stein"
                "certificate"
                "certificateNote"
                "trainingSeconds"
                "relativeError"
                "equation"
                "coefficients"
            ],
            names score
        )

        for row in score.GetProperty("stein").EnumerateArray() do
            Assert.Equal<string list>([ "field"; "value"; "z" ], names row)

    for check in result.GetProperty("checks").EnumerateArray() do
        Assert.Equal<string list>([ "name"; "value"; "limit"; "passed" ], names check)

    result

let private texts (name: string) (elements: JsonElement) = [
    for element in elements.EnumerateArray() -> string (element.GetProperty(name).GetString())
]

let private sketched name arguments =
    use scratch = new Scratch()
    let script = Path.Combine(root, "experiments", name + ".fsx")

    let answer =
        fsi scratch script ([ "--sketch"; "--out"; scratch.Path "out" ] @ arguments)

    Assert.True((answer.Code = 0), answer.Text)
    Assert.Contains(leftBehind (scratch.Path "out"), fun file -> Path.GetFileName file = name + ".fsx")
    readResult (scratch.Path "out")

[<Theory>]
[<InlineData("ornstein_uhlenbeck", 5, 32)>]
[<InlineData("damped_oscillators", 15, 3)>]
let ``Experiments with a model are sketched`` (name: string, responses: int, components: int) =
    let result = sketched name []
    let found = result.GetProperty "responses"
    Assert.Equal<string list>([ "propagator"; "dynamical"; "Gaussian"; "exact score"; "learned" ], texts "estimator" found |> List.distinct)
    Assert.Equal(responses, found.GetArrayLength())

    for response in found.EnumerateArray() do
        Assert.Equal(components, response.GetProperty("components").GetArrayLength())

    Assert.Equal<string list>([ "dynamical"; "Gaussian"; "exact score"; "learned" ], texts "estimator" (result.GetProperty "errors"))
    Assert.Equal<string list>([ "Gaussian"; "exact score"; "learned" ], texts "estimator" (result.GetProperty "scores"))
    Assert.Equal(4, result.GetProperty("checks").GetArrayLength())

[<Theory>]
[<InlineData("scalar_climate", "dynamical, Gaussian, exact score, library, clustered, learned", 4)>]
[<InlineData("lorenz_96", "dynamical, Gaussian", 40)>]
let ``Experiments with systems as data are sketched`` (name: string, estimators: string, components: int) =
    let found = (sketched name []).GetProperty "responses"
    Assert.Equal<string list>(List.ofArray (estimators.Split ", "), texts "estimator" found)

    for response in found.EnumerateArray() do
        Assert.Equal(components, response.GetProperty("components").GetArrayLength())

[<Fact>]
let ``A bad score being caught is sketched`` () =
    let result = sketched "trust" []

    let certificate (score: JsonElement) =
        score.GetProperty("certificate").GetProperty("value").GetDouble()

    let of' (name: string) =
        (result.GetProperty "scores").EnumerateArray()
        |> Seq.find (fun score -> string (score.GetProperty("estimator").GetString()) = name)

    // 0, .034 and .204
    Assert.InRange(certificate (of' "exact score"), -0.02, 0.02)
    Assert.InRange(certificate (of' "a fifth too small"), 0.02, 0.05)
    Assert.InRange(certificate (of' "Gaussian"), 0.15, 0.26)

[<Theory>]
[<InlineData("robustness", 12, 12)>]
[<InlineData("schedules", 11, 1)>]
let ``Studies of generated samples are sketched`` (name: string, figures: int, checks: int) =
    use scratch = new Scratch()
    let script = Path.Combine(root, "experiments", name + ".fsx")
    let out = scratch.Path "out"
    let answer = fsi scratch script [ "--sketch"; "--out"; out ]
    Assert.True((answer.Code = 0), answer.Text)

    let path =
        Path.Combine(Array.exactlyOne (Directory.GetDirectories out), "result.json")

    use document = JsonDocument.Parse(File.ReadAllText path)
    let result = document.RootElement
    Assert.Equal(figures, result.GetProperty("figures").GetArrayLength())
    Assert.Equal(checks, result.GetProperty("checks").GetArrayLength())

    if name = "robustness" then
        // Bounds hold at any size; a sketch would not fail on them.
        for check in result.GetProperty("checks").EnumerateArray() do
            Assert.True(check.GetProperty("passed").GetBoolean())

// Too long even as sketches.
[<Theory>]
[<InlineData "figure_1">]
[<InlineData "score_budget">]
[<InlineData "known_score">]
[<InlineData "generated_samples">]
[<InlineData "higher_moments">]
[<InlineData "barotropic">]
[<InlineData "sensitivity">]
[<InlineData "navier_stokes_moments">]
let ``Long experiments have no mistake that the compiler finds`` (name: string) =
    use scratch = new Scratch()
    let script = Path.Combine(root, "experiments", name + ".fsx")

    let answer =
        finish (begin' scratch "cache" "dotnet" [ "fsi"; "--quiet"; "--nologo"; "--typecheck-only"; script ])

    Assert.True((answer.Code = 0), answer.Text)
    Assert.Equal("", answer.Text.Trim())

[<Fact>]
let ``The modified Allen–Cahn equation is sketched`` () =
    let result = sketched "allen_cahn" []
    Assert.Equal<string list>([ "dynamical"; "Gaussian"; "exact score"; "library"; "learned" ], texts "estimator" (result.GetProperty "responses"))
    let statistics = (result.GetProperty "statistics")[0]
    // .734 and 1.468 at full size; this is a sixteenth, of a field that hops between two wells.
    Assert.InRange((statistics.GetProperty "variance").GetProperty("value").GetDouble(), 0.70, 0.76)
    Assert.InRange((statistics.GetProperty "kurtosis").GetProperty("value").GetDouble(), 1.35, 1.6)

[<Fact>]
let ``Navier–Stokes turbulence is sketched`` () =
    let result = sketched "navier_stokes" []
    Assert.Equal<string list>([ "dynamical"; "Gaussian"; "library"; "learned" ], texts "estimator" (result.GetProperty "responses"))
    let statistics = (result.GetProperty "statistics")[0]

    let value (name: string) =
        statistics.GetProperty(name).GetProperty("value").GetDouble()

    // .43 ± .006 and 4.2 ± .2 at this size.
    Assert.InRange(value "standardDeviation", 0.40, 0.46)
    Assert.InRange(value "kurtosis", 3.0, 5.5)

[<Fact>]
let ``The sweep of double wells is sketched`` () =
    use scratch = new Scratch()
    let script = Path.Combine(root, "experiments", "double_well_sweep.fsx")
    let out = scratch.Path "out"
    let answer = fsi scratch script [ "--sketch"; "--out"; out ]
    Assert.True((answer.Code = 0), answer.Text)
    let folders = Directory.GetDirectories out |> Array.sort

    let wells, sweeps =
        folders |> Array.partition (fun folder -> folder.Contains "epsilon")

    for folder in wells do
        let result = readResult folder
        Assert.Equal<string list>([ "dynamical"; "Gaussian"; "exact score" ], texts "estimator" (result.GetProperty "responses"))

    let path = Path.Combine(Array.exactlyOne sweeps, "result.json")
    use document = JsonDocument.Parse(File.ReadAllText path)
    Assert.Equal(wells.Length, document.RootElement.GetProperty("members").GetArrayLength())
    let differences = document.RootElement.GetProperty "differences"
    Assert.Equal<string list>([ "noise amplitude" ], [ for name in differences.EnumerateArray() -> string (name.GetString()) ])

[<Fact>]
let ``The sea-surface temperature is sketched`` () =
    let file folder name =
        Path.Combine(folder, "shared", "data", name)

    match climb (fun folder -> File.Exists(file folder "sst-communities.npy")) with
    | None -> Assert.Skip "shared/data/sst-communities.npy was not found above the tests"
    | Some folder ->
        let result =
            sketched "sea_surface_temperature" [ file folder "sst-communities.npy"; file folder "sst-community-map.npy" ]

        let responses = result.GetProperty "responses"
        Assert.Equal<string list>([ "Gaussian"; "Gaussian, as published" ], texts "estimator" responses)

        for response in responses.EnumerateArray() do
            Assert.Equal(19, response.GetProperty("components").GetArrayLength())
            Assert.Equal(121, response.GetProperty("lags").GetArrayLength())

// ---- Interruption --------------------------------------------------------------------------------------------------------------------------------

let private long =
    """
let u = field "u" (torus 6.0 16)
experiment "long" {
    system (ddt u == 0.1 * lap u - u - cube u)
    noise (perSite 1.0)
    step (heun 0.05)
    sample (members 16 |> spinUp 2.0 |> lasting 100.0)
    perturb (kick u (pixel 0 0))
    observe [ u ]
    lags 5.0
    estimate [ dynamical (pairs 4096); gaussian ]
    seed 4
}
|> run
|> ignore
"""

[<Fact>]
let ``A run that was killed goes on from its last stage and finds the same numbers`` () =
    use scratch = new Scratch()
    let script = scratch.Script("long.fsx", long)

    let started cache out =
        begin' scratch cache "dotnet" [ "fsi"; "--quiet"; "--nologo"; script; "--out"; out ]

    use killed = started "interrupted" "first"
    let seen = StringBuilder()
    let mutable waiting = true

    while waiting do
        match killed.StandardOutput.ReadLine() with
        | null -> waiting <- false
        | line ->
            seen.AppendLine line |> ignore
            waiting <- not (line.Contains "simulate and correlate" && line.Contains "done")

    // The stage is stored right after it has been reported; its file lies there, or is a whole one under a temporary name.
    let stored () =
        Directory.Exists(scratch.Path "interrupted")
        && not (Array.isEmpty (Directory.GetFiles(scratch.Path "interrupted", "*.stage")))

    let clock = Stopwatch.StartNew()

    while not (stored ()) && clock.Elapsed.TotalSeconds < 20.0 do
        Threading.Thread.Sleep 5

    // dotnet fsi has a process of its own below it, which does the work.
    killed.Kill true
    killed.WaitForExit()
    Assert.NotEqual(0, killed.ExitCode)
    Assert.True(stored (), seen.ToString())
    Assert.Empty(leftBehind (scratch.Path "first"))

    let again = finish (started "interrupted" "again")
    Assert.Equal(0, again.Code)
    Assert.DoesNotContain("simulate and correlate", again.Out)
    Assert.Contains("twin runs", again.Out)
    let fresh = finish (started "fresh" "fresh")
    Assert.Contains("simulate and correlate", fresh.Out)

    for file in [ "responses.csv"; "responses.npy" ] do
        let bytes out =
            File.ReadAllBytes(scratch.Path $"{out}/long/{file}")

        Assert.True((bytes "again" = bytes "fresh"), $"{file}: other numbers after an interruption")
