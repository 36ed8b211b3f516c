namespace Leith

open System
open System.Numerics
open Leith.Core

/// Small pieces of typography shared by everything that prints itself.
module internal Typography =
    let private superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹"

    /// A number as %g, with a true minus sign.
    let number (value: float) = (sprintf "%g" value).Replace("-", "−")

    /// An exponent: raised digits for whole numbers and one half, ^p otherwise.
    let exponent (power: float) =
        if power = 0.5 then
            "^½"
        elif power = -0.5 then
            "^−½"
        elif power = Math.Round power && abs power < 1000.0 then
            let digits =
                string (int (abs power)) |> String.map (fun c -> superscripts[int c - int '0'])

            (if power < 0.0 then "⁻" else "") + digits
        else
            "^" + number power

    let wrap condition text =
        if condition then "(" + text + ")" else text

    /// A float that reads back as itself, for texts that are hashed.
    let exactly (value: float) =
        value.ToString("R", Globalization.CultureInfo.InvariantCulture)

    let quote (text: string) =
        "\"" + text.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\""

    let axis index = [| "x"; "y"; "z" |][index]

/// S(k), the Fourier multiplier of a linear operator: (Op u)^_k = S(k) û_k. A closed tree over the wavevector k: it prints, hashes, inverts and takes roots.
/// On a Nyquist wavenumber the mean over its two signs is taken, so odd symbols vanish there and real fields stay real.
[<RequireQualifiedAccess; StructuredFormatDisplay("{Text}")>]
type Symbol =
    | Number of float
    | Parameter of name: string * value: float
    /// i, the imaginary unit.
    | Imaginary
    /// k_x, k_y, k_z.
    | Component of axis: int
    /// |k|².
    | Squared
    /// 1 at k = 0, the mean, and 0 elsewhere.
    | Origin
    /// 1 where |k|² ≤ c, 0 elsewhere.
    | Disc of float
    | Sum of Symbol * Symbol
    | Product of Symbol * Symbol
    | Quotient of Symbol * Symbol
    | Power of Symbol * exponent: float
    | Exponential of Symbol
    /// 1/S, zero where S is zero.
    | Inverse of Symbol

    static member (+)(a: Symbol, b: Symbol) = Symbol.Sum(a, b)
    static member (+)(a: float, b: Symbol) = Symbol.Sum(Symbol.Number a, b)
    static member (+)(a: Symbol, b: float) = Symbol.Sum(a, Symbol.Number b)
    static member (+)(a: int, b: Symbol) = Symbol.Sum(Symbol.Number(float a), b)
    static member (+)(a: Symbol, b: int) = Symbol.Sum(a, Symbol.Number(float b))
    static member (~-)(a: Symbol) = Symbol.Product(Symbol.Number -1.0, a)
    static member (-)(a: Symbol, b: Symbol) = Symbol.Sum(a, -b)
    static member (-)(a: float, b: Symbol) = Symbol.Sum(Symbol.Number a, -b)
    static member (-)(a: Symbol, b: float) = Symbol.Sum(a, Symbol.Number -b)
    static member (-)(a: int, b: Symbol) = Symbol.Sum(Symbol.Number(float a), -b)
    static member (-)(a: Symbol, b: int) = Symbol.Sum(a, Symbol.Number(float -b))

    static member (*)(a: Symbol, b: Symbol) =
        match a, b with
        | Symbol.Number 1.0, s
        | s, Symbol.Number 1.0 -> s
        | Symbol.Number c, Symbol.Number d -> Symbol.Number(c * d)
        | _ -> Symbol.Product(a, b)

    static member (*)(a: float, b: Symbol) = Symbol.Number a * b
    static member (*)(a: Symbol, b: float) = a * Symbol.Number b
    static member (*)(a: int, b: Symbol) = Symbol.Number(float a) * b
    static member (*)(a: Symbol, b: int) = a * Symbol.Number(float b)
    static member (/)(a: Symbol, b: Symbol) = Symbol.Quotient(a, b)
    static member (/)(a: float, b: Symbol) = Symbol.Quotient(Symbol.Number a, b)
    static member (/)(a: Symbol, b: float) = Symbol.Quotient(a, Symbol.Number b)

    static member (/)(a: int, b: Symbol) =
        Symbol.Quotient(Symbol.Number(float a), b)

    static member (/)(a: Symbol, b: int) =
        Symbol.Quotient(a, Symbol.Number(float b))

    static member Pow(a: Symbol, n: int) = Symbol.Power(a, float n)
    static member Pow(a: Symbol, p: float) = Symbol.Power(a, p)
    static member Sqrt(a: Symbol) = Symbol.Power(a, 0.5)
    static member Exp(a: Symbol) = Symbol.Exponential a

    /// The symbol as text, e.g. 1/(1 + k²).
    member symbol.Text =
        let rec go level symbol =
            match symbol with
            | Symbol.Number c -> Typography.wrap (c < 0.0 && level > 1) (Typography.number c)
            | Symbol.Parameter(name, _) -> name
            | Symbol.Imaginary -> "i"
            | Symbol.Component axis -> "k" + Typography.axis axis
            | Symbol.Squared -> Typography.wrap (level > 3) "k²"
            | Symbol.Origin -> "[k = 0]"
            | Symbol.Disc c -> $"[k² ≤ {Typography.number c}]"
            | Symbol.Sum(a, Symbol.Product(Symbol.Number -1.0, b)) -> Typography.wrap (level > 1) (go 1 a + " − " + go 2 b)
            | Symbol.Sum(a, b) -> Typography.wrap (level > 1) (go 1 a + " + " + go 1 b)
            | Symbol.Product(Symbol.Number -1.0, a) -> Typography.wrap (level > 1) ("−" + go 2 a)
            | Symbol.Product(a, b) -> Typography.wrap (level > 2) (go (if a.IsQuotient then 3 else 2) a + " " + go 2 b)
            | Symbol.Quotient(a, b) -> Typography.wrap (level > 2) (go 2 a + "/" + go 3 b)
            | Symbol.Power(a, p) -> Typography.wrap (level > 3) (go 4 a + Typography.exponent p)
            | Symbol.Exponential a -> "exp(" + go 0 a + ")"
            | Symbol.Inverse a -> Typography.wrap (level > 3) (go 4 a + "⁻¹")

        go 0 symbol

    override symbol.ToString() = symbol.Text

