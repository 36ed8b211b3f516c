// Question   How do the mean, the spread, the skewness, the tails and the whole density of reduced climate models answer a small push?
// Equation   dx = (F + a x + b x² − c x³) dt with noise s dW, or (A − B x) dW₁ + s dW₂; and a slow oscillation (u₁, u₂) driven by wind bursts τ
// Expect     With a Gaussian score the moments 2 to 4 are far off (R2(.5) −1.13 in place of −.2458), robust with polynomials of degree 5 they are right, for both numbers; of the triad twin runs are the reference, which robust meets and the Gaussian estimate misses by 4 in the fourth moment
// Run        ./run experiments/higher_moments.fsx      (2 min on two cores; --sketch: 20 s)
// Source     arXiv:2504.13333; Majda, Franzke, Crommelin (2009), Proc. Natl. Acad. Sci. 106, 3649; Thual, Majda, Chen, Stechmann (2016), Proc. Natl. Acad. Sci. 113, 10245
#load "../leith.fsx"
open Leith

let x = scalar "x"
let robustly = robust gaussian (polynomials 5) |> named "Gaussian, robust"

/// R1 … R4: the answers of ⟨zⁿ⟩, z = (x − mean)/deviation, to a unit push of z, and that of the density.
let ofLine (title: string) (model: StochasticSystem) (mean: float, deviation: float) =
    let mu, sigma = parameter "μ" mean, parameter "σ" deviation

    experiment title {
        system model.Equations
        noise model.Noise
        step (weakSecondOrder 0.02)
        sample (members 1024 |> spinUp 40.0 |> lasting 10000.0 |> every 0.5)
        perturb (push x)
        observe ([ for n in 1..4 -> sigma * ((x - mu) / sigma) ** n ] @ [ density 30 x ])
        lags 4.0
        estimate [ dynamical (pairs 100000); gaussian; exactOf model.Score; robustly ]
        seed 3
    }

let additive = ClimateSystems.scalarAdditive x
let multiplicative = ClimateSystems.scalarMultiplicative x

let lineOf (model: StochasticSystem) diffusion =
    ExactLine.ofDrift x model.Equations.Head.Drift diffusion (-9.0, 7.0)

let lines = [
    "scalar climate, additive noise", additive, lineOf additive (number (0.5 * 0.7071 ** 2.0))
    "scalar climate, multiplicative noise", multiplicative, lineOf multiplicative (0.5 * (square (0.3 - 0.2 * x) + 0.25))
]

let lags = [ 0.0; 0.5; 1.0; 2.0; 4.0 ]

for title, model, line in lines do
    let mean = ExactLine.mean x x line
    let deviation = sqrt (ExactLine.mean x (square (x - mean)) line)
    let outcome = ofLine title model (mean, deviation) |> run
    let names = [ "exact score"; "Gaussian, robust"; "dynamical"; "Gaussian" ]

    printfn "\n%s: the answer of ⟨zⁿ⟩, in brackets how many standard errors it is off" title
    printfn "%-14s%10s%s" "" "exact" (names |> List.map (fun name -> name.PadLeft 28) |> String.concat "")

    for n in 1..4 do
        let exact =
            ExactLine.response x (deviation * ((x - mean) / deviation) ** n) (number 1.0) lags line

        for lag, value in List.zip lags exact do
            let text name =
                let r = outcome.Response name
                let i = r.Lags |> Array.findIndex (fun l -> abs (l - lag) < 1e-9)
                let estimate, error = r.Values[n - 1][i], r.StandardError.Value[n - 1][i]
                let off = if error > 1e-9 then abs (estimate - value) / error else 0.0
                $"{estimate:F4} ± {error:F4} ({off:F1})".PadLeft 28

            printfn "%-14s%10.4f%s" $"R{n} after {lag}" value (names |> List.map text |> String.concat "")

// The triad: three numbers, whose score is not known.
let u1, u2, tau = scalar "u₁", scalar "u₂", scalar "τ"
let triad = ClimateSystems.ensoTriad u1 u2 tau
let truth = dynamical (pairs 100000)
let forecast = robust gaussian (polynomials 5) |> named "Gaussian, robust"

experiment "slow–fast triad" {
    system triad.Equations
    noise triad.Noise
    step (weakSecondOrder 0.02)
    sample (members 1024 |> spinUp 60.0 |> lasting 2000.0 |> every 0.5)
    perturb (push u1)
    observe (moments 4 u1 @ [ tau; density 30 u1 ])
    lags 10.0
    estimate [ truth; gaussian; libraryAuto; forecast ]
    check [ forecast |> within truth 0.3 ]
    seed 3
}
|> run
