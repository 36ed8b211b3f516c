/// What the bootstrap of the core says of a response of the report.
module internal Leith.ResponseBands

open Leith.Core

/// Curves [component][lag] of one push, without resamples, bands or bounds.
let curvesOf (estimator: string) observable perturbation lags components values errors notes : Response = {
    Estimator = estimator
    Observable = observable
    Perturbation = perturbation
    Axis = "lag"
    Lags = lags
    Components = components
    Values = values
    StandardError = errors
    Replicates = None
    OwnErrors = None
    Pointwise = Bands.Normal
    Simultaneous = None
    Discretisation = None
    BiasBound = None
    Field = None
    FieldStandardError = None
    Shape = [||]
    Notes = notes
}

/// Fewer blocks have no quantile; an estimate that says nothing of its blocks counts as one of many.
let private student independent =
    if independent >= 2 then
        Bands.Student(float independent)
    else
        Bands.Normal

/// [component][resample][lag] of these rows and this kick.
let private curves (rows: int list) kick (replicates: float[][][][]) =
    rows
    |> List.map (fun row -> replicates |> Array.map (Array.map (fun lag -> lag[row][kick])))
    |> Array.ofList

/// With the resamples of an estimate of scalar unknowns: the components are these rows of it, the perturbation this kick.
let ofEstimate (r: ResponseEstimate) (rows: int list) (kick: int) (response: Response) = {
    response with
        Replicates = r.Replicates |> Option.ofObj |> Option.map (curves rows kick)
        OwnErrors =
            r.OwnErrors
            |> Option.ofObj
            |> Option.map (fun own -> [| for row in rows -> own |> Array.map (fun resample -> resample[row][kick]) |])
        Pointwise = student r.Independent
}

/// With curves [resample][lag][component].
let ofCurves (replicates: float[][][] | null) (independent: int) (response: Response) = {
    response with
        Replicates =
            replicates
            |> Option.ofObj
            |> Option.filter (Array.isEmpty >> not)
            |> Option.map (fun all -> Array.init response.Values.Length (fun i -> all |> Array.map (Array.map (fun lag -> lag[i]))))
        Pointwise = student independent
}

/// With the resamples of a field along its first axis, which are its components.
let ofField (r: FieldResponse) (response: Response) =
    ofCurves r.Replicates r.Independent response

/// Everything that is told of a finished response: the band of the whole curve.
let complete (response: Response) = {
    response with
        Simultaneous = response.WholeCurveMultipliers
}
