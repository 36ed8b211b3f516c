// Question   How long must a score be trained before its response is right, and what does a network gain from standing on a score that is known in closed form?
// Equation   ∂u/∂t = κ Δu − A ∂x u + α Σ[u (1 − u²)] + ε Σ^½ ξ,   Σ = (1 − Δ)⁻¹
// Expect     on a Gaussian or a library, a network is better after seconds than the published one after ten minutes; on a library it never does worse than the library alone
// Run        ./run --with-torch experiments/score_budget.fsx          (20 min on two cores, half of it the published network's; without libtorch that one is left out; --sketch: 2 min)
// Source     Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302, arXiv:2402.01029; preconditioning: Karras et al. (2022), arXiv:2206.00364
#load "../leith.fsx"
open Leith

let kappa, a = parameter "κ" 2.5e-4, parameter "A" 2e-2
let alpha, eps = parameter "α" 16.0, parameter "ε" (sqrt 4e-3)
let u = field "u" (torus (2.0 * pi) 32)
let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

let truth = dynamical (standardError 0.012)
let library = libraryOf (u :: halfShifts cube u)

/// A family of trainings: its name, and the same network after more and more steps or seconds.
let family name (network: Network) budgets =
    name,
    [
        for budget in budgets -> learned (network |> steps budget) |> named $"{name}, {budget} steps"
    ]

let families = [
    family "plain" (residualNet |> plain) [ 400; 1600 ]
    family "EDM" (residualNet |> edmPreconditioned) [ 400; 1600 ]
    family "on a Gaussian" residualNet [ 100; 400; 1600 ]
    family "on a library" (residualNet |> onLibrary library) [ 100; 400 ]
    if Leith.Torch.TorchLibrary.IsAvailable then
        "published",
        [
            for seconds in [ 600.0 ] -> learned (publishedNet |> trainedFor seconds) |> named $"published, {seconds} s"
        ]
]

let outcome =
    experiment "Allen–Cahn, many trainings" {
        system (ddt u == kappa * lap u - a * dx u + alpha * sigma (u - cube u))
        noise (additive (eps * root sigma))
        step (rk4 (1.0 / 32.0) |> aliased)
        sample (members 128 |> spinUp 1000.0 |> lasting 2000.0 |> every 1.0)
        perturb (kick u (pixel 0 0))
        observe [ u ]
        lags 80.0
        estimate ([ truth; gaussian; library ] @ List.collect snd families)
        seed 7
    }
    |> run

/// The distance to dynamical of an estimator, the largest of the lags from 5 to 80.
let worst (estimator: Estimator) =
    let e = outcome.Errors |> List.find (fun e -> e.Estimator = string estimator)
    Array.zip e.Lags e.L2 |> Array.filter (fun (lag, _) -> lag >= 5.0) |> Array.map snd |> Array.max

let secondsOf (estimator: Estimator) =
    let score = outcome.Scores |> List.find (fun s -> s.Estimator = string estimator)
    Option.defaultValue nan score.TrainingSeconds

study "score budget" (fun () ->
    let points = [
        for name, members in families -> name, [ for e in members -> secondsOf e, worst e ]
    ]

    let times = points |> List.collect (snd >> List.map fst)

    let level name value =
        curve name [ List.min times; List.max times ] [ value; value ] |> asBound

    let verdict =
        [
            for name, found in points -> let _, best = List.last found in $"{name} {digits best}"
        ]
        |> String.concat ", "
        |> sprintf "Largest L2 distance to dynamical at lags 5 to 80 after the longest training: %s; the library alone %s, no network at all %s."

    verdict (digits (worst library)) (digits (worst gaussian)),
    [
        section "Error against training time" [
            panels [
                panel "Largest L2 distance to dynamical, lags 5 to 80" "seconds of training" "L2 distance" [
                    for name, found in points do
                        yield curve name (List.map fst found) (List.map snd found)

                    yield level "Gaussian alone" (worst gaussian)
                    yield level "library alone" (worst library)
                ]
            ]
            table [ "network"; "#seconds"; "#L2 distance" ] [
                for _, members in families do
                    for e in members -> [ string e; digits (secondsOf e); digits (worst e) ]
            ]
        ]
    ],
    [
        let _, onLibrary = points |> List.find (fst >> (=) "on a library")

        for seconds, distance in onLibrary -> claim $"on a library for {digits seconds} s, over the library alone" (distance / worst library) 1.1
    ])
|> ignore
