namespace Leith

open Leith.Core

/// Finite differences: derivatives of fields on a lattice as sums over neighbours.
[<RequireQualifiedAccess>]
module internal Lattice =
    let private zero = Field.Number 0.0

    let private add terms =
        terms |> List.fold (fun a b -> a + b) zero

    /// f read so many sites further along each axis, the steps carried down to the unknowns.
    let rec private shifted (steps: int list) (field: Field) : Field =
        let go = shifted steps

        match field with
        | Field.Number _
        | Field.Parameter _
        | Field.Time
        | Field.Mean _ -> field
        | Field.Unknown(_, Domain.Scalar)
        | Field.WhiteNoise(_, Domain.Scalar) -> field
        | Field.Neighbour(more, a) -> shifted (List.map2 (+) steps more) a
        | Field.Sum terms -> terms |> List.map go |> add
        | Field.Product factors -> factors |> List.map go |> List.fold (fun a b -> a * b) (Field.Number 1.0)
        | Field.Quotient(a, b) -> go a / go b
        | Field.Power(a, p) -> Field.Power(go a, p)
        | Field.Apply(f, a) -> Field.Apply(f, go a)
        | leaf when steps |> List.forall ((=) 0) -> leaf
        | leaf -> Field.Neighbour(steps, leaf)

    let private unit axis step (lengths: float list) =
        lengths |> List.mapi (fun i _ -> if i = axis then step else 0)

    /// Δ and ∂ replaced: Δu = Σ_axis (u₊ − 2u + u₋)/dx², ∂u = (u₊ − u₋)/(2 dx), second order in dx. `here` is where functions of the place alone stand.
    let rec discretise (here: Domain option) (field: Field) : Field =
        let spacing axis (lengths: float list) (points: int list) = lengths[axis] / float points[axis]

        match field with
        | Field.Lap a
        | Field.Derivative(_, a) ->
            match Field.place a |> Option.orElse here with
            | Some(Domain.Lattice(lengths, points)) ->
                let a = discretise here a

                match field with
                | Field.Derivative(axis, _) when axis >= lengths.Length ->
                    raise (
                        LeithException
                            $"{field}: expected a derivative along one of {lengths.Length} axes, got ∂{Typography.axis axis}; take another axis."
                    )
                | Field.Derivative(axis, _) ->
                    (shifted (unit axis 1 lengths) a - shifted (unit axis -1 lengths) a)
                    / (2.0 * spacing axis lengths points)
                | _ ->
                    lengths
                    |> List.mapi (fun axis _ ->
                        (shifted (unit axis 1 lengths) a + shifted (unit axis -1 lengths) a - 2.0 * a)
                        / spacing axis lengths points ** 2.0)
                    |> add
            | _ -> Field.map (discretise here) field
        | Field.Neighbour(steps, a) -> shifted steps (discretise here a)
        | Field.Mean a -> Field.Mean(discretise (Field.place a |> Option.orElse here) a)
        | _ -> Field.map (discretise here) field
