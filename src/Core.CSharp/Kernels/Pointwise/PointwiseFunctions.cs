using System.Linq.Expressions;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>Functions that vectors do not have, composed of those that they have. <paramref name="keep"/> computes a value once, <paramref name="constant"/> gives a number in all lanes.</summary>
internal sealed class PointwiseFunctions(LaneExpressions lanes, Func<Expression, Expression> keep, Func<double, Expression> constant)
{
    private const int ExpTerms = 18;

    /// <summary>x^p: integer powers by repeated squaring, x^{n+½} = xⁿ √x, negative ones as reciprocals, the others e^{p ln x}, NaN for negative x.</summary>
    public Expression Power(Expression x, double p)
    {
        if (p < 0) return Expression.Divide(constant(1.0), Power(x, -p));
        double whole = Math.Floor(p);
        if (whole > int.MaxValue || (p != whole && p - whole != 0.5)) return lanes.Call("Exp", Expression.Multiply(constant(p), lanes.Call("Log", x)));
        Expression? result = p == whole ? null : keep(lanes.Generic("Sqrt", x));
        for (uint left = (uint)whole; left > 0; left >>= 1)
        {
            if ((left & 1) != 0) result = result is null ? x : keep(Expression.Multiply(result, x));
            if (left > 1) x = keep(Expression.Multiply(x, x));
        }
        return result ?? constant(1.0);
    }

    /// <summary>tanh x, relative error about 1e-15: 1 − 2/(e^{2|x|} + 1) from ½ on, else m/(m + 2) with m = e^{2|x|} − 1 from its series.</summary>
    public Expression Tanh(Expression x)
    {
        Expression one = constant(1), two = constant(2), size = keep(lanes.Generic("Abs", x)), y = keep(Expression.Add(size, size));
        // e⁸⁰ is beyond any effect; the cut keeps infinities out of the quotient
        Expression exp = lanes.Call("Exp", lanes.Generic("Min", y, constant(80)));
        Expression far = keep(Expression.Subtract(one, Expression.Divide(two, Expression.Add(exp, one))));
        Expression small = keep(lanes.Generic("Min", y, one)), m = keep(Expression.Multiply(Series(small), small));
        Expression near = Expression.Divide(m, Expression.Add(m, two));
        Expression magnitude = lanes.Generic("ConditionalSelect", lanes.Generic("LessThan", y, one), near, far);
        // NaN fails every comparison and must come out as it went in
        return lanes.Generic("ConditionalSelect", lanes.Generic("Equals", x, x), lanes.Generic("CopySign", magnitude, x), x);
    }

    /// <summary>1 where x &gt; 0, 0 elsewhere.</summary>
    public Expression Step(Expression x)
    {
        Expression zero = constant(0), jump = lanes.Generic("ConditionalSelect", lanes.Generic("GreaterThan", x, zero), constant(1), zero);
        return lanes.Generic("ConditionalSelect", lanes.Generic("Equals", x, x), jump, x);
    }

    // Σ_{k ≥ 1} y^{k−1} / k!
    private Expression Series(Expression y)
    {
        var inverse = new double[ExpTerms + 1];
        inverse[0] = 1;
        for (int k = 1; k <= ExpTerms; k++) inverse[k] = inverse[k - 1] / k;
        Expression series = constant(inverse[ExpTerms]);
        for (int k = ExpTerms - 1; k >= 1; k--) series = keep(lanes.MultiplyAdd(series, y, constant(inverse[k])));
        return series;
    }
}
