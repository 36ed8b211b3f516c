/// How far a wrong score can have led a response of scalar unknowns astray.
module internal Leith.VectorBound

open System
open MathNet.Numerics.LinearAlgebra
open Leith.Core
open Leith.Calculus

/// The noisy directions, where the certificate does not see all of them.
let certificateNote (unknowns: Field list) (d: Field list list) =
    let silent =
        unknowns
        |> List.indexed
        |> List.filter (fun (i, _) -> d[i] |> List.forall ((=) zero))
        |> List.map snd

    let noisy =
        unknowns |> List.filter (fun u -> not (List.contains u silent)) |> List.map string

    match silent, Diffusion.numbers d with
    | [], None -> None
    | [], Some values ->
        let matrix = Matrix<float>.Build.DenseOfArray values
        let rank = matrix.Rank()

        if rank = unknowns.Length then
            None
        else
            Some $"in the {rank} noisy directions of {unknowns.Length} only"
    | _, _ when noisy.IsEmpty -> Some "no unknown has noise: it says nothing"
    | _ ->
        let names = String.concat ", " noisy
        Some $"in the noisy directions only: {names}"

/// gᵀD⁻¹g, the noise that a push can be mistaken for; none where the push points out of the noisy directions, or D is no diagonal matrix and depends on the state.
let cost (unknowns: Field list) (d: Field list list) (g: Field list) : Field option =
    match Diffusion.numbers d with
    | Some values ->
        let svd = Matrix<float>.Build.DenseOfArray(values).Svd()
        let largest = svd.S.Maximum()

        let inverse =
            let s = svd.S.Map(fun s -> if s > 1e-12 * largest then 1.0 / s else 0.0)

            svd.VT.Transpose() * Matrix<float>.Build.DenseOfDiagonalVector(s) * svd.U.Transpose()

        let reached = Matrix<float>.Build.DenseOfArray values * inverse

        // every component of g has to come back from the range of D
        let lost =
            g |> List.indexed |> List.exists (fun (i, f) -> f <> zero && abs (1.0 - reached[i, i]) > 1e-9)

        if largest = 0.0 || lost then
            None
        else
            [
                for i, f in List.indexed g do
                    for j, h in List.indexed g do
                        inverse[i, j] * f * h
            ]
            |> total
            |> tidy
            |> Some
    | None ->
        let off =
            d
            |> List.indexed
            |> List.exists (fun (i, row) -> row |> List.indexed |> List.exists (fun (j, f) -> i <> j && f <> zero))

        let silent =
            List.zip g d |> List.indexed |> List.exists (fun (i, (f, row)) -> f <> zero && row[i] = zero)

        if off || silent then
            None
        else
            List.zip g d
            |> List.mapi (fun i (f, row) -> if f = zero then zero else f * f / row[i])
            |> total
            |> tidy
            |> Some

/// Whether a function may stop being finite off the states of the record: polynomials do not.
let mayEnd (f: Field) = not (Double.IsFinite(Field.degree f))

/// x → x + ε g in a tree.
let moved (unknowns: Field list) (g: Field list) (epsilon: float) (f: Field) =
    let steps = List.zip unknowns g |> List.filter (fun (_, g) -> g <> zero)

    let rec go f =
        match steps |> List.tryFind (fst >> (=) f) with
        | Some(x, g) -> x + epsilon * g
        | None -> Field.map go f

    go f

/// √(gᵀD⁻¹g) ‖ŝ − s‖_D, the certificate with two of its standard errors.
let distance (cost: float) (certificate: float) (error: float) =
    sqrt (cost * max 0.0 (certificate + 2.0 * error))

/// What of the observable the bound is made with, from the certificate and two of its standard errors.
let note forked robust =
    let part =
        match forked, robust with
        | true, false -> "sd(E[A(t)|x₀]) from forked runs, which decays"
        | true, true -> "sd(E[A(t)|x₀] − f) from forked runs"
        | false, false -> "sd(A), static"
        | false, true -> "sd(A − f), static"

    $"bias bound: √(gᵀD⁻¹g) ‖ŝ − s‖_D with two standard errors of the certificate, times {part}"
