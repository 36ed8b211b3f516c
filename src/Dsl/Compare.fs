/// Distances between estimates, checks, and the one sentence that says which estimate to believe.
module internal Leith.Compare

open System

/// Every number of an estimator's responses at one lag: all sites of a field, all components otherwise; and their standard errors, zero where there are none.
let private at lag (responses: Response list) =
    let column (curves: float[][]) =
        curves |> Array.map (fun curve -> curve[lag])

    let of' (r: Response) =
        match r.Field with
        | Some field ->
            let none = Array.zeroCreate<float> field[lag].Length
            field[lag], r.FieldStandardError |> Option.map (fun e -> e[lag]) |> Option.defaultValue none
        | None ->
            let none = Array.zeroCreate<float> r.Values.Length
            column r.Values, r.StandardError |> Option.map column |> Option.defaultValue none

    let parts = responses |> List.map of'
    parts |> List.map fst |> Array.concat, parts |> List.map snd |> Array.concat

/// The largest of some numbers, NaN where one of them is: Seq.max forgets a NaN that is not the first.
let private largest (values: float seq) =
    values |> Seq.reduce (fun a b -> Math.Max(a, b))

let private of' estimator (responses: Response list) =
    responses |> List.filter (fun r -> r.Estimator = estimator)

let private norm values =
    sqrt (Array.sumBy (fun v -> v * v) values)

/// ‖R − R_ref‖ lag by lag.
let errors (reference: string) (responses: Response list) (estimator: string) : ErrorCurve =
    let mine, theirs = of' estimator responses, of' reference responses
    let lags = mine.Head.Lags

    let rows =
        lags
        |> Array.mapi (fun lag _ ->
            let values, errors = at lag mine
            let others, otherErrors = at lag theirs
            let differences = Array.map2 (-) values others
            norm differences, differences |> Array.map abs |> largest, norm (Array.append errors otherErrors))

    {
        Estimator = estimator
        Against = reference
        Lags = lags
        L2 = rows |> Array.map (fun (l2, _, _) -> l2)
        LInf = rows |> Array.map (fun (_, linf, _) -> linf)
        L2StandardError = Some(rows |> Array.map (fun (_, _, e) -> e))
    }

/// The estimator the others are measured by: the exact propagator, else twin runs.
let reference (estimators: Estimator list) =
    let first choose = estimators |> List.tryFind choose

    first (fun e -> e.Method = Method.Propagator)
    |> Option.orElse (
        first (fun e ->
            match e.Method with
            | Method.Dynamical _ -> true
            | _ -> false)
    )

/// The outcome of one check: `near` compares relative distances, `within` absolute ones.
let check (responses: Response list) (c: Check) : CheckResult =
    let curve = errors c.Reference.Label responses c.Of.Label

    let size lag =
        norm (fst (at lag (of' c.Reference.Label responses)))

    // Where the reference vanishes, so must the estimate.
    let relative lag distance =
        if distance = 0.0 then 0.0 else distance / size lag

    let value, limit =
        match c.Limit with
        | Limit.Near limit -> curve.L2 |> Array.mapi relative |> largest, limit
        | Limit.Within limit -> largest curve.L2, limit

    {
        Name = c.Text
        Value = value
        Limit = limit
        Passed = value <= limit
    }

/// Largest distance after lag zero, and the size that sampling alone would give it there.
let private worst (curve: ErrorCurve) =
    let i =
        [ 0 .. curve.Lags.Length - 1 ]
        |> List.filter (fun i -> curve.Lags.Length = 1 || curve.Lags[i] > 0.0)
        |> List.maxBy (fun i -> curve.L2[i])

    let expected =
        curve.L2StandardError |> Option.map (fun e -> e[i]) |> Option.defaultValue nan

    curve.L2[i], expected, curve.Lags[i]

let private agrees curve =
    // 3 standard errors everywhere: a false alarm in one lag of many stays rare since neighbouring lags move together.
    Array.zip curve.L2 (curve.L2StandardError |> Option.defaultValue (Array.create curve.L2.Length 0.0))
    |> Array.forall (fun (d, e) -> d <= 3.0 * e + 1e-9)

/// The estimator whose score has the smallest certificate; of two with one score the robust one.
let private certified (experiment: Experiment) (scores: ScoreReport list) =
    experiment.Estimate
    |> List.choose (fun e ->
        scores
        |> List.tryFind (fun s -> s.Estimator = e.Label)
        |> Option.bind _.Certificate
        |> Option.map (fun (value, error) -> e, value, error))
    |> function
        | [] -> None
        | all -> all |> List.minBy (fun (e, value, _) -> value, not e.Method.IsRobust) |> Some

/// One sentence: which estimator to believe, and why.
let verdict (experiment: Experiment) (scores: ScoreReport list) (curves: ErrorCurve list) =
    let n = Digest.number

    match reference experiment.Estimate, curves with
    | None, _ when (certified experiment scores).IsSome ->
        let best, value, error = (certified experiment scores).Value
        let size = $"{n value} ± {Digest.uncertainty error}"

        if value <= 3.0 * error then
            $"Believe {best}: the certificate of its score, the squared error ‖ŝ − s‖²_D, is {size}, zero as far as the record tells."
        else
            $"Believe {best} as far as its bias bound goes: the certificate of its score, the squared error ‖ŝ − s‖²_D, is {size}, the smallest here; add `dynamical` to be sure."
    | None, _ ->
        let method (e: Estimator) = e.Method

        let known =
            experiment.Estimate
            |> List.tryFind (fun e ->
                match method e with
                | Method.Exact _ -> true
                | _ -> false)

        match known with
        | Some score ->
            $"Believe {score.Label} as far as its score is that of the system; nothing here checks it: add `dynamical` or, for a linear system, `propagator`."
        | None ->
            // a library holds the Gaussian score as a special case
            let fitted =
                experiment.Estimate
                |> List.tryFindBack (fun e -> (method e).IsLibrary)
                |> Option.defaultValue experiment.Estimate.Head

            $"Believe {fitted.Label} only as far as its assumption goes, since nothing here checks it: add `dynamical` or, for a linear system, `propagator`."
    | Some truth, [] -> $"Believe {truth.Label}: it is the only estimate, and needs no score."
    | Some truth, _ ->
        let best = curves |> List.minBy (fun c -> let d, _, _ = worst c in d)
        let distance, expected, lag = worst best

        let from =
            match truth.Method with
            | Method.Propagator -> "the exact propagator"
            | _ -> $"{truth.Label} (which needs no score)"

        let off = curves |> List.filter (agrees >> not) |> List.map _.Estimator

        let others =
            match off with
            | [] -> "every estimate agrees with it within three standard errors"
            | names ->
                let list = String.concat ", " names
                $"not {list}, which differ from it by more than three standard errors somewhere"

        let why =
            if distance < 1e-9 then
                $"it equals {from} to rounding at every lag"
            else
                $"it stays within {n distance} of {from} at every lag (Euclidean, largest at {n lag}; sampling alone makes {n expected})"

        if agrees best then
            $"Believe {best.Estimator}: {why}; {others}."
        else
            $"Believe {truth.Label}: the nearest other estimate, {best.Estimator}, is off by {n distance} at lag {n lag}, where sampling alone would make {n expected}; {others}."
