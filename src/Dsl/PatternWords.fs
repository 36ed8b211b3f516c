namespace Leith

open System
open Leith.Core

/// Patterns to push a field along, and numbers to observe of it: `perturb (pushAlong [ on u (fourierMode u [ 1; 0 ]) ])`, `observe [ regionMean (bump u [ 1.0; 2.0 ] 0.3) u ]`.
[<AutoOpen>]
module PatternWords =
    let private box word (u: Field) =
        match u with
        | Field.Unknown(_, (Domain.Torus(lengths, points) | Domain.Lattice(lengths, points))) -> lengths, points
        | _ -> raise (LeithException $"{word}: expected an unknown field on a ring, torus, rectangle, box or lattice, whose sides it needs, got {u}.")

    let private demandAxes word (u: Field) (wanted: int) (given: int) =
        if wanted <> given then
            raise (LeithException $"{word}: expected {wanted} numbers, one for each axis of {u}, got {given}.")

    /// cos(Σ 2π n_i x_i/L_i) on the box of a field: `fourierMode u [ 2; 0 ]`.
    let fourierMode (u: Field) (n: int list) =
        let lengths, points = box "fourierMode" u
        demandAxes "fourierMode" u lengths.Length n.Length

        for axis, (wave, count) in List.indexed (List.zip n points) do
            if abs wave > count / 2 then
                raise (LeithException $"fourierMode: expected at most {count / 2} waves along axis {axis}, which has {count} points, got {wave}.")

        let phase =
            List.zip n lengths
            |> List.indexed
            |> List.filter (fun (_, (wave, _)) -> wave <> 0)
            |> List.map (fun (axis, (wave, length)) -> 2.0 * Math.PI * float wave / length * Field.Coordinate axis)

        match phase with
        | [] -> Field.Number 1.0
        | phase -> Field.Apply(Elementary.Cos, List.reduce (fun a b -> a + b) phase)

    /// A periodic bump of height 1: exp(Σ (cos(2π (x_i − c_i)/L_i) − 1) (L_i/2πw)²), which near its centre c is the Gaussian of standard deviation w.
    let bump (u: Field) (centre: float list) (width: float) =
        let lengths, _ = box "bump" u
        demandAxes "bump" u lengths.Length centre.Length

        if not (Double.IsFinite width && width > 0.0) then
            raise (LeithException $"bump: expected a positive width, got {width}.")

        let along axis (c: float, length: float) =
            let k = 2.0 * Math.PI / length
            (Field.Apply(Elementary.Cos, k * (Field.Coordinate axis - c)) - 1.0) / ((k * width) ** 2.0)

        Field.Apply(Elementary.Exp, List.zip centre lengths |> List.mapi along |> List.reduce (fun a b -> a + b))

    /// 1 between two values along each axis, the first one included, 0 elsewhere: `regionOf [ 0.0, 1.0; 2.0, 3.0 ]`.
    let regionOf (sides: (float * float) list) =
        if sides.IsEmpty then
            raise (LeithException "regionOf: expected one pair of values for each axis, got none; write regionOf [ 0.0, 1.0 ].")

        let step a = Field.Apply(Elementary.Step, a)

        for low, high in sides do
            if not (high > low) then
                raise (LeithException $"regionOf: expected sides from low to high, got {low} to {high}.")

        // sites a rounding away from a side count as on it
        sides
        |> List.mapi (fun axis (low, high) -> step (Field.Coordinate axis - (low - 1e-9)) * step (high - 1e-9 - Field.Coordinate axis))
        |> List.reduce (fun a b -> a * b)

    /// Σ w a/Σ w over the sites for weights w of the place: `regionMean (regionOf [ 0.0, 1.0 ]) (square u)`.
    let regionMean (weight: Field) (a: Field) =
        match Field.unknowns a with
        | [] -> raise (LeithException $"regionMean: expected an expression of a field, got {a}.")
        | _ when not (Field.unknowns weight).IsEmpty ->
            raise (LeithException $"regionMean: expected weights of the place alone, got {weight}; write mean ({weight * a}).")
        | u :: _ ->
            let grid =
                Lower.gridOf u
                |> Option.defaultWith (fun () ->
                    box "regionMean" u |> ignore
                    Grid([ 1 ], [ 1.0 ]))

            let share = FieldFunctionals.atSites "regionMean" grid weight |> Array.average

            if not (abs share > 0.0) then
                raise (LeithException $"regionMean: expected weights that are not 0 everywhere on the grid of {u}, got {weight}.")

            Field.Mean(weight / share * a)

    /// Variance of the modes with (n − ½) Δk < |k| ≤ (n + ½) Δk, Δk the smallest wavenumber: Σ_n of these is ⟨u²⟩. `shellVariance u 3`.
    let shellVariance (u: Field) (n: int) =
        let lengths, _ = box "shellVariance" u

        if n < 0 then
            raise (LeithException $"shellVariance: expected a shell from 0 on, got {n}.")

        let width = 2.0 * Math.PI / List.max lengths
        let disc (m: float) = Symbol.Disc((m * width) ** 2.0)

        let shell =
            if n = 0 then
                disc 0.5
            else
                disc (float n + 0.5) - disc (float n - 0.5)

        Field.Mean(Field.Pow(Field.Spectral($"shell {n}", shell, u), 2))
