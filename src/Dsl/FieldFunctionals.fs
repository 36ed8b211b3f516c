/// Patterns that push homogeneous fields, and observables that are numbers: linear maps of the response to one kick.
module internal Leith.FieldFunctionals

open System
open System.Numerics
open Leith.Core
open Leith.Calculus

/// A push of one field along a pattern g(x), and what is observed of the answer.
type Functional = {
    /// As the script asks for it.
    Asked: Field
    /// A(x), a function of the state that is the same at every place; its response to one kick is what all else is made of.
    Observable: Field
    /// ⟨w(x) A(x)⟩ over the sites where it is a number: the spectrum of w.
    Weight: Complex[] option
    /// The spectrum of g, from the pushed site on where that is one.
    Pattern: Complex[] option
} with

    /// Whether the values at the sites themselves are asked for, counted from the kick.
    member f.IsPlain = f.Weight.IsNone && f.Pattern.IsNone

/// A field of the place alone at the sites of a grid. Raises LeithException where it is more.
let atSites word (grid: Grid) (f: Field) : float[] =
    Array.init grid.Sites (fun site ->
        let look leaf =
            match leaf with
            | Field.Coordinate axis when axis < grid.Dimensions -> float (grid.Unravel(site)[axis]) * grid.Lengths[axis] / float grid.Points[axis]
            | other ->
                raise (
                    LeithException
                        $"{word}: expected numbers, parameters and the coordinates of {grid.Dimensions} axes in a pattern, got {other} in {f}."
                )

        match Field.evaluate look 0.0 f with
        | value when Double.IsFinite value -> value
        | value -> raise (LeithException $"{word}: expected finite values, got {value} at site {site} of {f}."))

/// fft of real values at sites, unnormalised.
let spectrum (grid: Grid) (values: float[]) : Complex[] =
    use fft = new LaneFft(grid)
    use tile = new Tile(grid.Sites)

    for site in 0 .. grid.Sites - 1 do
        tile.A[site, 0] <- values[site]

    fft.Forward(tile.A.Pointer, tile.B.Pointer)
    Array.init grid.Sites (fun k -> Complex(tile.A[k, 0], tile.B[k, 0]))

let private isState f = not (Field.unknowns f).IsEmpty

/// A number as Σ c ⟨a⟩ of fields a; none where it is no such sum.
let rec private means (f: Field) : (float * Field) list option =
    match f with
    | Field.Mean a when isNumber a -> means a
    | Field.Mean a -> Some [ 1.0, a ]
    | Field.Sum terms ->
        let parts = terms |> List.map means

        if parts |> List.forall Option.isSome then
            Some(parts |> List.collect Option.get)
        else
            None
    | Field.Product factors ->
        match factors |> List.partition isState with
        | [ one ], others -> constant (product others) one
        | _ -> None
    | Field.Quotient(a, b) when not (isState b) -> constant (1.0 / b) a
    | _ -> None

and private constant c a =
    match Field.constant c, means a with
    | Some c, Some parts -> Some(parts |> List.map (fun (weight, a) -> c * weight, a))
    | _ -> None

/// a as w(x) A: factors of the place alone, and the others. None where the two are mixed.
let private weighted (a: Field) : (Field * Field) option =
    let placed, others =
        match a with
        | Field.Product factors -> factors |> List.partition (fun f -> not (isState f) && Field.dependsOnPlace f)
        | a -> [], [ a ]

    match placed, product others with
    | _, rest when Field.dependsOnPlace rest || not (isState rest) -> None
    | _, rest -> Some(product placed, rest)

/// a number with its terms under one mean each
let rec private expanded (c: float, a: Field) : (float * Field) list =
    match tidy a with
    | Field.Sum terms when Field.dependsOnPlace a -> terms |> List.collect (fun term -> expanded (c, term))
    | Field.Product(Field.Number factor :: rest) -> [ c * factor, product rest ]
    | a -> [ c, a ]

