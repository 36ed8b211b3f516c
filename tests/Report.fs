module Leith.Tests.Report

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open System.Threading.Tasks
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Microsoft.Playwright
open Xunit

// ---- Outcomes with the shape of real ones --------------------------------------------------------------------------------------------------------

let private wave = Random 5

let private noise size =
    size * (wave.NextDouble() + wave.NextDouble() + wave.NextDouble() - 1.5) * 2.0

let private lags = Array.init 81 float

let private side = 32

/// A kick that spreads and is carried along x.
let private propagator lag x y =
    let wrap d =
        float (if d > side / 2 then d - side else d)

    let width = 0.4 + 0.035 * lag
    let dx, dy = wrap x - 0.1 * lag, wrap y
    exp (-lag / 60.0) * exp (-(dx * dx + dy * dy) / (2.0 * width)) * 0.4 / width

let private fieldResponse estimator size bands : Response =
    let field =
        lags
        |> Array.map (fun lag ->
            Array.init (side * side) (fun site -> propagator lag (site / side) (site % side) + (if lag = 0.0 then 0.0 else noise size)))

    {
        Estimator = estimator
        Observable = "u"
        Perturbation = "kick of u at (0, 0)"
        Lags = lags
        Components = Array.init side (fun x -> $"x+{x}")
        Values = Array.init side (fun x -> Array.init lags.Length (fun lag -> field[lag][x * side]))
        StandardError =
            if bands then
                Some(Array.init side (fun _ -> Array.create lags.Length (max size 0.004)))
            else
                None
        BiasBound = None
        Axis = "lag"
        Replicates = None
        OwnErrors = None
        Pointwise = 1.96
        Simultaneous = None
        Discretisation = None
        Field = Some field
        FieldStandardError = None
        Shape = [| side; side |]
        Notes =
            if bands then
                [ "1280 pairs"; "even part 0.3 % of the odd one: in the linear regime" ]
            else
                []
    }

let private distance (truth: Response) size (r: Response) : ErrorCurve =
    let apart lag =
        Array.map2 (-) r.Field.Value[lag] truth.Field.Value[lag]

    {
        Estimator = r.Estimator
        Against = truth.Estimator
        Lags = lags
        L2 = Array.init lags.Length (fun lag -> sqrt (Array.sumBy (fun e -> e * e) (apart lag)))
        LInf = Array.init lags.Length (fun lag -> apart lag |> Array.map abs |> Array.max)
        L2StandardError = Some(Array.create lags.Length (size * 32.0))
    }

let private empty folder : Outcome = {
    Title = "nothing"
    Header = []
    Description = []
    Verdict = ""
    Script = "nothing.fsx", ""
    Sketch = false
    Seed = 1
    Threads = 2
    Versions = []
    Seconds = []
    Responses = []
    Errors = []
    Sensitivities = []
    Densities = []
    Scores = []
    Checks = []
    Snapshots = []
    Maps = []
    NullBands = []
    Statistics = []
    Generated = []
    Folder = folder
}

let private statistics: Statistics =
    let curve x (f: float -> float) =
        MeasuredCurve(x, Array.map f x, Array.create x.Length 0.01)

    let measured value = Measurement(value, 0.02)

    {
        Of = "u"
        Count = 1.3e8
        Mean = measured 0.003
        Variance = measured 1.0
        StandardDeviation = measured 1.0
        Skewness = measured -0.01
        Kurtosis = measured 3.02
        Density = curve (Array.init 80 (fun i -> 0.1 * float i - 3.95)) (fun x -> exp (-x * x / 2.0) / 2.507)
        Peaks = [ 0.01, measured 0.399 ]
        DensityAtZero = measured 0.399
        Autocorrelation = Some(curve lags (fun t -> exp (-t / 20.0)))
        MeanAutocorrelation = Some(curve lags (fun t -> exp (-t / 60.0)))
        TwoPoint = [
            for axis, scale in [ "x", 0.8; "y", 0.5 ] -> axis, curve (Array.init 17 (fun i -> 0.196 * float i)) (fun d -> exp (-d / scale))
        ]
        Spectrum = Some(curve (Array.init 23 float) (fun k -> 1.0 / (1.0 + k * k)))
    }

