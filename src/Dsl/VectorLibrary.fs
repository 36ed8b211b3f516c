/// Library scores of scalar unknowns and of recordings: which features, their slopes from the tree, the fit and what the report says of it.
module internal Leith.VectorLibrary

open System
open Leith.Core

/// Candidates that a choice is made from, at most.
let private mostCandidates = 60

/// All monomials of the unknowns with total degree 2 … degree, lowest first.
let private powers (unknowns: Field list) degree =
    let rec exponents n total =
        match n with
        | 1 -> [ [ total ] ]
        | _ -> [
            for first in total .. -1 .. 0 do
                for rest in exponents (n - 1) (total - first) -> first :: rest
          ]

    [
        for total in 2..degree do
            for exponent in exponents unknowns.Length total ->
                List.map2 (fun (x: Field) (n: int) -> Field.Pow(x, n)) unknowns exponent
                |> List.filter (fun factor -> factor <> Field.Number 1.0)
                |> List.reduce (fun a b -> a * b)
    ]

/// All monomials of the unknowns with total degree 1 … degree, the unknowns first.
let monomials (unknowns: Field list) degree =
    unknowns @ (if degree > 1 then powers unknowns degree else [])

/// Monomials that a forecast takes besides the unknowns, where these are few: up to degree 5 of one unknown, 3 of two, 2 of three.
let forecasts (unknowns: Field list) =
    match unknowns.Length with
    | 1 -> powers unknowns 5
    | 2 -> powers unknowns 3
    | 3 -> powers unknowns 2
    | _ -> []

/// Number of monomials of n unknowns with total degree 1 … degree.
let private count n degree =
    Seq.fold (fun c k -> c * (n + k) / k) 1 (seq { 1..degree }) - 1

/// What the choice is made from: terms of the drift that are not linear, and monomials up to a degree, five for up to three unknowns.
let private proposals (unknowns: Field list) (drifts: Field list) =
    let terms =
        drifts
        |> List.collect (fun drift -> (Equation.split drift).Nonlinear)
        |> List.map _.Core
        |> List.filter (fun core -> not (Field.isConstant core || Field.dependsOnTime core))

    let degree =
        [ 5; 4; 3; 2 ] |> List.tryFind (fun degree -> count unknowns.Length degree <= mostCandidates)

    let monomials =
        match degree with
        | Some degree -> powers unknowns degree
        | None -> [
            // of many components: their squares, cubes and the products of two
            yield! powers unknowns 2
            yield! unknowns |> List.map (fun x -> Field.Pow(x, 3))
          ]

    unknowns @ terms @ monomials |> List.distinct

/// The features an estimator may take.
let candidates (unknowns: Field list) drifts (library: Library) =
    if library.Automatic then
        proposals unknowns drifts
    else
        library.Features |> List.distinct

/// Everything that is gathered for the libraries of an experiment.
type Plan = {
    Unknowns: Field list
    Features: Field list
    /// ∂φ_j/∂x_i, [component][feature]; rows count from the first feature.
    Slopes: FeatureSlope[][]
    /// Slopes that are neither numbers nor multiples of a feature.
    Further: Field list
}

let private scaled (f: Field) =
    match f with
    | Field.Product(Field.Number c :: rest) -> c, List.fold (fun a b -> a * b) (Field.Number 1.0) rest
    | _ -> 1.0, f

let plan (unknowns: Field list) (features: Field list) : Plan =
    let further = ResizeArray<Field>()

    let slope x feature =
        let tree = Derivatives.tangent [ x, Field.Number 1.0 ] feature

        match Field.constant tree with
        | Some c -> FeatureSlope(c, -1, 0.0)
        | None ->
            let factor, core = scaled tree

            let row =
                match List.tryFindIndex ((=) core) features with
                | Some j -> j
                | None when further.Contains core -> features.Length + further.IndexOf core
                | None ->
                    further.Add core
                    features.Length + further.Count - 1

            FeatureSlope(0.0, unknowns.Length + row, factor)

    let slopes = [| for x in unknowns -> [| for feature in features -> slope x feature |] |]

    {
        Unknowns = unknowns
        Features = features
        Slopes = slopes
        Further = List.ofSeq further
    }

/// Rows of the moments' observables, with others before a known score, and of their fields B.
let rows (plan: Plan) (others: Field list) (known: Field list) =
    plan.Features @ plan.Further @ others @ known, plan.Features @ known

