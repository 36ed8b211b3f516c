namespace Leith

open System
open System.Security.Cryptography
open System.Text
open Leith.Core

/// What is read off a field: its unknowns, its degree, its value, its derivative, its canonical text.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Field =
    /// The parts a field is made of, one level down.
    let children field =
        match field with
        | Field.Number _
        | Field.Parameter _
        | Field.Unknown _
        | Field.Coordinate _
        | Field.WhiteNoise _
        | Field.Time -> []
        | Field.Sum parts
        | Field.Product parts -> parts
        | Field.Quotient(a, b) -> [ a; b ]
        | Field.Power(a, _)
        | Field.Apply(_, a)
        | Field.Statistic(_, a)
        | Field.Lap a
        | Field.Derivative(_, a)
        | Field.Spectral(_, _, a)
        | Field.Mean a
        | Field.Neighbour(_, a)
        | Field.Waves(_, a) -> [ a ]
        | Field.Displaced(displacement, a) -> displacement @ [ a ]
        | Field.Flow(_, _, _, start, _) -> start

    /// The field with every part one level down replaced.
    let map (f: Field -> Field) (field: Field) : Field =
        match field with
        | Field.Number _
        | Field.Parameter _
        | Field.Unknown _
        | Field.Coordinate _
        | Field.WhiteNoise _
        | Field.Time -> field
        | Field.Sum parts -> parts |> List.map f |> List.fold (fun a b -> a + b) (Field.Number 0.0)
        | Field.Product parts -> parts |> List.map f |> List.fold (fun a b -> a * b) (Field.Number 1.0)
        | Field.Quotient(a, b) -> f a / f b
        | Field.Power(a, p) -> Field.Pow(f a, p)
        | Field.Apply(g, a) -> Field.Apply(g, f a)
        | Field.Statistic(statistic, a) -> Field.Statistic(statistic, f a)
        | Field.Lap a -> Field.Lap(f a)
        | Field.Derivative(axis, a) -> Field.Derivative(axis, f a)
        | Field.Spectral(name, symbol, a) -> Field.Spectral(name, symbol, f a)
        | Field.Mean a -> Field.Mean(f a)
        | Field.Neighbour(offset, a) -> Field.Neighbour(offset, f a)
        | Field.Displaced(displacement, a) -> Field.Displaced(List.map f displacement, f a)
        | Field.Flow(duration, steps, rates, start, index) -> Field.Flow(duration, steps, rates, List.map f start, index)
        | Field.Waves(amplitude, phases) -> Field.Waves(amplitude, f phases)

    let rec private fold step state field =
        children field |> List.fold (fold step) (step state field)

    /// The distinct unknowns in the order of their first appearance.
    let unknowns field =
        fold
            (fun found f ->
                match f with
                | Field.Unknown _ -> f :: found
                | _ -> found)
            []
            field
        |> List.rev
        |> List.distinct

    /// The statistics of laws that stand in a field, outermost first.
    let statistics field =
        fold
            (fun found f ->
                match f with
                | Field.Statistic(kind, a) -> (kind, a) :: found
                | _ -> found)
            []
            field
        |> List.rev

    /// Whether a statistic of a law stands in a field.
    let hasStatistic field = not (List.isEmpty (statistics field))

    /// (name, value) of the distinct parameters in the order of their first appearance, those inside symbols included.
    let rec parameters field =
        let add found f =
            match f with
            | Field.Parameter(name, value) -> (name, value) :: found
            | Field.Spectral(_, symbol, _)
            | Field.Waves(symbol, _) -> List.rev (Symbol.parameters symbol) @ found
            | Field.Flow(_, _, rates, _, _) -> List.rev (rates |> List.collect (snd >> parameters)) @ found
            | _ -> found

        fold add [] field |> List.rev |> List.distinct

    /// The distinct named spectral operators in the order of their first appearance.
    let operators field =
        fold
            (fun found f ->
                match f with
                | Field.Spectral(name, symbol, _) -> (name, symbol) :: found
                | _ -> found)
            []
            field
        |> List.rev
        |> List.distinct

    /// The distinct white noises in the order of their first appearance.
    let whiteNoises field =
        fold
            (fun found f ->
                match f with
                | Field.WhiteNoise _ -> f :: found
                | _ -> found)
            []
            field
        |> List.rev
        |> List.distinct

    /// Where a field has values: a torus, a lattice or the modes of a torus; none for numbers. Raises LeithException where places are mixed, naming the term.
    let rec place (field: Field) : Domain option =
        let fail text =
            raise (LeithException $"{field}: {text}")

        // coordinates alone live wherever they stand
        let hasCoordinates a =
            fold (fun found f -> found || f.IsCoordinate) false a

        let onTorus word a =
            match place a with
            | Some(Domain.Torus _ as domain) -> Some domain
            | Some(Domain.Lattice _ as domain) when not (field.IsSpectral) -> Some domain
            | Some other -> fail $"{word} expected a field on a torus, got {a} on {domainText other}."
            | None when List.isEmpty (unknowns a) && List.isEmpty (whiteNoises a) -> None
            // a mean of a field is a number that stands at every place: its derivative is 0
            | None when unknowns a |> List.exists (fun u -> (place u).IsSome) -> None
            | None when hasCoordinates a -> None
            | None ->
                fail $"{word} expected a field, got {a}, which is a number and has no space derivative; make the unknown with `field` on a torus."

        match field with
        | Field.Unknown(_, domain)
        | Field.WhiteNoise(_, domain) ->
            match domain with
            | Domain.Torus _
            | Domain.Lattice _
            | Domain.Modes _ -> Some domain
            | _ -> None
        | Field.Lap a -> onTorus "Δ" a
        | Field.Derivative(axis, a) ->
            match onTorus ("∂" + Typography.axis axis) a with
            | Some(Domain.Torus(lengths, _) | Domain.Lattice(lengths, _)) when axis >= lengths.Length ->
                fail $"expected a derivative along one of {lengths.Length} axes, got ∂{Typography.axis axis}."
            | domain -> domain
        | Field.Spectral(name, _, a) -> onTorus $"the spectral operator {name}" a
        | Field.Mean a ->
            place a |> ignore
            None
        | Field.Neighbour(offset, a) ->
            match place a with
            | Some(Domain.Lattice(lengths, _)) as domain when lengths.Length = offset.Length -> domain
            | Some(Domain.Lattice(lengths, _)) -> fail $"neighbour expected {lengths.Length} steps, one an axis, got {offset.Length}."
            | Some other -> fail $"neighbour expected a field on a lattice, got {a} on {domainText other}; make the unknown on `lattice (…)`."
            | None when hasCoordinates a -> None
            | None -> fail $"neighbour expected a field on a lattice, got {a}, which is a number."
        | Field.Displaced(displacement, a) ->
            match onTorus "displaced" a with
            | Some(Domain.Lattice _) ->
                fail "displaced expected a field on a torus, got one on a lattice, where nothing lies between the sites; write neighbour."
            | Some(Domain.Torus(lengths, _)) when lengths.Length <> displacement.Length ->
                fail $"displaced expected {lengths.Length} displacements, one an axis, got {displacement.Length}."
            | domain ->
                for d in displacement do
                    match place d, domain with
                    | Some other, Some domain when other <> domain ->
                        fail $"displaced expected displacements on {domainText domain}, where {a} lives, got {d} on {domainText other}."
                    | _ -> ()

                domain
        | Field.Flow(_, _, rates, start, _) ->
            for (w, rate), from in List.zip rates start do
                match place w, place from with
                | Some(Domain.Torus _) as domain, other when other = domain || from = Field.Number 0.0 -> ()
                | Some(Domain.Torus _), _ -> fail $"flow expected a start where {w} lives, got {from}."
                | _ -> fail $"flow expected unknowns on a torus, got {w}."

                match unknowns rate |> List.tryFind (fun v -> not (List.exists (fst >> (=) v) rates)) with
                | Some other -> fail $"flow expected an equation that depends on its own unknown, got {other} in its right side {rate}."
                | None when not (List.isEmpty (whiteNoises rate)) -> fail "flow expected an equation without noise."
                | None -> ()

            place (fst rates.Head)
        | Field.Waves(_, phases) ->
            match place phases with
            | Some(Domain.Modes(lengths, points)) -> Some(Domain.Torus(lengths, points))
            | _ -> fail $"randomWaves expected phases on the modes of a torus, got {phases}; make them with `phases`."
        | _ ->
            children field
            |> List.choose (fun part -> place part |> Option.map (fun domain -> part, domain))
            |> function
                | [] -> None
                | (first, domain) :: rest ->
                    match rest |> List.tryFind (fun (_, other) -> other <> domain) with
                    | Some(part, other) ->
                        fail
                            $"expected fields on one grid in one expression, got {first} on {domainText domain} and {part} on {domainText other}; take the mean of one, or put both on one grid."
                    | None -> Some domain

    and private domainText domain =
        let points (n: int list) =
            n |> List.map string |> String.concat " × "

        match domain with
        | Domain.Torus(_, n) -> $"a torus of {points n} sites"
        | Domain.Lattice(_, n) -> $"a lattice of {points n} sites"
        | Domain.Modes(_, n) -> $"the modes of a torus of {points n} sites"
        | Domain.Scalar -> "no grid"
        | Domain.Column _
        | Domain.EveryColumn _ -> "a recording"

    /// Whether the field depends on the place explicitly.
    let dependsOnPlace field =
        fold (fun found f -> found || f.IsCoordinate) false field

    /// Whether coordinates stand outside the means of fields, so that the value differs from place to place even of a number.
    let rec variesWithPlace field =
        match field with
        | Field.Coordinate _ -> true
        | Field.Mean a when (place a).IsSome -> false
        | _ -> children field |> List.exists variesWithPlace

    /// Whether the field depends on time explicitly.
    let dependsOnTime field =
        fold (fun found f -> found || f = Field.Time) false field

    /// Whether the field has the same value at all times and places, whatever the state.
    let isConstant field =
        List.isEmpty (unknowns field)
        && List.isEmpty (whiteNoises field)
        && not (dependsOnTime field || dependsOnPlace field)

    let private elementary f (x: float) =
        match f with
        | Elementary.Sin -> sin x
        | Elementary.Cos -> cos x
        | Elementary.Exp -> exp x
        | Elementary.Log -> log x
        | Elementary.Sqrt -> sqrt x
        | Elementary.Tanh -> tanh x
        | Elementary.Abs -> abs x
        | Elementary.Step ->
            if x > 0.0 then 1.0
            elif Double.IsNaN x then nan
            else 0.0

    let private refuseStatistic field =
        raise (LeithException $"statistic: expected it as an observable, got {field} elsewhere; write it in `observe [ … ]`.")

    /// The value of a field at one point: `look` gives unknowns and everything that is not local (Δ, ∂, spectral operators).
    let rec evaluate (look: Field -> float) (time: float) field =
        match field with
        | Field.Number c -> c
        | Field.Parameter(_, value) -> value
        | Field.Time -> time
        | Field.Sum terms -> terms |> List.sumBy (evaluate look time)
        | Field.Product factors -> factors |> List.fold (fun c f -> c * evaluate look time f) 1.0
        | Field.Quotient(a, b) -> evaluate look time a / evaluate look time b
        | Field.Power(a, p) -> Math.Pow(evaluate look time a, p)
        | Field.Apply(f, a) -> elementary f (evaluate look time a)
        | Field.Statistic _ -> refuseStatistic field
        | Field.Unknown _
        | Field.Coordinate _
        | Field.WhiteNoise _
        | Field.Lap _
        | Field.Derivative _
        | Field.Spectral _
        | Field.Mean _
        | Field.Neighbour _
        | Field.Displaced _
        | Field.Flow _
        | Field.Waves _ -> look field

    /// The value of a constant field, none when it depends on time or on an unknown.
    let rec constant field =
        if not (isConstant field) then
            None
        else
            let rec nonlocal f =
                match f with
                | Field.Lap _
                | Field.Derivative _ -> 0.0
                | Field.Spectral(_, symbol, a) -> (Symbol.evaluate (Array.zeroCreate 3) symbol).Real * evaluate nonlocal 0.0 a
                | Field.Mean a
                | Field.Displaced(_, a)
                | Field.Neighbour(_, a) -> evaluate nonlocal 0.0 a
                | _ -> nan

            Some(evaluate nonlocal 0.0 field)

    /// A text that is the same for equal fields on every machine and in every run.
    let rec canonical (field: Field) : string =
        let list word parts =
            "(" + word + " " + String.Join(" ", parts |> List.map canonical) + ")"

        match field with
        | Field.Number c -> Typography.exactly c
        | Field.Parameter(name, value) -> $"(parameter {Typography.quote name} {Typography.exactly value})"
        | Field.Unknown(name, domain) -> $"(unknown {Typography.quote name} {canonicalDomain domain})"
        | Field.Time -> "t"
        | Field.Sum terms -> list "+" terms
        | Field.Product factors -> list "*" factors
        | Field.Quotient(a, b) -> list "/" [ a; b ]
        | Field.Power(a, p) -> $"(^ {canonical a} {Typography.exactly p})"
        | Field.Apply(f, a) -> list f.Name [ a ]
        | Field.Statistic(statistic, a) -> list $"statistic {statistic}" [ a ]
        | Field.Lap a -> list "lap" [ a ]
        | Field.Derivative(axis, a) -> list $"d{axis}" [ a ]
        | Field.Spectral(name, symbol, a) -> $"(spectral {Typography.quote name} {Symbol.canonical symbol} {canonical a})"
        | Field.Coordinate axis -> $"(coordinate {axis})"
        | Field.WhiteNoise(name, domain) -> $"(noise {Typography.quote name} {canonicalDomain domain})"
        | Field.Mean a -> list "mean" [ a ]
        | Field.Neighbour(offset, a) ->
            let steps = offset |> List.map string |> String.concat " "
            $"(neighbour ({steps}) {canonical a})"
        | Field.Displaced(displacement, a) -> list "displaced" (displacement @ [ a ])
        | Field.Flow(duration, steps, rates, start, index) ->
            let system =
                rates |> List.map (fun (w, f) -> $"({canonical w} {canonical f})") |> String.concat " "

            list $"flow {Typography.exactly duration} {steps} {index} ({system})" start
        | Field.Waves(amplitude, phases) -> $"(waves {Symbol.canonical amplitude} {canonical phases})"

    and private canonicalDomain (domain: Domain) : string =
        let box word lengths points =
            let sides =
                List.map2 (fun length n -> $"{Typography.exactly length}:{n}") lengths points

            $"({word} " + String.Join(" ", sides) + ")"

        match domain with
        | Domain.Torus(lengths, points) -> box "torus" lengths points
        | Domain.Lattice(lengths, points) -> box "lattice" lengths points
        | Domain.Modes(lengths, points) -> box "modes" lengths points
        | Domain.Scalar -> "scalar"
        | Domain.Column(path, index) -> $"(column {Typography.quote path} {index})"
        | Domain.EveryColumn path -> $"(columns {Typography.quote path})"

    /// A hash of the canonical text, equal for equal fields on every machine and in every run (64 hexadecimal digits).
    let hash field =
        let bytes: byte[] = Encoding.UTF8.GetBytes(canonical field)
        Convert.ToHexStringLower(SHA256.HashData bytes)

    /// The polynomial degree in the unknowns; infinite for quotients by them, other powers and elementary functions of them.
    let rec degree field =
        match field with
        | Field.Number _
        | Field.Parameter _
        | Field.Coordinate _
        | Field.WhiteNoise _
        | Field.Time -> 0.0
        | Field.Unknown _ -> 1.0
        | Field.Sum terms -> terms |> List.map degree |> List.fold max 0.0
        | Field.Product factors -> factors |> List.sumBy degree
        | Field.Quotient(a, b) -> if degree b = 0.0 then degree a else infinity
        | Field.Power(a, p) ->
            match degree a with
            | 0.0 -> 0.0
            | d when p >= 0.0 && p = Math.Round p -> d * p
            | _ -> infinity
        | Field.Apply(_, a) -> if degree a = 0.0 then 0.0 else infinity
        | Field.Lap a
        | Field.Derivative(_, a)
        | Field.Spectral(_, _, a)
        | Field.Mean a
        | Field.Neighbour(_, a) -> degree a
        | Field.Displaced(displacement, a) ->
            if displacement |> List.forall (fun d -> degree d = 0.0) then
                degree a
            else
                infinity
        | Field.Statistic _
        | Field.Flow _
        | Field.Waves _ -> infinity

    /// What a field divides by where that depends on an unknown: denominators and bases of negative powers.
    let denominators field =
        fold
            (fun found f ->
                match f with
                | Field.Quotient(_, b) when not (List.isEmpty (unknowns b)) -> b :: found
                | Field.Power(b, p) when p < 0.0 && not (List.isEmpty (unknowns b)) -> b :: found
                | _ -> found)
            []
            field
        |> List.rev
        |> List.distinct

    /// ∂f/∂x, point by point, x an unknown. Raises LeithException when x stands under Δ, ∂ or a spectral operator: that derivative is not local.
    let rec derivative (x: Field) (f: Field) : Field =
        match f with
        | _ when f = x -> Field.Number 1.0
        | Field.Number _
        | Field.Parameter _
        | Field.Unknown _
        | Field.Coordinate _
        | Field.WhiteNoise _
        | Field.Time -> Field.Number 0.0
        | Field.Sum terms -> terms |> List.map (derivative x) |> List.fold (fun a b -> a + b) (Field.Number 0.0)
        | Field.Product factors ->
            let term i factor =
                factors
                |> List.indexed
                |> List.fold (fun p (j, other) -> p * (if i = j then derivative x factor else other)) (Field.Number 1.0)

            factors |> List.mapi term |> List.fold (fun a b -> a + b) (Field.Number 0.0)
        | Field.Quotient(a, b) ->
            match derivative x a, derivative x b with
            | da, Field.Number 0.0 -> if da = Field.Number 0.0 then da else da / b
            | da, db -> (da * b - a * db) / Field.Pow(b, 2)
        | Field.Power(a, p) -> p * Field.Pow(a, p - 1.0) * derivative x a
        | Field.Apply(g, a) -> slope g a * derivative x a
        | Field.Statistic _ -> refuseStatistic f
        | Field.Lap _
        | Field.Derivative _
        | Field.Spectral _
        | Field.Mean _
        | Field.Neighbour _
        | Field.Displaced _
        | Field.Flow _
        | Field.Waves _ ->
            if List.contains x (unknowns f) then
                raise (LeithException $"derivative: expected a local expression in {x}, got {f}, which depends on {x} at other places.")

            Field.Number 0.0

    /// g′(a).
    and internal slope g a =
        match g with
        | Elementary.Sin -> cos a
        | Elementary.Cos -> -(sin a)
        | Elementary.Exp -> exp a
        | Elementary.Log -> Field.Number 1.0 / a
        | Elementary.Sqrt -> 0.5 / sqrt a
        | Elementary.Tanh -> 1.0 - Field.Pow(tanh a, 2)
        | Elementary.Abs -> a / abs a
        | Elementary.Step ->
            raise (
                LeithException
                    $"derivative: expected a smooth expression, got θ({a}), which jumps; observe it, but leave it out of drifts, features and vector fields."
            )

    /// The symbol of a linear operator, read from what it makes of a probe. Raises LeithException when the operator is not linear in its argument.
    let symbolOf (op: Field -> Field) : Symbol =
        let probe = Field.Unknown("·", Domain.Scalar)

        let refuse f =
            raise (
                LeithException
                    $"operator: expected a linear operator such as `spectral \"Σ\" (fun k -> …)`, lap or dx, got one that makes {f} of its argument ·."
            )

        let rec read f =
            match f with
            | Field.Unknown("·", _) -> Symbol.Number 1.0
            | Field.Sum terms -> terms |> List.map read |> List.reduce (fun a b -> a + b)
            | Field.Product factors ->
                match factors |> List.partition isConstant with
                | constants, [ one ] -> constants |> List.fold (fun (s: Symbol) c -> c.AsSymbol * s) (read one)
                | _ -> refuse f
            | Field.Quotient(a, b) when isConstant b -> read a / b.AsSymbol
            | Field.Lap a -> -Symbol.Squared * read a
            | Field.Derivative(axis, a) -> Symbol.Imaginary * Symbol.Component axis * read a
            | Field.Spectral(_, symbol, a) -> symbol * read a
            | Field.Mean a -> Symbol.Origin * read a
            | _ -> refuse f

        read (op probe)

    /// The name of an operator read from what it makes of a probe: that of a spectral operator, or its text.
    let nameOf (op: Field -> Field) =
        match op (Field.Unknown("·", Domain.Scalar)) with
        | Field.Spectral(name, _, Field.Unknown("·", _)) -> name
        | Field.Lap(Field.Unknown("·", _)) -> "Δ"
        | f -> "(" + f.Text + ")"
