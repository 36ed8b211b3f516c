namespace Leith

open System
open Leith.Core

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
