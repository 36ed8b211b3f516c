namespace Leith

open Leith.Core

/// A small push at time zero.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Perturbation =
    /// One site of a field is pushed by one unit; the site's index along each axis.
    | Kick of Field * site: int list
    /// Each of these unknowns or components in turn is pushed by one unit: one column of the response for each.
    | Push of Field list

    /// The perturbation as text.
    member perturbation.Text =
        match perturbation with
        | Perturbation.Kick(u, site) ->
            let index = site |> List.map string |> String.concat ", "
            $"{u} at ({index})"
        | Perturbation.Push fields -> fields |> List.map string |> String.concat ", then "

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
