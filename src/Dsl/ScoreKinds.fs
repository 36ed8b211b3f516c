namespace Leith

open System
open System.IO
open Leith.Core

module internal NoiseLevel =
    let check (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"noiseLevel: expected a positive number, got {value}.")

        value

/// Numbers that a word expects.
[<RequireQualifiedAccess>]
module internal Expect =
    let atLeastOne word (count: int) =
        if count < 1 then
            raise (LeithException $"{word}: expected at least 1, got {count}.")

        count

    let positive word (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"{word}: expected a positive number, got {value}.")

        value

/// The shape of a network.
[<RequireQualifiedAccess>]
type Architecture =
    /// Periodic 3 × 3 convolutions with residual blocks, for fields.
    | Residual
    /// Dense layers, for scalar unknowns.
    | Dense
    /// The U-Net of the founding paper, computed by libtorch.
    | Published

/// A score that is a sum of features of the state, fitted in closed form (implicit score matching, Hyvärinen 2005).
type Library = {
    /// On a homogeneous grid each of these has a free complex kernel; for scalar unknowns one number a component.
    Features: Field list
    /// Each of these has a single number.
    Fixed: Field list
    /// Whether features are proposed from the equations, or from the recording, and chosen by held-out loss.
    Automatic: bool
} with

    /// Everything a fit depends on.
    member library.Canonical =
        let texts fields =
            fields |> List.map Field.canonical |> String.concat "; "

        $"library [{texts library.Features}] fixed [{texts library.Fixed}] automatic {library.Automatic}"

/// A score from the means of clusters of noised data (KGMM, arXiv:2503.18054).
type Clusters = {
    /// Noise level, in standard deviations of each unknown. None: chosen by held-out error.
    Level: float option
}

/// What a network stands on: it learns only what this leaves.
[<RequireQualifiedAccess>]
type NetworkBase =
    /// Nothing.
    | Nothing
    /// The score of the Gaussian with the covariance of the data.
    | Gaussian
    /// A library's.
    | Library of Library
    /// The Gaussian of unit variance without correlations (Karras et al. 2022).
    | Edm

/// A symmetry of the law of a field.
[<RequireQualifiedAccess>]
type Symmetry =
    /// u → −u.
    | SignChange
    /// x_i → −x_i.
    | Reflection of axis: int
    /// Several at once, none of which need be a symmetry alone.
    | Jointly of Symmetry list

/// A network and its training.
type Network = {
    Architecture: Architecture
    /// Channels of a convolution, or width of a dense layer.
    Channels: int
    /// Residual blocks, or hidden layers.
    Layers: int
    /// Training steps.
    Steps: int
    /// Samples in a training step.
    Batch: int
    LearningRate: float
    Base: NetworkBase
    /// Symmetries of the law, beside translations, that the score shall have exactly.
    Symmetries: Symmetry list
    /// Law, weight and range of the noise levels of a training by denoising alone. None: mostly the score of the data themselves.
    Schedule: NoiseSchedule option
    /// A file of weights that are taken in place of a training.
    Weights: string option
    /// Smallest noise level, in standard deviations of the field or of each scalar unknown; the score belongs to the density smoothed by it.
    /// None: chosen from the data.
    Sigma: float option
    /// Ends the training by the clock; of the published network only.
    Seconds: float option
    /// Where libtorch computes: "cpu", "cuda:0", … None: the processor.
    Device: string option
    /// Which of several trainings that differ by their seed alone, from 0.
    Retraining: int
} with

    /// The group that the symmetries make.
    member network.Images =
        let rec parts symmetry =
            match symmetry with
            | Symmetry.SignChange -> true, []
            | Symmetry.Reflection axis -> false, [ axis ]
            | Symmetry.Jointly many ->
                let each = many |> List.map parts
                (each |> List.filter fst |> List.length) % 2 = 1, each |> List.collect snd

        (Symmetries.None, network.Symmetries)
        ||> List.fold (fun group symmetry ->
            let sign, axes = parts symmetry
            group.With(sign, List.toArray axes))

    /// Everything a training depends on, to the last digit: the key under which its weights are kept.
    member network.Canonical =
        let sigma =
            network.Sigma |> Option.map Typography.exactly |> Option.defaultValue "chosen"

        let foundation =
            match network.Base with
            | NetworkBase.Nothing -> "nothing"
            | NetworkBase.Gaussian -> "Gaussian"
            | NetworkBase.Library library -> library.Canonical
            | NetworkBase.Edm -> "EDM"

        let schedule =
            network.Schedule |> Option.map string |> Option.defaultValue "no schedule"

        let weights =
            network.Weights
            |> Option.map (fun path -> $" weights {Convert.ToHexString(Security.Cryptography.SHA256.HashData(File.ReadAllBytes path))}")
            |> Option.defaultValue ""

        $"{network.Architecture} {network.Channels} {network.Layers} {network.Steps} {network.Batch} {Typography.exactly network.LearningRate} {foundation} {sigma} {network.Images} {schedule}{weights}"
        + (network.Seconds |> Option.map (fun s -> $" for {Typography.exactly s} s") |> Option.defaultValue "")
        + (network.Device |> Option.map (fun d -> $" on {d}") |> Option.defaultValue "")
        + (if network.Retraining > 0 then
               $" training {network.Retraining}"
           else
               "")

    /// The same network with this smallest noise level.
    member network.WithNoiseLevel(value: float) : Network = {
        network with
            Sigma = Some(NoiseLevel.check value)
    }
