namespace Leith.Charting

open System
open System.IO
open System.Text.Json

/// A JSON value; numbers that JSON does not know (NaN, infinities) are written as null, which plotly draws as a gap.
type Json =
    | Null
    | Flag of bool
    | Number of float
    | Text of string
    /// Numbers of a figure: written with six significant digits.
    | Numbers of float[]
    | Items of Json list
    | Members of (string * Json) list

module Json =
    let private finite (x: float) =
        not (Double.IsNaN x || Double.IsInfinity x)

    let private short (x: float) =
        x.ToString("G6", Globalization.CultureInfo.InvariantCulture)

    let rec private put (writer: Utf8JsonWriter) json =
        match json with
        | Null -> writer.WriteNullValue()
        | Flag value -> writer.WriteBooleanValue value
        | Number value when finite value -> writer.WriteNumberValue value
        | Number _ -> writer.WriteNullValue()
        | Text value -> writer.WriteStringValue value
        | Numbers values ->
            writer.WriteStartArray()

            for value in values do
                if finite value then
                    // G6 writes 1E-05 and the like, which JSON knows too.
                    writer.WriteRawValue(short value, true)
                else
                    writer.WriteNullValue()

            writer.WriteEndArray()
        | Items items ->
            writer.WriteStartArray()
            items |> List.iter (put writer)
            writer.WriteEndArray()
        | Members members ->
            writer.WriteStartObject()

            for name, value in members do
                writer.WritePropertyName name
                put writer value

            writer.WriteEndObject()

    /// Writes UTF-8. What HTML would take for a tag is escaped, so the text may stand inside a script element.
    let write (stream: Stream) indented json =
        use writer = new Utf8JsonWriter(stream, JsonWriterOptions(Indented = indented))
        put writer json

    let toString json =
        use stream = new MemoryStream()
        write stream false json
        Text.Encoding.UTF8.GetString(stream.ToArray())

    /// An object with the members of both; those of the second win, objects inside are joined in the same way.
    let rec merge first second =
        match first, second with
        | Members a, Members b ->
            let kept =
                a
                |> List.map (fun (name, value) ->
                    match List.tryFind (fst >> (=) name) b with
                    | Some(_, other) -> name, merge value other
                    | None -> name, value)

            Members(kept @ (b |> List.filter (fun (name, _) -> not (List.exists (fst >> (=) name) a))))
        | _, b -> b

/// A plotly figure: its traces, and members of its layout.
type GenericChart = { Traces: Json list; Layout: Json }

/// Colours of a heatmap, told apart by the colour-blind too and still in order in print.
type ColorScale =
    /// Dark to bright.
    | Cividis
    /// Blue, white, vermillion, for values around zero.
    | Diverging

