// Question   How do three fields answer a push of one pixel, and which estimate from the record alone finds it?
// Equation   Ornstein–Uhlenbeck, modified Allen–Cahn and Navier–Stokes on a 2π × 2π box of 32 × 32 pixels; each is written out in its own report
// Expect     dynamical as published (diamonds); the Gaussian estimate right for the first row, twice too large for the second, too slow for the third; library and learned near dynamical
// Run        ./run experiments/figure_1.fsx          (10 min on two cores; --sketch: 1 min)
// Source     Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302, arXiv:2402.01029, figure 1; published values digitised to ±.01
#load "../leith.fsx"
open Leith

let box = torus (2.0 * pi) 32
let u = field "u" box

let kappa, wind, eps =
    parameter "κ" 2.5e-4, parameter "A" 2e-2, parameter "ε" (sqrt 4e-3)

let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

// The same names in every row, so that one legend serves them all.
let known score = exact score
let library = libraryAuto |> named "library"
let net = learned residualNet

let ornsteinUhlenbeck =
    let lambda = parameter "λ" 4e-2
    let twins = dynamical (pairs 256)

    let score =
        2.0 / (square eps * 32.0 ** 2) * (-lambda * u + kappa * lap u - kappa * lap (lap u))

    row
        (experiment "Ornstein–Uhlenbeck, figure 1" {
            system (ddt u == -lambda * sigma u + kappa * lap u - wind * dx u)
            noise (additive (eps * root sigma))
            step (exponential 2.5)
            sample (members 128 |> spinUp 500.0 |> lasting 20000.0 |> every 2.5)
            perturb (kick u (pixel 0 0))
            observe [ u ]
            lags 80.0
            estimate [ twins; gaussian; known score; library; net ]
            seed 7
        })
        [
            published twins (offset 2) [ (18.2, 0.490) ]
            published twins (offset 4) [ (37.7, 0.285) ]
            published twins (offset 6) [ (56.7, 0.187) ]
            published net l2Distance [ 5.0, 0.018; 10.0, 0.030; 20.0, 0.035; 80.0, 0.033 ]
        ]

let allenCahn =
    let alpha = parameter "α" 16.0
    let truth = dynamical (standardError 0.007)

    row
        (experiment "Allen–Cahn, figure 1" {
            system (ddt u == kappa * lap u - wind * dx u + alpha * sigma (u - cube u))
            noise (additive (eps * root sigma))
            step (rk4 (1.0 / 32.0) |> aliased)
            sample (members 128 |> spinUp 1000.0 |> lasting 2000.0 |> every 1.0)
            perturb (kick u (pixel 0 0))
            observe [ u ]
            lags 80.0
            estimate [ truth; gaussian; known (allenCahnScore u); library; net ]
            seed 7
        })
        [
            published truth (offset 2) [ (18.6, 0.198) ]
            published truth (offset 4) [ (39.8, 0.098) ]
            published truth (offset 6) [ (59.6, 0.062) ]
            published gaussian (offset 2) [ (19.0, 0.434) ]
            published gaussian (offset 4) [ (39.6, 0.257) ]
            published gaussian (offset 6) [ (60.3, 0.172) ]
            published net (offset 2) [ (18.6, 0.201) ]
            published net (offset 4) [ (39.8, 0.089) ]
            published net (offset 6) [ (59.6, 0.048) ]
            published net l2Distance [ 5.0, 0.060; 20.0, 0.056; 40.0, 0.061 ]
            published net lInfDistance [ 5.0, 0.010; 20.0, 0.010 ]
        ]

let navierStokes =
    let a, nu, drag = parameter "A" pi, parameter "ν" 1e-5, parameter "ν_h" 1e-2
    let phi = phases "φ" box
    let psi = inverseLap u
    let waves = randomWaves (fun k -> 300.0 / 128.0 ** 2 * k.SquaredAtMost 112.5) phi
    let forcing = waves - 0.9 * mean waves
    let truth = dynamical (standardError 0.02 |> by fieldKicks)

    row
        (experiment "Navier–Stokes, figure 1" {
            system [
                ddt u
                == -(skewAdvection (rotatedGrad psi) u) - a * dx u - drag * inverseLap psi - nu * lap (lap u) - mean u
                   + forcing
                ddt phi == number 0.0
            ]

            noise (independent [ on phi (perSite (sqrt 2.0)) ])
            step (rk4 (1.0 / 128.0) |> aliased)

            sample (
                members 32
                |> startingAt u (sin (3.0 * coordinate 0) * sin (3.0 * coordinate 1))
                |> spinUp 128.0
                |> lasting 256.0
                |> every 0.125
            )

            perturb (kick u (pixel 0 0))
            observe [ u ]
            lags 1.0
            estimate [ truth; gaussian; library; net ]
            seed 7
        })
        [
            published truth (offset 2) [ (0.125, 0.910) ]
            published truth (offset 4) [ (0.25, 0.775) ]
            published truth (offset 6) [ (0.375, 0.622) ]
            // The unbiased ones; the published curves are circular correlations, .959, .889 and .793.
            published gaussian (offset 2) [ (0.125, 0.980) ]
            published gaussian (offset 4) [ (0.25, 0.927) ]
            published gaussian (offset 6) [ (0.375, 0.848) ]
            published net (offset 2) [ (0.125, 0.889) ]
            published net (offset 4) [ (0.25, 0.748) ]
            published net (offset 6) [ (0.375, 0.632) ]
            published net l2Distance [ 0.5, 0.18; 1.0, 0.18 ]
            published net lInfDistance [ 0.5, 0.04; 1.0, 0.04 ]
        ]

[ ornsteinUhlenbeck; allenCahn; navierStokes ] |> sideBySide "Responses of three fields" |> ignore
