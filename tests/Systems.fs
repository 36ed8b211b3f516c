/// Systems as data: each runs, and what is known of it exactly is so: invariants of the drift, the Fokker–Planck equation of the score, moments, variances of modes.
module Leith.Tests.Systems

open System
open System.IO
open System.Threading
open FsCheck
open FsCheck.FSharp
open Leith
open Leith.Core
open Leith.Tests.Running
open Leith.Tests.TreeReferee
open Xunit

let private throughout tests property =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20261124UL, 2403UL), property)

let private x, y, z = scalar "x", scalar "y", scalar "z"
let private six = scalars [ "x1"; "x2"; "x3"; "x4"; "x5"; "x6" ]
let private square' = torus (2.0 * pi) 8
let private line = ring 6.0 8
let private u, phi = field "u" square', phases "φ" square'
let private v, eta = field "v" line, field "η" line
let private beads = field "w" (lattice (ring 40.0 40))
let private wave = field "u" (ring (32.0 * pi) 128)

let private everySystem = [
    Systems.ornsteinUhlenbeck u
    Systems.allenCahn u
    Systems.navierStokes u phi
    Systems.dampedOscillators x y z
    FieldSystems.heat v
    FieldSystems.advectionDiffusion u
    FieldSystems.phiFourth u
    FieldSystems.colouredForcing v eta
    ClimateSystems.scalarAdditive x
    ClimateSystems.scalarMultiplicative x
    ClimateSystems.ensoTriad x y z
    ClimateSystems.barotropic six
    ChaoticSystems.doubleWell x
    ChaoticSystems.lorenz63 x y z
    ChaoticSystems.lorenz96 beads
    ChaoticSystems.kuramotoSivashinsky wave
]

let private unknownsOf (system: StochasticSystem) = system.Equations |> List.map _.Unknown

let private pairsOf (system: StochasticSystem) =
    system.Equations |> List.map (fun e -> e.Unknown, e.Drift)

/// States [sample][member][row], samples `every` apart.
let private states (system: StochasticSystem) seed members spinUp lasting every =
    let model = Lower.systemFor system.Step system.Equations system.Noise

    let simulation =
        Simulation(model, system.Step.Scheme, system.Step.Size, seed, Initial = Lower.initial model (unknownsOf system) system.Start)

    let plan = SamplingPlan(members, spinUp, lasting, every)
    let saver = Saver<float>(model, plan)
    simulation.Run(plan, (fun tile -> saver.Open tile), 2, null, CancellationToken.None)
    saver.Values |> Array.chunkBySize model.Rows |> Array.chunkBySize members

/// Mean of a function of the state and its standard error, from the means of the members, which are independent.
let private average members f (samples: float[][][]) =
    let means =
        Array.init members (fun member' -> samples |> Array.averageBy (fun sample -> f sample[member']))

    let mean = Array.average means

    let variance =
        means |> Array.sumBy (fun m -> (m - mean) ** 2.0 / float (members * (members - 1)))

    mean, sqrt variance

/// |z| < 4.5: false alarm below 1e-5 for each, with a fixed seed.
let private agrees name expected (mean: float, error: float) =
    Assert.True(abs (mean - expected) < 4.5 * error, $"{name}: {mean} ± {error}, expected {expected}")

// ---- all of them -------------------------------------------------------------------------------------------------

[<Fact>]
let ``Every system is sound, is planned and runs`` () =
    for system in everySystem do
        let h = system.Step.Size

        let observed =
            match Field.place (unknownsOf system).Head with
            | None -> Perturbation.Push [ (unknownsOf system).Head ]
            | Some(Domain.Torus(_, points) | Domain.Lattice(_, points)) -> kick (unknownsOf system).Head (points |> List.map (fun _ -> 0))
            | Some other -> failwith $"{other}"

        let asked = {
            Title = system.Name
            Source =
                Source.Simulated(
                    system.Equations,
                    system.Noise,
                    system.Step,
                    members 16 |> spinUp 0.0 |> lasting (20.0 * h) |> every h |> startingAs system
                )
            Perturb = observed
            Forcing = Forcing.Impulse
            Observe = [ (unknownsOf system).Head ]
            Lags = 2.0 * h
            Estimate = [ dynamical (pairs 16) ]
            Check = []
            Seed = 1
        }

        Experiment.validate asked
        Assert.NotEmpty(Plan.describe asked)
        Assert.NotEmpty(Plan.costs 1 asked)
        Assert.NotEmpty system.Source
        let samples = states system 3UL 16 (200.0 * h) (2.0 * h) h

        for value in samples |> Array.concat |> Array.concat do
            Assert.True(Double.IsFinite value, system.Name)

        Assert.True(samples[0] <> samples[1], $"{system.Name} stands still")

