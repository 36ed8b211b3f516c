/// Every estimator beside exact answers, at a sixteenth of the size of `./run verify`.
module Leith.Tests.Verification

open Leith
open Xunit

let private options: Options.Options = {
    Sketch = true
    Out = "out"
    Seed = None
    Threads = 2
    Debug = false
    Cache = None
    Values = []
}

let private all =
    lazy
        (Terminal.isQuiet <- true
         Verify.cases |> List.map (fun make -> make ()) |> Verify.facts options)

// About 190 numbers, each beyond 4.5 standard errors once in 150,000; errors from few blocks have longer tails, of which 5 leaves out all but one in a thousand sets.
[<Fact>]
let ``Every estimator agrees with exact answers`` () =
    for fact in all.Value do
        Assert.True(
            abs fact.Z <= 5.0,
            $"{fact.System}, {fact.Quantity}, {fact.Estimator}: {fact.Estimate} ± {fact.StandardError}, exact {fact.Exact}"
        )

[<Fact>]
let ``Verification covers every kind of estimator and what is made of responses`` () =
    let names = all.Value |> List.map _.Estimator |> List.distinct

    for kind in [ "propagator"; "dynamical"; "Gaussian"; "exact score"; "library"; "robust" ] do
        Assert.Contains(names, fun name -> name.StartsWith kind)

    let quantities = all.Value |> List.map _.Quantity

    for what in
        [
            "quantile"
            "κ3"
            "certificate"
            "χ"
            "d⟨x⟩/d(F)"
            "d⟨x⟩/d(amplitude of the noise)"
        ] do
        Assert.Contains(quantities, fun quantity -> quantity.Contains what)

[<Fact>]
let ``A wrong number is found out`` () =
    let fact: Verify.Fact = {
        System = ""
        Quantity = ""
        Estimator = ""
        Exact = 1.0
        Estimate = 1.05
        StandardError = 0.01
    }

    Assert.Equal(5.0, fact.Z, 6)
    Assert.True(abs fact.Z > Verify.limit)
    // without sampling error rounding alone is forgiven
    Assert.True(
        abs
            {
                fact with
                    StandardError = 0.0
                    Estimate = 1.0 + 1e-10
            }
                .Z
            <
            Verify.limit
    )

    Assert.True(
        abs
            {
                fact with
                    StandardError = 0.0
                    Estimate = 1.0 + 1e-7
            }
                .Z
            >
            Verify.limit
    )
    // an estimate that is missing is not one that agrees
    Assert.False(abs { fact with Estimate = nan }.Z <= Verify.limit)
