/// Doubly robust responses of fields: a score and a regression, whose errors multiply.
module internal Leith.FieldRobust

open System
open System.Collections.Generic
open Leith.Core
open Leith.Stages
open Leith.FieldRecord
open Leith.LibraryRun

/// What was found of one observable.
type Found = {
    Response: FieldResponse
    /// −⟨u ŝ⟩ at lag zero, and what it is for a perfect score; none: a unit kick.
    Identity: FieldResponse
    Expected: float[] option
    Trust: FieldTrust.Assessment option
    Sigma: float option
    /// At every lag, the power that the regression leaves of the observable in each mode.
    Left: int -> float[]
    Notes: string list
}

/// The form of a score that is made of features of the record alone.
let form c shared (estimator: Estimator) =
    match estimator.Method with
    | Method.Gaussian -> FieldScoreForm.Gaussian, [ c.Unknown ]
    | Method.Exact [ score ] -> FieldScoreForm(null, 0.0, [| KnownTerm(indexOf shared score) |]), []
    | Method.Library library ->
        let chosen = choose c shared library
        LibraryScore.Fitted(shared.Sums, chosen.Terms, chosen.Ridge) |> ignore

        FieldScoreForm(chosen.Terms, chosen.Ridge, [||]),
        (if chosen.Terms.Fixed.Count = 0 then
             chosen.Terms.Free |> Seq.map (fun j -> shared.Fields[j]) |> List.ofSeq
         else
             [])
    | _ ->
        raise (
            LeithException
                $"robust: expected gaussian, exact, libraryOf or learned, got {estimator}; a robust estimate of a field needs one of these."
        )

let private residualNotes c (left: int -> float[]) (total: float[]) =
    let share lag =
        Digest.number (100.0 * Array.sum (left lag) / Array.sum total)

    let lags =
        [ c.Longest / 4; c.Longest ] |> List.filter (fun l -> l > 0) |> List.distinct

    let text =
        lags
        |> List.map (fun lag -> $"{share lag} %% at lag {Digest.number (float lag * c.Plan.Every)}")
        |> String.concat ", "

    $"the regression leaves of the variance of the observable {text}"

let private scoreNote (trust: FieldTrust.Assessment option) =
    match trust |> Option.bind _.Certificate with
    | Some certificate -> $"the score misses {Digest.number (100.0 * certificate.Relative)} %% of the true one in the norm of the noise"
    | None -> "how much the score misses is not known without a certificate"

/// The doubly robust response.
let estimate
    c
    bootstrap
    (estimator: Estimator)
    (score: Estimator)
    regression
    observable
    shared
    (products: Dictionary<Field * string, SpectralLagProducts>)
    fields
    deviation
    : Found =
    let features, strength = LibraryRun.regression c estimator regression
    let numbers = features |> List.map (indexOf shared) |> List.toArray
    let index = shared.Observables |> List.findIndex ((=) observable)

    let ridge =
        match strength with
        | Some ridge -> ridge
        | None ->
            let struct (ridge, _) =
                LibraryChoice(shared.Sums).BestRidge(LibraryTerms(numbers, [||]))

            ridge

    let leaves numbers =
        let explained = RobustFieldResponse.Explained(shared.Sums, index, numbers, ridge)
        let total = shared.Sums.Power(indexOf shared observable)
        (fun lag -> Array.map2 (fun p e -> max 0.0 (p - e)) total explained[lag]), total

    match score.Method with
    | Method.Learned network when not (FieldPublished.isPublished score) ->
        let found =
            FieldLearned.estimate
                c
                bootstrap
                {
                    score with
                        Stein = estimator.Stein @ score.Stein
                }
                observable
                network
                products
                fields
                deviation
                (Some shared)
                (Some(features, ridge))

        let left, total =
            leaves (found.Forecast |> List.map (indexOf shared) |> List.toArray)

        {
            Response = found.Response
            Identity = found.Identity
            Expected = found.Expected
            Trust = found.Trust
            Sigma = Some found.Score.Sigma
            Left = left
            Notes = residualNotes c left total :: scoreNote found.Trust :: found.Notes
        }
    | _ ->
        let form, own = form c shared score

        let trust =
            FieldTrust.assess
                c
                bootstrap
                shared
                shared.Sums
                {
                    score with
                        Stein = estimator.Stein @ score.Stein
                }
                form

        let r, identity =
            Terminal.stage $"resample {estimator}" (fun _ ->
                RobustFieldResponse.Estimate(shared.Sums, index, form, numbers, ridge, c.Plan.Every, bootstrap),
                RobustFieldResponse.AtLagZero(shared.Sums, form, bootstrap))

        let left, total = leaves numbers

        let sameClass =
            if RobustFieldResponse.ScoreOutside(shared.Sums, form, numbers) < 1e-9 then
                [
                    "the score is of the class of the regression, which alone gives the answer: that of a library on the same features"
                ]
            elif not own.IsEmpty && features |> List.forall (fun f -> List.contains f own) then
                [
                    "the regression is of the class that the score was fitted on: the answer is that of the score alone, nothing is gained"
                ]
            else
                []

        {
            Response = r
            Identity = identity
            Expected = None
            Trust = Some trust
            Sigma = None
            Left = left
            Notes =
                sameClass
                @ [
                    residualNotes c left total
                    scoreNote (Some trust)
                    $"{Digest.number shared.Sums.Fields} base fields, a regression on {features.Length} features with a kernel each"
                    if ridge > 0.0 then
                        $"ridge {Digest.number ridge}"
                ]
        }
