// Question   How does the response of a double well change with the strength of its noise, and when may it be read off the correlation alone?
// Equation   dx/dt = x − x³ + ε ξ
// Expect     two time units after a push the response is largest, .41, near ε = .7; the Gaussian estimate says .93 at ε = .4 in place of .22, and .07 at ε = 2 in place of .06
// Run        ./run experiments/double_well_sweep.fsx          (15 s on two cores; --sketch: 5 s)
// Source     Marini Bettolo Marconi, Puglisi, Rondoni, Vulpiani (2008), Phys. Rep. 461, 111; Risken, The Fokker–Planck Equation (1989), ch. 5
#load "../leith.fsx"
open Leith

let x = scalar "x"
let drift = x - cube x
let twins = dynamical (pairs 65536)

[
    for eps in [ 0.4; 0.5; 0.7; 1.0; 1.4; 2.0 ] ->
        // s = D⁻¹ F with D = ½ ε², since the drift is a gradient.
        let known = exact (2.0 / eps ** 2 * drift)

        experiment $"double well, ε = {eps}" {
            system (ddt x == drift)
            noise (perSite eps)
            step (heun 0.005)
            sample (members 1024 |> spinUp 100.0 |> lasting 400.0 |> every 0.1)
            perturb (push x)
            observe [ x ]
            lags 6.0
            estimate [ twins; gaussian; known ]
            check [ known |> within twins 0.03 ]
            seed 3
        }
]
|> sweep "double well, from weak to strong noise"
|> ignore
