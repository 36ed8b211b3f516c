/// Derivatives of the tree: against finite differences of the referee's values, and against each other.
module Leith.Tests.Derivatives

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.TreeReferee
open Leith.Tests.Trees
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20261124UL, 2403UL), property)

// ---- random trees ------------------------------------------------------------------------------------------------

let private x, y = scalar "x", scalar "y"
let private flat = rectangle (2.0 * pi, 3.0) (4, 3)
let private line = ring 5.0 6
let private u, v = field "u" flat, field "v" flat
let private c = field "c" line
let private beads = lattice (ring 3.0 6)
let private sheet = lattice (rectangle (2.0, 3.0) (4, 3))
let private p, q = field "p" sheet, field "q" sheet
let private b = field "b" beads

let private everyKind = [
    [ x; y ]
    [ u ]
    [ c ]
    [ u; v ]
    [ p; q ]
    [ b ]
    [ x; u ]
    [ y; b ]
    [ x; u; v; c ]
]

// ---- numbers -----------------------------------------------------------------------------------------------------

let private time = 0.3

let private random (source: Random) unknown =
    Array.init (sitesOf (domainOf unknown)) (fun _ -> 2.0 * source.NextDouble() - 1.0)

/// A random value of every unknown, as a map.
let private state (source: Random) unknowns =
    unknowns |> List.map (fun u -> u, random source u) |> Map.ofList

let private valueOf (state: Map<Field, float[]>) unknown f =
    valuesOn (domainOf unknown) (fun u -> state[u]) time f

let private along h (direction: Map<Field, float[]>) (state: Map<Field, float[]>) =
    state |> Map.map (fun u values -> Array.map2 (fun a d -> a + h * d) values direction[u])

let private size (values: float[]) =
    values |> Array.fold (fun m a -> max m (abs a)) 0.0

let private inner (a: float[]) (b: float[]) =
    Array.fold2 (fun s p q -> s + p * q) 0.0 a b

/// The distance to the nearest of the central differences of fourth order with several steps, over the size of what is compared.
let private awayFromDifferences (value: float -> float[]) (derivative: float[]) =
    let difference h =
        Array.map2 (fun a b -> 8.0 * a - b) (Array.map2 (-) (value h) (value -h)) (Array.map2 (-) (value (2.0 * h)) (value (-2.0 * h)))
        |> Array.map (fun d -> d / (12.0 * h))

    [ 1e-2; 1e-3; 1e-4 ]
    |> List.map (fun h -> size (Array.map2 (-) (difference h) derivative))
    |> List.min
    |> fun error -> error / (1.0 + size derivative + size (value 0.0))

/// A direction of the tree: white noises stand in for the fields of numbers that it has.
let private hats prefix unknowns =
    unknowns |> List.map (fun u -> Field.Unknown(prefix + string u, domainOf u))

let private joined (keys: Field list) (values: Map<Field, float[]>) (unknowns: Field list) (state: Map<Field, float[]>) =
    List.fold2 (fun m key u -> Map.add key values[u] m) state keys unknowns

let private forEveryKindWith extras tests limit property =
    for unknowns in everyKind do
        throughout
            tests
            (Prop.forAll (systemsWith extras limit unknowns) (fun (drifts, seed) ->
                let source = Random(seed)
                property unknowns drifts source))

let private forEveryKind tests limit property =
    forEveryKindWith plain tests limit property

// ---- the referee -------------------------------------------------------------------------------------------------

[<Fact>]
let ``The referee knows waves and lattices`` () =
    let check tolerance (expected: float -> float -> float) domain state f =
        let grid = (gridOf domain).Value

        valuesOn domain state 0.0 f
        |> Array.iteri (fun site value ->
            let index = grid.Unravel site

            let at axis =
                float index[axis] * grid.Lengths[axis] / float grid.Points[axis]

            Assert.Equal(expected (at 0) (if grid.Dimensions > 1 then at 1 else 0.0), value, tolerance = tolerance))

    let box = rectangle (2.0 * pi, 4.0) (8, 6)
    let none _ = [||]
    let a, k = sin (2 * coordinate 0), pi / 2.0
    let here = field "w" box
    let values = valuesOn box none 0.0 (a + cos (k * coordinate 1))
    let look (f: Field) = if f = here then values else [||]
    check 1e-12 (fun x y -> -4.0 * sin (2.0 * x) - k * k * cos (k * y)) box look (lap here)
    check 1e-12 (fun x _ -> 2.0 * cos (2.0 * x)) box look (dx here)
    check 1e-12 (fun x y -> sin (2.0 * x) / 5.0 + cos (k * y) / (1.0 + k * k)) box look (smooth here)
    check 1e-12 (fun _ _ -> 1.0) box look (mean (square here))
    let phi = phases "φ" box

    let waves = randomWaves (fun k -> 3.0 * k.SquaredAtMost 1.0) phi
    check 1e-12 (fun x _ -> 3.0 * cos 0.5 * (1.0 + 2.0 * cos x)) box (fun _ -> Array.create 48 0.5) waves
    let comb = field "w" beads
    let zigzag (_: Field) = [| 1.0; 2.0; 4.0; 8.0; 16.0; 32.0 |]
    let at f = evaluate zigzag 0.0 f
    Assert.Equal<float[]>([| 2.0; 4.0; 8.0; 16.0; 32.0; 1.0 |], at (neighbour [ 1 ] comb))
    Assert.Equal(8.0, (at (lap comb))[2], tolerance = 1e-12)
    Assert.Equal(6.0, (at (dx comb))[2], tolerance = 1e-12)

