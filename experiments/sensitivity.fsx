// Question   How does the mean climate change with every parameter of its model, and with the strength of its noise?
// Equation   dx/dt = F + a x + b x² − c x³ + s ξ, F = .6, a = −.0222, b = −.2, c = .0494, s = .7071
// Expect     d⟨x⟩/dF = 1.5827 from the exact score, from the robust estimate and from pairs of runs; the quasi-Gaussian estimate says 2.413; likewise ⟨x²⟩ and the other parameters, beside exact quadrature
// Run        ./run experiments/sensitivity.fsx      (3 min on two cores; --sketch: 20 s; for a standard error of .003: ./run experiments/sensitivity.fsx 64000)
// Source     model: Majda, Franzke, Crommelin (2009), Proc. Natl. Acad. Sci. 106, 3649, constants of arXiv:2504.13333; exact values: the stationary Fokker–Planck equation
#load "../leith.fsx"
open Leith

let x = scalar "x"
let force, a = parameter "F" 0.6, parameter "a" -0.0222
let b, c, s = parameter "b" -0.2, parameter "c" 0.0494, parameter "s" 0.7071
let drift = force + a * x + b * square x - c * cube x

// The score 2 f/s².
let known = exactOf [ 2.0 / s ** 2 * drift ]
let robustly = robust gaussian (polynomials 5) |> named "Gaussian, robust"
let runs = dynamical (pairs 131072)

// How long each member is sampled.
let length = optionalArgument 0 |> Option.map float |> Option.defaultValue 10000.0

let asked (title: string) change = experiment $"sensitivity to {title}" {
    system (ddt x == drift)
    noise (ito [ ddt x == s * brownian "W" ])
    step (weakSecondOrder 0.02)
    sample (members 1024 |> spinUp 40.0 |> lasting length |> every 0.5)
    perturb change
    observe [ x; square x ]
    lags 20.0
    estimate [ known; robustly; gaussian; runs ]
    seed 3
}

// ∂f/∂α of each parameter; the noise enters as ρ ∝ exp(2/s² ∫f).
let line (s: float) =
    ExactLine.ofDrift x drift (number (0.5 * s * s)) (-6.0, 5.0)

let exact = line 0.7071

let ofDrift observable direction =
    ExactLine.sensitivity x observable direction exact

let ofNoise observable =
    let step = 1e-3

    (ExactLine.mean x observable (line (0.7071 * (1.0 + step)))
     - ExactLine.mean x observable (line (0.7071 * (1.0 - step))))
    / (2.0 * step)

let questions = [
    "F", perturbParameter force, (fun observable -> ofDrift observable (number 1.0))
    "a", perturbParameter a, (fun observable -> ofDrift observable x)
    "b", perturbParameter b, (fun observable -> ofDrift observable (square x))
    "c", perturbParameter c, (fun observable -> ofDrift observable -(cube x))
    "the noise amplitude", perturbNoise, ofNoise
]

let outcomes =
    [ for title, change, _ in questions -> asked title change ]
    |> sweep "the parameter Jacobian of a scalar climate"

let names = [ known; robustly; gaussian; runs ] |> List.map _.Label
printfn "%-26s%12s%s" "" "exact" (names |> List.map (fun name -> name.PadLeft 24) |> String.concat "")

for (title, _, exact), outcome in List.zip questions outcomes do
    for observable, name in [ x, "⟨x⟩"; square x, "⟨x²⟩" ] do
        let value = exact observable

        let text estimator =
            match
                outcome.Sensitivities
                |> List.tryFind (fun d -> d.Estimator = estimator && d.Observable = string observable)
            with
            | Some d -> ($"{d.Value:F4} ± {d.StandardError:F4} ({abs (d.Value - value) / d.StandardError:F1})").PadLeft 24
            | None -> "–".PadLeft 24

        printfn "%-26s%12.4f%s" $"d{name}/d({title})" value (names |> List.map text |> String.concat "")