/// Plotly.js figures, under the names of Plotly.NET.
type Chart =
    static member private Optional(members: (string * Json option) list) =
        members |> List.choose (fun (name, value) -> value |> Option.map (fun v -> name, v))

    static member private Of trace = {
        Traces = [ trace ]
        Layout = Members []
    }

    /// A curve.
    static member Line
        (
            x: float[],
            y: float[],
            ?Name: string,
            ?Color: string,
            ?Dash: string,
            ?Width: float,
            ?ShowMarkers: bool,
            ?HoverTemplate: string,
            ?Hover: string[]
        ) : GenericChart =
        let line =
            Chart.Optional [
                "color", Option.map Text Color
                "dash", Option.map Text Dash
                "width", Some(Number(defaultArg Width 1.8))
            ]

        Members(
            [
                "type", Text "scatter"
                "mode",
                Text(
                    if defaultArg ShowMarkers false then
                        "lines+markers"
                    else
                        "lines"
                )
                "x", Numbers x
                "y", Numbers y
                "line", Members line
                "marker", Members [ "size", Number 5.0 ]
                "hovertemplate", Text(defaultArg HoverTemplate (if Hover.IsSome then "%{x}: %{text}" else "%{x}: %{y:.4g}"))
            ]
            @ Chart.Optional [
                "name", Option.map Text Name
                "legendgroup", Option.map Text Name
                "text", Hover |> Option.map (Array.map Text >> List.ofArray >> Items)
            ]
        )
        |> Chart.Of

    /// Points.
    static member Scatter(x: float[], y: float[], ?Name: string, ?Color: string, ?Size: float, ?Symbol: string) : GenericChart =
        Members(
            [
                "type", Text "scatter"
                "mode", Text "markers"
                "x", Numbers x
                "y", Numbers y
                "marker",
                Members(
                    ("size", Number(defaultArg Size 6.0))
                    :: Chart.Optional [ "color", Option.map Text Color; "symbol", Option.map Text Symbol ]
                )
            ]
            @ Chart.Optional [ "name", Option.map Text Name; "legendgroup", Option.map Text Name ]
        )
        |> Chart.Of

    /// The area between two curves, without hover or legend of its own; it belongs to the legend entry of its name.
    static member Range(x: float[], lower: float[], upper: float[], ?Name: string, ?FillColor: string) : GenericChart =
        // Plotly fills across gaps wrongly; the band ends where either edge is missing.
        let known =
            [| 0 .. x.Length - 1 |]
            |> Array.filter (fun i -> Double.IsFinite lower[i] && Double.IsFinite upper[i])

        let pick (values: float[]) = known |> Array.map (fun i -> values[i])

        Members(
            [
                "type", Text "scatter"
                "mode", Text "lines"
                "x", Numbers(Array.append (pick x) (Array.rev (pick x)))
                "y", Numbers(Array.append (pick upper) (Array.rev (pick lower)))
                "fill", Text "toself"
                "line", Members [ "width", Number 0.0 ]
                "hoverinfo", Text "skip"
                "showlegend", Flag false
            ]
            @ Chart.Optional [
                "fillcolor", Option.map Text FillColor
                "name", Option.map Text Name
                "legendgroup", Option.map Text Name
            ]
        )
        |> Chart.Of

    /// z[row][column] as colours; rows run upwards.
    static member Heatmap
        (
            z: float[][],
            ?X: float[],
            ?Y: float[],
            ?YLabels: string[],
            ?ColorScale: ColorScale,
            ?Limits: float * float,
            ?ShowScale: bool,
            ?ScaleTitle: string,
            ?HoverTemplate: string
        ) : GenericChart =
        let colors =
            match defaultArg ColorScale Cividis with
            | Cividis -> Text "Cividis"
            | Diverging ->
                [
                    0.0, "#084c7c"
                    0.25, "#5a9bd0"
                    0.5, "#ffffff"
                    0.75, "#ee9264"
                    1.0, "#9c3305"
                ]
                |> List.map (fun (at, color) -> Items [ Number at; Text color ])
                |> Items

        let bar =
            Members [
                "thickness", Number 10.0
                "outlinewidth", Number 0.0
                "title", Members [ "text", Text(defaultArg ScaleTitle ""); "side", Text "right" ]
            ]

        Members(
            [
                "type", Text "heatmap"
                "z", Items(z |> Array.map Numbers |> List.ofArray)
                "colorscale", colors
                "showscale", Flag(defaultArg ShowScale true)
                "colorbar", bar
                "hoverongaps", Flag false
                "hovertemplate", Text(defaultArg HoverTemplate "(%{x}, %{y}): %{z:.4g}<extra></extra>")
            ]
            @ Chart.Optional [
                "x", Option.map Numbers X
                "y", Option.orElse (Option.map (Array.toList >> List.map Text >> Items) YLabels) (Option.map Numbers Y)
                "zmin", Option.map (fst >> Number) Limits
                "zmax", Option.map (snd >> Number) Limits
            ]
        )
        |> Chart.Of

    /// Horizontal bars, the first on top.
    static member Bar(values: float[], keys: string[], ?Labels: string[], ?Color: string) : GenericChart =
        let chart =
            Members [
                "type", Text "bar"
                "orientation", Text "h"
                "x", Numbers values
                "y", Items(keys |> Array.map Text |> List.ofArray)
                "text", Items(defaultArg Labels [||] |> Array.map Text |> List.ofArray)
                "textposition", Text "auto"
                "hoverinfo", Text "y+text"
                "marker", Members [ "color", Text(defaultArg Color "#0072B2") ]
            ]
            |> Chart.Of

        chart |> Chart.withLayout (Members [ "yaxis", Members [ "autorange", Text "reversed" ] ])

    /// The layout of a legend in one row above the figure, on the right, with further settings of it.
    static member LegendOnTop(further: (string * Json) list) =
        Members [
            "showlegend", Flag true
            "legend",
            Members(
                [
                    "orientation", Text "h"
                    "x", Number 1.0
                    "xanchor", Text "right"
                    "y", Number 1.0
                    "yanchor", Text "bottom"
                ]
                @ further
            )
        ]

    /// Members added to the layout.
    static member withLayout (layout: Json) (chart: GenericChart) = {
        chart with
            Layout = Json.merge chart.Layout layout
    }

    /// Members added to every trace.
    static member withTraces (members: Json) (chart: GenericChart) = {
        chart with
            Traces = chart.Traces |> List.map (fun trace -> Json.merge trace members)
    }

    /// Charts over one pair of axes, the first at the back.
    static member combine(charts: GenericChart seq) : GenericChart = {
        Traces = charts |> Seq.collect _.Traces |> List.ofSeq
        Layout = charts |> Seq.map _.Layout |> Seq.fold Json.merge (Members [])
    }

    /// The title above the figure.
    static member withTitle (title: string) (chart: GenericChart) =
        chart |> Chart.withLayout (Members [ "title", Members [ "text", Text title ] ])

    static member private Axis(title: string option, range: (float * float) option, logarithmic: bool option, ticks: bool option) =
        let range' =
            range
            |> Option.map (fun (low, high) ->
                let on x =
                    if logarithmic = Some true then Math.Log10 x else x

                Items [ Number(on low); Number(on high) ])

        Members(
            Chart.Optional [
                "title", title |> Option.map (fun t -> Members [ "text", Text t ])
                "type", logarithmic |> Option.map (fun l -> Text(if l then "log" else "linear"))
                "range", range'
                "showticklabels", ticks |> Option.map Flag
            ]
        )

    /// Title, range and kind of the horizontal axis.
    static member withXAxisStyle(?TitleText: string, ?MinMax: float * float, ?Log: bool, ?ShowTicks: bool) =
        fun (chart: GenericChart) -> chart |> Chart.withLayout (Members [ "xaxis", Chart.Axis(TitleText, MinMax, Log, ShowTicks) ])

    /// Title, range and kind of the vertical axis.
    static member withYAxisStyle(?TitleText: string, ?MinMax: float * float, ?Log: bool, ?ShowTicks: bool) =
        fun (chart: GenericChart) -> chart |> Chart.withLayout (Members [ "yaxis", Chart.Axis(TitleText, MinMax, Log, ShowTicks) ])

    /// Height in pixels; the width is that of the page.
    static member withHeight (height: float) (chart: GenericChart) =
        chart |> Chart.withLayout (Members [ "height", Number height ])

    /// Equal lengths along both axes.
    static member withEqualAxes(chart: GenericChart) =
        let layout =
            Members [
                "yaxis", Members [ "scaleanchor", Text "x"; "constrain", Text "domain" ]
                "xaxis", Members [ "constrain", Text "domain" ]
            ]

        chart |> Chart.withLayout layout

    /// {data, layout}, as plotly.js takes it.
    static member toJson(chart: GenericChart) =
        Members [ "data", Items chart.Traces; "layout", chart.Layout ]
