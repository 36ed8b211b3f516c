/// Twin runs of fields and of scalar unknowns.
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
    /// Sites, or rows of the observable.
    Rows: int
    /// Unit kick in state rows.
    Kick: Complex[]
    Size: float
    Seed: uint64
    /// What is observed, null for the state itself.
    Observable: Func<ITileMap> | null
}

/// Members of one batch, restarts of each, standard error wanted, and the most pairs. Lanes come in sixteens.
let private batches effort members =
    let sixteens count =
        Tile.Members * ((count + Tile.Members - 1) / Tile.Members)

    match effort with
    | Effort.Pairs pairs ->
        let batch = sixteens (min pairs members)
        batch, (pairs + batch - 1) / batch, Double.MaxValue, pairs
    // Spin-up is paid once a batch: restarts are taken from runs that go on.
    | Effort.StandardError error -> sixteens members, 2, error, Int32.MaxValue

let private toArrays (e: TwinResponseEstimate) =
    let arrays = Arrays()
    arrays["lags"] <- e.Lags
    arrays["values"] <- Array.concat e.Values
    arrays["errors"] <- Array.concat e.StandardError
    arrays["even"] <- e.EvenPart
    arrays["pairs"] <- [| float e.Pairs |]
    arrays

let private ofArrays rows (arrays: Arrays) =
    let cut name = arrays[name] |> Array.chunkBySize rows

    TwinResponseEstimate(arrays["lags"], cut "values", cut "errors", int64 arrays["pairs"].[0], arrays["even"])

/// Runs batches of at most so many members until the effort is made. `description` holds everything about the push that the system does not.
let run setting (stage: string) (description: string) members effort (p: Push) : TwinResponseEstimate =
    let batch, restarts, wanted, most = batches effort members

    let plan =
        TwinPlan(batch, restarts, p.SpinUp, 0.0, p.Longest, p.Every, p.Kick, p.Size)

    let key =
        $"twins {description}\n{batch} {restarts} {wanted:R} {most} {p.Longest:R} {p.Every:R} {p.Size:R} {p.Seed}"

    cached setting key (fun () ->
        Terminal.stage stage (fun progress ->
            let relay = {
                new IProgress<struct (float * float)> with
                    member _.Report(struct (share, error)) =
                        let sofar =
                            if Double.IsNaN error then
                                ""
                            else
                                $"standard error {Digest.number error}"

                        progress.Report(share, sofar)
            }

            let estimate =
                TwinResponse.Run(
                    simulation p.Model p.Step,
                    p.Model.Grid,
                    p.Rows,
                    plan,
                    p.Seed,
                    p.Observable,
                    wanted,
                    int64 most,
                    setting.Threads,
                    relay,
                    setting.Cancellation
                )

            stopIfCancelled setting
            toArrays estimate))
    |> ofArrays p.Rows

/// What the reader should know of twin estimates.
let notes (size: float option) (estimates: TwinResponseEstimate list) =
    let pairs = estimates |> List.sumBy _.Pairs
    let even = estimates |> List.map (fun e -> Array.max e.EvenPart) |> List.max

    let kicks =
        size |> Option.map (fun s -> $", kicks of ±{Digest.number (s / 2.0)}") |> Option.defaultValue ""

    [
        $"{pairs} pairs with the same noise{kicks}"
        $"even part over odd part at most {Digest.number even}"
        + (if even < 0.1 then
               ": the kick is in the linear range"
           else
               ": the kick is large; the response is not linear in it everywhere")
    ]
