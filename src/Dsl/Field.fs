namespace Leith

open System
open Leith.Core

/// Where an unknown lives.
[<RequireQualifiedAccess>]
type Domain =
    /// A periodic box: side length and number of points along each axis.
    | Torus of lengths: float list * points: int list
    /// A periodic box with values at its sites and finite differences between them: side length and number of points along each axis.
    | Lattice of lengths: float list * points: int list
    /// One number for each Fourier mode of a torus, such as the phase of a wave.
    | Modes of lengths: float list * points: int list
    /// A number that depends on time alone.
    | Scalar
    /// One component of a recording.
    | Column of recording: string * index: int
    /// All components of a recording.
    | EveryColumn of recording: string

/// Elementary functions of one variable.
[<RequireQualifiedAccess>]
type Elementary =
    | Sin
    | Cos
    | Exp
    | Log
    | Sqrt
    | Tanh
    | Abs
    /// 1 above zero, 0 elsewhere.
    | Step

    /// The function as it is written.
    member f.Name =
        match f with
        | Sin -> "sin"
        | Cos -> "cos"
        | Exp -> "exp"
        | Log -> "log"
        | Sqrt -> "sqrt"
        | Tanh -> "tanh"
        | Abs -> "abs"
        | Step -> "θ"

/// What of the stationary law of an expression is meant: only inside `observe`.
[<RequireQualifiedAccess>]
type Statistic =
    /// (a − mean)/standard deviation, both numbers taken from the record.
    | Standardised
    /// The value below which this part of the law lies.
    | Quantile of probability: float
    /// The cumulant of this order, 1 … 4.
    | Cumulant of order: int
    /// The probability density, over so many bins.
    | Density of bins: int