[<Fact>]
let ``Systems refuse unknowns of another kind`` () =
    let refuses (phrase: string) (make: unit -> StochasticSystem) =
        let error = Assert.Throws<LeithException>(fun () -> make () |> ignore)
        Assert.Contains(phrase, error.Message)

    refuses "expected six unknowns, got 3; write scalars" (fun () -> ClimateSystems.barotropic [ x; y; z ])
    refuses "expected a field on a lattice ring, got u; write field" (fun () -> ChaoticSystems.lorenz96 u)
    refuses "expected a field on a ring, got w; write field" (fun () -> ChaoticSystems.kuramotoSivashinsky beads)
    refuses "expected a field on a ring, torus, rectangle or box, got w" (fun () -> FieldSystems.heat beads)
    refuses "expected a field on a torus, got x" (fun () -> Systems.ornsteinUhlenbeck x)

// ---- invariants of the drift -------------------------------------------------------------------------------------

let private random (source: Random) unknowns =
    unknowns
    |> List.map (fun u -> u, Array.init (sitesOf (domainOf u)) (fun _ -> 4.0 * source.NextDouble() - 2.0))
    |> Map.ofList

let private values (state: Map<Field, float[]>) unknown f =
    valuesOn (domainOf unknown) (fun u -> state[u]) 0.0 f

let private inner = Array.fold2 (fun sum (a: float) b -> sum + a * b) 0.0

let private size (a: float[]) = sqrt (inner a a)

/// A property of states at random, with the seed as the counterexample.
let private atRandomStates tests unknowns (property: Map<Field, float[]> -> unit) =
    throughout tests (Prop.forAll (Arb.fromGen (Gen.choose (0, 1000000))) (fun seed -> property (random (Random seed) unknowns)))

[<Fact>]
let ``Advection keeps the enstrophy of Navier–Stokes on the grid`` () =
    let system = Systems.navierStokes u phi
    let flow = system.Equations.Head.Drift
    let waves = randomWaves (fun k -> 300.0 / 128.0 ** 2 * k.SquaredAtMost 112.5) phi

    let others =
        -1e-2 * inverseLap (inverseLap u) - 1e-5 * lap (lap u) - mean u + waves - 0.9 * mean waves

    atRandomStates 10 [ u; phi ] (fun state ->
        let f, g = values state u flow, values state u others
        let error = inner state[u] f - inner state[u] g
        Assert.True(abs error < 1e-12 * size state[u] * size f, $"{error}")
        Assert.True(size (Array.map2 (-) f g) > 0.1 * size f))

[<Fact>]
let ``The barotropic flow keeps its energy, and its enstrophy where the ground is flat`` () =
    let zonal, long, short = 1.0, 1.25, 4.25
    let weights = [ zonal; long; long; 4.0 * zonal; short; short ]

    let kept orography power =
        let system = ClimateSystems.barotropicWith 0.0 orography 0.05 six

        atRandomStates 50 six (fun state ->
            let terms =
                List.map2 (fun (x, f) (weight: float) -> weight ** power * state[x].[0] * (values state x f).[0]) (pairsOf system) weights

            let scale = terms |> List.sumBy abs
            Assert.True(scale > 0.0 && abs (List.sum terms) < 1e-13 * (1.0 + scale), $"{List.sum terms} of {scale}"))

    kept 0.2 1.0
    kept 0.0 2.0

[<Fact>]
let ``Volumes in phase space shrink as they must`` () =
    let lorenz = ChaoticSystems.lorenz63 x y z
    let divergence = Derivatives.divergence (pairsOf lorenz)

    atRandomStates 20 [ x; y; z ] (fun state -> Assert.Equal(-(10.0 + 1.0 + 8.0 / 3.0), (evaluate (fun u -> state[u]) 0.0 divergence).[0], 12))

    let ring = ChaoticSystems.lorenz96 beads
    let shrinking = Derivatives.divergence (pairsOf ring)

    atRandomStates 20 [ beads ] (fun state ->
        Assert.Equal(-40.0, (evaluate (fun u -> state[u]) 0.0 shrinking).[0], 9)
        // the advection does no work: ⟨u f⟩ = F⟨u⟩ − ⟨u²⟩
        let work = inner state[beads] (values state beads ring.Equations.Head.Drift)
        Assert.Equal(8.0 * Array.sum state[beads] - inner state[beads] state[beads], work, 9))

