/// Static sensitivities d⟨A⟩/dλ as a table and as JSON.
module internal Leith.SensitivityTable

open Leith.Charting

/// Titles, and whether a column holds numbers.
let columns = [
    "estimator", false
    "observable", false
    "push that lasts", false
    "d⟨A⟩/dλ", true
    "of it beyond the longest lag", true
    "error of the lag spacing", true
]

let cells (sensitivities: Sensitivity list) = [
    for s in sensitivities ->
        [
            s.Estimator
            s.Observable
            s.Perturbation
            $"{Digest.number s.Value} ± {Digest.uncertainty s.StandardError}"
            (if s.Tail = 0.0 && s.TailError = 0.0 then
                 "–"
             else
                 $"{Digest.number s.Tail} ± {Digest.uncertainty s.TailError}")
            (if s.Discretisation = 0.0 then
                 "–"
             else
                 Digest.uncertainty s.Discretisation)
        ]
]

/// What stands in the way of some of them, said once each.
let notes (sensitivities: Sensitivity list) =
    sensitivities
    |> List.collect (fun s -> s.Notes |> List.map (fun note -> note, $"{s.Estimator}, {s.Observable}"))
    |> List.groupBy fst
    |> List.map (fun (note, of') ->
        let names = of' |> List.map snd |> List.distinct |> String.concat "; "
        $"{names}: {note}")

let json (sensitivities: Sensitivity list) =
    let one (s: Sensitivity) =
        Json.Members [
            "estimator", Json.Text s.Estimator
            "observable", Json.Text s.Observable
            "perturbation", Json.Text s.Perturbation
            "value", Json.Number s.Value
            "standardError", Json.Number s.StandardError
            "tail", Json.Number s.Tail
            "tailError", Json.Number s.TailError
            "discretisation", Json.Number s.Discretisation
            "notes", s.Notes |> List.map Json.Text |> Json.Items
        ]

    sensitivities |> List.map one |> Json.Items
