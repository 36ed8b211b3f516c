/// Responses of a recording, with no model behind it.
module internal Leith.RecordingRun

open System
open Leith.Core
open Leith.Stages
open Leith.RecordingTrust

/// The null band leaves out three in a thousand values of components that know nothing of each other.
let private nullWidth = 3.0

let load (data: Data) =
    let layout =
        match data.Layout with
        | Layout.ComponentsFirst -> RecordingLayout.ComponentsFirst
        | Layout.TimeFirst -> RecordingLayout.TimeFirst

    let read = Recording.Load(data.Path, layout, data.Spacing)

    let raw =
        match data.Label with
        | Some label -> Recording([| for i in 1 .. read.Components -> $"{label} {i}" |], read.Values, read.Interval, Notes = read.Notes)
        | None -> read

    if data.Standardised then
        let struct (series, _, _) = raw.Standardised()
        series
    else
        raw

/// Components that a list of observables or pushes names.
let private indices keyword (r: Recording) (fields: Field list) =
    fields
    |> List.collect (fun field ->
        match field with
        | Field.Unknown(_, Domain.EveryColumn _) -> [ 0 .. r.Components - 1 ]
        | Field.Unknown(_, Domain.Column(_, i)) when i < r.Components -> [ i ]
        | Field.Unknown(_, Domain.Column(_, i)) ->
            raise (LeithException $"{keyword}: expected a component of the recording, 0 to {r.Components - 1}, got {i}.")
        | other -> raise (LeithException $"{keyword}: expected columns of the recording, got {other}; write column data 0 or everyColumn data."))

/// A map [latitude][longitude] of component numbers, counted from 1, NaN where there is none.
let private readMap (path: string) components =
    let array = Npy.Read path

    match List.ofArray array.Shape with
    | [ rows; columns ] ->
        let largest =
            array.Values |> Array.filter (Double.IsNaN >> not) |> Array.fold max 0.0

        if int largest > components then
            raise (
                LeithException
                    $"'{path}': expected a map of {components} components, got the number {largest}; give the map that belongs to the recording."
            )

        array.Values |> Array.chunkBySize columns, rows, columns
    | other -> raise (LeithException $"'{path}': expected a map with two axes, latitude and longitude, got {other.Length} axes.")

/// The middle of each cell of a map that covers the globe in longitude and 60°S–60°N (or pole to pole) in latitude.
let private coordinates rows columns =
    let span = if rows * 3 = columns then 60.0 else 90.0

    Array.init rows (fun i -> -span + 2.0 * span * (float i + 0.5) / float rows),
    Array.init columns (fun j -> 360.0 * (float j + 0.5) / float columns)

let private painted title unit (cells: float[][]) rows columns (value: int -> float) : WorldMap =
    let latitudes, longitudes = coordinates rows columns

    {
        Title = title
        Latitudes = latitudes
        Longitudes = longitudes
        Values = cells |> Array.map (Array.map (fun cell -> if Double.IsNaN cell then nan else value (int cell - 1)))
        Unit = unit
    }

/// The response to a score that a library fits, with what the report says of it.
let private library (r: Recording) (data: Data) longest seed (estimator: Estimator) (asked: Library) =
    let plan, asked, fit = libraryFit r data longest seed estimator asked
    let components = unknowns data r
    let texts = VectorLibrary.texts plan

    let stein = [
        for i, x in List.indexed components ->
            Stages.steinRow $"{x} ŝ({x}) + 1" (1.0 - fit.Response.Values.[0].[i].[i]) fit.Response.StandardError.[0].[i].[i]
    ]

    fit.Response, VectorLibrary.notes asked texts fit, [ VectorLibrary.report estimator (Array.ofSeq r.Names) texts fit stein ]

