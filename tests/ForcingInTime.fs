module Leith.Tests.ForcingInTime

open System
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

// What is made of an impulse response: forced responses, static sensitivities and susceptibilities, against R = e^{−γτ}, of which all are known.

let private quick count =
    Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20261125UL, 61UL)

let private fails (phrases: string list) (action: unit -> obj) =
    let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

let private positive low high =
    Gen.choose (0, 1000) |> Gen.map (fun i -> low * (high / low) ** (float i / 1000.0))

let private decay rate every lags =
    Array.init lags (fun j -> exp (-rate * float j * every))

let private forced forcing every (response: float[]) =
    ForcingConvolution(response.Length, every, forcing).Apply response

let private largest (f: int -> float) count = Seq.init count f |> Seq.max

/// ∫₀ᵗ e^{−γτ} cos ω(t − τ) dτ.
let private underCosine rate w t =
    ((Complex.FromPolarCoordinates(1.0, w * t) - Complex(exp (-rate * t), 0.0)) / Complex(rate, w)).Real

[<Fact>]
let ``a forced response converges with the fourth power of the time between lags, whatever the number of intervals`` () =
    let property (rate, w) =
        let error n =
            let every = 4.0 / float n

            let found = forced (ForcingInTime.Cosine w) every (decay rate every (n + 1))

            largest (fun j -> abs (found[j] - underCosine rate w (float j * every))) (n + 1)

        // even and odd numbers of intervals
        let slope = log (error 61 / error 244) / log 4.0
        Assert.InRange(slope, 3.6, 4.4)

    Check.One(quick 20, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.7 2.0) (positive 0.3 3.0))) property)

[<Fact>]
let ``the error of discretisation is known within a factor of five where it is small`` () =
    let property (rate, w) =
        let every = 0.1
        let response = decay rate every 42

        let convolution = ForcingConvolution(response.Length, every, ForcingInTime.Cosine w)

        let found, estimate =
            convolution.Apply response, convolution.Discretisation response

        let error =
            largest (fun j -> abs (found[j] - underCosine rate w (float j * every))) 42

        Assert.InRange(Array.max estimate, error / 5.0, error * 5.0)

    Check.One(quick 50, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.7 3.0) (positive 0.3 5.0))) property)

[<Fact>]
let ``steps and ramps have their exact answers, with the end of the ramp anywhere`` () =
    let property (rate, duration) =
        let every = 0.05
        let response = decay rate every 101
        let step = forced ForcingInTime.Step every response
        let ramp = forced (ForcingInTime.Ramp duration) every response
        let under t = (1.0 - exp (-rate * t)) / rate
        // ∫₀ᵗ of the step response over the duration of the ramp
        let integral t =
            if t <= 0.0 then 0.0 else (t - under t) / rate

        for j in 0..100 do
            let t = float j * every
            Assert.Equal(under t, step[j], 1e-6)
            Assert.Equal((integral t - integral (t - duration)) / duration, ramp[j], 1e-6)

    Check.One(quick 50, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.3 1.5) (positive 0.2 6.0))) property)

[<Fact>]
let ``a forced response is linear in the impulse response, and shifts with its forcing`` () =
    let property (a, b) =
        let every = 0.1
        let x, y = decay 0.4 every 50, decay 1.3 every 50
        let wave = ForcingInTime.Cosine 2.0

        let together = forced wave every (Array.map2 (fun x y -> a * x + b * y) x y)

        let apart =
            Array.map2 (fun x y -> a * x + b * y) (forced wave every x) (forced wave every y)

        Array.iter2 (fun (t: float) s -> Assert.Equal(t, s, 1e-12 * (1.0 + abs a + abs b))) together apart
        // the step that begins at lag 7
        let late =
            forced (ForcingInTime((fun t -> if t > 0.7 then 1.0 else 0.0), [| 0.7 |])) every x

        let now = forced ForcingInTime.Step every x

        for j in 7..49 do
            Assert.Equal(now[j - 7], late[j], 1e-5)

    Check.One(quick 20, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.1 10.0) (positive 0.1 10.0))) property)