// ---- tangent and adjoint -----------------------------------------------------------------------------------------

[<Fact>]
let ``The tangent is the limit of differences`` () =
    forEveryKindWith
        {
            plain with
                Shapes = fun domain part -> displacedShapes domain part @ flowShapes domain part
        }
        60
        16
        (fun unknowns drifts source ->
            let point, direction = state source unknowns, state source unknowns
            let hats = hats "δ" unknowns
            let full = joined hats direction unknowns point

            List.forall2
                (fun unknown f ->
                    let pushed = Derivatives.tangent (List.zip unknowns hats) f
                    awayFromDifferences (fun h -> valueOf (along h direction point) unknown f) (valueOf full unknown pushed) < 1e-6)
                unknowns
                drifts)

[<Fact>]
let ``The adjoint is the transpose of the tangent`` () =
    forEveryKind 100 16 (fun unknowns drifts source ->
        let point, direction, weight =
            state source unknowns, state source unknowns, state source unknowns

        let hats, weights = hats "δ" unknowns, hats "λ" unknowns

        let full = joined hats direction unknowns point |> joined weights weight unknowns

        let pushes = drifts |> List.map (Derivatives.tangent (List.zip unknowns hats))

        let pulls = Derivatives.adjointOf (List.zip unknowns drifts) weights

        let sums (trees: Field list) (others: Map<Field, float[]>) =
            List.map2 (fun u f -> valueOf full u f, others[u]) unknowns trees

        let left, right = sums pushes weight, sums pulls direction
        let totalOf = List.sumBy (fun (a, b) -> inner a b)

        let scale = List.sumBy (fun (a: float[], _) -> float a.Length * size a)

        abs (totalOf left - totalOf right) <= 1e-10 * (1.0 + scale left + scale right))

let private refused f =
    try
        f () |> Some
    with :? LeithException ->
        None

[<Fact>]
let ``The divergence is the trace of the Jacobian matrix of differences`` () =
    let mutable answered, asked = 0, 0

    forEveryKind 30 8 (fun unknowns drifts source ->
        let point = state source unknowns
        asked <- asked + 1

        match refused (fun () -> Derivatives.divergence (List.zip unknowns drifts)) with
        | None -> true
        | Some divergence ->
            answered <- answered + 1

            let trace h =
                List.map2
                    (fun unknown f ->
                        Seq.init (sitesOf (domainOf unknown)) (fun site ->
                            let moved = point[unknown] |> Array.mapi (fun i a -> if i = site then a + h else a)

                            (valueOf (Map.add unknown moved point) unknown f)[site])
                        |> Seq.sum)
                    unknowns
                    drifts
                |> List.sum

            let value = evaluate (fun u -> point[u]) time divergence
            awayFromDifferences (fun h -> [| trace h |]) value < 1e-6)

    Assert.True(answered > asked * 3 / 4, $"{answered} of {asked} divergences are of the tree.")

// ---- noise -------------------------------------------------------------------------------------------------------

let private w1, w2 = brownian "W₁", brownian "W₂"

