// Question   How do all six modes of a flow over mountains, and their spread and tails, answer a push of each of them?
// Equation   Charney and DeVore's barotropic flow in six modes, x₁ … x₆ with noise of .05 (ClimateSystems.barotropic)
// Expect     Twin runs as the reference; distance to them, relative, of moments 1 to 4: Gaussian .08, .84, .24, .78; robust with a cubic forecast .02, .11, .06, .16
// Run        ./run experiments/barotropic.fsx      (40 s on two cores; --sketch: 10 s)
// Source     Charney and DeVore (1979), J. Atmos. Sci. 36, 1205; Crommelin, Opsteegh, Verkley (2004), J. Atmos. Sci. 61, 1406; arXiv:2504.13333
#load "../leith.fsx"
open Leith

let modes = scalars [ for i in 1..6 -> $"x{i}" ]
let flow = ClimateSystems.barotropic modes

let truth = dynamical (pairs 16384)
let cubic = robust gaussian (polynomials 3) |> named "Gaussian, robust"

let outcome =
    experiment "barotropic flow" {
        system flow.Equations
        noise flow.Noise
        step flow.Step
        sample (members 512 |> spinUp 500.0 |> lasting 4000.0 |> every 1.0)
        perturb (pushEach modes)
        observe (modes |> List.collect (moments 4))
        lags 20.0
        estimate [ truth; gaussian; cubic ]
        seed 3
    }
    |> run

// The distance to the twin runs, moment by moment: over all modes, pushes and lags, relative to the size of the answer.
let reference =
    outcome.Responses |> List.filter (fun r -> r.Estimator = truth.Label)

printfn "\nrelative distance to the twin runs\n%-20s%s" "" (String.concat "" [ for n in 1..4 -> $"moment {n}".PadLeft 12 ])

for estimator in [ gaussian; cubic ] do
    let own = outcome.Responses |> List.filter (fun r -> r.Estimator = estimator.Label)

    let distance moment =
        let pick (r: Response) = [
            for mode in 0..5 do
                yield! r.Values[4 * mode + moment - 1]
        ]

        let mine, theirs = own |> List.collect pick, reference |> List.collect pick
        let norm = List.sumBy (fun v -> v * v) >> sqrt
        norm (List.map2 (-) mine theirs) / norm theirs

    printfn "%-20s%s" estimator.Label (String.concat "" [ for n in 1..4 -> $"{distance n:F3}".PadLeft 12 ])
