namespace Leith

open System
open System.IO
open Leith.Core

/// Estimates beside exact answers: what `./run verify` prints.
module Verify =
    /// One number that is known exactly.
    type Fact = {
        System: string
        Quantity: string
        Estimator: string
        Exact: float
        Estimate: float
        /// 0 where the estimate has no sampling error.
        StandardError: float
    } with

        /// (estimate − exact) in standard errors; estimates without sampling error must agree to 10⁻⁹.
        member fact.Z =
            (fact.Estimate - fact.Exact)
            / sqrt (fact.StandardError ** 2.0 + (1e-9 * (1.0 + abs fact.Exact)) ** 2.0)

    /// More standard errors than this are no chance: one in 16,000 for each fact.
    let limit = 4.0

    /// A system with its questions: what is run, and which numbers of the outcome are known.
    type Case = {
        Name: string
        Experiment: Experiment
        Facts: Outcome -> Fact list
    }

    /// Numbers of the responses: [component][lag] that are known, for every estimator but those left out.
    let private ofResponses system (lags: float list) (exact: Response -> int -> float -> float) (outcome: Outcome) = [
        for r in outcome.Responses do
            for component' in 0 .. r.Components.Length - 1 do
                for lag in lags do
                    let at = Digest.nearest r.Lags lag

                    {
                        System = system
                        Quantity = $"{r.Components[component']} after {Digest.number r.Lags[at]}"
                        Estimator = r.Estimator
                        Exact = exact r component' r.Lags[at]
                        Estimate = r.Values[component'].[at]
                        StandardError = r.StandardError |> Option.map (fun e -> e[component'].[at]) |> Option.defaultValue 0.0
                    }
    ]

    let private fact system quantity estimator exact (estimate, error) = {
        System = system
        Quantity = quantity
        Estimator = estimator
        Exact = exact
        Estimate = estimate
        StandardError = error
    }

    /// The certificates of scores whose error is known.
    let private ofCertificates system (exact: (Estimator * float) list) (outcome: Outcome) = [
        for estimator, value in exact do
            match outcome.Scores |> List.tryFind (fun s -> s.Estimator = estimator.Label) |> Option.bind _.Certificate with
            | Some certificate -> fact system "certificate ‖ŝ − s‖²_D" estimator.Label value certificate
            // a missing one shows as a failure
            | None -> fact system "certificate ‖ŝ − s‖²_D" estimator.Label value (nan, nan)
    ]

    /// Static sensitivities of the observables, for every estimator.
    let private ofSensitivities system (exact: (Field * float) list) (outcome: Outcome) = [
        for d in outcome.Sensitivities do
            for observable, value in exact do
                if d.Observable = string observable then
                    fact system $"d⟨{d.Observable}⟩/d({d.Perturbation})" d.Estimator value (d.Value, d.StandardError + abs d.Discretisation)
    ]

    let private oneLinear () =
        let x = scalar "x"
        let gamma, sigma = 0.8, 0.9
        let deviation = sigma / sqrt (2.0 * gamma)

        {
            Name = "linear, one number"
            Experiment = experiment "verify linear" {
                system (ddt x == -gamma * x)
                noise (perSite sigma)
                step (exponential 0.5)
                sample (members 512 |> spinUp 20.0 |> lasting 8000.0 |> every 0.5)
                perturb (push x)
                observe [ x; square x; cube x; cumulant 3 x; quantile 0.9 x ]
                lags 2.0

                estimate [
                    dynamical (pairs 20000)
                    gaussian
                    exactOf [ -2.0 * gamma / sigma ** 2.0 * x ]
                    libraryOf [ x; cube x ]
                ]
            }
            Facts =
                ofResponses "linear, one number" [ 0.5; 2.0 ] (fun _ i t ->
                    let decay = exp (-gamma * t)

                    match i with
                    | 0
                    | 4 -> decay
                    | 2 -> 3.0 * deviation * deviation * decay
                    | _ -> 0.0)
        }

    let private susceptibility () =
        let x = scalar "x"
        let gamma, sigma = 0.8, 0.9
        let frequencies = [ 0.2; 1.0; 2.0 ]
        let name = "susceptibility"

        {
            Name = name
            Experiment = experiment "verify susceptibility" {
                system (ddt x == -gamma * x)
                noise (perSite sigma)
                step (exponential 0.1)
                sample (members 256 |> spinUp 20.0 |> lasting 2000.0 |> every 0.1)
                perturb (push x |> inTime (periodic frequencies))
                observe [ x ]
                lags 12.0
                estimate [ gaussian; exactOf [ -2.0 * gamma / sigma ** 2.0 * x ] ]
            }
            Facts =
                // χ(ω) = 1/(γ − iω)
                fun outcome -> [
                    for r in outcome.Responses do
                        for i, omega in List.indexed frequencies do
                            let size = gamma * gamma + omega * omega

                            for part, word, exact in [ 0, "Re", gamma / size; 1, "Im", omega / size ] do
                                let error = r.StandardError.Value[part].[i]

                                let spacing =
                                    r.Discretisation |> Option.map (fun d -> abs d[part].[i]) |> Option.defaultValue 0.0

                                fact name $"{word} χ({Digest.number omega})" r.Estimator exact (r.Values[part].[i], error + spacing)
                ]
        }

    let private fromFokkerPlanck name (climate: StochasticSystem) x (line: FokkerPlanckLine) others =
        let mean = ExactLine.mean x x line
        let deviation = sqrt (ExactLine.mean x (square (x - mean)) line)
        let z = (x - mean) / deviation
        let observables = [ for n in 1..4 -> deviation * z ** n ]
        let lags' = [ 0.5; 1.0; 2.0 ]

        let exact =
            observables |> List.map (fun a -> ExactLine.response x a (number 1.0) lags' line)

        {
            Name = name
            Experiment = experiment $"verify {name}" {
                system climate.Equations
                noise climate.Noise
                step (weakSecondOrder 0.02)
                sample (members 1024 |> spinUp 40.0 |> lasting 4000.0 |> every 0.5)
                perturb (push x)
                observe observables
                lags 2.0
                estimate (exactOf climate.Score :: others)
            }
            Facts =
                ofResponses name lags' (fun _ i t ->
                    let at = lags' |> List.findIndex (fun lag -> abs (lag - t) < 1e-9)
                    exact[i][at])
                // a few pairs of runs far out in the tail make these: their scatter among thousands of pairs says too little
                >> List.filter (fun fact -> not (fact.Estimator = "dynamical" && fact.Quantity.Contains ")⁴"))
        }

    let private climateLine strength (x: Field) =
        let climate = ClimateSystems.scalarAdditive x
        climate, ExactLine.ofDrift x climate.Equations.Head.Drift (number (0.5 * (strength * 0.7071) ** 2.0)) (-6.0, 5.0)

    let private scalarClimate () =
        let x = scalar "x"
        let climate, line = climateLine 1.0 x
        let known = climate.Score.Head
        let small = exactOf [ 0.8 * known ] |> named "exact × 0.8"

        let case =
            fromFokkerPlanck "scalar climate" climate x line [
                dynamical (pairs 20000)
                libraryOf [ x; square x; cube x ]
                robust gaussian (polynomials 5)
                robust small (polynomials 5)
            ]

        // those two are what a robust estimate is for: far off themselves, with certificates that say so
        let wrong = [ gaussian; small ]

        let errorOf score =
            ExactLine.mean x (0.5 * 0.7071 ** 2.0 * square (score - known)) line

        let mean = ExactLine.mean x x line
        let variance = ExactLine.mean x (square (x - mean)) line

        {
            case with
                Experiment = {
                    case.Experiment with
                        Estimate = case.Experiment.Estimate @ wrong
                }
                Facts =
                    fun outcome ->
                        let isWrong (r: Response) =
                            wrong |> List.exists (fun e -> e.Label = r.Estimator)

                        case.Facts {
                            outcome with
                                Responses = outcome.Responses |> List.filter (isWrong >> not)
                        }
                        @ ofCertificates
                            "scalar climate"
                            [
                                exactOf climate.Score, 0.0
                                gaussian, errorOf (-(x - mean) / variance)
                                small, errorOf (0.8 * known)
                            ]
                            outcome
        }

    /// A change of F, and of the noise: stationary means from quadrature.
    let private sensitivity isNoise () =
        let x = scalar "x"
        let climate, line = climateLine 1.0 x
        let observables = [ x; square x ]

        let exact observable =
            if isNoise then
                let step = 1e-3

                let at strength =
                    ExactLine.mean x observable (snd (climateLine strength x))

                (at (1.0 + step) - at (1.0 - step)) / (2.0 * step)
            else
                ExactLine.sensitivity x observable (number 1.0) line

        {
            Name = "static sensitivity"
            Experiment = experiment "verify sensitivity" {
                system climate.Equations
                noise climate.Noise
                step (weakSecondOrder 0.02)
                sample (members 1024 |> spinUp 40.0 |> lasting 4000.0 |> every 0.5)

                perturb (
                    if isNoise then
                        perturbNoise
                    else
                        perturbParameter (parameter "F" 0.6)
                )

                observe observables
                lags 20.0

                estimate [
                    exactOf climate.Score
                    robust gaussian (polynomials 5)
                    dynamical (pairs 4096)
                ]
            }
            Facts = ofSensitivities "static sensitivity" [ for observable in observables -> observable, exact observable ]
        }

    let private multiplicative () =
        let x = scalar "x"
        let climate = ClimateSystems.scalarMultiplicative x

        let line =
            ExactLine.ofDrift x climate.Equations.Head.Drift (0.5 * (square (0.3 - 0.2 * x) + 0.25)) (-10.0, 8.0)

        fromFokkerPlanck "multiplicative noise" climate x line [ dynamical (pairs 20000) ]

    let private oscillators () =
        let position, velocity = scalar "q", scalar "p"

        {
            Name = "damped oscillator"
            Experiment = experiment "verify oscillator" {
                system [ ddt position == velocity; ddt velocity == -2.0 * position - 0.5 * velocity ]
                noise (diagonal [ 0.2; 0.7 ])
                step (exponential 0.5)
                sample (members 256 |> spinUp 40.0 |> lasting 4000.0 |> every 0.5)
                perturb (push velocity)
                observe [ position; velocity ]
                lags 3.0

                estimate [
                    propagator
                    gaussian
                    dynamical (pairs 20000)
                    libraryOf [ position; velocity ]
                ]
            }
            Facts =
                ofResponses "damped oscillator" [ 1.0; 3.0 ] (fun _ i t ->
                    // q and p after a unit push of p: e^{−t/4} sin(ωt)/ω and its derivative
                    let rate = 0.25
                    let omega = sqrt (2.0 - rate * rate)

                    if i = 0 then
                        exp (-rate * t) * sin (omega * t) / omega
                    else
                        exp (-rate * t) * (cos (omega * t) - rate / omega * sin (omega * t)))
        }

    let private linearField () =
        let u = field "u" (torus (2.0 * pi) 16)

        {
            Name = "linear field"
            Experiment = experiment "verify field" {
                system (ddt u == -0.5 * u + 0.1 * lap u - 0.4 * dx u)
                noise (white 1.0)
                step (exponential 0.5)
                sample (members 128 |> spinUp 20.0 |> lasting 2000.0 |> every 0.5)
                perturb (kick u (pixel 0 0))
                observe [ u ]
                lags 2.0
                estimate [ propagator; gaussian; dynamical (pairs 4096); libraryOf [ u; cube u ] ]
            }
            Facts =
                fun outcome ->
                    let exact = outcome.Response "propagator"

                    ofResponses "linear field" [ 0.5; 2.0 ] (fun _ i t -> exact.Values[i].[Digest.nearest exact.Lags t]) {
                        outcome with
                            Responses = outcome.Responses |> List.filter (fun r -> r.Estimator <> "propagator")
                    }
                    |> List.filter (fun fact ->
                        fact.Quantity.StartsWith "x+0 "
                        || fact.Quantity.StartsWith "x+1 "
                        || fact.Quantity.StartsWith "x+2 ")
        }

    /// All systems, made when they are asked for.
    let internal cases: (unit -> Case) list = [
        oneLinear
        susceptibility
        oscillators
        scalarClimate
        multiplicative
        sensitivity false
        sensitivity true
        linearField
    ]

    /// The facts of some cases, each run from nothing in a folder that is removed.
    let internal facts (options: Options.Options) (cases: Case list) : Fact list =
        let folder = Directory.CreateTempSubdirectory("leith-verify-").FullName

        let options = {
            options with
                Out = Path.Combine(folder, "out")
                Cache = Some(Path.Combine(folder, "cache"))
        }

        try
            cases
            |> List.collect (fun case -> Runner.prepare options case.Experiment |> Runner.answer options "" [] |> case.Facts)
        finally
            Directory.Delete(folder, true)

    let private cells (fact: Fact) =
        let digits (value: float) =
            value.ToString("F6", Globalization.CultureInfo.InvariantCulture)

        [
            fact.System
            fact.Quantity
            fact.Estimator
            digits fact.Exact
            digits fact.Estimate
            (if fact.StandardError > 1e-12 then
                 digits fact.StandardError
             else
                 "–")
            (fact.Z.ToString("F2", Globalization.CultureInfo.InvariantCulture))
            + (if abs fact.Z > limit then " ✗" else "")
        ]

    /// Runs everything, prints the table, and answers with exit code 1 where an estimate is more than four standard errors off.
    let run () =
        guarded (fun () ->
            let facts = cases |> List.map (fun make -> make ()) |> facts (Options.current ())

            Terminal.rows
                [
                    "system", false
                    "quantity", false
                    "estimator", false
                    "exact", true
                    "estimate", true
                    "standard error", true
                    "z", true
                ]
                (List.map cells facts)

            let off = facts |> List.filter (fun fact -> not (abs fact.Z <= limit))
            let largest = facts |> List.map (fun fact -> abs fact.Z) |> List.max

            Terminal.say $"{facts.Length} numbers, {off.Length} beyond {limit} standard errors, largest |z| {Digest.number largest}"

            Runner.judgeChecks false [
                {
                    Name = "exact answers"
                    Value = largest
                    Limit = limit
                    Passed = off.IsEmpty
                }
            ])
