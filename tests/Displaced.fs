/// Fields read at displaced places: exact answers, the symbol of a shift, interpolation on every kind of grid, refusals.
module Leith.Tests.Displaced

open System
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.TreeReferee
open Xunit

/// The values of a field, compiled, at the sites: [site] of the first and the last of sixteen members that all have the state `u`.
let private compiled domain (u: Field) (values: float[]) f =
    let grid = (gridOf domain).Value
    use fft = new LaneFft(grid)
    use state = new Tile(grid.Sites)
    use result = new Tile(grid.Sites)

    for site in 0 .. grid.Sites - 1 do
        for lane in 0..7 do
            state.A[site, lane] <- values[site]
            state.B[site, lane] <- values[site]

    fft.Forward(state.A.Pointer, state.B.Pointer)

    let program =
        FieldCompiler([ [ u ] ], None)
            .Program(
                [
                    {
                        Name = "f"
                        Field = f
                        Place = Some domain
                        Spectral = true
                    }
                ]
            )

    use map = program.Compile()
    map.Apply(state, 0.0, result)
    fft.Inverse(result.A.Pointer, result.B.Pointer)
    Array.init grid.Sites (fun site -> result.A[site, 0]), Array.init grid.Sites (fun site -> result.B[site, 7])

let private away (expected: float[]) (a: float[], b: float[]) =
    let size = expected |> Array.fold (fun m x -> max m (abs x)) 1.0

    Seq.append (Array.map2 (-) expected a) (Array.map2 (-) expected b)
    |> Seq.map abs
    |> Seq.max
    |> fun error -> error / size

let private box = rectangle (2.0 * pi, 4.0) (16, 12)
let private u = field "u" box

let private at (domain: Domain) (f: float[] -> float) =
    let grid = (gridOf domain).Value

    Array.init grid.Sites (fun site ->
        grid.Unravel site
        |> Array.mapi (fun axis i -> float i * grid.Lengths[axis] / float grid.Points[axis])
        |> f)

[<Fact>]
let ``waves that a grid resolves are carried exactly`` () =
    let k = pi / 2.0

    let wave x y =
        sin (3.0 * x + 2.0 * k * y) + cos (5.0 * x)

    let values = at box (fun p -> wave p[0] p[1])

    let moved = displaced [ 0.3 * u; cos (coordinate 0) ] u

    let expected =
        at box (fun p -> wave (p[0] + 0.3 * wave p[0] p[1]) (p[1] + cos p[0]))

    Assert.InRange(away expected (compiled box u values moved), 0.0, 1e-13)

    let still = advected (number 0.25) (vector [ number 0.0; 2.0 * u ]) u
    let expected = at box (fun p -> wave p[0] (p[1] - 0.5 * wave p[0] p[1]))
    Assert.InRange(away expected (compiled box u values still), 0.0, 1e-13)

let private grids = [
    ring 3.0 1
    ring 3.0 2
    ring 2.0 9
    ring 2.0 10
    rectangle (1.0, 2.0) (1, 5)
    rectangle (1.0, 2.0) (6, 1)
    rectangle (1.0, 2.0) (2, 2)
    rectangle (3.0, 2.0) (5, 8)
    rectangle (3.0, 2.0) (32, 32)
    box3 (1.0, 2.0, 3.0) (4, 3, 2)
    box3 (1.0, 2.0, 3.0) (3, 4, 5)
    box3 (1.0, 2.0, 3.0) (2, 6, 4)
]

let private noise (source: Random) domain =
    Array.init (sitesOf domain) (fun _ -> 2.0 * source.NextDouble() - 1.0)

/// The field without some of its modes.
let private withoutModes (grid: Grid) (left: bool[]) (values: float[]) =
    use fft = new LaneFft(grid)
    use tile = new Tile(grid.Sites)
    values |> Array.iteri (fun site value -> tile.A[site, 0] <- value)
    fft.Forward(tile.A.Pointer, tile.B.Pointer)

    left
    |> Array.iteri (fun mode isLeft ->
        if isLeft then
            tile.A[mode, 0] <- 0.0
            tile.B[mode, 0] <- 0.0)

    fft.Inverse(tile.A.Pointer, tile.B.Pointer)
    Array.init grid.Sites (fun site -> tile.A[site, 0])

