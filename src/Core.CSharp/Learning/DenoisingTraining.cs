namespace Leith.Core;

/// <summary>Trains scores by denoising: y = u + σ z, loss ⟨|ẑ(y, σ) − z|²⟩, score −ẑ/σ.</summary>
public static class DenoisingTraining
{
    /// <summary>Trains the score of a homogeneous field on a torus.</summary>
    /// <param name="grid">The torus.</param>
    /// <param name="fields">Samples in real space, [sample][site].</param>
    /// <param name="mean">The mean ⟨u⟩, the same at every site.</param>
    /// <param name="power">⟨|û_k|²⟩ of the field without its mean, unnormalised transform of one real field, one entry a mode.</param>
    /// <param name="options">How to train.</param>
    /// <param name="progress">Told about ten times a second.</param>
    /// <param name="cancellation">Ends training early; what is there is returned, marked as interrupted.</param>
    public static LearnedScore TrainField(
        Grid grid, float[][] fields, double mean, double[] power, TrainingOptions options,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Trains the score of scalar unknowns.</summary>
    /// <param name="samples">Samples, [sample][component].</param>
    /// <param name="mean">⟨u⟩, one entry a component.</param>
    /// <param name="covariance">The covariance of the components.</param>
    /// <param name="options">How to train.</param>
    /// <param name="progress">Told about ten times a second.</param>
    /// <param name="cancellation">Ends training early; what is there is returned, marked as interrupted.</param>
    public static LearnedScore TrainVector(
        double[][] samples, double[] mean, double[,] covariance, TrainingOptions options,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => throw new NotImplementedException();
}
