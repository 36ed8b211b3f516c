namespace Leith

open System
open System.IO
open Leith.Core

module internal NoiseLevel =
    let check (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"noiseLevel: expected a positive number, got {value}.")

        value

/// How many pairs of runs a dynamical estimate makes.
[<RequireQualifiedAccess>]
type Effort =
    /// So many pairs.
    | Pairs of int
    /// As much as brings the standard error of the response down to this (Euclidean norm over all components, largest of any lag), by this kind of run; none: by the cheapest.
    | StandardError of float * DynamicalKind option

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

    /// The same network with this smallest noise level.
    member network.WithNoiseLevel(value: float) : Network = {
        network with
            Sigma = Some(NoiseLevel.check value)
    }

/// How a response is estimated.
[<RequireQualifiedAccess>]
type Method =
    /// Twin runs with the same noise.
    | Dynamical of Effort
    /// −C⁻¹(u − μ) as the score.
    | Gaussian
    /// A score that is known: one field, or one for each scalar unknown.
    | Exact of Field list
    /// exp(L t) of a linear equation.
    | Propagator
    /// A score that is a sum of features, fitted in closed form.
    | Library of Library
    /// A score from clusters of noised data.
    | Clustered of Clusters
    /// A score learned by denoising.
    | Learned of Network

/// How a time correlation is normalised.
[<RequireQualifiedAccess>]
type Normalisation =
    /// Divided by the number of pairs: no bias.
    | Unbiased
    /// As published: circular, or divided by the full length; biased by 1 − lag/length.
    | Published

/// An estimator of responses. Referred to by value; `named` gives it a name in the report.
[<StructuredFormatDisplay("{Label}")>]
type Estimator = {
    Method: Method
    Name: string option
    Normalisation: Normalisation
    /// Samples to be drawn from its score and compared with the data.
    Generation: Generation option
} with

    /// The name in the report.
    member estimator.Label =
        match estimator.Name, estimator.Method with
        | Some name, _ -> name
        | None, Method.Dynamical _ -> "dynamical"
        | None, Method.Gaussian -> "Gaussian"
        | None, Method.Exact _ -> "exact score"
        | None, Method.Propagator -> "propagator"
        | None, Method.Library library -> if library.Automatic then "library, chosen" else "library"
        | None, Method.Clustered _ -> "clustered"
        | None,
          Method.Learned {
                             Architecture = Architecture.Published
                         } -> "published"
        | None, Method.Learned _ -> "learned"
        + (if estimator.Name.IsNone && estimator.Normalisation = Normalisation.Published then
               ", as published"
           else
               "")

    override estimator.ToString() = estimator.Label

    /// The same estimator with this noise level; for a clustered score, which then belongs to the density smoothed by it, or a learned one.
    member estimator.WithNoiseLevel(value: float) : Estimator =
        match estimator.Method with
        | Method.Clustered _ -> {
            estimator with
                Method = Method.Clustered { Level = Some(NoiseLevel.check value) }
          }
        | Method.Learned network -> {
            estimator with
                Method = Method.Learned(network.WithNoiseLevel value)
          }
        | _ ->
            raise (LeithException $"noiseLevel: expected a network, clustered or learned, got {estimator}, which has no noise level; leave it out.")

/// A limit that an estimate must keep.
[<RequireQualifiedAccess>]
type Limit =
    /// max over lags of ‖R − R_ref‖₂ / ‖R_ref‖₂.
    | Near of float
    /// max over lags of ‖R − R_ref‖₂.
    | Within of float

/// A comparison of two estimates with its limit.
[<StructuredFormatDisplay("{Text}")>]
type Check = {
    Of: Estimator
    Reference: Estimator
    Limit: Limit
} with

    /// The check as text.
    member check.Text =
        match check.Limit with
        | Limit.Near r -> $"{check.Of} near {check.Reference}, {Typography.number r}"
        | Limit.Within r -> $"{check.Of} within {Typography.number r} of {check.Reference}"

    override check.ToString() = check.Text

