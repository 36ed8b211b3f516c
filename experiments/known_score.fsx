// Question   How near does a score that is estimated from 18,000 fields come to one that is known?
// Equation   du = (κ Δ₅u + u − u³) dt + √(2T) dW on a lattice of 32 × 32 sites, κ = .5, T = .35; its law is ∝ exp(−H/T), so its score is drift/T
// Expect     relative L2 distance to the known score: .004 for a library of the right terms and for one that chooses its terms, .03 to .05 for a network after seconds, no worse than the library for a network on it
// Run        ./run experiments/known_score.fsx          (3 min on two cores; --sketch: 20 s)
#load "../leith.fsx"
open Leith

let kappa, temperature = parameter "κ" 0.5, parameter "T" 0.35
let u = field "u" (lattice (torus 32.0 32))
let drift = kappa * lap u + u - cube u

let library = libraryOf [ u; cube u ]

let outcome =
    experiment "known score" {
        system (ddt u == drift)
        noise (perSite (sqrt (2.0 * 0.35)))
        // The law of this scheme is that of the equation but for O(dt²).
        step (weakSecondOrder 0.02)
        // Ten time units apart, fields are independent of each other.
        sample (members 288 |> spinUp 200.0 |> lasting 650.0 |> every 10.0)
        perturb (kick u (pixel 0 0))
        observe [ u ]
        lags 10.0

        estimate [
            gaussian
            exact (drift / temperature)
            libraryOfFixed [ u; cube u; lap u ] |> named "library of the right terms"
            library
            libraryAuto
            learned (residualNet |> steps 600) |> named "learned, 600 steps"
            learned residualNet
            learned (residualNet |> onLibrary library |> steps 600) |> named "learned on the library"
        ]

        seed 7
    }
    |> run

for score in outcome.Scores do
    match score.RelativeError, score.TrainingSeconds with
    | Some(value, error), Some seconds -> printfn $"%-30s{score.Estimator} {withError value error}, {digits seconds} s of training"
    | Some(value, error), None -> printfn $"%-30s{score.Estimator} {withError value error}"
    | None, _ -> ()
