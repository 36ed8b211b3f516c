namespace Leith

open Leith.Core

/// What one experiment of a sweep has where others have something else.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type internal Swept =
    | Amount of float
    | Words of string
    /// The experiment has nothing of this name.
    | Absent

    member value.Text =
        match value with
        | Amount x -> Typography.number x
        | Words text -> text
        | Absent -> "–"

    override value.ToString() = value.Text

/// One experiment of a sweep.
type internal SweepMember = {
    Title: string
    Folder: string
    /// Its values of everything that differs, in the order of `Sweep.Differences`.
    Values: Swept list
    /// What it found, or the sentence that says why it could not be run.
    Ending: Result<Outcome, string>
}

/// A list of experiments side by side.
type internal SweepOutcome = {
    Title: string
    /// The comment lines at the head of the script.
    Header: string list
    /// Path and text of the script.
    Script: string * string
    Versions: (string * string) list
    Sketch: bool
    Threads: int
    /// Names of what differs between the experiments.
    Differences: string list
    Members: SweepMember list
    /// Folder of the sweep.
    Folder: string
} with

    /// The members that ran, with what they found.
    member sweep.Finished = [
        for m in sweep.Members do
            match m.Ending with
            | Ok outcome -> m, outcome
            | Error _ -> ()
    ]

    /// The only difference, where it is one number for each experiment: name and values of the finished members.
    member sweep.Axis =
        let amounts =
            sweep.Finished
            |> List.choose (fun (m, _) ->
                match m.Values with
                | [ Swept.Amount x ] -> Some x
                | _ -> None)

        match sweep.Differences with
        | [ name ] when amounts.Length = sweep.Finished.Length && (List.distinct amounts).Length > 1 -> Some(name, amounts)
        | _ -> None

/// What differs between experiments.
[<RequireQualifiedAccess>]
module internal Differences =
    let private noise (unknown: Field) noise =
        match noise, unknown with
        | Noise.PerSite s, Field.Unknown(_, Domain.Scalar)
        | Noise.Matrix [ [ s ] ], _ -> "noise amplitude", Swept.Amount s
        | Noise.PerSite s, _ -> "noise per site", Swept.Amount s
        | Noise.White s, _ -> "white noise", Swept.Amount s
        | other, _ -> "noise", Swept.Words(string other)

    let private grid (unknown: Field) =
        match unknown with
        | Field.Unknown(_, (Domain.Torus(lengths, points) | Domain.Lattice(lengths, points))) ->
            let joined values =
                values |> List.map Typography.number |> String.concat " × "

            Some $"{joined (List.map float points)} sites on {joined lengths}"
        | _ -> None

    let private estimator (e: Estimator) =
        match e.Method with
        | Method.Dynamical(Effort.Pairs n) -> $"{e} ({n} pairs)"
        | Method.Dynamical(Effort.StandardError(error, _)) -> $"{e} (standard error {Typography.number error})"
        | Method.Learned { Seconds = Some seconds } -> $"{e} ({Terminal.duration seconds} of training)"
        | Method.Learned network -> $"{e} ({network.Channels} channels, {network.Layers} layers, {network.Steps} steps)"
        | _ -> string e

    let private joined (parts: 'a list) =
        parts |> List.map string |> String.concat ", "

    let private ofSource source =
        match source with
        | Source.Recorded data -> [ "recording", Swept.Words(string data) ]
        | Source.Simulated(equations, noise', step, sampling) -> [
            "equation", Swept.Words(equations |> List.map string |> String.concat "; ")
            for text in equations |> List.choose (fun e -> grid e.Unknown) |> List.distinct do
                "grid", Swept.Words text
            noise equations.Head.Unknown noise'
            "scheme", Swept.Words (Schemes.Facts step.Scheme).Name
            "time step", Swept.Amount step.Size
            "members", Swept.Amount(float sampling.Members)
            "spin-up", Swept.Amount sampling.SpinUp
            "lasting", Swept.Amount sampling.Lasting
            "time between samples", Swept.Amount sampling.Every
          ]

    /// Everything that an experiment asks for, by name: its parameters first.
    let private settings (experiment: Experiment) =
        [
            for name, value in Experiment.parameters experiment do
                name, Swept.Amount value
            yield! ofSource experiment.Source
            "push", Swept.Words(string experiment.Perturb)
            "observed", Swept.Words(joined experiment.Observe)
            "longest lag", Swept.Amount experiment.Lags
            "estimators", Swept.Words(experiment.Estimate |> List.map estimator |> joined)
            "seed", Swept.Amount(float experiment.Seed)
        ]
        |> List.distinctBy fst

    /// Names of what differs, in the order of their first appearance, and the values of each experiment.
    let between (experiments: Experiment list) : string list * Swept list list =
        let all = experiments |> List.map settings

        let value name known =
            known |> List.tryFind (fst >> (=) name) |> Option.map snd |> Option.defaultValue Swept.Absent

        let differing =
            all
            |> List.collect (List.map fst)
            |> List.distinct
            |> List.filter (fun name -> (all |> List.map (value name) |> List.distinct).Length > 1)

        differing, all |> List.map (fun known -> differing |> List.map (fun name -> value name known))
