namespace Leith.Core;

/// <summary>
/// A trained score, ŝ(u) = s_base(u) + remainder(u), of the density smoothed by noise of level σ: s_base(u) = −(C + σ²)⁻¹(u − ⟨u⟩) is the Gaussian's,
/// the remainder is a network's. Made by <see cref="DenoisingTraining"/> or read from a file.
/// </summary>
public sealed class LearnedScore
{
    internal LearnedScore(GaussianBase gaussian, NoiseLevels levels, ResidualNet net, float[] parameters) =>
        (Gaussian, Levels, Net, Parameters) = (gaussian, levels, net, parameters);

    /// <summary>
    /// The noise level σ the score belongs to, or 0 where it is that of the data themselves: standard deviation of the added white noise, in the unit of the field at each site,
    /// or, for scalar unknowns, in each component's own standard deviation (σ² then stands for σ² diag C).
    /// </summary>
    public double Sigma => Levels.Implicit > 0 ? 0 : SigmaMin;

    /// <summary>The smallest noise level of the training above zero, same unit.</summary>
    public double SigmaMin => Levels.Smallest * Gaussian.SigmaUnit;

    /// <summary>The largest noise level of the training, same unit.</summary>
    public double SigmaMax => Levels.Largest * Gaussian.SigmaUnit;

    /// <summary>Whether the noise of the training has the spectrum of the field; <see cref="Sigma"/> is then a share of the standard deviation of every mode.</summary>
    public bool IsColoured => Levels.Coloured;

    /// <summary>Power of each mode of the field with the noise that the score belongs to, from that of the field: what a Gaussian score at that level divides by.</summary>
    public double[] SmoothedVariance(double[] power)
    {
        double sigma = Sigma / Gaussian.SigmaUnit, white = power.Length * Sigma * Sigma;
        return [.. power.Select((p, k) => IsColoured ? Gaussian.Eigenvalues[k] > GaussianBase.Degenerate ? p * (1 + sigma * sigma) : 0
            : white > 0 || Gaussian.Eigenvalues[k] > GaussianBase.Degenerate ? p + white : 0)];
    }

    /// <summary>Reports of the training, one for every validation; a file keeps them.</summary>
    public IReadOnlyList<TrainingProgress> History { get; internal init; } = [];

    /// <summary>Whether training was ended before its last step.</summary>
    public bool Interrupted { get; internal init; }

    /// <summary>The torus of the field, or null for scalar unknowns.</summary>
    public Grid? Grid => Gaussian.Grid;

    /// <summary>The symmetries that the score has exactly.</summary>
    public Symmetries Symmetries { get; internal init; } = Symmetries.None;

    /// <summary>What the network stands on.</summary>
    public ScoreBase Base => Levels.Base;

    /// <summary>The score that the network stands on, where one was given.</summary>
    internal Func<ITileMap>? Given { get; init; }

    internal GaussianBase Gaussian { get; }
    internal NoiseLevels Levels { get; }
    internal ResidualNet Net { get; }
    internal float[] Parameters { get; }

    /// <summary>
    /// The full score, ∇ ln ρ_σ: for a field the derivative by the value at each site, as a spectrum (see <see cref="Tile"/>); for scalar unknowns one a component.
    /// An instance serves one thread.
    /// </summary>
    /// <param name="sigma">A noise level between <see cref="SigmaMin"/> and <see cref="SigmaMax"/>; null: <see cref="Sigma"/>.</param>
    /// <exception cref="LeithException">A noise level outside the trained ones.</exception>
    public ITileMap CreateScore(double? sigma = null) => Create(sigma, whole: true);

    /// <summary>ŝ less the score of the Gaussian, or less the given score: what the network adds where it stands on either; otherwise as <see cref="CreateScore"/>.</summary>
    /// <param name="sigma">A noise level between <see cref="SigmaMin"/> and <see cref="SigmaMax"/>; null: <see cref="Sigma"/>.</param>
    /// <exception cref="LeithException">A noise level outside the trained ones.</exception>
    public ITileMap CreateRemainder(double? sigma = null) => Create(sigma, whole: false);

    /// <summary>Writes the score to a safetensors file; an existing file is replaced at once or not at all.</summary>
    /// <exception cref="LeithException">The folder is missing or not writable.</exception>
    public void Save(string path) => LearnedScoreFile.Save(this, path);

    /// <summary>Reads a score that was saved; it gives the same numbers, bit for bit, and knows its training history.</summary>
    /// <exception cref="LeithException">No such file; a file that is cut short, foreign or damaged.</exception>
    public static LearnedScore Load(string path) => LearnedScoreFile.Load(path);

    /// <summary>The same on a given score, which its file does not hold.</summary>
    public LearnedScore On(Func<ITileMap> given) =>
        Base == ScoreBase.Given ? new(Gaussian, Levels, Net, Parameters) { History = History, Interrupted = Interrupted, Symmetries = Symmetries, Given = given }
            : throw new LeithException("learned score: expected a network that was trained on a given score, got one on another base.");

    private ITileMap Create(double? sigma, bool whole)
    {
        double level = (sigma ?? Sigma) / Gaussian.SigmaUnit;
        double slack = 1e-9 * Levels.Largest;
        if (!(level >= Levels.Smallest - slack && level <= Levels.Largest + slack) && !(level == 0 && Levels.Implicit > 0))
            throw new LeithException($"learned score: expected a noise level between {SigmaMin:G4} and {SigmaMax:G4}, the trained ones{(Levels.Implicit > 0 ? ", or 0" : "")}, got {sigma}.");
        if (Base == ScoreBase.Given && Given is null)
            throw new LeithException("learned score: expected the score that the network stands on, which its file does not hold; call On with it first.");
        return Gaussian.Grid is { } grid ? new LearnedFieldMap(this, grid, level, whole) : new LearnedVectorMap(this, level, whole);
    }
}
