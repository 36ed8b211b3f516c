namespace Leith

open System
open Leith.Core

/// Observables beyond plain expressions: events, moments, quantiles, the density.
[<AutoOpen>]
module StatisticWords =
    let private finite word (value: float) =
        if not (Double.IsFinite value) then
            raise (LeithException $"{word}: expected a finite number, got {value}.")

        value

    /// 1 where a is above this value, 0 elsewhere; its mean is the probability of exceedance: `observe [ above 2.0 x ]`.
    let above (value: float) (a: Field) =
        Field.Apply(Elementary.Step, a - finite "above" value)

    /// 1 where a is below this value, 0 elsewhere: its mean is the distribution function.
    let below (value: float) (a: Field) =
        Field.Apply(Elementary.Step, finite "below" value - a)

    /// (a − mean)/standard deviation with the numbers of the record, which do not answer the push: `cube (reduced x)`.
    let reduced (a: Field) =
        Field.Statistic(Statistic.Standardised, a)

    /// ⟨z⟩, ⟨z²⟩, … up to an order, z = `reduced a`.
    let moments (order: int) (a: Field) =
        if order < 1 then
            raise (LeithException $"moments: expected an order of at least 1, got {order}.")

        [ for n in 1..order -> Field.Pow(reduced a, n) ]

    /// The cumulant of order 1 (mean), 2 (variance), 3 or 4; the mean that it is taken about answers the push, too.
    let cumulant (order: int) (a: Field) =
        if order < 1 || order > 4 then
            raise (LeithException $"cumulant: expected an order from 1 to 4, got {order}.")

        Field.Statistic(Statistic.Cumulant order, a)

    /// The value below which a part p of the law lies: `quantile 0.95 x`. It answers with −δP(a ≤ q)/ρ(q).
    let quantile (p: float) (a: Field) =
        if not (p > 0.0 && p < 1.0) then
            raise (LeithException $"quantile: expected a probability between 0 and 1, got {p}.")

        Field.Statistic(Statistic.Quantile p, a)

    /// The probability density of a, over so many bins of equal probability's range; its answer integrates to zero: `density 40 x`.
    let density (bins: int) (a: Field) =
        if bins < 2 || bins > 200 then
            raise (LeithException $"density: expected 2 to 200 bins, got {bins}.")

        Field.Statistic(Statistic.Density bins, a)