/// k, the wavevector inside `spectral`: k.Squared, k.X, k.Y, k.Z and i = k.I are symbols, so (k.I * k.X) is the symbol of ∂x.
type Wavevector() =
    /// |k|².
    member _.Squared = Symbol.Squared
    /// k_x.
    member _.X = Symbol.Component 0
    /// k_y.
    member _.Y = Symbol.Component 1
    /// k_z.
    member _.Z = Symbol.Component 2
    /// The imaginary unit.
    member _.I = Symbol.Imaginary
    /// 1 where |k|² ≤ c, 0 elsewhere.
    member _.SquaredAtMost(c: float) = Symbol.Disc c

[<RequireQualifiedAccess>]
module Symbol =
    /// S(k) at one wavevector, no convention for the Nyquist wavenumber applied.
    let rec evaluate (k: float[]) symbol : Complex =
        match symbol with
        | Symbol.Number c -> Complex(c, 0.0)
        | Symbol.Parameter(_, value) -> Complex(value, 0.0)
        | Symbol.Imaginary -> Complex.ImaginaryOne
        | Symbol.Component axis when axis < k.Length -> Complex(k[axis], 0.0)
        | Symbol.Component axis ->
            raise (
                LeithException $"spectral: k.{(Typography.axis axis).ToUpperInvariant()} needs a torus of at least {axis + 1} axes, got {k.Length}."
            )
        | Symbol.Squared -> Complex(Array.sumBy (fun c -> c * c) k, 0.0)
        | Symbol.Origin ->
            if Array.forall ((=) 0.0) k then
                Complex.One
            else
                Complex.Zero
        | Symbol.Disc c ->
            if Array.sumBy (fun c -> c * c) k <= c then
                Complex.One
            else
                Complex.Zero
        | Symbol.Sum(a, b) -> evaluate k a + evaluate k b
        | Symbol.Product(a, b) -> evaluate k a * evaluate k b
        | Symbol.Quotient(a, b) -> evaluate k a / evaluate k b
        | Symbol.Power(a, p) -> power (evaluate k a) p
        | Symbol.Exponential a -> Complex.Exp(evaluate k a)
        | Symbol.Inverse a ->
            let value = evaluate k a

            if value = Complex.Zero then
                Complex.Zero
            else
                Complex.One / value

    and private power (z: Complex) p =
        if p = Math.Round p && abs p <= 64.0 then
            let product =
                Seq.replicate (int (abs p)) z |> Seq.fold (fun a b -> a * b) Complex.One

            if p < 0.0 then Complex.One / product else product
        elif z.Imaginary = 0.0 && z.Real >= 0.0 then
            Complex(Math.Pow(z.Real, p), 0.0)
        elif p = 0.5 then
            Complex.Sqrt z
        else
            Complex.Pow(z, p)

    /// A text that is the same for equal symbols on every machine and in every run.
    let rec canonical (symbol: Symbol) : string =
        match symbol with
        | Symbol.Number c -> Typography.exactly c
        | Symbol.Parameter(name, value) -> $"(parameter {Typography.quote name} {Typography.exactly value})"
        | Symbol.Imaginary -> "i"
        | Symbol.Component axis -> $"k{axis}"
        | Symbol.Squared -> "k2"
        | Symbol.Origin -> "origin"
        | Symbol.Disc c -> $"(disc {Typography.exactly c})"
        | Symbol.Sum(a, b) -> $"(+ {canonical a} {canonical b})"
        | Symbol.Product(a, b) -> $"(* {canonical a} {canonical b})"
        | Symbol.Quotient(a, b) -> $"(/ {canonical a} {canonical b})"
        | Symbol.Power(a, p) -> $"(^ {canonical a} {Typography.exactly p})"
        | Symbol.Exponential a -> $"(exp {canonical a})"
        | Symbol.Inverse a -> $"(inverse {canonical a})"

    /// The (name, value) of every parameter in the order of its first appearance.
    let rec parameters symbol =
        match symbol with
        | Symbol.Parameter(name, value) -> [ name, value ]
        | Symbol.Sum(a, b)
        | Symbol.Product(a, b)
        | Symbol.Quotient(a, b) -> parameters a @ parameters b
        | Symbol.Power(a, _)
        | Symbol.Exponential a
        | Symbol.Inverse a -> parameters a
        | _ -> []

    /// 1 where S(−k) = S(k) by its form, −1 where S(−k) = −S(k), none where neither shows.
    let rec parity symbol =
        let both a b =
            Option.map2 (fun (p: float) q -> p * q) (parity a) (parity b)

        match symbol with
        | Symbol.Component _ -> Some -1.0
        | Symbol.Sum(a, b) -> if parity a = parity b then parity a else None
        | Symbol.Product(a, b)
        | Symbol.Quotient(a, b) -> both a b
        | Symbol.Power(a, p) ->
            match parity a with
            | Some 1.0 -> Some 1.0
            | Some _ when p = Math.Round p -> Some(if p % 2.0 = 0.0 then 1.0 else -1.0)
            | _ -> None
        | Symbol.Exponential a -> if parity a = Some 1.0 then Some 1.0 else None
        | Symbol.Inverse a -> parity a
        | _ -> Some 1.0

    /// S(−k), the symbol of the transposed operator: Σ_x w Op u = Σ_x u Opᵀ w.
    let rec transpose symbol =
        match symbol with
        | _ when parity symbol = Some 1.0 -> symbol
        | Symbol.Component _ -> -symbol
        | Symbol.Sum(a, b) -> transpose a + transpose b
        | Symbol.Product(a, b) -> transpose a * transpose b
        | Symbol.Quotient(a, b) -> transpose a / transpose b
        | Symbol.Power(a, p) -> Symbol.Power(transpose a, p)
        | Symbol.Exponential a -> Symbol.Exponential(transpose a)
        | Symbol.Inverse a -> Symbol.Inverse(transpose a)
        | _ -> symbol

    /// S(k) on every mode of a grid. A Nyquist wavenumber stands for both its signs: the mean over them is taken.
    /// Raises LeithException where the symbol is not finite, or not the conjugate at −k of what it is at k, so that real fields would not stay real.
    let onGrid (name: string) (grid: Grid) symbol : Complex[] =
        let at (mode: int) (k: float[]) =
            let rec both axis =
                if axis = grid.Dimensions then
                    [ Array.copy k ]
                elif grid.IsNyquist(mode, axis) then
                    both (axis + 1)
                    |> List.collect (fun k ->
                        let mirrored = Array.copy k
                        mirrored[axis] <- -k[axis]
                        [ k; mirrored ])
                else
                    both (axis + 1)

            let values = both 0 |> List.map (fun k -> evaluate k symbol)
            List.fold (fun (a: Complex) b -> a + b) Complex.Zero values / Complex(float values.Length, 0.0)

        let values = grid.Wavevectors() |> Array.mapi at

        values
        |> Array.iteri (fun mode value ->
            let place () =
                let k =
                    grid.Wavevectors()[mode] |> Array.map Typography.number |> String.concat ", "

                $"k = ({k})"

            if not (Complex.IsFinite value) then
                raise (
                    LeithException
                        $"spectral operator {name}: expected a finite symbol on every mode, got {value} at {place ()}; `inverse` gives zero where an operator vanishes."
                )

            let mirrored = values[grid.Conjugate mode]

            if Complex.Abs(value - Complex.Conjugate mirrored) > 1e-12 * (1.0 + Complex.Abs value) then
                raise (
                    LeithException
                        $"spectral operator {name}: expected a symbol that keeps real fields real, S(−k) = conj S(k), got {symbol} which does not at {place ()}; an odd power of a component of k needs the factor k.I."
                ))

        values