// ---- scores ------------------------------------------------------------------------------------------------------

/// D s and ∇·D for each unknown, D = ½ S Sᵀ, as trees.
let private diffusion (system: StochasticSystem) (score: Field list) : (Field * Field) list =
    let none = Field.Number 0.0

    let rec onOne noise (u, s: Field) =
        match noise, Field.place u with
        | Noise.Additive op, Some(Domain.Torus(_, points)) -> 0.5 * float (List.fold (*) 1 points) * (op * (op * s))
        | Noise.White c, Some(Domain.Torus(lengths, points)) -> 0.5 * c ** 2.0 * float (List.fold (*) 1 points) / List.fold (*) 1.0 lengths * s
        | Noise.PerSite c, _ -> 0.5 * c ** 2.0 * s
        | Noise.Each parts, _ ->
            parts
            |> List.tryFind (fun (unknown, _) -> unknown = u)
            |> Option.map (fun (_, part) -> onOne part (u, s))
            |> Option.defaultValue none
        | other, _ -> failwith $"{other}"

    let unknowns = unknownsOf system

    match system.Noise with
    | Noise.Expressions(StochasticCalculus.Ito, parts) ->
        // S_ij is what one white noise alone brings
        let noises = parts |> List.collect (snd >> Field.whiteNoises) |> List.distinct

        let s =
            unknowns
            |> List.map (fun u ->
                let expression =
                    parts |> List.tryFind (fun (v, _) -> v = u) |> Option.map snd |> Option.defaultValue none

                noises |> List.map (fun noise -> Derivatives.tangent [ noise, Field.Number 1.0 ] expression))

        let d i k =
            List.map2 (fun (a: Field) (b: Field) -> 0.5 * a * b) s[i] s[k] |> List.fold (fun a b -> a + b) none

        unknowns
        |> List.mapi (fun i _ ->
            let along combine =
                unknowns |> List.mapi combine |> List.fold (fun a b -> a + b) none

            along (fun k _ -> d i k * score[k]), along (fun k u -> Derivatives.tangent [ u, Field.Number 1.0 ] (d i k)))
    | noise -> List.map2 (fun u s -> onOne noise (u, s), none) unknowns score

/// (∇·J + s·J, the size of its parts) with J = f − ∇·D − D s, the flux over the density: 0 where s is the score of a stationary law.
let private fokkerPlanck (system: StochasticSystem) (score: Field list) =
    let flux =
        List.map2 (fun (u, f) (ds, divergence) -> u, f - divergence - ds) (pairsOf system) (diffusion system score)

    let divergence = Derivatives.divergence flux
    let whole = Derivatives.divergence (pairsOf system)

    fun (state: Map<Field, float[]>) ->
        let number f =
            (evaluate (fun u -> state[u]) 0.0 f).[0]

        let work =
            List.map2 (fun (u, j) s -> inner (values state u s) (values state u j)) flux score

        let parts =
            List.map2 (fun (u, f) s -> abs (inner (values state u s) (values state u f))) (pairsOf system) score

        number divergence + List.sum work, abs (number whole) + List.sum parts

let private withScores = [
    Systems.ornsteinUhlenbeck u
    // the score is that of A = 0: on the grid a cube is not carried along exactly
    Systems.allenCahnWith 16.0 2.5e-4 0.0 4e-3 u
    FieldSystems.heat v
    FieldSystems.advectionDiffusion u
    FieldSystems.phiFourth u
    FieldSystems.colouredForcing v eta
    ClimateSystems.scalarAdditive x
    ClimateSystems.scalarMultiplicative x
    ChaoticSystems.doubleWell x
]

[<Fact>]
let ``Every score solves the stationary Fokker–Planck equation`` () =
    for system in withScores do
        let residual = fokkerPlanck system system.Score
        // a tenth more of the first component's score is none
        let wrong = fokkerPlanck system (1.1 * system.Score.Head :: system.Score.Tail)

        atRandomStates 10 (unknownsOf system) (fun state ->
            let error, scale = residual state
            Assert.True(abs error < 1e-10 * scale, $"{system.Name}: {error} of {scale}")
            let error, scale = wrong state
            Assert.True(abs error > 1e-6 * scale, $"{system.Name}, a wrong score: {error} of {scale}"))

    let known =
        everySystem |> List.filter (fun s -> not s.Score.IsEmpty) |> List.map _.Name |> List.sort

    Assert.Equal<string list>(known, withScores |> List.map _.Name |> List.sort)