/// The words of estimators and checks.
[<AutoOpen>]
module EstimateWords =
    let private estimator method = {
        Method = method
        Name = None
        Normalisation = Normalisation.Unbiased
        Generation = None
    }

    let private atLeastOne word (count: int) =
        if count < 1 then
            raise (LeithException $"{word}: expected at least 1, got {count}.")

        count

    let private positive word (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"{word}: expected a positive number, got {value}.")

        value

    /// So many pairs of runs: `dynamical (pairs 1024)`.
    let pairs (count: int) = Effort.Pairs(atLeastOne "pairs" count)

    /// As many pairs as this standard error needs: `dynamical (standardError 0.006)`.
    let standardError (value: float) =
        Effort.StandardError(positive "standardError" value, None)

    /// Twin runs with the same noise, kicked at one site or in one unknown.
    let twinRuns = DynamicalKind.Twins
    /// Twin runs kicked at every site with a random sign.
    let fieldKicks = DynamicalKind.FieldKicks
    /// One run whose own noise serves as the kicks: for additive noise that reaches every mode.
    let noiseWeights = DynamicalKind.NoiseWeights

    /// The kind of run that a dynamical estimate makes, where it is not to choose: `dynamical (standardError 0.006 |> by noiseWeights)`.
    let by (kind: DynamicalKind) (effort: Effort) =
        match effort with
        | Effort.StandardError(value, _) -> Effort.StandardError(value, Some kind)
        | Effort.Pairs _ when kind = DynamicalKind.Twins -> effort
        | Effort.Pairs count ->
            raise (LeithException $"by: expected a standard error to reach, got {count} pairs, which are twin runs; write standardError 0.01 |> by …")

    /// Twin runs with the same noise, one of them pushed.
    let dynamical (effort: Effort) = estimator (Method.Dynamical effort)
    /// The response a Gaussian process would have, C(t) C(0)⁻¹; C is the covariance of all numbers, but of several fields that of the kicked one alone.
    let gaussian = estimator Method.Gaussian
    /// The response from a known score of a field: `exact (ouScore u)`.
    let exact (score: Field) = estimator (Method.Exact [ score ])
    /// The response from a known score of scalar unknowns, one component for each, in the order of the equations.
    let exactOf (score: Field list) = estimator (Method.Exact score)
    /// exp(L t), the response of a linear equation.
    let propagator = estimator Method.Propagator

    /// The response from a score that is a sum of features, each with a free kernel (on a grid) or a number a component (scalar unknowns): `libraryOf [ u; cube u ]`.
    let libraryOf (features: Field list) =
        estimator (
            Method.Library {
                Features = features
                Fixed = []
                Automatic = false
            }
        )

    /// Features that are proposed from the equations, or from the recording, and chosen by held-out loss.
    let libraryAuto =
        estimator (
            Method.Library {
                Features = []
                Fixed = []
                Automatic = true
            }
        )

    /// Features that have a single number each, beside those with a kernel: `libraryOf [ u ] |> alsoFixed [ cube u ]`.
    let alsoFixed (features: Field list) (library: Estimator) =
        match library.Method with
        | Method.Library terms -> {
            library with
                Method =
                    Method.Library {
                        terms with
                            Fixed = terms.Fixed @ features
                    }
          }
        | _ -> raise (LeithException $"alsoFixed: expected a library, got {library}; write libraryOf [ u ] |> alsoFixed [ cube u ].")

    /// Features that all have a single number each: `libraryOfFixed [ u; cube u; lap u ]`.
    let libraryOfFixed (features: Field list) = libraryOf [] |> alsoFixed features

    /// The response from a score by clusters of noised data, for a few scalar unknowns.
    let clustered = estimator (Method.Clustered { Level = None })

    /// The response from a score learned by denoising: `learned (residualNet |> channels 32)`.
    let learned (network: Network) = estimator (Method.Learned network)

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
    }

    /// Ends the training of `publishedNet` after so many seconds of the clock, if its steps do not end before: the result then depends on the machine and its load.
    let trainedFor seconds (network: Network) =
        if network.Architecture <> Architecture.Published then
            raise (LeithException "trainedFor: expected publishedNet, got a network that is trained by steps alone; write steps 3000.")

        {
            network with
                Seconds = Some(positive "trainedFor" seconds)
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
            Channels = atLeastOne "channels" count
    }

    /// Residual blocks, or hidden layers.
    let layers count (network: Network) = {
        network with
            Layers = atLeastOne "layers" count
    }

    /// Training steps.
    let steps count (network: Network) = {
        network with
            Steps = atLeastOne "steps" count
    }

    /// Samples in a training step.
    let batch count (network: Network) = {
        network with
            Batch = atLeastOne "batch" count
    }

    /// Size of the first training steps.
    let learningRate value (network: Network) = {
        network with
            LearningRate = positive "learningRate" value
    }

    /// Smallest noise level of a network, or that of a clustered score, in standard deviations of the field or of each scalar unknown: `mlp |> noiseLevel 0.1`, `clustered |> noiseLevel 0.1`.
    let inline noiseLevel (value: float) (what: ^T) : ^T =
        (^T: (member WithNoiseLevel: float -> ^T) (what, value))

    /// Draws samples from the score of an estimator and compares them with the data: `learned residualNet |> generating (reverseHeun 60)`.
    let generating (generation: Generation) (estimator: Estimator) =
        match estimator.Method, generation.Sampler with
        | (Method.Dynamical _ | Method.Propagator), _ ->
            raise (
                LeithException
                    $"generating: expected an estimator with a score, got {estimator}; write gaussian, exact …, libraryOf … or learned … |> generating …."
            )
        | (Method.Exact _ | Method.Library _ | Method.Clustered _), GenerativeSampler.Langevin _
        | (Method.Gaussian | Method.Learned _), _ -> {
            estimator with
                Generation = Some generation
          }
        | _ ->
            raise (
                LeithException
                    $"generating: expected langevin for {estimator}, whose score has no noise levels, got {generation.Text}; write generating (langevin 2000)."
            )

    /// The name of an estimator in the report.
    let named (name: string) (estimator: Estimator) =
        if String.IsNullOrWhiteSpace name then
            raise (LeithException "named: expected a name, got blank text.")

        { estimator with Name = Some name }

    /// Time correlations normalised as in the publication that is compared with: biased by 1 − lag/length.
    let asPublished (estimator: Estimator) = {
        estimator with
            Normalisation = Normalisation.Published
    }

    /// The relative distance to a reference is at most `limit` at every lag: `net |> near truth 0.08`.
    let near (reference: Estimator) (limit: float) (estimator: Estimator) = {
        Of = estimator
        Reference = reference
        Limit = Limit.Near(positive "near" limit)
    }

    /// The distance to a reference is at most `limit` at every lag: `net |> within truth 0.01`.
    let within (reference: Estimator) (limit: float) (estimator: Estimator) = {
        Of = estimator
        Reference = reference
        Limit = Limit.Within(positive "within" limit)
    }
