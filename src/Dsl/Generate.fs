/// Samples drawn from a score, and their comparison with the data.
module internal Leith.Generate

open System
open Leith.Core
open Leith.Stages

/// A score, the data it belongs to, and what is asked.
type Request = {
    Estimator: string
    Generation: Generation
    /// Names of the unknowns: one of a field.
    Names: string list
    Grid: Grid option
    /// [sample][row], the members one after another.
    Data: float[][]
    /// Independent members among them.
    Members: int
    Score: NoisedScore
    /// Whether the score has no noise levels.
    IsClean: bool
    /// Noise levels there are where the score leaves the choice: of a Gaussian. None: those of the score.
    Range: (float * float) option
    Seed: uint64
}

/// Seeds of the parts, so that they do not share their noise.
let private seedOf request part =
    Draw.Bits(request.Seed, Draw.Sample, 0x5A0000L, part)

/// Values that the statistics of the data are taken from; more would only cost memory.
let private mostValues = 1 <<< 23

/// States saved [sample][member], the members one after another, thinned to what statistics need.
let byMember members (states: float[][]) =
    let perMember = states.Length / members

    let kept =
        min perMember (max 1 (mostValues / max 1 (members * (Array.head states).Length)))

    [|
        for m in 0 .. members - 1 do
            for i in 0 .. kept - 1 -> states[(int ((int64 i + 1L) * int64 perMember / int64 kept) - 1) * members + m]
    |]

/// Samples of one member that are worth one independent one: by the integrated correlation time of the mean over sites, or of the slowest unknown.
let private independentSamples (r: Request) (data: SampleSet) =
    let perMember = data.Values.Length / r.Members

    let series (pick: float[] -> float) =
        Array.init r.Members (fun m -> Array.init perMember (fun i -> pick data.Values[m * perMember + i]))

    let picks =
        match r.Grid with
        | Some _ -> [ Array.average ]
        | None -> [ for i in 0 .. r.Names.Length - 1 -> fun (u: float[]) -> u[i] ]

    let longest =
        picks
        |> List.map (fun pick ->
            let all = series pick
            let mean = all |> Array.averageBy Array.average
            // The members' own means are not removed: what differs from member to member is memory, too.
            let centred = all |> Array.map (Array.map (fun v -> v - mean))

            let product h =
                centred |> Array.sumBy (fun c -> Seq.zip c (Seq.skip h c) |> Seq.sumBy (fun (a, b) -> a * b))

            let zero = product 0

            let rec go h time =
                if h >= perMember || float h >= 2.5 * time then
                    time
                else
                    go (h + 1) (time + 2.0 * product h / zero)

            if perMember < 2 || zero = 0.0 then
                1.0
            else
                max 1.0 (go 1 1.0))
        |> List.max

    data.Thinned(max 1 (int (float perMember / longest)))

let private levels (r: Request) =
    let smallest, largest =
        match r.Range with
        | Some range -> range
        | None -> r.Score.Smallest, r.Score.Largest

    smallest, largest

/// Levels in equal steps of σ^(1/7) (Karras et al. 2022).
let private spaced largest smallest steps =
    let power = 1.0 / 7.0

    Array.init (steps + 1) (fun i ->
        if i = 0 then
            largest
        elif i = steps then
            smallest
        else
            (largest ** power + float i / float steps * (smallest ** power - largest ** power)) ** 7.0)

let private sampler (generation: Generation) : Sampler =
    match generation.Sampler with
    | GenerativeSampler.ReverseEuler _ -> Sampler.ReverseEuler()
    | GenerativeSampler.ReverseHeun _ -> Sampler.ReverseHeun()
    | GenerativeSampler.ProbabilityFlow tolerance -> Sampler.ProbabilityFlow tolerance
    | GenerativeSampler.PredictorCorrector(_, corrections) -> Sampler.PredictorCorrector corrections
    | GenerativeSampler.Langevin steps -> Sampler.Langevin steps

let private steps (generation: Generation) =
    match generation.Sampler with
    | GenerativeSampler.ReverseEuler steps
    | GenerativeSampler.ReverseHeun steps
    | GenerativeSampler.PredictorCorrector(steps, _) -> steps
    | GenerativeSampler.ProbabilityFlow _
    | GenerativeSampler.Langevin _ -> 1