[<Fact>]
let ``a series as fine as the lags or finer does what its function does`` () =
    let every = 0.1
    let response = decay 1.0 every 51

    for spacing in [ 0.1; 0.05; 0.03 ] do
        let values =
            Array.init (int (5.0 / spacing) + 2) (fun i -> 1.0 + 2.0 * float i * spacing)

        let series = ForcingInTime.Series(values, spacing, every, 5.0)
        let line = ForcingInTime((fun t -> 1.0 + 2.0 * t), [])
        Array.iter2 (fun (a: float) b -> Assert.Equal(a, b, 1e-12)) (forced line every response) (forced series every response)

[<Fact>]
let ``series that cannot serve are refused`` () =
    fails [ "at least as often as the lags"; "0.1"; "0.2" ] (fun () -> ForcingInTime.Series(Array.zeroCreate 100, 0.2, 0.1, 5.0))
    fails [ "up to the longest lag 5"; "11 samples" ] (fun () -> ForcingInTime.Series(Array.zeroCreate 11, 0.1, 0.1, 5.0))
    fails [ "finite values"; "sample 1" ] (fun () -> ForcingInTime.Series([| 0.0; nan; 0.0 |], 0.1, 0.1, 0.2))
    fails [ "positive time between samples" ] (fun () -> ForcingInTime.Series(Array.zeroCreate 100, 0.0, 0.1, 5.0))
    fails [ "ramp: expected a positive finite duration" ] (fun () -> ForcingInTime.Ramp 0.0)
    fails [ "f(t) that is finite"; "t = 0.1" ] (fun () -> ForcingConvolution(10, 0.1, ForcingInTime((fun t -> 1.0 / (t - t)), [])))
    fails [ "at least 2 lags" ] (fun () -> ForcingConvolution(1, 0.1, ForcingInTime.Step))

let private exactly every (response: float[]) =
    StaticSensitivity.Of(response, Array.zeroCreate response.Length, [||], every)

[<Fact>]
let ``an exponential tail completes a static sensitivity, however short the lags`` () =
    let property (rate, size) =
        let e = exactly 0.05 (decay rate 0.05 41 |> Array.map ((*) size))
        Assert.Equal(size / rate, e.Value, 1e-5 * size / rate)
        Assert.Equal(rate, e.Rate, 1e-6 * rate)
        Assert.Equal(size / rate * exp (-rate * 2.0), e.Tail, 1e-5 * size / rate)
        // and from the response to a push that lasts
        let step =
            Array.init 41 (fun j -> size * (1.0 - exp (-rate * 0.05 * float j)) / rate)

        let direct = StaticSensitivity.OfStep(step, Array.zeroCreate 41, [||], 0.05)
        Assert.Equal(size / rate, direct.Value, 1e-3 * size / rate)

    Check.One(quick 50, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.3 3.0) (positive 0.1 10.0))) property)

[<Fact>]
let ``what is no exponential tail is said to be none`` () =
    let every = 0.1

    let notes response =
        String.concat "; " (exactly every response).Notes

    Assert.Contains("no single exponential", notes (Array.init 21 (fun j -> 1.0 / (1.0 + float j * every) ** 2.0)))
    Assert.Contains("does not decay", notes (Array.init 21 (fun j -> 1.0 + 0.1 * float j * every)))
    Assert.Contains("changes its sign", notes (Array.init 41 (fun j -> exp (-0.2 * float j * every) * cos (4.0 * float j * every))))
    Assert.Contains("larger than all before", notes (decay 0.2 every 11))
    Assert.Empty((exactly every (decay 1.0 every 41)).Notes)

