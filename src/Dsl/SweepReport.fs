/// The folder of a sweep: report.html, result.json, responses.csv and a copy of the script. The folders of its experiments lie beside it.
module internal Leith.SweepReport

open System
open System.IO
open Leith.Charting
open Leith.Core

let private value =
    function
    | Swept.Amount x -> Number x
    | Swept.Words text -> Text text
    | Swept.Absent -> Null

/// result.json: what differs, and for every experiment its folder (from the folder of the sweep), its values, and its curves as in its own result.json.
let result (sweep: SweepOutcome) =
    let memberOf (m: SweepMember) =
        let list choose =
            match m.Ending with
            | Ok outcome -> Items(choose outcome)
            | Error _ -> Items []

        Members [
            "experiment", Text m.Title
            "folder", Text(SweepPage.beside sweep m.Folder)
            "parameters", Members(List.zip sweep.Differences (m.Values |> List.map value))
            "failure",
            (match m.Ending with
             | Ok _ -> Null
             | Error sentence -> Text sentence)
            "responses", list (_.Responses >> List.map ReportFiles.response)
            "checks", list (_.Checks >> List.map ReportFiles.check)
        ]

    Members [
        "sweep", Text sweep.Title
        "script", Text(fst sweep.Script)
        "versions", sweep.Versions |> List.map (fun (name, version) -> name, Text version) |> Members
        "differences", sweep.Differences |> List.map Text |> Items
        "members", sweep.Members |> List.map memberOf |> Items
    ]

/// Writes the folder of a sweep, all files or none.
let write (sweep: SweepOutcome) =
    RunFolder.Write(
        sweep.Folder,
        [|
            yield! Report.scriptCopy sweep.Script
            struct ("responses.csv", Action<Stream>(ReportFiles.csvOfSeveral (sweep.Finished |> List.map snd)))
            struct ("report.html", Report.text (SweepPage.html sweep))
            struct ("result.json", Action<Stream>(fun stream -> Json.write stream true (result sweep)))
        |]
    )
