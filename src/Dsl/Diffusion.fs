namespace Leith

open Leith.Core
open Leith.Calculus

/// What the equations and the noise of scalar unknowns say of drift and diffusion, in Itô's sense: du = F dt + S dW, D = ½ S Sᵀ.
[<RequireQualifiedAccess>]
module internal Diffusion =
    let private matrixOf (rows: Field list list) : Field list list =
        rows
        |> List.map (fun a -> rows |> List.map (fun b -> 0.5 * (List.map2 (fun x y -> x * y) a b |> total) |> tidy))

    /// S, [unknown][noise].
    let private factors (equations: Equation list) (noise: Noise) : Field list list =
        let number c = Field.Number c

        match noise with
        | Noise.PerSite s ->
            equations
            |> List.mapi (fun i _ -> equations |> List.mapi (fun j _ -> if i = j then number s else zero))
        | Noise.Matrix rows -> rows |> List.map (List.map number)
        | Noise.Each parts ->
            equations
            |> List.mapi (fun i e ->
                equations
                |> List.mapi (fun j _ ->
                    match parts |> List.tryFind (fun (u, _) -> u = e.Unknown) with
                    | Some(_, Noise.PerSite s) when i = j -> number s
                    | _ -> zero))
        | Noise.Expressions(_, parts) ->
            let expressions = NoiseModel.expressionsOf equations parts
            let noises = NoiseModel.noisesOf expressions

            expressions |> List.map (fun f -> noises |> List.map (fun xi -> Field.derivative xi f |> tidy))
        | other -> raise (LeithException $"noise: expected perSite, diagonal or noiseMatrix for scalar unknowns, got {other}.")

    /// D, [unknown][unknown].
    let matrix equations noise = factors equations noise |> matrixOf

    /// The drift that Stratonovich noise adds, 0 of Itô noise.
    let added (equations: Equation list) (noise: Noise) : Field list =
        match noise with
        | Noise.Expressions(StochasticCalculus.Stratonovich, parts) ->
            let unknowns = equations |> List.map _.Unknown
            NoiseTerms.itoCorrection (List.zip unknowns (NoiseModel.expressionsOf equations parts))
        | _ -> equations |> List.map (fun _ -> zero)

    /// F.
    let drift equations noise =
        List.map2 (fun (e: Equation) more -> e.Drift + more |> tidy) equations (added equations noise)

    /// ∂f/∂α of a parameter, wherever it stands.
    let alongParameter (name: string) (f: Field) : Field =
        let variable = Field.Unknown("∂" + name, Domain.Scalar)
        let mutable value = 0.0

        let rec replaced f =
            match f with
            | Field.Parameter(n, v) when n = name ->
                value <- v
                variable
            | f -> Field.map replaced f

        let slope = Field.derivative variable (replaced f)

        let rec back f =
            if f = variable then
                Field.Parameter(name, value)
            else
                Field.map back f

        tidy (back slope)

    /// Whether every entry is a number, and these.
    let numbers (d: Field list list) : float[,] option =
        let values = d |> List.map (List.map Field.constant)

        if values |> List.concat |> List.forall _.IsSome then
            Some(values |> List.map (List.map Option.get) |> array2D)
        else
            None

/// A small change of the generator of scalar unknowns: δL f = g·∇f + δD:∇∇f.
type internal Change = {
    Name: string
    /// g, one component an unknown.
    Push: Field list
    /// δD, [unknown][unknown]; none where the noise stays.
    Diffusion: Field list list option
}

[<RequireQualifiedAccess>]
module internal Change =
    /// A push of one unknown by one unit.
    let unit (unknowns: Field list) (pushed: Field) : Change = {
        Name = string pushed
        Push = unknowns |> List.map (fun u -> if u = pushed then one else zero)
        Diffusion = None
    }

    /// A push along a vector field: (unknown, g).
    let along (unknowns: Field list) (parts: (Field * Field) list) : Change =
        let g =
            unknowns |> List.map (fun u -> parts |> List.filter (fst >> (=) u) |> List.map snd |> total |> tidy)

        let text = parts |> List.map (fun (u, f) -> $"{u} by {f}") |> String.concat ", "

        {
            Name = text
            Push = g
            Diffusion = None
        }

    /// A parameter raised by one unit, ∂F/∂α and ∂D/∂α.
    let parameter (equations: Equation list) (noise: Noise) (parameter: Field) : Change =
        match parameter with
        | Field.Parameter(name, _) ->
            let g = Diffusion.drift equations noise |> List.map (Diffusion.alongParameter name)

            let d =
                Diffusion.matrix equations noise |> List.map (List.map (Diffusion.alongParameter name))

            let noiseStays = d |> List.concat |> List.forall ((=) zero)

            if noiseStays && g |> List.forall ((=) zero) then
                raise (
                    LeithException
                        $"perturb: expected a parameter of the drift or of the noise, got {parameter}, which stands in neither; write it into the equation as parameter \"{name}\" …."
                )

            {
                Name = string parameter
                Push = g
                Diffusion = if noiseStays then None else Some d
            }
        | other -> raise (LeithException $"perturbParameter: expected a parameter, got {other}; make it with parameter \"α\" 1.0.")

    /// The noise stronger by a factor 1 + ε, per unit ε: δD = 2 D; of Stratonovich noise the drift that it adds grows alike.
    let noiseAmplitude (equations: Equation list) (noise: Noise) : Change = {
        Name = "amplitude of the noise"
        Push = Diffusion.added equations noise |> List.map (fun f -> tidy (2.0 * f))
        Diffusion = Some(Diffusion.matrix equations noise |> List.map (List.map (fun d -> tidy (2.0 * d))))
    }
