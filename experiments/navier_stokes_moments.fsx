// Question   How do the mean, the spread and the higher moments of turbulent vorticity answer a push of one place?
// Equation   ∂u/∂t = ∂xψ ∂yu − ∂xu ∂yψ − A ∂xu − ν_h Δ⁻²u − ν Δ²u − mean u + ς, u = Δψ, ς a sum of random waves
// Expect     distance to twin runs after half a time unit, of ⟨z⟩, ⟨z²⟩, ⟨z³⟩, ⟨z⁴⟩ (from sampling alone .1, .9, 2.6, 11): Gaussian .62, 9.1, 3.6, 75; a library with forecasts of the flow .06, 9.2, 3.5, 76:
//            its score is right to first order alone; robust with powers of u .05, .9, 3.0, 13
// Run        ./run experiments/navier_stokes_moments.fsx      (4 min on two cores; --sketch: 30 s)
// Source     system: Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302, arXiv:2402.01029; moments after arXiv:2504.13333
#load "../leith.fsx"
open Leith

let box = torus (2.0 * pi) 32
let a, nu, drag = parameter "A" pi, parameter "ν" 1e-5, parameter "ν_h" 1e-2
let u = field "u" box
let phi = phases "φ" box
let psi = inverseLap u

let waves = randomWaves (fun k -> 300.0 / 128.0 ** 2 * k.SquaredAtMost 112.5) phi
let forcing = waves - 0.9 * mean waves
let velocity = rotatedGrad psi

// Without Nyquist wavenumbers, which do not tell their direction of motion.
let halfCell sign =
    spectral (if sign > 0.0 then "T" else "T⁻¹") (fun k -> exp (sign * pi / 32.0 * k.I * (k.X + k.Y)))

let resolved = u |> halfCell 1.0 |> halfCell -1.0

// In standard deviations, so that the moments compare.
let z = resolved / parameter "σ" 0.43

let truth = dynamical (pairs 4096)
let library = libraryAuto |> named "library"

// Powers of the vorticity among what is forecast from make the responses of its moments exact at lag zero, whatever the score.
let robustly =
    robust libraryAuto (forecastFrom [ u; square u; cube u; u ** 4 ]) |> named "robust"

let outcome =
    experiment "moments of Navier–Stokes turbulence" {
        system [
            ddt u
            == -(skewAdvection velocity u) - a * dx u - drag * inverseLap psi - nu * lap (lap u) - mean u + forcing
            ddt phi == number 0.0
        ]

        noise (independent [ on phi (perSite (sqrt 2.0)) ])
        step (rk4 (1.0 / 128.0) |> aliased)

        sample (
            members 32
            |> startingAt u (sin (3.0 * coordinate 0) * sin (3.0 * coordinate 1))
            |> spinUp 128.0
            |> lasting 256.0
            |> every 0.25
        )

        perturb (kick u (pixel 0 0))
        observe [ z; square z; cube z; z ** 4 ]
        lags 1.0
        estimate [ truth; gaussian; library; robustly ]
        seed 7
    }
    |> run

// How far each estimate is from the twin runs, moment by moment, after half a time unit: Euclidean distance over all sites, and what sampling alone would make.
printfn "%-12s%s" "" ([ "⟨z⟩"; "⟨z²⟩"; "⟨z³⟩"; "⟨z⁴⟩" ] |> List.map (fun name -> name.PadLeft 30) |> String.concat "")

let ofEstimator name =
    outcome.Responses |> List.filter (fun r -> r.Estimator = name)

for name in [ "Gaussian"; "library"; "robust" ] do
    let cells =
        List.map2
            (fun (mine: Response) (theirs: Response) ->
                let lag = mine.Lags |> Array.findIndex (fun t -> abs (t - 0.5) < 1e-9)

                let norm (values: float[]) =
                    sqrt (values |> Array.sumBy (fun v -> v * v))

                let distance = norm (Array.map2 (-) mine.Field.Value[lag] theirs.Field.Value[lag])

                let sampling =
                    norm (Array.append mine.FieldStandardError.Value[lag] theirs.FieldStandardError.Value[lag])

                $"{distance:F3} ({sampling:F3}), size {norm theirs.Field.Value[lag]:F3}".PadLeft 30)
            (ofEstimator name)
            (ofEstimator truth.Label)

    printfn "%-12s%s" name (String.concat "" cells)
