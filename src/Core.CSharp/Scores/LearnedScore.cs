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
    /// The noise level σ the score belongs to, the smallest of the training: standard deviation of the added white noise, in the unit of the field at each site,
    /// or, for scalar unknowns, in each component's own standard deviation (σ² then stands for σ² diag C).
    /// </summary>
    public double Sigma => Levels.Smallest * Gaussian.SigmaUnit;

    /// <summary>The largest noise level of the training, same unit.</summary>
    public double SigmaMax => Levels.Largest * Gaussian.SigmaUnit;

    /// <summary>Reports of the training, one for every validation; a file keeps them (files of older builds do not).</summary>
    public IReadOnlyList<TrainingProgress> History { get; internal init; } = [];

    /// <summary>Whether training was ended before its last step.</summary>
    public bool Interrupted { get; internal init; }

    /// <summary>The torus of the field, or null for scalar unknowns.</summary>
    public Grid? Grid => Gaussian.Grid;

    internal GaussianBase Gaussian { get; }
    internal NoiseLevels Levels { get; }
    internal ResidualNet Net { get; }
    internal float[] Parameters { get; }

    /// <summary>
    /// The full score, ∇ ln ρ_σ: for a field the derivative by the value at each site, as a spectrum (see <see cref="Tile"/>); for scalar unknowns one a component.
    /// An instance serves one thread.
    /// </summary>
    /// <param name="sigma">A noise level between <see cref="Sigma"/> and <see cref="SigmaMax"/>; null: <see cref="Sigma"/>.</param>
    /// <exception cref="LeithException">A noise level outside the trained ones.</exception>
    public ITileMap CreateScore(double? sigma = null) => Create(sigma, whole: true);

    /// <summary>ŝ − s_base: what the network adds to the score of the Gaussian; otherwise as <see cref="CreateScore"/>.</summary>
    /// <param name="sigma">A noise level between <see cref="Sigma"/> and <see cref="SigmaMax"/>; null: <see cref="Sigma"/>.</param>
    /// <exception cref="LeithException">A noise level outside the trained ones.</exception>
    public ITileMap CreateRemainder(double? sigma = null) => Create(sigma, whole: false);

    /// <summary>Writes the score to a safetensors file; an existing file is replaced at once or not at all.</summary>
    /// <exception cref="LeithException">The folder is missing or not writable.</exception>
    public void Save(string path) => LearnedScoreFile.Save(this, path);

    /// <summary>Reads a score that was saved; it gives the same numbers, bit for bit, and knows its training history.</summary>
    /// <exception cref="LeithException">No such file; a file that is cut short, foreign or damaged.</exception>
    public static LearnedScore Load(string path) => LearnedScoreFile.Load(path);

    private ITileMap Create(double? sigma, bool whole)
    {
        double level = sigma is { } given ? given / Gaussian.SigmaUnit : Levels.Smallest;
        double slack = 1e-9 * Levels.Largest;
        if (!(level >= Levels.Smallest - slack && level <= Levels.Largest + slack))
            throw new LeithException($"learned score: expected a noise level between {Sigma:G4} and {SigmaMax:G4}, the trained ones, got {sigma}.");
        return Gaussian.Grid is { } grid ? new LearnedFieldMap(this, grid, level, whole) : new LearnedVectorMap(this, level, whole);
    }
}
