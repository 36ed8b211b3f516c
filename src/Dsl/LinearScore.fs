namespace Leith

open MathNet.Numerics.LinearAlgebra
open Leith.Core

/// The score of a linear system, from its stationary covariance.
[<AutoOpen>]
module LinearScoreWords =
    /// s = −C⁻¹ x, one field for each scalar unknown, with A C + C Aᵀ + S Sᵀ = 0: `exactOf (linearScore equations noise)`.
    /// Refuses drifts that are not linear or not stable, and noise that leaves a direction without variance.
    let linearScore (equations: Equation list) (noise: Noise) : Field list =
        Equation.check equations

        for equation in equations do
            if not (Equation.split equation.Drift).Nonlinear.IsEmpty then
                raise (LeithException $"linearScore: expected a linear drift without constants, got {equation}; give the score by `exactOf`.")

        let covariance =
            LinearLaw.StationaryCovariance(Lower.system equations noise) |> Matrix<float>.Build.DenseOfArray

        let condition = covariance.ConditionNumber()

        if not (condition < 1e14) then
            raise (
                LeithException
                    $"linearScore: expected noise that reaches every unknown, got a stationary covariance of condition {condition:g3}; there is no density to take the score of."
            )

        let precision = covariance.Inverse()
        let unknowns = equations |> List.map _.Unknown

        [
            for i in 0 .. unknowns.Length - 1 ->
                unknowns
                |> List.mapi (fun j u -> -precision[i, j] * u)
                |> List.fold (fun sum term -> sum + term) (Field.Number 0.0)
        ]
