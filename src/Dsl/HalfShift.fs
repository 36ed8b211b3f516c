namespace Leith

open Leith.Core

/// Nonlinear maps on half-shifted grids.
[<AutoOpen>]
module HalfShiftWords =
    let private boxOf (u: Field) =
        Field.unknowns u
        |> List.tryPick (fun unknown ->
            match unknown with
            | Field.Unknown(_, (Domain.Torus(lengths, points) | Domain.Lattice(lengths, points))) -> Some(lengths, points)
            | _ -> None)

    /// e^{i k·s h/2}, the translation by half a cell along some axes, either way.
    let private translation (sign: float) (shift: int list) (lengths: float list) (points: int list) =
        let half axis =
            sign * float shift[axis] * lengths[axis] / (2.0 * float points[axis])

        shift
        |> List.indexed
        |> List.filter (fun (_, steps) -> steps <> 0)
        |> List.map (fun (axis, _) -> half axis * Symbol.Component axis)
        |> List.reduce (fun a b -> a + b)
        |> fun phase -> exp (Symbol.Imaginary * phase)

    /// T⁻¹ g(T u), T the translation by half a cell along the axes of `shift` (1, or 0 for an axis that stays): `halfShifted [ 1; 0 ] cube u` is u³ with the aliases along x of the
    /// other sign. A half shift has no value at the Nyquist wavenumbers of its axes; there it is 0.
    let halfShifted (shift: int list) (g: Field -> Field) (u: Field) : Field =
        let got = shift |> List.map string |> String.concat "; "

        match boxOf u with
        | None -> raise (LeithException $"halfShifted: expected a field on a ring, torus, rectangle, box or lattice, got {u}.")
        | Some(lengths, _) when shift.Length <> lengths.Length || shift |> List.exists (fun steps -> steps <> 0 && steps <> 1) ->
            raise (LeithException $"halfShifted: expected 0 or 1 for each of {lengths.Length} axes, got [ {got} ].")
        | Some _ when shift |> List.forall ((=) 0) -> g u
        | Some(lengths, points) ->
            let axes =
                shift
                |> List.mapi (fun axis steps -> if steps = 0 then "" else Typography.axis axis)
                |> String.concat ""

            let there = Field.Spectral("T" + axes, translation 1.0 shift lengths points, u)
            Field.Spectral("T" + axes + "⁻¹", translation -1.0 shift lengths points, g there)

    /// T⁻¹ g(T u) for every combination of half shifts, none included: `libraryOf (u :: halfShifts cube u)`. Their mean is g(u) freed of aliases.
    let halfShifts (g: Field -> Field) (u: Field) : Field list =
        let axes =
            match boxOf u with
            | Some(lengths, _) -> lengths.Length
            | None -> raise (LeithException $"halfShifts: expected a field on a ring, torus, rectangle, box or lattice, got {u}.")

        [ 0 .. (1 <<< axes) - 1 ]
        |> List.map (fun bits -> List.init axes (fun axis -> (bits >>> axis) &&& 1))
        |> List.map (fun shift -> halfShifted shift g u)
