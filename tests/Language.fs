module Leith.Tests.Language

open System
open System.Numerics
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest tests, property)

let private close tolerance (a: float) (b: float) =
    abs (a - b) <= tolerance * (1.0 + abs a + abs b)

// ---- random expressions ------------------------------------------------------------------------------------------

let private x, y = scalar "x", scalar "y"
let private rate = parameter "r" 0.7

/// Local expressions of bounded growth in the given leaves.
let private expression (leaves: Field list) (wrap: Gen<Field> -> Gen<Field> list) =
    let leaf =
        Gen.elements (leaves @ [ t; rate; Field.Number 1.0; Field.Number -2.5; Field.Number 0.5 ])

    let rec tree size =
        if size <= 0 then
            leaf
        else
            let part = tree (size / 2)
            let both f = Gen.map2 f part part

            Gen.oneof (
                [
                    leaf
                    both (fun a b -> a + b)
                    both (fun a b -> a - b)
                    both (fun a b -> a * b)
                    both (fun a b -> a / (2.0 + cos b))
                    Gen.map sin part
                    Gen.map tanh part
                    Gen.map (fun a -> square (tanh a)) part
                    Gen.map (fun a -> -a) part
                    Gen.map (fun a -> (1.0 + sin a) * (2 - a)) part
                    Gen.map (fun a -> sqrt (1.0 + square a)) part
                ]
                @ wrap part
            )

    Gen.sized (fun size -> tree (min size 24))

let private local = expression [ x; y ] (fun _ -> [])
let private point = Gen.map (fun n -> float n / 500.0) (Gen.choose (-1000, 1000))
let private at (a: float) (b: float) field = if field = x then a else b

[<Fact>]
let ``Operators keep the value of what they join`` () =
    let cases = Gen.zip (Gen.zip local local) (Gen.zip point point)

    throughout
        200
        (Prop.forAll (Arb.fromGen cases) (fun ((f, g), (a, b)) ->
            let value = Field.evaluate (at a b) 0.3
            let v, w = value f, value g

            close 1e-12 (value (f + g)) (v + w)
            && close 1e-12 (value (f - g)) (v - w)
            && close 1e-12 (value (f * g)) (v * w)
            && close 1e-12 (value (2 * f - 0.5 * g + 3)) (2.0 * v - 0.5 * w + 3.0)
            && close 1e-12 (value (1.0 - (f + 2) * 3.0)) (1.0 - (v + 2.0) * 3.0)
            && close 1e-12 (value (f / 4 + 1 / (2.0 + cos g))) (v / 4.0 + 1.0 / (2.0 + cos w))
            && close 1e-12 (value (f ** 3 + f ** 0)) (v * v * v + 1.0)))

[<Fact>]
let ``The symbolic derivative is the limit of differences`` () =
    let cases = Gen.zip local (Gen.zip point point)

    throughout
        200
        (Prop.forAll (Arb.fromGen cases) (fun (f, (a, b)) ->
            let h = 1e-5
            let value a = Field.evaluate (at a b) 0.3 f
            // Richardson: fourth order, so that the step can be large enough for rounding
            let difference =
                (8.0 * (value (a + h) - value (a - h)) - (value (a + 2.0 * h) - value (a - 2.0 * h))) / (12.0 * h)

            close 1e-6 (Field.evaluate (at a b) 0.3 (Field.derivative x f)) difference))

[<Fact>]
let ``The linear and the other terms add up to the drift, and the linear ones are linear`` () =
    let cases = Gen.zip local (Gen.zip point point)

    throughout
        300
        (Prop.forAll (Arb.fromGen cases) (fun (f, (a, b)) ->
            let split = Equation.split f
            let value a b = Field.evaluate (at a b) 0.3
            let linear, rest = Equation.sum split.Linear, Equation.sum split.Nonlinear

            close 1e-10 (value a b linear + value a b rest) (value a b f)
            && close 1e-10 (value (3.0 * a) (3.0 * b) linear) (3.0 * value a b linear)
            && split.Nonlinear |> List.forall (fun term -> term.Core <> x && term.Core <> y)))

[<Fact>]
let ``Products of sums are multiplied out where that shows a linear term`` () =
    let linear f =
        (Equation.split f).Linear |> List.map (Equation.termField >> string)

    Assert.Equal<string list>([ "x" ], linear (x * (1.0 - x * x)))
    Assert.Equal<string list>([ "2 r y" ], linear (2 * rate * y + x * y))
    Assert.Equal<string list>([ "x"; "x" ], linear ((1.0 + x) ** 2))
    Assert.Empty(linear (x * (x + y)))
    Assert.Empty(linear (t * x + sin y + 3.0))

[<Fact>]
let ``The degree counts unknowns`` () =
    Assert.Equal(3.0, Field.degree (x * y ** 2 + 5 * x))
    Assert.Equal(0.0, Field.degree (sin rate + t))
    Assert.Equal(infinity, Field.degree (1.0 / x))

// ---- print ---------------------------------------------------------------------------------------------------------

let private kappa, a = parameter "κ" 2.5e-4, parameter "A" 2e-2
let private alpha, eps = parameter "α" 16.0, parameter "ε" (sqrt 4e-3)
let private u = field "u" (torus (2.0 * pi) 32)
let private sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

