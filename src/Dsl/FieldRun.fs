/// Responses of a field on a torus.
module internal Leith.FieldRun

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.FieldRecord
open Leith.FieldFunctionals

let private bootstrap c =
    SpectralResponse.Bootstrap(c.Seed, c.Setting.Threads, (if c.Setting.Sketch then 50 else 200))

let private components (grid: Grid) = [| for x in 0 .. grid.Points[0] - 1 -> $"x+{x}" |]

/// Offsets from the kick along the first axis.
let private along (grid: Grid) (field: float[]) =
    Array.init grid.Points[0] (fun x ->
        let index = Array.zeroCreate grid.Dimensions
        index[0] <- x
        field[grid.Ravel(ReadOnlySpan index)])

let private response c (estimator: Estimator) (asked: Functional) lags (values: float[][]) (errors: float[][] option) notes : Response =
    let isField = asked.Weight.IsNone

    let curves (rows: float[][]) =
        byComponent (if isField then Array.map (along c.Grid) rows else rows)

    let names =
        if isField then
            components c.Grid
        else
            [| string asked.Asked |]

    {
        ResponseBands.curvesOf
            estimator.Label
            (string asked.Asked)
            c.Experiment.Perturb.Text
            lags
            names
            (curves values)
            (errors |> Option.map curves)
            notes with
            Field = (if isField then Some values else None)
            FieldStandardError = (if isField then errors else None)
            Shape = (if isField then Array.ofSeq c.Grid.Points else [||])
    }

/// The same of an estimate with its resamples.
let private estimated c estimator asked (r: FieldResponse) notes =
    response c estimator asked r.Lags r.Values (Some r.StandardError) notes |> ResponseBands.ofField r

/// How the standard errors of what is asked for are found.
let private bootstrapOf c asked = (bootstrap c).To(outputs c.Grid asked)

let private lags c =
    Array.init (c.Longest + 1) (fun i -> float i * c.Plan.Every)

let private propagator c estimator asked =
    let spectra = lags c |> Array.map (fun t -> LinearLaw.PropagatorSymbol(c.Model, t))

    let values =
        match outputs c.Grid asked with
        | null -> SpectralResponse.ToSites(c.Grid, spectra)
        | outputs -> outputs.Invoke spectra

    response c estimator asked (lags c) values None [ "exact, mode by mode" ]

/// A unit kick of a pixel, in rows of the state: every Fourier mode is e^{−ik·x}. Homogeneous systems are kicked at the origin; the others at the site itself.
let private pixelKick c (site: int list) =
    let segment = pushedSegment c
    let kick = Array.create c.Model.Rows Complex.Zero

    if segment.Representation = Representation.Modes then
        let k = c.Grid.Wavevectors()

        let x =
            site |> List.mapi (fun axis i -> float i * c.Grid.Lengths[axis] / float c.Grid.Points[axis])

        for mode in 0 .. segment.Rows - 1 do
            let phase = x |> List.mapi (fun axis x -> -x * k[mode][axis]) |> List.sum
            kick[segment.First + mode] <- Complex.FromPolarCoordinates(1.0, phase)
    else
        kick[segment.First + c.Grid.Ravel(ReadOnlySpan(Array.ofList site))] <- Complex.One

    kick

/// Sites counted from the kicked one.
let private fromKick c (site: int list) (values: float[]) =
    Array.init c.Grid.Sites (fun offset ->
        let index = c.Grid.Unravel offset
        values[c.Grid.Ravel(ReadOnlySpan(Array.map2 (+) index (Array.ofList site)))])

let private dependsOn test c =
    match c.Experiment.Source with
    | Source.Simulated(equations, noise, _, _) ->
        let noises =
            match noise with
            | Noise.Expressions(_, parts) -> List.map snd parts
            | _ -> []

        (equations |> List.map _.Drift) @ noises |> List.exists test
    | Source.Recorded _ -> false

/// What a score of the kicked field alone leaves out.
let private unseen c =
    match c.Experiment.Source with
    | Source.Simulated(equations, _, _, _) when equations.Length > 1 ->
        let others =
            equations
            |> List.map (_.Unknown >> string)
            |> List.filter ((<>) (string c.Unknown))
            |> String.concat " and "

        [
            $"from the values of {c.Unknown} alone: where {others} is correlated with it at one time, this is not the response, not even of a linear system"
        ]
    | _ -> []

