namespace Leith

open System
open Leith.Core

/// The words of noise schedules: which noise levels a score is trained at and with which weight, and which levels a sampler passes.
[<AutoOpen>]
module ScheduleWords =
    let private positive word (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"{word}: expected a positive number, got {value}.")

        value

    /// Variance exploding (Song et al. 2020): σ(t) = σmin (σmax/σmin)^t in equal steps of t; training with ln σ uniform, every level with the same weight on |ẑ − z|².
    /// Levels count in standard deviations of the data: `songSchedule 0.01 5.0`.
    let songSchedule (smallest: float) (largest: float) = NoiseSchedule.Song(smallest, largest)

    /// EDM (Karras et al. 2022): equal steps of σ^(1/7); training with ln σ ~ N(−1.2, 1.2²) and weight (σ² + σd²)/(σ σd)² on the denoised data, σd = 1.
    let karrasSchedule (smallest: float) (largest: float) = NoiseSchedule.Karras(smallest, largest)

    /// The time schedule: equal steps of t^(1/ρ). 1: equal steps of t; 7: as Karras et al.
    let timePower (rho: float) (schedule: NoiseSchedule) =
        NoiseSchedule(schedule.Variance, TimeSchedule(positive "timePower" rho), schedule.Distribution, schedule.Weight)

    /// Training levels with ln σ normal, of this mean and standard deviation, within the range of the schedule.
    let lognormalLevels (mean: float) (deviation: float) (schedule: NoiseSchedule) =
        if not (Double.IsFinite mean) then
            raise (LeithException $"lognormalLevels: expected a finite mean of ln σ, got {mean}.")

        NoiseSchedule(schedule.Variance, schedule.Time, LevelDistribution.LogNormal(mean, positive "lognormalLevels" deviation), schedule.Weight)

    /// Trained as one schedule says, sampled as the other: `songSchedule 0.01 5.0 |> trainedAs (karrasSchedule 0.01 5.0)`.
    let trainedAs (training: NoiseSchedule) (sampling: NoiseSchedule) =
        NoiseSchedule(sampling.Variance, sampling.Time, training.Distribution, training.Weight)

    /// σ₀ > … > σₙ, the levels a sampler with n steps passes.
    let levelsOf (steps: int) (schedule: NoiseSchedule) = schedule.Levels steps
