namespace Leith

open Leith.Core

/// A stochastic system as data: its equations, its noise and, where it is known, the score of its stationary law.
type StochasticSystem = {
    Name: string
    Equations: Equation list
    Noise: Noise
    /// ∇ ln ρ, one field for each unknown; empty where it is not known.
    Score: Field list
    /// Where the system is from.
    Source: string
}

/// Systems with known answers, written in the language itself.
[<RequireQualifiedAccess>]
module Systems =
    /// Σ = (1 − Δ)⁻¹.
    let private sigma = spectral "Σ" (fun k -> 1.0 / (1.0 + k.Squared))

    let private fluctuations = "Giorgini, Deck, Bischoff, Souza (2024), PRL 133, 267302"

    let private sitesOf word u =
        match u with
        | Field.Unknown(_, (Domain.Torus(_, points) | Domain.Lattice(_, points))) -> List.fold (*) 1 points
        | _ -> raise (LeithException $"{word}: expected a field on a torus, got {u}.")

    /// (2/ε²) f / N_sites, the score of du = Σ f dt + ε Σ^½ ξ with the delta of unit area.
    let private scoreFrom word (eps: Field) (f: Field) u =
        2.0 / eps ** 2 * f / float (sitesOf word u)

    /// ∂u/∂t = −λ Σu + κ Δu − A ∂x u + ε Σ^½ ξ on a torus u, with its Gaussian score (2/ε²)(−λ u + κ Δu − κ Δ²u)/N_sites.
    /// Published: λ = .04, κ = 2.5e-4, A = .02, ε² = .004 on `torus (2.0 * pi) 32`; pixel variance 2.9645.
    let ornsteinUhlenbeckWith (lambda: float) (kappa: float) (advection: float) (epsSquared: float) (u: Field) : StochasticSystem =
        let lambda, kappa, a =
            parameter "λ" lambda, parameter "κ" kappa, parameter "A" advection

        let eps = parameter "ε" (sqrt epsSquared)

        {
            Name = "Ornstein–Uhlenbeck"
            Equations = [ ddt u == -lambda * sigma u + kappa * lap u - a * dx u ]
            Noise = additive (eps * root sigma)
            Score = [
                scoreFrom "ornsteinUhlenbeck" eps (-lambda * u + kappa * lap u - kappa * lap (lap u)) u
            ]
            Source = fluctuations
        }

    /// The Ornstein–Uhlenbeck system with the published constants.
    let ornsteinUhlenbeck (u: Field) =
        ornsteinUhlenbeckWith 4e-2 2.5e-4 2e-2 4e-3 u

    /// ∂u/∂t = κ Δu − A ∂x u + α Σ[u − u³] + ε Σ^½ ξ on a torus u; the score (2/ε²)(α (u − u³) + κ Δu − κ Δ²u)/N_sites is that of A = 0.
    let allenCahn (u: Field) : StochasticSystem =
        let kappa, a = parameter "κ" 2.5e-4, parameter "A" 2e-2
        let alpha, eps = parameter "α" 16.0, parameter "ε" (sqrt 4e-3)

        {
            Name = "modified Allen–Cahn"
            Equations = [ ddt u == kappa * lap u - a * dx u + alpha * sigma (u - cube u) ]
            Noise = additive (eps * root sigma)
            Score = [
                scoreFrom "allenCahn" eps (alpha * (u - cube u) + kappa * lap u - kappa * lap (lap u)) u
            ]
            Source = fluctuations
        }

    /// Three damped oscillators in a chain, each driving the next: a linear system with non-normal drift, R(t) = exp(A t).
    let dampedOscillators (x: Field) (y: Field) (z: Field) : StochasticSystem = {
        Name = "damped oscillators"
        Equations = [
            ddt x == -0.5 * x + 2.0 * y
            ddt y == -2.0 * x - 0.5 * y + 1.5 * z
            ddt z == -1.0 * z
        ]
        Noise = diagonal [ 1.0; 0.5; 1.0 ]
        Score = []
        Source = "a linear system with a non-normal drift"
    }

    /// The score of the Ornstein–Uhlenbeck system.
    let internal scoreOf (system: StochasticSystem) = List.head system.Score

/// The words of systems.
[<AutoOpen>]
module SystemsWords =
    /// The score of the published Ornstein–Uhlenbeck system: `exact (ouScore u)`.
    let ouScore (u: Field) : Field =
        Systems.scoreOf (Systems.ornsteinUhlenbeck u)

    /// The score of the published Allen–Cahn system in the limit dt → 0 and A = 0: `exact (allenCahnScore u)`.
    let allenCahnScore (u: Field) : Field = Systems.scoreOf (Systems.allenCahn u)
