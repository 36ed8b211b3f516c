using System.Numerics;

namespace Leith.Core;

/// <summary>Ways to measure the response of a model by running it.</summary>
public enum DynamicalKind
{
    /// <summary>Twins u ± (δ/2) kick that share their noise.</summary>
    Twins,

    /// <summary>Twins whose every site is kicked with a random sign (<see cref="Leith.Core.FieldKicks"/>).</summary>
    FieldKicks,

    /// <summary>Weights made of the noise, with a linear forecast as control variate (<see cref="Leith.Core.NoiseWeights"/>).</summary>
    NoiseWeights,
}

/// <summary>The response of a model to a small kick: what is asked.</summary>
/// <param name="Model">The model, with a stationary state.</param>
/// <param name="Scheme">How it is stepped.</param>
/// <param name="Step">h.</param>
/// <param name="Members">Independent members, rounded up to sixteens.</param>
/// <param name="SpinUp">Time to the stationary state, a whole multiple of the step.</param>
/// <param name="Longest">Longest lag, a whole multiple of Every.</param>
/// <param name="Every">Time between lags, a whole multiple of the step.</param>
/// <param name="Size">δ of the twins.</param>
/// <param name="Seed">Seed of everything.</param>
public sealed record DynamicalQuestion(Model Model, Scheme Scheme, double Step, int Members, double SpinUp, double Longest, double Every, double Size, ulong Seed)
{
    /// <summary>Unit kick in state rows, as in <see cref="TwinPlan"/>; on a torus null is the kick of site 0.</summary>
    public Complex[]? Kick { get; init; }

    /// <summary>Makes w ↦ N′(u, t)ᵀ w (state u, other w), for noise weights; null where it is not known or the drift is linear.</summary>
    public Func<IPairMap>? TransposedTangent { get; init; }

    /// <summary>The observable A as a map of the state; null for the state itself.</summary>
    public Func<ITileMap>? Observable { get; init; }

    /// <summary>Rows of the observable; those of the model when 0.</summary>
    public int ObservableRows { get; init; }

    /// <summary>Where the field that is pushed stands among several unknowns; the one field of a torus when null.</summary>
    public Segment? Pushed { get; init; }

    /// <summary>The spectrum of the field that is pushed as a map of the state; null for the state itself.</summary>
    public Func<ITileMap>? PushedField { get; init; }

    /// <summary>Fills the states before spin-up; zeros when null.</summary>
    public Action<Tile>? Initial { get; init; }

    /// <summary>Whether drift and noise do not depend on time. Noise weights need that.</summary>
    public bool Stationary { get; init; } = true;

    internal int Rows => ObservableRows > 0 ? ObservableRows : Model.Rows;

    internal int Lags => checked((int)Whole.Ratio("longest", Longest, "every", Every) + 1);

    internal int Tiles => SamplingPlan.TilesFor(Members);

    internal int FullMembers => Tiles * Tile.Members;

    internal Complex[] KickRows => Kick ?? (Model.Grid is { } grid ? FieldKicks.Pixel(grid)
        : throw new LeithException("dynamical: expected a kick of the scalar unknowns, got none. Give one number an unknown."));

    internal Segment? PushedSegment => Pushed ?? (Model.Grid is null ? null : Model.Segments[0]);

    internal Grid? Grid => PushedSegment?.Grid;

    /// <summary>Whether site 0 of the pushed field is kicked by one unit, and nothing else.</summary>
    internal bool KicksOneSite => PushedSegment is { } pushed && (Kick is null || Enumerable.Range(0, Kick.Length).All(row =>
        Kick[row] == (row == pushed.First || (row > pushed.First && row < pushed.End && pushed.Representation == Representation.Modes) ? Complex.One : Complex.Zero)));
}

