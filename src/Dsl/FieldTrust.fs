/// What says how far the score of a field can be trusted: certificates, identities, and bounds of the bias of responses.
module internal Leith.FieldTrust

open System
open System.Numerics
open Leith.Core
open Leith.Stages
open Leith.FieldRecord
open Leith.LibraryRun

/// What was found out about one score.
type Assessment = {
    Certificate: FieldCertificate option
    /// What the certificate holds of, or why there is none.
    Note: string option
    Stein: SteinRow list
}

/// Base fields at which a network is probed for its certificate, three evaluations each.
let private probedFields setting =
    if setting.Sketch then 1_024.0 else 6_144.0

/// Modes that the system has.
let private kept c =
    match keptModes c with
    | null -> Array.create c.Grid.Sites true
    | kept -> kept

let private certificateNote c (certificate: FieldCertificate) (diffusion: float[]) =
    let live = Array.zip (kept c) diffusion |> Array.filter fst |> Array.map snd

    let noisy = live |> Array.filter (fun d -> d > 0.0) |> Array.length

    let where =
        if noisy < live.Length then
            $"in the noisy directions only, {noisy} of {live.Length} modes; "
        else
            ""

    let size = certificate.Size

    let part =
        if certificate.Controlled then
            "is partly in it"
        else
            "is in it"

    let perSite = certificate.Value.Value / float c.Grid.Sites

    $"{where}{Digest.number perSite} a site, {Digest.number (100.0 * certificate.Relative)} %% of the true score, whose ⟨sᵀDs⟩ = −⟨∇·F⟩ = {Digest.number size.Value} ± {Digest.uncertainty size.StandardError}; the error of the law that a step {Digest.number c.Step.Size} makes {part}"

let private certify c shared (sums: LibrarySums) form =
    match shared.Drift with
    | Error why -> None, Some $"none: {why}"
    | Ok(f, diffusion) ->
        if sums.Blocks < 2 then
            None, Some "none: there is one block of data only"
        else
            let certificate = FieldCertificate.Of(sums, form, indexOf shared f, diffusion)

            Some certificate, Some(certificateNote c certificate diffusion)

/// Certificate and identities of a score that is made of the features of sums.
let assess c bootstrap shared (sums: LibrarySums) (estimator: Estimator) (form: FieldScoreForm) =
    let tests =
        tests c estimator |> List.filter (fun g -> List.contains g shared.Fields)

    let certificate, note = certify c shared sums form

    // what a fit fulfils by itself says nothing
    let own g =
        match form.Fitted with
        | null -> false
        | terms -> Seq.contains (indexOf shared g) terms.Free

    let residuals =
        FieldSteinTable.Residuals(sums, form, tests |> List.map (indexOf shared) |> List.toArray, bootstrap)

    {
        Certificate = certificate
        Note = note
        Stein =
            (tests, List.ofArray residuals)
            ||> List.map2 (fun g r -> steinRow $"({g})(x) ŝ(x) + ∂({g})/∂{c.Unknown}" r.Value (if own g then 0.0 else r.StandardError))
    }

/// The report with what was found.
let report (found: Assessment) (report: ScoreReport) = {
    report with
        Stein = report.Stein @ found.Stein
        Certificate =
            found.Certificate
            |> Option.map (fun certificate -> certificate.Value.Value, certificate.Value.StandardError)
        CertificateNote = found.Note
}

// ---- networks ----------------------------------------------------------------------------------------------------

/// A record of what a network adds beside all features, as a sink of the pass that correlates it; what it gives in the end, in the cache or not.
let networkRecord c shared (key: string) (remainder: unit -> ITileMap) (power: float[]) : ((int -> ITileSink) list * (unit -> LibrarySums)) =
    let features =
        WithRemainder.Of(shared.Features.Lagging 0, Func<ITileMap>(remainder), power, "network")

    let stride =
        max 1L (int64 (Math.Ceiling(float c.Plan.Samples * float c.Plan.Members / probedFields c.Setting)))

    let samples = (c.Plan.Samples + stride - 1L) / stride
    let texts = shared.Fields |> List.map Field.canonical |> String.concat "\n"
    let key = $"network record {key}\n{describe c.Experiment}\n{texts}\nstride {stride}"

    let finish (sums: LibrarySums) =
        sums.Kept <- keptModes c
        sums

    match stored c.Setting key with
    | Some arrays -> [], (fun () -> finish (LibrarySums.FromArrays(features, arrays)))
    | None ->
        let record = LibraryRecord(features, 0, [||], samples, c.Plan.Tiles, timeBlocks c)

        [ fun tile -> Thinned(record.Open tile, stride, samples) :> ITileSink ],
        fun () ->
            let sums = record.Complete()
            store c.Setting key (sums.ToArrays())
            finish sums

/// A network on the Gaussian with these powers of the modes, N ŝ_k = −N² u_k/P_k + …, as features of its record.
let onGaussian c shared (power: float[]) =
    let n = float c.Grid.Sites

    let kernel =
        power |> Array.map (fun p -> Complex((if p > 0.0 then -n / p else 0.0), 0.0))

    FieldScoreForm(null, 0.0, [| KnownTerm(0, kernel, true); KnownTerm(shared.Fields.Length) |])

/// A network on a fitted library.
let onLibrary shared (fitted: LibraryScore) =
    FieldScoreForm(
        null,
        0.0,
        [|
            for j, kernel in Seq.indexed fitted.Kernels do
                match kernel with
                | null -> ()
                | kernel -> KnownTerm(j, kernel, true)
            KnownTerm(shared.Fields.Length)
        |]
    )

