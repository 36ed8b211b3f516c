namespace Leith

open Leith.Core

/// Wells and chaos with noise.
[<RequireQualifiedAccess>]
module ChaoticSystems =
    /// dx = (x − x³) dt + ε dW with its score (2/ε²)(x − x³): law ∝ exp((2/ε²)(½ x² − ¼ x⁴)).
    let doubleWellWith (eps: float) (x: Field) : StochasticSystem =
        let f = x - cube x

        {
            Name = "double well"
            Equations = [ ddt x == f ]
            Noise = perSite eps
            Score = [ 2.0 / parameter "ε" eps ** 2 * f ]
            Start = []
            Step = heun 0.02
            Source = "Risken, The Fokker–Planck Equation (1989), ch. 5"
        }

    /// The double well with ε = .7.
    let doubleWell (x: Field) = doubleWellWith 0.7 x

    /// dx = σ (y − x) dt, dy = (x (ρ − z) − y) dt, dz = (x y − β z) dt, each with s dW. Exact: ∇·f = −(σ + 1 + β), ⟨x y⟩ = β ⟨z⟩.
    let lorenz63With (s: float) (x: Field) (y: Field) (z: Field) : StochasticSystem =
        let sigma, rho, beta =
            parameter "σ" 10.0, parameter "ρ" 28.0, parameter "β" (8.0 / 3.0)

        {
            Name = "Lorenz 1963"
            Equations = [
                ddt x == sigma * (y - x)
                ddt y == x * (rho - z) - y
                ddt z == x * y - beta * z
            ]
            Noise = perSite s
            Score = []
            Start = [ x, number 1.0; y, number 1.0; z, number 25.0 ]
            Step = rk4 0.005
            Source = "Lorenz (1963), J. Atmos. Sci. 20, 130"
        }

    /// Lorenz 1963 with σ = 10, ρ = 28, β = 8/3 and noise s = 1.
    let lorenz63 (x: Field) (y: Field) (z: Field) = lorenz63With 1.0 x y z

    /// du_i/dt = (u_{i+1} − u_{i−2}) u_{i−1} − u_i + F + s ξ_i on a lattice ring u of N sites.
    /// Exact: Σ u_i (u_{i+1} − u_{i−2}) u_{i−1} = 0, so F ⟨u⟩ = ⟨u²⟩ − ½ s²; ∇·f = −N.
    let lorenz96With (force: float) (s: float) (u: Field) : StochasticSystem =
        match u with
        | Field.Unknown(_, Domain.Lattice([ _ ], _)) -> ()
        | _ -> raise (LeithException $"lorenz96: expected a field on a lattice ring, got {u}; write field \"u\" (lattice (ring 40.0 40)).")

        let force = parameter "F" force

        {
            Name = "Lorenz 1996"
            Equations = [
                ddt u == (neighbour [ 1 ] u - neighbour [ -2 ] u) * neighbour [ -1 ] u - u + force
            ]
            Noise = perSite s
            Score = []
            Start = [ u, force ]
            Step = rk4 0.02
            Source = "Lorenz (1996), Predictability: a problem partly solved, ECMWF Seminar on Predictability 1, 1"
        }

    /// Lorenz 1996 with F = 8 and noise s = 1, on `lattice (ring 40.0 40)`.
    let lorenz96 (u: Field) = lorenz96With 8.0 1.0 u

    /// ∂u/∂t = −½ ∂x u² − Δu − Δ²u + s (ξ − ⟨ξ⟩) on a ring u, ξ independent at each site. The mean of u stays what it was.
    let kuramotoSivashinskyWith (s: float) (u: Field) : StochasticSystem =
        match u with
        | Field.Unknown(_, Domain.Torus([ _ ], [ points ])) ->
            let s = parameter "s" (s / sqrt (float points))

            {
                Name = "Kuramoto–Sivashinsky"
                Equations = [ ddt u == -0.5 * dx (square u) - lap u - lap (lap u) ]
                Noise = additive (s * operator (fun f -> f - mean f))
                Score = []
                Start = []
                Step = etdRk4 0.05
                Source =
                    "Kuramoto and Tsuzuki (1976), Prog. Theor. Phys. 55, 356; Sivashinsky (1977), Acta Astronaut. 4, 1177; step: Kassam and Trefethen (2005), SIAM J. Sci. Comput. 26, 1214"
            }
        | _ -> raise (LeithException $"kuramotoSivashinsky: expected a field on a ring, got {u}; write field \"u\" (ring (32.0 * pi) 128).")

    /// Kuramoto–Sivashinsky with noise s = .1, on `ring (32.0 * pi) 128`.
    let kuramotoSivashinsky (u: Field) = kuramotoSivashinskyWith 0.1 u
