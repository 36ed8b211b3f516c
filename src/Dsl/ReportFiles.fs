/// The machine-readable files of a run folder: result.json, responses.csv, responses.npy.
module internal Leith.ReportFiles

open System
open Leith.Charting
open System.IO
open System.Text
open Leith.Core

let private invariant = Globalization.CultureInfo.InvariantCulture

let private row (values: float[]) =
    values |> Array.map Number |> List.ofArray |> Items

let private rows (values: float[][]) =
    values |> Array.map row |> List.ofArray |> Items

let private orNull value = Option.defaultValue Null value

let response (r: Response) =
    Members [
        "estimator", Text r.Estimator
        "observable", Text r.Observable
        "perturbation", Text r.Perturbation
        "lags", row r.Lags
        "components", r.Components |> Array.map Text |> List.ofArray |> Items
        "values", rows r.Values
        "standardError", r.StandardError |> Option.map rows |> orNull
        "axis", Text r.Axis
        "band", r.Band |> Option.map rows |> orNull
        "wholeCurveBand", r.WholeCurveBand |> Option.map rows |> orNull
        "discretisation", r.Discretisation |> Option.map rows |> orNull
        "biasBound", r.BiasBound |> Option.map rows |> orNull
    ]

let error (e: ErrorCurve) =
    Members [
        "estimator", Text e.Estimator
        "against", Text e.Against
        "lags", row e.Lags
        "l2", row e.L2
        "linf", row e.LInf
        "l2StandardError", e.L2StandardError |> Option.map row |> Option.defaultValue Json.Null
    ]

