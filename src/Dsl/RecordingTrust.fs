/// Recordings: expressions of their components, scores fitted to them, and responses by conjugate observables of any push along a field of the state.
module internal Leith.RecordingTrust

open System
open Leith.Core
open Leith.Stages
open Leith.VectorConjugate

/// The components as unknowns, with the names that the recording gives them.
let unknowns (data: Data) (r: Recording) = [
    for i in 0 .. r.Components - 1 -> Field.Unknown(r.Names[i], Domain.Column(data.Path, i))
]

/// A feature of columns as one of named components.
let renamed (data: Data) (components: Field list) (word: string) (what: string) (feature: Field) =
    let rec go f =
        match f with
        | Field.Unknown(_, Domain.Column(path, i)) when path = data.Path && i < components.Length -> components[i]
        | Field.Unknown _ ->
            raise (
                LeithException
                    $"'{word}' expected {what} of the {components.Length} components of the recording, got {feature}; write column data 0, … ."
            )
        | f -> Field.map go f

    go feature

/// [feature][time] of expressions in series with these names.
let seriesOf (values: float[][]) (names: Field list) (features: Field list) : float[][] =
    if features.IsEmpty then
        [||]
    else
        let program = Lower.scalarProgram names features

        let rows = [|
            for n in 0 .. values[0].Length - 1 -> program.Evaluate(ReadOnlySpan [| for x in values -> x[n] |], 0.0)
        |]

        Array.init features.Length (fun j -> rows |> Array.map (fun row -> row[j]))

/// [feature][time].
let series (r: Recording) (components: Field list) (features: Field list) : float[][] =
    seriesOf (Array.ofSeq r.Values) components features

/// The fit of a library: its plan, the numbers of its features, the fit.
let libraryFit (r: Recording) (data: Data) longest seed (estimator: Estimator) (asked: Library) =
    let components = unknowns data r

    let asked = {
        asked with
            Features = asked.Features |> List.map (renamed data components (string estimator) "features")
    }

    VectorLibrary.demand estimator asked

    let plan =
        VectorLibrary.plan components (VectorLibrary.candidates components [] asked)

    let rows, columns = VectorLibrary.rows plan [] []
    let plain = LagProducts.Of(r, longest, [||], [||])
    let values = series r components rows
    let features = Array.truncate columns.Length values

    let moments =
        VectorMoments(LagProducts.Of(r, 0, values, features, Nullable plain.BlockLength), VectorLibrary.texts plan |> Array.ofList, plan.Slopes)

    let chosen = VectorLibrary.choose plan [] moments (plain.CorrelationSamples()) asked

    let products =
        LagProducts.Of(r, longest, [||], [| for j in chosen -> features[j] |], Nullable plain.BlockLength)

    let fit =
        VectorLibrary.fit plan products moments chosen (fun j -> r.Components + Array.IndexOf(chosen, j)) seed

    plan, asked, fit

/// A score by clusters of noised data, with the samples it came from and their standard deviations.
let clusterScore (r: Recording) seed (asked: Clusters) =
    let samples = [| for n in 0 .. r.Samples - 1 -> [| for x in r.Values -> x[n] |] |]

    let mean = VectorClustered.meanOf samples

    let deviation =
        mean |> Array.mapi (fun i m -> sqrt (samples |> Array.averageBy (fun x -> (x[i] - m) ** 2.0)))

    let score =
        Clustering(samples, mean, deviation, float samples.Length, Option.toNullable asked.Level, seed).Of samples

    score, samples, deviation

/// What is asked of a recording; the rows that are observed with their names, components first, then expressions of them.
let private questionOf (r: Recording) (data: Data) (experiment: Experiment) (observed: (int * string) list) others indices : Question =
    let components = unknowns data r

    let column (f: Field) =
        components[indices [ f ] |> List.exactlyOne]

    {
        Unknowns = components
        Others = others
        Observed = observed
        Changes =
            (match experiment.Perturb with
             | Perturbation.Push fields -> indices fields |> List.map (fun i -> Change.unit components components[i])
             | Perturbation.Along parts -> [
                 Change.along components [
                     for u, g in parts -> column u, renamed data components "pushAlong" "fields" g
                 ]
               ]
             | other -> raise (LeithException $"perturb: expected a push of columns, got {other}; write perturb (push (column data 0))."))
        System = None
        Forked = lazy None
        Seed = uint64 experiment.Seed
    }