/// The response to a score by clusters of noised data.
let private clusters (r: Recording) longest seed (estimator: Estimator) (asked: Clusters) =
    let score, samples, _ = clusterScore r seed asked

    let values = samples |> Array.map (fun (x: float[]) -> score.At(ReadOnlySpan x))

    let scores: float[][] =
        Array.init r.Components (fun i -> values |> Array.map (fun row -> row[i]))

    let products = LagProducts.Of(r, longest, [| scores |])
    let sigma = if score.Extrapolated then None else Some score.Sigma

    VectorResponse.FromScore(products, 0, true, 200, seed),
    "linear forecast as control variate" :: VectorClustered.notes score,
    [ Stages.scoreReport estimator sigma [] [] ]

let private timeUnitOf (data: Data) =
    data.TimeUnit |> Option.defaultValue "time units"

/// The largest response of each component, and when.
let private peaks (response: Response) =
    response.Values
    |> Array.map (fun curve ->
        let i = [ 0 .. curve.Length - 1 ] |> List.maxBy (fun i -> abs curve[i])
        curve[i], response.Lags[i])

let private maps (data: Data) (response: Response) components =
    match data.Map with
    | None -> []
    | Some path ->
        let cells, rows, columns = readMap path components
        let peaks = peaks response

        let unit =
            if data.Standardised then
                "standard deviations"
            else
                "units of the recording"

        [
            painted $"Largest response to a push of {response.Perturbation}" unit cells rows columns (fun k -> fst peaks[k])
            painted $"Time of the largest response to a push of {response.Perturbation}" (timeUnitOf data) cells rows columns (fun k -> snd peaks[k])
        ]

/// Which components answer, how much and how late, and how far to believe it.
let private verdict (estimator: Estimator) (data: Data) (response: Response) (band: NullBand) =
    let n = Digest.number

    let answers =
        [
            for i, name in Array.indexed response.Components do
                // The pushed component answers itself.
                if name <> response.Perturbation then
                    let curve = response.Values[i]

                    let outside =
                        [ 0 .. curve.Length - 1 ]
                        |> List.filter (fun lag -> curve[lag] < band.Low[i][lag] || curve[lag] > band.High[i][lag])

                    // One lag in three hundred leaves a band of three standard deviations by chance.
                    if outside.Length > max 1 (curve.Length / 60) then
                        let lag = outside |> List.maxBy (fun lag -> abs curve[lag])
                        name, curve[lag], response.Lags[lag], (response.StandardError |> Option.map (fun e -> e[i][lag]))
        ]
        |> List.sortByDescending (fun (_, value, _, _) -> abs value)

    let told (name, value, lag, error) =
        let error = error |> Option.map (fun e -> $" ± {n e}") |> Option.defaultValue ""
        $"{name} ({n value}{error} after {n lag} {timeUnitOf data})"

    let strongest =
        match answers with
        | [] -> ""
        | _ -> ", most of all " + (answers |> List.truncate 3 |> List.map told |> String.concat ", ")

    let condition =
        if estimator.Method.IsGaussian then
            "the recording is Gaussian and its components are all there is"
        else
            "its score is that of the recording and the components are all there is"

    $"Believe {response.Estimator} as far as {condition}: {answers.Length} of {response.Components.Length - 1} other components answer a push of {response.Perturbation} beyond what unconnected ones would{strongest}."

/// Expressions among the observables, in the names of the recording, and the row and name of everything that is observed: components first, then expressions.
let private observedRows (r: Recording) (data: Data) (observe: Field list) =
    let isColumn =
        function
        | Field.Unknown _ -> true
        | _ -> false

    let named = renamed data (unknowns data r) "observe" "expressions"

    let others =
        observe |> List.filter (isColumn >> not) |> List.map named |> List.distinct

    let rows f =
        if isColumn f then
            indices "observe" r [ f ] |> List.map (fun i -> i, r.Names[i])
        else
            let expression = named f
            [ r.Components + List.findIndex ((=) expression) others, string expression ]

    others, List.collect rows observe

