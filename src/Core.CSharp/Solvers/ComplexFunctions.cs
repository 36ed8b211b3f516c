using System.Numerics;

namespace Leith.Core;

/// <summary>Functions of one number that lose digits near zero when written plainly.</summary>
internal static class ComplexFunctions
{
    /// <summary>φ₁(z) = (e^z − 1)/z, 1 at z = 0.</summary>
    public static Complex Phi1(Complex z)
    {
        if (z.Magnitude > 0.5) return (Complex.Exp(z) - 1) / z;
        // Σ zʲ/(j+1)!, enough terms for |z| ≤ 1/2 in double precision.
        Complex sum = 1;
        for (int j = 15; j >= 1; j--) sum = 1 + sum * z / (j + 1);
        return sum;
    }

    /// <summary>∫₀ʰ e^{2 Re L s} ds = (e^{2 Re L h} − 1)/(2 Re L), h at Re L = 0.</summary>
    public static double NoiseTime(Complex linear, double step) => step * Phi1(2 * linear.Real * step).Real;
}
