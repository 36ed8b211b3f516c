namespace Leith.Tests

open System
open System.IO
open System.Text.Json
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

[<Collection("one at a time")>]
module Figures =
    let private u = field "u" (torus (2.0 * pi) 8)

    /// du = −rate u dt + noise: a push of one site answers there alone, with exp(−rate t).
    let private fading (rate: float) : Experiment = {
        Title = $"rate {rate}"
        Source = Source.Simulated([ ddt u == -rate * u ], perSite 1.0, exponential 0.25, members 16 |> spinUp 10.0 |> lasting 100.0 |> every 0.25)
        Perturb = kick u (pixel 0 0)
        Forcing = Forcing.Impulse
        Observe = [ u ]
        Lags = 2.0
        Estimate = [ propagator; gaussian ]
        Check = []
        Seed = 5
    }

    let private inFolder work =
        Terminal.isQuiet <- true
        let folder = Directory.CreateTempSubdirectory("leith-figures-").FullName

        let options: Options.Options = {
            Sketch = false
            Out = Path.Combine(folder, "out")
            Seed = None
            Threads = 2
            Debug = false
            Cache = Some(Path.Combine(folder, "cache"))
            Values = []
        }

        try
            work options
        finally
            Directory.Delete(folder, true)

    [<Fact>]
    let ``A figure sets each published value beside ours at the same lag, in a row for each experiment with seven columns`` () =
        inFolder (fun options ->
            let rows = [
                for rate in [ 0.5; 1.0 ] ->
                    row (fading rate) [
                        published propagator (offset 0) [ 1.0, 0.25 ]
                        published gaussian l2Distance [ 2.0, 0.5 ]
                    ]
            ]

            let figure = FigureRunner.outcome options "two fields" rows

            let read (name: string) =
                File.ReadAllText(Path.Combine(figure.Folder, name))

            use json = JsonDocument.Parse(read "result.json")
            let found = [ for p in json.RootElement.GetProperty("published").EnumerateArray() -> p ]
            Assert.Equal(4, found.Length)

            let ofKind kind =
                found |> List.filter (fun p -> p.GetProperty("of").GetString() = kind)

            for p, rate in List.zip (ofKind "x+0") [ 0.5; 1.0 ] do
                Assert.Equal(0.25, p.GetProperty("published").GetDouble())
                Assert.Equal(exp -rate, p.GetProperty("value").GetDouble(), 1e-9)

            for p in ofKind "L2 distance" do
                let title = string (p.GetProperty("experiment").GetString())

                let outcome =
                    figure.Finished |> List.map snd |> List.find (fun o -> o.Title = title)

                Assert.Equal(Array.last outcome.Errors.Head.L2, p.GetProperty("value").GetDouble(), 1e-12)

            let page = read "report.html"

            // seven panels in each of two rows
            let columns = page.Split("class=\"panels columns\"")
            Assert.Equal(3, columns.Length)

            for part in Array.tail columns do
                Assert.True(part.Split("plot narrow").Length - 1 >= 7)

            Assert.Contains("diamond-open", page)
            Assert.True(File.Exists(Path.Combine(options.Out, "rate-1", "report.html"))))

    [<Fact>]
    let ``Published values that cannot be drawn are refused with one sentence`` () =
        let refused (phrases: string list) work =
            let error = Assert.Throws<LeithException>(fun () -> work () |> ignore)

            for phrase in phrases do
                Assert.Contains(phrase, error.Message)

        refused [ "expected lags from 0 on"; "-1" ] (fun () -> published gaussian (offset 2) [ -1.0, 0.5 ] |> box)
        refused [ "finite values"; "NaN" ] (fun () -> published gaussian l2Distance [ 1.0, nan ] |> box)

        refused [ "row \"rate 1\""; "'dynamical'"; "add it there" ] (fun () ->
            row (fading 1.0) [ published (dynamical (pairs 8)) (offset 2) [ 1.0, 0.5 ] ] |> box)

    [<Fact>]
    let ``Points that are published keep their order and their numbers`` () =
        Check.One(
            Config.QuickThrowOnFailure,
            Prop.forAll (ArbMap.defaults |> ArbMap.arbitrary<(NonNegativeInt * NormalFloat) list>) (fun points ->
                let points = points |> List.map (fun (lag, value) -> float lag.Get, value.Get)
                let p = published gaussian lInfDistance points
                p.Points = points && (row (fading 1.0) [ p ]).Published = [ p ])
        )
