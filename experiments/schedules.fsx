// Question   Which noise levels should a sampler pass, and which should a network be trained at?
// Equation   x ← x + Δ ŝ(x, σ) + √Δ w,  Δ = σ_k² − σ_{k+1}², from σ = 20 down to σ = 0.02; data: five Gaussians in four dimensions, score known
// Expect     the equal ratios of Song et al. (2020) sample better when the score is well trained, the levels of Karras et al. (2022) when it is not
// Run        ./run experiments/schedules.fsx          (4 min on two cores; --sketch: seconds)
// Source     Wang, He, Tao (2024), arXiv:2406.12839; docs/score_errors.md
#load "../leith.fsx"
open Leith

let rough = sketching ()
let full, small = if rough then 2048, 1024 else 32768, 4096
let seeds = [ for i in 1 .. (if rough then 2 else 3) -> 10 * seedOr 1 + i ]

let few values =
    if rough then List.truncate 2 values else values

let data =
    knownMixture [
        0.25, [ -1.0; -0.6; 0.4; 0.9 ], 0.2
        0.2, [ 0.9; -0.8; -0.7; 0.1 ], 0.15
        0.2, [ 0.2; 1.0; 0.8; -0.9 ], 0.25
        0.2, [ -0.5; 0.7; -1.0; -0.3 ], 0.3
        0.15, [ 1.0; 0.5; 0.3; 0.8 ], 0.12
    ]

let exact = knownScore data
let schedules largest = [ "Song", songSchedule 0.02 largest; "Karras", karrasSchedule 0.02 largest ]

let distance draw =
    seeds |> List.map (fun seed -> draw seed |> slicedDistance data)

let floor' =
    lazy (distance (fun seed -> data |> samplesFrom full seed) |> meanAndError)

/// A curve over strengths, each of them measured for every seed.
let measured name strengths measure =
    let found = strengths |> List.map (measure >> meanAndError)
    curve name strengths (List.map fst found) |> withStandardErrors (List.map snd found)

