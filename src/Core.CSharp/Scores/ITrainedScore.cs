namespace Leith.Core;

/// <summary>A score that was trained on noised data, ŝ(u) ≈ ∇ ln ρ_σ(u), whatever computes it.</summary>
public interface ITrainedScore
{
    /// <summary>The noise level σ it belongs to, standard deviation of the added white noise: in the unit of the field, or in each scalar unknown's own standard deviation.</summary>
    double Sigma { get; }

    /// <summary>Reports of the training, one for every validation.</summary>
    IReadOnlyList<TrainingProgress> History { get; }

    /// <summary>Whether training was ended before its last step.</summary>
    bool Interrupted { get; }

    /// <summary>ŝ, see <see cref="LearnedScore.CreateScore"/>. An instance serves one thread.</summary>
    ITileMap CreateScore(double? sigma = null);

    /// <summary>ŝ + (C + σ²)⁻¹(u − ⟨u⟩): what it adds to the score of the Gaussian. An instance serves one thread.</summary>
    ITileMap CreateRemainder(double? sigma = null);

    /// <summary>Writes it to a safetensors file; an existing file is replaced at once or not at all.</summary>
    void Save(string path);
}
