/// The second pass over the ensemble of scalar unknowns: conjugate observables of any push, doubly robust estimates, certificates, residuals of chosen fields.
module internal Leith.VectorTrust

open System
open Leith.Core
open Leith.Calculus
open Leith.Stages
open Leith.VectorRecord
open Leith.VectorConjugate
open Leith.VectorAnswers

/// What the pass found for one estimator.
type private Gathered = { Sums: Sums; Tables: WeightedTables }

let private key (c: Context) (s: Sums) =
    let others, _ = rowsOf c

    $"conjugate sums {describe c.Experiment}\nlags {c.Longest}\nobservables\n{texts others}\nquantities {s.Quantities.Features.Length}\n{texts s.Quantities.All}\nmeans\n{texts s.Quantities.Others}\n{s.Ask.Key}"

/// Rows whose largest values are wanted, with a sentence for each that says what is wrong where it is not finite.
let private watched (c: Context) (changes: Change list) (products: LagProducts) =
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

let private refuse (c: Context) (rows: (Field * string) list) (row: int) (state: float[]) =
    let where =
        List.zip c.Unknowns (List.ofArray state |> List.truncate c.Unknowns.Length)
        |> List.map (fun (x, value) -> $"{x} = {Digest.number value}")
        |> String.concat ", "

    raise (
        LeithException $"{snd rows[row]} at {where}; push along a field that is finite there and vanishes at the edge, as in pushAlong [ on x x ]."
    )

/// One pass for all estimators whose sums are not kept.
let private gather (c: Context) (changes: Change list) costs (products: LagProducts) (sums: Sums list) : (Sums * WeightedTables) list * float[] =
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
            s,
            match tables with
            | Some t -> t
            | None -> made |> List.find (fun (m, _) -> Object.ReferenceEquals(m, s)) |> snd
    ],
    largest |> Array.skip watch.Length

/// Answers of estimators that plain lag products are not enough for.
let run (c: Context) forked (products: LagProducts) (asks: Ask list) =
    if asks.IsEmpty then
        Map.empty
    else
        let question = questionOf c forked
        let d = diffusion c

        let found =
            question.Changes |> List.map (fun change -> VectorBound.cost c.Unknowns d change.Push)

        let sums = asks |> List.map (sumsOf question)

        let gathered, largest =
            gather c question.Changes (found |> List.choose id) products sums

        let costs =
            let mutable next = 0

            found
            |> List.map (
                Option.map (fun _ ->
                    next <- next + 1
                    largest[next - 1])
            )

        Map.ofList [
            for s, tables in gathered -> s.Ask.Estimator.Label, answer question costs s tables
        ]

/// Residuals and certificates of scores that were made from samples, whose plain responses come from elsewhere: a pass of its own over every so many samples,
/// since derivatives of such a score take two values of it an unknown. With each report the bounds that VectorStandard.bounded takes.
let tests (c: Context) (products: LagProducts) (asks: Ask list) =
    if asks.IsEmpty then
        Map.empty
    else
        let stride =
            min (4L * (2L * int64 c.Unknowns.Length + 1L)) (max 1L (c.Plan.Samples / 16L))

        let sampled = c.Plan.Samples / stride

        let thinned = {
            c with
                Plan = SamplingPlan(c.Plan.Members, c.Plan.SpinUp, float (sampled * stride) * c.Plan.Every, float stride * c.Plan.Every)
                Longest = 0
        }

        let question = {
            questionOf c (lazy None) with
                Changes = []
        }

        let d = diffusion c

        let costs =
            if c.Experiment.Perturb.IsPush then
                changes c |> List.map (fun change -> VectorBound.cost c.Unknowns d change.Push)
            else
                []

        let sums =
            asks
            |> List.map (fun ask ->
                sumsOf question {
                    ask with
                        Forecast = None
                        Key = $"every {stride} {ask.Key}"
                })

        let gathered, largest = gather thinned [] (costs |> List.choose id) products sums

        Map.ofList [
            for s, tables in gathered ->
                let e = ConjugateResponse.Estimate(tables, s.Plan, 200, c.Seed)
                let deviations = e.RowVariances |> Array.map (max 0.0 >> sqrt)
                let mutable next = -1

                let bounds =
                    certificate s e
                    |> Option.map (fun (value, error) ->
                        costs
                        |> List.map (
                            Option.map (fun _ ->
                                next <- next + 1
                                VectorBound.distance largest[next] value error, deviations)
                        ))

                s.Ask.Estimator.Label, (report question s e, bounds)
        ]

/// The rows of a score that was made from samples and of its derivatives, by differences over a 200th of a standard deviation.
let scoreRows (c: Context) (products: LagProducts) (create: unit -> ITileMap) =
    let n = c.Unknowns.Length
    let covariance = products.Covariance 0
    let steps = [| for i in 0 .. n - 1 -> 0.005 * sqrt covariance.[i].[i] |]

    TileRows(JacobianMap.Rows(n, n), Func<ITileMap>(fun () -> new JacobianMap(create (), n, n, steps)))
