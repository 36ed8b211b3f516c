// Question   Which regions of the sea answer to a warming of the tropical Pacific, how much, and how late?
// Equation   none: 300 years of monthly sea-surface temperature of a climate model in 19 regions, R(τ) = C(τ) C(0)⁻¹
// Expect     the tropical Indian Ocean answers most (0.57 of its own standard deviation after 5 months), then the tropical North Atlantic (0.41 after 8)
// Run        ./run experiments/sea_surface_temperature.fsx SERIES.npy [MAP.npy] [REGION]       (5 s)
// Source     Falasca, Perezhogin, Zanna (2024), Phys. Rev. E 109, 044202
#load "../leith.fsx"
open Leith

let path = argument 0 "the path of the recording, [region][month] (npy or CSV)"

let series =
    recording path |> componentsFirst |> standardised |> timeUnit "months" |> labelled "region"

let sst =
    match optionalArgument 1 with
    | Some map -> series |> onMap map
    | None -> series

// Region 1 holds 0°N 120°W, the tropical Pacific.
let pacific = optionalArgument 2 |> Option.map int |> Option.defaultValue 1
let months = 120.0

experiment "sea-surface temperature" {
    data sst
    perturb (push (column sst (pacific - 1)))
    observe (everyColumn sst)
    lags months
    estimate [ gaussian; gaussian |> asPublished ]
    seed 3
}
|> run
|> ignore
