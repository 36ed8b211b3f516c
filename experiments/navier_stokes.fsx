// Question   Does a score reproduce how two-dimensional turbulence carries and forgets a push of its vorticity?
// Equation   ∂u/∂t = ∂xψ ∂yu − ∂xu ∂yψ − A ∂xu − ν_h Δ⁻²u − ν Δ²u − mean u + ς, u = Δψ, ς a sum of random waves
// Expect     two, four and six pixels downstream, 1/8, 1/4 and 3/8 time units after the push: dynamical .86, .74 and .60 without Nyquist wavenumbers (.910, .775 and .622 with them), Gaussian .92, .87 and .80;
//            a library with forecasts of the flow is within .03 of dynamical at every pixel up to a time unit, the Gaussian estimate off by .25, a small network further
//            statistics: standard deviation .43 to .45, kurtosis 4 to 4.6, vortices that are longer along x, the way they are carried
// Run        ./run experiments/navier_stokes.fsx          (4 min on two cores; --sketch: 15 s)
// Source     Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302, arXiv:2402.01029; forcing: Flierl and Souza (2024), J. Fluid Mech. 986, A8
#load "../leith.fsx"
open Leith

let box = torus (2.0 * pi) 32
let a, nu, drag = parameter "A" pi, parameter "ν" 1e-5, parameter "ν_h" 1e-2
let u = field "u" box
let phi = phases "φ" box
let psi = inverseLap u

// Waves of equal amplitude and freely diffusing phases; nine tenths of their mean are taken out.
let waves = randomWaves (fun k -> 300.0 / 128.0 ** 2 * k.SquaredAtMost 112.5) phi

let forcing = waves - 0.9 * mean waves
let velocity = rotatedGrad psi

// A Nyquist wavenumber does not tell its direction of motion and has next to no variance: no estimate has a say there. Half a cell forth and back leaves it out.
let halfCell sign =
    spectral (if sign > 0.0 then "T" else "T⁻¹") (fun k -> exp (sign * pi / 32.0 * k.I * (k.X + k.Y)))

let resolved = u |> halfCell 1.0 |> halfCell -1.0

// Kicks of whole fields spread their noise evenly: the error of one pixel is a thirtieth of this.
let truth = dynamical (standardError 0.02 |> by fieldKicks)
let library = libraryAuto |> named "library"
let net = learned (residualNet |> steps 1000)

// Drag takes the variance of the largest eddies down in 50 time units. The standard deviation was .456, .443, .423, .430 and .433, each ± .006, after 32, 64, 128, 256 and 512,
// and the largest eddies held .034, .061, .063, .065 and .067: after 128 the law has settled.
experiment "Navier–Stokes" {
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
        |> every 0.125
    )

    perturb (kick u (pixel 0 0))
    observe [ resolved ]
    lags 1.0
    estimate [ truth; gaussian; library; net ]
    seed 7
}
|> run
|> ignore
