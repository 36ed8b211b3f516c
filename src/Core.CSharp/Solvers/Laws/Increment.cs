namespace Leith.Core;

/// <summary>Which increments stand for ΔW.</summary>
internal enum IncrementKind
{
    /// <summary>√h n, every white noise.</summary>
    Brownian,

    /// <summary>1 for white noise j, else 0; on a field 1 at every site.</summary>
    Unit,

    /// <summary>ΔW_j ± (ΔW_j² − h)/√h for white noise j, else 0; on a field at every site.</summary>
    Own,

    /// <summary>ΔW_j ± (ΔW_j ΔW_r + V_rj)/√h for every white noise j ≠ r, 0 for r.</summary>
    Others,
}

/// <summary>Increments of the white noises of a step.</summary>
/// <param name="Kind">The formula.</param>
/// <param name="Noise">The white noise that it singles out.</param>
/// <param name="Sign">±.</param>
internal readonly record struct Increment(IncrementKind Kind, int Noise = 0, int Sign = 1)
{
    /// <summary><see cref="IncrementKind.Unit"/>.</summary>
    public static Increment Unit(int noise) => new(IncrementKind.Unit, noise);

    /// <summary><see cref="IncrementKind.Own"/>.</summary>
    public static Increment Own(int noise, int sign) => new(IncrementKind.Own, noise, sign);

    /// <summary><see cref="IncrementKind.Others"/>.</summary>
    public static Increment Others(int noise, int sign) => new(IncrementKind.Others, noise, sign);

    /// <summary>Which normal after those of the white noises has the sign of V_rj, r &lt; j.</summary>
    public static int Pair(int r, int j) => j * (j - 1) / 2 + r;
}
