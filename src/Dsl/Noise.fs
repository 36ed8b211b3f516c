namespace Leith

open System
open Leith.Core

/// How a stochastic integral is meant.
[<RequireQualifiedAccess>]
type StochasticCalculus =
    /// The factor before dW is taken at the beginning of each instant.
    | Ito
    /// … at its middle: the ordinary rules of calculus hold.
    | Stratonovich

/// S dW (Itô unless it says otherwise); D = ½ S Sᵀ.
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
    /// Noise of each of these unknowns, independent of one another; the others have none.
    | Each of (Field * Noise) list
    /// An expression, linear in white noises, for each of these unknowns; the others have none.
    | Expressions of StochasticCalculus * (Field * Field) list

    /// The noise as text.
    member noise.Text: string =
        match noise with
        | Noise.Additive op -> $"{op} ξ, delta of unit area"
        | Noise.PerSite s -> $"{Typography.number s} ξ, independent at each site"
        | Noise.White s -> $"{Typography.number s} ξ, delta of the torus"
        | Noise.Matrix rows ->
            let row values =
                values |> List.map Typography.number |> String.concat " "

            "[" + (rows |> List.map row |> String.concat "; ") + "] ξ"
        | Noise.Each parts -> parts |> List.map (fun (unknown, part) -> $"{unknown}: {part.Text}") |> String.concat "; "
        | Noise.Expressions(calculus, parts) ->
            let product =
                match calculus with
                | StochasticCalculus.Ito -> "Itô"
                | StochasticCalculus.Stratonovich -> "Stratonovich"

            (parts |> List.map (fun (unknown, f) -> $"{unknown}: {f}") |> String.concat "; ") + $" ({product})"

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

    /// The unknown that a noise acts on, for `independent`, or that a component of a push belongs to, for `pushAlong`: `on phi (perSite (sqrt 2.0))`, `on x (square x)`.
    let on (unknown: Field) (part: 'Part) = unknown, part

    /// Noise of several unknowns, independent of one another: `independent [ on u (white 0.1); on phi (perSite (sqrt 2.0)) ]`; an unknown that is not named has none.
    let independent (parts: (Field * Noise) list) =
        for unknown, part in parts do
            match unknown, part with
            | _, (Noise.Each _ | Noise.Expressions _ | Noise.Matrix _) ->
                raise (
                    LeithException
                        $"independent: expected additive, white or perSite for {unknown}, got {part}; noises that act together are written with ito [ … ]."
                )
            | Field.Unknown _, _ -> ()
            | other, _ -> raise (LeithException $"independent: expected unknowns, as in on u (perSite 0.1), got {other}.")

        if List.isEmpty parts then
            raise (LeithException "independent: expected at least one noise, got an empty list; write independent [ on u (perSite 0.1) ].")

        match parts |> List.countBy fst |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(unknown, count) -> raise (LeithException $"independent: expected one noise for {unknown}, got {count}; add their variances.")
        | None -> Noise.Each parts

    let private expressions word calculus (equations: Equation list) =
        let parts = equations |> List.map (fun e -> e.Unknown, e.Drift)

        if List.isEmpty parts then
            raise (
                LeithException $"{word}: expected noise of at least one unknown, got an empty list; write {word} [ ddt x == 0.1 * brownian \"W\" ]."
            )

        for unknown, f in parts do
            if not unknown.IsUnknown then
                raise (LeithException $"{word}: expected ddt of an unknown, got ddt ({unknown}).")

            if List.isEmpty (Field.whiteNoises f) then
                raise (
                    LeithException
                        $"{word}: expected white noise in the noise of {unknown}, got {f}; make it with brownian \"W\" or whiteNoise \"ξ\" domain."
                )

            NoiseTerms.split f |> ignore // refuses what is not linear in the white noises

        match parts |> List.countBy fst |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(unknown, count) -> raise (LeithException $"{word}: expected one line for {unknown}, got {count}; add them.")
        | None -> Noise.Expressions(calculus, parts)

    /// Noise that may depend on the state, as Itô means it: `ito [ ddt x == (0.2 * x + 0.1) * brownian "W" ]` adds that to ddt x; the same white noise may act on several unknowns.
    let ito equations =
        expressions "ito" StochasticCalculus.Ito equations

    /// Noise that may depend on the state, as Stratonovich means it; the drift that makes it Itô's is added, and `plan` prints it.
    let stratonovich equations =
        expressions "stratonovich" StochasticCalculus.Stratonovich equations
