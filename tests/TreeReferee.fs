/// The referee of the symbolic tree: its value by the definitions alone, slowly and without any code that it judges.
module Leith.Tests.TreeReferee

open System
open System.Numerics
open Leith
open Leith.Core

/// The grid of a domain, none for numbers.
let gridOf domain =
    match domain with
    | Domain.Torus(lengths, points)
    | Domain.Lattice(lengths, points)
    | Domain.Modes(lengths, points) -> Some(Grid(points, lengths))
    | _ -> None

/// The number of values of a domain, 1 for numbers.
let sitesOf domain =
    match gridOf domain with
    | Some grid -> grid.Sites
    | None -> 1

/// The domain of an unknown or a white noise.
let domainOf field =
    match field with
    | Field.Unknown(_, domain)
    | Field.WhiteNoise(_, domain) -> domain
    | other -> invalidArg "field" $"{other} is no unknown"

let private positions (grid: Grid) =
    Array.init grid.Sites (fun site ->
        grid.Unravel site
        |> Array.mapi (fun axis i -> float i * grid.Lengths[axis] / float grid.Points[axis]))

let private dot (k: float[]) (x: float[]) =
    Array.fold2 (fun total a b -> total + a * b) 0.0 k x

/// Re Σ_k c_k e^{ik·x} at every site.
let private synthesis (grid: Grid) (coefficients: Complex[]) =
    let k = grid.Wavevectors()

    positions grid
    |> Array.map (fun x -> Array.fold2 (fun total (c: Complex) k -> total + (c * Complex.FromPolarCoordinates(1.0, dot k x)).Real) 0.0 coefficients k)

/// S applied by the discrete Fourier sum: û_k = N⁻¹ Σ_x u(x) e^{−ik·x}, then Σ_k S(k) û_k e^{ik·x}; a Nyquist wavenumber stands for both its signs.
let multiply (grid: Grid) name (symbol: Symbol) (u: float[]) =
    let x = positions grid

    let spectrum =
        grid.Wavevectors()
        |> Array.map (fun k ->
            Array.fold2 (fun (total: Complex) (value: float) x -> total + Complex.FromPolarCoordinates(value, -(dot k x))) Complex.Zero u x
            / Complex(float grid.Sites, 0.0))

    synthesis grid (Array.map2 (fun (s: Complex) c -> s * c) (Symbol.onGrid name grid symbol) spectrum)

/// Σ_k û_k Π_axis e^{ik(x + d(x))} at every site, the factor of a Nyquist wavenumber cos kx.
let displacedBy (grid: Grid) (displacement: float[] list) (u: float[]) =
    let x, k = positions grid, grid.Wavevectors()

    let spectrum =
        k
        |> Array.map (fun k ->
            Array.fold2 (fun (total: Complex) (value: float) x -> total + Complex.FromPolarCoordinates(value, -(dot k x))) Complex.Zero u x
            / Complex(float grid.Sites, 0.0))

    Array.init grid.Sites (fun site ->
        let factor mode axis =
            if grid.IsNyquist(mode, axis) then
                Complex(cos (k[mode][axis] * x[site][axis]), 0.0)
            else
                Complex.FromPolarCoordinates(1.0, k[mode][axis] * (x[site][axis] + displacement[axis][site]))

        spectrum
        |> Array.mapi (fun mode c -> Seq.init grid.Dimensions (factor mode) |> Seq.fold (fun (a: Complex) b -> a * b) c |> _.Real)
        |> Array.sum)

/// u(x + steps) at every site, periodic.
let shifted (grid: Grid) (steps: int list) (u: float[]) =
    Array.init grid.Sites (fun site ->
        let index =
            List.map2 (fun i step -> i + step) (List.ofArray (grid.Unravel site)) steps

        u[grid.Ravel(ReadOnlySpan(Array.ofList index))])

let private spacing (grid: Grid) axis =
    grid.Lengths[axis] / float grid.Points[axis]

let private alongAxis (grid: Grid) axis step =
    List.init grid.Dimensions (fun other -> if other = axis then step else 0)

/// The sum over the axes of (u(x + dx) − 2 u(x) + u(x − dx))/dx².
let latticeLaplacian (grid: Grid) (u: float[]) =
    List.init grid.Dimensions (fun axis ->
        let forward, backward =
            shifted grid (alongAxis grid axis 1) u, shifted grid (alongAxis grid axis -1) u

        Array.mapi (fun i value -> (forward[i] - 2.0 * value + backward[i]) / spacing grid axis ** 2.0) u)
    |> List.reduce (Array.map2 (+))

/// (u(x + dx) − u(x − dx))/(2 dx).
let latticeDerivative (grid: Grid) axis (u: float[]) =
    let forward, backward =
        shifted grid (alongAxis grid axis 1) u, shifted grid (alongAxis grid axis -1) u

    Array.map2 (fun a b -> (a - b) / (2.0 * spacing grid axis)) forward backward

let private elementary f (x: float) =
    match f with
    | Elementary.Sin -> Math.Sin x
    | Elementary.Cos -> Math.Cos x
    | Elementary.Exp -> Math.Exp x
    | Elementary.Log -> Math.Log x
    | Elementary.Sqrt -> Math.Sqrt x
    | Elementary.Tanh -> Math.Tanh x
    | Elementary.Abs -> Math.Abs x
    | Elementary.Step -> if x > 0.0 then 1.0 else 0.0

