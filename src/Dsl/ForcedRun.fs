/// Responses from pairs of runs under +ε and −ε: for every push and every course in time.
module internal Leith.ForcedRun

open System
open System.Numerics
open Leith.Core
open Leith.Stages

/// The state, by whose displacement ε is chosen where what is observed jumps: no even part tells then whether ε is small.
type Jumping = {
    /// The state, null for itself.
    State: Func<ITileMap> | null
    Rows: int
    Grid: Grid | null
    /// Σ over rows of the squared displacement under ε that is aimed at.
    Aim: float
}

/// Displacement of the state that is aimed at where what is observed jumps, in standard deviations: the bias of a central difference is of the order of its square.
let displacement = 0.15

/// Whether an observable jumps from one value to another as the state passes somewhere.
let rec jumps (f: Field) =
    match f with
    | Field.Apply(Elementary.Step, _) -> true
    | other -> Field.children other |> List.exists jumps

/// One push and what is observed of it.
type Question = {
    Setting: Setting
    Experiment: Experiment
    Model: Model
    Step: Step
    /// Independent members at the most.
    Members: int
    SpinUp: float
    Longest: float
    Every: float
    Seed: uint64
    /// One push: of several unknowns in turn, one of them.
    Push: Perturbation
    /// Rows of the state that a kick or a push moves by one unit.
    Kick: Complex[]
    /// The standard deviation of what is pushed.
    Deviation: float
    /// What is observed, null for the state itself.
    Observable: Func<ITileMap> | null
    Rows: int
    /// The grid of the observable, null for numbers.
    Grid: Grid | null
    /// Rows whose resamples are kept.
    Kept: int[]
    /// Where what is observed jumps.
    Jumping: Jumping option
    Initial: Action<Tile> | null
    /// Texts of what is observed.
    Observed: string
}

/// What was measured, [lag][row]; of a periodic push [frequency][Re row 0; Im row 0; Re row 1; …].
type Measured = {
    Lags: float[]
    Values: float[][]
    StandardError: float[][]
    /// [resample][lag][i], i counting the kept rows; of a periodic push two for each.
    Replicates: float[][][]
    Pairs: float
    Amplitude: float
    EvenPart: float
}

let private resamples = 200

/// Whether the runs of plain kicks and pushes at one instant will do.
let isPlain (experiment: Experiment) =
    match experiment.Perturb, experiment.Forcing with
    | (Perturbation.Kick _ | Perturbation.Push _), Forcing.Impulse -> true
    | _ -> false

/// Each push of an experiment on its own.
let pushes (experiment: Experiment) =
    match experiment.Perturb with
    | Perturbation.Push unknowns -> unknowns |> List.map (fun u -> Perturbation.Push [ u ])
    | other -> [ other ]

let private dependsOnTime (experiment: Experiment) =
    match experiment.Source with
    | Source.Simulated(equations, _, _, _) -> equations |> List.exists (fun e -> Field.dependsOnTime e.Drift)
    | Source.Recorded _ -> false

let private canonical (push: Perturbation) =
    match push with
    | Perturbation.Along parts ->
        parts
        |> List.map (fun (u, g) -> $"{Field.canonical u} along {Field.canonical g}")
        |> String.concat "\n"
    | other -> other.Text

/// Weights that read Re χ and Im χ off a curve at the lags from `first` on: least squares of Re χ cos ωt + Im χ sin ωt.
let demodulation (frequency: float) (every: float) (first: int) (count: int) : float[] * float[] =
    let wave f =
        Array.init count (fun i -> if i < first then 0.0 else f (frequency * float i * every))

    let c, s = wave cos, wave sin
    let dot = Array.fold2 (fun sum a b -> sum + a * b) 0.0
    let cc, cs, ss = dot c c, dot c s, dot s s
    let determinant = cc * ss - cs * cs

    if determinant > 1e-9 * cc * cc then
        Array.map2 (fun c s -> (ss * c - cs * s) / determinant) c s, Array.map2 (fun c s -> (cc * s - cs * c) / determinant) c s
    else
        // at frequency zero
        c |> Array.map (fun c -> c / cc), Array.zeroCreate count

