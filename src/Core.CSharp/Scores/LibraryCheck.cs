namespace Leith.Core;

/// <summary>What a library can be refused for when its data are known.</summary>
internal static class LibraryCheck
{
    // Fields that a kernel asks for in every mode: the score's relative error is then about √(1/20).
    private const int FieldsPerTerm = 20;

    /// <exception cref="LeithException">
    /// Too few fields or blocks for the terms; a feature that does not move; features that are linear combinations of each other, with a kernel where it is free. The message names them.
    /// </exception>
    public static void Require(LibrarySums sums, LibraryMoments moments, LibraryTerms terms)
    {
        double needed = FieldsPerTerm * Math.Max(1, terms.Free.Count);
        if (sums.Fields < needed)
            throw new LeithException($"library: expected at least {needed} fields for {terms.Free.Count} features with a kernel each, got {sums.Fields}; sample for longer, run more members or name fewer features.");
        var names = sums.Features.Names;
        foreach (int j in terms.All)
            if (Enumerable.Range(0, moments.Modes).All(h => !moments.Alive[h] || moments.Gram(h, j, j).Real <= 0))
                throw new LeithException($"library: expected features that vary, got {names[j]}, which does not; leave it out.");
        Free(moments, terms, names);
        Fixed(moments, terms, names);
    }

    private static void Free(LibraryMoments moments, LibraryTerms terms, IReadOnlyList<string> names)
    {
        var solver = new ModeSolver(terms.Free.Count);
        int[] left = new int[terms.Free.Count], alive = new int[terms.Free.Count];
        var with = new HashSet<int>[terms.Free.Count];
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            solver.Factor(moments, h, terms.Free, 0);
            for (int i = 0; i < left.Length; i++)
            {
                // a feature may vanish in some modes, as half-shifted ones at Nyquist wavenumbers
                if (!(moments.Gram(h, terms.Free[i], terms.Free[i]).Real > 0)) continue;
                alive[i]++;
                if (solver.Left[i]) left[i]++;
            }
        }
        int bad = Array.FindIndex(left.Select((count, i) => 2 * count > alive[i]).ToArray(), isBad => isBad);
        if (bad < 0) return;
        int[] partners = [.. Enumerable.Range(0, bad).OrderByDescending(i => Coherence(moments, terms.Free[i], terms.Free[bad]))];
        string before = Coherence(moments, terms.Free[partners[0]], terms.Free[bad]) > 1 - 1e-6 ? names[terms.Free[partners[0]]] : string.Join(", ", terms.Free.Take(bad).Select(j => names[j]));
        throw new LeithException($"library: expected features that a free kernel cannot make of each other, got {names[terms.Free[bad]]}, which it makes of {before}; leave one out, or give it one number with alsoFixed.");
    }

    private static double Coherence(LibraryMoments moments, int i, int j)
    {
        double sum = 0, count = 0;
        for (int h = 0; h < moments.Modes; h++)
        {
            double size = moments.Gram(h, i, i).Real * moments.Gram(h, j, j).Real;
            if (!moments.Alive[h] || !(size > 0)) continue;
            sum += Math.Pow(moments.Gram(h, i, j).Magnitude, 2) / size;
            count++;
        }
        return sum / count;
    }

    private static void Fixed(LibraryMoments moments, LibraryTerms terms, IReadOnlyList<string> names)
    {
        int n = terms.Fixed.Count;
        var system = new double[n, n];
        var own = new double[n];
        var solver = new ModeSolver(terms.Free.Count);
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            solver.Factor(moments, h, terms.Free, 0);
            var x = new System.Numerics.Complex[terms.Free.Count, n];
            for (int i = 0; i < terms.Free.Count; i++)
                for (int f = 0; f < n; f++) x[i, f] = moments.Gram(h, terms.Free[i], terms.Fixed[f]);
            solver.Solve(x);
            for (int f = 0; f < n; f++)
            {
                own[f] += moments.Multiplicity(h) * moments.Gram(h, terms.Fixed[f], terms.Fixed[f]).Real;
                for (int g = 0; g < n; g++)
                {
                    var value = moments.Gram(h, terms.Fixed[f], terms.Fixed[g]);
                    for (int i = 0; i < terms.Free.Count; i++) value -= moments.Gram(h, terms.Fixed[f], terms.Free[i]) * x[i, g];
                    system[f, g] += moments.Multiplicity(h) * value.Real;
                }
            }
        }
        for (int f = 0; f < n; f++)
            if (system[f, f] <= ModeSolver.Rounding * own[f])
                throw new LeithException($"library: expected features that those with a free kernel do not make already, got {names[terms.Fixed[f]]}; leave it out.");
        int bad = Array.FindIndex(Cholesky.Factor(system).Left, isLeft => isLeft);
        if (bad < 0) return;
        int partner = Enumerable.Range(0, bad).MaxBy(f => Math.Abs(system[f, bad]) / Math.Sqrt(system[f, f]));
        throw new LeithException($"library: expected features that are not linear combinations of each other, got {names[terms.Fixed[bad]]} beside {names[terms.Fixed[partner]]}; leave one out.");
    }
}
