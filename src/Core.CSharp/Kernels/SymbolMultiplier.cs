using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>to_k = symbol_k from_k or to_k += symbol_k from_k on eight complex lanes; real and imaginary symbols take half of the work.</summary>
internal sealed unsafe class SymbolMultiplier
{
    private readonly double[] _re, _im;
    private readonly bool _accumulate, _real, _imaginary;

    public SymbolMultiplier(Complex[] symbol, bool accumulate)
    {
        _re = [.. symbol.Select(s => s.Real)];
        _im = [.. symbol.Select(s => s.Imaginary)];
        _accumulate = accumulate;
        (_real, _imaginary) = (_im.All(x => x == 0), _re.All(x => x == 0));
    }

    /// <summary>All modes.</summary>
    public void Apply(double* fromRe, double* fromIm, double* toRe, double* toIm) => Apply((Lane*)fromRe, (Lane*)fromIm, (Lane*)toRe, (Lane*)toIm, 0, _re.Length);

    /// <summary>Some modes; the addresses are those of the first of them.</summary>
    public void Apply(Lane* x, Lane* y, Lane* u, Lane* v, int first, int count)
    {
        fixed (double* re = _re, im = _im)
        {
            if (_real) Real(x, y, u, v, re + first, count);
            else if (_imaginary) Imaginary(x, y, u, v, im + first, count);
            else General(x, y, u, v, re + first, im + first, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Real(Lane* x, Lane* y, Lane* u, Lane* v, double* re, int count)
    {
        if (_accumulate)
        {
            for (int k = 0; k < count; k++)
            {
                Lane c = Vector512.Create(re[k]);
                (u[k], v[k]) = (Vector512.FusedMultiplyAdd(c, x[k], u[k]), Vector512.FusedMultiplyAdd(c, y[k], v[k]));
            }
            return;
        }
        for (int k = 0; k < count; k++)
        {
            Lane c = Vector512.Create(re[k]);
            (u[k], v[k]) = (c * x[k], c * y[k]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Imaginary(Lane* x, Lane* y, Lane* u, Lane* v, double* im, int count)
    {
        for (int k = 0; k < count; k++)
        {
            Lane s = Vector512.Create(im[k]);
            (u[k], v[k]) = _accumulate ? (LaneMath.SubtractProduct(s, y[k], u[k]), Vector512.FusedMultiplyAdd(s, x[k], v[k])) : (Vector512.Create(-im[k]) * y[k], s * x[k]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void General(Lane* x, Lane* y, Lane* u, Lane* v, double* re, double* im, int count)
    {
        for (int k = 0; k < count; k++)
        {
            Lane c = Vector512.Create(re[k]), s = Vector512.Create(im[k]), a = x[k], b = y[k];
            Lane real = LaneMath.MultiplySubtract(c, a, s * b), imaginary = Vector512.FusedMultiplyAdd(c, b, s * a);
            (u[k], v[k]) = _accumulate ? (u[k] + real, v[k] + imaginary) : (real, imaginary);
        }
    }
}
