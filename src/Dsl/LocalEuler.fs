namespace Leith

open System
open Leith.Core

/// u ← u + h F(u, t) + √h S(u, t) n of unknowns on one lattice as one tree a site, so that constants are merged with h.
[<RequireQualifiedAccess>]
module internal LocalEuler =
    let private latticeOf unknown =
        match unknown with
        | Field.Unknown(_, (Domain.Lattice _ as domain)) -> Some domain
        | _ -> None

    /// The step of length h; none where a value is needed that is neither at the site, nor at a neighbour, nor the same everywhere.
    let private step (unknowns: Field list) (drifts: Field list) (noises: (Field * int) list) (parts: Field list) (h: float) : LocalStep option =
        let leaves = ResizeArray<Field>()

        let load leaf =
            match leaves.IndexOf leaf with
            | -1 ->
                leaves.Add leaf
                leaves.Count - 1
            | index -> index

        let line = StraightLine load

        let outputs =
            List.map3 (fun u f s -> u + h * f + sqrt h * s) unknowns drifts parts
            |> List.map (Lattice.discretise (Field.place unknowns.Head) >> line.Register)

        let input leaf : PointwiseInput option =
            let unknown u = unknowns |> List.tryFindIndex ((=) u)

            match leaf with
            | Field.Unknown _ -> unknown leaf |> Option.map (fun i -> PointwiseInput.Value i)
            | Field.Neighbour(steps, u) -> unknown u |> Option.map (fun i -> PointwiseInput.Neighbour(i, List.toArray steps))
            | Field.WhiteNoise _ ->
                noises
                |> List.tryFindIndex (fst >> (=) leaf)
                |> Option.map (fun i -> PointwiseInput.Value(unknowns.Length + i))
            | _ -> None

        let inputs = leaves |> Seq.map input |> List.ofSeq

        if inputs |> List.forall _.IsSome then
            Some(
                LocalStep(line.Program(leaves.Count, outputs), inputs |> List.map Option.get |> List.toArray, noises |> List.map snd |> List.toArray)
            )
        else
            None

    /// The step of unknowns u with drifts F and noise S ξ, each ξ with its first row among the normals; null where it cannot be written.
    let law (unknowns: Field list) (drifts: Field list) (noises: (Field * int) list) (parts: Field list) : Func<float, LocalStep> | null =
        let places = unknowns |> List.map latticeOf |> List.distinct

        match places with
        | [ Some _ ] when (step unknowns drifts noises parts 1.0).IsSome -> Func<_, _>(fun h -> (step unknowns drifts noises parts h).Value)
        | _ -> null