/// The pair's models and times for one frequency, 0 where the push is not periodic; a question for each number of members and ε.
let question keepEven q frequency (course: ForcingInTime) longest : ForcedModels.Pair * (int -> float -> ForcedQuestion) =
    let pair =
        ForcedModels.make q.Experiment q.Model q.Push q.Kick q.Deviation course frequency

    pair,
    fun members epsilon ->
        let plus, minus = pair.Forced epsilon

        ForcedQuestion(
            pair.Free,
            plus,
            minus,
            q.Step.Scheme,
            q.Step.Size,
            members,
            q.SpinUp,
            longest,
            q.Every,
            epsilon,
            q.Seed,
            Displacement = pair.Displacement,
            Observable = q.Observable,
            ObservableRows = q.Rows,
            Grid = q.Grid,
            Initial = q.Initial,
            KeepEven = keepEven
        )

/// Second-order part that is aimed at, path by path, over the first-order part.
let private aim = 0.02

/// ε by how far a short run at a small one moves the state.
let private amplitudeOfJumps q (pair: ForcedModels.Pair) (ask: float -> ForcedQuestion) (jumping: Jumping) =
    use twins = new ForcedTwins(ask pair.Smallest)
    twins.Advance(1, q.Setting.Threads, null, q.Setting.Cancellation)
    let moved = Array.max twins.OddSize
    pair.Smallest * sqrt jumping.Aim / max moved Double.Epsilon |> min pair.Largest

/// ε by the even part of a short run: as large as stays in the linear range, so that no digits are lost, and no larger than makes sense.
let private amplitudeOfEvenPart setting (pair: ForcedModels.Pair) (ask: float -> ForcedQuestion) =
    let even epsilon =
        try
            use twins = new ForcedTwins(ask epsilon)
            twins.Advance(1, setting.Threads, null, setting.Cancellation)
            Array.max twins.EvenPart
        with :? LeithException when epsilon > pair.Smallest ->
            // a push so large that the run ended
            100.0 * aim

    let bounded epsilon =
        epsilon |> max (0.01 * pair.Smallest) |> min pair.Largest

    let step epsilon =
        let factor = aim / max (even epsilon) 1e-12
        factor, bounded (epsilon * (factor |> max 0.01 |> min 1000.0))

    let _, first = step pair.Smallest

    match step first with
    | factor, second when factor < 0.5 -> second
    | _ -> first

/// ε of a question, by a short run of some members.
let amplitude q frequency course longest members =
    match q.Jumping with
    | Some jumping ->
        let pair, ask =
            question
                false
                {
                    q with
                        Observable = jumping.State
                        Rows = jumping.Rows
                        Grid = jumping.Grid
                }
                frequency
                course
                longest

        amplitudeOfJumps q pair (ask members) jumping
    | None ->
        let pair, ask = question false q frequency course longest
        amplitudeOfEvenPart q.Setting pair (ask members)

let sixteens count =
    Tile.Members * ((count + Tile.Members - 1) / Tile.Members)

let private norm (row: float[]) =
    sqrt (row |> Array.sumBy (fun e -> e * e))

/// Runs until the effort is made; `read` makes the estimate, without resamples where it is asked so.
let private advance setting members effort (twins: ForcedTwins) (read: int -> ForcedEstimate) (progress: IProgress<float * string>) =
    match effort with
    | Effort.Pairs pairs -> twins.Advance((pairs + members - 1) / members, setting.Threads, fraction progress, setting.Cancellation)
    | Effort.StandardError(wanted, (None | Some DynamicalKind.Twins)) ->
        let mutable missing = 1

        while missing > 0 do
            twins.Advance(missing, setting.Threads, null, setting.Cancellation)
            let error = (read 0).StandardError |> Array.map norm |> Array.max

            let units =
                int (min 1e6 (Math.Ceiling(float twins.Units * (error / wanted) ** 2.0)))

            progress.Report(min 1.0 (float twins.Units / float units), $"standard error {Digest.number error}")

            missing <-
                if error <= wanted then
                    0
                else
                    max 1 (min (2 * twins.Units) (units - twins.Units))
    | Effort.StandardError(_, Some kind) ->
        raise (
            LeithException
                $"dynamical: expected twin runs for a push that is no kick at one instant, got {kind}; leave `by` out, or write by twinRuns."
        )

    read resamples

