namespace Leith

open System
open Leith.Core

/// How a file of numbers with two axes is laid out.
[<RequireQualifiedAccess>]
type Layout =
    /// [component][time].
    | ComponentsFirst
    /// [time][component].
    | TimeFirst

/// A recording on disk and how to read it. Nothing is read before the experiment runs.
[<StructuredFormatDisplay("{Text}")>]
type Data = {
    /// npy or CSV; a relative path starts at the folder the script is run from.
    Path: string
    /// Time between samples.
    Spacing: float
    /// Whether each component is brought to mean 0 and variance 1 first.
    Standardised: bool
    Layout: Layout
    /// What the time between samples counts, for axes: "months".
    TimeUnit: string option
    /// What a component is, for names such as "region 3" where the file has none.
    Label: string option
    /// File that says which component each point of the world belongs to.
    Map: string option
} with

    /// The recording as text.
    member data.Text =
        let layout =
            match data.Layout with
            | Layout.ComponentsFirst -> "[component][time]"
            | Layout.TimeFirst -> "[time][component]"

        let units = if data.Standardised then ", standardised" else ""
        $"{data.Path} {layout}, a sample every {Typography.number data.Spacing}{units}"

    override data.ToString() = data.Text

/// The words of recordings and observables.
[<AutoOpen>]
module ObserveWords =
    /// A recording in a file, npy or CSV: `recording "sst.npy" |> spacing 1.0 |> standardised`.
    let recording (path: string) = {
        Path = path
        Spacing = 1.0
        Standardised = false
        Layout = Layout.TimeFirst
        TimeUnit = None
        Label = None
        Map = None
    }

    /// The time between samples.
    let spacing (time: float) (data: Data) =
        if not (Double.IsFinite time) || time <= 0.0 then
            raise (LeithException $"spacing: expected a positive time between samples, got {time}.")

        { data with Spacing = time }

    /// What time is counted in, for axes and tables: `timeUnit "months"`.
    let timeUnit (name: string) (data: Data) = { data with TimeUnit = Some name }
    /// What a component is, where the file has no names: `labelled "region"` makes "region 1", "region 2", …
    let labelled (name: string) (data: Data) = { data with Label = Some name }
    /// Each component brought to mean 0 and variance 1 before anything else.
    let standardised (data: Data) = { data with Standardised = true }

    /// The file holds [component][time].
    let componentsFirst (data: Data) = {
        data with
            Layout = Layout.ComponentsFirst
    }

    /// The file holds [time][component], which is what is assumed.
    let timeFirst (data: Data) = { data with Layout = Layout.TimeFirst }
    /// The file that says which component each point of the world belongs to, to draw responses on.
    let onMap (path: string) (data: Data) = { data with Map = Some path }

    /// One component of a recording, counted from 0.
    let column (data: Data) (index: int) =
        if index < 0 then
            raise (LeithException $"column: expected a component counted from 0, got {index}.")

        Field.Unknown($"column {index}", Domain.Column(data.Path, index))

    /// All components of a recording.
    let everyColumn (data: Data) = [ Field.Unknown("every column", Domain.EveryColumn data.Path) ]
