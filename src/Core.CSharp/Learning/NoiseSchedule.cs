namespace Leith.Core;

/// <summary>The variance schedule of a variance-exploding process u(t) = u + σ(t) z: geometric, σ(t) = σ_min (σ_max/σ_min)^t on 0 ≤ t ≤ 1 (Song et al. 2020), or σ(t) = t on σ_min ≤ t ≤ σ_max (Karras et al. 2022).</summary>
/// <param name="Geometric">Geometric, or σ(t) = t.</param>
/// <param name="Smallest">σ_min, in the unit of the data.</param>
/// <param name="Largest">σ_max.</param>
public sealed record VarianceSchedule(bool Geometric, double Smallest, double Largest)
{
    /// <summary>The earliest time, at which σ is smallest.</summary>
    public double First => Geometric ? 0 : Smallest;

    /// <summary>The last time, T.</summary>
    public double Last => Geometric ? 1 : Largest;

    /// <summary>σ(t), exact at both ends.</summary>
    public double Sigma(double time) => !Geometric ? time : time == 1 ? Largest : Smallest * Math.Pow(Largest / Smallest, time);

    /// <summary>t(σ), the inverse.</summary>
    public double Time(double sigma) => Geometric ? Math.Log(sigma / Smallest) / Math.Log(Largest / Smallest) : sigma;

    /// <summary>dσ/dt.</summary>
    public double Slope(double time) => Geometric ? Sigma(time) * Math.Log(Largest / Smallest) : 1;

    /// <summary>g(t)² = dσ²/dt, the diffusion of du = g dW.</summary>
    public double DiffusionSquared(double time) => 2 * Sigma(time) * Slope(time);
}

/// <summary>
/// The time schedule: t_i = (T^(1/ρ) + i/n (t_0^(1/ρ) − T^(1/ρ)))^ρ, i = 0 … n, from T = Last down to t_0 = First. ρ = 1: equal steps; ρ = 7: Karras et al. 2022, with small steps at small t.
/// </summary>
/// <param name="Power">ρ &gt; 0.</param>
public sealed record TimeSchedule(double Power)
{
    /// <summary>The n + 1 times, falling; both ends are exact.</summary>
    public double[] Times(double first, double last, int steps)
    {
        double from = Math.Pow(last, 1 / Power), to = Math.Pow(first, 1 / Power);
        return [.. Enumerable.Range(0, steps + 1).Select(i => i == 0 ? last : i == steps ? first : Math.Pow(from + i * (to - from) / steps, Power))];
    }
}

/// <summary>The law of the noise levels in training: ln σ uniform in a power of r, or normal, cut off at the ends of the range.</summary>
/// <param name="Normal">ln σ ~ N(Centre, Width²), conditioned on the range; otherwise σ = σ_min (σ_max/σ_min)^(r^Power).</param>
/// <param name="Centre">Mean of ln σ, σ in standard deviations of the data.</param>
/// <param name="Width">Standard deviation of ln σ.</param>
/// <param name="Power">1: ln σ uniform (Song et al. 2020); 3: half of all levels in the lowest eighth of the logarithms.</param>
public sealed record LevelDistribution(bool Normal, double Centre, double Width, double Power)
{
    /// <summary>ln σ uniform.</summary>
    public static LevelDistribution LogUniform { get; } = new(false, 0, 1, 1);

    /// <summary>ln σ ~ N(centre, width²).</summary>
    public static LevelDistribution LogNormal(double centre, double width) => new(true, centre, width, 1);

    /// <summary>σ = σ_min (σ_max/σ_min)^(r^power) for uniform r.</summary>
    public static LevelDistribution LogPower(double power) => new(false, 0, 1, power);

    /// <summary>The inverse of the distribution function: σ at r, 0 ≤ r ≤ 1; r = 0 gives σ_min and r = 1 gives σ_max exactly.</summary>
    public double At(double r, double smallest, double largest)
    {
        if (r <= 0 || largest <= smallest) return smallest;
        if (r >= 1) return largest;
        if (!Normal) return smallest * Math.Pow(largest / smallest, Math.Pow(r, Power));
        double low = (Math.Log(smallest) - Centre) / Width, high = (Math.Log(largest) - Centre) / Width;
        // In the upper half the tail is taken from above, where the distribution function has lost its digits.
        bool above = low > 0;
        double a = Below(above ? -high : low), b = Below(above ? -low : high);
        double z = InverseBelow(above ? b + r * (a - b) : a + r * (b - a));
        return Math.Clamp(Math.Exp(Centre + Width * (above ? -z : z)), smallest, largest);
    }

    private static double Below(double z) => 0.5 * MathNet.Numerics.SpecialFunctions.Erfc(-z / Math.Sqrt(2));