/// Random noise of a system: white noise on the grid of each field, with and without operators, and two Brownian motions.
let private noises limit (unknowns: Field list) =
    let expression unknown =
        let factor size = drift size unknowns unknown

        let weighted xi =
            Gen.map (fun g -> g * xi) (factor limit)

        match domainOf unknown with
        | Domain.Scalar ->
            let means =
                unknowns
                |> List.filter (fun u -> domainOf u <> Domain.Scalar)
                |> List.map (fun u ->
                    let xi = Field.WhiteNoise("ξ", domainOf u)
                    Gen.map2 (fun g f -> g * mean (f * xi)) (factor 2) (drift 1 [ u ] u))

            Gen.oneof (
                [
                    weighted w1
                    weighted w2
                    Gen.map2 (fun a b -> a + b) (weighted w1) (weighted w2)
                ]
                @ means
            )
        | domain ->
            let xi = Field.WhiteNoise("ξ", domain)
            let other = Field.WhiteNoise("η", domain)
            let local = Gen.elements [ unknown; rate; 1.0 + tanh unknown; cos (coordinate 0) ]

            Gen.oneof [
                weighted xi
                Gen.map2 (fun g f -> g * xi + f * other) local local
                Gen.map2 (fun g op -> op (g * xi)) local (Gen.elements (operators domain))
                Gen.map2 (fun g op -> g * op xi) local (Gen.elements (operators domain))
                Gen.map2 (fun g op -> mean unknown * op (g * xi)) local (Gen.elements (operators domain))
                Gen.map2 (fun g f -> g * w1 + f * xi) local local
                Gen.map (fun op -> op xi) (Gen.elements (operators domain))
                weighted w1
            ]

    let all = unknowns |> List.map expression |> Gen.sequenceToList

    let shrunk (fs: Field list, seed: int) =
        systemShrink fs
        |> Seq.filter (List.forall (fun f -> NoiseTerms.noiseDegree f = 1.0))
        |> Seq.map (fun fs -> fs, seed)

    Arb.fromGenShrink (Gen.zip all (Gen.choose (0, 1000000)), shrunk)

/// The vector fields that white noise pushes along, one for each noise and site: [noise, site][value of every component].
let private pushes (unknowns: Field list) (fs: Field list) (point: Map<Field, float[]>) =
    let noises = fs |> List.collect Field.whiteNoises |> List.distinct

    let units = [
        for xi in noises do
            for site in 0 .. sitesOf (domainOf xi) - 1 do
                xi, site
    ]

    let along (noise, site) (point: Map<Field, float[]>) =
        let noisy f =
            match f with
            | Field.WhiteNoise _ -> Array.init (sitesOf (domainOf f)) (fun i -> if f = noise && i = site then 1.0 else 0.0)
            | u -> point[u]

        List.map2 (fun u f -> valuesOn (domainOf u) noisy time f) unknowns fs

    units
    |> List.map (fun unit -> unit, fun point -> List.zip unknowns (along unit point) |> Map.ofList)

let private flatten unknowns (values: Map<Field, float[]>) =
    unknowns |> List.map (fun u -> values[u]) |> Array.concat

[<Fact>]
let ``The added drift of Stratonovich noise is that of differences along its vector fields`` () =
    let mutable answered, asked = 0, 0

    for unknowns in everyKind do
        throughout
            40
            (Prop.forAll (noises 2 unknowns) (fun (fs, seed) ->
                let point = state (Random(seed)) unknowns
                asked <- asked + 1

                match refused (fun () -> NoiseTerms.itoCorrection (List.zip unknowns fs)) with
                | None -> true
                | Some added ->
                    answered <- answered + 1
                    let fields = pushes unknowns fs point |> List.map snd

                    let value h =
                        fields
                        |> List.map (fun push -> push (along h (push point) point) |> flatten unknowns |> Array.map (fun a -> 0.5 * a))
                        |> List.reduce (Array.map2 (+))

                    let expected = List.map2 (valueOf point) unknowns added |> Array.concat

                    awayFromDifferences value expected < 1e-6))

    Assert.True(answered > asked / 2, $"{answered} of {asked} added drifts are of the tree.")

