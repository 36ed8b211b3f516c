namespace Leith

open System
open Leith.Core
open Leith.Calculus

/// A tree times weights of a score: what conjugate observables, Stein residuals and certificates are sums of.
type internal ScoreTerm = {
    Factor: float
    /// 1 for a constant.
    Tree: Field
    /// Numbers of weights, component · (features + 1) + feature, two at most.
    Weights: int list
}

/// A score in the terms of its features.
type internal ScoreForm = {
    Rule: WeightRule
    Features: Field list
    /// ∂φ/∂x of a component x and a feature.
    Slope: Field -> Field -> Field
    Ridge: float
    /// Features that bear no penalty.
    Free: Field list
}

/// Sums of trees times weights, quadratic in a score at most.
[<RequireQualifiedAccess>]
module internal ScorePolynomial =
    /// ∂φ/∂x from the tree.
    let slope x f =
        Derivatives.tangent [ x, one ] f |> tidy

    let given (score: Field list) : ScoreForm = {
        Rule = WeightRule.None
        Features = score
        Slope = slope
        Ridge = 0.0
        Free = []
    }

    let fitted ridge free (features: Field list) : ScoreForm = {
        Rule = WeightRule.ScoreMatching
        Features = features
        Slope = slope
        Ridge = ridge
        Free = free
    }

    let corrected (form: ScoreForm) : ScoreForm =
        if form.Rule = WeightRule.None then
            {
                form with
                    Rule = WeightRule.SteinCorrection
            }
        else
            form

    let private term factor tree weights : ScoreTerm list =
        match tidy tree with
        | f when f = zero -> []
        | f ->
            match Field.constant f with
            | Some c -> [
                {
                    Factor = factor * c
                    Tree = one
                    Weights = weights
                }
              ]
            | None ->
                match f with
                | Field.Product(Field.Number c :: rest) -> [
                    {
                        Factor = factor * c
                        Tree = product rest
                        Weights = weights
                    }
                  ]
                | f -> [
                    {
                        Factor = factor
                        Tree = f
                        Weights = weights
                    }
                  ]

    /// A tree without weights, a sum term by term.
    let ofTree (f: Field) : ScoreTerm list =
        match tidy f with
        | Field.Sum terms -> terms |> List.collect (fun t -> term 1.0 t [])
        | f -> term 1.0 f []

    /// The terms of a tree with products of sums multiplied out, without their constant factors; the tree itself where these are too many.
    let expanded (f: Field) : Field list =
        let rec go f =
            match f with
            | Field.Sum terms -> terms |> List.collect go
            | Field.Product factors ->
                factors
                |> List.map go
                |> List.fold
                    (fun products terms ->
                        if List.length products * List.length terms > 200 then
                            []
                        else
                            List.allPairs products terms |> List.map (fun (a, b) -> a * b))
                    [ one ]
            | Field.Power(Field.Sum _ as a, p) when p = Math.Round p && p > 1.0 && p <= 6.0 -> go (Calculus.product (List.replicate (int p) a))
            | Field.Quotient(a, b) when Field.isConstant b -> go a
            | f -> [ f ]

        match go (tidy f) with
        | [] -> [ f ]
        | terms ->
            terms
            |> List.map (fun t ->
                match tidy t with
                | Field.Product factors -> factors |> List.filter (Field.isConstant >> not) |> Calculus.product |> tidy
                | t when Field.isConstant t -> one
                | t -> t)
            |> List.distinct

    /// Equal trees with equal weights together.
    let gathered (terms: ScoreTerm list) =
        terms
        |> List.groupBy (fun t -> t.Tree, List.sort t.Weights)
        |> List.map (fun ((tree, weights), same) -> {
            Factor = same |> List.sumBy _.Factor
            Tree = tree
            Weights = weights
        })
        |> List.filter (fun t -> t.Factor <> 0.0)

    let times (f: Field) (terms: ScoreTerm list) =
        terms |> List.collect (fun t -> term t.Factor (f * t.Tree) t.Weights)

    let scaled c (terms: ScoreTerm list) =
        terms |> List.map (fun t -> { t with Factor = c * t.Factor })

    let private product (a: ScoreTerm list) (b: ScoreTerm list) = [
        for s in a do
            for t in b do
                yield! term (s.Factor * t.Factor) (s.Tree * t.Tree) (s.Weights @ t.Weights)
    ]

    /// ŝ_i.
    let score (form: ScoreForm) i : ScoreTerm list =
        let k = form.Features.Length

        match form.Rule with
        | WeightRule.None -> term 1.0 form.Features[i] []
        | rule -> [
            for j, feature in List.indexed form.Features do
                yield! term 1.0 feature [ i * (k + 1) + j ]

            if rule = WeightRule.ScoreMatching then
                yield! term 1.0 one [ i * (k + 1) + k ]
          ]

    /// ∂ŝ_i/∂x.
    let private scoreSlope (form: ScoreForm) x i =
        let k = form.Features.Length

        match form.Rule with
        | WeightRule.None -> term 1.0 (form.Slope x form.Features[i]) []
        | _ -> [
            for j, feature in List.indexed form.Features do
                yield! term 1.0 (form.Slope x feature) [ i * (k + 1) + j ]
          ]

    let private divergence unknowns g =
        List.map2 slope unknowns g |> total |> tidy

    let private pairs (unknowns: Field list) (d: Field list list) = [
        for a, x in List.indexed unknowns do
            for b, y in List.indexed unknowns do
                if d[a][b] <> zero then
                    a, b, x, y, d[a][b]
    ]

    /// ⟨g·ŝ⟩ + ⟨∇·g⟩, which vanishes for the true score.
    let stein (unknowns: Field list) (form: ScoreForm) (g: Field list) : ScoreTerm list =
        gathered [
            yield! ofTree (divergence unknowns g)
            for i, f in List.indexed g do
                yield! times f (score form i)
        ]

    /// ∇∇:(D ρ)/ρ = ∇∇:D + 2 (∇·D)·s + D:(∇s + s sᵀ).
    let private second (unknowns: Field list) (form: ScoreForm) (d: Field list list) : ScoreTerm list = [
        for a, b, x, y, d in pairs unknowns d do
            yield! ofTree (slope x (slope y d))
            yield! scaled 2.0 (times (slope x d) (score form b))
            yield! times d (scoreSlope form x b)
            yield! times d (product (score form a) (score form b))
    ]

    /// B = −∇·g − g·s + ∇∇:(δD ρ)/ρ.
    let conjugate unknowns form (change: Change) : ScoreTerm list =
        gathered [
            yield! scaled -1.0 (stein unknowns form change.Push)
            match change.Diffusion with
            | Some d -> yield! second unknowns form d
            | None -> ()
        ]

    /// δL φ = g·∇φ + δD:∇∇φ.
    let moved unknowns (slope: Field -> Field -> Field) (change: Change) (feature: Field) : ScoreTerm list =
        gathered [
            for x, g in List.zip unknowns change.Push do
                if g <> zero then
                    yield! term 1.0 (g * slope x feature) []
            match change.Diffusion with
            | Some d ->
                for _, _, x, y, d in pairs unknowns d do
                    yield! term 1.0 (d * slope x (slope y feature)) []
            | None -> ()
        ]

    /// ŝᵀDŝ + 2 ∇·(Dŝ) − ∇·F + ∇∇:D, whose mean is ‖ŝ − s‖²_D.
    let certificate unknowns form (drift: Field list) (d: Field list list) : ScoreTerm list =
        gathered [
            yield! scaled -1.0 (ofTree (divergence unknowns drift))
            for a, b, x, y, d in pairs unknowns d do
                yield! ofTree (slope x (slope y d))
                yield! times d (product (score form a) (score form b))
                yield! scaled 2.0 (times (slope x d) (score form b))
                yield! scaled 2.0 (times d (scoreSlope form x b))
        ]