let fieldOutcome folder : Outcome =
    let truth = fieldResponse "propagator" 0.0 false

    let estimates = [
        fieldResponse "dynamical" 0.004 true, 0.004
        fieldResponse "gaussian" 0.0003 true, 0.0003
        fieldResponse "exact" 0.00028 true, 0.00028
        fieldResponse "learned" 0.00045 true, 0.00045
    ]

    let stein z =
        [ "u", 0.0012 * z, 0.4 * z; "u³", -0.004, -1.1; "Σu", 0.02 * z, 1.7 * z ]
        |> List.map (fun (f, v, z) -> { Field = f; Value = v; Z = z })

    {
        empty folder with
            Title = "Ornstein–Uhlenbeck SPDE </script><b>"
            Header = [
                "// Question   Which estimate finds the response of a linear stochastic PDE, whose response is known?"
                "// Equation   u_t = −λ Σu + κ Δu − A u_x + ε Σ^½ ξ,  Σ = (1 − Δ)⁻¹"
                "// Expect     peaks R31 .490, R51 .285, R71 .187"
                "// Run        dotnet fsi experiments/ornstein_uhlenbeck.fsx      (3 min; --sketch: 15 s)"
                "// Source     Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302"
            ]
            Description = [
                "equation", "∂u/∂t = −λ Σ u + κ Δu − A ∂u/∂x"
                "noise", "ε Σ^½ ξ, pixel variance 0.1234 per unit time"
                "scheme", "exponential, exact for this equation, step 1.0"
                "sampling", "128 members, spin-up 1000, 20 000 time units each, every 1.0"
                "perturbation", "kick of u at pixel (0, 0)"
            ]
            Verdict =
                "Believe the Gaussian estimate: the system is linear, its distance to the propagator is what sampling alone would leave, and it costs nothing."
            Script = "experiments/ornstein_uhlenbeck.fsx", "open Leith\nlet u = field \"u\" (torus (2.0 * pi) 32)\n"
            Seed = 7
            Versions = [ "Leith", "0.1.0"; ".NET", "10.0.4" ]
            Seconds = [
                "simulate", 61.2
                "gaussian", 2.1
                "train", 48.0
                "correlate", 9.9
                "twins", 22.5
            ]
            Responses = truth :: List.map fst estimates
            Errors = estimates |> List.map (fun (r, size) -> distance truth size r)
            Scores = [
                {
                    Estimator = "gaussian"
                    Sigma = None
                    Stein = stein 0.6
                    Certificate = Some(0.0031, 0.0008)
                    CertificateNote = None
                    Training = []
                    Equation = [ "ŝ = −1.2 u" ]
                    Coefficients = [ "u", "u", -1.2, 0.01 ]
                    TrainingSeconds = None
                    Kernels = []
                    RelativeError = Some(0.03, 0.004)
                }
                {
                    Estimator = "exact"
                    Sigma = None
                    Stein = stein -0.3
                    Certificate = Some(0.0, 0.0007)
                    CertificateNote = None
                    Training = []
                    Equation = [ "ŝ = −1.2 u" ]
                    Coefficients = [ "u", "u", -1.2, 0.01 ]
                    TrainingSeconds = None
                    Kernels = []
                    RelativeError = Some(0.03, 0.004)
                }
                {
                    Estimator = "learned"
                    Sigma = Some 0.05
                    Stein = stein 2.2
                    Certificate = None
                    CertificateNote = None
                    Training = [
                        for i in 1..60 -> i * 50, 0.02 + exp (-float i / 9.0) + abs (noise 0.004), 0.025 + exp (-float i / 9.5)
                    ]
                    Equation = []
                    Coefficients = []
                    TrainingSeconds = None
                    Kernels = []
                    RelativeError = None
                }
            ]
            Checks = [
                {
                    Name = "gaussian near propagator"
                    Value = 0.0081
                    Limit = 0.01
                    Passed = true
                }
                {
                    Name = "learned near propagator"
                    Value = 0.0153
                    Limit = 0.015
                    Passed = false
                }
            ]
            Snapshots = [
                for t in [ 0; 1; 2 ] ->
                    {
                        Title = $"u of member {t}"
                        Shape = [| side; side |]
                        Values =
                            Array.init (side * side) (fun i -> 2.0 * sin (float (i / side + 4 * t) / 5.0) * cos (float (i % side) / 4.0) + noise 0.2)
                    }
            ]
            Statistics = [ statistics ]
    }

let private regions =
    Array.init 19 (fun i -> if i = 4 then "tropical Pacific" else $"region {i + 1}")

