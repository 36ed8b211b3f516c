namespace Leith

open System
open System.Collections.Generic
open System.Numerics
open Leith.Core

/// Where unknowns stand in the rows of a state.
[<RequireQualifiedAccess>]
module internal Rows =
    let private boxOf unknown =
        match unknown with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) ->
            match domain with
            | Domain.Torus(lengths, points) -> Some((lengths, points), Representation.Modes)
            | Domain.Lattice(lengths, points)
            | Domain.Modes(lengths, points) -> Some((lengths, points), Representation.Sites)
            | _ -> None
        | _ -> None

    /// One segment an unknown, in order. `grid` gives one object for equal boxes.
    let segments (grid: float list * int list -> Grid) (unknowns: Field list) : Segment list =
        let place (first, found) unknown =
            let segment =
                match boxOf unknown with
                | Some(box, representation) -> Segment(string unknown, grid box, representation, first)
                | None -> Segment(string unknown, null, Representation.Number, first)

            segment.End, segment :: found

        unknowns |> List.fold place (0, []) |> snd |> List.rev

/// How often a term multiplies fields at a site: what decides which modes a product may alias onto.
[<RequireQualifiedAccess>]
module internal Aliasing =
    /// (whether a field of a torus stands in it, whether a coordinate does), means left out.
    let rec private stands (field: Field) =
        match field with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) -> domain <> Domain.Scalar, false
        | Field.Waves _ -> true, false
        | Field.Coordinate _ -> false, true
        | Field.Mean _ -> false, false
        | _ ->
            Field.children field
            |> List.map stands
            |> List.fold (fun (a, b) (c, d) -> a || c, b || d) (false, false)

    /// How many fields the products of an expression multiply, a function of the place counting as one; infinite inside functions and denominators.
    let rec degree (field: Field) : float =
        match stands field, field with
        | (false, place), _ -> if place then 1.0 else 0.0
        | _, Field.Sum terms -> terms |> List.map degree |> List.fold max 0.0
        | _, Field.Product factors -> factors |> List.sumBy degree
        | _, Field.Quotient(_, b) when fst (stands b) -> infinity
        | _, Field.Quotient(a, b) -> degree a + degree b
        | _, Field.Power(a, p) when p >= 0.0 && p = Math.Round p -> p * degree a
        | _, (Field.Power _ | Field.Apply _ | Field.Displaced _ | Field.Flow _) -> infinity
        | _, (Field.Lap a | Field.Derivative(_, a) | Field.Spectral(_, _, a)) -> degree a
        | _ -> 1.0

    /// 1 on the modes |n| < N/(p + 1) along every axis, whose products of degree p alias onto none of them; 0 elsewhere.
    let mask (grid: Grid) (degree: int) =
        Array.init grid.Sites (fun mode ->
            let index = grid.Unravel mode

            if
                index
                |> Array.indexed
                |> Array.forall (fun (axis, i) -> (degree + 1) * abs (grid.WaveIndex(axis, i)) < grid.Points[axis])
            then
                Complex.One
            else
                Complex.Zero)

/// What becomes of the aliases of products on tori.
[<RequireQualifiedAccess>]
type internal Aliases =
    /// No product of fields.
    | Absent
    /// The system has the modes |n| < N/(degree + 1).
    | Removed of degree: int
    | Left
    /// Left in, since a function, a quotient or a power of a field has no degree.
    | Unbounded
    /// Left in, since noise that depends on the state is a product at each site.
    | Noisy

/// What is asked of a program: a field, where its values go, and whether as a spectrum.
type internal Wanted = {
    Name: string
    Field: Field
    /// None for a number.
    Place: Domain option
    Spectral: bool
}
