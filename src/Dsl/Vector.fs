namespace Leith

open Leith.Core

/// A vector field: one field an axis. It is no Field, so that Δ of a gradient, or the product of two vectors, is refused by the compiler of the script.
[<StructuredFormatDisplay("{Text}")>]
type Vector = {
    Components: Field list
} with

    static member (+)(a: Vector, b: Vector) = Vector.Map2 "+" (fun x y -> x + y) a b
    static member (-)(a: Vector, b: Vector) = Vector.Map2 "−" (fun x y -> x - y) a b

    static member (~-)(a: Vector) = {
        Components = a.Components |> List.map (fun x -> -x)
    }

    static member (*)(f: Field, a: Vector) = {
        Components = a.Components |> List.map (fun x -> f * x)
    }

    static member (*)(a: Vector, f: Field) = {
        Components = a.Components |> List.map (fun x -> f * x)
    }

    static member (*)(c: float, a: Vector) : Vector = Field.Number c * a
    static member (*)(c: int, a: Vector) : Vector = Field.Number(float c) * a
    static member (*)(a: Vector, c: float) : Vector = Field.Number c * a
    static member (*)(a: Vector, c: int) : Vector = Field.Number(float c) * a

    static member (/)(a: Vector, f: Field) = {
        Components = a.Components |> List.map (fun x -> x / f)
    }

    static member (/)(a: Vector, c: float) : Vector = a / Field.Number c
    static member (/)(a: Vector, c: int) : Vector = a / Field.Number(float c)

    [<CompilerMessage("the product of two vectors is `dot a b`", 19201, IsError = true)>]
    static member (*)(_: Vector, _: Vector) : Field =
        raise (LeithException "vector: expected dot a b, got a * b.")

    [<CompilerMessage("expected two fields or two vectors in a sum, got a field and a vector; take `div` or `dot` of the vector",
                      19202,
                      IsError = true)>]
    static member (+)(_: Field, _: Vector) : Field =
        raise (LeithException "vector: expected two fields or two vectors in a sum.")

    [<CompilerMessage("expected two fields or two vectors in a sum, got a field and a vector; take `div` or `dot` of the vector",
                      19202,
                      IsError = true)>]
    static member (+)(_: Vector, _: Field) : Field =
        raise (LeithException "vector: expected two fields or two vectors in a sum.")

    [<CompilerMessage("expected two fields or two vectors in a difference, got a field and a vector; take `div` or `dot` of the vector",
                      19202,
                      IsError = true)>]
    static member (-)(_: Field, _: Vector) : Field =
        raise (LeithException "vector: expected two fields or two vectors in a difference.")

    [<CompilerMessage("expected two fields or two vectors in a difference, got a field and a vector; take `div` or `dot` of the vector",
                      19202,
                      IsError = true)>]
    static member (-)(_: Vector, _: Field) : Field =
        raise (LeithException "vector: expected two fields or two vectors in a difference.")

    /// Component by component; both need the same number of them.
    static member internal Map2 word combine (a: Vector) (b: Vector) : Vector =
        if a.Components.Length <> b.Components.Length then
            raise (LeithException $"{word}: expected vectors of as many components, got {a.Components.Length} and {b.Components.Length}.")

        {
            Components = List.map2 combine a.Components b.Components
        }

    /// The vector as text.
    member vector.Text =
        "(" + (vector.Components |> List.map string |> String.concat ", ") + ")"

    override vector.ToString() = vector.Text

/// The words of vector fields.
[<AutoOpen>]
module VectorWords =
    let private dimensions word (u: Field) =
        match Field.place u with
        | Some(Domain.Torus(lengths, _) | Domain.Lattice(lengths, _)) -> lengths.Length
        | _ ->
            raise (LeithException $"{word}: expected a field on a torus or a lattice, got {u}, which has no gradient; make the unknown with `field`.")

    let private sum terms =
        terms |> List.fold (fun a b -> a + b) (Field.Number 0.0)

    /// A vector from its components: `vector [ u; v ]`.
    let vector components = { Components = components }

    /// ∇u.
    let grad (u: Field) = {
        Components = List.init (dimensions "grad" u) (fun axis -> Field.Derivative(axis, u))
    }

    /// ∇·v.
    let div (v: Vector) =
        v.Components |> List.mapi (fun axis f -> Field.Derivative(axis, f)) |> sum

    /// v·w.
    let dot (v: Vector) (w: Vector) =
        sum (Vector.Map2 "dot" (fun x y -> x * y) v w).Components

    /// (∂y ψ, −∂x ψ), the velocity of a stream function in two dimensions.
    let rotatedGrad (psi: Field) =
        match dimensions "rotatedGrad" psi with
        | 2 -> {
            Components = [ Field.Derivative(1, psi); -(Field.Derivative(0, psi)) ]
          }
        | n -> raise (LeithException $"rotatedGrad: expected a field in two dimensions, got {psi} in {n}.")

    /// J(a, b) = ∂x a ∂y b − ∂y a ∂x b.
    let jacobian (a: Field) (b: Field) =
        Field.Derivative(0, a) * Field.Derivative(1, b) - Field.Derivative(1, a) * Field.Derivative(0, b)

    /// v·∇u.
    let advection (v: Vector) (u: Field) = dot v (grad u)

    /// ½ (v·∇u + ∇·(v u)), which keeps ⟨u²⟩ on the grid when v has no divergence.
    let skewAdvection (v: Vector) (u: Field) = 0.5 * (dot v (grad u) + div (u * v))