let private twins c estimator (asked: Functional) effort (deviation: float) =
    let observable = asked.Asked
    let size = 0.1 * deviation

    let site =
        match c.Experiment.Perturb with
        | Perturbation.Kick(_, site) when dependsOn Field.dependsOnPlace c -> site
        | _ -> List.replicate c.Grid.Dimensions 0

    let equations, noise =
        match c.Experiment.Source with
        | Source.Simulated(equations, noise, _, _) -> equations, noise
        | Source.Recorded _ -> [], Noise.PerSite 0.0

    // Twins of a stationary system start where the record does, from other noise on.
    let stationary = not (dependsOn Field.dependsOnTime c)

    let spinUp =
        match c.Experiment.Source with
        | Source.Simulated(_, _, _, sampling) -> sampling.SpinUp
        | Source.Recorded _ -> 0.0

    let estimate =
        Twins.run c.Setting $"{estimator}, {observable}" $"{describe c.Experiment}\n{Field.canonical observable}" (min 64 c.Plan.Members) effort {
            Model = c.Model
            Step = c.Step
            SpinUp = (if stationary then 0.0 else spinUp)
            Longest = float c.Longest * c.Plan.Every
            Every = c.Plan.Every
            Grid = c.Grid
            Pushed = pushedSegment c
            PushedField = map c c.Unknown
            Rows = c.Grid.Sites
            Kick = pixelKick c site
            Size = size
            Seed = Draw.Bits(c.Seed, Draw.Twins, 0L, 0L)
            Observable = map c observable
            TransposedTangent = Lower.transposedTangent c.Step equations noise
            Initial =
                (if stationary then
                     InitialState.Copies(List.toArray c.Start.Value)
                 else
                     initialOf c.Model c.Experiment)
            Stationary = stationary
        }

    let moved = Array.map (fromKick c site)

    response c estimator asked (lags c) (moved estimate.Values) (Some(moved estimate.StandardError)) (Twins.notes (Some size) [ estimate ])
    |> if List.forall ((=) 0) site then
           ResponseBands.ofCurves estimate.Replicates estimate.Independent
       else
           id

/// Where a push is counted from: the kicked site, the origin where there is none.
let private origin c =
    match c.Experiment.Perturb with
    | Perturbation.Kick(_, site) -> site
    | _ -> List.replicate c.Grid.Dimensions 0

/// One push and what is observed of it, a field or a number; the resamples kept are those of the sites along the first axis, from the kicked one on.
let private questionOf c (observable: Field) isNumber (deviation: float) : ForcedRun.Question =
    let site = origin c

    {
        Setting = c.Setting
        Experiment = c.Experiment
        Model = c.Model
        Step = c.Step
        Members = min 64 c.Plan.Members
        SpinUp = 0.0
        Longest = float c.Longest * c.Plan.Every
        Every = c.Plan.Every
        Seed = Draw.Bits(c.Seed, Draw.Twins, 3L, 0L)
        Push = c.Experiment.Perturb
        Kick = pixelKick c site
        Deviation = deviation
        Observable =
            (if isNumber then
                 numbers c [ observable ]
             else
                 map c observable)
        Rows = (if isNumber then 1 else c.Grid.Sites)
        Grid = (if isNumber then null else c.Grid)
        Kept =
            (if isNumber then
                 [| 0 |]
             else
                 along c.Grid (fromKick c site (Array.init c.Grid.Sites float)) |> Array.map int)
        Jumping =
            (if ForcedRun.jumps observable then
                 let sites =
                     if c.Experiment.Perturb.IsKick then
                         1.0
                     else
                         float c.Grid.Sites

                 Some {
                     State = map c c.Unknown
                     Rows = c.Grid.Sites
                     Grid = c.Grid
                     Aim = sites * (ForcedRun.displacement * deviation) ** 2.0
                 }
             else
                 None)
        Initial = InitialState.Copies(List.toArray c.Start.Value)
        Observed = Field.canonical observable
    }

/// One push and the field or the number that is observed of it.
let forcedQuestion c observable deviation =
    questionOf c observable (Field.place observable).IsNone deviation

/// Pairs of runs of any other push, and of any push that goes on in time.
let private forced c (estimator: Estimator) (asked: Functional) effort (deviation: float) : Response =
    let observable, isNumber = asked.Asked, asked.Weight.IsSome
    let q = questionOf c observable isNumber deviation
    let m = ForcedRun.run q effort
    let moved = Array.map (fromKick c (origin c))

    let names =
        if isNumber then
            [| string observable |]
        else
            components c.Grid

    let r =
        ForcedRun.response c.Experiment estimator q.Push (string observable) names q.Kept m

    if c.Experiment.Forcing.IsPeriodic || isNumber then
        r
    else
        {
            r with
                Field = Some(moved m.Values)
                FieldStandardError = Some(moved m.StandardError)
                Shape = Array.ofSeq c.Grid.Points
        }

