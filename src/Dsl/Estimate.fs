namespace Leith

open System
open System.IO
open Leith.Core

/// How many pairs of runs a dynamical estimate makes.
[<RequireQualifiedAccess>]
type Effort =
    /// So many pairs.
    | Pairs of int
    /// As much as brings the standard error of the response down to this (Euclidean norm over all components, largest of any lag), by this kind of run; none: by the cheapest.
    | StandardError of float * DynamicalKind option

/// How a time correlation is normalised.
[<RequireQualifiedAccess>]
type Normalisation =
    /// Divided by the number of pairs: no bias.
    | Unbiased
    /// As published: circular, or divided by the full length; biased by 1 − lag/length.
    | Published

/// What the later values of observables are forecast from, by least squares.
[<RequireQualifiedAccess>]
type Regression =
    /// Monomials of the unknowns up to this total degree; powers of a field.
    | Polynomials of degree: int
    /// These features; on a homogeneous grid each with a free kernel.
    | Features of Field list
    /// These features with a ridge of so much of each one's variance, chosen by held-out error where none is given.
    | Ridge of Field list * strength: float option
    /// The last hidden layer of a network that was trained to forecast.
    | Network of Network

    /// The regression as text.
    member regression.Text =
        match regression with
        | Polynomials degree -> $"polynomials of degree {degree}"
        | Features features -> features |> List.map string |> String.concat ", "
        | Ridge(features, _) -> (features |> List.map string |> String.concat ", ") + " with a ridge"
        | Network _ -> "a network"

/// How a response is estimated.
[<RequireQualifiedAccess>]
type Method =
    /// Twin runs with the same noise.
    | Dynamical of Effort
    /// −C⁻¹(u − μ) as the score.
    | Gaussian
    /// A score that is known: one field, or one for each scalar unknown.
    | Exact of Field list
    /// exp(L t) of a linear equation.
    | Propagator
    /// A score that is a sum of features, fitted in closed form.
    | Library of Library
    /// A score from clusters of noised data.
    | Clustered of Clusters
    /// A score learned by denoising.
    | Learned of Network
    /// A score and a regression, whose errors multiply.
    | Robust of score: Estimator * Regression

/// An estimator of responses. Referred to by value; `named` gives it a name in the report.
and [<StructuredFormatDisplay("{Label}")>] Estimator = {
    Method: Method
    Name: string option
    Normalisation: Normalisation
    /// Samples to be drawn from its score and compared with the data.
    Generation: Generation option
    /// Vector fields g, one component an unknown each, on which the score is tested: ⟨g·ŝ⟩ + ⟨∇·g⟩ vanishes for the true one.
    Stein: Field list list
    /// Whether the score is multiplied by −⟨u ŝᵀ⟩⁻¹, where that lowers a held-out error.
    Corrected: bool
    /// Networks that are trained, each from a seed of its own; their spread enters the bands.
    Seeds: int
} with

    /// The name in the report.
    member estimator.Label =
        match estimator.Name, estimator.Method with
        | Some name, _ -> name
        | None, Method.Dynamical _ -> "dynamical"
        | None, Method.Gaussian -> "Gaussian"
        | None, Method.Exact _ -> "exact score"
        | None, Method.Propagator -> "propagator"
        | None, Method.Library library -> if library.Automatic then "library, chosen" else "library"
        | None, Method.Clustered _ -> "clustered"
        | None,
          Method.Learned {
                             Architecture = Architecture.Published
                         } -> "published"
        | None, Method.Learned _ -> "learned"
        | None, Method.Robust(score, regression) -> $"robust {score.Label}, {regression.Text}"
        + (if estimator.Name.IsNone && estimator.Normalisation = Normalisation.Published then
               ", as published"
           else
               "")

    override estimator.ToString() = estimator.Label

    /// The same estimator with this noise level; for a clustered score, which then belongs to the density smoothed by it, or a learned one.
    member estimator.WithNoiseLevel(value: float) : Estimator =
        match estimator.Method with
        | Method.Clustered _ -> {
            estimator with
                Method = Method.Clustered { Level = Some(NoiseLevel.check value) }
          }
        | Method.Learned network -> {
            estimator with
                Method = Method.Learned(network.WithNoiseLevel value)
          }
        | _ ->
            raise (LeithException $"noiseLevel: expected a network, clustered or learned, got {estimator}, which has no noise level; leave it out.")

/// A limit that an estimate must keep.
[<RequireQualifiedAccess>]
type Limit =
    /// max over lags of ‖R − R_ref‖₂ / ‖R_ref‖₂.
    | Near of float
    /// max over lags of ‖R − R_ref‖₂.
    | Within of float

/// A comparison of two estimates with its limit.
[<StructuredFormatDisplay("{Text}")>]
type Check = {
    Of: Estimator
    Reference: Estimator
    Limit: Limit
} with

    /// The check as text.
    member check.Text =
        match check.Limit with
        | Limit.Near r -> $"{check.Of} near {check.Reference}, {Typography.number r}"
        | Limit.Within r -> $"{check.Of} within {Typography.number r} of {check.Reference}"

    override check.ToString() = check.Text