[<Fact>]
let ``Equations print as they are written on paper`` () =
    let print expected (value: obj) = Assert.Equal(expected, string value)
    print "∂u/∂t = κ Δu − A ∂x u + α Σ[u − u³]" (ddt u == kappa * lap u - a * dx u + alpha * sigma (u - cube u))
    print "dx/dt = −2 x + x y/3" (ddt x == -2 * x + x * y / 3)
    print "ε Σ^½" (eps * root sigma)
    print "(u + 1)² − 2 (u − 3) + Δ(u + u²)" ((u + 1) ** 2 - 2 * (u - 3) + lap (u + square u))
    print "(Δu)² − (∂y u)³" (square (lap u) - cube (dy u))
    print "u/(u + 1)" (u / (u + 1))
    print "1/(2 u)" (1.0 / (2 * u))
    print "−u" -u
    print "(2/ε²) (−u + Δ²u)/9" (2.0 / eps ** 2 * (-u + lap (lap u)) / 9)
    print "0.03125 κ u" (1.0 / 32.0 * kappa * u)
    print "1/(1 + k²)" (Field.symbolOf sigma)

[<Fact>]
let ``Parameters keep their names and values`` () =
    let drift =
        kappa * lap u + spectral "T" (fun k -> exp (-(alpha * k.Squared))) u - kappa * u

    Assert.Equal<(string * float) list>([ "κ", 2.5e-4; "α", 16.0 ], Field.parameters drift)

[<Fact>]
let ``Equal fields have equal canonical texts, different ones different`` () =
    throughout 200 (Prop.forAll (Arb.fromGen (Gen.zip local local)) (fun (f, g) -> (f = g) = (Field.canonical f = Field.canonical g)))

    Assert.Equal(
        "(+ (* (parameter \"κ\" 0.00025) (lap (unknown \"x\" scalar))) (^ (unknown \"x\" scalar) 3))",
        Field.canonical (kappa * lap x + cube x)
    )

    Assert.Equal(64, (Field.hash u).Length)
    Assert.NotEqual<string>(Field.hash u, Field.hash (field "u" (torus (2.0 * pi) 64)))

// ---- symbols ---------------------------------------------------------------------------------------------------------

[<Fact>]
let ``Root and inverse are read from the operator itself`` () =
    let wavevector = Gen.map Array.ofList (Gen.listOfLength 2 point)
    let smooth v = lap v * 0.1 - 2.0 * sigma v

    throughout
        100
        (Prop.forAll (Arb.fromGen wavevector) (fun k ->
            let at symbol = (Symbol.evaluate k symbol).Real
            let s = 1.0 / (1.0 + k[0] * k[0] + k[1] * k[1])

            close 1e-12 (at (root sigma).Symbol) (sqrt s)
            && close 1e-12 (at (inverse sigma).Symbol) (1.0 / s)
            && close 1e-12 (at (Field.symbolOf smooth)) (0.1 * (1.0 - 1.0 / s) - 2.0 * s)
            && close 1e-12 (at (root sigma * root sigma).Symbol) s))

    Assert.Equal(Complex.Zero, Symbol.evaluate [| 0.0; 0.0 |] (inverse lap).Symbol)

[<Fact>]
let ``Odd symbols vanish on the Nyquist wavenumber, even ones stay`` () =
    let grid = Grid([ 8; 6 ], [ 2.0 * pi; 2.0 * pi ])
    let nyquist = grid.Ravel(ReadOnlySpan [| 4; 1 |])

    let onGrid op =
        Symbol.onGrid "op" grid (Field.symbolOf op)

    Assert.Equal(Complex.Zero, (onGrid dx)[nyquist])
    Assert.Equal(Complex(0.0, 1.0), (onGrid dy)[nyquist])
    Assert.Equal(Complex(-17.0, 0.0), (onGrid lap)[nyquist])

// ---- lowering ----------------------------------------------------------------------------------------------------------

let private box = rectangle (2.0 * pi, 3.0) (8, 6)
let private v = field "v" box
let private grid = (Lower.gridOf v).Value

/// The operator on a real field by the sums that define it, the derivative's symbol zero on the Nyquist wavenumber.
let private multiply (symbol: float[] -> bool[] -> Complex) (values: float[]) =
    let wavevectors = grid.Wavevectors()

    let position site =
        grid.Unravel site
        |> Array.mapi (fun axis i -> float i * grid.Lengths[axis] / float grid.Points[axis])

    let positions = Array.init grid.Sites position

    let phase k site =
        Array.fold2 (fun sum (a: float) b -> sum + a * b) 0.0 k positions[site]

    let spectrum =
        wavevectors
        |> Array.map (fun k ->
            values
            |> Array.mapi (fun site value -> value * Complex.Exp(Complex(0.0, -(phase k site))))
            |> Array.fold (+) Complex.Zero)

    let scaled =
        spectrum
        |> Array.mapi (fun mode z ->
            z * symbol wavevectors[mode] [| grid.IsNyquist(mode, 0); grid.IsNyquist(mode, 1) |]
            / Complex(float grid.Sites, 0.0))

    Array.init grid.Sites (fun site ->
        (wavevectors
         |> Array.mapi (fun mode k -> scaled[mode] * Complex.Exp(Complex(0.0, phase k site)))
         |> Array.fold (+) Complex.Zero)
            .Real)

let private square2 (k: float[]) = k[0] * k[0] + k[1] * k[1]

/// The values of a field at every site, straight from its definition.
let rec private directly (state: float[]) time (field: Field) : float[] =
    let nonlocal f =
        match f with
        | Field.Unknown _ -> Some state
        | Field.Lap g -> Some(multiply (fun k _ -> Complex(-(square2 k), 0.0)) (directly state time g))
        | Field.Derivative(axis, g) ->
            Some(
                multiply
                    (fun k nyquist ->
                        if nyquist[axis] then
                            Complex.Zero
                        else
                            Complex(0.0, k[axis]))
                    (directly state time g)
            )
        | Field.Spectral("Σ", _, g) -> Some(multiply (fun k _ -> Complex(1.0 / (1.0 + square2 k), 0.0)) (directly state time g))
        | _ -> None

    let found = Collections.Generic.Dictionary<Field, float[]>()

    let look site f =
        if not (found.ContainsKey f) then
            found[f] <- (nonlocal f).Value

        found[f][site]

    Array.init grid.Sites (fun site -> Field.evaluate (look site) time field)

