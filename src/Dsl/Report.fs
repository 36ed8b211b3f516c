/// The folder that a run leaves behind: report.html, result.json, responses.csv, responses.npy and a copy of the script.
module Leith.Report

open System
open Leith.Charting
open System.IO
open System.Security.Cryptography
open System.Text
open Leith.Core

let private spelled =
    dict [
        for letters in
            [
                "aàáâãäåāăą"
                "cçćč"
                "dďđð"
                "eèéêëēęě"
                "gğ"
                "iìíîïīı"
                "lł"
                "nñńň"
                "oòóôõöøōő"
                "rŕř"
                "sśşš"
                "tťþ"
                "uùúûüūůű"
                "yýÿ"
                "zźżž"
            ] do
            for letter in letters[1..] do
                letter, letters[..0]
        'ß', "ss"
        'æ', "ae"
        'œ', "oe"
        for letter, name in
            Seq.zip
                "αβγδεζηθικλμνξοπρστυφχψωςϵϑϕ"
                ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega sigma epsilon theta phi"
                    .Split
                    ' ') do
            letter, name
    ]

let private longest = 60

/// A folder name for a title: small letters, digits and single hyphens, at most 60. Accents are dropped, Greek letters and the signs of negative numbers spelt out;
/// where another letter is lost, or the end of a long title, six digits of the title's SHA-256 keep two titles apart.
let slug (title: string) =
    let lost = ref false
    let text = StringBuilder()

    let title' = title.ToLowerInvariant()

    /// The sign of a number, not the hyphen of a word, a range or an exponent.
    let isSign i =
        (title'[i] = '-' || title'[i] = '−')
        && i + 1 < title'.Length
        && Char.IsAsciiDigit title'[i + 1]
        && (i = 0 || not (Char.IsLetterOrDigit title'[i - 1]))

    for i, c in Seq.indexed title' do
        if isSign i then
            text.Append "-minus" |> ignore

        match spelled.TryGetValue c with
        | true, letters -> text.Append letters |> ignore
        | false, _ when Char.IsAsciiLetterOrDigit c -> text.Append c |> ignore
        | _ ->
            // Letters of other scripts; a combining accent over a Latin letter is no loss.
            if Char.IsLetterOrDigit c || Char.IsSurrogate c then
                lost.Value <- true

            if Globalization.CharUnicodeInfo.GetUnicodeCategory c <> Globalization.UnicodeCategory.NonSpacingMark then
                text.Append '-' |> ignore

    let words =
        text.ToString().Split('-', StringSplitOptions.RemoveEmptyEntries) |> String.concat "-"

    if not lost.Value && words <> "" && words.Length <= longest then
        words
    else
        let digest =
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes title))[..5]

        let kept =
            if words = "" then
                "experiment"
            else
                words[.. min words.Length (longest - 7) - 1].TrimEnd '-'

        $"{kept}-{digest}"

/// A writer of text.
let internal text (content: string) =
    Action<Stream>(fun stream -> stream.Write(ReadOnlySpan(UTF8Encoding(false).GetBytes content)))

/// The copy of a script, given as path and text.
let internal scriptCopy (path: string, script: string) =
    let name = Path.GetFileName path |> Option.ofObj |> Option.defaultValue ""

    [|
        if script <> "" then
            struct ((if name = "" then "script.fsx" else name), text script)
    |]

let private files (outcome: Outcome) = [|
    yield! scriptCopy outcome.Script
    struct ("responses.csv", Action<Stream>(ReportFiles.csv outcome))
    struct ("responses.npy", Action<Stream>(ReportFiles.npy outcome))
    struct ("report.html", text (ReportPage.html outcome))
    // Last: whoever waits for it finds the others there.
    struct ("result.json", Action<Stream>(fun stream -> Json.write stream true (ReportFiles.result outcome)))
|]

/// Writes the folder of a run, all files or none, and answers the path of report.html. A folder that cannot be written is a LeithException.
let write (outcome: Outcome) =
    RunFolder.Write(outcome.Folder, files outcome)
    Path.Combine(outcome.Folder, "report.html")
