module Leith.Tests.Messages

open System
open System.Diagnostics
open System.IO
open System.Reflection
open System.Text.RegularExpressions
open Leith
open Xunit

let private root =
    let rec climb (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "leith.fsx was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "leith.fsx")) -> folder.FullName
        | folder -> climb folder.Parent

    climb (DirectoryInfo AppContext.BaseDirectory)

let private preamble = [
    $"#load \"{root}/leith.fsx\""
    "open Leith"
    "let kappa = parameter \"κ\" 2.5e-4"
    "let u = field \"u\" (torus (2.0 * pi) 32)"
    "let x, y = scalar \"x\", scalar \"y\""
    "let sst = recording \"sst.npy\""
    "let truth, net = dynamical (pairs 16), learned residualNet"
]

let private model = [
    "system (ddt u == kappa * lap u)"
    "noise (perSite 0.1)"
    "step (rk4 0.01)"
    "sample (members 4)"
]

let private question = [
    "perturb (kick u (pixel 0 0))"
    "observe [ u ]"
    "lags 1.0"
    "estimate [ gaussian ]"
]

let private whole = model @ question
let private data = "data sst"
let private keyword (line: string) = line.Split(' ')[0]

let private without name =
    whole |> List.filter (fun line -> keyword line <> name)

let private withLine line =
    whole |> List.map (fun other -> if keyword other = keyword line then line else other)

/// What a mistake must answer: the number, the line it points to (0 is `experiment`), a phrase.
type private Mistake = {
    Lines: string list
    Number: int
    At: int
    Phrase: string
}

let private mistake lines number at phrase = {
    Lines = lines
    Number = number
    At = at
    Phrase = phrase
}

let private insert at line =
    List.truncate at whole @ [ line ] @ List.skip at whole

let private missing = [
    for i, line in List.indexed whole do
        let name = keyword line
        mistake (without name) (19010 + i) 0 $"the `{name}` line is missing"

    for i, line in List.indexed question do
        let name = keyword line
        mistake (data :: (question |> List.except [ line ])) (19014 + i) 0 $"the `{name}` line is missing"

    mistake [] 19010 0 "the `system` line is missing"
]

let private keywords = [
    "system"
    "noise"
    "step"
    "sample"
    "data"
    "perturb"
    "observe"
    "lags"
    "estimate"
    "check"
    "seed"
]

let private number name =
    19100 + 2 * List.findIndex ((=) name) keywords

let private doubled = [
    for line in whole do
        mistake (whole @ [ line ]) (number (keyword line)) 9 $"expected one `{keyword line}` line, got two"

    mistake (withLine "system [ ddt x == y; ddt y == x ]" @ [ "system [ ddt x == y; ddt y == x ]" ]) 19100 9 "expected one `system` line"
    mistake ([ data; data ] @ question) 19108 2 "expected one `data` line"
    mistake (whole @ [ "check []"; "check []" ]) 19118 10 "expected one `check` line"
    mistake (whole @ [ "seed 1"; "seed 2" ]) 19120 10 "expected one `seed` line"
]

let private wrong =
    let wrongLine line =
        let name = keyword line
        let at = whole |> List.tryFindIndex (fun other -> keyword other = name)

        let lines, at =
            match at, name with
            | Some i, _ -> withLine line, i + 1
            | None, "data" -> line :: question, 1
            | None, _ -> whole @ [ line ], 9

        mistake lines (number name + 1) at $"`{name}` takes"

    [
        for name in keywords do
            wrongLine (name + " \"text\"")
            wrongLine (name + (if name = "lags" then " 1" else " 0.5"))
        wrongLine "system (lap u)"
        wrongLine "perturb (pixel 0 0)"
        wrongLine "observe u"
        wrongLine "observe [ 1.0 ]"
        wrongLine "estimate gaussian"
        wrongLine "check (net |> near truth 0.1)"
        wrongLine "noise (rk4 0.01)"
    ]

let private strays = [
    mistake (insert 0 "sistem (ddt u == lap u)") 39 1 "Maybe you want one of the following"
    mistake (insert 1 "nois (perSite 0.1)") 39 2 "noise"
    mistake (insert 8 "sed 7") 39 9 "is not defined"
    mistake (withLine "system (ddt u == laplacian u)") 39 1 "'laplacian' is not defined"
    for at in [ 0; 3; 7 ] do
        mistake (insert at "let s = 0.2") 19001 (at + 1) "write it above `experiment`"

    // a `let` on the last line is no expression at all: the parser's own sentence
    mistake (insert 8 "let s = 0.2") 588 9 "'let' cannot be the final code element"

    for at in [ 0; 3; 8 ] do
        mistake (insert at "perSite 0.1") 19001 (at + 1) "write it above `experiment`"
        mistake (insert at "7") 19001 (at + 1) "write it above `experiment`"
    mistake (insert 4 "printfn \"half way\"") 19002 4 "expected only keywords between the braces"
    mistake (insert 8 "for i in [ 1; 2 ] do seed i") 19001 9 "a loop"
]

let private mixed = [
    mistake (data :: whole) 19030 0 "got both `data` and `system`"
    for line in List.tail model do
        mistake (data :: line :: question) 19030 0 $"got both `data` and `{keyword line}`"
]

/// What stays the compiler's own.
let private compilers = [
    mistake (insert 1 "if true then noise (perSite 0.1)" |> List.distinct) 3086 2 "if/then/else"
    mistake (withLine "noise noise") 3095 2 "not used correctly"
    mistake (withLine "noise perSite 0.2") 3099 2 "incorrect number of arguments"
    // operators on the wrong kind
    mistake (withLine "system (ddt u == lap (grad u))") 1 1 "'Vector'"
    mistake (withLine "system (ddt u == grad u)") 1 1 "'Vector'"
    mistake (withLine "system (ddt (grad u) == lap u)") 1 1 "'Vector'"
    mistake (withLine "system (ddt u == dot (grad u) u)") 1 1 "'Vector'"
    mistake (withLine "system (ddt u == div u)") 1 1 "'Vector'"
    mistake (withLine "system (ddt u == grad u * grad u)") 1 1 "the product of two vectors is `dot a b`"
    mistake (withLine "system (ddt u == u + grad u)") 1 1 "got a field and a vector; take `div` or `dot`"
    mistake (withLine "system (ddt u == u - grad u)") 1 1 "got a field and a vector; take `div` or `dot`"
    mistake (withLine "system (ddt u == u ** u)") 1 1 "write exp (b * log a)"
    mistake (withLine "noise (perSite u)") 1 2 "'Field'"
    mistake (withLine "noise (additive 0.1)") 1 2 "'Operator'"
    mistake (withLine "noise (ito (ddt x == x))") 1 2 "'Equation list'"
    mistake (withLine "noise (independent [ on u ])") 1 2 "'a -> Field * 'a"
]

let private good = [
    whole
    whole @ [ "check [ net |> near truth 0.1; net |> within truth 0.1 ]"; "seed 7" ]
    data :: question
    List.rev whole
    withLine "system (ddt u == div (2 * grad u / 3.0) - dot (grad u) (grad u) + u ** 2 - u ** 1.5)"
    [
        "system [ ddt x == -2 * x; ddt y == x - y ** 3 ]"
        "noise (diagonal [ 1.0; 2.0 ])"
    ]
    @ (List.skip 2 model)
    @ [
        "perturb (pushEach [ x; y ])"
        "observe [ x; square y ]"
        "lags 1.0"
        "estimate [ exactOf [ x; y ] ]"
    ]
]

/// One interactive session answers all of them: it goes on after an error, and starts once.
let private answers (blocks: string list list) =
    let lines = ResizeArray<string>(preamble @ [ ";;" ])

    let starts =
        blocks
        |> List.map (fun block ->
            let start = lines.Count + 1
            lines.Add "experiment \"title\" {"
            block |> List.iter (fun line -> lines.Add("    " + line))
            lines.AddRange [ "}"; "|> ignore"; ";;" ]
            start)

    let start =
        ProcessStartInfo("dotnet", [ "fsi"; "--quiet"; "--nologo"; "--readline-" ])

    start.RedirectStandardInput <- true
    start.RedirectStandardOutput <- true
    start.RedirectStandardError <- true
    use session = Option.ofObj (Process.Start start) |> Option.get
    let output = session.StandardOutput.ReadToEndAsync()
    let errors = session.StandardError.ReadToEndAsync()
    session.StandardInput.Write(String.Join("\n", lines) + "\n#quit;;\n")
    session.StandardInput.Close()
    let text = output.Result + "\n" + errors.Result

    let found = [
        for m in Regex.Matches(text, @"stdin\((\d+),\d+\): (error|warning) FS(\d+): ((?:.|\n(?!\s*\n))*)") ->
            int m.Groups[1].Value, int m.Groups[3].Value, m.Groups[4].Value
    ]

    starts
    |> List.map2
        (fun (block: string list) start ->
            found
            |> List.filter (fun (line, _, _) -> line >= start && line <= start + block.Length + 3)
            |> List.map (fun (line, number, message) -> line - start, number, message))
        blocks,
    text

[<Fact>]
let ``Every mistake answers with one sentence at its line, and good scripts with none`` () =
    let mistakes = missing @ doubled @ wrong @ strays @ mixed @ compilers
    let found, text = answers ((mistakes |> List.map _.Lines) @ good)
    let bad, fine = List.splitAt mistakes.Length found

    let complaints = [
        for mistake, answer in List.zip mistakes bad do
            match answer with
            | [ at, number, message ] when at = mistake.At && number = mistake.Number && message.Contains mistake.Phrase -> ()
            | _ -> $"expected FS{mistake.Number} at {mistake.At} with '{mistake.Phrase}', got {answer} from {mistake.Lines}"

        for lines, answer in List.zip good fine do
            if not answer.IsEmpty then
                $"expected silence, got {answer} from {lines}"
    ]

    Assert.True(complaints.IsEmpty, String.Join("\n", complaints) + (if complaints.Length > 60 then "\n" + text else ""))

[<Fact>]
let ``A script with a mistake does not run and names its line`` () =
    let file = Path.Combine(Path.GetTempPath(), $"leith-{Guid.NewGuid()}.fsx")

    let lines =
        preamble
        @ [ "printfn \"ran\""; "experiment \"title\" {" ]
        @ (without "noise" |> List.map (fun line -> "    " + line))
        @ [ "}"; "|> ignore" ]

    File.WriteAllLines(file, lines)

    try
        let start = ProcessStartInfo("dotnet", [ "fsi"; "--typecheck-only"; file ])
        start.RedirectStandardOutput <- true
        start.RedirectStandardError <- true
        use check = Option.ofObj (Process.Start start) |> Option.get
        let output = check.StandardOutput.ReadToEndAsync()
        let text = check.StandardError.ReadToEnd() + output.Result
        check.WaitForExit()
        Assert.Equal(1, check.ExitCode)
        Assert.DoesNotContain("ran", text)
        Assert.Contains($"({preamble.Length + 2},1): error FS19011: experiment: the `noise` line is missing", text)
        Assert.Single(Regex.Matches(text, "error FS")) |> ignore
    finally
        File.Delete file

[<Fact>]
let ``No word of the language bears a keyword's name`` () =
    let words =
        typeof<Field>.Assembly.GetExportedTypes()
        |> Array.filter (fun t -> t.GetCustomAttributes<AutoOpenAttribute>() |> Seq.isEmpty |> not)
        |> Array.collect (fun t -> t.GetMembers(BindingFlags.Public ||| BindingFlags.Static))
        |> Array.map _.Name

    Assert.Contains("kick", words)
    Assert.Empty(keywords |> List.filter (fun keyword -> Array.contains keyword words))
