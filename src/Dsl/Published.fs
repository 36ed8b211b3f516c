namespace Leith

open Leith.Core

/// What a published figure shows.
[<RequireQualifiedAccess>]
type Quantity =
    /// The response so many sites from the kick, along the first axis.
    | Offset of int
    /// The Euclidean distance to the reference.
    | L2
    /// The largest distance to the reference.
    | LInf

/// Points of a published curve, to stand beside one of ours.
type Published = {
    /// The estimator that the publication's curve belongs to.
    Estimator: Estimator
    Quantity: Quantity
    /// (lag, value).
    Points: (float * float) list
}

/// One row of a figure: an experiment, and what was published of its system.
type FigureRow = {
    Experiment: Experiment
    Published: Published list
}

/// The words of published values.
[<AutoOpen>]
module PublishedWords =
    /// The response so many sites from the kick, along the first axis.
    let offset (sites: int) = Quantity.Offset sites
    /// The Euclidean distance to the reference.
    let l2Distance = Quantity.L2
    /// The largest distance to the reference.
    let lInfDistance = Quantity.LInf

    /// Points (lag, value) of a published curve, beside those of an estimator: `published truth (offset 2) [ (18.6, 0.198) ]`.
    let published (estimator: Estimator) (quantity: Quantity) (points: (float * float) list) : Published =
        for lag, value in points do
            if not (System.Double.IsFinite lag && System.Double.IsFinite value && lag >= 0.0) then
                raise (LeithException $"published: expected lags from 0 on and finite values, got ({lag}, {value}).")

        {
            Estimator = estimator
            Quantity = quantity
            Points = points
        }

    /// One row of a figure: `row (experiment "…" { … }) [ published … ]`.
    let row (experiment: Experiment) (published: Published list) : FigureRow =
        for p in published do
            if not (List.contains p.Estimator experiment.Estimate) then
                raise (
                    LeithException
                        $"row \"{experiment.Title}\": expected published values of an estimator that stands in its `estimate`, got '{p.Estimator}'; add it there."
                )

        {
            Experiment = experiment
            Published = published
        }
