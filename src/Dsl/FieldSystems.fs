namespace Leith

open Leith.Core

/// Fields on rings and tori: laws that are known exactly, and some that are not.
[<RequireQualifiedAccess>]
module FieldSystems =
    /// Volume of the torus a site stands for.
    let private cellVolume word u =
        match u with
        | Field.Unknown(_, Domain.Torus(lengths, points)) -> List.fold (*) 1.0 lengths / float (List.fold (*) 1 points)
        | _ -> raise (LeithException $"{word}: expected a field on a ring, torus, rectangle or box, got {u}.")

    /// D⁻¹ f, the score of ∂u/∂t = f + s ξ with the delta of the torus where f is a gradient: D = ½ s²/(cell volume).
    let private scoreOfGradient word (s: Field) f u = 2.0 * cellVolume word u / s ** 2 * f

    /// ∂u/∂t = κ Δu − λ u − A ∂x u + s ξ on a ring or torus of volume V, ξ with the delta of the torus, with its Gaussian score (2 dV/s²)(κ Δu − λ u), which A does not enter.
    /// Exact: a mode û_k (u = Σ û_k e^{ik·x}) has variance s²/(2 V (λ + κ k²)), correlation and response exp(−(λ + κ k² + i A k_x) t).
    let advectionDiffusionWith (kappa: float) (lambda: float) (advection: float) (s: float) (u: Field) : StochasticSystem =
        let kappa, lambda, a =
            parameter "κ" kappa, parameter "λ" lambda, parameter "A" advection

        let decay = kappa * lap u - lambda * u

        {
            Name = "advection and diffusion"
            Equations = [ ddt u == decay - a * dx u ]
            Noise = white s
            Score = [ scoreOfGradient "advectionDiffusion" (parameter "s" s) decay u ]
            Start = []
            Step = exponential 0.1
            Source = "Gardiner, Stochastic Methods (2009), ch. 13"
        }

    /// Advection and diffusion with κ = .1, λ = .5, A = 1, s = 1.
    let advectionDiffusion (u: Field) =
        advectionDiffusionWith 0.1 0.5 1.0 1.0 u

    /// ∂u/∂t = κ Δu − λ u + s ξ: the stochastic heat equation with a leak λ, without which the mean would wander. Exact as `advectionDiffusionWith`.
    let heatWith (kappa: float) (lambda: float) (s: float) (u: Field) : StochasticSystem =
        let kappa, lambda = parameter "κ" kappa, parameter "λ" lambda
        let decay = kappa * lap u - lambda * u

        {
            advectionDiffusion u with
                Name = "stochastic heat equation"
                Equations = [ ddt u == decay ]
                Noise = white s
                Score = [ scoreOfGradient "heat" (parameter "s" s) decay u ]
        }

    /// The stochastic heat equation with κ = .1, λ = .5, s = 1.
    let heat (u: Field) = heatWith 0.1 0.5 1.0 u

    /// ∂u/∂t = κ Δu + μ u − g u³ + s ξ on a ring or torus, ξ with the delta of the torus: φ⁴ theory, model A of critical dynamics.
    /// Exact: the score (2 dV/s²)(κ Δu + μ u − g u³) of the law exp(−(2/s²) ∫ ½ κ |∇u|² − ½ μ u² + ¼ g u⁴), products taken at the sites (`aliased`).
    let phiFourthWith (kappa: float) (mu: float) (g: float) (s: float) (u: Field) : StochasticSystem =
        let kappa, mu, g = parameter "κ" kappa, parameter "μ" mu, parameter "g" g
        let f = kappa * lap u + mu * u - g * cube u

        {
            Name = "φ⁴"
            Equations = [ ddt u == f ]
            Noise = white s
            Score = [ scoreOfGradient "phiFourth" (parameter "s" s) f u ]
            Start = []
            Step = exponentialRungeKutta4 0.02 |> aliased
            Source = "Hohenberg and Halperin (1977), Rev. Mod. Phys. 49, 435, model A"
        }

    /// φ⁴ with κ = 1, μ = −1, g = 1, s = 1: the disordered phase.
    let phiFourth (u: Field) = phiFourthWith 1.0 -1.0 1.0 1.0 u

    /// ∂u/∂t = κ Δu − λ u + η, ∂η/∂t = −η/τ + s ξ on two fields of one ring or torus: forcing with a memory τ, ξ with the delta of the torus.
    /// Exact, with a = λ + κ k², γ = 1/τ and v = s² τ/(2 V): ⟨|η̂|²⟩ = v, ⟨û η̂*⟩ = v/(a + γ), ⟨|û|²⟩ = v/(a (a + γ)) for modes of u = Σ û_k e^{ik·x};
    /// score of (u, η) (2 dV/s²)(a (a + γ)(η − (a + γ) u), (a + γ)(a u − η)), a = λ − κ Δ.
    let colouredForcingWith (kappa: float) (lambda: float) (tau: float) (s: float) (u: Field) (eta: Field) : StochasticSystem =
        let kappa, lambda, tau =
            parameter "κ" kappa, parameter "λ" lambda, parameter "τ" tau

        let a f = lambda * f - kappa * lap f
        let aAndGamma f = a f + f / tau
        let scale = scoreOfGradient "colouredForcing" (parameter "s" s)

        {
            Name = "field with a forcing that remembers"
            Equations = [ ddt u == -(a u) + eta; ddt eta == -eta / tau ]
            Noise = independent [ on eta (white s) ]
            Score = [
                scale (a (aAndGamma (eta - aAndGamma u))) u
                scale (aAndGamma (a u - eta)) eta
            ]
            Start = []
            Step = heun 0.02
            Source = "Hänggi and Jung (1995), Adv. Chem. Phys. 89, 239"
        }

    /// A field with a forcing that remembers: κ = .1, λ = .5, τ = 1, s = 1.
    let colouredForcing (u: Field) (eta: Field) =
        colouredForcingWith 0.1 0.5 1.0 1.0 u eta
