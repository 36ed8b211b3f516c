/// The figures of how a probability density answers.
module internal Leith.DensityFigures

open Leith.Charting
open Leith.Core

/// δρ(x) at one lag, of every estimator of the same density; the law itself behind it, scaled to the height of the answers.
let at (pens: Map<string, ReportFigures.Pen>) (answers: DensityAnswer list) lag =
    let first = answers.Head

    let centres =
        Array.pairwise first.Edges |> Array.map (fun (low, high) -> 0.5 * (low + high))

    let column (d: DensityAnswer) =
        d.Values |> Array.map (fun curve -> curve[lag])

    let height = answers |> List.map (column >> Array.map abs >> Array.max) |> List.max
    let tallest = Array.max first.Law

    let law =
        Chart.Line(centres, first.Law |> Array.map (fun v -> v / tallest * height), "the density, scaled", "#8a8a85", "dot", 1.2)

    Chart.combine [
        law
        for d in answers do
            let pen = pens[d.Estimator]
            let values = column d

            match d.StandardError with
            | Some errors ->
                let edge sign =
                    Array.mapi (fun bin v -> v + sign * 1.96 * errors[bin].[lag]) values

                Chart.Range(centres, edge -1.0, edge 1.0, d.Estimator, ReportFigures.translucent pen.Color 0.18)
            | None -> ()

            Chart.Line(centres, values, d.Estimator, pen.Color, pen.Dash, 1.9)
    ]
    |> Chart.withTitle $"lag {Digest.number first.Lags[lag]}"
    |> Chart.withXAxisStyle first.Of
    |> Chart.withYAxisStyle "change of the density per unit push"

/// Lags that are drawn: the first, and a few spread over the rest.
let lags (d: DensityAnswer) =
    0 :: (Digest.spread d.Lags 3 |> List.ofSeq |> List.map (Digest.nearest d.Lags)) |> List.distinct
