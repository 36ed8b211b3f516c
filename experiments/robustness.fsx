// Question   How far from the data is a generated law when the score is wrong by a known amount, and what can be promised beforehand?
// Equation   x ← x + Δ ŝ(x, σ) + √Δ w,  Δ = σ_k² − σ_{k+1}², from σ = 10 down to σ = 0.1; data ρ = 0.4 N(−1, 0.5²) + 0.6 N(1, 0.4²)
// Expect     every measured Wasserstein-1 distance lies below its bound, for each of the five sources of error alone and for all together; |R̂ − R| ≤ sd(A) e for the response
// Run        ./run experiments/robustness.fsx          (1 min on two cores; --sketch: seconds)
// Source     Mimikos-Stamatopoulos, Zhang, Katsoulakis (2024), arXiv:2405.15754; derivations in docs/score_errors.md
#load "../leith.fsx"
open Leith

let rough = sketching ()
let data = lineMixture [ 0.4, -1.0, 0.5; 0.6, 1.0, 0.4 ]
let steps = if rough then 32 else 128

let along smallest largest =
    karrasSchedule smallest largest |> levelsOf steps

let sampler = lazy (data |> lineSampler (along 0.1 10.0))
let noised (sigma: float) = data.Noised sigma
let exact = exactScore data
/// What a sampler starts from that knows nothing of the data.
let around0 deviation = lineMixture [ (1.0, 0.0, deviation) ]

let few (values: float list) =
    if rough then
        [
            for i, v in List.indexed values do
                if i % 2 = 0 then
                    v
        ]
    else
        values

/// One source of error at several strengths: what was measured, and what bounds it.
type Source = {
    Name: string
    Strength: string
    Found: (float * Leith.Core.LineErrors) list
}

let source name strength values measure = {
    Name = name
    Strength = strength
    Found =
        stage name (fun tell ->
            values
            |> List.mapi (fun i v ->
                tell (float i / float values.Length)
                v, measure v))
}

let wrong score =
    sampler.Value |> errorsWith score (noised 10.0)

let sources () = [
    source "score error, constant" "error e of ẑ" (few [ 0.003; 0.01; 0.03; 0.1; 0.3 ]) (fun e -> wrong (exact |> shiftedBy e))
    source "score error, wave" "error e of ẑ" (few [ 0.003; 0.01; 0.03; 0.1; 0.3 ]) (fun e -> wrong (exact |> wavingBy e data))
    source "finite sample" "samples" (few [ 100.0; 300.0; 1000.0; 3000.0 ]) (fun n -> wrong (data |> samplesOf (int n) (seedOr 1) |> exactScore))
    source "early stopping" "smallest noise level" (few [ 0.05; 0.1; 0.2; 0.4; 0.8 ]) (fun s ->
        data |> lineSampler (along s 10.0) |> errorsWith exact (noised 10.0))
    source "objective" "noise h of the training data" (few [ 0.03; 0.06; 0.12; 0.25; 0.5 ]) (fun h -> wrong (exact |> smoothedBy h))
    source "expressiveness" "bumps + 1" (few [ 1.0; 2.0; 3.0; 5.0; 7.0; 9.0 ]) (fun k -> wrong (data |> bestOf (int k - 1)))
    source "reference distribution" "largest noise level" (few [ 1.0; 2.0; 4.0; 8.0; 16.0 ]) (fun s ->
        data |> lineSampler (along 0.1 s) |> errorsWith exact (around0 s))
    source "all together" "severity" (few [ 1.0; 2.0; 4.0; 8.0 ]) (fun k ->
        let learned =
            data |> samplesOf (int (2000.0 / k)) (seedOr 1) |> bestOf (int (8.0 / k)) |> smoothedBy (0.04 * k)

        let start = 16.0 / k
        data |> lineSampler (along (0.04 * k) start) |> errorsWith learned (around0 start))
]

let picture found =
    let x = found.Found |> List.map fst

    let over name of' =
        curve name x (found.Found |> List.map (snd >> of'))

    panel found.Name found.Strength "Wasserstein-1 distance from the data" [
        over "measured" _.WassersteinToData
        over "bound by divergence" (fun e -> e.DivergenceBound + e.EarlyStopping) |> asBound
        over "bound by coupling" (fun e -> e.CouplingBound + e.EarlyStopping) |> asBound
        over "all bounded, divergence" (fun e -> e.PathDivergenceBound + e.EarlyStopping) |> asBound
        over "all bounded, coupling" (fun e -> e.PathCouplingBound + e.EarlyStopping) |> asBound
    ]

let rows found = [
    for at, e in found.Found ->
        [
            found.Name
            digits at
            digits e.WassersteinToData
            digits e.BoundToData
            digits (e.BoundToData / e.WassersteinToData)
            digits e.Training
            digits e.Initialisation
            digits e.StepDistance
        ]
]

let holds found =
    claim
        $"{found.Name}: largest distance over its bound"
        (found.Found
         |> List.map (fun (_, e) -> max (e.WassersteinToData / e.BoundToData) (e.Wasserstein / min e.PathDivergenceBound e.PathCouplingBound))
         |> List.max)
        1.0

/// Langevin dynamics at the smallest level, with the same scores.
let responses () =
    let law = noised 0.1

    [
        for name, score in
            [
                "constant", exact |> shiftedBy 0.01
                "wave", exact |> wavingBy 0.01 data
                "1000 samples", data |> samplesOf 1000 (seedOr 1) |> exactScore
                "3 bumps", data |> bestOf 3
            ] -> name, law |> responseWith (fun x -> score x 0.1) 0.1 (if rough then 11 else 41)
    ]

study "robustness of generated samples" (fun () ->
    let found = sources ()
    let answers = stage "responses" (fun _ -> responses ())

    let error (r: Leith.Core.LineResponse) =
        Array.map2 (fun a b -> abs (a - b)) r.Estimate r.Exact

    let tightest =
        found
        |> List.collect (fun s -> s.Found |> List.map (fun (_, e) -> e.BoundToData / e.WassersteinToData))

    let verdict =
        $"Every distance lies below its bound; the bounds are {digits (List.min tightest)} to {digits (List.max tightest)} times the distance measured."

    let shown = [
        section "Distance and bound" [
            remark
                "The generated law and its distance come by quadrature: no sampling error. The bound is the lesser of two, by divergence of the laws and by coupling of the paths, with the discretisation as measured; the last two curves bound the discretisation too."
            panels (found |> List.map picture)
            table
                [
                    "source"
                    "#strength"
                    "#distance"
                    "#bound"
                    "#bound/distance"
                    "#½∫e² dσ²"
                    "#KL of the start"
                    "#discretisation"
                ]
                (found |> List.collect rows)
        ]
        section "Response" [
            remark
                "Langevin dynamics whose stationary law is that at the smallest noise level: the same score error e bounds the error of the response to a push, |R̂ − R| ≤ sd(A) e, and more sharply by the part of A that the present foretells."
            panels [
                for name, r in answers ->
                    panel name "lag" "error of the response" [
                        curve "measured" r.Lags (error r)
                        curve "sd(A) e" r.Lags (r.Lags |> Array.map (fun _ -> r.Bound)) |> asBound
                        curve "sd(E[A(t)|u₀]) e" r.Lags r.SharpBound |> asBound
                    ]
                    |> plainAxes
            ]
        ]
    ]

    let checks =
        (found |> List.map holds)
        @ [
            for name, r in answers ->
                claim $"response, {name}: largest error over its sharp bound" (Array.map2 (/) (error r) r.SharpBound |> Array.max) 1.001
        ]

    verdict, shown, checks)
|> ignore