/// The words of estimators and checks.
[<AutoOpen>]
module EstimateWords =
    let private estimator method = {
        Method = method
        Name = None
        Normalisation = Normalisation.Unbiased
        Generation = None
        Stein = []
        Corrected = false
        Seeds = 1
    }

    /// So many pairs of runs: `dynamical (pairs 1024)`.
    let pairs (count: int) =
        Effort.Pairs(Expect.atLeastOne "pairs" count)

    /// As many pairs as this standard error needs: `dynamical (standardError 0.006)`.
    let standardError (value: float) =
        Effort.StandardError(Expect.positive "standardError" value, None)

    /// Twin runs with the same noise, kicked at one site or in one unknown.
    let twinRuns = DynamicalKind.Twins
    /// Twin runs kicked at every site with a random sign.
    let fieldKicks = DynamicalKind.FieldKicks
    /// One run whose own noise serves as the kicks: for additive noise that reaches every mode.
    let noiseWeights = DynamicalKind.NoiseWeights

    /// The kind of run that a dynamical estimate makes, where it is not to choose: `dynamical (standardError 0.006 |> by noiseWeights)`.
    let by (kind: DynamicalKind) (effort: Effort) =
        match effort with
        | Effort.StandardError(value, _) -> Effort.StandardError(value, Some kind)
        | Effort.Pairs _ when kind = DynamicalKind.Twins -> effort
        | Effort.Pairs count ->
            raise (LeithException $"by: expected a standard error to reach, got {count} pairs, which are twin runs; write standardError 0.01 |> by …")

    /// Twin runs with the same noise, one of them pushed.
    let dynamical (effort: Effort) = estimator (Method.Dynamical effort)
    /// The response a Gaussian process would have, C(t) C(0)⁻¹; C is the covariance of all numbers, but of several fields that of the kicked one alone.
    let gaussian = estimator Method.Gaussian
    /// The response from a known score of a field: `exact (ouScore u)`.
    let exact (score: Field) = estimator (Method.Exact [ score ])
    /// The response from a known score of scalar unknowns, one component for each, in the order of the equations.
    let exactOf (score: Field list) = estimator (Method.Exact score)
    /// exp(L t), the response of a linear equation.
    let propagator = estimator Method.Propagator

    /// The response from a score that is a sum of features, each with a free kernel (on a grid) or a number a component (scalar unknowns): `libraryOf [ u; cube u ]`.
    let libraryOf (features: Field list) =
        estimator (
            Method.Library {
                Features = features
                Fixed = []
                Automatic = false
            }
        )

    /// Features that are proposed from the equations, or from the recording, and chosen by held-out loss.
    let libraryAuto =
        estimator (
            Method.Library {
                Features = []
                Fixed = []
                Automatic = true
            }
        )

    /// Features that have a single number each, beside those with a kernel: `libraryOf [ u ] |> alsoFixed [ cube u ]`.
    let alsoFixed (features: Field list) (library: Estimator) =
        match library.Method with
        | Method.Library terms -> {
            library with
                Method =
                    Method.Library {
                        terms with
                            Fixed = terms.Fixed @ features
                    }
          }
        | _ -> raise (LeithException $"alsoFixed: expected a library, got {library}; write libraryOf [ u ] |> alsoFixed [ cube u ].")

    /// Features that all have a single number each: `libraryOfFixed [ u; cube u; lap u ]`.
    let libraryOfFixed (features: Field list) = libraryOf [] |> alsoFixed features

    /// The response from a score by clusters of noised data, for a few scalar unknowns.
    let clustered = estimator (Method.Clustered { Level = None })

    /// The response from a score learned by denoising: `learned (residualNet |> channels 32)`.
    let learned (network: Network) = estimator (Method.Learned network)

    /// Draws samples from the score of an estimator and compares them with the data: `learned residualNet |> generating (reverseHeun 60)`.
    let generating (generation: Generation) (estimator: Estimator) =
        match estimator.Method, generation.Sampler with
        | (Method.Dynamical _ | Method.Propagator | Method.Robust _), _ ->
            raise (
                LeithException
                    $"generating: expected an estimator with a score, got {estimator}; write gaussian, exact …, libraryOf … or learned … |> generating …."
            )
        | (Method.Exact _ | Method.Library _ | Method.Clustered _), GenerativeSampler.Langevin _
        | (Method.Gaussian | Method.Learned _), _ -> {
            estimator with
                Generation = Some generation
          }
        | _ ->
            raise (
                LeithException
                    $"generating: expected langevin for {estimator}, whose score has no noise levels, got {generation.Text}; write generating (langevin 2000)."
            )

    let private demandScore word (estimator: Estimator) =
        match estimator.Method with
        | Method.Dynamical _
        | Method.Propagator ->
            raise (LeithException $"{word}: expected an estimator with a score, got {estimator}; write gaussian, exact …, libraryOf … or learned ….")
        | _ -> ()

    /// Monomials of the unknowns up to a total degree, as what a robust estimate forecasts from: `robust gaussian (polynomials 5)`.
    let polynomials (degree: int) =
        Regression.Polynomials(Expect.atLeastOne "polynomials" degree)

    let private some word (fields: Field list) =
        if fields.IsEmpty then
            raise (LeithException $"{word}: expected at least one feature, got none; write {word} [ x; cube x ].")

        fields

    /// Features of the state, as what a robust estimate forecasts from: `robust net (forecastFrom [ u; cube u ])`.
    let forecastFrom (fields: Field list) =
        Regression.Features(some "forecastFrom" fields)

    /// Features with a ridge, its strength chosen by held-out error.
    let ridge (fields: Field list) =
        Regression.Ridge(some "ridge" fields, None)

    /// Features with a ridge of this part of each one's variance.
    let ridgeOf (strength: float) (fields: Field list) =
        Regression.Ridge(some "ridgeOf" fields, Some(Expect.positive "ridgeOf" strength))

    /// The hidden units of a network, one layer of tanh(b + w·x), that is trained to forecast the observables, with the unknowns and (of five at most) their products: `robust gaussian (forecastBy (mlp |> channels 16))`.
    /// 32 units at most; channels, steps, batch and rate are those of the network.
    let forecastBy (network: Network) =
        if network.Architecture <> Architecture.Dense then
            raise (LeithException "forecastBy: expected a dense network, got one for fields; write forecastBy mlp.")

        let further = [
            if network.Weights.IsSome then
                "weights of a file"
            if network.Sigma.IsSome then
                "a noise level"
            if network.Schedule.IsSome then
                "a schedule of noise levels"
            if not network.Symmetries.IsEmpty then
                "symmetries"
        ]

        if not further.IsEmpty then
            raise (
                LeithException
                    $"forecastBy: expected a network with channels, steps, batch and rate alone, got {further.Head}, which a forecast has no use for; leave it out."
            )

        Regression.Network network

    /// The doubly robust response ⟨g·∇f⟩ + ⟨(A(t) − f(u₀)) B̂⟩ with f ≈ E[A(t)|u₀]: its bias is the product of the errors of score and regression. `robust gaussian (polynomials 5)`.
    let robust (score: Estimator) (regression: Regression) =
        demandScore "robust" score

        match score.Method with
        | Method.Robust _ -> raise (LeithException $"robust: expected a plain score, got {score}, which is robust; give its score.")
        | _ -> estimator (Method.Robust(score, regression))

    /// Tests the score on vector fields g, one component an unknown each: `gaussian |> testedOn [ [ cube x; number 0.0 ] ]`.
    let testedOn (fields: Field list list) (estimator: Estimator) =
        demandScore "testedOn" estimator

        if fields |> List.exists List.isEmpty then
            raise (LeithException "testedOn: expected a component for each unknown, got an empty list; write testedOn [ [ cube x ] ].")

        { estimator with Stein = fields }

    /// Multiplies the score by −⟨u ŝᵀ⟩⁻¹, which makes R(0) = I; done only where it lowers an error on data that the factor was not made from.
    let steinCorrected (estimator: Estimator) =
        demandScore "steinCorrected" estimator
        { estimator with Corrected = true }

    /// Trains so many networks, each from a seed of its own, and answers with their mean; their spread enters the bands.
    let overSeeds (count: int) (estimator: Estimator) =
        match estimator.Method with
        | Method.Learned { Weights = Some path } ->
            raise (
                LeithException
                    $"overSeeds: expected a network that is trained here, got the weights of {path}, which no seed changes; leave one of the two out."
            )
        | Method.Learned _ -> {
            estimator with
                Seeds = Expect.atLeastOne "overSeeds" count
          }
        | _ -> raise (LeithException $"overSeeds: expected a network, got {estimator}, which no seed changes; leave it out.")

    /// The name of an estimator in the report.
    let named (name: string) (estimator: Estimator) =
        if String.IsNullOrWhiteSpace name then
            raise (LeithException "named: expected a name, got blank text.")

        { estimator with Name = Some name }

    /// Time correlations normalised as in the publication that is compared with: biased by 1 − lag/length.
    let asPublished (estimator: Estimator) = {
        estimator with
            Normalisation = Normalisation.Published
    }

    /// The relative distance to a reference is at most `limit` at every lag: `net |> near truth 0.08`.
    let near (reference: Estimator) (limit: float) (estimator: Estimator) = {
        Of = estimator
        Reference = reference
        Limit = Limit.Near(Expect.positive "near" limit)
    }

    /// The distance to a reference is at most `limit` at every lag: `net |> within truth 0.01`.
    let within (reference: Estimator) (limit: float) (estimator: Estimator) = {
        Of = estimator
        Reference = reference
        Limit = Limit.Within(Expect.positive "within" limit)
    }