let recordingOutcome folder : Outcome =
    let months = Array.init 121 float

    let curve i lag =
        if i = 4 then
            exp (-lag / 9.0) * cos (lag / 14.0)
        else
            0.35 * exp (-abs(float i - 4.0) / 4.0) * lag / (3.0 + float i) * exp (1.0 - lag / (3.0 + float i))

    let response estimator size : Response = {
        Estimator = estimator
        Observable = "temperature"
        Perturbation = "push of tropical Pacific"
        Lags = months
        Components = regions
        Values = Array.init 19 (fun i -> months |> Array.map (fun lag -> curve i lag + noise size))
        StandardError = Some(Array.init 19 (fun _ -> months |> Array.map (fun lag -> 0.01 + 0.0002 * lag)))
        BiasBound = None
        Axis = "lag"
        Replicates = None
        OwnErrors = None
        Pointwise = 1.96
        Simultaneous = None
        Discretisation = None
        Field = None
        FieldStandardError = None
        Shape = [||]
        Notes = [ "3612 months" ]
    }

    let band sign =
        Array.init 19 (fun _ -> months |> Array.map (fun lag -> sign * 0.06 * (1.0 - exp (-lag / 6.0))))

    let latitudes = Array.init 60 (fun i -> -59.0 + 2.0 * float i)
    let longitudes = Array.init 120 (fun i -> -178.5 + 3.0 * float i)

    {
        empty folder with
            Title = "Sea-surface temperature"
            Header = [
                "Question   Which region answers to a push in the tropical Pacific, how much, how late?"
            ]
            Description = [
                "data", "19 regions, 3612 months, standardised"
                "time unit", "months"
                "response unit", "standard deviation"
            ]
            Verdict = "Only the Gaussian estimate sees a recording; 11 of 19 regions leave the null band."
            Script = "sst.fsx", "open Leith"
            Sketch = true
            Seconds = [ "read", 0.1; "correlate", 0.8; "null band", 4.0 ]
            Responses = [ response "gaussian" 0.006; response "as published" 0.006 ]
            NullBands = [
                {
                    Title = "AR(1) null band, 99 %"
                    Low = band -1.0
                    High = band 1.0
                }
            ]
            Maps = [
                {
                    Title = "Largest response to the tropical Pacific"
                    Latitudes = latitudes
                    Longitudes = longitudes
                    Values =
                        latitudes
                        |> Array.map (fun la ->
                            longitudes
                            |> Array.map (fun lo ->
                                if sin (lo / 31.0) * cos (la / 23.0) > 0.62 then
                                    nan
                                else
                                    0.4 * cos (lo / 50.0) * exp (-abs la / 40.0)))
                    Unit = "standard deviations"
                }
                {
                    Title = "Lag of the largest response"
                    Latitudes = latitudes
                    Longitudes = longitudes
                    Values =
                        latitudes
                        |> Array.map (fun la ->
                            longitudes
                            |> Array.map (fun lo ->
                                if sin (lo / 31.0) * cos (la / 23.0) > 0.62 then
                                    nan
                                else
                                    abs la / 6.0))
                    Unit = "months"
                }
            ]
    }

let private withFolder (act: string -> 'T) =
    let folder = Path.Combine(Path.GetTempPath(), "leith-" + string (Guid.NewGuid()))

    try
        act folder
    finally
        if Directory.Exists folder then
            Directory.Delete(folder, true)

// ---- Files -------------------------------------------------------------------------------------------------------------------------------------

let private readResult folder =
    JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "result.json")))

/// The element at a path such as "responses/1/values".
let private at (path: string) (root: JsonElement) =
    (root, path.Split '/')
    ||> Array.fold (fun element step ->
        if Char.IsDigit step[0] then
            element[int step]
        else
            element.GetProperty step)

let private keys (element: JsonElement) = [ for p in element.EnumerateObject() -> p.Name ]

[<Fact>]
let ``result.json has every key of the schema, and every number of the outcome`` () =
    withFolder (fun folder ->
        let outcome = fieldOutcome folder
        Report.write outcome |> ignore
        use json = readResult folder
        let root = json.RootElement

        Assert.Equal<string list>(
            [
                "experiment"
                "script"
                "seed"
                "versions"
                "seconds"
                "responses"
                "errors"
                "scores"
                "checks"
                "statistics"
                "generated"
                "sensitivities"
            ],
            keys root
        )

        Assert.Equal<string list>(
            [
                "of"
                "count"
                "mean"
                "variance"
                "standardDeviation"
                "skewness"
                "kurtosis"
                "density"
                "densityPeaks"
                "densityAtZero"
                "autocorrelation"
                "meanAutocorrelation"
                "twoPoint"
                "spectrum"
            ],
            keys (root |> at "statistics/0")
        )

        Assert.Equal<string list>([ "value"; "standardError" ], keys (root |> at "statistics/0/kurtosis"))
        Assert.Equal(3.02, (root |> at "statistics/0/kurtosis/value").GetDouble())
        Assert.Equal<string list>([ "at"; "values"; "standardError" ], keys (root |> at "statistics/0/density"))
        Assert.Equal<string list>([ "at"; "height" ], keys (root |> at "statistics/0/densityPeaks/0"))
        Assert.Equal<string list>([ "lags"; "values"; "standardError" ], keys (root |> at "statistics/0/autocorrelation"))
        Assert.Equal<string list>([ "x"; "y" ], keys (root |> at "statistics/0/twoPoint"))
        Assert.Equal<string list>([ "distances"; "values"; "standardError" ], keys (root |> at "statistics/0/twoPoint/x"))
        Assert.Equal<string list>([ "wavenumbers"; "values"; "standardError" ], keys (root |> at "statistics/0/spectrum"))

        let response = root |> at "responses/1"

        Assert.Equal<string list>(
            [
                "estimator"
                "observable"
                "perturbation"
                "lags"
                "components"
                "values"
                "standardError"
                "axis"
                "band"
                "wholeCurveBand"
                "discretisation"
                "biasBound"
            ],
            keys response
        )

        let value = (response |> at "values/4/10").GetDouble()
        Assert.Equal(outcome.Responses[1].Values[4][10], value)
        Assert.Equal(JsonValueKind.Null, (root |> at "responses/0/standardError").ValueKind)
        Assert.Equal<string list>([ "estimator"; "against"; "lags"; "l2"; "linf"; "l2StandardError" ], keys (root |> at "errors/0"))

        Assert.Equal<string list>(
            [
                "estimator"
                "sigma"
                "stein"
                "certificate"
                "certificateNote"
                "trainingSeconds"
                "relativeError"
                "equation"
                "coefficients"
            ],
            keys (root |> at "scores/0")
        )

        Assert.Equal<string list>([ "component"; "feature"; "value"; "standardError" ], keys (root |> at "scores/0/coefficients/0"))
        Assert.Equal<string list>([ "field"; "value"; "z" ], keys (root |> at "scores/0/stein/0"))
        Assert.Equal<string list>([ "value"; "standardError" ], keys (root |> at "scores/0/certificate"))
        Assert.Equal<string list>([ "name"; "value"; "limit"; "passed" ], keys (root |> at "checks/0"))
        Assert.Equal(48.0, (root |> at "seconds/train").GetDouble()))

