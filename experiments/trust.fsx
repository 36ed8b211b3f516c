// Question   How does a bad score show, when the true one is not known?
// Equation   dx/dt = F + a x + b x² − c x³ + s ξ, F = .6, a = −.0222, b = −.2, c = .0494, s = .7071
// Expect     A score that is a fifth too small and the Gaussian one: Stein table red, certificates .034 and .204 against 0, plug-in responses wrong (.54 and .74 against .6725 after .5), robust ones right
// Run        ./run experiments/trust.fsx      (4 s on two cores)
// Source     model: Majda, Franzke, Crommelin (2009), Proc. Natl. Acad. Sci. 106, 3649, constants of arXiv:2504.13333; exact values: the Fokker–Planck equation
#load "../leith.fsx"
open Leith

let x = scalar "x"
let climate = ClimateSystems.scalarAdditive x

let good = exactOf climate.Score |> named "exact score"
let bad = exactOf [ 0.8 * climate.Score.Head ] |> named "a fifth too small"
let truth = dynamical (standardError 0.004)

let robustBad = robust bad (polynomials 5) |> named "a fifth too small, robust"

let robustGaussian = robust gaussian (polynomials 5) |> named "Gaussian, robust"

let outcome =
    experiment "a bad score being caught" {
        system climate.Equations
        noise climate.Noise
        step (weakSecondOrder 0.02)
        sample (members 1024 |> spinUp 40.0 |> lasting 2000.0 |> every 0.5)
        perturb (push x)
        observe [ x ]
        lags 4.0
        estimate [ truth; good; bad; robustBad; gaussian; robustGaussian ]

        check [
            good |> within truth 0.02
            robustBad |> within truth 0.02
            robustGaussian |> within truth 0.02
        ]

        seed 3
    }
    |> run

// What the page shows, in numbers.
let line =
    ExactLine.ofDrift x climate.Equations.Head.Drift (number (0.5 * 0.7071 ** 2.0)) (-6.0, 5.0)

let exactAnswer = (ExactLine.response x x (number 1.0) [ 0.5 ] line).Head
printfn "%-28s%22s%26s%24s" "" "largest |z| of Stein" "certificate ‖ŝ − s‖²_D" $"R(.5), exact {exactAnswer:F4}"

for response in outcome.Responses do
    let at = response.Lags |> Array.findIndex (fun lag -> abs (lag - 0.5) < 1e-9)

    let score =
        outcome.Scores |> List.tryFind (fun s -> s.Estimator = response.Estimator)

    let stein =
        match score with
        | Some s when not s.Stein.IsEmpty -> (s.Stein |> List.map (fun row -> abs row.Z) |> List.max).ToString "F1"
        | _ -> "–"

    let certificate =
        match score |> Option.bind _.Certificate with
        | Some(value, error) -> $"{value:F4} ± {error:F4}"
        | None -> "–"

    printfn "%-28s%22s%26s%24s" response.Estimator stein certificate $"{response.Values[0][at]:F4} ± {response.StandardError.Value[0][at]:F4}"