/// The quantities that tables gather: features first, then the trees that conjugates need, then those of which only means are needed.
type internal Quantities(features: Field list) =
    let quantities = ResizeArray<Field>(List.distinct features)
    let others = ResizeArray<Field>()
    let mutable closed = false

    member _.Features = List.distinct features
    member _.All = List.ofSeq quantities
    member _.Others = List.ofSeq others

    member _.Feature(f: Field) = quantities.IndexOf f

    /// The number of a tree whose lag products are needed.
    member _.Quantity(f: Field) =
        match quantities.IndexOf f with
        | -1 when closed -> invalidOp "quantities come before means"
        | -1 ->
            quantities.Add f
            quantities.Count - 1
        | i -> i

    /// The number of a tree whose mean is needed.
    member _.Mean(f: Field) =
        closed <- true

        match quantities.IndexOf f, others.IndexOf f with
        | -1, -1 ->
            others.Add f
            quantities.Count + others.Count - 1
        | -1, i -> quantities.Count + i
        | i, _ -> i

    static member Terms (row: Field -> int) (terms: ScoreTerm list) : WeightedTerm[] = [|
        for t in terms ->
            let first, second =
                match t.Weights with
                | [] -> -1, -1
                | [ w ] -> w, -1
                | w :: v :: _ -> w, v

            WeightedTerm(t.Factor, (if t.Tree = one then -1 else row t.Tree), first, second)
    |]