[<Fact>]
let ``no displacement is the identity, a constant one the exponential of a derivative`` () =
    let source = Random 5

    for domain in grids do
        let u = field "u" domain
        let values = noise source domain
        let axes = (gridOf domain).Value.Dimensions
        let nowhere = List.init axes (fun _ -> 0.0 * t)
        Assert.Equal(u, displaced (List.init axes (fun _ -> number 0.0)) u)
        Assert.InRange(away values (compiled domain u values (displaced (List.init axes (fun _ -> 1e-300 * t)) u)), 0.0, 1e-13)
        Assert.Equal(u, displaced nowhere u)
        let steps = List.init axes (fun _ -> source.NextDouble() * 8.0 - 4.0)

        let shift =
            spectral "T" (fun k ->
                let components = [ k.X; k.Y; k.Z ]

                steps
                |> List.mapi (fun axis step -> exp (step * k.I * components[axis]))
                |> List.reduce (fun a b -> a * b))

        // the symbol of a shift moves Nyquist wavenumbers, a derivative does not
        let grid = (gridOf domain).Value

        let still =
            Array.init grid.Sites (fun mode -> Seq.exists (fun axis -> grid.IsNyquist(mode, axis)) (seq { 0 .. axes - 1 }))

        let values = withoutModes grid still values

        let expected, _ = compiled domain u values (shift u)
        Assert.InRange(away expected (compiled domain u values (displaced (steps |> List.map number) u)), 0.0, 1e-12)

[<Fact>]
let ``random displacements on every kind of grid are what the Fourier sum says`` () =
    let property (seed: int) =
        let source = Random seed

        grids
        |> List.filter (fun domain -> sitesOf domain < 100)
        |> List.forall (fun domain ->
            let u = field "u" domain
            let values = noise source domain
            let axes = (gridOf domain).Value.Dimensions
            let scale = 3.0 * source.NextDouble()

            let moved =
                displaced (List.init axes (fun axis -> scale * sin (2.0 * u + float axis))) (square u)

            away (valuesOn domain (fun _ -> values) 0.0 moved) (compiled domain u values moved) < 1e-12)

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(20).WithReplay(20261124UL, 2403UL),
        Prop.forAll (Gen.choose (0, 1000000) |> Arb.fromGen) property
    )

[<Fact>]
let ``a displaced field prints, has a place and a canonical text`` () =
    let moved = displaced [ -0.5 * u; number 0.0 ] u
    Assert.Equal("u(x − 0.5 u, y)", moved.Text)
    Assert.Equal(Some box, Field.place moved)
    Assert.Equal("u(x − τ ∂y u, y + τ ∂x u)", (advected (parameter "τ" 0.5) (rotatedGrad u) u).Text)
    Assert.NotEqual<string>(Field.hash moved, Field.hash (displaced [ number 0.0; -0.5 * u ] u))
    Assert.Equal(infinity, Field.degree moved)
    let decay = ddt u == -(parameter "λ" 2.0 * u)
    let after = flow 0.5 4 decay (square u)
    Assert.Equal("Φ(0.5)[u²]", after.Text)
    Assert.Equal(Some box, Field.place after)
    Assert.Equal<(string * float) list>([ "λ", 2.0 ], Field.parameters after)
    Assert.NotEqual<string>(Field.hash after, Field.hash (flow 0.5 4 (ddt u == -(parameter "λ" 3.0 * u)) (square u)))

[<Fact>]
let ``a flow is the solution of its equation to fourth order, and ends where flows of flows do`` () =
    let start = at box (fun p -> 0.5 * sin p[0] + 0.2 * cos (2.0 * p[0]))

    // u = u₀/(1 + t u₀) at each site
    let errors = [
        for steps in [ 4; 8; 16 ] do
            let expected = start |> Array.map (fun a -> a / (1.0 + a))
            away expected (compiled box u start (flow 1.0 steps (ddt u == -(square u)) u))
    ]

    let slopes = List.pairwise errors |> List.map (fun (a, b) -> Math.Log2(a / b))

    for slope in slopes do
        Assert.InRange(slope, 3.5, 4.6)

    let stream = ddt u == -(u * dx u)
    let once = flow 0.4 4 stream u
    let twice = flow 0.2 2 stream (flow 0.2 2 stream u)
    let expected, _ = compiled box u start once
    Assert.InRange(away expected (compiled box u start twice), 0.0, 1e-14)

