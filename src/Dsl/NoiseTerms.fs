namespace Leith

open Leith.Core
open Leith.Calculus
open Leith.Paths

/// One term of noise that is linear in a white noise: Path ξ, factors and linear operators outermost first.
type NoiseTerm = {
    Noise: Field
    Path: PathStep list
} with

    /// The term as a field.
    member term.Field = walk None term.Path term.Noise

    /// g where the term is g ξ, none where an operator stands before the noise.
    member term.Coefficient =
        let locals =
            term.Path
            |> List.choose (function
                | PathStep.Local g -> Some g
                | PathStep.Linear _ -> None)

        if locals.Length = term.Path.Length then
            Some(product locals)
        else
            None

/// Noise written as a field: Σ_j G_ij(u) ξ_j for each unknown u_i, with ξ of unit variance per unit time at each site.
[<RequireQualifiedAccess>]
module NoiseTerms =

    /// The degree in the white noises; infinite inside functions, denominators and other powers.
    let rec noiseDegree (field: Field) : float =
        match field with
        | Field.WhiteNoise _ -> 1.0
        | Field.Sum terms -> terms |> List.map noiseDegree |> List.fold max 0.0
        | Field.Product factors -> factors |> List.sumBy noiseDegree
        | Field.Quotient(a, b) -> if noiseDegree b = 0.0 then noiseDegree a else infinity
        | Field.Power(a, p) ->
            match noiseDegree a with
            | 0.0 -> 0.0
            | d when p >= 0.0 && p = round p -> d * p
            | _ -> infinity
        | Field.Displaced(displacement, a) ->
            if displacement |> List.forall (fun d -> noiseDegree d = 0.0) then
                noiseDegree a
            else
                infinity
        | Field.Flow(_, _, _, start, _) ->
            if start |> List.forall (fun a -> noiseDegree a = 0.0) then
                0.0
            else
                infinity
        | Field.Apply(_, a)
        | Field.Waves(_, a) -> if noiseDegree a = 0.0 then 0.0 else infinity
        | _ ->
            match asOperator field with
            | Some(_, a) -> noiseDegree a
            | None -> 0.0

    let private fail text = raise (LeithException $"noise: {text}")

    /// Refuses what is not linear in the white noises, term by term.
    let rec private checkLinear field =
        match field with
        | Field.Sum terms -> terms |> List.iter checkLinear
        | Field.Number 0.0 -> ()
        | term ->
            match noiseDegree term with
            | 1.0 -> asOperator term |> Option.iter (snd >> checkLinear)
            | 0.0 -> fail $"expected a white noise in every term, got none in {term}; write it in the equation, as a part of the drift."
            | d when d < infinity -> fail $"noise must enter linearly: it has degree {d} in the term {term}; write each white noise once in a term."
            | _ ->
                fail
                    $"noise must enter linearly: it stands inside a function, a power or a denominator in the term {term}; write (factor) * (white noise)."

    /// The terms of an expression that is linear in the white noises; the terms g ξ of one noise are gathered into one.
    /// Raises LeithException where a term has another degree than 1, naming the term.
    let split (field: Field) : NoiseTerm list =
        checkLinear field

        Field.whiteNoises field
        |> List.collect (fun noise ->
            let locals, others =
                paths true noise field
                |> List.map (fun (path, _) -> { Noise = noise; Path = path })
                |> List.partition _.Coefficient.IsSome

            match locals |> List.choose _.Coefficient |> total with
            | Field.Number 0.0 -> others
            | g when g = one -> { Noise = noise; Path = [] } :: others
            | g ->
                {
                    Noise = noise
                    Path = [ PathStep.Local g ]
                }
                :: others)

    /// (outer, g, inner) for each factor of a path.
    let private factors (path: PathStep list) =
        path
        |> List.indexed
        |> List.choose (fun (i, step) ->
            match step with
            | PathStep.Local g -> Some(List.take i path, g, List.skip (i + 1) path)
            | PathStep.Linear _ -> None)

    /// Σ_y (D g[Q e_y])(x) (inner e_y)(x), e_y the unit field at the site y: what a factor g and the noise behind it have in common.
    let private overlap leaf term domain unknown g (q: PathStep list) (inner: PathStep list) =
        if isNumber unknown then
            match Derivatives.tangent [ unknown, one ] g with
            | Field.Number 0.0 -> Field.Number 0.0
            | slope -> diagonal "Stratonovich" term domain (PathStep.Local slope :: q @ transposedPath inner)
        else
            paths false unknown g
            |> List.map (fun (path, target) ->
                if target = unknown then
                    diagonal "Stratonovich" term domain (path @ q @ transposedPath inner)
                else
                    walk leaf path one
                    * walk leaf inner (walk leaf (transposedPath q) (Derivatives.pull None unknown one target)))
            |> total

    /// The added drift of one component by one white noise on a grid.
    let private gridCorrection domain (terms: (Field * NoiseTerm list) list) (term: NoiseTerm) =
        let leaf =
            terms
            |> List.collect (fun (u, terms) -> u :: (terms |> List.collect (_.Field >> Field.unknowns)))
            |> List.tryFind (fun u -> Field.place u = Some domain)

        [
            for outer, g, inner in factors term.Path do
                for unknown, others in terms do
                    for other in others |> List.filter (fun other -> other.Noise = term.Noise) do
                        if contains unknown g then
                            walk leaf outer (overlap leaf term.Field domain unknown g other.Path inner)
        ]
        |> total

    let private onOneGrid domain (noise: (Field * Field) list) =
        for unknown, f in noise do
            for part in unknown :: Field.unknowns f do
                match Field.place part with
                | Some other when other <> domain ->
                    fail $"expected the white noise of {f} on the grid of {part}, whose added Stratonovich drift is otherwise not of the tree."
                | _ -> ()

    /// Σ_k (∂G_ij/∂u_k) G_kj of one white noise ξ_j, for each component i.
    let private corrections (noise: (Field * Field) list) (terms: (Field * NoiseTerm list) list) (xi: Field) =
        match xi with
        | Field.WhiteNoise(_, domain) when onGrid domain ->
            let moved = noise |> List.filter (snd >> contains xi)

            let stands f =
                moved |> List.forall (fun (u, _) -> not (contains u f))

            terms
            |> List.map (fun (_, mine) ->
                let moving =
                    mine |> List.filter (fun term -> term.Noise = xi && not (stands term.Field))

                if not moving.IsEmpty then
                    onOneGrid domain moved

                moving |> List.map (gridCorrection domain terms) |> total)
        | _ ->
            // one Brownian motion pushes every component along one vector field
            let along f = Derivatives.tangent [ xi, one ] f
            let directions = noise |> List.map (fun (u, f) -> u, along f)
            directions |> List.map (snd >> Derivatives.tangent directions)

    let private whole noise =
        let terms = noise |> List.map (fun (u, f) -> u, split f)
        terms, terms |> List.collect (snd >> List.map _.Noise) |> List.distinct

    /// ½ Σ_j Σ_k (∂G_ij/∂u_k) G_kj for each (u_i, Σ_j G_ij ξ_j): the drift that turns Stratonovich noise into Itô noise.
    /// Noise behind a linear operator is weighted by its covariance at a point, ½ g g′ N⁻¹ Σ_k |S(k)|².
    /// Raises LeithException where the noise is not linear, or where the drift is not of the tree, naming the term.
    let itoCorrection (noise: (Field * Field) list) : Field list =
        let terms, noises = whole noise
        let zeros = noise |> List.map (fun _ -> zero)

        noises
        |> List.map (corrections noise terms)
        |> List.fold (List.map2 (fun sum added -> sum + 0.5 * added)) zeros
        |> List.map tidy

    /// Why a step of Milstein's kind needs more than ξ² − 1: a coefficient moves with another white noise than its own, or at other places.
    let private notDiagonal (terms: (Field * NoiseTerm list) list) =
        let noisesOf (terms: NoiseTerm list) =
            terms |> List.map _.Noise |> List.distinct

        let mixed (term: NoiseTerm) (u, others) =
            contains u term.Field && noisesOf others |> List.exists ((<>) term.Noise)

        let local domain (term: NoiseTerm) (u, others: NoiseTerm list) =
            not (contains u term.Field)
            || others.IsEmpty
            || (Field.place u = Some domain
                && others |> List.forall _.Coefficient.IsSome
                && paths false u term.Field
                   |> List.forall (fun (path, target) -> target = u && not (List.exists (fun (step: PathStep) -> step.IsLinear) path)))

        terms
        |> List.tryPick (fun (u, mine) ->
            mine
            |> List.tryPick (fun term ->
                match terms |> List.tryFind (mixed term), term.Noise with
                | Some(other, others), _ ->
                    let names = noisesOf others |> List.map string |> String.concat " and "
                    Some $"the noise of {u}, {term.Field}, depends on {other}, which is moved by {names}: the noise is not diagonal."
                | None, Field.WhiteNoise(_, domain) when onGrid domain ->
                    let elsewhere =
                        (Field.place u <> Some domain
                         && terms |> List.exists (fun (other, others) -> not others.IsEmpty && contains other term.Field))
                        || terms |> List.exists (local domain term >> not)

                    if elsewhere then
                        Some $"the noise of {u}, {term.Field}, joins different places: the noise is not diagonal."
                    else
                        None
                | _ -> None))

    /// √h Σ_j G_ij n_j + ½ h Σ_j (Σ_k G_kj ∂G_ij/∂u_k) (n_j² − 1) for each (u_i, Σ_j G_ij ξ_j), g n √h + ½ g g′ h (n² − 1) for one:
    /// the noise of one Milstein step of size h, where ξ stands for a standard normal n. Strong order 1.
    /// For noise whose coefficients move with no other white noise than their own and at no other place; an error says what stands against it.
    let milsteinTerm (step: Field) (noise: (Field * Field) list) : Result<(Field * Field) list, string> =
        let terms, noises = whole noise

        match notDiagonal terms with
        | Some reason -> Error reason
        | None ->
            let start = noise |> List.map (fun (_, f) -> sqrt step * f)

            noises
            |> List.fold
                (fun sums xi -> List.map2 (fun sum added -> sum + 0.5 * added * step * (Field.Pow(xi, 2) - 1.0)) sums (corrections noise terms xi))
                start
            |> List.map2 (fun (u, _) sum -> u, tidy sum) noise
            |> Ok
