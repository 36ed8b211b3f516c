/// Stein residuals and certificates of scores in closed form from the sums of lag 0 that the first pass gathers anyway.
module internal Leith.VectorStandard

open Leith.Core
open Leith.Calculus
open Leith.Stages
open Leith.VectorRecord
open Leith.VectorConjugate

/// A score on features among those of the moments.
type private Closed =
    | Given of Field list
    /// Numbers of the features, ridge.
    | Fitted of int list * float

let private terms (q: Quantities) (terms: ScoreTerm list) =
    Quantities.Terms q.Mean (ScorePolynomial.gathered terms)

/// ⟨f ŝ_i⟩.
let private along (features: Field list) (q: Quantities) closed i (f: Field) : WeightedTerm[] =
    match closed, Field.constant f with
    | Given s, _ -> ScorePolynomial.times f (ScorePolynomial.score (ScorePolynomial.given s) i) |> terms q
    | Fitted _, Some _ -> [||] // ŝ has mean 0
    | Fitted(chosen, _), None ->
        let k = chosen.Length

        match List.tryFindIndex ((=) f) features with
        | Some row -> [|
            for j, feature in List.indexed chosen -> WeightedTerm(1.0, row, i * (k + 1) + j, -1, feature)
          |]
        | None ->
            let form = ScorePolynomial.fitted 0.0 [] [ for j in chosen -> features[j] ]
            ScorePolynomial.times f (ScorePolynomial.score form i) |> terms q

let private stein (c: Context) features q closed (g: Field list) : WeightedTerm[] = [|
    yield! List.map2 ScorePolynomial.slope c.Unknowns g |> total |> ScorePolynomial.ofTree |> terms q
    for i, f in List.indexed g do
        if f <> zero then
            yield! along features q closed i f
|]

/// ŝᵀDŝ + 2 ∇·(Dŝ) − ∇·F + ∇∇:D.
let private certificate (c: Context) (features: Field list) (q: Quantities) closed : WeightedTerm[] =
    let d, f = diffusion c, drift c

    match closed, Diffusion.numbers d with
    | Given s, _ -> ScorePolynomial.certificate c.Unknowns (ScorePolynomial.given s) f d |> terms q
    | Fitted(chosen, ridge), None ->
        ScorePolynomial.certificate c.Unknowns (ScorePolynomial.fitted ridge [] [ for j in chosen -> features[j] ]) f d
        |> terms q
    | Fitted(chosen, _), Some d ->
        let k = chosen.Length

        [|
            yield!
                List.map2 ScorePolynomial.slope c.Unknowns f
                |> total
                |> ScorePolynomial.ofTree
                |> ScorePolynomial.scaled -1.0
                |> terms q
            for a in 0 .. c.Unknowns.Length - 1 do
                for b, y in List.indexed c.Unknowns do
                    if d[a, b] <> 0.0 then
                        for j, feature in List.indexed chosen do
                            let slope =
                                ScorePolynomial.ofTree (ScorePolynomial.slope y features[feature]) |> terms q

                            for t in slope do
                                WeightedTerm(2.0 * d[a, b] * t.Factor, t.Row, a * (k + 1) + j)

                            for l, other in List.indexed chosen do
                                WeightedTerm(d[a, b], feature, a * (k + 1) + j, b * (k + 1) + l, other)
        |]

/// What is tested of an estimator: names of the Stein residuals, these and the certificate.
type Tests = {
    Names: string list
    Score: WeightedScore
    Means: WeightedTerm[][]
    HasCertificate: bool
}

let private testsOf (c: Context) (plan: VectorLibrary.Plan) (q: Quantities) onlyFeatures closed : Tests =
    let features = plan.Features

    let fields =
        defaultFields c.Unknowns
        |> List.filter (fun (_, g) -> not onlyFeatures || g |> List.forall (fun f -> Field.isConstant f || List.contains f features))

    let hasCertificate = not onlyFeatures || (Diffusion.numbers (diffusion c)).IsSome

    let chosen, ridge, rule =
        match closed with
        | Given _ -> [], 0.0, WeightRule.None
        | Fitted(chosen, ridge) -> chosen, ridge, WeightRule.ScoreMatching

    let slopes = [|
        for x in c.Unknowns do
            for j in chosen -> ScorePolynomial.ofTree (ScorePolynomial.slope x features[j]) |> terms q
    |]

    {
        Names = List.map fst fields
        Score = WeightedScore(rule, Array.ofList chosen, slopes, ridge, [| for j in chosen -> List.contains features[j] c.Unknowns |])
        Means = [|
            for _, g in fields do
                yield stein c features q closed g
            if hasCertificate then
                yield certificate c features q closed
        |]
        HasCertificate = hasCertificate
    }

/// The rows that the moments of an experiment hold.
type Standard = {
    Plan: VectorLibrary.Plan
    Quantities: Quantities
    /// gᵀD⁻¹g of each push; none where nothing bounds it.
    Costs: Field option list
}

let private automatic (estimator: Estimator) =
    match estimator.Method with
    | Method.Library library -> library.Automatic
    | _ -> false