let private vortices = rectangle (2.0 * pi, 2.0 * pi) (8, 8)

[<Fact>]
let ``a field that a velocity moves is forecast by its own flow, without forcing and linear terms`` () =
    let u, phi = field "u" vortices, phases "φ" vortices
    let system = (Systems.navierStokes u phi).Equations

    match FlowProposals.ownFlow system u with
    | Some equation ->
        Assert.Equal<Field list>([ u ], Field.unknowns equation.Drift)
        Assert.Empty((Equation.split equation.Drift).Linear)
        Assert.Empty(Field.parameters equation.Drift)
    | None -> Assert.Fail "no flow"

    let forecasts = FlowProposals.forecasts system 1.0 (1.0 / 128.0) u
    Assert.Equal(4, forecasts.Length)

    for before, after in List.pairwise (u :: forecasts) do
        match after with
        | Field.Flow(duration, steps, _, [ start ], 0) ->
            Assert.Equal(before, start)
            Assert.Equal(0.25, duration)
            Assert.Equal(4, steps)
        | other -> Assert.Fail $"{other}"

    Assert.True((FlowProposals.ownFlow [ ddt u == lap u - 0.1 * u ] u).IsNone)
    Assert.Empty(FlowProposals.forecasts [ ddt u == lap u ] 1.0 0.01 u)

    let proposed =
        LibraryProposals.candidates (fun u _ -> FlowProposals.forecasts system 1.0 0.01 u) system u

    Assert.Equal<Field list>(FlowProposals.forecasts system 1.0 0.01 u, List.truncate 4 proposed)

[<Fact>]
let ``forecasts and their tangents are one run, whichever is asked for first`` () =
    let u, phi, v = field "u" vortices, phases "φ" vortices, field "v" vortices
    let system = (Systems.navierStokes u phi).Equations
    let forecasts = FlowProposals.forecasts system 0.5 0.125 u
    let tangents = forecasts |> List.map (Derivatives.tangent [ u, v ])

    let flows asked =
        let program =
            FieldCompiler([ [ u ]; [ v ] ], None)
                .Program(
                    asked
                    |> List.map (fun f -> {
                        Name = "f"
                        Field = f
                        Place = Some vortices
                        Spectral = true
                    })
                )

        program.Operations |> Seq.filter (fun operation -> operation :? FieldOperation.Flow) |> Seq.length

    Assert.Equal(4, flows (forecasts @ tangents))
    Assert.Equal(4, flows (tangents @ forecasts))
    Assert.Equal(4, flows forecasts)

let private sentence f =
    (Assert.Throws<LeithException>(fun () -> f () |> ignore)).Message

[<Fact>]
let ``what cannot be displaced is said in a sentence`` () =
    let beads = field "b" (lattice (ring 3.0 6))
    let other = field "c" (ring 5.0 6)
    let x = scalar "x"
    Assert.Contains("write neighbour", sentence (fun () -> Field.place (displaced [ beads ] beads)))
    Assert.Contains("expected 2 displacements, one an axis, got 1", sentence (fun () -> Field.place (displaced [ u ] u)))
    Assert.Contains("where u lives, got c on", sentence (fun () -> Field.place (displaced [ other; other ] u)))
    Assert.Contains("expected a field, got x, which is a number", sentence (fun () -> Field.place (displaced [ x; x ] x)))
    Assert.Contains("got c in its right side", sentence (fun () -> flow 1.0 2 (ddt u == mean other) u))
    Assert.Contains("expected a start where u lives, got c", sentence (fun () -> flow 1.0 2 (ddt u == -u) other))
    Assert.Contains("expected unknowns on a torus, got b", sentence (fun () -> flow 1.0 2 (ddt beads == -beads) beads))
    Assert.Contains("at least one step, got a time of 1 and 0 steps", sentence (fun () -> flow 1.0 0 (ddt u == -u) u))
    let after = flow 1.0 2 (ddt u == -u) u
    Assert.Contains("a flow have a tangent only", sentence (fun () -> Derivatives.adjoint u u after))
    let moved = displaced [ u; number 0.0 ] u
    let phrase = "a displaced field and a flow have a tangent only"
    Assert.Contains(phrase, sentence (fun () -> Derivatives.adjoint u u moved))
    Assert.Contains(phrase, sentence (fun () -> Derivatives.divergence [ u, moved ]))
