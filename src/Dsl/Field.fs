namespace Leith

open System
open System.Security.Cryptography
open System.Text
open Leith.Core

/// Where an unknown lives.
[<RequireQualifiedAccess>]
type Domain =
    /// A periodic box: side length and number of points along each axis.
    | Torus of lengths: float list * points: int list
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

/// A symbolic field: numbers, parameters and unknowns joined by operators. A closed tree, so that it prints, hashes, splits, differentiates and compiles.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Field =
    | Number of float
    | Parameter of name: string * value: float
    | Unknown of name: string * Domain
    | Time
    | Sum of Field list
    | Product of Field list
    | Quotient of Field * Field
    | Power of Field * exponent: float
    | Apply of Elementary * Field
    | Lap of Field
    | Derivative of axis: int * Field
    | Spectral of name: string * Symbol * Field

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
            | Field.Unknown(name, _) -> name
            | Field.Time -> "t"
            | Field.Sum terms -> Typography.wrap (level > 0) (sum terms)
            | Field.Product(Field.Number -1.0 :: factors) -> Typography.wrap (level > 0) ("−" + product factors)
            | Field.Product(Field.Number c :: factors) when c < 0.0 -> Typography.wrap (level > 0) ("−" + product (Field.Number -c :: factors))
            | Field.Product factors -> Typography.wrap (level > 2) (product factors)
            | Field.Quotient(a, b) -> Typography.wrap (level > 2) (go 2 a + "/" + go 3 b)
            | Field.Power(a, p) -> Typography.wrap (level > 3) (go 4 a + Typography.exponent p)
            | Field.Apply(f, a) -> f.Name + "(" + go 0 a + ")"
            | Field.Lap a -> Typography.wrap (level > 3) ("Δ" + go 3 a)
            | Field.Derivative(axis, a) -> Typography.wrap (level > 3) ("∂" + Typography.axis axis + " " + go 3 a)
            | Field.Spectral(name, _, a) -> name + "[" + go 0 a + "]"

        and product factors =
            factors |> List.map (go 2) |> String.concat " "

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

[<RequireQualifiedAccess>]
module Field =
    /// The parts a field is made of, one level down.
    let children field =
        match field with
        | Field.Number _
        | Field.Parameter _
        | Field.Unknown _
        | Field.Time -> []
        | Field.Sum parts
        | Field.Product parts -> parts
        | Field.Quotient(a, b) -> [ a; b ]
        | Field.Power(a, _)
        | Field.Apply(_, a)
        | Field.Lap a
        | Field.Derivative(_, a)
        | Field.Spectral(_, _, a) -> [ a ]

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

    /// (name, value) of the distinct parameters in the order of their first appearance, those inside symbols included.
    let parameters field =
        let add found f =
            match f with
            | Field.Parameter(name, value) -> (name, value) :: found
            | Field.Spectral(_, symbol, _) -> List.rev (Symbol.parameters symbol) @ found
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

    /// Whether the field depends on time explicitly.
    let dependsOnTime field =
        fold (fun found f -> found || f = Field.Time) false field

    /// Whether the field has the same value at all times and places, whatever the state.
    let isConstant field =
        List.isEmpty (unknowns field) && not (dependsOnTime field)

    let private elementary f (x: float) =
        match f with
        | Elementary.Sin -> sin x
        | Elementary.Cos -> cos x
        | Elementary.Exp -> exp x
        | Elementary.Log -> log x
        | Elementary.Sqrt -> sqrt x
        | Elementary.Tanh -> tanh x
        | Elementary.Abs -> abs x

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
        | Field.Unknown _
        | Field.Lap _
        | Field.Derivative _
        | Field.Spectral _ -> look field

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
                | _ -> nan

            Some(evaluate nonlocal 0.0 field)

    /// A text that is the same for equal fields on every machine and in every run.
    let rec canonical (field: Field) : string =
        let list word parts =
            "(" + word + " " + String.Join(" ", parts |> List.map canonical) + ")"

        match field with
        | Field.Number c -> Typography.exactly c
        | Field.Parameter(name, value) -> $"(parameter {Typography.quote name} {Typography.exactly value})"
        | Field.Unknown(name, domain) -> $"(unknown {Typography.quote name} {place domain})"
        | Field.Time -> "t"
        | Field.Sum terms -> list "+" terms
        | Field.Product factors -> list "*" factors
        | Field.Quotient(a, b) -> list "/" [ a; b ]
        | Field.Power(a, p) -> $"(^ {canonical a} {Typography.exactly p})"
        | Field.Apply(f, a) -> list f.Name [ a ]
        | Field.Lap a -> list "lap" [ a ]
        | Field.Derivative(axis, a) -> list $"d{axis}" [ a ]
        | Field.Spectral(name, symbol, a) -> $"(spectral {Typography.quote name} {Symbol.canonical symbol} {canonical a})"

    and private place (domain: Domain) : string =
        match domain with
        | Domain.Torus(lengths, points) ->
            let sides =
                List.map2 (fun length n -> $"{Typography.exactly length}:{n}") lengths points

            "(torus " + String.Join(" ", sides) + ")"
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
        | Field.Spectral(_, _, a) -> degree a

    /// ∂f/∂x, point by point, x an unknown. Raises LeithException when x stands under Δ, ∂ or a spectral operator: that derivative is not local.
    let rec derivative (x: Field) (f: Field) : Field =
        match f with
        | _ when f = x -> Field.Number 1.0
        | Field.Number _
        | Field.Parameter _
        | Field.Unknown _
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
        | Field.Lap a
        | Field.Derivative(_, a)
        | Field.Spectral(_, _, a) ->
            if List.contains x (unknowns a) then
                raise (LeithException $"derivative: expected a local expression in {x}, got {f}, which depends on {x} at other places.")

            Field.Number 0.0

    and private slope g a =
        match g with
        | Elementary.Sin -> cos a
        | Elementary.Cos -> -(sin a)
        | Elementary.Exp -> exp a
        | Elementary.Log -> Field.Number 1.0 / a
        | Elementary.Sqrt -> 0.5 / sqrt a
        | Elementary.Tanh -> 1.0 - Field.Pow(tanh a, 2)
        | Elementary.Abs -> a / abs a

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
            | _ -> refuse f

        read (op probe)

    /// The name of an operator read from what it makes of a probe: that of a spectral operator, or its text.
    let nameOf (op: Field -> Field) =
        match op (Field.Unknown("·", Domain.Scalar)) with
        | Field.Spectral(name, _, Field.Unknown("·", _)) -> name
        | Field.Lap(Field.Unknown("·", _)) -> "Δ"
        | f -> "(" + f.Text + ")"

