/// The second pass over the ensemble of scalar unknowns: conjugate observables of any push, doubly robust estimates, certificates, residuals of chosen fields.
module internal Leith.VectorTrust

open System
open Leith.Core
open Leith.Calculus
open Leith.Stages
open Leith.VectorRecord
open Leith.VectorConjugate

/// What the pass found for one estimator.
type private Gathered = { Sums: Sums; Tables: WeightedTables }

let private key c (s: Sums) =
    let others, _ = rowsOf c

    $"conjugate sums {describe c.Experiment}\nlags {c.Longest}\nobservables\n{texts others}\nquantities {s.Quantities.Features.Length}\n{texts s.Quantities.All}\nmeans\n{texts s.Quantities.Others}\n{s.Ask.Key}"

/// Rows whose largest values are wanted, with a sentence for each that says what is wrong where it is not finite.
let private watched c (changes: Change list) (products: LagProducts) =
    let covariance = products.Covariance 0
    let deviations = [ for i in 0 .. c.Unknowns.Length - 1 -> sqrt covariance.[i].[i] ]

    [
        for change in changes do
            for x, g in List.zip c.Unknowns change.Push do
                if g <> zero && not (Field.isConstant g) then
                    g, $"perturb: expected a push that is finite on all data, got {g} for {x}"

            let functions =
                (drift c @ List.concat (diffusion c)) |> List.filter VectorBound.mayEnd

            if not functions.IsEmpty && change.Push |> List.exists ((<>) zero) then
                let size =
                    List.zip deviations change.Push
                    |> List.filter (fun (_, g) -> g <> zero)
                    |> List.map (fun (s, g) -> s / (Field.constant g |> Option.map abs |> Option.defaultValue 1.0))
                    |> List.min

                for sign in [ 1.0; -1.0 ] do
                    for f in functions do
                        VectorBound.moved c.Unknowns change.Push (sign * 1e-3 * size) f,
                        $"perturb: expected a push that stays where the system lives, got {change.Name}: a thousandth of a standard deviation further {f} is not finite"
    ]

let private refuse c (rows: (Field * string) list) (row: int) (state: float[]) =
    let where =
        List.zip c.Unknowns (List.ofArray state |> List.truncate c.Unknowns.Length)
        |> List.map (fun (x, value) -> $"{x} = {Digest.number value}")
        |> String.concat ", "

    raise (LeithException $"{snd rows[row]} at {where}; push along a field that is finite there and vanishes at the edge, as in pushAlong [ x, x ].")

