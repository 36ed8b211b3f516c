using System.Numerics;

namespace Leith.Core;

/// <summary>Functions of one number that lose digits near zero when written plainly.</summary>
internal static class ComplexFunctions
{
    /// <summary>φ₁(z) = (e^z − 1)/z, 1 at z = 0.</summary>
    public static Complex Phi1(Complex z) => Phi(1, z);

    /// <summary>φ_k(z) = Σ_j zʲ/(j+k)!, φ_{k+1} = (φ_k − 1/k!)/z, φ₀ = e^z.</summary>
    public static Complex Phi(int order, Complex z)
    {
        // Each step of the recurrence divides the rounding by |z|: below 1 the series, which needs few terms there.
        if (z.Magnitude > (order == 1 ? 0.5 : 1))
        {
            Complex value = Complex.Exp(z);
            double inverseFactorial = 1;
            for (int k = 0; k < order; k++)
            {
                if (k > 0) inverseFactorial /= k;
                value = (value - inverseFactorial) / z;
            }
            return value;
        }
        Complex sum = 1;
        for (int j = 20; j >= 1; j--) sum = 1 + sum * z / (j + order);
        for (int k = 2; k <= order; k++) sum /= k;
        return sum;
    }

    /// <summary>∫₀ʰ e^{2 Re L s} ds = (e^{2 Re L h} − 1)/(2 Re L), h at Re L = 0.</summary>
    public static double NoiseTime(Complex linear, double step) => step * Phi1(2 * linear.Real * step).Real;
}
