/// Answers of estimators from the sums of their conjugate observables, whether these come from a simulation or from a recording.
module internal Leith.VectorAnswers

open System
open Leith.Core
open Leith.Stages
open Leith.VectorConjugate

/// Whether the score is multiplied by −⟨x ŝᵀ⟩⁻¹, and why.
let private correction (s: Sums) (tables: WeightedTables) =
    let asked = (fst (standsOn s.Ask.Estimator)).Corrected

    match asked, s.Plan.Score.Rule with
    | false, _ -> s.Plan, []
    | true, WeightRule.SteinCorrection ->
        let struct (plain, corrected) = SteinCorrection.HeldOut(tables, s.Plan.Score)

        let before, after =
            Digest.number (Array.average plain), Digest.number (Array.average corrected)

        if SteinCorrection.Helps(struct (plain, corrected)) then
            s.Plan,
            [
                $"score multiplied by −⟨x ŝᵀ⟩⁻¹: its held-out loss falls from {before} to {after}"
            ]
        else
            let plan =
                ConjugatePlan(
                    WeightedScore(WeightRule.Identity, s.Plan.Score.Features, s.Plan.Score.Slopes, 0.0, null),
                    s.Plan.Conjugates,
                    Regression = s.Plan.Regression,
                    Moves = s.Plan.Moves,
                    Ridge = s.Plan.Ridge,
                    Squares = s.Plan.Squares,
                    Centres = s.Plan.Centres,
                    Means = s.Plan.Means
                )

            plan,
            [
                $"score left as it is: multiplied by −⟨x ŝᵀ⟩⁻¹ its held-out loss would be {after}, not lower than {before} beyond chance"
            ]
    | true, _ -> s.Plan, [ "no factor needed: this fit has ⟨x ŝᵀ⟩ = −I by construction" ]

/// Whether every conjugate observable is a sum of features of the regression.
let private spanned (q: Question) (s: Sums) =
    q.Changes
    |> List.forall (fun change ->
        ScorePolynomial.conjugate q.Unknowns s.Ask.Form change
        |> List.collect (fun t -> ScorePolynomial.expanded t.Tree)
        |> List.forall (fun f -> Field.isConstant f || List.contains f s.Quantities.Features))

/// Residuals of the regression at a few lags, of the score over its features, and whether anything is gained.
let private robustNotes (q: Question) (s: Sums) (forecast: Forecast) (e: ConjugateEstimate) = [
    let lags = e.Response.Lags

    for row, name in List.distinct q.Observed |> List.truncate 4 do
        let at = [ lags.Length / 8; lags.Length / 2; lags.Length - 1 ] |> List.distinct

        let values =
            at
            |> List.map (fun i -> $"{Digest.number e.Residuals.[i].[row]} at {Digest.number lags.[i]}")
            |> String.concat ", "

        $"regression on {forecast.Text}: √(⟨(A − f)²⟩/⟨A²⟩) of {name} is {values}"

    let norms = e.SteinNorms |> Array.map Digest.number |> String.concat ", "
    $"score: norm of ⟨φ B⟩ − ⟨L φ⟩ over the features of the regression {norms}"

    if e.Ridge > 0.0 then
        $"ridge of {Digest.number e.Ridge} of each feature's variance"

    if e.Unchanged then
        "the regression lies in the span that the score was fitted on: the estimate is the plain one, nothing is gained"
    elif spanned q s then
        "the score lies in the span of the regression's features: the estimate is that of libraryOf these features, whatever the score"
]

/// ‖ŝ − s‖²_D and what it says.
let certificate (s: Sums) (e: ConjugateEstimate) =
    if s.HasCertificate then
        Some(e.Means[e.Means.Length - 1], e.MeanErrors[e.MeanErrors.Length - 1])
    else
        None

let report (q: Question) (s: Sums) (e: ConjugateEstimate) : ScoreReport =
    let smoothed = s.Ask.Expected |> Array.exists (fun x -> x <> 1.0)

    let stein = [
        for i, name in List.indexed s.SteinNames -> steinRow name e.Means[i] e.MeanErrors[i]
    ]

    let stein =
        if not smoothed then
            stein
        else
            // of a smoothed law the residuals of x_i e_i alone are known
            [
                for i, u in List.indexed q.Unknowns do
                    match s.SteinNames |> List.tryFindIndex ((=) $"{u} ŝ({u}) + 1") with
                    | Some row ->
                        let expected = s.Ask.Expected[i]
                        steinRow $"{u} ŝ({u}) + {Digest.number expected}" (e.Means[row] - 1.0 + expected) e.MeanErrors[row]
                    | None -> ()
            ]

    let report =
        s.Ask.Report
        |> Option.defaultWith (fun () -> scoreReport s.Ask.Estimator s.Ask.Sigma [] s.Ask.Training)

    {
        report with
            Estimator = s.Ask.Estimator.Label
            Stein = stein
            Certificate = certificate s e
            CertificateNote =
                (match q.System with
                 | Some(_, diffusion) -> VectorBound.certificateNote q.Unknowns diffusion
                 | None -> Some "no certificate: it takes the drift and the diffusion, which a recording does not tell")
    }

/// [component][lag] of a change.
let private curves (q: Question) (cube: float[][][]) change =
    q.Observed
    |> List.map (fun (row, _) -> cube |> Array.map (fun lag -> lag[row][change]))
    |> Array.ofList

