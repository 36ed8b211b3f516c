// Question   How do the mean, the spread and the higher moments of a skewed climate index answer a small push, and what does a Gaussian estimate make of them?
// Equation   dx/dt = F + a x + b x² − c x³ + s ξ, F = .6, a = −.0222, b = −.2, c = .0494, s = .7071; z = (x − 1.280681)/.629021
// Expect     ⟨z⟩, ⟨z²⟩, ⟨z³⟩, ⟨z⁴⟩ answer a push of z as below, by twin runs, the exact score and by library, clustered and learned scores; the Gaussian estimate starts from −1.18, 7.29, −33.3 in place of 0, 3, −4.7
// Run        ./run experiments/scalar_climate.fsx          (50 s on two cores; --sketch: 10 s; three times the data, for standard errors a third of 3 %: ./run experiments/scalar_climate.fsx 32000)
// Source     Majda, Franzke, Crommelin (2009), Proc. Natl. Acad. Sci. 106, 3649; constants: arXiv:2504.13333; reference: the Fokker–Planck equation, to five digits
#load "../leith.fsx"
open Leith

let x = scalar "x"
let climate = ClimateSystems.scalarAdditive x

// A unit push of z is one of x by its standard deviation: observables are multiplied by it, since the push of the experiment is one unit of x.
let mean, deviation = parameter "μ" 1.280681, parameter "σ" 0.629021
let z = (x - mean) / deviation
let answer (n: int) = deviation * z ** n

let twins = dynamical (standardError 0.07)
let known = exactOf climate.Score
let library = libraryOf [ x; square x; cube x ]
let net = learned (mlp |> channels 32 |> batch 256)

// How long each member is sampled.
let length = optionalArgument 0 |> Option.map float |> Option.defaultValue 8000.0

// Exact responses of ⟨zⁿ⟩, n = 1 … 4, at lags 0, .5, 1, 2 and 4.
let reference = [
    0.0, [ 1.0; 0.0; 3.0; -4.70251 ]
    0.5, [ 0.67252; -0.24583; 2.33013; -5.49670 ]
    1.0, [ 0.46806; -0.30845; 1.93278; -5.66149 ]
    2.0, [ 0.24423; -0.28186; 1.42778; -5.39587 ]
    4.0, [ 0.08294; -0.17260; 0.88665; -4.41369 ]
]

let outcome =
    experiment "scalar climate" {
        system climate.Equations
        noise climate.Noise
        step (heun 0.05)
        sample (members 1024 |> spinUp 40.0 |> lasting length |> every 0.5)
        perturb (push x)
        observe [ answer 1; answer 2; answer 3; answer 4 ]
        lags 4.0
        estimate [ twins; gaussian; known; library; clustered; net ]

        check [
            known |> within twins 0.5
            library |> within twins 0.5
            clustered |> within twins 0.5
        ]

        seed 3
    }
    |> run

// The estimate, its standard error, and in brackets how many of them it lies from the exact value.
let names = [ "dynamical"; "exact score"; "library"; "clustered"; "learned"; "Gaussian" ]

printfn "%-14s%9s%s" "" "exact" (names |> List.map (fun name -> name.PadLeft 25) |> String.concat "")

for n in 0..3 do
    for lag, row in reference do
        let text name =
            let found = outcome.Responses |> List.find (fun r -> r.Estimator = name)
            let i = found.Lags |> Array.findIndex (fun l -> abs (l - lag) < 1e-9)
            let value, error = found.Values[n][i], found.StandardError.Value[n][i]
            let text = $"{value:F4} ± {error:F4} ({abs (value - row[n]) / error:F1})"
            text.PadLeft 25

        printfn "%-14s%9.4f%s" $"⟨z^{n + 1}⟩ after {lag}" row[n] (names |> List.map text |> String.concat "")