let bothOver strengths measure = [
    for name, _ in schedules 20.0 do
        measured name strengths (measure name)
    curve "exact samples" strengths (strengths |> List.map (fun _ -> fst floor'.Value)) |> asBound
]

let levels name largest steps =
    schedules largest |> List.find (fst >> (=) name) |> snd |> levelsOf steps

let ofSteps tell name (steps: float) =
    distance (fun seed ->
        tell ()
        exact |> drawnFrom (levels name 20.0 (int steps)) full seed data)

let ofStart tell name largest =
    distance (fun seed ->
        tell ()
        exact |> drawnFromNoise (levels name largest 128) full seed data)

let ofScore tell name e =
    distance (fun seed ->
        tell ()
        exact |> withScoreError e |> drawnFrom (levels name 20.0 128) full seed data)

let alone (title: string) axis strengths measure =
    stage title (fun told ->
        let done', all = ref 0, float (2 * List.length strengths * seeds.Length)

        let tell () =
            done'.Value <- done'.Value + 1
            told (float done'.Value / all)

        panel title axis "sliced Wasserstein-1 distance" (bothOver strengths (measure tell)))

/// Divergences of the paths: no sampling of laws, so differences of schedules stand out.
let divergences () =
    let steps = few [ 8.0; 16.0; 32.0; 64.0; 128.0 ]
    let errors = few [ 0.01; 0.03; 0.1; 0.3 ]

    let path name x (found: Leith.Core.PathDivergence list) =
        curve name x (found |> List.map _.Value) |> withStandardErrors (found |> List.map _.StandardError)

    [
        panel "Discretisation" "steps" "divergence of paths" [
            for name, s in schedules 20.0 -> path name steps [ for n in steps -> data |> divergenceOfSteps (s |> levelsOf (int n)) small 1 ]
        ]
        panel "Score error, 16 steps" "error e of ẑ" "divergence of paths" [
            for name, s in schedules 20.0 ->
                path name errors [
                    for e in errors -> exact |> withScoreError e |> divergenceOfScore (s |> levelsOf 16) small 1 data
                ]
        ]
    ]

/// One network, sampled along both schedules.
type Trained = {
    Training: string
    Length: int
    Seed: int
    Steps: int
    Song: float
    Karras: float
    Divergence: float
}

let trainings = [
    "Song", songSchedule 0.02 20.0
    "Karras", karrasSchedule 0.02 20.0
    "Karras, centred", karrasSchedule 0.02 20.0 |> lognormalLevels -0.5 1.2
]

let networks () =
    let lengths = if rough then [ 60; 200 ] else [ 30; 100; 300; 1000; 3000 ]

    stage "trained networks" (fun told ->
        let jobs = [
            for length in lengths do
                for training in trainings do
                    for seed in seeds -> length, training, seed
        ]

        jobs
        |> List.mapi (fun i (length, (training, schedule), seed) ->
            told (float i / float jobs.Length)
            // Every network has data, weights and samples of its own: what is averaged is independent.
            let own = 1000 * seed + i
            let score = data |> trainedScore (mlp |> steps length) schedule (2 * full) own

            let divergence =
                (score |> divergenceOfScore (levels "Song" 20.0 64) small 1 data).Value

            [
                for n in [ 16; 64 ] ->
                    let along name =
                        score |> drawnFrom (levels name 20.0 n) full (1000 * i + n) data |> slicedDistance data

                    {
                        Training = training
                        Length = length
                        Seed = seed
                        Steps = n
                        Song = along "Song"
                        Karras = along "Karras"
                        Divergence = divergence
                    }
            ])
        |> List.concat)

let over (found: Trained list) choose =
    found
    |> List.groupBy _.Length
    |> List.map (fun (length, group) -> length, group |> List.map choose |> meanAndError)

let line name (found: Trained list) choose =
    let values = over found choose

    curve name [ for length, _ in values -> float length ] [ for _, (v, _) in values -> v ]
    |> withStandardErrors [ for _, (_, e) in values -> e ]

study "noise schedules for training and for sampling" (fun () ->
    let each = [
        alone "Discretisation alone" "steps" (few [ 8.0; 16.0; 32.0; 64.0; 128.0; 256.0 ]) ofSteps
        alone "Start alone" "largest noise level" (few [ 1.0; 2.0; 4.0; 8.0; 16.0 ]) ofStart
        alone "Score error alone" "error e of ẑ" (few [ 0.01; 0.03; 0.1; 0.3 ]) ofScore
    ]

    let paths = stage "divergences of paths" (fun _ -> divergences ())
    let found = networks ()

    let ofSteps n =
        found |> List.filter (fun f -> f.Steps = n)

    let differences n =
        over (ofSteps n) (fun f -> f.Song - f.Karras)

    let lengths = differences 16

    let better (difference, error) =
        if difference > 2.0 * error then "Karras samples better"
        elif difference < -2.0 * error then "Song samples better"
        else "no difference is resolved"

    let _, first = List.head lengths
    let _, last = List.last lengths

    let holds =
        better first = "Karras samples better" && better last = "Song samples better"

    let says =
        if holds then
            "The finding holds"
        else
            "The finding is not reproduced in full"

    let verdict =
        $"{says}: in 16 steps with the networks trained least, {better first} (Song − Karras {withError (fst first) (snd first)}); with those trained longest, {better last} ({withError (fst last) (snd last)})."

    let sections = [
        section "Each error alone, score known" [
            remark $"Samples: {full}, {seeds.Length} seeds, bands of two standard errors. Dashed: the distance of as many exact samples."
            panels each
            remark
                "The divergence KL(data ‖ generated) is at most the sum of three parts, of the start, of the score and of the steps, which no sampling noise blurs."
            panels paths
        ]
        section "Trained networks" [
            remark "Each network is sampled along both schedules; bands of two standard errors over seeds."
            panels [
                for training, _ in trainings ->
                    let mine = ofSteps 16 |> List.filter (fun f -> f.Training = training)

                    panel $"Trained as {training}, 16 steps" "training steps" "sliced Wasserstein-1 distance" [
                        line "Song" mine _.Song
                        line "Karras" mine _.Karras
                    ]
            ]
            panels [
                for n in [ 16; 64 ] ->
                    panel $"Sampled in {n} steps" "training steps" "distance, Song − Karras" [
                        line "all trainings" (ofSteps n) (fun f -> f.Song - f.Karras)
                    ]
                    |> plainValues
            ]
            panels [
                panel "Error of the trained score" "training steps" "divergence of paths" [
                    for training, _ in trainings ->
                        line $"trained as {training}" (ofSteps 16 |> List.filter (fun f -> f.Training = training)) _.Divergence
                ]
            ]
            table [
                "sampled in"
                "#training steps"
                "#Song"
                "#Karras"
                "#Song − Karras"
                "better"
            ] [
                for n in [ 16; 64 ] do
                    for (length, song), (_, karras), (_, gap) in List.zip3 (over (ofSteps n) _.Song) (over (ofSteps n) _.Karras) (differences n) ->
                        [
                            $"{n} steps"
                            string length
                            withError (fst song) (snd song)
                            withError (fst karras) (snd karras)
                            withError (fst gap) (snd gap)
                            better gap
                        ]
            ]
            table [
                "trained as"
                "#training steps"
                "#divergence of paths"
                "#distance in 64 steps"
            ] [
                for training, _ in trainings do
                    let mine = ofSteps 64 |> List.filter (fun f -> f.Training = training)

                    for (length, divergence), (_, gap) in List.zip (over mine _.Divergence) (over mine _.Song) ->
                        [
                            training
                            string length
                            withError (fst divergence) (snd divergence)
                            withError (fst gap) (snd gap)
                        ]
            ]
        ]
    ]

    let finest =
        each.Head.Curves |> List.take 2 |> List.map (fun c -> Array.last c.Y) |> List.max

    let coarsest =
        each.Head.Curves |> List.take 2 |> List.map (fun c -> c.Y[0]) |> List.min

    verdict,
    sections,
    [
        claim "exact score, finest over coarsest steps: distance" (finest / coarsest) 0.2
    ])
|> ignore