[<Fact>]
let ``A Milstein term is that of differences, and no other iterated integral is left out`` () =
    let mutable answered, asked = 0, 0
    let step = parameter "h" 0.04

    for unknowns in everyKind do
        throughout
            40
            (Prop.forAll (noises 2 unknowns) (fun (fs, seed) ->
                let source = Random(seed)
                let point = state source unknowns
                asked <- asked + 1

                match NoiseTerms.milsteinTerm step (List.zip unknowns fs) with
                | Error reason -> reason.EndsWith "is not diagonal."
                | Ok increments ->
                    answered <- answered + 1
                    let deviates = fs |> List.collect Field.whiteNoises |> List.distinct |> state source
                    let fields = pushes unknowns fs point

                    let deviate (xi, site) = deviates[xi][site]

                    // √h Σ b n + ½ h Σ (n² − 1) d/dε b(u + ε b(u)): the second part by differences
                    let second h =
                        fields
                        |> List.map (fun (unit, push) ->
                            push (along h (push point) point)
                            |> flatten unknowns
                            |> Array.map (fun a -> 0.02 * (deviate unit ** 2.0 - 1.0) * a))
                        |> List.reduce (Array.map2 (+))

                    let first =
                        fields
                        |> List.map (fun (unit, push) -> push point |> flatten unknowns |> Array.map (fun a -> 0.2 * deviate unit * a))
                        |> List.reduce (Array.map2 (+))

                    let value =
                        List.map2
                            (fun u (_, tree) -> valuesOn (domainOf u) (fun f -> if f.IsWhiteNoise then deviates[f] else point[f]) time tree)
                            unknowns
                            increments
                        |> Array.concat

                    let crossed =
                        List.allPairs fields fields
                        |> List.filter (fun ((a, _), (b, _)) -> a <> b)
                        |> List.map (fun ((_, push), (_, other)) ->
                            Array.map2
                                (-)
                                (push (along 1e-4 (other point) point) |> flatten unknowns)
                                (push (along -1e-4 (other point) point) |> flatten unknowns)
                            |> size)
                        |> List.fold max 0.0

                    awayFromDifferences second (Array.map2 (-) value first) < 1e-6 && crossed < 1e-9))

    Assert.True(answered > asked / 4, $"{answered} of {asked} Milstein terms are diagonal.")

// ---- exact answers -----------------------------------------------------------------------------------------------

let private print expected (value: obj) = Assert.Equal(expected, string value)

[<Fact>]
let ``Derivatives print as they are written on paper`` () =
    let kappa, weight, direction = parameter "κ" 0.1, field "w" flat, field "δu" flat

    let burgers = kappa * lap u - u * dx u + smooth (u - cube u)
    print "κ Δδu − δu ∂x u − u ∂x δu + Σ[δu − 3 u² δu]" (Derivatives.tangent [ u, direction ] burgers)
    print "κ Δw − w ∂x u + ∂x (w u) + Σ[w] − 3 Σ[w] u²" (Derivatives.adjoint u weight burgers)
    print "0.166667 u" (Derivatives.gradient u (mean (square u)))
    print "0.0833333 ⟨u³⟩ + 0.25 ⟨u⟩ u²" (Derivatives.gradient u (mean u * mean (cube u)))

[<Fact>]
let ``The divergence of Lorenz 63 is −σ − 1 − β`` () =
    let z = scalar "z"

    let sigma, rho, beta =
        parameter "σ" 10.0, parameter "ρ" 28.0, parameter "β" (8.0 / 3.0)

    let lorenz = [ x, sigma * (y - x); y, x * (rho - z) - y; z, x * y - beta * z ]
    print "−σ − 1 − β" (Derivatives.divergence lorenz)
    let rows = Derivatives.jacobianMatrix lorenz |> List.map (List.map string)
    Assert.Equal<string list list>([ [ "−σ"; "σ"; "0" ]; [ "ρ − z"; "−1"; "−x" ]; [ "y"; "x"; "−β" ] ], rows)

[<Fact>]
let ``The added drift of known systems`` () =
    let sigma = parameter "σ" 0.4

    let added noise =
        NoiseTerms.itoCorrection noise |> List.map string
    // geometric Brownian motion
    Assert.Equal<string list>([ "0.5 σ² x" ], added [ x, sigma * x * w1 ])
    // additive noise, behind an operator too
    let xi = whiteNoise "ξ" flat
    Assert.Equal<string list>([ "0"; "0" ], added [ x, sigma * w1 + t * w2; y, 2.0 * w1 ])
    Assert.Equal<string list>([ "0" ], added [ u, sigma * smooth xi ])
    // rotation by noise, dx = −y ∘ dW, dy = x ∘ dW: the radius is kept, so Itô needs −x/2, −y/2
    Assert.Equal<string list>([ "−0.5 x"; "−0.5 y" ], added [ x, -y * w1; y, x * w1 ])
    // correlated additive and multiplicative noise of a climate model, (a − b x) W₁ + σ W₂: −b (a − b x)/2
    let a, b = parameter "a" 1.0, parameter "b" 0.5
    Assert.Equal<string list>([ "−0.5 b (a − b x)" ], added [ x, (a - b * x) * w1 + sigma * w2 ])
    // white noise at every site
    Assert.Equal<string list>([ "u³" ], added [ u, square u * xi ])
    // two fields on one grid, moved by one white noise
    Assert.Equal<string list>([ "0.5 u"; "0.5 v" ], added [ u, v * xi; v, u * xi ])

