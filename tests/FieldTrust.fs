/// Certificates, identities, bounds and doubly robust responses of fields against answers that are known exactly.
/// Fixed seeds; what is sampled is compared with 3.5 to 4.5 standard errors: false-alarm rate below 1e-3 a test.
module Leith.Tests.FieldTrust

open System
open System.Threading
open Leith
open Leith.Core
open Leith.Tests.Running
open Xunit

let private u = field "u" (ring 6.0 12)

let private asked (system': StochasticSystem) step' estimators observed = experiment "trust" {
    system system'.Equations.Head
    noise system'.Noise
    step step'
    sample (members 64 |> spinUp 10.0 |> lasting 200.0 |> every 0.5)
    perturb (kick u (site [ 0 ]))
    observe observed
    lags 2.0
    estimate estimators
    seed 5
}

let private scaled (factor: float) (system': StochasticSystem) name =
    exact (factor * system'.Score.Head) |> named name

let private score (outcome: Outcome) name =
    outcome.Scores |> List.find (fun s -> s.Estimator = name)

let private within (errors: float) (value: float) (expected: float) (error: float) what =
    Assert.True(abs (value - expected) <= errors * error, $"{what}: {value} ± {error}, expected {expected}")

// ---- a linear field, of which all is known -----------------------------------------------------------------------

let private linear = FieldSystems.advectionDiffusionWith 0.1 0.5 1.0 1.0 u

let private rates =
    (Lower.gridOf u).Value.Wavevectors() |> Array.map (fun k -> 0.5 + 0.1 * k[0] * k[0])

let private linearOutcome =
    lazy
        (runAlone (
            asked linear linear.Step [
                propagator
                gaussian
                scaled 1.0 linear "right"
                scaled 0.8 linear "wrong"
                scaled 0.8 linear "mended" |> steinCorrected
                robust (scaled 0.8 linear "wrong") (forecastFrom [ u ]) |> named "wrong score, right regression"
                robust (scaled 1.0 linear "right") (forecastFrom [ cube u ])
                |> named "right score, wrong regression"
                robust gaussian (polynomials 3) |> named "same class"
            ] [ u ]
        ))

[<Fact>]
let ``the certificate of a score that is wrong by a factor is the error that it makes, currents or not`` () =
    // ⟨sᵀDs⟩ = tr(D C⁻¹) = Σ_k γ_k
    let size = Array.sum rates

    for name, factor in [ "right", 1.0; "wrong", 0.8; "Gaussian", 1.0 ] do
        let value, error = (score linearOutcome.Value name).Certificate.Value
        within 4.0 value ((1.0 - factor) ** 2.0 * size) (error + 1e-9) name

    let _, error = (score linearOutcome.Value "wrong").Certificate.Value
    Assert.InRange(error, 1e-9, 0.02 * size)
    Assert.Contains($"⟨sᵀDs⟩ = −⟨∇·F⟩ = {Digest.number size}", (score linearOutcome.Value "wrong").CertificateNote.Value)

[<Fact>]
let ``the rows of the table are red for a wrong score and not for a right one`` () =
    let rows name = (score linearOutcome.Value name).Stein

    for row in rows "right" do
        Assert.True(abs row.Z < 4.5, $"{row.Field}: {row.Z}")

    let third = rows "wrong" |> List.last
    Assert.Contains("u³", third.Field)
    Assert.True(abs third.Z > 10.0)
    // ⟨u³ 0.8 s⟩ + 3⟨u²⟩ = 0.2 · 3⟨u²⟩
    let variance = rates |> Array.averageBy (fun rate -> 0.5 / (rate * 0.5))
    within 4.5 third.Value (0.6 * variance) (third.Value / third.Z) "u³"

let private distance (outcome: Outcome) name =
    let r, p = outcome.Response name, outcome.Response "propagator"

    Seq.map3 (fun a b e -> Seq.map3 (fun x y (s: float) -> abs (x - y), s) a b e) r.Values p.Values r.StandardError.Value
    |> Seq.concat
    |> List.ofSeq

[<Fact>]
let ``a robust response is right with a wrong score or a wrong regression, a plain one is not`` () =
    for name in
        [
            "wrong score, right regression"
            "right score, wrong regression"
            "mended"
            "same class"
        ] do
        for difference, error in distance linearOutcome.Value name do
            Assert.True(difference < 4.5 * error + 1e-9, $"{name}: {difference}, standard error {error}")

    Assert.True(
        distance linearOutcome.Value "wrong"
        |> List.exists (fun (difference, error) -> difference > 20.0 * error)
    )

let private notes (outcome: Outcome) name =
    (outcome.Response name).Notes |> String.concat "\n"

[<Fact>]
let ``a robust response says where nothing is gained, and both residuals`` () =
    let text = notes linearOutcome.Value "same class"
    Assert.Contains("the score is of the class of the regression", text)
    Assert.Contains("the regression leaves of the variance of the observable", text)
    Assert.Contains("the score misses", text)
    Assert.DoesNotContain("class", notes linearOutcome.Value "right score, wrong regression")
    Assert.Contains("divided by R(0) mode by mode: held-out loss", notes linearOutcome.Value "mended")

[<Fact>]
let ``the bound of the bias holds, and decays with forked runs`` () =
    let wrong = linearOutcome.Value.Response "wrong"
    let exact = linearOutcome.Value.Response "propagator"
    let bound = wrong.BiasBound.Value

    for i in 0 .. wrong.Values.Length - 1 do
        for lag in 0 .. wrong.Lags.Length - 1 do
            Assert.True(abs (wrong.Values[i].[lag] - exact.Values[i].[lag]) < bound[i].[lag] + 4.5 * wrong.StandardError.Value[i].[lag])

    // √(Σ V/D) falls at least as e^{−γ₀t}
    Assert.True(bound[0].[4] < 0.5 * bound[0].[0])
    Assert.Contains("which decays", notes linearOutcome.Value "wrong")

// ---- φ⁴, whose score is known and no Gaussian's -------------------------------------------------------------------

let private quartic = FieldSystems.phiFourthWith 1.0 1.0 1.0 1.0 u

let private net = learned (residualNet |> channels 8 |> layers 1 |> steps 200)

[<Fact>]
let ``the certificates of library, Gaussian, network and wrong score of φ⁴ are their distances to the true one`` () =
    let outcome =
        runAlone (
            asked quartic (exponentialRungeKutta4 0.00125 |> aliased) [
                scaled 1.0 quartic "true"
                scaled 0.8 quartic "wrong"
                libraryOf [ u ] |> named "Gaussian library"
                libraryOf [ u; tanh u ]
                net
            ] [ u ]
        )

    // D is the same in all modes: ‖ŝ − s‖²_D = ⟨sᵀDs⟩ (relative L2 error)²
    let size =
        let text = (score outcome "true").CertificateNote.Value
        Double.Parse(text.Substring(text.IndexOf "∇·F⟩ = " + 7).Split(' ')[0])

    for name in [ "Gaussian library"; "library"; "learned" ] do
        let value, error = (score outcome name).Certificate.Value
        let relative, relativeError = (score outcome name).RelativeError.Value
        let expected = size * relative ** 2.0
        // the step makes 0.3 % of ⟨sᵀDs⟩ at most
        within 3.0 value expected (sqrt (error ** 2.0 + (2.0 * size * relative * relativeError) ** 2.0) + 0.001 * size) name
        Assert.InRange(error, 0.0, 0.02 * size)

    let value, error = (score outcome "wrong").Certificate.Value
    within 3.0 value (0.04 * size) (error + 0.001 * size) "wrong"

// ---- what a record gives, identity by identity --------------------------------------------------------------------

let private features = [ u; cube u; tanh u; lap u; cube u + 2.0 * tanh u ]

let private recorded =
    lazy
        (let library = FieldLibrary.features 2UL [ u ] u features
         let plan = SamplingPlan(32, 5.0, 100.0, 0.5)
         let record = LibraryRecord(library, 4, [| null |], plan.Samples, plan.Tiles, 2)

         let model =
             Lower.systemFor (exponentialRungeKutta4 0.02 |> aliased) quartic.Equations quartic.Noise

         Simulation(model, Scheme.ExponentialRungeKutta4, 0.02, 5UL).Run(plan, (fun tile -> record.Open tile), 2, null, CancellationToken.None)

         record.Complete())

let private bootstrap = SpectralResponse.Bootstrap(3UL, 2, 16)

let private library free =
    FieldScoreForm(LibraryTerms(free, [||]), 0.0, [||])

let private equal (a: float[][]) (b: float[][]) =
    for x, y in Array.zip (Array.concat a) (Array.concat b) do
        Assert.InRange(abs (x - y), 0.0, 1e-9)

[<Fact>]
let ``a regression whose class holds the score answers alone, and a score whose class holds the regression too`` () =
    let sums = recorded.Value

    let plugIn free =
        (LibraryResponse.Estimate(sums, 0, LibraryTerms(free, [||]), 0.0, 0.5, bootstrap)).Values

    let robust form regression =
        (RobustFieldResponse.Estimate(sums, 0, form, regression, 0.0, 0.5, bootstrap)).Values

    equal (robust FieldScoreForm.Gaussian [| 0; 1 |]) (plugIn [| 0; 1 |])
    equal (robust (library [| 0; 1 |]) [| 0; 1; 2 |]) (plugIn [| 0; 1; 2 |])
    equal (robust (library [| 0; 1; 2 |]) [| 0; 1 |]) (plugIn [| 0; 1; 2 |])
    // the known kernel 3 on a feature that the regression has changes nothing
    let known =
        FieldScoreForm(LibraryTerms([| 0 |], [||]), 0.0, [| KnownTerm(1); KnownTerm(4) |])

    equal (robust known [| 0; 1; 2 |]) (plugIn [| 0; 1; 2 |])
    Assert.InRange(RobustFieldResponse.ScoreOutside(sums, known, [| 0; 1; 2 |]), 0.0, 1e-9)
    Assert.InRange(RobustFieldResponse.ScoreOutside(sums, known, [| 0 |]), 1e-4, 1.0)

[<Fact>]
let ``a regression explains no more than there is, and the field itself at lag zero`` () =
    let sums = recorded.Value
    let power = sums.Power 0
    let explained = RobustFieldResponse.Explained(sums, 0, [| 0; 1 |], 0.0)
    let less = RobustFieldResponse.Explained(sums, 0, [| 0 |], 0.0)

    for k in 0 .. power.Length - 1 do
        Assert.InRange(explained[0].[k] / power[k], 1.0 - 1e-9, 1.0 + 1e-9)

        for lag in 1..4 do
            Assert.InRange(explained[lag].[k], less[lag].[k] - 1e-9, power[k] * 1.1)

[<Fact>]
let ``a bound with the same noise in all modes is sd(A) √(certificate/(N D))`` () =
    let certificate =
        FieldCertificate(Measurement(3.0, 0.0), Measurement(10.0, 0.0), 4, false)

    let power = [| 8.0; 2.0; 0.0; 2.0 |]
    // the variance at a site is Σ P/N²
    let expected = sqrt (12.0 / 16.0) * sqrt (3.0 / (4.0 * 0.5))
    Assert.Equal(expected, FieldBiasBound.OfPower(certificate, power, Array.create 4 0.5), 12)
    Assert.True(FieldBiasBound.OfPower(certificate, power, [| 0.5; 0.7; 0.0; 0.7 |]) < expected)
    Assert.True(Double.IsPositiveInfinity(FieldBiasBound.OfPower(certificate, power, [| 0.5; 0.0; 0.0; 0.7 |])))

[<Fact>]
let ``a certificate by probes is that of the tree`` () =
    let drift = quartic.Equations.Head.Drift
    let features = [ u; tanh u; drift; u * dx (u * dx u) ]

    let sums closed =
        let library = FieldLibrary.featuresWith closed 4UL [ u ] u features []
        let plan = SamplingPlan(32, 5.0, 50.0, 0.5)
        let record = LibraryRecord(library, 4, [||], plan.Samples, plan.Tiles, 2)

        let model =
            Lower.systemFor (exponentialRungeKutta4 0.02 |> aliased) quartic.Equations quartic.Noise

        Simulation(model, Scheme.ExponentialRungeKutta4, 0.02, 5UL).Run(plan, (fun tile -> record.Open tile), 2, null, CancellationToken.None)

        library, record.Complete()

    let fromTree, exact = sums (fun _ -> true)
    let probing, probed = sums (fun f -> f = FieldLibrary.onTorus u)
    // factors that vary between derivatives have no slope of the tree
    Assert.Equal<int seq>([ 3 ], fromTree.Probed)
    Assert.Equal<int seq>([ 1; 2; 3 ], probing.Probed)
    let diffusion = Array.create 12 1.0

    let form =
        FieldScoreForm(
            null,
            0.0,
            [|
                KnownTerm(0, Array.create 12 (Numerics.Complex(-1.5, 0.0)), true)
                KnownTerm(1)
            |]
        )

    let a, b =
        FieldCertificate.Of(exact, form, 2, diffusion), FieldCertificate.Of(probed, form, 2, diffusion)

    within 4.5 b.Size.Value a.Size.Value b.Size.StandardError "size"
    within 4.5 b.Value.Value a.Value.Value (sqrt (a.Value.StandardError ** 2.0 + b.Value.StandardError ** 2.0)) "value"

// ---- where there is no certificate, and what is refused ----------------------------------------------------------

[<Fact>]
let ``noise in some modes gives a certificate of these alone, and no bound`` () =
    let pattern = spectral "P" (fun k -> k.Squared * k.Squared)

    let outcome =
        runAlone (
            asked
                {
                    quartic with
                        Noise = additive (parameter "s" 0.02 * root pattern)
                }
                (exponentialRungeKutta4 0.02 |> aliased) [ gaussian ] [ u ]
        )

    let report = score outcome "Gaussian"
    Assert.Contains("in the noisy directions only, 11 of 12 modes", report.CertificateNote.Value)
    Assert.True((outcome.Response "Gaussian").BiasBound.IsNone)

let private refused (estimator: Estimator) =
    (Assert.Throws<LeithException>(fun () -> runAlone (asked quartic (exponentialRungeKutta4 0.02 |> aliased) [ estimator ] [ u ]) |> ignore)).Message

[<Fact>]
let ``what a robust estimate or a test cannot be made of is refused`` () =
    Assert.Contains("expected a regression by features, got forecastBy", refused (robust gaussian (forecastBy mlp)))
    Assert.Contains("expected one component for each test field", refused (gaussian |> testedOn [ [ cube u; u ] ]))
    Assert.Contains("leave the place, the time and constants out", refused (gaussian |> testedOn [ [ u * coordinate 0 ] ]))
    Assert.Contains("in which noise, the place or the time stands", refused (robust gaussian (forecastFrom [ u * coordinate 0 ])))

[<Fact>]
let ``the score of one of several fields has no certificate, and a reason`` () =
    let eta = field "η" (ring 6.0 12)
    let forced = FieldSystems.colouredForcing u eta

    let outcome =
        runAlone (
            experiment "two fields" {
                system forced.Equations
                noise forced.Noise
                step forced.Step
                sample (members 16 |> spinUp 5.0 |> lasting 20.0 |> every 0.5)
                perturb (kick u (site [ 0 ]))
                observe [ u ]
                lags 1.0
                estimate [ gaussian |> testedOn [ [ u * eta * eta ] ] ]
            }
        )

    let report = outcome.Scores.Head
    Assert.True(report.Certificate.IsNone)
    Assert.Equal(Some "none: the score of u alone is not that of the state, of which it is a part", report.CertificateNote)
    Assert.Equal(2, report.Stein.Length)