/// One pass for all estimators whose sums are not kept.
let private gather c (changes: Change list) costs (products: LagProducts) (sums: Sums list) : Gathered list * float[] =
    let n = c.Unknowns.Length
    let others, _ = rowsOf c
    let watch = watched c changes products
    let watchedRows = (watch |> List.map fst) @ costs
    let watchKey = $"extremes {describe c.Experiment}\n{texts watchedRows}"
    let parts = [ "lags"; "products"; "means" ]

    let load s =
        match parts |> List.map (fun part -> stored c.Setting $"{part} of {key c s}") with
        | [ Some lags; Some products; Some means ] ->
            Some(
                WeightedTables(
                    LagProducts.FromArrays(lags, names c),
                    LagProducts.FromArrays(products, names c),
                    LagProducts.FromArrays(means, names c)
                )
            )
        | _ -> None

    let kept = sums |> List.map (fun s -> s, load s)
    let missing = kept |> List.filter (snd >> _.IsNone) |> List.map fst

    let extremes =
        Extremes(c.Plan, TileRows(max 1 watchedRows.Length, map c (if watchedRows.IsEmpty then [ one ] else watchedRows)))

    let known = stored c.Setting watchKey

    let made =
        if missing.IsEmpty && (watchedRows.IsEmpty || known.IsSome) then
            []
        else
            let started =
                missing
                |> List.map (fun s ->
                    let rows fields : TileRows[] =
                        if List.isEmpty fields then
                            [||]
                        else
                            [|
                                TileRows(fields.Length, Func<ITileMap>(Lower.vector (c.Unknowns @ s.Symbols) fields))
                            |]

                    let table longest observables features =
                        VectorLags(VectorLagPlan(c.Plan, n, longest, Observables = rows observables, Features = rows features, Names = names c))

                    let q = s.Quantities

                    s,
                    [
                        table c.Longest others q.All
                        table 0 q.Features q.All
                        table 0 (q.All @ q.Others) []
                    ])

            for s in missing do
                s.Ask.Prepare()

            let openFor tile (s: Sums, tables: VectorLags list) : ITileSink =
                let inner = Fork [| for t in tables -> t.Open tile |]

                let added =
                    (s.Ask.Added |> List.map snd)
                    @ (s.Ask.Forecast
                       |> Option.map (fun (f: Forecast) -> f.Added |> List.map snd)
                       |> Option.defaultValue [])

                if added.IsEmpty then
                    inner
                else
                    new ExtendedState(n, Array.ofList added, inner)

            Terminal.stage "correlate conjugate observables" (fun progress ->
                (simulation c.Model c.Step (initialOf c.Model c.Experiment) c.Seed)
                    .Run(
                        c.Plan,
                        (fun tile -> Fork(Array.ofList (extremes.Open tile :: (started |> List.map (openFor tile)))) :> ITileSink),
                        c.Setting.Threads,
                        fraction progress,
                        c.Setting.Cancellation
                    )

                stopIfCancelled c.Setting)

            if extremes.NotFinite.HasValue then
                let struct (row, state) = extremes.NotFinite.Value

                if row < watch.Length then
                    refuse c watch row state

            let arrays = Arrays()
            arrays["largest"] <- extremes.Largest
            store c.Setting watchKey arrays

            [
                for s, tables in started do
                    let results = tables |> List.map _.Result()

                    for part, result in List.zip parts results do
                        store c.Setting $"{part} of {key c s}" (result.ToArrays())

                    s, WeightedTables(results[0], results[1], results[2])
            ]

    let largest =
        match known with
        | Some arrays -> arrays["largest"]
        | None -> extremes.Largest

    [
        for s, tables in kept do
            {
                Sums = s
                Tables =
                    (match tables with
                     | Some t -> t
                     | None -> made |> List.find (fun (m, _) -> Object.ReferenceEquals(m, s)) |> snd)
            }
    ],
    largest |> Array.skip watch.Length

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
let private spanned c (s: Sums) =
    changes c
    |> List.forall (fun change ->
        ScorePolynomial.conjugate c.Unknowns s.Ask.Form change
        |> List.collect (fun t -> ScorePolynomial.expanded t.Tree)
        |> List.forall (fun f -> Field.isConstant f || List.contains f s.Quantities.Features))

/// Residuals of the regression at a few lags, of the score over its features, and whether anything is gained.
let private robustNotes c (s: Sums) (forecast: Forecast) (e: ConjugateEstimate) = [
    let rows = List.map string (c.Unknowns @ fst (rowsOf c))
    let lags = e.Response.Lags
    let _, observed = rowsOf c

    for row in List.distinct observed |> List.truncate 4 do
        let at = [ lags.Length / 8; lags.Length / 2; lags.Length - 1 ] |> List.distinct

        let values =
            at
            |> List.map (fun i -> $"{Digest.number e.Residuals.[i].[row]} at {Digest.number lags.[i]}")
            |> String.concat ", "

        $"regression on {forecast.Text}: √(⟨(A − f)²⟩/⟨A²⟩) of {rows[row]} is {values}"

    let norms = e.SteinNorms |> Array.map Digest.number |> String.concat ", "
    $"score: norm of ⟨φ B⟩ − ⟨L φ⟩ over the features of the regression {norms}"

    if e.Ridge > 0.0 then
        $"ridge of {Digest.number e.Ridge} of each feature's variance"

    if e.Unchanged then
        "the regression lies in the span that the score was fitted on: the estimate is the plain one, nothing is gained"
    elif spanned c s then
        "the score lies in the span of the regression's features: the estimate is that of libraryOf these features, whatever the score"
]

