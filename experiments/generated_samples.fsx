// Question   Does a learned score know the whole law of a field, so that fields drawn from noise cannot be told from simulated ones?
// Equation   ∂u/∂t = κ Δu − A ∂x u + α Σ[u (1 − u²)] + ε Σ^½ ξ,   Σ = (1 − Δ)⁻¹
// Expect     density peaks and the density at zero within .02 of the data, correlations in space within .01 at every distance; the Gaussian score, drawn in the same way, has one peak
// Run        ./run experiments/generated_samples.fsx          (5 min on two cores; --sketch: 1 min)
// Source     Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole (2021), arXiv:2011.13456; the system: Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302
#load "../leith.fsx"
open Leith

let kappa, a = parameter "κ" 2.5e-4, parameter "A" 2e-2
let alpha, eps = parameter "α" 16.0, parameter "ε" (sqrt 4e-3)
let u = field "u" (torus (2.0 * pi) 32)
let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

// Noise of four standard deviations drowns every mode that is not Gaussian; ln σ uniform, so that all levels on the way down are learned.
let net =
    learned (residualNet |> steps 1500 |> trainedOn (songSchedule 0.03 4.0))
    |> generating (reverseHeun 30 |> drawing 4096)

let normal = gaussian |> generating (reverseHeun 30 |> drawing 1024)

let outcome =
    experiment "generated samples of the modified Allen–Cahn equation" {
        system (ddt u == kappa * lap u - a * dx u + alpha * sigma (u - cube u))
        noise (additive (eps * root sigma))
        step (rk4 (1.0 / 32.0) |> aliased)
        sample (members 128 |> spinUp 1000.0 |> lasting 1000.0 |> every 4.0)
        perturb (kick u (pixel 0 0))
        observe [ u ]
        lags 4.0
        estimate [ net; normal ]
        seed 7
    }
    |> run

for g in outcome.Generated do
    printfn $"{g.Estimator}: {g.Sampler}"

    for n in g.Numbers @ Option.toList g.LogLikelihood do
        printfn
            $"  {n.Of, -38} data {n.Data.Value, 8:F4} ± {n.Data.StandardError:F4}   generated {n.Generated.Value, 8:F4} ± {n.Generated.StandardError:F4}"

    for c in g.Curves do
        if c.Of.StartsWith "correlation" || c.Of.StartsWith "density" then
            printfn $"  {c.Of, -38} largest difference {c.Largest:F4}"
