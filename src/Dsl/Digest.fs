/// What a reader wants first out of an outcome: peaks, the lags worth a column, the components worth a panel. Shared by the terminal and the report.
module internal Leith.Digest

open System

/// The largest response of one component, where it lies, its standard error and half its 95 % band.
type Peak = {
    Value: float
    Lag: float
    StandardError: float option
    HalfWidth: float option
}

/// Three significant digits; thousands and thousandths plain, the rest in powers of ten.
let number (x: float) =
    if Double.IsNaN x then
        "–"
    elif x = 0.0 then
        "0"
    else
        let size = abs x
        // Rounding first keeps 0.99996 from becoming "1.000".
        let x = float (x.ToString("G3", Globalization.CultureInfo.InvariantCulture))

        if size >= 1e5 || size < 1e-4 then
            x.ToString("0.##e+0", Globalization.CultureInfo.InvariantCulture)
        else
            x.ToString("0.#######", Globalization.CultureInfo.InvariantCulture)

/// A standard error: two significant digits say all of it.
let uncertainty (x: float) =
    if Double.IsNaN x || x = 0.0 then
        number x
    else
        number (float (x.ToString("G2", Globalization.CultureInfo.InvariantCulture)))

/// A value ± its error, where it is known.
let measured (value: float) (error: float option) =
    let error =
        error |> Option.map (fun e -> $" ± {uncertainty e}") |> Option.defaultValue ""

    number value + error

/// The index of the entry nearest to a value.
let nearest (values: float[]) (value: float) =
    values |> Array.indexed |> Array.minBy (fun (_, v) -> abs (v - value)) |> fst

/// What `distance` shows.
let distanceTitle = "L2 (from sampling alone) / L∞"

/// Both distances of a curve at the lag nearest to one, with the L2 distance that sampling alone would make.
let distance (curve: ErrorCurve) lag =
    let i = nearest curve.Lags lag

    let sampling =
        curve.L2StandardError |> Option.map (fun e -> $" ({number e[i]})") |> Option.defaultValue ""

    // An exact estimate is told apart from its reference by rounding alone; its digits mean nothing.
    if curve.L2[i] < 1e-9 then
        "rounding"
    else
        $"{number curve.L2[i]}{sampling} / {number curve.LInf[i]}"

/// At most `count` of the lags after zero, spread evenly in their logarithm, the last one among them.
let spread (lags: float[]) count =
    let positive = lags |> Array.filter (fun lag -> lag > 0.0)

    if positive.Length <= count then
        List.ofArray positive
    else
        let last = Array.last positive
        // From a twentieth of the record on: 5, 12, 34, 100 of a hundred.
        let first = max positive[0] (last / 20.0)

        [
            for i in 0 .. count - 1 -> first * (last / first) ** (float i / float (max 1 (count - 1)))
        ]
        |> List.map (fun lag -> positive[nearest positive lag])
        |> List.distinct

let errorLags (outcome: Outcome) count =
    match outcome.Errors with
    | [] -> []
    | errors -> spread (errors |> List.collect (fun e -> List.ofArray e.Lags) |> List.distinct |> List.sort |> Array.ofList) count

let isField (response: Response) = response.Shape.Length > 0

/// The largest magnitude after lag zero, where every response of the pushed component is one.
let peak (response: Response) component' =
    let values = response.Values[component']

    let candidates =
        [| 0 .. values.Length - 1 |]
        |> Array.filter (fun i -> not (Double.IsNaN values[i]) && (response.Lags[i] > 0.0 || values.Length = 1))

    if candidates.Length = 0 then
        {
            Value = nan
            Lag = nan
            StandardError = None
            HalfWidth = None
        }
    else
        let at = candidates |> Array.maxBy (fun i -> abs values[i])

        {
            Value = values[at]
            Lag = response.Lags[at]
            StandardError = response.StandardError |> Option.map (fun errors -> errors[component'][at])
            HalfWidth = response.BandOf component' |> Option.map (fun half -> half[at])
        }

/// The components worth a panel of their own: every second offset from the kick for a field, all of a few, the strongest of many.
let shown (response: Response) count =
    let n = response.Components.Length

    if isField response then
        [ 0..2 .. n - 1 ] |> List.truncate count
    elif n <= count then
        [ 0 .. n - 1 ]
    else
        [ 0 .. n - 1 ]
        |> List.sortByDescending (fun i ->
            let size = abs (peak response i).Value
            if Double.IsNaN size then -1.0 else size)
        |> List.truncate count
        |> List.sort

/// The estimators in the order in which they first appear.
let estimators (outcome: Outcome) =
    [
        yield! outcome.Responses |> List.map _.Estimator
        yield! outcome.Errors |> List.collect (fun e -> [ e.Against; e.Estimator ])
        yield! outcome.Scores |> List.map _.Estimator
    ]
    |> List.distinct

/// The estimator that the others are measured against: the propagator where there is one, else what most errors are taken against.
let reference (outcome: Outcome) =
    let known = estimators outcome

    match known |> List.tryFind (fun name -> name.Contains("propagator", StringComparison.OrdinalIgnoreCase)), outcome.Errors with
    | Some name, _ -> Some name
    | None, [] -> known |> List.tryFind (fun name -> name.StartsWith("dynamical", StringComparison.OrdinalIgnoreCase))
    | None, errors -> errors |> List.countBy _.Against |> List.maxBy snd |> fst |> Some

/// Responses of one observable to one perturbation, from every estimator, in order.
let groups (outcome: Outcome) =
    outcome.Responses
    // densities have figures of their own
    |> List.filter (fun r -> outcome.Densities |> List.forall (fun d -> r.Observable <> $"density of {d.Of}"))
    |> List.groupBy (fun r -> r.Observable, r.Perturbation)

/// The null band of a group: the one whose title names its perturbation, the one at its place, or the only one; none where the shapes do not fit.
let nullBand (outcome: Outcome) index (perturbation: string) (response: Response) =
    let fits (band: NullBand) =
        band.Low.Length = response.Components.Length
        && band.High.Length = band.Low.Length
        && band.Low |> Array.forall (fun row -> row.Length = response.Lags.Length)
        && band.High |> Array.forall (fun row -> row.Length = response.Lags.Length)

    let named =
        outcome.NullBands |> List.tryFind (fun band -> band.Title.Contains perturbation)

    match named, outcome.NullBands with
    | Some band, _ -> Some band
    | None, [ only ] -> Some only
    | None, bands when bands.Length = (groups outcome).Length -> Some bands[index]
    | _ -> None
    |> Option.filter fits
