// Question   How does a push spread through a linear system whose drift is far from symmetric?
// Equation   dx = A x dt + S dW for a damped oscillator (x, y) that is driven by a slow variable z
// Expect     R(t) = exp(A t): a push of z, which only decays itself, swings x up to 1.2 before it dies
// Run        ./run experiments/damped_oscillators.fsx          (15 s on two cores; --sketch: 5 s)
// Source     Risken, The Fokker–Planck Equation (1989), ch. 3 and 6
#load "../leith.fsx"
open Leith

let x, y, z = scalar "x", scalar "y", scalar "z"

let oscillator =
    linear [ [ -0.5; 2.0; 0.0 ]; [ -2.0; -0.5; 1.5 ]; [ 0.0; 0.0; -1.0 ] ] [ x; y; z ]

let forcing = diagonal [ 1.0; 0.5; 1.0 ]

let truth = propagator
let twins = dynamical (pairs 1024)
let known = exactOf (linearScore oscillator forcing)
let net = learned (mlp |> steps 4000)

experiment "damped oscillators" {
    system oscillator
    noise forcing
    step (exponential 0.1)
    sample (members 1024 |> spinUp 20.0 |> lasting 2000.0 |> every 0.1)
    perturb (pushEach [ x; y; z ])
    observe [ x; y; z ]
    lags 6.0
    estimate [ truth; twins; gaussian; known; net ]

    check [
        twins |> within truth 0.01
        gaussian |> within truth 0.01
        known |> within truth 0.01
        net |> within truth 0.02
    ]

    seed 11
}
|> run
|> ignore