/// Residuals of −⟨u ŝ⟩ at lag zero against what a perfect score has there, lag zero being where the answer is known.
let private steinRows (grid: Grid) (expected: float[]) (values: float[]) (errors: float[]) = [
    for name, index in
        [
            "u(x) ŝ(x)", [| 0; 0; 0 |]
            "u(x+1) ŝ(x)", [| 1; 0; 0 |]
            "u(x−1) ŝ(x)", [| -1; 0; 0 |]
        ] do
        let site = grid.Ravel(ReadOnlySpan(Array.truncate grid.Dimensions index))
        steinRow $"{name} + {Digest.number expected[site]}" (expected[site] - values[site]) errors[site]
]

/// A unit kick, of the modes that the system has: what −⟨u s⟩ is for the score of the law itself.
let private unitKick c =
    match keptModes c with
    | null -> Array.init c.Grid.Sites (fun site -> if site = 0 then 1.0 else 0.0)
    | kept ->
        let spectrum =
            kept |> Array.map (fun keep -> if keep then Complex.One else Complex.Zero)

        SpectralResponse.ToSites(c.Grid, [| spectrum |])[0]

/// A response with a bound on its bias, where the certificate of its score gives one.
let private boundedBy c shared trust (asked: Functional) power form (r: Response) : Response =
    match FieldTrust.biasBound c shared trust asked.Observable (filter c.Grid asked) power form with
    | Some(bound, note) -> {
        r with
            BiasBound = Some(Array.replicate r.Components.Length bound)
            Notes = r.Notes @ [ note ]
      }
    | None -> r

let private bounding c (shared: LibraryRun.Shared) trust (asked: Functional) (r: Response) =
    if List.contains asked.Observable shared.Fields then
        let power = shared.Sums.Power(LibraryRun.indexOf shared asked.Observable)
        boundedBy c shared trust asked (fun _ -> power) "the observable" r
    else
        r

let private trusting (trust: FieldTrust.Assessment option) (report: ScoreReport) =
    match trust with
    | Some found -> FieldTrust.report found report
    | None -> report

let private learnedResponse c estimator (asked: Functional) network products fields deviation shared =
    let found =
        FieldLearned.estimate c (bootstrapOf c asked) estimator asked.Observable network products fields deviation shared None

    let expected = found.Expected |> Option.defaultWith (fun () -> unitKick c)

    let bounded =
        match shared, found.Trust with
        | Some shared, Some trust -> bounding c shared trust asked
        | _ -> id

    bounded (estimated c estimator asked found.Response (found.Notes @ unseen c)),
    {
        (scoreReport
            estimator
            (Some found.Score.Sigma)
            (steinRows c.Grid expected found.Identity.Values.[0] found.Identity.StandardError.[0])
            (trainingHistory found.Score)
         |> trusting found.Trust) with
            TrainingSeconds = trainingSeconds found.Score.History
            RelativeError = found.RelativeError
    }

let private publishedResponse c estimator (asked: Functional) (network: Network) (products: Dictionary<_, SpectralLagProducts>) fields =
    let self = products[(c.Unknown, "the state")]

    let score, remainders =
        FieldPublished.products c estimator network self fields (List.distinct [ c.Unknown; asked.Observable ])

    let own, remainder = remainders.Head, List.last remainders
    let power = SpectralResponse.Power self
    let noise = float c.Grid.Sites * score.Sigma * score.Sigma
    let smoothed = power |> Array.map (fun p -> p + noise)

    let smoothedKick =
        SpectralResponse.ToSites(c.Grid, [| Array.map2 (fun p s -> Complex(p / s, 0.0)) power smoothed |])[0]

    let r, identity =
        Terminal.stage $"resample {estimator}" (fun _ ->
            SpectralResponse.Controlled(products[(asked.Observable, "the state")], self, remainder, own, c.Plan.Every, bootstrapOf c asked),
            SpectralResponse.AtLagZero(self, own, smoothed, bootstrap c))

    let notes = [
        yield! FieldPublished.notes c network score
        $"response with a linear forecast as control variate, network at {Digest.number remainder.Fields} base fields"
        $"score at noise level σ = {Digest.number score.Sigma}"
        yield! unseen c
    ]

    estimated c estimator asked r notes,
    {
        scoreReport
            estimator
            (Some score.Sigma)
            (steinRows c.Grid smoothedKick identity.Values.[0] identity.StandardError.[0])
            (FieldPublished.history score) with
            TrainingSeconds = trainingSeconds score.History
    }