/// Shape and values of an npy file of version 1, read independently of its writer.
let private readNpy path =
    let bytes = File.ReadAllBytes path
    Assert.Equal<byte[]>([| 0x93uy; 78uy; 85uy; 77uy; 80uy; 89uy; 1uy; 0uy |], bytes[..7])
    let length = int (BitConverter.ToUInt16(bytes, 8))
    Assert.Equal(0, (10 + length) % 64)
    let header = Text.Encoding.ASCII.GetString(bytes, 10, length)
    Assert.Contains("'<f8'", header)

    let shape =
        Text.RegularExpressions.Regex
            .Match(header, @"\(([^)]*)\)")
            .Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries)
        |> Array.map int

    shape, Array.init ((bytes.Length - 10 - length) / 8) (fun i -> BitConverter.ToDouble(bytes, 10 + length + 8 * i))

[<Fact>]
let ``responses.npy is [estimator][lag][x][y] for fields and [estimator][component][lag] otherwise`` () =
    withFolder (fun folder ->
        let outcome = fieldOutcome folder
        Report.write outcome |> ignore
        let shape, values = readNpy (Path.Combine(folder, "responses.npy"))
        Assert.Equal<int[]>([| 5; 81; 32; 32 |], shape)
        Assert.Equal(5 * 81 * 1024, values.Length)
        Assert.Equal(outcome.Responses[2].Field.Value[7][3 * 32 + 5], values[((2 * 81 + 7) * 32 + 3) * 32 + 5])
        let recording = recordingOutcome folder
        Report.write recording |> ignore
        let shape, values = readNpy (Path.Combine(folder, "responses.npy"))
        Assert.Equal<int[]>([| 2; 19; 121 |], shape)
        Assert.Equal(recording.Responses[1].Values[6][50], values[(19 + 6) * 121 + 50]))

[<Fact>]
let ``responses.csv has one line a value, and numbers that read back exactly`` () =
    withFolder (fun folder ->
        let outcome = recordingOutcome folder

        let odd = {
            outcome.Responses[0] with
                Estimator = "a \"quoted\", name"
        }

        let outcome = {
            outcome with
                Responses = [ odd; outcome.Responses[1] ]
        }

        Report.write outcome |> ignore
        let lines = File.ReadAllLines(Path.Combine(folder, "responses.csv"))
        Assert.Equal("estimator,observable,perturbation,component,lag,value,standard_error,band,whole_curve_band,bias_bound", lines[0])
        Assert.Equal(1 + 2 * 19 * 121, lines.Length)
        Assert.StartsWith("\"a \"\"quoted\"\", name\",temperature,push of tropical Pacific,region 1,0,", lines[1])
        let cells = lines[1 + 19 * 121 + 3 * 121 + 9].Split ','
        Assert.Equal(outcome.Responses[1].Values[3][9], float cells[5])
        Assert.Equal(outcome.Responses[1].StandardError.Value[3][9], float cells[6]))

[<Fact>]
let ``NaN becomes null in JSON and an empty cell in CSV`` () =
    withFolder (fun folder ->
        let outcome = recordingOutcome folder
        let response = outcome.Responses[0]
        let values = response.Values |> Array.map Array.copy
        values[2][5] <- nan

        Report.write {
            outcome with
                Responses = [ { response with Values = values } ]
        }
        |> ignore

        use json = readResult folder
        Assert.Equal(JsonValueKind.Null, (json.RootElement |> at "responses/0/values/2/5").ValueKind)
        Assert.Contains("region 3,5,,0.011,", File.ReadAllLines(Path.Combine(folder, "responses.csv"))[1 + 2 * 121 + 5]))