/// Sums of the quantities of an estimator over a recording, in blocks as the recording asks for.
let private tablesOf (r: Recording) longest (symbols: float[][]) (question: Question) (s: Sums) =
    let values = Array.append (Array.ofSeq r.Values) symbols
    let q = s.Quantities
    let names = question.Unknowns @ s.Symbols
    let quantities = seriesOf values names q.All
    let others = seriesOf values names q.Others

    for f, row in Seq.zip (q.All @ q.Others) (Array.append quantities others) do
        match Array.tryFindIndex (Double.IsFinite >> not) row with
        | Some n ->
            let place =
                question.Unknowns
                |> List.mapi (fun i x -> $"{x} = {Digest.number r.Values.[i].[n]}")
                |> List.truncate 6
                |> String.concat ", "

            raise (
                LeithException
                    $"perturb: expected pushes, fields and features that are finite on all data, got {f}, which is not at sample {n} ({place}); take one that is."
            )
        | None -> ()

    let lags =
        LagProducts.Of(r, longest, seriesOf values names question.Others, quantities)

    let features = Array.truncate q.Features.Length quantities
    let block = Nullable lags.BlockLength

    WeightedTables(lags, LagProducts.Of(r, 0, features, quantities, block), LagProducts.Of(r, 0, Array.append quantities others, [||], block))

/// ŝ of a clustered score at every sample, and its derivatives by differences where they are needed.
let private clusteredSeries (score: ClusteredScore) (samples: float[][]) (deviation: float[]) withSlopes : float[][] =
    let n = deviation.Length
    let at (x: float[]) = score.At(ReadOnlySpan x)

    let slopes (x: float[]) =
        let columns = [|
            for i in 0 .. n - 1 ->
                let h = 0.005 * deviation[i]

                let moved step =
                    x |> Array.mapi (fun k v -> if k = i then v + step else v)

                Array.map2 (fun up down -> (up - down) / (2.0 * h)) (at (moved h)) (at (moved -h))
        |]

        [|
            for a in 0 .. n - 1 do
                for i in 0 .. n - 1 -> columns[i][a]
        |]

    let rows =
        samples |> Array.map (fun x -> if withSlopes then Array.append (at x) (slopes x) else at x)

    Array.init rows[0].Length (fun i -> rows |> Array.map (fun row -> row[i]))

/// Answers of an estimator of a recording by conjugate observables.
let asked (r: Recording) (data: Data) (experiment: Experiment) observed others indices longest =
    let question = lazy (questionOf r data experiment observed others indices)
    let seed = uint64 experiment.Seed
    let components = unknowns data r

    let inComponents (estimator: Estimator) : Estimator =
        let go word =
            List.map (renamed data components word "features")

        let fields (e: Estimator) = {
            e with
                Stein = e.Stein |> List.map (List.map (renamed data components (string e) "fields"))
        }

        match estimator.Method with
        | Method.Robust(score, regression) ->
            let regression =
                match regression with
                | Regression.Features features -> Regression.Features(go (string estimator) features)
                | Regression.Ridge(features, strength) -> Regression.Ridge(go (string estimator) features, strength)
                | other -> other

            {
                fields estimator with
                    Method = Method.Robust(fields score, regression)
            }
        | _ -> fields estimator

    fun (estimator: Estimator) ->
        let question = question.Value
        let estimator = inComponents estimator
        let score, _ = standsOn estimator
        let symbols: float[][] ref = ref [||]

        let ask' (estimator: Estimator) =
            match score.Method with
            | Method.Gaussian -> VectorAnswers.ask components estimator (ScorePolynomial.fitted 0.0 components components) [] None
            | Method.Library library ->
                let plan, library, fit = libraryFit r data longest seed score library
                let texts = VectorLibrary.texts plan

                let form =
                    ScorePolynomial.fitted fit.Ridge components [ for j in fit.Chosen -> plan.Features[j] ]

                VectorAnswers.ask
                    components
                    estimator
                    form
                    (VectorLibrary.notes library texts fit)
                    (Some(VectorLibrary.report score (Array.ofSeq r.Names) texts fit []))
            | Method.Clustered clusters ->
                let clustered, samples, deviation = clusterScore r seed clusters
                let told = VectorClustered.made (fun _ -> Array.create r.Components 1.0) clustered

                let ask =
                    VectorAnswers.askMade components estimator "" (TileRows(0, fun () -> told.Create())) told ignore

                let values = clusteredSeries clustered samples deviation score.Corrected

                symbols.Value <- values

                // derivatives that are not needed are not computed
                {
                    ask with
                        Added = [
                            List.truncate values.Length (ask.Added |> List.collect fst), snd ask.Added.Head
                        ]
                }
            | _ ->
                raise (
                    LeithException
                        $"'{estimator}' expected a score that a recording gives, got {score}; write gaussian, libraryOf, libraryAuto or clustered."
                )

        let observables =
            observed |> List.map (fun (row, _) -> (components @ others)[row]) |> List.distinct

        let units =
            ForecastNetwork.trainedOn components observables longest seed (Array.ofSeq r.Values)

        let ask = ForecastNetwork.asked components data.Spacing units ask' estimator
        let sums = sumsOf question ask
        let tables = tablesOf r longest symbols.Value question sums
        VectorAnswers.answer question (question.Changes |> List.map (fun _ -> None)) sums tables
