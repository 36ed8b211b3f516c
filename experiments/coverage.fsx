// Question   Does a 95 % band cover the truth in 95 % of recordings, lag by lag and as a whole curve?
// Equation   du/dt = −u + √2 ξ, and the scalar climate dx/dt = F + a x + b x² − c x³ + s ξ; 1,000 independent recordings of each
// Expect     coverage of 93 to 97 % at every lag, for the Gaussian estimate about its own limit, the exact score and a doubly robust estimate
// Run        ./run experiments/coverage.fsx          (1 min on two cores; --sketch: seconds)
// Source     Künsch (1989), Ann. Statist. 17, 1217; Hall (1992), The Bootstrap and Edgeworth Expansion; reference: the Fokker–Planck equation, to five digits
#load "../leith.fsx"
open Leith

let rough = sketching ()
let recordings = if rough then 96 else 1000
let length full = if rough then full / 10.0 else full
let x = scalar "x"
let doubly = robust gaussian (polynomials 5)

let ornsteinUhlenbeck = experiment "Ornstein–Uhlenbeck" {
    system (ddt x == -x)
    noise (perSite (sqrt 2.0))
    step (exponential 0.5)
    sample (members recordings |> spinUp 10.0 |> lasting (length 4000.0) |> every 0.5)
    perturb (push x)
    observe [ x; square x ]
    lags 3.0
    estimate [ gaussian; exactOf [ -x ]; doubly ]
    seed (seedOr 3)
}

let ofOrnsteinUhlenbeck _ observable =
    Some [ for i in 0..6 -> if observable = x then exp (-0.5 * float i) else 0.0 ]

let climate = ClimateSystems.scalarAdditive x
let mean, deviation = parameter "μ" 1.280681, parameter "σ" 0.629021

let answer (n: int) =
    deviation * ((x - mean) / deviation) ** n

let scalarClimate = experiment "scalar climate" {
    system climate.Equations
    noise climate.Noise
    step (heun 0.05)
    sample (members recordings |> spinUp 40.0 |> lasting (length 100000.0) |> every 0.5)
    perturb (push x)
    observe [ answer 1; answer 2 ]
    lags 4.0
    estimate [ gaussian; exactOf climate.Score; doubly ]
    seed (seedOr 4)
}

// Exact responses of ⟨zⁿ⟩ to a push of z = (x − μ)/σ, at lags 0, .5, 1, 2 and 4.
let reference = [
    [ 1.0; 0.67252; 0.46806; nan; 0.24423; nan; nan; nan; 0.08294 ]
    [ 0.0; -0.24583; -0.30845; nan; -0.28186; nan; nan; nan; -0.17260 ]
]

let ofClimate estimator observable =
    if estimator = gaussian then None
    elif observable = answer 1 then Some reference[0]
    else Some reference[1]

let known (values: float[]) =
    values |> Array.filter (System.Double.IsNaN >> not)

let curveOf name (lags: float[]) (values: float[]) =
    let kept = Array.zip lags values |> Array.filter (snd >> System.Double.IsNaN >> not)
    let n = float recordings

    curve name (Array.map fst kept) (Array.map snd kept)
    |> withStandardErrors (kept |> Array.map (fun (_, p) -> sqrt (p * (1.0 - p) / n)))

let figure title (found: MeasuredCoverage list) =
    panel title "lag" "coverage" [
        for f in found -> curveOf (string f.Estimator) f.Coverage.Lags f.Coverage.Pointwise
        for limit in [ 0.93; 0.97 ] ->
            curve $"{limit}" found.Head.Coverage.Lags (found.Head.Coverage.Lags |> Array.map (fun _ -> limit))
            |> asBound
    ]
    |> plainAxes

let percent (p: float) = sprintf "%.1f" (100.0 * p)

let rows name (found: MeasuredCoverage list) = [
    for f in found ->
        let c = f.Coverage
        let all = known c.Pointwise

        [
            name
            string f.Estimator
            (if f.Observable = x || f.Observable = answer 1 then
                 "1"
             else
                 "2")
            percent (Array.min all)
            percent (Array.max all)
            percent c.Simultaneous
            percent (Array.min (known c.Normal))
            digits (known c.Multiplier |> Array.average)
            digits (known c.ErrorRatio |> Array.average)
        ]
]

let farthest (f: MeasuredCoverage) =
    known f.Coverage.Pointwise |> Array.map (fun p -> abs (p - 0.95)) |> Array.max

study "coverage of bands" (fun () ->
    let first = ornsteinUhlenbeck |> bandCoverage ofOrnsteinUhlenbeck
    let second = scalarClimate |> bandCoverage ofClimate
    let both = [ "Ornstein–Uhlenbeck", first; "scalar climate", second ]
    let worst = first @ second |> List.map farthest |> List.max

    $"Coverage lies within {digits (100.0 * worst)} points of 95 %% at every lag, over {recordings} recordings; chance alone moves it by {digits (100.0 * sqrt (0.95 * 0.05 / float recordings))}.",
    [
        section "Lag by lag" [
            remark
                $"{recordings} recordings, of {length 4000.0} and {length 100000.0} time units. The climate leaves its well about once in 500 time units: what its higher moments answer is made of a few hundred events a recording."
            panels [
                for name, found in both do
                    for observable, group in found |> List.groupBy _.Observable -> figure $"{name}, {observable}" group
            ]
        ]
        section "All of it" [
            table [
                "system"
                "estimator"
                "#moment"
                "#lowest, %"
                "#highest, %"
                "#whole curve, %"
                "#±1.96 s.e., lowest, %"
                "#half width in s.e."
                "#s.e. over scatter"
            ] [
                for name, found in both do
                    yield! rows name found
            ]
        ]
    ],
    [
        for name, found in both do
            for f in found -> claim $"{name}, {f.Estimator}, {f.Observable}: farthest from 95 %%" (farthest f) 0.02
    ])
|> ignore