/// ‖ŝ − s‖²_D and what it says.
let private certificate c (s: Sums) (e: ConjugateEstimate) =
    if s.HasCertificate then
        Some(e.Means[e.Means.Length - 1], e.MeanErrors[e.MeanErrors.Length - 1])
    else
        None

let private report c (s: Sums) (e: ConjugateEstimate) : ScoreReport =
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
                for i, u in List.indexed c.Unknowns do
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
            Certificate = certificate c s e
            CertificateNote = VectorBound.certificateNote c.Unknowns (diffusion c)
    }

/// [component][lag] of a change.
let private curves c (cube: float[][][]) change =
    let _, rows = rowsOf c
    rows |> List.map (fun row -> cube |> Array.map (fun lag -> lag[row][change])) |> Array.ofList

/// sd(A) √(gᵀD⁻¹g) ‖ŝ − s‖_D, with the residual of the regression in place of A where there is one.
let private bound c (s: Sums) (e: ConjugateEstimate) (cost: float option) change =
    match certificate c s e, cost with
    | Some(value, error), Some cost when c.Experiment.Perturb.IsPush || c.Experiment.Perturb.IsAlong ->
        let _, rows = rowsOf c
        let distance = VectorBound.distance cost value error
        let robust = e.Residuals.Length > 0

        let deviation row =
            let variance = e.RowVariances[row]
            sqrt (max 0.0 variance)

        Some [|
            for row in rows ->
                [|
                    for lag in 0 .. e.Response.Lags.Length - 1 -> distance * deviation row * (if robust then e.Residuals.[lag].[row] else 1.0)
                |]
        |]
    | _ -> None

let private answer c (changes: Change list) (costs: float option list) (g: Gathered) : Response list * ScoreReport list =
    let s = g.Sums
    let plan, notes = correction s g.Tables
    let e = ConjugateResponse.Estimate(g.Tables, plan, 200, c.Seed)
    let observable = c.Experiment.Observe |> List.map string |> String.concat ", "

    let responses = [
        for p, change in List.indexed changes ->
            let bias = bound c s e costs[p] p

            {
                Estimator = s.Ask.Estimator.Label
                Observable = observable
                Perturbation = change.Name
                Lags = e.Response.Lags
                Components = c.Experiment.Observe |> List.map string |> Array.ofList
                Values = curves c e.Response.Values p
                StandardError = Some(curves c e.Response.StandardError p)
                BiasBound = bias
                Axis = "lag"
                Replicates = None
                OwnErrors = None
                Pointwise = 1.96
                Simultaneous = None
                Discretisation = None
                Field = None
                FieldStandardError = None
                Shape = [||]
                Notes = [
                    yield! s.Ask.Notes
                    yield! notes
                    match s.Ask.Forecast with
                    | Some forecast when s.Ask.Estimator.Method.IsRobust -> yield! robustNotes c s forecast e
                    | Some forecast -> $"{forecast.Text} forecast as control variate"
                    | None -> ()
                    if bias.IsSome then
                        if e.Residuals.Length > 0 then
                            VectorBound.robustNote
                        else
                            VectorBound.plainNote
                    yield! e.Response.Notes
                ]
            }
    ]

    responses, [ report c s e ]