[<Fact>]
let ``a run folder holds the script, keeps other files and leaves nothing half-written beside it`` () =
    withFolder (fun parent ->
        let folder = Path.Combine(parent, "deep", "run")
        Directory.CreateDirectory folder |> ignore
        File.WriteAllText(Path.Combine(folder, "mine.txt"), "mine")
        let outcome = fieldOutcome folder
        let path = Report.write outcome
        Assert.Equal(Path.Combine(folder, "report.html"), path)

        Assert.Equal<string list>(
            [
                "mine.txt"
                "ornstein_uhlenbeck.fsx"
                "report.html"
                "responses.csv"
                "responses.npy"
                "result.json"
            ],
            Directory.GetFiles folder
            |> Array.map (fun f -> string (Path.GetFileName f))
            |> Array.sort
            |> List.ofArray
        )

        Assert.Equal(snd outcome.Script, File.ReadAllText(Path.Combine(folder, "ornstein_uhlenbeck.fsx")))
        Assert.Equal<string[]>([| folder |], Directory.GetDirectories(Path.Combine(parent, "deep"))))

[<Fact>]
let ``a folder that cannot be written is one error, with nothing left behind`` () =
    withFolder (fun parent ->
        Directory.CreateDirectory parent |> ignore
        let file = Path.Combine(parent, "taken")
        File.WriteAllText(file, "a file, not a folder")

        for folder in [ file; Path.Combine(file, "below") ] do
            let error =
                Assert.Throws<LeithException>(fun () -> Report.write (empty folder) |> ignore)

            Assert.StartsWith("expected a folder that can be written, got " + folder, error.Message)
            Assert.Contains("--out DIR", error.Message)
            Assert.Throws<LeithException>(fun () -> RunFolder.Probe folder) |> ignore

        RunFolder.Probe(Path.Combine(parent, "fine"))
        Assert.Equal<string[]>([| file |], Directory.GetFileSystemEntries parent)
        Assert.Equal("a file, not a folder", File.ReadAllText file))

[<Fact>]
let ``a writer that fails leaves the old files as they were`` () =
    withFolder (fun folder ->
        let put (text: string) =
            Action<Stream>(fun s -> s.Write(ReadOnlySpan(Text.Encoding.UTF8.GetBytes text)))

        RunFolder.Write(folder, [| struct ("a", put "old"); struct ("b", put "old") |])
        let full = Action<Stream>(fun _ -> raise (IOException "No space left on device"))

        let error =
            Assert.Throws<LeithException>(fun () -> RunFolder.Write(folder, [| struct ("a", put "new"); struct ("b", full) |]))

        Assert.Contains("No space left on device", error.Message)
        Assert.Equal("old", File.ReadAllText(Path.Combine(folder, "a")))
        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), FileInfo(folder).Name + ".part*")))

[<Fact>]
let ``npy refuses a shape that the values do not have`` () =
    let error =
        Assert.Throws<LeithException>(fun () -> RunFolder.WriteNpy(new MemoryStream(), [| 2; 3 |], Seq.replicate 5 1.0))

    Assert.StartsWith("npy: expected 6 values for the shape (2, 3), got 5", error.Message)

[<Fact>]
let ``a slug spells letters out and tells titles apart`` () =
    for title, expected in
        [
            "modified Allen–Cahn", "modified-allen-cahn"
            "Ornstein–Uhlenbeck, κ = 2.5e-4", "ornstein-uhlenbeck-kappa-2-5e-4"
            "Öl im Fluß: Ähnlich", "ol-im-fluss-ahnlich"
            "  --  A/B\\..  ", "a-b"
            "a = -1", "a-minus-1"
            "−0.5 to 3-4", "minus-0-5-to-3-4"
        ] do
        Assert.Equal(expected, Report.slug title)

    Assert.NotEqual<string>(Report.slug "海面水温", Report.slug "海面高度")
    Assert.NotEqual<string>(Report.slug (String('a', 70) + "b"), Report.slug (String('a', 70) + "c"))

[<Fact>]
let ``a slug is always a plain, short folder name`` () =
    let plain c =
        Char.IsAsciiLetterLower c || Char.IsAsciiDigit c || c = '-'

    let property (letters: char[]) =
        let slug = Report.slug (String letters)
        slug.Length >= 1 && slug.Length <= 60 && Seq.forall plain slug && slug[0] <> '-'

    Check.One(Config.QuickThrowOnFailure.WithMaxTest 300, property)

// ---- Stage cache -------------------------------------------------------------------------------------------------------------------------------