/// Sixteen random real fields, [member][site].
let private states seed =
    let random = Random(seed: int)
    Array.init Tile.Members (fun _ -> Array.init grid.Sites (fun _ -> random.NextDouble() * 2.0 - 1.0))

let private toTile (members: float[][]) =
    let tile = new Tile(grid.Sites)

    for lane in 0..7 do
        for site in 0 .. grid.Sites - 1 do
            tile.A[site, lane] <- members[lane][site]
            tile.B[site, lane] <- members[lane + 8][site]

    use fft = new LaneFft(grid)
    fft.Forward(tile.A.Pointer, tile.B.Pointer)
    tile

let private fromTile (tile: Tile) =
    use fft = new LaneFft(grid)
    fft.Inverse(tile.A.Pointer, tile.B.Pointer)
    Array.init Tile.Members (fun i -> Array.init grid.Sites (fun site -> if i < 8 then tile.A[site, i] else tile.B[site, i - 8]))

let private apply (map: ITileMap) time (members: float[][]) =
    use state = toTile members
    use result = new Tile(grid.Sites)
    map.Apply(state, time, result)
    map.Dispose()
    fromTile result

let private farthest (a: float[]) (b: float[]) =
    Array.map2 (fun (p: float) q -> abs (p - q) / (1.0 + abs q)) a b |> Array.max

[<Fact>]
let ``Compiled fields on a torus are what their definition says`` () =
    let wrap part = [
        Gen.map lap part
        Gen.map dx part
        Gen.map dy part
        Gen.map sigma part
        Gen.map (fun f -> v * sigma (f * f)) part
    ]

    let tame = Gen.map (fun f -> 0.01 * f) (expression [ v ] wrap)
    let members = states 5

    throughout
        60
        (Prop.forAll (Arb.fromGen tame) (fun f ->
            let result = apply (Lower.field [ v ] (Option.get (Field.place v)) f ()) 0.3 members
            [ 0; 13 ] |> List.forall (fun i -> farthest result[i] (directly members[i] 0.3 f) < 1e-9)))

/// L u + N(u) of a model, for sixteen fields.
let private driftOf (model: Model) time members =
    let linear =
        use tile = toTile members

        match model.LinearSymbol with
        | null -> failwith "a torus has a symbol"
        | symbol ->
            for mode in 0 .. grid.Sites - 1 do
                for lane in 0..7 do
                    let z = symbol[mode] * Complex(tile.A[mode, lane], tile.B[mode, lane])
                    tile.A[mode, lane] <- z.Real
                    tile.B[mode, lane] <- z.Imaginary

        fromTile tile

    match model.Nonlinear with
    | null -> linear
    | make -> Array.map2 (Array.map2 (+)) linear (apply (make.Invoke()) time members)

[<Fact>]
let ``The lowered Allen–Cahn drift is the equation's`` () =
    let drift = kappa * lap v - a * dx v + alpha * sigma (v - cube v) + 0.3 * sin t
    let model = Lower.system [ ddt v == drift ] (additive (eps * root sigma))
    let members = states 6
    let result = driftOf model 0.7 members

    for i in [ 0; 7; 8; 15 ] do
        Assert.InRange(farthest result[i] (directly members[i] 0.7 drift), 0.0, 1e-11)

    let k2 = pown (2.0 * pi / 3.0) 2
    Assert.Equal(-2.5e-4 * k2 + 16.0 / (1.0 + k2), (Option.ofObj model.LinearSymbol).Value[1].Real, 12)

[<Fact>]
let ``Each linear image of the state is transformed once`` () =
    let program =
        Lower.program [ v ] (Option.get (Field.place v)) (v * dx v + sin (dx v) + cube v + v * v * lap v)

    let count (kind: FieldOperation -> bool) =
        program.Operations |> Seq.filter kind |> Seq.length

    Assert.Equal(3, count (fun op -> op :? FieldOperation.ToReal))
    Assert.Equal(1, count (fun op -> op :? FieldOperation.ToSpectrum))

[<Fact>]
let ``Compiled scalar systems are what their definition says`` () =
    let cases = Gen.zip (Gen.zip local local) (Gen.zip point point)

    throughout
        150
        (Prop.forAll (Arb.fromGen cases) (fun ((f, g), (a, b)) ->
            let model = Lower.system [ ddt x == f; ddt y == g ] (diagonal [ 1.0; 2.0 ])
            let matrix = (Option.ofObj model.LinearMatrix).Value

            let rest =
                match model.Nonlinear with
                | null -> [| 0.0; 0.0 |]
                | make ->
                    use state = new Tile(2)
                    use result = new Tile(2)
                    state.B[0, 3] <- a
                    state.B[1, 3] <- b
                    use map = make.Invoke()
                    map.Apply(state, 0.3, result)
                    [| result.B[0, 3]; result.B[1, 3] |]

            [ 0, f; 1, g ]
            |> List.forall (fun (row, field) -> close 1e-9 (matrix[row, 0] * a + matrix[row, 1] * b + rest[row]) (Field.evaluate (at a b) 0.3 field))))

// ---- noise ----------------------------------------------------------------------------------------------------------

[<Fact>]
let ``The delta of unit area gives the published pixel variances`` () =
    let ou = Systems.ornsteinUhlenbeck u
    let model = Lower.system ou.Equations ou.Noise
    let torus = (Lower.gridOf u).Value
    let perTime = torus.Wavevectors() |> Array.sumBy (fun k -> 4e-3 / (1.0 + square2 k))
    Assert.Equal(perTime, (Lower.pixelVariance model).Value, 10)

    let variance =
        Array.sum (LinearLaw.StationaryPower model) / float (torus.Sites * torus.Sites)

    Assert.InRange(variance, 2.96445, 2.96455)