/// A symbolic field: numbers, parameters and unknowns joined by operators. A closed tree, so that it prints, hashes, splits, differentiates and compiles.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Field =
    | Number of float
    | Parameter of name: string * value: float
    | Unknown of name: string * Domain
    | Time
    /// The position along an axis, 0 at the first site.
    | Coordinate of axis: int
    /// ξ, white noise of unit variance per unit time at each site, or one Brownian motion's where the domain is a number.
    | WhiteNoise of name: string * Domain
    | Sum of Field list
    | Product of Field list
    | Quotient of Field * Field
    | Power of Field * exponent: float
    | Apply of Elementary * Field
    | Lap of Field
    | Derivative of axis: int * Field
    | Spectral of name: string * Symbol * Field
    /// The mean over all sites, a number.
    | Mean of Field
    /// The value so many sites further along each axis of a lattice.
    | Neighbour of offset: int list * Field
    /// u(x + d(x)): the value on a torus at a displaced place, by trigonometric interpolation; one displacement an axis.
    | Displaced of displacement: Field list * Field
    /// A component of the state that dw/dt = f(w) makes of a start in so long a time, by so many steps of the classical Runge–Kutta method; the w are bound.
    | Flow of duration: float * steps: int * rates: (Field * Field) list * start: Field list * index: int
    /// Re Σ_k a(k) e^{iφ_k} e^{ik·x}: waves of given amplitudes a(k) whose phases φ are numbers on the modes.
    | Waves of amplitude: Symbol * phases: Field
    /// A statistic of the law of an expression; it stands for observables that are made once the record is known.
    | Statistic of Statistic * Field

    /// a + b, with nested sums flattened and numbers gathered.
    static member (+)(a: Field, b: Field) =
        let terms =
            function
            | Field.Sum terms -> terms
            | Field.Number 0.0 -> []
            | term -> [ term ]

        let numbers, others = terms a @ terms b |> List.partition _.IsNumber

        match numbers, others with
        | ([] | [ _ ]), _ ->
            match terms a @ terms b with
            | [] -> Field.Number 0.0
            | [ term ] -> term
            | terms -> Field.Sum terms
        | _ ->
            let total =
                numbers
                |> List.sumBy (function
                    | Field.Number c -> c
                    | _ -> 0.0)

            match others, total with
            | [], _ -> Field.Number total
            | [ term ], 0.0 -> term
            | _, 0.0 -> Field.Sum others
            | _ -> Field.Sum(others @ [ Field.Number total ])

    /// a b, with nested products flattened and numbers gathered in front.
    static member (*)(a: Field, b: Field) =
        let factors =
            function
            | Field.Product factors -> factors
            | factor -> [ factor ]

        let numbers, others = factors a @ factors b |> List.partition _.IsNumber

        let scale =
            numbers
            |> List.fold
                (fun c factor ->
                    match factor with
                    | Field.Number d -> c * d
                    | _ -> c)
                1.0

        match scale, others with
        | 0.0, _ -> Field.Number 0.0
        | _, [] -> Field.Number scale
        | 1.0, [ factor ] -> factor
        | 1.0, _ -> Field.Product others
        | _ -> Field.Product(Field.Number scale :: others)

    static member (/)(a: Field, b: Field) =
        match a, b with
        | _, Field.Number 1.0 -> a
        | Field.Number c, Field.Number d when d <> 0.0 -> Field.Number(c / d)
        | _ -> Field.Quotient(a, b)

    static member (~-)(a: Field) = Field.Number -1.0 * a
    static member (-)(a: Field, b: Field) = a + -b
    static member (+)(a: float, b: Field) = Field.Number a + b
    static member (+)(a: Field, b: float) = a + Field.Number b
    static member (+)(a: int, b: Field) = Field.Number(float a) + b
    static member (+)(a: Field, b: int) = a + Field.Number(float b)
    static member (-)(a: float, b: Field) = Field.Number a + -b
    static member (-)(a: Field, b: float) = a + Field.Number -b
    static member (-)(a: int, b: Field) = Field.Number(float a) + -b
    static member (-)(a: Field, b: int) = a + Field.Number(float -b)
    static member (*)(a: float, b: Field) = Field.Number a * b
    static member (*)(a: Field, b: float) = a * Field.Number b
    static member (*)(a: int, b: Field) = Field.Number(float a) * b
    static member (*)(a: Field, b: int) = a * Field.Number(float b)
    static member (/)(a: float, b: Field) = Field.Number a / b
    static member (/)(a: Field, b: float) = a / Field.Number b
    static member (/)(a: int, b: Field) = Field.Number(float a) / b
    static member (/)(a: Field, b: int) = a / Field.Number(float b)

    static member Pow(a: Field, p: float) =
        match a with
        | _ when p = 0.0 -> Field.Number 1.0
        | _ when p = 1.0 -> a
        | Field.Number c -> Field.Number(Math.Pow(c, p))
        | _ -> Field.Power(a, p)

    static member Pow(a: Field, n: int) = Field.Pow(a, float n)

    [<CompilerMessage("expected a number as the exponent of a field, got a field; write exp (b * log a)", 19203, IsError = true)>]
    static member Pow(_: Field, _: Field) : Field =
        raise (LeithException "power: expected a number as the exponent of a field.")

    static member Sin(a: Field) = Field.Apply(Elementary.Sin, a)
    static member Cos(a: Field) = Field.Apply(Elementary.Cos, a)
    static member Exp(a: Field) = Field.Apply(Elementary.Exp, a)
    static member Log(a: Field) = Field.Apply(Elementary.Log, a)
    static member Sqrt(a: Field) = Field.Apply(Elementary.Sqrt, a)
    static member Tanh(a: Field) = Field.Apply(Elementary.Tanh, a)
    static member Abs(a: Field) = Field.Apply(Elementary.Abs, a)

    /// A constant field as the number of a symbol, with its parameters' names.
    member field.AsSymbol: Symbol =
        let refuse () =
            raise (LeithException $"spectral: expected numbers, parameters and k inside the symbol, got the field {field}.")

        match field with
        | Field.Number c -> Symbol.Number c
        | Field.Parameter(name, value) -> Symbol.Parameter(name, value)
        | Field.Sum terms -> terms |> List.map _.AsSymbol |> List.reduce (fun a b -> a + b)
        | Field.Product factors -> factors |> List.map _.AsSymbol |> List.reduce (fun a b -> a * b)
        | Field.Quotient(a, b) -> a.AsSymbol / b.AsSymbol
        | Field.Power(a, p) -> Symbol.Power(a.AsSymbol, p)
        | Field.Apply(Elementary.Sqrt, a) -> sqrt a.AsSymbol
        | Field.Apply(Elementary.Exp, a) -> exp a.AsSymbol
        | _ -> refuse ()

    static member (*)(a: Field, b: Symbol) = a.AsSymbol * b
    static member (*)(a: Symbol, b: Field) = a * b.AsSymbol
    static member (+)(a: Field, b: Symbol) = a.AsSymbol + b
    static member (+)(a: Symbol, b: Field) = a + b.AsSymbol
    static member (-)(a: Field, b: Symbol) = a.AsSymbol - b
    static member (-)(a: Symbol, b: Field) = a - b.AsSymbol
    static member (/)(a: Field, b: Symbol) = a.AsSymbol / b
    static member (/)(a: Symbol, b: Field) = a / b.AsSymbol

    /// The field as text with as few parentheses as it needs, e.g. κ Δu − A ∂x u + α Σ[u − u³].
    member field.Text =
        // levels: 0 anything, 1 a term of a sum, 2 a factor, 3 an operand of Δ, ∂ or a denominator, 4 a base of a power
        let rec go level field =
            match field with
            | Field.Number c -> Typography.wrap (c < 0.0 && level > 0) (Typography.number c)
            | Field.Parameter(name, _)
            | Field.Unknown(name, _)
            | Field.WhiteNoise(name, _) -> name
            | Field.Time -> "t"
            | Field.Coordinate axis -> Typography.axis axis
            | Field.Sum terms -> Typography.wrap (level > 0) (sum terms)
            | Field.Product(Field.Number -1.0 :: factors) -> Typography.wrap (level > 0) ("−" + product factors)
            | Field.Product(Field.Number c :: factors) when c < 0.0 -> Typography.wrap (level > 0) ("−" + product (Field.Number -c :: factors))
            | Field.Product factors -> Typography.wrap (level > 2) (product factors)
            | Field.Quotient(a, b) -> Typography.wrap (level > 2) (go 2 a + "/" + go 3 b)
            | Field.Power(a, p) -> Typography.wrap (level > 3) (go 4 a + Typography.exponent p)
            | Field.Apply(f, a) -> f.Name + "(" + go 0 a + ")"
            | Field.Lap(Field.Lap a) -> Typography.wrap (level > 3) ("Δ²" + go 3 a)
            | Field.Lap a -> Typography.wrap (level > 3) ("Δ" + go 3 a)
            | Field.Derivative(axis, a) -> Typography.wrap (level > 3) ("∂" + Typography.axis axis + " " + go 3 a)
            | Field.Spectral(name, _, a) -> name + "[" + go 0 a + "]"
            | Field.Mean a -> "⟨" + go 0 a + "⟩"
            | Field.Neighbour(offset, a) ->
                let steps = offset |> List.map (sprintf "%+d") |> String.concat ", "
                $"{go 4 a}({steps})"
            | Field.Displaced(displacement, a) ->
                let moved =
                    displacement
                    |> List.mapi (fun axis d ->
                        match d with
                        | Field.Number 0.0 -> Typography.axis axis
                        | d -> sum [ Field.Coordinate axis; d ])
                    |> String.concat ", "

                $"{go 4 a}({moved})"
            | Field.Flow(duration, _, rates, start, index) ->
                let bound = rates |> List.map (fst >> go 0) |> String.concat ", "

                let which =
                    if start.Length = 1 then
                        ""
                    else
                        $"{bound} ↦ {go 0 (fst rates[index])}: "

                let from = start |> List.map (go 0) |> String.concat ", "
                $"Φ({Typography.number duration})[{which}{from}]"
            | Field.Statistic(Statistic.Standardised, a) -> $"std({go 0 a})"
            | Field.Statistic(Statistic.Quantile p, a) -> $"quantile {Typography.number p} of {go 3 a}"
            | Field.Statistic(Statistic.Cumulant n, a) -> $"κ{n}({go 0 a})"
            | Field.Statistic(Statistic.Density _, a) -> $"density of {go 3 a}"
            | Field.Waves(amplitude, phases) -> $"Re Σ {amplitude} exp(i {go 4 phases} + i k·x)"

        and product factors =
            // a/b c would read as a/(b c): a quotient stands bare only at the end
            let last = List.length factors - 1

            factors
            |> List.mapi (fun i factor -> go (if factor.IsQuotient && i < last then 3 else 2) factor)
            |> String.concat " "

        and sum terms =
            terms
            |> List.mapi (fun i term ->
                let negated =
                    match term with
                    | Field.Number c when c < 0.0 -> Some(Field.Number -c)
                    | Field.Product(Field.Number c :: _) when c < 0.0 -> Some(-term)
                    | _ -> None

                match negated with
                | Some positive -> (if i = 0 then "−" else " − ") + go 1 positive
                | None -> (if i = 0 then "" else " + ") + go 1 term)
            |> String.concat ""

        go 0 field

    override field.ToString() = field.Text

/// A linear operator as a value, Scale · S(k): what `root` and `inverse` return, what `additive` takes. `op * u` applies it.
[<StructuredFormatDisplay("{Text}")>]
type Operator = {
    Name: string
    /// A constant.
    Scale: Field
    Symbol: Symbol
} with

    static member (*)(scale: float, op: Operator) = { op with Scale = scale * op.Scale }
    static member (*)(scale: int, op: Operator) = { op with Scale = scale * op.Scale }
    static member (*)(scale: Field, op: Operator) = { op with Scale = scale * op.Scale }
    static member (~-)(op: Operator) = { op with Scale = -op.Scale }

    static member (*)(a: Operator, b: Operator) = {
        Name = a.Name + " " + b.Name
        Scale = a.Scale * b.Scale
        Symbol = a.Symbol * b.Symbol
    }

    /// The operator applied to a field.
    static member (*)(op: Operator, field: Field) =
        op.Scale * Field.Spectral(op.Name, op.Symbol, field)

    /// The operator as text, e.g. ε Σ^½.
    member op.Text =
        if op.Scale = Field.Number 1.0 then
            op.Name
        else
            (op.Scale * Field.Unknown(op.Name, Domain.Scalar)).Text

    override op.ToString() = op.Text