/// Moments of the law with the score of one number, by Simpson's rule on [−L, L]: ⟨x⟩, standard deviation, skewness, excess kurtosis.
let private momentsOf (system: StochasticSystem) limit =
    let n = 40000
    let h = 2.0 * limit / float n
    let at i = -limit + h * float i

    let score =
        Array.init (2 * n + 1) (fun i -> Field.evaluate (fun _ -> -limit + 0.5 * h * float i) 0.0 system.Score.Head)

    let logarithms =
        Array.scan (fun total i -> total + h / 6.0 * (score[2 * i] + 4.0 * score[2 * i + 1] + score[2 * i + 2])) 0.0 [| 0 .. n - 1 |]

    let top = Array.max logarithms
    let density = logarithms |> Array.map (fun l -> exp (l - top))
    let weight i = if i % 2 = 0 then 2.0 else 4.0

    let integral f =
        density |> Array.mapi (fun i p -> weight i * p * f (at i)) |> Array.sum

    let norm = integral (fun _ -> 1.0)
    let mean = integral id / norm

    let central p =
        integral (fun x -> (x - mean) ** p) / norm

    let deviation = sqrt (central 2.0)
    mean, deviation, central 3.0 / deviation ** 3.0, central 4.0 / deviation ** 4.0 - 3.0

[<Fact>]
let ``The scalar climate has the published moments`` () =
    let mean, deviation, skewness, kurtosis =
        momentsOf (ClimateSystems.scalarAdditive x) 12.0

    Assert.Equal(1.280681, mean, 6)
    Assert.Equal(0.629021, deviation, 6)
    Assert.Equal(-1.17563, skewness, 4)
    Assert.Equal(4.29274, kurtosis, 3)

[<Fact>]
let ``Systems of one number run to the law of their score`` () =
    // 9 comparisons, |z| < 4.5: false alarm below 1e-4, fixed seed; the bias of the step is below a tenth of the standard error.
    for system in
        [
            ClimateSystems.scalarAdditive x
            ClimateSystems.scalarMultiplicative x
            ChaoticSystems.doubleWell x
        ] do
        let mean, deviation, skewness, _ = momentsOf system 12.0
        let samples = states system 5UL 2048 30.0 60.0 1.0

        let moment p =
            average 2048 (fun state -> ((state[0] - mean) / deviation) ** p) samples

        agrees $"{system.Name}, mean" 0.0 (moment 1.0)
        agrees $"{system.Name}, variance" 1.0 (moment 2.0)
        agrees $"{system.Name}, skewness" skewness (moment 3.0)

/// (lag, exact, quasi-Gaussian) responses of ⟨zⁿ⟩, n = 1 … 4, to a unit push of z = (x − mean)/deviation, from the Fokker–Planck equation.
let private scalarResponses = [
    0.0, [ 1.0; 0.0; 3.0; -4.70251 ], [ 1.0; -1.17563; 7.29274; -33.34693 ]
    0.5, [ 0.67252; -0.24583; 2.33013; -5.49670 ], [ 0.74009; -1.12911; 6.46240; -31.70936 ]
    1.0, [ 0.46806; -0.30845; 1.93278; -5.66149 ], [ 0.56231; -1.03887; 5.79316; -29.93732 ]
    2.0, [ 0.24423; -0.28186; 1.42778; -5.39587 ], [ 0.34647; -0.84764; 4.74512; -26.42154 ]
    4.0, [ 0.08294; -0.17260; 0.88665; -4.41369 ], [ 0.16179; -0.56441; 3.32542; -20.21312 ]
]

[<Fact>]
let ``The scalar climate answers a push as its Fokker–Planck equation says`` () =
    let system = ClimateSystems.scalarAdditive x
    let deviation = 0.629021

    let asked = {
        Title = "scalar"
        Source = Source.Simulated(system.Equations, system.Noise, system.Step, members 1024 |> spinUp 40.0 |> lasting 400.0 |> every 0.5)
        Perturb = push x
        Forcing = Forcing.Impulse
        Observe = [ for n in 1..4 -> deviation * Field.Pow((x - 1.280681) / deviation, n) ]
        Lags = 4.0
        Estimate = [ dynamical (pairs 65536); gaussian; exactOf system.Score ]
        Check = []
        Seed = 17
    }

    let outcome = runAlone asked

    // 60 comparisons that move together, |z| < 4.5: false alarm below 1e-3, fixed seed; the last digit of the reference is its error.
    for response in outcome.Responses do
        for lag, exact, quasiGaussian in scalarResponses do
            let expected =
                if response.Estimator = "Gaussian" then
                    quasiGaussian
                else
                    exact

            let i = response.Lags |> Array.findIndex (fun l -> abs (l - lag) < 1e-9)

            for n in 0..3 do
                let value, error = response.Values[n][i], response.StandardError.Value[n][i]

                Assert.True(
                    abs (value - expected[n]) < 4.5 * error + 1e-5,
                    $"{response.Estimator}, z^{n + 1} after {lag}: {value} ± {error}, expected {expected[n]}"
                )

    let dynamical = outcome.Responses |> List.find (fun r -> r.Estimator = "dynamical")
    Assert.True(Array.max dynamical.StandardError.Value[0] < 0.01)