/// Answers of estimators that plain lag products are not enough for.
let run c (products: LagProducts) (asks: Ask list) =
    if asks.IsEmpty then
        Map.empty
    else
        let changes = changes c
        let others, _ = rowsOf c
        let d = diffusion c

        let found =
            changes |> List.map (fun change -> VectorBound.cost c.Unknowns d change.Push)

        let sums = asks |> List.map (sumsOf c changes others true)
        let gathered, largest = gather c changes (found |> List.choose id) products sums

        let costs =
            let mutable next = 0

            found
            |> List.map (
                Option.map (fun _ ->
                    next <- next + 1
                    largest[next - 1])
            )

        Map.ofList [ for g in gathered -> g.Sums.Ask.Estimator.Label, answer c changes costs g ]

/// Monomials of total degree 1 … degree.
let private monomials (unknowns: Field list) degree = VectorLibrary.monomials unknowns degree

/// What a robust estimate forecasts from.
let forecastOf c (estimator: Estimator) (regression: Regression) : Forecast =
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
    | Regression.Polynomials degree -> make (monomials c.Unknowns degree) (Some 0.0)
    | Regression.Features fields -> make (features "forecastFrom" fields) (Some 0.0)
    | Regression.Ridge(fields, strength) -> make (features "ridge" fields) strength
    | Regression.Network _ -> raise (LeithException $"{estimator}: not yet.")

/// The estimator whose responses come from conjugate observables of a score in closed form.
let ask c (estimator: Estimator) form notes report : Ask =
    let score, regression = standsOn estimator

    {
        Estimator = estimator
        Form =
            if score.Corrected then
                ScorePolynomial.corrected form
            else
                form
        Added = []
        Forecast = regression |> Option.map (forecastOf c estimator)
        Key = ""
        Notes = notes
        Sigma = None
        Training = []
        Report = report
        Expected = Array.create c.Unknowns.Length 1.0
        Prepare = ignore
    }

/// A score that no tree gives as symbols, ŝ(x) and ∂ŝ(x)/∂y, with the rows that a map computes of them; differences over a 200th of a standard deviation.
let private symbols c (products: LagProducts) (create: unit -> ITileMap) =
    let n = c.Unknowns.Length
    let covariance = products.Covariance 0

    let score =
        c.Unknowns |> List.map (fun u -> Field.Unknown($"ŝ({u})", Domain.Scalar))

    let slopes =
        c.Unknowns
        |> List.map (fun u -> c.Unknowns |> List.map (fun x -> Field.Unknown($"∂ŝ({u})/∂{x}", Domain.Scalar)))

    let steps = [| for i in 0 .. n - 1 -> 0.005 * sqrt covariance.[i].[i] |]

    let slope x f =
        match List.tryFindIndex ((=) f) score with
        | Some i -> slopes[i][List.findIndex ((=) x) c.Unknowns]
        | None -> ScorePolynomial.slope x f

    let rows =
        TileRows(JacobianMap.Rows(n, n), Func<ITileMap>(fun () -> new JacobianMap(create (), n, n, steps)))

    {
        ScorePolynomial.given score with
            Slope = slope
    },
    (score @ List.concat slopes, rows)

/// The estimator whose responses come from conjugate observables of a score that was made from samples; its forecast is the control variate where none is asked for.
let askMade c products (estimator: Estimator) (key: string) (made: Lazy<VectorClustered.Made>) (told: VectorClustered.Made) : Ask =
    let form, added = symbols c products (fun () -> made.Value.Create())
    let plain = ask c estimator form told.Notes None

    let control: Forecast = {
        Features = c.Unknowns @ VectorLibrary.forecasts c.Unknowns
        Slope = ScorePolynomial.slope
        Ridge = Some 0.0
        Added = []
        Text =
            (match VectorLibrary.forecasts c.Unknowns with
             | [] -> "linear"
             | more -> $"polynomial ({c.Unknowns.Length + more.Length} terms)")
    }

    {
        plain with
            Added = [ added ]
            Forecast = plain.Forecast |> Option.orElse (Some control)
            Key = key
            Sigma = told.Sigma
            Training = told.Training
            Expected = told.Expected |> Option.defaultValue plain.Expected
            Prepare = fun () -> made.Force() |> ignore
    }