let run setting (experiment: Experiment) (data: Data) =
    ignore setting.Threads
    let r = Terminal.stage "read" (fun _ -> load data)
    let longest = int (Math.Round(experiment.Lags / data.Spacing))
    r.CheckLags longest

    let pushes =
        match experiment.Perturb with
        | Perturbation.Push fields -> indices "perturb" r fields
        | Perturbation.Kick(u, _) -> raise (LeithException $"perturb: expected a push of a column, got a kick of {u}; write push (column data 0).")
        | _ -> []

    let others, named = observedRows r data experiment.Observe
    let observed = List.map fst named

    let products =
        Terminal.stage "correlate" (fun _ ->
            if others.IsEmpty then
                LagProducts.Of(r, longest)
            else
                LagProducts.Of(r, longest, series r (unknowns data r) others, [||]))

    let normalisation (estimator: Estimator) =
        match estimator.Normalisation with
        | Normalisation.Unbiased -> LagNormalisation.Pairs
        | Normalisation.Published -> LagNormalisation.Samples

    let seed = uint64 experiment.Seed

    let conjugate = asked r data experiment named others (indices "perturb" r) longest

    let plain (estimator: Estimator) : Response list * ScoreReport list =
        let estimate, notes, scores =
            Terminal.stage $"resample {estimator}" (fun _ ->
                match estimator.Method with
                | Method.Library asked -> library r data longest seed estimator asked
                | Method.Clustered asked -> clusters r longest seed estimator asked
                | _ -> VectorResponse.Gaussian(products.With(normalisation estimator), 200, seed), [], [])

        let curves (cube: float[][][]) kick =
            observed |> List.map (fun row -> cube |> Array.map (fun lag -> lag[row][kick])) |> Array.ofList

        [
            for kick in pushes ->
                ResponseBands.curvesOf
                    estimator.Label
                    (experiment.Observe |> List.map string |> String.concat ", ")
                    r.Names[kick]
                    estimate.Lags
                    (named |> List.map snd |> Array.ofList)
                    (curves estimate.Values kick)
                    (Some(curves estimate.StandardError kick))
                    (notes @ List.ofSeq estimate.Notes)
                |> ResponseBands.ofEstimate estimate observed kick
        ],
        scores

    let answers (estimator: Estimator) =
        // expressions are rows of the Gaussian's sums; a score that was fitted answers them as it does any push
        if
            VectorConjugate.isConjugateTo experiment.Perturb estimator
            || not (others.IsEmpty || estimator.Method.IsGaussian)
        then
            Terminal.stage $"resample {estimator}" (fun _ -> conjugate estimator)
        else
            plain estimator

    let answered = experiment.Estimate |> List.map answers
    let all = answered |> List.collect fst

    let band =
        AutoregressiveNull.Fit(r).Band(longest, nullWidth, normalisation experiment.Estimate.Head)

    let nullBand kick =
        let side (cube: float[][][]) =
            observed |> List.map (fun row -> cube |> Array.map (fun lag -> lag[row][kick])) |> Array.ofList

        {
            Title = $"components that know nothing of each other (AR(1), ±{nullWidth} sd), {r.Names[kick]} pushed"
            Low = side band.Low
            High = side band.High
        }

    let bands = if others.IsEmpty then pushes |> List.map nullBand else []
    let readAs = String.concat ", " r.Notes

    {
        nothing with
            Responses = all
            Scores = answered |> List.collect snd
            NullBands = bands
            Verdict = List.tryHead bands |> Option.map (verdict experiment.Estimate.Head data all.Head)
            Maps =
                if others.IsEmpty && observed.Length = r.Components then
                    all |> List.truncate 1 |> List.collect (fun response -> maps data response r.Components)
                else
                    []
            Notes = [
                "size", $"{r.Components} components, {r.Samples} samples" + (if readAs = "" then "" else $"; {readAs}")
                "slowest memory", $"{Digest.number (products.CorrelationSamples() * data.Spacing)} (integrated autocorrelation time)"
            ]
    }
