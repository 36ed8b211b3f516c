/// f(t), the course of a forcing in time, as numbers and as an expression.
module internal Leith.ForcingCourse

open Leith.Core

/// The one column of a file.
let private read (data: Data) =
    let layout =
        match data.Layout with
        | Layout.TimeFirst -> RecordingLayout.TimeFirst
        | Layout.ComponentsFirst -> RecordingLayout.ComponentsFirst

    let recording = Recording.Load(data.Path, layout, data.Spacing)

    let recording =
        if data.Standardised then
            let struct (series, _, _) = recording.Standardised()
            series
        else
            recording

    if recording.Components <> 1 then
        raise (LeithException $"series: expected one column, the values of f(t), got {recording.Components} in {data.Path}; keep one of them.")

    recording.Values[0]

/// f(t) for curves with so much time between lags; of a periodic forcing that of one frequency.
let ofFrequency (frequency: float) (every: float) (longest: float) (forcing: Forcing) : ForcingInTime =
    match forcing with
    | Forcing.Impulse
    | Forcing.Step -> ForcingInTime.Step
    | Forcing.Ramp duration -> ForcingInTime.Ramp duration
    | Forcing.Periodic _ -> ForcingInTime.Cosine frequency
    | Forcing.Following f -> ForcingInTime((fun t -> Field.evaluate (fun _ -> nan) t f), [||])
    | Forcing.Series data -> ForcingInTime.Series(read data, data.Spacing, every, longest)

/// The same of a forcing that is not periodic.
let of' every longest forcing = ofFrequency 0.0 every longest forcing

/// f(t) as an expression of the time; none of a series.
let expression (frequency: float) (forcing: Forcing) : Field option =
    let t = Field.Time

    match forcing with
    | Forcing.Impulse
    | Forcing.Step -> Some(Field.Number 1.0)
    | Forcing.Ramp duration ->
        // min(s, 1)
        let s = t / Field.Number duration
        Some(Field.Number 0.5 * (s + Field.Number 1.0 - Field.Apply(Elementary.Abs, s - Field.Number 1.0)))
    | Forcing.Periodic _ -> Some(Field.Apply(Elementary.Cos, Field.Number frequency * t))
    | Forcing.Following f -> Some f
    | Forcing.Series _ -> None
