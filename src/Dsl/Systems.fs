namespace Leith

open Leith.Core

/// A stochastic system as data: its equations, its noise and, where it is known, the score of its stationary law.
type StochasticSystem = {
    Name: string
    Equations: Equation list
    Noise: Noise
    /// ∇ ln ρ, one field for each unknown; empty where it is not known.
    Score: Field list
    /// What unknowns start at; the others start at 0.
    Start: (Field * Field) list
    /// A law and a step that its statistics have been seen to stand.
    Step: Step
    /// Where the system is from.
    Source: string
}

/// The systems of the fluctuation–dissipation literature, written in the language itself; others stand in `FieldSystems`, `ClimateSystems` and `ChaoticSystems`.
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
            Start = []
            Step = exponential 0.5
            Source = fluctuations
        }

    /// The Ornstein–Uhlenbeck system with the published constants.
    let ornsteinUhlenbeck (u: Field) =
        ornsteinUhlenbeckWith 4e-2 2.5e-4 2e-2 4e-3 u

    /// ∂u/∂t = κ Δu − A ∂x u + α Σ[u − u³] + ε Σ^½ ξ on a torus u; the score (2/ε²)(α (u − u³) + κ Δu − κ Δ²u)/N_sites is that of A = 0.
    let allenCahnWith (alpha: float) (kappa: float) (advection: float) (epsSquared: float) (u: Field) : StochasticSystem =
        let kappa, a = parameter "κ" kappa, parameter "A" advection
        let alpha, eps = parameter "α" alpha, parameter "ε" (sqrt epsSquared)

        {
            Name = "modified Allen–Cahn"
            Equations = [ ddt u == kappa * lap u - a * dx u + alpha * sigma (u - cube u) ]
            Noise = additive (eps * root sigma)
            Score = [
                scoreFrom "allenCahn" eps (alpha * (u - cube u) + kappa * lap u - kappa * lap (lap u)) u
            ]
            Start = []
            Step = rk4 (1.0 / 32.0)
            Source = fluctuations
        }

    /// The modified Allen–Cahn system with the published constants α = 16, κ = 2.5e-4, A = .02, ε² = .004 on `torus (2.0 * pi) 32`.
    let allenCahn (u: Field) = allenCahnWith 16.0 2.5e-4 2e-2 4e-3 u

    /// ∂u/∂t = ∂xψ ∂yu − ∂xu ∂yψ − A ∂xu − ν_h Δ⁻²u − ν Δ²u − ⟨u⟩ + ς, u = Δψ the vorticity of a flow in two dimensions, on a torus u;
    /// ς = Re Σ_k a e^{iφ_k} e^{ik·x} over |k|² ≤ 112.5, less nine tenths of its mean, dφ_k = √2 dW_k on the modes phi of the same torus.
    /// Advection in skew form, which keeps the enstrophy ⟨u²⟩ on the grid. The score of the vorticity alone is not known.
    /// Published: ν_h = .01, ν = 1e-5, A = π, a = 300/128² on `torus (2.0 * pi) 32`; vorticity of standard deviation .43 to .45.
    /// Forcing: Flierl and Souza (2024), J. Fluid Mech. 986, A8.
    let navierStokes (u: Field) (phi: Field) : StochasticSystem =
        let a, nu, drag = parameter "A" pi, parameter "ν" 1e-5, parameter "ν_h" 1e-2
        let psi = inverseLap u

        let waves = randomWaves (fun k -> 300.0 / 128.0 ** 2 * k.SquaredAtMost 112.5) phi

        {
            Name = "Navier–Stokes in two dimensions"
            Equations = [
                ddt u
                == -(skewAdvection (rotatedGrad psi) u) - a * dx u - drag * inverseLap psi - nu * lap (lap u) - mean u
                   + waves
                   - 0.9 * mean waves
                ddt phi == number 0.0
            ]
            Noise = independent [ on phi (perSite (sqrt 2.0)) ]
            Score = []
            Start = [ u, sin (3.0 * coordinate 0) * sin (3.0 * coordinate 1) ]
            Step = rk4 (1.0 / 128.0) |> aliased
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
        Start = []
        Step = exponential 0.1
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

    /// What the unknowns of a system start at: `members 128 |> spinUp 10.0 |> startingAs lorenz`.
    let startingAs (system: StochasticSystem) (sampling: Sampling) =
        system.Start |> List.fold (fun sampling (u, value) -> startingAt u value sampling) sampling
