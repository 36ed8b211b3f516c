namespace Leith

open Leith.Core

/// A small push at time zero.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Perturbation =
    /// One site of a field is pushed by one unit; the site's index along each axis.
    | Kick of Field * site: int list
    /// Each of these unknowns or components in turn is pushed by one unit: one column of the response for each.
    | Push of Field list
    /// Each of these unknowns is pushed along its component of a vector field g of the state: du = ε g(u).
    | Along of (Field * Field) list
    /// A parameter of the drift or of the noise is changed by one unit.
    | Parameter of Field
    /// All noise is multiplied by 1 + ε.
    | NoiseAmplitude
    /// A push with its course in time.
    | InTime of Perturbation * Forcing

    /// The perturbation as text.
    member perturbation.Text =
        match perturbation with
        | Perturbation.Kick(u, site) ->
            let index = site |> List.map string |> String.concat ", "
            $"{u} at ({index})"
        | Perturbation.Push fields -> fields |> List.map string |> String.concat ", then "
        | Perturbation.Along parts -> parts |> List.map (fun (u, g) -> $"{u} along {g}") |> String.concat ", "
        | Perturbation.Parameter parameter -> string parameter
        | Perturbation.NoiseAmplitude -> "amplitude of the noise"
        | Perturbation.InTime(push, forcing) -> $"{push.Text}, {forcing.Text}"

    override perturbation.ToString() = perturbation.Text

/// The words of perturbations.
[<AutoOpen>]
module PerturbWords =
    /// A site of a one-, two- or three-dimensional torus: `site [ 3 ]`.
    let site (index: int list) = index
    /// A site of a two-dimensional torus.
    let pixel (i: int) (j: int) = [ i; j ]

    /// One site of a field pushed by one unit: `kick u (pixel 0 0)`; on a ring `kick u (site [ 0 ])`. Indices wrap around.
    let kick (u: Field) (place: int list) =
        match u with
        | Field.Unknown(_, (Domain.Torus(_, points) | Domain.Lattice(_, points))) when points.Length = place.Length ->
            Perturbation.Kick(u, List.map2 (fun i n -> ((i % n) + n) % n) place points)
        | Field.Unknown(_, (Domain.Torus(_, points) | Domain.Lattice(_, points))) ->
            raise (
                LeithException
                    $"kick: expected {points.Length} indices for the torus of {u}, got {place.Length}; write `site [ … ]` or, in two dimensions, `pixel i j`."
            )
        | Field.Unknown(_, Domain.Modes _) ->
            raise (LeithException $"kick: expected a field on a torus or a lattice, got {u}, numbers on modes; kick the field that they drive.")
        | Field.Unknown _ -> raise (LeithException $"kick: expected a field on a torus, got {u}, which has no sites; write `push {u}`.")
        | _ -> raise (LeithException $"kick: expected an unknown field, got {u}; kick an unknown and observe the expression.")

    /// Each of these in turn pushed by one unit: `pushEach [ x; y; z ]`, `pushEach (everyColumn sst)`; the response is a matrix at each lag.
    let pushEach (unknowns: Field list) =
        if List.isEmpty unknowns then
            raise (LeithException "pushEach: expected at least one unknown, got an empty list.")

        for u in unknowns do
            match u with
            | Field.Unknown(_, (Domain.Torus _ | Domain.Lattice _)) ->
                raise (LeithException $"pushEach: expected scalar unknowns or columns, got the field {u}; write `kick {u} (pixel 0 0)`.")
            | Field.Unknown(_, Domain.Modes _) ->
                raise (LeithException $"pushEach: expected scalar unknowns or columns, got {u}, numbers on modes; kick the field that they drive.")
            | Field.Unknown _ -> ()
            | _ -> raise (LeithException $"pushEach: expected unknowns, got {u}; push an unknown and observe the expression.")

        Perturbation.Push unknowns

    /// A scalar unknown or a column of a recording pushed by one unit: `push x`, `push (column sst 11)`.
    let push (u: Field) = pushEach [ u ]

    /// A push along a vector field of the state, du = ε g(u), in the unknowns that are named: `pushAlong [ on x (square x); on y (-x) ]`;
    /// of a field any pattern, `pushAlong [ on u (cos (coordinate 0)) ]`.
    let pushAlong (parts: (Field * Field) list) =
        if List.isEmpty parts then
            raise (
                LeithException "pushAlong: expected at least one unknown with its component, got an empty list; write pushAlong [ on x (square x) ]."
            )

        for u, g in parts do
            if not u.IsUnknown then
                raise (LeithException $"pushAlong: expected unknowns on the left, got {u}; write pushAlong [ on x ({u}) ].")

            if g = Field.Number 0.0 then
                raise (LeithException $"pushAlong: expected a push that moves {u}, got 0; leave {u} out.")

            match Field.whiteNoises g with
            | noise :: _ -> raise (LeithException $"pushAlong: expected a field of the state, got the noise {noise} in {g}; leave it out.")
            | [] when Field.dependsOnTime g ->
                raise (
                    LeithException
                        $"pushAlong: expected a field of the state, got {g}, which depends on the time t; write pushAlong [ on {u} … ] |> inTime (following …)."
                )
            | [] -> ()

        match parts |> List.countBy fst |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(u, count) -> raise (LeithException $"pushAlong: expected one component for {u}, got {count}; add them up.")
        | None -> Perturbation.Along parts

    /// A change of a parameter of the drift or of the noise, du = ε ∂F/∂α, from t = 0 on: `perturbParameter alpha`.
    let perturbParameter (parameter: Field) =
        match parameter with
        | Field.Parameter _ -> Perturbation.Parameter parameter
        | other ->
            raise (
                LeithException $"perturbParameter: expected a parameter, got {other}; make it with `parameter \"α\" 16.0` and use that in the system."
            )

    /// All noise multiplied by 1 + ε from t = 0 on.
    let perturbNoise = Perturbation.NoiseAmplitude

    /// How a push goes on in time: `push x |> inTime (ramp 2.0)`.
    let inTime (forcing: Forcing) (push: Perturbation) =
        match push with
        | Perturbation.InTime(_, other) ->
            raise (LeithException $"inTime: expected a push without a course in time, got one that goes on {other}; leave one of them out.")
        | _ -> Perturbation.InTime(push, forcing)
