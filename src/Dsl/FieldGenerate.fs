/// Samples of a field from the scores of the estimators that ask for them.
module internal Leith.FieldGenerate

open System
open Leith.Core
open Leith.FieldRecord

/// A score without noise levels, as a map of the spectrum of the field.
let private clean c (estimator: Estimator) (deviation: float) (score: Func<ITileMap>) =
    if c.Unknowns.Length > 1 then
        raise (
            LeithException
                $"generating: expected a system of one field for {estimator}, got {c.Unknowns.Length} unknowns; use learned … or gaussian there."
        )

    let onSpectra () : ITileMap =
        match map c c.Unknown with
        | null -> score.Invoke()
        | _ -> new OfSpectrum(score.Invoke(), c.Grid, c.Model.Rows, pushedSegment c)

    NoisedScore(c.Grid.Sites, c.Grid, null, 0.0, infinity, (fun _ -> onSpectra ())), true, Some(1e-3 * deviation, deviation)

/// The score of an estimator, whether it has no noise levels, and those that can be taken where it has all.
let private score c (estimator: Estimator) (products: SpectralLagProducts) fields deviation (shared: LibraryRun.Shared option) =
    match estimator.Method, shared with
    | Method.Learned _, _ when FieldPublished.isPublished estimator ->
        raise (LeithException $"generating: expected a network that Leith trains itself, got {estimator}; write learned residualNet |> generating ….")
    | Method.Learned network, _ ->
        let score = FieldLearned.score c estimator network products fields deviation shared

        match network.Base, estimator.Generation with
        | NetworkBase.Library _,
          Some {
                   Sampler = GenerativeSampler.Langevin _
               } -> clean c estimator deviation (Func<ITileMap>(fun () -> score.CreateScore()))
        | NetworkBase.Library _, _ ->
            raise (
                LeithException
                    $"generating: expected langevin for {estimator}, whose library has no noise levels; write generating (langevin 2000), or a network without onLibrary."
            )
        | _ -> NoisedScore.Of score, false, None
    | Method.Gaussian, _ ->
        let law =
            GaussianMixture.OfField(c.Grid, [| struct (1.0, products.Mean, SpectralResponse.Power products) |])

        NoisedScore.Of law, false, Some(1e-2 * deviation, 10.0 * deviation)
    | Method.Exact [ score ], _ -> clean c estimator deviation (Func<ITileMap>(Lower.field c.Unknowns (Option.get (Field.place c.Unknown)) score))
    | Method.Library library, Some shared ->
        let chosen = LibraryRun.choose c shared library
        let fitted = LibraryScore.Fitted(shared.Sums, chosen.Terms, chosen.Ridge)
        clean c estimator deviation (Func<ITileMap>(fitted.CreateScore))
    | _ -> raise (LeithException $"generating: expected gaussian, exact …, libraryOf … or learned … for a field, got {estimator}.")

let run c products (fields: float32[][]) deviation shared = [
    let data =
        lazy (fields |> Array.map (Array.map float) |> Generate.byMember c.Plan.Members)

    for estimator in c.Experiment.Estimate do
        match estimator.Generation with
        | None -> ()
        | Some generation ->
            let score, isClean, range = score c estimator products fields deviation shared

            Generate.run c.Setting {
                Estimator = estimator.Label
                Generation = generation
                Names = [ string c.Unknown ]
                Grid = Some c.Grid
                Data = data.Value
                Members = c.Plan.Members
                Score = score
                IsClean = isClean
                Range = range
                Seed = c.Seed
            }
]
