/// Every error that a user of the solvers can cause, by what its message says.
module Leith.Tests.SolverDoors

open System
open System.Numerics
open System.Threading
open Leith.Core
open Xunit

let private refused (parts: string list) (action: unit -> unit) =
    let text = Assert.Throws<LeithException>(action).Message

    for part in parts do
        Assert.True(text.Contains part, $"expected '{part}' in: {text}")

let private silent = {
    new ITileSink with
        member _.Sample(_, _, _) = ()
        member _.Finish() = ()
}

let private quiet = {
    new ITwinSink with
        member _.Sample(_, _, _, _, _) = ()
        member _.Finish() = ()
}

let private oscillator = SolverLaws.oscillator

let private make model scheme step =
    Simulation(model, scheme, step, 1UL) |> ignore

let private run plan threads =
    Simulation(oscillator, Scheme.Exponential, 0.1, 1UL).Run(plan, (fun _ -> silent), threads, null, CancellationToken.None)

[<Fact>]
let ``steps, members, threads and times`` () =
    for step, got in [ 0.0, "got 0"; -0.1, "got -0.1"; nan, "got NaN"; infinity, "got Infinity" ] do
        refused [ "step: expected a positive time"; got ] (fun () -> make oscillator Scheme.Heun step)

    refused [ "members: expected at least 1, got 0" ] (fun () -> run (SamplingPlan(0, 1.0, 1.0, 1.0)) 1)
    refused [ "threads: expected at least 1, got 0" ] (fun () -> run (SamplingPlan(1, 1.0, 1.0, 1.0)) 0)
    refused [ "spin-up"; "whole multiple of step 0.1"; "got 1.05"; "1 or 1.1" ] (fun () -> run (SamplingPlan(1, 1.05, 1.0, 1.0)) 1)
    refused [ "spin-up"; "0 or more"; "got -1" ] (fun () -> run (SamplingPlan(1, -1.0, 1.0, 1.0)) 1)
    refused [ "every"; "whole multiple of step 0.1"; "got 0.25"; "0.2 or 0.3" ] (fun () -> run (SamplingPlan(1, 1.0, 1.0, 0.25)) 1)
    refused [ "every"; "got 0" ] (fun () -> run (SamplingPlan(1, 1.0, 1.0, 0.0)) 1)
    refused [ "lasting"; "whole multiple of every 1"; "got 2.5"; "2 or 3" ] (fun () -> run (SamplingPlan(1, 1.0, 2.5, 1.0)) 1)
    refused [ "lasting"; "got 0.5" ] (fun () -> run (SamplingPlan(1, 1.0, 0.5, 1.0)) 1)
    refused [ "lasting"; "got 0"; "no sample" ] (fun () -> run (SamplingPlan(1, 1.0, 0.0, 1.0)) 1)
    refused [ "scheme"; "EulerMaruyama, Heun" ] (fun () -> make oscillator (enum<Scheme> 9) 0.1)
    // Sums of tenths are no exact doubles, yet whole multiples.
    run (SamplingPlan(1, 0.1 + 0.2, 2.1, 0.7)) 1

    let offset = Simulation(oscillator, Scheme.Exponential, 0.1, 1UL, FirstMember = 8)

    let offsetRun () =
        offset.Run(SamplingPlan(1, 1.0, 1.0, 1.0), (fun _ -> silent), 1, null, CancellationToken.None)

    refused [ "first member"; "multiple of 16"; "got 8" ] offsetRun

[<Fact>]
let ``unstable scalar drift names its eigenvalue and unknowns`` () =
    let names = [| "warm"; "cold"; "calm" |]

    let drift a =
        array2D [ [ a; 0.0; 0.0 ]; [ 0.0; -1.0; 2.0 ]; [ 0.0; -2.0; -1.0 ] ]

    let noise s = array2D [ [ s ]; [ 1.0 ]; [ 0.0 ] ]

    let model a s =
        Model(Rows = 3, LinearMatrix = drift a, NoiseMatrix = noise s, Names = names)

    for scheme in Enum.GetValues<Scheme>() do
        refused [ "linear drift"; "got 0.25"; "moves warm." ] (fun () -> make (model 0.25 0.0) scheme 0.1)
        refused [ "linear drift"; "got 0,"; "moves warm." ] (fun () -> make (model 0.0 1.0) scheme 0.1)
        // At rest for ever: no noise and no growth.
        make (model 0.0 0.0) scheme 0.1
        make (model -0.1 1.0) scheme 0.1
        Simulation(model 0.25 1.0, scheme, 0.1, 1UL, true) |> ignore

    let rotating =
        Model(Rows = 2, LinearMatrix = array2D [ [ 0.0; 1.0 ]; [ -1.0; 0.0 ] ], NoiseMatrix = array2D [ [ 0.0 ]; [ 1.0 ] ])

    refused [ "0 + 1i"; "unknown 0, unknown 1" ] (fun () -> make rotating Scheme.Exponential 0.1)
    refused [ "linear drift" ] (fun () -> LinearLaw.StationaryCovariance rotating |> ignore)

