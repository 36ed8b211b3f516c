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

    public void Apply(double* fromRe, double* fromIm, double* toRe, double* toIm)
    {
        Lane* x = (Lane*)fromRe, y = (Lane*)fromIm, u = (Lane*)toRe, v = (Lane*)toIm;
        if (_real) Real(x, y, u, v);
        else if (_imaginary) Imaginary(x, y, u, v);
        else General(x, y, u, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Real(Lane* x, Lane* y, Lane* u, Lane* v)
    {
        for (int k = 0; k < _re.Length; k++)
        {
            Lane c = Vector512.Create(_re[k]);
            (u[k], v[k]) = _accumulate ? (Vector512.FusedMultiplyAdd(c, x[k], u[k]), Vector512.FusedMultiplyAdd(c, y[k], v[k])) : (c * x[k], c * y[k]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Imaginary(Lane* x, Lane* y, Lane* u, Lane* v)
    {
        for (int k = 0; k < _im.Length; k++)
        {
            Lane s = Vector512.Create(_im[k]);
            (u[k], v[k]) = _accumulate ? (LaneMath.SubtractProduct(s, y[k], u[k]), Vector512.FusedMultiplyAdd(s, x[k], v[k])) : (-(s * y[k]), s * x[k]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void General(Lane* x, Lane* y, Lane* u, Lane* v)
    {
        for (int k = 0; k < _re.Length; k++)
        {
            Lane c = Vector512.Create(_re[k]), s = Vector512.Create(_im[k]), a = x[k], b = y[k];
            Lane re = LaneMath.MultiplySubtract(c, a, s * b), im = Vector512.FusedMultiplyAdd(c, b, s * a);
            (u[k], v[k]) = _accumulate ? (u[k] + re, v[k] + im) : (re, im);
        }
    }
}