/// The unit of every row in distances: standard deviations of the data.
let private unitsOf (r: Request) (data: SampleSet) =
    let deviation row = sqrt (data.Cumulants row).[1].Value

    match r.Grid with
    | Some grid -> Array.create grid.Sites (deviation 0)
    | None -> Array.init r.Names.Length deviation

let private compare (names: string list) (isField: bool) (data: SampleSet) (generated: SampleSet) =
    let curve name (of': SampleSet -> MeasuredCurve) : ComparedCurve = {
        Of = name
        Data = of' data
        Generated = of' generated
    }

    let probabilities = [|
        yield 0.001
        yield 0.005
        for i in 1..99 -> float i / 100.0
        yield 0.995
        yield 0.999
    |]

    let curves = [
        for row, name in List.indexed names do
            let cumulants = data.Cumulants row
            let mean, deviation = cumulants[0].Value, sqrt cumulants[1].Value
            curve $"density of {name}" (fun s -> s.Density(row, mean - 5.0 * deviation, mean + 5.0 * deviation, 160))
            curve $"quantiles of {name}" (fun s -> s.Quantiles(row, probabilities))
        if isField then
            curve "correlation along x" _.AlongFirstAxis()
            curve "correlation" _.OverDistance()
            curve "spectrum" _.Spectrum()
    ]

    let numbers = [
        for row, name in List.indexed names do
            let of', own = data.Cumulants row, generated.Cumulants row

            for i, kind in List.indexed [ "mean"; "variance"; "third cumulant"; "fourth cumulant" ] do
                yield {
                    Of = $"{kind} of {name}"
                    Data = of'[i]
                    Generated = own[i]
                }

            let density = curves |> List.find (fun c -> c.Of = $"density of {name}")
            let peaks c = DensityFeatures.Peaks c

            // Peaks are compared one by one where there are as many of both; the nearest otherwise.
            let others = peaks density.Generated

            for i, struct (at, height) in Seq.indexed (peaks density.Data) do
                if others.Length > 0 then
                    let struct (where, own) = others |> Array.minBy (fun struct (a, _) -> abs (a - at))

                    yield {
                        Of = $"place of density peak {i + 1} of {name}"
                        Data = Measurement(at, nan)
                        Generated = Measurement(where, nan)
                    }

                    yield {
                        Of = $"height of density peak {i + 1} of {name}"
                        Data = height
                        Generated = own
                    }

            yield {
                Of = $"density of {name} at 0"
                Data = DensityFeatures.At(density.Data, 0.0)
                Generated = DensityFeatures.At(density.Generated, 0.0)
            }
    ]

    curves, numbers

/// Two samples of each, of a field.
let private snapshots (r: Request) (data: float[][]) (generated: float[][]) =
    match r.Grid with
    | None -> []
    | Some grid -> [
        for title, samples in [ "data", data; "generated", generated ] do
            for i in 0..1 ->
                {
                    Title = $"{r.Names.Head}, {title}"
                    Shape = Array.ofSeq grid.Points
                    Values = samples[i * samples.Length / 2]
                }
      ]

/// Data that are noised to a level, real values.
let private noised (r: Request) seed level (samples: float[][]) =
    samples
    |> Array.mapi (fun s u ->
        u
        |> Array.mapi (fun i v -> v + level * r.Score.Scale[i] * Draw.Normal(seed, Draw.Level, int64 s, int64 i)))

/// The law at the largest noise level, and its energy distance to the noised data.
let private start (r: Request) setting (data: SampleSet) independent unit largest =
    let seed = seedOf r 1L

    let law =
        match r.Grid with
        | Some grid -> MixtureFit.OfFields(grid, data.Values, largest, r.Generation.Components, seed)
        | None -> MixtureFit.OfVectors(r.Score.Scale, data.Values, largest, r.Generation.Components, seed)

    let drawn = law.Samples(max 256 (Array.length independent), seedOf r 2L)

    let distance =
        EnergyDistance.Between(noised r (seedOf r 3L) largest independent, drawn, unit, (if setting.Sketch then 99 else 999), seedOf r 4L)

    law, distance