    private static double InverseBelow(double p) => -Math.Sqrt(2) * MathNet.Numerics.SpecialFunctions.ErfcInv(2 * p);
}

/// <summary>The weight w(σ) of the loss ⟨w(σ) |ẑ − z|²⟩ per noise level; on the denoised field D = y − σ ẑ it reads λ(σ) |D − u|² with λ = w/σ².</summary>
/// <param name="Balanced">w = (σ² + σ_d²)/σ_d², that is λ = (σ² + σ_d²)/(σ σ_d)² (Karras et al. 2022); otherwise w = 1, λ = 1/σ² (Song et al. 2020).</param>
/// <param name="DataDeviation">σ_d, in the unit of the data.</param>
public sealed record LossWeight(bool Balanced, double DataDeviation)
{
    /// <summary>w(σ), on |ẑ − z|².</summary>
    public double OnNoise(double sigma) => Balanced ? 1 + sigma * sigma / (DataDeviation * DataDeviation) : 1;

    /// <summary>λ(σ) = w(σ)/σ², on |D − u|².</summary>
    public double OnDenoised(double sigma) => OnNoise(sigma) / (sigma * sigma);
}

/// <summary>
/// Noise levels as a value, time and variance schedules apart, training and sampling apart: each of the four parts can be exchanged for another schedule's.
/// Levels are counted in standard deviations of the data.
/// </summary>
/// <param name="Variance">σ(t), for sampling.</param>
/// <param name="Time">Where the steps of a sampler lie.</param>
/// <param name="Distribution">Law of the levels in training.</param>
/// <param name="Weight">Weight of each level in training.</param>
public sealed record NoiseSchedule(VarianceSchedule Variance, TimeSchedule Time, LevelDistribution Distribution, LossWeight Weight)
{
    /// <summary>σ_min.</summary>
    public double Smallest => Variance.Smallest;

    /// <summary>σ_max.</summary>
    public double Largest => Variance.Largest;

    /// <summary>Song et al. 2020, variance exploding: σ(t) = σ_min (σ_max/σ_min)^t in equal steps of t; training with ln σ uniform and weight 1 on |ẑ − z|².</summary>
    /// <exception cref="LeithException">Not 0 &lt; smallest &lt; largest.</exception>
    public static NoiseSchedule Song(double smallest, double largest) => new(Range("songSchedule", true, smallest, largest), new(1), LevelDistribution.LogUniform, new(false, 1));

    /// <summary>
    /// Karras et al. 2022 (EDM): σ_i = (σ_max^(1/ρ) + i/n (σ_min^(1/ρ) − σ_max^(1/ρ)))^ρ with ρ = 7 and σ(t) = t; training with ln σ ~ N(−1.2, 1.2²) and
    /// λ = (σ² + σ_d²)/(σ σ_d)² with σ_d = 1, the unit here. (They took these numbers for pictures with σ_d = ½: in units of it, the mean is −1.2 + ln 2.)
    /// </summary>
    /// <exception cref="LeithException">Not 0 &lt; smallest &lt; largest.</exception>
    public static NoiseSchedule Karras(double smallest, double largest) =>
        new(Range("karrasSchedule", false, smallest, largest), new(7), LevelDistribution.LogNormal(-1.2, 1.2), new(true, 1));

    /// <summary>The levels of a sampler with that many steps, σ_0 = σ_max &gt; … &gt; σ_n = σ_min.</summary>
    /// <exception cref="LeithException">Fewer than one step.</exception>
    public double[] Levels(int steps) => [.. Times(steps).Select(Variance.Sigma)];

    /// <summary>The times of those levels, falling from T.</summary>
    /// <exception cref="LeithException">Fewer than one step.</exception>
    public double[] Times(int steps)
    {
        if (steps < 1) throw new LeithException($"noise schedule: expected at least one step, got {steps}.");
        return Time.Times(Variance.First, Variance.Last, steps);
    }

    /// <summary>The level of training at r, uniform on [0, 1].</summary>
    public double TrainingLevel(double r) => Distribution.At(r, Smallest, Largest);

    /// <summary>The same schedule on another range.</summary>
    /// <exception cref="LeithException">Not 0 &lt; smallest &lt; largest.</exception>
    public NoiseSchedule Over(double smallest, double largest) => this with { Variance = Range("noise schedule", Variance.Geometric, smallest, largest) };

    private static VarianceSchedule Range(string word, bool geometric, double smallest, double largest)
    {
        if (!(smallest > 0 && smallest < largest) || double.IsInfinity(largest))
            throw new LeithException($"{word}: expected noise levels 0 < smallest < largest, got {smallest} and {largest}.");
        return new(geometric, smallest, largest);
    }
}
