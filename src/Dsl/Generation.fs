namespace Leith

open System
open Leith.Core

/// How samples are drawn from a score.
[<RequireQualifiedAccess>]
type GenerativeSampler =
    /// Euler and Maruyama on the reverse stochastic equation: so many steps.
    | ReverseEuler of steps: int
    /// Heun on the reverse stochastic equation.
    | ReverseHeun of steps: int
    /// The probability flow with adaptive steps, to a tolerance.
    | ProbabilityFlow of tolerance: float
    /// Euler steps, each followed by Langevin corrections at the new noise level.
    | PredictorCorrector of steps: int * corrections: int
    /// Langevin dynamics at the smallest noise level alone.
    | Langevin of steps: int

/// Samples to be drawn from the score of an estimator and compared with the data.
type Generation = {
    Sampler: GenerativeSampler
    Samples: int
    /// Noise level to start at, in standard deviations of the data. None: the largest of the training.
    Largest: float option
    /// Most components of the Gaussian mixture that the reverse equation starts from.
    Components: int
} with

    /// Everything that samples depend on besides the score.
    member generation.Canonical =
        let level =
            generation.Largest |> Option.map Typography.exactly |> Option.defaultValue "trained"

        $"%A{generation.Sampler} {generation.Samples} {level} {generation.Components}"

    /// The sampler as words.
    member generation.Text =
        match generation.Sampler with
        | GenerativeSampler.ReverseEuler steps -> $"reverse equation, Euler–Maruyama, {steps} steps"
        | GenerativeSampler.ReverseHeun steps -> $"reverse equation, Heun, {steps} steps"
        | GenerativeSampler.ProbabilityFlow tolerance -> $"probability flow, Dormand–Prince, tolerance {Typography.number tolerance}"
        | GenerativeSampler.PredictorCorrector(steps, corrections) -> $"predictor–corrector, {steps} steps with {corrections} corrections each"
        | GenerativeSampler.Langevin steps -> $"Langevin at the smallest noise, {steps} steps"

/// The words of generative sampling.
[<AutoOpen>]
module GenerationWords =
    let private counted word least (count: int) =
        if count < least then
            raise (LeithException $"{word}: expected at least {least}, got {count}.")

        count

    let private positive word (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"{word}: expected a positive number, got {value}.")

        value

    let private drawnBy sampler = {
        Sampler = sampler
        Samples = 2048
        Largest = None
        Components = 32
    }

    /// Euler and Maruyama on the reverse stochastic equation; the error of the law falls as 1/steps: `generating (reverseEuler 200)`.
    let reverseEuler (steps: int) =
        drawnBy (GenerativeSampler.ReverseEuler(counted "reverseEuler" 1 steps))

    /// Heun on the reverse stochastic equation, two scores a step; the error of the law falls as 1/steps².
    let reverseHeun (steps: int) =
        drawnBy (GenerativeSampler.ReverseHeun(counted "reverseHeun" 1 steps))

    /// The probability flow, an ordinary equation, in adaptive steps of order 5: `generating (probabilityFlow 1e-3)`.
    let probabilityFlow (tolerance: float) =
        if not (tolerance > 0.0 && tolerance < 1.0) then
            raise (LeithException $"probabilityFlow: expected a tolerance between 0 and 1, got {tolerance}; write probabilityFlow 1e-3.")

        drawnBy (GenerativeSampler.ProbabilityFlow tolerance)

    /// Euler steps of the reverse equation with Langevin corrections after each: `predictorCorrector 100 1`.
    let predictorCorrector (steps: int) (corrections: int) =
        drawnBy (GenerativeSampler.PredictorCorrector(counted "predictorCorrector" 1 steps, counted "predictorCorrector" 0 corrections))

    /// Langevin dynamics at the smallest noise, from the Gaussian of the data: the only way for a score without noise levels, such as a library.
    let langevin (steps: int) =
        drawnBy (GenerativeSampler.Langevin(counted "langevin" 1 steps))

    /// How many samples are drawn; 2048 where nothing is said: `reverseHeun 60 |> drawing 8192`.
    let drawing (count: int) (generation: Generation) = {
        generation with
            Samples = counted "drawing" 64 count
    }

    /// The noise level at which the reverse equation starts, in standard deviations of the data; the largest of the training where nothing is said.
    let fromNoise (level: float) (generation: Generation) = {
        generation with
            Largest = Some(positive "fromNoise" level)
    }

    /// Most components of the Gaussian mixture that is fitted to the noised data as the start; 1: the Gaussian of the same mean and covariance.
    let startingFrom (components: int) (generation: Generation) = {
        generation with
            Components = counted "startingFrom" 1 components
    }