[<Fact>]
let ``The Ornstein–Uhlenbeck score is minus the inverse covariance`` () =
    let torus = (Lower.gridOf u).Value
    let ou = Systems.ornsteinUhlenbeck u
    let power = LinearLaw.StationaryPower(Lower.system ou.Equations ou.Noise)
    let score = Lower.system [ ddt u == ou.Score.Head ] (perSite 0.0)

    Array.iter2
        (fun (s: Complex) (c: float) -> Assert.True(close 1e-12 s.Real (-(float torus.Sites) / c) && s.Imaginary = 0.0))
        (Option.ofObj score.LinearSymbol).Value
        power

[<Fact>]
let ``White and per-site noise have the variances they promise`` () =
    let variance noise =
        Lower.system [ ddt v == -v ] noise |> Lower.pixelVariance |> Option.get

    Assert.Equal(0.09, variance (perSite 0.3), 12)
    Assert.Equal(0.09 / grid.CellVolume, variance (white 0.3), 10)
    Assert.Equal(0.09 * float grid.Sites, variance (additive (0.3 * operator id)), 10)

// ---- the two faces ----------------------------------------------------------------------------------------------------

[<Fact>]
let ``The keywords and the record make the same experiment`` () =
    let estimators = [
        gaussian
        dynamical (pairs 8) |> named "twins"
        learned (residualNet |> channels 8)
        exact (ouScore u)
        propagator |> asPublished
    ]

    let steppers = [ eulerMaruyama 0.5; heun 0.25; rk4 0.125; exponential 0.5 ]

    let cases =
        Gen.zip (Gen.zip (Gen.choose (1, 99)) (Gen.elements steppers)) (Gen.zip (Gen.subListOf estimators) (Gen.zip point (Gen.choose (0, 31))))

    throughout
        100
        (Prop.forAll (Arb.fromGen cases) (fun ((count, stepper), (chosen, (number, index))) ->
            let equation = ddt u == number * lap u - sigma (cube u)
            let sampling = members count |> spinUp 1.0 |> lasting 20.0 |> every 1.0
            let noise' = perSite (abs number)
            let checks = chosen |> List.map (near gaussian 0.1)

            let byKeywords = experiment "a title" {
                seed count
                system equation
                noise noise'
                sample sampling
                step stepper
                estimate chosen
                perturb (kick u (pixel index 0))
                lags (float count)
                observe [ u; square u ]
                check checks
            }

            byKeywords = {
                             Title = "a title"
                             Source = Source.Simulated([ equation ], noise', stepper, sampling)
                             Perturb = Perturbation.Kick(u, [ index; 0 ])
                             Forcing = Forcing.Impulse
                             Observe = [ u; square u ]
                             Lags = float count
                             Estimate = chosen
                             Check = checks
                             Seed = count
                         }))

let private sst =
    recording "sst.npy" |> spacing 0.5 |> standardised |> componentsFirst |> onMap "map.npy"

let private recorded = experiment "a recording" {
    data sst
    perturb (push (column sst 11))
    observe (everyColumn sst)
    lags 20.0
    estimate [ gaussian ]
}

[<Fact>]
let ``A recording takes the place of the model`` () =
    let expected = {
        Path = "sst.npy"
        Spacing = 0.5
        Standardised = true
        Layout = Layout.ComponentsFirst
        TimeUnit = None
        Label = None
        Map = Some "map.npy"
    }

    Assert.Equal(Source.Recorded expected, recorded.Source)
    Assert.Equal(Perturbation.Push [ Field.Unknown("column 11", Domain.Column("sst.npy", 11)) ], recorded.Perturb)
    Experiment.validate recorded

// ---- mistakes that only values can show --------------------------------------------------------------------------------

let private sound = {
    Title = "sound"
    Source = Source.Simulated([ ddt u == -u ], perSite 1.0, exponential 0.5, members 4)
    Perturb = kick u (pixel 0 0)
    Forcing = Forcing.Impulse
    Observe = [ u ]
    Lags = 5.0
    Estimate = [ gaussian ]
    Check = []
    Seed = 1
}

let private sites = field "s" (lattice (ring 4.0 4))

let private simulate equations noise step sampling = {
    sound with
        Source = Source.Simulated(equations, noise, step, sampling)
}

let private motion = brownian "W"
let private angles = phases "φ" (torus (2.0 * pi) 32)

let private mistakes: (string * (unit -> obj)) list = [
    "expected a positive time step, got -0.1", (fun () -> rk4 -0.1 :> obj)
    "expected a finite noise amplitude", (fun () -> white -1.0 :> obj)
    "expected a finite noise amplitude", (fun () -> perSite nan :> obj)
    "expected a finite noise amplitude", (fun () -> diagonal [ 1.0; infinity ] :> obj)
    "expected a finite noise amplitude", (fun () -> additive (-1.0 * root sigma) :> obj)
    "expected a constant factor before the operator", (fun () -> additive (u * root sigma) :> obj)
    "expected rows of one length", (fun () -> noiseMatrix [ [ 1.0 ]; [ 1.0; 2.0 ] ] :> obj)
    "expected a finite number, got", (fun () -> parameter "r" nan :> obj)
    "expected a positive length", (fun () -> torus -1.0 8 :> obj)
    "expected at least one member", (fun () -> members 0 :> obj)
    "expected a positive time", (fun () -> members 1 |> every 0.0 :> obj)
    "expected 2 indices", (fun () -> kick u (site [ 3 ]) :> obj)
    "which has no sites; write `push x`", (fun () -> kick x (pixel 0 0) :> obj)
    "write `kick u (pixel 0 0)`", (fun () -> push u :> obj)
    "expected a component counted from 0", (fun () -> column sst -1 :> obj)
    "expected a positive number", (fun () -> dynamical (standardError 0.0) :> obj)
    "expected at least 1", (fun () -> dynamical (pairs 0) :> obj)
    "expected a name, got blank text", (fun () -> gaussian |> named " " :> obj)
    "expected 2 rows of 2 numbers", (fun () -> linear [ [ 1.0 ] ] [ x; y ] :> obj)
    "expected a linear operator", (fun () -> root cube :> obj)
    "depends on u at other places", (fun () -> Field.derivative u (lap u) :> obj)
    "needs the factor k.I", (fun () -> Lower.system [ ddt u == spectral "D" (fun k -> 1.0 * k.X) u ] (perSite 1.0) :> obj)
    "expected a finite symbol on every mode", (fun () -> Lower.system [ ddt u == spectral "D" (fun k -> 1.0 / k.Squared) u ] (perSite 1.0) :> obj)
    "degree 2 in the term W²", (fun () -> ito [ ddt x == square motion ] :> obj)
    "stands inside a function", (fun () -> ito [ ddt x == sin motion ] :> obj)
    "got none in x; write it in the equation", (fun () -> stratonovich [ ddt x == x + motion ] :> obj)
    "expected white noise in the noise of x", (fun () -> ito [ ddt x == x ] :> obj)
    "ito: expected noise of at least one unknown", (fun () -> ito [] :> obj)
    "expected ddt of an unknown, got ddt (x²)", (fun () -> ito [ ddt (square x) == motion ] :> obj)
    "expected additive, white or perSite for x, got [1] ξ", (fun () -> independent [ on x (diagonal [ 1.0 ]) ] :> obj)
    "independent: expected at least one noise", (fun () -> independent [] :> obj)
    "expected one noise for x, got 2", (fun () -> independent [ on x (perSite 0.1); on x (perSite 0.2) ] :> obj)
    "startingAt: expected an unknown, got u²", (fun () -> members 4 |> startingAt (square u) (number 1.0) :> obj)
    "got x in the start of u", (fun () -> members 4 |> startingAt u (2.0 * x) :> obj)
    "which depends on time", (fun () -> members 4 |> startingAt u (sin t) :> obj)
    "expected coordinates of the 2 axes of u", (fun () -> members 4 |> startingAt u (sin (coordinate 2)) :> obj)
    "expected coordinates of the 0 axes of x", (fun () -> members 4 |> startingAt x (coordinate 0) :> obj)
    "expected one start for u, got two", (fun () -> members 4 |> startingAt u (number 1.0) |> startingAt u (number 1.0) :> obj)
    "kick the field that they drive", (fun () -> kick angles (pixel 0 0) :> obj)
    "kick the field that they drive", (fun () -> push angles :> obj)
    "kick an unknown and observe the expression", (fun () -> kick (mean u) (pixel 0 0) :> obj)
    "which are twin runs; write standardError", (fun () -> dynamical (pairs 4 |> by noiseWeights) :> obj)
    "which has no gradient", (fun () -> grad x :> obj)
    "expected vectors of as many components, got 2 and 1", (fun () -> dot (grad u) (vector [ u ]) :> obj)
    "expected a field in two dimensions", (fun () -> rotatedGrad (field "c" (ring 1.0 8)) :> obj)
    "expected an axis from 0 to 2, got 3", (fun () -> coordinate 3 :> obj)
    "whose modes they belong to", (fun () -> phases "φ" (lattice (ring 1.0 8)) :> obj)
    "got a domain without sites", (fun () -> lattice Domain.Scalar :> obj)
    "for numbers write brownian", (fun () -> whiteNoise "ξ" Domain.Scalar :> obj)
    "grid: expected at most", (fun () -> torus 1.0 100000 :> obj)
    "expected a derivative along one of 2 axes, got ∂z; take another axis",
    (fun () ->
        let p = field "p" (lattice (torus 1.0 4))
        Lower.system [ ddt p == -p + dz (sin (coordinate 0)) ] (perSite 1.0) :> obj)
    "expected a field on a lattice, got u on a torus", (fun () -> Lower.system [ ddt u == neighbour [ 1; 0 ] u ] (perSite 1.0) :> obj)
    "neighbour expected 2 steps, one an axis, got 1",
    (fun () ->
        let p = field "p" (lattice (torus 1.0 4))
        Lower.system [ ddt p == neighbour [ 1 ] p ] (perSite 1.0) :> obj)
    "the spectral operator Σ expected a field on a torus, got p on a lattice",
    (fun () ->
        let p = field "p" (lattice (torus 1.0 4))
        Lower.system [ ddt p == sigma p ] (perSite 1.0) :> obj)
    "randomWaves expected phases on the modes of a torus, got u",
    (fun () -> Lower.system [ ddt u == randomWaves (fun k -> 1.0 * k.Squared) u ] (perSite 1.0) :> obj)
    "randomWaves: expected real amplitudes, got i kx",
    (fun () -> Lower.system [ ddt u == randomWaves (fun k -> k.I * k.X) angles; ddt angles == number 0.0 ] (perSite 1.0) :> obj)
    "expected finite values, got",
    (fun () ->
        let model = Lower.system [ ddt u == -u ] (perSite 1.0)
        Lower.initial model [ u ] [ u, log (coordinate 0) ] |> ignore
        "a start" :> obj)
    "expected a derivative along one of 2 axes", (fun () -> Lower.system [ ddt u == dz u ] (perSite 1.0) :> obj)
]

let private invalid: (string * Experiment) list = [
    "expected at least one equation", simulate [] (perSite 1.0) (exponential 0.5) (members 4)
    "expected one equation for u, got 2", simulate [ ddt u == -u; ddt u == u ] (perSite 1.0) (exponential 0.5) (members 4)
    "got none for v", simulate [ ddt u == v ] (perSite 1.0) (exponential 0.5) (members 4)
    "expected a right side that lives where x does", simulate [ ddt u == -u; ddt x == -x + u ] (perSite 1.0) (exponential 0.5) (members 4)
    "which is a number and has no space derivative", simulate [ ddt x == lap x ] (perSite 1.0) (exponential 0.5) (members 4)
    "got a noise matrix", simulate [ ddt u == -u ] (diagonal [ 1.0 ]) (exponential 0.5) (members 4)
    "got noise of a torus", simulate [ ddt x == -x ] (white 1.0) (exponential 0.5) (members 4)
    "expected one row for each of 1 unknowns", simulate [ ddt x == -x ] (diagonal [ 1.0; 1.0 ]) (exponential 0.5) (members 4)
    "to be a whole multiple of the step", simulate [ ddt u == -u ] (perSite 1.0) (exponential 0.3) (members 4)
    "expected a longest lag within", { sound with Lags = 1e3 }
    "expected a positive longest lag", { sound with Lags = -1.0 }
    "expected at least one estimator", { sound with Estimate = [] }
    "expected a different name for each estimator, got 'Gaussian' 2 times",
    {
        sound with
            Estimate = [ gaussian; gaussian ]
    }
    "expected estimators that stand in `estimate`, got 'dynamical'",
    {
        sound with
            Check = [ gaussian |> near (dynamical (pairs 2)) 0.1 ]
    }
    "`observe` expected only u, got v", { sound with Observe = [ v ] }
    "`perturb` expected only u, got x", { sound with Perturb = push x }
    "expected at least one observable", { sound with Observe = [] }
    "expected a title", { sound with Title = "" }
    "expected one score, that of the field that is kicked, got 2",
    {
        sound with
            Estimate = [ exactOf [ u; u ] ]
    }
    "expected a convolution for a field",
    {
        sound with
            Estimate = [ learned mlp ]
    }
    "expected a linear equation",
    {
        simulate [ ddt u == -(cube u) ] (perSite 1.0) (exponential 0.5) (members 4) with
            Estimate = [ propagator ]
    }
    "expected a model to run, got a recording",
    {
        recorded with
            Estimate = [ dynamical (pairs 4) ]
    }
    "'learned' expected a model to run, got a recording",
    {
        recorded with
            Estimate = [ learned residualNet ]
    }
    "grids that fit into memory, got ones whose states take at least 1239.0 GB",
    simulate
        [
            for i in 1..10 -> ddt (field $"u{i}" (torus 1.0 11000)) == -(field $"u{i}" (torus 1.0 11000))
        ]
        (perSite 1.0)
        (exponential 0.5)
        (members 4)
    "expected a drift without noise, got W", simulate [ ddt x == -x + motion ] (perSite 1.0) (exponential 0.5) (members 4)
    "take the mean of one, or put both on one grid", simulate [ ddt u == -u * v; ddt v == -v ] (perSite 1.0) (exponential 0.5) (members 4)
    "expected no coordinate in the equation of a number",
    simulate [ ddt u == -u; ddt x == sin (coordinate 0) - x ] (perSite 1.0) (exponential 0.5) (members 4)
    "startingAt expected unknowns of the system, got v",
    simulate [ ddt u == -u ] (perSite 1.0) (exponential 0.5) (members 4 |> startingAt v (number 1.0))
    "expected a kick of a field in a system with fields, got a push of x",
    {
        simulate [ ddt u == -u; ddt x == -x ] (perSite 1.0) (exponential 0.5) (members 4) with
            Perturb = push x
            Observe = [ x ]
    }
    "`observe` expected no white noise, got W", { sound with Observe = [ u * motion ] }
    "which is kicked, got v; kick a field of the grid that is observed",
    {
        simulate [ ddt u == -u; ddt v == -v ] (perSite 1.0) (exponential 0.5) (members 4) with
            Observe = [ v ]
    }
    "expected a score on the grid of u, which is kicked, got ⟨u⟩",
    {
        sound with
            Estimate = [ exact (mean u) ]
    }
    "expected one score, that of the field that is kicked, got 2",
    {
        simulate [ ddt u == -u; ddt angles == -angles ] (perSite 1.0) (exponential 0.5) (members 4) with
            Estimate = [ exactOf [ -u; -angles ] ]
    }
    "got a field on a lattice; take dynamical",
    {
        simulate [ ddt sites == -sites ] (perSite 1.0) (eulerMaruyama 0.5) (members 4) with
            Perturb = kick sites (site [ 0 ])
            Observe = [ sites ]
            Estimate = [ propagator ]
    }
    "got a system of several unknowns; take dynamical",
    {
        simulate [ ddt u == -u; ddt angles == -angles ] (perSite 1.0) (exponential 0.5) (members 4) with
            Estimate = [ propagator ]
    }
    "`noise` expected noise of u on its own grid", simulate [ ddt u == -u ] (ito [ ddt u == whiteNoise "η" box ]) (exponential 0.5) (members 4)
    "of expressions expected unknowns of the system, got x", simulate [ ddt u == -u ] (ito [ ddt u == x * motion ]) (exponential 0.5) (members 4)
    "expected only columns of sst.npy, got u", { recorded with Observe = [ u ] }
]

[<Fact>]
let ``Mistakes that only values can show are refused with what was expected`` () =
    let complaints = [
        for phrase, act in mistakes @ (invalid |> List.map (fun (phrase, e) -> phrase, fun () -> Experiment.validate e :> obj)) do
            match
                (try
                    act () |> ignore
                    "nothing"
                 with :? LeithException as error ->
                     error.Message)
            with
            | message when message.Contains phrase -> ()
            | message -> $"expected '{phrase}', got {message}"
    ]

    Assert.True(complaints.IsEmpty, String.Join("\n", complaints))
    Experiment.validate sound

// ---- plan -----------------------------------------------------------------------------------------------------------------

[<Fact>]
let ``A plan tells equation, parameters, split, noise, scheme and cost, and runs nothing`` () =
    let ac = Systems.allenCahn u

    let asked = {
        simulate ac.Equations ac.Noise (rk4 (1.0 / 32.0) |> aliased) (members 128 |> spinUp 1000.0 |> lasting 2000.0) with
            Lags = 100.0
    }

    let said name rows =
        rows |> List.find (fun (key, _) -> key = name) |> snd

    let described = Plan.describe asked
    Assert.Equal("∂u/∂t = κ Δu − A ∂x u + α Σ[u − u³]", said "equation" described)
    Assert.Equal("κ = 0.00025, A = 0.02, α = 16, ε = 0.0632456", said "parameters" described)
    Assert.Equal("κ Δu − A ∂x u + α Σ[u]", said "linear part" described)
    Assert.Equal("−α Σ[u³]", said "other part" described)
    Assert.Contains("variance per unit time at a site 0.0725729", said "noise" described)
    Assert.Contains("256,000 samples", said "sampling" described)
    Assert.Equal("left in (aliased)", said "aliases" described)
    Assert.Equal<(string * string) list>(described, Plan.describe asked)
    let cost = Plan.costs 2 asked
    Assert.StartsWith("96,000 of each member, 12,288,000 in all", said "steps" cost)
    Assert.StartsWith("8 in a step", said "transforms" cost)
    Assert.Contains("not linear", said "effective" cost)

[<Fact>]
let ``A plan has sensible lines for systems of every kind`` () =
    let rows equations noise step pushed =
        let asked = {
            simulate equations noise step (members 16 |> lasting 10.0) with
                Perturb = pushed
                Observe = [ equations.Head.Unknown ]
                Estimate = [ dynamical (pairs 8) ]
        }

        Plan.describe asked @ Plan.costs 2 asked

    let says (phrases: (string * string) list) rows =
        for name, phrase in phrases do
            match rows |> List.tryFind (fun (key, _) -> key = name) with
            | Some(_, text: string) -> Assert.Contains(phrase, text)
            | None -> Assert.Equal("no such line", $"{name}: {phrase}")

    let kicked u = kick u (pixel 0 0)

    rows [ ddt x == -x ] (stratonovich [ ddt x == (0.3 * x + 0.1) * motion ]) (milstein 0.01) (push x)
    |> says [
        "noise", "x: (0.3 x + 0.1) W (Stratonovich)"
        "scheme", "order 1 strong, 1 weak with noise that depends on the state"
        "added drift", "x: 0.15 (0.3 x + 0.1) (½ Σ (S·∂)S, since Milstein reads noise in Itô's sense)"
        "effective", "the noise depends on the state"
    ]

    rows [ ddt x == -x ] (ito [ ddt x == x * motion ]) (heun 0.01) (push x)
    |> says [ "added drift", "x: −0.5 x"; "added drift", "in Stratonovich's sense" ]

    let p = field "p" (lattice (torus 1.0 8))

    let onLattice =
        rows [ ddt p == 0.1 * lap p - p - cube p ] (white 0.1) (rk4 0.01) (kicked p)

    onLattice |> says [ "grid", "8 × 8 sites"; "linear part", "0.1 Δp − p"; "other part", "−p³" ]
    Assert.DoesNotContain("aliases", List.map fst onLattice)
    Assert.DoesNotContain("transforms", List.map fst onLattice)

    let several = [
        ddt u == 0.1 * lap u - u - u * dx u + randomWaves (fun k -> 0.1 * k.SquaredAtMost 4.0) angles
        ddt x == -x + mean u
        ddt angles == number 0.0
    ]

    rows several (independent [ on angles (perSite 1.0) ]) (rk4 (1.0 / 128.0)) (kicked u)
    |> says [
        "equation", "dx/dt = −x + ⟨u⟩"
        "noise", "φ: 1 ξ, independent at each site (Itô)"
        "aliases", "none: for products of degree 2"
        "transforms", "12 in a step: 2 to real space and 1 to Fourier space, 4 times"
    ]

    let cubic = [ ddt u == 0.01 * lap u - u - cube u ]

    rows cubic (perSite 0.1) (rk4 0.01 |> aliased) (kicked u)
    |> says [ "aliases", "left in (aliased)"; "scheme", "aliased" ]

    rows [ ddt u == -(sin u) ] (perSite 0.1) (rk4 0.01) (kicked u)
    |> says [ "aliases", "a product of no degree" ]

    rows cubic (perSite 0.1) automatic (kicked u)
    |> says [
        "scheme", "automatic: "
        "steps", "not known before the pilot run"
        "transforms", "1 to real space and 1 to Fourier space in each stage"
        "time", "not known before the pilot run"
    ]

    rows cubic (ito [ ddt u == (1.0 + u) * whiteNoise "ξ" (torus (2.0 * pi) 32) ]) (eulerMaruyama 0.01) (kicked u)
    |> says [
        "noise", "u: (1 + u) ξ (Itô)"
        "transforms", "2 in a step: 1 to real space and 1 to Fourier space"
    ]

    rows [ ddt u == -u ] (ito [ ddt u == 0.3 * sigma (whiteNoise "ξ" (torus (2.0 * pi) 32)) ]) (exponential 0.5) (kicked u)
    |> says [ "noise", "(Itô); variance per unit time at a site" ]

    for phrase, equations, noise, step, pushed in
        [
            "expected noise whose columns commute",
            [ ddt x == -x; ddt y == -y ],
            ito [ ddt x == y * motion; ddt y == x * brownian "V" ],
            milstein 0.01,
            push x
            "expected one at which classical Runge–Kutta damps", [ ddt u == lap u - u ], perSite 0.1, rk4 1.0, kicked u
        ] do
        let error =
            Assert.Throws<LeithException>(fun () -> rows equations noise step pushed |> ignore)

        Assert.Contains(phrase, error.Message)

/// A number of bytes as a plan writes it.
let private bytesIn (text: string) =
    let word = text.Split ' '

    float word[0]
    * (match word[1].TrimEnd(',', ';') with
       | "GB" -> 1e9
       | "MB" -> 1e6
       | _ -> 1e3)

[<Fact>]
let ``The memory of a plan is that of the windows, lag sums, blocks and training fields`` () =
    let asked = {
        simulate [ ddt u == -u / 4 ] (perSite 1.0) (exponential 2.0) (members 128 |> spinUp 500.0 |> lasting 40000.0 |> every 2.0) with
            Lags = 100.0
            Observe = [ u ]
            Estimate = [
                propagator
                dynamical (pairs 256)
                gaussian
                exact (-u)
                learned (residualNet |> steps 2000)
            ]
    }

    let rows threads (asked: Experiment) = Plan.costs threads asked |> dict
    let memory threads asked = (rows threads asked)["memory"]

    let part (name: string) (text: string) =
        let parts =
            (text.Substring(text.IndexOf ": " + 2).Split ';' |> Array.head).Split ", "

        parts |> Array.find (fun part -> part.EndsWith name) |> bytesIn

    let near expected got =
        Assert.InRange(got, 0.99 * expected, 1.01 * expected)

    let said = memory 2 asked
    let sites = 32.0 * 32.0
    // Two windows a thread, one of the state and one of the score: 306 samples and 8 that wait, re and im, eight lanes of 8 bytes.
    near (2.0 * 2.0 * sites * 314.0 * 128.0) (part "correlation windows" said)
    // 51 lags are kept as 52.
    near (2.0 * 2.0 * sites * 52.0 * 128.0) (part "lag sums" said)
    near (64.0 * 2.0 * sites * 51.0 * 16.0) (part "block sums" said)
    near (32768.0 * sites * 4.0) (part "training fields" said)
    // The run itself was seen to take 410 MB, without the features that scores are tested on.
    near (2.0 * sites * 64.0 * (5.0 * 54.0 + 51.0)) (part "sums of features" said - 32.0 * sites * 8.0 * 12.0)
    Assert.InRange(bytesIn (said.Substring 6), 390e6, 520e6)
    // Blocks and training fields are there once, everything else for each thread.
    near (2.0 * part "correlation windows" said) (part "correlation windows" (memory 4 asked))
    near (part "block sums" said) (part "block sums" (memory 4 asked))

    let plain = {
        asked with
            Estimate = [ propagator; gaussian ]
    }

    Assert.DoesNotContain("training", memory 2 plain)
    near (0.5 * part "correlation windows" said) (part "correlation windows" (memory 2 plain))
    near (0.5 * part "block sums" said) (part "block sums" (memory 2 plain))
    let time = (rows 2 asked)["time"]

    for phrase in
        [
            "for the simulation alone"
            // 4 · 1024 modes · 19 950 base times · 64 pairs of members · (52 lags · 2 conjugates + 15 pairs of features)
            "6.22e+11 multiply–adds"
            "about 16 s on top for the correlation"
            "256 pairs of twin runs"
            "2,000 training steps"
        ] do
        Assert.Contains(phrase, time)

    Assert.DoesNotContain("training steps", (rows 2 plain)["time"])

[<Fact>]
let ``The memory of scalar unknowns counts their lag sums and blocks`` () =
    let asked = {
        simulate [ ddt x == -x; ddt y == -y / 4 ] (diagonal [ 1.0; 1.0 ]) (exponential 0.5) (members 128 |> lasting 1000.0) with
            Lags = 20.0
            Observe = [ x; y ]
            Perturb = push x
            Estimate = [ gaussian; learned mlp ]
    }

    let said = Plan.costs 1 asked |> dict
    // 21 lags of a matrix bordered with the constant 1, for each of 128 members.
    Assert.Contains($"{128.0 * 21.0 * 9.0 * 8.0 / 1e3:F1} kB block sums", said["memory"])
    Assert.Contains("2.0 MB training samples", said["memory"])
    Assert.Contains("for the correlation", said["time"])

[<Fact>]
let ``The effective sample size of a linear equation comes from its decay rates`` () =
    let effective equations noise =
        Plan.costs 1 (simulate equations noise (exponential 0.5) (members 10 |> lasting 1000.0))
        |> List.find (fun (key, _) -> key = "effective")
        |> snd
    // every mode decays at rate 1/4: correlation time 4, 10 · 1000 / (2 · 4) samples
    Assert.StartsWith("1,250 independent samples; correlation time 4", effective [ ddt u == -u / 4 ] (perSite 1.0))
    Assert.StartsWith("1,250 independent samples; correlation time 4", effective [ ddt x == -x; ddt y == -y / 4 ] (perSite 1.0))
    Assert.StartsWith("none: ", effective [ ddt u == 0.1 * u ] (perSite 1.0))
    Assert.Equal("none: there is no noise", effective [ ddt u == -u ] (perSite 0.0))
