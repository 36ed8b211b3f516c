// Question   How does a push spread through coupled oscillators whose drift is far from symmetric?
// Equation   dx = A x dt + S dW, three unknowns
// Expect     R(t) = exp(A t): a push of z grows before it dies
// Run        ./run experiments/damped_oscillators.fsx          (10 s; --sketch: 3 s)
// Source     Risken, The Fokker–Planck Equation, ch. 3 and 7
#load "../leith.fsx"
open Leith

let x, y, z = scalar "x", scalar "y", scalar "z"
