/// Observables that are statistics of the law, from plain ones: what is gathered, and how their answers are put together.
module internal Leith.Observables

open System
open Leith.Core
open Leith.Stages

/// Fewer events than this in the record say nothing about a tail.
let private fewestEvents = 100.0

/// The part of the law that a density leaves out at either end.
let private outside = 2e-4

/// An observable as it is asked for: Σ weight × plain observable, counted among `Plain`.
type private Answer = {
    Name: string
    Parts: (int * float) list
    /// Standard errors of the weights, which are read off the law.
    WeightErrors: float list
    Note: string option
}

type private DensityPlan = {
    Of: Field
    Edges: float[]
    /// The density itself, [bin].
    Law: float[]
    /// Number of the answer that the first bin is.
    First: int
}

type Recipe = private {
    Plain: Field list
    Answers: Answer list
    Densities: DensityPlan list
}

/// What a recipe asks a run to observe.
let plain recipe = recipe.Plain

let private mean (values: float[]) = Array.average values

/// The value below which a part p of sorted values lies.
let private quantileOf (sorted: float[]) p =
    let at = p * float sorted.Length - 0.5
    let i = max 0 (min (sorted.Length - 2) (int (floor at)))
    sorted[i] + (sorted[i + 1] - sorted[i]) * min 1.0 (max 0.0 (at - float i))

/// dq/dp = 1/ρ at a quantile q(p), a central difference of fourth order in the step of p.
let private spacingAt p (values: float[]) =
    let sorted = Array.sort values
    let h = min 0.01 (min p (1.0 - p) / 4.0)

    let rise steps =
        quantileOf sorted (p + steps * h) - quantileOf sorted (p - steps * h)

    (8.0 * rise 1.0 - rise 2.0) / (12.0 * h)

/// `reduced` with the numbers of the law in place of the statistic.
let rec private substituted (law: Lazy<Law.Law>) (field: Field) : Field =
    match field with
    | Field.Statistic(Statistic.Standardised, a) ->
        let values = Law.values law.Value a
        let m = mean values
        let variance = values |> Array.averageBy (fun v -> (v - m) * (v - m))

        if not (variance > 0.0) then
            raise (LeithException $"reduced: expected an expression that varies, got {a}, which is {m} at all times.")

        (a - m) / sqrt variance
    | other -> Field.map (substituted law) other

/// Refuses thresholds that the record hardly crosses.
let private demandEvents (law: Lazy<Law.Law>) (observable: Field) (expanded: Field) =
    match expanded with
    | Field.Apply(Elementary.Step, _) ->
        let values = Law.values law.Value expanded
        let seen = Array.sum values * law.Value.Thinning
        let all = float values.Length * law.Value.Thinning
        let events = min seen (all - seen)

        if events < fewestEvents then
            raise (
                LeithException
                    $"observe: expected at least {int fewestEvents} events on either side of a threshold, got about {int events} of {Digest.number all} values for {observable}; take a threshold further in, or sample for longer."
            )
    | _ -> ()

/// The plain observables that the asked ones are made of.
let private expandOne law (gather: Field -> int) (observable: Field) : Answer list * (Field * float[] * float[]) option =
    let single field = {
        Name = string observable
        Parts = [ gather field, 1.0 ]
        WeightErrors = [ 0.0 ]
        Note = None
    }

    match observable with
    | Field.Statistic(Statistic.Cumulant order, a) ->
        let values = Law.values law a
        let m = mean values
        let power (n: int) = gather (Field.Pow(a - m, n))

        let moment n =
            Law.measured law (fun v -> let centre = mean v in v |> Array.averageBy (fun x -> pown (x - centre) n)) values

        let parts =
            match order with
            | 1 -> [ power 1, 1.0, 0.0 ]
            | 2 -> [ power 2, 1.0, 0.0 ]
            | 3 ->
                let second, error = moment 2
                [ power 3, 1.0, 0.0; power 1, -3.0 * second, 3.0 * error ]
            | _ ->
                let second, error = moment 2
                let third, thirdError = moment 3

                [
                    power 4, 1.0, 0.0
                    power 2, -6.0 * second, 6.0 * error
                    power 1, -4.0 * third, 4.0 * thirdError
                ]

        [
            {
                single a with
                    Parts = parts |> List.map (fun (row, weight, _) -> row, weight)
                    WeightErrors = parts |> List.map (fun (_, _, error) -> error)
            }
        ],
        None
    | Field.Statistic(Statistic.Quantile p, a) ->
        let values = Law.values law a
        let sorted = Array.sort values
        let q = quantileOf sorted p
        let spacing, error = Law.measured law (spacingAt p) values
        let events = min p (1.0 - p) * float sorted.Length * law.Thinning

        if events < fewestEvents then
            raise (
                LeithException
                    $"quantile: expected at least {int fewestEvents} values beyond the quantile {p} of {a}, got about {int events}; take one further in, or sample for longer."
            )

        [
            {
                single (below q a) with
                    Parts = [ gather (below q a), -spacing ]
                    WeightErrors = [ error ]
                    Note = Some $"quantile {Typography.number p} of {a} is {Digest.number q}, where the density is {Digest.number (1.0 / spacing)}"
            }
        ],
        None
    | Field.Statistic(Statistic.Density bins, a) ->
        let sorted = Law.values law a |> Array.sort

        let low, high = quantileOf sorted outside, quantileOf sorted (1.0 - outside)

        let width = (high - low) / float bins
        let edges = Array.init (bins + 1) (fun i -> low + width * float i)
        let rows = edges |> Array.map (fun e -> gather (above e a))

        let law =
            Array.init bins (fun i ->
                let inside =
                    sorted |> Array.sumBy (fun v -> if v > edges[i] && v <= edges[i + 1] then 1.0 else 0.0)

                inside / (float sorted.Length * width))

        [
            for i in 0 .. bins - 1 ->
                {
                    Name = $"density of {a} at {Typography.number (Math.Round(0.5 * (edges[i] + edges[i + 1]), 4))}"
                    Parts = [ rows[i], 1.0 / width; rows[i + 1], -1.0 / width ]
                    WeightErrors = [ 0.0; 0.0 ]
                    Note = None
                }
        ],
        Some(a, edges, law)
    | _ -> [ single observable ], None

