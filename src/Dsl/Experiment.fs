namespace Leith

open System
open Leith.Core

/// Where the states come from.
[<RequireQualifiedAccess>]
type Source =
    /// du = F dt + S dW, simulated.
    | Simulated of equations: Equation list * Noise * Step * Sampling
    /// Read from a file.
    | Recorded of Data

/// Everything that is asked, as an inert value. The keywords fold into it.
type Experiment = {
    Title: string
    Source: Source
    Perturb: Perturbation
    /// How the push goes on in time.
    Forcing: Forcing
    Observe: Field list
    /// The longest lag.
    Lags: float
    Estimate: Estimator list
    Check: Check list
    Seed: int
}

[<RequireQualifiedAccess>]
module Experiment =
    /// A push and how it goes on in time; where nothing is said a change of a parameter or of the noise lasts, every other push is an impulse.
    let inItsTime (push: Perturbation) =
        match push with
        | Perturbation.InTime(push, forcing) -> push, forcing
        | Perturbation.Parameter _
        | Perturbation.NoiseAmplitude -> push, Forcing.Step
        | _ -> push, Forcing.Impulse

    let private fail (experiment: Experiment) text =
        raise (LeithException $"experiment \"{experiment.Title}\": {text}")

    /// The estimators that are asked for and the scores that robust ones stand on.
    let internal scored experiment =
        experiment.Estimate
        |> List.collect (fun e ->
            match e.Method with
            | Method.Robust(score, _) -> [ e; score ]
            | _ -> [ e ])

    let private fieldsOf experiment =
        match experiment.Source with
        | Source.Simulated(equations, _, _, _) -> equations |> List.collect (fun e -> [ e.Unknown; e.Drift ])
        | Source.Recorded _ -> []

    /// (name, value) of the distinct parameters, in the order of their first appearance.
    let parameters experiment =
        let noise =
            match experiment.Source with
            | Source.Simulated(_, Noise.Additive op, _, _) -> [ op.Scale * Field.Spectral(op.Name, op.Symbol, Field.Time) ]
            | _ -> []

        fieldsOf experiment @ noise @ experiment.Observe |> List.collect Field.parameters |> List.distinct

    /// Whether every drift is linear with constant coefficients.
    let isLinear experiment =
        match experiment.Source with
        | Source.Simulated(equations, _, _, _) -> equations |> List.forall (fun e -> (Equation.split e.Drift).Nonlinear.IsEmpty)
        | Source.Recorded _ -> false

    /// Whether an unknown belongs to the system or the recording of the experiment.
    let private knows experiment unknown =
        match experiment.Source, unknown with
        | Source.Simulated(equations, _, _, _), _ -> equations |> List.exists (fun e -> e.Unknown = unknown)
        | Source.Recorded data, Field.Unknown(_, (Domain.Column(path, _) | Domain.EveryColumn path)) -> path = data.Path
        | Source.Recorded _, _ -> false

    /// The parameter that is changed has to stand in the equations or in the noise.
    let private demandParameter experiment parameter =
        match experiment.Source, parameter with
        | Source.Recorded _, _ ->
            fail
                experiment
                $"`perturb` expected a push of columns, got a change of the parameter {parameter}; a recording has no equations: write perturb (push (column data 0))."
        | Source.Simulated(equations, noise, _, _), Field.Parameter(name, value) ->
            let inNoise =
                match noise with
                | Noise.Expressions(_, parts) -> parts |> List.collect (snd >> Field.parameters)
                | Noise.Additive op -> Field.parameters (op.Scale * Field.Spectral(op.Name, op.Symbol, Field.Time))
                | _ -> []

            let known =
                (equations |> List.collect (fun e -> Field.parameters e.Drift)) @ inNoise |> List.distinct

            if not (List.contains (name, value) known) then
                let names = known |> List.map fst |> String.concat ", "
                fail experiment $"`perturb` expected a parameter of the system ({names}), got {name}; use it in the equations or change another."
        | _ -> ()

    /// ⟨u v⟩ and the like: one number, whatever grids are under the means.
    let private isNumberOfFields (observable: Field) =
        (Field.place observable).IsNone
        && not (Field.unknowns observable).IsEmpty
        && Calculus.isNumber observable

    let private checkUnknowns experiment =
        let known =
            match experiment.Source with
            | Source.Simulated(equations, _, _, _) -> equations |> List.map (fun e -> string e.Unknown) |> String.concat ", "
            | Source.Recorded data -> $"columns of {data.Path}"

        let demand keyword field =
            for unknown in Field.unknowns field do
                if not (knows experiment unknown) then
                    fail experiment $"`{keyword}` expected only {known}, got {unknown}."

            match Field.whiteNoises field with
            | noise :: _ ->
                fail experiment $"`{keyword}` expected no white noise, got {noise} in {field}, which has no value at an instant; leave it out."
            | [] -> ()

            if keyword <> "observe" && Field.hasStatistic field then
                fail experiment $"`{keyword}` expected an expression of the state, got {field}, a statistic of its law; write that in `observe`."

        for observable in experiment.Observe do
            demand "observe" observable

            let inner =
                match observable with
                | Field.Statistic(Statistic.Standardised, a) -> a
                | Field.Statistic(_, a) -> a
                | other -> other

            if
                inner
                |> Field.statistics
                |> List.exists (fun (kind, a) -> kind <> Statistic.Standardised || Field.hasStatistic a)
            then
                fail
                    experiment
                    $"`observe` expected quantiles, cumulants and densities on their own, got {observable}; only `reduced` stands inside expressions."

        match experiment.Perturb with
        | Perturbation.Kick(u, _) ->
            demand "perturb" u

            for observable in experiment.Observe do
                if Field.place observable <> Field.place u && not (isNumberOfFields observable) then
                    fail
                        experiment
                        $"`observe` expected fields on the grid of {u}, which is kicked, got {observable}; kick a field of the grid that is observed."
        | Perturbation.Push unknowns ->
            unknowns |> List.iter (demand "perturb")

            match experiment.Source with
            | Source.Simulated(equations, _, _, _) ->
                match Equations.fields equations with
                | u :: _ ->
                    fail
                        experiment
                        $"`perturb` expected a kick of a field in a system with fields, got a push of {unknowns.Head}; write perturb (kick {u} (pixel 0 0))."
                | [] -> ()
            | Source.Recorded _ -> ()
        | Perturbation.Along parts ->
            for u, g in parts do
                demand "perturb" u
                demand "perturb" g

                match Field.place u, Field.place g with
                | here, Some there when here <> Some there -> fail experiment $"`perturb` expected a push of {u} on its own grid, got {g}."
                | _ -> ()
        | Perturbation.Parameter parameter -> demandParameter experiment parameter
        | Perturbation.InTime(_, forcing) -> fail experiment $"expected the forcing {forcing} apart from the push; set Forcing beside Perturb."
        | Perturbation.NoiseAmplitude ->
            if experiment.Source.IsRecorded then
                fail
                    experiment
                    "`perturb` expected a push of columns, got a change of the noise, which a recording does not tell from the drift; write perturb (push (column data 0))."

        for estimator in scored experiment do
            estimator.Stein |> List.concat |> List.iter (demand "testedOn")

            match estimator.Method with
            | Method.Robust(_, Regression.Features features)
            | Method.Robust(_, Regression.Ridge(features, _)) -> features |> List.iter (demand "robust")
            | Method.Exact score ->
                score |> List.iter (demand "estimate")

                match experiment.Perturb, score with
                | Perturbation.Kick(u, _), [ one ] when Field.place one <> Field.place u ->
                    fail experiment $"'{estimator}' expected a score on the grid of {u}, which is kicked, got {one}; give ∂ ln ρ/∂u at each site."
                | Perturbation.Kick(u, _), [ one ] when not (List.contains u (Field.unknowns one)) ->
                    fail
                        experiment
                        $"'{estimator}' expected the score of {u}, which is kicked, got {one}, in which it does not stand; give ∂ ln ρ/∂{u} at each site."
                | _ -> ()
            | Method.Library library
            | Method.Learned { Base = NetworkBase.Library library } -> library.Features @ library.Fixed |> List.iter (demand "estimate")
            | _ -> ()

    let private checkNoise experiment (equations: Equation list) noise =
        let unknowns = equations |> List.map _.Unknown

        let demandKnown word (named: Field list) =
            for unknown in named do
                if not (List.contains unknown unknowns) then
                    fail experiment $"`noise` {word} expected unknowns of the system, got {unknown}."

        match Equations.fields equations, noise with
        | _ :: _, Noise.Matrix _ ->
            fail experiment "`noise` expected additive, white or perSite for a field on a torus, got a noise matrix, which is for scalar unknowns."
        | [], (Noise.Additive _ | Noise.White _) ->
            fail experiment "`noise` expected perSite, diagonal or noiseMatrix for scalar unknowns, got noise of a torus."
        | _, Noise.Matrix rows when rows.Length <> equations.Length ->
            fail experiment $"`noise` expected one row for each of {equations.Length} unknowns, got {rows.Length}."
        | _ :: _, (Noise.Additive _ | Noise.White _) when equations.Length > 1 ->
            fail
                experiment
                $"`noise` expected to be told which unknown it acts on, got {noise} for {equations.Length}; write independent [ {unknowns.Head}, … ]."
        | _, Noise.Each parts -> demandKnown "independent" (List.map fst parts)
        | _, Noise.Expressions(_, parts) ->
            demandKnown "of expressions" (List.map fst parts)

            for unknown, f in parts do
                demandKnown "of expressions" (Field.unknowns f)

                match Field.place unknown, Field.place f with
                | here, Some there when here <> Some there -> fail experiment $"`noise` expected noise of {unknown} on its own grid, got {f}."
                | _ -> ()
        | _ -> ()

    let private checkEstimators experiment =
        if List.isEmpty experiment.Estimate then
            fail experiment "`estimate` expected at least one estimator, got an empty list; write estimate [ gaussian ]."

        match experiment.Estimate |> List.countBy _.Label |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(label, count) ->
            fail
                experiment
                $"`estimate` expected a different name for each estimator, got '{label}' {count} times; give one another name with |> named \"…\"."
        | None -> ()

        for check in experiment.Check do
            for estimator in [ check.Of; check.Reference ] do
                if not (List.contains estimator experiment.Estimate) then
                    fail experiment $"`check` expected estimators that stand in `estimate`, got '{estimator}', which does not; add it there."

        for estimator in scored experiment do
            match experiment.Source, estimator.Method with
            | Source.Recorded _, (Method.Dynamical _ | Method.Propagator | Method.Exact _ | Method.Learned _) ->
                fail
                    experiment
                    $"'{estimator}' expected a model to run, got a recording; with `data`, estimate [ gaussian ], libraryOf, libraryAuto or clustered."
            | Source.Simulated(equations, _, _, _), (Method.Gaussian | Method.Exact _ | Method.Library _ | Method.Clustered _ | Method.Learned _) when
                equations |> List.exists (fun e -> Field.dependsOnTime e.Drift)
                ->
                fail
                    experiment
                    $"'{estimator}' expected a stationary system, got a drift that depends on the time t; take dynamical, or leave the forcing out."
            | Source.Simulated(equations, _, _, _), Method.Propagator when
                experiment.Observe |> List.exists (fun f -> equations |> List.forall (fun e -> e.Unknown <> f))
                ->
                fail experiment "`propagator` expected unknowns as observables, got an expression; observe the unknowns, or leave this estimator out."
            | Source.Simulated _, Method.Propagator when not (isLinear experiment) ->
                fail experiment "`propagator` expected a linear equation, got one with other terms; take dynamical as the reference."
            | Source.Simulated(equations, _, _, _), (Method.Gaussian | Method.Exact _ | Method.Library _ | Method.Clustered _ | Method.Learned _) when
                equations |> List.exists (fun e -> Field.dependsOnPlace e.Drift)
                ->
                fail experiment $"'{estimator}' expected a homogeneous system, got a drift that depends on the place; take dynamical (pairs 1000)."
            | Source.Simulated(equations, _, _, _), Method.Propagator when not (Equations.isPlain equations) ->
                let got =
                    if equations.Length = 1 then
                        "a field on a lattice"
                    else
                        "a system of several unknowns"

                fail experiment $"`propagator` expected one field on a torus or scalar unknowns, got {got}; take dynamical as the reference."
            | Source.Simulated(equations, _, _, _), Method.Exact score when
                score.Length
                <> (if (Equations.fields equations).IsEmpty then
                        equations.Length
                    else
                        1)
                ->
                if (Equations.fields equations).IsEmpty then
                    fail
                        experiment
                        $"'{estimator}' expected one score for each of {equations.Length} unknowns, got {score.Length}; `exactOf` takes a list."
                else
                    fail experiment $"'{estimator}' expected one score, that of the field that is kicked, got {score.Length}; write exact (…)."
            | Source.Simulated(equations, _, _, _), Method.Clustered _ when not (Equations.fields equations).IsEmpty ->
                fail experiment $"'{estimator}' expected a few scalar unknowns, got a field; take libraryOf or learned residualNet."
            | Source.Simulated(equations, _, _, _), Method.Clustered _ when equations.Length > Clustering.MostComponents ->
                fail
                    experiment
                    $"'{estimator}' expected at most {Clustering.MostComponents} unknowns, got {equations.Length}; clusters get too wide in so many dimensions, take libraryAuto or learned mlp."
            | Source.Simulated(equations, _, _, _), Method.Learned network ->
                match Equations.fields equations, network.Architecture with
                | [], Architecture.Published ->
                    fail
                        experiment
                        $"'{estimator}' expected a dense network for scalar unknowns, got publishedNet, which is for fields; write learned mlp."
                | _ :: _, Architecture.Published ->
                    match experiment.Perturb with
                    | Perturbation.Kick(unknown, _) ->
                        match Field.place unknown with
                        | Some(Domain.Torus(_, points) | Domain.Lattice(_, points)) when
                            points.Length <> 2 || points |> List.exists (fun n -> n % 8 <> 0)
                            ->
                            let got = points |> List.map string |> String.concat " × "

                            fail
                                experiment
                                $"'{estimator}' expected a field on two axes with a multiple of 8 points each, which the published network halves three times, got {got}; write learned residualNet."
                        | _ -> ()
                    | _ -> ()
                | [], Architecture.Dense when network.Base.IsLibrary || network.Base.IsNothing ->
                    fail
                        experiment
                        $"'{estimator}' expected a network on the Gaussian score for scalar unknowns, got another base; write learned mlp, or libraryOf alone."
                | [], Architecture.Residual ->
                    fail experiment $"'{estimator}' expected a dense network for scalar unknowns, got residualNet; write learned mlp."
                | _ :: _, Architecture.Dense ->
                    fail experiment $"'{estimator}' expected a convolution for a field, got mlp; write learned residualNet."
                | _ -> ()
            | _ -> ()

    let private checkTimes experiment =
        if not (Double.IsFinite experiment.Lags) || experiment.Lags <= 0.0 then
            fail experiment $"`lags` expected a positive longest lag, got {experiment.Lags}."

        let demandWholeLags (every: float) =
            let ratio = experiment.Lags / every

            if abs (ratio - Math.Round ratio) > 1e-6 * max 1.0 ratio then
                let below, above = every * Math.Floor ratio, every * Math.Ceiling ratio

                fail
                    experiment
                    $"`lags` expected a whole multiple of the time between samples, {every}, got {experiment.Lags}; write {Typography.number below} or {Typography.number above}."

        match experiment.Source with
        | Source.Recorded data -> demandWholeLags data.Spacing
        | Source.Simulated(_, _, step, sampling) ->
            let demandWhole name (value: float) unit (divisor: float) =
                let ratio = value / divisor

                if abs (ratio - Math.Round ratio) > 1e-6 * max 1.0 ratio || (value > 0.0 && ratio < 0.5) then
                    fail experiment $"`sample` expected {name} to be a whole multiple of {unit}, {divisor}, got {value}; change one of them."

            if not step.IsAutomatic then
                demandWhole "the time between samples (every)" sampling.Every "the step" step.Size
                demandWhole "the spin-up" sampling.SpinUp "the step" step.Size

            demandWhole "the time sampled (lasting)" sampling.Lasting "the time between samples" sampling.Every

            if experiment.Lags > sampling.Lasting then
                fail
                    experiment
                    $"`lags` expected a longest lag within the {sampling.Lasting} time units of a member, got {experiment.Lags}; sample longer or ask for shorter lags."

            if experiment.Lags < sampling.Every then
                fail experiment $"`lags` expected at least the time between samples, {sampling.Every}, got {experiment.Lags}."

            demandWholeLags sampling.Every

    /// Refuses, with one sentence, an experiment that cannot be run. Nothing is read or simulated.
    let validate (experiment: Experiment) =
        if String.IsNullOrWhiteSpace experiment.Title then
            fail experiment "expected a title, got blank text."

        match experiment.Source with
        | Source.Simulated(equations, noise, _, sampling) ->
            Equation.check equations
            checkNoise experiment equations noise

            for unknown, _ in sampling.Start do
                if not (knows experiment unknown) then
                    fail experiment $"`sample` startingAt expected unknowns of the system, got {unknown}; name one that has an equation."
        | Source.Recorded _ -> ()

        if List.isEmpty experiment.Observe then
            fail experiment "`observe` expected at least one observable, got an empty list; write observe [ u ]."

        checkUnknowns experiment
        checkEstimators experiment
        checkTimes experiment