[<Fact>]
let ``the error of a static sensitivity covers its scatter`` () =
    // Curves e^{−τ} with noise of which the resamples have the same law: the share of |estimate − 1| < 2 errors is .95; 400 curves, at four standard errors of .011.
    let random = Random 5

    let normal () =
        sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

    let every, lags, noise = 0.1, 41, 0.02
    let truth = decay 1.0 every lags

    let noisy (around: float[]) =
        // correlated from lag to lag, as responses are
        let mutable x = normal ()

        around
        |> Array.map (fun r ->
            x <- 0.9 * x + sqrt (1.0 - 0.81) * normal ()
            r + noise * x)

    let inside =
        Seq.init 400 (fun _ ->
            let curve = noisy truth

            let e =
                StaticSensitivity.Of(curve, Array.create lags noise, Array.init 60 (fun _ -> noisy curve), every)

            if abs (e.Value - 1.0) < 2.0 * e.StandardError then
                1.0
            else
                0.0)
        |> Seq.average

    Assert.InRange(inside, 0.90, 1.0)

let private tailOf every (response: float[]) =
    match TailWindow.Of(response, Array.zeroCreate response.Length) with
    | null -> null
    | window -> ExponentialTail.Fit(response, every, window)

[<Fact>]
let ``a susceptibility is 1/(γ − iω), up to half a period between two lags`` () =
    let property (rate, share) =
        let every = 0.05
        let response = decay rate every 61
        let w = share * Math.PI / every
        let chi = Susceptibility(61, every, [| w |]).Apply(response, tailOf every response)
        Assert.True(Complex.Abs(chi[0] - Complex.One / Complex(rate, -w)) < 1e-5)

    Check.One(quick 50, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.3 2.0) (positive 1e-4 1.0))) property)

[<Fact>]
let ``the real part of a susceptibility follows from its imaginary part`` () =
    let property (rate, w) =
        let every = 0.05
        let response = decay rate every 101
        let tail = tailOf every response
        let found = KramersKronig.RealPart(response, every, tail, [| w; 0.0 |])
        Assert.Equal((Complex.One / Complex(rate, -w)).Real, found[0], 2e-3 / rate)
        Assert.Equal(1.0 / rate, found[1], 2e-3 / rate)

    Check.One(quick 10, Prop.forAll (Arb.fromGen (Gen.zip (positive 0.3 2.0) (positive 0.1 10.0))) property)

[<Fact>]
let ``frequencies that the lags cannot show are refused`` () =
    let of' frequencies () =
        Susceptibility(10, 0.5, List.toArray frequencies)

    fails [ "angular frequencies of 0 or more"; "-1" ] (fun () -> of' [ 0.5; -1.0 ] ())
    fails [ "0 or more"; "NaN" ] (fun () -> of' [ nan ] ())
    fails [ "up to π/0.5 = 6.28318531"; "got 7" ] (fun () -> of' [ 7.0 ] ())
    fails [ "at least one frequency" ] (fun () -> of' [] ())
    of' [ Math.PI / 0.5 ] () |> ignore

[<Fact>]
let ``A slow part that no single lag shows counts as error of a sensitivity`` () =
    // e^{−t} − .004 e^{−t/6} to lag 20, with noise of .0005 a lag: the slow part is resolved in the mean of many lags alone
    let every, lags = 0.5, 41
    let exact = 1.0 - 0.004 * 6.0

    let curve (random: Random) slow =
        Array.init lags (fun i ->
            let t = every * float i

            let noise =
                sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

            exp -t - slow * exp (-t / 6.0) + 0.0005 * noise)

    let random = Random 11

    let of' slow =
        let values = curve random slow
        // resamples scatter as the curve does: half the difference of two of its kind, scaled
        let replicates =
            Array.init 200 (fun _ ->
                let one, other = curve random slow, curve random slow
                Array.map3 (fun v a b -> v + (a - b) / sqrt 2.0) values one other)

        StaticSensitivity.Of(values, Array.create lags 0.0005, replicates, every)

    let hidden = of' 0.004
    Assert.Contains(hidden.Notes, fun note -> note.Contains "something slow goes on")
    Assert.True(abs (hidden.Value - exact) <= 2.0 * hidden.StandardError, $"{hidden.Value} ± {hidden.StandardError}, exact {exact}")

    let plain = of' 0.0
    Assert.DoesNotContain(plain.Notes, fun note -> note.Contains "something slow")
    Assert.True(abs (plain.Value - 1.0) <= 4.0 * plain.StandardError, $"{plain.Value} ± {plain.StandardError}")
