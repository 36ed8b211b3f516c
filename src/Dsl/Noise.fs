namespace Leith

open System
open Leith.Core

/// S dW, additive noise (Itô); D = ½ S Sᵀ.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Noise =
    /// One step adds √dt · N · ifft2(op(k) fft2(w)) with w standard normal at every site: the delta function has unit area, S Sᵀ = N_sites op opᵀ.
    | Additive of Operator
    /// One step adds s √dt w to every site or unknown.
    | PerSite of float
    /// The textbook delta of the torus: variance s² dt / (dx dy) at a site.
    | White of float
    /// One step adds √dt M w, M [unknown][noise].
    | Matrix of float list list

    /// The noise as text.
    member noise.Text =
        match noise with
        | Noise.Additive op -> $"{op} ξ, delta of unit area"
        | Noise.PerSite s -> $"{Typography.number s} ξ, independent at each site"
        | Noise.White s -> $"{Typography.number s} ξ, delta of the torus"
        | Noise.Matrix rows ->
            let row values =
                values |> List.map Typography.number |> String.concat " "

            "[" + (rows |> List.map row |> String.concat "; ") + "] ξ"

    override noise.ToString() = noise.Text

/// The words of noise.
[<AutoOpen>]
module NoiseWords =
    let private amplitude word (s: float) =
        if not (Double.IsFinite s) || s < 0.0 then
            raise (LeithException $"{word}: expected a finite noise amplitude of at least 0, got {s}; the sign of a noise does not change its law.")

        s

    /// Correlated noise on a torus with the unit-area delta: `additive (eps * root sigma)`; pixel variance per unit time Σ_k |op(k)|².
    let additive (op: Operator) =
        match Field.constant op.Scale with
        | None ->
            raise (
                LeithException
                    $"additive: expected a constant factor before the operator, got {op.Scale}; noise that depends on the state is not additive."
            )
        | Some scale -> amplitude "additive" scale |> ignore

        Noise.Additive op

    /// Independent noise of standard deviation s √dt at each site of a torus, or for each scalar unknown.
    let perSite (s: float) = Noise.PerSite(amplitude "perSite" s)

    /// Space-time white noise on a torus, variance s² dt / (dx dy) at each site.
    let white (s: float) = Noise.White(amplitude "white" s)

    /// Independent noise of its own strength for each scalar unknown.
    let diagonal (strengths: float list) =
        let n = strengths.Length
        let finite = strengths |> List.map (amplitude "diagonal")
        Noise.Matrix(finite |> List.mapi (fun i s -> List.init n (fun j -> if i = j then s else 0.0)))

    /// S [unknown][noise] of scalar unknowns: one step adds √dt S w.
    let noiseMatrix (rows: float list list) =
        match rows with
        | [] -> raise (LeithException "noiseMatrix: expected one row for each unknown, got none.")
        | first :: _ when rows |> List.exists (fun row -> row.Length <> first.Length) ->
            raise (LeithException "noiseMatrix: expected rows of one length, got rows of different lengths.")
        | _ -> ()

        for row in rows do
            for value in row do
                if not (Double.IsFinite value) then
                    raise (LeithException $"noiseMatrix: expected finite numbers, got {value}.")

        Noise.Matrix rows
