namespace Leith

open Leith.Core

/// One estimator's impulse response of one observable to one perturbation.
type Response = {
    Estimator: string
    Observable: string
    Perturbation: string
    /// What `Lags` counts: "lag", "time" of a lasting forcing, or "frequency".
    Axis: string
    /// [lag], in the time units of the script.
    Lags: float[]
    /// Names of the curves: "x+0", "x+1", … along the first axis through the kick for a field, names of unknowns otherwise.
    Components: string[]
    /// [component][lag].
    Values: float[][]
    /// [component][lag], one standard error; none when the estimate has no sampling error that is known.
    StandardError: float[][] option
    /// [component][resample][lag], the curves of the bootstrap, which whole-curve bands and everything that is made of a response are made of.
    Replicates: float[][][] option
    /// [component][resample], the standard error that a resample gives itself over that of the data, where it is known: where few events make a response, resamples with few of them are too sure of it.
    OwnErrors: float[][] option
    /// Half the width of the 95 % band at one lag, in standard errors, as the number of independent blocks asks for; `Band` is wider where resamples say so.
    Pointwise: float
    /// [component], half the width of the band that holds the whole curve in 95 % of cases, in standard errors.
    Simultaneous: float[] option
    /// [component][lag], the error that the spacing of lags makes.
    Discretisation: float[][] option
    /// [component][lag], a bound on the bias.
    BiasBound: float[][] option
    /// [lag][x * Ny + y], every offset from the kick, for fields.
    Field: float[][] option
    /// Standard error of `Field`, same shape.
    FieldStandardError: float[][] option
    /// Shape of the grid ([Nx; Ny]) for fields, empty otherwise.
    Shape: int[]
    /// What the reader should know of this estimate: pairs used, linear-regime check, data seen.
    Notes: string list
} with

    /// What the resamples of a component say of their own errors; a mean over components where a response was put together from others.
    member private r.Own component' : float[] | null =
        match r.OwnErrors, r.Replicates with
        | Some own, Some replicates when own.Length > 0 && own[0].Length = replicates[component'].Length ->
            if own.Length = replicates.Length then
                own[component']
            else
                Array.init own[0].Length (fun b -> own |> Array.averageBy (fun errors -> errors[b]))
        | _ -> null

    /// Half the width of the band that holds the value of a component at each lag in 95 % of cases, in standard errors.
    member r.Multipliers(component': int) : float[] =
        match r.StandardError, r.Replicates with
        | Some errors, Some replicates ->
            Bands.Pointwise(r.Pointwise, r.Values[component'], errors[component'], replicates[component'], r.Own component')
        | _ -> Array.create r.Values[component'].Length r.Pointwise

    /// [component], the same of the band that holds the whole curve; none without resamples.
    member r.WholeCurveMultipliers: float[] option =
        match r.StandardError, r.Replicates with
        | Some errors, Some replicates ->
            Some(Array.init r.Values.Length (fun i -> Bands.Simultaneous(r.Multipliers i, r.Values[i], errors[i], replicates[i], r.Own i)))
        | _ -> None

    /// Half the width of the 95 % band of a component at each lag.
    member r.BandOf(component': int) : float[] option =
        r.StandardError
        |> Option.map (fun errors -> Array.map2 (*) (r.Multipliers component') errors[component'])

    /// [component][lag], half the width of the 95 % band of each lag.
    member r.Band: float[][] option =
        r.StandardError |> Option.map (Array.mapi (fun i errors -> Array.map2 (*) (r.Multipliers i) errors))

    /// [component][lag], half the width of the band that holds the whole curve in 95 % of cases; none without resamples.
    member r.WholeCurveBand: float[][] option =
        match r.StandardError, (r.Simultaneous |> Option.orElse r.WholeCurveMultipliers) with
        | Some errors, Some multipliers -> Some(Array.map2 (fun m -> Array.map ((*) m)) multipliers errors)
        | _ -> None

/// How the density of an observable answers, over its bins.
type DensityAnswer = {
    Estimator: string
    Of: string
    Perturbation: string
    /// Edges of the bins, one more than bins.
    Edges: float[]
    /// The density itself, [bin].
    Law: float[]
    Lags: float[]
    /// [bin][lag].
    Values: float[][]
    StandardError: float[][] option
}

/// d⟨A⟩/dλ for a forcing that lasts: the integral of the impulse response.
type Sensitivity = {
    Estimator: string
    Observable: string
    Perturbation: string
    Value: float
    /// From sampling and from the fit of the tail together.
    StandardError: float
    /// What the exponential tail beyond the longest lag adds, 0 where the lags are long enough.
    Tail: float
    TailError: float
    /// The error that the spacing of lags makes.
    Discretisation: float
    Notes: string list
}

/// Distance between two estimates: Euclidean and largest absolute, over all components (all sites for a field), lag by lag.
type ErrorCurve = {
    Estimator: string
    Against: string
    Lags: float[]
    L2: float[]
    LInf: float[]
    /// Expected size of L2 from sampling alone: √(sum of squared standard errors).
    L2StandardError: float[] option
}

/// ⟨g·ŝ⟩ + ⟨∇·g⟩ of one test field g, which vanishes for the true score, with its z-score.
type SteinRow = {
    Field: string
    Value: float
    Z: float
}

/// What is known about one score.
type ScoreReport = {
    Estimator: string
    /// Noise level the score belongs to; none for scores of the law itself.
    Sigma: float option
    Stein: SteinRow list
    /// (value, standard error).
    Certificate: (float * float) option
    /// What the certificate leaves out or takes for granted.
    CertificateNote: string option
    /// (training step, training loss, validation loss), of a learned score.
    Training: (int * float * float) list
    /// Seconds of the clock that the training took, where it is known; with the machine as it was when it ran.
    TrainingSeconds: float option
    /// The fitted score as equations, one line each, of a score in closed form.
    Equation: string list
    /// (component, feature, coefficient, standard error), of a score in closed form.
    Coefficients: (string * string * float * float) list
    /// (feature, |w(k)| along the first axis), of a library with free kernels.
    Kernels: (string * Leith.Core.MeasuredCurve) list
    /// Relative L2 distance √(⟨|ŝ − s|²⟩/⟨|s|²⟩) to the exact score where one is among the estimators, with its standard error.
    RelativeError: (float * float) option
}

type CheckResult = {
    Name: string
    Value: float
    Limit: float
    Passed: bool
}

/// A field drawn as a picture: [x * Ny + y] over `Shape`, with a title.
type Snapshot = {
    Title: string
    Shape: int[]
    Values: float[]
}

/// A world map drawn as a picture: [latitude][longitude], NaN where nothing is drawn.
type WorldMap = {
    Title: string
    Latitudes: float[]
    Longitudes: float[]
    Values: float[][]
    /// What the colours mean, with unit.
    Unit: string
}

/// A band that belongs to no estimator, drawn behind the curves: the null hypothesis of a recording.
type NullBand = {
    Title: string
    /// [component][lag].
    Low: float[][]
    High: float[][]
}

/// The stationary law of one unknown as the ensemble shows it.
type Statistics = {
    /// The unknown.
    Of: string
    /// Values behind the moments and the density: sites × members × samples.
    Count: float
    Mean: Measurement
    Variance: Measurement
    StandardDeviation: Measurement
    /// Third central moment over the standard deviation cubed.
    Skewness: Measurement
    /// Fourth central moment over the variance squared, 3 for a Gaussian law.
    Kurtosis: Measurement
    /// Probability density of the value at one site.
    Density: MeasuredCurve
    /// Maxima of the density: where, and how high.
    Peaks: (float * Measurement) list
    /// The density at the value 0.
    DensityAtZero: Measurement
    /// Autocorrelation in time at one site, at the lags of the experiment; none for scalar unknowns.
    Autocorrelation: MeasuredCurve option
    /// Autocorrelation in time of the mean over all sites.
    MeanAutocorrelation: MeasuredCurve option
    /// Correlation of two sites over their distance along each axis: name of the axis, curve.
    TwoPoint: (string * MeasuredCurve) list
    /// Variance per unit wavenumber, over |k|.
    Spectrum: MeasuredCurve option
}

/// A statistic of the data and of generated samples, curve beside curve.
type ComparedCurve = {
    /// What it is: "density of u", "quantiles of u", "correlation along x", "correlation", "spectrum".
    Of: string
    Data: MeasuredCurve
    Generated: MeasuredCurve
} with

    /// max |generated − data|.
    member c.Largest =
        Array.map2 (fun a b -> abs (a - b)) c.Data.Values c.Generated.Values |> Array.max

/// A number of the data and of generated samples.
type ComparedNumber = {
    Of: string
    Data: Measurement
    Generated: Measurement
}

/// Samples drawn from the score of an estimator, and how they compare with the data.
type Generated = {
    Estimator: string
    /// How they were drawn, and from which noise level to which.
    Sampler: string
    /// Largest and smallest noise level, in the unit of σ.
    Levels: float * float
    /// [sample][site or unknown].
    Samples: float[][]
    /// Shape of the grid for fields, empty otherwise.
    Shape: int[]
    /// Mean, variance, third and fourth cumulant, peaks and value at zero of the density, of each unknown.
    Numbers: ComparedNumber list
    /// Densities and quantiles of each unknown; of a field the correlations and the spectrum, too.
    Curves: ComparedCurve list
    /// Energy distance of independent samples of both, with its p-value by permutation, and the counts of both.
    Energy: EnergyDistance
    /// The same at the largest noise level: the noised data beside the law that the reverse equation starts from. None where there is none.
    Start: (EnergyDistance * int) option
    /// Sliced Wasserstein-1 distance, in standard deviations, and that of two independent halves of the data.
    Wasserstein: Measurement
    WassersteinOfData: Measurement
    /// Log-density of independent samples at the smallest noise, by the probability flow, in nats a site or unknown.
    LogLikelihood: ComparedNumber option
    /// Residuals of the Stein identity at several noise levels.
    Stein: SteinResidual list
    /// Two samples of the data and two generated ones, of a field.
    Snapshots: Snapshot list
    Notes: string list
}

/// Everything that a run found out.
type Outcome = {
    Title: string
    /// The comment lines at the head of the script.
    Header: string list
    /// One printed line each: equation, noise, scheme, sampling, perturbation.
    Description: (string * string) list
    /// One sentence: which estimator to believe, and why.
    Verdict: string
    /// Path and text of the script.
    Script: string * string
    Sketch: bool
    Seed: int
    Threads: int
    Versions: (string * string) list
    /// Wall seconds of each stage, in order.
    Seconds: (string * float) list
    Responses: Response list
    Errors: ErrorCurve list
    /// Answers of probability densities.
    Densities: DensityAnswer list
    /// Answers to forcing that lasts.
    Sensitivities: Sensitivity list
    Scores: ScoreReport list
    Checks: CheckResult list
    Snapshots: Snapshot list
    Maps: WorldMap list
    NullBands: NullBand list
    /// The law of each unknown that was simulated.
    Statistics: Statistics list
    /// Samples drawn from scores, for estimators that ask for it.
    Generated: Generated list
    /// Folder of the run.
    Folder: string
} with

    /// The response of an estimator, by the name it bears in the report.
    member outcome.Response(estimator: string) =
        match outcome.Responses |> List.tryFind (fun r -> r.Estimator = estimator) with
        | Some response -> response
        | None ->
            let known = outcome.Responses |> List.map _.Estimator |> String.concat ", "
            failwith $"there is no response named '{estimator}'; this run has: {known}."
