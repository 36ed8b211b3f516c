namespace Leith

open System
open Leith.Core

/// How a push goes on in time: the amplitude f(t) of the forcing, 0 before t = 0.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Forcing =
    /// At one instant, δ(t): the answer is the impulse response.
    | Impulse
    /// 1 from t = 0 on.
    | Step
    /// t/duration, then 1.
    | Ramp of duration: float
    /// cos ωt for ever, once for each of these angular frequencies: the answer is the susceptibility χ(ω) = ∫₀^∞ R(t) e^{iωt} dt.
    | Periodic of frequencies: float list
    /// An expression of the time t.
    | Following of Field
    /// Read from a file: one column, a value every so often, the first at t = 0.
    | Series of Data

    /// The forcing as text.
    member forcing.Text =
        let n = Typography.number

        match forcing with
        | Forcing.Impulse -> "at one instant"
        | Forcing.Step -> "from t = 0 on"
        | Forcing.Ramp duration -> $"growing to 1 in {n duration}, then 1"
        | Forcing.Periodic frequencies ->
            let list = frequencies |> List.map n |> String.concat ", "
            $"periodic, ω = {list}"
        | Forcing.Following f -> $"as {f}"
        | Forcing.Series data -> $"as {data}"

    override forcing.ToString() = forcing.Text

/// The words of forcing in time.
[<AutoOpen>]
module ForcingWords =
    let private positive word what (value: float) =
        if not (Double.IsFinite value) || value <= 0.0 then
            raise (LeithException $"{word}: expected {what}, got {value}.")

        value

    /// At one instant, which is what a push does unless it is told otherwise.
    let impulse = Forcing.Impulse
    /// From t = 0 on: `push x |> inTime lastingForcing`. The answer goes to the static sensitivity d⟨A⟩/dλ.
    let lastingForcing = Forcing.Step

    /// Growing from 0 to 1 in this time, then 1.
    let ramp (duration: float) =
        Forcing.Ramp(positive "ramp" "a positive duration" duration)

    /// cos ωt: `periodic [ 0.1; 0.5; 1.0 ]`, angular frequencies.
    let periodic (frequencies: float list) =
        if frequencies.IsEmpty then
            raise (LeithException "periodic: expected at least one angular frequency, got none; write periodic [ 0.5 ].")

        for f in frequencies do
            if not (Double.IsFinite f) || f < 0.0 then
                raise (LeithException $"periodic: expected angular frequencies of at least 0, got {f}.")

        Forcing.Periodic(List.distinct frequencies)

    /// An expression of the time: `following (exp (-t / 3.0))`.
    let following (f: Field) =
        match Field.unknowns f @ Field.whiteNoises f with
        | other :: _ ->
            raise (
                LeithException
                    $"following: expected an expression of the time t alone, got {other} in {f}; a forcing that depends on the state is a vector field, pushAlong [ on x … ]."
            )
        | [] when Field.dependsOnPlace f ->
            raise (
                LeithException
                    $"following: expected an expression of the time t alone, got a coordinate in {f}; a pattern in space belongs to the push, pushAlong [ on u … ]."
            )
        | [] -> Forcing.Following f

    /// Values from a file with one column, the first at t = 0: `series (recording "forcing.csv" |> spacing 0.1)`.
    let series (data: Data) = Forcing.Series data
