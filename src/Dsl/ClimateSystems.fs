namespace Leith

open Leith.Core

/// Reduced models of the climate: a few numbers with noise.
[<RequireQualifiedAccess>]
module ClimateSystems =
    let private normalForm =
        "Majda, Franzke, Crommelin (2009), Proc. Natl. Acad. Sci. 106, 3649"

    /// dx = (F + a x + b x² − c x³) dt + s dW with its score 2 f/s²: the scalar model of low-frequency variability with additive noise.
    /// Published: F = .6, a = −.0222, b = −.2, c = .0494, s = .7071; mean 1.280681, standard deviation .629021, skewness −1.17563, excess kurtosis 4.29274.
    /// Constants and moments: arXiv:2504.13333.
    let scalarAdditive (x: Field) : StochasticSystem =
        let force, a = parameter "F" 0.6, parameter "a" -0.0222
        let b, c, s = parameter "b" -0.2, parameter "c" 0.0494, 0.7071
        let f = force + a * x + b * square x - c * cube x

        {
            Name = "scalar climate, additive noise"
            Equations = [ ddt x == f ]
            Noise = perSite s
            Score = [ 2.0 / parameter "s" s ** 2 * f ]
            Start = []
            Step = heun 0.02
            Source = normalForm
        }

    /// dx = (F + a x + b x² − c x³) dt + (A − B x) dW₁ + s dW₂ in Itô's sense: the normal form of reduced climate models, with correlated additive and multiplicative noise.
    /// Exact, since one number has no stationary flux: score (2 f − (g²)′)/g², g² = (A − B x)² + s². The law falls off as exp(−c x²/B²), so all moments are finite.
    let scalarMultiplicativeWith
        (force: float)
        (a: float, b: float, c: float)
        (additive: float, multiplicative: float, s: float)
        (x: Field)
        : StochasticSystem =
        let force, a, b, c =
            parameter "F" force, parameter "a" a, parameter "b" b, parameter "c" c

        let aOfNoise, bOfNoise, s =
            parameter "A" additive, parameter "B" multiplicative, parameter "s" s

        let f = force + a * x + b * square x - c * cube x
        let g = aOfNoise - bOfNoise * x

        {
            Name = "scalar climate, correlated additive and multiplicative noise"
            Equations = [ ddt x == f ]
            Noise = ito [ ddt x == g * brownian "W₁" + s * brownian "W₂" ]
            Score = [ (2.0 * f + 2.0 * bOfNoise * g) / (square g + s ** 2) ]
            Start = []
            Step = weakSecondOrder 0.02
            Source = normalForm
        }

    /// The normal form with the drift of `scalarAdditive` and A = .3, B = .2, s = .5: constants of ours, for a skewed law.
    let scalarMultiplicative (x: Field) =
        scalarMultiplicativeWith 0.6 (-0.0222, -0.2, 0.0494) (0.3, 0.2, 0.5) x

    /// du₁ = (−d_u u₁ + ω u₂ + τ) dt + σ dW₁, du₂ = (−d_u u₂ − ω u₁) dt + σ dW₂, dτ = −d_τ τ dt + σ_τ(u₁) dW₃, σ_τ = 1.5 (tanh u₁ + 1), in Itô's sense:
    /// a slow oscillation of temperature and thermocline driven by wind bursts τ that are the stronger the warmer it is, as in El Niño.
    /// d_u = .2, ω = .4, d_τ = 2, σ = .3. Exact: all three means are 0, and 2 d_τ ⟨τ²⟩ = ⟨σ_τ²⟩. The score is not known.
    let ensoTriad (u1: Field) (u2: Field) (tau: Field) : StochasticSystem =
        let damping, omega = parameter "d_u" 0.2, parameter "ω" 0.4
        let burst, sigma = parameter "d_τ" 2.0, parameter "σ" 0.3

        {
            Name = "slow–fast triad of El Niño"
            Equations = [
                ddt u1 == -damping * u1 + omega * u2 + tau
                ddt u2 == -damping * u2 - omega * u1
                ddt tau == -burst * tau
            ]
            Noise =
                ito [
                    ddt u1 == sigma * brownian "W₁"
                    ddt u2 == sigma * brownian "W₂"
                    ddt tau == 1.5 * (tanh u1 + 1.0) * brownian "W₃"
                ]
            Score = []
            Start = []
            Step = weakSecondOrder 0.02
            Source = "Thual, Majda, Chen, Stechmann (2016), Proc. Natl. Acad. Sci. 113, 10245; constants: arXiv:2504.13333"
        }

    /// Coefficients of the channel of width π and length 2π/b, for m = 1 and 2.
    type private Channel(b: float, beta: float, orography: float, m: float) =
        let odd = 4.0 * m * m - 1.0
        let sum = b * b + m * m
        let root = sqrt 2.0 / pi
        member _.Alpha = 8.0 * root * m * m / odd * (sum - 1.0) / sum
        member _.Beta = beta * b * b / sum
        member _.Delta = 64.0 * root / 15.0 * (b * b - m * m + 1.0) / sum
        member _.GammaZonal = orography * 4.0 * m / odd * b * root
        member _.Gamma = orography * 4.0 * m * m * m / odd * b * root / sum

    /// The flow of a barotropic atmosphere in a channel over orography in six modes x₁ … x₆ (Charney and DeVore), dx = f dt + s dW a mode:
    /// f₁ = γ̃₁ x₃ − C (x₁ − x₁*), f₂ = −(α₁ x₁ − β₁) x₃ − C x₂ − δ₁ x₄ x₆, f₃ = (α₁ x₁ − β₁) x₂ − γ₁ x₁ − C x₃ + δ₁ x₄ x₅,
    /// f₄ = γ̃₂ x₆ − C (x₄ − x₄*) + ε (x₂ x₆ − x₃ x₅), f₅ = −(α₂ x₁ − β₂) x₆ − C x₅ − δ₂ x₄ x₃, f₆ = (α₂ x₁ − β₂) x₅ − γ₂ x₄ − C x₆ + δ₂ x₄ x₂.
    /// Without damping C and noise the energy ½ Σ λ_i x_i² is kept, λ = (1, b² + 1, b² + 1, 4, b² + 4, b² + 4), and without orography γ the enstrophy ½ Σ λ_i² x_i² too.
    /// Raises LeithException unless there are six unknowns.
    let barotropicWith (damping: float) (orography: float) (s: float) (unknowns: Field list) : StochasticSystem =
        match unknowns with
        | [ x1; x2; x3; x4; x5; x6 ] ->
            let c = parameter "C" damping
            let first = Channel(0.5, 1.25, orography, 1.0)
            let second = Channel(0.5, 1.25, orography, 2.0)
            let epsilon = 16.0 * sqrt 2.0 / (5.0 * pi)
            let turn1, turn2 = first.Alpha * x1 - first.Beta, second.Alpha * x1 - second.Beta

            {
                Name = "barotropic flow in six modes"
                Equations = [
                    ddt x1 == first.GammaZonal * x3 - c * (x1 - 0.95)
                    ddt x2 == -turn1 * x3 - c * x2 - first.Delta * x4 * x6
                    ddt x3 == turn1 * x2 - first.Gamma * x1 - c * x3 + first.Delta * x4 * x5
                    ddt x4 == second.GammaZonal * x6 - c * (x4 + 0.76095) + epsilon * (x2 * x6 - x3 * x5)
                    ddt x5 == -turn2 * x6 - c * x5 - second.Delta * x4 * x3
                    ddt x6 == turn2 * x5 - second.Gamma * x4 - c * x6 + second.Delta * x4 * x2
                ]
                Noise = perSite s
                Score = []
                Start = [ x1, number 0.95; x4, number -0.76095 ]
                Step = rk4 0.05
                Source = "Charney and DeVore (1979), J. Atmos. Sci. 36, 1205; Crommelin, Opsteegh, Verkley (2004), J. Atmos. Sci. 61, 1406"
            }
        | other ->
            raise (
                LeithException
                    $"barotropic: expected six unknowns, got {other.Length}; write scalars [ \"x1\"; \"x2\"; \"x3\"; \"x4\"; \"x5\"; \"x6\" ]."
            )

    /// The barotropic flow with the constants of its regimes: b = .5, β = 1.25, γ = .2, C = .1, x₁* = .95, x₄* = −.76095, and noise s = .05 of ours.
    let barotropic (unknowns: Field list) = barotropicWith 0.1 0.2 0.05 unknowns