let private refuseFixed (estimator: Estimator) (library: Library) =
    match library.Fixed with
    | [] -> ()
    | f :: _ ->
        raise (
            LeithException
                $"'{estimator}' expected features with one number a component, which is what scalar unknowns have, got the fixed feature {f}; write libraryOf [ {f} ]."
        )

/// Refuses features that cannot be gathered for these unknowns.
let demand (estimator: Estimator) (library: Library) =
    refuseFixed estimator library

    if not library.Automatic && library.Features.IsEmpty then
        raise (LeithException $"'{estimator}' expected at least one feature, got none; write libraryOf [ x ].")

    for feature in library.Features do
        if Field.dependsOnTime feature then
            raise (LeithException $"'{estimator}' expected features of the state, got {feature}, which depends on the time t; leave t out.")

        if Field.isConstant feature then
            raise (LeithException $"'{estimator}' expected features that vary, got {feature}; the constant 1 belongs to every library, leave it out.")

/// ŝ(x) = c ± e + (w ± e) φ + …
let private equation (name: string) (names: string list) (constant, constantError) (weights: (float * float) list) =
    let measured (value: float, error: float) =
        $"({Digest.number value} ± {Digest.uncertainty error})"

    let terms = List.map2 (fun feature w -> $"{measured w} {feature}") names weights
    $"ŝ({name}) = " + String.Join(" + ", measured (constant, constantError) :: terms)

/// A feature as a factor of a product.
let private factorText (feature: Field) =
    match feature with
    | Field.Sum _ -> $"({feature})"
    | _ -> string feature

/// What the report says of a fit, for unknowns of these names.
let report (estimator: Estimator) (names: string[]) (texts: string list) (fit: LibraryEstimate) stein : ScoreReport =
    let features = [ for j in fit.Chosen -> texts[j] ]

    {
        Stages.scoreReport estimator None stein [] with
            Equation = [
                for i, name in Array.indexed names ->
                    equation name features (fit.Constants[i], fit.ConstantErrors[i]) (Array.zip fit.Weights[i] fit.WeightErrors[i] |> List.ofArray)
            ]
            Coefficients = [
                for i, name in Array.indexed names do
                    name, "1", fit.Constants[i], fit.ConstantErrors[i]

                    for a, feature in List.indexed features do
                        name, feature, fit.Weights[i][a], fit.WeightErrors[i][a]
            ]
            RelativeError =
                (if fit.RelativeError.HasValue then
                     let struct (value, error) = fit.RelativeError.Value
                     Some(value, error)
                 else
                     None)
    }

let texts (plan: Plan) = plan.Features |> List.map factorText

let notes (library: Library) (texts: string list) (fit: LibraryEstimate) = [
    if library.Automatic then
        let features = fit.Chosen |> Array.map (fun j -> texts[j]) |> String.concat ", "

        $"features chosen by held-out loss: {features}"

    if fit.Ridge > 0.0 then
        $"ridge of {Digest.number fit.Ridge} of each feature's variance, chosen by held-out loss"

    $"held-out loss {Digest.number fit.HeldOutLoss}, −½ ⟨|s|²⟩ for the score itself"
]

/// Numbers of the features of an estimator among those of a plan, chosen where it leaves that open.
let choose (plan: Plan) drifts (moments: VectorMoments) memory (library: Library) : int[] =
    if library.Automatic then
        let own = candidates plan.Unknowns drifts library

        let always =
            plan.Unknowns |> List.map (fun x -> List.findIndex ((=) x) plan.Features)

        let allowed = own |> List.map (fun f -> List.findIndex ((=) f) plan.Features)
        VectorLibrary.Choose(moments, Array.ofList always, Array.ofList allowed, memory)
    else
        library.Features
        |> List.distinct
        |> List.map (fun f -> List.findIndex ((=) f) plan.Features)
        |> Array.ofList

/// The fit of an estimator, its features in these columns of the lag products.
let fit (plan: Plan) (lags: LagProducts) (moments: VectorMoments) (chosen: int[]) (column: int -> int) seed =
    let free j =
        List.contains plan.Features[j] plan.Unknowns

    VectorLibrary.Fit(lags, moments, chosen, Array.map column chosen, Func<int, bool>(free), 200, seed)