let private likelihood (r: Request) setting law (smallest, largest) (data: float[][]) (generated: float[][]) =
    let count = 64

    let of' part (samples: float[][]) =
        let picked =
            Array.init (min count samples.Length) (fun i -> samples[i * samples.Length / min count samples.Length])
            |> noised r (seedOf r part) smallest

        let logs =
            FlowLikelihood.LogDensity(r.Score, law, picked, largest, smallest, 1e-3, 1, seedOf r part, setting.Threads)
            |> Array.map (fun m -> m.Value / float r.Score.Rows)

        let mean = Array.average logs
        let square = logs |> Array.averageBy (fun l -> (l - mean) * (l - mean))
        Measurement(mean, sqrt (square / float (max 1 (logs.Length - 1))))

    {
        Of =
            $"log-density at σ = {Digest.number smallest}, nats "
            + (if r.Grid.IsSome then "a site" else "an unknown")
        Data = of' 5L data
        Generated = of' 6L generated
    }

/// Draws the samples, compares them, and says so on the terminal.
let run setting (r: Request) : Generated =
    Terminal.stage $"generate {r.Estimator}" (fun progress ->
        let data = SampleSet(r.Data, r.Members, Option.toObj r.Grid)
        let smallest, trained = levels r
        let unit = unitsOf r data
        let scale = if r.Grid.IsSome then unit[0] else 1.0

        let largest =
            r.Generation.Largest |> Option.map (fun l -> l * scale) |> Option.defaultValue trained

        let independent = independentSamples r data
        let permutations = if setting.Sketch then 99 else 999

        let isLangevin =
            match r.Generation.Sampler with
            | GenerativeSampler.Langevin _ -> true
            | _ -> false

        let law, startDistance =
            if isLangevin then
                let gaussian =
                    match r.Grid with
                    | Some grid -> MixtureFit.OfFields(grid, data.Values, smallest, 1, seedOf r 1L)
                    | None -> MixtureFit.OfVectors(r.Score.Scale, data.Values, smallest, 1, seedOf r 1L)

                gaussian, None
            else
                let law, distance = start r setting data independent unit largest
                law, Some(distance, law.Weights.Count)

        let path =
            if isLangevin then
                [| smallest |]
            else
                spaced largest smallest (steps r.Generation)

        let drawn =
            GenerativeSampling.Draw(
                r.Score,
                law,
                sampler r.Generation,
                path,
                r.Generation.Samples,
                seedOf r 0L,
                setting.Threads,
                {
                    new IProgress<float> with
                        member _.Report share =
                            progress.Report(0.9 * share, $"{r.Generation.Samples} samples")
                },
                setting.Cancellation
            )

        let generated = SampleSet(drawn, drawn.Length, Option.toObj r.Grid)
        let curves, numbers = compare r.Names r.Grid.IsSome data generated
        let some = generated.Values |> Array.truncate (max 256 independent.Length)
        let half = independent.Length / 2

        let tested =
            SampleSet(data.Thinned(max 1 (min (data.Values.Length / r.Members) (2048 / r.Members))), r.Members, Option.toObj r.Grid)

        let steinLevels =
            if r.IsClean then [ smallest ]
            elif isLangevin then [ smallest ]
            else [ smallest; sqrt (smallest * largest); largest ]

        let result = {
            Estimator = r.Estimator
            Sampler = r.Generation.Text
            Levels = (if isLangevin then smallest else largest), smallest
            Samples = drawn
            Shape = r.Grid |> Option.map (fun g -> Array.ofSeq g.Points) |> Option.defaultValue [||]
            Numbers = numbers
            Curves = curves
            Energy = EnergyDistance.Between(independent, some, unit, permutations, seedOf r 7L)
            Start = startDistance
            Wasserstein = SlicedWasserstein.Between(independent, some, unit, 128, seedOf r 8L)
            WassersteinOfData =
                (if half > 0 then
                     SlicedWasserstein.Between(independent[.. half - 1], independent[half..], unit, 128, seedOf r 8L)
                 else
                     Measurement(nan, nan))
            LogLikelihood =
                (if isLangevin then
                     None
                 else
                     Some(likelihood r setting law (smallest, largest) independent drawn))
            Stein = [
                for level in steinLevels do
                    yield! SteinTest.Residuals(r.Score, tested, level, seedOf r 9L, setting.Threads)
            ]
            Snapshots = snapshots r independent drawn
            Notes = [
                $"{independent.Length} samples of the data are independent ({r.Members} members, thinned by the integrated correlation time): both distances take these alone"
                if r.IsClean then
                    "a score of the data without noise: Langevin dynamics from the Gaussian of the data"
            ]
        }

        progress.Report(1.0, $"energy distance {Digest.number result.Energy.Value}, p = {Digest.number result.Energy.PValue}")
        result)