/// The one A and the w with f = ⟨w A⟩; none where f is no such number.
let private region (grid: Grid) (f: Field) : (Field * float[]) option =
    let parts =
        means f |> Option.map (List.collect expanded) |> Option.map (List.map (fun (c, a) -> c, weighted a))

    match parts with
    | Some parts when parts |> List.forall (snd >> Option.isSome) ->
        match parts |> List.map (fun (c, wa) -> let w, a = wa.Value in a, (w, c)) |> List.groupBy fst with
        | [ a, weights ] ->
            weights
            |> List.map (fun (_, (w, c)) -> atSites "observe" grid w |> Array.map (fun v -> c * v))
            |> List.reduce (Array.map2 (+))
            |> fun w -> Some(a, w)
        | groups when
            groups
            |> List.forall (fun (_, weights) -> weights |> List.forall (fun (_, (w, _)) -> not (Field.dependsOnPlace w)))
            ->
            // without places the sum goes under one mean
            let a =
                groups
                |> List.collect (fun (a, weights) -> weights |> List.map (fun (_, (w, c)) -> c * (w * a)))
                |> total

            Some(a, Array.create grid.Sites 1.0)
        | _ -> None
    | _ -> None

/// Whether an observable of a field is a number.
let isScalar (observable: Field) =
    isNumber observable && (Field.place observable).IsNone && isState observable

/// What is asked for as a map of the response to one kick; none where it is no such map.
let functional (grid: Grid) (perturb: Perturbation) (observable: Field) : Functional option =
    let kick site =
        let values = Array.zeroCreate grid.Sites
        values[grid.Ravel(ReadOnlySpan(Array.ofList site))] <- 1.0
        spectrum grid values

    let scalar = isScalar observable

    let pattern =
        match perturb with
        // sites are counted from the kick, places are not
        | Perturbation.Kick(_, site) -> Some(if scalar then Some(kick site) else None)
        | Perturbation.Along [ _, g ] when not (isState g) -> Some(Some(spectrum grid (atSites "perturb" grid g)))
        | _ -> None

    match pattern with
    | None -> None
    | Some pattern when scalar ->
        region grid observable
        |> Option.map (fun (a, w) -> {
            Asked = observable
            Observable = a
            Weight = Some(spectrum grid w)
            Pattern = pattern
        })
    | Some _ when Field.dependsOnPlace observable && perturb.IsAlong -> None
    | Some pattern ->
        Some {
            Asked = observable
            Observable = observable
            Weight = None
            Pattern = pattern
        }

/// What becomes of the response R_k(τ) to one kick: R_k g_k at the sites, or N⁻² Σ_k w_k* R_k g_k.
let outputs (grid: Grid) (f: Functional) : Func<Complex[][], float[][]> | null =
    let times (pattern: Complex[] option) (row: Complex[]) =
        match pattern with
        | Some g -> Array.map2 (fun (r: Complex) g -> r * g) row g
        | None -> row

    match f.Weight with
    | _ when f.IsPlain -> null
    | None -> Func<_, _>(fun spectra -> SpectralResponse.ToSites(grid, spectra |> Array.map (times f.Pattern)))
    | Some w ->
        let n = float grid.Sites

        Func<_, _>(
            Array.map (fun row ->
                let moved = times f.Pattern row

                let sum =
                    Array.fold2 (fun sum (r: Complex) (w: Complex) -> sum + (Complex.Conjugate w * r).Real) 0.0 moved w

                [| sum / (n * n) |])
        )

/// |g_k| at the sites, |g_k w_k|/N of a number: what the error of the score is weighed with.
let filter (grid: Grid) (f: Functional) : float[] =
    let size (spectrum: Complex[] option) k =
        spectrum |> Option.map (fun s -> Complex.Abs s[k]) |> Option.defaultValue 1.0

    let scale = if f.Weight.IsSome then 1.0 / float grid.Sites else 1.0
    Array.init grid.Sites (fun k -> scale * size f.Pattern k * size f.Weight k)

/// What is asked for where it is no map of the response to one kick.
let direct (u: Field) (observable: Field) : Functional =
    let scalar = isScalar observable

    {
        Asked = observable
        Observable = (if scalar then u else observable)
        Weight = (if scalar then Some [||] else None)
        Pattern = None
    }
