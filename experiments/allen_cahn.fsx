// Question   Does a learned score find the response of a field that hops between two wells, where the Gaussian estimate is twice too large?
// Equation   ∂u/∂t = κ Δu − A ∂x u + α Σ[u (1 − u²)] + ε Σ^½ ξ,   Σ = (1 − Δ)⁻¹
// Expect     dynamical peaks of .198, .098 and .062 two, four and six pixels downstream, 19, 40 and 60 time units after the kick; the Gaussian estimate says .434, .257 and .172
//            statistics: variance .732, kurtosis 1.47, density peaks of .61 at ±.96 and .175 at 0; the mean over the box, which hops, keeps a correlation of .77 after 160 time units
// Run        ./run experiments/allen_cahn.fsx          (5 min on two cores; --sketch: 45 s)
// Source     Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302, arXiv:2402.01029
#load "../leith.fsx"
open Leith

let kappa, a = parameter "κ" 2.5e-4, parameter "A" 2e-2
let alpha, eps = parameter "α" 16.0, parameter "ε" (sqrt 4e-3)
let u = field "u" (torus (2.0 * pi) 32)
let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

let truth = dynamical (standardError 0.007)
// The score of the law at dt → 0 and A = 0: the record below, with dt = 1/32 as published, has another one at large scales.
let known = exact (allenCahnScore u)
let library = libraryAuto |> named "library"
let net = learned residualNet

let outcome =
    experiment "modified Allen–Cahn" {
        system (ddt u == kappa * lap u - a * dx u + alpha * sigma (u - cube u))
        noise (additive (eps * root sigma))
        step (rk4 (1.0 / 32.0) |> aliased)
        sample (members 128 |> spinUp 1000.0 |> lasting 2000.0 |> every 1.0)
        perturb (kick u (pixel 0 0))
        observe [ u ]
        lags 80.0
        estimate [ truth; gaussian; known; library; net ]
        check [ library |> within truth 0.06; net |> within truth 0.06 ]
        seed 7
    }
    |> run

// The published peaks, digitised to ±.01, beside those of this run.
let peak estimator pixel =
    let r = outcome.Response estimator
    Seq.zip r.Values[pixel] r.Lags |> Seq.skip 1 |> Seq.maxBy fst

for estimator, published in
    [
        "dynamical", [ 0.198; 0.098; 0.062 ]
        "Gaussian", [ 0.434; 0.257; 0.172 ]
        "learned", [ 0.201; 0.089; 0.048 ]
    ] do
    for pixel, value in List.zip [ 2; 4; 6 ] published do
        let height, lag = peak estimator pixel
        printfn $"{estimator}, x+{pixel}: {height:F3} at {lag:F0}, published {value:F3}"
