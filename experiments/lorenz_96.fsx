// Question   How does a push travel through the Lorenz 96 ring, and does the Gaussian estimate tell where it goes?
// Equation   du_i/dt = (u_{i+1} − u_{i−2}) u_{i−1} − u_i + 8 + ξ_i, forty sites in a ring
// Expect     the push leaves its site within .4 time units as a wave packet that runs to higher i; the Gaussian estimate says .35 three sites on after .7, where runs say .14
// Run        ./run experiments/lorenz_96.fsx          (20 s on two cores; --sketch: 5 s)
// Source     Lorenz (1996), ECMWF Seminar on Predictability 1, 1; responses: Abramov and Majda (2007), Nonlinearity 20, 2793
#load "../leith.fsx"
open Leith

let u = field "u" (lattice (ring 40.0 40))
let lorenz = ChaoticSystems.lorenz96 u
let truth = dynamical (standardError 0.02)

experiment "Lorenz 96" {
    system lorenz.Equations
    noise lorenz.Noise
    step lorenz.Step
    sample (members 512 |> spinUp 10.0 |> lasting 200.0 |> every 0.1 |> startingAs lorenz)
    perturb (kick u (site [ 0 ]))
    observe [ u ]
    lags 2.0
    estimate [ truth; gaussian ]
    seed 5
}
|> run
|> ignore