/// The words of fields.
[<AutoOpen>]
module FieldWords =
    /// π.
    let pi = Math.PI

    let private checkedTorus (lengths: float list) (points: int list) =
        Grid(points, lengths) |> ignore // refuses bad numbers with a sentence
        Domain.Torus(lengths, points)

    /// A periodic interval: `ring length points`.
    let ring (length: float) (points: int) = checkedTorus [ length ] [ points ]

    /// A periodic square: `torus length points`, points along each side.
    let torus (length: float) (points: int) =
        checkedTorus [ length; length ] [ points; points ]

    /// A periodic rectangle: `rectangle (lx, ly) (nx, ny)`.
    let rectangle (lx: float, ly: float) (nx: int, ny: int) = checkedTorus [ lx; ly ] [ nx; ny ]

    /// A periodic box: `box3 (lx, ly, lz) (nx, ny, nz)`.
    let box3 (lx: float, ly: float, lz: float) (nx: int, ny: int, nz: int) =
        checkedTorus [ lx; ly; lz ] [ nx; ny; nz ]

    /// An unknown field on a torus: `field "u" (torus (2.0 * pi) 32)`.
    let field name domain = Field.Unknown(name, domain)
    /// An unknown number: `scalar "x"`.
    let scalar name = Field.Unknown(name, Domain.Scalar)
    /// Several unknown numbers: `scalars [ "x"; "y"; "z" ]`.
    let scalars names = names |> List.map scalar

    /// A constant with a name: `parameter "κ" 2.5e-4`.
    let parameter name (value: float) =
        if not (Double.IsFinite value) then
            raise (LeithException $"parameter {name}: expected a finite number, got {value}.")

        Field.Parameter(name, value)

    /// Time.
    let t = Field.Time
    /// u².
    let square (u: Field) = Field.Pow(u, 2)
    /// u³.
    let cube (u: Field) = Field.Pow(u, 3)
    /// Δu.
    let lap u = Field.Lap u
    /// ∂u/∂x; zero on the Nyquist wavenumber.
    let dx u = Field.Derivative(0, u)
    /// ∂u/∂y; zero on the Nyquist wavenumber.
    let dy u = Field.Derivative(1, u)
    /// ∂u/∂z; zero on the Nyquist wavenumber.
    let dz u = Field.Derivative(2, u)

    /// A linear operator given by its symbol: `let sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))`, then `sigma u`.
    let spectral name (symbol: Wavevector -> Symbol) : Field -> Field =
        let symbol = symbol (Wavevector())
        fun u -> Field.Spectral(name, symbol, u)

    /// A linear operator as a value: `operator lap`.
    let operator (op: Field -> Field) : Operator = {
        Name = Field.nameOf op
        Scale = Field.Number 1.0
        Symbol = Field.symbolOf op
    }

    /// The root of a linear operator, S(k)^½: `root sigma`.
    let root (op: Field -> Field) : Operator = {
        Name = Field.nameOf op + "^½"
        Scale = Field.Number 1.0
        Symbol = sqrt (Field.symbolOf op)
    }

    /// The inverse of a linear operator, 1/S(k), zero where S(k) is zero: `inverse lap`.
    let inverse (op: Field -> Field) : Operator = {
        Name = Field.nameOf op + "⁻¹"
        Scale = Field.Number 1.0
        Symbol = Symbol.Inverse(Field.symbolOf op)
    }
