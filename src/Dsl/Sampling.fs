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
} with

    /// Samples of one member, lasting/every; the first is taken at the end of the spin-up.
    member sampling.Times = int64 (Math.Round(sampling.Lasting / sampling.Every))

    /// The sampling as text.
    member sampling.Text =
        let n = Typography.number
        $"{sampling.Members} members, spin-up {n sampling.SpinUp}, lasting {n sampling.Lasting}, a sample every {n sampling.Every}"

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