let private closed (standard: Standard) (estimator: Estimator) (fit: LibraryEstimate option) =
    let features = standard.Plan.Features

    let indices fields =
        fields |> List.map (fun f -> List.findIndex ((=) f) features)

    match estimator.Method, fit with
    | Method.Gaussian, _ -> Some(Fitted(indices standard.Plan.Unknowns, 0.0))
    | Method.Exact s, _ -> Some(Given s)
    | Method.Library _, Some fit -> Some(Fitted(List.ofArray fit.Chosen, fit.Ridge))
    | Method.Library library, None when library.Automatic -> None
    | Method.Library library, None -> Some(Fitted(indices (List.distinct library.Features), 0.0))
    | _ -> None

/// The rows for all estimators that plain lag products are enough for; asked before the pass.
let standard (c: Context) (plan: VectorLibrary.Plan) : Standard =
    let q = Quantities plan.Features

    for f in plan.Further do
        q.Mean f |> ignore

    let costs =
        if c.Experiment.Perturb.IsPush then
            let d = diffusion c
            changes c |> List.map (fun change -> VectorBound.cost c.Unknowns d change.Push)
        else
            []

    let standard = {
        Plan = plan
        Quantities = q
        Costs = costs
    }

    for a in fst (rowsOf c) do
        q.Mean(tidy (a * a)) |> ignore
        q.Mean a |> ignore

    let canonical (e: Estimator) =
        match e.Method with
        | Method.Exact s -> texts s
        | Method.Library library -> library.Canonical
        | _ -> ""

    let asked =
        c.Experiment.Estimate
        |> List.filter (fun e -> not (isConjugate c e) && (e.Method.IsExact || e.Method.IsLibrary))
        |> List.sortBy canonical

    // the same rows in whatever order estimators stand, those of the Gaussian score always
    for e in gaussian :: asked do
        match closed standard e None with
        | Some score -> testsOf c plan q false score |> ignore
        | None when automatic e -> testsOf c plan q true (Fitted([ 0 .. plan.Features.Length - 1 ], 0.0)) |> ignore
        | None -> ()

    standard

/// Rows that the moments need beside those of the libraries.
let extra (standard: Standard) =
    standard.Quantities.Others |> List.skip standard.Plan.Further.Length

/// Costs that depend on the state, whose largest values are wanted.
let watched (standard: Standard) =
    standard.Costs |> List.choose id |> List.filter (fun f -> (Field.constant f).IsNone)

/// The report of a score with its residuals and its certificate, and a bound on the bias of each row of the response to each push; `largest` are the largest values of `watched`.
let report
    (c: Context)
    (standard: Standard)
    (products: LagProducts)
    (moments: LagProducts)
    (largest: float[])
    (estimator: Estimator)
    fit
    (report: ScoreReport)
    =
    match closed standard estimator fit with
    | None -> report, None
    | Some score ->
        let tests = testsOf c standard.Plan standard.Quantities (automatic estimator) score

        let tables = WeightedTables(products, moments, moments)

        let others = fst (rowsOf c)
        let row f = [| WeightedTerm(1.0, standard.Quantities.Mean f) |]

        let means = [|
            yield! tests.Means
            for a in others do
                yield row (tidy (a * a))
                yield row a
        |]

        let struct (values, errors) =
            ConjugateResponse.Means(tables, ConjugatePlan(tests.Score, [||], Means = means), 200, c.Seed)

        let last = tests.Means.Length - 1

        let certificate =
            if tests.HasCertificate then
                Some(values[last], errors[last])
            else
                None

        let covariance = products.Covariance 0

        let deviations = [|
            for i in 0 .. c.Unknowns.Length - 1 -> sqrt covariance.[i].[i]
            for k in 0 .. others.Length - 1 ->
                let square, mean = values[last + 1 + 2 * k], values[last + 2 + 2 * k]
                sqrt (max 0.0 (square - mean * mean))
        |]

        let bounds =
            certificate
            |> Option.map (fun (value, error) ->
                let mutable next = -1

                standard.Costs
                |> List.map (
                    Option.map (fun cost ->
                        let cost =
                            match Field.constant cost with
                            | Some cost -> cost
                            | None ->
                                next <- next + 1
                                largest[next]

                        VectorBound.distance cost value error, deviations)
                ))

        {
            report with
                Stein = [ for i, name in List.indexed tests.Names -> steinRow name values[i] errors[i] ]
                Certificate = certificate
                CertificateNote =
                    (if tests.HasCertificate then
                         VectorBound.certificateNote c.Unknowns (diffusion c)
                     else
                         Some "not of features that are chosen where the noise depends on the state")
        },
        bounds

/// Responses with the bound on their bias.
let bounded
    (c: Context)
    (forked: Lazy<VectorForks.Forked option>)
    (bounds: (float * float[]) option list option)
    (responses: Response list)
    : Response list =
    let _, rows = rowsOf c

    match bounds with
    | Some bounds when bounds.Length = responses.Length ->
        List.map2
            (fun (r: Response) bound ->
                match bound with
                | None -> r
                | Some(distance, deviations: float[]) -> {
                    r with
                        BiasBound =
                            Some [|
                                for row in rows ->
                                    r.Lags
                                    |> Array.map (fun t ->
                                        match forked.Value with
                                        | Some f -> distance * min deviations[row] (sqrt (max 0.0 (f.Variance t row)))
                                        | None -> distance * deviations[row])
                            |]
                        Notes = r.Notes @ [ VectorBound.note forked.Value.IsSome false ]
                  })
            responses
            bounds
    | _ -> responses