/// <summary>A measured response. <c>Values</c> and <c>StandardError</c> are [lag][row]: offsets from the kicked site on a torus.</summary>
/// <param name="Lags">Lags in units of time.</param>
/// <param name="Values">R.</param>
/// <param name="StandardError">One standard error; over members for twins, by a bootstrap over members and pieces of the record for noise weights.</param>
/// <param name="Kind">How it was measured.</param>
/// <param name="Reason">Why that way, with the figures of all.</param>
/// <param name="Count">Pairs of twins, or states of the run of noise weights that were kicked.</param>
/// <param name="EvenPart">[lag]: size of the even part over the largest odd part of any lag, small in the linear regime; empty for noise weights, whose kick is infinitesimal.</param>
/// <param name="Costs">Standard error times √second of every kind that could be used, from the pilot; empty where the kind was given.</param>
public sealed record DynamicalEstimate(double[] Lags, double[][] Values, double[][] StandardError, DynamicalKind Kind, string Reason, long Count, double[] EvenPart,
    IReadOnlyList<DynamicalCost> Costs)
{
    /// <summary>The curves of each resample of members, [resample][lag][i], i over <see cref="ReplicateRows"/>.</summary>
    public double[][][]? Replicates { get; init; }

    /// <summary>The rows of the replicates: all numbers, or the sites along the first axis through the kick.</summary>
    public int[] ReplicateRows { get; init; } = [];

    /// <summary>Independent members or blocks behind the standard errors; see <see cref="Bands"/>.</summary>
    public int Independent { get; init; }

    /// <summary>The largest over the lags of √(Σ_row standard error²).</summary>
    public double LargestError => Dynamical.Largest(StandardError);
}

/// <summary>What a kind costs.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="ErrorPerRootSecond">Largest standard error of any lag (Euclidean norm over rows) times √(seconds of the run): the error after one second.</param>
/// <param name="ByLag">The same, lag by lag.</param>
/// <param name="SecondsPerUnit">Seconds for all members to go once through the lags.</param>
public sealed record DynamicalCost(DynamicalKind Kind, double ErrorPerRootSecond, double[] ByLag, double SecondsPerUnit);

internal static class Dynamical
{
    public const int Resamples = 200;

    /// <summary>Rows whose curves the resamples keep.</summary>
    public static int[] ReplicateRows(Grid? grid, int rows) => grid is null ? [.. Enumerable.Range(0, rows)] : FieldResponse.AlongFirstAxis(grid);

    /// <summary>Resamples of members, [lag][member][i].</summary>
    public static Resampled Resample(double[][][] members, ulong seed)
    {
        int count = members[0].Length;
        double[][] Mean(double[] weights) => [.. members.Select(lag =>
        {
            var sums = new double[lag[0].Length];
            for (int member = 0; member < count; member++)
                if (weights[member] != 0) Resampling.AddScaled(weights[member] / count, lag[member], sums);
            return sums;
        })];
        return Resampled.Of(Mean([.. Enumerable.Repeat(1.0, count)]), Resamples, count, r => Mean(Resampling.Weights(count, count, seed, r)));
    }

    public static double Largest(double[][] errors) => errors.Max(Norm);

    public static double Norm(double[] row) => Math.Sqrt(row.Sum(e => e * e));

    public static string Name(DynamicalKind kind) => kind switch
    {
        DynamicalKind.Twins => "twin runs",
        DynamicalKind.FieldKicks => "field kicks",
        _ => "noise weights",
    };
}

/// <summary>What an engine has measured so far.</summary>
internal sealed record DynamicalSums(double[][] Values, double[][] StandardError, long Count, double[] EvenPart)
{
    /// <summary>Resamples of the rows of <see cref="Dynamical.ReplicateRows"/>; made when they are asked for.</summary>
    public required Func<(double[][][] Replicates, int Independent)> Resample { get; init; }
}

/// <summary>One kind at work: a run that goes on, in units of once through the lags.</summary>
internal interface IDynamicalEngine : IDisposable
{
    /// <summary>Units made.</summary>
    int Units { get; }

    /// <summary>Goes on.</summary>
    void Advance(int units, int threads, IProgress<double>? progress, CancellationToken cancellation);

    /// <summary>The estimate from everything so far.</summary>
    DynamicalSums Estimate(int threads);
}