let private grid = Grid([| 4; 4 |], [| 1.0; 1.0 |])

let private torus (linear: Complex[]) (noise: Complex[]) =
    Model(Rows = 16, Grid = grid, LinearSymbol = linear, NoiseSymbol = noise)

let private damped = Array.create 16 (Complex(-1.0, 0.0))
let private ones = Array.create 16 Complex.One

[<Fact>]
let ``unstable field names its mode`` () =
    let at k value array =
        Array.updateAt k (Complex(value, 0.0)) array

    refused [ "got 0 at mode (0, 0)" ] (fun () -> make (torus (at 0 0.0 damped) ones) Scheme.Exponential 0.1)
    refused [ "got 0.5 at mode (0, 2)" ] (fun () -> make (torus (at 2 0.5 damped) (at 2 0.0 ones)) Scheme.Exponential 0.1)
    make (torus (at 0 0.0 damped) (at 0 0.0 ones)) Scheme.Exponential 0.1
    Assert.Equal(0.0, (LinearLaw.StationaryPower(torus (at 0 0.0 damped) (at 0 0.0 ones)))[0])

[<Fact>]
let ``a step too long for an explicit scheme names the mode and a step that would do`` () =
    let fast =
        damped |> Array.mapi (fun k d -> if k = 10 then Complex(-50.0, 0.0) else d)

    for scheme, allowed in [ Scheme.EulerMaruyama, 0.025; Scheme.Heun, 0.025; Scheme.RungeKutta4, 0.05 ] do
        refused
            [
                "step:"
                "mode (2, 2)"
                "rate -50"
                $"Take {allowed} or less"
                "exponential scheme"
            ]
            (fun () -> make (torus fast ones) scheme 0.1)

        make (torus fast ones) scheme allowed

    make (torus fast ones) Scheme.Exponential 0.1

[<Fact>]
let ``models whose parts do not fit`` () =
    let bad (model: Model) parts =
        refused parts (fun () -> make model Scheme.Heun 0.01)

    bad (Model(Rows = 0)) [ "at least one unknown" ]
    bad (Model(Rows = 15, Grid = grid)) [ "expected 16 modes"; "got 15" ]
    bad (Model(Rows = 16, Grid = grid, LinearMatrix = Array2D.zeroCreate 16 16)) [ "Fourier multipliers on a torus" ]
    bad (Model(Rows = 2, LinearSymbol = ones)) [ "matrices for scalar unknowns" ]
    bad (torus (Array.truncate 9 damped) ones) [ "linear drift: expected 16 entries"; "got 9" ]
    bad (torus damped (Array.updateAt 3 (Complex(nan, 0.0)) ones)) [ "noise: expected finite numbers"; "mode (0, -1)" ]
    bad (torus (Array.updateAt 1 (Complex(-1.0, 0.5)) damped) ones) [ "conjugate"; "mode (0, 1)"; "Nyquist" ]
    bad (Model(Rows = 2, LinearMatrix = Array2D.zeroCreate 2 3)) [ "linear drift: expected a matrix of 2 × 2, got 2 × 3" ]
    bad (Model(Rows = 2, NoiseMatrix = Array2D.zeroCreate 3 1)) [ "noise: expected a matrix of 2 × 1, got 3 × 1" ]
    bad (Model(Rows = 2, LinearMatrix = array2D [ [ -1.0; infinity ]; [ 0.0; -1.0 ] ])) [ "linear drift"; "row 0, column 1" ]