/// Rows Re 0, Im 0, Re 1, … of two projections.
let private interleaved (pair: float[][]) =
    Array.collect (fun (re, im) -> [| re; im |]) (Array.zip pair[0] pair[1])

let private measure q effort frequency (progress: IProgress<float * string>) : Measured =
    let periodic = q.Experiment.Forcing.IsPeriodic

    // a periodic push is read after a transient as long as the lags, over as long a time or one period
    let more =
        if not periodic then
            0.0
        else
            let period = if frequency > 0.0 then 2.0 * Math.PI / frequency else 0.0
            q.Every * Math.Ceiling((max q.Longest period) / q.Every - 1e-9)

    let longest = q.Longest + more

    let course =
        ForcingCourse.ofFrequency frequency q.Every longest q.Experiment.Forcing

    let _, ask = question false q frequency course longest

    let members =
        sixteens (
            match effort with
            | Effort.Pairs pairs -> min pairs q.Members
            | _ -> q.Members
        )

    let epsilon = amplitude q frequency course longest (min members 64)
    use twins = new ForcedTwins(ask members epsilon)
    let first = int (Math.Round(q.Longest / q.Every))
    let count = int (Math.Round(longest / q.Every)) + 1

    let projection: float[][] | null =
        if periodic then
            let re, im = demodulation frequency q.Every first count
            [| re; im |]
        else
            null

    let read samples =
        twins.Estimate(q.Kept, samples, q.Seed, projection, false)

    let e = advance q.Setting members effort twins read progress

    let shaped (rows: float[][]) =
        if periodic then [| interleaved rows |] else rows

    {
        Lags =
            (if periodic then
                 [| frequency |]
             else
                 Array.init count (fun i -> float i * q.Every))
        Values = shaped e.Values
        StandardError = shaped e.StandardError
        Replicates = e.Replicates |> Array.map shaped
        Pairs = float twins.Pairs
        Amplitude = epsilon
        EvenPart = Array.max twins.EvenPart
    }

let private toArrays (m: Measured) =
    let arrays = Arrays()
    arrays["lags"] <- m.Lags
    arrays["values"] <- Array.concat m.Values
    arrays["errors"] <- Array.concat m.StandardError
    arrays["replicates"] <- m.Replicates |> Array.map Array.concat |> Array.concat
    arrays["facts"] <- [| m.Pairs; m.Amplitude; m.EvenPart |]
    arrays

let private ofArrays (arrays: Arrays) : Measured =
    let lags = arrays["lags"]

    let cut name =
        arrays[name] |> Array.splitInto lags.Length

    let facts = arrays["facts"]

    {
        Lags = lags
        Values = cut "values"
        StandardError = cut "errors"
        Replicates = arrays["replicates"] |> Array.splitInto resamples |> Array.map (Array.splitInto lags.Length)
        Pairs = facts[0]
        Amplitude = facts[1]
        EvenPart = facts[2]
    }

let private stage q effort frequency : Measured =
    let forcing = q.Experiment.Forcing

    let course = ForcingCourse.ofFrequency frequency q.Every q.Longest forcing

    // the course itself stands in the key, that of a file, too
    let sampled =
        Seq.init (4 * int (Math.Round(q.Longest / q.Every)) + 1) (fun i -> Typography.exactly (course.Value.Invoke(0.25 * float i * q.Every)))
        |> String.concat " "

    let key =
        $"forced runs {describe q.Experiment}\n{canonical q.Push}\n{forcing.Text} {Typography.exactly frequency}\n{sampled}\n{q.Observed}\n{q.Members} {effort} {Typography.exactly q.Longest} {q.Seed}"

    let name =
        if forcing.IsPeriodic then
            $"pairs of runs, {q.Push}, ω = {Digest.number frequency}"
        else
            $"pairs of runs, {q.Push}, {forcing}"

    cached q.Setting key (fun () ->
        Terminal.stage name (fun progress ->
            let measured = measure q effort frequency progress
            stopIfCancelled q.Setting
            progress.Report(1.0, $"{Digest.number measured.Pairs} pairs")
            toArrays measured))
    |> ofArrays

