/// Responses from runs of the model: twins, field kicks, noise weights.
module internal Leith.Twins

open System
open System.Numerics
open Leith.Core
open Leith.Stages

/// One push and how it is followed.
type Push = {
    Model: Model
    Step: Step
    SpinUp: float
    Longest: float
    Every: float
    /// Grid of the observable, null for numbers.
    Grid: Grid | null
    /// Where the field that is pushed stands, null for numbers.
    Pushed: Segment | null
    /// The spectrum of the field that is pushed, null for the state itself.
    PushedField: Func<ITileMap> | null
    /// Sites, or rows of the observable.
    Rows: int
    /// Unit kick in state rows.
    Kick: Complex[]
    Size: float
    Seed: uint64
    /// What is observed, null for the state itself.
    Observable: Func<ITileMap> | null
    /// w ↦ N′(u, t)ᵀ w, null where there is none.
    TransposedTangent: Func<IPairMap> | null
    Initial: Action<Tile> | null
    /// Whether the law of the system does not depend on time.
    Stationary: bool
}

/// What was measured, [lag][row].
type Measured = {
    Lags: float[]
    Values: float[][]
    StandardError: float[][]
    /// [resample][lag][i] at all numbers, or at the sites along the first axis.
    Replicates: float[][][]
    /// Members or blocks behind the standard errors.
    Independent: int
    /// Of twins: the even part over the odd part, lag by lag.
    EvenPart: float[]
    /// Pairs of twins, or states of noise weights.
    Count: int64
    Kind: DynamicalKind
    /// Why that kind.
    Reason: string
}

let private sixteens count =
    Tile.Members * ((count + Tile.Members - 1) / Tile.Members)

let private toArrays (m: Measured) =
    let arrays = Arrays()
    arrays["lags"] <- m.Lags
    arrays["values"] <- Array.concat m.Values
    arrays["errors"] <- Array.concat m.StandardError
    arrays["replicates"] <- m.Replicates |> Array.concat |> Array.concat
    arrays["replicated"] <- [| float m.Replicates.Length; float m.Independent |]
    arrays["even"] <- m.EvenPart
    arrays["count"] <- [| float m.Count |]
    arrays["kind"] <- [| float (int m.Kind) |]
    arrays["reason"] <- m.Reason |> Seq.map float |> Array.ofSeq
    arrays

let private ofArrays rows (arrays: Arrays) : Measured =
    let cut name = arrays[name] |> Array.chunkBySize rows
    let resamples, lags = int arrays["replicated"].[0], arrays["lags"].Length

    let replicates =
        if resamples = 0 then
            [||]
        else
            arrays["replicates"]
            |> Array.chunkBySize (arrays["replicates"].Length / resamples / lags)
            |> Array.chunkBySize lags

    {
        Lags = arrays["lags"]
        Values = cut "values"
        StandardError = cut "errors"
        Replicates = replicates
        Independent = int arrays["replicated"].[1]
        EvenPart = arrays["even"]
        Count = int64 arrays["count"].[0]
        Kind = enum (int arrays["kind"].[0])
        Reason = arrays["reason"] |> Array.map char |> String
    }

let private relay (progress: IProgress<float * string>) : IProgress<struct (float * float)> = {
    new IProgress<struct (float * float)> with
        member _.Report(struct (share, error)) =
            let sofar =
                if Double.IsNaN error then
                    ""
                else
                    $"standard error {Digest.number error}"

            progress.Report(share, sofar)
}

/// So many pairs of twins.
let private pairsOfTwins setting members pairs (p: Push) progress : Measured =
    let batch = sixteens (min pairs members)

    let plan =
        TwinPlan(batch, (pairs + batch - 1) / batch, p.SpinUp, 0.0, p.Longest, p.Every, p.Kick, p.Size)

    let e =
        TwinResponse.Run(
            simulation p.Model p.Step p.Initial,
            p.Grid,
            p.Rows,
            plan,
            p.Seed,
            p.Observable,
            Double.MaxValue,
            int64 pairs,
            setting.Threads,
            relay progress,
            setting.Cancellation
        )

    {
        Lags = e.Lags
        Values = e.Values
        StandardError = e.StandardError
        Replicates = e.Replicates |> Option.ofObj |> Option.defaultValue [||]
        Independent = e.Independent
        EvenPart = e.EvenPart
        Count = e.Pairs
        Kind = DynamicalKind.Twins
        Reason = "twin runs, as asked"
    }

let private untilError setting members wanted (kind: DynamicalKind option) (p: Push) progress : Measured =
    let question =
        DynamicalQuestion(
            p.Model,
            p.Step.Scheme,
            p.Step.Size,
            sixteens members,
            p.SpinUp,
            p.Longest,
            p.Every,
            p.Size,
            p.Seed,
            Kick = p.Kick,
            TransposedTangent = p.TransposedTangent,
            Observable = p.Observable,
            ObservableRows = p.Rows,
            Pushed = p.Pushed,
            PushedField = p.PushedField,
            Initial = p.Initial,
            Stationary = p.Stationary
        )

    let e =
        DynamicalChoice.Run(question, wanted, Option.toNullable kind, Int64.MaxValue, setting.Threads, relay progress, setting.Cancellation)

    {
        Lags = e.Lags
        Values = e.Values
        StandardError = e.StandardError
        Replicates = e.Replicates |> Option.ofObj |> Option.defaultValue [||]
        Independent = e.Independent
        EvenPart = e.EvenPart
        Count = e.Count
        Kind = e.Kind
        Reason = e.Reason
    }

/// Whether the kicks of twins were in the linear range; none where nothing was kicked by a finite size.
let private linearity (estimates: Measured list) =
    match estimates |> List.filter (fun e -> e.EvenPart.Length > 0) with
    | [] -> None
    | twins ->
        let even = twins |> List.map (fun e -> Array.max e.EvenPart) |> List.max

        let verdict =
            if even < 0.1 then
                "the kick is in the linear range"
            else
                "the kick is large; the response is not linear in it everywhere"

        Some $"even part over odd part at most {Digest.number even}: {verdict}"

/// Runs until the effort is made. `description` holds everything about the push that the system does not.
let run setting (stage: string) (description: string) members effort (p: Push) : Measured =
    let key =
        $"dynamical with resamples {description}\n{members} {effort} {p.Longest:R} {p.Every:R} {p.Size:R} {p.Seed}"

    cached setting key (fun () ->
        Terminal.stage stage (fun progress ->
            let measured =
                match effort with
                | Effort.Pairs pairs -> pairsOfTwins setting members pairs p progress
                | Effort.StandardError(wanted, kind) -> untilError setting members wanted kind p progress

            stopIfCancelled setting
            progress.Report(1.0, String.concat "; " (measured.Reason :: Option.toList (linearity [ measured ])))
            toArrays measured))
    |> ofArrays p.Rows

/// What the reader should know of these estimates.
let notes (size: float option) (estimates: Measured list) =
    let count = estimates |> List.sumBy _.Count

    let kicks =
        size |> Option.map (fun s -> $", kicks of ±{Digest.number (s / 2.0)}") |> Option.defaultValue ""

    [
        yield! estimates |> List.map _.Reason |> List.distinct

        match linearity estimates with
        | Some sentence ->
            yield $"{count} pairs with the same noise{kicks}"
            yield sentence
        | None -> yield $"{Digest.number (float count)} states of runs whose noise serves as kicks: no kick has a size"
    ]