let private arrays (values: (string * float[]) list) =
    let arrays = Arrays()
    values |> List.iter (fun (name, v) -> arrays[name] <- v)
    arrays

let private equal (a: Arrays) (b: Arrays) =
    List.ofSeq a.Keys = List.ofSeq b.Keys
    && Seq.forall2 (fun (x: float[]) (y: float[]) -> x.AsSpan().SequenceEqual(ReadOnlySpan y)) a.Values b.Values

[<Fact>]
let ``what is stored comes back bit by bit, under its own key only`` () =
    withFolder (fun folder ->
        let cache = StageCache folder

        let property (content: float[] list) =
            let stored =
                arrays [ for i, values in List.indexed content -> $"array {i} «ξ»", values ]

            let key = StageCache.Key(sprintf "%A" content)
            cache.Save(key, stored)
            let found, loaded = cache.TryLoad key
            let other, _ = cache.TryLoad(StageCache.Key(key + "another"))
            found && not other && equal stored loaded

        Check.One(Config.QuickThrowOnFailure.WithMaxTest 60, property))

[<Fact>]
let ``a damaged entry is never trusted: it is removed with a notice`` () =
    withFolder (fun folder ->
        let notices = List<string>()
        let cache = StageCache(folder, StageCache.DefaultLimit, Action<string> notices.Add)
        let key = StageCache.Key "stage"

        let content =
            arrays [ "moments", Array.init 1000 float; "spectrum", [| nan; 1.0 |] ]

        cache.Save(key, content)
        let path = Path.Combine(folder, key + ".stage")
        let whole = File.ReadAllBytes path

        let flipped at =
            Array.mapi (fun i b -> if i = at then b ^^^ 1uy else b) whole

        let damaged = [
            for length in [ 0; 5; 20; whole.Length / 2; whole.Length - 1 ] do
                yield Array.truncate length whole
            for at in [ 0; 9; 20; 3000; whole.Length - 1 ] do
                yield flipped at
            yield Array.append whole [| 0uy |]
        ]

        for bytes in damaged do
            File.WriteAllBytes(path, bytes)
            notices.Clear()
            let found, _ = cache.TryLoad key
            Assert.False found
            Assert.Single notices |> ignore
            Assert.False(File.Exists path)

        cache.Save(key, content)
        let found, loaded = cache.TryLoad key
        Assert.True(found && equal content loaded)
        Assert.Empty(Directory.GetFiles(folder, "*.part")))

[<Fact>]
let ``beyond the limit the entries not used for longest go first`` () =
    withFolder (fun folder ->
        let cache = StageCache(folder, 10_000L)
        let keys = [ for i in 0..4 -> StageCache.Key $"stage {i}" ]
        let entry = arrays [ "v", Array.zeroCreate 400 ]

        let age key (hours: float) =
            File.SetLastWriteTimeUtc(Path.Combine(folder, key + ".stage"), DateTime.UtcNow.AddHours -hours)

        for i in 0..2 do
            cache.Save(keys[i], entry)
            age keys[i] (float (10 - i))
        // The oldest is used again, so the second oldest is the one to go.
        Assert.True(fst (cache.TryLoad keys[0]))
        cache.Save(keys[3], entry)
        Assert.Equal<bool list>([ true; false; true; true ], keys[..3] |> List.map (fun k -> fst (cache.TryLoad k)))
        let notices = List<string>()
        let small = StageCache(folder, 100L, Action<string> notices.Add)
        small.Save(keys[4], entry)
        Assert.Single notices |> ignore
        Assert.False(fst (small.TryLoad keys[4])))

[<Fact>]
let ``trained scores in the folder count towards the limit, and go when they were not used for longest`` () =
    withFolder (fun folder ->
        let cache = StageCache(folder, 10_000L)
        let path name = Path.Combine(folder, name)
        let exists name = File.Exists(path name)
        Directory.CreateDirectory folder |> ignore

        for i, name in List.indexed [ "first.safetensors"; "second.safetensors"; "notes.txt" ] do
            File.WriteAllBytes(path name, Array.zeroCreate 4_000)
            File.SetLastWriteTimeUtc(path name, DateTime.UtcNow.AddHours(float (i - 10)))

        StageCache.Touch(path "first.safetensors")
        StageCache.Touch(path "nowhere.safetensors")
        let key = StageCache.Key "stage"
        cache.Save(key, arrays [ "v", Array.zeroCreate 400 ])
        // 4 000 + 4 000 + 3 200 bytes and a header are too many; other files are not the cache's.
        Assert.Equal<bool list>([ true; false; true ], [ "first.safetensors"; "second.safetensors"; "notes.txt" ] |> List.map exists)
        Assert.False(exists "nowhere.safetensors")
        Assert.True(fst (cache.TryLoad key)))

