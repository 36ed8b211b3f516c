namespace Leith.Core;

/// <summary>A trained score ŝ(u) = s_base(u) + remainder(u) at noise level σ.</summary>
public sealed class LearnedScore
{
    internal LearnedScore() { }

    /// <summary>The noise level σ the score belongs to.</summary>
    public double Sigma { get; init; }

    /// <summary>Reports of the training, one for every validation.</summary>
    public IReadOnlyList<TrainingProgress> History { get; init; } = [];

    /// <summary>Whether training was ended before its last step.</summary>
    public bool Interrupted { get; init; }

    /// <summary>The full score, for one thread.</summary>
    /// <param name="sigma">A noise level between those of the training; null: <see cref="Sigma"/>.</param>
    public ITileMap CreateScore(double? sigma = null) => throw new NotImplementedException();

    /// <summary>ŝ − s_base, for one thread: what the network adds to the score of the Gaussian.</summary>
    /// <param name="sigma">A noise level between those of the training; null: <see cref="Sigma"/>.</param>
    public ITileMap CreateRemainder(double? sigma = null) => throw new NotImplementedException();

    /// <summary>Writes the score to a safetensors file; an existing file is replaced at once or not at all.</summary>
    public void Save(string path) => throw new NotImplementedException();

    /// <summary>Reads a score that was saved.</summary>
    public static LearnedScore Load(string path) => throw new NotImplementedException();
}
