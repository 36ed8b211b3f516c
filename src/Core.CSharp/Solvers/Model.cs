using System.Numerics;

namespace Leith.Core;

/// <summary>
/// du = (L u + N(u, t)) dt + S dW (Itô), additive noise.
/// On a torus L and S are Fourier multipliers: Ẑ_k gets L_k Ẑ_k dt + σ_k √N_sites √dt (n₁ + i n₂) with n₁, n₂ independent standard normals of the two member blocks
/// (the transform of white noise with pixel variance 1 per unit time times σ_k, so that the pixel variance per unit time is ⟨σ_k²⟩ over the modes).
/// For scalar unknowns L is a matrix and S a matrix [unknown, noise].
/// Several unknowns stand one after the other in the rows of the state (<see cref="Segments"/>): L and S are then one factor a row, as on a torus, real for rows that are no modes,
/// where N_sites is that of the row's own field for a mode and 1 for a number or a site. What couples rows belongs to N.
/// Noise that depends on the state is <see cref="Multiplicative"/>.
/// </summary>
public sealed record Model
{
    /// <summary>The torus, or null for scalar unknowns.</summary>
    public Grid? Grid { get; init; }

    /// <summary>Number of modes or of scalar unknowns.</summary>
    public required int Rows { get; init; }

    /// <summary>Every unknown's place in the rows, in order; that of the one field or of the scalar unknowns when it is not given.</summary>
    public IReadOnlyList<Segment> Segments
    {
        get => field ??= Grid is not null
            ? [new Segment(Names.Count > 0 ? Names[0] : "u", Grid, Representation.Modes, 0)]
            : [.. Enumerable.Range(0, Rows).Select(row => new Segment(row < Names.Count ? Names[row] : $"unknown {row}", null, Representation.Number, row))];
        init;
    }

    /// <summary>Whether an unknown is a field: L and S are then one factor a row.</summary>
    public bool HasFields => Grid is not null || Segments.Any(segment => segment.Grid is not null);

    /// <summary>L_k, one entry a mode (torus); null for scalar unknowns, or where there is no linear part. L_−k = conj L_k, as of a real operator.</summary>
    public Complex[]? LinearSymbol { get; init; }

    /// <summary>The matrix L (scalar unknowns); null on a torus, or where there is no linear part.</summary>
    public double[,]? LinearMatrix { get; init; }

    /// <summary>Makes one instance, for one thread, of the part N that is not linear; null when the drift is linear.</summary>
    public Func<ITileMap>? Nonlinear { get; init; }

    /// <summary>σ_k ≥ 0 or complex with σ_{−k} = conj σ_k, one entry a mode (torus), else null.</summary>
    public Complex[]? NoiseSymbol { get; init; }

    /// <summary>S, [unknown, noise] (scalar unknowns); null on a torus, or where there is no noise.</summary>
    public double[,]? NoiseMatrix { get; init; }

    /// <summary>Names of the scalar unknowns, or of the field, for messages.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Noise that depends on the state, S(u, t) w: linear in w, whose rows are standard increments of <see cref="MultiplicativeRows"/> white noises (Itô); null when noise is additive.</summary>
    public Func<IPairMap>? Multiplicative { get; init; }

    /// <summary>Rows of w, the white noises of <see cref="Multiplicative"/>: on a torus √N_sites (n₁ + i n₂) a mode, else n.</summary>
    public int MultiplicativeRows { get; init; }

    /// <summary>Makes, for a step h, the increment S(u, t) √h n + ½ Σ_j S_j ∂_j S_j h (n_j² − 1) of noise in which no two white noises act on one component
    /// and each amplitude depends on no component that another white noise, additive ones included, acts on; null where that does not hold. The second map gets standard increments, h = 1.</summary>
    public Func<double, Func<IPairMap>>? Milstein { get; init; }

    /// <summary>For unknowns on one lattice: makes, for a step h, u + h F(u, t) + S(u, t) √h n as code of a site, the normals numbered as for any other way to step; null where that cannot be.</summary>
    public Func<double, LocalStep>? LocalEuler { get; init; }

    /// <summary>What the rows of w hold, in order; the unknowns themselves when it is not given and there are as many rows.</summary>
    public IReadOnlyList<Segment> MultiplicativeSegments
    {
        get => field ??= MultiplicativeRows == Rows
            ? Segments
            : [.. Enumerable.Range(0, MultiplicativeRows).Select(row => new Segment($"white noise {row}", null, Representation.Number, row))];
        init;
    }

    /// <summary>Whether noise depends on the state.</summary>
    public bool IsMultiplicative => Multiplicative is not null || ScalarNoise is not null;

    /// <summary>Whether there is a linear part.</summary>
    internal bool HasLinear => HasFields ? LinearSymbol is not null : LinearMatrix is not null;

    /// <summary>Rows of standard normals that the increments of additive noise take.</summary>
    internal int AdditiveNormals => HasFields ? NoiseSymbol is { } symbol && symbol.Any(s => s != Complex.Zero) ? Rows : 0 : NoiseMatrix?.GetLength(1) ?? 0;

    /// <summary>Variance of both parts of a row of white noise per unit time: N_sites for a mode, 1 for a number or a site.</summary>
    internal static double[] Variances(IReadOnlyList<Segment> segments) =>
        [.. segments.SelectMany(s => Enumerable.Repeat(s.Representation == Representation.Modes ? (double)s.Rows : 1, s.Rows))];

    /// <summary>Rows that the system has: where products are freed of aliases, modes beyond the cut are held at zero, and neither noise, kicks nor starting states enter them; null: all rows.</summary>
    public bool[]? Kept { get; init; }

    /// <summary>What the equation divides by, as a map of the state to values at sites or numbers (<see cref="DenominatorSegments"/>); null where it divides by nothing that moves.</summary>
    public Func<ITileMap>? Denominators { get; init; }

    /// <summary>The rows of <see cref="Denominators"/>; a segment bears the text of its denominator.</summary>
    public IReadOnlyList<Segment> DenominatorSegments { get; init; } = [];

    /// <summary>For scalar unknowns: the whole drift F as code, inputs and outputs the rows; null for fields.</summary>
    public PointwiseProgram? ScalarDrift { get; init; }

    /// <summary>For scalar unknowns: S(u, t) w as code, inputs the rows and then the rows of w; null where noise is additive.</summary>
    public PointwiseProgram? ScalarNoise { get; init; }
}
