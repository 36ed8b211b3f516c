using System.Numerics;

namespace Leith.Core;

/// <summary>Which features of a library a score has, by their numbers: those with a free complex kernel, and those with one real number for all modes.</summary>
public sealed record LibraryTerms(IReadOnlyList<int> Free, IReadOnlyList<int> Fixed)
{
    /// <summary>All of them.</summary>
    public IEnumerable<int> All => Free.Concat(Fixed);

    /// <summary>Whether the field itself has a free kernel: R(0) = I then holds as an identity.</summary>
    public bool HasFreeState => Free.Contains(0);
}

/// <summary>
/// s_k = Σ_j w_j(k) φ_j,k fitted by implicit score matching (Hyvärinen 2005), the least of ⟨½|s|² + ∇·s⟩: mode by mode Σ_j w_j G_ji = −N b_i*, G_ij = ⟨φ_i conj φ_j⟩ over N sites.
/// Features with one number for all modes share one equation each, summed over the modes.
/// </summary>
public sealed class LibraryFit
{
    internal LibraryFit(LibraryTerms terms, double ridge, Complex[]?[] weights, double[] coefficients) => (Terms, Ridge, Weights, Coefficients) = (terms, ridge, weights, coefficients);

    /// <summary>What was fitted.</summary>
    public LibraryTerms Terms { get; }

    /// <summary>The ridge, relative to what of a feature's variance the field itself does not explain: an infinite one leaves the Gaussian score.</summary>
    public double Ridge { get; }

    /// <summary>conj w_j, [feature][kept mode], null for features without part.</summary>
    internal Complex[]?[] Weights { get; }

    /// <summary>The numbers of the fixed features, in their order.</summary>
    public double[] Coefficients { get; }

    /// <summary>Solves the normal equations.</summary>
    internal static LibraryFit Solve(LibraryMoments moments, LibraryTerms terms, double ridge)
    {
        int free = terms.Free.Count, columns = 1 + terms.Fixed.Count;
        double n = moments.Sites;
        var eliminated = new Complex[moments.Modes][,];
        var system = new double[terms.Fixed.Count, terms.Fixed.Count];
        var right = new double[terms.Fixed.Count];
        var solver = new ModeSolver(free);
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            var x = eliminated[h] = new Complex[free, columns];
            for (int i = 0; i < free; i++)
            {
                x[i, 0] = -n * moments.Slope(h, terms.Free[i]);
                for (int f = 1; f < columns; f++) x[i, f] = moments.Gram(h, terms.Free[i], terms.Fixed[f - 1]);
            }
            solver.Factor(moments, h, terms.Free, ridge);
            solver.Solve(x);
            int m = moments.Multiplicity(h);
            for (int f = 0; f < right.Length; f++)
            {
                Complex value = -n * moments.Slope(h, terms.Fixed[f]);
                for (int i = 0; i < free; i++) value -= moments.Gram(h, terms.Fixed[f], terms.Free[i]) * x[i, 0];
                right[f] += m * value.Real;
                for (int g = 0; g < right.Length; g++)
                {
                    Complex entry = moments.Gram(h, terms.Fixed[f], terms.Fixed[g]);
                    for (int i = 0; i < free; i++) entry -= moments.Gram(h, terms.Fixed[f], terms.Free[i]) * x[i, g + 1];
                    system[f, g] += m * entry.Real;
                }
            }
        }
        var numbers = Cholesky.Solve(system, right);
        var weights = new Complex[]?[moments.Features];
        foreach (int j in terms.All) weights[j] = new Complex[moments.Modes];
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            for (int i = 0; i < free; i++)
            {
                Complex y = eliminated[h][i, 0];
                for (int f = 0; f < numbers.Length; f++) y -= numbers[f] * eliminated[h][i, f + 1];
                weights[terms.Free[i]]![h] = y;
            }
            for (int f = 0; f < numbers.Length; f++) weights[terms.Fixed[f]]![h] += numbers[f];
        }
        return new(terms, ridge, weights, numbers);
    }

    /// <summary>⟨½|s|² + ∇·s⟩ a site over other data: lower is better, by half the mean square error of the score.</summary>
    /// <param name="moments">The other data.</param>
    /// <param name="weights">What each mode counts, [kept mode]; 1 where null.</param>
    internal double Loss(LibraryMoments moments, double[]? weights = null)
    {
        double n = moments.Sites, loss = 0;
        int[] used = [.. Terms.All];
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            double square = 0, divergence = 0;
            foreach (int i in used)
            {
                Complex row = 0;
                foreach (int j in used) row += moments.Gram(h, i, j) * Weights[j]![h];
                square += (Complex.Conjugate(Weights[i]![h]) * row).Real;
                divergence += (Complex.Conjugate(Weights[i]![h]) * moments.Slope(h, i)).Real;
            }
            loss += (weights?[h] ?? 1) * moments.Multiplicity(h) * (square / (2 * n) + divergence);
        }
        return loss / n;
    }

    /// <summary>√(⟨|s − e|²⟩/⟨|e|²⟩) for a score e that is known, a feature of the record.</summary>
    internal double RelativeError(LibraryMoments moments, int exact)
    {
        double difference = 0, size = 0;
        int[] used = [.. Terms.All];
        for (int h = 0; h < moments.Modes; h++)
        {
            if (!moments.Alive[h]) continue;
            double e = moments.Gram(h, exact, exact).Real, d = e;
            foreach (int i in used)
            {
                Complex row = -2 * moments.Gram(h, i, exact);
                foreach (int j in used) row += moments.Gram(h, i, j) * Weights[j]![h];
                d += (Complex.Conjugate(Weights[i]![h]) * row).Real;
            }
            difference += moments.Multiplicity(h) * d;
            size += moments.Multiplicity(h) * e;
        }
        return Math.Sqrt(Math.Max(0, difference) / size);
    }
}