/// One member at the end of its spin-up.
let private snapshots c =
    let plan = SamplingPlan(1, 0.0, c.Plan.Every, c.Plan.Every)
    let saver = Saver<float>(c.Model, plan)
    let segment = pushedSegment c
    c.Simulation.Value.Run(plan, (fun tile -> saver.Open tile), 1, null, c.Setting.Cancellation)

    [
        {
            Title = $"{c.Unknown} of one member"
            Shape = Array.ofSeq c.Grid.Points
            Values = saver.State(0L, 0).Slice(segment.First, segment.Rows).ToArray()
        }
    ]

/// Responses; where `isKick` made of the response to one kick, else from the conjugate of the push.
let private answers setting (experiment: Experiment) isKick (functionals: Functional list) equations step sampling =
    let experiment = {
        experiment with
            Observe = functionals |> List.map _.Observable |> List.distinct
    }

    let c = context setting experiment equations step sampling

    let conjugates = [
        yield "the state", (fun () -> map c c.Unknown)
        for estimator in experiment.Estimate do
            match estimator.Method with
            | Method.Exact [ score ] -> yield "score " + Field.canonical score, (fun () -> map c score)
            | _ -> ()
    ]

    let learns =
        Experiment.scored experiment
        |> List.exists (fun e ->
            match e.Method with
            | _ when e.Generation.IsSome -> true
            | Method.Learned network when FieldPublished.isPublished e -> FieldPublished.wantsFields c network
            | Method.Learned network -> FieldLearned.wantsFields c network
            | _ -> false)

    // The state itself is always correlated: it gives the scale, the base of learned scores and the control variate.
    let observed =
        if List.contains c.Unknown experiment.Observe then
            experiment.Observe
        else
            c.Unknown :: experiment.Observe

    let libraries = LibraryRun.prepare c

    let products, onePoint, fields =
        record
            {
                c with
                    Experiment = { experiment with Observe = observed }
            }
            conjugates
            learns
            (libraries |> Option.map fst |> Option.defaultValue [])

    let shared = libraries |> Option.map (fun (_, finish) -> finish ())

    let power = SpectralResponse.Power products[(c.Unknown, "the state")]
    let deviation = sqrt (Array.sum power) / float c.Grid.Sites

    let assessed = Dictionary<string, FieldTrust.Assessment option>()

    // one assessment a score, whatever is observed
    let assess (estimator: Estimator) =
        match assessed.TryGetValue estimator.Label with
        | true, found -> found
        | _ ->
            let found =
                shared
                |> Option.map (fun shared ->
                    FieldTrust.assess c (bootstrap c) shared shared.Sums estimator (fst (FieldRobust.form c shared estimator)))

            assessed[estimator.Label] <- found
            found

    let bounded asked trust =
        match shared, trust with
        | Some shared, Some trust -> bounding c shared trust asked
        | _ -> id

    let pushed =
        lazy
            (let scored =
                experiment.Estimate |> List.filter (fun e -> not (e.Method.IsDynamical || e.Method.IsPropagator))

             FieldScalars.run c shared products fields deviation scored functionals)

    let ofPush (estimator: Estimator) (asked: Functional) =
        let found = pushed.Value[(estimator.Label, asked.Asked)]

        let r =
            estimated
                c
                estimator
                (if found.IsField then
                     asked
                 else
                     { asked with Weight = Some [||] })
                found.Response
                (found.Notes @ unseen c)

        let trust =
            match estimator.Method with
            | Method.Learned _ -> None
            | _ -> assess estimator

        r, [ trusting trust (scoreReport estimator None [] []) ]

    let estimate (estimator: Estimator) (asked: Functional) =
        let observable = asked.Observable
        let bootstrap' = bootstrapOf c asked
        let plain = products[(observable, "the state")]

        let unneeded =
            if estimator.Corrected then
                [ "not corrected: R(0) = I holds already" ]
            else
                []

        match estimator.Method with
        | Method.Propagator -> propagator c estimator asked, []
        | Method.Dynamical effort when asked.Weight.IsSome || not (ForcedRun.isPlain c.Experiment) -> forced c estimator asked effort deviation, []
        | Method.Dynamical effort -> twins c estimator asked effort deviation, []
        | _ when not isKick -> ofPush estimator asked
        | Method.Gaussian ->
            let r =
                Terminal.stage "resample Gaussian" (fun _ ->
                    SpectralResponse.Gaussian(plain, products[(c.Unknown, "the state")], c.Plan.Every, bootstrap'))

            let trust = assess estimator

            bounded asked trust (estimated c estimator asked r ($"{Digest.number plain.Fields} base fields" :: unneeded @ unseen c)),
            [ trusting trust (scoreReport estimator None [] []) ]
        | Method.Exact score ->
            let name = "score " + Field.canonical score.Head
            let p, own = products[(observable, name)], products[(c.Unknown, name)]
            let trust = assess estimator

            let divide, correction =
                FieldTrust.correction shared estimator (fun shared -> fst (FieldRobust.form c shared estimator))

            let plain, r =
                Terminal.stage $"resample {estimator}" (fun _ ->
                    let plain = SpectralResponse.FromScore(own, c.Plan.Every, bootstrap c)

                    plain,
                    if divide then
                        RobustFieldResponse.Corrected(p, own, c.Plan.Every, bootstrap')
                    elif asked.IsPlain && observable = c.Unknown then
                        plain
                    else
                        SpectralResponse.FromScore(p, c.Plan.Every, bootstrap'))

            bounded asked trust (estimated c estimator asked r ($"{Digest.number p.Fields} base fields" :: correction)),
            [
                scoreReport estimator None (steinRows c.Grid (unitKick c) plain.Values.[0] plain.StandardError.[0]) []
                |> trusting trust
            ]
        | Method.Learned network when FieldPublished.isPublished estimator ->
            let r, report = publishedResponse c estimator asked network products fields

            r, [ report ]
        | Method.Learned network ->
            let r, report =
                learnedResponse c estimator asked network products fields deviation shared

            r, [ report ]
        | Method.Library library ->
            let found =
                LibraryRun.estimate c bootstrap' (Option.get shared) estimator library observable

            let trust = assess estimator

            bounded asked trust (estimated c estimator asked found.Response (found.Notes @ unneeded)),
            [
                {
                    (scoreReport estimator None (steinRows c.Grid (unitKick c) found.Identity.Values.[0] found.Identity.StandardError.[0]) []
                     |> trusting trust) with
                        Equation = found.Equation
                        Coefficients = found.Coefficients
                        Kernels = found.Kernels
                        RelativeError = found.RelativeError
                }
            ]
        | Method.Robust(score, regression) ->
            let found =
                FieldRobust.estimate c bootstrap' estimator score regression observable (Option.get shared) products fields deviation

            let r =
                estimated c estimator asked found.Response (found.Notes @ unneeded @ unseen c)

            let expected = found.Expected |> Option.defaultWith (fun () -> unitKick c)

            (match found.Trust with
             | Some trust -> boundedBy c (Option.get shared) trust asked found.Left "what the regression leaves of the observable" r
             | None -> r),
            [
                scoreReport estimator found.Sigma (steinRows c.Grid expected found.Identity.Values.[0] found.Identity.StandardError.[0]) []
                |> trusting found.Trust
            ]
        | Method.Clustered _ -> raise (LeithException $"{estimator}: not for fields.")

    let estimates = [
        for estimator in experiment.Estimate do
            for asked in functionals -> estimate estimator asked
    ]

    let statistics =
        StationaryLaw.ofField (string c.Unknown) c.Plan.Every onePoint products[(c.Unknown, "the state")]

    let short = memoryNotes c products[(c.Unknown, "the state")]

    let noted (r: Response) =
        let fromRecord (e: Estimator) =
            match e.Method with
            | Method.Dynamical _
            | Method.Propagator -> false
            | _ -> e.Label = r.Estimator

        if List.exists fromRecord experiment.Estimate then
            { r with Notes = r.Notes @ short }
        else
            r

    {
        nothing with
            Statistics = [ statistics ]
            Responses = estimates |> List.map (fst >> noted)
            Scores = estimates |> List.collect snd |> List.distinctBy _.Estimator
            Generated = FieldGenerate.run c products[(c.Unknown, "the state")] fields deviation shared
            Snapshots = snapshots c
            Notes = [
                StationaryLaw.summary statistics
                "fields seen", $"{Digest.number (float c.Plan.Samples * float c.Plan.Members)} ({c.Plan.Members} members × {c.Plan.Samples} samples)"
            ]
    }

let run setting (experiment: Experiment) equations step sampling =
    FieldPublished.check experiment
    let u = pushedField equations experiment.Perturb
    let grid = Option.get (Lower.gridOf u)

    let functionals =
        experiment.Observe |> List.map (functional grid experiment.Perturb)

    if functionals |> List.forall Option.isSome then
        answers setting experiment true (functionals |> List.map Option.get) equations step sampling
    else
        match experiment.Estimate |> List.tryFind _.Method.IsPropagator with
        | Some estimator ->
            raise (
                LeithException $"'{estimator}' expected a kick or a pattern, and means of products, got another push or observable; take dynamical."
            )
        | None -> answers setting experiment false (experiment.Observe |> List.map (direct u)) equations step sampling
