/// What a push that goes on in time does, from the response to an impulse: forced responses, susceptibilities, static sensitivities.
module internal Leith.ForcedResponses

open System
open System.Numerics
open Leith.Core

let private spacing (r: Response) =
    if r.Lags.Length < 2 then
        raise (LeithException $"inTime: expected at least two lags, got {r.Lags.Length}; ask for longer lags.")

    r.Lags[1] - r.Lags[0]

/// [resample][lag] of a component, empty where there are none.
let private replicatesOf (r: Response) component' =
    match r.Replicates with
    | Some curves -> curves[component']
    | None -> [||]

let private errorOf (r: Response) component' =
    match r.StandardError with
    | Some errors -> errors[component']
    | None -> Array.zeroCreate r.Lags.Length

let private deviation (replicates: float[][]) =
    let mean lag =
        replicates |> Array.averageBy (fun curve -> curve[lag])

    Array.init replicates[0].Length (fun lag ->
        let m = mean lag

        sqrt ((replicates |> Array.sumBy (fun curve -> (curve[lag] - m) ** 2.0)) / float (replicates.Length - 1)))

/// What is said where errors of different lags cannot be told apart.
let private worst (r: Response) =
    match r.StandardError, r.Replicates with
    | Some _, None -> [
        "standard errors are bounds: they take the errors of all lags to go together"
      ]
    | _ -> []

/// Standard errors of what is made of each component: scatter over its resamples, or the worst case.
let private errors (r: Response) (made: float[][][] option) (bound: float[] -> float[]) =
    match made with
    | Some replicates -> Some(replicates |> Array.map deviation)
    | None -> r.StandardError |> Option.map (Array.map bound)

let private convolved (forcing: ForcingInTime) text (r: Response) : Response =
    let convolution = ForcingConvolution(r.Lags.Length, spacing r, forcing)

    let replicates =
        r.Replicates |> Option.map (Array.map (Array.map convolution.Apply))

    let field =
        r.Field
        |> Option.map (fun rows ->
            let sites = rows |> Array.transpose |> Array.map convolution.Apply
            Array.transpose sites)

    {
        r with
            Axis = "time"
            Values = r.Values |> Array.map convolution.Apply
            StandardError = errors r replicates convolution.Bound
            Replicates = replicates
            Simultaneous = None
            Discretisation = Some(r.Values |> Array.map convolution.Discretisation)
            BiasBound = r.BiasBound |> Option.map (Array.map convolution.Bound)
            Field = field
            FieldStandardError = None
            Notes = r.Notes @ [ $"forced {text}: the impulse response convolved with f(t)" ] @ worst r
    }

let private largest (values: Complex[]) =
    values |> Array.map Complex.Abs |> Array.max

/// χ of one component: values, replicates and the distance of Re χ from what Kramers and Kronig make of Im χ, as a part of the largest |χ|.
let private susceptibility (chi: Susceptibility) every (values: float[]) (error: float[]) (replicates: float[][]) =
    let struct (tail, tails) = chi.Tails(values, error, replicates)
    let found = chi.Apply(values, tail)

    let causal = KramersKronig.RealPart(values, every, tail, chi.Frequencies)

    let residual =
        Array.map2 (fun (z: Complex) re -> abs (z.Real - re)) found causal |> Array.max

    found, Array.map2 (fun r t -> chi.Apply(r, t)) replicates tails, residual / max (largest found) Double.Epsilon, tail

/// Re and Im of every component in turn.
let private parts (curves: Complex[][]) =
    curves
    |> Array.collect (fun curve -> [| curve |> Array.map _.Real; curve |> Array.map _.Imaginary |])

let private inFrequency (frequencies: float list) (r: Response) : Response =
    let every = spacing r
    let frequencies = Array.ofList frequencies
    let chi = Susceptibility(r.Lags.Length, every, frequencies)

    let each =
        r.Values
        |> Array.mapi (fun i values -> susceptibility chi every values (errorOf r i) (replicatesOf r i))

    let replicates =
        r.Replicates
        |> Option.map (fun _ ->
            each
            |> Array.collect (fun (_, curves, _, _) -> [|
                curves |> Array.map (Array.map _.Real)
                curves |> Array.map (Array.map _.Imaginary)
            |]))

    let bounds (curves: float[][]) = curves |> Array.map chi.Bound |> parts

    let residual = each |> Array.map (fun (_, _, residual, _) -> residual) |> Array.max

    let added =
        each |> Array.filter (fun (_, _, _, tail) -> not (isNull tail)) |> Array.length

    {
        r with
            Axis = "frequency"
            Lags = frequencies
            Components = r.Components |> Array.collect (fun name -> [| $"Re {name}"; $"Im {name}" |])
            Values = each |> Array.map (fun (found, _, _, _) -> found) |> parts
            StandardError =
                (match replicates with
                 | Some curves -> Some(curves |> Array.map deviation)
                 | None -> r.StandardError |> Option.map bounds)
            Replicates = replicates
            Simultaneous = None
            Discretisation = Some(r.Values |> Array.map chi.Discretisation |> parts)
            BiasBound = r.BiasBound |> Option.map bounds
            Field = None
            FieldStandardError = None
            Shape = [||]
            Notes =
                r.Notes
                @ [
                    $"susceptibility χ(ω) of the impulse response; Kramers–Kronig: Re χ from Im χ differs from Re χ by at most {Digest.number residual} of the largest |χ|"
                    $"an exponential tail beyond the longest lag in {added} of {each.Length} components"
                ]
                @ worst r
    }

/// Re χ and Im χ, which a response to a periodic push has one after the other, as curves of their own.
let private apart (r: Response) : Response =
    let n = r.Lags.Length / 2

    let halves (curves: float[][]) =
        curves |> Array.collect (fun curve -> [| curve[.. n - 1]; curve[n..] |])

    {
        r with
            Lags = r.Lags[.. n - 1]
            Components = r.Components |> Array.collect (fun name -> [| $"Re {name}"; $"Im {name}" |])
            Values = halves r.Values
            StandardError = r.StandardError |> Option.map halves
            Replicates =
                r.Replicates
                |> Option.map (
                    Array.collect (fun resamples -> [|
                        resamples |> Array.map (fun curve -> curve[.. n - 1])
                        resamples |> Array.map (fun curve -> curve[n..])
                    |])
                )
            OwnErrors = None
            Simultaneous = None
            BiasBound = r.BiasBound |> Option.map halves
    }

let private sensitivity (r: Response) component' (e: StaticSensitivityEstimate) : Sensitivity = {
    Estimator = r.Estimator
    Observable = r.Components[component']
    Perturbation = r.Perturbation
    Value = e.Value
    StandardError = e.StandardError
    Tail = e.Tail
    TailError = e.TailError
    Discretisation = e.Discretisation
    Notes = List.ofSeq e.Notes
}

let private sensitivities (r: Response) of' : Sensitivity list = [
    for i in 0 .. r.Values.Length - 1 -> sensitivity r i (of' (r.Values[i], errorOf r i, replicatesOf r i, spacing r))
]

/// The answer to a forcing in time and, of one that lasts, the static sensitivities. Responses that were measured under the forcing itself stay as they are.
let apply (experiment: Experiment) (r: Response) : Response * Sensitivity list =
    match experiment.Forcing, r.Axis with
    | Forcing.Impulse, _ -> r, []
    | Forcing.Step, "time" -> r, sensitivities r StaticSensitivity.OfStep
    | Forcing.Step, _ -> convolved ForcingInTime.Step experiment.Forcing.Text r, sensitivities r StaticSensitivity.Of
    | _, "frequency" -> apart r, []
    | _, "time" -> r, []
    | Forcing.Periodic frequencies, _ -> inFrequency frequencies r, []
    | forcing, _ -> convolved (ForcingCourse.of' (spacing r) (Array.last r.Lags) forcing) forcing.Text r, []

/// Refuses, before anything runs, a forcing that the lags of an experiment cannot show.
let validate (experiment: Experiment) =
    let every =
        match experiment.Source with
        | Source.Simulated(_, _, _, sampling) -> sampling.Every
        | Source.Recorded data -> data.Spacing

    match experiment.Forcing with
    | Forcing.Periodic frequencies -> Susceptibility.Check(List.toArray frequencies, every)
    | Forcing.Series _ -> ForcingCourse.of' every experiment.Lags experiment.Forcing |> ignore
    | _ -> ()