[<Fact>]
let ``kicks that do not fit`` () =
    let twins (model: Model) kick size restarts () =
        let plan = TwinPlan(1, restarts, 1.0, 0.0, 1.0, 0.5, kick, size)
        Simulation(model, Scheme.Exponential, 0.1, 1UL).Twins(plan, (fun _ -> quiet), 1, null, CancellationToken.None)

    let field = torus damped ones
    refused [ "kick: expected 16 rows"; "got 3" ] (twins field (Array.truncate 3 ones) 1.0 1)
    refused [ "kick"; "conjugate"; "real field" ] (twins field (Array.updateAt 1 Complex.ImaginaryOne ones) 1.0 1)
    refused [ "kick: expected a direction" ] (twins field (Array.zeroCreate 16) 1.0 1)
    refused [ "kick size"; "got 0" ] (twins field ones 0.0 1)
    refused [ "kick size"; "got NaN" ] (twins field ones nan 1)
    refused [ "restarts: expected at least 1, got 0" ] (twins field ones 1.0 0)
    refused [ "kick"; "real numbers"; "row 2" ] (twins oscillator [| Complex.One; Complex.One; Complex.ImaginaryOne |] 1.0 1)

[<Fact>]
let ``initial states, savers and moments that do not fit`` () =
    let plan = SamplingPlan(20, 1.0, 1.0, 0.1)

    let start =
        Simulation(oscillator, Scheme.Exponential, 0.1, 1UL, Initial = InitialState.Constant(oscillator, [| 1.0 |]))

    let startRun () =
        start.Run(plan, (fun _ -> silent), 1, null, CancellationToken.None)

    refused [ "initial state: expected 3 values"; "got 1" ] startRun

    let restart =
        Simulation(oscillator, Scheme.Exponential, 0.1, 1UL, Initial = InitialState.Copies [| new Tile(3, 0) |])

    let restartRun () =
        restart.Run(plan, (fun _ -> silent), 1, null, CancellationToken.None)

    refused [ "index 1"; "got index 0" ] restartRun
    refused [ "saved members: expected 1 to 20, got 21" ] (fun () -> Saver<float>(oscillator, plan, Nullable 21) |> ignore)
    refused [ "thinning" ] (fun () -> Saver<float>(oscillator, plan, thin = 0L) |> ignore)
    refused [ "saved spectra" ] (fun () -> Saver<float>(oscillator, plan, form = SavedForm.Spectra) |> ignore)
    let long = SamplingPlan(1000000, 0.0, 1e6, 0.1)
    refused [ "saved states: expected at most"; "thin" ] (fun () -> Saver<float>(oscillator, long) |> ignore)
    refused [ "moments: expected scalar unknowns" ] (fun () -> Moments(torus damped ones, plan) |> ignore)
    refused [ "mode power: expected a field" ] (fun () -> ModePower(oscillator, plan) |> ignore)
    refused [ "moments: expected a finished run" ] (fun () -> Moments(oscillator, plan).Mean |> ignore)
    refused [ "mode power: expected a finished run" ] (fun () -> ModePower(torus damped ones, plan).Power |> ignore)
    refused [ "linear law: expected a model on a torus" ] (fun () -> LinearLaw.StationaryPower oscillator |> ignore)
    refused [ "linear law: expected a model of scalar unknowns" ] (fun () -> LinearLaw.StationaryCovariance(torus damped ones) |> ignore)

/// N = c (x, y)ᵀ³ and rate · y besides, which L does not know of.
type private Hidden(rate: float) =
    let apply (u: LaneArray) (f: LaneArray) =
        for lane in 0..7 do
            f[0, lane] <- -(u[0, lane] ** 3.0)
            f[1, lane] <- rate * u[1, lane] - u[1, lane] ** 3.0

    interface ITileMap with
        member _.Apply(state, _, result) =
            apply state.A result.A
            apply state.B result.B

        member _.Dispose() = ()

[<Fact>]
let ``a nonlinear model is refused where the step amplifies what the linear part damps and nothing else acts on`` () =
    let model growth rate hidden =
        Model(
            Rows = 2,
            LinearMatrix = array2D [ [ growth; 0.0 ]; [ 0.0; rate ] ],
            NoiseMatrix = array2D [ [ 1.0 ]; [ 1.0 ] ],
            Nonlinear = (fun () -> new Hidden(hidden) :> ITileMap)
        )

    for scheme in
        [
            Scheme.EulerMaruyama
            Scheme.Heun
            Scheme.RungeKutta4
            Scheme.WeakSecondOrder
        ] do
        refused [ "step:"; "damps the eigenvalue -50"; "Take 0.0"; "exponentialRungeKutta4" ] (fun () -> make (model 1.0 -50.0 0.0) scheme 0.1)
        // The rest of the drift takes most of the rate away again.
        make (model 1.0 -50.0 49.0) scheme 0.1
        make (model 1.0 -5.0 0.0) scheme 0.1

    make (model 1.0 -50.0 0.0) Scheme.ExponentialRungeKutta4 0.1

