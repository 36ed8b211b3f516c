namespace Leith

open System
open Leith.Core

/// How much is simulated: members × lasting time units after the spin-up, a sample every so often.
[<StructuredFormatDisplay("{Text}")>]
type Sampling = {
    Members: int
    SpinUp: float
    Lasting: float
    Every: float
    /// What unknowns start at, as expressions of the place; the others start at 0.
    Start: (Field * Field) list
} with

    /// Samples of one member, lasting/every; the first is taken at the end of the spin-up.
    member sampling.Times = int64 (Math.Round(sampling.Lasting / sampling.Every))

    /// The sampling as text.
    member sampling.Text =
        let n = Typography.number

        let start =
            sampling.Start |> List.map (fun (u, f) -> $", {u} starting at {f}") |> String.concat ""

        $"{sampling.Members} members, spin-up {n sampling.SpinUp}, lasting {n sampling.Lasting}, a sample every {n sampling.Every}{start}"

    override sampling.ToString() = sampling.Text

/// The words of sampling.
[<AutoOpen>]
module SamplingWords =
    let private positive word (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"{word}: expected a positive time, got {value}.")

        value

    /// The size of the ensemble: `members 128 |> spinUp 1000.0 |> lasting 2000.0 |> every 1.0`.
    let members (count: int) =
        if count < 1 then
            raise (LeithException $"members: expected at least one member, got {count}.")

        {
            Members = count
            SpinUp = 0.0
            Lasting = 100.0
            Every = 1.0
            Start = []
        }

    /// Time units run before the first sample.
    let spinUp (time: float) sampling =
        if not (Double.IsFinite time) || time < 0.0 then
            raise (LeithException $"spinUp: expected a time of at least 0, got {time}.")

        { sampling with SpinUp = time }

    /// Time units sampled by each member.
    let lasting (time: float) sampling = {
        sampling with
            Lasting = positive "lasting" time
    }

    /// Time units between samples.
    let every (time: float) sampling : Sampling = {
        sampling with
            Every = positive "every" time
    }

    /// What an unknown starts at, a number or an expression of the place: `startingAt u (sin (coordinate 0))`; unknowns that are not named start at 0.
    let startingAt (unknown: Field) (value: Field) (sampling: Sampling) : Sampling =
        let fail text =
            raise (LeithException $"startingAt: {text}")

        if not unknown.IsUnknown then
            fail $"expected an unknown, got {unknown}; write startingAt u (value)."

        if sampling.Start |> List.exists (fun (u, _) -> u = unknown) then
            fail $"expected one start for {unknown}, got two; delete one."

        match Field.unknowns value @ Field.whiteNoises value with
        | other :: _ -> fail $"expected numbers, parameters and coordinates, got {other} in the start of {unknown}; write its value in its place."
        | [] when Field.dependsOnTime value -> fail $"expected a value at the beginning, got {value}, which depends on time; put a number for t."
        | [] -> ()

        let axes =
            match unknown with
            | Field.Unknown(_, (Domain.Torus(lengths, _) | Domain.Lattice(lengths, _) | Domain.Modes(lengths, _))) -> lengths.Length
            | _ -> 0

        let rec highest f =
            match f with
            | Field.Coordinate axis -> axis + 1
            | _ -> Field.children f |> List.map highest |> List.fold max 0

        if highest value > axes then
            fail $"expected coordinates of the {axes} axes of {unknown}, got {value}; count axes from 0."

        {
            sampling with
                Start = sampling.Start @ [ unknown, value ]
        }