/// The recipe of an experiment's observables; none where all of them are plain.
let recipe (law: Lazy<Law.Law>) (experiment: Experiment) : Recipe option =
    let observe = experiment.Observe

    let isThreshold =
        function
        | Field.Apply(Elementary.Step, _) -> true
        | _ -> false

    let expanded =
        observe
        |> List.map (fun f ->
            match f with
            | Field.Statistic(Statistic.Standardised, _) -> substituted law f
            | Field.Statistic(kind, a) -> Field.Statistic(kind, substituted law a)
            | other -> substituted law other)

    List.iter2 (demandEvents law) observe (expanded |> List.map (fun f -> if isThreshold f then f else Field.Number 0.0))

    if expanded = observe && not (List.exists Field.hasStatistic observe) then
        None
    else
        let gathered = ResizeArray<Field>()

        let gather field =
            match gathered.IndexOf field with
            | -1 ->
                gathered.Add field
                gathered.Count - 1
            | i -> i

        let answers = ResizeArray<Answer>()
        let densities = ResizeArray<DensityPlan>()

        for asked, field in List.zip observe expanded do
            let made, density = expandOne law.Value gather field

            match density with
            | Some(a, edges, rho) ->
                densities.Add {
                    Of = a
                    Edges = edges
                    Law = rho
                    First = answers.Count
                }

                answers.AddRange made
            | None -> answers.AddRange(made |> List.map (fun answer -> { answer with Name = string asked }))

        Some {
            Plain = List.ofSeq gathered
            Answers = List.ofSeq answers
            Densities = List.ofSeq densities
        }

/// Σ weight × curve.
let private combined (parts: (int * float) list) (curves: float[][]) : float[] =
    parts
    |> List.map (fun (i, weight) -> curves[i] |> Array.map ((*) weight))
    |> List.reduce (Array.map2 (+))

/// √(Σ (x − x̄)²/(n − 1)) over resamples, at each lag.
let private deviation (resamples: float[][]) =
    let n = float resamples.Length

    Array.init resamples[0].Length (fun lag ->
        let at = resamples |> Array.map (fun r -> r[lag])
        let m = Array.average at
        sqrt ((at |> Array.sumBy (fun v -> (v - m) * (v - m))) / (n - 1.0)))

/// The standard error of a combination: from the resamples, or, without them, an upper bound: the sum of the parts' errors; and that of the weights.
let private errorOf (answer: Answer) (replicates: float[][][] option) (errors: float[][] option) (curves: float[][]) =
    let withWeights error =
        error
        |> Array.mapi (fun lag e ->
            List.map2 (fun (row, _) weight -> (weight * curves[row].[lag]) ** 2.0) answer.Parts answer.WeightErrors
            |> List.sum
            |> fun weights -> sqrt (e * e + weights))

    match replicates, errors with
    | Some resampled, _ ->
        Some(
            Array.init resampled[0].Length (fun r -> combined answer.Parts (resampled |> Array.map (fun c -> c[r])))
            |> deviation
            |> withWeights
        )
    | None, Some errors -> Some(combined (answer.Parts |> List.map (fun (i, w) -> i, abs w)) errors |> withWeights)
    | None, None -> None

let private notesOf recipe = recipe.Answers |> List.choose _.Note

