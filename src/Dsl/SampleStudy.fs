namespace Leith

open System
open System.Threading
open Leith.Core

/// A law of a few scalar unknowns, each of mean 0 and variance 1, whose score is known at every noise level.
type KnownLaw = {
    Mixture: GaussianMixture
    Covariance: float[,]
}

/// The words of studies of generated samples in several dimensions.
[<AutoOpen>]
module SampleStudyWords =
    /// Σ w N(m, s² 1) of (w, m, s), every unknown then shifted and scaled to mean 0 and variance 1: `knownMixture [ 0.5, [ -1.0; 0.0 ], 0.3; 0.5, [ 1.0; 1.0 ], 0.2 ]`.
    let knownMixture (components: (float * float list * float) list) : KnownLaw =
        if components.IsEmpty then
            raise (LeithException "knownMixture: expected at least one component, got none; write knownMixture [ 1.0, [ 0.0; 0.0 ], 1.0 ].")

        let dimension =
            match components with
            | (_, mean, _) :: _ -> mean.Length
            | [] -> 0

        for weight, mean, deviation in components do
            if mean.Length <> dimension || dimension = 0 then
                raise (LeithException $"knownMixture: expected means of as many numbers, at least one, got {dimension} and {mean.Length}.")

            if not (weight > 0.0 && deviation > 0.0 && Double.IsFinite(weight + deviation)) then
                raise (LeithException $"knownMixture: expected positive weights and standard deviations, got {weight} and {deviation}.")

        let total = components |> List.sumBy (fun (w, _, _) -> w)

        let average f =
            components |> List.sumBy (fun (w, m, s) -> w / total * f (List.toArray m) s)

        let centre = Array.init dimension (fun i -> average (fun m _ -> m[i]))

        let covariance i j =
            average (fun m s -> (m[i] - centre[i]) * (m[j] - centre[j]) + if i = j then s * s else 0.0)

        let scale = Array.init dimension (fun i -> sqrt (covariance i i))

        let parts =
            components
            |> List.map (fun (w, m, s) ->
                struct (w,
                        Array.init dimension (fun i -> (m[i] - centre[i]) / scale[i]),
                        Array2D.init dimension dimension (fun i j -> if i = j then (s / scale[i]) ** 2.0 else 0.0)))
            |> Array.ofList

        {
            Mixture = GaussianMixture.OfVector(Array.create dimension 1.0, parts)
            Covariance = Array2D.init dimension dimension (fun i j -> covariance i j / (scale[i] * scale[j]))
        }

    /// The exact score of the law at every noise level.
    let knownScore (law: KnownLaw) = NoisedScore.Of law.Mixture

    /// A score with a smooth error, of root mean square e in ẑ = −σ ŝ at every level.
    let withScoreError (e: float) (score: NoisedScore) = WavingScore.Of(score, e)

    /// A network of dense layers trained by denoising on so many samples of the law, at the levels and with the weight of a schedule: `law |> trainedScore (mlp |> steps 1000) (songSchedule 0.02 20.0) 50000 seed`.
    let trainedScore (network: Network) (schedule: NoiseSchedule) (samples: int) (seed: int) (law: KnownLaw) =
        if network.Architecture <> Architecture.Dense then
            raise (LeithException "trainedScore: expected a network of dense layers, got convolutions; write mlp.")

        let data = law.Mixture.Samples(samples, uint64 seed)

        let options =
            TrainingOptions(
                Channels = network.Channels,
                Layers = network.Layers,
                Steps = network.Steps,
                Batch = network.Batch,
                LearningRate = network.LearningRate,
                Schedule = schedule,
                Seed = uint64 seed,
                Threads = (Options.current ()).Threads
            )

        DenoisingTraining.TrainVector(data, Array.zeroCreate law.Mixture.Rows, law.Covariance, options, null, CancellationToken.None)
        |> NoisedScore.Of

    /// So many samples along noise levels σ₀ > … > σₙ, from the law itself noised by σ₀: reverse Euler–Maruyama, the last step to σ = 0 by the probability flow.
    let drawnFrom (levels: float[]) (count: int) (seed: int) (law: KnownLaw) (score: NoisedScore) =
        GenerativeSampling.Draw(score, law.Mixture.Noised levels[0], Sampler.ReverseEuler(), levels, count, uint64 seed, (Options.current ()).Threads)

    /// The same from N(0, σ₀²), which knows nothing of the data.
    let drawnFromNoise (levels: float[]) (count: int) (seed: int) (law: KnownLaw) (score: NoisedScore) =
        let n = law.Mixture.Rows
        let start = Array2D.init n n (fun i j -> if i = j then levels[0] ** 2.0 else 0.0)

        let reference =
            GaussianMixture.OfVector(Array.create n 1.0, [| struct (1.0, Array.zeroCreate n, start) |])

        GenerativeSampling.Draw(score, reference, Sampler.ReverseEuler(), levels, count, uint64 seed, (Options.current ()).Threads)

    /// Independent samples of the law.
    let samplesFrom (count: int) (seed: int) (law: KnownLaw) = law.Mixture.Samples(count, uint64 seed)

    /// Sliced Wasserstein-1 distance of samples from the law, over 32 directions.
    let slicedDistance (law: KnownLaw) (samples: float[][]) =
        MixtureDistance.Sliced(samples, law.Mixture, 32, 1UL)

    /// What the error of a score adds to the divergence of paths, KL(data ‖ generated) ≤ the sum of both and of the start's: from so many samples.
    let divergenceOfScore (levels: float[]) (samples: int) (seed: int) (law: KnownLaw) (score: NoisedScore) =
        PathDivergence.OfScore(law.Mixture, score, levels, samples, uint64 seed)

    /// What the steps add.
    let divergenceOfSteps (levels: float[]) (samples: int) (seed: int) (law: KnownLaw) =
        PathDivergence.OfDiscretisation(law.Mixture, levels, samples, uint64 seed)
