namespace Leith

open System
open System.IO
open Leith.Core

/// The words of networks and their trainings.
[<AutoOpen>]
module NetworkWords =
    /// Residual convolutions for fields.
    let residualNet = {
        Architecture = Architecture.Residual
        Channels = 16
        Layers = 4
        Steps = 3000
        Batch = 64
        LearningRate = 4e-3
        Base = NetworkBase.Gaussian
        Symmetries = []
        Schedule = None
        Weights = None
        Sigma = None
        Seconds = None
        Device = None
        Retraining = 0
    }

    /// Dense layers for scalar unknowns.
    let mlp = {
        residualNet with
            Architecture = Architecture.Dense
            Channels = 64
            Layers = 2
    }

    /// The founding paper's own network and training, the baseline to compare with: a U-Net of 11.1 million weights on noise up to 1.2 times the largest distance of two
    /// fields, Adam at 2e-4, 500 epochs of 25,600 fields. Needs libtorch (./run --with-torch), a field on two axes with multiples of 8 points each and, on two cores, days: `publishedNet |> trainedFor 600.0`.
    /// The network sees the field in units in which its smallest noise level, `noiseLevel`, is 0.01; without one that is 0.0467 standard deviations, as for the paper's Allen–Cahn fields.
    let publishedNet = {
        Architecture = Architecture.Published
        Channels = 32
        Layers = 8
        Steps = 100_000
        Batch = 128
        LearningRate = 2e-4
        Base = NetworkBase.Nothing
        Symmetries = []
        Schedule = None
        Weights = None
        Sigma = None
        Seconds = None
        Device = None
        Retraining = 0
    }

    /// Ends the training of `publishedNet` after so many seconds of the clock, if its steps do not end before: the result then depends on the machine and its load.
    let trainedFor seconds (network: Network) =
        if network.Architecture <> Architecture.Published then
            raise (LeithException "trainedFor: expected publishedNet, got a network that is trained by steps alone; write steps 3000.")

        {
            network with
                Seconds = Some(Expect.positive "trainedFor" seconds)
        }

    /// Where libtorch computes a network: "cpu", "cuda:0", …
    let onDevice (device: string) (network: Network) =
        if not (Leith.Torch.TorchLibrary.IsDevice device) then
            raise (LeithException $"onDevice: expected cpu, cuda or cuda:0, cuda:1, …, got {device}.")

        if network.Architecture <> Architecture.Published then
            raise (LeithException "onDevice: expected publishedNet, got a network that is computed on member lanes; leave onDevice out.")

        { network with Device = Some device }

    /// A network that learns what a library leaves: `residualNet |> onLibrary (libraryOf [ u; cube u ])`.
    let onLibrary (library: Estimator) (network: Network) =
        match library.Method with
        | Method.Library terms -> {
            network with
                Base = NetworkBase.Library terms
          }
        | _ -> raise (LeithException $"onLibrary: expected a library, got {library}; write residualNet |> onLibrary (libraryOf [ u; cube u ]).")

    /// A network that stands on nothing: it learns the whole score.
    let plain (network: Network) = {
        network with
            Base = NetworkBase.Nothing
    }

    /// A network with the preconditioning of Karras et al. (2022), which stands on a Gaussian of unit variance without correlations.
    let edmPreconditioned (network: Network) = { network with Base = NetworkBase.Edm }

    /// u → −u.
    let signChange = Symmetry.SignChange

    /// x_i → −x_i of one axis: 0, 1 or 2.
    let reflection (axis: int) =
        if axis < 0 then
            raise (LeithException $"reflection: expected an axis, 0, 1 or 2, got {axis}.")

        Symmetry.Reflection axis

    /// Several symmetries at once: `jointly [ signChange; reflection 0 ]` is u(x) → −u(−x).
    let jointly (symmetries: Symmetry list) = Symmetry.Jointly symmetries

    /// Symmetries of the law, beside translations, which the score then has exactly: `residualNet |> symmetric [ signChange; reflection 1 ]`.
    let symmetric (symmetries: Symmetry list) (network: Network) = {
        network with
            Symmetries = network.Symmetries @ symmetries
    }

    /// Trained by denoising alone, at the noise levels of a schedule and with its weights: `residualNet |> trainedOn (karrasSchedule 0.002 80.0)`.
    let trainedOn (schedule: NoiseSchedule) (network: Network) = {
        network with
            Schedule = Some schedule
    }

    /// A network with the weights of a file, in place of a training: `residualNet |> fromFile "net.safetensors"`. Shape, base and noise level are those of the file.
    let fromFile (path: string) (network: Network) =
        if not (File.Exists path) then
            raise (LeithException $"fromFile: expected a safetensors file at {path}, got none; check the path.")

        { network with Weights = Some path }

    /// Channels of each convolution, or width of each dense layer.
    let channels count (network: Network) = {
        network with
            Channels = Expect.atLeastOne "channels" count
    }

    /// Residual blocks, or hidden layers.
    let layers count (network: Network) = {
        network with
            Layers = Expect.atLeastOne "layers" count
    }

    /// Training steps.
    let steps count (network: Network) = {
        network with
            Steps = Expect.atLeastOne "steps" count
    }

    /// Samples in a training step.
    let batch count (network: Network) = {
        network with
            Batch = Expect.atLeastOne "batch" count
    }

    /// Size of the first training steps.
    let learningRate value (network: Network) = {
        network with
            LearningRate = Expect.positive "learningRate" value
    }

    /// Smallest noise level of a network, or that of a clustered score, in standard deviations of the field or of each scalar unknown: `mlp |> noiseLevel 0.1`, `clustered |> noiseLevel 0.1`.
    let inline noiseLevel (value: float) (what: ^T) : ^T =
        (^T: (member WithNoiseLevel: float -> ^T) (what, value))
