namespace Leith

open System
open Leith.Core

/// A score at every noise level on the line, ŝ(x, σ).
type LineScore = float -> float -> float

/// The words of studies of generated samples on the line: a law, scores that are wrong in known ways, and how far the generated law lies from that of the data.
[<AutoOpen>]
module GenerativeStudyWords =
    let private ofCore (score: Func<float, float, float>) : LineScore = fun x sigma -> score.Invoke(x, sigma)

    let private atLeast word least value =
        if not (Double.IsFinite value) || value < least then
            raise (LeithException $"{word}: expected a number of at least {least}, got {value}.")

        value

    /// Σ w N(m, s²) on the line, of (w, m, s): `lineMixture [ 0.4, -1.0, 0.5; 0.6, 1.0, 0.5 ]`.
    let lineMixture (components: (float * float * float) list) =
        let part choose =
            components |> List.map choose |> Array.ofList

        LineMixture.Of(part (fun (w, _, _) -> w), part (fun (_, m, _) -> m), part (fun (_, _, s) -> s))

    /// The law that so many samples of a law are: equal weights on them.
    let samplesOf (count: int) (seed: int) (law: LineMixture) =
        if count < 1 then
            raise (LeithException $"samplesOf: expected at least one sample, got {count}.")

        LineMixture.Samples(law.Sample(count, uint64 seed))

    /// The exact score of a law at every noise level.
    let exactScore (law: LineMixture) = ofCore (LineScores.Exact law)

    /// The best that a Gaussian score and n Gaussian bumps can express.
    let bestOf (bumps: int) (law: LineMixture) =
        ofCore (LineScores.Projected(law, bumps))

    /// A score with a constant error in ẑ = −σ ŝ: ŝ + e/σ.
    let shiftedBy (e: float) (score: LineScore) : LineScore =
        let e = atLeast "shiftedBy" 0.0 e
        fun x sigma -> score x sigma + e / sigma

    /// A score with a wave as the error of ẑ, three radians a standard deviation of the noised data, of root mean square near e.
    let wavingBy (e: float) (law: LineMixture) (score: LineScore) : LineScore =
        let e = atLeast "wavingBy" 0.0 e
        let variance = law.Variance
        fun x sigma -> score x sigma + e * sqrt 2.0 / sigma * cos (3.0 * (x - law.Mean) / sqrt (variance + sigma * sigma))

    /// The score of data that carry noise h of their own, in the place of that of the data: what denoising at level h learns.
    let smoothedBy (h: float) (score: LineScore) : LineScore =
        let h = atLeast "smoothedBy" 0.0 h
        fun x sigma -> score x (sqrt (sigma * sigma + h * h))

    /// The reverse equation along noise levels on the line; the sampler with the exact score is run at once.
    let lineSampler (levels: float[]) (law: LineMixture) = LineSampler(law, levels)

    /// The distance of the generated law from the data, and its bounds: a score, and the law that sampling starts from.
    let errorsWith (score: LineScore) (start: LineMixture) (sampler: LineSampler) =
        sampler.Measure(Func<_, _, _>(fun x sigma -> score x sigma), start)

    /// Responses of Langevin dynamics at the stationary law, exact and with another score, at so many lags.
    let responseWith (score: float -> float) (every: float) (lags: int) (law: LineMixture) =
        LineResponse.Of(law, Func<_, _> score, every, lags)
