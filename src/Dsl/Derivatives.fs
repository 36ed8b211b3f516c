namespace Leith

open Leith.Core
open Leith.Calculus
open Leith.Paths

/// Derivatives of the tree as trees: a push forward (the tangent operator F′(u) v), a pull back (F′(u)ᵀ w), a gradient, a Jacobian matrix, a divergence. None of them approximates.
[<RequireQualifiedAccess>]
module Derivatives =
    let rec private push (directions: (Field * Field) list) (f: Field) : Field =
        let moves a =
            directions |> List.exists (fun (u, v) -> v <> zero && contains u a)

        match f with
        | f when not (moves f) -> zero
        | Field.Unknown _
        | Field.WhiteNoise _ -> directions |> List.find (fun (u, _) -> u = f) |> snd
        | Field.Waves _ -> refuseWaves "tangent" f
        | Field.Flow(duration, steps, rates, start, index) ->
            // the Runge–Kutta steps of (w, δw) are the derivative of those of w
            let hats =
                rates
                |> List.map (fun (w, _) ->
                    match w with
                    | Field.Unknown(name, domain) -> Field.Unknown("δ" + name, domain)
                    | other -> other)

            let along = List.map2 (fun (w, _) hat -> w, hat) rates hats
            let tangents = List.map2 (fun (_, f) hat -> hat, push along f |> tidy) rates hats
            Field.Flow(duration, steps, rates @ tangents, start @ (start |> List.map (push directions)), rates.Length + index)
        | Field.Displaced(displacement, a) ->
            // δ u(X) = δu (X) + Σ_axis ∂u(X) δd
            let read field =
                if field = zero || isNumber field then
                    field
                else
                    Field.Displaced(displacement, field)

            let along axis d =
                if moves d then
                    read (apply (LinearOperator.Partial axis) a) * push directions d
                else
                    zero

            read (push directions a) + (displacement |> List.mapi along |> total)
        | Field.Quotient(a, b) when moves a && moves b -> (push directions a * b - a * push directions b) / Field.Pow(b, 2)
        | Field.Quotient(a, b) when moves a -> push directions a / b
        | _ ->
            match asOperator f with
            | Some(LinearOperator.Average, a) -> push directions a |> onGridOf (anchor a) |> apply LinearOperator.Average
            | Some(op, a) -> apply op (push directions a)
            | None ->
                partials f
                |> List.filter (snd >> moves)
                |> List.map (fun (slope, a) -> slope * push directions a)
                |> total

    /// D F(u)[v] = lim (F(u + ε v) − F(u))/ε, v the directions (u, v) of the unknowns; unknowns without one stand still. The tangent operator of the drift F.
    /// Raises LeithException where the phases of random waves have a direction.
    let tangent (directions: (Field * Field) list) (f: Field) : Field = push directions f |> tidy

    let private sitesAt leaf =
        Field.place leaf |> Option.map sites |> Option.defaultValue 1 |> float

    let private meanAt leaf w =
        w |> onGridOf (Some leaf) |> apply LinearOperator.Average

    /// Σ_x w(x) ∂f(x)/∂u for an f that lives where the field `here` does, a tree that lives where u does.
    let rec internal pull (here: Field option) (u: Field) (w: Field) (f: Field) : Field =
        match f, here with
        | _ when w = zero || not (contains u f) -> zero
        | Field.Mean a, _ when isNumber a -> pull here u w a
        | Field.Mean a, _ ->
            match anchor a, here with
            | None, _ ->
                raise (
                    LeithException $"derivative: expected a field under the mean, got {f}, whose coordinates belong to no grid; multiply by a field."
                )
            | Some inner, Some outer -> pull (Some inner) u (sitesAt outer / sitesAt inner * meanAt outer w) a
            | Some inner, None -> pull (Some inner) u (1.0 / sitesAt inner * w) a
        // a number stands at every site: its weight is the sum of theirs
        | f, Some leaf when isNumber f -> pull None u (sitesAt leaf * meanAt leaf w) f
        | Field.Unknown _, _
        | Field.WhiteNoise _, _ -> w
        | Field.Waves _, _ -> refuseWaves "adjoint" f
        | (Field.Displaced _ | Field.Flow _), _ -> refuseMoved "adjoint" f
        | _ ->
            match asOperator f with
            | Some(op, a) -> pull here u (applyTransposed op w) a
            | None -> partials f |> List.map (fun (slope, a) -> pull here u (w * slope) a) |> total

    /// F′(u)ᵀ w: the tree g with Σ_x w(x) (F′(u) v)(x) = Σ_x g(x) v(x) for every v, sums over sites, or the number itself where u or F is one.
    /// A number among fields stands for itself at every site. Raises LeithException where u is the phases of random waves.
    let adjoint (unknown: Field) (weight: Field) (f: Field) : Field =
        let here = anchor f |> Option.orElse (anchor weight)

        let here =
            if here.IsNone && Field.variesWithPlace f then
                anchor unknown
            else
                here

        pull here unknown weight f |> tidy

    /// (F′(u)ᵀ w)_k = Σ_i (∂F_i/∂u_k)ᵀ w_i for a system of (u_i, F_i) and one weight an equation: one tree for each unknown.
    let adjointOf (equations: (Field * Field) list) (weights: Field list) : Field list =
        if equations.Length <> weights.Length then
            raise (LeithException $"adjoint: expected one weight for each of {equations.Length} equations, got {weights.Length}.")

        equations
        |> List.map (fun (unknown, _) -> List.map2 (fun (u, f) w -> pull (anchor u) unknown w f) equations weights |> total |> tidy)

    /// ∂A/∂u(x) for an observable A that is a number, such as mean (u²): a field where u is one.
    let gradient (unknown: Field) (observable: Field) : Field =
        if not (isNumber observable) then
            raise (
                LeithException $"gradient: expected an observable that is a number, got the field {observable}; take its mean: mean ({observable})."
            )

        pull None unknown one observable |> tidy

    /// J_ik = ∂F_i/∂x_k [equation][unknown] for numbers (x_i, F_i).
    let jacobianMatrix (equations: (Field * Field) list) : Field list list =
        for unknown, _ in equations do
            if not (isNumber unknown) then
                raise (
                    LeithException
                        $"jacobian matrix: expected unknown numbers made by `scalar`, got the field {unknown}, whose Jacobian is an operator; take the tangent along a direction."
                )

        equations |> List.map (fun (_, f) -> equations |> List.map (fun (x, _) -> tangent [ x, one ] f))

    /// A tree whose sum over the sites is the trace of a path: its parts may turn in a circle.
    let private density term domain path =
        match grouped path with
        | scale, [ Choice2Of2 ops; Choice1Of2 g; Choice2Of2 others ] -> diagonalOf domain (ops @ others) * (scale * g)
        | _ -> diagonal "divergence" term domain path

    /// d(x) with Σ_x d(x) = Σ_x ∂F(x)/∂u(x) for a right side F of the field u.
    let internal traceDensity (u: Field) (f: Field) : Field =
        let domain = Field.place u |> Option.defaultValue Domain.Scalar

        paths false u f
        |> List.map (fun (path, target) ->
            if target = u then
                density f domain path
            else
                // a number such as ⟨u²⟩ joins every site to every other: its trace is ∂F/∂number times its gradient
                walk (Some u) path one * pull None u one target)
        |> total

    /// ∇·F = Σ_i Σ_x ∂F_i(x)/∂u_i(x) for a system of (u_i, F_i): a number, N⟨·⟩ for fields on N sites.
    /// Raises LeithException where two factors that vary stand apart between linear operators, as in ∂x(u ∂x(u²)), naming the term.
    let divergence (equations: (Field * Field) list) : Field =
        equations
        |> List.map (fun (u, f) ->
            match Field.place u with
            | None -> tangent [ u, one ] f
            | Some domain ->
                let density = traceDensity u f |> tidy

                match isNumber density, anchor density with
                | false, None -> float (sites domain) * Field.Mean(density * Field.Power(u, 0.0))
                | _ -> float (sites domain) * apply LinearOperator.Average density)
        |> total
        |> tidy
