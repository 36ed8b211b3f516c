// Question   Do four ways to estimate it agree with the response of a stochastic PDE that is known exactly?
// Equation   ∂u/∂t = −λ Σu + κ Δu − A ∂x u + ε Σ^½ ξ,   Σ = (1 − Δ)⁻¹
// Expect     peaks of .490, .285 and .187 two, four and six pixels downstream of the kick, 18, 38 and 57 time units after it
// Run        ./run experiments/ornstein_uhlenbeck.fsx          (2 min on two cores; --sketch: 10 s)
// Source     Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302, arXiv:2402.01029
#load "../leith.fsx"
open Leith

let lambda, kappa = parameter "λ" 4e-2, parameter "κ" 2.5e-4
let a, eps = parameter "A" 2e-2, parameter "ε" (sqrt 4e-3)
let u = field "u" (torus (2.0 * pi) 32)
let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

// s = D⁻¹ F with D = ½ 32² ε² Σ and F the drift without its advection, which moves the field and leaves its law alone.
let score =
    2.0 / (square eps * 32.0 ** 2) * (-lambda * u + kappa * lap u - kappa * lap (lap u))

let truth = propagator
let twins = dynamical (pairs 256)
let net = learned (residualNet |> steps 2000)

experiment "Ornstein–Uhlenbeck SPDE" {
    system (ddt u == -lambda * sigma u + kappa * lap u - a * dx u)
    noise (additive (eps * root sigma))
    step (exponential 2.5)
    sample (members 128 |> spinUp 500.0 |> lasting 40000.0 |> every 2.5)
    perturb (kick u (pixel 0 0))
    observe [ u ]
    lags 100.0
    estimate [ truth; twins; gaussian; exact score; net ]

    check [
        twins |> within truth 0.01
        gaussian |> within truth 0.015
        exact score |> within truth 0.015
        net |> within truth 0.015
    ]

    seed 7
}
|> run
|> ignore