[<Fact>]
let ``Noise behind an operator is weighted by its variance at a site`` () =
    let xi = whiteNoise "ξ" flat

    let variance =
        evaluate (fun _ -> Array.init 12 (fun site -> if site = 0 then 1.0 else 0.0)) 0.0 (12.0 * mean (square (smooth xi)))

    match NoiseTerms.itoCorrection [ u, u * smooth xi ] with
    | [ Field.Product [ Field.Number c; f ] ] when f = u -> Assert.Equal(0.5 * variance[0], c, tolerance = 1e-14)
    | other -> Assert.Fail $"{other}"

[<Fact>]
let ``The Milstein term of geometric Brownian motion`` () =
    let sigma, h = parameter "σ" 0.4, parameter "h" 0.01

    match NoiseTerms.milsteinTerm h [ x, sigma * x * w1 ] with
    | Ok [ _, term ] -> print "sqrt(h) σ x W₁ + 0.5 σ² x h (W₁² − 1)" term
    | other -> Assert.Fail $"{other}"

[<Fact>]
let ``Noise splits into its terms`` () =
    let xi, eta = whiteNoise "ξ" flat, whiteNoise "η" flat
    let terms = NoiseTerms.split (u * xi + 2.0 * xi + smooth (u * eta) / 3.0)
    Assert.Equal<string list>([ "(u + 2) ξ"; "0.333333 Σ[u η]" ], terms |> List.map (_.Field >> string))
    Assert.Equal<string option list>([ Some "u + 2"; None ], terms |> List.map (_.Coefficient >> Option.map string))

// ---- refusals ----------------------------------------------------------------------------------------------------

let private says (parts: string list) (f: unit -> 'a) =
    let error = Assert.Throws<LeithException>(fun () -> f () |> ignore)

    for part in parts do
        Assert.Contains(part, error.Message)

[<Fact>]
let ``What is not of the tree is refused with its term`` () =
    let xi = whiteNoise "ξ" flat
    let phi = phases "φ" flat
    let waves = randomWaves (fun k -> 1.0 / (1.0 + k.Squared)) phi
    let split f () = NoiseTerms.split f
    says [ "degree 2"; "term u ξ²" ] (split (u * square xi))
    says [ "degree 2"; "W₁ W₂" ] (split (x * w1 + w1 * w2))
    says [ "inside a function"; "sin(ξ)" ] (split (u * sin xi))
    says [ "got none in u²"; "drift" ] (split (xi + square u))
    says [ "tangent: expected phases that are held fixed" ] (fun () -> Derivatives.tangent [ phi, Field.Number 1.0 ] (u + waves))
    says [ "adjoint: expected phases" ] (fun () -> Derivatives.adjoint phi u (u * waves))

    says
        [
            "gradient: expected an observable that is a number, got the field u²"
            "mean (u²)"
        ]
        (fun () -> Derivatives.gradient u (square u))

    says [ "jacobian matrix: expected unknown numbers" ] (fun () -> Derivatives.jacobianMatrix [ u, lap u ])
    says [ "expected one weight for each of 2 equations, got 1" ] (fun () -> Derivatives.adjointOf [ x, y; y, x ] [ x ])
    says [ "divergence: expected at most one factor"; "∂x (u ∂x u²)" ] (fun () -> Derivatives.divergence [ u, dx (u * dx (square u)) ])
    says [ "Stratonovich: expected at most one factor" ] (fun () -> NoiseTerms.itoCorrection [ u, smooth u * smooth (u * xi) ])

    says [ "on the grid of u" ] (fun () -> NoiseTerms.itoCorrection [ u, u * mean (whiteNoise "η" line * c) + xi; c, c * whiteNoise "η" line ])

[<Fact>]
let ``Noise that is not diagonal has no Milstein term, with the reason`` () =
    let xi = whiteNoise "ξ" flat

    let reason parts noise =
        match NoiseTerms.milsteinTerm (parameter "h" 0.1) noise with
        | Ok terms -> Assert.Fail $"{terms}"
        | Error(text: string) ->
            for part: string in parts do
                Assert.Contains(part, text)

    reason [ "depends on y"; "moved by W₂" ] [ x, y * w1; y, w2 ]
    reason [ "depends on x"; "moved by W₁ and W₂" ] [ x, x * w1 + w2 ]
    reason [ "the noise of u, u Σ[ξ], joins different places" ] [ u, u * smooth xi ]
    reason [ "joins different places" ] [ u, smooth u * xi ]
    reason [ "joins different places" ] [ u, mean u * xi ]
