using System.Numerics;

namespace Leith.Core;

/// <summary>A share S(k) ⟨m⟩ of b_j(k), the symbol of ⟨∂φ_j/∂u⟩, where the derivative is a sum of S₁ m S₂ with S = S₁ S₂: by homogeneity no more of m than its mean enters.</summary>
/// <param name="Feature">j.</param>
/// <param name="Mean">Which of the numbers of <see cref="LibraryFeatures"/> m is; −1 for m = 1.</param>
/// <param name="Symbol">S, one entry a mode.</param>
public sealed record LibrarySlope(int Feature, int Mean, Complex[] Symbol);

/// <summary>
/// Features φ_j(u) of homogeneous fields, their slopes b_j(k), and what computes them. Feature 0 is the field u itself.
/// A map makes a tile of rows: the spectra of all features one after another, those of φ_j′(u) v of the probed features, then the numbers m.
/// </summary>
public sealed class LibraryFeatures
{
    /// <summary>The torus.</summary>
    public required Grid Grid { get; init; }

    /// <summary>What the features are called.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>From a state, where no feature is probed.</summary>
    public Func<ITileMap>? Map { get; init; }

    /// <summary>From a state and the spectrum of a probe v, where features are probed.</summary>
    public Func<IPairMap>? ProbedMap { get; init; }

    /// <summary>Features whose slope is found by probes: b_j(k) = ⟨conj v_k (φ_j′(u) v)_k⟩ with random v, |v_k| = 1; its standard error is about that of φ_j′ over √fields.</summary>
    public IReadOnlyList<int> Probed { get; init; } = [];

    /// <summary>Numbers m whose means enter slopes.</summary>
    public int Numbers { get; init; }

    /// <summary>Slopes in closed form.</summary>
    public required IReadOnlyList<LibrarySlope> Slopes { get; init; }

    /// <summary>Seed of the probes.</summary>
    public ulong Seed { get; init; }

    /// <summary>The first so many features have lag products with the observables; the others enter averages alone. Null: all.</summary>
    public int? Lagged { get; init; }

    /// <summary>The same features, of which only the first so many have lag products.</summary>
    public LibraryFeatures Lagging(int count) => new()
    {
        Grid = Grid,
        Names = Names,
        Map = Map,
        ProbedMap = ProbedMap,
        Probed = Probed,
        Numbers = Numbers,
        Slopes = Slopes,
        Seed = Seed,
        Lagged = count,
    };

    /// <summary>Whether φ_j is surely the gradient of a function of the field: local functions of it and symmetric linear operators on it.</summary>
    internal bool IsGradient(int feature)
    {
        var own = Slopes.Where(s => s.Feature == feature).ToArray();
        return own.Length > 0 && own.All(s => s.Mean < 0 ? s.Symbol.All(value => Math.Abs(value.Imaginary) <= 1e-12 * value.Magnitude) : s.Symbol.All(value => value == s.Symbol[0] && value.Imaginary == 0));
    }

    internal int LaggedCount => Lagged ?? Count;

    /// <summary>Number of features.</summary>
    public int Count => Names.Count;

    /// <summary>Rows of the tile that a map makes.</summary>
    public int Rows => (Count + Probed.Count) * Grid.Sites + Numbers;

    /// <summary>Applies the map; one a thread.</summary>
    internal LibraryFeatureMap Create() => new(this);
}

/// <summary>The features of a state with their random probe, one a thread.</summary>
internal sealed class LibraryFeatureMap : IDisposable
{
    private const ulong Purpose = 0x70726F6265; // a stream of its own
    private readonly LibraryFeatures features;
    private readonly ITileMap? map;
    private readonly IPairMap? probed;
    private readonly int[] opposite;

    public LibraryFeatureMap(LibraryFeatures features)
    {
        this.features = features;
        if (features.Probed.Count == 0) map = features.Map!();
        else probed = features.ProbedMap!();
        Values = new Tile(features.Rows);
        Probe = new Tile(features.Grid.Sites);
        opposite = [.. Enumerable.Range(0, features.Grid.Sites).Select(features.Grid.Conjugate)];
    }

    /// <summary>What the last state gave.</summary>
    public Tile Values { get; }

    /// <summary>v of the last state.</summary>
    public Tile Probe { get; }

    /// <summary>Values ← φ(state), with a probe that is a function of the seed, the tile and the sample.</summary>
    public void Apply(Tile state, double time, long sample)
    {
        Values.Index = Probe.Index = state.Index;
        if (map is not null)
        {
            map.Apply(state, time, Values);
            return;
        }
        FillProbe(sample);
        probed!.Apply(state, Probe, time, Values);
    }

    public void Dispose()
    {
        map?.Dispose();
        probed?.Dispose();
        Values.Dispose();
        Probe.Dispose();
    }

    // Phases of 1, i, −1, −i in every mode, ±1 where a mode is its own conjugate: E conj(v_k) v_q = δ_kq. Two bits for each of sixteen fields.
    private void FillProbe(long sample)
    {
        long tile = (long)Probe.Index << 40;
        for (int k = 0; k < opposite.Length; k++)
        {
            int q = opposite[k];
            if (q < k) continue;
            ulong bits = Draw.Bits(features.Seed, Purpose, tile + sample, k);
            for (int lane = 0; lane < LaneArray.Lanes; lane++, bits >>= 4)
            {
                var (a, b) = (Phase(bits & 3, k == q), Phase((bits >> 2) & 3, k == q));
                // Z = a + i b at k, conj a + i conj b at −k.
                (Probe.A[k, lane], Probe.B[k, lane]) = (a.Re - b.Im, a.Im + b.Re);
                (Probe.A[q, lane], Probe.B[q, lane]) = (a.Re + b.Im, b.Re - a.Im);
            }
        }
    }

    private static (double Re, double Im) Phase(ulong bits, bool real) => bits switch
    {
        0 => (1, 0),
        1 => real ? (1, 0) : (0, 1),
        2 => (-1, 0),
        _ => real ? (-1, 0) : (0, -1),
    };
}