[<Fact>]
let ``a cache that cannot be written costs a notice, not the run; a bad key or limit is an error`` () =
    withFolder (fun parent ->
        Directory.CreateDirectory parent |> ignore
        let file = Path.Combine(parent, "taken")
        File.WriteAllText(file, "")
        let notices = List<string>()
        let cache = StageCache(file, StageCache.DefaultLimit, Action<string> notices.Add)
        cache.Save(StageCache.Key "x", arrays [ "v", [| 1.0 |] ])
        Assert.Single notices |> ignore
        Assert.Throws<LeithException>(fun () -> cache.TryLoad "../x" |> ignore) |> ignore
        Assert.Throws<LeithException>(fun () -> StageCache(file, 0L) |> ignore) |> ignore)

// ---- Terminal ----------------------------------------------------------------------------------------------------------------------------------

[<Fact>]
let ``the table of peaks shows every estimator of a leading component, says how many rows it leaves out, and whose they are`` () =
    let response estimator observable = {
        fieldResponse estimator 0.0 false with
            Observable = observable
    }

    let estimators = [ for i in 1..5 -> $"estimator {i}" ]

    let outcome observables = {
        empty "" with
            Responses = [
                for estimator in estimators do
                    for observable in observables -> response estimator observable
            ]
    }

    let names (rows: string list list) =
        rows |> List.map (fun row -> row[0], row[1])
    // Five estimators, two observables, four offsets each.
    let rows, more = Terminal.peakRows 24 (outcome [ "u"; "u²" ])
    Assert.Equal((24, 16), (rows.Length, more))
    Assert.Equal(24, (List.distinct (names rows)).Length)

    for observable in [ "u"; "u²" ] do
        for offset in [ 0; 2 ] do
            for estimator in estimators do
                Assert.Contains((estimator, $"{observable}, x+{offset}"), names rows)

    // The next component is begun, and rows of one component stand together.
    Assert.Equal<string list>(estimators, rows |> List.take 5 |> List.map List.head)
    Assert.Equal("u, x+4", rows[10][1])

    // One observable needs no name, and what fits is whole.
    let rows, more = Terminal.peakRows 24 (outcome [ "u" ])
    Assert.Equal((20, 0), (rows.Length, more))
    Assert.Contains(("estimator 5", "x+6"), names rows)
    Assert.Equal((0, 20), Terminal.peakRows 0 (outcome [ "u" ]) |> fun (rows, more) -> rows.Length, more)
    Assert.Equal(0, Terminal.peakRows 24 (empty "") |> snd)

[<Fact>]
let ``durations read as people say them`` () =
    for seconds, expected in
        [
            0.04, "0.0 s"
            8.23, "8.2 s"
            59.6, "60 s"
            185.0, "3 min 05 s"
            7810.0, "2 h 10 min"
            nan, "?"
        ] do
        Assert.Equal(expected, Terminal.duration seconds)

// ---- The page in a browser ---------------------------------------------------------------------------------------------------------------------

let private chromium () =
    (string (Environment.GetEnvironmentVariable "PATH")).Split Path.PathSeparator
    |> Array.map (fun folder -> Path.Combine(folder, "chromium"))
    |> Array.tryFind File.Exists

/// What the page says of every figure that it drew: number of drawn traces, width, height; and the figures that were not drawn.
let private survey =
    """() => [...document.querySelectorAll('.plot')].map(div => {
        const svg = div.querySelector('svg.main-svg'), box = div.getBoundingClientRect();
        const drawn = div.querySelectorAll('.scatterlayer .trace, .heatmaplayer image, .barlayer .point').length;
        const holder = (div.closest('figure') || div).getBoundingClientRect();
        return { id: div.dataset.figure, plotly: div.classList.contains('js-plotly-plot'), svg: !!svg, drawn, traces: (div.data || []).length,
                 width: box.width, height: box.height, left: holder.left, right: holder.right, top: holder.top, bottom: holder.bottom,
                 svgWidth: svg ? svg.getBoundingClientRect().width : 0, inner: innerWidth, scrolls: !!div.closest('.scroll') };
    })"""