[<Fact>]
let ``blow-up says which step the linear part allows`` () =
    let explode rate hidden (parts: string list) =
        let model =
            Model(Rows = 2, LinearMatrix = array2D [ [ -1.0; 0.0 ]; [ 0.0; rate ] ], Nonlinear = (fun () -> new Hidden(hidden) :> ITileMap))

        let simulation =
            Simulation(model, Scheme.EulerMaruyama, 0.1, 1UL, Initial = InitialState.Constant(model, [| 0.1; 30.0 |]))

        refused parts (fun () -> simulation.Run(SamplingPlan(16, 1.0, 1.0, 0.5), (fun _ -> silent), 1, null, CancellationToken.None))

    explode -5.0 0.0 [ "member 0"; "For the linear part alone steps up to 0.4 are stable" ]
    explode -50.0 49.0 [ "The linear part needs a step below 0.04" ]

type private Nothing() =
    interface IPairMap with
        member _.Apply(_, _, _, result) =
            result.A.Span.Clear()
            result.B.Span.Clear()

        member _.Dispose() = ()

[<Fact>]
let ``multiplicative noise that does not fit`` () =
    let map = Func<IPairMap>(fun () -> new Nothing() :> IPairMap)
    let linear = array2D [ [ -1.0; 0.0 ]; [ 0.0; -1.0 ] ]

    let code =
        PointwiseProgram(3, [| PointwiseInstruction(PointwiseCode.Load, 2, 0, 0.0) |], [| 0 |])

    refused [ "at least one white noise" ] (fun () -> make (Model(Rows = 2, LinearMatrix = linear, Multiplicative = map)) Scheme.Heun 0.1)

    refused [ "4 inputs and 2 outputs"; "got 3 and 1" ] (fun () ->
        make (Model(Rows = 2, LinearMatrix = linear, ScalarNoise = code, MultiplicativeRows = 2)) Scheme.Heun 0.1)

    refused [ "columns commute"; "weak second order" ] (fun () ->
        make (Model(Rows = 2, LinearMatrix = linear, Multiplicative = map, MultiplicativeRows = 2)) Scheme.Milstein 0.1)

    let field =
        Model(Rows = 16, Grid = grid, LinearSymbol = damped, Multiplicative = map, MultiplicativeRows = 16)

    refused [ "one white noise a site"; "Euler–Maruyama" ] (fun () -> make field Scheme.WeakSecondOrder 0.1)
    refused [ "columns commute"; "Euler–Maruyama" ] (fun () -> make field Scheme.Milstein 0.1)

[<Fact>]
let ``unknowns side by side that do not fit`` () =
    let segments = [|
        Segment("psi", grid, Representation.Modes, 0)
        Segment("p", null, Representation.Number, 16)
    |]

    let model rows symbol =
        Model(Rows = rows, Segments = segments, LinearSymbol = symbol)

    let rates = Array.append damped [| Complex(-1.0, 0.0) |]
    make (model 17 rates) Scheme.Heun 0.1
    refused [ "expected 17 modes"; "got 18" ] (fun () -> make (model 18 rates) Scheme.Heun 0.1)
    refused [ "expected 17 entries, one a row"; "got 16" ] (fun () -> make (model 17 damped) Scheme.Heun 0.1)
    refused [ "real numbers"; "-1 + 1i at p" ] (fun () -> make (model 17 (Array.updateAt 16 (Complex(-1.0, 1.0)) rates)) Scheme.Heun 0.1)
    refused [ "psi mode (0, 1)"; "Nyquist" ] (fun () -> make (model 17 (Array.updateAt 1 (Complex(-1.0, 1.0)) rates)) Scheme.Heun 0.1)
    let apart = [| segments[0]; Segment("p", null, Representation.Number, 17) |]
    refused [ "p to begin at row 16"; "got row 17" ] (fun () -> make (Model(Rows = 17, Segments = apart)) Scheme.Heun 0.1)