/// sd(A) √(gᵀD⁻¹g) ‖ŝ − s‖_D, with the residual of the regression in place of A where there is one.
let private bound (q: Question) (s: Sums) (e: ConjugateEstimate) (cost: float option) (change: Change) =
    match certificate s e, cost with
    | Some(value, error), Some cost when change.Diffusion.IsNone ->
        let distance = VectorBound.distance cost value error
        let robust = e.Residuals.Length > 0

        // ⟨f²⟩ = Var A − ⟨(A − f)²⟩, and E[A|x₀] − f is what is left of Var E[A|x₀]
        let remaining (lag: int) row =
            let variance = max 0.0 e.RowVariances[row]

            let unexplained =
                if robust then
                    e.Residuals.[lag].[row] ** 2.0 * variance
                else
                    variance

            match q.Forked.Value with
            | Some f -> min unexplained (f.Variance e.Response.Lags[lag] row - (variance - unexplained))
            | None -> unexplained

        Some [|
            for row, _ in q.Observed ->
                [|
                    for lag in 0 .. e.Response.Lags.Length - 1 -> distance * sqrt (max 0.0 (remaining lag row))
                |]
        |]
    | _ -> None

/// The responses of an estimator and what is known of its score, from its sums; gᵀD⁻¹g of each change where it is known.
let answer (q: Question) (costs: float option list) (s: Sums) (tables: WeightedTables) : Response list * ScoreReport list =
    let plan, notes = correction s tables
    let e = ConjugateResponse.Estimate(tables, plan, 200, q.Seed)
    let observed = q.Observed |> List.map snd

    let responses = [
        for p, change in List.indexed q.Changes ->
            let bias = bound q s e costs[p] change

            let notes = [
                yield! s.Ask.Notes
                yield! notes
                match s.Ask.Forecast with
                | Some forecast when s.Ask.Estimator.Method.IsRobust -> yield! robustNotes q s forecast e
                | Some forecast -> $"{forecast.Text} forecast as control variate"
                | None -> ()
                if bias.IsSome then
                    VectorBound.note q.Forked.Value.IsSome (e.Residuals.Length > 0)
                yield! e.Response.Notes
            ]

            {
                ResponseBands.curvesOf
                    s.Ask.Estimator.Label
                    (String.concat ", " observed)
                    change.Name
                    e.Response.Lags
                    (Array.ofList observed)
                    (curves q e.Response.Values p)
                    (Some(curves q e.Response.StandardError p))
                    notes with
                    BiasBound = bias
            }
            |> ResponseBands.ofEstimate e.Response (List.map fst q.Observed) p
    ]

    responses, [ report q s e ]

/// What a robust estimate forecasts from.
let forecastOf (unknowns: Field list) (estimator: Estimator) (regression: Regression) : Forecast =
    let features word (fields: Field list) =
        for f in fields do
            if Field.dependsOnTime f then
                raise (LeithException $"{word}: '{estimator}' expected features of the state, got {f}, which depends on the time t; leave t out.")

            if Field.isConstant f then
                raise (
                    LeithException
                        $"{word}: '{estimator}' expected features that vary, got {f}; the constant 1 belongs to every forecast, leave it out."
                )

        List.distinct fields

    let make features ridge : Forecast = {
        Features = features
        Slope = ScorePolynomial.slope
        Ridge = ridge
        Added = []
        Text = regression.Text
    }

    match regression with
    | Regression.Polynomials degree -> make (VectorLibrary.monomials unknowns degree) (Some 0.0)
    | Regression.Features fields -> make (features "forecastFrom" fields) (Some 0.0)
    | Regression.Ridge(fields, strength) -> make (features "ridge" fields) strength
    | Regression.Network _ -> invalidOp "the units of a network are features by now"

/// The estimator whose responses come from conjugate observables of a score in closed form.
let ask (unknowns: Field list) (estimator: Estimator) form notes report : Ask =
    let score, regression = standsOn estimator

    {
        Estimator = estimator
        Form =
            if score.Corrected then
                ScorePolynomial.corrected form
            else
                form
        Added = []
        Forecast = regression |> Option.map (forecastOf unknowns estimator)
        Key = ""
        Notes = notes
        Sigma = None
        Training = []
        Report = report
        Expected = Array.create unknowns.Length 1.0
        Prepare = ignore
    }

/// A score that no tree gives as symbols, ŝ(x) and then ∂ŝ(x)/∂y.
let symbols (unknowns: Field list) : ScoreForm * Field list =

    let score = unknowns |> List.map (fun u -> Field.Unknown($"ŝ({u})", Domain.Scalar))

    let slopes =
        unknowns
        |> List.map (fun u -> unknowns |> List.map (fun x -> Field.Unknown($"∂ŝ({u})/∂{x}", Domain.Scalar)))

    let slope x f =
        match List.tryFindIndex ((=) f) score with
        | Some i -> slopes[i][List.findIndex ((=) x) unknowns]
        | None -> ScorePolynomial.slope x f

    {
        ScorePolynomial.given score with
            Slope = slope
    },
    score @ List.concat slopes

/// The estimator whose responses come from conjugate observables of a score that was made from samples; its forecast is the control variate where none is asked for.
let askMade (unknowns: Field list) (estimator: Estimator) (key: string) (rows: TileRows) (told: VectorClustered.Made) (prepare: unit -> unit) : Ask =
    let form, added = symbols unknowns
    let plain = ask unknowns estimator form told.Notes None

    let control: Forecast = {
        Features = unknowns @ VectorLibrary.forecasts unknowns
        Slope = ScorePolynomial.slope
        Ridge = Some 0.0
        Added = []
        Text =
            (match VectorLibrary.forecasts unknowns with
             | [] -> "linear"
             | more -> $"polynomial ({unknowns.Length + more.Length} terms)")
    }

    {
        plain with
            Added = [ added, rows ]
            Forecast = plain.Forecast |> Option.orElse (Some control)
            Key = key
            Sigma = told.Sigma
            Training = told.Training
            Expected = told.Expected |> Option.defaultValue plain.Expected
            Prepare = prepare
    }