// ---- bounds ------------------------------------------------------------------------------------------------------

/// Lags at which forked runs are looked at, and the share of the run's time that they may take.
let private forkedLags, private forkedShare = 16, 0.1

/// Var of E[D^(−1/2) A(t)|u₀] at a site, each mode of A times `filter`, from forked runs at the end of the spin-up; none where they would take long.
let private forked c (diffusion: float[]) (filter: float[]) (observable: Field) : ForkedVariance option =
    let every = max 1 ((c.Longest + forkedLags - 1) / forkedLags)
    let steps = (c.Longest + every - 1) / every
    let longest = float (steps * every) * c.Plan.Every
    let all = float c.Plan.Tiles * float c.Plan.Samples * c.Plan.Every
    let starts = int (forkedShare * all / (2.0 * (longest + c.Plan.Every)))

    if starts < 1 || c.Longest < 1 then
        None
    else
        let starts = min starts c.Plan.Tiles

        let inverse =
            Array.zip (kept c) diffusion
            |> Array.map (fun (keep, d) ->
                if keep && d > 0.0 then
                    Complex(1.0 / sqrt d, 0.0)
                else
                    Complex.Zero)

        let create =
            match map c observable with
            | null -> fun () -> new Multiplied(null, inverse) :> ITileMap
            | make -> fun () -> new Multiplied(make.Invoke(), inverse) :> ITileMap

        let filterText =
            if filter |> Array.forall (fun f -> abs (f - 1.0) < 1e-12) then
                ""
            else
                filter |> Array.map Typography.exactly |> String.concat " "

        let compute () =
            Terminal.stage $"fork {observable}" (fun progress ->
                let tiles = c.Start.Value |> List.truncate starts |> List.toArray
                let first = c.Simulation.Value.FirstStep

                let found =
                    Forks(tiles, starts * Tile.Members, Func<ITileMap>(create), [| Segment("", c.Grid, Representation.Modes, 0) |])
                        .Run(
                            (fun initial ->
                                Simulation(
                                    c.Model,
                                    c.Step.Scheme,
                                    c.Step.Size,
                                    Draw.Bits(c.Seed, Draw.Twins, 1L, 0L),
                                    Initial = initial,
                                    FirstStep = first
                                )),
                            longest,
                            float every * c.Plan.Every,
                            c.Setting.Threads,
                            fraction progress,
                            c.Setting.Cancellation
                        )

                stopIfCancelled c.Setting
                ofForks found)

        let arrays =
            cached c.Setting $"forks of {Field.canonical observable} {starts} {every} {c.Longest} {filterText}\n{describe c.Experiment}" compute

        Some(ForkedVariance(arrays["lags"], Array.chunkBySize 1 arrays["values"], Array.chunkBySize 1 arrays["errors"]))

/// A bound on the bias at every lag, with a note that names its form; none without certificate. `filter`: how much of the error of each mode enters the answer, 1 for a kick. `power`: at every lag, the power of what the score is correlated with.
let biasBound c shared (found: Assessment) (observable: Field) (filter: float[]) (power: int -> float[]) (form: string) : (float[] * string) option =
    match found.Certificate, shared.Drift with
    | Some certificate, Ok(_, diffusion) ->
        let silent =
            Array.zip (kept c) diffusion |> Array.exists (fun (keep, d) -> keep && not (d > 0.0))

        if silent || not (Double.IsFinite certificate.Value.StandardError) then
            None
        else
            let fixed' =
                Array.init (c.Longest + 1) (fun lag ->
                    FieldBiasBound.OfPower(certificate, Array.map2 (fun p f -> p * f * f) (power lag) filter, diffusion))

            let upTo =
                $"bias at most N^(−3/2) √(Σ V/D) √(certificate + {Digest.number FieldBiasBound.Errors} standard errors), V the power of {form} in each mode, D that of the noise"

            match forked c diffusion filter observable with
            | Some forks ->
                let bound lag =
                    let t = float lag * c.Plan.Every
                    let last = forks.Lags |> Array.findIndexBack (fun l -> l <= t * (1.0 + 1e-9))
                    let variance = forks.Values[last].[0] + 2.0 * forks.StandardError[last].[0]
                    min fixed'[lag] (FieldBiasBound.OfVariance(certificate, variance))

                Some(Array.init fixed'.Length bound, upTo + ", or where it is less of E[A(t)|u₀], from forked runs, which decays")
            | None -> Some(fixed', upTo + ": the static form")
    | _ -> None

/// Whether a score is divided so that R(0) = I, asked for and borne out by data that the factor was not made from, and what is said of it.
let correction (shared: Shared option) (estimator: Estimator) (form: Shared -> FieldScoreForm) : bool * string list =
    match shared with
    | Some shared when estimator.Corrected ->
        let struct (without, with', error) =
            FieldSteinTable.Correction(shared.Sums, form shared)

        let taken = without - with' > 2.0 * error

        taken,
        [
            (if taken then
                 "divided by R(0) mode by mode"
             else
                 "not divided by R(0)")
            + $": held-out loss a site {Digest.number without} before, {Digest.number with'} after, gain {Digest.number (without - with')} ± {Digest.uncertainty error}"
        ]
    | None when estimator.Corrected -> false, [ "not divided by R(0): the law is not the same at all places and times" ]
    | _ -> false, []