/// A response whose components are the plain observables, as one of the asked ones.
let private recombined recipe (r: Response) : Response =
    let values =
        recipe.Answers |> List.map (fun a -> combined a.Parts r.Values) |> Array.ofList

    let replicates =
        r.Replicates
        |> Option.map (fun curves -> [|
            for a in recipe.Answers -> Array.init curves[0].Length (fun s -> combined a.Parts (curves |> Array.map (fun c -> c[s])))
        |])

    let errors =
        recipe.Answers |> List.map (fun a -> errorOf a r.Replicates r.StandardError r.Values)

    let bounds =
        r.BiasBound
        |> Option.map (fun bounds -> [|
            for a in recipe.Answers -> combined (a.Parts |> List.map (fun (i, w) -> i, abs w)) bounds
        |])

    {
        r with
            Observable = recipe.Answers |> List.map _.Name |> String.concat ", "
            Components = recipe.Answers |> List.map _.Name |> Array.ofList
            Values = values
            StandardError =
                (if List.forall Option.isSome errors then
                     Some(errors |> List.map Option.get |> Array.ofList)
                 else
                     None)
            Replicates = replicates
            OwnErrors =
                r.OwnErrors
                |> Option.filter (fun own -> own.Length = r.Values.Length)
                |> Option.map (fun own -> [|
                    for a in recipe.Answers -> Array.init own[0].Length (fun s -> a.Parts |> List.averageBy (fun (i, _) -> own[i].[s]))
                |])
            Simultaneous = None
            BiasBound = bounds
            Notes = notesOf recipe @ r.Notes
    }

/// Responses of a field, one for each plain observable, as one for each asked one.
let private recombinedFields recipe (plain: Response list) : Response list = [
    let plain = Array.ofList plain

    for answer in recipe.Answers do
        let first = plain[fst answer.Parts.Head]

        let sum (pick: Response -> float[][]) weight =
            answer.Parts
            |> List.map (fun (i, w) -> pick plain[i] |> Array.map (Array.map ((*) (weight w))))
            |> List.reduce (Array.map2 (Array.map2 (+)))

        // without resamples of the sum an upper bound: the sum of the parts' errors
        let errors (pick: Response -> float[][] option) =
            if answer.Parts |> List.forall (fun (i, _) -> (pick plain[i]).IsSome) then
                Some(sum (pick >> Option.get) abs)
            else
                None

        let replicates =
            if answer.Parts |> List.forall (fun (i, _) -> plain[i].Replicates.IsSome) then
                let parts =
                    answer.Parts
                    |> List.map (fun (i, w) -> plain[i].Replicates.Value |> Array.map (Array.map (Array.map ((*) w))))

                Some(parts |> List.reduce (Array.map2 (Array.map2 (Array.map2 (+)))))
            else
                None

        let values = sum _.Values id

        {
            first with
                Observable = answer.Name
                Values = values
                Field =
                    (if first.Field.IsSome then
                         Some(sum (_.Field >> Option.get) id)
                     else
                         None)
                FieldStandardError = errors _.FieldStandardError
                StandardError =
                    (match replicates with
                     | Some curves -> Some(curves |> Array.map deviation)
                     | None -> errors _.StandardError)
                Replicates = replicates
                OwnErrors = None
                Simultaneous = None
                BiasBound = errors _.BiasBound
                Notes = Option.toList answer.Note @ first.Notes
        }
]

/// Densities in responses of their own, beside that of everything else.
let private apart recipe (r: Response) : Response list =
    let ofDensity = [
        for d in recipe.Densities -> d, set [ d.First .. d.First + d.Law.Length - 1 ]
    ]

    let pick name (kept: int[]) =
        let some (curves: 'a[]) = kept |> Array.map (fun i -> curves[i])

        {
            r with
                Observable = name
                Components = some r.Components
                Values = some r.Values
                StandardError = Option.map some r.StandardError
                Replicates = Option.map some r.Replicates
                OwnErrors = Option.map some r.OwnErrors
                Simultaneous = Option.map some r.Simultaneous
                Discretisation = Option.map some r.Discretisation
                BiasBound = Option.map some r.BiasBound
        }

    let others =
        [| 0 .. r.Components.Length - 1 |]
        |> Array.filter (fun i -> ofDensity |> List.forall (fun (_, bins) -> not (bins.Contains i)))

    if r.Field.IsSome || ofDensity.IsEmpty then
        [ r ]
    else
        [
            if others.Length > 0 then
                pick (others |> Array.map (fun i -> r.Components[i]) |> String.concat ", ") others
            for d, bins in ofDensity do
                pick $"density of {d.Of}" (Array.ofSeq bins)
        ]

/// The answers of the observables that were asked for, and those of densities for drawing.
let answer recipe (found: Findings) : Findings =
    let count = recipe.Plain.Length

    let whole =
        if found.Responses |> List.forall (fun r -> r.Field.IsNone && r.Components.Length = count) then
            found.Responses |> List.map (recombined recipe)
        else
            found.Responses |> List.chunkBySize count |> List.collect (recombinedFields recipe)

    let densities = [
        for d in recipe.Densities do
            let bins = d.Law.Length

            for r in whole do
                if r.Field.IsNone && r.Components.Length >= d.First + bins then
                    let cut (curves: float[][]) = Array.sub curves d.First bins

                    {
                        Estimator = r.Estimator
                        Of = string d.Of
                        Perturbation = r.Perturbation
                        Edges = d.Edges
                        Law = d.Law
                        Lags = r.Lags
                        Values = cut r.Values
                        StandardError = r.StandardError |> Option.map cut
                    }
    ]

    {
        found with
            Responses = whole |> List.collect (apart recipe)
            Densities = densities
    }
