namespace Leith

open System
open System.Numerics
open Leith.Core
open Leith.Stages

/// One rung of the ladder: what a push of one amplitude does, where it does most.
type LinearRangeRow = {
    /// ε.
    Amplitude: float
    /// ½⟨A(u⁺) − A(u⁻)⟩ and its standard error.
    First: Measurement
    /// ½⟨A(u⁺) + A(u⁻)⟩ − ⟨A(u)⟩ and its standard error.
    Second: Measurement
}

/// How large a push may be before an observable answers more than linearly.
type LinearRange = {
    Observable: string
    Perturbation: string
    Tolerance: float
    /// The amplitude at which the second-order part is the tolerance times the first-order part: ε tolerance = |R₂| ε², R₁ ε + R₂ ε² + … being the response.
    Amplitude: Measurement
    /// Whether the second-order part stays within its error: the amplitude is then a lower bound.
    IsBound: bool
    Rows: LinearRangeRow list
}

module internal LinearRanges =
    /// Amplitudes of the ladder, each twice the one before.
    let private rungs = 6

    /// What stands out of its error.
    let private resolved = 3.0

    let private fail text =
        raise (LeithException $"linearRange: {text}")

    /// The standard deviation of an unknown in states after the spin-up, over members and sites.
    let private deviation (model: Model) (tiles: Tile seq) index =
        let segment = model.Segments[index]
        let tiles = List.ofSeq tiles

        if segment.Representation = Representation.Modes then
            // Σ_k |Z_k|² = N (Σ a² + Σ b²); the mean is left out
            let n = float segment.Rows

            tiles
            |> List.averageBy (fun t ->
                Seq.init (8 * (segment.Rows - 1)) (fun i -> 8 * (segment.First + 1) + i)
                |> Seq.sumBy (fun i -> t.A.Span[i] ** 2.0 + t.B.Span[i] ** 2.0))
            |> fun sum -> sqrt (sum / (16.0 * n * n))
        else
            let values = [
                for t in tiles do
                    for i in 8 * segment.First .. 8 * segment.End - 1 do
                        t.A.Span[i]
                        t.B.Span[i]
            ]

            let mean = List.average values
            sqrt (values |> List.averageBy (fun v -> (v - mean) ** 2.0))

    let private ofScalars setting experiment (equations: Equation list) step (s: Sampling) : (string[] * ForcedRun.Question) list =
        let c: VectorRecord.Context = {
            Experiment = experiment
            Setting = setting
            Model = Lower.model experiment
            Unknowns = equations |> List.map _.Unknown
            Step = step
            Plan = SamplingPlan(s.Members, s.SpinUp, s.Lasting, s.Every)
            Longest = int (Math.Round(experiment.Lags / s.Every))
            Seed = uint64 experiment.Seed
        }

        let states = LastStates 1L

        (simulation c.Model step (initialOf c.Model experiment) c.Seed)
            .Run(SamplingPlan(64, s.SpinUp, step.Size, step.Size), (fun tile -> states.Open tile), setting.Threads, null, setting.Cancellation)

        let deviation u =
            deviation c.Model states.Tiles (List.findIndex ((=) u) c.Unknowns)

        let names = experiment.Observe |> List.map string |> Array.ofList

        [
            for push in ForcedRun.pushes experiment -> names, VectorForced.question c push deviation
        ]

    let private ofFields setting experiment equations step sampling : (string[] * ForcedRun.Question) list =
        let c = FieldRecord.context setting experiment equations step sampling

        let deviation =
            deviation c.Model c.Start.Value (List.findIndex ((=) c.Unknown) c.Unknowns)

        [
            for observable in experiment.Observe -> [| string observable |], FieldRun.forcedQuestion c observable deviation
        ]

    /// First- and second-order parts of an amplitude, R₁ ε and R₂ ε² over ε and ε², [lag][row].
    let private rung (q: ForcedRun.Question) (ask: float -> ForcedQuestion) units epsilon =
        use twins = new ForcedTwins(ask epsilon)
        twins.Advance(units, q.Setting.Threads, null, q.Setting.Cancellation)

        let read ofEven =
            twins.Estimate([||], 0, q.Seed, null, ofEven)

        epsilon, read false, read true

    /// Where a table of values is largest among the rows of one observable.
    let private place (rows: int[]) (table: float[][]) =
        Seq.allPairs (seq { 0 .. table.Length - 1 }) rows
        |> Seq.maxBy (fun (lag, row) -> abs table[lag].[row])

    let private at (lag, row) (e: ForcedEstimate) =
        e.Values[lag].[row], e.StandardError[lag].[row]

    /// Weighted mean of the estimates that agree with the smaller amplitudes: beyond, higher orders come in.
    let private together (estimates: (float * float) list) =
        let merge (value: float, error: float) (more: float, itsError: float) =
            let w, v = 1.0 / (error * error), 1.0 / (itsError * itsError)
            (w * value + v * more) / (w + v), sqrt (1.0 / (w + v))

        let guarded = estimates |> List.map (fun (v, e) -> v, max e (1e-9 * abs v + 1e-300))

        guarded.Tail
        |> List.fold
            (fun (value, error) (more, itsError) ->
                if abs (more - value) <= resolved * sqrt (error * error + itsError * itsError) + 0.02 * abs value then
                    merge (value, error) (more, itsError)
                else
                    value, error)
            guarded.Head

    let private answer (q: ForcedRun.Question) tolerance (name: string) (rows: int[]) ladder : LinearRange =
        let _, _, largestSecond = List.last ladder
        let _, smallestFirst, _ = List.head ladder

        let where, whereSecond =
            place rows (smallestFirst: ForcedEstimate).Values, place rows (largestSecond: ForcedEstimate).Values

        let first, firstError = together [ for _, first, _ in ladder -> at where first ]

        let second, secondError =
            together [ for _, _, second in ladder -> at whereSecond second ]

        if not (abs first > resolved * firstError && first <> 0.0) then
            fail
                $"expected a first-order response of {name} to {q.Push} that stands out of its error, got {Digest.number first} ± {Digest.number firstError}; run more pairs, or observe what answers."

        let isBound = abs second < resolved * secondError

        let size =
            if isBound then
                abs second + 2.0 * secondError
            else
                abs second

        let largest, _, _ = List.last ladder

        // nothing is known beyond the amplitudes that were run
        let amplitude = tolerance * abs first / size |> if isBound then min largest else id

        {
            Observable = name
            Perturbation = q.Push.Text
            Tolerance = tolerance
            Amplitude = Measurement(amplitude, amplitude * sqrt ((firstError / first) ** 2.0 + (secondError / size) ** 2.0))
            IsBound = isBound
            Rows = [
                for epsilon, f, s in ladder do
                    let f, fe = at where f
                    let s, se = at whereSecond s

                    {
                        Amplitude = epsilon
                        First = Measurement(epsilon * f, epsilon * fe)
                        Second = Measurement(epsilon * epsilon * s, epsilon * epsilon * se)
                    }
            ]
        }

    let private ranges tolerance effort (names: string[], q: ForcedRun.Question) : LinearRange list =
        let course = ForcingCourse.of' q.Every q.Longest q.Experiment.Forcing
        let pair, ask = ForcedRun.question true q 0.0 course q.Longest

        let pairs =
            match effort with
            | Effort.Pairs n -> n
            | Effort.StandardError _ -> 4096

        let members = ForcedRun.sixteens (min pairs q.Members)
        let smallest = ForcedRun.amplitude q 0.0 course q.Longest (min members 64)
        let units = (pairs + members - 1) / members

        let ladder = [
            for i in 0 .. rungs - 1 do
                let epsilon = smallest * 2.0 ** float i

                if epsilon <= pair.Largest || i = 0 then
                    rung q (ask members) units epsilon
        ]

        if names.Length = 1 then
            [ answer q tolerance names[0] q.Kept ladder ]
        else
            [
                for i, name in Array.indexed names -> answer q tolerance name [| q.Kept[i] |] ladder
            ]

    /// The ranges of every observable and push.
    let find setting tolerance (experiment: Experiment) : LinearRange list =
        if not (tolerance > 0.0 && tolerance < 1.0) then
            fail $"expected a tolerance between 0 and 1, got {tolerance}; .05 asks for a second-order part of 5 %%."

        if experiment.Forcing.IsPeriodic then
            fail "expected an impulse, a step or another course in time, got a periodic push; ask with |> inTime lastingForcing."

        let effort =
            experiment.Estimate
            |> List.tryPick (fun e ->
                match e.Method with
                | Method.Dynamical effort -> Some effort
                | _ -> None)
            |> Option.defaultValue (Effort.Pairs 4096)

        match experiment.Source with
        | Source.Recorded _ -> fail "expected a model to run, got a recording."
        | Source.Simulated(equations, _, step, sampling) ->
            (if (Equations.fields equations).IsEmpty then
                 ofScalars setting experiment equations step sampling
             else
                 ofFields setting experiment equations step sampling)
            |> List.collect (ranges tolerance effort)

    let private number (m: Measurement) =
        $"{Digest.number m.Value} ± {Digest.number m.StandardError}"

    /// The table that is printed.
    let text (ranges: LinearRange list) = [
        for r in ranges do
            yield $"{r.Observable}, pushed: {r.Perturbation}"
            yield sprintf "  %-12s %-26s %-26s %s" "ε" "first-order part" "second-order part" "ratio"

            for row in r.Rows do
                yield
                    sprintf
                        "  %-12s %-26s %-26s %s"
                        (Digest.number row.Amplitude)
                        (number row.First)
                        (number row.Second)
                        (Digest.number (abs (row.Second.Value / row.First.Value)))

            if r.IsBound then
                yield
                    $"  the second-order part stays within its error: below {Digest.number r.Tolerance} of the first up to ε = {Digest.number r.Amplitude.Value} at least"
            else
                yield $"  the second-order part is {Digest.number r.Tolerance} of the first at ε = {number r.Amplitude}"
    ]

/// How large a push may be.
[<AutoOpen>]
module LinearRangeWords =
    /// The largest amplitude for which the second-order part of each response stays below this part of the first-order one, from runs under ±ε over a ladder of amplitudes, with its error:
    /// `experiment … |> linearRange 0.05`. Prints a table; pairs as many as the experiment's `dynamical` asks for, 4096 otherwise.
    let linearRange (tolerance: float) (experiment: Experiment) : LinearRange list =
        guarded (fun () ->
            let options = Options.current ()
            let prepared = Runner.prepare options experiment
            Experiment.validate prepared
            let resolved, _ = Runner.resolved prepared
            let ranges = LinearRanges.find (Runner.settingOf options) tolerance resolved

            if not Terminal.isQuiet then
                LinearRanges.text ranges |> List.iter (printfn "%s")

            ranges)