let inspect (path: string) (width: int) (browser: IBrowser) = task {
    let problems = List<string>()

    let! page =
        browser.NewPageAsync(BrowserNewPageOptions(ViewportSize = ViewportSize(Width = width, Height = 900), Offline = true))

    let file = Uri(path).AbsoluteUri

    page.Console.Add(fun message ->
        if message.Type = "error" || message.Type = "warning" then
            problems.Add("console: " + message.Text))

    page.PageError.Add(fun error -> problems.Add("error: " + error))

    page.Request.Add(fun request ->
        let scheme = request.Url.Split(':')[0]

        if request.Url <> file && scheme <> "data" && scheme <> "blob" then
            problems.Add("request: " + request.Url))

    let! _ = page.GotoAsync file

    let! _ =
        page.WaitForSelectorAsync("html[data-ready]", PageWaitForSelectorOptions(State = WaitForSelectorState.Attached))

    let! _ =
        page.EvaluateAsync "() => document.querySelectorAll('details').forEach(d => d.open = true)"

    let! _ =
        page.WaitForFunctionAsync "() => [...document.querySelectorAll('.plot')].every(d => d.querySelector('svg.main-svg'))"

    let! figures = page.EvaluateAsync<JsonElement> survey

    let! overflow =
        page.EvaluateAsync<bool> "() => document.documentElement.scrollWidth > innerWidth + 1"

    if overflow then
        problems.Add $"the page is wider than {width} pixels"

    let boxes = [ for f in figures.EnumerateArray() -> f ]
    let number (f: JsonElement) (name: string) = f.GetProperty(name).GetDouble()

    for f in boxes do
        let drawn, traces = number f "drawn", number f "traces"

        if not (f.GetProperty("svg").GetBoolean()) || traces = 0.0 || drawn < traces then
            problems.Add $"not drawn ({drawn} of {traces} traces): {f}"

        if number f "width" < 60.0 || number f "height" < 60.0 then
            problems.Add $"no size: {f}"

        if abs (number f "svgWidth" - number f "width") > 1.5 then
            problems.Add $"another width than its place: {f}"

    for i, a in List.indexed boxes do
        for b in boxes[i + 1 ..] do
            let apart =
                number a "right" <= number b "left" + 0.5
                || number b "right" <= number a "left" + 0.5
                || number a "bottom" <= number b "top" + 0.5
                || number b "bottom" <= number a "top" + 0.5

            if not apart then
                problems.Add $"""{a.GetProperty "id"} overlaps {b.GetProperty "id"}"""

    return page, boxes.Length, List.ofSeq problems
}

let withBrowser (act: IBrowser -> Task<unit>) = task {
    match chromium () with
    | None -> Assert.Skip "there is no chromium on this machine; apt-get install chromium brings it"
    | Some executable ->
        use! playwright = Playwright.CreateAsync()

        let options =
            BrowserTypeLaunchOptions(
                ExecutablePath = executable,
                Headless = true,
                Args = [
                    "--no-sandbox"
                    "--disable-gpu"
                    "--disable-quic"
                    "--no-first-run"
                    "--disable-background-networking"
                    "--disable-component-update"
                    "--disable-sync"
                ]
            )

        let! browser = playwright.Chromium.LaunchAsync options

        try
            do! act browser
        finally
            browser.CloseAsync().GetAwaiter().GetResult()
}

[<Fact>]
let ``every figure of the page is drawn, on a screen and on a phone, without a network or an error`` () : Task =
    withBrowser (fun browser -> task {
        let folder = Path.Combine(Path.GetTempPath(), "leith-" + string (Guid.NewGuid()))

        try
            for outcome, expected, widths in
                [
                    // snapshots 3, panels 4 + 28, field 4 × 5, errors 2, statistics 4, training 1, timing 1
                    fieldOutcome (Path.Combine(folder, "field")), 63, [ 1200; 390 ]
                    // maps 2, heatmaps 2, panels 6 + 13, timing 1
                    recordingOutcome (Path.Combine(folder, "recording")), 24, [ 1200 ]
                ] do
                let path = Report.write outcome

                for width in widths do
                    let! page, figures, problems = inspect path width browser
                    Assert.Equal<string list>([], problems)
                    Assert.Equal(expected, figures)
                    let! title = page.TextContentAsync "h1"
                    Assert.StartsWith(outcome.Title, title)
                    do! page.CloseAsync()
        finally
            Directory.Delete(folder, true)
    })

[<Fact>]
let ``the legend hides an estimator in every figure and shows it again`` () : Task =
    withBrowser (fun browser -> task {
        let folder = Path.Combine(Path.GetTempPath(), "leith-" + string (Guid.NewGuid()))

        try
            let path = Report.write (recordingOutcome folder)
            let! page = browser.NewPageAsync()
            let! _ = page.GotoAsync(Uri(path).AbsoluteUri)

            let! _ =
                page.WaitForSelectorAsync("html[data-ready]", PageWaitForSelectorOptions(State = WaitForSelectorState.Attached))

            let shown () =
                page.EvaluateAsync<int>
                    "() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(d => d.data).filter(t => t.legendgroup === 'gaussian' && t.visible !== false).length"

            let! before = shown ()
            // A line and a band in each of the six open panels.
            Assert.Equal(2 * 6, before)
            do! page.ClickAsync "button[data-estimator=gaussian]"
            let! hidden = shown ()
            Assert.Equal(0, hidden)
            do! page.ClickAsync "button[data-estimator=gaussian]"
            let! again = shown ()
            Assert.Equal(before, again)
        finally
            Directory.Delete(folder, true)
    })