/// Runs, or finds in the cache, what a push does.
let run (q: Question) effort : Measured =
    if dependsOnTime q.Experiment && not q.Experiment.Forcing.IsImpulse then
        raise (
            LeithException
                "dynamical: expected a drift that does not depend on the time t under a forcing that does, got one that does; leave one of them out."
        )

    match q.Experiment.Forcing with
    | Forcing.Periodic frequencies ->
        for w in frequencies do
            if w * q.Every > 0.99 * Math.PI then
                raise (
                    LeithException
                        $"dynamical: expected angular frequencies below π/{Digest.number q.Every} = {Digest.number (Math.PI / q.Every)}, got {Digest.number w}; sample more often, or ask for lower frequencies."
                )

        let each = frequencies |> List.map (stage q effort)

        {
            Lags = Array.ofList frequencies
            Values = each |> List.map (fun m -> m.Values[0]) |> Array.ofList
            StandardError = each |> List.map (fun m -> m.StandardError[0]) |> Array.ofList
            Replicates = Array.init resamples (fun r -> each |> List.map (fun m -> m.Replicates[r].[0]) |> Array.ofList)
            Pairs = each |> List.sumBy _.Pairs
            Amplitude = each |> List.map _.Amplitude |> List.max
            EvenPart = each |> List.map _.EvenPart |> List.max
        }
    | _ -> stage q effort 0.0

/// What `Lags` of a response counts.
let axis (experiment: Experiment) =
    match experiment.Forcing with
    | Forcing.Impulse -> "lag"
    | Forcing.Periodic _ -> "frequency"
    | _ -> "time"

/// What the reader should know.
let notes (experiment: Experiment) (m: Measured) =
    let verdict =
        if experiment.Observe |> List.exists jumps then
            $"what is observed jumps, which no push is small to; ε moves the state by {displacement} standard deviations, and the bias is of the order of their square"
        elif m.EvenPart < 0.1 then
            "the push is in the linear range"
        else
            "the push is large; the response is not linear in it everywhere"

    let how =
        match experiment.Forcing with
        | Forcing.Impulse -> "the state displaced"
        | Forcing.Periodic _ -> "both driven by cos ωt and read after a transient as long as the lags"
        | forcing -> $"both forced {forcing}"

    [
        $"{Digest.number m.Pairs} pairs with the same noise under ±ε, ε = {Digest.number m.Amplitude}, {how}"
        if experiment.Observe |> List.exists jumps then
            verdict
        else
            $"even part over odd part at most {Digest.number m.EvenPart}: {verdict}"
    ]

/// A response of some rows. That to a periodic push has Re χ at all frequencies and then Im χ at all of them, until `ForcedResponses.apply` makes two curves of each.
let response
    (experiment: Experiment)
    (estimator: Estimator)
    (push: Perturbation)
    (observable: string)
    (names: string[])
    (kept: int[])
    (m: Measured)
    : Response =
    let curve row (table: float[][]) =
        if experiment.Forcing.IsPeriodic then
            Array.append (table |> Array.map (fun w -> w[2 * row])) (table |> Array.map (fun w -> w[2 * row + 1]))
        else
            table |> Array.map (fun lag -> lag[row])

    let pick table =
        kept |> Array.map (fun row -> curve row table)

    let lags =
        if experiment.Forcing.IsPeriodic then
            Array.append m.Lags m.Lags
        else
            m.Lags

    {
        ResponseBands.curvesOf estimator.Label observable push.Text lags names (pick m.Values) (Some(pick m.StandardError)) (notes experiment m) with
            Axis = axis experiment
            Replicates = Some(kept |> Array.mapi (fun i _ -> m.Replicates |> Array.map (curve i)))
    }
