namespace Leith

open System
open System.Diagnostics
open Leith.Core

/// What an experiment is and what it would take, found without running it.
[<RequireQualifiedAccess>]
module Plan =
    let private number = Typography.number

    let private count (value: float) =
        value.ToString("#,##0", Globalization.CultureInfo.InvariantCulture)

    let private bytes (size: float) =
        if size >= 1e9 then $"{size / 1e9:F1} GB"
        elif size >= 1e6 then $"{size / 1e6:F1} MB"
        else $"{size / 1e3:F1} kB"

    let private joined (parts: string list) = String.Join(", ", parts)
    let private orNone text = if text = "" then "none" else text

    let private part select (equations: Equation list) =
        let texts =
            equations |> List.map (fun equation -> Equation.sum (select (Equation.split equation.Drift)))

        if texts |> List.forall (fun f -> f = Field.Number 0.0) then
            "none"
        else
            String.Join("; ", texts |> List.map string)

    let private gridText (grid: Grid) =
        let points = String.Join(" × ", grid.Points)
        let lengths = String.Join(" × ", grid.Lengths |> Seq.map number)
        $"{points} sites on {lengths}"

    let private noiseText (noise: Noise) (model: Model) =
        match
            (if isNull model.Grid then
                 None
             else
                 Lower.pixelVariance model)
        with
        | Some variance when noise.IsExpressions -> $"{noise}; variance per unit time at a site {number variance}"
        | Some variance -> $"{noise}; variance per unit time at a site {number variance} (Itô)"
        | None -> string noise + (if noise.IsExpressions then "" else " (Itô)")

    let private schemeText (step: Step) (model: Model) =
        let facts = Schemes.Facts step.Scheme

        if step.IsAutomatic then
            "automatic: the structure of the equation decides the law, a pilot run at the start its step; the report says which and why"
        elif model.IsMultiplicative then
            $"{step}; order {number facts.StrongMultiplicative} strong, {number facts.WeakMultiplicative} weak with noise that depends on the state; {facts.Note}"
        else
            $"{step}; order {number facts.Strong} strong, {number facts.Weak} weak, {number facts.Deterministic} without noise; {facts.Note}"

    let private senseOf (step: Step) =
        match (Schemes.Facts step.Scheme).Calculus with
        | Calculus.Ito -> "Itô"
        | _ -> "Stratonovich"

    /// The drift that a step adds since it reads the noise in another sense.
    let private addedText step equations noise =
        match Lower.addedDrift step equations noise with
        | [] -> []
        | added -> [
            "added drift",
            (added |> List.map (fun (u, f) -> $"{u}: {f}") |> String.concat "; ")
            + (if step.IsAutomatic then
                   " (½ Σ (S·∂)S, in case the law that is chosen reads noise in Itô's sense)"
               else
                   $" (½ Σ (S·∂)S, since {(Schemes.Facts step.Scheme).Name} reads noise in {senseOf step}'s sense)")
          ]

    let private aliasText (step: Step) (equations: Equation list) noise =
        match Lower.aliases step.Dealiased equations noise with
        | Aliases.Absent -> []
        | Aliases.Removed degree -> [
            "aliases",
            $"none: for products of degree {degree} the system has the modes |n| < N/{degree + 1} along each axis, and neither noise nor pushes enter the others"
          ]
        | Aliases.Left -> [ "aliases", "left in (aliased)" ]
        | Aliases.Unbounded -> [
            "aliases", "left in: a function, a quotient or a broken power of a field is a product of no degree"
          ]
        | Aliases.Noisy -> [
            "aliases", "left in: noise that depends on the state is a product at each site"
          ]

    let private describeModel experiment (equations: Equation list) noise step (sampling: Sampling) =
        let model = Lower.systemFor step equations noise

        // refuses a law that the noise does not suit, and a step that is unstable
        if not step.IsAutomatic then
            Simulation(model, step.Scheme, step.Size, 1UL) |> ignore

        let operators =
            equations |> List.collect (fun e -> Field.operators e.Drift) |> List.distinct

        let parameters =
            Experiment.parameters experiment |> List.map (fun (name, value) -> $"{name} = {number value}")

        [
            "equation", String.Join("; ", equations |> List.map string)
            if not operators.IsEmpty then
                "operators", joined (operators |> List.map (fun (name, symbol) -> $"{name} = {symbol}"))
            if not parameters.IsEmpty then
                "parameters", joined parameters
            for grid in Equations.fields equations |> List.choose Lower.gridOf |> List.map gridText |> List.distinct do
                "grid", grid
            "linear part", part _.Linear equations
            "other part", part _.Nonlinear equations
            "noise", noiseText noise model
            "scheme", schemeText step model
            yield! aliasText step equations noise
            yield! addedText step equations noise
            "sampling", $"{sampling}: {count (float sampling.Members * float sampling.Times)} samples"
        ]

    let private describeQuestion (experiment: Experiment) = [
        "push",
        (match experiment.Forcing with
         | Forcing.Impulse -> string experiment.Perturb
         | forcing -> $"{experiment.Perturb}, {forcing}")
        "observed", joined (experiment.Observe |> List.map string)
        "lags",
        (match experiment.Source with
         | Source.Simulated(_, _, _, sampling) -> $"0 to {number experiment.Lags}, every {number sampling.Every}"
         | Source.Recorded data -> $"0 to {number experiment.Lags}, every {number data.Spacing}")
        "estimators", joined (experiment.Estimate |> List.map string)
        "checks", orNone (String.Join("; ", experiment.Check |> List.map string))
        "seed", string experiment.Seed
    ]

    /// (name, text) of everything that defines an experiment, the same on every machine. Raises LeithException for one that cannot be run.
    let describe (experiment: Experiment) : (string * string) list =
        Experiment.validate experiment

        match experiment.Source with
        | Source.Simulated(equations, noise, step, sampling) -> describeModel experiment equations noise step sampling @ describeQuestion experiment
        | Source.Recorded data -> [
            "recording", string data
            match data.TimeUnit with
            | Some name -> "time unit", name
            | None -> ()
            if data.Standardised then
                "response unit", "standard deviation"
            yield! describeQuestion experiment
          ]

    /// What one step asks of the machine.
    type private Work = {
        /// (to real space, to Fourier space), in one evaluation of the part that is not linear.
        Transforms: int * int
        /// Instructions of local code in one evaluation.
        Instructions: int
        /// Buffers of one thread.
        Buffers: int
    }

    let private nothing = {
        Transforms = 0, 0
        Instructions = 0
        Buffers = 0
    }

    let private workOf (step: Step) (equations: Equation list) noise =
        let scalarWork () =
            let program =
                Lower.scalarProgram (equations |> List.map _.Unknown) (equations |> List.map _.Drift)

            {
                nothing with
                    Instructions = program.Code.Count
            }

        let fieldWork (program: FieldProgram) =
            let instructions (operation: FieldOperation) =
                match operation with
                | :? FieldOperation.Pointwise as pointwise -> pointwise.Program.Code.Count
                | _ -> 0

            {
                Transforms =
                    program.Operations |> Seq.filter (fun op -> op :? FieldOperation.ToReal) |> Seq.length,
                    program.Operations |> Seq.filter (fun op -> op :? FieldOperation.ToSpectrum) |> Seq.length
                Instructions = program.Operations |> Seq.sumBy instructions
                Buffers = program.Buffers
            }

        if (Equations.fields equations).IsEmpty then
            scalarWork ()
        else
            Lower.restProgram step.Dealiased equations noise
            |> Option.map fieldWork
            |> Option.defaultValue nothing

    /// Nanoseconds that one normal deviate takes on one core here, now: the yardstick of the time estimate.
    /// The fastest of many calls, long enough for the runtime to have compiled its best code.
    let private nanosecondsPerNormal =
        lazy
            (let rows = 1024
             use block = new LaneArray(rows)
             let whole = Stopwatch.StartNew()
             let mutable fastest = infinity
             let mutable step = 0L

             while whole.Elapsed.TotalMilliseconds < 300.0 do
                 let clock = Stopwatch.StartNew()
                 NormalStream.Fill(block.Pointer, rows, 1UL, 0u, step, 0)
                 fastest <- min fastest clock.Elapsed.TotalNanoseconds
                 step <- step + 1L

             fastest / float (rows * LaneArray.Lanes))

    /// Seconds of simulation. In units of one normal deviate a Fourier multiplier takes .3, a transform .6, an instruction .15 a row and member.
    let private seconds threads (model: Model) (step: Step) (sampling: Sampling) (work: Work) =
        let toReal, toSpectrum = work.Transforms
        let stages = float (Schemes.Facts step.Scheme).Stages

        let evaluation =
            0.3 + 0.6 * float (toReal + toSpectrum) + 0.15 * float work.Instructions

        let perRow =
            1.0 + 0.3 + stages * (if isNull model.Nonlinear then 0.0 else evaluation)

        let steps = (sampling.SpinUp + sampling.Lasting) / step.Size
        let members = float (SamplingPlan.TilesFor sampling.Members * Tile.Members)
        perRow * nanosecondsPerNormal.Value * 1e-9 * steps * members * float model.Rows / float threads

    /// Correlation times of a linear model: (that of a site, or the longest of the unknowns; the longest of all).
    let private memory (model: Model) =
        match model.LinearSymbol, model.LinearMatrix with
        | null, null -> None
        | null, matrix ->
            // C(t) = e^{Lt} C(0): the integral of C_ii(t)/C_ii(0), by Simpson over a stretch that forgets
            let matrix = Option.ofObj matrix |> Option.get
            let covariance = LinearLaw.StationaryCovariance model
            let n = Array2D.length1 matrix
            let scale = matrix |> Seq.cast<float> |> Seq.sumBy abs

            let integral i =
                let h = 0.05 / scale
                let stride = LinearLaw.PropagatorMatrix(model, h)

                let rec go k (row: float[]) total =
                    let value = Array.init n (fun j -> row[j] * covariance[j, i]) |> Array.sum
                    let weight = if k = 0 then 0.5 else 1.0

                    if k > 200000 || (row |> Array.sumBy abs) < 1e-6 then
                        total
                    else
                        go (k + 1) (Array.init n (fun j -> Array.init n (fun l -> row[l] * stride[l, j]) |> Array.sum)) (total + weight * h * value)

                go 0 (Array.init n (fun j -> if i = j then 1.0 else 0.0)) 0.0 / covariance[i, i]

            let longest =
                [ 0 .. n - 1 ]
                |> List.filter (fun i -> covariance[i, i] > 0.0)
                |> List.map integral
                |> List.fold max 0.0

            Some(longest, longest)
        | symbol, _ ->
            let power = LinearLaw.StationaryPower model
            let total = Array.sum power

            if total = 0.0 then
                None
            else
                let time mode =
                    if power[mode] = 0.0 then 0.0 else -1.0 / symbol[mode].Real

                // the pixel's correlation is the sum of the modes' e^{L t}, weighted by their power
                let integral mode =
                    if power[mode] = 0.0 then
                        0.0
                    else
                        -power[mode] * (Numerics.Complex.One / symbol[mode]).Real

                let modes = [| 0 .. power.Length - 1 |]
                Some(Array.sumBy integral modes / total, modes |> Array.map time |> Array.max)

    let private effective (model: Model) (sampling: Sampling) =
        let total = float sampling.Members * sampling.Lasting
        let samples = float sampling.Members * float sampling.Times

        let independent time =
            if time <= 0.0 then
                samples
            else
                min samples (total / (2.0 * time))

        if model.IsMultiplicative then
            "not known before the run: the noise depends on the state"
        elif not (isNull model.Nonlinear) then
            "not known before the run: the equation is not linear, is forced, or joins unknowns or sites of a lattice"
        else
            try
                match memory model with
                | Some(typical, longest) when typical = longest ->
                    $"{count (independent longest)} independent samples; correlation time {number longest} of the slowest unknown"
                | Some(typical, longest) ->
                    $"{count (independent typical)} independent samples at a site (correlation time {number typical}), {count (independent longest)} of the slowest mode ({number longest})"
                | None -> "none: there is no noise"
            with :? LeithException as error ->
                $"none: {error.Message}"

    let private footprint threads (experiment: Experiment) (equations: Equation list) sampling =
        match Equations.fields equations with
        | field :: _ -> Footprint.ofField threads experiment (Option.get (Lower.gridOf field)) field sampling
        | [] -> Footprint.ofScalars threads experiment (equations |> List.map _.Unknown) sampling

    let private memoryParts threads workspace (needs: Footprint.Footprint) =
        ("workspace of the simulation", float threads * workspace) :: needs.Memory

    let private memoryText threads workspace (needs: Footprint.Footprint) =
        let parts = memoryParts threads workspace needs

        let told = parts |> List.map (fun (name, size) -> $"{bytes size} {name}") |> joined
        $"about {bytes (List.sumBy snd parts)} on {threads} threads: {told}; the trajectory is not kept"

    /// What the time line leaves out.
    let private untimed (experiment: Experiment) = [
        for estimator in experiment.Estimate do
            match estimator.Method with
            | Method.Dynamical(Effort.Pairs pairs) -> $"{count (float pairs)} pairs of twin runs"
            | Method.Dynamical(Effort.StandardError(error, _)) -> $"runs down to a standard error of {number error}"
            | Method.Learned { Seconds = Some seconds } -> $"{Terminal.duration seconds} of training and the network's own correlation"
            | Method.Learned network -> $"{count (float network.Steps)} training steps and the network's own correlation"
            | _ -> ()
        "resampling"
    ]

    let private timeText threads simulation (experiment: Experiment) (needs: Footprint.Footprint) =
        let correlation =
            needs.MultiplyAdds / (Footprint.multiplyAddsPerSecond * float threads)

        let rest = String.Join("; ", untimed experiment)

        $"about {Terminal.duration simulation} for the simulation alone, reckoned from {nanosecondsPerNormal.Value:F1} ns that a normal deviate takes on this machine; "
        + $"about {Terminal.duration correlation} on top for the correlation, {Digest.number needs.MultiplyAdds} multiply–adds at {number (Footprint.multiplyAddsPerSecond / 1e9)} in a nanosecond on each of {threads} threads; "
        + $"not timed: {rest}"

    let private costsOfRecording (data: Data) = [
        "cost", "a recording is read, nothing is simulated"
        if IO.File.Exists data.Path then
            "memory", $"the recording is held whole, in a few copies; its file takes {bytes (float (IO.FileInfo data.Path).Length)}"
    ]

    let private workspaceOf (rows: float) (work: Work) =
        (float work.Buffers + 6.0) * rows * float Tile.Members * 8.0

    /// Refuses an experiment that needs more memory than there is, before anything is allocated: how much, and for what.
    let demandMemory (threads: int) (available: float) (experiment: Experiment) =
        match experiment.Source with
        | Source.Recorded _ -> ()
        | Source.Simulated(equations, _, _, sampling) ->
            // Buffers of the transforms are counted for the whole only where the grid is small enough to be looked at.
            let rows = Equation.rows equations
            let needs = footprint threads experiment equations sampling
            let parts = memoryParts threads (workspaceOf rows nothing) needs
            let total = List.sumBy snd parts

            if total > available then
                let told = parts |> List.map (fun (name, size) -> $"{bytes size} {name}") |> joined

                raise (
                    LeithException
                        $"experiment \"{experiment.Title}\": expected to need at most the {bytes available} of memory that are free here, but it takes about {bytes total} ({told}); take a coarser grid, shorter lags, or fewer members or threads."
                )

    /// What an experiment takes on so many threads: steps, transforms, memory, effective sample size, time.
    let costs (threads: int) (experiment: Experiment) : (string * string) list =
        match experiment.Source with
        | Source.Recorded data -> costsOfRecording data
        | Source.Simulated(equations, noise, step, sampling) ->
            let model = Lower.systemFor step equations noise

            let automatic = step.IsAutomatic
            let work = workOf step equations noise
            let toReal, toSpectrum = work.Transforms
            let stages = (Schemes.Facts step.Scheme).Stages
            let steps = Math.Round((sampling.SpinUp + sampling.Lasting) / step.Size)

            let needs = footprint threads experiment equations sampling

            let perThread = workspaceOf (Equation.rows equations) work

            let transforms = $"{toReal} to real space and {toSpectrum} to Fourier space"

            [
                "steps",
                (if automatic then
                     "not known before the pilot run, which chooses their size"
                 else
                     $"{count steps} of each member, {count (steps * float sampling.Members)} in all")
                if toReal + toSpectrum > 0 then
                    "transforms",
                    (if automatic then
                         $"{transforms} in each stage of a step"
                     elif stages = 1 then
                         $"{toReal + toSpectrum} in a step: {transforms}"
                     else
                         $"{stages * (toReal + toSpectrum)} in a step: {transforms}, {stages} times")
                "memory", memoryText threads perThread needs
                "effective", effective model sampling
                "time",
                (if automatic then
                     "not known before the pilot run"
                 else
                     timeText threads (seconds threads model step sampling work) experiment needs)
            ]

    /// Names and texts in two columns.
    let internal lines (rows: (string * string) list) =
        let width = 0 :: (rows |> List.map (fun (name, _) -> name.Length)) |> List.max
        rows |> List.map (fun (name, value) -> $"  {name.PadRight width}  {value}")

    /// The lines of a plan as text.
    let text (experiment: Experiment) : string =
        let rows = describe experiment @ costs Environment.ProcessorCount experiment
        String.Join("\n", experiment.Title :: lines rows)
