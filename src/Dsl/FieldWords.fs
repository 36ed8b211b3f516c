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

    /// The same periodic box with values at its sites and finite differences: `lattice (torus 32.0 32)`; Δ is the nearest-neighbour Laplacian, ∂ the central difference.
    let lattice (domain: Domain) =
        match domain with
        | Domain.Torus(lengths, points)
        | Domain.Lattice(lengths, points) -> Domain.Lattice(lengths, points)
        | _ -> raise (LeithException "lattice: expected a ring, torus, rectangle or box, got a domain without sites; write lattice (torus 32.0 32).")

    /// Unknown numbers on the Fourier modes of a torus, one a mode: the phases of `randomWaves`.
    let phases name (domain: Domain) =
        match domain with
        | Domain.Torus(lengths, points) -> Field.Unknown(name, Domain.Modes(lengths, points))
        | _ -> raise (LeithException $"phases {name}: expected a ring, torus, rectangle or box, whose modes they belong to.")

    /// ξ on a grid: white noise of unit variance per unit time at each site, for `ito` and `stratonovich`.
    let whiteNoise name (domain: Domain) =
        match domain with
        | Domain.Torus _
        | Domain.Lattice _
        | Domain.Modes _ -> Field.WhiteNoise(name, domain)
        | _ -> raise (LeithException $"whiteNoise {name}: expected a ring, torus, rectangle, box or lattice; for numbers write brownian \"{name}\".")

    /// dW/dt of a Brownian motion, a number: `brownian "W"`.
    let brownian name = Field.WhiteNoise(name, Domain.Scalar)

    /// An unknown field on a torus: `field "u" (torus (2.0 * pi) 32)`.
    let field name domain = Field.Unknown(name, domain)

    /// Several unknown fields on one torus or lattice: `let [ u; v ] = fields [ "u"; "v" ] (torus 1.0 32)`.
    let fields names domain =
        names |> List.map (fun name -> field name domain)

    /// An unknown number: `scalar "x"`.
    let scalar name = Field.Unknown(name, Domain.Scalar)
    /// Several unknown numbers: `scalars [ "x"; "y"; "z" ]`.
    let scalars names = names |> List.map scalar

    /// A constant with a name: `parameter "κ" 2.5e-4`.
    let parameter name (value: float) =
        if not (Double.IsFinite value) then
            raise (LeithException $"parameter {name}: expected a finite number, got {value}.")

        Field.Parameter(name, value)

    /// A number as a field: `ddt phi == number 0.0`.
    let number (value: float) = Field.Number value

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

    /// The position along an axis, from 0 at the first site to the length of the side: `sin (coordinate 0)`.
    let coordinate (axis: int) =
        if axis < 0 || axis > 2 then
            raise (LeithException $"coordinate: expected an axis from 0 to 2, got {axis}.")

        Field.Coordinate axis

    /// The mean over all sites, a number: `u - mean u`.
    let mean u = Field.Mean u

    /// The value so many sites further along each axis of a lattice, periodic: `neighbour [ 1 ] u` is u_{i+1}.
    let neighbour (steps: int list) u =
        if List.forall ((=) 0) steps then
            u
        else
            Field.Neighbour(steps, u)

    /// Δ⁻¹u, with the mean of u left out and mean 0: Δ(Δ⁻¹u) = u − mean u.
    let inverseLap u =
        Field.Spectral("Δ⁻¹", Symbol.Inverse(-Symbol.Squared), u)

    /// Re Σ_k a(k) e^{iφ_k} e^{ik·x}, a sum of waves with given amplitudes whose phases φ are unknowns made by `phases`: `randomWaves (fun k -> 0.1 * k.SquaredAtMost 16.0) phi`.
    let randomWaves (amplitude: Wavevector -> Symbol) (phases: Field) =
        Field.Waves(amplitude (Wavevector()), phases)

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