/// A number stands for that number at every site.
let private pointwise (op: float -> float -> float) (a: float[]) (b: float[]) =
    match a.Length, b.Length with
    | n, m when n = m -> Array.map2 op a b
    | 1, _ -> Array.map (op a[0]) b
    | _, 1 -> Array.map (fun x -> op x b[0]) a
    | n, m -> failwith $"values at {n} and at {m} sites in one expression"

/// The values of a field that lives on `here`, for coordinates without a field beside them; unknowns and white noises are looked up in the state.
let rec evaluateOn (here: Domain option) (state: Field -> float[]) (time: float) (field: Field) : float[] =
    let value = evaluateOn here state time

    let onItsGrid torus lattice a =
        let spread (grid: Grid) =
            match value a with
            | [| c |] -> Array.create grid.Sites c
            | values -> values

        match Field.place a |> Option.orElse here with
        | Some(Domain.Torus(lengths, points)) -> Grid(points, lengths) |> fun grid -> torus grid (spread grid)
        | Some(Domain.Lattice(lengths, points)) -> Grid(points, lengths) |> fun grid -> lattice grid (spread grid)
        | _ -> failwith $"{field} has no grid"

    match field with
    | Field.Statistic _ -> failwith $"{field} is an observable only"
    | Field.Number c
    | Field.Parameter(_, c) -> [| c |]
    | Field.Time -> [| time |]
    | Field.Unknown _
    | Field.WhiteNoise _ -> state field
    | Field.Coordinate axis ->
        match here |> Option.bind gridOf with
        | Some grid -> positions grid |> Array.map (fun x -> x[axis])
        | None -> failwith "a coordinate has no grid"
    | Field.Sum terms -> terms |> List.map value |> List.reduce (pointwise (+))
    | Field.Product factors -> factors |> List.map value |> List.reduce (pointwise (*))
    | Field.Quotient(a, b) -> pointwise (/) (value a) (value b)
    | Field.Power(a, p) -> value a |> Array.map (fun x -> Math.Pow(x, p))
    | Field.Apply(f, a) -> value a |> Array.map (elementary f)
    | Field.Lap a -> onItsGrid (fun grid -> multiply grid "Δ" -Symbol.Squared) latticeLaplacian a
    | Field.Derivative(axis, a) ->
        onItsGrid (fun grid -> multiply grid "∂" (Symbol.Imaginary * Symbol.Component axis)) (fun grid -> latticeDerivative grid axis) a
    | Field.Spectral(name, symbol, a) -> onItsGrid (fun grid -> multiply grid name symbol) (fun grid -> multiply grid name symbol) a
    | Field.Mean a -> [|
        evaluateOn (Field.place a |> Option.orElse here) state time a |> Array.average
      |]
    | Field.Neighbour(steps, a) -> onItsGrid (fun grid -> shifted grid steps) (fun grid -> shifted grid steps) a
    | Field.Displaced(displacement, a) ->
        let moved (grid: Grid) values =
            let ds =
                displacement
                |> List.map (fun d ->
                    match evaluateOn (Field.place a |> Option.orElse here) state time d with
                    | [| c |] -> Array.create grid.Sites c
                    | ds -> ds)

            displacedBy grid ds values

        onItsGrid moved moved a
    | Field.Flow(duration, steps, rates, start, index) ->
        let h = duration / float steps

        let plus h =
            List.map2 (Array.map2 (fun w k -> w + h * k))

        let rate at (w: float[] list) =
            let bound = List.map2 (fun (v, _) values -> v, values) rates w |> Map.ofList
            rates |> List.map (fun (v, f) -> valuesOn (domainOf v) (fun v -> bound[v]) at f)

        let step w at =
            let k1 = rate at w
            let k2 = rate (at + h / 2.0) (plus (h / 2.0) w k1)
            let k3 = rate (at + h / 2.0) (plus (h / 2.0) w k2)
            let k4 = rate (at + h) (plus h w k3)
            plus (h / 6.0) (plus (h / 3.0) (plus (h / 3.0) (plus (h / 6.0) w k1) k2) k3) k4

        List.init steps (fun i -> time + float i * h)
        |> List.fold step (List.map2 (fun (v, _) a -> valuesOn (domainOf v) state time a) rates start)
        |> List.item index
    | Field.Waves(amplitude, phases) ->
        match Field.place phases |> Option.bind gridOf with
        | Some grid ->
            let waves =
                Array.map2
                    (fun (a: Complex) phase -> a * Complex.FromPolarCoordinates(1.0, phase))
                    (Symbol.onGrid "amplitude" grid amplitude)
                    (evaluateOn (Field.place phases) state time phases)

            synthesis grid waves
        | None -> failwith $"{phases} is not on modes"

/// The values of a field at the sites of a domain, a number repeated at each.
and valuesOn (domain: Domain) (state: Field -> float[]) (time: float) (field: Field) : float[] =
    match evaluateOn (gridOf domain |> Option.map (fun _ -> domain)) state time field with
    | [| c |] -> Array.create (sitesOf domain) c
    | values -> values

/// The values of a field, [site], or [1] for a number; the state gives the values of unknowns and white noises in the same shape.
let evaluate (state: Field -> float[]) (time: float) (field: Field) : float[] =
    evaluateOn (Field.place field) state time field
