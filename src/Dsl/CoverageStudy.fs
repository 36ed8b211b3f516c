namespace Leith

open System
open Leith.Core
open Leith.Stages

/// How often the bands of one estimator and one observable cover the truth.
type MeasuredCoverage = {
    Estimator: Estimator
    Observable: Field
    Coverage: BandCoverage
}

/// The words of studies of bands.
[<AutoOpen>]
module CoverageStudyWords =
    /// From 1024 members on the members of a tile share their blocks.
    let private mostRecordings = 1023

    /// Time blocks of each recording, as many as a recording from a file has at most.
    let private blocks = 128L

    /// What is gathered of every recording: A = [x, observables, monomials], B = [x, scores, monomials].
    type private Gathered = {
        Products: LagProducts
        Others: Field list
        Scores: Field list
        Monomials: Field list
    }

    let private single (experiment: Experiment) =
        match experiment.Source with
        | Source.Simulated([ e ], _, step, s) when (Equations.fields [ e ]).IsEmpty -> e.Unknown, step, s
        | Source.Simulated(equations, _, _, _) -> raise (LeithException $"coverage: expected one scalar unknown, got {equations.Length} equations.")
        | Source.Recorded data ->
            raise (LeithException $"coverage: expected a system whose recordings can be repeated, got the recording {data.Path}.")

    let private gather threads (experiment: Experiment) : Gathered =
        let x, step, s = single experiment

        if s.Members > mostRecordings then
            raise (LeithException $"coverage: expected at most {mostRecordings} members, one a recording, got {s.Members}.")

        let model = Lower.model experiment
        let plan = SamplingPlan(s.Members, s.SpinUp, s.Lasting, s.Every)
        let others = experiment.Observe |> List.filter ((<>) x)

        let monomials =
            if experiment.Estimate |> List.exists _.Method.IsRobust then
                VectorLibrary.forecasts [ x ]
            else
                []

        let scores =
            -x
            :: (experiment.Estimate
                |> List.collect (fun e ->
                    match e.Method with
                    | Method.Exact score -> score
                    | _ -> []))

        let map fields =
            Func<ITileMap>(Lower.vector [ x ] fields)

        let tiles (fields: Field list) = [|
            if not fields.IsEmpty then
                TileRows(fields.Length, map fields)
        |]

        let lags =
            VectorLags(
                VectorLagPlan(
                    plan,
                    1,
                    int (Math.Round(experiment.Lags / s.Every)),
                    Observables = tiles (others @ monomials),
                    Scores = [| for score in scores -> TileRows(1, map [ score ]) |],
                    Features = tiles monomials,
                    BlockLength = Nullable(max 1L ((plan.Samples + blocks - 1L) / blocks)),
                    Names = [| string x |]
                )
            )

        (simulation model step (initialOf model experiment) (uint64 experiment.Seed))
            .Run(plan, (fun tile -> lags.Open tile), threads, null, Threading.CancellationToken.None)

        {
            Products = lags.Result()
            Others = others
            Scores = scores
            Monomials = monomials
        }

    /// The monomials as what an observable is forecast from; any multiple of x is then as good a score as the Gaussian one.
    let private forecast (x: Field) g =
        let plan = VectorLibrary.plan [ x ] (x :: g.Monomials)

        let row j =
            if j = 0 then 0 else g.Others.Length + j

        let slopes =
            plan.Slopes[0]
            |> Array.map (fun slope ->
                if slope.Row < 0 then
                    slope
                else
                    FeatureSlope(slope.Constant, row (slope.Row - 1), slope.Factor))

        let features = [| 0 .. g.Monomials.Length |]
        ForecastFeatures(Array.map row features, features |> Array.map (fun j -> if j = 0 then 0 else g.Scores.Length + j), [| slopes |])

    let private answering (x: Field) g (e: Estimator) : LagProducts -> ResponseEstimate =
        match e.Method with
        | Method.Gaussian -> fun p -> VectorResponse.Gaussian p
        | Method.Exact [ score ] ->
            let index = 1 + List.findIndex ((=) score) g.Scores.Tail
            fun p -> VectorResponse.FromScore(p, index, false)
        | Method.Robust(score, Regression.Polynomials 5) when score.Method.IsGaussian ->
            let features = forecast x g
            fun p -> VectorForecast.FromScore(p, 0, features)
        | _ -> raise (LeithException $"coverage: expected gaussian, exactOf … or robust gaussian (polynomials 5), got {e}.")

    /// The coverage of the 95 % bands of every estimator and observable of an experiment with one scalar unknown, each of its members taken for a recording of its own.
    /// `truth estimator observable` is the response at every lag, NaN where it is not known; none stands for what the Gaussian estimate tends to, from all members together.
    let bandCoverage (truth: Estimator -> Field -> float list option) (experiment: Experiment) : MeasuredCoverage list =
        let threads = (Options.current ()).Threads
        let x, _, _ = single experiment

        let g =
            Terminal.stage $"{experiment.Title}: recordings" (fun _ -> gather threads experiment)

        let rows =
            experiment.Observe |> List.map (fun a -> if a = x then 0 else 1 + List.findIndex ((=) a) g.Others)

        let limit = lazy (VectorResponse.GaussianValues g.Products)

        let known e row a =
            match truth e a with
            | Some values -> Array.ofList values
            | None -> limit.Value |> Array.map (fun lag -> lag[row][0])

        [
            for e in experiment.Estimate do
                let answer = answering x g e

                let found =
                    Terminal.stage $"{experiment.Title}: {e}" (fun _ ->
                        Coverage.Of(
                            g.Products,
                            Func<_, _>(answer),
                            0,
                            Array.ofList rows,
                            List.map2 (known e) rows experiment.Observe |> Array.ofList,
                            threads
                        ))

                for observable, coverage in List.zip experiment.Observe (List.ofArray found) ->
                    {
                        Estimator = e
                        Observable = observable
                        Coverage = coverage
                    }
        ]
