namespace Leith.Core;

/// <summary>One candidate as the choice met it.</summary>
/// <param name="Feature">Its number.</param>
/// <param name="Free">Whether with a free kernel, or with one number.</param>
/// <param name="Loss">Held-out loss with it, a site.</param>
/// <param name="Gain">By how much that is below the loss without it.</param>
/// <param name="StandardError">Of the gain, from the folds.</param>
/// <param name="Taken">Whether it was taken.</param>
public sealed record LibraryStep(int Feature, bool Free, double Loss, double Gain, double StandardError, bool Taken);

/// <summary>Ridge and features chosen by held-out Hyvärinen loss: blocks of the record are left out in turn, the score is fitted on the others, and the loss is quadratic in sums at hand.</summary>
/// <remarks>Every mode counts with its variance, Σ_k C_k (½⟨|s_k|²⟩ + …), in which the Gaussian score has −½ a mode: a response errs by C_k^½ times the error of s_k, and modes without variance, whose scores are the largest, must not decide.</remarks>
public sealed class LibraryChoice
{
    private const int MostFolds = 8;

    // Scale-free; 0 is the plain solution.
    private static readonly double[] Ridges = [0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
    private readonly (LibraryMoments Others, LibraryMoments Held)[] folds;
    private readonly double[] shares, variances;

    /// <summary>Folds of consecutive blocks.</summary>
    /// <exception cref="LeithException">Fewer than two blocks.</exception>
    public LibraryChoice(LibrarySums sums)
    {
        if (sums.Blocks < 2) throw new LeithException($"library: expected at least 2 blocks to leave one out, got {sums.Blocks}; run more members or a longer record.");
        Sums = sums;
        int count = Math.Min(MostFolds, sums.Blocks);
        folds = new (LibraryMoments, LibraryMoments)[count];
        for (int fold = 0; fold < count; fold++)
        {
            double[] held = [.. Enumerable.Range(0, sums.Blocks).Select(b => b * count / sums.Blocks == fold ? 1.0 : 0.0)];
            folds[fold] = (sums.Moments([.. held.Select(w => 1 - w)]), sums.Moments(held));
        }
        double all = folds.Sum(f => f.Held.Fields);
        shares = [.. folds.Select(f => f.Held.Fields / all)];
        var whole = sums.Moments(null);
        variances = [.. Enumerable.Range(0, whole.Modes).Select(h => whole.Gram(h, 0, 0).Real / whole.Sites)];
    }

    /// <summary>The record.</summary>
    public LibrarySums Sums { get; }

    /// <summary>Held-out loss of every fold, a mode counting with its variance.</summary>
    private double[] Losses(LibraryTerms terms, double ridge) => [.. folds.AsParallel().AsOrdered().Select(fold => LibraryFit.Solve(fold.Others, terms, ridge).Loss(fold.Held, variances))];

    private double Mean(double[] losses) => losses.Zip(shares, (loss, share) => loss * share).Sum();

    /// <summary>The ridge of the lowest held-out loss, and that loss.</summary>
    public (double Ridge, double Loss) BestRidge(LibraryTerms terms)
    {
        if (terms.Free.Count(j => j > 0) == 0) return (0, Mean(Losses(terms, 0)));
        return Ridges.Select(ridge => (Ridge: ridge, Loss: Mean(Losses(terms, ridge)))).MinBy(r => r.Loss);
    }

    /// <summary>
    /// Forward selection: from the Gaussian score on, again and again the candidate that lowers the held-out loss most, with a free kernel or one number, as long as the gain is above two standard errors;
    /// then numbers in place of kernels wherever they do no worse.
    /// </summary>
    /// <param name="candidates">Numbers of the features to choose from.</param>
    /// <param name="linear">Features linear in the field, which with one number each may take the place of its free kernel.</param>
    /// <param name="steps">What was met, in order.</param>
    public LibraryTerms Forward(IReadOnlyList<int> candidates, IReadOnlyList<int> linear, out IReadOnlyList<LibraryStep> steps)
    {
        const double ridge = 1e-6;
        List<LibraryStep> met = [];
        var terms = new LibraryTerms([0], []);
        double[] current = Losses(terms, ridge);
        met.Add(new(0, true, Mean(current), 0, 0, true));
        while (true)
        {
            var offers = candidates.Where(c => !terms.All.Contains(c)).SelectMany(c => new[] { (Feature: c, Free: true), (Feature: c, Free: false) })
                .Concat(terms.Fixed.Where(c => c > 0).Select(c => (Feature: c, Free: true)))
                .Select(o => (o.Feature, o.Free, Losses: Losses(With(terms, o.Feature, o.Free), ridge))).ToArray();
            if (offers.Length == 0) break;
            var best = offers.MinBy(o => Mean(o.Losses));
            var step = Step(best.Feature, best.Free, current, best.Losses);
            met.Add(step);
            if (!step.Taken)
            {
                met.RemoveAt(met.Count - 1);
                met.AddRange(offers.GroupBy(o => o.Feature).Select(g => g.MinBy(o => Mean(o.Losses))).Select(o => Step(o.Feature, o.Free, current, o.Losses)));
                break;
            }
            terms = With(terms, best.Feature, best.Free);
            current = best.Losses;
        }
        foreach (int feature in terms.Free.Where(j => j > 0).ToArray()) Replace(With(terms, feature, false), feature);
        if (linear.Count > 0) Replace(new([.. terms.Free.Where(j => j > 0)], [.. linear, .. terms.Fixed.Except(linear)]), 0);
        steps = met;
        return terms;

        void Replace(LibraryTerms other, int feature)
        {
            double[] losses = Losses(other, ridge);
            if (Mean(losses) > Mean(current)) return;
            met.Add(Step(feature, false, current, losses) with { Taken = true });
            (terms, current) = (other, losses);
        }
    }

    private LibraryStep Step(int feature, bool free, double[] before, double[] after)
    {
        double[] gains = [.. before.Zip(after, (a, b) => a - b)];
        double gain = Mean(gains), n = gains.Length;
        double error = Math.Sqrt(gains.Sum(g => (g - gain) * (g - gain)) / (n * (n - 1)));
        return new(feature, free, Mean(after), gain, error, gain > 2 * error);
    }

    private static LibraryTerms With(LibraryTerms terms, int feature, bool free)
    {
        int[] freed = [.. terms.Free.Where(j => j != feature)], numbered = [.. terms.Fixed.Where(j => j != feature)];
        return free ? new([.. freed, feature], numbered) : new(freed, [.. numbered, feature]);
    }
}
