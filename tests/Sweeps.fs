namespace Leith.Tests

open System
open System.IO
open System.Text.Json
open System.Threading.Tasks
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

/// Tests that look at what a process has only one of: the cache that the environment names, and the times of the stages.
[<CollectionDefinition("one at a time", DisableParallelization = true)>]
type OneAtATime() = class end

[<Collection("one at a time")>]
module Sweeps =
    /// A folder that is gone when the test ends, with a cache in it.
    type private Place() =
        let folder = Directory.CreateTempSubdirectory("leith-sweeps-").FullName

        do Terminal.isQuiet <- true

        member _.Options: Options.Options = {
            Sketch = false
            Out = Path.Combine(folder, "out")
            Seed = None
            Threads = 2
            Debug = false
            Cache = Some(Path.Combine(folder, "cache"))
            Values = []
        }

        member place.Files =
            if Directory.Exists place.Options.Out then
                Directory.GetFiles(place.Options.Out, "*", SearchOption.AllDirectories)
                |> Array.map (fun path -> Path.GetRelativePath(place.Options.Out, path).Replace('\\', '/'))
                |> Array.sort
                |> List.ofArray
            else
                []

        member _.ClearCache() =
            Directory.Delete(Path.Combine(folder, "cache"), true)

        member place.Read(path: string) =
            File.ReadAllText(Path.Combine(place.Options.Out, path))

        interface IDisposable with
            member _.Dispose() = Directory.Delete(folder, true)

    let private x, y = scalar "x", scalar "y"

    /// dx = −a x dt + dW, whose response is exp(−a t).
    let private decay (a: float) : Experiment = {
        Title = $"a = {a}"
        Source =
            Source.Simulated(
                [ ddt x == -(parameter "a" a) * x ],
                perSite 1.0,
                exponential 0.25,
                members 64 |> spinUp 20.0 |> lasting 400.0 |> every 0.25
            )
        Perturb = push x
        Forcing = Forcing.Impulse
        Observe = [ x ]
        Lags = 2.0
        Estimate = [ propagator; gaussian ]
        Check = [ gaussian |> within propagator 0.2 ]
        Seed = 12
    }

    let private keys (element: JsonElement) = [ for property in element.EnumerateObject() -> property.Name ]

    let private members' (root: JsonElement) = [ for m in root.GetProperty("members").EnumerateArray() -> m ]

    let private text (name: string) (element: JsonElement) =
        string (element.GetProperty(name).GetString())

    let private bits (outcome: Outcome) = [
        for r in outcome.Responses -> r.Estimator, r.Observable, r.Perturbation, r.Lags, r.Values, r.StandardError
    ]

    [<Fact>]
    let ``A sweep over the rate of an Ornstein–Uhlenbeck process finds exp(−a t) for each, in its own folder and in that of the sweep`` () =
        use place = new Place()
        let rates = [ 0.5; 1.0; 2.0 ]
        let sweep = SweepRunner.outcome place.Options "rates" (rates |> List.map decay)
        let outcomes = sweep.Finished |> List.map snd
        Assert.Equal<string list>([ "a = 0.5"; "a = 1"; "a = 2" ], outcomes |> List.map _.Title)

        for a, outcome in List.zip rates outcomes do
            let exact, gaussian = outcome.Response "propagator", outcome.Response "Gaussian"

            for i, lag in Array.indexed exact.Lags do
                Assert.Equal(exp (-a * lag), exact.Values[0][i], 1e-12)

                // 24 lags of three experiments at five standard errors: a false alarm in 70 000 fixed seeds.
                if i > 0 then
                    let error = gaussian.StandardError.Value[0][i]
                    Assert.InRange(error, 1e-4, 0.03)
                    Assert.InRange(gaussian.Values[0][i] - exp (-a * lag), -5.0 * error, 5.0 * error)

        Assert.Equal<string list>([ "a" ], sweep.Differences)
        let name, amounts = sweep.Axis.Value
        Assert.Equal(("a", rates), (name, amounts))

        let own = [ "report.html"; "responses.csv"; "responses.npy"; "result.json" ]

        Assert.Equal<string list>(
            [
                for folder in [ "a-0-5"; "a-1"; "a-2" ] do
                    for file in own -> $"{folder}/{file}"
                for file in [ "report.html"; "responses.csv"; "result.json" ] -> $"rates/{file}"
            ],
            place.Files
        )

        // The same curves in the folder of the sweep as in that of each experiment.
        use document = JsonDocument.Parse(place.Read "rates/result.json")
        let root = document.RootElement
        Assert.Equal<string list>([ "sweep"; "script"; "versions"; "differences"; "members" ], keys root)

        for m, a in List.zip (members' root) rates do
            Assert.Equal<string list>([ "experiment"; "folder"; "parameters"; "failure"; "responses"; "checks" ], keys m)
            Assert.Equal(a, m.GetProperty("parameters").GetProperty("a").GetDouble())
            Assert.Equal(JsonValueKind.Null, m.GetProperty("failure").ValueKind)
            let folder = text "folder" m
            use single = JsonDocument.Parse(place.Read $"rates/{folder}/result.json")

            for part in [ "responses"; "checks" ] do
                Assert.Equal(single.RootElement.GetProperty(part).GetRawText().Replace(" ", ""), m.GetProperty(part).GetRawText().Replace(" ", ""))

        let lines = (place.Read "rates/responses.csv").TrimEnd('\n').Split '\n'
        Assert.Equal("experiment,estimator,observable,perturbation,component,lag,value,standard_error,band,whole_curve_band,bias_bound", lines[0])

        let singles = [|
            for folder, title in [ "a-0-5", "a = 0.5"; "a-1", "a = 1"; "a-2", "a = 2" ] do
                for line in (place.Read $"{folder}/responses.csv").TrimEnd('\n').Split('\n')[1..] -> $"{title},{line}"
        |]

        Assert.Equal<string[]>(singles, lines[1..])

    /// How often the ensemble of each experiment was run for its correlations.
    let private passes (outcome: Outcome) =
        outcome.Seconds |> List.filter (fst >> (=) "simulate and correlate") |> List.length

    /// Every experiment of a sweep finds what it finds alone, bit by bit, and only the first runs the ensemble.
    let private sharesOneRecord (title: string) (experiments: Experiment list) =
        use place = new Place()
        let sweep = SweepRunner.outcome place.Options title experiments
        let outcomes = sweep.Finished |> List.map snd
        Assert.Equal(experiments.Length, outcomes.Length)
        Assert.Equal<int list>(1 :: List.replicate (experiments.Length - 1) 0, outcomes |> List.map passes)

        for experiment, together in List.zip experiments outcomes do
            place.ClearCache()
            let alone = Runner.outcome place.Options experiment
            Assert.Equal(1, passes alone)
            Assert.True((bits alone = bits together), $"{experiment.Title}: other numbers in a sweep")
            Assert.Equal<string list>(alone.Scores |> List.map _.Estimator, together.Scores |> List.map _.Estimator)

    [<Fact>]
    let ``Experiments that differ in estimators, scores or push run their ensemble once`` () =
        let pair: Experiment = {
            decay 1.0 with
                Title = "Gaussian"
                Source =
                    Source.Simulated(
                        linear [ [ -1.0; 0.5 ]; [ 0.0; -1.5 ] ] [ x; y ],
                        diagonal [ 1.0; 1.0 ],
                        exponential 0.25,
                        members 32 |> spinUp 5.0 |> lasting 100.0 |> every 0.25
                    )
                Observe = [ x; y ]
                Estimate = [ gaussian ]
                Check = []
        }

        let score = exactOf [ -2.0 * x; -3.0 * y ]
        let other = exactOf [ -2.0 * x + 0.1 * y; -3.0 * y ]

        sharesOneRecord "pair" [
            pair
            {
                pair with
                    Title = "other push"
                    Perturb = pushEach [ y; x ]
            }
            {
                pair with
                    Title = "twins"
                    Estimate = [ dynamical (pairs 64); propagator ]
            }
            {
                pair with
                    Title = "a score"
                    Estimate = [ propagator; score; gaussian ]
            }
            {
                pair with
                    Title = "two scores"
                    Estimate = [ gaussian; other |> named "other"; score ]
            }
        ]

    [<Fact>]
    let ``Experiments on a field share their record too`` () =
        let u = field "u" (ring 6.0 8)

        let ring: Experiment = {
            decay 1.0 with
                Title = "Gaussian"
                Source =
                    Source.Simulated(
                        [ ddt u == -u + 0.3 * lap u ],
                        perSite 1.0,
                        exponential 0.25,
                        members 32 |> spinUp 5.0 |> lasting 50.0 |> every 0.25
                    )
                Perturb = kick u (site [ 0 ])
                Observe = [ u ]
                Estimate = [ gaussian ]
                Check = []
        }

        sharesOneRecord "ring" [
            ring
            {
                ring with
                    Title = "a score"
                    Estimate = [ exact (2.0 * (-u + 0.3 * lap u)); gaussian ]
            }
            {
                ring with
                    Title = "another score"
                    Estimate = [ exact (-2.0 * u) ]
            }
        ]

    [<Fact>]
    let ``A sweep that cannot be is refused with one sentence before anything runs`` () =
        use place = new Place()

        let refused (title: string) experiments phrases =
            let error =
                Assert.Throws<LeithException>(fun () -> SweepRunner.outcome place.Options title experiments |> ignore)

            for phrase: string in $"sweep \"{title}\"" :: phrases do
                Assert.Contains(phrase, error.Message)

            Assert.DoesNotContain("\n", error.Message)

        refused "nothing" [] [ "expected at least one experiment, got an empty list"; "write [ for" ]
        refused " " [ decay 1.0 ] [ "expected a title, got blank text" ]

        refused "twice" [ decay 1.0; decay 2.0; decay 1.0 ] [
            "different title for each experiment"
            "\"a = 1\" 2 times"
            "put what differs into it"
        ]

        refused "slugs" [ decay 1.0; { decay 2.0 with Title = "a: 1" } ] [ "\"a = 1\" and \"a: 1\""; "both make a-1"; "tell them apart" ]
        refused "A 1" [ decay 1.0 ] [ "expected another title"; "the folder a-1"; "change one of them" ]
        Assert.Empty place.Files

    [<Fact>]
    let ``An experiment that cannot be run is named, and the others find what they find`` () =
        use place = new Place()

        let sweep =
            SweepRunner.outcome place.Options "rates" [ decay 1.0; decay -1.0; decay 2.0 ]

        Assert.Equal<string list>([ "a = 1"; "a = 2" ], sweep.Finished |> List.map (snd >> _.Title))

        let sentence =
            match sweep.Members[1].Ending with
            | Error sentence -> sentence
            | Ok _ -> "it ran"

        Assert.Contains("expected eigenvalues with negative real parts", sentence)
        Assert.False(Directory.Exists sweep.Members[1].Folder)
        let page = place.Read "rates/report.html"

        for phrase in
            [
                "1 of 3 could not be run"
                "Could not be run</h3>"
                string (Net.WebUtility.HtmlEncode sentence)
                "<a href=\"../a-2/report.html\">a = 2</a>"
            ] do
            Assert.Contains(phrase, page)

        Assert.DoesNotContain("a-minus-1", page)
        use document = JsonDocument.Parse(place.Read "rates/result.json")
        let failed = (members' document.RootElement)[1]
        Assert.Equal(sentence, text "failure" failed)
        Assert.Equal(0, failed.GetProperty("responses").GetArrayLength())
        Assert.Equal(-1.0, failed.GetProperty("parameters").GetProperty("a").GetDouble())

    [<Fact>]
    let ``A sketch of a sweep sketches every experiment`` () =
        use place = new Place()

        let sweep =
            SweepRunner.outcome { place.Options with Sketch = true } "rates" [ decay 1.0; decay 2.0 ]

        Assert.All(sweep.Finished, (fun (_, outcome) -> Assert.True outcome.Sketch))
        Assert.Contains("sketch: rough numbers", place.Read "rates/report.html")

    /// A change of an experiment, and the name under which the sweep shows it.
    let private changes: (string * (Experiment -> Experiment)) list =
        let source change (e: Experiment) =
            match e.Source with
            | Source.Simulated(equations, noise, step, sampling) -> {
                e with
                    Source = Source.Simulated(change (equations, noise, step, sampling))
              }
            | _ -> e

        [
            "a", source (fun (_, n, s, m) -> [ ddt x == -(parameter "a" 3.0) * x ], n, s, m)
            "noise amplitude", source (fun (e, _, s, m) -> e, perSite 0.5, s, m)
            "scheme", source (fun (e, n, s, m) -> e, n, { s with Scheme = (heun 1.0).Scheme }, m)
            "time step", source (fun (e, n, s, m) -> e, n, { s with Size = 0.125 }, m)
            "members", source (fun (e, n, s, m) -> e, n, s, { m with Members = 128 })
            "lasting", source (fun (e, n, s, m) -> e, n, s, { m with Lasting = 500.0 })
            "observed", (fun e -> { e with Observe = [ square x ] })
            "longest lag", (fun e -> { e with Lags = 4.0 })
            "estimators",
            (fun e -> {
                e with
                    Estimate = [ dynamical (pairs 8) ]
            })
            "seed", (fun e -> { e with Seed = 99 })
        ]

    [<Fact>]
    let ``What differs is found, by name and in the order of the experiments, and nothing else`` () =
        let property (chosen: bool list) (before: int) (after: int) =
            let changed = List.zip changes chosen |> List.filter snd |> List.map fst
            let other = (decay 1.0, changed) ||> List.fold (fun e (_, change) -> change e)

            let experiments =
                List.replicate before (decay 1.0) @ [ other ] @ List.replicate after (decay 1.0)

            let names, values = Differences.between experiments

            set names = set (List.map fst changed)
            && values.Length = experiments.Length
            && values |> List.forall (fun v -> v.Length = names.Length)
            && (values
                |> List.indexed
                |> List.forall (fun (i, v) -> (v = values[before]) = (i = before || names.IsEmpty)))

        let inputs =
            Gen.zip3 (Gen.listOfLength changes.Length (Gen.elements [ true; false ])) (Gen.choose (1, 3)) (Gen.choose (0, 3))

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(100).WithReplay(20261124UL, 71UL),
            Prop.forAll (Arb.fromGen inputs) (fun (c, b, a) -> property c b a)
        )

    [<Fact>]
    let ``The plan of a sweep says once what its experiments share`` () =
        let plan, complete =
            SweepRunner.plan "rates" [ decay 1.0; decay 2.0; { decay 2.0 with Title = "again" } ]

        let lines = plan.Split '\n' |> List.ofArray

        let count (part: string) =
            lines |> List.filter _.StartsWith(part) |> List.length

        Assert.True complete
        Assert.Equal("rates: 3 experiments, 2 different ensembles", lines.Head)
        Assert.Equal<int list>([ 1; 1; 1; 2 ], [ "  push "; "  noise "; "  parameters  a = 1"; "  parameters  a = 2" ] |> List.map count)

        let plan, complete =
            SweepRunner.plan "rates" [ decay 1.0; { decay 2.0 with Lags = 2.1 } ]

        Assert.False complete
        Assert.Contains("whole multiple of the time between samples, 0.25, got 2.1", plan)

    [<Fact>]
    let ``Every figure of the page of a sweep is drawn, on a screen and on a phone`` () : Task =
        Report.withBrowser (fun browser -> task {
            use place = new Place()

            let sweep =
                SweepRunner.outcome place.Options "rates <b>" [ decay 0.5; decay -1.0; decay 1.0; decay 2.0 ]

            for width in [ 1200; 390 ] do
                let! page, figures, problems =
                    Report.inspect (Path.Combine(sweep.Folder, "report.html")) width browser

                Assert.Equal<string list>([], problems)
                // three lags, two estimators, one of them compared with the other
                Assert.Equal(3 + 2 + 1, figures)
                let! title = page.TextContentAsync "h1"
                Assert.StartsWith("rates <b>", title)
                do! page.ClickAsync "button[data-estimator='a = 1']"

                let! left =
                    page.EvaluateAsync<int>
                        "() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(d => d.data).filter(t => t.legendgroup === 'a = 1' && t.visible !== false).length"

                Assert.Equal(0, left)
                do! page.CloseAsync()
        })
