/// Scores that a second pass over the ensemble correlates: clustered ones and networks.
module internal Leith.VectorClustered

open System
open Leith.Core

/// Samples that trees are built from and networks trained on, at most.
let samplesKept = 262_144

/// Samples that fill the leaves of clusters, at most.
let private samplesFilled = 4e7

/// A score that was made from the data.
type Made = {
    /// Its maps, one a thread.
    Create: unit -> ITileMap
    Sigma: float option
    Notes: string list
    Training: (int * float * float) list
    /// What −⟨x_i ŝ_i⟩ should be; none: 1.
    Expected: float[] option
}

let canonical (clusters: Clusters) =
    let level =
        clusters.Level |> Option.map Typography.exactly |> Option.defaultValue "chosen"

    $"clusters {level}"

/// What the report says of a clustered score: clusters, noise level, whether extrapolated.
let private told leaves (sigma: float) extrapolated = [
    $"{leaves} clusters at noise level σ = {Digest.number sigma}"
    if extrapolated then
        "score extrapolated to σ = 0 from σ and √2 σ"
]

let notes (score: ClusteredScore) =
    told score.Leaves score.Sigma score.Extrapolated

/// What is kept of a clustered score whose sums are kept.
let summary (score: ClusteredScore) =
    let arrays = Arrays()
    arrays["clusters"] <- [| float score.Leaves; score.Sigma; (if score.Extrapolated then 1.0 else 0.0) |]
    arrays

let private described create (smoothed: float -> float[]) leaves sigma extrapolated : Made = {
    Create = create
    Sigma = if extrapolated then None else Some sigma
    Notes = told leaves sigma extrapolated
    Training = []
    Expected = if extrapolated then None else Some(smoothed sigma)
}

/// A clustered score; `smoothed` is −⟨x_i ŝ_i⟩ of a Gaussian at a noise level.
let made smoothed (score: ClusteredScore) : Made =
    described (fun () -> score.CreateScore()) smoothed score.Leaves score.Sigma score.Extrapolated

/// One of which the summary alone is left.
let summarised smoothed (arrays: Arrays) : Made =
    match List.ofArray arrays["clusters"] with
    | [ leaves; sigma; extrapolated ] -> described (fun () -> invalidOp "the clusters were not kept") smoothed (int leaves) sigma (extrapolated = 1.0)
    | _ -> invalidOp "not a summary of clusters"

let meanOf (samples: float[][]) =
    Array.init samples[0].Length (fun i -> samples |> Array.averageBy (fun x -> x[i]))

/// Every so many samples of a member that fill leaves.
let thinning (plan: SamplingPlan) =
    max 1L (int64 (Math.Ceiling(float plan.Samples * float plan.Members / samplesFilled)))

/// The score of a network, extrapolated to σ = 0 from its smallest noise level and √2 times that, where it was trained there and no level was asked for.
let ofNetwork components (network: Network) (smoothed: float -> float[]) (score: LearnedScore) : Made =
    let far = sqrt 2.0 * score.Sigma
    let extrapolated = network.Sigma.IsNone && far <= score.SigmaMax

    let history = Stages.trainingHistory score

    if extrapolated then
        {
            Create = fun () -> new CombinedScore(components, struct (2.0, score.CreateScore()), struct (-1.0, score.CreateScore(Nullable far)))
            Sigma = None
            Notes = [
                $"score extrapolated to σ = 0 from noise levels {Digest.number score.Sigma} and {Digest.number far}"
            ]
            Training = history
            Expected = None
        }
    else
        {
            Create = fun () -> score.CreateScore()
            Sigma = Some score.Sigma
            Notes = [ $"score at noise level σ = {Digest.number score.Sigma}" ]
            Training = history
            Expected = Some(smoothed score.Sigma)
        }