// ---- balances of runs --------------------------------------------------------------------------------------------

[<Fact>]
let ``The triad of El Niño has means of zero and wind bursts in balance`` () =
    let system = ClimateSystems.ensoTriad x y z
    let samples = states system 7UL 1024 40.0 100.0 1.0

    for i, name in List.indexed [ "u₁"; "u₂"; "τ" ] do
        agrees name 0.0 (average 1024 (fun state -> state[i]) samples)

    samples
    |> average 1024 (fun state -> 4.0 * state[2] ** 2.0 - (1.5 * (tanh state[0] + 1.0)) ** 2.0)
    |> agrees "2 d_τ τ² − σ_τ²" 0.0

[<Fact>]
let ``Lorenz systems are in balance`` () =
    let lorenz = states (ChaoticSystems.lorenz63 x y z) 9UL 512 10.0 50.0 0.25
    agrees "x y − β z" 0.0 (average 512 (fun state -> state[0] * state[1] - 8.0 / 3.0 * state[2]) lorenz)
    agrees "x" 0.0 (average 512 (fun state -> state[0]) lorenz)
    let ring = states (ChaoticSystems.lorenz96 beads) 9UL 128 10.0 50.0 0.5

    let balance state =
        Array.averageBy (fun u -> 8.0 * u - u * u + 0.5) state

    agrees "F u − u² + ½ s²" 0.0 (average 128 balance ring)

[<Fact>]
let ``Kuramoto–Sivashinsky stays bounded and keeps its mean`` () =
    let samples =
        states (ChaoticSystems.kuramotoSivashinsky wave) 11UL 16 100.0 100.0 1.0 |> Array.concat

    let rms = sqrt (samples |> Array.averageBy (Array.averageBy (fun u -> u * u)))
    Assert.InRange(rms, 1.1, 1.6)

    for state in samples do
        Assert.InRange(abs (Array.average state), 0.0, 1e-10)
        Assert.InRange(state |> Array.map abs |> Array.max, 0.5, 5.0)

// ---- fields with known laws --------------------------------------------------------------------------------------

[<Fact>]
let ``Modes of heat, advected or not, have the variances of the textbook`` () =
    for system, u in [ FieldSystems.heat v, v; FieldSystems.advectionDiffusion u, u ] do
        let grid = (Lower.gridOf u).Value
        let volume = grid.Lengths |> Seq.fold (*) 1.0

        let expected =
            grid.Wavevectors()
            |> Array.map (fun k -> float grid.Sites ** 2.0 / (2.0 * volume * (0.5 + 0.1 * Array.sumBy (fun c -> c * c) k)))

        let model = Lower.systemFor system.Step system.Equations system.Noise

        for power in
            [
                LinearLaw.StationaryPower model
                LinearLaw.StationaryPower(model, system.Step.Scheme, system.Step.Size)
            ] do
            Array.iter2 (fun (a: float) b -> Assert.Equal(1.0, a / b, 12)) power expected

[<Fact>]
let ``A forcing that remembers gives a field its variances`` () =
    let system = FieldSystems.colouredForcing v eta
    let grid = (Lower.gridOf v).Value

    let sum f =
        grid.Wavevectors() |> Array.sumBy (fun k -> f (0.5 + 0.1 * k[0] * k[0]) / 12.0)

    let n = grid.Sites
    let samples = states system 13UL 1024 20.0 40.0 2.0

    let pixel f =
        average 1024 (fun (state: float[]) -> Array.init n (fun i -> f state[i] state[n + i]) |> Array.average) samples

    agrees "η²" (sum (fun _ -> 1.0)) (pixel (fun _ e -> e * e))
    agrees "u η" (sum (fun a -> 1.0 / (a + 1.0))) (pixel (fun u e -> u * e))
    agrees "u²" (sum (fun a -> 1.0 / (a * (a + 1.0)))) (pixel (fun u _ -> u * u))
