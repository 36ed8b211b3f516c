/// Derivatives of the tree: against finite differences of the referee's values, and against each other.
module Leith.Tests.Derivatives

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.TreeReferee
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest tests, property)

// ---- random trees ------------------------------------------------------------------------------------------------

let private rate = parameter "r" 0.7
let private x, y = scalar "x", scalar "y"
let private flat = rectangle (2.0 * pi, 3.0) (4, 3)
let private line = ring 5.0 6
let private u, v = field "u" flat, field "v" flat
let private c = field "c" line
let private beads = lattice (ring 3.0 6)
let private sheet = lattice (rectangle (2.0, 3.0) (4, 3))
let private p, q = field "p" sheet, field "q" sheet
let private b = field "b" beads

let private shiftAndSmooth =
    spectral "H" (fun k -> exp (0.4 * k.I * k.X) / (1.0 + k.Squared))

let private smooth = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))
let private turned = spectral "T" (fun k -> k.I * k.X / (1.0 + k.Squared))

/// The linear operators that a tree on the domain may hold.
let private operators domain =
    match domain with
    | Domain.Torus(lengths, _) ->
        [
            (fun a -> 0.2 * lap a)
            dx
            smooth
            shiftAndSmooth
            turned
            (fun a -> a - mean a)
            (fun a -> cos (coordinate 0) * a)
        ]
        @ (if lengths.Length > 1 then [ dy ] else [])
    | Domain.Lattice(lengths, _) -> [
        (fun a -> 0.1 * lap a)
        dx
        (fun a -> a - mean a)
        (fun a -> sin (coordinate 0) * a)
        neighbour (1 :: List.replicate (lengths.Length - 1) 0)
        neighbour (List.replicate lengths.Length -1)
      ]
    | _ -> []

let private pointwise part =
    let both f = Gen.map2 f part part

    [
        both (fun a b -> a + b)
        both (fun a b -> a - b)
        both (fun a b -> a * b)
        both (fun a b -> a / (2.0 + cos b))
        Gen.map sin part
        Gen.map tanh part
        Gen.map (fun a -> square (tanh a)) part
        Gen.map (fun a -> -a) part
        Gen.map (fun a -> sqrt (1.0 + square a)) part
    ]

let private numbers (unknowns: Field list) (means: Gen<Field> list) size =
    let leaf =
        Gen.oneof (Gen.elements (unknowns @ [ t; rate; Field.Number 1.0; Field.Number -0.5 ]) :: means)

    let rec tree size =
        if size <= 0 then
            leaf
        else
            Gen.oneof (leaf :: pointwise (tree (size / 2)))

    tree size

/// Trees that live on a domain, in unknowns that live there and in numbers.
let private fields domain (unknowns: Field list) scalars size =
    let rec tree size =
        let leaf = Gen.elements unknowns

        if size <= 0 then
            leaf
        else
            let part = tree (size / 2)
            let means = [ Gen.map mean part ]
            let number = numbers scalars means (size / 4)

            Gen.oneof (
                [
                    leaf
                    Gen.map2 (fun a b -> a * b) number part
                    Gen.map2 (fun a b -> a + b) part number
                ]
                @ pointwise part
                @ (operators domain |> List.map (fun op -> Gen.map op part))
            )

    tree size

let private sized limit generator =
    Gen.sized (fun size -> generator (min size limit))

let private drift limit unknowns unknown =
    match domainOf unknown with
    | Domain.Scalar ->
        let means =
            unknowns
            |> List.filter (fun u -> domainOf u <> Domain.Scalar)
            |> List.map (fun u ->
                fields (domainOf u) (unknowns |> List.filter (fun other -> domainOf other = domainOf u)) [] 2
                |> Gen.map mean)

        sized limit (numbers (unknowns |> List.filter (fun u -> domainOf u = Domain.Scalar)) means)
    | domain ->
        let here, others = unknowns |> List.partition (fun u -> domainOf u = domain)

        let elsewhere =
            others |> List.map (fun other -> if domainOf other = Domain.Scalar then other else mean other)

        sized limit (fields domain here elsewhere)

/// Smaller trees that still have one place: parts in the place of the whole.
let rec private smaller field =
    let sound f =
        try
            Field.place f |> ignore
            true
        with :? LeithException ->
            false

    let rebuilt =
        match field with
        | Field.Sum terms ->
            terms
            |> List.mapi (fun i _ -> Field.Sum(List.removeAt i terms))
            |> List.filter (fun f -> f <> Field.Sum [])
        | Field.Product factors ->
            (factors
             |> List.mapi (fun i _ -> Field.Product(List.removeAt i factors))
             |> List.filter (fun f -> f <> Field.Product []))
            @ (factors
               |> List.mapi (fun i a -> smaller a |> List.map (fun a -> Field.Product(List.updateAt i a factors)))
               |> List.concat)
        | Field.Quotient(a, b) -> smaller a |> List.map (fun a -> a / b)
        | Field.Apply(f, a) -> smaller a |> List.map (fun a -> Field.Apply(f, a))
        | Field.Lap a -> smaller a |> List.map lap
        | Field.Derivative(axis, a) -> smaller a |> List.map (fun a -> Field.Derivative(axis, a))
        | Field.Mean a -> smaller a |> List.map mean
        | _ -> []

    Field.children field @ rebuilt |> List.filter sound

let private systemShrink (drifts: Field list) =
    drifts
    |> List.mapi (fun i f ->
        let place = Field.place f

        smaller f
        |> List.filter (fun g -> Field.place g = place || (Field.place g = None && not (Field.dependsOnPlace g)))
        |> List.map (fun f -> List.updateAt i f drifts))
    |> Seq.concat

/// One right side for each unknown, and a seed for the numbers.
let private systems limit (unknowns: Field list) =
    let drifts = unknowns |> List.map (drift limit unknowns) |> Gen.sequenceToList

    Arb.fromGenShrink (Gen.zip drifts (Gen.choose (0, 1000000)), (fun (drifts, seed) -> systemShrink drifts |> Seq.map (fun drifts -> drifts, seed)))

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

let private forEveryKind tests limit property =
    for unknowns in everyKind do
        throughout
            tests
            (Prop.forAll (systems limit unknowns) (fun (drifts, seed) ->
                let source = Random(seed)
                property unknowns drifts source))

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
    forEveryKind 60 16 (fun unknowns drifts source ->
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

    forEveryKind 60 8 (fun unknowns drifts source ->
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
            60
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
            60
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