let private score (s: ScoreReport) =
    let certificate (value, standardError) =
        Members [ "value", Number value; "standardError", Number standardError ]

    Members [
        "estimator", Text s.Estimator
        "sigma", s.Sigma |> Option.map Number |> orNull
        "stein",
        s.Stein
        |> List.map (fun t -> Members [ "field", Text t.Field; "value", Number t.Value; "z", Number t.Z ])
        |> Items
        "certificate", s.Certificate |> Option.map certificate |> orNull
        "certificateNote", s.CertificateNote |> Option.map Text |> orNull
        "trainingSeconds", s.TrainingSeconds |> Option.map Number |> orNull
        "relativeError", s.RelativeError |> Option.map certificate |> orNull
        "equation", s.Equation |> List.map Text |> Items
        "coefficients",
        s.Coefficients
        |> List.map (fun (component', feature, value, error) ->
            Members [
                "component", Text component'
                "feature", Text feature
                "value", Number value
                "standardError", Number error
            ])
        |> Items
    ]

let check (c: CheckResult) =
    Members [
        "name", Text c.Name
        "value", Number c.Value
        "limit", Number c.Limit
        "passed", Flag c.Passed
    ]

let private measured (m: Measurement) =
    Members [ "value", Number m.Value; "standardError", Number m.StandardError ]

let private curve (x: string) (c: MeasuredCurve) =
    Members [ x, row c.X; "values", row c.Values; "standardError", row c.StandardError ]

let private statistics (s: Statistics) =
    Members [
        "of", Text s.Of
        "count", Number s.Count
        "mean", measured s.Mean
        "variance", measured s.Variance
        "standardDeviation", measured s.StandardDeviation
        "skewness", measured s.Skewness
        "kurtosis", measured s.Kurtosis
        "density", curve "at" s.Density
        "densityPeaks",
        s.Peaks
        |> List.map (fun (at, height) -> Members [ "at", Number at; "height", measured height ])
        |> Items
        "densityAtZero", measured s.DensityAtZero
        "autocorrelation", s.Autocorrelation |> Option.map (curve "lags") |> orNull
        "meanAutocorrelation", s.MeanAutocorrelation |> Option.map (curve "lags") |> orNull
        "twoPoint", s.TwoPoint |> List.map (fun (axis, c) -> axis, curve "distances" c) |> Members
        "spectrum", s.Spectrum |> Option.map (curve "wavenumbers") |> orNull
    ]

let private energy (e: EnergyDistance) =
    Members [
        "value", Number e.Value
        "pValue", Number e.PValue
        "first", Number(float e.First)
        "second", Number(float e.Second)
    ]

let private generated (g: Generated) =
    let both (n: ComparedNumber) =
        Members [ "of", Text n.Of; "data", measured n.Data; "generated", measured n.Generated ]

    Members [
        "estimator", Text g.Estimator
        "sampler", Text g.Sampler
        "levels", row [| fst g.Levels; snd g.Levels |]
        "samples", Number(float g.Samples.Length)
        "numbers", g.Numbers |> List.map both |> Items
        "curves",
        g.Curves
        |> List.map (fun c ->
            Members [
                "of", Text c.Of
                "data", curve "at" c.Data
                "generated", curve "at" c.Generated
            ])
        |> Items
        "energyDistance", energy g.Energy
        "start",
        g.Start
        |> Option.map (fun (distance, components) -> Members [ "components", Number(float components); "energyDistance", energy distance ])
        |> orNull
        "slicedWasserstein", measured g.Wasserstein
        "slicedWassersteinOfData", measured g.WassersteinOfData
        "logLikelihood", g.LogLikelihood |> Option.map both |> orNull
        "stein",
        g.Stein
        |> List.map (fun s ->
            Members [
                "sigma", Number s.Sigma
                "field", Text s.Field
                "row", Number(float s.Row)
                "value", Number s.Value
                "z", Number s.Z
            ])
        |> Items
    ]

/// The schema of result.json, stable because other programs read it.
let result (outcome: Outcome) =
    Members [
        "experiment", Text outcome.Title
        "script", Text(fst outcome.Script)
        "seed", Number(float outcome.Seed)
        "versions", outcome.Versions |> List.map (fun (name, version) -> name, Text version) |> Members
        "seconds", outcome.Seconds |> List.map (fun (name, seconds) -> name, Number seconds) |> Members
        "responses", outcome.Responses |> List.map response |> Items
        "errors", outcome.Errors |> List.map error |> Items
        "scores", outcome.Scores |> List.map score |> Items
        "checks", outcome.Checks |> List.map check |> Items
        "statistics", outcome.Statistics |> List.map statistics |> Items
        "generated", outcome.Generated |> List.map generated |> Items
        "sensitivities", SensitivityTable.json outcome.Sensitivities
    ]

let private quoted (text: string) =
    if text.IndexOfAny [| ','; '"'; '\n'; '\r' |] >= 0 then
        "\"" + text.Replace("\"", "\"\"") + "\""
    else
        text

let private cell (x: float) =
    if Double.IsFinite x then x.ToString("R", invariant) else ""

let private columns =
    "estimator,observable,perturbation,component,lag,value,standard_error,band,whole_curve_band,bias_bound"

/// One line a value: the cells given, then those of `columns`, half widths of bands (empty where unknown).
let private lines (writer: StreamWriter) (before: string list) (responses: Response list) =
    for r in responses do
        let band, whole = r.Band, r.WholeCurveBand

        for component' in 0 .. r.Components.Length - 1 do
            let head =
                before @ [ r.Estimator; r.Observable; r.Perturbation; r.Components[component'] ]
                |> List.map quoted
                |> String.concat ","

            for lag in 0 .. r.Lags.Length - 1 do
                let known (values: float[][] option) =
                    values |> Option.map (fun v -> cell v.[component'].[lag]) |> Option.defaultValue ""

                let cells = [
                    head
                    cell r.Lags[lag]
                    cell r.Values.[component'].[lag]
                    known r.StandardError
                    known band
                    known whole
                    known r.BiasBound
                ]

                writer.WriteLine(String.Join(',', cells))

let private table (stream: Stream) (titles: string) (write: StreamWriter -> unit) =
    use writer = new StreamWriter(stream, UTF8Encoding false, 1 <<< 16, true)
    writer.NewLine <- "\n"
    writer.WriteLine titles
    write writer

/// One line a value: estimator, observable, perturbation, component, lag, value, standard error, half widths of the 95 % bands, bound on the bias (empty where unknown).
let csv (outcome: Outcome) (stream: Stream) =
    table stream columns (fun writer -> lines writer [] outcome.Responses)

/// The same lines of several experiments, the title of each in front.
let csvOfSeveral (outcomes: Outcome list) (stream: Stream) =
    table stream ("experiment," + columns) (fun writer ->
        for outcome in outcomes do
            lines writer [ outcome.Title ] outcome.Responses)

/// [estimator][lag][x][y] where every response is a field, [estimator][component][lag] otherwise, the first axis in the order of result.json;
/// responses shorter than the longest are filled up with NaN.
let npy (outcome: Outcome) (stream: Stream) =
    let responses = outcome.Responses

    let longest length =
        if responses.IsEmpty then
            0
        else
            responses |> List.map length |> List.max

    let lags = longest _.Lags.Length

    let at (values: 'a[]) i =
        if i < values.Length then Some values[i] else None

    let shapes = responses |> List.map _.Shape |> List.distinct

    match shapes with
    | [ grid ] when grid.Length > 0 && responses |> List.forall _.Field.IsSome ->
        let sites = Array.reduce (*) grid

        let values = seq {
            for r in responses do
                for lag in 0 .. lags - 1 do
                    match at r.Field.Value lag with
                    | Some field -> yield! field
                    | None -> yield! Seq.replicate sites nan
        }

        RunFolder.WriteNpy(stream, [| yield responses.Length; yield lags; yield! grid |], values)
    | _ ->
        let components = longest _.Components.Length

        let values = seq {
            for r in responses do
                for component' in 0 .. components - 1 do
                    for lag in 0 .. lags - 1 do
                        yield at r.Values component' |> Option.bind (fun curve -> at curve lag) |> Option.defaultValue nan
        }

        RunFolder.WriteNpy(stream, [| responses.Length; components; lags |], values)
